//===- File.h - reading, mapping and atomically writing files ----*- C++ -*-===//
//
// A failed read has exit status Input, a failed write has Output; messages name the path and the system's reason.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_CORE_FILE_H
#define FTC_RUNTIME_CORE_FILE_H

#include "ftc/Runtime/Core/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::runtime {

/// An open file descriptor, closed with its owner; -1 owns nothing.
class FileDescriptor {
public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd(fd) {}
  FileDescriptor(FileDescriptor &&other) noexcept : fd(std::exchange(other.fd, -1)) {}
  FileDescriptor &operator=(FileDescriptor &&other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return fd; }
  explicit operator bool() const { return fd >= 0; }

private:
  int fd = -1;
};

/// The whole of a regular file of at most `maxBytes`.
Expected<std::string> readFile(const std::string &path, uint64_t maxBytes);

/// A regular file mapped read-only. The mapping stays valid when the object moves.
class MappedFile {
public:
  static Expected<MappedFile> open(const std::string &path);
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  const std::string &path() const { return filePath; }
  std::span<const std::byte> bytes() const { return {data, size}; }
  std::string_view text() const { return {reinterpret_cast<const char *>(data), size}; }

  /// Puts the file's bytes from `offset` on into memory of this process that it may replace: whole pages show the
  /// file's until something writes to them, and what remains at both ends is copied. False, and nothing, where `target`
  /// does not lie in its pages as the bytes do in the file's, or has few of them.
  Expected<bool> mapInto(std::span<std::byte> target, uint64_t offset) const;

private:
  MappedFile() = default;

  std::string filePath;
  FileDescriptor descriptor;
  const std::byte *data = nullptr;
  size_t size = 0;
};

/// Lets the pages go that lie wholly in a part of a mapping: they are read from the file again when they are needed.
/// Bytes that have been copied would otherwise count as this process's memory.
void releasePages(std::span<const std::byte> mapped);

/// Writes a file so that its path holds the old content or the new one, whenever the process is killed: the bytes go to
/// `.NAME.partial` beside it, which commit() syncs and renames. Without commit() the partial file is removed. A second
/// process writing the same path is refused.
class AtomicFile {
public:
  /// Creates the missing folders above `path`.
  static Expected<AtomicFile> create(const std::string &path);
  AtomicFile(AtomicFile &&) = default;
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  /// Appends (buffered).
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  /// Writes at a fixed place; what lies between is zero. Not to be mixed with write() of the same range.
  Status writeAt(uint64_t offset, std::span<const std::byte> bytes);
  Status commit();

private:
  AtomicFile() = default;
  Status flush();
  Status writeFully(uint64_t offset, std::string_view bytes);

  FileDescriptor file;
  std::string target, partial;
  std::string buffer;
  uint64_t appended = 0; ///< bytes that left the buffer
};

/// AtomicFile of one piece.
Status writeFileAtomically(const std::string &path, std::string_view content);

/// Writes a folder of files as one: they go to `.NAME.partial/` beside it, which commit() syncs and exchanges with the
/// folder at `path`. An existing folder is replaced only if every entry in it matches one of the `owned` shell patterns
/// (`*.safetensors`): nobody's other files are deleted. Without commit() nothing changes.
class AtomicDirectory {
public:
  static Expected<AtomicDirectory> create(const std::string &path, std::vector<std::string> owned);
  AtomicDirectory(AtomicDirectory &&) = default;
  AtomicDirectory &operator=(AtomicDirectory &&) = delete;
  ~AtomicDirectory();

  /// Where to write the file that will be `path`/`name`.
  std::string file(std::string_view name) const { return partial + "/" + std::string(name); }
  Status commit();

private:
  AtomicDirectory() = default;

  FileDescriptor lock;
  std::string target, partial;
  std::vector<std::string> owned;
};

/// Copies a file of any size atomically.
Status copyFile(const std::string &from, const std::string &to);

} // namespace ftc::runtime

#endif // FTC_RUNTIME_CORE_FILE_H
