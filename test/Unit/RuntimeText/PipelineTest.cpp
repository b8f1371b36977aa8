// Each part of the pipeline alone, in ways that the golden tokenizers do not use it.

#include "TinyTokenizer.h"

using namespace ftc::runtime;
using namespace ftc::runtime::text;
using Strings = std::vector<std::string>;

namespace {

std::string splitAt(const std::string &pattern, const std::string &behavior, bool invert = false) {
  return R"({"type":"Split","pattern":)" + pattern + R"(,"behavior":")" + behavior + R"(","invert":)" +
         (invert ? "true}" : "false}");
}

void expectPieces(const std::string &preTokenizer, std::string_view text, const Strings &pieces) {
  EXPECT_EQ(piecesOf(preTokenizer, text, pieces), pieces) << preTokenizer << " of " << text;
}

/// What a normalizer makes of a text, which is not split.
void expectNormalized(const std::string &normalizer, std::string_view text, const std::string &expected) {
  EXPECT_EQ(piecesOf("null", text, {expected}, normalizer), Strings{expected}) << normalizer;
}

} // namespace

TEST(Split, behaviors) {
  std::string_view text = "the-final--countdown";
  std::string dash = R"({"String":"-"})";
  expectPieces(splitAt(dash, "Removed"), text, {"the", "final", "countdown"});
  expectPieces(splitAt(dash, "Isolated"), text, {"the", "-", "final", "-", "-", "countdown"});
  expectPieces(splitAt(dash, "MergedWithPrevious"), text, {"the-", "final-", "-", "countdown"});
  expectPieces(splitAt(dash, "MergedWithNext"), text, {"the", "-final", "-", "-countdown"});
  expectPieces(splitAt(dash, "Contiguous"), text, {"the", "-", "final", "--", "countdown"});
}

TEST(Split, invertKeepsWhatIsFound) {
  expectPieces(splitAt(R"({"Regex":"[a-z]+"})", "Removed", true), "ab1cd 2", {"ab", "cd"});
  expectPieces(splitAt(R"({"Regex":"[a-z]+"})", "Isolated", true), "ab1cd", {"ab", "1", "cd"});
}

TEST(Split, aLiteralIsNoRegularExpression) {
  expectPieces(splitAt(R"({"String":"."})", "Removed"), "a.bc.", {"a", "bc"});
}

TEST(Split, emptyMatchesEndNothing) {
  expectPieces(splitAt(R"({"Regex":"x*"})", "Isolated"), "axxb", {"a", "xx", "b"});
}

TEST(PreTokenizer, characterClasses) {
  expectPieces(R"({"type":"Digits","individual_digits":false})", "a12b\u00BD", {"a", "12", "b", "\u00BD"});
  expectPieces(R"({"type":"Digits","individual_digits":true})", "a12", {"a", "1", "2"});
  expectPieces(R"({"type":"Punctuation"})", "a,b!!\u3002$", {"a", ",", "b", "!", "!", "\u3002", "$"});
  expectPieces(R"({"type":"Punctuation","behavior":"Contiguous"})", "a!!b", {"a", "!!", "b"});
  expectPieces(R"({"type":"Whitespace"})", "x_1 = 'y'\u00A0!", {"x_1", "=", "'", "y", "'", "!"});
  expectPieces(R"({"type":"WhitespaceSplit"})", " a,b \tc\u3000d ", {"a,b", "c", "d"});
}

TEST(PreTokenizer, byteLevelPrefixAndAlphabet) {
  expectPieces(R"({"type":"ByteLevel","add_prefix_space":true})", "ab c\n", {"\u0120ab", "\u0120c", "\u010A"});
  expectPieces(R"({"type":"ByteLevel","add_prefix_space":true})", " ab", {"\u0120ab"});
  expectPieces(R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})", "a b\u00E9",
               {"a\u0120b\u00C3\u00A9"});
}

TEST(PreTokenizer, metaspaceOfOlderFiles) {
  expectPieces(R"({"type":"Metaspace","replacement":"_","add_prefix_space":true})", "a b", {"_a", "_b"});
  expectPieces(R"({"type":"Metaspace","replacement":"_","add_prefix_space":false})", "a b", {"a", "_b"});
}

TEST(PreTokenizer, metaspaceFirstIsOfTheInputsFirstCharacter) {
  std::string first = R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first"})";
  EXPECT_EQ(piecesOf(first, "a b", {"_a", "_b"}), (Strings{"_a", "_b"}));
  // What was stripped stood first.
  std::string strip = R"({"type":"Strip","strip_left":true,"strip_right":true})";
  EXPECT_EQ(piecesOf(first, " a b", {"a", "_b"}, strip), (Strings{"a", "_b"}));
  EXPECT_EQ(piecesOf(first, "\u0301a b", {"a", "_b"}, R"({"type":"StripAccents"})"), (Strings{"a", "_b"}));
}

