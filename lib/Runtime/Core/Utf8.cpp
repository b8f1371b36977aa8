#include "ftc/Runtime/Core/Utf8.h"

#include <cstdint>

using namespace ftc::runtime;

size_t ftc::runtime::utf8SequenceLength(std::string_view text) {
  uint8_t lead = text[0];
  if (lead < 0x80)
    return 1;
  size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((text[i] & 0xC0) != 0x80)
      return 0;
  uint8_t second = text[1];
  bool outside = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                 (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return outside ? 0 : length;
}

size_t ftc::runtime::validUtf8Prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t length = utf8SequenceLength(text.substr(at));
    if (length == 0)
      break;
    at += length;
  }
  return at;
}
