//===- Builders.cpp - Constants, arithmetic, sums and products -------------===//

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;

namespace ftc::tune {

RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }
ArrayRef<int64_t> shapeOf(Value tensor) { return typeOf(tensor).getShape(); }

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value splat(OpBuilder &builder, Location loc, RankedTensorType type, double value) {
  Type element = type.getElementType();
  TypedAttr number = isa<FloatType>(element) ? TypedAttr(builder.getFloatAttr(element, value))
                                             : TypedAttr(builder.getIntegerAttr(element, int64_t(value)));
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, number));
}

Value splatLike(OpBuilder &builder, Location loc, Value like, double value) {
  return splat(builder, loc, typeOf(like), value);
}

Value scalar(OpBuilder &builder, Location loc, Type element, double value) {
  return splat(builder, loc, RankedTensorType::get({}, element), value);
}

std::optional<double> splatValue(Value value) {
  while (auto broadcast = value.getDefiningOp<linalg::BroadcastOp>())
    value = broadcast.getInput();
  SplatElementsAttr splat;
  if (!matchPattern(value, m_Constant(&splat)))
    return std::nullopt;
  if (isa<FloatType>(splat.getElementType())) {
    APFloat number = splat.getSplatValue<APFloat>();
    bool losesInfo;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    return number.convertToDouble();
  }
  APInt number = splat.getSplatValue<APInt>();
  return number.getBitWidth() == 1 ? double(number.getZExtValue()) : double(number.getSExtValue());
}

bool isZeroTensor(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  return splatValue(value) == 0.0;
}

//===----------------------------------------------------------------------===//
// Elementwise arithmetic
//===----------------------------------------------------------------------===//

Value add(OpBuilder &builder, Location loc, Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
Value sub(OpBuilder &builder, Location loc, Value a, Value b) { return arith::SubFOp::create(builder, loc, a, b); }
Value mul(OpBuilder &builder, Location loc, Value a, Value b) { return arith::MulFOp::create(builder, loc, a, b); }
Value div(OpBuilder &builder, Location loc, Value a, Value b) { return arith::DivFOp::create(builder, loc, a, b); }
Value neg(OpBuilder &builder, Location loc, Value a) { return arith::NegFOp::create(builder, loc, a); }

Value scale(OpBuilder &builder, Location loc, Value a, double factor) {
  return factor == 1 ? a : mul(builder, loc, a, splatLike(builder, loc, a, factor));
}

Value select(OpBuilder &builder, Location loc, Value condition, Value yes, Value no) {
  return arith::SelectOp::create(builder, loc, condition, yes, no);
}

//===----------------------------------------------------------------------===//
// Sums and products
//===----------------------------------------------------------------------===//

/// A tensor with `value` in every entry, as the init of a structured op.
static Value filled(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, Type element, double value) {
  Value empty = tensor::EmptyOp::create(builder, loc, shape, element);
  Value number = arith::ConstantOp::create(builder, loc, builder.getFloatAttr(element, value));
  return linalg::FillOp::create(builder, loc, number, empty).getResult(0);
}

static double neutralElement(Combiner combiner) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return combiner == Combiner::sum ? 0.0 : combiner == Combiner::max ? -infinity : infinity;
}

static Value combine(OpBuilder &builder, Location loc, Combiner combiner, Value a, Value b) {
  switch (combiner) {
  case Combiner::sum:
    return arith::AddFOp::create(builder, loc, a, b);
  case Combiner::max:
    return arith::MaximumFOp::create(builder, loc, a, b);
  case Combiner::min:
    return arith::MinimumFOp::create(builder, loc, a, b);
  }
  llvm_unreachable("unknown combiner");
}

Value reduce(OpBuilder &builder, Location loc, Combiner combiner, Value a, ArrayRef<int64_t> dims) {
  if (dims.empty())
    return a;
  SmallVector<int64_t> sorted(dims), shape;
  llvm::sort(sorted);
  for (auto [dim, size] : llvm::enumerate(shapeOf(a)))
    if (!llvm::is_contained(sorted, int64_t(dim)))
      shape.push_back(size);
  Value init = filled(builder, loc, shape, typeOf(a).getElementType(), neutralElement(combiner));
  return linalg::ReduceOp::create(builder, loc, ValueRange(a), ValueRange(init), sorted,
                                  [&](OpBuilder &inner, Location innerLoc, ValueRange arguments) {
                                    Value result = combine(inner, innerLoc, combiner, arguments[1], arguments[0]);
                                    linalg::YieldOp::create(inner, innerLoc, result);
                                  })
      .getResult(0);
}

