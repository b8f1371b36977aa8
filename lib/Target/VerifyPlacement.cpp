// The judge of placement: it knows nothing of lifetimes, but follows the calls in order, loops iteration by iteration,
// and keeps for each byte of the arena whose contents it holds.

#include "OffsetAssignment.h"
#include "Placement.h"
#include "StepTensors.h"
#include "Structure.h"
#include "mlir/IR/Threading.h"

#include <map>

using namespace mlir;

namespace ftc::target {

namespace {
/// Whose contents some bytes hold: a root value of one iteration, or a tensor's old contents.
struct Owner {
  const void *value = nullptr;
  int64_t iteration = 0;
  bool operator==(const Owner &) const = default;
};

/// Bytes [first, last).
struct Range {
  int64_t first, last;
  bool overlaps(const Range &other) const { return first < other.last && other.first < last; }
};

class OwnerMap {
public:
  void set(Range range, Owner owner) {
    if (range.first == range.last)
      return;
    split(range.first);
    split(range.last);
    parts.erase(parts.lower_bound(range.first), parts.lower_bound(range.last));
    parts[range.first] = {range.last, owner};
  }

  bool isOwned(Range range, Owner owner) const {
    if (range.first == range.last)
      return true;
    auto part = parts.upper_bound(range.first);
    if (part == parts.begin())
      return false;
    int64_t reached = range.first;
    for (--part; part != parts.end() && reached < range.last; ++part) {
      if (part->first > reached || part->second.first <= reached || !(part->second.second == owner))
        return false;
      reached = part->second.first;
    }
    return reached >= range.last;
  }

private:
  /// Makes `at` a border between two parts.
  void split(int64_t at) {
    auto part = parts.upper_bound(at);
    if (part == parts.begin())
      return;
    --part;
    if (part->first < at && at < part->second.first) {
      auto [end, owner] = part->second;
      part->second.first = at;
      parts[at] = {end, owner};
    }
  }

  std::map<int64_t, std::pair<int64_t, Owner>> parts; ///< first -> (last, owner)
};

class ProgramChecker {
public:
  ProgramChecker(func::FuncOp program, const StepTensors &steps, SymbolTable &symbols, const KernelRegistry &registry,
                 int64_t arenaBytes)
      : program(program), steps(steps), symbols(symbols), registry(registry), arenaBytes(arenaBytes) {}

  LogicalResult check();

private:
  LogicalResult checkBlock(Block &block, int64_t iteration);
  LogicalResult checkCall(Operation *op, int64_t iteration);
  LogicalResult checkLoop(tune::RowsOp rows);
  LogicalResult checkChoice(tune::IfOp choice);
  LogicalResult checkEnd();
  LogicalResult checkRead(Operation *user, Value operand, int64_t iteration);
  LogicalResult write(OpResult result, int64_t iteration);
  void beginWithTensors();
  /// Whether the tensor has contents to be kept before the program, or after it (`atEnd`).
  bool isLive(tune::TensorOp tensor, bool atEnd) const {
    if (const Handed *between = steps.handed(tensor))
      return program == between->to || (atEnd && program == between->from);
    tune::StepOp owner = steps.ownerOf(tensor);
    return !owner || owner == steps.ownerOf(program);
  }

  Range getRange(Value value, int64_t iteration) {
    Location location = getLocation(value);
    int64_t first = location.offset + iteration * location.stride;
    return {first, first + getBytes(value.getType())};
  }
  Range getRange(tune::TensorOp tensor) {
    int64_t first = getTensorOffset(tensor);
    return {first, first + getBytes(tensor.getType())};
  }
  Owner getOwner(Value value, int64_t iteration);

