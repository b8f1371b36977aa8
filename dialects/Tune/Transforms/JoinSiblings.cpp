//===- JoinSiblings.cpp - tune-join-siblings: kernels that read the same become one -------===//
//
// Of two kernels that read the same operands, and of which none needs the other, the first is brought to the second,
// and what needs it before that behind both. Then the operands are read once. So are those of a result that is computed
// again where its last use is (tune-insert-recompute): mostly it is made of what the gradient there is made of.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"

#include "dialects/Tune/Transforms/EqualOps.h"
#include "dialects/Tune/Transforms/RowAlignment.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace ftc::tune {

#define GEN_PASS_DEF_JOINSIBLINGS
#include "dialects/Tune/Transforms/Passes.h.inc"

/// Ops from one kernel to the next that it is joined with, at most: programs are long.
static constexpr size_t kMostBetween = 48;

static int64_t bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getNumElements() * int64_t(llvm::divideCeil(type.getElementTypeBitWidth(), 8)) : 0;
}

static int64_t bytesOf(ValueRange values) {
  int64_t bytes = 0;
  for (Value value : values)
    bytes += bytesOf(value);
  return bytes;
}

static bool isView(Operation *op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp, StopGradientOp>(op);
}

/// Whether what an op in a kernel reads is made in it by more than broadcasts and the like.
static bool isMadeInside(Value value) {
  Operation *op = value.getDefiningOp();
  return op && (!isLazy(op) || llvm::any_of(op->getOperands(), isMadeInside));
}

/// The numbers of rows into which a kernel can be cut.
static RowCounts rowsOf(FusedOp kernel) {
  std::optional<RowCounts> rows;
  auto add = [&](const RowCounts &more) { rows = rows ? rows->intersect(more) : more; };
  for (Operation &op : kernel.getBody()->without_terminator())
    if (!isLazy(&op) || isMadeInside(op.getResult(0)))
      add(getAlignedRows(&op));
  for (Value value : kernel.getYield().getValues()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
    add(RowCounts(shape, shape.size()));
  }
  return *rows;
}

/// If a quarter of what one of two kernels reads and writes is read by both.
static bool isWorthwhile(int64_t shared, int64_t one, int64_t other) {
  constexpr int64_t leastShare = 4;
  return leastShare * shared >= std::min(one, other);
}

/// Whether two kernels can be one.
static bool fit(FusedOp first, FusedOp second) {
  size_t ops = first.getBody()->getOperations().size() + second.getBody()->getOperations().size();
  size_t buffers =
      first->getNumOperands() + first->getNumResults() + second->getNumOperands() + second->getNumResults();
  return ops <= kMostKernelOps && buffers <= kMostKernelBuffers &&
         rowsOf(first).intersect(rowsOf(second)).isWorthwhile();
}

using Moved = llvm::SetVector<Operation *>;

/// Ops before `second` that need what `first` gives. Nothing where `second` does, or they cannot be moved.
static std::optional<Moved> findMoved(FusedOp first, FusedOp second) {
  Moved moved;
  moved.insert(first);
  auto needsMoved = [&](Operation *op) {
    bool found = false;
    op->walk([&](Operation *inner) {
      found |= llvm::any_of(inner->getOperands(), [&](Value value) { return moved.contains(value.getDefiningOp()); });
    });
    return found;
  };
  for (Operation *op = first->getNextNode(); op != second; op = op->getNextNode()) {
    if (!needsMoved(op))
      continue;
    if (!isMemoryEffectFree(op))
      return std::nullopt;
    moved.insert(op);
  }
  return needsMoved(second) ? std::nullopt : std::optional(std::move(moved));
}

namespace {
/// Joins the kernels of a block.
class Joiner {
public:
  explicit Joiner(Block &block) : block(block) {
    for (Operation &op : block)
      places[&op] = int64_t(places.size());
  }
  void joinAll();

private:
  FusedOp joinOne(FusedOp second);
  FusedOp join(FusedOp first, FusedOp second, const Moved &moved);
  int64_t bytesOfKernel(FusedOp kernel);
  bool isNeededFrom(Operation *end, Value value) const;
  int64_t countKept(const Moved &moved, Operation *second) const;

  Block &block;
  /// Ascending, so that not all ops are numbered anew after each kernel: what is moved behind a kernel has its place.
  DenseMap<Operation *, int64_t> places;
  DenseMap<Operation *, int64_t> bytes; ///< that a kernel reads and writes
};
} // namespace

int64_t Joiner::bytesOfKernel(FusedOp kernel) {
  auto [known, isNew] = bytes.try_emplace(kernel);
  if (isNew)
    known->second = bytesOf(kernel.getInputs()) + bytesOf(kernel.getResults());
  return known->second;
}

