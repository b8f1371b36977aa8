// Transposition by blocks of 16 by 16 in registers, so that both tensors are read and written by whole vectors. Short
// rows that stay rows are moved one by one.

#include "Generators.h"
#include "LoopBuilder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace ftc::target::cpu {

namespace {
constexpr int64_t kBlock = 16;
/// Elements that one thread should take at a time.
constexpr int64_t kGrainElements = 1 << 14;
/// Rows of so many elements, that stay rows, are left to the kernels of rows.
constexpr int64_t kLongRow = 256;

/// A dimension of the result: of which size, and how far its neighbours lie apart in the two tensors.
struct Axis {
  int64_t size, from, to;
};

/// The dimensions of the result, those joined that are neighbours in both tensors.
SmallVector<Axis> getAxes(linalg::TransposeOp op) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getInput().getType()).getShape();
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t dim = shape.size(); dim-- > 1;)
    strides[dim - 1] = strides[dim] * shape[dim];
  SmallVector<Axis> axes;
  for (int64_t dim : op.getPermutation()) {
    if (shape[dim] == 1)
      continue;
    if (!axes.empty() && axes.back().from == strides[dim] * shape[dim]) {
      axes.back().size *= shape[dim];
      axes.back().from = strides[dim];
    } else
      axes.push_back({shape[dim], strides[dim], 0});
  }
  int64_t stride = 1;
  for (Axis &axis : llvm::reverse(axes)) {
    axis.to = stride;
    stride *= axis.size;
  }
  return axes;
}

/// Where in the source and in the result a place along some dimensions, given by its number, begins.
std::pair<Value, Value> locate(LoopBuilder &l, Value number, ArrayRef<Axis> axes) {
  Value source = l.index(0), target = l.index(0);
  for (const Axis &axis : llvm::reverse(axes)) {
    Value at = l.rem(number, axis.size);
    number = l.div(number, axis.size);
    source = l.add(source, l.mul(at, axis.from));
    target = l.add(target, l.mul(at, axis.to));
  }
  return {source, target};
}

/// Items are blocks of 16 along the result's last dimension, for each place along the dimensions that are last in
/// neither tensor. A last dimension of 2, 4 or 8 is taken together with the one before it.
class Transposition {
public:
  Transposition(linalg::TransposeOp op, const Registers &registers, KernelBuilder &builder)
      : l(builder, registers), from(l.flatten(builder.buffer(op.getInput()))),
        to(l.flatten(builder.buffer(op->getResult(0)))) {
    for (const Axis &axis : getAxes(op))
      if (axis.from == 1)
        row = axis;
      else if (axis.to == 1)
        column = axis;
      else
        outer.push_back(axis);
    if (column.size < kBlock && kBlock % column.size == 0 && !outer.empty() && outer.back().to == column.size)
      part = std::exchange(column, outer.pop_back_val());
  }

  void emit() {
    int64_t columns = column.size * part.size;
    int64_t blocks = llvm::divideCeil(columns, kBlock), items = blocks;
    for (const Axis &axis : outer)
      items *= axis.size;
    l.b.setItems(items, std::max<int64_t>(1, kGrainElements / (row.size * std::min(kBlock, columns))));
    int64_t whole = columns / kBlock, rest = columns % kBlock;
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      Value block = l.rem(item, blocks);
      auto [source, target] = locate(l, l.div(item, blocks), outer);
      source = l.add(source, l.mul(block, kBlock / part.size * column.from));
      target = l.add(target, l.mul(block, kBlock));
      if (whole)
        l.ifTrue(l.compare(arith::CmpIPredicate::ult, block, l.index(whole)),
                 [&] { emitBlocks(source, target, kBlock); });
      if (rest)
        l.ifTrue(l.compare(arith::CmpIPredicate::eq, block, l.index(whole)), [&] { emitBlocks(source, target, rest); });
    });
  }

