#include "ftc/Runtime/IO/Json.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace ftc::runtime;

static Expected<json::Value> read(std::string_view text) {
  json::ParseOptions options;
  options.file = "x.json";
  return json::parse(text, options);
}

TEST(Json, readsEveryKindOfValue) {
  auto value =
      read(R"({"n": null, "t": true, "f": false, "i": -7, "d": 1.5e3, "s": "a\u00e9\ud83d\ude00\n", "a": [1, []]})");
  ASSERT_TRUE(bool(value)) << value.error().message;
  EXPECT_TRUE(value->find("n")->isNull());
  EXPECT_EQ(value->find("t")->asBool(), true);
  EXPECT_EQ(value->find("f")->asBool(), false);
  EXPECT_EQ(value->find("i")->asInteger(), -7);
  EXPECT_EQ(value->find("i")->asNumber(), -7.0);
  EXPECT_EQ(value->find("d")->asNumber(), 1500.0);
  EXPECT_FALSE(value->find("d")->asInteger());
  EXPECT_EQ(*value->find("s")->asString(), "a\u00e9\U0001F600\n");
  EXPECT_EQ(value->find("a")->asArray()->size(), 2u);
  EXPECT_EQ(value->find("missing"), nullptr);
  EXPECT_EQ(value->find("a")->find("n"), nullptr);
}

TEST(Json, readsScalarsAndEmptyContainersAtTheTop) {
  EXPECT_EQ(read(" 12 ")->asInteger(), 12);
  EXPECT_EQ(*read("\"\"")->asString(), "");
  EXPECT_EQ(read("true")->asBool(), true);
  EXPECT_TRUE(read("null")->isNull());
  EXPECT_TRUE(read("{}")->asObject()->empty());
  EXPECT_TRUE(read("[ ]")->asArray()->empty());
}

TEST(Json, readsNumbersAtTheirLimits) {
  EXPECT_EQ(read("[9223372036854775807]")->asArray()->front().asInteger(), INT64_MAX);
  EXPECT_EQ(read("[-9223372036854775808]")->asArray()->front().asInteger(), INT64_MIN);
  EXPECT_EQ(read("[9223372036854775808]")->asArray()->front().asNumber(), 0x1p63);
  EXPECT_FALSE(read("[9223372036854775808]")->asArray()->front().asInteger());
  // What transformers writes for "no limit" in tokenizer_config.json.
  EXPECT_EQ(read("[1000000000000000019884624838656]")->asArray()->front().asNumber(), 1e30);
  EXPECT_EQ(read("1000000000000000019884624838656")->asNumber(), 1e30);
  EXPECT_EQ(read("[5e-324]")->asArray()->front().asNumber(), 5e-324);
  EXPECT_TRUE(std::signbit(*read("[-0.0]")->asArray()->front().asNumber()));
}

TEST(Json, keepsTheOrderOfMembers) {
  const char *text = R"({"z":1,"a":{"y":[],"x":{}},"m":[1,2.5,"q\"\\\u0001"]})";
  EXPECT_EQ(json::dump(*read(text)), text);
}