/// Whether `value`, seen through views, is needed by `end` or later. What a tensor holds is there in any case.
bool Joiner::isNeededFrom(Operation *end, Value value) const {
  Operation *source = value.getDefiningOp();
  if (!source || isa<ReadOp>(source))
    return true;
  if (isView(source))
    return isNeededFrom(end, source->getOperand(0));
  SmallVector<Value> values{value};
  while (!values.empty())
    for (Operation *user : values.pop_back_val().getUsers()) {
      Operation *here = block.findAncestorOpInBlock(*user);
      if (isView(user))
        values.push_back(user->getResult(0));
      else if (!here || places.lookup(here) >= places.lookup(end))
        return true;
    }
  return false;
}

/// Bytes of what the moved ops read that nothing else would need as long.
int64_t Joiner::countKept(const Moved &moved, Operation *second) const {
  llvm::SetVector<Value> kept;
  for (Operation *op : moved)
    for (Value operand : op->getOperands())
      if (!moved.contains(operand.getDefiningOp()) && !isNeededFrom(second, operand))
        kept.insert(operand);
  return bytesOf(kept.getArrayRef());
}

FusedOp Joiner::join(FusedOp first, FusedOp second, const Moved &moved) {
  llvm::SetVector<Value> inputs(first.getInputs().begin(), first.getInputs().end());
  inputs.insert_range(second.getInputs());
  SmallVector<Type> types(first.getResultTypes());
  llvm::append_range(types, second.getResultTypes());
  OpBuilder builder(second);
  auto joined = FusedOp::create(builder, second.getLoc(), types, inputs.getArrayRef());
  Block &body = joined.getRegion().emplaceBlock();
  for (Value input : inputs)
    body.addArgument(input.getType(), input.getLoc());
  builder.setInsertionPointToEnd(&body);
  SmallVector<Value> yielded;
  for (FusedOp part : {first, second}) {
    IRMapping mapping;
    for (auto [argument, input] : llvm::zip_equal(part.getBody()->getArguments(), part.getInputs()))
      mapping.map(argument, body.getArgument(llvm::find(inputs, input) - inputs.begin()));
    for (Operation &op : part.getBody()->without_terminator())
      builder.clone(op, mapping);
    for (Value value : part.getYield().getValues())
      yielded.push_back(mapping.lookup(value));
  }
  FusedYieldOp::create(builder, joined.getLoc(), yielded);
  mergeEqualOps(joined);
  first->replaceAllUsesWith(joined->getResults().take_front(first.getNumResults()));
  second->replaceAllUsesWith(joined->getResults().drop_front(first.getNumResults()));
  int64_t place = places.lookup(second);
  Operation *last = second;
  for (Operation *op : ArrayRef(moved.getArrayRef()).drop_front()) {
    op->moveAfter(last);
    last = op;
    places[op] = place;
  }
  for (FusedOp part : {first, second}) {
    places.erase(part);
    bytes.erase(part);
    part->erase();
  }
  places[joined] = place;
  return joined;
}

/// Joins the nearest kernel before it that may be; null if there is none.
FusedOp Joiner::joinOne(FusedOp second) {
  SmallPtrSet<Value, 8> inputs(second.getInputs().begin(), second.getInputs().end());
  int64_t other = bytesOfKernel(second);
  Operation *op = second->getPrevNode();
  for (size_t between = 0; op && between < kMostBetween; ++between, op = op->getPrevNode()) {
    auto first = dyn_cast<FusedOp>(op);
    if (!first)
      continue;
    int64_t shared = 0;
    for (Value input : first.getInputs())
      shared += inputs.contains(input) ? bytesOf(input) : 0;
    if (shared == 0 || !isWorthwhile(shared, bytesOfKernel(first), other) || !fit(first, second))
      continue;
    std::optional<Moved> moved = findMoved(first, second);
    if (moved && countKept(*moved, second) <= shared)
      return join(first, second, *moved);
  }
  return {};
}

void Joiner::joinAll() {
  SmallVector<FusedOp> kernels(block.getOps<FusedOp>());
  for (FusedOp kernel : kernels)
    while (FusedOp joined = joinOne(kernel))
      kernel = joined;
}

namespace {
class JoinSiblings : public impl::JoinSiblingsBase<JoinSiblings> {
  void runOnOperation() override {
    forEachProgram(getOperation(), [](func::FuncOp program) {
      if (program->hasAttr(TuneDialect::kProgramAttrName))
        joinSiblings(program);
    });
  }
};
} // namespace

void joinSiblings(func::FuncOp program) {
  for (Block *block : getKernelBlocks(program))
    Joiner(*block).joinAll();
}

} // namespace ftc::tune
