// The micro-kernel of matrix products by a processor's tiles (AMX), which multiply numbers of bf16 and add in f32. A
// factor is a sum of numbers of bf16, its parts: the upper half of its bits, then that of what is left. Three parts are
// all of f32, two are 16 bits of its significand, the last one rounded. Products of parts i and j count where i + j is
// less than the number of parts: with three, what is left out is as small as what f32 rounds. Parts below the least
// normal number of f32 are lost, and with a factor that is infinite results are no numbers.
//
// A tile holds 16 rows of 64 bytes: 16 rows of a result, of the left operand with 32 elements of the depth, or 16 pairs
// of the depth of the right operand with 16 columns. Words of 32 bits hold the pairs. Packed operands go by steps of 32
// of the depth, each of which is two tiles a part, for the two halves of 32 rows or columns.
#ifndef FTC_LIB_TARGET_CPU_SPLITTILE_H
#define FTC_LIB_TARGET_CPU_SPLITTILE_H

#include "Tile.h"

namespace ftc::target::cpu {

/// Rows and columns of a result at a time, and elements of the depth in a step.
inline constexpr int64_t kSplitRows = 32, kSplitColumns = 32, kSplitDepth = 32;
/// Elements of f32 that say what the tiles are.
inline constexpr int64_t kSplitShape = 16;

/// Parts of the operands of a term, and of what is multiplied: no fewer. Numbers of bf16 have one, those of f16 two.
struct SplitParts {
  int64_t a, b, all;
};

/// Words of a row or column of a packed operand.
inline int64_t countSplitWords(int64_t depth, int64_t parts) { return llvm::alignTo(depth, kSplitDepth) * parts / 2; }

/// A product that a tile adds, of packed operands: a [steps, half of the rows, part, 16 rows, 16 pairs], b [steps,
/// part, half of the columns, 16 pairs, 16 columns].
struct SplitTerm {
  Place a, b;
  mlir::Value steps;
  SplitParts parts;
  /// What is fetched into the second cache meanwhile, so many cache lines a step: rows that the next tiles read.
  Place next;
  mlir::Value nextLines;
};

/// Has the runtime ask the system for the tiles before the first program runs.
void requestSplitTiles(KernelBuilder &builder);

/// Shapes the tiles for results of so many rows and columns; `scratch` has kSplitShape elements.
void shapeSplitTiles(LoopBuilder &l, Place scratch, int64_t rows, int64_t columns);
/// Leaves the tiles as they were before the first shapeSplitTiles.
void releaseSplitTiles(LoopBuilder &l);

/// Calls the micro-kernel, c = start + the terms, for which the tiles have been shaped.
void callSplitTile(LoopBuilder &l, const TileResult &result, llvm::ArrayRef<SplitTerm> terms);

/// Packs the parts of b[depth, columns of the panels], which may be narrower than f32, zeros after the depth. One of
/// the two strides is 1.
void callPackSplit(LoopBuilder &l, Place from, Place to, mlir::Value depth, int64_t depthStride, int64_t columnStride,
                   const Panels &panels, int64_t parts);

/// Packs the parts of a[rows, depth], which may be narrower than f32, zeros after the depth. One of the two strides
/// is 1.
void callCopySplitRows(LoopBuilder &l, Place from, Place to, int64_t rows, mlir::Value depth, int64_t rowStride,
                       int64_t depthStride, int64_t parts);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_SPLITTILE_H
