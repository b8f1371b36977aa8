#include "ftc/Runtime/IO/Json.h"

#include "ftc/Runtime/Core/Utf8.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

using namespace ftc::runtime;
using namespace ftc::runtime::json;

static void appendEscape(std::string &out, char c) {
  constexpr std::string_view plain = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
  if (size_t at = plain.find(c); at != std::string_view::npos)
    out += {'\\', letters[at]};
  else
    out += fmt::format("\\u{:04x}", uint8_t(c));
}

static void appendString(std::string &out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    size_t length = utf8SequenceLength(text.substr(at));
    char c = text[at];
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else if (uint8_t(c) < 0x20 || c == '"' || c == '\\')
      appendEscape(out, c);
    else
      out += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  out += '"';
}

static void appendNumber(std::string &out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::string digits = fmt::format("{}", value);
  out += digits;
  if (digits.find_first_of(".e") == std::string::npos)
    out += ".0";
}

namespace {
/// Appends values to a text; `indent` spaces a level, 0 for one line.
class Writer {
public:
  Writer(std::string &out, unsigned indent) : out(out), indent(indent) {}

  void write(const Value &value, unsigned level);

private:
  template <typename Element> void writeList(char open, const std::vector<Element> &list, char close, unsigned level);
  void writeElement(const Value &value, unsigned level) { write(value, level); }
  void writeElement(const Member &member, unsigned level);
  void newLine(unsigned level);

  std::string &out;
  unsigned indent;
};
} // namespace

void Writer::newLine(unsigned level) {
  if (indent == 0)
    return;
  out += '\n';
  out.append(size_t(level) * indent, ' ');
}

void Writer::writeElement(const Member &member, unsigned level) {
  appendString(out, member.key);
  out += indent == 0 ? ":" : ": ";
  write(member.value, level);
}

template <typename Element>
void Writer::writeList(char open, const std::vector<Element> &list, char close, unsigned level) {
  out += open;
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0)
      out += ',';
    newLine(level + 1);
    writeElement(list[i], level + 1);
  }
  if (!list.empty())
    newLine(level);
  out += close;
}

void Writer::write(const Value &value, unsigned level) {
  if (const Object *members = value.asObject())
    writeList('{', *members, '}', level);
  else if (const Array *elements = value.asArray())
    writeList('[', *elements, ']', level);
  else if (const std::string *text = value.asString())
    appendString(out, *text);
  else if (std::optional<bool> truth = value.asBool())
    out += *truth ? "true" : "false";
  else if (std::optional<int64_t> integer = value.asInteger())
    out += fmt::format("{}", *integer);
  else if (std::optional<double> number = value.asNumber())
    appendNumber(out, *number);
  else
    out += "null";
}

std::string json::dump(const Value &value, unsigned indent) {
  std::string out;
  Writer(out, indent).write(value, 0);
  return out;
}

std::string json::dumpString(std::string_view text) {
  std::string out;
  appendString(out, text);
  return out;
}
