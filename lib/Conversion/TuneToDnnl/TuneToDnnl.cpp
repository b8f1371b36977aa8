//===- TuneToDnnl.cpp - convert-tune-to-dnnl ------------------------------------------===//
//
// A product goes to the library if it has enough rows and columns to be bound by arithmetic, and is of f32. Then sums
// of products become one op with several terms:
//   (s x) y = s (x y)           if the product is smaller than x
//   s (x y) + ... = (s x) y + ... if x is smaller than the product
//   x y + u v                   = one product of two terms
//   x y - u v                   = the same with -u, the smaller operand
//   s (x y)       = (s x) y     if it is written, alone or added to what was there, from which it then goes on
//   t + x y                     = the same with t as init, if t is a gradient that is kept where the sum goes
// Operands that were extended to f32 are taken as they were before, and extended inside of the kernel.
// Products that read the same large operand are done together (JoinProducts.cpp).
// A product whose operands lie in memory so that it is none of matrices is arranged first (ArrangeProducts.cpp).
// Last, the products of a program that computes in f16 are told so.
//
//===----------------------------------------------------------------------===//

#include "ArrangeProducts.h"
#include "JoinProducts.h"

#include "ftc/Conversion/TuneToDnnl.h"

#include "dialects/Dnnl/IR/Dnnl.h"
#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/MicroBatches.h"
#include "dialects/Tune/Utils/Programs.h"
#include "dialects/Tune/Utils/Updates.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using ftc::dnnl::MatmulOp;
using ftc::dnnl::ProductShape;

namespace ftc {
namespace {

struct LowerContract : OpRewritePattern<linalg::ContractOp> {
  explicit LowerContract(MLIRContext *context) : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(linalg::ContractOp op, PatternRewriter &rewriter) const override {
    Value init = op.getOutputs()[0];
    if (!getElementTypeOrSelf(init.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not of f32");
    if (!isLibraryProduct(dnnl::getProductShape(op.getIndexingMapsArray(), op.getStaticLoopRanges())))
      return rewriter.notifyMatchFailure(op, "no product of matrices, or a narrow one");
    Value left = op.getInputs()[0], right = op.getInputs()[1];
    rewriter.replaceOpWithNewOp<MatmulOp>(op, init.getType(), ValueRange(left), ValueRange(right),
                                          tune::isZeroTensor(init) ? Value() : init, op.getIndexingMaps());
    return success();
  }
};

/// A tensor times a splat constant.
struct Scaled {
  Value tensor;
  double factor;
};
std::optional<Scaled> matchScaled(Value value) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  for (auto [tensor, factor] : {std::pair(product.getLhs(), product.getRhs()), {product.getRhs(), product.getLhs()}})
    if (std::optional<double> splat = tune::splatValue(factor))
      return Scaled{tensor, *splat};
  return std::nullopt;
}

/// (s x) y = s (x y), where that is less work.
struct PullFactorOut : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    if (op.getNumTerms() != 1 || op.getInit())
      return rewriter.notifyMatchFailure(op, "a sum");
    for (OpOperand &operand : op->getOpOperands()) {
      std::optional<Scaled> scaled = matchScaled(operand.get());
      if (!scaled || tune::countInWholeBatch(op.getResult()) >= tune::countInWholeBatch(operand.get()))
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(scaled->tensor); });
      rewriter.setInsertionPointAfter(op);
      Value result = tune::scale(rewriter, op.getLoc(), op.getResult(), scaled->factor);
      rewriter.replaceAllUsesExcept(op.getResult(), result, result.getDefiningOp());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no factor on a large operand");
  }
};

/// The only use of a product's result, or of what is computed from it.
MatmulOp matchOwnProduct(Value value) {
  auto product = value.getDefiningOp<MatmulOp>();
  return product && product->hasOneUse() ? product : MatmulOp();
}

