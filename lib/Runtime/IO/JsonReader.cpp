//===- JsonReader.cpp - JSON text to values ----------------------*- C++ -*-===//
//
// simdjson's on-demand interface finds and checks the tokens; every token is visited, so that nothing stays unchecked.
// The text is read as the only element of an array: simdjson 3.0 takes `null6` for null and refuses blanks after
// `false` where a scalar is the whole text.
//
//===----------------------------------------------------------------------===//

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/Core/Utf8.h"
#include "ftc/Runtime/IO/Json.h"

#include <simdjson.h>

#include <algorithm>
#include <new>
#include <optional>

using namespace ftc::runtime;
using namespace ftc::runtime::json;
namespace ondemand = simdjson::ondemand;

struct Parser::Buffers {
  ondemand::parser parser;
  std::string text;
};

namespace {
/// Builds the values of one text. Each method returns false after it has set `failure`.
class Reader {
public:
  Reader(std::string_view text, const ParseOptions &options) : text(text), options(options), place(text.data()) {}

  /// `padded` holds the text in square brackets, and what simdjson may read after them.
  Expected<Value> read(ondemand::parser &parser, std::string &padded);

private:
  bool readRoot(ondemand::array root, Value &result);
  bool readValue(ondemand::value &node, Value &result, unsigned depth);
  bool readNumber(ondemand::value &node, std::string_view token, Value &result);
  bool readText(ondemand::value &node, Value &result);
  bool readArray(ondemand::value &node, Value &result, unsigned depth);
  bool readObject(ondemand::value &node, Value &result, unsigned depth);
  bool checkDuplicates(const Object &members, const std::vector<const char *> &places);
  bool locate();
  bool fail(std::string what);
  bool fail(simdjson::error_code code);
  Error located(const char *at, std::string_view what) const;

  std::string_view text;
  const ParseOptions &options;
  ondemand::document document;
  const char *place; ///< the token being read
  std::optional<Error> failure;
};
} // namespace

Error Reader::located(const char *at, std::string_view what) const {
  size_t offset = size_t(std::clamp<ptrdiff_t>(at - text.data(), 0, ptrdiff_t(text.size())));
  if (options.binary)
    return makeError(ExitStatus::Input, "{}: byte {}: {}", options.file, options.offset + offset, what);
  std::string_view before = text.substr(0, offset);
  uint64_t line = options.line + uint64_t(std::count(before.begin(), before.end(), '\n'));
  size_t lineStart = before.rfind('\n');
  size_t column = offset - (lineStart == std::string_view::npos ? 0 : lineStart + 1) + 1;
  return makeError(ExitStatus::Input, "{}:{}:{}: {}", options.file, line, column, what);
}

/// Where the first string with a raw control character has it, or where the string that does not end begins.
static size_t findStringError(std::string_view text) {
  size_t opened = std::string_view::npos;
  for (size_t i = 0; i < text.size(); ++i) {
    bool inside = opened != std::string_view::npos;
    if (inside && uint8_t(text[i]) < 0x20)
      return i;
    if (inside && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      opened = inside ? std::string_view::npos : i;
  }
  return std::min(opened, text.size());
}

bool Reader::fail(std::string what) {
  failure = located(place, what);
  return false;
}

bool Reader::fail(simdjson::error_code code) {
  switch (code) {
  case simdjson::EMPTY:
    return fail("expected JSON, got nothing");
  case simdjson::UTF8_ERROR:
    place = text.data() + validUtf8Prefix(text);
    return fail("not UTF-8");
  case simdjson::STRING_ERROR:
    return fail("malformed string");
  case simdjson::UNESCAPED_CHARS:
    place = text.data() + findStringError(text);
    return fail("a control character in a string must be escaped");
  case simdjson::UNCLOSED_STRING:
    place = text.data() + findStringError(text);
    return fail("a string does not end");
  case simdjson::MEMALLOC:
    throw std::bad_alloc();
  case simdjson::CAPACITY:
    failure = makeError(ExitStatus::Memory, "{}: too large to be read", options.file);
    return false;
  default:
    locate();
    return fail(place < text.data() + text.size() ? "malformed JSON" : "the text ends within an array or object");
  }
}

bool Reader::readText(ondemand::value &node, Value &result) {
  std::string_view unescaped;
  if (auto code = node.get_string().get(unescaped))
    return fail(code);
  result = Value(unescaped);
  return true;
}

/// True for the digits of an integer too long for simdjson (Python writes such in tokenizer configurations).
static bool isInteger(std::string_view token) {
  if (token.starts_with('-'))
    token.remove_prefix(1);
  return !token.empty() && token[0] != '0' && token.find_first_not_of("0123456789") == std::string_view::npos;
}

bool Reader::readNumber(ondemand::value &node, std::string_view token, Value &result) {
  ondemand::number number;
  if (!node.get_number().get(number)) {
    result = number.is_int64() ? Value(number.get_int64()) : Value(number.as_double());
    return true;
  }
  double value = 0;
  if (!isInteger(token) || node.get_double().get(value))
    return fail("malformed number, or one that no 64-bit number holds");
  result = Value(value);
  return true;
}

bool Reader::readArray(ondemand::value &node, Value &result, unsigned depth) {
  ondemand::array array;
  if (auto code = node.get_array().get(array))
    return fail(code);
  Array elements;
  for (auto element : array) {
    ondemand::value value;
    if (auto code = element.get(value))
      return fail(code);
    if (!readValue(value, elements.emplace_back(), depth))
      return false;
  }
  result = Value(std::move(elements));
  return true;
}

bool Reader::checkDuplicates(const Object &members, const std::vector<const char *> &places) {
  std::vector<size_t> order(members.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    int compared = members[a].key.compare(members[b].key);
    return compared != 0 ? compared < 0 : a < b;
  });
  for (size_t i = 1; i < order.size(); ++i) {
    if (members[order[i - 1]].key != members[order[i]].key)
      continue;
    place = places[order[i]];
    return fail(fmt::format("the key {} is there twice", quote(members[order[i]].key)));
  }
  return true;
}

