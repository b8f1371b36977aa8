// Every malformed tokenizer.json is refused with a message that names the file and the place.

#include "TinyTokenizer.h"

using namespace ftc::runtime;
using namespace ftc::runtime::text;

namespace {

struct Malformed {
  const char *name;
  std::string json;
  const char *message;
};

TinyParts sound() {
  TinyParts parts;
  parts.tokens = {"a", "b", "ab"};
  parts.merges = R"(["a b"])";
  return parts;
}

template <typename Change> std::string changed(Change change) {
  TinyParts parts = sound();
  change(parts);
  return tinyJson(parts);
}

std::string withNormalizer(const std::string &text) {
  return changed([&](TinyParts &parts) { parts.normalizer = text; });
}
std::string withSplit(const std::string &text) {
  return changed([&](TinyParts &parts) { parts.preTokenizer = text; });
}
std::string withProcessor(const std::string &text) {
  return changed([&](TinyParts &parts) { parts.postProcessor = text; });
}
std::string withDecoder(const std::string &text) {
  return changed([&](TinyParts &parts) { parts.decoder = text; });
}
std::string withAdded(const std::string &text) {
  return changed([&](TinyParts &parts) { parts.addedTokens = text; });
}
std::string withMerges(const std::string &text) {
  return changed([&](TinyParts &parts) { parts.merges = text; });
}
std::string withModel(const std::string &text) { return R"({"model":)" + text + "}"; }

const Malformed cases[] = {
    {"empty", "", "t.json:1:1: "},
    {"noJson", "{\"model\": {", "t.json:1:"},
    {"noObject", "[]", "t.json: expected an object, got an array"},
    {"noModel", "{}", "t.json: 'model' is missing"},
    {"modelOfWrongKind", withModel("3"), "t.json: model: expected an object, got an integer"},
    {"unigram", withModel(R"({"type":"Unigram","vocab":[]})"),
     "t.json: model: type 'Unigram' is not supported; supported is BPE"},
    {"wordPiece", withModel(R"({"type":"WordPiece","vocab":{}})"),
     "t.json: model: type 'WordPiece' is not supported; supported is BPE"},
    {"wordLevel", withModel(R"({"type":"WordLevel","vocab":{}})"),
     "t.json: model: type 'WordLevel' is not supported; supported is BPE"},
    {"noType", withModel(R"({"vocab":{}})"), "t.json: model: type '' is not supported; supported is BPE"},
    {"noVocabulary", withModel(R"({"type":"BPE","merges":[]})"), "t.json: model: 'vocab' is missing"},
    {"vocabularyOfWrongKind", withModel(R"({"type":"BPE","vocab":[],"merges":[]})"),
     "t.json: model: 'vocab' is not an object"},
    {"idOfWrongKind", withModel(R"({"type":"BPE","vocab":{"a":"0"},"merges":[]})"),
     "t.json: model: the id of token 'a' is not an integer from 0 to 4194303"},
    {"negativeId", withModel(R"({"type":"BPE","vocab":{"a":-1},"merges":[]})"),
     "t.json: model: the id of token 'a' is not an integer from 0 to 4194303"},
    {"hugeId", withModel(R"({"type":"BPE","vocab":{"a":4194304},"merges":[]})"),
     "t.json: model: the id of token 'a' is not an integer from 0 to 4194303"},
    {"sameIdTwice", withModel(R"({"type":"BPE","vocab":{"a":0,"b":0},"merges":[]})"),
     "t.json: model.vocab: the tokens 'a' and 'b' have the same id 0"},
    {"sameTokenTwice", withModel(R"({"type":"BPE","vocab":{"a":0,"a":1},"merges":[]})"), "t.json:1:"},
    {"noMerges", withModel(R"({"type":"BPE","vocab":{"a":0}})"), "t.json: model: 'merges' is missing"},
    {"dropout", withModel(R"({"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]})"),
     "t.json: model: 'dropout' is not supported: the same text would have other tokens each time"},
    {"unknownUnkToken", withModel(R"({"type":"BPE","unk_token":"?","vocab":{"a":0},"merges":[]})"),
     "t.json: model: 'unk_token' '?' is not in the vocabulary"},
    {"flagOfWrongKind", withModel(R"({"type":"BPE","fuse_unk":1,"vocab":{"a":0},"merges":[]})"),
     "t.json: model.fuse_unk: expected a boolean, got 1"},
    {"mergeOfOneToken", withMerges(R"(["ab"])"), "t.json: model.merges[0]: expected two tokens"},
    {"mergeOfThreeTokens", withMerges(R"(["a b","a b c"])"), "t.json: model.merges[1]: expected two tokens"},
    {"mergePairOfThree", withMerges(R"([["a","b","c"]])"), "t.json: model.merges[0]: expected two tokens"},
    {"mergeOfWrongKind", withMerges("[7]"), "t.json: model.merges[0]: expected two tokens"},
    {"mergeOfUnknownToken", withMerges(R"(["a x"])"), "t.json: model.merges[0]: 'x' is not in the vocabulary"},
    {"mergeToUnknownToken", withMerges(R"(["a b","b a"])"), "t.json: model.merges[1]: 'ba' is not in the vocabulary"},
    {"precompiled", withNormalizer(R"({"type":"Precompiled","precompiled_charsmap":""})"),
     "t.json: normalizer: type 'Precompiled' is not supported; supported are NFC, NFD, NFKC, NFKD, Lowercase, Strip, "
     "StripAccents, Replace, Prepend, Sequence"},
    {"bertNormalizer", withNormalizer(R"({"type":"BertNormalizer"})"),
     "t.json: normalizer: type 'BertNormalizer' is not supported"},
    {"sequenceMember", withNormalizer(R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"X"}]})"),
     "t.json: normalizer.normalizers[1]: type 'X' is not supported"},
    {"normalizerOfWrongKind", withNormalizer("[]"), "t.json: normalizer: expected an object, got an array"},
    {"replaceWithoutPattern", withNormalizer(R"({"type":"Replace","content":""})"),
     "t.json: normalizer: 'pattern' is missing"},
    {"patternOfBothKinds", withNormalizer(R"({"type":"Replace","content":"","pattern":{"String":"a","Regex":"b"}})"),
     "t.json: normalizer.pattern: expected 'String' or 'Regex'"},
    {"emptyPattern", withNormalizer(R"({"type":"Replace","content":"","pattern":{"String":""}})"),
     "t.json: normalizer: an empty pattern"},
    {"brokenRegex", withSplit(R"({"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"})"),
     "t.json: pre_tokenizer: the regular expression '(a': end pattern with unmatched parenthesis"},
    {"unknownBehavior", withSplit(R"({"type":"Split","pattern":{"String":"a"},"behavior":"Dropped"})"),
     "t.json: pre_tokenizer: 'behavior' is 'Dropped'; expected one of Isolated, Removed, MergedWithPrevious, "
     "MergedWithNext, Contiguous"},
    {"unknownPreTokenizer", withSplit(R"({"type":"UnicodeScripts"})"),
     "t.json: pre_tokenizer: type 'UnicodeScripts' is not supported; supported are ByteLevel, Split, Digits, "
     "Punctuation, Whitespace, WhitespaceSplit, Metaspace, Sequence"},
    {"metaspaceOfTwoCharacters", withSplit(R"({"type":"Metaspace","replacement":"__"})"),
     "t.json: pre_tokenizer: 'replacement' is not one character"},
    {"unknownScheme", withSplit(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"last"})"),
     "t.json: pre_tokenizer: 'prepend_scheme' is 'last'; expected one of always, first, never"},
    {"templateWithoutText", withProcessor(R"({"type":"TemplateProcessing","single":[],"special_tokens":{}})"),
     "t.json: post_processor: 'single' lacks the sequence 'A'"},
    {"templateWithUnknownToken",
     withProcessor(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}}],"special_tokens":{}})"),
     "t.json: post_processor: 'special_tokens' lacks '<s>'"},
    {"templateWithTextTwice",
     withProcessor(
         R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}],"special_tokens":{}})"),
     "t.json: post_processor.single: expected the sequence 'A' once"},
    {"processorWithoutTokens", withProcessor(R"({"type":"RobertaProcessing","sep":["</s>",2]})"),
     "t.json: post_processor: 'cls' is missing"},
    {"processorWithStrangeIds", withProcessor(R"({"type":"BertProcessing","sep":["</s>",9],"cls":["<s>",0]})"),
     "t.json: post_processor: 9 is no token's id"},
    {"unknownDecoder", withDecoder(R"({"type":"CTC"})"),
     "t.json: decoder: type 'CTC' is not supported; supported are ByteLevel, ByteFallback, Fuse, Strip, Replace, "
     "Metaspace, BPEDecoder, Sequence"},
    {"stripWithoutCount", withDecoder(R"({"type":"Strip","content":" ","start":1})"),
     "t.json: decoder: 'stop' is missing"},
    {"stripWithNegativeCount", withDecoder(R"({"type":"Strip","content":" ","start":-1,"stop":0})"),
     "t.json: decoder.start: expected an integer from 0 to 1048576, got -1"},
    {"addedTokensOfWrongKind", withAdded("{}"), "t.json: added_tokens: expected an array, got an object"},
    {"addedTokenWithoutId", withAdded(R"([{"content":"x"}])"), "t.json: added_tokens[0]: 'id' is missing"},
    {"addedTokenWithoutText", withAdded(R"([{"id":3,"content":""}])"), "t.json: added_tokens[0]: 'content' is empty"},
    {"addedTokenWithOtherId", withAdded(R"([{"id":3,"content":"a"}])"),
     "t.json: added_tokens: 'a' has id 3, but the vocabulary gives it 0"},
    {"addedTokenWithTakenId", withAdded(R"([{"id":1,"content":"x"}])"),
     "t.json: added_tokens: 'x' has id 1, but the vocabulary gives that id to 'b'"},
    {"addedTokenTwice", withAdded(R"([{"id":3,"content":"x"},{"id":4,"content":"x"}])"),
     "t.json: added_tokens: 'x' is listed twice"},
};

} // namespace

TEST(MalformedTokenizer, isRefusedWithItsPlace) {
  ASSERT_TRUE(bool(tinyTokenizer(sound())));
  for (const Malformed &c : cases) {
    Expected<Tokenizer> tokenizer = Tokenizer::fromJson(c.json, "t.json");
    ASSERT_FALSE(bool(tokenizer)) << c.name;
    EXPECT_EQ(tokenizer.error().status, ExitStatus::Input) << c.name;
    EXPECT_TRUE(tokenizer.error().message.starts_with(c.message)) << c.name << ": " << tokenizer.error().message;
  }
}

TEST(MalformedTokenizer, nestingIsBounded) {
  std::string open, close;
  for (int i = 0; i < 5000; ++i) {
    open += R"({"type":"Sequence","normalizers":[)";
    close += "]}";
  }
  Expected<Tokenizer> tokenizer = Tokenizer::fromJson(withNormalizer(open + R"({"type":"NFC"})" + close), "t.json");
  ASSERT_FALSE(bool(tokenizer));
  EXPECT_TRUE(tokenizer.error().message.starts_with("t.json:1:")) << tokenizer.error().message;
}
