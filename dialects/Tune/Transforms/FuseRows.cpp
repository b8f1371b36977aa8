//===- FuseRows.cpp - tune-fuse-rows: ops that share their rows become one kernel ------===//
//
// A row is an entry of the leading dimensions. Elementwise ops, reductions along what is within a row, and indexed
// accesses are grouped into `tune.fused`, so that only what others need is stored. Where an element comes from
// (reshapes, broadcasts, transposes, slices) costs nothing inside a kernel: such ops are copied into each group.
//
// Groups have levels: a group depends only on groups and other ops of lower levels, so that groups of equal level may
// be joined and no cycle can arise. A lower one that reads tensors alone, and that nothing else needs, waits. So an
// update is one kernel for each tensor; scalars that several need, and sums of several, are kernels of their own, of
// each layer one.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Transforms/RowAlignment.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/LayerNames.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace ftc::tune {

#define GEN_PASS_DEF_FUSEROWS
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

/// How often in a row a kernel may read its own values at other places: two may double what is written down.
constexpr unsigned kMostShifts = 4;

struct Group {
  unsigned level;
  RowCounts rows;
  SmallVector<Operation *> ops;
  std::optional<int64_t> layer; ///< of the tensors whose sums a group of scalars takes
};

/// Groups the ops of one block.
class Grouping {
public:
  /// `copied`: ops that are copied into the kernels of their users, besides lazy ones.
  Grouping(Block &block, DenseSet<Operation *> copied) : block(block), copied(std::move(copied)) {}

  void run() {
    findPrivateProducers();
    for (Operation &op : block.without_terminator()) {
      if (isCopied(&op))
        continue;
      if (isRowOp(&op))
        place(&op);
      else
        levels[&op] = getLevelAbove(&op);
    }
    for (auto &group : groups)
      if (group)
        materialize(*group);
    sortTopologically(&block);
    eraseUnused(block, copied);
  }

private:
  /// A sum across rows cannot share them with what it sums: elementwise ops that only such sums use are copied into
  /// their kernels.
  void findPrivateProducers() {
    for (Operation &op : llvm::reverse(block.without_terminator()))
      if (isRowOp(&op) && OpTrait::hasElementwiseMappableTraits(&op) && !op.use_empty() &&
          llvm::all_of(op.getUsers(), [&](Operation *user) { return isSumAcrossRows(user) || copied.contains(user); }))
        copied.insert(&op);
  }

  bool isCopied(Operation *op) { return isLazy(op) || copied.contains(op); }

