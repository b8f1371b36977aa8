//===- Pattern.h - what splits and replacements look for --------*- C++ -*-===//
#ifndef FTC_RUNTIME_TEXT_PATTERN_H
#define FTC_RUNTIME_TEXT_PATTERN_H

#include "ftc/Runtime/Core/Status.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::runtime::text {

/// No text grows beyond this on its way through a tokenizer, whatever its rules say; offsets fit 32 bits.
inline constexpr size_t longestText = size_t{256} << 20;

/// Bytes [begin, end) of a text.
struct Range {
  size_t begin = 0;
  size_t end = 0;
};

/// A literal text or a regular expression (Oniguruma's own syntax, as `tokenizers` uses it). Time and memory of a match
/// are bounded: a pattern that needs more on some text is an error, never a hang.
class Pattern {
public:
  static Expected<Pattern> literal(std::string text);
  static Expected<Pattern> regex(std::string_view source);

  /// Appends all matches in `text` (valid UTF-8), in order and without overlap.
  Status findAll(std::string_view text, std::vector<Range> &matches) const;

  /// `text` with every match replaced by `content`.
  Expected<std::string> replaceAll(std::string_view text, std::string_view content) const;

private:
  struct Compiled;

  std::string source;
  std::shared_ptr<const Compiled> compiled; // absent for a literal
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_PATTERN_H
