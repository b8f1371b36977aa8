// What one element of each op's result is.

#include "RowEmitter.h"

#include "dialects/Tune/IR/Tune.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace ftc::target::cpu {

static SmallVector<int64_t> getShape(Value value) {
  return SmallVector<int64_t>(cast<RankedTensorType>(value.getType()).getShape());
}

//===----------------------------------------------------------------------===//
// Views: where the element comes from
//===----------------------------------------------------------------------===//

static Coordinates getBroadcastSource(linalg::BroadcastOp op, ArrayRef<AffineExpr> at) {
  Coordinates source;
  for (auto [dim, expr] : llvm::enumerate(at))
    if (!llvm::is_contained(op.getDimensions(), int64_t(dim)))
      source.push_back(expr);
  return source;
}

static Coordinates getTransposeSource(linalg::TransposeOp op, ArrayRef<AffineExpr> at) {
  Coordinates source(at.size());
  for (auto [dim, from] : llvm::enumerate(op.getPermutation()))
    source[from] = at[dim];
  return source;
}

static Coordinates getCollapseSource(tensor::CollapseShapeOp op, ArrayRef<AffineExpr> at, const Variables &variables) {
  SmallVector<int64_t> shape = getShape(op.getSrc());
  Coordinates source(shape.size(), variables.constant(0));
  for (auto [group, expr] : llvm::zip_equal(op.getReassociationIndices(), at)) {
    SmallVector<int64_t> sizes = llvm::map_to_vector(group, [&](int64_t dim) { return shape[dim]; });
    for (auto [dim, part] : llvm::zip_equal(group, variables.delinearize(expr, sizes)))
      source[dim] = part;
  }
  return source;
}

static Coordinates getExpandSource(tensor::ExpandShapeOp op, ArrayRef<AffineExpr> at, const Variables &variables) {
  SmallVector<int64_t> shape = getShape(op.getResult());
  Coordinates source;
  for (ArrayRef<int64_t> group : op.getReassociationIndices()) {
    Coordinates parts = llvm::map_to_vector<6>(group, [&](int64_t dim) { return at[dim]; });
    SmallVector<int64_t> sizes = llvm::map_to_vector(group, [&](int64_t dim) { return shape[dim]; });
    source.push_back(variables.linearize(parts, sizes));
  }
  return source;
}

static Coordinates getSliceSource(tensor::ExtractSliceOp op, ArrayRef<AffineExpr> at, const Variables &variables) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Coordinates source;
  size_t next = 0;
  for (auto [dim, offset] : llvm::enumerate(op.getStaticOffsets())) {
    AffineExpr expr = dropped[dim] ? variables.constant(0) : at[next++];
    source.push_back(expr * op.getStaticStride(dim) + offset);
  }
  return source;
}

static Coordinates getReverseSource(tune::ReverseOp op, ArrayRef<AffineExpr> at) {
  Coordinates source(at);
  auto dim = op.getDim();
  source[dim] = -at[dim] + (getShape(op.getX())[dim] - 1);
  return source;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

Value RowEmitter::emitElementwise(Operation *op, At at) {
  bool inLanes = variables.hasLanes(at);
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    Value element = evaluate(operand, type && type.getRank() > 0 ? at : At());
    if (failed)
      return Value();
    mapping.map(operand, inLanes ? splat(element) : element);
  }
  Operation *scalar = b.clone(*op, mapping);
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  scalar->getResult(0).setType(inLanes ? Type(VectorType::get({lanes.count}, type)) : type);
  return scalar->getResult(0);
}

static TypedAttr getSplatConstant(Operation *op) {
  DenseElementsAttr elements;
  if (!matchPattern(op, m_Constant(&elements)) || !elements.isSplat())
    return TypedAttr();
  return cast<TypedAttr>(elements.getSplatValue<Attribute>());
}

