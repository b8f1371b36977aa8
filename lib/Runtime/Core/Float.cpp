#include "ftc/Runtime/Core/Float.h"

#include <cassert>
#include <cmath>
#include <cstring>

using namespace ftc::runtime;

float ftc::runtime::f16ToF32(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t magnitude = bits & 0x7FFF;
  uint32_t normal = (magnitude << 13) + (112u << 23);
  uint32_t special = (magnitude << 13) + (224u << 23); // infinity and NaN: the exponent becomes all ones
  uint32_t denormal = std::bit_cast<uint32_t>(float(int32_t(magnitude)) * 0x1p-24f);
  uint32_t result = magnitude >= 0x7C00 ? special : magnitude < 0x0400 ? denormal : normal;
  return std::bit_cast<float>(sign | result);
}

uint16_t ftc::runtime::f32ToF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7FFFFFFF;
  uint32_t normal = (magnitude + 0xFFF + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
  // The sum's last bit is worth 2^-24, one unit of an f16 denormal: the addition rounds.
  uint32_t denormal = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  uint32_t quiet = 0x7E00 | (magnitude >> 13 & 0x3FF);
  uint32_t result = magnitude < 0x38800000 ? denormal : normal;
  result = magnitude >= 0x477FF000 ? 0x7C00 : result; // 65520, halfway between the largest f16 and its successor
  result = magnitude > 0x7F800000 ? quiet : result;
  return uint16_t(sign | result);
}

/// Rounds to odd, which leaves the later rounding to a narrower type exact (Boldo and Melquiond 2008).
static float f64ToF32Odd(double value) {
  float nearest = float(value);
  double back = nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  uint32_t odd = (bits - uint32_t(std::abs(back) > std::abs(value))) | 1;
  bool exact = back == value || value != value;
  return std::bit_cast<float>(exact ? bits : odd);
}

uint16_t ftc::runtime::f64ToBf16(double value) { return f32ToBf16(f64ToF32Odd(value)); }

uint16_t ftc::runtime::f64ToF16(double value) { return f32ToF16(f64ToF32Odd(value)); }

bool ftc::runtime::isFloat(ElementType type) {
  return type == ElementType::F64 || type == ElementType::F32 || type == ElementType::F16 || type == ElementType::BF16;
}

namespace {
/// The bits of an element, told apart by type.
struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};
} // namespace

static float widen(Half x) { return f16ToF32(x.bits); }
static float widen(Brain x) { return bf16ToF32(x.bits); }
static float widen(float x) { return x; }
static double widen(double x) { return x; }

static void narrow(double x, double &result) { result = x; }
static void narrow(double x, float &result) { result = float(x); }
static void narrow(float x, float &result) { result = x; }
static void narrow(float x, double &result) { result = x; }
static void narrow(float x, Half &result) { result.bits = f32ToF16(x); }
static void narrow(float x, Brain &result) { result.bits = f32ToBf16(x); }
static void narrow(double x, Half &result) { result.bits = f64ToF16(x); }
static void narrow(double x, Brain &result) { result.bits = f64ToBf16(x); }

template <typename From, typename To> static void convertLoop(const void *source, void *target, size_t count) {
  const char *from = static_cast<const char *>(source);
  char *to = static_cast<char *>(target);
  for (size_t i = 0; i < count; ++i) {
    From value;
    To result;
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    narrow(widen(value), result);
    std::memcpy(to + i * sizeof(To), &result, sizeof(To));
  }
}

template <typename From> static void convertFrom(const void *source, ElementType to, void *target, size_t count) {
  switch (to) {
  case ElementType::F64:
    return convertLoop<From, double>(source, target, count);
  case ElementType::F32:
    return convertLoop<From, float>(source, target, count);
  case ElementType::F16:
    return convertLoop<From, Half>(source, target, count);
  default:
    return convertLoop<From, Brain>(source, target, count);
  }
}

void ftc::runtime::convertFloats(ElementType from, const void *source, ElementType to, void *target, size_t count) {
  assert(isFloat(from) && isFloat(to));
  if (from == to) {
    std::memcpy(target, source, count * byteSize(from));
    return;
  }
  switch (from) {
  case ElementType::F64:
    return convertFrom<double>(source, to, target, count);
  case ElementType::F32:
    return convertFrom<float>(source, to, target, count);
  case ElementType::F16:
    return convertFrom<Half>(source, to, target, count);
  default:
    return convertFrom<Brain>(source, to, target, count);
  }
}
