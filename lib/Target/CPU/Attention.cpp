#include "Attention.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace ftc::target::cpu {

void AttentionBlock::begin(Value batchIndex, Value headIndex, Value firstColumn) {
  batch = batchIndex;
  first = firstColumn;
  enterHead(headIndex);
  Value last = l.min(l.add(first, shape.lanes() - 1), l.index(shape.columns() - 1));
  Value limit = shape.causal && shape.keysAreQueries ? l.add(l.div(last, shape.groups), 1) : l.index(shape.placed());
  auto gatherTokens = [&](Value memory) {
    Value all = l.constant(VectorType::get({shape.lanes()}, l.b.getI32Type()), 0);
    for (int64_t lane = 0; lane < shape.lanes(); ++lane) {
      Value token = l.div(l.min(column(lane), l.index(shape.columns() - 1)), shape.groups);
      Value number = l.load(memory, l.add(l.mul(batch, shape.queries), token));
      all = vector::InsertOp::create(l.b, number, all, lane);
    }
    return all;
  };
  positions = gatherTokens(buffers.qpos);
  segments = gatherTokens(buffers.qseg);
  findKeys(limit);
}

void AttentionBlock::enterHead(Value headIndex) {
  head = headIndex;
  keyBase = l.mul(l.add(l.mul(batch, shape.keys * shape.heads), head), shape.width);
}

/// Looks through 16 keys at a time, those of the prefix left out, below `limit` for those that lie between the columns'
/// least and greatest segment and position: a cache's unwritten keys and, in packed rows, the other documents are left
/// out.
void AttentionBlock::findKeys(Value limit) {
  using Predicate = arith::CmpIPredicate;
  VectorType type = VectorType::get({16}, l.b.getI32Type());
  auto reduce = [&](vector::CombiningKind kind, Value values) {
    return vector::BroadcastOp::create(l.b, type, vector::ReductionOp::create(l.b, kind, values));
  };
  Value leastSegment = reduce(vector::CombiningKind::MINSI, segments);
  Value mostSegment = reduce(vector::CombiningKind::MAXSI, segments);
  leastSegment = arith::MaxSIOp::create(l.b, leastSegment, l.constant(type, 0));
  Value earliest = reduce(vector::CombiningKind::MINSI, positions);
  Value latest = reduce(vector::CombiningKind::MAXSI, positions);
  Value lanes = vector::StepOp::create(l.b, VectorType::get({16}, l.b.getIndexType()));
  Value base = l.mul(batch, shape.placed()), none = l.constant(type, -1);
  SmallVector<Value> range = l.loop(l.index(0), limit, 16, {limit, l.index(0)}, [&](Value key, ValueRange carried) {
    Value mask = l.compare(Predicate::ult, lanes, l.splat(l.sub(limit, key), 16));
    Value segment = l.loadMasked(buffers.kseg, l.add(base, key), mask, none);
    Value seen = arith::AndIOp::create(l.b, l.compare(Predicate::sge, segment, leastSegment),
                                       l.compare(Predicate::sle, segment, mostSegment));
    Value position = shape.causal || shape.window ? l.loadMasked(buffers.kpos, l.add(base, key), mask, none) : Value();
    if (shape.causal)
      seen = arith::AndIOp::create(l.b, seen, l.compare(Predicate::sle, position, latest));
    if (shape.window) {
      Value distance = arith::SubIOp::create(l.b, earliest, position);
      seen = arith::AndIOp::create(l.b, seen, l.compare(Predicate::slt, distance, l.constant(type, *shape.window)));
    }
    Value any = vector::ReductionOp::create(l.b, vector::CombiningKind::OR, seen);
    return SmallVector<Value>{l.select(any, l.min(carried[0], key), carried[0]),
                              l.select(any, l.min(l.add(key, 16), limit), carried[1])};
  });
  keysFrom = shape.prefix ? l.index(0) : l.min(range[0], range[1]);
  // Whole tiles, where there are so many keys: `sees` leaves out what is too much.
  int64_t rows = l.registers.innerRows;
  Value tiles = l.div(l.add(l.sub(l.add(range[1], shape.prefix), keysFrom), rows - 1), rows);
  keysTo = l.min(l.add(keysFrom, l.mul(tiles, rows)), l.index(shape.keys));
}

