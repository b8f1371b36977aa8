//===- AddedTokens.h - tokens that are found before the model runs *- C++ -*-===//
#ifndef FTC_RUNTIME_TEXT_ADDEDTOKENS_H
#define FTC_RUNTIME_TEXT_ADDEDTOKENS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ftc::runtime::text {

/// An entry of `added_tokens` in tokenizer.json, under the names there.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool singleWord = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
  bool special = false;
};

/// A stretch of text: either ordinary, or an added token with the white space it takes along.
struct Section {
  static constexpr int32_t text = -1;
  int32_t id = text;
  size_t begin = 0;
  size_t end = 0;
};

/// Finds added tokens in a text: leftmost first, of several that begin at one place the longest.
class TokenFinder {
public:
  /// `pattern` is what is looked for: the token's content, normalized or not. Empty patterns are never found.
  void add(std::string_view pattern, const AddedToken &token);
  bool empty() const { return nodes.size() <= 1; }

  /// Divides `text` into sections that cover it; none is empty.
  std::vector<Section> divide(std::string_view text) const;

private:
  struct Node {
    std::vector<std::pair<uint8_t, uint32_t>> children; // sorted
    int32_t token = -1;                                 // in `tokens`
  };

  /// The longest pattern at `begin`: its token (an index, or -1) and its length.
  std::pair<int32_t, size_t> longestAt(std::string_view text, size_t begin) const;

  std::vector<Node> nodes{Node{}};
  std::vector<AddedToken> tokens;
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_ADDEDTOKENS_H
