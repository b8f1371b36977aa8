// Sums, maxima and contractions. The order of the terms depends on the shapes only, never on how rows are split.

#include "RowEmitter.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using vector::CombiningKind;

namespace ftc::target::cpu {

static TypedAttr getNeutral(CombiningKind kind, Type type) {
  Builder builder(type.getContext());
  if (isa<FloatType>(type)) {
    double infinity = std::numeric_limits<double>::infinity();
    return builder.getFloatAttr(type, kind == CombiningKind::ADD        ? 0.0
                                      : kind == CombiningKind::MAXIMUMF ? -infinity
                                                                        : infinity);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  return builder.getIntegerAttr(type, kind == CombiningKind::ADD     ? APInt(width, 0)
                                      : kind == CombiningKind::MAXSI ? APInt::getSignedMinValue(width)
                                                                     : APInt::getSignedMaxValue(width));
}

static std::optional<CombiningKind> getCombiningKind(linalg::ReduceOp op) {
  Operation &combiner = op.getCombiner().front().front();
  if (isa<arith::AddFOp, arith::AddIOp>(combiner))
    return CombiningKind::ADD;
  if (isa<arith::MaximumFOp>(combiner))
    return CombiningKind::MAXIMUMF;
  if (isa<arith::MinimumFOp>(combiner))
    return CombiningKind::MINIMUMF;
  if (isa<arith::MaxSIOp>(combiner))
    return CombiningKind::MAXSI;
  if (isa<arith::MinSIOp>(combiner))
    return CombiningKind::MINSI;
  return std::nullopt;
}

/// Loops over the dimensions of `sizes` from `outer.size()` on; the carried values are one accumulator, whose elements
/// are those of the lanes around the reduction.
static SmallVector<Value> nest(RowEmitter &emitter, ArrayRef<int64_t> sizes, Coordinates &outer, ValueRange carried,
                               llvm::function_ref<SmallVector<Value>(ValueRange)> innermost) {
  if (outer.size() == sizes.size())
    return innermost(carried);
  return emitter.emitLoop(sizes[outer.size()], carried, [&](AffineExpr index, ValueRange values) {
    outer.push_back(index);
    SmallVector<Value> next = nest(emitter, sizes, outer, values, innermost);
    outer.pop_back();
    return next;
  });
}

/// Sums of so few products are found for neighbouring elements at once.
static constexpr int64_t kFewTerms = 8;

bool addsNeighbours(Operation *op) {
  if (auto reduce = dyn_cast<linalg::ReduceOp>(op)) {
    int64_t last = cast<RankedTensorType>(reduce.getInputs()[0].getType()).getRank() - 1;
    return llvm::is_contained(reduce.getDimensions(), last);
  }
  auto contract = cast<linalg::ContractOp>(op);
  SmallVector<AffineMap> maps = contract.getIndexingMapsArray();
  int64_t terms = 1;
  for (auto [dim, size] : llvm::enumerate(contract.getStaticLoopRanges()))
    terms *= maps.back().isFunctionOfDim(dim) ? 1 : size;
  return terms > kFewTerms && llvm::all_of(ArrayRef(maps).drop_back(), [&](AffineMap map) {
           return map.getNumResults() && !maps.back().isFunctionOfDim(map.getDimPosition(map.getNumResults() - 1));
         });
}

/// Sums of neighbours, one for each lane: each as where it is wanted alone, so that it is the same bit for bit.
Value RowEmitter::emitLaneByLane(Value sum, At at) {
  Location loc = b.getLoc();
  Lanes saved = std::exchange(lanes, Lanes{});
  auto type = VectorType::get({saved.count}, getElementTypeOrSelf(sum.getType()));
  Value all = emitLoop(saved.active, zero(type), [&](AffineExpr lane, ValueRange carried) -> SmallVector<Value> {
    Value number = materialize(lane);
    auto ofLane = [&](unsigned variable) {
      if (variables[variable].lane)
        return lane;
      Value value = vector::ExtractOp::create(b, loc, variables[variable].value, number);
      return variables.add({value, unsigned(scopes.size() - 1), variables[variable].range, false, false});
    };
    Coordinates own = variables.mapLanes(at, ofLane);
    return {vector::InsertOp::create(b, loc, evaluate(sum, own), carried[0], number)};
  })[0];
  lanes = saved;
  return all;
}

/// `term` is given the coordinates along the reduced dimensions; `first` is what to begin with, if not the neutral
/// element, unless it is done by vectors. In lanes each lane has a sum of its own. By vectors the last dimension is
/// taken, with one accumulator for each length of vector.
Value RowEmitter::reduce(CombiningKind kind, Type element, ArrayRef<int64_t> sizes, Order order, Value first,
                         Term term) {
  Location loc = b.getLoc();
  Value neutral = arith::ConstantOp::create(b, loc, getNeutral(kind, element));
  Coordinates outer;
  bool inLanes = order.inLanes;
  if (!order.byVectors || sizes.empty()) {
    Value start = first ? first : neutral;
    start = inLanes ? splat(start) : start;
    return nest(*this, sizes, outer, start, [&](ValueRange values) -> SmallVector<Value> {
      Value next = term(outer);
      return {vector::makeArithReduction(b, loc, kind, inLanes ? splat(next) : next, values[0])};
    })[0];
  }
  SmallVector<Vectors> cover = coverByVectors(sizes.back(), {});
  SmallVector<int64_t> counts; // lanes of each accumulator
  SmallVector<Value> start;
  for (const Vectors &vectors : cover) {
    if (llvm::is_contained(counts, vectors.lanes))
      continue;
    counts.push_back(vectors.lanes);
    auto type = VectorType::get({vectors.lanes}, element);
    start.push_back(vector::BroadcastOp::create(b, loc, type, neutral));
  }
  SmallVector<Value> sums = nest(*this, sizes.drop_back(), outer, start, [&](ValueRange carried) {
    SmallVector<Value> values(carried);
    for (const Vectors &vectors : cover) {
      Value &sum = values[llvm::find(counts, vectors.lanes) - counts.begin()];
      sum = emitLoop(vectors, sum, [&](AffineExpr index, ValueRange inner) -> SmallVector<Value> {
        outer.push_back(index);
        Value next = splat(term(outer));
        outer.pop_back();
        if (vectors.active < vectors.lanes)
          next = arith::SelectOp::create(b, loc, getMask(), next, splat(neutral));
        return {vector::makeArithReduction(b, loc, kind, next, inner[0])};
      })[0];
    }
    return values;
  });
  Value total;
  for (Value sum : sums) {
    Value part = vector::ReductionOp::create(b, loc, kind, sum, arith::FastMathFlags::reassoc);
    total = total ? vector::makeArithReduction(b, loc, kind, total, part) : part;
  }
  return total;
}

Value RowEmitter::emitReduce(linalg::ReduceOp op, At at) {
  std::optional<CombiningKind> kind = getCombiningKind(op);
  if (!kind || op.getInputs().size() != 1) {
    op.emitError("cannot be part of a row kernel");
    failed = true;
    return zero(b.getF32Type());
  }
  if (addsNeighbours(op) && variables.hasLanes(at))
    return emitLaneByLane(op->getResult(0), at);
  Value input = op.getInputs()[0];
  auto type = cast<RankedTensorType>(input.getType());
  ArrayRef<int64_t> dims = op.getDimensions();
  auto sizes = llvm::map_to_vector(dims, [&](int64_t dim) { return type.getDimSize(dim); });
  // One that begins with what others have added up goes on in their order.
  Value start = getSplat(op.getInits()[0]) ? Value() : evaluate(op.getInits()[0], at);
  Order order{addsNeighbours(op) && !start, variables.hasLanes(at)};
  return reduce(*kind, type.getElementType(), sizes, order, start, [&](At reduced) {
    Coordinates source;
    size_t kept = 0, gone = 0;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      source.push_back(llvm::is_contained(dims, dim) ? reduced[gone++] : at[kept++]);
    return evaluate(input, source);
  });
}

/// A scalar or vector type with another element type.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.clone(element) : element;
}

/// A contraction that no library takes: a sum of products, plus the element of `init`.
Value RowEmitter::emitContract(linalg::ContractOp op, At at) {
  if (addsNeighbours(op) && variables.hasLanes(at))
    return emitLaneByLane(op->getResult(0), at);
  Location loc = b.getLoc();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  Coordinates loops(sizes.size());
  for (auto [result, expr] : llvm::zip_equal(maps[2].getResults(), at))
    loops[cast<AffineDimExpr>(result).getPosition()] = expr;
  SmallVector<unsigned> reduced;
  for (unsigned dim = 0; dim < sizes.size(); ++dim)
    if (!loops[dim])
      reduced.push_back(dim);
  auto reducedSizes = llvm::map_to_vector(reduced, [&](unsigned dim) { return sizes[dim]; });
  Type element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  bool inLanes = variables.hasLanes(at);
  Order order{addsNeighbours(op), inLanes};
  Value sum = reduce(CombiningKind::ADD, element, reducedSizes, order, /*first=*/Value(), [&](At inner) {
    Coordinates all(loops);
    for (auto [dim, expr] : llvm::zip_equal(reduced, inner))
      all[dim] = expr;
    auto factor = [&](unsigned i) {
      Coordinates source;
      for (AffineExpr result : maps[i].getResults())
        source.push_back(all[cast<AffineDimExpr>(result).getPosition()]);
      Value value = evaluate(op->getOperand(i), source);
      if (getElementTypeOrSelf(value) != element)
        value = arith::ExtFOp::create(b, loc, withElement(value.getType(), element), value);
      return variables.hasLanes(all) ? splat(value) : value;
    };
    Value left = factor(0);
    return arith::MulFOp::create(b, loc, left, factor(1)).getResult();
  });
  TypedAttr init = getSplat(op.getOutputs()[0]);
  if (init && matchPattern(init, m_AnyZeroFloat()))
    return sum;
  Value start = evaluate(op.getOutputs()[0], at);
  return arith::AddFOp::create(b, loc, inLanes ? splat(start) : start, sum);
}

} // namespace ftc::target::cpu