Value AttentionBlock::placeOf(Value column) {
  Value token = l.add(l.mul(batch, shape.queries), l.div(column, shape.groups));
  return l.add(l.mul(l.add(l.mul(token, shape.heads), head), shape.groups), l.rem(column, shape.groups));
}

Value AttentionBlock::rowOf(Value column) {
  return l.mul(placeOf(l.min(column, l.index(shape.columns() - 1))), shape.width);
}

SmallVector<Value> AttentionBlock::rowsOfLanes() {
  SmallVector<Value> rows;
  for (int64_t lane = 0; lane < shape.lanes(); ++lane)
    rows.push_back(rowOf(column(lane)));
  return rows;
}

void AttentionBlock::ifExists(int64_t lane, llvm::function_ref<void()> body) {
  if (shape.columns() % shape.lanes() == 0)
    return body();
  Value exists = arith::CmpIOp::create(l.b, arith::CmpIPredicate::ult, column(lane), l.index(shape.columns()));
  l.ifTrue(exists, body);
}

Value AttentionBlock::pack(Value memory, Value transposed, Value rows, Value times) {
  int64_t lanes = shape.lanes();
  SmallVector<Value> bases = rowsOfLanes();
  SmallVector<Value> sums(lanes / 16, l.constant(l.f32(16), 0));
  auto packPart = [&](Value from, int64_t active, ValueRange carried) {
    SmallVector<Value> next(carried);
    for (int64_t part = 0; part < lanes; part += 16) {
      SmallVector<Value> block, products;
      for (int64_t lane = part; lane < part + 16; ++lane) {
        Value at = l.add(bases[lane], from);
        block.push_back(l.load(memory, at, 16, active));
        if (rows)
          l.store(block.back(), rows, l.add(from, lane * shape.padded()));
        if (times)
          products.push_back(arith::MulFOp::create(l.b, block.back(), l.load(times, at, 16, active)));
      }
      if (transposed) {
        l.transpose(block);
        for (auto [i, vector] : llvm::enumerate(block))
          l.store(vector, transposed, l.add(l.mul(from, lanes), int64_t(i) * lanes + part));
      }
      if (times) {
        l.transpose(products);
        for (Value product : products)
          next[part / 16] = arith::AddFOp::create(l.b, next[part / 16], product);
      }
    }
    return next;
  };
  int64_t whole = shape.width / 16 * 16;
  if (whole)
    sums = l.loop(l.index(0), l.index(whole), 16, sums,
                  [&](Value from, ValueRange carried) { return packPart(from, 16, carried); });
  if (whole < shape.width)
    sums = packPart(l.index(whole), shape.width - whole, sums);
  if (lanes == 16)
    return sums[0];
  auto all = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
  return vector::ShuffleOp::create(l.b, sums[0], sums[1], all);
}

void AttentionBlock::unpack(Value transposed, Value memory) {
  int64_t lanes = shape.lanes();
  SmallVector<Value> bases = rowsOfLanes();
  auto unpackPart = [&](Value from, int64_t active) {
    for (int64_t part = 0; part < lanes; part += 16) {
      SmallVector<Value> block;
      Value first = l.add(l.mul(from, lanes), part);
      for (int64_t i = 0; i < 16; ++i)
        block.push_back(l.load(transposed, l.add(first, i * lanes), 16));
      l.transpose(block);
      for (int64_t lane = part; lane < part + 16; ++lane)
        ifExists(lane, [&] { l.store(block[lane - part], memory, l.add(bases[lane], from), active); });
    }
  };
  int64_t whole = shape.width / 16 * 16;
  if (whole)
    l.loop(l.index(0), l.index(whole), 16, [&](Value from) { unpackPart(from, 16); });
  if (whole < shape.width)
    unpackPart(l.index(whole), shape.width - whole);
}

