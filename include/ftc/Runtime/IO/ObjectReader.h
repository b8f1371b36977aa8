//===- ObjectReader.h - members of a JSON object ----------------*- C++ -*-===//

#ifndef FTC_RUNTIME_IO_OBJECTREADER_H
#define FTC_RUNTIME_IO_OBJECTREADER_H

#include "ftc/Runtime/IO/Json.h"

#include <optional>
#include <string>
#include <string_view>

namespace ftc::runtime::json {

/// Reads members of a JSON object by type. The first mistake is kept and everything after it reads as the fallback, so
/// that a reader asks once, at its end. Absent and null are the same.
class ObjectReader {
public:
  /// `place` names the value in messages: `tokenizer.json: model`, or `rows.jsonl:12: ` for what is a file's or a
  /// line's own object. `value` must outlive the reader.
  ObjectReader(const Value &value, std::string place);

  const std::string &place() const { return where; }
  std::string placeOf(std::string_view key) const;

  /// The member, or null.
  const Value *member(std::string_view key) const;
  /// The member, which must be there; null after a mistake.
  const Value *required(std::string_view key);

  bool boolean(std::string_view key, bool fallback);
  int64_t integer(std::string_view key, int64_t lowest, int64_t highest);
  /// A finite number.
  double number(std::string_view key);
  std::string string(std::string_view key);
  std::optional<std::string> optionalString(std::string_view key);
  /// An array that must be there; empty after a mistake.
  const Array &array(std::string_view key);

  /// Records a mistake of this object; `text` says what is wrong.
  void fail(std::string_view text);
  void fail(const Status &status);
  Status status() const { return mistake ? Status(*mistake) : Status::success(); }

private:
  void mismatch(std::string_view key, std::string_view expected, const Value &got);

  const Value *object;
  std::string where;
  std::optional<Error> mistake;
};

} // namespace ftc::runtime::json

#endif // FTC_RUNTIME_IO_OBJECTREADER_H