  /// The ops that `op` gets its operands from, seen through what is copied into groups.
  struct Source {
    Operation *op;
    RowCounts rows; ///< for which the path from it to the operand stays in the row
  };
  void collectSources(Value value, const RowCounts &rows, SmallVectorImpl<Source> &sources) {
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != &block || op->getNumOperands() + op->getNumRegions() == 0)
      return; // what has no operands is ready at any time
    if (!isCopied(op)) {
      sources.push_back({op, rows});
      return;
    }
    RowCounts inner = rows.intersect(getAlignedRows(op));
    for (Value operand : op->getOperands())
      collectSources(operand, inner, sources);
  }
  SmallVector<Source> getSources(Operation *op) {
    SmallVector<Source> sources;
    RowCounts rows = getAlignedRows(op);
    for (OpOperand &operand : op->getOpOperands())
      collectSources(operand.get(), readsOtherRows(operand) ? RowCounts() : rows, sources);
    return sources;
  }

  unsigned getLevelAbove(Operation *op) {
    SmallVector<Source> sources;
    for (Value operand : op->getOperands())
      collectSources(operand, RowCounts(), sources);
    unsigned level = 0;
    for (Source &source : sources)
      level = std::max(level, getLevel(source.op) + 1);
    return level;
  }

  unsigned getLevel(Operation *op) {
    auto group = groupOf.find(op);
    return group != groupOf.end() ? groups[group->second]->level : levels.lookup(op);
  }

  /// Joins the groups of the operands that are on the highest level and those below that can wait for `op`, only the
  /// former if that is too much for a kernel, or begins a group.
  void place(Operation *op) {
    SmallVector<Source> sources = getSources(op), mayJoin, highest, all;
    unsigned level = 0, above = 0;
    for (const Source &source : sources) {
      bool isOfGroup = groupOf.contains(source.op) && !standsApart(source.op, op);
      level = std::max(level, getLevel(source.op) + (isOfGroup ? 0 : 1));
      above = std::max(above, getLevel(source.op) + 1);
      if (isOfGroup)
        mayJoin.push_back(source);
    }
    for (const Source &source : mayJoin) {
      bool isHighest = getLevel(source.op) == level;
      if (isHighest)
        highest.push_back(source);
      if (isHighest || canWait(*groups[groupOf.lookup(source.op)], op))
        all.push_back(source);
    }
    std::optional<int64_t> layer = findTermLayer(op, sources);
    if (join(op, level, layer, all) || (highest.size() < all.size() && join(op, level, layer, highest)))
      return;
    groupOf[op] = groups.size();
    groups.push_back(Group{above, getAlignedRows(op), {op}, layer});
    shifts[op] = 0;
  }

  /// Adds `op`, a term of that layer if it is one, to the groups of some of its operands, which become one of that
  /// level; false if there are none or they cannot be one kernel with it.
  bool join(Operation *op, unsigned level, std::optional<int64_t> layer, ArrayRef<Source> sources) {
    SmallVector<size_t> joined;
    RowCounts rows = getAlignedRows(op);
    size_t count = 1;
    for (const Source &source : sources) {
      size_t group = groupOf.lookup(source.op);
      rows = rows.intersect(source.rows);
      if (llvm::is_contained(joined, group))
        continue;
      joined.push_back(group);
      rows = rows.intersect(groups[group]->rows);
      count += groups[group]->ops.size();
    }
    unsigned shifted = countShifts(op, joined);
    if (joined.empty() || !rows.isWorthwhile() || count > kMostKernelOps ||
        countBuffers(op, joined) > kMostKernelBuffers || shifted > kMostShifts || repeatsSums(op, joined) ||
        addsUnrelated(op, joined) || crossesLayers(layer, joined))
      return false;
    shifts[op] = shifted;
    Group &first = *groups[joined.front()];
    for (size_t other : ArrayRef(joined).drop_front()) {
      for (Operation *member : groups[other]->ops)
        groupOf[member] = joined.front();
      first.ops.append(groups[other]->ops);
      groups[other].reset();
    }
    first.ops.push_back(op);
    first.rows = rows;
    first.level = level;
    if (layer)
      first.layer = layer;
    groupOf[op] = joined.front();
    return true;
  }

  static bool isScalar(Operation *op) {
    return llvm::all_of(op->getResultTypes(), [](Type type) {
      auto ranked = dyn_cast<RankedTensorType>(type);
      return !ranked || ranked.getRank() == 0;
    });
  }

  /// Whether all that a group takes lies in tensors and nothing needs what it makes but `op` and writes: it may be
  /// computed when `op` is, which keeps nothing alive for longer.
  bool canWait(const Group &group, Operation *op) {
    SmallPtrSet<Operation *, 16> members(group.ops.begin(), group.ops.end());
    auto inputs = collectInputs(members);
    members.insert(op);
    return llvm::all_of(inputs, [](Value input) { return input.getDefiningOp<ReadOp>() != nullptr; }) &&
           llvm::all_of(group.ops, [&](Operation *member) {
             return llvm::all_of(member->getUsers(),
                                 [&](Operation *user) { return isa<WriteOp>(user) || !isUsedOutside(user, members); });
           });
  }

  /// Whether `op`, with rows, reads a scalar of a group of scalars that others need too: it is found once, for all of
  /// them, so that what they do with it is the same kernel for equal shapes.
  bool standsApart(Operation *source, Operation *op) {
    if (isScalar(op) || !isScalar(source))
      return false;
    const Group &group = *groups[groupOf.lookup(source)];
    SmallPtrSet<Operation *, 16> members(group.ops.begin(), group.ops.end());
    members.insert(op);
    auto isShared = [&](Operation *member) {
      return llvm::any_of(member->getResults(), [&](Value result) { return isOutput(result, members); });
    };
    return isOfScalars(groupOf.lookup(source)) && llvm::any_of(group.ops, isShared);
  }

  /// Whether `op` joins sums of different tensors to one scalar: they have nothing in common, and as kernels of their
  /// own those of equal shapes are the same.
  bool addsUnrelated(Operation *op, ArrayRef<size_t> joined) {
    if (joined.size() < 2 || !isScalar(op))
      return false;
    llvm::SmallDenseSet<Value> seen;
    for (size_t group : joined) {
      auto inputs = collectInputs(SmallPtrSet<Operation *, 16>(groups[group]->ops.begin(), groups[group]->ops.end()));
      bool isRelated = seen.empty() || llvm::any_of(inputs, [&](Value input) { return seen.contains(input); });
      if (!isRelated && !isOfScalars(group))
        return true;
      seen.insert_range(inputs);
    }
    return false;
  }

  bool isOfScalars(size_t group) { return llvm::all_of(groups[group]->ops, isScalar); }

  /// The layer of the tensors that a group sums or changes, or of those of products that it sums, the last of several.
  std::optional<int64_t> findLayer(size_t group) {
    if (isOfScalars(group))
      return groups[group]->layer;
    std::optional<int64_t> layer;
    auto add = [&](Value value) {
      if (auto read = value.getDefiningOp<ReadOp>())
        layer = std::max(layer, getLayer(read.getTensor())); // nothing is less than any number
    };
    ArrayRef<Operation *> ops = groups[group]->ops;
    for (Value input : collectInputs(SmallPtrSet<Operation *, 16>(ops.begin(), ops.end()))) {
      add(input);
      if (Operation *from = input.getDefiningOp())
        llvm::for_each(from->getOperands(), add);
    }
    return layer;
  }

  /// The layer of what a scalar is made of; of a sum, of what is added last.
  std::optional<int64_t> findTermLayer(Operation *op, ArrayRef<Source> sources) {
    std::optional<int64_t> layer;
    if (isScalar(op))
      for (const Source &source : sources)
        if (auto group = groupOf.find(source.op); group != groupOf.end())
          if (std::optional<int64_t> found = findLayer(group->second))
            layer = found;
    return layer;
  }

  /// Whether a term of that layer would be added to a sum over tensors of another one: there is a kernel for each
  /// layer, so that it is the same one for all that are alike.
  bool crossesLayers(std::optional<int64_t> layer, ArrayRef<size_t> joined) {
    return layer && llvm::any_of(joined, [&](size_t group) {
             return isOfScalars(group) && groups[group]->layer && groups[group]->layer != layer;
           });
  }

  /// What members read from outside, seen through what is copied.
  llvm::SmallDenseSet<Value> collectInputs(const SmallPtrSetImpl<Operation *> &members) {
    SmallVector<Value> work;
    for (Operation *member : members)
      llvm::append_range(work, member->getOperands());
    llvm::SmallDenseSet<Value> inputs, seen;
    while (!work.empty()) {
      Value value = work.pop_back_val();
      Operation *from = value.getDefiningOp();
      if (!seen.insert(value).second || (from && members.contains(from)))
        continue;
      if (from && from->getBlock() == &block && isCopied(from))
        llvm::append_range(work, from->getOperands());
      else
        inputs.insert(value);
    }
    return inputs;
  }

  /// The most inputs and outputs of a kernel of the joined groups and `op`: ops that are placed later can only take
  /// outputs away, or are counted when they are placed.
  size_t countBuffers(Operation *op, ArrayRef<size_t> joined) {
    SmallPtrSet<Operation *, 16> members = {op};
    for (size_t group : joined)
      members.insert_range(groups[group]->ops);
    size_t outputs = 0;
    for (Operation *member : members)
      outputs += llvm::count_if(member->getResults(), [&](Value result) { return isOutput(result, members); });
    return collectInputs(members).size() + outputs;
  }

  bool isIn(Operation *op, ArrayRef<size_t> joined) {
    auto group = groupOf.find(op);
    return group != groupOf.end() && llvm::is_contained(joined, group->second);
  }

  static bool isShift(Operation *op) {
    return isa<tensor::ExtractSliceOp, tensor::PadOp, tensor::ConcatOp, ReverseOp>(op);
  }

  /// How often in a row values of the joined groups are read at other places on the way to `op`; nothing if it reads
  /// none of them.
  std::optional<unsigned> countShifts(Operation *op, ArrayRef<size_t> joined,
                                      DenseMap<Operation *, std::optional<unsigned>> &known) {
    auto [place, isNew] = known.try_emplace(op);
    if (!isNew)
      return place->second;
    std::optional<unsigned> most;
    for (Value operand : op->getOperands()) {
      Operation *from = operand.getDefiningOp();
      if (!from || from->getBlock() != &block)
        continue;
      std::optional<unsigned> count;
      if (isCopied(from))
        count = countShifts(from, joined, known);
      else if (isIn(from, joined))
        count = shifts.lookup(from);
      most = std::max(most, count); // nothing is less than any number
    }
    if (most && isShift(op))
      ++*most;
    return known[op] = most;
  }
  unsigned countShifts(Operation *op, ArrayRef<size_t> joined) {
    DenseMap<Operation *, std::optional<unsigned>> known;
    return countShifts(op, joined, known).value_or(0);
  }

  using Dims = llvm::SmallDenseSet<int64_t, 4>;

  /// The dimensions of `value` along which sums of the joined groups vary that it is made of.
  Dims findSummed(Value value, ArrayRef<size_t> joined, DenseMap<Value, Dims> &known) {
    if (auto found = known.find(value); found != known.end())
      return found->second;
    Dims dims;
    auto type = dyn_cast<RankedTensorType>(value.getType());
    Operation *op = value.getDefiningOp();
    if (!type || !op || op->getBlock() != &block || (!isCopied(op) && !isIn(op, joined)))
      return dims;
    auto all = llvm::seq<int64_t>(0, type.getRank());
    if (isa<linalg::ReduceOp>(op))
      dims.insert(all.begin(), all.end());
    else
      for (Value operand : op->getOperands()) {
        Dims inner = findSummed(operand, joined, known);
        if (inner.empty())
          continue;
        if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op)) {
          int64_t own = 0;
          for (int64_t dim : all)
            if (!llvm::is_contained(broadcast.getDimensions(), dim) && inner.contains(own++))
              dims.insert(dim);
        } else if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
          for (int64_t dim : all)
            if (inner.contains(transpose.getPermutation()[dim]))
              dims.insert(dim);
        } else if (OpTrait::hasElementwiseMappableTraits(op) || isShift(op))
          dims.insert(inner.begin(), inner.end());
        else
          dims.insert(all.begin(), all.end());
      }
    known[value] = dims;
    return dims;
  }

  /// Whether `op` is a sum inside which another one of the joined groups would be found again for each of its elements.
  bool repeatsSums(Operation *op, ArrayRef<size_t> joined) {
    auto reduce = dyn_cast<linalg::ReduceOp>(op);
    if (!reduce || joined.empty())
      return false;
    Value input = reduce.getInputs()[0];
    DenseMap<Value, Dims> known;
    Dims summed = findSummed(input, joined, known);
    bool varies = llvm::any_of(reduce.getDimensions(), [&](int64_t dim) { return summed.contains(dim); });
    auto type = cast<RankedTensorType>(input.getType());
    return varies && llvm::any_of(llvm::seq<int64_t>(0, type.getRank()), [&](int64_t dim) {
             return type.getDimSize(dim) > 1 && !summed.contains(dim) &&
                    !llvm::is_contained(reduce.getDimensions(), dim);
           });
  }

  /// Copies `value` into the body: as an argument, or as what it is made of.
  Value copyInto(Value value, FusedOp fused, SmallVectorImpl<Value> &inputs, IRMapping &mapping, OpBuilder &builder) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (op && op->getBlock() == &block && isCopied(op)) {
      for (Value operand : op->getOperands())
        copyInto(operand, fused, inputs, mapping, builder);
      builder.clone(*op, mapping);
      return mapping.lookup(value);
    }
    inputs.push_back(value);
    Value argument = fused.getBody()->addArgument(value.getType(), value.getLoc());
    mapping.map(value, argument);
    return argument;
  }

  void materialize(Group &group) {
    llvm::sort(group.ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    SmallPtrSet<Operation *, 16> members(group.ops.begin(), group.ops.end());
    SmallVector<Value> outputs;
    for (Operation *op : group.ops)
      for (Value result : op->getResults())
        if (isOutput(result, members))
          outputs.push_back(result);
    OpBuilder builder(group.ops.back());
    OperationState state(group.ops.front()->getLoc(), FusedOp::getOperationName());
    state.addTypes(ValueRange(outputs).getTypes());
    state.addRegion()->emplaceBlock();
    auto fused = cast<FusedOp>(builder.create(state));
    builder.setInsertionPointToEnd(fused.getBody());
    IRMapping mapping;
    SmallVector<Value> inputs;
    for (Operation *op : group.ops) {
      for (Value operand : op->getOperands())
        copyInto(operand, fused, inputs, mapping, builder);
      builder.clone(*op, mapping);
    }
    auto yields = llvm::map_to_vector(outputs, [&](Value value) { return mapping.lookup(value); });
    FusedYieldOp::create(builder, state.location, yields);
    fused->setOperands(inputs);
    for (auto [value, result] : llvm::zip_equal(outputs, fused.getResults()))
      value.replaceUsesWithIf(result, [&](OpOperand &use) { return !members.contains(use.getOwner()); });
  }

  bool isOutput(Value result, const SmallPtrSetImpl<Operation *> &members) {
    return llvm::any_of(result.getUsers(), [&](Operation *user) { return isUsedOutside(user, members); });
  }

  /// Whether a user of a member's result, seen through what is copied, is something else than a member.
  bool isUsedOutside(Operation *user, const SmallPtrSetImpl<Operation *> &members) {
    if (members.contains(user))
      return false;
    if (user->getBlock() != &block || !isCopied(user))
      return true;
    return llvm::any_of(user->getUsers(), [&](Operation *next) { return isUsedOutside(next, members); });
  }

  Block &block;
  DenseSet<Operation *> copied;
  std::vector<std::optional<Group>> groups;
  DenseMap<Operation *, size_t> groupOf;
  DenseMap<Operation *, unsigned> levels; ///< of ops outside groups
  DenseMap<Operation *, unsigned> shifts; ///< of ops in groups, see countShifts
};