  func::FuncOp program;
  const StepTensors &steps;
  SymbolTable &symbols;
  const KernelRegistry &registry;
  int64_t arenaBytes;
  OwnerMap owners;
};
} // namespace

Owner ProgramChecker::getOwner(Value value, int64_t iteration) {
  Value root = seeThroughViews(value).root;
  if (auto argument = dyn_cast<BlockArgument>(root))
    return getOwner(getBoundOperand(argument), 0);
  if (auto read = root.getDefiningOp<tune::ReadOp>()) {
    auto tensor = symbols.lookup<tune::TensorOp>(read.getTensorAttr().getAttr());
    if (getRange(read, 0).first == getTensorOffset(tensor))
      return {tensor.getOperation(), 0};
    iteration = 0; // a snapshot, taken before the first call
  }
  if (getRole(root.getDefiningOp()) == Role::Constant)
    return {nullptr, getRange(root, 0).first};
  if (OpResult sum = getSumInPlace(root.getDefiningOp(), registry))
    return {sum.getAsOpaquePointer(), 0};
  return {root.getAsOpaquePointer(), isa<tune::RowsOp>(root.getParentBlock()->getParentOp()) ? iteration : 0};
}

void ProgramChecker::beginWithTensors() {
  for (auto tensor : program->getParentOfType<ModuleOp>().getOps<tune::TensorOp>())
    if (isLive(tensor, /*atEnd=*/false))
      owners.set(getRange(tensor), {tensor.getOperation(), 0});
  forEachOp(program, [&](Operation *op) {
    if (getRole(op) == Role::Constant && op->hasAttr(kOffsetsAttr))
      owners.set(getRange(op->getResult(0), 0), getOwner(op->getResult(0), 0));
  });
  for (auto read : program.getOps<tune::ReadOp>()) {
    Owner owner = getOwner(read, 0);
    if (owner.value == read.getResult().getAsOpaquePointer())
      owners.set(getRange(read, 0), owner);
  }
}

LogicalResult ProgramChecker::checkRead(Operation *user, Value operand, int64_t iteration) {
  if (owners.isOwned(getRange(operand, iteration), getOwner(operand, iteration)))
    return success();
  InFlightDiagnostic error = user->emitOpError("needs a value whose bytes have been overwritten");
  error.attachNote(operand.getLoc()) << "value is " << operand;
  return error;
}

LogicalResult ProgramChecker::write(OpResult result, int64_t iteration) {
  Range range = getRange(result, iteration);
  if (range.first % kAlignment && !getLocation(result).stride)
    return result.getOwner()->emitOpError("has a result at the unaligned offset ") << range.first;
  if (range.first < 0 || range.last > arenaBytes)
    return result.getOwner()->emitOpError("has a result outside the arena");
  owners.set(range, getOwner(result, iteration));
  return success();
}

LogicalResult ProgramChecker::checkCall(Operation *op, int64_t iteration) {
  const KernelGenerator *generator = registry.lookup(op);
  SmallVector<Range> written;
  if (auto workspace = op->getAttrOfType<IntegerAttr>(kWorkspaceAttr))
    written.push_back({workspace.getInt(), workspace.getInt() + generator->workspaceBytes(op)});
  for (OpResult result : op->getResults())
    written.push_back(getRange(result, iteration));
  if (getSumInPlace(op, registry) && failed(checkRead(op, op->getResult(0), iteration)))
    return failure();
  for (auto [index, range] : llvm::enumerate(written))
    if (llvm::any_of(ArrayRef(written).take_front(index), [&](Range other) { return other.overlaps(range); }))
      return op->emitOpError("has results that overlap");

  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<ShapedType>(operand.get().getType()) || isFolded(operand, registry))
      continue;
    if (failed(checkRead(op, operand.get(), iteration)))
      return failure();
    Range range = getRange(operand.get(), iteration);
    for (OpResult result : op->getResults()) {
      Range other = getRange(result, iteration);
      bool shared =
          range.first == other.first && range.last == other.last && generator && generator->mayShare(operand, result);
      if (range.overlaps(other) && !shared)
        return op->emitOpError("has a result that overlaps operand ") << operand.getOperandNumber();
    }
  }
  for (Range range : written)
    owners.set(range, {op, iteration}); // the workspace; the results follow
  for (OpResult result : op->getResults())
    if (failed(write(result, iteration)))
      return failure();
  return success();
}