TEST(Normalizer, unicodeForms) {
  expectNormalized(R"({"type":"NFC"})", "e\u0301", "\u00E9");
  expectNormalized(R"({"type":"NFD"})", "\u00E9", "e\u0301");
  expectNormalized(R"({"type":"NFKC"})", "\uFB01\u2460", "fi1");
  expectNormalized(R"({"type":"NFKD"})", "\uFB01\u00E9", "fie\u0301");
}

TEST(Normalizer, lowercaseIsCharacterByCharacter) {
  expectNormalized(R"({"type":"Lowercase"})", "ABC\u00C9\u0130\u03A3", "abc\u00E9i\u0307\u03C3");
}

TEST(Normalizer, stripsEndsAndAccents) {
  expectNormalized(R"({"type":"Strip","strip_left":true,"strip_right":true})", " \u3000a b\n", "a b");
  expectNormalized(R"({"type":"Strip","strip_left":false,"strip_right":true})", " a\u00A0 ", " a");
  expectNormalized(R"({"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"}]})", "\u00E9a\u0308",
                   "ea");
}

TEST(Normalizer, replacesAndPrepends) {
  expectNormalized(R"({"type":"Replace","pattern":{"Regex":" {2,}"},"content":"_"})", "a   b c", "a_b c");
  expectNormalized(R"({"type":"Prepend","prepend":"_"})", "a", "_a");
}

TEST(Model, prefixAndSuffix) {
  TinyParts parts;
  parts.preTokenizer = R"({"type":"WhitespaceSplit"})";
  parts.model = R"("continuing_subword_prefix":"##","end_of_word_suffix":"</w>",)";
  parts.tokens = {"a", "##b", "##c</w>", "a</w>", "ab", "abc</w>"};
  parts.merges = R"([["a","##b"],"ab ##c</w>"])";
  Expected<Tokenizer> tokenizer = tinyTokenizer(parts);
  ASSERT_TRUE(bool(tokenizer)) << tokenizer.error().message;
  EXPECT_EQ(tokensOf(*tokenizer, "abc a"), (Strings{"abc</w>", "a</w>"}));
}

TEST(Model, unknownCharacters) {
  TinyParts parts;
  parts.tokens = {"?", "a", "<0xC3>", "<0xA9>"};
  parts.model = R"("unk_token":"?","fuse_unk":false,)";
  EXPECT_EQ(tokensOf(*tinyTokenizer(parts), "xya"), (Strings{"?", "?", "a"}));
  parts.model = R"("unk_token":"?","fuse_unk":true,)";
  EXPECT_EQ(tokensOf(*tinyTokenizer(parts), "xyax"), (Strings{"?", "a", "?"}));
  parts.model = R"("unk_token":"?","byte_fallback":true,)";
  EXPECT_EQ(tokensOf(*tinyTokenizer(parts), "\u00E9x"), (Strings{"<0xC3>", "<0xA9>", "?"}));
  parts.model = "";
  EXPECT_EQ(tokensOf(*tinyTokenizer(parts), "xya"), (Strings{"a"}));
}

TEST(Model, theLowestRankGoesFirstThenTheLeftmost) {
  TinyParts parts;
  parts.tokens = {"a", "b", "aa", "ab", "aab"};
  parts.merges = R"(["a b","a a","aa b"])";
  EXPECT_EQ(tokensOf(*tinyTokenizer(parts), "aab"), (Strings{"a", "ab"}));
  EXPECT_EQ(tokensOf(*tinyTokenizer(parts), "aaaa"), (Strings{"aa", "aa"}));
  EXPECT_EQ(tokensOf(*tinyTokenizer(parts), "aaa"), (Strings{"aa", "a"}));
}

TEST(Model, longWordsTakeTimeInProportion) {
  TinyParts parts;
  parts.tokens = {"a", "aa", "aaaa"};
  parts.merges = R"(["a a","aa aa"])";
  Expected<Tokenizer> tokenizer = tinyTokenizer(parts);
  size_t length = size_t{4} << 20;
  Expected<std::vector<int32_t>> ids = tokenizer->encode(std::string(length, 'a'));
  ASSERT_TRUE(bool(ids));
  EXPECT_EQ(*ids, std::vector<int32_t>(length / 4, 2));
}

