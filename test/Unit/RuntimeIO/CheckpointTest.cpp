#include "TestFiles.h"

#include "ftc/Runtime/IO/Checkpoint.h"

#include <fmt/format.h>

using namespace ftc::runtime;
using namespace ftc::runtime::test;

namespace {
class CheckpointTest : public FolderTest {
protected:
  /// A safetensors file of one-byte tensors.
  void shard(const std::string &name, const std::vector<std::string> &tensors) {
    std::string header = "{";
    for (size_t i = 0; i < tensors.size(); ++i)
      header += fmt::format("{}\"{}\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[{},{}]}}", i ? "," : "",
                            tensors[i], i, i + 1);
    put(name, safetensors(header + "}", tensors.size()));
  }
};

struct Malformed {
  const char *name;
  std::string index;
  const char *message;
};

class IndexMalformed : public CheckpointTest, public testing::WithParamInterface<Malformed> {};
} // namespace

static constexpr const char *indexName = "model.safetensors.index.json";

TEST_F(CheckpointTest, opensShardsThroughTheirIndex) {
  shard("model-00001-of-00002.safetensors", {"z", "a"});
  shard("model-00002-of-00002.safetensors", {"m"});
  put(indexName, R"({"metadata":{"total_size":3},"weight_map":{"a":"model-00001-of-00002.safetensors",
                     "m":"model-00002-of-00002.safetensors","z":"model-00001-of-00002.safetensors"}})");
  for (const std::string &path : {root, at(indexName)}) {
    auto opened = Checkpoint::open(path);
    ASSERT_TRUE(bool(opened)) << opened.error().message;
    Checkpoint checkpoint = *std::move(opened);
    ASSERT_EQ(checkpoint.tensors().size(), 3u);
    EXPECT_EQ(checkpoint.tensors()[0]->name, "a");
    EXPECT_EQ(checkpoint.tensors()[2]->name, "z");
    EXPECT_EQ(checkpoint.find("a")->bytes[0], std::byte(1));
    EXPECT_EQ(checkpoint.find("b"), nullptr);
    EXPECT_EQ(checkpoint.fileOf(*checkpoint.find("m")).path(), at("model-00002-of-00002.safetensors"));
    EXPECT_EQ(checkpoint.files().size(), 2u);
    EXPECT_EQ(checkpoint.gguf(), nullptr);
  }
}

TEST_F(CheckpointTest, prefersTheSingleFile) {
  shard("model.safetensors", {"a"});
  put(indexName, "malformed, and not read");
  EXPECT_EQ(Checkpoint::open(root)->files(), (std::vector<std::string>{at("model.safetensors")}));
}

TEST_F(CheckpointTest, opensGgufByContentAndByFolder) {
  std::string gguf = "GGUF" + raw(uint32_t(3)) + raw(uint64_t(0)) + raw(uint64_t(0));
  put("weights", gguf);
  EXPECT_TRUE(Checkpoint::open(at("weights"))->gguf());
  put("m.gguf", gguf);
  EXPECT_TRUE(Checkpoint::open(root)->gguf());
  put("n.gguf", gguf);
  EXPECT_EQ(relative(Checkpoint::open(root).error().message),
            root + ": holds 2 GGUF files; name one, for example m.gguf");
}

TEST_F(CheckpointTest, saysWhatAFolderLacks) {
  EXPECT_EQ(Checkpoint::open(root).error().message,
            root + ": no model.safetensors, model.safetensors.index.json or .gguf file");
  put("pytorch_model.bin", "");
  EXPECT_EQ(Checkpoint::open(root).error().message,
            root +
                ": no model.safetensors, model.safetensors.index.json or .gguf file; pickled weights (.bin, .pt) can "
                "run code and are never read: convert them to safetensors");
  EXPECT_EQ(relative(Checkpoint::open(at("none")).error().message), "none: cannot open: No such file or directory");
}

TEST_P(IndexMalformed, isRefusedWithItsPlace) {
  shard("1.safetensors", {"a", "b"});
  shard("2.safetensors", {"c"});
  put("broken.safetensors", "x");
  put("sub/3.safetensors", "");
  put(indexName, GetParam().index);
  auto checkpoint = Checkpoint::open(root);
  ASSERT_FALSE(bool(checkpoint));
  EXPECT_EQ(checkpoint.error().status, ExitStatus::Input);
  EXPECT_EQ(relative(checkpoint.error().message), GetParam().message);
}

static const Malformed malformed[] = {
    {"empty", "", "model.safetensors.index.json:1:1: expected JSON, got nothing"},
    {"no_json", "weight_map", "model.safetensors.index.json:1:1: malformed JSON"},
    {"array", "[]", "model.safetensors.index.json: 'weight_map' is missing, expected an object"},
    {"no_map", "{\"metadata\":{}}", "model.safetensors.index.json: 'weight_map' is missing, expected an object"},
    {"map_text", "{\"weight_map\":\"1.safetensors\"}",
     "model.safetensors.index.json: 'weight_map' is a string, expected an object"},
    {"map_empty", "{\"weight_map\":{}}", "model.safetensors.index.json: 'weight_map' is empty"},
    {"shard_number", "{\"weight_map\":{\"a\":1}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is an integer, expected a string"},
    {"shard_empty", "{\"weight_map\":{\"a\":\"\"}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is '', expected a file name in this folder"},
    {"shard_parent", "{\"weight_map\":{\"a\":\"../x.safetensors\"}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is '../x.safetensors', expected a file name in this "
     "folder"},
    {"shard_dots", "{\"weight_map\":{\"a\":\"..\"}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is '..', expected a file name in this folder"},
    {"shard_absolute", "{\"weight_map\":{\"a\":\"/etc/passwd\"}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is '/etc/passwd', expected a file name in this "
     "folder"},
    {"shard_in_folder", "{\"weight_map\":{\"a\":\"sub/3.safetensors\"}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is 'sub/3.safetensors', expected a file name in this "
     "folder"},
    {"shard_backslash", "{\"weight_map\":{\"a\":\"..\\\\x\"}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is '..\\\\x', expected a file name in this folder"},
    {"shard_nul", "{\"weight_map\":{\"a\":\"1.safetensors\\u0000\"}}",
     "model.safetensors.index.json: 'weight_map': the file of 'a' is '1.safetensors\\x00', expected a file name in "
     "this folder"},
    {"shard_missing", "{\"weight_map\":{\"a\":\"4.safetensors\"}}",
     "4.safetensors: cannot open: No such file or directory, a shard of model.safetensors.index.json"},
    {"shard_is_folder", "{\"weight_map\":{\"a\":\"sub\"}}",
     "sub: not a file but a folder, a shard of model.safetensors.index.json"},
    {"shard_broken", "{\"weight_map\":{\"a\":\"broken.safetensors\"}}",
     "broken.safetensors: 1 bytes are too few for a safetensors file, a shard of model.safetensors.index.json"},
    {"tensor_twice", "{\"weight_map\":{\"a\":\"1.safetensors\",\"a\":\"1.safetensors\"}}",
     "model.safetensors.index.json:1:36: the key 'a' is there twice"},
    {"tensor_not_in_shard",
     "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"1.safetensors\",\"c\":\"1.safetensors\"}}",
     "model.safetensors.index.json: 'weight_map' places 'c' in '1.safetensors', which has no such tensor"},
    {"tensor_not_in_map", "{\"weight_map\":{\"a\":\"1.safetensors\"}}",
     "1.safetensors: tensor 'b' is not in the 'weight_map' of model.safetensors.index.json"},
    {"tensor_in_other_shard",
     "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\",\"c\":\"2.safetensors\"}}",
     "model.safetensors.index.json: 'weight_map' places 'b' in '2.safetensors', but '1.safetensors' has it too"},
};

INSTANTIATE_TEST_SUITE_P(Corpus, IndexMalformed, testing::ValuesIn(malformed),
                         [](const auto &info) { return info.param.name; });

TEST_F(CheckpointTest, aTensorInTwoShardsIsRefused) {
  shard("1.safetensors", {"a"});
  shard("2.safetensors", {"a", "b"});
  put(indexName, R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  EXPECT_EQ(relative(Checkpoint::open(root).error().message),
            "model.safetensors.index.json: 'weight_map' places 'a' in '1.safetensors', but '2.safetensors' has it too");
}

TEST_F(CheckpointTest, opensAnAdapterFolder) {
  EXPECT_EQ(relative(AdapterDirectory::open(root).error().message),
            "adapter_config.json: cannot open: No such file or directory");
  put("adapter_config.json", "[1]");
  EXPECT_EQ(relative(AdapterDirectory::open(root).error().message),
            "adapter_config.json: is an array, expected an object");
  put("adapter_config.json", R"({"r": 4})");
  EXPECT_EQ(relative(AdapterDirectory::open(root).error().message),
            "adapter_model.safetensors: cannot open: No such file or directory");
  shard("adapter_model.safetensors", {"t"});
  auto adapter = AdapterDirectory::open(root);
  ASSERT_TRUE(bool(adapter)) << adapter.error().message;
  EXPECT_EQ(adapter->config.find("r")->asInteger(), 4);
  EXPECT_TRUE(adapter->tensors.find("t"));
}
