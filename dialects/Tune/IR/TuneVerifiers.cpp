//===- TuneVerifiers.cpp - Constraints of the tune dialect, and its result types ------===//
//
// The numbers (C3) ... are those of README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace ftc::tune;

using Shape = ArrayRef<int64_t>;

static Shape shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }
static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

static SmallVector<int64_t> joined(Shape a, Shape b) {
  SmallVector<int64_t> result(a);
  result.append(b.begin(), b.end());
  return result;
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

LogicalResult TensorOp::verify() {
  if (getSource() && getKind() != Kind::weight && getKind() != Kind::trained && getKind() != Kind::frozen)
    return emitOpError("has a source, so it is of kind weight, trained or frozen (C3)");
  return success();
}

/// Holds a read or write to (C4): the tensor exists and has the value's type.
static LogicalResult verifyTensorUse(Operation *op, FlatSymbolRefAttr symbol, Type type, SymbolTableCollection &table) {
  auto tensor = table.lookupNearestSymbolFrom<TensorOp>(op, symbol);
  if (!tensor)
    return op->emitOpError("names ") << symbol << ", which is no tune.tensor (C4)";
  if (tensor.getType() != type)
    return op->emitOpError("has type ") << type << " but " << symbol << " has " << tensor.getType() << " (C4)";
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &table) {
  return verifyTensorUse(*this, getTensorAttr(), getType(), table);
}

LogicalResult WriteOp::verifySymbolUses(SymbolTableCollection &table) {
  if (!(*this)->getParentOp()->hasAttr(TuneDialect::kProgramAttrName))
    return emitOpError("stands directly in a program (C5)");
  return verifyTensorUse(*this, getTensorAttr(), getValue().getType(), table);
}

LogicalResult StepOp::verifySymbolUses(SymbolTableCollection &table) {
  if (!getFields().getAs<StringAttr>("kind"))
    return emitOpError("has no string 'kind' (C6)");
  WalkResult result = getFields().walk([&](FlatSymbolRefAttr symbol) {
    Operation *target = table.lookupNearestSymbolFrom(*this, symbol);
    if (isa_and_present<TensorOp>(target) || (target && target->hasAttr(TuneDialect::kProgramAttrName)))
      return WalkResult::advance();
    emitOpError("names ") << symbol << ", which is neither a tensor nor a program (C6)";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Indexed access
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  Shape table = shapeOf(op.getTable());
  if (table.empty())
    return emitOptionalError(loc, "'tune.gather' op has a table without rows: it is a scalar (C7)");
  types.push_back(RankedTensorType::get(joined(shapeOf(op.getIndex()), table.drop_front()), elementOf(op.getTable())));
  return success();
}

LogicalResult ScatterAddOp::verify() {
  Shape rows = shapeOf(getRows()), index = shapeOf(getIndex()), result = getType().getShape();
  if (result.empty() || rows != Shape(joined(index, result.drop_front())) ||
      elementOf(getRows()) != elementOf(getResult()))
    return emitOpError("needs rows [i..., rest...] and index [i...] for a result [N, rest...] (C8)");
  if (getInit() && getInit().getType() != getType())
    return emitOpError("begins with a value of the result's type (C8)");
  return success();
}

LogicalResult PickOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  Shape x = shapeOf(op.getX());
  if (x.empty() || x.drop_back() != shapeOf(op.getIndex()))
    return emitOptionalError(loc, "'tune.pick' op needs x [i..., N] and index [i...] (C9)");
  types.push_back(RankedTensorType::get(x.drop_back(), elementOf(op.getX())));
  return success();
}

LogicalResult PutOneOp::verify() {
  Shape value = shapeOf(getValue()), index = shapeOf(getIndex()), result = getType().getShape();
  if (result.empty() || value != index || result.drop_back() != value ||
      elementOf(getValue()) != elementOf(getResult()))
    return emitOpError("needs value and index [i...] for a result [i..., N] (C10)");
  return success();
}

LogicalResult UpdateSliceOp::verify() {
  Shape dest = shapeOf(getDest()), src = shapeOf(getSrc());
  uint64_t dim = getDim();
  if (dest.size() != src.size() || dim >= dest.size() || elementOf(getDest()) != elementOf(getSrc()))
    return emitOpError("needs src and dest of one rank and element type, and dim below the rank (C11)");
  for (size_t i = 0; i < dest.size(); ++i)
    if (i == dim ? src[i] > dest[i] : src[i] != dest[i])
      return emitOpError("has src of size ")
             << src[i] << " in dimension " << i << ", where dest has " << dest[i] << " (C11)";
  return success();
}

//===----------------------------------------------------------------------===//
// Structure, chance, differentiation
//===----------------------------------------------------------------------===//

LogicalResult IotaOp::verify() {
  if (getDim() >= uint64_t(getType().getRank()))
    return emitOpError("counts along dimension ")
           << getDim() << " of a tensor of rank " << getType().getRank() << " (C12)";
  return success();
}

LogicalResult EyeOp::verify() {
  Shape shape = getType().getShape();
  if (shape.size() != 2 || shape[0] != shape[1])
    return emitOpError("is a square matrix (C13)");
  return success();
}

LogicalResult ReverseOp::verify() {
  if (getDim() >= uint64_t(getType().getRank()))
    return emitOpError("reverses dimension ") << getDim() << " of a tensor of rank " << getType().getRank() << " (C23)";
  return success();
}

LogicalResult ArgSortOp::verify() {
  Shape x = shapeOf(getX()), result = shapeOf(getResult());
  if (x.empty() || x.size() != result.size() || x.drop_back() != result.drop_back() || result.back() > x.back())
    return emitOpError("needs x [i..., N] for a result [i..., k], k <= N (C24)");
  return success();
}

LogicalResult RandomOp::verify() {
  double a = getA().convertToDouble(), b = getB().convertToDouble();
  if (getDistribution() == Distribution::uniform ? !(a <= b) : !(b >= 0))
    return emitOpError("needs a <= b (uniform) or b >= 0 (normal) (C14)");
  if (getRow() && getType().getRank() == 0)
    return emitOpError("has a row, but its result is a scalar (C14)");
  return success();
}

LogicalResult DropOp::verify() {
  double rate = getRate().convertToDouble();
  if (!(rate >= 0 && rate < 1))
    return emitOpError("needs a rate in [0, 1) (C15)");
  if (getType().getRank() == 0)
    return emitOpError("needs an x with rows: it is a scalar (C15)");
  return success();
}

LogicalResult GradientOp::verify() {
  if (getWrt().getTypes() != getGradients().getTypes())
    return emitOpError("has a gradient for each value, of its type (C16)");
  return success();
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// `batch` followed by `matrix`.
static bool hasShape(Value value, Shape batch, Shape matrix) { return shapeOf(value) == Shape(joined(batch, matrix)); }

/// Whether all operands and results have the same elements.
static bool hasOneElement(Operation *op) {
  Type element = elementOf(op->getOperand(0));
  auto isAlike = [&](Value value) { return elementOf(value) == element; };
  return llvm::all_of(op->getOperands(), isAlike) && llvm::all_of(op->getResults(), isAlike);
}

LogicalResult SolveOp::verify() {
  Shape a = shapeOf(getA()), y = shapeOf(getY());
  if (a.size() < 2 || y.size() != a.size() || a.back() != a[a.size() - 2] || a.drop_back(1) != y.drop_back(1) ||
      getY().getType() != getType() || !hasOneElement(*this))
    return emitOpError("needs a [i..., n, n] and y [i..., n, m] for a result like y (C25)");
  return success();
}

LogicalResult QROp::verify() {
  Shape x = shapeOf(getX());
  if (x.size() < 2 || x.back() > x[x.size() - 2] || shapeOf(getQ()) != x ||
      !hasShape(getR(), x.drop_back(2), {x.back(), x.back()}) || !hasOneElement(*this))
    return emitOpError("needs x [i..., m, n], m >= n, for q like x and r [i..., n, n] (C26)");
  return success();
}

LogicalResult SVDOp::verify() {
  Shape x = shapeOf(getX()), s = shapeOf(getS());
  bool hasRank = x.size() >= 2 && s.size() + 1 == x.size();
  if (!hasRank || s.back() > std::min(x.back(), x[x.size() - 2]) || s.drop_back() != x.drop_back(2) ||
      !hasShape(getU(), x.drop_back(2), {x[x.size() - 2], s.back()}) ||
      !hasShape(getV(), x.drop_back(2), {s.back(), x.back()}) || !hasOneElement(*this))
    return emitOpError("needs x [i..., m, n] for u [i..., m, k], s [i..., k], v [i..., k, n], k <= m, n (C27)");
  return success();
}

LogicalResult EigHOp::verify() {
  Shape x = shapeOf(getX()), w = shapeOf(getW());
  bool hasRank = x.size() >= 2 && w.size() + 1 == x.size();
  if (!hasRank || x.back() != x[x.size() - 2] || w.back() > x.back() || w.drop_back() != x.drop_back(2) ||
      !hasShape(getQ(), x.drop_back(2), {x.back(), w.back()}) || !hasOneElement(*this))
    return emitOpError("needs x [i..., n, n] for w [i..., k], q [i..., n, k], k <= n (C28)");
  return success();
}

LogicalResult FFTOp::verify() {
  if (getDim() >= shapeOf(getRe()).size())
    return emitOpError("needs a dimension of its operands to transform along (C29)");
  auto isLikeRe = [&](Value part) { return !part || part.getType() == getRe().getType(); };
  if (!isLikeRe(getIm()) || !isLikeRe(getResultRe()) || !isLikeRe(getResultIm()))
    return emitOpError("needs parts of one type (C29)");
  return success();
}

/// Holds a transform between a tensor and half of its spectrum to (C32).
template <typename Op> static LogicalResult verifyHalfFFT(Op op) {
  Shape x = shapeOf(op.getX()), half = shapeOf(op.getRe());
  ArrayRef<int64_t> order = op.getOrder();
  bool isOrder =
      !order.empty() && isPermutationVector(order) && order.size() == x.size() && int64_t(x.size()) <= Op::kMostDims;
  auto isHalf = [&](auto place) { return half[place] == (place == 0 ? x[order[0]] / 2 + 1 : x[order[place]]); };
  if (!isOrder || half.size() != x.size() || !llvm::all_of(llvm::seq<size_t>(0, x.size()), isHalf) ||
      op.getRe().getType() != op.getIm().getType() || !hasOneElement(op))
    return op.emitOpError(
        "needs parts with n / 2 + 1 entries of x's dimension of n, first of x's in their order (C32)");
  return success();
}

LogicalResult RealFFTOp::verify() { return verifyHalfFFT(*this); }
LogicalResult FFTToRealOp::verify() { return verifyHalfFFT(*this); }

LogicalResult RealFFT2Op::verify() {
  if (shapeOf(getX()).size() < 2)
    return emitOpError("needs two dimensions to transform along (C31)");
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Holds attention's common operands to (C17); gives a reason or an empty string.
template <typename Op> static StringRef attentionProblem(Op op) {
  Shape q = shapeOf(op.getQ()), k = shapeOf(op.getK());
  if (q.size() != 5 || k.size() != 4)
    return "needs q [B,T,H,G,D], k and v [B,S,H,D] (C17)";
  if (op.getK().getType() != op.getV().getType() || elementOf(op.getQ()) != elementOf(op.getK()))
    return "needs k and v of one type, with q's elements (C17)";
  if (q[0] != k[0] || q[2] != k[2] || q[4] != k[3])
    return "needs the same B, H and D in q and k (C17)";
  int64_t placed[] = {k[0], k[1] - int64_t(op.getPrefix().value_or(0))};
  if (shapeOf(op.getQpos()) != q.take_front(2) || shapeOf(op.getQseg()) != q.take_front(2) ||
      shapeOf(op.getKpos()) != Shape(placed) || shapeOf(op.getKseg()) != Shape(placed))
    return "needs positions and segments [B,T] for queries, [B,S] for keys but those of the prefix (C17)";
  return "";
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                            SmallVectorImpl<Type> &types) {
  if (StringRef problem = attentionProblem(op); !problem.empty())
    return emitOptionalError(loc, "'tune.attention' op ", problem);
  auto q = cast<RankedTensorType>(op.getQ().getType());
  types.append({q, RankedTensorType::get(q.getShape().drop_back(), q.getElementType())});
  return success();
}

LogicalResult AttentionBackwardOp::verify() {
  if (StringRef problem = attentionProblem(*this); !problem.empty())
    return emitOpError(problem);
  if (shapeOf(getLse()) != shapeOf(getQ()).drop_back() || elementOf(getLse()) != elementOf(getQ()))
    return emitOpError("needs lse [B,T,H,G] with q's elements (C17)");
  return success();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// `type` with `rows` entries of dimension 0.
static RankedTensorType withRows(Type type, int64_t rows) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape.front() = rows;
  return tensor.clone(shape);
}

LogicalResult RowsOp::verify() {
  if (getSliced().empty())
    return emitOpError("has no sliced operand (C18)");
  for (Value operand : getSliced())
    if (shapeOf(operand).empty() || shapeOf(operand).front() != shapeOf(getSliced().front()).front())
      return emitOpError("has sliced operands of different numbers of rows (C18)");
  if (getNumRows() % int64_t(getChunk()))
    return emitOpError("has ") << getNumRows() << " rows, no multiple of the chunk " << getChunk() << " (C19)";
  return success();
}

LogicalResult RowsOp::verifyRegions() {
  auto chunk = int64_t(getChunk());
  if (getBody()->getNumArguments() != getNumOperands())
    return emitOpError("has a body without an argument for each operand (C20)");
  for (auto [argument, operand] : llvm::zip(getSlicedArguments(), getSliced()))
    if (argument.getType() != withRows(operand.getType(), chunk))
      return emitOpError("has an argument of type ")
             << argument.getType() << " for " << chunk << " rows of " << operand.getType() << " (C20)";
  for (auto [argument, operand] : llvm::zip(getSharedArguments(), getShared()))
    if (argument.getType() != operand.getType())
      return emitOpError("has an argument of type ")
             << argument.getType() << " for a shared " << operand.getType() << " (C20)";
  YieldOp yield = getYield();
  if (yield.getNumOperands() != getNumResults())
    return emitOpError("has a body that does not yield a value for each result (C21)");
  for (auto [value, result] : llvm::zip(yield.getSliced(), getResults())) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() == 0 || type.getDimSize(0) != chunk || result.getType() != withRows(type, getNumRows()))
      return emitOpError("has a result ") << result.getType() << " of which a chunk yields " << type << " (C21)";
  }
  for (auto [value, result] : llvm::zip(yield.getSummed(), getSummedResults()))
    if (value.getType() != result.getType())
      return emitOpError("has a result ") << result.getType() << " that sums " << value.getType() << " (C21)";
  return success();
}

FusedYieldOp FusedOp::getYield() { return cast<FusedYieldOp>(getBody()->getTerminator()); }

LogicalResult FusedOp::verifyRegions() {
  if (!llvm::equal(getBody()->getArgumentTypes(), getInputs().getTypes()))
    return emitOpError("has a body without an argument for each input (C22)");
  if (!llvm::equal(getYield().getValues().getTypes(), getResultTypes()))
    return emitOpError("has a body that does not yield a value for each result (C22)");
  return success();
}

LogicalResult IfOp::verifyRegions() {
  for (Region *side : getRegions()) {
    if (!llvm::equal(side->getArgumentTypes(), getInputs().getTypes()))
      return emitOpError("has a side without an argument for each input (C30)");
    if (!llvm::equal(side->front().getTerminator()->getOperandTypes(), getResultTypes()))
      return emitOpError("has a side that does not yield a value for each result (C30)");
  }
  return success();
}

SmallVector<Block *, 2> ftc::tune::getBodies(Operation *op) {
  if (auto rows = dyn_cast<RowsOp>(op))
    return {rows.getBody()};
  if (auto choice = dyn_cast<IfOp>(op))
    return {&choice.getYes().front(), &choice.getNo().front()};
  return {};
}
