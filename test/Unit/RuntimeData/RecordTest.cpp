// Rows of several texts, of texts with a label, and texts whose middle comes last.

#include "Fixture.h"

#include <set>

using namespace ftc::runtime;
using namespace ftc::runtime::data;

namespace {

class RecordTest : public DataTest {
protected:
  Expected<RecordStore> read(Format format, std::string_view content, const text::TextCodec *codec,
                             InfillOptions infill = {}) {
    DatasetOptions options;
    options.path = write("x.jsonl", content);
    options.format = format;
    options.infill = std::move(infill);
    return readDataset(options, codec);
  }

  std::string refuse(Format format, std::string_view content, const text::TextCodec *codec = nullptr) {
    Expected<RecordStore> store = read(format, content, codec);
    EXPECT_FALSE(bool(store));
    std::string message = store ? "" : store.error().message;
    if (size_t at = message.find(folder + "/"); at != message.npos)
      message.erase(at, folder.size() + 1);
    return message;
  }

  static std::vector<int32_t> ids(const RecordStore &store, size_t text, int64_t row) {
    Document document = store.texts[text][row];
    return {document.ids.begin(), document.ids.end()};
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

} // namespace

TEST_F(RecordTest, preferencesOfTokenIds) {
  Expected<RecordStore> store =
      read(Format::Preference, "{\"prompt\":[1,2],\"chosen\":[3],\"rejected\":[4,5]}\n", nullptr);
  ASSERT_TRUE(bool(store)) << store.error().message;
  ASSERT_EQ(store->texts.size(), 2U);
  EXPECT_EQ(ids(*store, 0, 0), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(ids(*store, 1, 0), (std::vector<int32_t>{1, 2, 4, 5}));
  RecordBatcher batcher(*store, {.rows = 1, .tokens = 4, .packing = false, .shuffle = false});
  RecordBatch batch;
  batcher.fill(0, batch);
  EXPECT_EQ(batch.texts[1].weights, (std::vector<float>{0, 1, 1, 0}));
  EXPECT_EQ(batch.texts[1].targets, (std::vector<int32_t>{0, 4, 5, 0}));
  EXPECT_EQ(batch.texts[0].segments, (std::vector<int32_t>{0, 0, 0, -1}));
  EXPECT_EQ(batch.texts[0].places, (std::vector<int64_t>{0, 1, 2, -1}));
  EXPECT_EQ(batcher.counts().supervised, 3);
}

TEST_F(RecordTest, preferencesAsTurns) {
  text::TextCodec chat = codec(true);
  std::string row =
      "{\"prompt\":\"How?\",\"chosen\":\"So.\",\"rejected\":[{\"role\":\"assistant\",\"content\":\"No.\"}]}\n";
  Expected<RecordStore> store = read(Format::Preference, row, &chat);
  ASSERT_TRUE(bool(store)) << store.error().message;
  EXPECT_EQ(textOfWeight(chat, store->texts[0][0], 1), "So.<|im_end|>");
  EXPECT_EQ(textOfWeight(chat, store->texts[1][0], 1), "No.<|im_end|>");
}

TEST_F(RecordTest, answersWithinAPromptAreNotJudged) {
  text::TextCodec chat = codec(true);
  std::string row = "{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
                    "{\"role\":\"user\",\"content\":\"c\"}],\"chosen\":\"d\",\"rejected\":\"e\"}\n";
  Expected<RecordStore> store = read(Format::Preference, row, &chat);
  ASSERT_TRUE(bool(store)) << store.error().message;
  EXPECT_EQ(textOfWeight(chat, store->texts[0][0], 1), "d<|im_end|>");
}

TEST_F(RecordTest, mismatchedAnswersAreThoseOfTheRowBefore) {
  Expected<RecordStore> store = read(Format::Feedback,
                                     "{\"prompt\":[1],\"completion\":[2],\"desirable\":true}\n"
                                     "{\"prompt\":[3],\"completion\":[4],\"desirable\":false}\n"
                                     "{\"prompt\":[5],\"completion\":[6,7],\"desirable\":true}\n",
                                     nullptr);
  ASSERT_TRUE(bool(store)) << store.error().message;
  EXPECT_EQ(ids(*store, 1, 0), (std::vector<int32_t>{1, 6, 7}));
  EXPECT_EQ(ids(*store, 1, 1), (std::vector<int32_t>{3, 2}));
  EXPECT_EQ(ids(*store, 1, 2), (std::vector<int32_t>{5, 4}));
  EXPECT_EQ(store->fields, (std::vector<int32_t>{1, 0, 1}));
  // Rows of all texts and fields keep in step when they are shuffled, and no batch is filled up.
  RecordBatcher batcher(*store, {.rows = 2, .tokens = 4, .packing = false, .shuffle = true, .whole = true, .seed = 3});
  EXPECT_EQ(batcher.stepsPerEpoch(), 1);
  RecordBatch batch;
  for (int64_t step = 0; step < 6; ++step) {
    batcher.fill(step, batch);
    for (size_t row = 0; row < 2; ++row) {
      EXPECT_EQ(batch.texts[0].inputIds[row * 4], batch.texts[1].inputIds[row * 4]);
      EXPECT_EQ(batch.fields[row], batch.texts[0].inputIds[row * 4] == 3 ? 0 : 1);
    }
  }
}

TEST_F(RecordTest, textsWithoutTargetsWeighEveryToken) {
  Expected<RecordStore> store = read(Format::Pairs, "{\"query\":[1,2,3],\"positive\":[4]}\n", nullptr);
  ASSERT_TRUE(bool(store)) << store.error().message;
  RecordBatcher batcher(*store, {.rows = 1, .tokens = 2, .packing = false, .shuffle = false});
  RecordBatch batch;
  batcher.fill(0, batch);
  EXPECT_EQ(batch.texts[0].weights, (std::vector<float>{1, 1}));
  EXPECT_EQ(batch.texts[1].weights, (std::vector<float>{1, 0}));
}

TEST_F(RecordTest, aLabelledTextIsReadAtItsLastToken) {
  Expected<RecordStore> store = read(Format::Classification, "{\"text\":[1,2,3],\"label\":2}\n", nullptr);
  ASSERT_TRUE(bool(store)) << store.error().message;
  RecordBatcher batcher(*store, {.rows = 2, .tokens = 4, .packing = false, .shuffle = false});
  RecordBatch batch;
  batcher.fill(0, batch);
  EXPECT_EQ(batch.front().weights, (std::vector<float>{0, 0, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(batch.fields, (std::vector<int32_t>{2, 0}));
}

TEST_F(RecordTest, infillingKeepsEveryCharacter) {
  text::TextCodec model = codec(true);
  std::string text = "Der Fluß fließt ruhig an dem alten Städtchen vorbei.", rows;
  for (int i = 0; i < 40; ++i)
    rows += "{\"text\":\"" + text + "\"}\n";
  InfillOptions infill{
      .rate = 0.75, .spm = 0.5, .seed = 4, .sentinels = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}};
  Expected<RecordStore> store = read(Format::Infill, rows, &model, infill);
  ASSERT_TRUE(bool(store)) << store.error().message;
  int changed = 0, suffixFirst = 0;
  std::set<std::string> shapes;
  for (int64_t row = 0; row < store->size(); ++row) {
    std::string shown = *model.tokenizer().decode(store->texts[0][row].ids);
    size_t prefix = shown.find("<|im_start|>"), suffix = shown.find("<|im_end|>");
    size_t middle = shown.find("<|endoftext|>");
    shapes.insert(shown);
    if (prefix == shown.npos) {
      EXPECT_EQ(shown, text + "<|im_end|>");
      continue;
    }
    ++changed;
    ASSERT_LT(suffix, middle);
    std::string before = shown.substr(prefix + 12, suffix - prefix - 12),
                after = shown.substr(suffix + 10, middle - suffix - 10);
    std::string last = shown.substr(middle + 13, shown.rfind("<|im_end|>") - middle - 13);
    suffixFirst += before.empty();
    EXPECT_EQ(before.empty() ? last + after : before + last + after, text);
  }
  EXPECT_GT(changed, 20);
  EXPECT_LT(changed, 40);
  EXPECT_GT(suffixFirst, 5);
  EXPECT_GT(shapes.size(), 20U);
  Expected<RecordStore> again = read(Format::Infill, rows, &model, infill);
  for (int64_t row = 0; row < store->size(); ++row)
    EXPECT_EQ(ids(*again, 0, row), ids(*store, 0, row));
}

TEST_F(RecordTest, mistakes) {
  text::TextCodec plain = codec(false);
  EXPECT_EQ(refuse(Format::Preference, "{\"prompt\":[1],\"chosen\":[2]}\n"), "x.jsonl:1: 'rejected' is missing");
  EXPECT_EQ(refuse(Format::Preference, "{\"prompt\":[1],\"chosen\":\"b\",\"rejected\":[2]}\n"),
            "x.jsonl:1: a prompt of token ids needs answers of token ids, and the other way round");
  EXPECT_EQ(refuse(Format::Preference, "{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}\n"),
            "x.jsonl:1: a text needs a model with a tokenizer (token ids do not)");
  EXPECT_EQ(refuse(Format::Preference, "{\"prompt\":\"\",\"chosen\":\"b\",\"rejected\":\"c\"}\n", &plain),
            "x.jsonl:1: 'prompt' is empty");
  EXPECT_EQ(refuse(Format::Feedback, "{\"prompt\":[1],\"completion\":[2],\"desirable\":1}\n"),
            "x.jsonl:1: desirable: expected a boolean, got 1");
  EXPECT_EQ(refuse(Format::Pairs, "{\"query\":[1],\"positive\":[]}\n"), "x.jsonl:1: 'positive' is empty");
  EXPECT_EQ(refuse(Format::Classification, "{\"text\":[1],\"label\":-1}\n"),
            "x.jsonl:1: label: expected an integer from 0 to 2147483647, got -1");
  EXPECT_EQ(refuse(Format::Infill, "{\"text\":\"a\"}\n", &plain),
            "x.jsonl: the tokenizer has no tokens for infilling that are known; name three tokens that it has, "
            "'sentinels: [\"<PRE>\", \"<SUF>\", \"<MID>\"]'");
}