TEST(Json, writesIndented) {
  EXPECT_EQ(json::dump(*read(R"({"a":[1,{}],"b":[]})"), 2), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(Json, writesNumbersThatReadBackEqual) {
  for (double number : {0.1, 1e22, 5e-324, 1.7976931348623157e308, -0.0, 3.0, 1.0 / 3}) {
    std::string text = json::dump(json::Value(number));
    auto back = read(text);
    ASSERT_TRUE(bool(back)) << text;
    EXPECT_EQ(std::signbit(*back->asNumber()), std::signbit(number)) << text;
    EXPECT_EQ(*back->asNumber(), number) << text;
    EXPECT_FALSE(back->asInteger()) << text;
  }
  EXPECT_EQ(json::dump(json::Value(NAN)), "null");
  EXPECT_EQ(json::dump(json::Value(-INFINITY)), "null");
}

TEST(Json, writesUtf8Always) {
  EXPECT_EQ(json::dumpString("a\xFFz\xED\xA0\x80\xC0\xAF"), "\"a\uFFFDz\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(json::dumpString(std::string_view("\0\t\x1f", 3)), "\"\\u0000\\t\\u001f\"");
}

TEST(Json, allowsDuplicatesOnlyWhereAsked) {
  json::ParseOptions options;
  options.refuseDuplicates = false;
  auto value = json::parse(R"({"a":1,"a":2})", options);
  ASSERT_TRUE(bool(value));
  EXPECT_EQ(value->find("a")->asInteger(), 2);
}

TEST(Json, aParserReadsLineAfterLine) {
  json::Parser parser;
  json::ParseOptions options;
  options.file = "rows.jsonl";
  for (options.line = 1; options.line < 50; ++options.line) {
    std::string text = "{\"text\": \"" + std::string(options.line, 'x') + "\"}";
    auto row = parser.parse(text, options);
    ASSERT_TRUE(bool(row));
    EXPECT_EQ(row->find("text")->asString()->size(), options.line);
  }
  EXPECT_EQ(parser.parse("{\"text\": tru}", options).error().message, "rows.jsonl:50:10: expected 'true' or 'false'");
  EXPECT_TRUE(bool(parser.parse("{}", options)));
}

namespace {
struct Malformed {
  const char *name;
  std::string text;
  const char *message; ///< with the place
};

class JsonMalformed : public testing::TestWithParam<Malformed> {};
} // namespace

TEST_P(JsonMalformed, isRefusedWithItsPlace) {
  auto value = read(GetParam().text);
  ASSERT_FALSE(bool(value));
  EXPECT_EQ(value.error().status, ExitStatus::Input);
  EXPECT_EQ(value.error().message, GetParam().message);
}

static const Malformed malformed[] = {
    {"empty", "", "x.json:1:1: expected JSON, got nothing"},
    {"blank", " \n ", "x.json:1:1: expected JSON, got nothing"},
    {"trailing_comma_array", "[1,]", "x.json:1:4: malformed JSON"},
    {"trailing_comma_object", "{\"a\":1,}", "x.json:1:8: malformed JSON"},
    {"missing_comma", "[1 2]", "x.json:1:4: malformed JSON"},
    {"missing_comma_object", "{\"a\":1 \"b\":2}", "x.json:1:8: malformed JSON"},
    {"missing_colon", "{\"a\" 1}", "x.json:1:6: malformed JSON"},
    {"missing_value", "{\"a\":}", "x.json:1:6: malformed JSON"},
    {"number_key", "{1:2}", "x.json:1:2: malformed JSON"},
    {"bare_word", "{\"a\": yes}", "x.json:1:7: malformed JSON"},
    {"single_quotes", "{'a': 1}", "x.json:1:2: malformed JSON"},
    {"comment", "[1, // one\n2]", "x.json:1:5: malformed JSON"},
    {"unclosed_array", "[1, 2", "x.json:1:6: the text ends within an array or object"},
    {"unclosed_object", "{\"a\": 1", "x.json:1:8: the text ends within an array or object"},
    {"unclosed_string", "[\"abc", "x.json:1:2: a string does not end"},
    {"mismatched", "[1}", "x.json:1:3: malformed JSON"},
    {"mismatched_inside", "[{\"a\":1]]", "x.json:1:8: malformed JSON"},
    {"closed_twice", "[1]]", "x.json:1:5: nothing may follow the value"},
    {"second_value", "{} {}", "x.json:1:4: nothing may follow the value"},
    {"second_scalar", "1 2", "x.json:1:3: nothing may follow the value"},
    {"second_scalar_after_comma", "1, 2", "x.json:1:4: nothing may follow the value"},
    {"comma_only", "[,]", "x.json:1:2: malformed JSON"},
    {"leading_zero", "[01]", "x.json:1:2: malformed number, or one that no 64-bit number holds"},
    {"plus", "[+1]", "x.json:1:2: malformed JSON"},
    {"hexadecimal", "[0x10]", "x.json:1:2: malformed number, or one that no 64-bit number holds"},
    {"point_first", "[.5]", "x.json:1:2: malformed JSON"},
    {"point_last", "[5.]", "x.json:1:2: malformed number, or one that no 64-bit number holds"},
    {"empty_exponent", "[1e]", "x.json:1:2: malformed number, or one that no 64-bit number holds"},
    {"nan", "[NaN]", "x.json:1:2: malformed JSON"},
    {"infinity", "[-Infinity]", "x.json:1:2: malformed number, or one that no 64-bit number holds"},
    {"beyond_f64", "[1e400]", "x.json:1:2: malformed number, or one that no 64-bit number holds"},
    {"integer_beyond_f64", "[1" + std::string(400, '0') + "]",
     "x.json:1:2: malformed number, or one that no 64-bit number holds"},
    {"half_literal", "[tru]", "x.json:1:2: expected 'true' or 'false'"},
    {"longer_literal", "[nulls]", "x.json:1:2: expected 'null'"},
    {"longer_literal_alone", "null6", "x.json:1:1: expected 'null'"},
    {"capital_literal", "[True]", "x.json:1:2: malformed JSON"},
    {"bad_escape", "[\"\\x\"]", "x.json:1:2: malformed string"},
    {"short_unicode_escape", "[\"\\u12\"]", "x.json:1:2: malformed string"},
    {"lone_high_surrogate", "[\"\\ud800\"]", "x.json:1:2: malformed string"},
    {"lone_low_surrogate", "{\"a\": [\"\\udc00\"]}", "x.json:1:8: malformed string"},
    {"surrogate_key", "{\"\\udc00\": 1}", "x.json:1:2: malformed string"},
    {"raw_newline", "[\"a\nb\"]", "x.json:1:4: a control character in a string must be escaped"},
    {"raw_nul", std::string("[\"a\0b\"]", 7), "x.json:1:4: a control character in a string must be escaped"},
    {"nul_between", std::string("[1,\0 2]", 7), "x.json:1:4: malformed JSON"},
    {"bad_utf8", "[\"\xFF\"]", "x.json:1:3: not UTF-8"},
    {"overlong_utf8", "[\"\xC0\xAF\"]", "x.json:1:3: not UTF-8"},
    {"surrogate_utf8", "[\"\xED\xA0\x80\"]", "x.json:1:3: not UTF-8"},
    {"byte_order_mark", "\xEF\xBB\xBF{}", "x.json:1:1: a byte order mark is not part of JSON"},
    {"duplicate_key", "{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2}}", "x.json:2:16: the key 'c' is there twice"},
    {"duplicate_escaped_key", "{\"a\": 1, \"\\u0061\": 2}", "x.json:1:10: the key 'a' is there twice"},
    {"deep_arrays", std::string(65, '[') + std::string(65, ']'), "x.json:1:65: nested deeper than 64 levels"},
    {"deep_unclosed", std::string(100000, '['), "x.json:1:65: nested deeper than 64 levels"},
};

INSTANTIATE_TEST_SUITE_P(Corpus, JsonMalformed, testing::ValuesIn(malformed),
                         [](const auto &info) { return info.param.name; });

TEST(Json, readsSixtyFourLevels) { EXPECT_TRUE(bool(read(std::string(64, '[') + std::string(64, ']')))); }

TEST(Json, refusesFilesBeyondTheirBound) {
  std::string path = testing::TempDir() + "big.json";
  FILE *file = fopen(path.c_str(), "w");
  fputs("[1, 2, 3]", file);
  fclose(file);
  EXPECT_TRUE(bool(json::parseFile(path, 9)));
  EXPECT_EQ(json::parseFile(path, 8).error().message, path + ": has 9 bytes, at most 8 are read");
  EXPECT_EQ(json::parseFile(path + "x").error().message, path + "x: cannot open: No such file or directory");
}
