#include "Unicode.h"

#include <simdjson.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace ftc::runtime::text {

char32_t nextChar(std::string_view text, size_t &position) {
  UChar32 character;
  U8_NEXT_UNSAFE(text.data(), position, character);
  return static_cast<char32_t>(character);
}

char32_t lastChar(std::string_view text) {
  size_t position = text.size();
  UChar32 character;
  U8_PREV_UNSAFE(text.data(), position, character);
  return static_cast<char32_t>(character);
}

void appendChar(std::string &out, char32_t character) {
  uint8_t bytes[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(character));
  out.append(reinterpret_cast<const char *>(bytes), static_cast<size_t>(length));
}

std::string toValidUtf8(std::string_view bytes) {
  if (isValidUtf8(bytes))
    return std::string(bytes);
  std::string out;
  out.reserve(bytes.size() + 8);
  const auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  int64_t position = 0, size = static_cast<int64_t>(bytes.size());
  while (position < size) {
    int64_t begin = position;
    UChar32 character;
    // Moves over exactly one maximal subpart when it is ill-formed.
    U8_NEXT(data, position, size, character);
    if (character < 0)
      out += replacementCharacter;
    else
      out.append(bytes.substr(static_cast<size_t>(begin), static_cast<size_t>(position - begin)));
  }
  return out;
}

bool isValidUtf8(std::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

bool isWhiteSpace(char32_t character) { return u_isUWhiteSpace(static_cast<UChar32>(character)); }

bool isNumeric(char32_t character) { return (U_GET_GC_MASK(static_cast<UChar32>(character)) & U_GC_N_MASK) != 0; }

bool isPunctuation(char32_t character) {
  if (character < 0x80)
    return character > 0x20 && character < 0x7F && !u_isalnum(static_cast<UChar32>(character));
  return (U_GET_GC_MASK(static_cast<UChar32>(character)) & U_GC_P_MASK) != 0;
}

bool isMark(char32_t character) { return (U_GET_GC_MASK(static_cast<UChar32>(character)) & U_GC_M_MASK) != 0; }

bool isWord(char32_t character) {
  auto code = static_cast<UChar32>(character);
  return u_isUAlphabetic(code) || (U_GET_GC_MASK(code) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
         u_hasBinaryProperty(code, UCHAR_JOIN_CONTROL);
}

void appendLower(std::string &out, char32_t character) {
  appendChar(out, static_cast<char32_t>(u_tolower(static_cast<UChar32>(character))));
  // The one character whose full mapping is longer than its simple one.
  if (character == 0x130)
    appendChar(out, 0x307);
}

} // namespace ftc::runtime::text
