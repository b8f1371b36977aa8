#include "TestFiles.h"

#include "ftc/Runtime/IO/Safetensors.h"

using namespace ftc::runtime;
using namespace ftc::runtime::test;

namespace {
class Safetensors : public FolderTest {};

struct Malformed {
  const char *name;
  std::string content;
  const char *message;
};

class SafetensorsMalformed : public FolderTest, public testing::WithParamInterface<Malformed> {};
} // namespace

/// One tensor's header entry.
static std::string entry(const char *name, const char *dtype, const char *shape, const char *offsets) {
  return std::string("\"") + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

/// A file with one tensor `a`.
static std::string one(const char *dtype, const char *shape, const char *offsets, size_t dataBytes) {
  return safetensors("{" + entry("a", dtype, shape, offsets) + "}", dataBytes);
}

static std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST_F(Safetensors, readsTensorsInTheOrderOfTheirBytes) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\",\"b\":\"c\"}," + entry("z", "F32", "[2,3]", "[4,28]") +
                       "," + entry("a", "BF16", "[2]", "[0,4]") + "," + entry("none", "I64", "[0,5]", "[4,4]") + "," +
                       entry("scalar", "F64", "[]", "[28,36]") + "}";
  auto file = SafetensorsFile::open(put("m.safetensors", safetensors(header, 36)));
  ASSERT_TRUE(bool(file)) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 4u);
  EXPECT_EQ(file->tensors()[0].name, "a");
  EXPECT_EQ(file->tensors()[1].name, "none");
  EXPECT_EQ(file->tensors()[1].elements(), 0);
  const StoredTensor *z = file->find("z");
  ASSERT_TRUE(z);
  EXPECT_EQ(z->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(z->format.name, "f32");
  EXPECT_EQ(z->format.element, ElementType::F32);
  EXPECT_EQ(z->bytes.size(), 24u);
  EXPECT_EQ(z->bytes[0], std::byte(4));
  EXPECT_EQ(file->find("scalar")->elements(), 1);
  EXPECT_EQ(file->find("b"), nullptr);
  EXPECT_EQ(file->metadata()[1], (std::pair<std::string, std::string>("b", "c")));
}

TEST_F(Safetensors, readsAFileWithoutTensors) {
  EXPECT_TRUE(SafetensorsFile::open(put("m.safetensors", safetensors("{}", 0)))->tensors().empty());
}

/// The bytes that safetensors.torch.save_file writes for these tensors.
TEST_F(Safetensors, writesTheBytesOfTheReferenceImplementation) {
  auto writer = SafetensorsWriter::create(at("w.safetensors"), {{"b", ElementType::F32, {1}},
                                                                {"a", ElementType::F32, {1, 2}},
                                                                {"c", ElementType::I64, {}},
                                                                {"h", ElementType::BF16, {1}}});
  ASSERT_TRUE(bool(writer)) << writer.error().message;
  EXPECT_TRUE(bool(writer->append("h", bytesOf("hh"))));
  EXPECT_TRUE(bool(writer->append("a", bytesOf("aaa"))));
  EXPECT_TRUE(bool(writer->append("c", bytesOf("cccccccc"))));
  EXPECT_TRUE(bool(writer->append("b", bytesOf("bbbb"))));
  EXPECT_TRUE(bool(writer->append("a", bytesOf("AAAAA"))));
  EXPECT_FALSE(std::filesystem::exists(at("w.safetensors")));
  ASSERT_TRUE(bool(writer->commit()));
  std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},\"c\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
      "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
      "\"h\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[20,22]}}";
  EXPECT_EQ(*readFile(at("w.safetensors"), 1000), safetensors(header, 0) + "ccccccccaaaAAAAAbbbbhh");
  auto back = SafetensorsFile::open(at("w.safetensors"));
  ASSERT_TRUE(bool(back)) << back.error().message;
  EXPECT_EQ(back->find("a")->bytes.size(), 8u);
}

