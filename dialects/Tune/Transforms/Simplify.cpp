//===- Simplify.cpp - tune-simplify ----------------------------------------===//
//
// Brings programs to a small form by equations (SimplifyPatterns.cpp and every dialect's own canonicalizations), merges
// common subexpressions, and removes what nothing needs: ops, reads, and tensors that neither a program nor a step
// names. Needs nothing to have run before; it runs between all other passes of the rungs `tune` and `backward`.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/EqualOps.h"
#include "dialects/Tune/Transforms/Layers.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Transforms/Patterns.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_SIMPLIFY
#include "dialects/Tune/Transforms/Passes.h.inc"

/// Removes tensors that no op names. Most ops that name one are reads and writes, whose symbols are at hand: a
/// dictionary of their attributes would be made for each.
static void removeUnusedTensors(ModuleOp module) {
  NamedTensors used;
  for (Operation &op : *module.getBody())
    if (auto program = dyn_cast<func::FuncOp>(op))
      used.addAll(program, llvm::IsaPred<ReadOp, WriteOp>);
    else if (isa<SymbolUserOpInterface>(op))
      op.getAttrDictionary().walk([&](FlatSymbolRefAttr symbol) { used.add(symbol.getAttr()); });
  for (TensorOp tensor : llvm::make_early_inc_range(module.getOps<TensorOp>()))
    if (!used.contains(tensor))
      tensor.erase();
}

namespace {
struct SimplifyPass : impl::SimplifyBase<SimplifyPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateSimplifyPatterns(set);
    for (Dialect *dialect : context->getLoadedDialects())
      dialect->getCanonicalizationPatterns(set);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      op.getCanonicalizationPatterns(set, context);
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  void runOnOperation() override {
    forEachProgram(getOperation(), [&](func::FuncOp program) { simplify(program); });
    removeUnusedTensors(getOperation());
  }

  void simplify(func::FuncOp program) {
    // Bodies have one block each: their regions need no simplification of their own. A change puts the ops around it
    // back on the list, so that one iteration over all ops suffices; the driver cannot know it, and says that it
    // failed.
    ChangedOps changed;
    auto config = GreedyRewriteConfig()
                      .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled)
                      .setUseTopDownTraversal(true)
                      .setMaxIterations(1)
                      .setListener(&changed);
    mergeEqualOps(program);
    (void)applyPatternsGreedily(program, patterns, config);
    // Merging makes operands equal, which the patterns of tune.rows look for.
    SmallVector<Operation *> merged = mergeEqualOps(program, changed.take());
    (void)applyOpPatternsGreedily(merged, patterns, config);
    mergeEqualOps(program, changed.take());
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
} // namespace ftc::tune
