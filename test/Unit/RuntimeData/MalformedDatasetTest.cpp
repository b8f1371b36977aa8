// Every mistake in a data file is refused with the file, the line and the field.

#include "Fixture.h"

using namespace ftc::runtime;
using namespace ftc::runtime::data;

namespace {

class MalformedDataset : public DataTest {
protected:
  /// The message of the error, without the folder.
  std::string refuse(const DatasetOptions &options, const text::TextCodec *codec,
                     ExitStatus status = ExitStatus::Input) {
    Expected<RecordStore> store = readDataset(options, codec);
    EXPECT_FALSE(bool(store));
    if (store)
      return "";
    EXPECT_EQ(store.error().status, status);
    std::string message = store.error().message;
    if (size_t at = message.find(folder + "/"); at != message.npos)
      message.erase(at, folder.size() + 1);
    return message;
  }

  std::string refuse(Format format, std::string_view content, const text::TextCodec *codec = nullptr) {
    DatasetOptions options;
    options.path = write("x.jsonl", content);
    options.format = format;
    options.vocabularySize = format == Format::Tokens ? 10 : 0;
    return refuse(options, codec);
  }
};

} // namespace

TEST_F(MalformedDataset, lines) {
  std::string good = "{\"input_ids\":[1]}\n";
  EXPECT_TRUE(refuse(Format::Tokens, good + "{\"input_ids\":[1}\n").starts_with("x.jsonl:2:"));
  EXPECT_TRUE(refuse(Format::Tokens, good + "\n\n{\"input_ids\":\n[1]}\n").starts_with("x.jsonl:4:"));
  EXPECT_TRUE(refuse(Format::Tokens, "{\"input_ids\":[1]} {}\n").starts_with("x.jsonl:1:"));
  EXPECT_TRUE(refuse(Format::Tokens, "{\"input_ids\":[1],\"input_ids\":[2]}\n").starts_with("x.jsonl:1:"));
  EXPECT_TRUE(refuse(Format::Completion, "\xFF\n", nullptr).starts_with("x.jsonl"));
  EXPECT_TRUE(refuse(Format::Tokens, "[{\"input_ids\":[1]},\n{\"input_ids\":}]").starts_with("x.jsonl:2:"));
  EXPECT_EQ(refuse(Format::Tokens, good + "7\n"), "x.jsonl:2: expected an object, got an integer");
  EXPECT_EQ(refuse(Format::Tokens, "[{\"input_ids\":[1]},7]"), "x.jsonl: [1]: expected an object, got an integer");
}

TEST_F(MalformedDataset, tokens) {
  EXPECT_EQ(refuse(Format::Tokens, "{}\n"), "x.jsonl:1: 'input_ids' is missing");
  EXPECT_EQ(refuse(Format::Tokens, "{\"input_ids\":\"1 2\"}\n"),
            "x.jsonl:1: input_ids: expected an array, got a string");
  EXPECT_EQ(refuse(Format::Tokens, "{\"input_ids\":[1,10]}\n"),
            "x.jsonl:1: 'input_ids' [1] is 10; expected a token id from 0 to 9");
  EXPECT_EQ(refuse(Format::Tokens, "{\"input_ids\":[-1]}\n"),
            "x.jsonl:1: 'input_ids' [0] is -1; expected a token id from 0 to 9");
  EXPECT_EQ(refuse(Format::Tokens, "{\"input_ids\":[1.5]}\n"),
            "x.jsonl:1: 'input_ids' [0] is a number; expected a token id from 0 to 9");
  EXPECT_EQ(refuse(Format::Tokens, "{\"input_ids\":[99999999999999]}\n"),
            "x.jsonl:1: 'input_ids' [0] is 99999999999999; expected a token id from 0 to 9");
  EXPECT_EQ(refuse(Format::Tokens, "{\"input_ids\":[1],\"labels\":[1,2]}\n"),
            "x.jsonl:1: 'labels' has 2 elements for 1 tokens");
  EXPECT_EQ(refuse(Format::Tokens, "{\"input_ids\":[1],\"labels\":[-1]}\n"),
            "x.jsonl:1: 'labels' [0] is -1; expected a token id from 0 to 9, or -100");
}