TEST_F(Safetensors, aTensorThatIsNotCompleteIsNotCommitted) {
  auto writer = SafetensorsWriter::create(at("w.safetensors"), {{"a", ElementType::F32, {2}}});
  EXPECT_TRUE(bool(writer->append("a", bytesOf("1234"))));
  EXPECT_EQ(relative(writer->commit().error().message), "w.safetensors: tensor 'a' lacks 4 bytes");
  EXPECT_EQ(relative(writer->append("a", bytesOf("12345")).error().message),
            "w.safetensors: tensor 'a' got more bytes than its shape has");
  EXPECT_EQ(relative(writer->append("b", {}).error().message), "w.safetensors: tensor 'b' was not announced");
  EXPECT_FALSE(std::filesystem::exists(at("w.safetensors")));
}

TEST_F(Safetensors, theWriterRefusesWhatItsReaderWould) {
  auto twice = SafetensorsWriter::create(at("w"), {{"a", ElementType::F32, {1}}, {"a", ElementType::F32, {2}}});
  EXPECT_EQ(relative(twice.error().message), "w: two tensors would be named 'a'");
  auto huge = SafetensorsWriter::create(at("w"), {{"a", ElementType::F32, {int64_t(1) << 62, 2}}});
  EXPECT_EQ(relative(huge.error().message), "w: tensor 'a': the shape [4611686018427387904, 2] is too large");
  EXPECT_FALSE(std::filesystem::exists(at("w")));
}

TEST_P(SafetensorsMalformed, isRefusedWithItsPlace) {
  auto file = SafetensorsFile::open(put("m.safetensors", GetParam().content));
  ASSERT_FALSE(bool(file));
  EXPECT_EQ(file.error().status, ExitStatus::Input);
  EXPECT_EQ(relative(file.error().message), GetParam().message);
}

