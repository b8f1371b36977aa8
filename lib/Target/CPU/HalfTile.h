// The micro-kernel of matrix products in f16: factors are rounded to f16 and multiplied and added there over a short
// depth (kHalfDepth); these sums are added in f32.
//
// A word of 32 bits holds a pair: elements 2p and 2p+1 of the depth, so that a pair of the left operand is broadcast as
// words are, and a register of sums holds those of even and of odd elements. Rows of the left operand and panels of the
// right one are scaled by powers of two so that their largest elements lie in [8, 16): no sum overflows, and nothing
// that counts beside the largest is lost. What a row and a panel were divided by is kept beside them.
#ifndef FTC_LIB_TARGET_CPU_HALFTILE_H
#define FTC_LIB_TARGET_CPU_HALFTILE_H

#include "Tile.h"

namespace ftc::target::cpu {

/// Words that a depth takes, and words of a packed operand, which end in whole vectors.
inline int64_t countPairs(int64_t depth) { return (depth + 1) / 2; }
int64_t countPackedPairs(const Registers &registers, int64_t depth);

/// A product that a tile adds: a[rows, pairs] b[pairs, tileColumns].
struct HalfTerm {
  Place a, b;
  mlir::Value pairs;
  /// Words between a's rows, whose pairs are neighbours; null: a is [pairs, copiedRow()].
  mlir::Value aRow;
  /// Of a's rows: copiedRow() numbers, after which as many more are overwritten. Of b's panel: one.
  Place aScales, bScale;
};

/// Calls the micro-kernel: c = start + a b.
void callHalfTile(LoopBuilder &l, const TileResult &result, const HalfTerm &term);

/// Packs b[depth, columns of the panels] to words [panel, pairs, tileColumns], zeros after the depth, and writes the
/// panels' scales. One of the two strides is 1.
void callPackHalf(LoopBuilder &l, Place from, Place to, Place scales, mlir::Value depth, int64_t depthStride,
                  int64_t columnStride, const Panels &panels);

/// Copies a[rows, depth], one of whose strides is 1, to words [rows, toRow] if it is that of the depth, else to
/// [pairs, copiedRow()], and writes the rows' scales.
void callCopyHalfRows(LoopBuilder &l, Place from, Place to, Place scales, int64_t rows, mlir::Value depth,
                      int64_t rowStride, int64_t depthStride, int64_t toRow);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_HALFTILE_H
