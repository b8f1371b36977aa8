// The micro-kernel of matrix products and the packing around it, as functions that all kernels of a module share: a
// tile stays in the vector registers while its terms are added.
#ifndef FTC_LIB_TARGET_CPU_TILE_H
#define FTC_LIB_TARGET_CPU_TILE_H

#include "LoopBuilder.h"

namespace ftc::target::cpu {

/// Where an element is: `base` is a pointer (memref<1xf32>, see LoopBuilder::pointer), `at` an index in elements.
struct Place {
  mlir::Value base, at;
};

/// Memory from a place on.
inline mlir::Value memoryAt(LoopBuilder &l, Place place) { return l.offset(place.base, place.at); }

/// The rows of a tile's left operand, read with few addresses: a pointer to every third row, and three offsets.
class LeftRows {
public:
  /// `stride` lies between rows whose elements are neighbours; null: a is [depth, copiedRow()].
  LeftRows(LoopBuilder &l, Place a, mlir::Value stride, int64_t rows);
  mlir::Value load(int64_t row, mlir::Value k) const;

private:
  LoopBuilder &l;
  llvm::SmallVector<mlir::Value> pointers, offsets;
};

/// A product that a tile adds: a[rows, depth] b[depth, columns].
struct TileTerm {
  Place a, b;
  mlir::Value depth;
  /// Stride of a's rows, whose elements are neighbours; null: a is [depth, copiedRow()].
  mlir::Value aRow;
  mlir::Value bDepth; ///< stride of b's rows; its columns are neighbours
  /// Elements from one of b to what is fetched into the first cache beside it; a packed b is fetched some rows ahead.
  mlir::Value ahead;
  bool isPacked; ///< b's rows have tileColumns columns, whatever those of the tile
  /// What is fetched into the second cache meanwhile, from one step of the depth to the next: rows that the next tiles
  /// read. Null: nothing.
  Place next;
  mlir::Value nextStep;
};

/// What a tile writes: c[rows, columns] = start + the terms. Start is zero, or what lies at the same place of `init`.
struct TileResult {
  mlir::Value c, init, at;
  int64_t stride;
  mlir::Value isZero; ///< i1: start from zero
  int64_t rows, columns;
};

/// How many rows ahead a packed b is fetched into the first cache, and elements of its lines.
inline constexpr int64_t kPrefetch = 8, kCacheLine = 16;

/// The vectors of a tile's sums, row by row.
struct TileVectors {
  TileVectors(const Registers &registers, int64_t rows, int64_t columns)
      : lanes(registers.lanes), rows(rows), columns(columns), perRow(llvm::divideCeil(columns, lanes)) {}

  int64_t count() const { return rows * perRow; }
  /// Columns of a row's vector that count.
  int64_t active(int64_t vector) const { return std::min(lanes, columns - vector * lanes); }
  /// body(number, row, vector of the row)
  void forEach(llvm::function_ref<void(int64_t, int64_t, int64_t)> body) const {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t vector = 0; vector < perRow; ++vector)
        body(row * perRow + vector, row, vector);
  }

  int64_t lanes, rows, columns, perRow;
};

/// Calls the micro-kernel, which adds the terms while the tile is in registers. It depends on the sizes of the tile and
/// the number of terms alone, so that a module has a few of them whatever its products are.
void callTile(LoopBuilder &l, const TileResult &result, llvm::ArrayRef<TileTerm> terms);

/// Panels of `columns` columns, that begin tileColumns columns apart and are packed `step` elements apart.
struct Panels {
  mlir::Value count;
  int64_t columns, step;
};

/// Copies b[depth, columns of the panels], which may be narrower, to f32 [panel, depth, tileColumns]; what lies beyond
/// the columns is undefined. One of the two strides is 1; where it is that of the depth, squares are transposed in
/// registers.
void callPack(LoopBuilder &l, Place from, Place to, mlir::Value depth, int64_t depthStride, int64_t columnStride,
              const Panels &panels);

/// Calls a function that kernels share, of two places and other values, named also for the type of what `from` holds.
void callMove(LoopBuilder &l, std::string symbol, Place from, Place to, llvm::ArrayRef<mlir::Value> others,
              llvm::function_ref<void(Place, Place, mlir::ValueRange)> emit);

/// Copies a[rows, depth], which may be narrower, rows <= tileRows, one of whose strides is 1: to [rows, toRow] if it is
/// that of the depth, else to [depth, copiedRow()].
void callCopyRows(LoopBuilder &l, Place from, Place to, int64_t rows, mlir::Value depth, int64_t rowStride,
                  int64_t depthStride, int64_t toRow);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_TILE_H
