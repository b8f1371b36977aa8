//===- Normalizer.h - rewriting a text before it is split -------*- C++ -*-===//
//
// One class for each `type` of a normalizer in tokenizer.json; the file TokenizerReader.cpp makes them.
//
//===----------------------------------------------------------------------===//
#ifndef FTC_RUNTIME_TEXT_NORMALIZER_H
#define FTC_RUNTIME_TEXT_NORMALIZER_H

#include "ftc/Runtime/Text/Pattern.h"

#include <memory>
#include <string>
#include <vector>

namespace ftc::runtime::text {

/// A stretch of the input between two added tokens, or a part of one where segments of the input meet in it.
struct Passage {
  std::string text;
  /// The stretch begins (ends) here: what is put before a text or stripped from its ends applies.
  bool opens = true;
  bool closes = true;
  /// The first character stands at the very beginning of the input.
  bool atStart = true;
};

class Normalizer {
public:
  virtual ~Normalizer() = default;
  virtual Status apply(Passage &passage) const = 0;
};
using NormalizerPtr = std::unique_ptr<const Normalizer>;

enum class UnicodeForm { NFC, NFD, NFKC, NFKD };

/// Unicode normalization form (UAX 15).
NormalizerPtr makeUnicodeNormalizer(UnicodeForm form);
/// Lower case, character by character.
NormalizerPtr makeLowercase();
/// Without white space at the chosen ends.
NormalizerPtr makeStrip(bool left, bool right);
/// Without characters of the categories M*.
NormalizerPtr makeStripAccents();
/// Every match replaced.
NormalizerPtr makeReplace(Pattern pattern, std::string content);
/// `prefix` put before a text that is not empty.
NormalizerPtr makePrepend(std::string prefix);
/// One after the other.
NormalizerPtr makeNormalizerSequence(std::vector<NormalizerPtr> members);

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_NORMALIZER_H
