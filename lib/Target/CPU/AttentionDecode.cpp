// tune.attention for a few columns, as in generation: the time goes into reading keys and values, so each is read once,
// in the order of memory, and only where a column may see it. Lanes lie along the elements of a key's row; the sums of
// 16 keys are brought into one vector by a transposition.

#include "Attention.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;

namespace ftc::target::cpu {

/// Keys of a step.
static constexpr int64_t kKeys = 16;
/// Columns and vectors of a row whose sums over the keys are in registers together.
static constexpr int64_t kColumns = 4, kVectors = 4;

int64_t countDecodeScratch(const AttentionShape &shape) {
  return shape.columns() * int64_t(llvm::alignTo(shape.keys, kKeys));
}

namespace {
class AttentionDecode {
public:
  AttentionDecode(tune::AttentionOp op, const Registers &registers, KernelBuilder &builder)
      : op(op), l(builder, registers), shape(getAttentionShape(op)), block(l, shape, bindBuffers()) {}

  void emit() {
    l.b.setItems(shape.batch * shape.heads);
    scores = l.b.threadMemory(countDecodeScratch(shape));
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      block.begin(l.div(item, shape.heads), l.rem(item, shape.heads), l.index(0));
      l.loop(block.firstKey(), block.lastKey(), kKeys, [&](Value key) { emitScores(key); });
      for (int64_t column = 0; column < shape.columns(); ++column)
        emitSoftmax(column);
      for (int64_t column = 0; column < shape.columns(); column += kColumns)
        for (int64_t vector = 0; vector < vectors(); vector += kVectors)
          emitResult(column, std::min(kColumns, shape.columns() - column), vector,
                     std::min(kVectors, vectors() - vector));
    });
  }

private:
  Value flat(Value operandOrResult) { return l.flatten(l.b.buffer(operandOrResult)); }

  AttentionBlock::Buffers bindBuffers() {
    return {flat(op.getQ()),    flat(op.getK()),    flat(op.getV()),   flat(op.getQpos()),
            flat(op.getQseg()), flat(op.getKpos()), flat(op.getKseg())};
  }

  int64_t vectors() const { return shape.padded() / 16; }
  int64_t active(int64_t vector) const { return std::min<int64_t>(16, shape.width - vector * 16); }
  Value scoreOf(int64_t column, Value key) { return l.add(key, column * int64_t(llvm::alignTo(shape.keys, kKeys))); }

  /// Scores of 16 keys from `key` on, -inf where the column does not see the key.
  void emitScores(Value key) {
    Value keys = flat(op.getK()), queries = flat(op.getQ());
    SmallVector<Value> rows;
    for (int64_t i = 0; i < kKeys; ++i)
      rows.push_back(block.keysAsRows(keys, l.min(l.add(key, i), l.index(shape.keys - 1))).base);
    for (int64_t column = 0; column < shape.columns(); ++column) {
      SmallVector<Value> sums(kKeys, l.constant(l.f32(16), 0));
      Value query = block.rowOf(l.index(column));
      for (int64_t vector = 0; vector < vectors(); ++vector) {
        Value factor = l.load(queries, l.add(query, vector * 16), 16, active(vector));
        for (auto [row, sum] : llvm::zip_equal(rows, sums))
          sum = vector::FMAOp::create(l.b, factor, l.load(keys, l.add(row, vector * 16), 16, active(vector)), sum);
      }
      l.transpose(sums);
      while (sums.size() > 1) {
        for (size_t i = 0; i < sums.size() / 2; ++i)
          sums[i] = arith::AddFOp::create(l.b, sums[i], sums[i + sums.size() / 2]);
        sums.resize(sums.size() / 2);
      }
      Value hidden = l.constant(l.f32(16), -std::numeric_limits<double>::infinity());
      Value score = l.select(sees(column, key), block.finishScore(sums[0]), hidden);
      l.store(score, scores, scoreOf(column, key));
    }
  }

  /// Which of 16 keys the column sees; keys beyond the last one are seen by none.
  Value sees(int64_t column, Value key) {
    using Predicate = arith::CmpIPredicate;
    Value token = l.add(l.mul(block.batch, shape.queries), column / shape.groups);
    Value base = l.add(l.mul(block.batch, shape.keys), key);
    Value lanes = vector::StepOp::create(l.b, VectorType::get({16}, l.b.getIndexType()));
    Value mask = l.compare(Predicate::ult, lanes, l.splat(l.sub(l.index(shape.keys), key), 16));
    Value none = l.constant(VectorType::get({16}, l.b.getI32Type()), -1);
    auto loadKeys = [&](Value tensor) { return l.loadMasked(flat(tensor), base, mask, none); };
    auto loadQuery = [&](Value tensor) { return l.splat(l.load(flat(tensor), token), 16); };
    Value segment = loadKeys(op.getKseg());
    auto both = [&](Value x, Value y) { return arith::AndIOp::create(l.b, x, y); };
    Value seen =
        both(l.compare(Predicate::eq, segment, loadQuery(op.getQseg())), l.compare(Predicate::sgt, segment, none));
    if (shape.causal)
      seen = both(seen, l.compare(Predicate::sle, loadKeys(op.getKpos()), loadQuery(op.getQpos())));
    if (shape.window) {
      Value distance = arith::SubIOp::create(l.b, loadQuery(op.getQpos()), loadKeys(op.getKpos()));
      Value window = l.constant(distance.getType(), *shape.window);
      seen = both(seen, l.compare(Predicate::slt, distance, window));
    }
    return seen;
  }

