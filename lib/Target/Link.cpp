#include "Link.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace ftc::target {

template <typename... Args> static Error makeError(const char *format, Args... args) {
  return createStringError(inconvertibleErrorCode(), format, args...);
}

/// The folder with libftc_runtime.a and ftc_runtime.link: ../lib of the running program's own.
static Expected<std::string> findRuntimeFolder() {
  static int anchor;
  std::string program = sys::fs::getMainExecutable(nullptr, &anchor);
  SmallString<256> folder(sys::path::parent_path(sys::path::parent_path(program)));
  sys::path::append(folder, "lib");
  SmallString<256> archive(folder);
  sys::path::append(archive, "libftc_runtime.a");
  if (!sys::fs::exists(archive))
    return makeError("cannot find the runtime: there is no '%s'", archive.c_str());
  return folder.str().str();
}

/// The options of the link, one a line, which the build has written beside the archive.
static Expected<std::vector<std::string>> readLinkOptions(StringRef folder) {
  SmallString<256> path(folder);
  sys::path::append(path, "ftc_runtime.link");
  ErrorOr<std::unique_ptr<MemoryBuffer>> file = MemoryBuffer::getFile(path);
  if (!file)
    return makeError("cannot read '%s': %s", path.c_str(), file.getError().message().c_str());
  std::vector<std::string> options;
  SmallVector<StringRef> lines;
  (*file)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    options.push_back(line.str());
  return options;
}

static Error runLinker(ArrayRef<std::string> arguments) {
  ErrorOr<std::string> compiler = sys::findProgramByName(arguments.front());
  if (!compiler)
    return makeError("cannot link: '%s' is not installed", arguments.front().c_str());
  SmallString<256> messages;
  if (std::error_code error = sys::fs::createTemporaryFile("ftc-link", "txt", messages))
    return makeError("cannot make a temporary file: %s", error.message().c_str());
  scope_exit removeMessages([&] { sys::fs::remove(messages); });
  SmallVector<StringRef> references(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(messages), StringRef(messages)};
  std::string failure;
  int code = sys::ExecuteAndWait(*compiler, references, std::nullopt, redirects, 0, 0, &failure);
  if (code == 0)
    return Error::success();
  ErrorOr<std::unique_ptr<MemoryBuffer>> text = MemoryBuffer::getFile(messages);
  return makeError("linking failed (%s, status %d): %s%s", compiler->c_str(), code, failure.c_str(),
                   text ? (*text)->getBuffer().str().c_str() : "");
}

/// A file that is removed with this, unless it has been renamed.
struct TemporaryFile {
  explicit TemporaryFile(StringRef path) : path(path) {}
  TemporaryFile(const TemporaryFile &) = delete;
  ~TemporaryFile() { sys::fs::remove(path); }
  SmallString<256> path;
};

static Expected<std::unique_ptr<TemporaryFile>> writeObject(StringRef object, StringRef output) {
  SmallString<256> path;
  int descriptor;
  if (std::error_code error = sys::fs::createUniqueFile(output + ".%%%%%%.o", descriptor, path))
    return makeError("cannot write beside '%s': %s", output.str().c_str(), error.message().c_str());
  auto file = std::make_unique<TemporaryFile>(path);
  raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << object;
  stream.close();
  if (!stream.has_error())
    return file;
  std::error_code error = stream.error();
  stream.clear_error();
  return makeError("cannot write '%s': %s", path.c_str(), error.message().c_str());
}

Error linkExecutable(ArrayRef<std::unique_ptr<MemoryBuffer>> objects, StringRef output) {
  Expected<std::string> folder = findRuntimeFolder();
  if (!folder)
    return folder.takeError();
  Expected<std::vector<std::string>> options = readLinkOptions(*folder);
  if (!options)
    return options.takeError();
  std::vector<std::unique_ptr<TemporaryFile>> files;
  for (const std::unique_ptr<MemoryBuffer> &object : objects) {
    Expected<std::unique_ptr<TemporaryFile>> file = writeObject(object->getBuffer(), output);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
  }
  TemporaryFile temporary(files.front()->path);
  sys::path::replace_extension(temporary.path, "exe");

  // The compiler's driver, then what the build says; the objects come first, so that they can ask for the rest.
  std::vector<std::string> arguments{options->front(), "-o", temporary.path.str().str()};
  for (const std::unique_ptr<TemporaryFile> &file : files)
    arguments.push_back(file->path.str().str());
  arguments.push_back("-L" + *folder);
  arguments.insert(arguments.end(), options->begin() + 1, options->end());
  if (Error error = runLinker(arguments))
    return error;
  if (std::error_code error = sys::fs::rename(temporary.path, output))
    return makeError("cannot write '%s': %s", output.str().c_str(), error.message().c_str());
  return Error::success();
}

} // namespace ftc::target