LogicalResult ProgramChecker::checkLoop(tune::RowsOp rows) {
  for (Value operand : rows->getOperands())
    if (failed(checkRead(rows, operand, 0)))
      return failure();
  for (OpResult result : rows->getResults())
    if (failed(write(result, 0)))
      return failure();
  auto isIntact = [&](OpResult result, int64_t fromByte) {
    Range range = getRange(result, 0);
    return owners.isOwned({range.first + fromByte, range.last}, getOwner(result, 0));
  };
  for (int64_t iteration = 0; iteration < rows.getTrips(); ++iteration) {
    if (failed(checkBlock(*rows.getBody(), iteration)))
      return failure();
    for (auto [value, result] : llvm::zip(rows.getYield().getSliced(), rows.getSlicedResults())) {
      int64_t bytes = getBytes(value.getType());
      if (failed(checkRead(rows.getYield(), value, iteration)))
        return failure();
      Range whole = getRange(result, 0), part{whole.first + iteration * bytes, whole.first + (iteration + 1) * bytes};
      owners.set(part, {result.getAsOpaquePointer(), 0});
    }
    for (OpResult result : rows->getResults())
      if (!isIntact(result, 0))
        return rows.emitOpError("has a result that its body overwrites");
  }
  return success();
}

/// Follows one side after the other: neither may overwrite what the other needs.
LogicalResult ProgramChecker::checkChoice(tune::IfOp choice) {
  for (Block *side : tune::getBodies(choice)) {
    for (Value operand : choice->getOperands())
      if (failed(checkRead(choice, operand, 0)))
        return failure();
    for (OpResult result : choice->getResults())
      if (failed(write(result, 0)))
        return failure();
    if (failed(checkBlock(*side, 0)))
      return failure();
    for (auto [value, result] : llvm::zip(side->getTerminator()->getOperands(), choice->getResults()))
      if (failed(checkRead(side->getTerminator(), value, 0)) || failed(checkRead(choice, result, 0)))
        return failure();
  }
  return success();
}

LogicalResult ProgramChecker::checkBlock(Block &block, int64_t iteration) {
  for (Operation &op : block) {
    Role role = getRole(&op);
    if (role == Role::Call && failed(checkCall(&op, iteration)))
      return failure();
    if (role == Role::Loop && failed(checkLoop(cast<tune::RowsOp>(op))))
      return failure();
    if (role == Role::Choice && failed(checkChoice(cast<tune::IfOp>(op))))
      return failure();
    if (auto yield = dyn_cast<tune::YieldOp>(op))
      for (Value value : yield.getSummed())
        if (failed(checkRead(yield, value, iteration)))
          return failure();
  }
  return success();
}

/// Follows the writes, and checks that every tensor holds what it should.
LogicalResult ProgramChecker::checkEnd() {
  DenseMap<Operation *, Owner> expected;
  for (auto write : program.getOps<tune::WriteOp>()) {
    auto tensor = symbols.lookup<tune::TensorOp>(write.getTensorAttr().getAttr());
    if (failed(checkRead(write, write.getValue(), 0)))
      return failure();
    Owner owner = getOwner(write.getValue(), 0);
    if (getRange(write.getValue(), 0).first != getTensorOffset(tensor)) {
      owner = {write, 0};
      owners.set(getRange(tensor), owner);
    }
    expected[tensor] = owner;
  }
  for (auto tensor : program->getParentOfType<ModuleOp>().getOps<tune::TensorOp>()) {
    auto found = expected.find(tensor);
    Owner owner = found == expected.end() ? Owner{tensor.getOperation(), 0} : found->second;
    if (isLive(tensor, /*atEnd=*/true) && !owners.isOwned(getRange(tensor), owner))
      return program.emitOpError("overwrites ") << tensor.getSymNameAttr();
  }
  return success();
}

LogicalResult ProgramChecker::check() {
  beginWithTensors();
  if (failed(checkBlock(program.getBody().front(), 0)))
    return failure();
  return checkEnd();
}

LogicalResult verifyPlacement(ModuleOp module, const KernelRegistry &registry) {
  auto arena = module->getAttrOfType<DictionaryAttr>(kArenaAttr);
  if (!arena)
    return module.emitOpError("has not been placed");
  SymbolTable symbols(module);
  StepTensors steps(module, symbols);
  int64_t peak = arena.getAs<IntegerAttr>("peak").getInt();
  return failableParallelForEach(module.getContext(), getPrograms(module), [&](func::FuncOp program) {
    return ProgramChecker(program, steps, symbols, registry, peak).check();
  });
}

} // namespace ftc::target
