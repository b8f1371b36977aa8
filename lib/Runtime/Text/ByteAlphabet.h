//===- ByteAlphabet.h - bytes written as printable characters ---*- C++ -*-===//
#ifndef FTC_RUNTIME_TEXT_BYTEALPHABET_H
#define FTC_RUNTIME_TEXT_BYTEALPHABET_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftc::runtime::text {

/// The character that stands for `byte` in byte-level vocabularies, in UTF-8: printable Latin-1 characters stand for
/// themselves, the other bytes, in order, are U+0100 and on (GPT-2's `bytes_to_unicode`).
std::string_view characterOfByte(uint8_t byte);

/// The byte that `character` stands for.
std::optional<uint8_t> byteOfCharacter(char32_t character);

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_BYTEALPHABET_H
