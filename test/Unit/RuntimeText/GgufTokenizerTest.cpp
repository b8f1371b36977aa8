// A tokenizer that was put into the metadata of a GGUF file is what comes out of it.

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Text/TextCodec.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <sstream>

using namespace ftc::runtime;
using namespace ftc::runtime::text;

namespace {

/// Writes GGUF files of metadata alone (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
class GgufWriter {
public:
  void add(const std::string &key, const std::string &value) {
    begin(key, 8);
    string(value);
  }
  void add(const std::string &key, uint32_t value) {
    begin(key, 4);
    number(value);
  }
  void add(const std::string &key, bool value) {
    begin(key, 7);
    number(static_cast<uint8_t>(value));
  }
  void add(const std::string &key, const std::vector<std::string> &values) {
    begin(key, 9);
    number(uint32_t{8});
    number(static_cast<uint64_t>(values.size()));
    for (const std::string &value : values)
      string(value);
  }
  void add(const std::string &key, const std::vector<int32_t> &values) {
    begin(key, 9);
    number(uint32_t{5});
    number(static_cast<uint64_t>(values.size()));
    for (int32_t value : values)
      number(value);
  }

  std::string text() const {
    std::string head = "GGUF";
    append(head, uint32_t{3});
    append(head, uint64_t{0});
    append(head, count);
    return head + body;
  }

private:
  template <typename T> static void append(std::string &out, T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out.append(bytes, sizeof(T));
  }
  template <typename T> void number(T value) { append(body, value); }
  void string(const std::string &value) {
    number(static_cast<uint64_t>(value.size()));
    body += value;
  }
  void begin(const std::string &key, uint32_t type) {
    ++count;
    string(key);
    number(type);
  }

  std::string body;
  uint64_t count = 0;
};

class GgufTokenizer : public testing::Test {
protected:
  GgufTokenizer() { std::filesystem::create_directories(folder); }
  ~GgufTokenizer() override { std::filesystem::remove_all(folder); }

  GgufFile open(const GgufWriter &writer) {
    std::string path = folder + "/model.gguf";
    EXPECT_TRUE(bool(writeFileAtomically(path, writer.text())));
    Expected<GgufFile> file = GgufFile::open(path);
    EXPECT_TRUE(bool(file)) << file.error().message;
    return std::move(*file);
  }

  std::string refuse(const GgufWriter &writer) {
    GgufFile file = open(writer);
    Expected<TextCodec> codec = TextCodec::fromGguf(file);
    EXPECT_FALSE(bool(codec));
    std::string message = codec ? "" : codec.error().message;
    return message.starts_with(folder) ? message.substr(folder.size() + 1) : message;
  }

