#include "CallTable.h"

#include "Structure.h"
#include "Work.h"
#include "ftc/Runtime/CPU/Program.h"

using namespace mlir;

namespace ftc::target {

namespace {
class TableMaker {
public:
  TableMaker(func::FuncOp program, const KernelRegistry &registry, KernelSet &kernels)
      : program(program), registry(registry), kernels(kernels), symbols(program->getParentOfType<ModuleOp>()) {}

  FailureOr<CallTable> make();

private:
  LogicalResult addBlock(Block &block);
  LogicalResult addCall(Operation *op, int phase);
  LogicalResult addLoop(tune::RowsOp rows);
  LogicalResult addChoice(tune::IfOp choice);
  void addYield(tune::YieldOp yield);
  void addMove(StringRef symbol, Location to, std::optional<Location> from, int64_t bytes, int64_t count);
  void addCopy(Location to, Location from, int64_t bytes);

  Location getTensor(FlatSymbolRefAttr symbol) {
    return {getTensorOffset(symbols.lookup<tune::TensorOp>(symbol.getAttr())), 0};
  }

  /// What the profile says of all calls of a kernel.
  struct Described {
    std::string what;
    int64_t flops = 0, bytes = 0;
  };

  func::FuncOp program;
  const KernelRegistry &registry;
  KernelSet &kernels;
  SymbolTable symbols;
  DenseMap<const KernelInfo *, Described> described;
  CallTable table;
  bool inLoop = false;
};
} // namespace

/// A call of one of the runtime's kernels that go through memory in pieces of FTC_COPY_BYTES.
void TableMaker::addMove(StringRef symbol, Location to, std::optional<Location> from, int64_t bytes, int64_t count) {
  Call call{symbol.str(),
            int64_t(llvm::divideCeil(bytes, FTC_COPY_BYTES)),
            1,
            {to.offset},
            {},
            {count},
            symbol.str(),
            0,
            from ? 2 * bytes : bytes};
  if (from)
    call.offsets.push_back(from->offset);
  if (inLoop) {
    call.strides = {to.stride};
    if (from)
      call.strides.push_back(from->stride);
  }
  table.calls.push_back(std::move(call));
}

void TableMaker::addCopy(Location to, Location from, int64_t bytes) {
  if (to.offset != from.offset || to.stride != from.stride)
    addMove("ftc_copy", to, from, bytes, bytes);
}

LogicalResult TableMaker::addCall(Operation *op, int phase) {
  FailureOr<const KernelInfo *> info = kernels.get(op, phase);
  if (failed(info))
    return failure();
  auto [known, isNew] = described.try_emplace(*info);
  Described &work = known->second;
  if (isNew)
    work = phase ? Described{describeWork(op) + ", phase " + std::to_string(phase + 1), 0, 0}
                 : Described{describeWork(op), countProductFlops(op), countBytes(op)};
  Call call;
  call.symbol = (*info)->symbol;
  call.items = (*info)->items;
  call.grain = (*info)->grain;
  call.immediates = (*info)->immediates;
  call.what = work.what;
  call.flops = work.flops;
  call.bytes = work.bytes;
  auto addBuffer = [&](Location location) {
    call.offsets.push_back(location.offset);
    if (inLoop)
      call.strides.push_back(location.stride);
  };
  for (OpOperand *operand : getBufferOperands(op, registry))
    addBuffer(getLocation(operand->get()));
  for (Value result : op->getResults())
    addBuffer(getLocation(result));
  if (auto workspace = op->getAttrOfType<IntegerAttr>(kWorkspaceAttr))
    addBuffer({workspace.getInt(), 0});
  if (call.offsets.size() > FTC_MAX_BUFFERS)
    return op->emitOpError("has more than ") << int(FTC_MAX_BUFFERS) << " buffers";
  for (const Immediate &immediate : getImmediates(op))
    call.immediates.push_back(immediate.value);
  table.calls.push_back(std::move(call));
  return success();
}

LogicalResult TableMaker::addLoop(tune::RowsOp rows) {
  for (Value result : rows.getSummedResults()) {
    int64_t bytes = getBytes(result.getType());
    addMove("ftc_zero", getLocation(result), std::nullopt, bytes, bytes);
  }
  int64_t first = table.calls.size();
  inLoop = true;
  if (failed(addBlock(*rows.getBody())))
    return failure();
  inLoop = false;
  table.loops.push_back({first, int64_t(table.calls.size()) - first, rows.getTrips()});
  return success();
}

LogicalResult TableMaker::addChoice(tune::IfOp choice) {
  SmallVector<int64_t, 3> ends{int64_t(table.calls.size())};
  for (Block *side : tune::getBodies(choice)) {
    if (failed(addBlock(*side)))
      return failure();
    for (auto [value, result] : llvm::zip(side->getTerminator()->getOperands(), choice.getResults()))
      addCopy(getLocation(result), getLocation(value), getBytes(value.getType()));
    ends.push_back(int64_t(table.calls.size()));
  }
  table.choices.push_back({ends[0], ends[1] - ends[0], ends[2] - ends[1], getLocation(choice.getCondition()).offset});
  return success();
}

/// Moves what a body yields to the results of its loop, where it has not been computed there.
void TableMaker::addYield(tune::YieldOp yield) {
  auto rows = cast<tune::RowsOp>(yield->getParentOp());
  for (auto [value, result] : llvm::zip(yield.getSliced(), rows.getSlicedResults())) {
    int64_t bytes = getBytes(value.getType());
    addCopy({getLocation(result).offset, bytes}, getLocation(value), bytes);
  }
  for (auto [value, result] : llvm::zip(yield.getSummed(), rows.getSummedResults())) {
    Operation *maker = seeThroughViews(value).root.getDefiningOp();
    if (maker && getSumInPlace(maker, registry) == result)
      continue;
    auto type = cast<ShapedType>(value.getType());
    StringRef symbol = type.getElementType().isF64() ? "ftc_accumulate_f64" : "ftc_accumulate_f32";
    addMove(symbol, getLocation(result), getLocation(value), getBytes(type), type.getNumElements());
  }
}

LogicalResult TableMaker::addBlock(Block &block) {
  for (Operation &op : block) {
    Role role = getRole(&op);
    if (role == Role::Call)
      for (int phase = 0, phases = countPhases(&op, registry); phase < phases; ++phase)
        if (failed(addCall(&op, phase)))
          return failure();
    if (role == Role::Loop && failed(addLoop(cast<tune::RowsOp>(op))))
      return failure();
    if (role == Role::Choice && failed(addChoice(cast<tune::IfOp>(op))))
      return failure();
    if (auto yield = dyn_cast<tune::YieldOp>(op))
      addYield(yield);
  }
  return success();
}

FailureOr<CallTable> TableMaker::make() {
  for (auto read : program.getOps<tune::ReadOp>())
    addCopy(getLocation(read), getTensor(read.getTensorAttr()), getBytes(read.getType()));
  if (failed(addBlock(program.getBody().front())))
    return failure();
  for (auto write : program.getOps<tune::WriteOp>())
    addCopy(getTensor(write.getTensorAttr()), getLocation(write.getValue()), getBytes(write.getValue().getType()));
  return std::move(table);
}

FailureOr<std::vector<CallTable>> makeCallTables(ModuleOp placed, const KernelRegistry &registry, KernelSet &kernels) {
  std::vector<CallTable> tables;
  for (func::FuncOp program : getPrograms(placed)) {
    FailureOr<CallTable> table = TableMaker(program, registry, kernels).make();
    if (failed(table))
      return failure();
    tables.push_back(std::move(*table));
  }
  return tables;
}

} // namespace ftc::target
