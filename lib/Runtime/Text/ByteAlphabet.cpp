#include "ByteAlphabet.h"

#include "Unicode.h"

#include <array>

namespace ftc::runtime::text {

namespace {

constexpr char32_t firstSubstitute = 0x100;
/// Bytes that do not stand for themselves: 0x00-0x20, 0x7F-0xA0, 0xAD.
constexpr size_t substitutes = 68;

constexpr bool standsForItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<uint8_t, substitutes> bytes{};

  Alphabet() {
    char32_t next = firstSubstitute;
    for (int byte = 0; byte < 256; ++byte) {
      char32_t character = standsForItself(byte) ? static_cast<char32_t>(byte) : next++;
      appendChar(characters[static_cast<size_t>(byte)], character);
      if (character >= firstSubstitute)
        bytes[character - firstSubstitute] = static_cast<uint8_t>(byte);
    }
  }
};

const Alphabet &alphabet() {
  static const Alphabet instance;
  return instance;
}

} // namespace

std::string_view characterOfByte(uint8_t byte) { return alphabet().characters[byte]; }

std::optional<uint8_t> byteOfCharacter(char32_t character) {
  if (character < firstSubstitute && standsForItself(static_cast<int>(character)))
    return static_cast<uint8_t>(character);
  if (character >= firstSubstitute && character < firstSubstitute + substitutes)
    return alphabet().bytes[character - firstSubstitute];
  return std::nullopt;
}

} // namespace ftc::runtime::text
