// Rows of every format become the tokens, labels and weights that the table in Dataset.h states.

#include "Fixture.h"

using namespace ftc::runtime;
using namespace ftc::runtime::data;

namespace {

class DatasetTest : public DataTest {
protected:
  DocumentStore read(const std::string &path, Format format, const text::TextCodec *codec, float promptLoss = 0) {
    DatasetOptions options;
    options.path = path;
    options.format = format;
    options.promptLoss = promptLoss;
    Expected<RecordStore> store = readDataset(options, codec);
    EXPECT_TRUE(bool(store)) << store.error().message;
    return store ? std::move(store->texts.front()) : DocumentStore();
  }

  /// The text of the tokens that weigh `weight`.
  static std::string textOfWeight(const text::TextCodec &codec, const Document &document, float weight) {
    std::vector<int32_t> ids;
    int32_t token = 0;
    for (const WeightRun &run : document.weights)
      for (; token < run.end; ++token)
        if (run.weight == weight)
          ids.push_back(document.ids[static_cast<size_t>(token)]);
    return *codec.tokenizer().decode(ids);
  }
};

std::vector<int32_t> list(std::span<const int32_t> values) { return {values.begin(), values.end()}; }

} // namespace

TEST_F(DatasetTest, tokens) {
  std::string path = write("x.jsonl", "{\"input_ids\":[1,2,3]}\n\n{\"input_ids\":[4,5],\"labels\":[-100,7]}\r\n");
  DocumentStore store = read(path, Format::Tokens, nullptr);
  ASSERT_EQ(store.size(), 2);
  EXPECT_EQ(store.fileRows, 2);
  EXPECT_EQ(list(store[0].ids), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_TRUE(store[0].labels.empty());
  EXPECT_EQ(list(store[1].labels), (std::vector<int32_t>{-100, 7}));
}

TEST_F(DatasetTest, oneArrayOfRows) {
  std::string path = write("x.json", " [\n{\"input_ids\":[1]},\n{\"input_ids\":[2,3]}]\n");
  DocumentStore store = read(path, Format::Tokens, nullptr);
  ASSERT_EQ(store.size(), 2);
  EXPECT_EQ(store.length(1), 2);
}

TEST_F(DatasetTest, separatorsOfUnicodeEndNoLine) {
  text::TextCodec model = codec(false);
  std::string path = write("x.jsonl", "{\"text\":\"a\u2028b\u0085c\"}\n");
  DocumentStore store = read(path, Format::Completion, &model);
  ASSERT_EQ(store.size(), 1);
  EXPECT_EQ(textOfWeight(model, store[0], 1), "a\u2028b\u0085c<|endoftext|>");
}

TEST_F(DatasetTest, completionEndsWithTheEndToken) {
  text::TextCodec model = codec(false);
  DocumentStore store =
      read(write("x.jsonl", "{\"text\":\"To be\"}\n{\"text\":\"\"}\n{\"text\":\"or<|endoftext|>\"}\n"),
           Format::Completion, &model);
  ASSERT_EQ(store.size(), 2);
  EXPECT_EQ(store.emptyRows, 1);
  EXPECT_EQ(textOfWeight(model, store[0], 1), "To be<|endoftext|>");
  EXPECT_EQ(textOfWeight(model, store[1], 1), "or<|endoftext|>");
}

TEST_F(DatasetTest, alpacaWithoutTemplate) {
  text::TextCodec model = codec(false);
  std::string path = write("x.jsonl", R"({"instruction":"Add.","input":"1 2","output":"3"}
{"instruction":"Greet.","output":"Hi"}
{"instruction":"Greet.","input":"","output":"Hi"}
)");
  DocumentStore store = read(path, Format::Alpaca, &model);
  ASSERT_EQ(store.size(), 3);
  EXPECT_EQ(textOfWeight(model, store[0], 1), "3<|endoftext|>");
  EXPECT_EQ(
      textOfWeight(model, store[0], 0),
      "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
      "response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### "
      "Response:\n");
  EXPECT_EQ(textOfWeight(model, store[1], 0),
            "Below is an instruction that describes a task. Write a response that appropriately completes the "
            "request.\n\n### Instruction:\nGreet.\n\n### Response:\n");
  EXPECT_EQ(list(store[1].ids), list(store[2].ids));
}

TEST_F(DatasetTest, alpacaWithTemplate) {
  text::TextCodec model = codec(true);
  DocumentStore store =
      read(write("x.jsonl", R"({"instruction":"Add.","input":"1 2","output":"3"})"), Format::Alpaca, &model, 0.25f);
  ASSERT_EQ(store.size(), 1);
  EXPECT_EQ(textOfWeight(model, store[0], 1), "3<|im_end|>");
  EXPECT_EQ(textOfWeight(model, store[0], 0.25f), "<|im_start|>user\nAdd.\n\n1 2<|im_end|>\n<|im_start|>assistant\n\n");
}

TEST_F(DatasetTest, messages) {
  text::TextCodec model = codec(true);
  std::string path =
      write("x.jsonl", R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},)"
                       R"({"role":"user","content":"r"},{"role":"assistant","content":"b"}]}
{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}
)");
  DocumentStore store = read(path, Format::Messages, &model);
  ASSERT_EQ(store.size(), 2);
  EXPECT_EQ(textOfWeight(model, store[0], 1), "a<|im_end|>b<|im_end|>");
  EXPECT_EQ(textOfWeight(model, store[1], 1), "a<|im_end|>");
  EXPECT_EQ(*model.tokenizer().decode(list(store[1].ids)),
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n");
  // The prompt has the tokens that it has when it is continued.
  std::vector<int32_t> prompt = *model.tokenizer().encode("<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), store[1].ids.begin()));
}

TEST_F(DatasetTest, renamedFieldsAndLimit) {
  text::TextCodec model = codec(false);
  DatasetOptions options;
  options.path =
      write("x.jsonl", "{\"question\":\"q\",\"answer\":\"a\"}\n{\"question\":\"r\",\"answer\":\"b\"}\n{bad\n");
  options.format = Format::Alpaca;
  options.fields = {{"instruction", "question"}, {"output", "answer"}};
  options.limit = 2;
  Expected<RecordStore> store = readDataset(options, &model);
  ASSERT_TRUE(bool(store)) << store.error().message;
  EXPECT_EQ(store->size(), 2);
  EXPECT_EQ(textOfWeight(model, store->texts.front()[1], 1), "b<|endoftext|>");
}

TEST_F(DatasetTest, plainTextIsOneDocument) {
  text::TextCodec model = codec(false);
  std::string text = "First Citizen:\nBefore we proceed any further, hear me speak.\n";
  DocumentStore store = read(write("x.txt", text), Format::Completion, &model);
  ASSERT_EQ(store.size(), 1);
  EXPECT_TRUE(store.cutsLongDocuments);
  EXPECT_EQ(textOfWeight(model, store[0], 1), text + "<|endoftext|>");
}

TEST_F(DatasetTest, longPlainTextHasTheTokensOfTheWhole) {
  text::TextCodec model = codec(false);
  std::string text;
  while (text.size() < (size_t{17} << 18))
    text += "Speak, speak.\n\nFirst Citizen:\nYou are all resolved rather to die than to famish?\n";
  DocumentStore store = read(write("x.txt", text), Format::Completion, &model);
  std::vector<int32_t> whole = *model.tokenizer().encode(text);
  whole.push_back(*model.endToken());
  EXPECT_EQ(list(store[0].ids), whole);
}

TEST_F(DatasetTest, emptyFiles) {
  text::TextCodec model = codec(false);
  EXPECT_EQ(read(write("x.jsonl", ""), Format::Completion, &model).size(), 0);
  EXPECT_EQ(read(write("y.txt", ""), Format::Completion, &model).size(), 0);
  EXPECT_EQ(read(write("z.json", "[]"), Format::Completion, &model).size(), 0);
}
