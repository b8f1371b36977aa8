//===- SliceRows.cpp - tune-slice-rows -------------------------------------===//
//
// Moves what happens to a product that widens its rows (hidden states times the vocabulary) into tune.rows, so that the
// wide values [rows, vocab] exist for `chunk` rows only. With f acting on each row alone,
//
//   f(x W) = rows(c in x) { f(c W) }
//
// The region begins at the product and takes every user of a wide value; ops that use its narrow values and give wide
// ones or one number a row; and the wide values, computed row by row, that these need. It is refused, with a reason
// where `explain` is set, if a wide value is needed whole, or if too little is gained: if what is read of a row is more
// than half as wide as the wide values (a low-rank product inside a layer), or what is left of it not much narrower
// (the products of a feed-forward layer, which the backward pass would do again).
//
// Before: tune-simplify. After: tune-differentiate (the adjoint of tune.rows is a tune.rows), tune-merge-rows.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Transforms/RowRoles.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/MicroBatches.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_SLICEROWS
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

/// How much wider a product is than what is read of its rows, at least.
constexpr int64_t readWidening = 2;

int64_t elementsOf(ArrayRef<int64_t> shape) { return ShapedType::getNumElements(shape); }

/// A constant with equal entries, or what is written over: the same for any number of rows.
bool isShapeless(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_present<tensor::EmptyOp, linalg::FillOp>(op) || matchPattern(value, m_Constant<SplatElementsAttr>({}));
}

//===----------------------------------------------------------------------===//
// Finding
//===----------------------------------------------------------------------===//

/// The ops that one tune.rows will hold.
class Region {
public:
  Region(linalg::ContractOp seed, ArrayRef<int64_t> rows, int64_t wideElements)
      : rows(rows), wideElements(wideElements), seed(seed) {}

  /// Collects the ops; fails with a reason and the op it is about.
  LogicalResult grow() {
    if (failed(join(seed)))
      return failure();
    // Ops behind the last one that uses what is in the region add nothing to it.
    for (Operation *op = seed->getNextNode(); op && !lastUser->isBeforeInBlock(op); op = op->getNextNode())
      if (failed(visit(op)))
        return failure();
    return success();
  }

  bool contains(Value value) const { return value.getDefiningOp() && ops.contains(value.getDefiningOp()); }

  /// Fails unless the product has more entries than twice those that are read and `widening` times those that are left.
  LogicalResult checkWidth(int64_t widening) {
    int64_t entries = 0;
    for (Value value : findSliced())
      entries += readWidening * typeOf(value).getNumElements();
    for (Value value : findResults())
      entries += widening * typeOf(value).getNumElements();
    if (entries <= typeOf(seed->getResult(0)).getNumElements())
      return success();
    return refuse(seed, "what is read and written of a row is too wide");
  }

  /// Values from outside of which the ops need a row at a time, and those of which they need the whole.
  SmallVector<Value> findSliced() const { return findOperands(RowRole::row); }
  SmallVector<Value> findShared() const { return findOperands(RowRole::shared); }

  /// Narrow values that are needed outside.
  SmallVector<Value> findResults() const {
    SmallVector<Value> results;
    for (Operation *op : ops)
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !ops.contains(user); }) && !isWide(result))
          results.push_back(result);
    return results;
  }

  SmallVector<int64_t> rows;
  int64_t wideElements;
  linalg::ContractOp seed;
  llvm::SetVector<Operation *> ops;
  std::string reason;
  Operation *culprit = nullptr;