  std::string folder = testing::TempDir() + "ftc-gguf-tokenizer-" + std::to_string(getpid());
};

/// The metadata of a tokenizer of `tokens`.
GgufWriter small(const std::vector<std::string> &tokens, const std::vector<std::string> &merges = {}) {
  GgufWriter writer;
  writer.add("tokenizer.ggml.model", std::string("gpt2"));
  writer.add("tokenizer.ggml.pre", std::string("gpt-2"));
  writer.add("tokenizer.ggml.tokens", tokens);
  writer.add("tokenizer.ggml.merges", merges);
  return writer;
}

/// What a conversion to GGUF makes of the tokenizer `smollm2`.
GgufWriter smollm2() {
  json::Value root = std::move(*json::parseFile(FTC_TEST_DATA "/tokenizers/smollm2/tokenizer.json"));
  const json::Value &model = *root.find("model");
  const json::Object &vocabulary = *model.find("vocab")->asObject();
  std::vector<std::string> tokens(vocabulary.size()), merges;
  for (const json::Member &entry : vocabulary)
    tokens[static_cast<size_t>(*entry.value.asInteger())] = entry.key;
  for (const json::Value &merge : *model.find("merges")->asArray())
    merges.push_back(*merge.asString());
  std::vector<int32_t> types(tokens.size(), 1);
  for (const json::Value &token : *root.find("added_tokens")->asArray())
    types[static_cast<size_t>(*token.find("id")->asInteger())] = 3;
  GgufWriter writer;
  writer.add("tokenizer.ggml.model", std::string("gpt2"));
  writer.add("tokenizer.ggml.pre", std::string("smollm"));
  writer.add("tokenizer.ggml.tokens", tokens);
  writer.add("tokenizer.ggml.merges", merges);
  writer.add("tokenizer.ggml.token_type", types);
  writer.add("tokenizer.ggml.bos_token_id", uint32_t{1});
  writer.add("tokenizer.ggml.eos_token_id", uint32_t{2});
  writer.add("tokenizer.ggml.add_bos_token", false);
  writer.add("tokenizer.chat_template", *readFile(FTC_TEST_DATA "/chat/smollm2/template.jinja", 1 << 16));
  return writer;
}

void expectGolden(const Tokenizer &tokenizer) {
  std::istringstream lines(*readFile(FTC_TEST_DATA "/tokenizers/smollm2/golden.jsonl", 1 << 20));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    json::Value row = std::move(*json::parse(line, {}));
    std::vector<int32_t> ids;
    for (const json::Value &id : *row.find("ids")->asArray())
      ids.push_back(static_cast<int32_t>(*id.asInteger()));
    EXPECT_EQ(*tokenizer.encode(*row.find("text")->asString()), ids);
    EXPECT_EQ(*tokenizer.decode(ids, true), *row.find("decoded_skip_special")->asString());
  }
  EXPECT_EQ(count, 148);
}

} // namespace

TEST_F(GgufTokenizer, equalsTheTokenizerJson) {
  GgufFile file = open(smollm2());
  Expected<TextCodec> codec = TextCodec::fromGguf(file);
  ASSERT_TRUE(bool(codec)) << codec.error().message;
  expectGolden(codec->tokenizer());
  EXPECT_EQ(codec->beginToken(), 1);
  EXPECT_EQ(codec->endToken(), 2);
  EXPECT_EQ(codec->stopTokens(), std::vector<int32_t>{2});
  EXPECT_TRUE(bool(codec->chatTemplate()));
}

TEST_F(GgufTokenizer, becomesAHuggingFaceDirectory) {
  GgufFile file = open(smollm2());
  Expected<std::vector<NamedText>> files = tokenizerFilesOfGguf(file);
  ASSERT_TRUE(bool(files)) << files.error().message;
  for (const auto &[name, content] : *files)
    ASSERT_TRUE(bool(writeFileAtomically(folder + "/saved/" + name, content)));
  Expected<TextCodec> codec = TextCodec::fromDirectory(folder + "/saved");
  ASSERT_TRUE(bool(codec)) << codec.error().message;
  expectGolden(codec->tokenizer());
  EXPECT_EQ(codec->beginToken(), 1);
  EXPECT_EQ(codec->endToken(), 2);
  EXPECT_TRUE(bool(codec->chatTemplate()));
}

TEST_F(GgufTokenizer, addsTheTokensItIsToldTo) {
  GgufWriter writer = small({"<s>", "</s>", "a"});
  writer.add("tokenizer.ggml.token_type", std::vector<int32_t>{3, 4, 1});
  writer.add("tokenizer.ggml.bos_token_id", uint32_t{0});
  writer.add("tokenizer.ggml.eos_token_id", uint32_t{1});
  writer.add("tokenizer.ggml.add_bos_token", true);
  writer.add("tokenizer.ggml.add_eos_token", true);
  GgufFile file = open(writer);
  Expected<TextCodec> codec = TextCodec::fromGguf(file);
  ASSERT_TRUE(bool(codec)) << codec.error().message;
  EXPECT_EQ(*codec->tokenizer().encode("a"), (std::vector<int32_t>{0, 2, 1}));
  EXPECT_TRUE(codec->tokenizer().isSpecial(0));
  EXPECT_FALSE(codec->tokenizer().isSpecial(1));
}