Value AttentionBlock::loadColumns(Value memory) {
  Value all = l.constant(l.f32(shape.lanes()), 0);
  for (int64_t lane = 0; lane < shape.lanes(); ++lane) {
    Value at = placeOf(l.min(column(lane), l.index(shape.columns() - 1)));
    all = vector::InsertOp::create(l.b, l.load(memory, at), all, lane);
  }
  return all;
}

void AttentionBlock::storeColumns(Value vector, Value memory) {
  for (int64_t lane = 0; lane < shape.lanes(); ++lane)
    ifExists(lane, [&] {
      Value number = vector::ExtractOp::create(l.b, vector, lane);
      memref::StoreOp::create(l.b, number, memory, placeOf(column(lane)));
    });
}

Value AttentionBlock::finishScore(Value sum) {
  auto type = cast<VectorType>(sum.getType());
  if (!shape.softcap)
    return arith::MulFOp::create(l.b, sum, l.constant(type, shape.scale));
  Value inner = arith::MulFOp::create(l.b, sum, l.constant(type, shape.scale / *shape.softcap));
  return arith::MulFOp::create(l.b, math::TanhOp::create(l.b, inner), l.constant(type, *shape.softcap));
}

Value AttentionBlock::slope(Value score) {
  VectorType type = l.f32(shape.lanes());
  Value scale = l.constant(type, shape.scale);
  if (!shape.softcap)
    return scale;
  Value ratio = arith::MulFOp::create(l.b, score, l.constant(type, 1 / *shape.softcap));
  Value square = arith::MulFOp::create(l.b, ratio, ratio);
  return arith::MulFOp::create(l.b, scale, arith::SubFOp::create(l.b, l.constant(type, 1), square));
}

Value AttentionBlock::existing() {
  if (shape.columns() % shape.lanes() == 0)
    return Value();
  Value lanes = vector::StepOp::create(l.b, VectorType::get({shape.lanes()}, l.b.getIndexType()));
  Value remaining = arith::SubIOp::create(l.b, l.index(shape.columns()), first);
  return arith::CmpIOp::create(l.b, arith::CmpIPredicate::ult, lanes, l.splat(remaining, shape.lanes()));
}

Value AttentionBlock::sees(Value key) {
  Value place = key, always;
  if (shape.prefix) {
    always = l.compare(arith::CmpIPredicate::ult, key, l.index(shape.prefix));
    place = l.select(always, l.index(0), l.sub(key, l.index(shape.prefix)));
  }
  Value at = l.add(l.mul(batch, shape.placed()), place);
  Value segment = l.load(buffers.kseg, at), position = l.load(buffers.kpos, at);
  int64_t lanes = shape.lanes();
  Value zero = l.constant(l.b.getI32Type(), 0);
  Value real = arith::CmpIOp::create(l.b, arith::CmpIPredicate::sge, segment, zero);
  Value seen = arith::CmpIOp::create(l.b, arith::CmpIPredicate::eq, segments, l.splat(segment, lanes));
  seen = arith::AndIOp::create(l.b, seen, l.splat(real, lanes));
  Value keyPosition = l.splat(position, lanes);
  if (shape.causal)
    seen =
        arith::AndIOp::create(l.b, seen, arith::CmpIOp::create(l.b, arith::CmpIPredicate::sle, keyPosition, positions));
  if (shape.window) {
    Value distance = arith::SubIOp::create(l.b, positions, keyPosition);
    Value window = l.constant(distance.getType(), *shape.window);
    seen = arith::AndIOp::create(l.b, seen, arith::CmpIOp::create(l.b, arith::CmpIPredicate::slt, distance, window));
  }
  return always ? arith::OrIOp::create(l.b, seen, l.splat(always, lanes)).getResult() : seen;
}

ScalarOperand AttentionBlock::keysAsRows(Value memory, Value key) {
  return {memory, l.add(keyBase, l.mul(key, shape.keyStride())), shape.keyStride(), 1};
}

ScalarOperand AttentionBlock::elementsAsRows(Value memory, Value element) {
  Value base = l.add(keyBase, l.mul(keysFrom, shape.keyStride()));
  return {memory, l.add(base, element), 1, shape.keyStride()};
}

} // namespace ftc::target::cpu
