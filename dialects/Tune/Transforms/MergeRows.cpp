//===- MergeRows.cpp - tune-merge-rows -------------------------------------===//
//
// Makes one loop of two that go over the same rows with the same shared tensors, where the second needs nothing of the
// first:
//
//   rows(c in x) { f(c) }, rows(c in x) { g(c) } = rows(c in x) { (f(c), g(c)) }
//
// The backward loop of a loss repeats the forward loop's body; where its cotangents do not depend on the forward
// results (cross-entropy), the repeated part is common after tune-simplify: one pass over the logits instead of two.
//
// Before: tune-differentiate. After: tune-simplify.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_MERGEROWS
#include "dialects/Tune/Transforms/Passes.h.inc"

/// Whether `op` needs a result of `other`, directly or not. Both stand in one block.
static bool dependsOn(Operation *op, Operation *other) {
  SmallVector<Operation *> work{op};
  DenseSet<Operation *> seen;
  while (!work.empty()) {
    Operation *next = work.pop_back_val();
    if (next == other)
      return true;
    for (Value operand : next->getOperands())
      if (Operation *source = operand.getDefiningOp(); source && seen.insert(source).second)
        work.push_back(source);
  }
  return false;
}

static bool haveCommon(ValueRange a, ValueRange b) {
  return llvm::any_of(a, [&](Value value) { return llvm::is_contained(b, value); });
}

static bool canMerge(RowsOp first, RowsOp second) {
  return first.getNumRows() == second.getNumRows() && first.getChunk() == second.getChunk() &&
         haveCommon(first.getSliced(), second.getSliced()) && haveCommon(first.getShared(), second.getShared()) &&
         !dependsOn(second, first);
}

/// Puts both bodies into one loop in `second`'s place. Users of `first`'s results may stand before it then.
static void merge(RowsOp first, RowsOp second) {
  OpBuilder builder(second);
  SmallVector<Value> sliced(first.getSliced()), shared(first.getShared());
  llvm::append_range(sliced, second.getSliced());
  llvm::append_range(shared, second.getShared());
  SmallVector<Value> results(first.getSlicedResults());
  llvm::append_range(results, second.getSlicedResults());
  llvm::append_range(results, first.getSummedResults());
  llvm::append_range(results, second.getSummedResults());
  auto rows =
      RowsOp::create(builder, second.getLoc(), TypeRange(ValueRange(results)), sliced, shared, first.getChunk());

  builder.setInsertionPointToEnd(rows.getBody());
  SmallVector<Value> yieldSliced, yieldSummed;
  auto slicedArguments = rows.getSlicedArguments();
  auto sharedArguments = rows.getSharedArguments();
  for (RowsOp op : {first, second}) {
    IRMapping mapping;
    mapping.map(op.getSlicedArguments(), slicedArguments.take_front(op.getSliced().size()));
    mapping.map(op.getSharedArguments(), sharedArguments.take_front(op.getShared().size()));
    slicedArguments = slicedArguments.drop_front(op.getSliced().size());
    sharedArguments = sharedArguments.drop_front(op.getShared().size());
    for (Operation &inside : op.getBody()->without_terminator())
      builder.clone(inside, mapping);
    for (Value value : op.getYield().getSliced())
      yieldSliced.push_back(mapping.lookup(value));
    for (Value value : op.getYield().getSummed())
      yieldSummed.push_back(mapping.lookup(value));
  }
  YieldOp::create(builder, rows.getLoc(), yieldSliced, yieldSummed);
  for (auto [old, result] : llvm::zip(results, rows.getResults()))
    old.replaceAllUsesWith(result);
  first.erase();
  second.erase();
}

static bool mergeOnePair(func::FuncOp program) {
  SmallVector<RowsOp> loops(program.getOps<RowsOp>());
  for (auto [index, first] : llvm::enumerate(loops))
    for (RowsOp second : ArrayRef(loops).drop_front(index + 1))
      if (canMerge(first, second)) {
        merge(first, second);
        return true;
      }
  return false;
}

namespace {
struct MergeRowsPass : impl::MergeRowsBase<MergeRowsPass> {
  void runOnOperation() override {
    forEachProgram(getOperation(), [&](func::FuncOp program) {
      while (mergeOnePair(program))
        sortTopologically(&program.front());
    });
  }
};
} // namespace
} // namespace ftc::tune