/// What is written to a tensor is computed where its operands are there, which need not be kept to the program's end
/// then, but after everything that reads what the tensor holds.
static void hoistWritten(Block &block) {
  // An op that was moved stands right behind the one that it was moved to.
  DenseMap<Operation *, std::pair<size_t, size_t>> places;
  for (auto [index, op] : llvm::enumerate(block))
    places[&op] = {index, 0};
  llvm::StringMap<SmallVector<Operation *>> readers;
  for (auto read : block.getOps<ReadOp>())
    for (Operation *user : read->getUsers())
      readers[read.getTensor()].push_back(block.findAncestorOpInBlock(*user));
  size_t moved = 0;
  for (auto write : block.getOps<WriteOp>()) {
    Operation *op = write.getValue().getDefiningOp();
    bool isAlone = op && op->getBlock() == &block && op->getNumOperands() > 0 && isMemoryEffectFree(op) &&
                   (op->getNumRegions() == 0 || op->hasTrait<OpTrait::IsIsolatedFromAbove>());
    if (!isAlone || !llvm::all_of(op->getUsers(), llvm::IsaPred<WriteOp>))
      continue;
    Operation *last = nullptr;
    auto add = [&](Operation *before) {
      if (before && before != op && (!last || places[last] < places[before]))
        last = before;
    };
    for (Value operand : op->getOperands())
      add(operand.getDefiningOp());
    for (Operation *user : op->getUsers())
      for (Operation *reader : readers[cast<WriteOp>(user).getTensor()])
        add(reader);
    if (!last || places[op] < places[last])
      continue;
    op->moveAfter(last);
    places[op] = {places[last].first, ++moved};
  }
}

class FuseRows : public impl::FuseRowsBase<FuseRows> {
  void runOnOperation() override {
    forEachProgram(getOperation(), [](func::FuncOp program) {
      isolatePads(program);
      if (!program->hasAttr(TuneDialect::kProgramAttrName))
        return;
      for (Block *block : getKernelBlocks(program)) {
        splitSums(*block);
        Grouping(*block, copyCheapProducers(*block)).run();
      }
      hoistWritten(program.getBody().front());
    });
  }
};

} // namespace
} // namespace ftc::tune