bool Reader::readObject(ondemand::value &node, Value &result, unsigned depth) {
  ondemand::object object;
  if (auto code = node.get_object().get(object))
    return fail(code);
  Object members;
  std::vector<const char *> places;
  for (auto field : object) {
    if (field.error())
      return fail(field.error());
    place = field.key().value_unsafe().raw() - 1;
    places.push_back(place);
    std::string_view key;
    if (auto code = field.unescaped_key().get(key))
      return fail(code);
    Member &member = members.emplace_back(Member{std::string(key), Value()});
    ondemand::value value;
    if (auto code = field.value().get(value))
      return fail(code);
    if (!readValue(value, member.value, depth))
      return false;
  }
  if (options.refuseDuplicates && !checkDuplicates(members, places))
    return false;
  result = Value(std::move(members));
  return true;
}

bool Reader::readValue(ondemand::value &node, Value &result, unsigned depth) {
  std::string_view token = node.raw_json_token();
  place = token.data();
  token = token.substr(0, token.find_last_not_of(" \t\n\r") + 1);
  ondemand::json_type type;
  if (auto code = node.type().get(type))
    return fail(code);
  bool nested = type == ondemand::json_type::array || type == ondemand::json_type::object;
  if (nested && depth >= std::min(options.maxDepth, 64u))
    return fail(fmt::format("nested deeper than {} levels", std::min(options.maxDepth, 64u)));
  switch (type) {
  case ondemand::json_type::array:
    return readArray(node, result, depth + 1);
  case ondemand::json_type::object:
    return readObject(node, result, depth + 1);
  case ondemand::json_type::number:
    return readNumber(node, token, result);
  case ondemand::json_type::string:
    return readText(node, result);
  case ondemand::json_type::boolean: {
    bool value = false;
    if ((token != "true" && token != "false") || node.get_bool().get(value))
      return fail("expected 'true' or 'false'");
    result = Value(value);
    return true;
  }
  case ondemand::json_type::null: {
    bool null = false;
    if (token != "null" || node.is_null().get(null) || !null)
      return fail("expected 'null'");
    return true;
  }
  }
  return fail("malformed JSON");
}

bool Reader::readRoot(ondemand::array root, Value &result) {
  size_t count = 0;
  for (auto element : root) {
    ondemand::value value;
    auto code = element.get(value);
    bool atEnd = locate() && place >= text.data() + text.size();
    if (count++ > 0 && !(code && atEnd))
      return fail("nothing may follow the value");
    if (code)
      return fail(code);
    if (!readValue(value, result, 0))
      return false;
  }
  if (count == 0)
    return fail(simdjson::EMPTY);
  return locate() ? fail("nothing may follow the value") : true;
}

/// Sets `place` to the token that comes next; false at the end of the document.
bool Reader::locate() {
  const char *next = nullptr;
  if (document.current_location().get(next))
    return false;
  place = next;
  return true;
}

Expected<Value> Reader::read(ondemand::parser &parser, std::string &padded) {
  ondemand::array root;
  Value result;
  bool good = false;
  if (text.starts_with("\xEF\xBB\xBF"))
    fail("a byte order mark is not part of JSON");
  else if (auto code = parser.iterate(padded.data(), text.size() + 2, padded.size()).get(document))
    fail(code);
  else if (auto code = document.get_array().get(root))
    fail(code);
  else
    good = readRoot(root, result);
  if (!good)
    return *failure;
  return result;
}

Parser::Parser() : buffers(std::make_unique<Buffers>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser &&) noexcept = default;
Parser &Parser::operator=(Parser &&) noexcept = default;

Expected<Value> Parser::parse(std::string_view text, const ParseOptions &options) {
  if (text.size() + 2 > simdjson::SIMDJSON_MAXSIZE_BYTES)
    return makeError(ExitStatus::Input, "{}: too large to be JSON", options.file);
  std::string &padded = buffers->text;
  padded.assign(1, '[').append(text).append(1, ']').append(simdjson::SIMDJSON_PADDING, ' ');
  return Reader(std::string_view(padded).substr(1, text.size()), options).read(buffers->parser, padded);
}

Expected<Value> json::parse(std::string_view text, const ParseOptions &options) {
  return Parser().parse(text, options);
}

Expected<Value> json::parseFile(const std::string &path, uint64_t maxBytes) {
  Expected<std::string> text = readFile(path, maxBytes);
  if (!text)
    return text.error();
  ParseOptions options;
  options.file = path;
  return parse(*text, options);
}
