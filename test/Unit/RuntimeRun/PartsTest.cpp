//===- PartsTest.cpp - manifest, sampling, transposition, metrics ------------===//

#include "TinyProgram.h"

#include "ftc/Runtime/Run/Console.h"
#include "ftc/Runtime/Run/Manifest.h"
#include "ftc/Runtime/Run/Metrics.h"
#include "ftc/Runtime/Run/Sampler.h"
#include "ftc/Runtime/Run/TensorTransfer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

using namespace ftc::run;

namespace {

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

TEST(Manifest, ReadsEveryKindOfStep) {
  auto manifest = readManifest(tiny::manifest({}));
  ASSERT_TRUE(bool(manifest)) << manifest.error().message;
  EXPECT_EQ(manifest->recipe, "tiny");
  EXPECT_EQ(manifest->steps.size(), 13u);
  const auto &train = std::get<TrainStep>(manifest->find("run")->detail);
  EXPECT_EQ(train.steps, 6);
  EXPECT_EQ(train.batch.micro, 2);
  EXPECT_FALSE(train.batch.packing);
  EXPECT_FALSE(train.initialise);
}

TEST(Manifest, MistakesAreBugsWithAPlace) {
  std::string good = tiny::manifest({});
  struct Case {
    const char *from, *to, *message;
  };
  const Case cases[] = {
      {"\"version\":1", "\"version\":2", "manifest: unknown version"},
      {"\"recipe\":\"tiny\"", "\"recipe\":1", "\"recipe\" is no string"},
      {"\"target\":\"reference\",", "", "\"target\" is missing, expected a string"},
      {"\"target\":", "\"colour\":1,\"target\":", "unknown key \"colour\""},
      {"\"programs\":{\"weigh\":0", "\"programs\":{\"weigh\":70", "\"weigh\" is number 70 of 7"},
      {"\"trained\":[0]", "\"trained\":[99]", "names tensor 99 of 34"},
      {"\"kind\":\"merge\"", "\"kind\":\"meld\"", "unknown kind of step"},
      {"\"micro\":2,\"packing\"", "\"micro\":3,\"packing\"", "micro does not divide sequences"},
      {"\"order\":[1,0]", "\"order\":[1,1]", "no permutation"},
      {"\"offset\":0,\"bytes\":64", "\"offset\":99999999,\"bytes\":64", "tensors[0]: lies outside the arena"},
      {"\"offset\":0,\"bytes\":64", "\"offset\":0,\"bytes\":72", "shape and bytes do not agree"},
      {"\"type\":\"f64\"", "\"type\":\"f65\"", "no element type"},
      {"\"uses\":[\"base\"]", "\"uses\":[\"eval\"]", "refers to 'eval', which is no earlier step"},
      {"\"source\":{\"step\":\"base\"", "\"source\":{\"step\":\"data\"", "is no load step"},
      {"\"peak\":", "\"peak\":-", "\"peak\" is negative"},
      {"{\"version\"", "{{\"version\"", "manifest:1:"},
  };
  for (const Case &test : cases) {
    auto manifest = readManifest(replaced(good, test.from, test.to));
    ASSERT_FALSE(bool(manifest)) << test.to;
    EXPECT_EQ(manifest.error().status, ExitStatus::Bug);
    EXPECT_NE(manifest.error().message.find(test.message), std::string::npos) << manifest.error().message;
  }
}

TEST(Sampler, GreedyTakesTheFirstOfEquals) {
  EXPECT_EQ(chooseToken(std::vector<double>{1, 3, 3, 2}, {}, 0.99), 1);
  double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(chooseToken(std::vector<double>{nan, -5, -inf}, {}, 0), 1);
  EXPECT_EQ(chooseToken(std::vector<double>{nan, inf}, {}, 0), -1);
}

TEST(Sampler, DrawsFromTheDistribution) {
  std::vector<double> logits = {std::log(0.1), std::log(0.6), std::log(0.3)};
  std::map<int32_t, int> counts;
  for (int64_t i = 0; i < 20000; ++i)
    ++counts[chooseToken(logits, {1, 0, 1}, samplingNumber(7, 3, i))];
  EXPECT_NEAR(counts[0] / 20000.0, 0.1, 0.01);
  EXPECT_NEAR(counts[1] / 20000.0, 0.6, 0.01);
  EXPECT_NEAR(counts[2] / 20000.0, 0.3, 0.01);
}

TEST(Sampler, TemperatureTopKAndTopP) {
  std::vector<double> logits = {std::log(0.1), std::log(0.6), std::log(0.3)};
  for (double uniform : {0.0, 0.3, 0.66, 0.9, 0x1.fffffffffffffp-1}) {
    EXPECT_EQ(chooseToken(logits, {1, 1, 1}, uniform), 1);
    EXPECT_NE(chooseToken(logits, {1, 2, 1}, uniform), 0);
    EXPECT_EQ(chooseToken(logits, {1, 0, 0.6}, uniform), 1);
    EXPECT_NE(chooseToken(logits, {1, 0, 0.7}, uniform), 0);
    EXPECT_EQ(chooseToken(logits, {0.01, 0, 1}, std::clamp(uniform, 0.01, 0.99)), 1);
  }
  EXPECT_EQ(chooseToken(logits, {1, 2, 1}, 0.65), 1); // 0.6 of 0.9
  EXPECT_EQ(chooseToken(logits, {1, 2, 1}, 0.68), 2);
}

TEST(Sampler, NumbersDependOnSeedPromptAndPosition) {
  EXPECT_EQ(samplingNumber(1, 2, 3), samplingNumber(1, 2, 3));
  EXPECT_NE(samplingNumber(1, 2, 3), samplingNumber(2, 2, 3));
  EXPECT_NE(samplingNumber(1, 2, 3), samplingNumber(1, 3, 3));
  EXPECT_NE(samplingNumber(1, 2, 3), samplingNumber(1, 3, 2));
  EXPECT_NE(mixKey(1, 2), mixKey(2, 1));
}

TEST(Transpose, FollowsTheDefinition) {
  std::vector<int16_t> from(2 * 3 * 4 * 5);
  for (size_t i = 0; i < from.size(); ++i)
    from[i] = int16_t(i);
  for (const std::vector<int64_t> &order :
       {std::vector<int64_t>{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 1, 3}, {2, 0, 3, 1}}) {
    std::vector<int64_t> shape = {2, 3, 4, 5};
    std::vector<int16_t> to(from.size(), -1);
    transpose({shape, order}, 2, reinterpret_cast<const std::byte *>(from.data()),
              reinterpret_cast<std::byte *>(to.data()));
    size_t next = 0;
    int64_t index[4];
    auto at = [&](size_t dim) -> int64_t & { return index[size_t(order[dim])]; };
    auto size = [&](size_t dim) { return shape[size_t(order[dim])]; };
    for (at(0) = 0; at(0) < size(0); ++at(0))
      for (at(1) = 0; at(1) < size(1); ++at(1))
        for (at(2) = 0; at(2) < size(2); ++at(2))
          for (at(3) = 0; at(3) < size(3); ++at(3))
            ASSERT_EQ(to[next++], from[size_t(((index[0] * 3 + index[1]) * 4 + index[2]) * 5 + index[3])]);
  }
}

TEST(Metrics, LinesReadBackEqual) {
  StepMetrics metrics{3, 0.1, 2e-4, 1.0 / 3, 64, 60, "\"run\"", 0.25};
  fmt::memory_buffer line;
  appendMetrics(line, metrics);
  EXPECT_EQ(fmt::to_string(line),
            "{\"step\":3,\"loss\":0.10000000000000001,\"lr\":0.00020000000000000001,\"grad_norm\":0.33333333333333331,"
            "\"tokens\":64,\"supervised_tokens\":60,\"train\":\"run\",\"seconds\":0.25}");
  EXPECT_EQ(evaluationLine("a\"b", 2000), "{\"evaluate\":\"a\\\"b\",\"loss\":2000,\"perplexity\":null}");
}

TEST(Console, WordsForTimesAndSizes) {
  EXPECT_EQ(durationText(3.4), "3 s");
  EXPECT_EQ(durationText(65), "1 min 05 s");
  EXPECT_EQ(durationText(7380), "2 h 03 min");
  EXPECT_EQ(byteText(999), "999 bytes");
  EXPECT_EQ(byteText(1'250'000), "1.25 MB");
}

} // namespace
