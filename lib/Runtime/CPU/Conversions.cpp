// Conversions to bf16 that LLVM leaves to functions where a processor lacks them, and that libgcc 12 does not have.
// They have the names that LLVM gives them. Results are in the low 16 bits of the register in which x86-64 returns a
// float: g++ 12 has no type for them.

#include "ftc/Runtime/Core/Float.h"

#include <bit>

static float asReturned(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits)); }

extern "C" float __truncsfbf2(float value) { return asReturned(ftc::runtime::f32ToBf16(value)); }
/// In one rounding.
extern "C" float __truncdfbf2(double value) { return asReturned(ftc::runtime::f64ToBf16(value)); }
