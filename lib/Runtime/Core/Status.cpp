#include "ftc/Runtime/Core/Status.h"

#include "ftc/Runtime/Core/Utf8.h"

#include <fmt/format.h>

#include <cstdint>

using namespace ftc::runtime;

/// Length of the character at the start of `text` if a terminal may see it; 0 if it has to be escaped: malformed
/// bytes, control characters, line separators and marks that reorder what follows.
static size_t printableLength(std::string_view text) {
  size_t length = utf8SequenceLength(text);
  uint8_t lead = text[0];
  if (length == 1)
    return lead >= 0x20 && lead != 0x7F && lead != '\\' && lead != '\'' ? 1 : 0;
  std::string_view sequence = text.substr(0, length);
  bool control = lead == 0xC2 && uint8_t(text[1]) < 0xA0;
  bool reorders = (sequence >= "\u2028" && sequence <= "\u202E") || (sequence >= "\u2066" && sequence <= "\u2069");
  return control || reorders ? 0 : length;
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
