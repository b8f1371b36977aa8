//===- ArrangeProducts.cpp - Operands as products want them ---------------------------===//

#include "ArrangeProducts.h"

#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Labels.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace ftc {

static constexpr int64_t fewRows = 8;

/// Whether the kernel of a contraction that no library does reads the large operand once, row by row.
static bool readsRowsOnce(const std::optional<dnnl::ProductShape> &shape) {
  return shape && shape->m.size <= fewRows && shape->k.b == 1;
}

bool isLibraryProduct(const std::optional<dnnl::ProductShape> &shape) {
  constexpr int64_t littleWork = 1 << 16;
  if (!shape || shape->k.size <= 1)
    return false;
  int64_t rows = shape->m.size, columns = shape->n.size, least = std::min(rows, columns);
  if (least > fewRows)
    return true;
  constexpr int64_t fewTerms = 8, manyProducts = 16;
  if (shape->k.size <= fewTerms && shape->countBatch() >= manyProducts)
    return false; // many little products: elements beside each other are found at once
  int64_t work = rows * columns * shape->k.size * shape->countBatch();
  return least > 1 && !readsRowsOnce(shape) && work > littleWork;
}

namespace {
using tune::Labels;
using tune::labelsOf;

/// A tensor of a contraction in some order of its dimensions.
struct Layout {
  Labels labels;
  int64_t moved; ///< entries that must be copied to have it
  Value source;  ///< what is there already in this order; null if it must be transposed
};

/// A contraction and the orders in which its tensors may lie.
class Arrangement {
public:
  explicit Arrangement(linalg::ContractOp op) : op(op), sizes(op.getStaticLoopRanges()) {
    for (AffineMap map : op.getIndexingMapsArray())
      labels.push_back(labelsOf(map));
  }

  /// The way that copies least, if there is one: layouts of left, right, result.
  std::optional<std::array<Layout, 3>> findBest() const {
    std::optional<std::array<Layout, 3>> best;
    for (const Layout &result : layoutsOfResult())
      for (unsigned summedLike : {0, 1})
        for (const Layout &left : layoutsOfOperand(0, result.labels, summedLike))
          for (const Layout &right : layoutsOfOperand(1, result.labels, summedLike)) {
            auto moved = [](const std::array<Layout, 3> &way) { return way[0].moved + way[1].moved + way[2].moved; };
            std::array<Layout, 3> way{left, right, result};
            if (isProduct(way) && (!best || moved(way) < moved(*best)))
              best = way;
          }
    return best;
  }

private:
  bool isIn(unsigned tensor, int label) const { return llvm::is_contained(labels[tensor], label); }

  int64_t countOf(ArrayRef<int> dims) const {
    int64_t count = 1;
    for (int label : dims)
      count *= sizes[label];
    return count;
  }

  bool isProduct(const std::array<Layout, 3> &way) const {
    SmallVector<AffineMap> maps;
    for (const Layout &layout : way) {
      SmallVector<AffineExpr> exprs;
      for (int label : layout.labels)
        exprs.push_back(getAffineDimExpr(label, op.getContext()));
      maps.push_back(AffineMap::get(sizes.size(), 0, exprs, op.getContext()));
    }
    return isLibraryProduct(dnnl::getProductShape(maps, sizes));
  }

  /// As it is; and what is common to all first, then the left's, then the right's.
  SmallVector<Layout> layoutsOfResult() const {
    auto rank = [&](int label) { return !isIn(1, label) ? 1 : !isIn(0, label) ? 2 : 0; };
    Labels canonical(labels[2]);
    llvm::stable_sort(canonical, [&](int a, int b) { return rank(a) < rank(b); });
    SmallVector<Layout> layouts{{labels[2], 0, {}}};
    if (canonical != labels[2])
      layouts.push_back({canonical, countOf(canonical), {}});
    return layouts;
  }

  /// As it is; as it was before a transpose; and what is common to all first, then its own and what is summed, either
  /// first: each in the result's order, or for what is summed in that of operand `summedLike`.
  SmallVector<Layout> layoutsOfOperand(unsigned side, const Labels &result, unsigned summedLike) const {
    Value operand = op.getInputs()[side];
    SmallVector<Layout> layouts{{labels[side], 0, operand}};
    if (auto transpose = operand.getDefiningOp<linalg::TransposeOp>()) {
      Labels before(labels[side]);
      for (auto [dim, source] : llvm::enumerate(transpose.getPermutation()))
        before[source] = labels[side][dim];
      layouts.push_back({before, 0, transpose.getInput()});
    }
    Labels common, own, summed;
    for (int label : result)
      if (isIn(side, label))
        (isIn(1 - side, label) ? common : own).push_back(label);
    for (int label : labels[summedLike])
      if (isIn(side, label) && !isIn(2, label))
        summed.push_back(label);
    for (auto [first, second] : {std::pair(&own, &summed), {&summed, &own}}) {
      Layout layout{common, countOf(labels[side]), {}};
      layout.labels.append(*first);
      layout.labels.append(*second);
      layouts.push_back(layout);
    }
    return layouts;
  }

