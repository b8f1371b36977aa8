#include "ftc/Runtime/CPU/Program.h"
#include "ftc/Runtime/Core/Philox.h"

#include <gtest/gtest.h>

namespace {

using Words = std::array<uint32_t, 4>;

// The known answers of Random123 1.14, tests/kat_vectors.
TEST(Philox, knownAnswers) {
  EXPECT_EQ(ftc::philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(ftc::philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(ftc::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, numbersDependOnKeySiteAndIndex) {
  double number = ftc::randomUniform(1, 2, 3);
  EXPECT_NE(number, ftc::randomUniform(2, 2, 3));
  EXPECT_NE(number, ftc::randomUniform(1, 3, 3));
  EXPECT_NE(number, ftc::randomUniform(1, 2, 4));
  EXPECT_NE(number, ftc::randomUniform(uint64_t(1) << 32 | 1, 2, 3));
  EXPECT_NE(number, ftc::randomUniform(1, 2, uint64_t(4) << 32 | 3));
  EXPECT_EQ(number, ftc_random_uniform(1, 2, 3));
}

/// Mean and variance of `count` numbers.
template <typename Function> std::pair<double, double> getMoments(int count, Function number) {
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    double value = number(i);
    sum += value;
    squares += value * value;
  }
  return {sum / count, squares / count - sum / count * sum / count};
}

TEST(Philox, moments) {
  auto [mean, variance] = getMoments(100000, [](int i) { return ftc::randomUniform(9, 1, i); });
  EXPECT_NEAR(mean, 0.5, 0.005);
  EXPECT_NEAR(variance, 1.0 / 12, 0.002);
  auto [normalMean, normalVariance] = getMoments(100000, [](int i) { return ftc_random_normal(9, 1, i); });
  EXPECT_NEAR(normalMean, 0, 0.015);
  EXPECT_NEAR(normalVariance, 1, 0.02);
}

TEST(Philox, uniformStaysBelowOneInSinglePrecision) {
  for (int i = 0; i < 100000; ++i) {
    double number = ftc::randomUniform(3, 0, i);
    ASSERT_EQ(double(float(number)), number);
    ASSERT_LT(number, 1);
    ASSERT_GE(number, 0);
  }
}

} // namespace
