// A data file of any bytes is read or refused in every format, and what is read becomes batches.

#include "MemoryFile.h"

#include "ftc/Runtime/Data/Batch.h"
#include "ftc/Runtime/Text/TextCodec.h"

#include <unistd.h>

#include <filesystem>

using namespace ftc::runtime;

namespace {

/// A folder with a small chat model's tokenizer.
struct Folder {
  Folder() {
    std::filesystem::create_directories(path);
    std::filesystem::copy_file(FTC_TEST_DATA "/tokenizers/tiny320/tokenizer.json", path + "/tokenizer.json",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(FTC_TEST_DATA "/chat/chatml/template.jinja", path + "/chat_template.jinja",
                               std::filesystem::copy_options::overwrite_existing);
  }
  ~Folder() { std::filesystem::remove_all(path); }

  std::string path = std::filesystem::temp_directory_path().string() + "/ftc-fuzz-rows-" + std::to_string(getpid());
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const Folder folder;
  static const Expected<text::TextCodec> codec = text::TextCodec::fromDirectory(folder.path);
  static const ftc::fuzz::MemoryFile file;
  ftc::fuzz::require(bool(codec));
  for (data::Format format :
       {data::Format::Tokens, data::Format::Completion, data::Format::Alpaca, data::Format::Messages,
        data::Format::Preference, data::Format::Feedback, data::Format::Pairs, data::Format::Classification}) {
    data::DatasetOptions options;
    options.path = file.hold(bytes, size);
    options.format = format;
    Expected<data::RecordStore> store = data::readDataset(options, &*codec);
    if (!store || store->size() == 0)
      continue;
    data::BatchOptions shape;
    shape.rows = 2;
    shape.tokens = 8;
    shape.packing = options.format <= data::Format::Messages;
    data::RecordBatcher batcher(*store, shape);
    data::RecordBatch batch;
    for (int64_t step = 0; step <= batcher.stepsPerEpoch(); ++step)
      batcher.fill(step, batch);
  }
  return 0;
}
