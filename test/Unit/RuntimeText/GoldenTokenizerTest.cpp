// Ids and texts equal those of the library `tokenizers` on every text of test/data/tokenizers.

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Text/Tokenizer.h"

#include <gtest/gtest.h>

#include <sstream>

using namespace ftc::runtime;
using text::Tokenizer;

namespace {

struct Case {
  std::string text;
  std::vector<int32_t> ids, idsNoSpecial;
  std::string decoded, decodedSkipSpecial;
};

std::vector<int32_t> readIds(const json::Value &value) {
  std::vector<int32_t> ids;
  for (const json::Value &id : *value.asArray())
    ids.push_back(static_cast<int32_t>(*id.asInteger()));
  return ids;
}

std::vector<Case> readCases(const std::string &folder) {
  Expected<std::string> content = readFile(folder + "/golden.jsonl", 16 << 20);
  std::vector<Case> cases;
  std::istringstream lines(content ? *content : "");
  for (std::string line; std::getline(lines, line);) {
    Expected<json::Value> row = json::parse(line, {});
    if (!row)
      return {};
    cases.push_back({*row->find("text")->asString(), readIds(*row->find("ids")), readIds(*row->find("ids_no_special")),
                     *row->find("decoded")->asString(), *row->find("decoded_skip_special")->asString()});
  }
  return cases;
}

class GoldenTokenizer : public testing::TestWithParam<const char *> {
protected:
  std::string folder = std::string(FTC_TEST_DATA "/tokenizers/") + GetParam();
};

std::string stream(const Tokenizer &tokenizer, const std::vector<int32_t> &ids, bool skipSpecial) {
  text::StreamDecoder decoder(tokenizer, skipSpecial);
  std::string all;
  for (int32_t id : ids) {
    std::string fresh = *decoder.push(id);
    EXPECT_EQ(fresh.find("\xEF\xBF\xBD"), fresh.npos) << "half a character was printed";
    all += fresh;
  }
  return all + *decoder.finish();
}

} // namespace

TEST_P(GoldenTokenizer, encodesAndDecodes) {
  Expected<Tokenizer> tokenizer = Tokenizer::fromFile(folder + "/tokenizer.json");
  ASSERT_TRUE(bool(tokenizer)) << tokenizer.error().message;
  std::vector<Case> cases = readCases(folder);
  ASSERT_EQ(cases.size(), 148u);
  for (const Case &c : cases) {
    Expected<std::vector<int32_t>> ids = tokenizer->encode(c.text);
    ASSERT_TRUE(bool(ids)) << ids.error().message;
    EXPECT_EQ(*ids, c.ids) << c.text;
    EXPECT_EQ(*tokenizer->encode(c.text, {.addSpecialTokens = false}), c.idsNoSpecial) << c.text;
    EXPECT_EQ(*tokenizer->decode(c.ids), c.decoded) << c.text;
    EXPECT_EQ(*tokenizer->decode(c.ids, true), c.decodedSkipSpecial) << c.text;
  }
}

TEST_P(GoldenTokenizer, streamsWhatItDecodes) {
  Expected<Tokenizer> tokenizer = Tokenizer::fromFile(folder + "/tokenizer.json");
  ASSERT_TRUE(bool(tokenizer));
  int streamed = 0;
  for (const Case &c : readCases(folder)) {
    if (c.decoded.find("\xEF\xBF\xBD") != c.decoded.npos)
      continue;
    EXPECT_EQ(stream(*tokenizer, c.ids, false), c.decoded);
    EXPECT_EQ(stream(*tokenizer, c.ids, true), c.decodedSkipSpecial);
    ++streamed;
  }
  EXPECT_GT(streamed, 100);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTokenizer,
                         testing::Values("gpt2", "smollm2", "qwen2", "mistral-v3", "tiny320", "bl-roberta", "bl-llama3",
                                         "bl-qwen2", "bl-splits", "bl-o200k", "bl-added-tokens", "spm-llama2",
                                         "spm-gemma", "metaspace-first", "metaspace-always", "metaspace-never"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });
