#include "TestFiles.h"

#include "ftc/Runtime/IO/Gguf.h"

using namespace ftc::runtime;
using namespace ftc::runtime::test;

/// A GGUF string.
static std::string text(std::string_view content) { return raw(uint64_t(content.size())) + std::string(content); }

/// Type ids of metadata values.
enum : uint32_t { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 };

static std::string value(std::string_view key, uint32_t type, const std::string &bytes) {
  return text(key) + raw(type) + bytes;
}

static std::string array(uint32_t type, uint64_t count, const std::string &bytes) {
  return raw(type) + raw(count) + bytes;
}

/// The entry of a tensor; `dims` as in the file, innermost first.
static std::string tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
  std::string result = text(name) + raw(uint32_t(dims.size()));
  for (uint64_t size : dims)
    result += raw(size);
  return result + raw(type) + raw(offset);
}

static std::string header(uint64_t tensors, uint64_t values, uint32_t version = 3) {
  return "GGUF" + raw(version) + raw(tensors) + raw(values);
}

/// Pads to the alignment and adds `dataBytes` bytes 0, 1, 2 ...
static std::string data(std::string head, size_t dataBytes, size_t alignment = 32) {
  head.resize((head.size() + alignment - 1) / alignment * alignment);
  for (size_t i = 0; i < dataBytes; ++i)
    head += char(i);
  return head;
}

namespace {
class Gguf : public FolderTest {};

struct Malformed {
  const char *name;
  std::string content;
  const char *message;
};

class GgufMalformed : public FolderTest, public testing::WithParamInterface<Malformed> {};
} // namespace

static std::string everyValue() {
  return value("u8", U8, raw(uint8_t(200))) + value("i8", I8, raw(int8_t(-100))) +
         value("u16", U16, raw(uint16_t(60000))) + value("i16", I16, raw(int16_t(-30000))) +
         value("u32", U32, raw(uint32_t(4000000000))) + value("i32", I32, raw(int32_t(-2000000000))) +
         value("f32", F32, raw(1.5f)) + value("bool", BOOL, raw(uint8_t(1))) + value("string", STRING, text("te\0xt")) +
         value("u64", U64, raw(~uint64_t(0))) + value("i64", I64, raw(int64_t(-5))) + value("f64", F64, raw(0.1)) +
         value("numbers", ARRAY, array(I16, 3, raw(int16_t(1)) + raw(int16_t(-2)) + raw(int16_t(3)))) +
         value("texts", ARRAY, array(STRING, 2, text("a") + text(""))) +
         value("nested", ARRAY,
               array(ARRAY, 2, array(U8, 1, raw(uint8_t(7))) + array(ARRAY, 1, array(STRING, 1, text("deep")))));
}

TEST_F(Gguf, readsEveryTypeOfValue) {
  auto file = GgufFile::open(put("m.gguf", header(0, 15) + everyValue()));
  ASSERT_TRUE(bool(file)) << file.error().message;
  EXPECT_EQ(file->version(), 3u);
  ASSERT_EQ(file->metadata().size(), 15u);
  EXPECT_EQ(file->metadata()[2].first, "u16");
  const std::pair<const char *, int64_t> integers[] = {{"u8", 200},         {"i8", -100},         {"u16", 60000},
                                                       {"i16", -30000},     {"u32", 4000000000L}, {"i32", -2000000000},
                                                       {"i64", int64_t(-5)}};
  for (auto [key, expected] : integers) {
    EXPECT_EQ(file->metadata(key)->asInteger(), expected) << key;
    EXPECT_EQ(file->metadata(key)->asNumber(), double(expected)) << key;
  }
  EXPECT_FALSE(file->metadata("u64")->asInteger());
  EXPECT_EQ(file->metadata("u64")->asNumber(), 0x1p64);
  EXPECT_EQ(file->metadata("f32")->asNumber(), 1.5);
  EXPECT_EQ(file->metadata("f64")->asNumber(), 0.1);
  EXPECT_FALSE(file->metadata("f64")->asInteger());
  EXPECT_EQ(file->metadata("bool")->asBool(), true);
  EXPECT_FALSE(file->metadata("bool")->asInteger());
  EXPECT_EQ(file->metadata("string")->asString(), "te");
  EXPECT_EQ(file->metadata("none"), nullptr);
}

TEST_F(Gguf, readsArrays) {
  auto file = GgufFile::open(put("m.gguf", header(0, 15, 2) + everyValue()));
  ASSERT_TRUE(bool(file)) << file.error().message;
  const GgufArray *numbers = file->metadata("numbers")->asArray();
  ASSERT_TRUE(numbers);
  EXPECT_EQ(numbers->size(), 3u);
  EXPECT_EQ(numbers->elementType(), GgufType::I16);
  EXPECT_EQ((*numbers)[1].asInteger(), -2);
  EXPECT_EQ(numbers->strings(), nullptr);
  EXPECT_EQ(*file->metadata("texts")->asArray()->strings(), (std::vector<std::string_view>{"a", ""}));
  EXPECT_EQ((*file->metadata("texts")->asArray())[0].asString(), "a");
  const GgufArray *nested = file->metadata("nested")->asArray();
  EXPECT_EQ((*(*nested)[0].asArray())[0].asInteger(), 7);
  EXPECT_EQ((*(*(*nested)[1].asArray())[0].asArray()).strings()->front(), "deep");
}

TEST_F(Gguf, exposesTensorsRowMajorAtTheirBytes) {
  std::string head = header(3, 1) + value("general.alignment", U32, raw(uint32_t(64))) +
                     tensor("blk.0.w", {64, 3}, 3, 64) + tensor("norm", {5}, 0, 0) + tensor("scalar", {}, 30, 192);
  auto file = GgufFile::open(put("m.gguf", data(head, 256, 64)));
  ASSERT_TRUE(bool(file)) << file.error().message;
  const StoredTensor *weight = file->find("blk.0.w");
  ASSERT_TRUE(weight);
  EXPECT_EQ(weight->shape, (std::vector<int64_t>{3, 64}));
  EXPECT_EQ(weight->format.name, "q4_1");
  EXPECT_FALSE(weight->format.element);
  EXPECT_EQ(weight->bytes.size(), 3u * 2 * 20);
  EXPECT_EQ(weight->bytes[0], std::byte(64));
  EXPECT_EQ(weight->offset % 64, 0u);
  EXPECT_EQ(file->find("norm")->format.element, ElementType::F32);
  EXPECT_EQ(file->find("norm")->bytes[1], std::byte(1));
  EXPECT_EQ(file->find("scalar")->elements(), 1);
  EXPECT_EQ(file->find("other"), nullptr);
}

TEST_P(GgufMalformed, isRefusedWithItsPlace) {
  auto file = GgufFile::open(put("m.gguf", GetParam().content));
  ASSERT_FALSE(bool(file));
  EXPECT_EQ(file.error().status, ExitStatus::Input);
  EXPECT_EQ(relative(file.error().message), GetParam().message);
}

/// A file with one tensor entry `entry` and `dataBytes` of data.
static std::string one(const std::string &entry, size_t dataBytes) { return data(header(1, 0) + entry, dataBytes); }

/// A file with one metadata value and no tensor.
static std::string with(const std::string &entry) { return header(0, 1) + entry; }

static std::string deepArray(unsigned depth) {
  std::string result;
  for (unsigned i = 0; i < depth; ++i)
    result += raw(uint32_t(ARRAY)) + raw(uint64_t(1));
  return result + array(U8, 1, "x");
}

static const Malformed malformed[] = {
    {"empty", "", "m.gguf: byte 0: the file ends within the header"},
    {"wrong_magic", "GGML" + raw(uint32_t(3)), "m.gguf: byte 0: not a GGUF file: it does not start with 'GGUF'"},
    {"no_version", "GGUF", "m.gguf: byte 4: the file ends within the header"},
    {"version_1", header(0, 0, 1), "m.gguf: byte 4: GGUF version 1; versions 2 and 3 are read"},
    {"version_4", header(0, 0, 4), "m.gguf: byte 4: GGUF version 4; versions 2 and 3 are read"},
    {"version_0", header(0, 0, 0), "m.gguf: byte 4: GGUF version 0; versions 2 and 3 are read"},
    {"big_endian", "GGUF" + std::string("\0\0\0\3", 4),
     "m.gguf: byte 4: a big-endian GGUF file; convert it to little-endian"},
    {"no_counts", "GGUF" + raw(uint32_t(3)) + raw(uint64_t(0)),
     "m.gguf: byte 16: the file ends within the number of metadata values"},
    {"many_tensors", header(uint64_t(1) << 60, 0), "m.gguf: byte 8: 1152921504606846976 tensors do not fit the file"},
    {"all_ones_values", header(0, ~uint64_t(0)),
     "m.gguf: byte 16: 18446744073709551615 metadata values do not fit the file"},
    {"missing_value", header(0, 2) + value("a", STRING, text(std::string(20, 'x'))),
     "m.gguf: byte 65: the file ends within the key of a metadata value"},
    {"key_beyond_file", with(raw(uint64_t(1000)) + "abcdefgh"),
     "m.gguf: byte 24: the key of a metadata value of 1000 bytes does not fit the file"},
    {"key_of_all_ones", with(raw(~uint64_t(0)) + "abcdefgh"),
     "m.gguf: byte 24: the key of a metadata value of 18446744073709551615 bytes does not fit the file"},
    {"key_empty", with(value("", U8, "x")), "m.gguf: byte 24: a key is not 1 to 65535 characters of ASCII: ''"},
    {"key_control", with(value("\x1b[2J", U8, "x")),
     "m.gguf: byte 24: a key is not 1 to 65535 characters of ASCII: '\\x1b[2J'"},
    {"key_not_ascii", with(value("cl\u00e9", U8, "x")),
     "m.gguf: byte 24: a key is not 1 to 65535 characters of ASCII: 'cl\xC3\xA9'"},
    {"key_long", with(value(std::string(70000, 'k'), U8, "x")),
     "m.gguf: byte 24: a key is not 1 to 65535 characters of ASCII: "
     "'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
     "kkkkkkk...'"},
    {"key_twice", header(0, 2) + value("a", U8, "x") + value("a", U8, "x"),
     "m.gguf: byte 38: the key 'a' is there twice"},
    {"value_type_unknown", with(value("a", 13, "xxxxxxxx")),
     "m.gguf: byte 33: the type of a value is 13, which GGUF does not define, in the metadata value 'a' at byte 24"},
    {"value_type_missing", with(text("abcdefg")),
     "m.gguf: byte 39: the file ends within the type of a value, in the metadata value 'abcdefg' at byte 24"},
    {"value_truncated", with(value("abc", U64, "1234567")),
     "m.gguf: byte 39: the file ends within a value, in the metadata value 'abc' at byte 24"},
    {"bool_2", with(value("a", BOOL, raw(uint8_t(2)))),
     "m.gguf: byte 37: a truth value is 2, expected 0 or 1, in the metadata value 'a' at byte 24"},
    {"string_beyond_file", with(value("a", STRING, raw(uint64_t(5)) + "1234")),
     "m.gguf: byte 37: a string of 5 bytes does not fit the file, in the metadata value 'a' at byte 24"},
    {"string_length_truncated", with(value("a", STRING, "1234")),
     "m.gguf: byte 37: the file ends within a string, in the metadata value 'a' at byte 24"},
    {"array_type_unknown", with(value("a", ARRAY, array(99, 1, "x"))),
     "m.gguf: byte 37: the type of an array is 99, which GGUF does not define, in the metadata value 'a' at byte 24"},
    {"array_beyond_file", with(value("a", ARRAY, array(U32, 3, raw(uint64_t(0))))),
     "m.gguf: byte 41: an array of 3 elements does not fit the file, in the metadata value 'a' at byte 24"},
    {"array_overflow", with(value("a", ARRAY, array(U64, uint64_t(1) << 61, raw(uint64_t(0))))),
     "m.gguf: byte 41: an array of 2305843009213693952 elements does not fit the file, in the metadata value 'a' at "
     "byte 24"},
    {"array_of_many_strings", with(value("a", ARRAY, array(STRING, uint64_t(1) << 40, text("x")))),
     "m.gguf: byte 41: an array of 1099511627776 elements does not fit the file, in the metadata value 'a' at byte 24"},
    {"array_string_beyond_file", with(value("a", ARRAY, array(STRING, 2, text("x") + raw(uint64_t(9)) + "y"))),
     "m.gguf: byte 58: a string of an array of 9 bytes does not fit the file, in the metadata value 'a' at byte 24"},
    {"array_of_many_arrays", with(value("a", ARRAY, array(ARRAY, uint64_t(1) << 40, text("x")))),
     "m.gguf: byte 41: an array of 1099511627776 elements does not fit the file, in the metadata value 'a' at byte 24"},
    {"array_deep", with(value("a", ARRAY, deepArray(4))),
     "m.gguf: byte 73: arrays nested deeper than 4 levels, in the metadata value 'a' at byte 24"},
    {"array_very_deep", with(value("a", ARRAY, deepArray(100000))),
     "m.gguf: byte 73: arrays nested deeper than 4 levels, in the metadata value 'a' at byte 24"},
    {"alignment_zero", with(value("general.alignment", U32, raw(uint32_t(0)))),
     "m.gguf: byte 57: 'general.alignment' is no power of two from 8 to 2^30"},
    {"alignment_odd", with(value("general.alignment", U32, raw(uint32_t(24)))),
     "m.gguf: byte 57: 'general.alignment' is no power of two from 8 to 2^30"},
    {"alignment_text", with(value("general.alignment", STRING, text("32"))),
     "m.gguf: byte 63: 'general.alignment' is no power of two from 8 to 2^30"},
    {"alignment_negative", with(value("general.alignment", I32, raw(int32_t(-32)))),
     "m.gguf: byte 57: 'general.alignment' is no power of two from 8 to 2^30"},
    {"split", with(value("split.count", U16, raw(uint16_t(3)))),
     "m.gguf: byte 49: one of 3 parts of a split model; join them with llama-gguf-split --merge"},
    {"tensor_truncated", header(1, 0) + text("a") + raw(uint32_t(1)) + std::string(20, '\0').substr(0, 12),
     "m.gguf: byte 49: the file ends within the offset of a tensor"},
    {"tensor_name_empty", one(tensor("", {4}, 0, 0), 16),
     "m.gguf: byte 24: the name of a tensor is not 1 to 64 bytes of UTF-8: ''"},
    {"tensor_name_long", one(tensor(std::string(65, 'n'), {4}, 0, 0), 16),
     "m.gguf: byte 24: the name of a tensor is not 1 to 64 bytes of UTF-8: "
     "'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'"},
    {"tensor_name_bad_utf8", one(tensor("a\xFF", {4}, 0, 0), 16),
     "m.gguf: byte 24: the name of a tensor is not 1 to 64 bytes of UTF-8: 'a\\xff'"},
    {"tensor_twice", data(header(2, 0) + tensor("a", {8}, 0, 0) + tensor("a", {8}, 0, 32), 64),
     "m.gguf: byte 57: the tensor 'a' is there twice"},
    {"tensor_rank_5", one(tensor("a", {1, 1, 1, 1, 1}, 0, 0), 16),
     "m.gguf: byte 33: tensor 'a' has 5 dimensions, ggml has at most 4"},
    {"tensor_rank_all_ones", one(text("a") + raw(~uint32_t(0)) + std::string(30, 'x'), 16),
     "m.gguf: byte 33: tensor 'a' has 4294967295 dimensions, ggml has at most 4"},
    {"tensor_dim_all_ones", one(tensor("a", {~uint64_t(0)}, 0, 0), 16),
     "m.gguf: byte 37: tensor 'a': a dimension of 18446744073709551615 is too large"},
    {"tensor_overflow", one(tensor("a", {uint64_t(1) << 32, uint64_t(1) << 32}, 0, 0), 16),
     "m.gguf: byte 53: tensor 'a': the shape [4294967296, 4294967296] is too large"},
    {"tensor_overflow_in_bytes", one(tensor("a", {uint64_t(1) << 62}, 0, 0), 16),
     "m.gguf: byte 45: tensor 'a': the shape [4611686018427387904] is too large"},
    {"tensor_type_unknown", one(tensor("a", {32}, 4, 0), 16),
     "m.gguf: byte 45: tensor 'a' has ggml type 4, which is not known"},
    {"tensor_type_all_ones", one(tensor("a", {32}, ~uint32_t(0), 0), 16),
     "m.gguf: byte 45: tensor 'a' has ggml type 4294967295, which is not known"},
    {"tensor_half_block", one(tensor("a", {48, 2}, 2, 0), 64),
     "m.gguf: byte 53: tensor 'a' of shape [2, 48]: rows of 48 elements are not whole blocks of 32 (q4_0)"},
    {"tensor_offset_odd", one(tensor("a", {4}, 0, 8), 32),
     "m.gguf: byte 49: tensor 'a': offset 8 is not a multiple of 32"},
    {"tensor_offset_beyond_file", one(tensor("a", {4}, 0, 1 << 20), 16),
     "m.gguf: byte 49: tensor 'a': 16 bytes at offset 1048576 do not fit the file"},
    {"tensor_offset_all_ones", one(tensor("a", {4}, 0, ~uint64_t(31)), 16),
     "m.gguf: byte 49: tensor 'a': 16 bytes at offset 18446744073709551584 do not fit the file"},
    {"tensor_beyond_file", one(tensor("a", {8}, 0, 0), 31),
     "m.gguf: byte 64: tensor 'a' of 32 bytes reaches beyond the file's 95 bytes"},
    {"tensors_overlap", data(header(2, 0) + tensor("a", {16}, 0, 0) + tensor("b", {8}, 0, 32), 64),
     "m.gguf: byte 128: tensor 'b' overlaps the tensor before it"},
    {"tensors_same_bytes", data(header(2, 0) + tensor("a", {8}, 0, 0) + tensor("b", {8}, 0, 0), 32),
     "m.gguf: byte 96: tensor 'b' overlaps the tensor before it"},
    {"gap_first", one(tensor("a", {8}, 0, 32), 64), "m.gguf: byte 96: 32 bytes before tensor 'a' belong to no tensor"},
    {"gap_between", data(header(2, 0) + tensor("a", {8}, 0, 0) + tensor("b", {8}, 0, 64), 96),
     "m.gguf: byte 160: 32 bytes before tensor 'b' belong to no tensor"},
    {"trailing_bytes", one(tensor("a", {8}, 0, 0), 33), "m.gguf: byte 96: 1 bytes after the last tensor"},
};

INSTANTIATE_TEST_SUITE_P(Corpus, GgufMalformed, testing::ValuesIn(malformed),
                         [](const auto &info) { return info.param.name; });

TEST_F(Gguf, everyTruncationIsRefused) {
  std::string whole = data(header(1, 15) + everyValue() + tensor("a", {8}, 0, 0), 32);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(bool(GgufFile::open(put("m.gguf", whole.substr(0, length))))) << length;
  EXPECT_TRUE(bool(GgufFile::open(put("m.gguf", whole))));
}

TEST_F(Gguf, knowsTheBlocksOfEveryType) {
  const std::pair<uint32_t, std::pair<std::string, uint64_t>> types[] = {
      {2, {"q4_0", 144}}, {8, {"q8_0", 272}}, {12, {"q4_K", 144}}, {14, {"q6_K", 210}}, {30, {"bf16", 512}}};
  for (const auto &[id, expected] : types) {
    auto file = GgufFile::open(put("m.gguf", one(tensor("a", {256}, id, 0), expected.second)));
    ASSERT_TRUE(bool(file)) << file.error().message;
    EXPECT_EQ(file->find("a")->format.name, expected.first);
    EXPECT_EQ(file->find("a")->bytes.size(), expected.second);
  }
}
