//===- Utf8.h - well-formed UTF-8 --------------------------------*- C++ -*-===//

#ifndef FTC_RUNTIME_CORE_UTF8_H
#define FTC_RUNTIME_CORE_UTF8_H

#include <cstddef>
#include <string_view>

namespace ftc::runtime {

/// Length of the well-formed UTF-8 sequence at the start of `text`, which is not empty; 0 if there is none (the Unicode
/// standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
size_t utf8SequenceLength(std::string_view text);

/// Bytes of `text` before its first malformed sequence: text.size() if it is UTF-8.
size_t validUtf8Prefix(std::string_view text);

} // namespace ftc::runtime

#endif // FTC_RUNTIME_CORE_UTF8_H