  mutable linalg::ContractOp op;
  SmallVector<int64_t> sizes;
  SmallVector<Labels> labels;
};

/// As transposeLabels, for a use by `op`; takes an earlier transpose of the same order, if there is one.
Value transposeFor(Operation *op, OpBuilder &builder, Value a, const Labels &from, const Labels &to) {
  for (Operation *user : a.getUsers()) {
    auto earlier = dyn_cast<linalg::TransposeOp>(user);
    if (!earlier || earlier->getBlock() != op->getBlock() || !earlier->isBeforeInBlock(op))
      continue;
    auto isSame = [&](auto pair) { return pair.value() == from[earlier.getPermutation()[pair.index()]]; };
    if (llvm::all_of(llvm::enumerate(to), isSame))
      return earlier->getResult(0);
  }
  return tune::transposeLabels(builder, op->getLoc(), a, from, to);
}

struct ArrangeProduct : OpRewritePattern<linalg::ContractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::ContractOp op, PatternRewriter &rewriter) const override {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (!getElementTypeOrSelf(op->getResult(0).getType()).isF32() || !tune::isZeroTensor(op.getOutputs()[0]) ||
        !tune::isPlain(op))
      return rewriter.notifyMatchFailure(op, "not a product of f32");
    auto shape = dnnl::getProductShape(maps, op.getStaticLoopRanges());
    if (isLibraryProduct(shape) || readsRowsOnce(shape))
      return rewriter.notifyMatchFailure(op, "well arranged");
    auto way = Arrangement(op).findBest();
    if (!way)
      return rewriter.notifyMatchFailure(op, "narrow however it is arranged");
    Location loc = op.getLoc();
    Value operands[2];
    for (unsigned side : {0, 1}) {
      const Layout &layout = (*way)[side];
      operands[side] = layout.source
                           ? layout.source
                           : transposeFor(op, rewriter, op.getInputs()[side], labelsOf(maps[side]), layout.labels);
    }
    const Labels &result = (*way)[2].labels;
    Value product = tune::contract(rewriter, loc, operands[0], (*way)[0].labels, operands[1], (*way)[1].labels, result);
    rewriter.replaceOp(op, tune::transposeLabels(rewriter, loc, product, result, labelsOf(maps[2])));
    return success();
  }
};

/// x [rows..., k] v [k] = the sums of x v along the rows, g [rows...] x = those of g x across them: what stands around
/// them is taken into the kernel of the sum, or the sum into that of its rows.
struct SumOfProducts : OpRewritePattern<linalg::ContractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::ContractOp op, PatternRewriter &rewriter) const override {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    Labels out = labelsOf(maps[2]);
    for (unsigned side : {0, 1}) {
      Value x = op.getInputs()[side], other = op.getInputs()[1 - side];
      Labels rows = labelsOf(maps[side]), own = labelsOf(maps[1 - side]), last;
      if (!rows.empty())
        last.push_back(rows.pop_back_val());
      bool isAlong = own == last && out == rows, isAcross = own == rows && out == last;
      if (rows.empty() || (!isAlong && !isAcross) || !tune::isZeroTensor(op.getOutputs()[0]))
        continue;
      auto leading = llvm::to_vector(llvm::seq<int64_t>(0, rows.size()));
      SmallVector<int64_t> lastDim{int64_t(rows.size())};
      Value repeated = tune::broadcast(rewriter, op.getLoc(), other, tune::shapeOf(x), isAlong ? lastDim : leading);
      Value products = tune::mul(rewriter, op.getLoc(), x, repeated);
      rewriter.replaceOp(op, tune::reduceSum(rewriter, op.getLoc(), products, isAlong ? lastDim : leading));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "not rows and a vector");
  }
};
} // namespace

void populateArrangeProductsPatterns(RewritePatternSet &patterns) {
  patterns.add<ArrangeProduct, SumOfProducts>(patterns.getContext());
}

} // namespace ftc
