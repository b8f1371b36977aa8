#include "ftc/Runtime/Core/File.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ftc::runtime;

FileDescriptor::~FileDescriptor() {
  if (fd >= 0)
    ::close(fd);
}

static Error systemError(const std::string &path, const char *what) {
  ExitStatus status = errno == ENOMEM ? ExitStatus::Memory : ExitStatus::Input;
  return makeError(status, "{}: {}: {}", path, what, std::generic_category().message(errno));
}

/// Opens a regular file. O_NONBLOCK keeps a named pipe from blocking before it is refused.
static Expected<FileDescriptor> openRegular(const std::string &path, uint64_t &size) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file)
    return systemError(path, "cannot open");
  struct stat info;
  if (::fstat(file.get(), &info) != 0)
    return systemError(path, "cannot read");
  if (!S_ISREG(info.st_mode))
    return makeError(ExitStatus::Input, "{}: not a file but a {}", path,
                     S_ISDIR(info.st_mode) ? "folder" : "device or pipe");
  size = uint64_t(info.st_size);
  return file;
}

/// Refuses what a clone without Git LFS leaves in place of a large file.
static Status checkContent(const std::string &path, std::string_view content) {
  if (content.size() < 1024 && content.starts_with("version https://git-lfs.github.com/spec/"))
    return makeError(ExitStatus::Input, "{}: a Git LFS pointer, the file itself was not fetched: run 'git lfs pull'",
                     path);
  return Status::success();
}

Expected<std::string> ftc::runtime::readFile(const std::string &path, uint64_t maxBytes) {
  uint64_t size = 0;
  Expected<FileDescriptor> file = openRegular(path, size);
  if (!file)
    return file.error();
  if (size > maxBytes)
    return makeError(ExitStatus::Input, "{}: has {} bytes, at most {} are read", path, size, maxBytes);
  std::string content(size, '\0');
  size_t done = 0;
  while (done < content.size()) {
    ssize_t got = ::read(file->get(), content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError(path, "cannot read");
    if (got == 0)
      break;
    done += size_t(got);
  }
  content.resize(done);
  if (Status status = checkContent(path, content); !status)
    return status.error();
  return content;
}

Expected<MappedFile> MappedFile::open(const std::string &path) {
  uint64_t size = 0;
  Expected<FileDescriptor> file = openRegular(path, size);
  if (!file)
    return file.error();
  MappedFile mapped;
  mapped.filePath = path;
  if (size == 0)
    return mapped;
  void *address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file->get(), 0);
  if (address == MAP_FAILED)
    return systemError(path, "cannot map");
  mapped.data = static_cast<const std::byte *>(address);
  mapped.size = size;
  mapped.descriptor = std::move(*file);
  if (Status status = checkContent(path, mapped.text()); !status)
    return status.error();
  return mapped;
}

void ftc::runtime::releasePages(std::span<const std::byte> mapped) {
  auto page = uintptr_t(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<uintptr_t>(mapped.data()), end = begin + mapped.size();
  begin = (begin + page - 1) / page * page;
  end = end / page * page;
  if (begin < end) // advice: what it does not do costs memory, nothing else
    (void)::madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

Expected<bool> MappedFile::mapInto(std::span<std::byte> target, uint64_t offset) const {
  constexpr size_t least = size_t(64) << 10;
  auto page = uintptr_t(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<uintptr_t>(target.data()), end = begin + target.size();
  uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if ((begin - offset) % page != 0 || last < first + least)
    return false;
  size_t head = first - begin, pages = last - first, tail = end - last;
  // A failure may have taken away what was there.
  if (::mmap(reinterpret_cast<void *>(first), pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, descriptor.get(),
             off_t(offset + head)) == MAP_FAILED)
    return systemError(filePath, "cannot map");
#ifdef MADV_POPULATE_READ // advice: pages that are not there now come when they are read
  (void)::madvise(reinterpret_cast<void *>(first), pages, MADV_POPULATE_READ);
#endif
  std::memcpy(target.data(), data + offset, head);
  std::memcpy(target.data() + head + pages, data + offset + head + pages, tail);
  return true;
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : filePath(std::move(other.filePath)), descriptor(std::move(other.descriptor)),
      data(std::exchange(other.data, nullptr)), size(std::exchange(other.size, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(filePath, other.filePath);
  std::swap(descriptor, other.descriptor);
  std::swap(data, other.data);
  std::swap(size, other.size);
  return *this;
}

MappedFile::~MappedFile() {
  if (data)
    ::munmap(const_cast<std::byte *>(data), size);
}
