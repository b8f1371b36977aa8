//===- SinkChoices.cpp - tune-sink-choices ---------------------------------===//
//
//   select(c, f(x), y) = if c { f(x) } else { y }
//
// where c is one truth value for all entries and f is dear (a decomposition, a product, a sort): what only one side
// needs is computed only if that side is taken. Choices by one condition that need nothing of each other are made by
// one tune.if. Cheap sides stay: an elementwise choice fuses with its neighbours.
//
// After: everything of the rung `backward`, so that no other pass has to see through a tune.if. Before:
// tune-set-precision.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <queue>

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_SINKCHOICES
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

/// Worth a branch.
bool isDear(Operation *op) {
  return isa<linalg::ContractOp, SolveOp, QROp, SVDOp, EigHOp, ArgSortOp, FFTOp, RealFFTOp, FFTToRealOp, RealFFT2Op,
             AttentionOp, AttentionBackwardOp, RowsOp>(op);
}

/// The truth value that decides for all entries, or null.
Value getCondition(arith::SelectOp select) {
  Value condition = select.getCondition();
  if (auto broadcast = condition.getDefiningOp<linalg::BroadcastOp>())
    condition = broadcast.getInput();
  auto type = dyn_cast<RankedTensorType>(condition.getType());
  return type && type.getRank() == 0 ? condition : Value();
}

Value getSide(arith::SelectOp select, bool yes) { return yes ? select.getTrueValue() : select.getFalseValue(); }

/// Choices that become one tune.if.
struct Group {
  Value condition;
  SmallVector<arith::SelectOp> selects;
};

using Ops = llvm::SetVector<Operation *>;

/// The ops that nothing but one side of these choices needs, in the order of the block.
Ops findExclusive(ArrayRef<arith::SelectOp> selects, bool yes) {
  DenseSet<Operation *> choices(selects.begin(), selects.end());
  Ops found; // from the last one, so that all that needs an op is known before it
  auto isNeededThere = [&](OpOperand &use) {
    if (choices.contains(use.getOwner())) {
      auto select = cast<arith::SelectOp>(use.getOwner());
      return use.get() == getSide(select, yes) && use.get() != getSide(select, !yes);
    }
    return found.contains(use.getOwner());
  };
  auto isBefore = [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); };
  std::priority_queue<Operation *, std::vector<Operation *>, decltype(isBefore)> open(isBefore);
  DenseSet<Operation *> seen;
  auto add = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (op && !choices.contains(op) && !isa<ReadOp, IfOp>(op) && isMemoryEffectFree(op) && seen.insert(op).second)
      open.push(op);
  };
  for (arith::SelectOp select : selects)
    add(getSide(select, yes));
  while (!open.empty()) {
    Operation *op = open.top();
    open.pop();
    if (!llvm::all_of(op->getUses(), isNeededThere))
      continue;
    found.insert(op);
    llvm::for_each(op->getOperands(), add);
  }
  return Ops(found.rbegin(), found.rend());
}

class Sinking {
public:
  explicit Sinking(Block &block) : block(block) {}

  void run() {
    SmallVector<Group> groups = findGroups();
    // From the last, so that a choice within a side is part of that side: choices do not nest.
    llvm::sort(groups,
               [](const Group &a, const Group &b) { return b.selects.back()->isBeforeInBlock(a.selects.back()); });
    for (Group &group : groups)
      if (llvm::none_of(group.selects, [&](arith::SelectOp select) { return sunk.contains(select); }))
        build(group);
    if (!groups.empty())
      sortTopologically(&block);
  }

private:
  /// Choices of which a side needs something dear alone.
  SmallVector<Group> findGroups() {
    llvm::MapVector<Value, SmallVector<arith::SelectOp>> byCondition;
    for (auto select : block.getOps<arith::SelectOp>())
      if (Value condition = getCondition(select))
        byCondition[condition].push_back(select);
    SmallVector<Group> groups;
    for (auto &[condition, selects] : byCondition) {
      DenseSet<Operation *> dearOps;
      for (bool yes : {true, false})
        for (Operation *op : findExclusive(selects, yes))
          if (isDear(op) ||
              llvm::any_of(op->getOperands(), [&](Value v) { return dearOps.contains(v.getDefiningOp()); }))
            dearOps.insert(op);
      SmallVector<arith::SelectOp> dear = llvm::filter_to_vector(selects, [&](arith::SelectOp select) {
        return dearOps.contains(select.getTrueValue().getDefiningOp()) ||
               dearOps.contains(select.getFalseValue().getDefiningOp());
      });
      size_t first = groups.size();
      for (arith::SelectOp select : dear) {
        // What needs the result of a group cannot be part of it.
        if (groups.size() == first || needsResultOf(select, groups.back()))
          groups.push_back({condition, {}});
        groups.back().selects.push_back(select);
      }
    }
    return groups;
  }

