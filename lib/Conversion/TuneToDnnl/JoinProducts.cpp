//===- JoinProducts.cpp - products that read the same operand --------------===//
//
//   x y, u y = the rows of [x; u] y
//
// where y is much the larger operand, and would be read once for each product (an adapter's gradients beside the same
// input, the real and the imaginary part of a transform). The rows of a result's first dimension follow each other in
// memory, so that what each product gave is a view of what both give.
//
//===----------------------------------------------------------------------===//

#include "JoinProducts.h"

#include "ArrangeProducts.h"

#include "dialects/Dnnl/IR/Dnnl.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/MicroBatches.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/Dominance.h"

using namespace mlir;
using ftc::dnnl::MatmulOp;

namespace ftc {
namespace {

/// Copying the narrow operands beside each other must not count: the common one has so many times their elements.
constexpr int64_t kWorthIt = 8;

/// A product of one term, seen from the operand that others may read too.
struct Sibling {
  MatmulOp op;
  unsigned common; ///< the number of the operand
  int64_t dim;     ///< of the other operand, which is the result's first

  Value getOther() const { return op->getOperand(1 - common); }
};

std::optional<Sibling> matchSibling(OpOperand &use) {
  auto op = dyn_cast<MatmulOp>(use.getOwner());
  if (!op || op.getNumTerms() != 1 || op.getInit() || op.getLhs()[0] == op.getRhs()[0])
    return std::nullopt;
  auto maps = llvm::to_vector(op.getIndexingMaps().getAsValueRange<AffineMapAttr>());
  Sibling sibling{op, use.getOperandNumber(), 0};
  AffineExpr first = maps[2].getResult(0);
  std::optional<unsigned> dim = maps[1 - sibling.common].getResultPosition(first);
  if (!dim || maps[sibling.common].getResultPosition(first))
    return std::nullopt;
  sibling.dim = *dim;
  return sibling;
}

/// Whether two products differ in nothing but their other operands and how many rows these have.
bool areAlike(const Sibling &a, const Sibling &b) {
  auto restOf = [](Value value, int64_t dim) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> sizes(type.getShape());
    sizes.erase(sizes.begin() + dim);
    return std::pair(type.getElementType(), sizes);
  };
  return a.common == b.common && a.op->getAttr("indexing_maps") == b.op->getAttr("indexing_maps") &&
         restOf(a.getOther(), a.dim) == restOf(b.getOther(), b.dim);
}

struct JoinSiblings : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    for (OpOperand &operand : op->getOpOperands())
      if (std::optional<Sibling> own = matchSibling(operand))
        if (SmallVector<Sibling> siblings = findSiblings(*own, operand.get()); siblings.size() > 1)
          return join(siblings, operand.get(), rewriter);
    return rewriter.notifyMatchFailure(op, "no other product reads a much larger operand in the same way");
  }

private:
  /// In the order of the program, those whose other operands are known where the first stands.
  static SmallVector<Sibling> findSiblings(const Sibling &own, Value common) {
    SmallVector<Sibling> alike;
    for (OpOperand &use : common.getUses())
      if (std::optional<Sibling> other = matchSibling(use))
        if (other->op->getBlock() == own.op->getBlock() && areAlike(own, *other))
          alike.push_back(*other);
    llvm::sort(alike, [](const Sibling &a, const Sibling &b) { return a.op->isBeforeInBlock(b.op); });
    SmallVector<Sibling> siblings;
    DominanceInfo dominance;
    int64_t elements = 0;
    for (const Sibling &sibling : alike) {
      elements += tune::countInWholeBatch(sibling.getOther());
      if (elements * kWorthIt <= tune::countInWholeBatch(common) &&
          dominance.properlyDominates(sibling.getOther(), alike.front().op))
        siblings.push_back(sibling);
    }
    return siblings;
  }

  static LogicalResult join(ArrayRef<Sibling> siblings, Value common, PatternRewriter &rewriter) {
    Sibling first = siblings.front();
    rewriter.setInsertionPoint(first.op);
    Location loc = first.op.getLoc();
    auto others = llvm::map_to_vector(siblings, [](const Sibling &sibling) { return sibling.getOther(); });
    Value other = tune::concat(rewriter, loc, others, first.dim);
    auto shapeOf = [](MatmulOp op) { return cast<RankedTensorType>(op.getType()).getShape(); };
    SmallVector<int64_t> shape(shapeOf(first.op));
    shape[0] = cast<RankedTensorType>(other.getType()).getDimSize(first.dim);
    Value lhs = first.common == 0 ? common : other, rhs = first.common == 0 ? other : common;
    auto type = cast<RankedTensorType>(first.op.getType()).clone(shape);
    Value all =
        MatmulOp::create(rewriter, loc, type, ValueRange(lhs), ValueRange(rhs), Value(), first.op.getIndexingMaps());
    int64_t row = 0;
    for (Sibling sibling : siblings) {
      int64_t rows = shapeOf(sibling.op)[0];
      Value part = tune::slice(rewriter, loc, all, 0, row, rows);
      row += rows;
      rewriter.replaceOp(sibling.op, part);
    }
    return success();
  }
};
} // namespace

void populateJoinProductsPatterns(RewritePatternSet &patterns) { patterns.add<JoinSiblings>(patterns.getContext()); }

} // namespace ftc
