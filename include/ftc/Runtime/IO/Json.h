//===- Json.h - strict, bounded JSON -----------------------------*- C++ -*-===//
//
// Reading: RFC 8259 without exceptions to it, UTF-8 only (surrogate escapes must pair), at most 64 levels, numbers that
// f64 can hold. Errors have exit status Input and read `FILE:LINE:COLUMN: what`. Writing keeps the order of members and
// prints numbers in the shortest form that reads back equal.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_IO_JSON_H
#define FTC_RUNTIME_IO_JSON_H

#include "ftc/Runtime/Core/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ftc::runtime::json {

class Value;
struct Member;
using Array = std::vector<Value>;
/// Members in the file's order.
using Object = std::vector<Member>;

/// One JSON value, with all below it.
class Value {
public:
  Value(); ///< null
  Value(std::nullptr_t);
  Value(bool value);
  Value(int value);
  Value(int64_t value);
  Value(double value);
  Value(const char *text);
  Value(std::string_view text);
  Value(std::string text);
  Value(Array elements);
  Value(Object members);

  bool isNull() const { return std::holds_alternative<std::monostate>(content); }
  std::optional<bool> asBool() const;
  /// A number written without fraction and exponent that fits; other numbers are no integers.
  std::optional<int64_t> asInteger() const;
  /// Any number.
  std::optional<double> asNumber() const;
  const std::string *asString() const { return std::get_if<std::string>(&content); }
  const Array *asArray() const { return std::get_if<Array>(&content); }
  const Object *asObject() const { return std::get_if<Object>(&content); }

  /// The member of that name, the last of several; null when this is no object or has none. Linear in the members.
  const Value *find(std::string_view key) const;

  /// "null", "a boolean", "an integer", "a number", "a string", "an array", "an object": for messages.
  std::string_view kind() const;

  bool operator==(const Value &) const;

private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> content;
};

/// A named value of an object.
struct Member {
  std::string key;
  Value value;

  bool operator==(const Member &) const = default;
};

/// The object of these members: a key, its value, the next key, and so on. What is written in braces instead is
/// destroyed wrongly by GCC 12 where making a part of it throws.
template <typename... Parts> Object makeObject(Parts &&...parts) {
  static_assert(sizeof...(Parts) % 2 == 0, "each key has a value");
  Object object(sizeof...(Parts) / 2);
  auto next = object.begin();
  auto set = [&](auto &&self, std::string_view key, auto &&value, auto &&...rest) -> void {
    next->key = key;
    next->value = std::forward<decltype(value)>(value);
    ++next;
    if constexpr (sizeof...(rest) > 0)
      self(self, std::forward<decltype(rest)>(rest)...);
  };
  if constexpr (sizeof...(Parts) > 0)
    set(set, std::forward<Parts>(parts)...);
  return object;
}

/// What the reader is to accept, and how it names the place of an error.
struct ParseOptions {
  std::string file;             ///< for messages
  uint64_t line = 1;            ///< the number of the text's first line, for messages
  uint64_t offset = 0;          ///< the text's first byte in the file, for messages of binary files
  bool binary = false;          ///< messages give the byte in the file instead of line and column
  bool refuseDuplicates = true; ///< refuse an object with two members of one name
  unsigned maxDepth = 64;       ///< levels of arrays and objects, at most 64
};

/// Reads JSON texts one after the other, keeping its buffers: for a file of one text a line.
class Parser {
public:
  Parser();
  ~Parser();
  Parser(Parser &&) noexcept;
  Parser &operator=(Parser &&) noexcept;

  Expected<Value> parse(std::string_view text, const ParseOptions &options);

private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers;
};

/// Reads one text.
Expected<Value> parse(std::string_view text, const ParseOptions &options);

/// Reads a file of at most `maxBytes` (64 MiB holds every tokenizer.json there is).
Expected<Value> parseFile(const std::string &path, uint64_t maxBytes = uint64_t(64) << 20);

/// The text of a value: on one line, or with `indent` spaces a level. A number that is not finite is written as null;
/// bytes that are not UTF-8 as U+FFFD.
std::string dump(const Value &value, unsigned indent = 0);

/// A string literal with its quotes.
std::string dumpString(std::string_view text);

} // namespace ftc::runtime::json

#endif // FTC_RUNTIME_IO_JSON_H