/// Terms of a sum: products, also with a factor.
struct MergeTerms : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp op, PatternRewriter &rewriter) const override {
    if (MatmulOp left = findTerm(op.getLhs()))
      if (MatmulOp right = findTerm(op.getRhs()))
        return merge(op, left, right, rewriter);
    // t + (x y + rest): the addition joins the inner sum's other side.
    for (auto [other, sum] : {std::pair(op.getLhs(), op.getRhs()), {op.getRhs(), op.getLhs()}}) {
      auto inner = sum.getDefiningOp<arith::AddFOp>();
      MatmulOp product = findTerm(other);
      if (!inner || !inner->hasOneUse() || !product)
        continue;
      for (auto [first, rest] : {std::pair(inner.getLhs(), inner.getRhs()), {inner.getRhs(), inner.getLhs()}})
        if (MatmulOp known = findTerm(first); known && canMerge(known, product)) {
          auto both = arith::AddFOp::create(rewriter, op.getLoc(), first, other);
          rewriter.replaceOpWithNewOp<arith::AddFOp>(op, both, rest);
          rewriter.eraseOp(inner);
          return merge(both, known, product, rewriter);
        }
    }
    return rewriter.notifyMatchFailure(op, "no sum of products");
  }

  /// The product that a side of a sum is, also with a factor, if nothing else uses it.
  static MatmulOp findTerm(Value value) {
    if (MatmulOp product = matchOwnProduct(value))
      return product.getInit() ? MatmulOp() : product;
    std::optional<Scaled> scaled = matchScaled(value);
    if (!scaled || !value.hasOneUse())
      return MatmulOp();
    MatmulOp product = matchOwnProduct(scaled->tensor);
    return product && !product.getInit() && product.getNumTerms() == 1 ? product : MatmulOp();
  }

  /// The operands of a term whose factor is moved to the smaller of them.
  static std::pair<Value, Value> takeOperands(Value value, MatmulOp product, size_t term, PatternRewriter &rewriter) {
    Value left = product.getLhs()[term], right = product.getRhs()[term];
    if (value == product.getResult())
      return {left, right};
    double factor = matchScaled(value)->factor;
    Value &smaller = tune::countInWholeBatch(left) < tune::countInWholeBatch(right) ? left : right;
    smaller = tune::scale(rewriter, value.getLoc(), smaller, factor);
    return {left, right};
  }

private:
  static bool canMerge(MatmulOp left, MatmulOp right) {
    return left.getType() == right.getType() && left.getTerm(0).writesLike(right.getTerm(0));
  }

  static LogicalResult merge(arith::AddFOp op, MatmulOp left, MatmulOp right, PatternRewriter &rewriter) {
    if (!canMerge(left, right))
      return rewriter.notifyMatchFailure(op, "different rows and columns");
    if (left.getTerm(0).k.size < right.getTerm(0).k.size)
      std::swap(left, right);
    rewriter.setInsertionPoint(op); // it may be a sum that was made just now, before others
    SmallVector<Value> lhs, rhs;
    SmallVector<Attribute> maps;
    for (MatmulOp product : {left, right}) {
      bool isTerm = llvm::is_contained({op.getLhs(), op.getRhs()}, product.getResult());
      Value value = product.getResult();
      if (!isTerm) // the factor lies between
        value = product->getUsers().begin()->getResult(0);
      for (size_t term = 0; term < product.getNumTerms(); ++term) {
        auto [x, y] = takeOperands(value, product, term, rewriter);
        lhs.push_back(x);
        rhs.push_back(y);
      }
      llvm::append_range(maps, product.getIndexingMaps());
    }
    rewriter.replaceOpWithNewOp<MatmulOp>(op, op.getType(), lhs, rhs, Value(), rewriter.getArrayAttr(maps));
    return success();
  }
};

/// x y - u v, where the smaller operand of each term that is taken away is much smaller than the result.
struct SubtractTerms : OpRewritePattern<arith::SubFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SubFOp op, PatternRewriter &rewriter) const override {
    constexpr int64_t muchSmaller = 8;
    MatmulOp taken = MergeTerms::findTerm(op.getRhs());
    if (!taken || !MergeTerms::findTerm(op.getLhs()))
      return rewriter.notifyMatchFailure(op, "no difference of products");
    SmallVector<OpOperand *> smaller;
    for (size_t term = 0, terms = taken.getNumTerms(); term < terms; ++term) {
      OpOperand &left = taken->getOpOperand(term), &right = taken->getOpOperand(terms + term);
      smaller.push_back(tune::countInWholeBatch(left.get()) < tune::countInWholeBatch(right.get()) ? &left : &right);
      if (tune::countInWholeBatch(smaller.back()->get()) * muchSmaller > tune::countInWholeBatch(taken.getResult()))
        return rewriter.notifyMatchFailure(op, "the difference is cheap");
    }
    rewriter.setInsertionPoint(taken);
    for (OpOperand *operand : smaller) {
      Value negative = tune::neg(rewriter, taken.getLoc(), operand->get());
      rewriter.modifyOpInPlace(taken, [&] { operand->set(negative); });
    }
    rewriter.setInsertionPoint(op);
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, op.getLhs(), op.getRhs());
    return success();
  }
};