private:
  SmallVector<Value> findOperands(RowRole wanted) const {
    llvm::SetVector<Value> found;
    std::string why;
    for (Operation *op : ops)
      for (auto [operand, role] : llvm::zip(op->getOperands(), getRowRoles(op, rows, why)))
        if (role == wanted && !contains(operand) && !isShapeless(operand))
          found.insert(operand);
    return found.takeVector();
  }

  bool isWide(Value value) const {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && type.getNumElements() >= wideElements;
  }
  bool isOneNumberARow(Value value) const {
    return hasRows(value, rows) && typeOf(value).getNumElements() == elementsOf(rows);
  }

  LogicalResult refuse(Operation *op, const Twine &why) {
    reason = why.str();
    culprit = op;
    return failure();
  }

  /// Takes in `op` and the wide values it needs, as far as they are computed row by row.
  LogicalResult join(Operation *op) {
    if (ops.contains(op))
      return success();
    std::string why;
    SmallVector<RowRole> roles = getRowRoles(op, rows, why);
    if (roles.empty())
      return refuse(op, why);
    for (auto [operand, role] : llvm::zip(op->getOperands(), roles)) {
      if (role == RowRole::shared && (contains(operand) || after.contains(operand)))
        return refuse(op, "'" + op->getName().getStringRef() + "' needs every row");
      Operation *source = operand.getDefiningOp();
      if (role != RowRole::row || !source || isShapeless(operand) || !isWide(operand))
        continue;
      if (!getRowRoles(source, rows, why).empty() && failed(join(source)))
        return failure();
    }
    ops.insert(op);
    for (Operation *user : op->getUsers()) {
      Operation *here = op->getBlock()->findAncestorOpInBlock(*user);
      lastUser = lastUser->isBeforeInBlock(here) ? here : lastUser;
    }
    return success();
  }

  /// Decides on an op that stands after the seed: in, out, or out and depending on what is in.
  LogicalResult visit(Operation *op) {
    auto in = [&](Value v) { return contains(v); };
    auto isAfter = [&](Value v) { return after.contains(v); };
    bool dependsOnAfter = llvm::any_of(op->getOperands(), isAfter);
    if (ops.contains(op) || (!dependsOnAfter && !llvm::any_of(op->getOperands(), in)))
      return success();
    if (llvm::any_of(op->getOperands(), [&](Value v) { return contains(v) && isWide(v); })) {
      if (dependsOnAfter)
        return refuse(op, "'" + op->getName().getStringRef() + "' depends on a wide value in a way not row by row");
      return join(op);
    }
    std::string why;
    bool mayJoin = !dependsOnAfter && op->getNumResults() == 1 &&
                   (isWide(op->getResult(0)) || isOneNumberARow(op->getResult(0))) &&
                   !getRowRoles(op, rows, why).empty() && !isa<linalg::ContractOp>(op);
    if (mayJoin)
      return join(op);
    after.insert(op->result_begin(), op->result_end());
    return success();
  }

  /// Values that depend on the region and are not in it, as far as ops were visited.
  DenseSet<Value> after;
  Operation *lastUser = seed; ///< of what is in the region
};

//===----------------------------------------------------------------------===//
// Outlining
//===----------------------------------------------------------------------===//

/// Builds the tune.rows of a region. Inside, the leading dimensions of sizes `rows` become [1, ..., 1, chunk].
class Outliner {
public:
  Outliner(Region &region, int64_t chunk)
      : region(region), depth(region.rows.size()), numRows(elementsOf(region.rows)), chunk(chunk),
        inside(region.rows.size(), 1), outer(region.seed->getContext()), inner(outer), sliced(region.findSliced()),
        shared(region.findShared()) {
    inside.back() = chunk;
  }

  void run() {
    ordered.assign(region.ops.begin(), region.ops.end());
    llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    outer.setInsertionPointAfter(ordered.back());
    SmallVector<Value> slicedOperands;
    for (Value operand : sliced)
      slicedOperands.push_back(reshape(outer, operand.getLoc(), operand, withRows(operand, {numRows})));
    SmallVector<Value> results = region.findResults();
    SmallVector<Type> types;
    for (Value result : results)
      types.push_back(typeOf(result).clone(withRows(result, {numRows})));
    auto rows = RowsOp::create(outer, region.seed.getLoc(), types, slicedOperands, shared, chunk);
    buildBody(rows, results);
    for (auto [result, flat] : llvm::zip(results, rows.getResults())) {
      Value replacement = reshape(outer, result.getLoc(), flat, shapeOf(result));
      result.replaceUsesWithIf(replacement, [&](OpOperand &use) { return !region.ops.contains(use.getOwner()); });
    }
    for (Operation *op : llvm::reverse(ordered))
      if (op->use_empty())
        op->erase();
  }

private:
  /// The shape of `value` with other leading dimensions.
  SmallVector<int64_t> withRows(Value value, ArrayRef<int64_t> leading) const {
    SmallVector<int64_t> shape(leading);
    llvm::append_range(shape, shapeOf(value).drop_front(depth));
    return shape;
  }

  void buildBody(RowsOp rows, ArrayRef<Value> results) {
    inner.setInsertionPointToEnd(rows.getBody());
    for (auto [operand, argument] : llvm::zip(sliced, rows.getSlicedArguments()))
      mapping.map(operand, reshape(inner, operand.getLoc(), argument, withRows(operand, inside)));
    mapping.map(shared, rows.getSharedArguments());
    std::string reason;
    for (Operation *op : ordered) {
      for (auto [operand, role] : llvm::zip(op->getOperands(), getRowRoles(op, region.rows, reason)))
        if (!mapping.contains(operand))
          mapping.map(operand, cloneShapeless(operand, role == RowRole::shared));
      cloneForChunk(op);
    }
    SmallVector<Value> yields;
    for (Value result : results)
      yields.push_back(reshape(inner, result.getLoc(), mapping.lookup(result), withRows(result, {chunk})));
    YieldOp::create(inner, rows.getLoc(), yields, ValueRange());
  }

