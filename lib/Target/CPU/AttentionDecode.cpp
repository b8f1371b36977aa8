// tune.attention for a few columns, as in generation: the time goes into reading keys and values, so each is read once,
// in the order of memory, and only where a column may see it. Lanes lie along the elements of a key's row; the sums of
// 16 keys are brought into one vector by a transposition. An item is a part of the keys with all heads, which lie
// beside each other in memory; what the parts give is put together in a second phase, as in FlashDecoding (Dao et al.
// 2023).

#include "Attention.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <algorithm>
#include <limits>

using namespace mlir;

namespace ftc::target::cpu {

/// Keys of a step.
static constexpr int64_t kKeys = 16;
/// Columns and vectors of a row whose sums over the keys are in registers together.
static constexpr int64_t kColumns = 4, kVectors = 4;
/// Parts of the keys at most, and keys for each of them at least.
static constexpr int64_t kMostParts = 8, kPartKeys = 64;
/// Columns that a thread puts together at a time.
static constexpr int64_t kGrain = 16;

static int64_t countParts(const AttentionShape &shape) {
  return std::clamp<int64_t>(shape.keys / kPartKeys, 1, kMostParts);
}
static int64_t countPartKeys(const AttentionShape &shape) {
  return llvm::alignTo(llvm::divideCeil(shape.keys, countParts(shape)), kKeys);
}
/// What a part gives for a column: the sum of the values' rows by their powers, the greatest score, the sum of powers.
static int64_t countPartElements(const AttentionShape &shape) { return shape.padded() + 2; }

int64_t countDecodeScratch(const AttentionShape &shape) { return shape.heads * shape.columns() * countPartKeys(shape); }

int64_t countDecodeWorkspace(const AttentionShape &shape) {
  return shape.batch * countParts(shape) * shape.heads * shape.columns() * countPartElements(shape);
}

namespace {
class AttentionDecode {
public:
  AttentionDecode(tune::AttentionOp op, const Registers &registers, KernelBuilder &builder)
      : op(op), l(builder, registers), shape(getAttentionShape(op)), block(l, shape, bindBuffers()),
        parts(countParts(shape)), workspace(l.workspace(countDecodeWorkspace(shape))) {}

  /// The first phase: each part by itself.
  void emitParts() {
    l.b.setItems(shape.batch * parts);
    scores = l.b.threadMemory(countDecodeScratch(shape));
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      block.begin(l.div(item, parts), l.index(0), l.index(0));
      Value keys = l.mul(l.div(l.add(block.countKeys(), parts * kKeys - 1), parts * kKeys), kKeys);
      Value part = l.rem(item, parts);
      firstKey = l.min(l.add(block.firstKey(), l.mul(part, keys)), block.lastKey());
      lastKey = l.min(l.add(firstKey, keys), block.lastKey());
      auto forHeads = [&](llvm::function_ref<void()> body) {
        l.loop(l.index(0), l.index(shape.heads), 1, [&](Value head) {
          block.enterHead(head);
          body();
        });
      };
      l.loop(firstKey, lastKey, kKeys, [&](Value key) {
        fetch(op.getK(), key);
        fetch(op.getV(), key);
        forHeads([&] { emitScores(key); });
      });
      forHeads([&] {
        for (int64_t column = 0; column < shape.columns(); ++column)
          emitPowers(column, placeOf(block.batch, part, block.head, l.index(column)));
        for (int64_t column = 0; column < shape.columns(); column += kColumns)
          for (int64_t vector = 0; vector < vectors(); vector += kVectors)
            emitSums(column, std::min(kColumns, shape.columns() - column), vector,
                     std::min(kVectors, vectors() - vector), part);
      });
    });
  }

  /// The second phase: an item is a column of a head.
  void emitTogether() {
    l.b.setItems(shape.batch * shape.heads * shape.columns(), kGrain);
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      Value rest = l.div(item, shape.columns()), column = l.rem(item, shape.columns());
      block.batch = l.div(rest, shape.heads);
      block.enterHead(l.rem(rest, shape.heads));
      emitColumn(column);
    });
  }

