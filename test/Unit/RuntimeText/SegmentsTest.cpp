// Segments are encoded as one text in which tokens end where segments do.

#include "TinyTokenizer.h"

using namespace ftc::runtime;
using namespace ftc::runtime::text;

namespace {

Tokenizer load(const std::string &name) {
  Expected<Tokenizer> tokenizer = Tokenizer::fromFile(FTC_TEST_DATA "/tokenizers/" + name + "/tokenizer.json");
  EXPECT_TRUE(bool(tokenizer)) << tokenizer.error().message;
  return std::move(*tokenizer);
}

Encoding encode(const Tokenizer &tokenizer, const std::vector<std::string_view> &segments) {
  return *tokenizer.encodeSegments(segments);
}

} // namespace

TEST(Segments, aBoundaryIsATokenBoundary) {
  Tokenizer tokenizer = load("gpt2");
  Encoding encoding = encode(tokenizer, {"Hel", "lo there"});
  std::vector<int32_t> expected = *tokenizer.encode("Hel"), answer = *tokenizer.encode("lo there");
  size_t first = expected.size();
  expected.insert(expected.end(), answer.begin(), answer.end());
  EXPECT_EQ(encoding.ids, expected);
  EXPECT_NE(encoding.ids, *tokenizer.encode("Hello there"));
  for (size_t i = 0; i < encoding.ids.size(); ++i)
    EXPECT_EQ(encoding.segments[i], i < first ? 0 : 1);
}

TEST(Segments, noPrefixWithinAText) {
  for (const char *name : {"mistral-v3", "metaspace-always", "metaspace-first", "bl-roberta"}) {
    Tokenizer tokenizer = load(name);
    Encoding encoding = encode(tokenizer, {"Hello wor", "ld"});
    std::vector<int32_t> answer;
    for (size_t i = 0; i < encoding.ids.size(); ++i)
      if (encoding.segments[i] == 1 && !tokenizer.isSpecial(encoding.ids[i]))
        answer.push_back(encoding.ids[i]);
    std::string text;
    for (int32_t id : answer)
      text += *tokenizer.tokenOf(id);
    EXPECT_EQ(text, "ld") << name;
    EXPECT_EQ(*tokenizer.decode(encoding.ids, true), *tokenizer.decode(*tokenizer.encode("Hello world"), true)) << name;
  }
}

TEST(Segments, addedTokensAndSpecialTokens) {
  Tokenizer tokenizer = load("metaspace-always"); // <s> ... </s>
  Encoding encoding = encode(tokenizer, {"a<s>", "b"});
  EXPECT_EQ(encoding.ids.front(), *tokenizer.idOf("<s>"));
  EXPECT_EQ(encoding.segments.front(), 0);
  EXPECT_EQ(encoding.ids.back(), *tokenizer.idOf("</s>"));
  EXPECT_EQ(encoding.segments.back(), 1);
  // A token that is found in the text may begin in one segment and end in the next.
  encoding = encode(tokenizer, {"a<", "s>b"});
  std::vector<int32_t> whole = *tokenizer.encode("a<s>b");
  EXPECT_EQ(encoding.ids, whole);
}

TEST(Segments, emptySegmentsHaveNoTokens) {
  Tokenizer tokenizer = load("gpt2");
  EXPECT_TRUE(encode(tokenizer, {}).ids.empty());
  EXPECT_TRUE(encode(tokenizer, {"", ""}).ids.empty());
  Encoding encoding = encode(tokenizer, {"", "a", "", "b"});
  EXPECT_EQ(encoding.segments, (std::vector<int32_t>{1, 3}));
}

TEST(Segments, aTextThatContinuesHasNoPrefix) {
  Tokenizer tokenizer = load("mistral-v3");
  std::vector<int32_t> ids = *tokenizer.encode("ld", {.addSpecialTokens = false, .continues = true});
  std::string text;
  for (int32_t id : ids)
    text += *tokenizer.tokenOf(id);
  EXPECT_EQ(text, "ld");
}
