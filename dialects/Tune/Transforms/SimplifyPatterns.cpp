//===- SimplifyPatterns.cpp - Equations that make programs smaller ---------===//
//
// Each pattern is the equation above it. Reals are treated as finite: 0 * x is 0.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Patterns.h"
#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace ftc::tune {
namespace {

bool isSplat(Value value, double number) {
  std::optional<double> splat = splatValue(value);
  return splat && *splat == number;
}

bool isTensor(Operation *op) { return isa<RankedTensorType>(op->getResult(0).getType()); }

/// x + 0 = x, 0 + x = x
struct AddZero : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::AddFOp op, PatternRewriter &rewriter) const override {
    for (unsigned zero = 0; zero < 2; ++zero)
      if (isSplat(op->getOperand(zero), 0)) {
        rewriter.replaceOp(op, op->getOperand(1 - zero));
        return success();
      }
    return rewriter.notifyMatchFailure(op, "no operand is 0");
  }
};

/// x - 0 = x, 0 - x = -x
struct SubZero : OpRewritePattern<arith::SubFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SubFOp op, PatternRewriter &rewriter) const override {
    if (isSplat(op.getRhs(), 0))
      rewriter.replaceOp(op, op.getLhs());
    else if (isSplat(op.getLhs(), 0))
      rewriter.replaceOpWithNewOp<arith::NegFOp>(op, op.getRhs());
    else
      return rewriter.notifyMatchFailure(op, "no operand is 0");
    return success();
  }
};

/// x * 1 = x, x * -1 = -x, x * 0 = 0 (and from the left)
struct MulConstant : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op, PatternRewriter &rewriter) const override {
    if (!isTensor(op))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    for (unsigned constant = 0; constant < 2; ++constant) {
      Value factor = op->getOperand(constant);
      if (isSplat(factor, 1))
        rewriter.replaceOp(op, op->getOperand(1 - constant));
      else if (isSplat(factor, -1))
        rewriter.replaceOpWithNewOp<arith::NegFOp>(op, op->getOperand(1 - constant));
      else if (isSplat(factor, 0))
        rewriter.replaceOp(op, splatLike(rewriter, op.getLoc(), factor, 0));
      else
        continue;
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no operand is 0, 1 or -1");
  }
};

/// x / 1 = x; x / c = x (1 / c) for c a power of two, which is exact
struct DivConstant : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::DivFOp op, PatternRewriter &rewriter) const override {
    std::optional<double> divisor = splatValue(op.getRhs());
    int exponent = 0;
    if (!isTensor(op) || !divisor || std::frexp(std::fabs(*divisor), &exponent) != 0.5 || std::abs(exponent) > 100)
      return rewriter.notifyMatchFailure(op, "the divisor is no power of two");
    if (*divisor == 1)
      rewriter.replaceOp(op, op.getLhs());
    else
      rewriter.replaceOpWithNewOp<arith::MulFOp>(op, op.getLhs(),
                                                 splatLike(rewriter, op.getLoc(), op.getRhs(), 1 / *divisor));
    return success();
  }
};

/// x / broadcast(y) = x broadcast(1 / y): fewer divisions. It rounds twice, so only in f64, the type of all that is not
/// to be computed exactly as written (number formats are f32).
struct DivBroadcast : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::DivFOp op, PatternRewriter &rewriter) const override {
    auto source = op.getRhs().getDefiningOp<linalg::BroadcastOp>();
    if (!source || !getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "the divisor is no broadcast, or no f64");
    Value one = splatLike(rewriter, op.getLoc(), source.getInput(), 1);
    Value inverse = div(rewriter, op.getLoc(), one, source.getInput());
    Value repeated =
        linalg::BroadcastOp::create(rewriter, op.getLoc(), inverse, source.getInit(), source.getDimensions())
            .getResult()[0];
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, op.getLhs(), repeated);
    return success();
  }
};

