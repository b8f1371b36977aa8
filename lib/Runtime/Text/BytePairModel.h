//===- BytePairModel.h - byte-pair encoding ---------------------*- C++ -*-===//
//
// The model of Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units" (2016), as the
// Hugging Face library `tokenizers` runs it: the pair of the lowest rank is merged first, the leftmost of equal ones.
//
//===----------------------------------------------------------------------===//
#ifndef FTC_RUNTIME_TEXT_BYTEPAIRMODEL_H
#define FTC_RUNTIME_TEXT_BYTEPAIRMODEL_H

#include "PairTable.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ftc::runtime::text {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using TokenMap = std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>>;

/// The options of a byte-pair model in tokenizer.json, under their names there.
struct BytePairOptions {
  std::string continuingSubwordPrefix;
  std::string endOfWordSuffix;
  std::optional<std::string> unkToken;
  bool fuseUnk = false;
  bool byteFallback = false;
  bool ignoreMerges = false;
};

/// Cuts words into tokens. Keeps the tokens of short words it has met, so it is not to be shared between threads.
class BytePairModel {
public:
  BytePairModel() = default;
  BytePairModel(TokenMap vocabulary, BytePairOptions options);

  /// Adds the pair of the next rank. False with the text that is no token if `left`, `right` or their union is none.
  bool addMerge(std::string_view left, std::string_view right, std::string &missing);

  /// Appends the tokens of a word, in O(n log n).
  void encode(std::string_view word, std::vector<int32_t> &ids) const;

  std::optional<int32_t> idOf(std::string_view token) const;
  const TokenMap &vocabulary() const { return tokens; }

private:
  /// A token of the word as it stands, in a doubly linked list through an array.
  struct Symbol {
    int32_t id;
    int32_t previous;
    int32_t next;
  };
  struct Candidate;

  std::vector<Symbol> split(std::string_view word) const;
  bool splitIntoBytes(std::string_view character, std::vector<Symbol> &symbols) const;
  void mergeAll(std::vector<Symbol> &symbols) const;

  TokenMap tokens;
  BytePairOptions options;
  std::optional<int32_t> unk;
  std::vector<int32_t> byteTokens; // of <0x00> ... <0xFF>, -1 where there is none
  PairTable merges;
  int32_t nextRank = 0;
  mutable std::unordered_map<std::string, std::vector<int32_t>, StringHash, std::equal_to<>> known;
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_BYTEPAIRMODEL_H
