// Attention by its definition: for each query, the scores of all keys it sees, their softmax, the mean of the values;
// and the gradients of exactly that.

#include "Loops.h"

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;

namespace ftc::target {

namespace {
/// What tune.attention and its backward share. Items are rows of the batch.
template <typename Op> class AttentionEmitter {
public:
  AttentionEmitter(Op op, KernelBuilder &builder)
      : op(op), builder(builder), type(getElementType(op.getQ())), tokens(getShape(op.getQ())[1]),
        heads(getShape(op.getQ())[2]), groups(getShape(op.getQ())[3]), width(getShape(op.getQ())[4]),
        keys(getShape(op.getK())[1]) {}

  Value real(double value) { return constant(builder, type, value); }
  Value negativeInfinity() { return real(-INFINITY); }

  /// Emits `body` for each query [b, t, h, g].
  void forEachQuery(IndexedBody body) {
    forEachItem(builder, {getShape(op.getQ())[0]}, [&](ValueRange row) {
      forEach(builder, {tokens, heads, groups},
              [&](ValueRange inner) { body({row[0], inner[0], inner[1], inner[2]}); });
    });
  }

  /// Whether query [b, t] sees key [b, j].
  Value sees(Value b, Value t, Value j) {
    using Predicate = arith::CmpIPredicate;
    auto compare = [&](Predicate predicate, Value x, Value y) {
      return arith::CmpIOp::create(builder, predicate, x, y).getResult();
    };
    auto both = [&](Value x, Value y) { return arith::AndIOp::create(builder, x, y).getResult(); };
    Type i32 = builder.getI32Type();
    Value always, prefix = index(builder, op.countPrefix());
    if (op.countPrefix() > 0) {
      always = compare(Predicate::ult, j, prefix);
      j = arith::SubIOp::create(builder, arith::MaxUIOp::create(builder, j, prefix), prefix);
    }
    Value segment = builder.load(op.getQseg(), {b, t}), query = builder.load(op.getQpos(), {b, t});
    Value key = builder.load(op.getKpos(), {b, j});
    Value result = both(compare(Predicate::eq, segment, builder.load(op.getKseg(), {b, j})),
                        compare(Predicate::sge, segment, constant(builder, i32, 0)));
    if (op.getCausal())
      result = both(result, compare(Predicate::sle, key, query));
    if (std::optional<uint64_t> window = op.getWindow())
      result = both(result, compare(Predicate::slt, arith::SubIOp::create(builder, query, key),
                                    constant(builder, i32, double(*window))));
    return always ? arith::OrIOp::create(builder, always, result).getResult() : result;
  }

  /// The sum over the width of a head of products of elements [b, t, h, g, d] of `x` and [b, j, h, d] of `y`.
  Value dot(Value x, ValueRange query, Value y, Value j) {
    return accumulate(builder, {width}, real(0), [&](ValueRange d, Value sum) -> Value {
      Value product = arith::MulFOp::create(builder, loadQuery(x, query, d[0]), loadKey(y, query, j, d[0]));
      return arith::AddFOp::create(builder, sum, product);
    });
  }

  Value loadQuery(Value x, ValueRange query, Value d) {
    return builder.load(x, {query[0], query[1], query[2], query[3], d});
  }
  Value loadKey(Value x, ValueRange query, Value j, Value d) { return builder.load(x, {query[0], j, query[2], d}); }

  /// z of query and key j, soft cap included.
  Value score(ValueRange query, Value j) {
    Value z =
        arith::MulFOp::create(builder, dot(op.getQ(), query, op.getK(), j), real(op.getScale().convertToDouble()));
    if (std::optional<APFloat> cap = op.getSoftcap()) {
      Value limit = real(cap->convertToDouble());
      z = arith::MulFOp::create(builder, limit,
                                math::TanhOp::create(builder, arith::DivFOp::create(builder, z, limit)));
    }
    return z;
  }

  Op op;
  KernelBuilder &builder;
  Type type;
  int64_t tokens, heads, groups, width, keys;
};

class AttentionKernel : public KernelGenerator {
  /// A row of scores for each row of the batch.
  int64_t workspaceBytes(Operation *op) const override {
    auto attention = cast<tune::AttentionOp>(op);
    return getShape(attention.getK())[0] * getShape(attention.getK())[1] * sizeof(double);
  }

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    AttentionEmitter<tune::AttentionOp> emitter(cast<tune::AttentionOp>(op), builder);
    Value scores =
        memref::ViewOp::create(builder, MemRefType::get({getShape(emitter.op.getK())[0], emitter.keys}, emitter.type),
                               builder.workspace(), index(builder, 0), ValueRange());
    emitter.forEachQuery([&](ValueRange query) { emitQuery(emitter, query, scores); });
    return success();
  }

