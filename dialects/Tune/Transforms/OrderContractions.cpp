//===- OrderContractions.cpp - tune-order-contractions ---------------------===//
//
// Chooses, by cost, in which order products are taken and whether they are distributed over sums. With contractions
// written as products,
//
//   (P + Q) x = P x + Q x        (s P) x = s (P x), s a scalar or constant along what is summed
//   (P Q) x = P (Q x) = Q (P x)  (-P) x = -(P x)        transpose(P) x = P x with other labels
//   (P o Q) x = P (Q x) = Q (P x) where P and Q are repeated along what they lack (a Kronecker product is one such)
//   reshape(P) x = reshape(P reshape(x))                  1 x = x with other labels
//
// so that (W + s B A) x becomes W x + s (B (A x)) where that is cheaper, and s (B (A x)) = (s B) (A x), B ((s A) x) or
// B (A (s x)), whichever is smallest, for a constant s: then neither the product nor its cotangent is scaled. What is
// left of P x + Q x, with P and Q there, becomes (P + Q) x (FactorSums.cpp). A contraction costs its multiplications,
// once for its value and once for each operand that a gradient is wanted of; other ops cost kElementCost an entry. What
// has other uses is there anyway and costs nothing more. With `explain`, a remark says why an order was kept.
//
// Before: tune-simplify; tune-differentiate must not have run, for it would freeze the order. After: tune-simplify.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Transforms/Patterns.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Labels.h"
#include "dialects/Tune/Utils/MicroBatches.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/Support/FormatVariadic.h"

#include <functional>

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_ORDERCONTRACTIONS
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

/// What an elementwise op costs an entry, in multiplications of a contraction: it is bound by memory.
constexpr double kElementCost = 8;
/// How deep an operand's definition is looked into.
constexpr int kMaxDepth = 6;
/// Another order is taken if it costs at most this share.
constexpr double kMinGain = 0.98;

/// A tensor that exists or will: its labels, whether a gradient is wanted of it, how to build it (once).
struct Factor {
  Labels labels;
  bool active;
  std::function<Value()> build;
};

/// A way to compute a product; `build` is null while only costs are asked for.
struct Plan {
  double cost;
  bool active;
  bool isDirect;
  std::function<Value()> build;
};

/// Plans of the contractions around one root.
class Planner {
public:
  /// With `onlyCosts` plans cannot be built: most contractions stand as they should, and are only measured.
  Planner(linalg::ContractOp root, const DenseSet<Value> &active, bool onlyCosts)
      : root(root), builder(root), active(active), onlyCosts(onlyCosts) {
    SmallVector<AffineMap> maps = root.getIndexingMapsArray();
    out = labelsOf(maps[2]);
    for (unsigned side = 0; side < 2; ++side) {
      operandLabels[side] = labelsOf(maps[side]);
      bindSizes(operandLabels[side], shapeOf(root.getInputs()[side]));
    }
    nextLabel = maps[0].getNumDims();
  }

  /// The best way to compute the root by looking into operand `side`.
  Plan best(unsigned side) {
    isLeft = side == 0;
    return multiply(operand(side), operandLabels[side], exists(1 - side), out, kMaxDepth);
  }

  /// Whether there was a choice.
  bool hasAlternatives() const { return alternatives; }

  /// The root as it stands, with what its operands cost if nothing else needs them.
  double directCost() {
    return contractionCost(operandLabels[0], operandLabels[1], isActive(operand(0)) + isActive(operand(1))) +
           materialise(operand(0), kMaxDepth) + materialise(operand(1), kMaxDepth);
  }

  /// What the operand that is not looked into costs.
  double otherCost(unsigned side) { return materialise(operand(1 - side), kMaxDepth); }

private:
  Value operand(unsigned side) { return root.getInputs()[side]; }
  bool isActive(Value value) const { return active.contains(value); }
  Factor exists(unsigned side) {
    Value value = operand(side);
    return {operandLabels[side], isActive(value), [value] { return value; }};
  }

  void bindSizes(ArrayRef<int> labels, ArrayRef<int64_t> shape) {
    for (auto [label, size] : llvm::zip(labels, shape))
      sizes[label] = size;
  }

  double count(ArrayRef<int> labels) const {
    double product = 1;
    for (int label : labels)
      product *= double(sizes.lookup(label));
    return product;
  }

