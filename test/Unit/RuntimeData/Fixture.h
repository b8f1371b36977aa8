// Data files and a small model's codec for one test.
#ifndef FTC_TEST_UNIT_RUNTIMEDATA_FIXTURE_H
#define FTC_TEST_UNIT_RUNTIMEDATA_FIXTURE_H

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/Data/Batch.h"
#include "ftc/Runtime/Data/Dataset.h"
#include "ftc/Runtime/Text/TextCodec.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

namespace ftc::runtime::data {

/// A folder of its own, removed with the fixture.
class DataTest : public testing::Test {
protected:
  DataTest() {
    const testing::TestInfo *info = testing::UnitTest::GetInstance()->current_test_info();
    folder =
        testing::TempDir() + "ftc-" + info->test_suite_name() + "-" + info->name() + "-" + std::to_string(getpid());
    std::filesystem::create_directories(folder);
  }
  ~DataTest() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string &name, std::string_view content) {
    Status status = writeFileAtomically(folder + "/" + name, content);
    EXPECT_TRUE(bool(status));
    return folder + "/" + name;
  }

  /// The codec of the tokenizer `tiny320`, with the configuration of a chat model or of one without a template.
  text::TextCodec codec(bool chat) {
    std::filesystem::copy_file(FTC_TEST_DATA "/tokenizers/tiny320/tokenizer.json", folder + "/tokenizer.json",
                               std::filesystem::copy_options::overwrite_existing);
    Expected<std::string> source = readFile(FTC_TEST_DATA "/chat/chatml/template.jinja", 1 << 16);
    json::Object config{{"eos_token", chat ? "<|im_end|>" : "<|endoftext|>"}};
    if (chat)
      config.push_back({"chat_template", *source});
    write("tokenizer_config.json", json::dump(config));
    Expected<text::TextCodec> result = text::TextCodec::fromDirectory(folder);
    EXPECT_TRUE(bool(result)) << result.error().message;
    return std::move(*result);
  }

  /// A store of documents of these lengths; token i of document d is 100 d + i.
  static DocumentStore documents(const std::vector<int32_t> &lengths) {
    DocumentStore store;
    int32_t first = 100;
    for (int32_t length : lengths) {
      Sequence sequence;
      for (int32_t i = 0; i < length; ++i)
        sequence.ids.push_back(first + i);
      sequence.weights = {{length, 1}};
      store.add(sequence);
      first += 100;
    }
    return store;
  }

  std::string folder;
};

} // namespace ftc::runtime::data

#endif // FTC_TEST_UNIT_RUNTIMEDATA_FIXTURE_H