private:
  /// All of the source's rows that `columns` neighbours of the result's last dimension lie in.
  void emitBlocks(Value source, Value target, int64_t columns) {
    int64_t whole = row.size / kBlock * kBlock;
    auto emitAt = [&](Value at, int64_t rows) {
      emitBlock(l.add(source, at), l.add(target, l.mul(at, row.to)), columns, rows);
    };
    if (whole)
      l.loop(l.index(0), l.index(whole), kBlock, [&](Value at) { emitAt(at, kBlock); });
    if (row.size > whole)
      emitAt(l.index(whole), row.size - whole);
  }

  void emitBlock(Value source, Value target, int64_t columns, int64_t rows) {
    SmallVector<Value> block;
    for (int64_t i = 0; i < kBlock; ++i)
      block.push_back(i < columns ? l.load(from, l.add(source, placeOf(i)), kBlock, rows) : block.front());
    l.transpose(block);
    for (int64_t i = 0; i < rows; ++i)
      l.store(block[i], to, l.add(target, i * row.to), columns);
  }

  /// Where a column of a block begins in the source.
  int64_t placeOf(int64_t i) const { return i / part.size * column.from + i % part.size * part.from; }

  LoopBuilder l;
  Value from, to;
  Axis row{}, column{}; ///< last in the source; last in the result
  Axis part{1, 0, 1};   ///< within the column
  SmallVector<Axis> outer;
};

/// Rows of the last dimension keep it. An item are the neighbours, in the source, of some that are neighbours in the
/// result: they are read as they lie, and what is written of each line is written at once.
class RowMove {
public:
  RowMove(linalg::TransposeOp op, const Registers &registers, KernelBuilder &builder)
      : l(builder, registers), from(l.flatten(builder.buffer(op.getInput()))),
        to(l.flatten(builder.buffer(op->getResult(0)))), outer(getAxes(op)), row(outer.pop_back_val()),
        next(outer.pop_back_val()) {
    auto found = llvm::find_if(outer, [&](const Axis &axis) { return axis.from == row.size; });
    nextInSource = *found;
    outer.erase(found);
  }

  void emit() {
    constexpr int64_t most = 16; // neighbours in the result
    int64_t rows = std::min(most, next.size), parts = llvm::divideCeil(next.size, rows), items = parts;
    for (const Axis &axis : outer)
      items *= axis.size;
    l.b.setItems(items, std::max<int64_t>(1, kGrainElements / (row.size * rows * nextInSource.size)));
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      auto [source, target] = locate(l, l.div(item, parts), outer);
      Value first = l.mul(l.rem(item, parts), rows);
      l.loop(first, l.min(l.add(first, rows), l.index(next.size)), 1, [&](Value at) {
        Value begin = l.add(source, l.mul(at, next.from)), end = l.add(target, l.mul(at, next.to));
        l.loop(l.index(0), l.index(nextInSource.size), 1, [&](Value near) {
          emitRow(l.add(begin, l.mul(near, nextInSource.from)), l.add(end, l.mul(near, nextInSource.to)));
        });
      });
    });
  }

private:
  void emitRow(Value source, Value target) {
    for (int64_t column = 0; column < row.size; column += kBlock) {
      int64_t columns = std::min(kBlock, row.size - column);
      l.store(l.load(from, l.add(source, column), kBlock, columns), to, l.add(target, column), columns);
    }
  }

  LoopBuilder l;
  Value from, to;
  SmallVector<Axis> outer;
  Axis row, next;      ///< the last two of the result
  Axis nextInSource{}; ///< the last but one of the source
};

class TransposeGenerator : public KernelGenerator {
public:
  explicit TransposeGenerator(const Registers &registers) : registers(registers) {}

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto transpose = cast<linalg::TransposeOp>(op);
    SmallVector<Axis> axes = getAxes(transpose);
    bool keepsRows = axes.empty() || axes.back().from == 1;
    bool keepsLongRows = keepsRows && (axes.size() < 2 || axes.back().size >= kLongRow);
    Type element = cast<RankedTensorType>(transpose.getInput().getType()).getElementType();
    if (keepsLongRows || element.getIntOrFloatBitWidth() < 8 || builder.isFolded(transpose.getInput()))
      return rows->generate(op, builder);
    if (keepsRows)
      RowMove(transpose, registers, builder).emit();
    else
      Transposition(transpose, registers, builder).emit();
    return success();
  }

private:
  Registers registers;
  std::shared_ptr<const KernelGenerator> rows = makeRowGenerator();
};
} // namespace

std::shared_ptr<const KernelGenerator> makeTransposeGenerator(const Registers &registers) {
  return std::make_shared<TransposeGenerator>(registers);
}

} // namespace ftc::target::cpu