  static void emitQuery(AttentionEmitter<tune::AttentionOp> &emitter, ValueRange query, Value scores) {
    KernelBuilder &builder = emitter.builder;
    Value b = query[0], hidden = emitter.negativeInfinity();
    Value largest = accumulate(builder, {emitter.keys}, hidden, [&](ValueRange j, Value largest) -> Value {
      auto z = scf::IfOp::create(
          builder, emitter.sees(b, query[1], j[0]),
          [&](OpBuilder &, Location) { scf::YieldOp::create(builder, emitter.score(query, j[0])); },
          [&](OpBuilder &, Location) { scf::YieldOp::create(builder, hidden); });
      memref::StoreOp::create(builder, z.getResult(0), scores, ValueRange{b, j[0]});
      return arith::MaximumFOp::create(builder, largest, z.getResult(0));
    });
    // A hidden key has weight 0 even if its value is no number; a query that sees nothing has nothing but such keys.
    auto weight = [&](Value j, function_ref<Value(Value)> term) -> Value {
      Value z = memref::LoadOp::create(builder, scores, ValueRange{b, j});
      Value isHidden = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, z, hidden);
      Value p = math::ExpOp::create(builder, arith::SubFOp::create(builder, z, largest));
      return arith::SelectOp::create(builder, isHidden, emitter.real(0), term(p));
    };
    Value sum = accumulate(builder, {emitter.keys}, emitter.real(0), [&](ValueRange j, Value sum) -> Value {
      return arith::AddFOp::create(builder, sum, weight(j[0], [](Value p) { return p; }));
    });
    Value seesNothing = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, largest, hidden);
    Value divisor = arith::SelectOp::create(builder, seesNothing, emitter.real(1), sum);
    forEach(builder, {emitter.width}, [&](ValueRange d) {
      Value mean = accumulate(builder, {emitter.keys}, emitter.real(0), [&](ValueRange j, Value sum) -> Value {
        Value term = weight(j[0], [&](Value p) -> Value {
          return arith::MulFOp::create(builder, p, emitter.loadKey(emitter.op.getV(), query, j[0], d[0]));
        });
        return arith::AddFOp::create(builder, sum, term);
      });
      builder.store(arith::DivFOp::create(builder, mean, divisor), emitter.op.getOut(),
                    {b, query[1], query[2], query[3], d[0]});
    });
    Value lse = arith::AddFOp::create(builder, largest, math::LogOp::create(builder, divisor));
    builder.store(lse, emitter.op.getLse(), query);
  }
};

class AttentionBackwardKernel : public KernelGenerator {
  using Emitter = AttentionEmitter<tune::AttentionBackwardOp>;

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    Emitter emitter(cast<tune::AttentionBackwardOp>(op), builder);
    for (Value gradient : op->getResults())
      forEachItem(builder, getShape(gradient),
                  [&](ValueRange indices) { builder.store(emitter.real(0), gradient, indices); });
    emitter.forEachQuery([&](ValueRange query) { emitQuery(emitter, query); });
    return success();
  }

  static void add(KernelBuilder &builder, Value gradient, ValueRange indices, Value term) {
    builder.store(arith::AddFOp::create(builder, builder.load(gradient, indices), term), gradient, indices);
  }

  static void emitQuery(Emitter &emitter, ValueRange query) {
    KernelBuilder &builder = emitter.builder;
    auto op = emitter.op;
    Value lse = builder.load(op.getLse(), query);
    Value delta = accumulate(builder, {emitter.width}, emitter.real(0), [&](ValueRange d, Value sum) -> Value {
      Value product = arith::MulFOp::create(builder, emitter.loadQuery(op.getDout(), query, d[0]),
                                            emitter.loadQuery(op.getOut(), query, d[0]));
      return arith::AddFOp::create(builder, sum, product);
    });
    forEach(builder, {emitter.keys}, [&](ValueRange j) {
      auto sees = scf::IfOp::create(builder, emitter.sees(query[0], query[1], j[0]));
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(sees.thenBlock());
      emitPair(emitter, query, j[0], lse, delta);
    });
  }

  /// What query and key j add to the gradients.
  static void emitPair(Emitter &emitter, ValueRange query, Value j, Value lse, Value delta) {
    KernelBuilder &builder = emitter.builder;
    auto op = emitter.op;
    Value z = emitter.score(query, j);
    Value p = math::ExpOp::create(builder, arith::SubFOp::create(builder, z, lse));
    Value dp = emitter.dot(op.getDout(), query, op.getV(), j);
    Value dz = arith::MulFOp::create(builder, p, arith::SubFOp::create(builder, dp, delta));
    if (std::optional<APFloat> cap = op.getSoftcap()) {
      Value ratio = arith::DivFOp::create(builder, z, emitter.real(cap->convertToDouble()));
      Value slope = arith::SubFOp::create(builder, emitter.real(1), arith::MulFOp::create(builder, ratio, ratio));
      dz = arith::MulFOp::create(builder, dz, slope);
    }
    Value scaled = arith::MulFOp::create(builder, dz, emitter.real(op.getScale().convertToDouble()));
    forEach(builder, {emitter.width}, [&](ValueRange d) {
      SmallVector<Value> queryEntry(query), keyEntry{query[0], j, query[2], d[0]};
      queryEntry.push_back(d[0]);
      auto times = [&](Value x, Value y) -> Value { return arith::MulFOp::create(builder, x, y); };
      add(builder, op.getDq(), queryEntry, times(scaled, builder.load(op.getK(), keyEntry)));
      add(builder, op.getDk(), keyEntry, times(scaled, builder.load(op.getQ(), queryEntry)));
      add(builder, op.getDv(), keyEntry, times(p, builder.load(op.getDout(), queryEntry)));
    });
  }
};
} // namespace

void addAttentionKernels(KernelRegistry &registry) {
  registry.add("tune.attention", std::make_shared<AttentionKernel>());
  registry.add("tune.attention_backward", std::make_shared<AttentionBackwardKernel>());
}

} // namespace ftc::target
