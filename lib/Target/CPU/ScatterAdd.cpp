// Sums of rows where an index tensor says: each thread takes a range of the result, clears it or copies what the sums
// begin with, unless that lies there already, and goes through all indices for those that lie in there. So an entry's
// terms are added in the order of the indices, whoever adds them.

#include "Generators.h"
#include "LoopBuilder.h"

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace ftc::target::cpu {

namespace {
/// Of elements of the result.
constexpr int64_t kLeastRange = 1 << 16;
/// Ranges at most, since each of them reads all indices.
constexpr int64_t kMostRanges = 8;

class ScatterAdd {
public:
  ScatterAdd(tune::ScatterAddOp op, const Registers &registers, KernelBuilder &builder)
      : l(builder, registers), rows(l.flatten(builder.buffer(op.getRows()))),
        indices(l.flatten(builder.buffer(op.getIndex()))), result(l.flatten(builder.buffer(op.getResult()))),
        count(cast<RankedTensorType>(op.getIndex().getType()).getNumElements()) {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    element = type.getElementType();
    size = type.getDimSize(0);
    width = type.getNumElements() / size;
    if (op.getInit())
      init = l.flatten(builder.buffer(op.getInit()));
    range = std::max(llvm::divideCeil(size, kMostRanges), llvm::divideCeil(kLeastRange, width));
  }

  void emit() {
    l.b.setItems(llvm::divideCeil(size, range), /*grain=*/1);
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      Value first = l.mul(item, range), end = l.min(l.add(first, range), l.index(size));
      Value from = l.mul(first, width), to = l.mul(end, width);
      if (init)
        l.ifTrue(l.compare(arith::CmpIPredicate::ne, pointerTo(init), pointerTo(result)),
                 [&] { begin(from, to, [&](Value at, int64_t lanes) { return l.load(init, at, lanes, lanes); }); });
      else
        begin(from, to, [&](Value, int64_t lanes) { return l.splat(l.constant(element, 0), lanes); });
      l.loop(l.index(0), l.index(count), 1, [&](Value place) {
        Value row = arith::IndexCastOp::create(l.b, l.b.getIndexType(), l.load(indices, place));
        // A negative one is a large number without a sign.
        Value isInRange = arith::AndIOp::create(l.b, l.compare(arith::CmpIPredicate::uge, row, first),
                                                l.compare(arith::CmpIPredicate::ult, row, end));
        l.ifTrue(isInRange, [&] { addRow(l.mul(place, width), l.mul(row, width)); });
      });
    });
  }

private:
  Value pointerTo(Value buffer) { return memref::ExtractAlignedPointerAsIndexOp::create(l.b, buffer); }

  /// Stores what a range begins with.
  void begin(Value from, Value to, llvm::function_ref<Value(Value at, int64_t lanes)> get) {
    Value whole = l.add(from, l.mul(l.div(l.sub(to, from), kLanes), kLanes));
    l.loop(from, whole, kLanes, [&](Value at) { l.store(get(at, kLanes), result, at, kLanes); });
    l.loop(whole, to, 1, [&](Value at) { l.store(get(at, 1), result, at, 1); });
  }

  void addRow(Value source, Value target) {
    int64_t whole = width / kLanes * kLanes;
    auto addAt = [&](Value at, int64_t active) {
      Value old = l.load(result, l.add(target, at), kLanes, active);
      Value more = l.load(rows, l.add(source, at), kLanes, active);
      l.store(arith::AddFOp::create(l.b, old, more), result, l.add(target, at), active);
    };
    if (whole)
      l.loop(l.index(0), l.index(whole), kLanes, [&](Value at) { addAt(at, kLanes); });
    if (width > whole)
      addAt(l.index(whole), width - whole);
  }

  static constexpr int64_t kLanes = 16;

  LoopBuilder l;
  Value rows, indices, result;
  Value init; ///< null: zeros
  Type element;
  int64_t count;       ///< of indices
  int64_t size, width; ///< rows of the result, elements of each
  int64_t range;       ///< rows of the result for an item
};

class ScatterAddGenerator : public KernelGenerator {
public:
  explicit ScatterAddGenerator(const Registers &registers) : registers(registers) {}

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    ScatterAdd(cast<tune::ScatterAddOp>(op), registers, builder).emit();
    return success();
  }

  bool foldsSplat(OpOperand &) const override { return false; }
  bool mayShare(OpOperand &operand, OpResult) const override { return operand.getOperandNumber() == 2; }

private:
  Registers registers;
};
} // namespace

std::shared_ptr<const KernelGenerator> makeScatterAddGenerator(const Registers &registers) {
  return std::make_shared<ScatterAddGenerator>(registers);
}

} // namespace ftc::target::cpu