/// f(broadcast(x), c, ...) = broadcast(f(x, c, ...)) for elementwise f, constants c, equal broadcasts: fewer entries
struct NarrowElementwise : OpTraitRewritePattern<OpTrait::Elementwise> {
  using OpTraitRewritePattern::OpTraitRewritePattern;
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    linalg::BroadcastOp model;
    for (Value operand : op->getOperands())
      if (auto source = operand.getDefiningOp<linalg::BroadcastOp>(); source && !model)
        model = source;
    if (!model || op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "no operand is a broadcast");
    ArrayRef<int64_t> shape = shapeOf(model.getInput());
    auto isSame = [&](Value operand) {
      auto source = operand.getDefiningOp<linalg::BroadcastOp>();
      return source && source.getDimensions() == model.getDimensions();
    };
    SplatElementsAttr constant;
    // Nothing is created before it is certain that the pattern applies: a failure must leave the IR as it was.
    for (Value operand : op->getOperands())
      if (!isSame(operand) && !matchPattern(operand, m_Constant(&constant)))
        return rewriter.notifyMatchFailure(op, "an operand is neither a constant nor the same broadcast");
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isSame(operand))
        operands.push_back(operand.getDefiningOp<linalg::BroadcastOp>().getInput());
      else if (matchPattern(operand, m_Constant(&constant)))
        operands.push_back(
            arith::ConstantOp::create(rewriter, op->getLoc(), constant.resizeSplat(typeOf(operand).clone(shape))));
    }
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    OperationState state(op->getLoc(), op->getName(), operands, {type.clone(shape)}, op->getAttrs());
    Value narrow = rewriter.create(state)->getResult(0);
    Value init = tensor::EmptyOp::create(rewriter, op->getLoc(), type.getShape(), type.getElementType());
    rewriter.replaceOpWithNewOp<linalg::BroadcastOp>(op, narrow, init, model.getDimensions());
    return success();
  }
};

/// The sum of -x = -(the sum of x)
struct SumNegated : OpRewritePattern<linalg::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::ReduceOp op, PatternRewriter &rewriter) const override {
    if (op.getInputs().size() != 1 || !isa<arith::AddFOp>(op.getCombiner().front().front()))
      return rewriter.notifyMatchFailure(op, "not a sum of one tensor");
    auto negated = op.getInputs().front().getDefiningOp<arith::NegFOp>();
    if (!negated)
      return rewriter.notifyMatchFailure(op, "not of a negation");
    Value sum = reduceSum(rewriter, op.getLoc(), negated.getOperand(), op.getDimensions());
    rewriter.replaceOpWithNewOp<arith::NegFOp>(op, sum);
    return success();
  }
};

/// broadcast(c) = c, transpose(c) = c for a constant c with equal entries, in the result's shape
template <typename Op> struct MoveConstant : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    SplatElementsAttr constant;
    if (!matchPattern(op.getInput(), m_Constant(&constant)))
      return rewriter.notifyMatchFailure(op, "not of a constant with equal entries");
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, constant.resizeSplat(type));
    return success();
  }
};

/// broadcast(broadcast(x)) = broadcast(x)
struct ComposeBroadcasts : OpRewritePattern<linalg::BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::BroadcastOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<linalg::BroadcastOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "not of a broadcast");
    SmallVector<int64_t> positions;
    int64_t next = 0;
    for (int64_t dim = 0; dim < cast<ShapedType>(op.getInit().getType()).getRank(); ++dim)
      if (!llvm::is_contained(op.getDimensions(), dim) && !llvm::is_contained(inner.getDimensions(), next++))
        positions.push_back(dim);
    rewriter.replaceOp(op, broadcast(rewriter, op.getLoc(), inner.getInput(), shapeOf(op->getResult(0)), positions));
    return success();
  }
};