  double contractionCost(ArrayRef<int> a, ArrayRef<int> b, int numActive) const {
    Labels all(a);
    for (int label : b)
      if (!llvm::is_contained(all, label))
        all.push_back(label);
    return count(all) * (1 + numActive);
  }

  /// What it costs to have `value`: nothing if it is there anyway.
  double materialise(Value value, int depth) {
    Operation *op = value.getDefiningOp();
    if (!op || depth == 0 || !value.hasOneUse())
      return 0;
    auto contraction = dyn_cast<linalg::ContractOp>(op);
    bool isElementwise = OpTrait::hasElementwiseMappableTraits(op);
    bool isView = isa<linalg::TransposeOp, tensor::CollapseShapeOp>(op);
    if (!contraction && !isElementwise && !isView)
      return 0;
    double cost = 0;
    for (Value source : contraction ? ValueRange(contraction.getInputs()) : ValueRange(op->getOperands()))
      cost += materialise(source, depth - 1);
    if (isa<tensor::CollapseShapeOp>(op))
      return cost;
    if (!contraction)
      return cost + kElementCost * double(typeOf(value).getNumElements());
    double products = double(typeOf(value).getNumElements());
    SmallVector<AffineMap> maps = contraction.getIndexingMapsArray();
    Labels counted = labelsOf(maps[2]);
    for (unsigned side = 0; side < 2; ++side)
      for (auto [label, size] : llvm::zip(labelsOf(maps[side]), shapeOf(contraction.getInputs()[side])))
        if (!llvm::is_contained(counted, label)) {
          counted.push_back(label);
          products *= double(size);
        }
    return cost + products * (1 + isActive(contraction.getInputs()[0]) + isActive(contraction.getInputs()[1]));
  }

  template <typename Build> std::function<Value()> once(Build build) const {
    if (onlyCosts)
      return nullptr;
    auto made = std::make_shared<Value>();
    return [made, build = std::move(build)] { return *made ? *made : *made = build(); };
  }

