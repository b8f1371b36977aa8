//===- ObjectReader.h - members of a JSON object ----------------*- C++ -*-===//

#ifndef FTC_RUNTIME_TEXT_OBJECTREADER_H
#define FTC_RUNTIME_TEXT_OBJECTREADER_H

#include "ftc/Runtime/IO/Json.h"

#include <optional>
#include <string>
#include <string_view>

namespace ftc::runtime::text {

/// Reads members of a JSON object by type. The first mistake is kept and everything after it reads as the fallback, so
/// that a reader asks once, at its end. Absent and null are the same.
class ObjectReader {
public:
  /// `place` names the value in messages: `tokenizer.json: model`. `value` must outlive the reader.
  ObjectReader(const json::Value &value, std::string place);

  const std::string &place() const { return where; }
  std::string placeOf(std::string_view key) const { return where + "." + std::string(key); }

  /// The member, or null.
  const json::Value *member(std::string_view key) const;
  /// The member, which must be there; null after a mistake.
  const json::Value *required(std::string_view key);

  bool boolean(std::string_view key, bool fallback);
  int64_t integer(std::string_view key, int64_t lowest, int64_t highest);
  std::string string(std::string_view key);
  std::optional<std::string> optionalString(std::string_view key);
  /// An array that must be there; empty after a mistake.
  const json::Array &array(std::string_view key);

  /// Records a mistake of this object; `text` says what is wrong.
  void fail(std::string_view text);
  void fail(const Status &status);
  Status status() const { return mistake ? Status(*mistake) : Status::success(); }

private:
  void mismatch(std::string_view key, std::string_view expected, const json::Value &got);

  const json::Value *object;
  std::string where;
  std::optional<Error> mistake;
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_OBJECTREADER_H
