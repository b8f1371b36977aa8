#include "AtomicWrite.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ftc::runtime;
namespace fs = std::filesystem;

static Error folderError(const std::string &path, const char *what, const std::error_code &failure) {
  return makeError(ExitStatus::Output, "{}: {}: {}", path, what, failure.message());
}

static Status removeTree(const std::string &path) {
  std::error_code failure;
  fs::remove_all(path, failure);
  if (failure)
    return folderError(path, "cannot remove", failure);
  return Status::success();
}

static bool isOwned(const std::string &name, const std::vector<std::string> &owned) {
  for (const std::string &pattern : owned)
    if (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0)
      return true;
  return false;
}

/// Fails if `path` exists and is not a folder with nothing but owned files.
static Status checkReplaceable(const std::string &path, const std::vector<std::string> &owned) {
  std::error_code failure;
  fs::file_status status = fs::symlink_status(path, failure);
  if (status.type() == fs::file_type::not_found)
    return Status::success();
  if (status.type() != fs::file_type::directory)
    return makeError(ExitStatus::Output, "{}: is a file, a folder is to be written there", path);
  for (fs::directory_iterator entry(path, failure), end; !failure && entry != end; entry.increment(failure)) {
    std::string name = entry->path().filename().string();
    if (!isOwned(name, owned) || entry->is_directory(failure))
      return makeError(
          ExitStatus::Output,
          "{}: holds {}, which is no part of this output and would be lost; move it or choose another folder", path,
          quote(name));
  }
  if (failure)
    return folderError(path, "cannot read", failure);
  return Status::success();
}

/// Puts back the folder that a process killed between two renames had moved aside.
static Status recover(const std::string &target) {
  std::string old = siblingName(target, ".old");
  std::error_code failure;
  if (!fs::exists(old, failure))
    return Status::success();
  if (fs::exists(target, failure))
    return removeTree(old);
  if (::rename(old.c_str(), target.c_str()) != 0)
    return outputError(target, "cannot restore");
  return Status::success();
}

static Status clear(const std::string &folder) {
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (Status status = removeTree(entry->path().string()); !status)
      return status;
  if (failure)
    return folderError(folder, "cannot read", failure);
  return Status::success();
}

Expected<AtomicDirectory> AtomicDirectory::create(const std::string &path, std::vector<std::string> owned) {
  Expected<std::string> target = prepareTarget(path);
  if (!target)
    return target.error();
  AtomicDirectory result;
  result.target = *target;
  result.partial = siblingName(*target, ".partial");
  result.owned = std::move(owned);
  if (Status status = recover(*target); !status)
    return status.error();
  if (Status status = checkReplaceable(*target, result.owned); !status)
    return status.error();
  if (::mkdir(result.partial.c_str(), 0777) != 0 && errno != EEXIST)
    return outputError(result.partial, "cannot create");
  Expected<FileDescriptor> lock = openLocked(result.partial, O_RDONLY | O_DIRECTORY);
  if (!lock)
    return lock.error();
  result.lock = *std::move(lock);
  if (Status status = clear(result.partial); !status)
    return status.error();
  return result;
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (lock)
    fs::remove_all(partial, ignored);
}

static Status syncTree(const std::string &folder) {
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    std::string path = entry->path().string();
    FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file || ::fsync(file.get()) != 0)
      return outputError(path, "cannot sync");
  }
  if (failure)
    return folderError(folder, "cannot read", failure);
  return syncFolder(folder);
}

/// Replaces `target`, which exists, by `partial`; the old folder is what `partial` or `.NAME.old` names afterwards.
static Status replaceFolder(const std::string &partial, const std::string &target) {
  if (::renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0)
    return Status::success();
  if (errno != EINVAL && errno != ENOSYS)
    return outputError(target, "cannot replace");
  std::string old = siblingName(target, ".old");
  if (::rename(target.c_str(), old.c_str()) != 0 || ::rename(partial.c_str(), target.c_str()) != 0)
    return outputError(target, "cannot replace");
  return Status::success();
}

Status AtomicDirectory::commit() {
  if (Status status = syncTree(partial); !status)
    return status;
  if (Status status = checkReplaceable(target, owned); !status)
    return status;
  std::error_code failure;
  if (fs::exists(target, failure)) {
    if (Status status = replaceFolder(partial, target); !status)
      return status;
  } else if (::rename(partial.c_str(), target.c_str()) != 0) {
    return outputError(target, "cannot create");
  }
  lock = FileDescriptor();
  if (Status status = syncFolder(folderOf(target)); !status)
    return status;
  if (Status status = removeTree(partial); !status)
    return status;
  return removeTree(siblingName(target, ".old"));
}
