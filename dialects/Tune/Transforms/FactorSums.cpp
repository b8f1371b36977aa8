//===- FactorSums.cpp - P x + Q x = (P + Q) x ------------------------------===//

#include "dialects/Tune/Transforms/Patterns.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Labels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace ftc::tune {
namespace {

/// A product that nothing else needs, times a constant.
struct Term {
  linalg::ContractOp product;
  double factor = 1;
};

std::optional<Term> matchTerm(Value value) {
  Term term;
  if (auto scaled = value.getDefiningOp<arith::MulFOp>(); scaled && scaled->hasOneUse())
    for (unsigned side : {0, 1})
      if (std::optional<double> factor = splatValue(scaled->getOperand(1 - side))) {
        value = scaled->getOperand(side);
        term.factor = *factor;
        break;
      }
  term.product = value.getDefiningOp<linalg::ContractOp>();
  return term.product && term.product->hasOneUse() && isPlain(term.product) ? std::optional(term) : std::nullopt;
}

/// P x and Q x with the same x; labels are those of the first.
struct Common {
  Value x, p, q;
  Labels xLabels, pLabels, qLabels, out;
};

std::optional<Common> matchCommon(const Term &first, const Term &second) {
  linalg::ContractOp products[] = {first.product, second.product};
  for (unsigned side : {0, 1})
    for (unsigned other : {0, 1}) {
      Common common{products[0].getInputs()[side],
                    products[0].getInputs()[1 - side],
                    products[1].getInputs()[1 - other],
                    {},
                    {},
                    {},
                    {}};
      if (common.x != products[1].getInputs()[other] || common.x == common.p)
        continue;
      SmallVector<AffineMap> maps = products[0].getIndexingMapsArray(), otherMaps = products[1].getIndexingMapsArray();
      common.xLabels = labelsOf(maps[side]);
      common.pLabels = labelsOf(maps[1 - side]);
      common.out = labelsOf(maps[2]);
      // Each label of the second is one of x or of the result.
      DenseMap<int, int> names;
      bool agree = true;
      for (auto [own, theirs] :
           {std::pair(&common.xLabels, labelsOf(otherMaps[other])), std::pair(&common.out, labelsOf(otherMaps[2]))})
        for (auto [label, name] : llvm::zip_equal(*own, theirs))
          agree &= names.try_emplace(name, label).first->second == label;
      for (int name : labelsOf(otherMaps[1 - other]))
        common.qLabels.push_back(names.contains(name) ? names.lookup(name) : -1);
      if (agree && std::is_permutation(common.pLabels.begin(), common.pLabels.end(), common.qLabels.begin(),
                                       common.qLabels.end()))
        return common;
    }
  return std::nullopt;
}

/// One product instead of two, where it saves more than adding the matrices costs. Before differentiation, so that x
/// has one product less in the backward pass too.
struct FactorSum : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp op, PatternRewriter &rewriter) const override {
    if (isInner(op))
      return rewriter.notifyMatchFailure(op, "a part of a longer sum");
    SmallVector<Value> summands;
    collect(op, summands);
    SmallVector<std::pair<unsigned, Term>> terms;
    for (auto [index, summand] : llvm::enumerate(summands))
      if (std::optional<Term> term = matchTerm(summand))
        terms.emplace_back(index, *term);
    for (auto [place, one] : llvm::enumerate(terms))
      for (auto &[j, other] : llvm::drop_begin(terms, place + 1)) {
        auto common = matchCommon(one.second, other);
        if (!common || !pays(*common, one.second.product))
          continue;
        summands[one.first] = multiply(op, *common, one.second, other, rewriter);
        summands.erase(summands.begin() + j);
        Value sum = summands.front();
        for (Value summand : ArrayRef(summands).drop_front())
          sum = add(rewriter, op.getLoc(), sum, summand);
        rewriter.replaceOp(op, sum);
        return success();
      }
    return rewriter.notifyMatchFailure(op, "no two products with the same operand");
  }

private:
  static bool isInner(arith::AddFOp op) { return op->hasOneUse() && isa<arith::AddFOp>(*op->user_begin()); }

  static void collect(arith::AddFOp op, SmallVectorImpl<Value> &summands) {
    for (Value operand : op->getOperands()) {
      auto inner = operand.getDefiningOp<arith::AddFOp>();
      if (inner && inner->hasOneUse())
        collect(inner, summands);
      else
        summands.push_back(operand);
    }
  }

  /// An addition costs as much as some multiplications of a product: it is bound by memory.
  static bool pays(const Common &common, linalg::ContractOp product) {
    constexpr double elementCost = 8;
    double products = 1;
    for (int64_t size : product.getStaticLoopRanges())
      products *= double(size);
    return products > 2 * elementCost * double(typeOf(common.p).getNumElements());
  }

  static Value multiply(arith::AddFOp op, const Common &common, const Term &first, const Term &second,
                        PatternRewriter &rewriter) {
    Location loc = op.getLoc();
    Value p = scale(rewriter, loc, common.p, first.factor);
    Value q = transposeLabels(rewriter, loc, common.q, common.qLabels, common.pLabels);
    Value both = add(rewriter, loc, p, scale(rewriter, loc, q, second.factor));
    return contract(rewriter, loc, common.x, common.xLabels, both, common.pLabels, common.out);
  }
};
} // namespace

void populateFactorSumsPatterns(RewritePatternSet &patterns) { patterns.add<FactorSum>(patterns.getContext()); }

} // namespace ftc::tune
