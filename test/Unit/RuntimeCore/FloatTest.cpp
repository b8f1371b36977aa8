#include "ftc/Runtime/Core/Float.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace ftc::runtime;

static uint32_t bitsOf(float value) { return std::bit_cast<uint32_t>(value); }

/// The value of 16 bits with `mantissaBits` of mantissa, from the definition of the format.
static double valueOf(uint16_t bits, int mantissaBits) {
  int exponentBits = 15 - mantissaBits, bias = (1 << (exponentBits - 1)) - 1;
  int exponent = (bits & 0x7FFF) >> mantissaBits, mantissa = bits & ((1 << mantissaBits) - 1);
  double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (1 << exponentBits) - 1)
    return mantissa ? std::nan("") : sign * INFINITY;
  if (exponent == 0)
    return sign * std::ldexp(mantissa, 1 - bias - mantissaBits);
  return sign * std::ldexp(mantissa + (1 << mantissaBits), exponent - bias - mantissaBits);
}

namespace {
struct Format {
  const char *name;
  int mantissaBits;
  ElementType type;
  float (*widen)(uint16_t);
  uint16_t (*fromF32)(float);
  uint16_t (*fromF64)(double);
};

class Narrow : public testing::TestWithParam<Format> {
protected:
  double value(uint16_t bits) const { return valueOf(bits, GetParam().mantissaBits); }
};
} // namespace

TEST_P(Narrow, widensEveryValueExactly) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    float wide = GetParam().widen(uint16_t(bits));
    double expected = value(uint16_t(bits));
    ASSERT_EQ(std::isnan(wide), std::isnan(expected)) << bits;
    if (!std::isnan(expected)) {
      ASSERT_EQ(double(wide), expected) << bits;
      ASSERT_EQ(std::signbit(wide), (bits & 0x8000) != 0);
    }
  }
}

TEST_P(Narrow, returnsEveryValue) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    if (std::isnan(value(uint16_t(bits))))
      continue;
    ASSERT_EQ(GetParam().fromF32(GetParam().widen(uint16_t(bits))), bits);
    ASSERT_EQ(GetParam().fromF64(value(uint16_t(bits))), bits);
  }
}

/// Between two neighbours the nearer wins, halfway the even one; this holds one unit of f64 or f32 beside the middle
/// too.
TEST_P(Narrow, roundsToNearestEven) {
  uint16_t infinity = uint16_t(0x7FFF >> GetParam().mantissaBits << GetParam().mantissaBits);
  for (uint32_t low = 0; low < infinity; ++low) {
    uint16_t high = uint16_t(low + 1), even = low & 1 ? high : uint16_t(low);
    double above = high == infinity ? 2 * value(uint16_t(low)) - value(uint16_t(low - 1)) : value(high);
    double middle = (value(uint16_t(low)) + above) / 2;
    for (uint16_t sign : {0, 0x8000}) {
      double signedMiddle = sign ? -middle : middle;
      ASSERT_EQ(GetParam().fromF64(signedMiddle), even | sign) << low;
      ASSERT_EQ(GetParam().fromF64(std::nextafter(signedMiddle, 0.0)), low | sign) << low;
      ASSERT_EQ(GetParam().fromF64(std::nextafter(signedMiddle, sign ? -HUGE_VAL : HUGE_VAL)), high | sign) << low;
      ASSERT_EQ(GetParam().fromF32(float(signedMiddle)), even | sign) << low;
      ASSERT_EQ(GetParam().fromF32(std::nextafter(float(signedMiddle), 0.0f)), low | sign) << low;
      ASSERT_EQ(GetParam().fromF32(std::nextafter(float(signedMiddle), sign ? -INFINITY : INFINITY)), high | sign)
          << low;
    }
  }
}