  /// The cheapest way to compute p x.
  Plan multiply(Value p, const Labels &pLabels, const Factor &x, const Labels &result, int depth) {
    Plan plan = direct(p, pLabels, x, result);
    Operation *op = p.getDefiningOp();
    if (!op || depth == 0)
      return plan;
    auto consider = [&](Plan other) {
      alternatives = true;
      if (other.cost < kMinGain * plan.cost)
        plan = std::move(other);
    };
    if (isa<arith::AddFOp, arith::SubFOp>(op))
      consider(distribute(op, pLabels, x, result, depth - 1));
    if (isa<arith::NegFOp>(op))
      consider(negate(op, pLabels, x, result, depth - 1));
    if (isa<arith::MulFOp>(op))
      for (unsigned first = 0; first < 2; ++first)
        if (std::optional<Plan> apart = separate(op, first, pLabels, x, result, depth - 1, kMinGain * plan.cost))
          consider(*apart);
    if (isa<EyeOp>(op))
      if (std::optional<Plan> renamed = rename(pLabels, x, result))
        consider(*renamed);
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
      consider(expand(collapse, pLabels, x, result, depth - 1));
    if (isa<arith::MulFOp, arith::DivFOp>(op))
      for (unsigned factor = 0; factor < (isa<arith::MulFOp>(op) ? 2 : 1); ++factor)
        if (std::optional<Plan> scaled = scale(op, factor, pLabels, x, result, depth - 1))
          consider(*scaled);
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      Labels labels(pLabels);
      for (auto [dim, source] : llvm::enumerate(transpose.getPermutation()))
        labels[source] = pLabels[dim];
      consider(multiply(transpose.getInput(), labels, x, result, depth - 1));
    }
    if (auto inner = dyn_cast<linalg::ContractOp>(op); inner && isPlain(inner))
      for (unsigned first = 0; first < 2; ++first)
        consider(associate(inner, first, pLabels, x, result, depth - 1, kMinGain * plan.cost));
    return plan;
  }

  Plan direct(Value p, const Labels &pLabels, const Factor &x, const Labels &result) {
    double cost = contractionCost(pLabels, x.labels, isActive(p) + x.active) + materialise(p, kMaxDepth);
    return {cost, isActive(p) || x.active, true, once([=, this, left = isLeft] {
              Value other = x.build();
              return left ? contract(builder, root.getLoc(), p, pLabels, other, x.labels, result)
                          : contract(builder, root.getLoc(), other, x.labels, p, pLabels, result);
            })};
  }

  /// (P + Q) x = P x + Q x
  Plan distribute(Operation *sum, const Labels &pLabels, const Factor &x, const Labels &result, int depth) {
    Plan left = multiply(sum->getOperand(0), pLabels, x, result, depth);
    Plan right = multiply(sum->getOperand(1), pLabels, x, result, depth);
    bool isSum = isa<arith::AddFOp>(sum);
    return {left.cost + right.cost + kElementCost * count(result), left.active || right.active, false, once([=, this] {
              Value a = left.build(), b = right.build();
              return isSum ? add(builder, root.getLoc(), a, b) : sub(builder, root.getLoc(), a, b);
            })};
  }

  /// (-P) x = -(P x)
  Plan negate(Operation *op, const Labels &pLabels, const Factor &x, const Labels &result, int depth) {
    Plan inner = multiply(op->getOperand(0), pLabels, x, result, depth);
    return {inner.cost + kElementCost * count(result), inner.active, false,
            once([=, this] { return neg(builder, root.getLoc(), inner.build()); })};
  }

  /// (s P) x = s (P x) where s varies along labels of the result only.
  std::optional<Plan> scale(Operation *product, unsigned factor, const Labels &pLabels, const Factor &x,
                            const Labels &result, int depth) {
    Value p = product->getOperand(factor), s = product->getOperand(1 - factor);
    Labels sLabels;
    std::optional<double> constant = splatValue(s);
    if (auto broadcast = s.getDefiningOp<linalg::BroadcastOp>(); broadcast && !constant) {
      for (auto [dim, label] : llvm::enumerate(pLabels))
        if (!llvm::is_contained(broadcast.getDimensions(), int64_t(dim)))
          sLabels.push_back(label);
      s = broadcast.getInput();
    } else if (!constant) {
      return std::nullopt;
    }
    if (!llvm::all_of(sLabels, [&](int label) { return llvm::is_contained(result, label); }))
      return std::nullopt;
    Plan inner = multiply(p, pLabels, x, result, depth);
    bool isProduct = isa<arith::MulFOp>(product);
    auto build = [=, this] {
      Value value = inner.build();
      SmallVector<int64_t> positions;
      for (int label : sLabels)
        positions.push_back(llvm::find(result, label) - result.begin());
      Value scale = constant ? splatLike(builder, root.getLoc(), value, *constant)
                             : broadcast(builder, root.getLoc(), s, shapeOf(value), positions);
      return isProduct ? mul(builder, root.getLoc(), value, scale) : div(builder, root.getLoc(), value, scale);
    };
    return Plan{inner.cost + kElementCost * count(result), inner.active || isActive(s), false, once(build)};
  }

  /// (P Q) x = P (Q x), or Q (P x): `first` meets x first.
  Plan associate(linalg::ContractOp inner, unsigned first, const Labels &pLabels, const Factor &x, const Labels &result,
                 int depth, double bound) {
    SmallVector<AffineMap> maps = inner.getIndexingMapsArray();
    // Labels of the inner contraction: those of its result are pLabels, the summed ones are new.
    DenseMap<int, int> names;
    for (auto [name, label] : llvm::zip(labelsOf(maps[2]), pLabels))
      names[name] = label;
    Labels labels[2];
    for (unsigned side = 0; side < 2; ++side) {
      for (int name : labelsOf(maps[side])) {
        auto [place, isNew] = names.try_emplace(name, nextLabel);
        nextLabel += isNew;
        labels[side].push_back(place->second);
      }
      bindSizes(labels[side], shapeOf(inner.getInputs()[side]));
    }
    return inTurn({inner.getInputs()[first], labels[first]}, {inner.getInputs()[1 - first], labels[1 - first]}, x,
                  result, depth, bound);
  }

  struct Labelled {
    Value value;
    Labels labels;
  };

  /// Q (P x); of what costs `bound` or more, only that it does.
  Plan inTurn(const Labelled &p, const Labelled &q, const Factor &x, const Labels &result, int depth, double bound) {
    Labels middle;
    for (ArrayRef<int> source : {ArrayRef<int>(x.labels), ArrayRef<int>(p.labels)})
      for (int label : source)
        if (!llvm::is_contained(middle, label) &&
            (llvm::is_contained(result, label) || llvm::is_contained(q.labels, label)))
          middle.push_back(label);
    Plan before = multiply(p.value, p.labels, x, middle, depth);
    if (before.cost >= bound)
      return before;
    Factor product{middle, before.active, before.build};
    Plan after = multiply(q.value, q.labels, product, result, depth);
    return {before.cost + after.cost, after.active, false, after.build};
  }

  /// `value` without the dimensions along which it is repeated.
  static Labelled withoutRepeats(Value value, const Labels &labels) {
    auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
    if (!broadcast)
      return {value, labels};
    Labelled own{broadcast.getInput(), {}};
    for (auto [dim, label] : llvm::enumerate(labels))
      if (!llvm::is_contained(broadcast.getDimensions(), int64_t(dim)))
        own.labels.push_back(label);
    return own;
  }

  /// (P o Q) x = Q (P x): `first` meets x first. Each label must be one of the factors' own.
  std::optional<Plan> separate(Operation *product, unsigned first, const Labels &pLabels, const Factor &x,
                               const Labels &result, int depth, double bound) {
    Labelled p = withoutRepeats(product->getOperand(first), pLabels);
    Labelled q = withoutRepeats(product->getOperand(1 - first), pLabels);
    bool isApart = p.labels.size() < pLabels.size() && !p.labels.empty() && !q.labels.empty();
    bool isWhole = llvm::all_of(
        pLabels, [&](int label) { return llvm::is_contained(p.labels, label) || llvm::is_contained(q.labels, label); });
    if (!isApart || !isWhole)
      return std::nullopt;
    return inTurn(p, q, x, result, depth, bound);
  }

  /// The identity matrix times x, where one of its labels is summed and the other is new.
  std::optional<Plan> rename(const Labels &eye, const Factor &x, const Labels &result) {
    for (unsigned side = 0; side < 2; ++side) {
      int summed = eye[side], other = eye[1 - side];
      auto place = llvm::find(x.labels, summed);
      if (place == x.labels.end() || llvm::is_contained(result, summed) || llvm::is_contained(x.labels, other))
        continue;
      Labels labels(x.labels);
      labels[place - x.labels.begin()] = other;
      if (!std::is_permutation(labels.begin(), labels.end(), result.begin(), result.end()))
        continue;
      return Plan{0, x.active, false,
                  once([=, this] { return transposeLabels(builder, root.getLoc(), x.build(), labels, result); })};
    }
    return std::nullopt;
  }

  /// reshape(P) x = reshape(P reshape(x)): a dimension that was joined comes apart in x and in the result too.
  Plan expand(tensor::CollapseShapeOp collapse, const Labels &pLabels, const Factor &x, const Labels &result,
              int depth) {
    ArrayRef<int64_t> shape = shapeOf(collapse.getSrc());
    Labels labels(shape.size());
    DenseMap<int, Labels> parts;
    for (auto [label, group] : llvm::zip(pLabels, collapse.getReassociationIndices()))
      for (int64_t dim : group) {
        labels[dim] = group.size() == 1 ? label : nextLabel++;
        sizes[labels[dim]] = shape[dim];
        parts[label].push_back(labels[dim]);
      }
    auto apart = [&](const Labels &whole) {
      Labels all;
      for (int label : whole) {
        auto found = parts.find(label);
        all.append(found == parts.end() ? Labels{label} : found->second);
      }
      return all;
    };
    auto shapeFor = [&](const Labels &of) {
      return llvm::map_to_vector(of, [&](int label) { return sizes.lookup(label); });
    };
    Labels xLabels = apart(x.labels);
    auto xShape = shapeFor(xLabels), resultShape = shapeFor(result);
    Factor part{xLabels, x.active, once([=, this] { return reshape(builder, root.getLoc(), x.build(), xShape); })};
    Plan inner = multiply(collapse.getSrc(), labels, part, apart(result), depth);
    return {inner.cost, inner.active, false,
            once([=, this] { return reshape(builder, root.getLoc(), inner.build(), resultShape); })};
  }

  linalg::ContractOp root;
  OpBuilder builder;
  const DenseSet<Value> &active;
  Labels out, operandLabels[2];
  DenseMap<int, int64_t> sizes;
  int nextLabel = 0;
  /// The operand that is looked into stands on the left.
  bool isLeft = true;
  bool alternatives = false;
  bool onlyCosts;
};

