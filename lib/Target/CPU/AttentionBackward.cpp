// tune.attention_backward: an item is one head of one batch entry, whose blocks of columns add to its rows of dk and dv
// one after another. Scores are computed again from lse.

#include "Attention.h"
#include "Generators.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;

namespace ftc::target::cpu {

namespace {
class AttentionBackward {
public:
  AttentionBackward(tune::AttentionBackwardOp op, KernelBuilder &builder)
      : op(op), l(builder), shape(getAttentionShape(op)), block(l, shape, bindBuffers()) {}

  /// Elements: three squares transposed [padded, lanes], two as they are [lanes, padded], two of all keys [keys,
  /// lanes].
  static int64_t countScratch(const AttentionShape &shape) {
    return (5 * shape.padded() + 2 * shape.keys) * shape.lanes();
  }

  void emit() {
    l.b.setItems(shape.batch * shape.heads);
    int64_t square = shape.padded() * shape.lanes(), scores = shape.keys * shape.lanes();
    Value memory = l.b.threadMemory(countScratch(shape));
    queriesT = l.offset(memory, l.index(0));
    dOutT = l.offset(memory, l.index(square));
    dQueriesT = l.offset(memory, l.index(2 * square));
    queriesRows = l.offset(memory, l.index(3 * square));
    dOutRows = l.offset(memory, l.index(4 * square));
    probabilities = l.offset(memory, l.index(5 * square));
    dScores = l.offset(memory, l.index(5 * square + scores));
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      Value batch = l.div(item, shape.heads), head = l.rem(item, shape.heads);
      clear(batch, head);
      l.loop(l.index(0), l.index(shape.blocks()), 1, [&](Value number) {
        block.begin(batch, head, l.mul(number, shape.lanes()));
        emitBlock();
      });
    });
  }

private:
  Value flat(Value operandOrResult) { return l.flatten(l.b.buffer(operandOrResult)); }

  AttentionBlock::Buffers bindBuffers() {
    return {flat(op.getQ()),    flat(op.getK()),    flat(op.getV()),   flat(op.getQpos()),
            flat(op.getQseg()), flat(op.getKpos()), flat(op.getKseg())};
  }

  VectorOperand columns(Value memory) { return {memory, l.index(0), shape.lanes()}; }

  SmallVector<Value> zeros(int64_t rows) { return SmallVector<Value>(rows, l.constant(l.f32(shape.lanes()), 0)); }

  /// Pieces of a row of `width` elements: (first element, lanes, those that count).
  void forPieces(llvm::function_ref<void(int64_t, int64_t, int64_t)> body) {
    for (int64_t from = 0; from < shape.width;) {
      int64_t lanes = shape.width - from >= 32 ? 32 : 16;
      body(from, lanes, std::min(lanes, shape.width - from));
      from += lanes;
    }
  }

  /// Zeros in the head's rows of dk and dv.
  void clear(Value batch, Value head) {
    Value base = l.mul(l.add(l.mul(batch, shape.keys * shape.heads), head), shape.width);
    l.loop(l.index(0), l.index(shape.keys), 1, [&](Value key) {
      Value row = l.add(base, l.mul(key, shape.keyStride()));
      forPieces([&](int64_t from, int64_t lanes, int64_t active) {
        for (Value memory : {flat(op.getDk()), flat(op.getDv())})
          l.store(l.constant(l.f32(lanes), 0), memory, l.add(row, from), active);
      });
    });
  }

  void emitBlock() {
    block.pack(flat(op.getQ()), queriesT, queriesRows, Value());
    Value delta = block.pack(flat(op.getDout()), dOutT, dOutRows, flat(op.getOut()));
    emitScores(delta);
    // dv += p^T dout, dk += ds^T q; columns beyond the last one have zeros in p and ds.
    addProduct(probabilities, dOutRows, flat(op.getDv()));
    addProduct(dScores, queriesRows, flat(op.getDk()));
    // dq = ds k
    Value keys = flat(op.getK());
    VectorOperand seen{dScores, l.mul(block.firstKey(), shape.lanes()), shape.lanes()};
    forTiles(l, l.index(0), l.index(shape.width), [&](Value element, int64_t rows) {
      SmallVector<Value> sums = emitTile(l, block.elementsAsRows(keys, element), seen, block.countKeys(), zeros(rows));
      for (auto [i, sum] : llvm::enumerate(sums))
        l.store(sum, dQueriesT, l.mul(l.add(element, int64_t(i)), shape.lanes()));
    });
    block.unpack(dQueriesT, flat(op.getDq()));
  }