TEST_P(Narrow, keepsSpecialValues) {
  uint16_t infinity = uint16_t(0x7FFF >> GetParam().mantissaBits << GetParam().mantissaBits);
  EXPECT_EQ(GetParam().fromF32(INFINITY), infinity);
  EXPECT_EQ(GetParam().fromF64(-INFINITY), infinity | 0x8000);
  EXPECT_EQ(GetParam().fromF64(1e300), infinity);
  EXPECT_EQ(GetParam().fromF64(std::numeric_limits<double>::denorm_min()), 0);
  EXPECT_EQ(GetParam().fromF32(-0.0f), 0x8000);
  EXPECT_EQ(GetParam().fromF64(-1e-320), 0x8000);
  for (uint32_t bits : {0x7FC00000u, 0x7F800001u, 0xFFBFFFFFu, 0xFFFFFFFFu}) {
    uint16_t narrow = GetParam().fromF32(std::bit_cast<float>(bits));
    EXPECT_TRUE(std::isnan(value(narrow))) << bits;
    EXPECT_TRUE(narrow & (1 << (GetParam().mantissaBits - 1))) << "quiet";
    EXPECT_EQ(narrow >> 15, bits >> 31);
  }
  EXPECT_TRUE(std::isnan(value(GetParam().fromF64(std::nan("")))));
  EXPECT_TRUE(GetParam().fromF64(-std::nan("")) & 0x8000);
}

TEST_P(Narrow, convertsInBulkAtAnyAlignment) {
  std::vector<float> source;
  for (uint32_t i = 0; i < 10007; ++i)
    source.push_back(std::bit_cast<float>(i * 2654435761u));
  std::vector<char> from(source.size() * 4 + 1), to(source.size() * 2 + 1);
  std::memcpy(from.data() + 1, source.data(), source.size() * 4);
  convertFloats(ElementType::F32, from.data() + 1, GetParam().type, to.data() + 1, source.size());
  std::vector<float> back(source.size());
  convertFloats(GetParam().type, to.data() + 1, ElementType::F32, back.data(), source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, to.data() + 1 + 2 * i, 2);
    ASSERT_EQ(bits, GetParam().fromF32(source[i])) << i;
    ASSERT_EQ(bitsOf(back[i]), bitsOf(GetParam().widen(bits))) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Narrow,
                         testing::Values(Format{"bf16", 7, ElementType::BF16, bf16ToF32, f32ToBf16, f64ToBf16},
                                         Format{"f16", 10, ElementType::F16, f16ToF32, f32ToF16, f64ToF16}),
                         [](const auto &info) { return info.param.name; });

TEST(ConvertFloats, coversAllPairs) {
  const ElementType types[] = {ElementType::F64, ElementType::F32, ElementType::F16, ElementType::BF16};
  const double values[] = {0.0, -0.0, 1.0, -2.5, 0.15625, 96.0, INFINITY, -INFINITY};
  for (ElementType from : types)
    for (ElementType to : types) {
      std::vector<char> source(8 * std::size(values)), target(source.size());
      double back[std::size(values)];
      convertFloats(ElementType::F64, values, from, source.data(), std::size(values));
      convertFloats(from, source.data(), to, target.data(), std::size(values));
      convertFloats(to, target.data(), ElementType::F64, back, std::size(values));
      EXPECT_EQ(std::memcmp(back, values, sizeof(values)), 0) << formatName(from) << " to " << formatName(to);
    }
  convertFloats(ElementType::F32, nullptr, ElementType::F64, nullptr, 0);
}

TEST(ElementType, namesReadBack) {
  EXPECT_EQ(safetensorsName(ElementType::BF16), "BF16");
  EXPECT_EQ(formatName(ElementType::BOOL), "bool");
  EXPECT_EQ(elementTypeFromSafetensors("I64"), ElementType::I64);
  EXPECT_EQ(byteSize(*elementTypeFromFormat("f64")), 8u);
  EXPECT_FALSE(elementTypeFromSafetensors("bf16"));
  EXPECT_FALSE(elementTypeFromFormat("F4"));
}