TEST_F(MalformedDataset, texts) {
  text::TextCodec plain = codec(false);
  EXPECT_EQ(refuse(Format::Completion, "{\"content\":\"a\"}\n", &plain), "x.jsonl:1: 'text' is missing");
  EXPECT_EQ(refuse(Format::Completion, "{\"text\":[]}\n", &plain), "x.jsonl:1: text: expected a string, got an array");
  EXPECT_EQ(refuse(Format::Completion, "{\"text\":null}\n", &plain), "x.jsonl:1: 'text' is missing");
  EXPECT_EQ(refuse(Format::Alpaca, "{\"instruction\":\"a\"}\n", &plain), "x.jsonl:1: 'output' is missing");
  EXPECT_EQ(refuse(Format::Alpaca, "{\"instruction\":\"a\",\"input\":3,\"output\":\"b\"}\n", &plain),
            "x.jsonl:1: input: expected a string, got 3");
}

TEST_F(MalformedDataset, messages) {
  text::TextCodec chat = codec(true);
  EXPECT_EQ(refuse(Format::Messages, "{}\n", &chat), "x.jsonl:1: 'messages' is missing");
  EXPECT_EQ(refuse(Format::Messages, "{\"messages\":\"hi\"}\n", &chat),
            "x.jsonl:1: messages: expected an array of messages, got a string");
  EXPECT_EQ(refuse(Format::Messages, "{\"messages\":[{\"role\":\"user\"}]}\n", &chat),
            "x.jsonl:1: messages[0]: 'content' is missing");
  EXPECT_EQ(refuse(Format::Messages, "{\"conversations\":[{\"from\":\"human\"}]}\n", &chat),
            "x.jsonl:1: conversations[0]: 'value' is missing");
}

TEST_F(MalformedDataset, whatTheModelCannotShow) {
  text::TextCodec plain = codec(false);
  EXPECT_EQ(refuse(Format::Completion, "", nullptr), "x.jsonl: the format needs a model with a tokenizer");
  EXPECT_TRUE(refuse(Format::Messages, "", &plain).ends_with("the model has no chat template"));
}

TEST_F(MalformedDataset, moreTokensThanTheModelKnows) {
  text::TextCodec plain = codec(false);
  DatasetOptions options;
  options.path = write("x.jsonl", "{\"text\":\"\"}\n{\"text\":\"To be\"}\n");
  options.vocabularySize = 4;
  EXPECT_TRUE(refuse(options, &plain).starts_with("x.jsonl:2: the tokenizer gives the id "));
  options.path = write("x.txt", "To be");
  EXPECT_TRUE(refuse(options, &plain).ends_with(", but the model knows 4 tokens only"));
}

TEST_F(MalformedDataset, files) {
  text::TextCodec plain = codec(false);
  DatasetOptions options;
  options.path = folder + "/missing.jsonl";
  EXPECT_TRUE(refuse(options, &plain).starts_with("missing.jsonl"));
  options.path = write("bad.txt", "a\xFF");
  EXPECT_EQ(refuse(options, &plain), "bad.txt: the text is not valid UTF-8");
  options.path = write("x.txt", "a");
  options.format = Format::Alpaca;
  EXPECT_EQ(refuse(options, &plain, ExitStatus::Recipe), "x.txt: a text file has the format 'completion'");
}

TEST_F(MalformedDataset, renamedFieldsMustBeFields) {
  text::TextCodec plain = codec(false);
  DatasetOptions options;
  options.path = write("x.jsonl", "");
  options.format = Format::Alpaca;
  options.fields = {{"question", "q"}};
  EXPECT_EQ(refuse(options, &plain, ExitStatus::Recipe),
            "format 'alpaca' has no field 'question'; it has 'instruction', 'input', 'output'");
}