Value RowEmitter::emit(Operation *op, At at) {
  using llvm::TypeSwitch;
  if (auto scalar = dyn_cast<arith::ConstantOp>(op); scalar && !isa<ShapedType>(scalar.getType()))
    return arith::ConstantOp::create(b, b.getLoc(), scalar.getValue());
  if (TypedAttr constant = getSplatConstant(op))
    return arith::ConstantOp::create(b, b.getLoc(), constant);
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](linalg::FillOp fill) { return evaluate(fill.getInputs()[0], At()); })
      .Case([&](linalg::BroadcastOp view) { return evaluate(view.getInput(), getBroadcastSource(view, at)); })
      .Case([&](linalg::TransposeOp view) { return evaluate(view.getInput(), getTransposeSource(view, at)); })
      .Case(
          [&](tensor::CollapseShapeOp view) { return evaluate(view.getSrc(), getCollapseSource(view, at, variables)); })
      .Case([&](tensor::ExpandShapeOp view) { return evaluate(view.getSrc(), getExpandSource(view, at, variables)); })
      .Case(
          [&](tensor::ExtractSliceOp view) { return evaluate(view.getSource(), getSliceSource(view, at, variables)); })
      .Case([&](tune::ReverseOp view) { return evaluate(view.getX(), getReverseSource(view, at)); })
      .Case([&](tensor::ConcatOp concat) { return emitConcat(concat, at); })
      .Case([&](tensor::PadOp pad) { return emitPad(pad, at); })
      .Case([&](linalg::ReduceOp reduce) { return emitReduce(reduce, at); })
      .Case([&](linalg::ContractOp contract) { return emitContract(contract, at); })
      .Case([&](tune::StopGradientOp same) { return evaluate(same.getX(), at); })
      .Case([&](tune::GatherOp gather) {
        size_t rank = getShape(gather.getIndex()).size();
        return emitGather(gather.getTable(), gather.getIndex(), at.take_front(rank), at.drop_front(rank), true);
      })
      .Case([&](tune::PickOp pick) { return emitGather(pick.getX(), pick.getIndex(), at, at, false); })
      .Case<tune::PutOneOp>([&](auto) { return emitPutOne(op, at); })
      .Case([&](tune::IotaOp iota) { return emitIota(iota.getResult().getType().getElementType(), at[iota.getDim()]); })
      .Case([&](tune::EyeOp eye) {
        Value one = arith::ConstantOp::create(b, b.getLoc(), b.getFloatAttr(eye.getType().getElementType(), 1.0));
        return emitEqual(at[0], at[1], one);
      })
      .Case([&](tune::RandomOp random) { return emitRandom(random, at); })
      .Case([&](tune::DropOp drop) { return emitDrop(drop, at); })
      .Default([&](Operation *) -> Value {
        if (OpTrait::hasElementwiseMappableTraits(op) && op->getNumResults() == 1)
          return emitElementwise(op, at);
        op->emitError("cannot be part of a row kernel");
        failed = true;
        return zero(b.getF32Type());
      });
}

//===----------------------------------------------------------------------===//
// Choice by coordinate
//===----------------------------------------------------------------------===//

RowEmitter::Clamped RowEmitter::clamp(Value index, int64_t size) {
  Location loc = b.getLoc();
  bool inLanes = isa<VectorType>(index.getType());
  auto constant = [&](int64_t value) {
    Value scalar = arith::ConstantIndexOp::create(b, loc, value);
    return inLanes ? splat(scalar) : scalar;
  };
  // A negative index is a large unsigned one.
  Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index, constant(size));
  Value clamped = arith::SelectOp::create(b, loc, inside, index, constant(0));
  AffineExpr variable = variables.add({clamped, unsigned(scopes.size() - 1), {0, size - 1}, inLanes, /*lane=*/false});
  return {variable, inside};
}

Value RowEmitter::emitConcat(tensor::ConcatOp op, At at) {
  int64_t dim = op.getDim(), offset = 0;
  Range range = variables.getRange(at[dim]);
  Coordinates source(at);
  Value result;
  for (Value part : op.getInputs()) {
    int64_t size = getShape(part)[dim];
    source[dim] = at[dim] - offset;
    if (range.min >= offset && range.max < offset + size)
      return evaluate(part, source);
    if (range.max >= offset && range.min < offset + size) {
      bool inLanes = variables.hasLanes(at[dim]);
      Clamped place = clamp(inLanes ? materializeLanes(source[dim]) : materialize(source[dim]), size);
      // In lanes one expression for all: what lies outside reads another entry of the part.
      source[dim] = inLanes ? variables.mod(at[dim] + llvm::alignTo(offset, size) - offset, size) : place.index;
      Value element = evaluate(part, source);
      if (variables.hasLanes(at))
        element = splat(element);
      result = result ? arith::SelectOp::create(b, b.getLoc(), place.inside, element, result).getResult() : element;
    }
    offset += size;
  }
  return result;
}