static const Malformed malformed[] = {
    {"empty", "", "m.safetensors: 0 bytes are too few for a safetensors file"},
    {"short_length", "1234567", "m.safetensors: 7 bytes are too few for a safetensors file"},
    {"no_header", raw(uint64_t(0)), "m.safetensors: byte 8: the header does not start with '{'"},
    {"header_beyond_file", raw(uint64_t(100)) + "{}",
     "m.safetensors: byte 0: a header of 100 bytes does not fit the file's 10 bytes"},
    {"header_beyond_limit", raw(uint64_t(100'000'001)) + "{}",
     "m.safetensors: byte 0: not a safetensors file, or a header of 100000001 bytes where at most 100000000 are "
     "allowed"},
    {"header_of_all_ones", raw(~uint64_t(0)) + "{}",
     "m.safetensors: byte 0: not a safetensors file, or a header of 18446744073709551615 bytes where at most 100000000 "
     "are allowed"},
    {"header_no_object", safetensors("[]", 0), "m.safetensors: byte 8: the header does not start with '{'"},
    {"header_leading_space", safetensors(" {}", 0), "m.safetensors: byte 8: the header does not start with '{'"},
    {"header_no_json", safetensors("{\"a\":", 0), "m.safetensors: byte 16: the text ends within an array or object"},
    {"header_two_values", safetensors("{}{}", 0), "m.safetensors: byte 10: nothing may follow the value"},
    {"header_bad_utf8", safetensors("{\"\xFF\":1}", 0), "m.safetensors: byte 10: not UTF-8"},
    {"header_deep", safetensors("{\"a\":[[[[1]]]]}", 0), "m.safetensors: byte 16: nested deeper than 4 levels"},
    {"pickle", std::string("\x80\x02}q\0(X\x05\0\0\0weight", 20),
     "m.safetensors: byte 0: not a safetensors file, or a header of 385101750509306496 bytes where at most 100000000 "
     "are allowed"},
    {"html", "<!DOCTYPE html><html></html>",
     "m.safetensors: byte 0: not a safetensors file, or a header of 5789751444030890300 bytes where at most 100000000 "
     "are allowed"},
    {"lfs_pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
     "m.safetensors: a Git LFS pointer, the file itself was not fetched: run 'git lfs pull'"},
    {"duplicate_tensor",
     safetensors("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("a", "U8", "[1]", "[1,2]") + "}", 2),
     "m.safetensors: byte 61: the key 'a' is there twice"},
    {"duplicate_key",
     safetensors("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1),
     "m.safetensors: byte 27: the key 'dtype' is there twice"},
    {"entry_no_object", safetensors("{\"a\":[1,2]}", 0),
     "m.safetensors: tensor 'a': expected an object with 'dtype', 'shape' and 'data_offsets', got an array"},
    {"entry_unknown_key", safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1),
     "m.safetensors: tensor 'a': unknown key 'x'"},
    {"no_dtype", safetensors("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1),
     "m.safetensors: tensor 'a': 'dtype' is missing"},
    {"no_shape", safetensors("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1),
     "m.safetensors: tensor 'a': 'shape' is missing"},
    {"no_offsets", safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1),
     "m.safetensors: tensor 'a': 'data_offsets' is missing"},
    {"dtype_number", safetensors("{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,1]}}", 1),
     "m.safetensors: tensor 'a': 'dtype' is an integer, expected a string"},
    {"dtype_unknown", one("F31", "[1]", "[0,4]", 4), "m.safetensors: tensor 'a': unknown dtype 'F31'"},
    {"dtype_lower_case", one("f32", "[1]", "[0,4]", 4), "m.safetensors: tensor 'a': unknown dtype 'f32'"},
    {"shape_number", one("F32", "1", "[0,4]", 4),
     "m.safetensors: tensor 'a': 'shape' is an integer, expected an array"},
    {"shape_of_text", one("F32", "[\"1\"]", "[0,4]", 4),
     "m.safetensors: tensor 'a': 'shape' holds \"1\", expected integers from 0"},
    {"shape_fraction", one("F32", "[1.0]", "[0,4]", 4),
     "m.safetensors: tensor 'a': 'shape' holds 1.0, expected integers from 0"},
    {"shape_negative", one("F32", "[-1]", "[0,4]", 4),
     "m.safetensors: tensor 'a': 'shape' holds -1, expected integers from 0"},
    {"shape_two_negatives", one("F32", "[-1,-1]", "[0,4]", 4),
     "m.safetensors: tensor 'a': 'shape' holds -1, expected integers from 0"},
    {"shape_beyond_int64", one("F32", "[18446744073709551616]", "[0,4]", 4),
     "m.safetensors: tensor 'a': 'shape' holds 1.8446744073709552e+19, expected integers from 0"},
    {"shape_overflow", one("F32", "[4294967296,4294967296]", "[0,4]", 4),
     "m.safetensors: tensor 'a': the shape [4294967296, 4294967296] is too large"},
    {"shape_overflow_to_zero", one("U8", "[4294967296,4294967296,0]", "[0,0]", 0),
     "m.safetensors: tensor 'a': the shape [4294967296, 4294967296, 0] is too large"},
    {"shape_overflow_in_bytes", one("F64", "[2305843009213693952]", "[0,0]", 0),
     "m.safetensors: tensor 'a': the shape [2305843009213693952] is too large"},
    {"shape_long", one("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]", 1),
     "m.safetensors: tensor 'a': has 17 dimensions, at most 16 are read"},
    {"shape_too_small", one("F32", "[2]", "[0,4]", 4),
     "m.safetensors: tensor 'a': F32 of shape [2] takes 8 bytes, 'data_offsets' give 4"},
    {"shape_too_large", one("BF16", "[2]", "[0,2]", 2),
     "m.safetensors: tensor 'a': BF16 of shape [2] takes 4 bytes, 'data_offsets' give 2"},
    {"offsets_one", one("U8", "[1]", "[0]", 1), "m.safetensors: tensor 'a': 'data_offsets' is not a pair of integers"},
    {"offsets_three", one("U8", "[1]", "[0,1,2]", 1),
     "m.safetensors: tensor 'a': 'data_offsets' is not a pair of integers"},
    {"offsets_text", one("U8", "[1]", "[\"0\",1]", 1),
     "m.safetensors: tensor 'a': 'data_offsets' is not a pair of integers"},
    {"offsets_reversed", one("U8", "[1]", "[1,0]", 1), "m.safetensors: tensor 'a': 'data_offsets' [1, 0] are no range"},
    {"offsets_negative", one("U8", "[1]", "[-1,0]", 1),
     "m.safetensors: tensor 'a': 'data_offsets' [-1, 0] are no range"},
    {"offsets_beyond_file", one("U8", "[8]", "[0,8]", 7),
     "m.safetensors: tensor 'a': 'data_offsets' [0, 8] reach beyond the file's 7 bytes of data"},
    {"offsets_overflow", one("U8", "[1]", "[18446744073709551615,18446744073709551616]", 1),
     "m.safetensors: tensor 'a': 'data_offsets' is not a pair of integers"},
    {"offsets_largest", one("U8", "[1]", "[9223372036854775806,9223372036854775807]", 1),
     "m.safetensors: tensor 'a': 'data_offsets' [9223372036854775806, 9223372036854775807] reach beyond the file's 1 "
     "bytes of data"},
    {"overlap", safetensors("{" + entry("a", "U8", "[4]", "[0,4]") + "," + entry("b", "U8", "[4]", "[2,6]") + "}", 6),
     "m.safetensors: tensor 'b' overlaps tensor 'a' at byte 122"},
    {"same_bytes",
     safetensors("{" + entry("a", "U8", "[4]", "[0,4]") + "," + entry("b", "U8", "[4]", "[0,4]") + "}", 4),
     "m.safetensors: tensor 'b' overlaps tensor 'a' at byte 120"},
    {"gap_first", one("U8", "[2]", "[2,4]", 4),
     "m.safetensors: 2 bytes that belong to no tensor at byte 64, before tensor 'a'"},
    {"gap_between",
     safetensors("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "U8", "[1]", "[2,3]") + "}", 3),
     "m.safetensors: 1 bytes that belong to no tensor at byte 121, before tensor 'b'"},
    {"trailing_bytes", one("U8", "[2]", "[0,2]", 4),
     "m.safetensors: 2 bytes that belong to no tensor at byte 66, the end of the last tensor"},
    {"only_data", safetensors("{}", 1),
     "m.safetensors: 1 bytes that belong to no tensor at byte 16, the end of the last tensor"},
    {"metadata_no_object", safetensors("{\"__metadata__\":\"pt\"}", 0),
     "m.safetensors: '__metadata__' is a string, expected an object of strings"},
    {"metadata_number", safetensors("{\"__metadata__\":{\"a\":1}}", 0),
     "m.safetensors: '__metadata__': 'a' is an integer, expected a string"},
    {"hostile_name", safetensors("{\"\\u001b[2J\":{\"dtype\":\"F99\",\"shape\":[],\"data_offsets\":[0,0]}}", 0),
     "m.safetensors: tensor '\\x1b[2J': unknown dtype 'F99'"},
};

INSTANTIATE_TEST_SUITE_P(Corpus, SafetensorsMalformed, testing::ValuesIn(malformed),
                         [](const auto &info) { return info.param.name; });

TEST_F(Safetensors, everyTruncationIsRefused) {
  std::string whole = one("F32", "[2]", "[0,8]", 8);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(bool(SafetensorsFile::open(put("m.safetensors", whole.substr(0, length))))) << length;
  EXPECT_TRUE(bool(SafetensorsFile::open(put("m.safetensors", whole))));
}
