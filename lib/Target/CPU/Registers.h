// The vector registers of a processor, and what of a product fits them and its second cache.
#ifndef FTC_LIB_TARGET_CPU_REGISTERS_H
#define FTC_LIB_TARGET_CPU_REGISTERS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace ftc::target::cpu {

struct Registers {
  int64_t lanes; ///< f32 of a register
  /// The largest tile of a product whose sums stay in registers, beside a row of its right operand (tileColumns / lanes
  /// registers) and one factor of its left operand.
  int64_t tileRows, tileColumns;
  /// Rows of such a tile where factors are read at many places and the tile is a part of a larger kernel.
  int64_t innerRows;
  /// Steps of the depth in the body of a tile's loop: processors whose products need a load for each row and whose
  /// cores are shared by two threads lack room for the loop's own instructions.
  int64_t steps;
  /// Elements of a right operand that stay in the second cache: most of 1 MB where there is AVX-512, of 512 KB
  /// elsewhere.
  int64_t cached;
  /// Whether what is added of a long product at a time is packed. Else it is read where it lies, and the next part
  /// fetched meanwhile.
  bool packsParts;
  bool multipliesHalf;    ///< multiplies and adds numbers of f16 in one instruction
  bool multipliesTiles;   ///< of bf16, and adds them in f32
  bool multipliesAndAdds; ///< in one instruction; without it the library does products

  /// A copy of a tile's rows with the depth outside has rows of so many elements.
  int64_t copiedRow() const { return (tileRows + lanes - 1) / lanes * lanes; }
};

/// Those of an x86-64 processor.
Registers getRegisters(llvm::StringRef processor);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_REGISTERS_H