Value RowEmitter::emitPad(tensor::PadOp op, At at) {
  Value inside;
  Coordinates source;
  for (auto [dim, size] : llvm::enumerate(getShape(op.getSource()))) {
    AffineExpr expr = at[dim] - op.getStaticLow()[dim];
    Range range = variables.getRange(expr);
    if (range.min < 0 || range.max >= size) {
      Clamped place = clamp(variables.hasLanes(expr) ? materializeLanes(expr) : materialize(expr), size);
      expr = place.index;
      if (inside && isa<VectorType>(inside.getType()) != isa<VectorType>(place.inside.getType())) {
        inside = splat(inside);
        place.inside = splat(place.inside);
      }
      inside = inside ? arith::AndIOp::create(b, b.getLoc(), inside, place.inside).getResult() : place.inside;
    }
    source.push_back(expr);
  }
  Value element = evaluate(op.getSource(), source);
  if (!inside)
    return element;
  Value padding = evaluate(op.getConstantPaddingValue(), At());
  if (variables.hasLanes(at)) {
    element = splat(element);
    padding = splat(padding);
  }
  return arith::SelectOp::create(b, b.getLoc(), inside, element, padding);
}

/// Element (index[indexAt], rest...) of the table, or (rest..., index[indexAt]) if not `leading`.
Value RowEmitter::emitGather(Value table, Value index, At indexAt, At rest, bool leading) {
  Location loc = b.getLoc();
  Value number = evaluate(index, indexAt);
  Type type = b.getIndexType();
  if (isa<VectorType>(number.getType()))
    type = VectorType::get({lanes.count}, type);
  SmallVector<int64_t> shape = getShape(table);
  Clamped place = clamp(arith::IndexCastOp::create(b, loc, type, number), leading ? shape.front() : shape.back());
  Coordinates source(rest);
  source.insert(leading ? source.begin() : source.end(), place.index);
  Value element = evaluate(table, source);
  if (variables.hasLanes(rest) || variables.hasLanes(indexAt))
    element = splat(element);
  return arith::SelectOp::create(b, loc, place.inside, element, zero(element.getType()));
}

/// An i32 equal to the coordinate, in lanes if it differs between them.
static Type getIndexElement(Type type, int64_t lanes, bool inLanes) {
  return inLanes ? Type(VectorType::get({lanes}, type)) : type;
}

Value RowEmitter::emitIota(Type element, AffineExpr coordinate) {
  Location loc = b.getLoc();
  bool inLanes = variables.hasLanes(coordinate);
  Value index = inLanes ? materializeLanes(coordinate) : materialize(coordinate);
  auto as = [&](Type type) { return getIndexElement(type, lanes.count, inLanes); };
  if (element.isInteger())
    return arith::IndexCastOp::create(b, loc, as(element), index);
  Value integer = arith::IndexCastOp::create(b, loc, as(b.getI32Type()), index);
  return arith::SIToFPOp::create(b, loc, as(element), integer);
}

Value RowEmitter::emitEqual(AffineExpr left, AffineExpr right, Value then) {
  Location loc = b.getLoc();
  Value a = emitIota(b.getI32Type(), left), c = emitIota(b.getI32Type(), right);
  if (variables.hasLanes(left) || variables.hasLanes(right)) {
    a = splat(a);
    c = splat(c);
    then = splat(then);
  }
  Value equal = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, a, c);
  return arith::SelectOp::create(b, loc, equal, then, zero(then.getType()));
}

Value RowEmitter::emitPutOne(Operation *op, At at) {
  Location loc = b.getLoc();
  At outer = at.drop_back();
  Value value = evaluate(op->getOperand(0), outer), index = evaluate(op->getOperand(1), outer);
  Value coordinate = emitIota(b.getI32Type(), at.back());
  if (variables.hasLanes(at)) {
    value = splat(value);
    index = splat(index);
    coordinate = splat(coordinate);
  }
  Value equal = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, coordinate, index);
  return arith::SelectOp::create(b, loc, equal, value, zero(value.getType()));
}

} // namespace ftc::target::cpu