  /// Clones a constant or an init into the body, for a chunk's rows unless it is shared.
  Value cloneShapeless(Value value, bool isShared) {
    Operation *op = value.getDefiningOp();
    if (auto fill = dyn_cast<linalg::FillOp>(op)) {
      mapping.map(fill.getInputs()[0], inner.clone(*fill.getInputs()[0].getDefiningOp())->getResult(0));
      mapping.map(fill.getOutputs()[0], cloneShapeless(fill.getOutputs()[0], isShared));
      return cloneForChunk(op, isShared)->getResult(0);
    }
    if (auto constant = dyn_cast<arith::ConstantOp>(op); constant && !isShared) {
      auto splat = cast<SplatElementsAttr>(constant.getValue());
      return arith::ConstantOp::create(inner, op->getLoc(),
                                       splat.resizeSplat(typeOf(value).clone(withRows(value, inside))));
    }
    return cloneForChunk(op, isShared)->getResult(0);
  }

  Operation *cloneForChunk(Operation *op, bool isShared = false) {
    Operation *copy = inner.clone(*op, mapping);
    if (isShared)
      return copy;
    for (Value result : copy->getResults())
      result.setType(typeOf(result).clone(withRows(result, inside)));
    auto setRows = [&](ArrayRef<int64_t> shape) {
      SmallVector<int64_t> changed(shape);
      llvm::copy(inside, changed.begin());
      return changed;
    };
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(copy))
      slice.setStaticSizes(setRows(slice.getStaticSizes()));
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(copy))
      expand.setStaticOutputShape(setRows(expand.getStaticOutputShape()));
    return copy;
  }

  Region &region;
  size_t depth;
  int64_t numRows, chunk;
  SmallVector<int64_t> inside;
  OpBuilder outer, inner;
  SmallVector<Operation *> ordered;
  SmallVector<Value> sliced, shared;
  IRMapping mapping;
};

/// Rows that are worth reading a matrix once more for.
constexpr int64_t leastRows = 128;

/// The largest divisor of `rows` that is at most `limit`, and at most half of the rows where that is enough; that of
/// all micro-batches where it divides the rows of one.
int64_t chooseChunk(int64_t rows, int64_t limit, int64_t microBatches) {
  auto choose = [&](int64_t rows) {
    int64_t chunk = std::min({rows, limit, std::max(rows / 2, leastRows)});
    while (rows % chunk)
      --chunk;
    return chunk;
  };
  int64_t chunk = choose(rows * microBatches);
  return rows % chunk ? choose(rows) : chunk;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct SliceRowsPass : impl::SliceRowsBase<SliceRowsPass> {
  using SliceRowsBase::SliceRowsBase;

  void runOnOperation() override {
    forEachProgram(getOperation(), [&](func::FuncOp program) {
      isolatePads(program);
      runOnProgram(program);
    });
  }

  void runOnProgram(func::FuncOp program) {
    DenseSet<Operation *> refused;
    for (bool changed = true; changed;) {
      changed = false;
      for (auto seed : program.getOps<linalg::ContractOp>()) {
        SmallVector<int64_t> rows = findRows(seed, countMicroBatches(program));
        if (rows.empty() || refused.contains(seed))
          continue;
        Region region(seed, rows, typeOf(seed->getResult(0)).getNumElements() / 2);
        if (failed(region.grow()) || failed(region.checkWidth(widening))) {
          refused.insert(seed);
          if (explain) {
            InFlightDiagnostic remark = seed.emitRemark("not sliced into rows: ") << region.reason;
            remark.attachNote(region.culprit->getLoc()) << "here";
          }
          continue;
        }
        Outliner(region, chooseChunk(elementsOf(rows), chunk, countMicroBatches(program))).run();
        sortTopologically(&program.front());
        changed = true;
        break;
      }
    }
  }

  /// The sizes of the leading dimensions that index the rows of a product that widens them, if it is one.
  SmallVector<int64_t> findRows(linalg::ContractOp op, int64_t microBatches) {
    RankedTensorType type = typeOf(op->getResult(0));
    std::string reason;
    SmallVector<int64_t> best;
    for (size_t depth = 1; depth < size_t(type.getRank()); ++depth) {
      ArrayRef<int64_t> rows = type.getShape().take_front(depth);
      SmallVector<RowRole> roles = getRowRoles(op, rows, reason);
      if (roles.empty() || llvm::count(roles, RowRole::row) != 1)
        break;
      Value narrow = op.getInputs()[roles[0] == RowRole::row ? 0 : 1];
      if (type.getNumElements() * microBatches >= minElements &&
          type.getNumElements() >= readWidening * typeOf(narrow).getNumElements())
        best.assign(rows.begin(), rows.end());
    }
    return best;
  }
};
} // namespace
} // namespace ftc::tune