  static bool needsResultOf(Operation *op, const Group &group) {
    DenseSet<Operation *> seen;
    SmallVector<Operation *> open{op};
    while (!open.empty()) {
      Operation *next = open.pop_back_val();
      for (Value operand : next->getOperands())
        if (Operation *source = operand.getDefiningOp(); source && seen.insert(source).second) {
          if (llvm::is_contained(group.selects, dyn_cast<arith::SelectOp>(source)))
            return true;
          open.push_back(source);
        }
    }
    return false;
  }

  /// What the side needs from outside; constants come along.
  static void collectInputs(ArrayRef<arith::SelectOp> selects, bool yes, const Ops &ops,
                            llvm::SetVector<Value> &inputs) {
    auto add = [&](Value value) {
      Operation *source = value.getDefiningOp();
      if (!source || (!ops.contains(source) && !isConstant(source)))
        inputs.insert(value);
    };
    for (Operation *op : ops)
      llvm::for_each(op->getOperands(), add);
    for (arith::SelectOp select : selects)
      add(getSide(select, yes));
  }

  static bool isConstant(Operation *op) { return isa<arith::ConstantOp, tensor::EmptyOp, linalg::FillOp>(op); }

  static Value bring(Value value, IRMapping &mapping, OpBuilder &builder) {
    Operation *source = value.getDefiningOp();
    if (!mapping.contains(value) && source && isConstant(source)) {
      for (Value operand : source->getOperands())
        bring(operand, mapping, builder);
      builder.clone(*source, mapping);
    }
    return mapping.lookup(value);
  }

  static void fill(Region &side, Group &group, bool yes, const Ops &ops, ArrayRef<Value> inputs) {
    Block &body = side.emplaceBlock();
    IRMapping mapping;
    for (Value input : inputs)
      mapping.map(input, body.addArgument(input.getType(), input.getLoc()));
    OpBuilder builder(group.condition.getContext()); // the side is no part of an op yet
    builder.setInsertionPointToEnd(&body);
    for (Operation *op : ops) {
      for (Value operand : op->getOperands())
        bring(operand, mapping, builder);
      builder.clone(*op, mapping);
    }
    auto results =
        llvm::map_to_vector(group.selects, [&](arith::SelectOp s) { return bring(getSide(s, yes), mapping, builder); });
    IfYieldOp::create(builder, group.selects.front().getLoc(), results);
  }

  void build(Group &group) {
    Ops sides[2] = {findExclusive(group.selects, false), findExclusive(group.selects, true)};
    llvm::SetVector<Value> inputs;
    for (bool yes : {true, false})
      collectInputs(group.selects, yes, sides[yes], inputs);
    arith::SelectOp last = group.selects.back();
    OpBuilder builder(last);
    OperationState state(last.getLoc(), IfOp::getOperationName());
    state.addOperands(group.condition);
    state.addOperands(inputs.getArrayRef());
    for (arith::SelectOp select : group.selects)
      state.addTypes(select.getType());
    fill(*state.addRegion(), group, true, sides[1], inputs.getArrayRef());
    fill(*state.addRegion(), group, false, sides[0], inputs.getArrayRef());
    Operation *choice = builder.create(state);
    for (auto [select, result] : llvm::zip(group.selects, choice->getResults()))
      select.getResult().replaceAllUsesWith(result);
    for (arith::SelectOp select : group.selects)
      select.erase();
    for (Ops &ops : sides)
      for (Operation *op : llvm::reverse(ops)) {
        sunk.insert(op);
        op->erase();
      }
  }

  Block &block;
  DenseSet<Operation *> sunk; ///< gone: only their addresses are known
};

struct SinkChoicesPass : impl::SinkChoicesBase<SinkChoicesPass> {
  void runOnOperation() override {
    forEachProgram(getOperation(), [](func::FuncOp program) {
      isolatePads(program);
      Sinking(program.front()).run();
    });
  }
};
} // namespace
} // namespace ftc::tune
