//===- Float.h - conversions between floating-point types --------*- C++ -*-===//
//
// All narrowing conversions round once, to nearest, ties to even; they keep the sign of zero, make denormals, overflow
// to infinity, and turn every NaN into a quiet NaN of the same sign with the payload's leading bits (IEEE 754-2019,
// 5.4.2). The processor is in its default rounding mode. The bulk forms are loops without branches.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_CORE_FLOAT_H
#define FTC_RUNTIME_CORE_FLOAT_H

#include "ftc/Runtime/Core/ElementType.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ftc::runtime {

inline float bf16ToF32(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

inline uint16_t f32ToBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  uint32_t quiet = (bits >> 16) | 0x40;
  return uint16_t((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
}

float f16ToF32(uint16_t bits);
uint16_t f32ToF16(float value);

/// Rounded once: going through f32 would round twice.
uint16_t f64ToBf16(double value);
uint16_t f64ToF16(double value);

/// True for the types that convertFloats takes: F64, F32, F16, BF16.
bool isFloat(ElementType type);

/// Converts `count` elements of type `from` at `source` (any alignment) into `to` at `target` (any alignment); the two
/// do not overlap. Both types satisfy isFloat.
void convertFloats(ElementType from, const void *source, ElementType to, void *target, size_t count);

} // namespace ftc::runtime

#endif // FTC_RUNTIME_CORE_FLOAT_H