TEST_F(GgufTokenizer, mistakesAreNamed) {
  GgufWriter none;
  EXPECT_EQ(refuse(none),
            "model.gguf: tokenizer.ggml.model is ''; supported is 'gpt2' (byte-level byte-pair encoding)");
  GgufWriter unknown;
  unknown.add("tokenizer.ggml.model", std::string("gpt2"));
  unknown.add("tokenizer.ggml.pre", std::string("new"));
  EXPECT_TRUE(refuse(unknown).starts_with("model.gguf: tokenizer.ggml.pre is 'new'; supported are 'gpt-2', "));
  GgufWriter noTokens;
  noTokens.add("tokenizer.ggml.model", std::string("gpt2"));
  noTokens.add("tokenizer.ggml.pre", std::string("gpt-2"));
  EXPECT_EQ(refuse(noTokens), "model.gguf: the metadata lacks tokenizer.ggml.tokens, an array of strings");
  EXPECT_EQ(refuse(small({"a", "\xFF"})), "model.gguf: tokenizer.ggml.tokens[1]: '\\xff' is not valid UTF-8");
  EXPECT_EQ(refuse(small({"a", "a"})), "model.gguf: model: the token 'a' is listed twice");
  EXPECT_EQ(refuse(small({"a", "b"}, {"a b"})), "model.gguf: model.merges[0]: 'ab' is not in the vocabulary");
  GgufWriter types = small({"a", "b"});
  types.add("tokenizer.ggml.token_type", std::vector<int32_t>{1});
  EXPECT_EQ(refuse(types), "model.gguf: tokenizer.ggml.token_type has 1 elements for 2 tokens");
  GgufWriter begin = small({"a"});
  begin.add("tokenizer.ggml.add_bos_token", true);
  EXPECT_EQ(refuse(begin),
            "model.gguf: tokenizer.ggml.add_bos_token is true, but tokenizer.ggml.bos_token_id is missing");
  begin.add("tokenizer.ggml.bos_token_id", uint32_t{7});
  EXPECT_EQ(refuse(begin), "model.gguf: tokenizer.ggml.bos_token_id is no token's id");
}

TEST(TextCodec, readsTheConfigurations) {
  std::string folder = testing::TempDir() + "ftc-text-codec-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(FTC_TEST_DATA "/tokenizers/tiny320/tokenizer.json", folder + "/tokenizer.json");
  auto write = [&](const char *name, const char *text) {
    ASSERT_TRUE(bool(writeFileAtomically(folder + "/" + name, text)));
  };
  Expected<TextCodec> bare = TextCodec::fromDirectory(folder);
  ASSERT_TRUE(bool(bare)) << bare.error().message;
  EXPECT_FALSE(bare->endToken());
  EXPECT_TRUE(bare->stopTokens().empty());
  EXPECT_EQ(bare->chatTemplate().error().message, folder + ": the model has no chat template");

  write("tokenizer_config.json", R"({"eos_token":{"content":"<|im_end|>"},"bos_token":null,
    "chat_template":[{"name":"tool_use","template":"x"},{"name":"default","template":"{{ messages }}"}]})");
  write("generation_config.json", R"({"eos_token_id":[0,2],"bos_token_id":1})");
  Expected<TextCodec> codec = TextCodec::fromDirectory(folder);
  ASSERT_TRUE(bool(codec)) << codec.error().message;
  EXPECT_EQ(codec->beginToken(), 1);
  EXPECT_EQ(codec->endToken(), 2);
  EXPECT_EQ(codec->stopTokens(), (std::vector<int32_t>{2, 0}));
  EXPECT_TRUE(codec->hasChatTemplate());
  EXPECT_TRUE(codec->chatTemplate().error().message.starts_with(
      folder + ": this chat template is not supported: '{{ messages }}'"));

  write("tokenizer_config.json", R"({"eos_token":"<none>"})");
  EXPECT_EQ(TextCodec::fromDirectory(folder).error().message,
            folder + "/tokenizer_config.json: eos_token: '<none>' is no token of tokenizer.json");
  write("tokenizer_config.json", "[]");
  EXPECT_EQ(TextCodec::fromDirectory(folder).error().message,
            folder + "/tokenizer_config.json: expected an object, got an array");
  std::filesystem::remove_all(folder);
}
