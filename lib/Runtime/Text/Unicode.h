//===- Unicode.h - UTF-8 and character classes ------------------*- C++ -*-===//
//
// The few questions that tokenizers ask about characters, answered by ICU, and walking over UTF-8 that was validated
// when it entered the program.
//
//===----------------------------------------------------------------------===//
#ifndef FTC_RUNTIME_TEXT_UNICODE_H
#define FTC_RUNTIME_TEXT_UNICODE_H

#include <cstdint>
#include <string>
#include <string_view>

namespace ftc::runtime::text {

/// What is printed for bytes that are no UTF-8.
inline constexpr std::string_view replacementCharacter = "\xEF\xBF\xBD";

/// Reads the character at `position` of valid UTF-8 and moves `position` behind it.
char32_t nextChar(std::string_view text, size_t &position);

/// The last character of valid, non-empty UTF-8.
char32_t lastChar(std::string_view text);

/// Appends `character` in UTF-8.
void appendChar(std::string &out, char32_t character);

/// `bytes` with every maximal ill-formed part replaced by U+FFFD (Unicode 15, section 3.9, "substitution of maximal
/// subparts").
std::string toValidUtf8(std::string_view bytes);

bool isValidUtf8(std::string_view bytes);

/// The property White_Space.
bool isWhiteSpace(char32_t character);
/// General categories Nd, Nl, No.
bool isNumeric(char32_t character);
/// ASCII punctuation and symbols, and the general categories P*.
bool isPunctuation(char32_t character);
/// General categories M*.
bool isMark(char32_t character);
/// `\w` of UTS 18: alphabetic, marks, decimal digits, connectors, join controls.
bool isWord(char32_t character);

/// The full lower-case mapping of one character, without context.
void appendLower(std::string &out, char32_t character);

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_UNICODE_H