TEST(PostProcessor, sequenceNests) {
  TinyParts parts;
  parts.tokens = {"a", "<1>", "<2>", "<3>"};
  parts.postProcessor = R"({"type":"Sequence","processors":[{"type":"BertProcessing","sep":["<2>",2],"cls":["<1>",1]},
    {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<3>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
     "pair":[],"special_tokens":{"<3>":{"id":"<3>","ids":[3,3],"tokens":["<3>","<3>"]}}}]})";
  Expected<Tokenizer> tokenizer = tinyTokenizer(parts);
  ASSERT_TRUE(bool(tokenizer)) << tokenizer.error().message;
  EXPECT_EQ(*tokenizer->encode("a"), (std::vector<int32_t>{3, 3, 1, 0, 2}));
  EXPECT_EQ(*tokenizer->encode("a", {.addSpecialTokens = false}), std::vector<int32_t>{0});
}

TEST(Decoder, kinds) {
  auto decode = [](const std::string &decoder, const Strings &tokens) {
    TinyParts parts;
    parts.decoder = decoder;
    std::vector<int32_t> ids;
    for (const std::string &token : tokens) {
      auto found = std::find(parts.tokens.begin(), parts.tokens.end(), token);
      ids.push_back(static_cast<int32_t>(found - parts.tokens.begin()));
      if (found == parts.tokens.end())
        parts.tokens.push_back(token);
    }
    Expected<Tokenizer> tokenizer = tinyTokenizer(parts);
    EXPECT_TRUE(bool(tokenizer)) << tokenizer.error().message;
    return *tokenizer->decode(ids);
  };
  EXPECT_EQ(decode("null", {"a", "b"}), "a b");
  EXPECT_EQ(decode(R"({"type":"Fuse"})", {"a", "b"}), "ab");
  EXPECT_EQ(decode(R"({"type":"BPEDecoder","suffix":"</w>"})", {"a</w>", "b", "c</w>"}), "a bc");
  EXPECT_EQ(decode(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"always"})", {"_a", "_b"}), "a b");
  EXPECT_EQ(decode(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"never"})", {"_a", "_b"}), " a b");
  EXPECT_EQ(decode(R"({"type":"Strip","content":"_","start":1,"stop":2})", {"__a___", "_"}), "_a_");
  EXPECT_EQ(decode(R"({"type":"ByteFallback"})", {"<0xC3>", "<0xA9>", "x", "<0xFF>", "<0xC3>"}), "\u00E9x\uFFFD\uFFFD");
  EXPECT_EQ(decode(R"({"type":"Replace","pattern":{"Regex":"[xy]+"},"content":"-"})", {"axyb"}), "a-b");
  // The maximal subpart of an ill-formed sequence becomes one U+FFFD.
  EXPECT_EQ(decode(R"({"type":"ByteLevel"})", {"\u00E2\u0124", "a", "\u00FF\u00FF"}), "\uFFFDa\uFFFD\uFFFD");
}

TEST(Tokenizer, idsThatAreNoTokensArePassedOver) {
  TinyParts parts;
  parts.tokens = {"a", "b"};
  parts.decoder = R"({"type":"Fuse"})";
  EXPECT_EQ(*tinyTokenizer(parts)->decode(std::vector<int32_t>{0, 7, -3, 1}), "ab");
}

TEST(Tokenizer, refusesWhatIsNoUtf8) {
  TinyParts parts;
  parts.tokens = {"a"};
  Expected<std::vector<int32_t>> ids = tinyTokenizer(parts)->encode("a\xC3");
  ASSERT_FALSE(bool(ids));
  EXPECT_EQ(ids.error().message, "the text is not valid UTF-8");
}

TEST(Tokenizer, aRegularExpressionCannotHang) {
  TinyParts parts;
  parts.tokens = {"a", "b"};
  parts.preTokenizer = splitAt(R"({"Regex":"(a|aa)+$"})", "Isolated");
  Expected<std::vector<int32_t>> ids = tinyTokenizer(parts)->encode(std::string(200, 'a') + "b");
  ASSERT_FALSE(bool(ids));
  EXPECT_NE(ids.error().message.find("gave up on a text"), std::string::npos) << ids.error().message;
}

TEST(Tokenizer, replacementsCannotGrowWithoutBound) {
  TinyParts parts;
  parts.tokens = {"a"};
  std::string twice = R"({"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(1000, 'a') + R"("})";
  parts.normalizer = R"({"type":"Sequence","normalizers":[)" + twice + "," + twice + "," + twice + "," + twice + "]}";
  Expected<std::vector<int32_t>> ids = tinyTokenizer(parts)->encode("a");
  ASSERT_FALSE(bool(ids));
  EXPECT_NE(ids.error().message.find("makes a text longer than"), std::string::npos) << ids.error().message;
}
