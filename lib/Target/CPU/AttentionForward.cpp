// tune.attention: for each block of columns, all scores at once (they fit the second cache for some thousands of keys),
// so that no running maximum is needed.

#include "Attention.h"
#include "Generators.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;

namespace ftc::target::cpu {

namespace {
class AttentionForward {
public:
  AttentionForward(tune::AttentionOp op, const Registers &registers, KernelBuilder &builder)
      : op(op), l(builder, registers), shape(getAttentionShape(op)), block(l, shape, bindBuffers()) {}

  /// Elements: two squares [padded, lanes], scores of all keys [keys, lanes].
  static int64_t countScratch(const AttentionShape &shape) { return (2 * shape.padded() + shape.keys) * shape.lanes(); }

  void emit() {
    l.b.setItems(shape.batch * shape.heads * shape.blocks());
    int64_t square = shape.padded() * shape.lanes();
    Value memory = l.b.threadMemory(countScratch(shape));
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      Value rest = l.div(item, shape.blocks());
      block.begin(l.div(rest, shape.heads), l.rem(rest, shape.heads),
                  l.mul(l.rem(item, shape.blocks()), shape.lanes()));
      queries = {memory, l.index(0), shape.lanes()};
      result = {memory, l.index(square), shape.lanes()};
      probabilities = {memory, l.index(2 * square), shape.lanes()};
      emitBlock();
    });
  }

private:
  AttentionBlock::Buffers bindBuffers() {
    auto flat = [&](Value operand) { return l.flatten(l.b.buffer(operand)); };
    return {flat(op.getQ()),    flat(op.getK()),    flat(op.getV()),   flat(op.getQpos()),
            flat(op.getQseg()), flat(op.getKpos()), flat(op.getKseg())};
  }

  Value at(const VectorOperand &matrix, Value row) { return l.add(matrix.base, l.mul(row, matrix.kStride)); }

  SmallVector<Value> zeros(int64_t rows) { return SmallVector<Value>(rows, l.constant(l.f32(shape.lanes()), 0)); }

  void emitBlock() {
    block.pack(l.flatten(l.b.buffer(op.getQ())), queries.memory, Value(), Value());
    emitScores();
    auto [maximum, sum] = emitSoftmax();
    emitResult(sum);
    Value lse = arith::AddFOp::create(l.b, maximum, math::LogOp::create(l.b, sum));
    block.storeColumns(lse, l.flatten(l.b.buffer(op.getLse())));
  }

  /// scores[key, column], -inf where the column does not see the key.
  void emitScores() {
    Value keys = l.flatten(l.b.buffer(op.getK()));
    Value hidden = l.constant(l.f32(shape.lanes()), -std::numeric_limits<double>::infinity());
    forTiles(l, block.firstKey(), block.lastKey(), l.registers.innerRows, [&](Value key, int64_t rows) {
      SmallVector<Value> sums = emitTile(l, block.keysAsRows(keys, key), queries, l.index(shape.width), zeros(rows));
      for (auto [i, sum] : llvm::enumerate(sums)) {
        Value row = l.add(key, int64_t(i));
        Value score = arith::SelectOp::create(l.b, block.sees(row), block.finishScore(sum), hidden);
        l.store(score, probabilities.memory, at(probabilities, row));
      }
    });
  }

  /// Replaces scores by exp(score - maximum); returns the maximum and the sum of each column.
  std::pair<Value, Value> emitSoftmax() {
    VectorType type = l.f32(shape.lanes());
    Value least = l.constant(type, -std::numeric_limits<double>::infinity()), zero = l.constant(type, 0);
    Value maximum = l.loop(block.firstKey(), block.lastKey(), 1, least, [&](Value key, ValueRange carried) {
      Value score = l.load(probabilities.memory, at(probabilities, key), shape.lanes());
      Value isLarger = arith::CmpFOp::create(l.b, arith::CmpFPredicate::OGT, score, carried[0]); // a NaN is in the sum
      return SmallVector<Value>{arith::SelectOp::create(l.b, isLarger, score, carried[0])};
    })[0];
    // A column that sees nothing: exp(-inf - 0) = 0.
    Value nothing = arith::CmpFOp::create(l.b, arith::CmpFPredicate::OEQ, maximum, least);
    Value shift = arith::SelectOp::create(l.b, nothing, zero, maximum);
    Value sum = l.loop(block.firstKey(), block.lastKey(), 1, zero, [&](Value key, ValueRange carried) {
      Value place = at(probabilities, key);
      Value score = l.load(probabilities.memory, place, shape.lanes());
      Value power = math::ExpOp::create(l.b, arith::SubFOp::create(l.b, score, shift));
      l.store(power, probabilities.memory, place);
      return SmallVector<Value>{arith::AddFOp::create(l.b, carried[0], power)};
    })[0];
    return {maximum, sum};
  }

  void emitResult(Value sum) {
    VectorType type = l.f32(shape.lanes());
    Value zero = l.constant(type, 0);
    Value nothing = arith::CmpFOp::create(l.b, arith::CmpFPredicate::OEQ, sum, zero);
    Value inverse = arith::DivFOp::create(l.b, l.constant(type, 1), sum);
    inverse = arith::SelectOp::create(l.b, nothing, zero, inverse);
    Value values = l.flatten(l.b.buffer(op.getV()));
    VectorOperand seen = probabilities;
    seen.base = at(probabilities, block.firstKey());
    forTiles(l, shape.width, l.registers.innerRows, [&](Value element, int64_t rows) {
      SmallVector<Value> sums =
          emitTile(l, block.elementsAsRows(values, element), seen, block.countKeys(), zeros(rows));
      for (auto [i, value] : llvm::enumerate(sums))
        l.store(arith::MulFOp::create(l.b, value, inverse), result.memory, at(result, l.add(element, int64_t(i))));
    });
    block.unpack(l.offset(result.memory, result.base), l.flatten(l.b.buffer(op.getOut())));
  }

  tune::AttentionOp op;
  LoopBuilder l;
  AttentionShape shape;
  AttentionBlock block;
  VectorOperand queries, result, probabilities; ///< [elements or keys, columns], transposed
};

class AttentionGenerator : public KernelGenerator {
public:
  explicit AttentionGenerator(const Registers &registers) : registers(registers) {}

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto attention = cast<tune::AttentionOp>(op);
    if (!getElementTypeOrSelf(attention.getQ().getType()).isF32())
      return op->emitOpError("has no kernel for this type on the cpu target");
    if (getAttentionShape(attention).isNarrow())
      emitAttentionDecode(attention, registers, builder);
    else
      AttentionForward(attention, registers, builder).emit();
    return success();
  }

  int phases(Operation *op) const override { return workspaceBytes(op) ? 2 : 1; }

  int64_t workspaceBytes(Operation *op) const override {
    AttentionShape shape = getAttentionShape(cast<tune::AttentionOp>(op));
    return shape.isNarrow() ? countDecodeWorkspace(shape) * int64_t(sizeof(float)) : 0;
  }

  bool foldsSplat(OpOperand &) const override { return false; }

  int64_t scratchBytes(Operation *op) const override {
    AttentionShape shape = getAttentionShape(cast<tune::AttentionOp>(op));
    return (shape.isNarrow() ? countDecodeScratch(shape) : AttentionForward::countScratch(shape)) *
           int64_t(sizeof(float));
  }

private:
  Registers registers;
};
} // namespace

std::shared_ptr<const KernelGenerator> makeAttentionGenerator(const Registers &registers) {
  return std::make_shared<AttentionGenerator>(registers);
}

} // namespace ftc::target::cpu
