// Tokenizers made for one test.
#ifndef FTC_TEST_UNIT_RUNTIMETEXT_TINYTOKENIZER_H
#define FTC_TEST_UNIT_RUNTIMETEXT_TINYTOKENIZER_H

#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Text/Tokenizer.h"

#include <gtest/gtest.h>

namespace ftc::runtime::text {

/// Parts of a tokenizer.json, as JSON texts.
struct TinyParts {
  std::string normalizer = "null";
  std::string preTokenizer = "null";
  std::string postProcessor = "null";
  std::string decoder = "null";
  std::string addedTokens = "[]";
  /// Further members of the model, each followed by a comma.
  std::string model;
  /// Tokens with the ids 0, 1, ...
  std::vector<std::string> tokens;
  std::string merges = "[]";
};

inline std::string tinyJson(const TinyParts &parts) {
  std::string vocabulary;
  for (size_t id = 0; id < parts.tokens.size(); ++id)
    vocabulary += (id ? "," : "") + json::dumpString(parts.tokens[id]) + ":" + std::to_string(id);
  return R"({"version":"1.0","added_tokens":)" + parts.addedTokens + R"(,"normalizer":)" + parts.normalizer +
         R"(,"pre_tokenizer":)" + parts.preTokenizer + R"(,"post_processor":)" + parts.postProcessor +
         R"(,"decoder":)" + parts.decoder + R"(,"model":{"type":"BPE",)" + parts.model + R"("vocab":{)" + vocabulary +
         R"(},"merges":)" + parts.merges + "}}";
}

inline Expected<Tokenizer> tinyTokenizer(const TinyParts &parts) {
  return Tokenizer::fromJson(tinyJson(parts), "tokenizer.json");
}

/// The tokens of a text, as they stand in the vocabulary.
inline std::vector<std::string> tokensOf(const Tokenizer &tokenizer, std::string_view text,
                                         const EncodeOptions &options = {}) {
  Expected<std::vector<int32_t>> ids = tokenizer.encode(text, options);
  EXPECT_TRUE(bool(ids)) << ids.error().message;
  std::vector<std::string> tokens;
  for (int32_t id : ids ? *ids : std::vector<int32_t>())
    tokens.emplace_back(*tokenizer.tokenOf(id));
  return tokens;
}

/// The pieces that a pre-tokenizer makes of a text: the vocabulary is those expected, and what is not is `?`.
inline std::vector<std::string> piecesOf(const std::string &preTokenizer, std::string_view text,
                                         std::vector<std::string> expected, const std::string &normalizer = "null") {
  TinyParts parts;
  parts.normalizer = normalizer;
  parts.preTokenizer = preTokenizer;
  parts.model = R"("ignore_merges":true,"unk_token":"?","fuse_unk":true,)";
  std::sort(expected.begin(), expected.end());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  parts.tokens = std::move(expected);
  parts.tokens.emplace_back("?");
  Expected<Tokenizer> tokenizer = tinyTokenizer(parts);
  EXPECT_TRUE(bool(tokenizer)) << tokenizer.error().message;
  return tokenizer ? tokensOf(*tokenizer, text) : std::vector<std::string>();
}

} // namespace ftc::runtime::text

#endif // FTC_TEST_UNIT_RUNTIMETEXT_TINYTOKENIZER_H