/// s (x y) = (s x) y or x (s y), where the product goes to a tensor.
struct MoveFactorIn : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp op, PatternRewriter &rewriter) const override {
    MatmulOp product = MergeTerms::findTerm(op);
    auto sum = op->hasOneUse() ? dyn_cast<arith::AddFOp>(*op->user_begin()) : arith::AddFOp();
    if (!product || !(tune::findWritten(op) || (sum && tune::findKept(sum, op))))
      return rewriter.notifyMatchFailure(op, "no product that is written");
    auto [left, right] = MergeTerms::takeOperands(op, product, 0, rewriter);
    rewriter.replaceOpWithNewOp<MatmulOp>(op, op.getType(), left, right, Value(), product.getIndexingMaps());
    return success();
  }
};

/// g + x y, written to where g has been read, adds to it in place.
struct AccumulateGradient : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp op, PatternRewriter &rewriter) const override {
    for (Value side : {op.getLhs(), op.getRhs()}) {
      MatmulOp product = matchOwnProduct(side);
      tune::ReadOp kept = tune::findKept(op, side);
      if (!kept || !product || product.getInit())
        continue;
      rewriter.replaceOpWithNewOp<MatmulOp>(op, op.getType(), product.getLhs(), product.getRhs(), kept,
                                            product.getIndexingMaps());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no gradient that is added to in place");
  }
};

/// The contents of a value before it was extended; the value itself if it was not.
Value takeNarrow(Value value) {
  auto extension = value.getDefiningOp<arith::ExtFOp>();
  bool isNarrow = extension && getElementTypeOrSelf(extension.getIn().getType()).getIntOrFloatBitWidth() == 16;
  return isNarrow ? extension.getIn() : value;
}

/// Products extend their operands themselves.
template <typename Op> struct TakeNarrowOperands : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), takeNarrow);
    if (llvm::equal(operands, op->getOperands()))
      return rewriter.notifyMatchFailure(op, "nothing was extended");
    SetVector<Operation *> extensions;
    for (auto [wide, narrow] : llvm::zip_equal(op->getOperands(), operands))
      if (wide != narrow)
        extensions.insert(wide.getDefiningOp());
    if (auto contract = dyn_cast<linalg::ContractOp>(op.getOperation())) // its body is typed too
      rewriter.replaceOpWithNewOp<linalg::ContractOp>(op, op->getResultTypes(), ValueRange(operands).take_front(2),
                                                      ValueRange(op->getOperands()).take_back(1),
                                                      contract.getIndexingMaps());
    else
      rewriter.modifyOpInPlace(op, [&] { op->setOperands(operands); });
    for (Operation *extension : extensions)
      if (extension->use_empty())
        rewriter.eraseOp(extension);
    return success();
  }
};

class ConvertTuneToDnnl : public PassWrapper<ConvertTuneToDnnl, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ConvertTuneToDnnl)
  StringRef getArgument() const override { return "convert-tune-to-dnnl"; }
  StringRef getDescription() const override { return "products that oneDNN does, and sums of them"; }
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<dnnl::DnnlDialect>(); }

  void runOnOperation() override {
    RewritePatternSet lower(&getContext()), join(&getContext()), merge(&getContext()), narrow(&getContext());
    lower.add<LowerContract, PullFactorOut>(&getContext());
    populateArrangeProductsPatterns(lower);
    populateJoinProductsPatterns(join);
    merge.add<MergeTerms, SubtractTerms, MoveFactorIn, AccumulateGradient>(&getContext());
    narrow.add<TakeNarrowOperands<MatmulOp>, TakeNarrowOperands<linalg::ContractOp>>(&getContext());
    // In the order of the program, so that what is arranged sees how its operands have been. Once is enough, as a
    // change puts the ops around it back on the list; the driver cannot know it, and says that it failed.
    auto config = GreedyRewriteConfig()
                      .setUseTopDownTraversal(true)
                      .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled)
                      .setMaxIterations(1);
    SmallVector<FrozenRewritePatternSet> sets;
    for (RewritePatternSet *patterns : {&lower, &join, &merge, &narrow})
      sets.emplace_back(std::move(*patterns));
    tune::forEachProgram(getOperation(), [&](func::FuncOp program) {
      for (const FrozenRewritePatternSet &patterns : sets)
        (void)applyPatternsGreedily(program, patterns, config);
      auto compute = program->getAttrOfType<TypeAttr>(tune::TuneDialect::kComputeAttrName);
      program->walk([&](MatmulOp op) { op.setComputeAttr(compute); });
    });
  }
};
} // namespace

std::unique_ptr<Pass> createConvertTuneToDnnl() { return std::make_unique<ConvertTuneToDnnl>(); }
void registerConvertTuneToDnnl() { PassRegistration<ConvertTuneToDnnl>(); }

} // namespace ftc