/// sum over n entries of a constant c = n c
struct SumConstant : OpRewritePattern<linalg::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::ReduceOp op, PatternRewriter &rewriter) const override {
    if (op.getInputs().size() != 1 || !isa<arith::AddFOp>(op.getCombiner().front().front()))
      return rewriter.notifyMatchFailure(op, "not a sum of one tensor");
    std::optional<double> constant = splatValue(op.getInputs().front());
    if (!constant)
      return rewriter.notifyMatchFailure(op, "not of a constant with equal entries");
    double count = 1;
    for (int64_t dim : op.getDimensions())
      count *= shapeOf(op.getInputs().front())[dim];
    rewriter.replaceOp(op, splatLike(rewriter, op.getLoc(), op->getResult(0), count * *constant));
    return success();
  }
};

SmallVector<int> labelsOf(AffineMap map) {
  return llvm::map_to_vector(map.getResults(),
                             [](AffineExpr expr) { return int(cast<AffineDimExpr>(expr).getPosition()); });
}

/// The sum of broadcast(x) * broadcast(y) = a contraction of x with y, if neither has all dimensions: the product is
/// never made
struct SumProduct : OpRewritePattern<linalg::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::ReduceOp op, PatternRewriter &rewriter) const override {
    if (op.getInputs().size() != 1 || !isa<arith::AddFOp>(op.getCombiner().front().front()))
      return rewriter.notifyMatchFailure(op, "not a sum");
    auto product = op.getInputs().front().getDefiningOp<arith::MulFOp>();
    auto x = product ? product.getLhs().getDefiningOp<linalg::BroadcastOp>() : nullptr;
    auto y = product ? product.getRhs().getDefiningOp<linalg::BroadcastOp>() : nullptr;
    if (!x || !y)
      return rewriter.notifyMatchFailure(op, "not of a product of broadcasts");
    llvm::SmallVector<int> labelsX, labelsY, kept;
    for (int64_t dim = 0; dim < typeOf(product).getRank(); ++dim) {
      bool inX = !llvm::is_contained(x.getDimensions(), dim), inY = !llvm::is_contained(y.getDimensions(), dim);
      bool isSummed = llvm::is_contained(op.getDimensions(), dim);
      if (isSummed && !(inX && inY))
        return rewriter.notifyMatchFailure(op, "a dimension that is summed is of one factor only");
      if (!inX && !inY)
        return rewriter.notifyMatchFailure(op, "a dimension of neither factor");
      if (inX)
        labelsX.push_back(int(dim));
      if (inY)
        labelsY.push_back(int(dim));
      if (!isSummed)
        kept.push_back(int(dim));
    }
    rewriter.replaceOp(op, contract(rewriter, op.getLoc(), x.getInput(), labelsX, y.getInput(), labelsY, kept));
    return success();
  }
};

/// sum_i x[.., i, ..] eye[i, j] = x[.., j, ..], and x 0 = 0
struct ContractConstant : OpRewritePattern<linalg::ContractOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::ContractOp op, PatternRewriter &rewriter) const override {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return rewriter.notifyMatchFailure(op, "indexing maps are no permutations");
    SmallVector<int> out = labelsOf(maps[2]);
    for (unsigned constant = 0; constant < 2; ++constant) {
      Value factor = op.getInputs()[constant], other = op.getInputs()[1 - constant];
      if (isSplat(factor, 0)) {
        rewriter.replaceOp(op, splatLike(rewriter, op.getLoc(), op->getResult(0), 0));
        return success();
      }
      if (!factor.getDefiningOp<EyeOp>())
        continue;
      SmallVector<int> eye = labelsOf(maps[constant]), labels = labelsOf(maps[1 - constant]);
      if (llvm::is_contained(out, eye[0]))
        std::swap(eye[0], eye[1]);
      auto summed = llvm::find(labels, eye[0]);
      if (llvm::is_contained(out, eye[0]) || summed == labels.end() || llvm::is_contained(labels, eye[1]))
        continue;
      *summed = eye[1];
      if (!llvm::all_of(labels, [&](int label) { return llvm::is_contained(out, label); }))
        continue;
      rewriter.replaceOp(op, transposeLabels(rewriter, op.getLoc(), other, labels, out));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no operand is 0 or an identity matrix contracted along one side");
  }
};