/// s (P x) = (s P) x = P (s x): a constant factor goes to the smallest of product and operands, and of the operands of
/// those that are products of their own.
struct ScaleSmallest : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op, PatternRewriter &rewriter) const override {
    for (unsigned factor = 0; factor < 2; ++factor) {
      linalg::ContractOp product = matchOwn(op->getOperand(factor));
      std::optional<double> constant = splatValue(op->getOperand(1 - factor));
      if (!product || !constant)
        continue;
      int64_t least[] = {findLeast(product.getInputs()[0]), findLeast(product.getInputs()[1])};
      unsigned side = least[1] < least[0];
      if (least[side] >= countInWholeBatch(product->getResult(0)))
        return rewriter.notifyMatchFailure(op, "the product is the smallest");
      SmallVector<Value> operands(product.getInputs());
      operands[side] = scale(rewriter, op.getLoc(), operands[side], *constant);
      SmallVector<AffineMap> maps = product.getIndexingMapsArray();
      rewriter.replaceOp(op, contract(rewriter, op.getLoc(), operands[0], labelsOf(maps[0]), operands[1],
                                      labelsOf(maps[1]), labelsOf(maps[2])));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "not a constant times a product of its own");
  }

private:
  static linalg::ContractOp matchOwn(Value value) {
    auto product = value.getDefiningOp<linalg::ContractOp>();
    return product && product->hasOneUse() && isPlain(product) ? product : linalg::ContractOp();
  }

  /// Entries of the smallest tensor whose factor is one of `value`.
  static int64_t findLeast(Value value, int depth = 0) {
    int64_t least = countInWholeBatch(value);
    if (linalg::ContractOp product = depth < kMaxDepth ? matchOwn(value) : linalg::ContractOp())
      for (Value operand : product.getInputs())
        least = std::min(least, findLeast(operand, depth + 1));
    return least;
  }
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Values that change with what a gradient is taken by.
DenseSet<Value> findActive(func::FuncOp program) {
  DenseSet<Value> active;
  for (auto op : program.getOps<GradientOp>())
    active.insert(op.getWrt().begin(), op.getWrt().end());
  for (Operation &op : program.front())
    if (!isa<StopGradientOp>(op) && llvm::any_of(op.getOperands(), [&](Value v) { return active.contains(v); }))
      active.insert(op.result_begin(), op.result_end());
  return active;
}

