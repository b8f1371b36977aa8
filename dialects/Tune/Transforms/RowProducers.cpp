//===- RowProducers.cpp - What tune-fuse-rows rewrites before it groups -----------------===//

#include "dialects/Tune/Transforms/RowAlignment.h"

#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Utils/Builders.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace ftc::tune {

/// A tensor smaller than this is cheap to store and to sum on one thread.
static constexpr int64_t kSmall = 1 << 15;
/// A copied producer has at most this many ops.
static constexpr size_t kMostCopied = 16;

static int64_t countElements(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

void eraseUnused(Block &block, DenseSet<Operation *> &known) {
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op)) {
      known.erase(op);
      op->erase();
    }
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// A shape of two dimensions for a long vector, or nothing.
static std::optional<int64_t> findRowLength(int64_t elements) {
  for (int64_t length : {4096, 2048, 1024, 512, 256})
    if (elements % length == 0)
      return length;
  return std::nullopt;
}

void splitSums(Block &block) {
  SmallVector<linalg::ReduceOp> sums;
  for (auto reduce : block.getOps<linalg::ReduceOp>())
    if (reduce.getInputs().size() == 1 && countElements(reduce->getResult(0)) == 1 &&
        isa<arith::AddFOp>(reduce.getCombiner().front().front()) && isZeroTensor(reduce.getInits()[0]) &&
        countElements(reduce.getInputs()[0]) > kSmall)
      sums.push_back(reduce);
  for (linalg::ReduceOp sum : sums) {
    OpBuilder builder(sum);
    Location loc = sum.getLoc();
    Value input = sum.getInputs()[0];
    if (shapeOf(input).size() == 1) {
      std::optional<int64_t> length = findRowLength(countElements(input));
      if (!length)
        continue;
      input = reshape(builder, loc, input, {countElements(input) / *length, *length});
    }
    auto inner = llvm::to_vector(llvm::seq<int64_t>(1, shapeOf(input).size()));
    Value total = reduceSum(builder, loc, reduceSum(builder, loc, input, inner), {0});
    sum->getResult(0).replaceAllUsesWith(reshape(builder, loc, total, shapeOf(sum->getResult(0))));
    sum.erase();
  }
}

//===----------------------------------------------------------------------===//
// Cheap producers
//===----------------------------------------------------------------------===//

namespace {
class ProducerCopier {
public:
  explicit ProducerCopier(Block &block) : block(block) {}

  DenseSet<Operation *> run() {
    for (Operation &op : block.without_terminator())
      stages[&op] = getStage(&op);
    for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
      if (isRowOp(&op))
        for (OpOperand &operand : op.getOpOperands())
          copyFor(operand);
    eraseUnused(block, added);
    return std::move(added);
  }

private:
  Operation *getProducer(Value value) {
    Operation *op = value.getDefiningOp();
    return op && op->getBlock() == &block ? op : nullptr;
  }

  /// How many ops that are no row ops lie on the longest path to `op`.
  unsigned getStage(Operation *op) {
    unsigned stage = 0;
    for (Value operand : op->getOperands())
      if (Operation *producer = getProducer(operand)) {
        bool fuses = (isRowOp(producer) || isLazy(producer)) && (isRowOp(op) || isLazy(op));
        stage = std::max(stage, stages.lookup(producer) + (fuses ? 0 : 1));
      }
    return stage;
  }

  /// Whether something needs the result in memory, or it costs little to keep it there.
  bool isStored(Operation *op) {
    if (!isRowOp(op) || isa<linalg::ReduceOp, GatherOp, tensor::ConcatOp>(op) ||
        countElements(op->getResult(0)) < kSmall)
      return true;
    return kept.contains(op) || isNeededBy(op);
  }

  /// The large tensor that `value` can be computed from alone, as far back as there is one; null if it needs none.
  Value findSource(Value value) {
    Operation *op = getProducer(value);
    if (!op || (!isLazy(op) && isStored(op)))
      return countElements(value) >= kSmall ? value : Value();
    auto known = sources.find(op);
    if (known != sources.end())
      return known->second;
    Value source;
    for (Value operand : op->getOperands()) {
      Value next = isa<RankedTensorType>(operand.getType()) ? findSource(operand) : Value();
      if (source && next && next != source)
        return sources[op] = value;
      source = source ? source : next;
    }
    return sources[op] = source;
  }

  /// Whether a user that is no row op reads it, seen through views.
  bool isNeededBy(Operation *op) {
    return llvm::any_of(op->getUsers(),
                        [&](Operation *user) { return isLazy(user) ? isNeededBy(user) : !isRowOp(user); });
  }

  /// The ops to copy for `value`, in order, down to what is stored. False if there are too many, or more than
  /// `mostLarge` large tensors would be read.
  bool collect(Value value, SetVector<Operation *> &copied, SetVector<Value> &large, size_t mostLarge) {
    Operation *op = getProducer(value);
    if (!op || (!isLazy(op) && isStored(op))) {
      if (countElements(value) >= kSmall)
        large.insert(value);
      return large.size() <= mostLarge;
    }
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()) && !collect(operand, copied, large, mostLarge))
        return false;
    copied.insert(op);
    return copied.size() <= kMostCopied;
  }

  void copyFor(OpOperand &operand) {
    Operation *user = operand.getOwner(), *producer = getProducer(operand.get());
    bool across = isSumAcrossRows(user);
    if (!producer || isLazy(producer) || isStored(producer) ||
        (!across && stages.lookup(producer) >= stages.lookup(user)))
      return;
    if (!across) {
      Value source = findSource(operand.get());
      if (Operation *op = source ? getProducer(source) : nullptr)
        kept.insert(op);
      if (kept.contains(producer))
        return;
    }
    auto [known, isNew] = copies.try_emplace({producer, across ? user : nullptr, stages.lookup(user)});
    if (isNew) {
      SetVector<Operation *> copied;
      SetVector<Value> large;
      if (collect(operand.get(), copied, large, across ? 2 : 1)) {
        OpBuilder builder(user);
        IRMapping mapping;
        for (Operation *op : copied) {
          Operation *copy = builder.clone(*op, mapping);
          stages[copy] = stages.lookup(user);
          if (!isLazy(copy))
            added.insert(copy);
        }
        known->second = mapping.lookup(operand.get());
      }
    }
    if (known->second)
      operand.set(known->second);
  }

  Block &block;
  DenseMap<Operation *, unsigned> stages;
  DenseSet<Operation *> added;          ///< the copies
  DenseSet<Operation *> kept;           ///< will be stored for later stages
  DenseMap<Operation *, Value> sources; ///< see findSource
  /// Of an op for the users of a stage; for a sum across rows of its own.
  DenseMap<std::tuple<Operation *, Operation *, unsigned>, Value> copies;
};
} // namespace

DenseSet<Operation *> copyCheapProducers(Block &block) { return ProducerCopier(block).run(); }

} // namespace ftc::tune