private:
  Value flat(Value operandOrResult) { return l.flatten(l.b.buffer(operandOrResult)); }

  AttentionBlock::Buffers bindBuffers() {
    return {flat(op.getQ()),    flat(op.getK()),    flat(op.getV()),   flat(op.getQpos()),
            flat(op.getQseg()), flat(op.getKpos()), flat(op.getKseg())};
  }

  /// Where the workspace has what a part gives for a column.
  Value placeOf(Value batch, Value part, Value head, Value column) {
    Value place = l.add(l.mul(l.add(l.mul(batch, parts), part), shape.heads), head);
    return l.mul(l.add(l.mul(place, shape.columns()), column), countPartElements(shape));
  }

  int64_t vectors() const { return shape.padded() / 16; }
  int64_t active(int64_t vector) const { return std::min<int64_t>(16, shape.width - vector * 16); }
  Value scoreOf(int64_t column, Value key) {
    Value row = l.add(l.mul(block.head, shape.columns()), column);
    return l.add(l.mul(row, countPartKeys(shape)), l.sub(key, firstKey));
  }

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

  /// Fetches the rows of a step's keys or values, of all heads, in the order of memory: the processor goes on by itself
  /// where it sees an order, which the heads one after the other are not.
  void fetch(Value rows, Value key) {
    constexpr int64_t line = 16;
    Value memory = flat(rows);
    Value from = l.mul(l.add(l.mul(block.batch, shape.keys), key), shape.keyStride());
    l.loop(l.index(0), l.index(kKeys * shape.keyStride()), line,
           [&](Value at) { l.prefetch(memory, l.add(from, at)); });
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

  Value isEqual(Value x, double y) {
    return arith::CmpFOp::create(l.b, arith::CmpFPredicate::OEQ, x, l.constant(l.b.getF32Type(), y));
  }
  /// What powers are taken from; 0 for a column that sees nothing: exp(-inf - 0) = 0.
  Value shiftOf(Value greatest) {
    Value nothing = isEqual(greatest, -std::numeric_limits<double>::infinity());
    return l.select(nothing, l.constant(l.b.getF32Type(), 0), greatest);
  }

  /// Replaces a column's scores by their powers; keeps the greatest score and the sum.
  void emitPowers(int64_t column, Value place) {
    Value least = l.constant(l.f32(16), -std::numeric_limits<double>::infinity());
    auto loadScore = [&](Value key) { return l.load(scores, scoreOf(column, key), 16); };
    auto forKeys = [&](Value start, llvm::function_ref<Value(Value, Value)> body) {
      return l.loop(firstKey, lastKey, kKeys, start,
                    [&](Value key, ValueRange carried) { return SmallVector<Value>{body(key, carried[0])}; })[0];
    };
    Value greatest = forKeys(least, [&](Value key, Value carried) -> Value {
      return arith::MaximumFOp::create(l.b, carried, loadScore(key));
    });
    Value maximum = vector::ReductionOp::create(l.b, vector::CombiningKind::MAXIMUMF, greatest);
    Value shift = l.splat(shiftOf(maximum), 16);
    Value powers = forKeys(l.constant(l.f32(16), 0), [&](Value key, Value carried) -> Value {
      Value power = math::ExpOp::create(l.b, arith::SubFOp::create(l.b, loadScore(key), shift));
      l.store(power, scores, scoreOf(column, key));
      return arith::AddFOp::create(l.b, carried, power);
    });
    Value sum = vector::ReductionOp::create(l.b, vector::CombiningKind::ADD, powers);
    memref::StoreOp::create(l.b, maximum, workspace, l.add(place, shape.padded()));
    memref::StoreOp::create(l.b, sum, workspace, l.add(place, shape.padded() + 1));
  }

  /// Some columns' sums of the values' vectors from `vector` on.
  void emitSums(int64_t column, int64_t columns, int64_t vector, int64_t count, Value part) {
    Value values = flat(op.getV());
    SmallVector<Value> zeros(columns * count, l.constant(l.f32(16), 0));
    SmallVector<Value> sums = l.loop(firstKey, lastKey, 1, zeros, [&](Value key, ValueRange carried) {
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
      Value place = placeOf(block.batch, part, block.head, l.index(column + c));
      for (int64_t i = 0; i < count; ++i)
        l.store(sums[c * count + i], workspace, l.add(place, (vector + i) * 16));
    }
  }

  /// The sum over the parts, each by the power of its greatest score over the greatest of all.
  void emitColumn(Value column) {
    Type f32 = l.b.getF32Type();
    SmallVector<Value> places, greatest;
    Value maximum = l.constant(f32, -std::numeric_limits<double>::infinity());
    for (int64_t part = 0; part < parts; ++part) {
      places.push_back(placeOf(block.batch, l.index(part), block.head, column));
      greatest.push_back(l.load(workspace, l.add(places.back(), shape.padded())));
      maximum = arith::MaximumFOp::create(l.b, maximum, greatest.back());
    }
    Value shift = shiftOf(maximum), sum = l.constant(f32, 0);
    SmallVector<Value> factors;
    for (auto [place, own] : llvm::zip_equal(places, greatest)) {
      factors.push_back(math::ExpOp::create(l.b, arith::SubFOp::create(l.b, own, shift)));
      Value powers = l.load(workspace, l.add(place, shape.padded() + 1));
      sum = arith::AddFOp::create(l.b, sum, arith::MulFOp::create(l.b, powers, factors.back()));
    }
    Value nothing = isEqual(sum, 0);
    Value inverse = l.select(nothing, l.constant(f32, 0), arith::DivFOp::create(l.b, l.constant(f32, 1), sum));
    Value out = flat(op.getOut()), base = block.rowOf(column);
    for (int64_t i = 0; i < vectors(); ++i) {
      Value all = l.constant(l.f32(16), 0);
      for (auto [place, factor] : llvm::zip_equal(places, factors))
        all = vector::FMAOp::create(l.b, l.splat(factor, 16), l.load(workspace, l.add(place, i * 16), 16), all);
      l.store(arith::MulFOp::create(l.b, all, l.splat(inverse, 16)), out, l.add(base, i * 16), active(i));
    }
    Value lse = arith::AddFOp::create(l.b, maximum, math::LogOp::create(l.b, sum));
    memref::StoreOp::create(l.b, lse, flat(op.getLse()), block.placeOf(column));
  }

  tune::AttentionOp op;
  LoopBuilder l;
  AttentionShape shape;
  AttentionBlock block;
  int64_t parts;
  Value workspace;         ///< [batch, parts, heads, columns, what a part gives]
  Value scores;            ///< [columns, keys of the part]
  Value firstKey, lastKey; ///< of the part; the last one is exclusive
};
} // namespace

void emitAttentionDecode(tune::AttentionOp op, const Registers &registers, KernelBuilder &builder) {
  AttentionDecode emitter(op, registers, builder);
  if (builder.phase() == 0)
    emitter.emitParts();
  else
    emitter.emitTogether();
}

} // namespace ftc::target::cpu
