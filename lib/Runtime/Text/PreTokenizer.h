//===- PreTokenizer.h - splitting a text into words -------------*- C++ -*-===//
//
// One class for each `type` of a pre-tokenizer in tokenizer.json; the file TokenizerReader.cpp makes them.
//
//===----------------------------------------------------------------------===//
#ifndef FTC_RUNTIME_TEXT_PRETOKENIZER_H
#define FTC_RUNTIME_TEXT_PRETOKENIZER_H

#include "Normalizer.h"
#include "ftc/Runtime/Text/Pattern.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::runtime::text {

/// A word to be: bytes [begin, end) of the text it lies in.
struct Piece {
  uint32_t begin = 0;
  uint32_t end = 0;
  /// A text begins here, so that a prefix applies.
  bool opens = true;
  /// It stands at the very beginning of the input.
  bool atStart = false;
};

/// A text and how far it has been split. Pieces follow each other, are not empty, and may leave gaps.
struct Pieces {
  std::string text;
  std::vector<Piece> list;

  /// A text that has not been split yet.
  explicit Pieces(Passage passage);
  std::string_view operator[](size_t index) const {
    return std::string_view(text).substr(list[index].begin, list[index].end - list[index].begin);
  }
};

class PreTokenizer {
public:
  virtual ~PreTokenizer() = default;
  virtual Status apply(Pieces &pieces) const = 0;
};
using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

/// What becomes of the text that a split looks for.
enum class Behavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };
/// Which pieces get the replacement character put before them.
enum class PrependScheme { First, Always, Never };

/// Bytes as printable characters, after GPT-2's regular expression has split (`useRegex`).
Expected<PreTokenizerPtr> makeByteLevel(bool addPrefixSpace, bool useRegex);
PreTokenizerPtr makeSplit(Pattern pattern, Behavior behavior, bool invert);
PreTokenizerPtr makeDigits(bool individual);
PreTokenizerPtr makePunctuation(Behavior behavior);
/// Runs of `\w` and runs of neither `\w` nor white space.
PreTokenizerPtr makeWhitespace();
PreTokenizerPtr makeWhitespaceSplit();
/// Blanks become `replacement`, one is put before the text, and pieces begin with it (`split`).
Expected<PreTokenizerPtr> makeMetaspace(std::string replacement, PrependScheme scheme, bool split);
PreTokenizerPtr makePreTokenizerSequence(std::vector<PreTokenizerPtr> members);

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_PRETOKENIZER_H