struct OrderContractionsPass : impl::OrderContractionsBase<OrderContractionsPass> {
  using OrderContractionsBase::OrderContractionsBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<ScaleSmallest>(context);
    populateFactorSumsPatterns(set);
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  void runOnOperation() override {
    auto config =
        GreedyRewriteConfig().enableFolding(false).setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    forEachProgram(getOperation(), [&](func::FuncOp program) {
      // What a rewrite leaves may be improved again, from another operand.
      for (int round = 0; round < kMaxDepth && runOnProgram(program); ++round)
        ;
      (void)applyPatternsGreedily(program, patterns, config);
    });
  }

  bool runOnProgram(func::FuncOp program) {
    DenseSet<Value> active = findActive(program);
    SmallVector<linalg::ContractOp> roots(program.getOps<linalg::ContractOp>());
    bool changed = false;
    // From the last, so that a chain is seen whole before its parts.
    for (linalg::ContractOp root : llvm::reverse(roots)) {
      if (root->use_empty() || !isPlain(root))
        continue;
      changed |= improve(root, active);
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(program.front())))
      if (isOpTriviallyDead(&op))
        op.erase();
    return changed;
  }

  bool improve(linalg::ContractOp root, const DenseSet<Value> &active) {
    Planner planner(root, active, /*onlyCosts=*/true);
    double now = planner.directCost();
    Plan plans[2] = {planner.best(0), planner.best(1)};
    double costs[2] = {plans[0].cost + planner.otherCost(0), plans[1].cost + planner.otherCost(1)};
    unsigned side = costs[1] < costs[0];
    if (plans[side].isDirect || costs[side] >= kMinGain * now) {
      if (explain && planner.hasAlternatives())
        root.emitRemark(llvm::formatv("order kept: no other costs less than {0:f0} multiplications", now).str());
      return false;
    }
    Planner builder(root, active, /*onlyCosts=*/false);
    root->getResult(0).replaceAllUsesWith(builder.best(side).build());
    return true;
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
} // namespace ftc::tune
