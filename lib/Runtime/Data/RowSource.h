//===- RowSource.h - the rows of a JSON file --------------------*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_ROWSOURCE_H
#define FTC_RUNTIME_DATA_ROWSOURCE_H

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/IO/Json.h"

#include <optional>
#include <string>

namespace ftc::runtime::data {

/// A row and where it stands: "FILE:12: ", or "FILE: [11]: " in an array.
struct Row {
  json::Value value;
  std::string place;
};

/// Reads the rows of a file one after the other: a value a line, or the elements of one array, which is told by the
/// file's first character. Empty lines are no rows. Lines end at `\n` only: strings may hold U+2028 and the like.
class RowSource {
public:
  static Expected<RowSource> open(const std::string &path);

  /// The next row, or nothing at the end of the file.
  Expected<std::optional<Row>> next();

private:
  explicit RowSource(MappedFile mapping) : file(std::move(mapping)) {}

  Status readArray();
  Expected<std::optional<Row>> nextLine();

  MappedFile file;
  json::Parser parser;
  size_t position = 0;  // in the file
  uint64_t line = 0;    // lines read
  json::Array elements; // of a file that is one array
  size_t element = 0;
  bool isArray = false;
};

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_ROWSOURCE_H
