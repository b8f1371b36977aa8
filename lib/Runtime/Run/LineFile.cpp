//===- LineFile.cpp - a file that grows by lines -----------------------------===//

#include "ftc/Runtime/Run/LineFile.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace ftc::run {

static Error failure(const std::string &path, std::string_view what) {
  return makeError(ExitStatus::Output, "{}: {}: {}", path, what, std::strerror(errno));
}

Expected<LineFile> LineFile::open(const std::string &path, uint64_t keptBytes) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!fd)
    return failure(path, "cannot be opened");
  struct stat info{};
  if (fstat(fd.get(), &info) != 0)
    return failure(path, "cannot be read");
  LineFile lines(path, std::move(fd));
  if (static_cast<uint64_t>(info.st_size) < keptBytes)
    keptBytes = static_cast<uint64_t>(info.st_size); // someone else has shortened it
  if (Status status = lines.truncate(keptBytes); !status)
    return status.error();
  return lines;
}

Status LineFile::truncate(uint64_t bytes) {
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0 ||
      lseek(file.get(), static_cast<off_t>(bytes), SEEK_SET) < 0)
    return failure(path, "cannot be shortened");
  length = bytes;
  return Status::success();
}

Status LineFile::append(std::string_view line) {
  char end = '\n';
  iovec parts[] = {{const_cast<char *>(line.data()), line.size()}, {&end, 1}};
  while (parts[1].iov_len > 0) {
    ssize_t written = writev(file.get(), parts, 2);
    if (written < 0 && errno != EINTR)
      return failure(path, "cannot be written");
    auto rest = written > 0 ? static_cast<size_t>(written) : 0;
    for (iovec &part : parts) {
      size_t done = std::min(rest, part.iov_len);
      part.iov_base = static_cast<char *>(part.iov_base) + done;
      part.iov_len -= done;
      rest -= done;
    }
  }
  length += line.size() + 1;
  return Status::success();
}

Expected<std::string> LineFile::read() const { return readFile(path, std::numeric_limits<uint64_t>::max()); }

Status LineFile::sync() {
  if (fsync(file.get()) != 0)
    return failure(path, "cannot be synced");
  return Status::success();
}

} // namespace ftc::run
