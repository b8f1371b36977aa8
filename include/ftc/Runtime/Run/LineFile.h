//===- LineFile.h - a file that grows by lines -------------------------------===//
#pragma once

#include "ftc/Runtime/Core/File.h"

namespace ftc::run {

using namespace runtime; // its statuses, files and element types

/// A file of lines. A line is written at once and as one; `sync` makes all of them last.
class LineFile {
public:
  /// Keeps the first `keptBytes` of an existing file.
  static Expected<LineFile> open(const std::string &path, uint64_t keptBytes);

  Status append(std::string_view line);
  /// Drops what follows the first `bytes` bytes.
  Status truncate(uint64_t bytes);
  Status sync();
  uint64_t size() const { return length; }
  /// What the file holds.
  Expected<std::string> read() const;

private:
  LineFile(std::string path, FileDescriptor file) : path(std::move(path)), file(std::move(file)) {}

  std::string path;
  FileDescriptor file;
  uint64_t length = 0;
};

} // namespace ftc::run
