// Short names for loops, index arithmetic and vectors of f32, for kernels that are written out rather than derived.
#ifndef FTC_LIB_TARGET_CPU_LOOPBUILDER_H
#define FTC_LIB_TARGET_CPU_LOOPBUILDER_H

#include "Registers.h"
#include "ftc/Target/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace ftc::target::cpu {

/// What a cache line is fetched for, and how near: 3 is the first cache, 2 the second.
struct Fetch {
  bool isWrite = false;
  int64_t locality = 3;
};

class LoopBuilder {
public:
  LoopBuilder(KernelBuilder &builder, const Registers &registers) : b(builder), registers(registers) {}

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return y ? add(x, index(y)) : x; }
  mlir::Value mul(mlir::Value x, int64_t y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, int64_t y);
  mlir::Value rem(mlir::Value x, int64_t y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);

  /// for (i = from; i < to; i += step) carried = body(i, carried); returns the last values.
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange carried,
                                      Body body);
  void loop(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  /// The same from 0 on, one by one, with as many bodies to an iteration as the processor wants. Between them loads and
  /// stores keep their order: LLVM would gather the loads of all, and spill.
  llvm::SmallVector<mlir::Value> unrolledLoop(mlir::Value to, mlir::ValueRange carried, Body body);
  void ifTrue(mlir::Value condition, llvm::function_ref<void()> body);

  /// The same memory as one dimension, from the buffer's first element on.
  mlir::Value flatten(mlir::Value memref);
  mlir::Value flatten(mlir::Value memref, int64_t elements);

  /// The address of a buffer's first element, for functions that kernels share: its type tells nothing of the size.
  mlir::MemRefType pointerType(mlir::Type element = {}); ///< f32 if there is none
  mlir::Value pointer(mlir::Value memref);

  /// The op's workspace as f32.
  mlir::Value workspace(int64_t elements);

  /// Flat memory from an element on.
  mlir::Value offset(mlir::Value memory, mlir::Value from);

  mlir::VectorType f32(int64_t lanes);
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value splat(mlir::Value scalar, int64_t lanes);
  mlir::Value load(mlir::Value memory, mlir::Value at);
  /// A scalar or vector of reals as f32.
  mlir::Value extend(mlir::Value narrow);
  /// The elements whose bit of `mask` is set, `other` in place of the rest.
  mlir::Value loadMasked(mlir::Value memory, mlir::Value at, mlir::Value mask, mlir::Value other);
  /// The first `active` elements, zeros after them.
  mlir::Value load(mlir::Value memory, mlir::Value at, int64_t lanes, int64_t active);
  mlir::Value load(mlir::Value memory, mlir::Value at, int64_t lanes) { return load(memory, at, lanes, lanes); }
  void store(mlir::Value vector, mlir::Value memory, mlir::Value at, int64_t active);
  void store(mlir::Value vector, mlir::Value memory, mlir::Value at);

  /// Fetches the cache line of an element, which need not exist.
  void prefetch(mlir::Value memory, mlir::Value at, Fetch fetch = {});

  /// Rows and columns of n vectors of n elements change places; n is a power of two.
  void transpose(llvm::MutableArrayRef<mlir::Value> rows);

  KernelBuilder &b;
  const Registers registers;

private:
  mlir::Value mask(int64_t lanes, int64_t active);
};

/// An operand of a product whose elements are read one at a time: element (row, k) is at base + row * rowStride +
/// k * kStride of `memory`.
struct ScalarOperand {
  mlir::Value memory, base;
  int64_t rowStride, kStride;
};

/// An operand whose rows are read by vectors: row k begins at base + k * kStride.
struct VectorOperand {
  mlir::Value memory, base;
  int64_t kStride;
};

/// The `rows` accumulators of a[rows, k] b[k, lanes], added to `start`. Lanes beyond those of a tile are a tile of
/// their own.
llvm::SmallVector<mlir::Value> emitTile(LoopBuilder &l, const ScalarOperand &a, const VectorOperand &b,
                                        mlir::Value depth, mlir::ValueRange start);

/// Cuts `rows` rows into about equal tiles of at most `most` rows: `tile(first row, rows of the tile)`.
void forTiles(LoopBuilder &l, int64_t rows, int64_t most, llvm::function_ref<void(mlir::Value, int64_t)> tile);
/// Cuts the rows `from` to `to` (exclusive) into tiles of `rows` and single ones.
void forTiles(LoopBuilder &l, mlir::Value from, mlir::Value to, int64_t rows,
              llvm::function_ref<void(mlir::Value, int64_t)> tile);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_LOOPBUILDER_H