  /// Replaces a column's scores by probabilities, and writes its log-sum-exp.
  void emitSoftmax(int64_t column) {
    Type f32 = l.b.getF32Type();
    Value least = l.constant(l.f32(16), -std::numeric_limits<double>::infinity());
    auto loadScore = [&](Value key) { return l.load(scores, scoreOf(column, key), 16); };
    auto forKeys = [&](Value start, llvm::function_ref<Value(Value, Value)> body) {
      return l.loop(block.firstKey(), block.lastKey(), kKeys, start,
                    [&](Value key, ValueRange carried) { return SmallVector<Value>{body(key, carried[0])}; })[0];
    };
    auto isEqual = [&](Value x, double y) {
      return arith::CmpFOp::create(l.b, arith::CmpFPredicate::OEQ, x, l.constant(f32, y));
    };
    Value greatest = forKeys(least, [&](Value key, Value carried) -> Value {
      return arith::MaximumFOp::create(l.b, carried, loadScore(key));
    });
    Value maximum = vector::ReductionOp::create(l.b, vector::CombiningKind::MAXIMUMF, greatest);
    // A column that sees nothing: exp(-inf - 0) = 0.
    Value nothing = isEqual(maximum, -std::numeric_limits<double>::infinity());
    Value shift = l.splat(l.select(nothing, l.constant(f32, 0), maximum), 16);
    Value powers = forKeys(l.constant(l.f32(16), 0), [&](Value key, Value carried) -> Value {
      Value power = math::ExpOp::create(l.b, arith::SubFOp::create(l.b, loadScore(key), shift));
      l.store(power, scores, scoreOf(column, key));
      return arith::AddFOp::create(l.b, carried, power);
    });
    Value sum = vector::ReductionOp::create(l.b, vector::CombiningKind::ADD, powers);
    Value inverse = l.select(nothing, l.constant(f32, 0), arith::DivFOp::create(l.b, l.constant(f32, 1), sum));
    inverses.push_back(inverse);
    Value lse = arith::AddFOp::create(l.b, maximum, math::LogOp::create(l.b, sum));
    memref::StoreOp::create(l.b, lse, flat(op.getLse()), block.placeOf(l.index(column)));
  }

  /// Some columns' sums of the values' vectors from `vector` on.
  void emitResult(int64_t column, int64_t columns, int64_t vector, int64_t count) {
    Value values = flat(op.getV()), out = flat(op.getOut());
    SmallVector<Value> zeros(columns * count, l.constant(l.f32(16), 0));
    SmallVector<Value> sums = l.loop(block.firstKey(), block.lastKey(), 1, zeros, [&](Value key, ValueRange carried) {
      SmallVector<Value> row, next;
      Value base = block.keysAsRows(values, key).base;
      for (int64_t i = vector; i < vector + count; ++i)
        row.push_back(l.load(values, l.add(base, i * 16), 16, active(i)));
      for (int64_t c = 0; c < columns; ++c) {
        Value factor = l.splat(l.load(scores, scoreOf(column + c, key)), 16);
        for (int64_t i = 0; i < count; ++i)
          next.push_back(vector::FMAOp::create(l.b, factor, row[i], carried[c * count + i]));
      }
      return next;
    });
    for (int64_t c = 0; c < columns; ++c) {
      Value factor = l.splat(inverses[column + c], 16), base = block.rowOf(l.index(column + c));
      for (int64_t i = 0; i < count; ++i)
        l.store(arith::MulFOp::create(l.b, sums[c * count + i], factor), out, l.add(base, (vector + i) * 16),
                active(vector + i));
    }
  }

  tune::AttentionOp op;
  LoopBuilder l;
  AttentionShape shape;
  AttentionBlock block;
  Value scores;                ///< [columns, keys]
  SmallVector<Value> inverses; ///< 1 / sum of each column's powers
};
} // namespace

void emitAttentionDecode(tune::AttentionOp op, const Registers &registers, KernelBuilder &builder) {
  AttentionDecode(op, registers, builder).emit();
}

} // namespace ftc::target::cpu
