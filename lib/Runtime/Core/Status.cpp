#include "ftc/Runtime/Core/Status.h"

#include <fmt/format.h>

#include <cstdint>

using namespace ftc::runtime;

/// Length of the well-formed UTF-8 sequence at `text`'s start that prints as itself; 0 if it has to be escaped.
static size_t printableLength(std::string_view text) {
  uint8_t lead = text[0];
  if (lead < 0x80)
    return lead >= 0x20 && lead != 0x7F && lead != '\\' && lead != '\'' ? 1 : 0;
  size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length)
    return 0;
  uint32_t code = lead & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((text[i] & 0xC0) != 0x80)
      return 0;
    code = code << 6 | (text[i] & 0x3F);
  }
  constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool control = code < 0xA0 || code == 0x2028 || code == 0x2029 || (code >= 0x202A && code <= 0x202E) ||
                 (code >= 0x2066 && code <= 0x2069);
  bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < least[length] || code > 0x10FFFF || control || surrogate ? 0 : length;
}

std::string ftc::runtime::quote(std::string_view text) {
  constexpr size_t limit = 120;
  std::string result = "'";
  size_t at = 0;
  while (at < text.size() && result.size() < limit) {
    if (size_t length = printableLength(text.substr(at))) {
      result += text.substr(at, length);
      at += length;
    } else if (char c = text[at++]; c == '\\' || c == '\'') {
      result += {'\\', c};
    } else {
      result += fmt::format("\\x{:02x}", uint8_t(c));
    }
  }
  return result + (at < text.size() ? "...'" : "'");
}
