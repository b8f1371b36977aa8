#include "AtomicWrite.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ftc::runtime;
namespace fs = std::filesystem;

Error ftc::runtime::outputError(const std::string &path, const char *what) {
  ExitStatus status = errno == ENOMEM ? ExitStatus::Memory : ExitStatus::Output;
  return makeError(status, "{}: {}: {}", path, what, std::generic_category().message(errno));
}

Expected<std::string> ftc::runtime::prepareTarget(const std::string &path) {
  fs::path target(path);
  if (target.filename().empty())
    target = target.parent_path();
  if (target.filename().empty() || target.filename() == "." || target.filename() == "..")
    return makeError(ExitStatus::Output, "{}: the output needs a name", path.empty() ? "''" : path);
  std::error_code failure;
  if (fs::is_symlink(target, failure)) {
    fs::path real = fs::weakly_canonical(target, failure);
    if (failure)
      return makeError(ExitStatus::Output, "{}: cannot follow the link: {}", path, failure.message());
    target = real;
  }
  fs::create_directories(folderOf(target.string()), failure);
  if (failure)
    return makeError(ExitStatus::Output, "{}: cannot create its folder: {}", path, failure.message());
  return target.string();
}

std::string ftc::runtime::folderOf(const std::string &path) {
  fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

std::string ftc::runtime::siblingName(const std::string &path, std::string_view suffix) {
  return folderOf(path) + "/." + fs::path(path).filename().string() + std::string(suffix);
}

Expected<FileDescriptor> ftc::runtime::openLocked(const std::string &path, int openFlags) {
  while (true) {
    FileDescriptor file(::open(path.c_str(), openFlags | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file)
      return outputError(path, "cannot create");
    // File systems without locks are written without one.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      return makeError(ExitStatus::Output, "{}: another process is writing it", path);
    struct stat opened, named;
    if (::fstat(file.get(), &opened) != 0)
      return outputError(path, "cannot create");
    // The writer before us may have renamed the file between our open and our lock: then take the next one.
    if (::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
      return file;
    if (!(openFlags & O_CREAT))
      return makeError(ExitStatus::Output, "{}: another process is writing it", path);
  }
}

Status ftc::runtime::syncFolder(const std::string &path) {
  FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: a file system that has nothing to sync.
  if (!folder || (::fsync(folder.get()) != 0 && errno != EINVAL))
    return outputError(path, "cannot sync");
  return Status::success();
}

Expected<AtomicFile> AtomicFile::create(const std::string &path) {
  Expected<std::string> target = prepareTarget(path);
  if (!target)
    return target.error();
  std::error_code failure;
  if (fs::is_directory(*target, failure))
    return makeError(ExitStatus::Output, "{}: is a folder, a file is to be written there", path);
  AtomicFile result;
  result.target = *target;
  result.partial = siblingName(*target, ".partial");
  Expected<FileDescriptor> file = openLocked(result.partial, O_WRONLY | O_CREAT);
  if (!file)
    return file.error();
  result.file = *std::move(file);
  if (::ftruncate(result.file.get(), 0) != 0)
    return outputError(result.partial, "cannot create");
  return result;
}

AtomicFile::~AtomicFile() {
  if (file)
    ::unlink(partial.c_str());
}

Status AtomicFile::writeFully(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t wrote = ::pwrite(file.get(), bytes.data(), bytes.size(), off_t(offset));
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return outputError(target, "cannot write");
    bytes.remove_prefix(size_t(wrote));
    offset += uint64_t(wrote);
  }
  return Status::success();
}

Status AtomicFile::flush() {
  Status status = writeFully(appended, buffer);
  appended += buffer.size();
  buffer.clear();
  return status;
}

Status AtomicFile::write(std::string_view text) {
  constexpr size_t bufferBytes = size_t(1) << 20;
  if (buffer.size() + text.size() > bufferBytes)
    if (Status status = flush(); !status)
      return status;
  if (text.size() < bufferBytes) {
    buffer += text;
    return Status::success();
  }
  Status status = writeFully(appended, text);
  appended += text.size();
  return status;
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  return write(std::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
}

Status AtomicFile::writeAt(uint64_t offset, std::span<const std::byte> bytes) {
  return writeFully(offset, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
}

Status AtomicFile::commit() {
  if (Status status = flush(); !status)
    return status;
  if (::fsync(file.get()) != 0)
    return outputError(target, "cannot sync");
  if (::rename(partial.c_str(), target.c_str()) != 0)
    return outputError(target, "cannot replace");
  file = FileDescriptor();
  return syncFolder(folderOf(target));
}

Status ftc::runtime::writeFileAtomically(const std::string &path, std::string_view content) {
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.error();
  if (Status status = file->write(content); !status)
    return status;
  return file->commit();
}

Status ftc::runtime::copyFile(const std::string &from, const std::string &to) {
  Expected<MappedFile> source = MappedFile::open(from);
  if (!source)
    return source.error();
  return writeFileAtomically(to, source->text());
}