  /// p = exp(z - lse) and ds = p (dout v^T - delta) dz/ds, for the keys that each column sees; zeros for the others.
  void emitScores(Value delta) {
    VectorType type = l.f32(shape.lanes());
    Value lse = block.loadColumns(flat(op.getLse())), zero = l.constant(type, 0);
    Value nothing = arith::CmpFOp::create(l.b, arith::CmpFPredicate::OEQ, lse,
                                          l.constant(type, -std::numeric_limits<double>::infinity()));
    Value shift = arith::SelectOp::create(l.b, nothing, zero, lse);
    Value exists = block.existing();
    Value keys = flat(op.getK()), values = flat(op.getV());
    forTiles(l, block.firstKey(), block.lastKey(), [&](Value key, int64_t rows) {
      SmallVector<Value> sums =
          emitTile(l, block.keysAsRows(keys, key), columns(queriesT), l.index(shape.width), zeros(rows));
      SmallVector<Value> slopes;
      for (auto [i, sum] : llvm::enumerate(sums)) {
        Value row = l.add(key, int64_t(i));
        Value score = block.finishScore(sum);
        Value power = math::ExpOp::create(l.b, arith::SubFOp::create(l.b, score, shift));
        Value seen = block.sees(row);
        if (exists)
          seen = arith::AndIOp::create(l.b, seen, exists);
        Value p = arith::SelectOp::create(l.b, seen, power, zero);
        l.store(p, probabilities, l.mul(row, shape.lanes()));
        slopes.push_back(arith::MulFOp::create(l.b, p, block.slope(score)));
      }
      SmallVector<Value> dSums =
          emitTile(l, block.keysAsRows(values, key), columns(dOutT), l.index(shape.width), zeros(rows));
      for (auto [i, sum] : llvm::enumerate(dSums)) {
        Value ds = arith::MulFOp::create(l.b, slopes[i], arith::SubFOp::create(l.b, sum, delta));
        l.store(ds, dScores, l.mul(l.add(key, int64_t(i)), shape.lanes()));
      }
    });
  }

  /// memory[key, :] += sum over columns of weights[key, column] rows[column, :].
  void addProduct(Value weights, Value rows, Value memory) {
    forTiles(l, block.firstKey(), block.lastKey(), [&](Value key, int64_t count) {
      ScalarOperand a{weights, l.mul(key, shape.lanes()), shape.lanes(), 1};
      ScalarOperand target = block.keysAsRows(memory, key);
      forPieces([&](int64_t from, int64_t lanes, int64_t active) {
        SmallVector<Value> sums, places;
        for (int64_t i = 0; i < count; ++i) {
          places.push_back(l.add(l.add(target.base, i * target.rowStride), from));
          sums.push_back(l.load(memory, places.back(), lanes, active));
        }
        sums = emitTile(l, a, {rows, l.index(from), shape.padded()}, l.index(shape.lanes()), sums);
        for (auto [sum, place] : llvm::zip_equal(sums, places))
          l.store(sum, memory, place, active);
      });
    });
  }

  tune::AttentionBackwardOp op;
  LoopBuilder l;
  AttentionShape shape;
  AttentionBlock block;
  Value queriesT, dOutT, dQueriesT, queriesRows, dOutRows, probabilities, dScores;
};

class AttentionBackwardGenerator : public KernelGenerator {
public:
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto attention = cast<tune::AttentionBackwardOp>(op);
    if (!getElementTypeOrSelf(attention.getQ().getType()).isF32())
      return op->emitOpError("has no kernel for this type on the cpu target");
    AttentionBackward(attention, builder).emit();
    return success();
  }

  bool foldsSplat(OpOperand &) const override { return false; }

  int64_t scratchBytes(Operation *op) const override {
    AttentionShape shape = getAttentionShape(cast<tune::AttentionBackwardOp>(op));
    return AttentionBackward::countScratch(shape) * int64_t(sizeof(float));
  }
};
} // namespace

std::shared_ptr<const KernelGenerator> makeAttentionBackwardGenerator() {
  return std::make_shared<AttentionBackwardGenerator>();
}

} // namespace ftc::target::cpu