/// Rows of a table of zeros are zeros, wherever they are: an index outside of a table gives zeros too
struct GatherZero : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    if (!isSplat(op.getTable(), 0))
      return rewriter.notifyMatchFailure(op, "the table is not 0");
    rewriter.replaceOp(op, splatLike(rewriter, op.getLoc(), op.getResult(), 0));
    return success();
  }
};

/// A transform without its imaginary operand where that is 0, and without an imaginary result that nothing reads
struct ShortenFFT : OpRewritePattern<FFTOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(FFTOp op, PatternRewriter &rewriter) const override {
    bool isReal = op.getIm() && isSplat(op.getIm(), 0);
    bool isUnread = op.getResultIm() && op.getResultIm().use_empty();
    if (!isReal && !isUnread)
      return rewriter.notifyMatchFailure(op, "both parts are needed");
    Type type = op.getRe().getType();
    bool givesIm = op.getResultIm() && !isUnread;
    auto made = FFTOp::create(rewriter, op.getLoc(), type, givesIm ? type : Type(), op.getRe(),
                              isReal ? Value() : op.getIm(), op.getDim(), op.getInverse());
    rewriter.replaceAllUsesWith(op.getResultRe(), made.getResultRe());
    if (givesIm)
      rewriter.replaceAllUsesWith(op.getResultIm(), made.getResultIm());
    rewriter.eraseOp(op);
    return success();
  }
};

/// -put_one(v, i) = put_one(-v, i)
struct NegatePutOne : OpRewritePattern<arith::NegFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::NegFOp op, PatternRewriter &rewriter) const override {
    auto putOne = op.getOperand().getDefiningOp<PutOneOp>();
    if (!putOne)
      return rewriter.notifyMatchFailure(op, "not of a put_one");
    Value value = neg(rewriter, op.getLoc(), putOne.getValue());
    rewriter.replaceOpWithNewOp<PutOneOp>(op, op.getType(), value, putOne.getIndex());
    return success();
  }
};

/// The sum of put_one(v, i) along the last dimension = v pick(1, i): v, but 0 where i is outside
struct SumPutOne : OpRewritePattern<linalg::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::ReduceOp op, PatternRewriter &rewriter) const override {
    auto putOne = op.getInputs().front().getDefiningOp<PutOneOp>();
    if (!putOne || op.getInputs().size() != 1 || !isa<arith::AddFOp>(op.getCombiner().front().front()))
      return rewriter.notifyMatchFailure(op, "not a sum of a put_one");
    if (op.getDimensions() != ArrayRef<int64_t>{putOne.getType().getRank() - 1})
      return rewriter.notifyMatchFailure(op, "not along the last dimension alone");
    Value ones = splat(rewriter, op.getLoc(), putOne.getType(), 1);
    Value inside = PickOp::create(rewriter, op.getLoc(), ones, putOne.getIndex());
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, putOne.getValue(), inside);
    return success();
  }
};

/// pick(f(a, b), i) = f(pick(a, i), pick(b, i)) for f in +, -, *, negation, all 0 at 0: fewer wide values
struct PickElementwise : OpRewritePattern<PickOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PickOp op, PatternRewriter &rewriter) const override {
    Operation *source = op.getX().getDefiningOp();
    if (!isa_and_present<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp>(source) || !source->hasOneUse())
      return rewriter.notifyMatchFailure(op, "not of a sum, difference, product or negation of its own");
    SmallVector<Value> operands;
    for (Value operand : source->getOperands())
      operands.push_back(PickOp::create(rewriter, op.getLoc(), operand, op.getIndex()));
    OperationState state(op.getLoc(), source->getName(), operands, {op.getType()}, source->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

/// pick(broadcast(x) along the last dimension, i) = x pick(1, i): x, but 0 where i is outside
struct PickBroadcast : OpRewritePattern<PickOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PickOp op, PatternRewriter &rewriter) const override {
    auto source = op.getX().getDefiningOp<linalg::BroadcastOp>();
    if (!source || source.getDimensions() != ArrayRef<int64_t>{typeOf(op.getX()).getRank() - 1} ||
        !isa<FloatType>(op.getType().getElementType()))
      return rewriter.notifyMatchFailure(op, "not of reals repeated along the last dimension");
    Value inside = PickOp::create(rewriter, op.getLoc(), splatLike(rewriter, op.getLoc(), op.getX(), 1), op.getIndex());
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, source.getInput(), inside);
    return success();
  }
};