Value reduceSum(OpBuilder &builder, Location loc, Value a, ArrayRef<int64_t> dims) {
  return reduce(builder, loc, Combiner::sum, a, dims);
}

Value sumAll(OpBuilder &builder, Location loc, Value a) {
  return reduceSum(builder, loc, a, llvm::to_vector(llvm::seq<int64_t>(0, typeOf(a).getRank())));
}

/// Sums `value` over dimensions whose label is in neither `kept` list and removes their labels.
static Value sumOwnLabels(OpBuilder &builder, Location loc, Value value, SmallVectorImpl<int> &labels,
                          ArrayRef<int> other, ArrayRef<int> out) {
  SmallVector<int64_t> dims;
  SmallVector<int> kept;
  for (auto [dim, label] : llvm::enumerate(labels)) {
    if (llvm::is_contained(other, label) || llvm::is_contained(out, label))
      kept.push_back(label);
    else
      dims.push_back(dim);
  }
  labels = kept;
  return reduceSum(builder, loc, value, dims);
}

/// The product of two tensors of whose labels none is summed: both repeated to the result's shape.
static Value multiplyRepeated(OpBuilder &builder, Location loc, Value a, ArrayRef<int> aLabels, Value b,
                              ArrayRef<int> bLabels, ArrayRef<int> outLabels, ArrayRef<int64_t> shape) {
  auto repeated = [&](Value value, ArrayRef<int> labels) {
    auto positions =
        llvm::map_to_vector(labels, [&](int l) { return int64_t(llvm::find(outLabels, l) - outLabels.begin()); });
    return broadcast(builder, loc, value, shape, positions);
  };
  return mul(builder, loc, repeated(a, aLabels), repeated(b, bLabels));
}

Value contract(OpBuilder &builder, Location loc, Value a, ArrayRef<int> aLabels, Value b, ArrayRef<int> bLabels,
               ArrayRef<int> outLabels) {
  SmallVector<int> aKept(aLabels), bKept(bLabels), all(outLabels);
  a = sumOwnLabels(builder, loc, a, aKept, bLabels, outLabels);
  b = sumOwnLabels(builder, loc, b, bKept, aLabels, outLabels);
  SmallVector<int64_t> shape;
  for (int label : outLabels) {
    bool inA = llvm::is_contained(aKept, label);
    ArrayRef<int> labels = inA ? aKept : bKept;
    shape.push_back(shapeOf(inA ? a : b)[llvm::find(labels, label) - labels.begin()]);
  }
  // The iteration space: the result's dimensions, then the summed ones in the order of `a`.
  for (int label : aKept)
    if (!llvm::is_contained(all, label))
      all.push_back(label);
  if (all.size() == outLabels.size())
    return multiplyRepeated(builder, loc, a, aKept, b, bKept, outLabels, shape);
  auto mapOf = [&](ArrayRef<int> labels) {
    SmallVector<AffineExpr> exprs;
    for (int label : labels)
      exprs.push_back(builder.getAffineDimExpr(llvm::find(all, label) - all.begin()));
    return AffineMap::get(all.size(), 0, exprs, builder.getContext());
  };
  Value init = filled(builder, loc, shape, typeOf(a).getElementType(), 0.0);
  ArrayAttr maps = builder.getAffineMapArrayAttr({mapOf(aKept), mapOf(bKept), mapOf(outLabels)});
  return linalg::ContractOp::create(builder, loc, TypeRange(init.getType()), ValueRange{a, b}, ValueRange(init), maps)
      .getResult(0);
}

Value matmul(OpBuilder &builder, Location loc, Value a, Value b) {
  return contract(builder, loc, a, {0, 1}, b, {1, 2}, {0, 2});
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

Value convert(OpBuilder &builder, Location loc, Value a, Type element) {
  RankedTensorType from = typeOf(a), to = from.clone(element);
  if (from == to)
    return a;
  if (isa<IntegerType>(element) && isa<FloatType>(from.getElementType()))
    return arith::FPToSIOp::create(builder, loc, to, a);
  if (auto integer = dyn_cast<IntegerType>(from.getElementType()))
    return integer.getWidth() == 1 ? Value(arith::UIToFPOp::create(builder, loc, to, a))
                                   : Value(arith::SIToFPOp::create(builder, loc, to, a));
  return from.getElementTypeBitWidth() < to.getElementTypeBitWidth()
             ? Value(arith::ExtFOp::create(builder, loc, to, a))
             : Value(arith::TruncFOp::create(builder, loc, to, a));
}

} // namespace ftc::tune