/// A pad by zeros along one dimension.
struct ZeroPad {
  tensor::PadOp op;
  int64_t dim = -1, low = 0, high = 0;

  static std::optional<ZeroPad> match(Value value) {
    ZeroPad pad{value.getDefiningOp<tensor::PadOp>()};
    if (!pad.op || !pad.op.getLow().empty() || !pad.op.getHigh().empty())
      return std::nullopt;
    Value padding = pad.op.getConstantPaddingValue();
    if (!padding || !matchPattern(padding, m_AnyZeroFloat()))
      return std::nullopt;
    for (auto [dim, sides] : llvm::enumerate(llvm::zip(pad.op.getStaticLow(), pad.op.getStaticHigh()))) {
      auto [low, high] = sides;
      if (low == 0 && high == 0)
        continue;
      if (pad.dim >= 0)
        return std::nullopt;
      pad.dim = dim, pad.low = low, pad.high = high;
    }
    return pad.dim < 0 ? std::nullopt : std::optional(pad);
  }
  int64_t size() { return shapeOf(op.getSource())[dim]; }
};

/// pad(a) + pad(b) = pad(concat(a, b)) where b begins at a's end: the adjoint of a split
struct AddPads : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::AddFOp op, PatternRewriter &rewriter) const override {
    std::optional<ZeroPad> first = ZeroPad::match(op.getLhs()), second = ZeroPad::match(op.getRhs());
    if (!first || !second || first->dim != second->dim)
      return rewriter.notifyMatchFailure(op, "operands are no pads along one dimension");
    if (second->low < first->low)
      std::swap(first, second);
    if (first->low + first->size() != second->low)
      return rewriter.notifyMatchFailure(op, "the parts are not adjacent");
    Value whole = concat(rewriter, op.getLoc(), {first->op.getSource(), second->op.getSource()}, first->dim);
    rewriter.replaceOp(op, padZeros(rewriter, op.getLoc(), whole, first->dim, first->low, second->high));
    return success();
  }
};

/// slice(concat(a, b, ...)) = a slice of the part that holds it
struct SliceConcat : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op, PatternRewriter &rewriter) const override {
    auto source = op.getSource().getDefiningOp<tensor::ConcatOp>();
    if (!source || !op.hasUnitStride() || llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic) ||
        llvm::any_of(op.getStaticSizes(), ShapedType::isDynamic))
      return rewriter.notifyMatchFailure(op, "not a static slice of a concatenation");
    int64_t dim = source.getDim(), start = 0, low = op.getStaticOffsets()[dim], size = op.getStaticSizes()[dim];
    for (Value part : source.getInputs()) {
      int64_t end = start + shapeOf(part)[dim];
      if (low >= start && low + size <= end) {
        SmallVector<OpFoldResult> offsets = op.getMixedOffsets();
        offsets[dim] = rewriter.getIndexAttr(low - start);
        rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(op, op.getType(), part, offsets, op.getMixedSizes(),
                                                            op.getMixedStrides());
        return success();
      }
      start = end;
    }
    return rewriter.notifyMatchFailure(op, "the slice spans several parts");
  }
};
} // namespace

void populateSimplifyPatterns(RewritePatternSet &patterns) {
  patterns.add<AddZero, SubZero, MulConstant, DivConstant, DivBroadcast, NarrowElementwise, SumNegated,
               MoveConstant<linalg::BroadcastOp>, MoveConstant<linalg::TransposeOp>, ComposeBroadcasts, SumConstant,
               SumProduct, NegatePutOne, SumPutOne, PickElementwise, PickBroadcast, ContractConstant, GatherZero,
               ShortenFFT, AddPads, SliceConcat>(patterns.getContext());
}

} // namespace ftc::tune
