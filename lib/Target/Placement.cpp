// Placement. The arena is, in this order: tensors that several steps use, a region for those of one step only, which
// all steps share (StepTensors.h), constants, and one scratch region that all programs share. A program's values live
// in the scratch region, as do tensors that one program hands to the next (StepTensors.h), but for
//   - views, which are part of what they view;
//   - a read, which is the tensor itself;
//   - a value that is written to a tensor, computed in the tensor's own bytes where no later call reads the old
//     contents;
//   - a result that takes over the bytes of an operand which nothing needs after the call (mayShare);
//   - rows that the body of a loop yields, computed in the loop's result;
//   - what a call in the body of a loop adds to the loop's result.
// Large weights that programs only read lie as far into a page as they do in their file, so that the file's pages can
// take the place of a copy. What remains is copied: writes at the end of the program, and, before its first
// call, a read whose tensor is replaced while its old contents are still to be written elsewhere.
// lib/Target/CallTable.cpp sees from the offsets which values need a copy.

#include "Placement.h"

#include "StepTensors.h"
#include "Structure.h"
#include "Work.h"
#include "ftc/Target/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include "mlir/IR/Threading.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

#include <deque>
#include <map>
#include <numeric>

using namespace mlir;

namespace ftc::target {

namespace {
/// The parts of the arena outside the scratch region, by the names of the plan.
struct ModuleLayout {
  ModuleLayout(ModuleOp module, SymbolTable &symbols, const KernelRegistry &registry, PlacementMode mode)
      : steps(module, symbols), symbols(symbols), registry(registry), mode(mode) {
    for (func::FuncOp program : getPrograms(module))
      for (auto write : program.getOps<tune::WriteOp>())
        written.insert(write.getTensor());
  }

  /// The programs between which a tensor is handed over; null where it has bytes of its own.
  const Handed *handed(tune::TensorOp tensor) const {
    return mode == PlacementMode::Share ? steps.handed(tensor) : nullptr;
  }

  StepTensors steps;
  SymbolTable &symbols;
  const KernelRegistry &registry;
  PlacementMode mode;
  int64_t end = 0;
  std::map<std::string, int64_t> plan;
  DenseMap<std::pair<Attribute, Type>, int64_t> constants;
  llvm::StringSet<> written; ///< tensors that some program changes

  void placeTensors(ModuleOp module);
  std::optional<int64_t> getFileOffset(tune::TensorOp tensor) const;
  void place(tune::TensorOp tensor, int64_t &at, std::map<std::string, int64_t> &counted);
  void placeConstants(func::FuncOp program);
};

/// One program's values.
class ProgramPlacer {
public:
  ProgramPlacer(func::FuncOp program, ModuleLayout &layout) : program(program), layout(layout) {}

  /// Finds the buffers that it needs of the scratch region, and their lifetimes.
  void findBuffers();
  /// Gives the buffers of programs that run one after another offsets in one region.
  static void assign(ArrayRef<ProgramPlacer *> placers);
  ProgramMemory getMemory() const;
  /// The region's base is known when all tensors and constants are placed.
  void writeAttributes(int64_t scratchBase);
  /// The same for the tensors that it hands over, which another program may hold too.
  void writeHanded(int64_t scratchBase);

private:
  /// Where a root value lies: in a buffer of the scratch region, or at a fixed offset.
  struct Place {
    int64_t buffer = -1;
    int64_t offset = 0;
    int64_t stride = 0;
  };

  void number(Block &block);
  void findUses(Block &block);
  void placeReads();
  void bindWrites();
  bool mayReplace(OpResult result, Value root);
  bool mayBind(tune::WriteOp write, OpResult result);
  OpResult findOverwritten(tune::WriteOp write, OpResult result);
  void placeBlock(Block &block);
  void placeResults(Operation *op);
  void placeLoop(tune::RowsOp rows);
  void placeCall(Operation *op);
  Place placeOf(tune::TensorOp tensor, Operation *maker);
  void addHanded();
  std::optional<Place> shareOperand(Operation *op, OpResult result, const DenseSet<int64_t> &takenOver);
  Place addBuffer(int64_t bytes, int64_t first, int64_t last);

  int64_t getLastUse(Value root) const {
    auto found = lastUses.find(root);
    return found == lastUses.end() ? -1 : found->second;
  }

  func::FuncOp program;
  ModuleLayout &layout;
  DenseMap<Operation *, int64_t> positions, ends; ///< of ops; of the ends of loops and programs
  int64_t next = 0;
  DenseMap<Value, int64_t> lastUses;                        ///< of roots, views included
  DenseMap<Value, Place> places;                            ///< of roots
  DenseMap<StringAttr, SmallVector<tune::ReadOp, 1>> reads; ///< of a tensor, but for snapshots
  DenseMap<Value, tune::TensorOp> bound;
  DenseMap<Value, std::pair<OpResult, int64_t>> yielded; ///< root in a loop's body -> the loop's result, bytes a chunk
  DenseMap<Operation *, Place> workspaces;
  std::vector<Lifetime> buffers;
  int64_t scratch = 0; ///< bytes of the region of its group
  DenseSet<int64_t> workspaceBuffers;
  llvm::MapVector<Operation *, int64_t> handed; ///< buffers of tensors that are handed over
};
} // namespace

//===----------------------------------------------------------------------===//
// Tensors and constants
//===----------------------------------------------------------------------===//

static StringRef getCategory(tune::Kind kind) {
  switch (kind) {
  case tune::Kind::weight:
  case tune::Kind::frozen:
    return "weights";
  case tune::Kind::trained:
    return "trained";
  case tune::Kind::gradient:
    return "gradients";
  case tune::Kind::state:
    return "states";
  default:
    return "workspace";
  }
}

/// Pages of a file that the arena may show instead of a copy, and bytes from which that pays.
static constexpr int64_t kPage = 4096, kLeastMapped = 16 * kPage;

/// Where the file has the tensor, if its pages may be what the arena holds: it is only read.
std::optional<int64_t> ModuleLayout::getFileOffset(tune::TensorOp tensor) const {
  std::optional<DictionaryAttr> source = tensor.getSource();
  auto offset = source ? source->getAs<IntegerAttr>("offset") : IntegerAttr();
  Type element = getElementTypeOrSelf(tensor.getType());
  if (!offset || mode != PlacementMode::Share || tensor.getKind() != tune::Kind::weight || source->contains("view") ||
      !(element.isF32() || element.isBF16() || element.isF16()) || written.contains(tensor.getSymName()) ||
      getBytes(tensor.getType()) < kLeastMapped)
    return std::nullopt;
  return offset.getInt();
}

void ModuleLayout::place(tune::TensorOp tensor, int64_t &at, std::map<std::string, int64_t> &counted) {
  int64_t begin = alignUp(at);
  std::optional<int64_t> inFile = getFileOffset(tensor);
  if (inFile)
    begin = at + llvm::mod(*inFile - at, kPage);
  if (tensor.getSource()) { // a module may be placed again
    NamedAttrList source(*tensor.getSource());
    source.erase("mapped");
    if (inFile)
      source.set("mapped", UnitAttr::get(tensor.getContext()));
    tensor.setSourceAttr(source.getDictionary(tensor.getContext()));
  }
  tensor->setAttr(kOffsetAttr, OpBuilder(tensor).getI64IntegerAttr(begin));
  int64_t bytes = alignUp(getBytes(tensor.getType()));
  counted[getCategory(tensor.getKind()).str()] += bytes;
  counted["workspace"] += begin - at;
  at = begin + bytes;
}

/// First what several steps use, then a region that each step has for itself while it is done. Of the region, the plan
/// shows the gradients and states of the step with most of them; the rest is workspace.
void ModuleLayout::placeTensors(ModuleOp module) {
  DenseMap<Operation *, std::vector<tune::TensorOp>> own;
  for (auto tensor : module.getOps<tune::TensorOp>()) {
    if (handed(tensor))
      continue;
    tune::StepOp step = mode == PlacementMode::Share ? steps.ownerOf(tensor) : tune::StepOp();
    if (step)
      own[step].push_back(tensor);
    else
      place(tensor, end, plan);
  }
  int64_t begin = end;
  int64_t gradients = 0, states = 0;
  for (auto step : module.getOps<tune::StepOp>()) {
    int64_t at = begin;
    std::map<std::string, int64_t> counted;
    for (tune::TensorOp tensor : own[step])
      place(tensor, at, counted);
    end = std::max(end, at);
    if (counted["gradients"] + counted["states"] > gradients + states) {
      gradients = counted["gradients"];
      states = counted["states"];
    }
  }
  plan["gradients"] += gradients;
  plan["states"] += states;
  plan["workspace"] += end - begin - gradients - states;
}

/// The contents of a constant, or the splat that stands for them.
static Attribute getContents(Operation *constant) {
  if (TypedAttr splat = getSplat(constant->getResult(0)))
    return splat;
  return cast<arith::ConstantOp>(constant).getValue();
}

void ModuleLayout::placeConstants(func::FuncOp program) {
  forEachOp(program, [&](Operation *op) {
    if (getRole(op) != Role::Constant || !needsBuffer(op, registry))
      return;
    Type type = op->getResult(0).getType();
    auto [place, isNew] = constants.try_emplace({getContents(op), type}, end);
    if (isNew) {
      int64_t bytes = alignUp(getBytes(type));
      plan["workspace"] += bytes;
      end += bytes;
    }
    op->setAttr(kOffsetsAttr, DenseI64ArrayAttr::get(op->getContext(), {place->second}));
  });
}

//===----------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------===//

void ProgramPlacer::number(Block &block) {
  for (Operation &op : block) {
    positions[&op] = next++;
    SmallVector<Block *, 2> bodies = tune::getBodies(&op);
    for (Block *body : bodies)
      number(*body);
    if (!bodies.empty())
      ends[&op] = next++;
  }
}

void ProgramPlacer::findUses(Block &block) {
  for (Operation &op : block) {
    if (getRole(&op) == Role::View)
      continue;
    int64_t position = positions[&op];
    if (SmallVector<Block *, 2> bodies = tune::getBodies(&op); !bodies.empty()) {
      for (Block *body : bodies)
        findUses(*body);
      position = ends[&op];
    } else if (isa<tune::WriteOp>(op)) {
      position = next; // writes take effect at the end
    }
    for (Value operand : op.getOperands()) {
      int64_t &last = lastUses.try_emplace(seeThroughViews(operand).root, -1).first->second;
      last = std::max(last, position);
    }
  }
}

//===----------------------------------------------------------------------===//
// Reads and writes
//===----------------------------------------------------------------------===//

void ProgramPlacer::placeReads() {
  llvm::StringMap<tune::WriteOp> writes;
  for (auto write : program.getOps<tune::WriteOp>())
    writes[write.getTensor()] = write;
  // Reads whose contents some write takes elsewhere although the tensor itself is written too.
  DenseSet<Value> snapshots;
  for (auto write : program.getOps<tune::WriteOp>()) {
    auto read = seeThroughViews(write.getValue()).root.getDefiningOp<tune::ReadOp>();
    if (read && read.getTensor() != write.getTensor() && writes.contains(read.getTensor()))
      snapshots.insert(read);
  }
  for (auto read : program.getOps<tune::ReadOp>()) {
    if (snapshots.contains(read)) {
      places[read] = addBuffer(getBytes(read.getType()), -1, next);
      continue;
    }
    places[read] = placeOf(layout.symbols.lookup<tune::TensorOp>(read.getTensorAttr().getAttr()), nullptr);
    reads[read.getTensorAttr().getAttr()].push_back(read);
  }
}

/// Whether a program computes a value, rather than that it is a view, a constant or what a tensor holds.
static bool isMade(OpResult value) {
  Role role = getRole(value.getOwner());
  return role == Role::Call || role == Role::Loop || role == Role::Choice;
}

/// Whether the call of `result` may compute it over whatever it reads of `root`.
bool ProgramPlacer::mayReplace(OpResult result, Value root) {
  Operation *op = result.getOwner();
  const KernelGenerator *generator = layout.registry.lookup(op);
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    ViewOf view = seeThroughViews(operand.get());
    return view.root != root || (generator && view.displacement == 0 && generator->mayShare(operand, result));
  });
}

/// Whether every read of the tensor is done when `result` is computed, so that it may replace it.
bool ProgramPlacer::mayBind(tune::WriteOp write, OpResult result) {
  Operation *op = result.getOwner();
  return llvm::all_of(reads[write.getTensorAttr().getAttr()], [&](tune::ReadOp read) {
    int64_t last = getLastUse(read), position = positions[op];
    if (last != position)
      return last < position;
    return mayReplace(result, read);
  });
}

void ProgramPlacer::bindWrites() {
  for (auto write : program.getOps<tune::WriteOp>()) {
    ViewOf view = seeThroughViews(write.getValue());
    auto result = dyn_cast<OpResult>(view.root);
    if (!result || bound.contains(result) || getBytes(result.getType()) != getBytes(write.getValue().getType()))
      continue;
    if (!isMade(result) || !mayBind(write, result))
      continue;
    // What it is computed over may be there before.
    for (auto tensor = layout.symbols.lookup<tune::TensorOp>(write.getTensorAttr().getAttr()); result;
         result = findOverwritten(write, result))
      bound[result] = tensor;
  }
}

/// An operand that nothing else needs, over which `result` may be computed in the place of the tensor; null if there is
/// none.
OpResult ProgramPlacer::findOverwritten(tune::WriteOp write, OpResult result) {
  Operation *op = result.getOwner();
  for (Value operand : op->getOperands()) {
    auto made = dyn_cast<OpResult>(seeThroughViews(operand).root);
    if (made && !bound.contains(made) && isMade(made) && made.getOwner()->getBlock() == op->getBlock() &&
        getBytes(made.getType()) == getBytes(result.getType()) && getLastUse(made) == positions[op] &&
        mayReplace(result, made) && mayBind(write, made))
      return made;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

ProgramPlacer::Place ProgramPlacer::addBuffer(int64_t bytes, int64_t first, int64_t last) {
  buffers.push_back({bytes, first, std::max(first, last)});
  return {int64_t(buffers.size()) - 1, 0, 0};
}

/// Tensors that the program leaves are there from where they are made, those that it finds from the beginning.
void ProgramPlacer::addHanded() {
  for (auto tensor : program->getParentOfType<ModuleOp>().getOps<tune::TensorOp>())
    if (const Handed *between = layout.handed(tensor); between && (between->from == program || between->to == program))
      handed[tensor] = addBuffer(getBytes(tensor.getType()), between->from == program ? next : -1, next).buffer;
}

/// Where a tensor lies; `maker` computes its next contents there.
ProgramPlacer::Place ProgramPlacer::placeOf(tune::TensorOp tensor, Operation *maker) {
  auto found = handed.find(tensor);
  if (found == handed.end())
    return {-1, getTensorOffset(tensor), 0};
  if (maker)
    buffers[found->second].first = std::min(buffers[found->second].first, positions[maker]);
  return {found->second, 0, 0};
}

std::optional<ProgramPlacer::Place> ProgramPlacer::shareOperand(Operation *op, OpResult result,
                                                                const DenseSet<int64_t> &takenOver) {
  const KernelGenerator *generator = layout.registry.lookup(op);
  if (!generator || layout.mode == PlacementMode::None)
    return std::nullopt;
  int64_t position = positions[op];
  for (OpOperand &candidate : op->getOpOperands()) {
    ViewOf view = seeThroughViews(candidate.get());
    auto found = places.find(view.root);
    if (found == places.end() || found->second.buffer < 0 || found->second.stride != 0 ||
        takenOver.contains(found->second.buffer))
      continue;
    Place place = found->second;
    Lifetime &buffer = buffers[place.buffer];
    if (buffer.last != position || buffer.bytes != getBytes(result.getType()))
      continue;
    // Whatever else the call reads of this buffer must allow it too.
    bool allowed = llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
      ViewOf other = seeThroughViews(operand.get());
      auto otherPlace = places.find(other.root);
      return otherPlace == places.end() || otherPlace->second.buffer != place.buffer ||
             (other.displacement == 0 && generator->mayShare(operand, result));
    });
    if (!allowed)
      continue;
    buffer.last = std::max(position, getLastUse(result));
    return place;
  }
  return std::nullopt;
}

void ProgramPlacer::placeCall(Operation *op) {
  DenseSet<int64_t> takenOver; // a dead result's buffer must not go to a second result
  OpResult sum = getSumInPlace(op, layout.registry);
  for (OpResult result : op->getResults()) {
    if (sum) {
      Place place = places.lookup(sum); // by value: a new entry moves the others
      places[result] = place;
    } else if (tune::TensorOp tensor = bound.lookup(result)) {
      places[result] = placeOf(tensor, op);
    } else if (auto rows = yielded.find(result); rows != yielded.end()) {
      Place place = places.lookup(rows->second.first); // by value: a new entry moves the others
      place.stride = rows->second.second;
      places[result] = place;
    } else if (std::optional<Place> shared = shareOperand(op, result, takenOver)) {
      places[result] = *shared;
      takenOver.insert(shared->buffer);
    } else {
      places[result] = addBuffer(getBytes(result.getType()), positions[op], getLastUse(result));
    }
  }
  if (const KernelGenerator *generator = layout.registry.lookup(op))
    if (int64_t bytes = generator->workspaceBytes(op)) {
      workspaces[op] = addBuffer(bytes, positions[op], positions[op]);
      workspaceBuffers.insert(workspaces[op].buffer);
    }
}

/// The results of a loop or choice: in place from its beginning on.
void ProgramPlacer::placeResults(Operation *op) {
  for (OpResult result : op->getResults()) {
    if (tune::TensorOp tensor = bound.lookup(result))
      places[result] = placeOf(tensor, op);
    else
      places[result] = addBuffer(getBytes(result.getType()), positions[op], std::max(ends[op], getLastUse(result)));
  }
}

void ProgramPlacer::placeLoop(tune::RowsOp rows) {
  placeResults(rows);
  if (layout.mode == PlacementMode::Share)
    for (auto [value, result] : llvm::zip(rows.getYield().getSliced(), rows.getSlicedResults())) {
      auto root = dyn_cast<OpResult>(seeThroughViews(value).root);
      int64_t bytes = getBytes(value.getType());
      if (root && getRole(root.getOwner()) == Role::Call && getBytes(root.getType()) == bytes)
        yielded.try_emplace(root, cast<OpResult>(result), bytes);
    }
  placeBlock(*rows.getBody());
}

void ProgramPlacer::placeBlock(Block &block) {
  for (Operation &op : block) {
    Role role = getRole(&op);
    if (role == Role::Loop)
      placeLoop(cast<tune::RowsOp>(op));
    else if (role == Role::Choice) {
      placeResults(&op);
      for (Block *body : tune::getBodies(&op))
        placeBlock(*body);
    } else if (role == Role::Call)
      placeCall(&op);
  }
}

void ProgramPlacer::findBuffers() {
  Block &body = program.getBody().front();
  number(body);
  findUses(body);
  addHanded();
  placeReads();
  if (layout.mode == PlacementMode::Share)
    bindWrites();
  placeBlock(body);
}

void ProgramPlacer::assign(ArrayRef<ProgramPlacer *> placers) {
  std::vector<Lifetime> all;
  std::vector<std::pair<Lifetime *, size_t>> parts; // each program's buffers, and which of all they are
  DenseMap<Operation *, size_t> common;
  int64_t begin = 0;
  for (ProgramPlacer *placer : placers) {
    DenseMap<int64_t, Operation *> tensors;
    for (auto [tensor, buffer] : placer->handed)
      tensors[buffer] = tensor;
    for (auto [index, buffer] : llvm::enumerate(placer->buffers)) {
      Lifetime shifted{buffer.bytes, begin + buffer.first, begin + buffer.last};
      Operation *tensor = tensors.lookup(int64_t(index));
      auto [known, isNew] = common.try_emplace(tensor, all.size());
      parts.emplace_back(&buffer, tensor && !isNew ? known->second : all.size());
      if (tensor && !isNew)
        all[known->second].last = shifted.last;
      else
        all.push_back(shifted);
    }
    begin += placer->next + 2; // the next program begins before its first call and behind this one's end
  }
  bool share = placers.front()->layout.mode == PlacementMode::Share;
  int64_t bytes = share ? assignOffsets(all) : assignDistinctOffsets(all);
  for (auto [buffer, index] : parts)
    buffer->offset = all[index].offset;
  for (ProgramPlacer *placer : placers)
    placer->scratch = bytes;
}

ProgramMemory ProgramPlacer::getMemory() const {
  ProgramMemory memory;
  memory.program = program;
  memory.scratch = scratch;
  DenseSet<int64_t> handedBuffers;
  for (auto [tensor, buffer] : handed)
    handedBuffers.insert(buffer);
  for (auto [index, buffer] : llvm::enumerate(buffers))
    (workspaceBuffers.contains(int64_t(index)) ? memory.workspaces
     : handedBuffers.contains(int64_t(index))  ? memory.handed
                                               : memory.values)
        .push_back(buffer);
  forEachCall(memory.program, [&](Operation *op) { memory.calls.push_back({op, positions.lookup(op)}); });
  return memory;
}

void ProgramPlacer::writeAttributes(int64_t scratchBase) {
  OpBuilder builder(program.getContext());
  auto getOffset = [&](const Place &place) {
    return place.buffer < 0 ? place.offset : scratchBase + buffers[place.buffer].offset;
  };
  forEachOp(program, [&](Operation *op) {
    Role role = getRole(op);
    if (role != Role::Call && role != Role::Loop && role != Role::Choice && role != Role::Read)
      return;
    SmallVector<int64_t> offsets, strides;
    for (Value result : op->getResults()) {
      offsets.push_back(getOffset(places[result]));
      strides.push_back(places[result].stride);
    }
    op->setAttr(kOffsetsAttr, builder.getDenseI64ArrayAttr(offsets));
    if (llvm::any_of(strides, [](int64_t stride) { return stride != 0; }))
      op->setAttr(kStridesAttr, builder.getDenseI64ArrayAttr(strides));
    if (auto workspace = workspaces.find(op); workspace != workspaces.end())
      op->setAttr(kWorkspaceAttr, builder.getI64IntegerAttr(getOffset(workspace->second)));
  });
}

void ProgramPlacer::writeHanded(int64_t scratchBase) {
  Builder builder(program.getContext());
  for (auto [tensor, buffer] : handed)
    tensor->setAttr(kOffsetAttr, builder.getI64IntegerAttr(scratchBase + buffers[buffer].offset));
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

/// Bytes of its own memory that each thread needs.
static int64_t getThreadBytes(ModuleOp module, const KernelRegistry &registry) {
  int64_t most = 0;
  for (func::FuncOp program : getPrograms(module))
    forEachCall(program, [&](Operation *op) {
      if (const KernelGenerator *generator = registry.lookup(op))
        most = std::max(most, generator->scratchBytes(op));
    });
  return most;
}

namespace {
/// Bytes alive at each position of a program.
struct LiveBytes {
  explicit LiveBytes(const ProgramMemory &memory) : end(memory.calls.empty() ? 0 : memory.calls.back().second + 1) {
    values = count(memory.values);
    workspaces = count(memory.workspaces);
    handed = count(memory.handed);
  }

  int64_t end;
  std::vector<int64_t> values, workspaces, handed;

private:
  std::vector<int64_t> count(ArrayRef<Lifetime> buffers) const {
    std::vector<int64_t> live(end + 1);
    for (const Lifetime &buffer : buffers) {
      live[std::clamp<int64_t>(buffer.first, 0, end)] += alignUp(buffer.bytes);
      live[std::clamp<int64_t>(buffer.last + 1, 0, end)] -= alignUp(buffer.bytes);
    }
    std::partial_sum(live.begin(), live.end(), live.begin());
    return live;
  }
};
} // namespace

ProgramSchedule makeSchedule(const ProgramMemory &memory) {
  LiveBytes live(memory);
  ProgramSchedule schedule{func::FuncOp(memory.program).getSymName().str(), {}};
  for (auto [op, position] : memory.calls)
    schedule.moments.push_back(
        {describeWork(op), live.values[position], live.handed[position], live.workspaces[position]});
  return schedule;
}

/// Programs that hand tensors over stand together.
static std::vector<SmallVector<ProgramPlacer *, 2>>
groupPlacers(const ModuleLayout &layout, ModuleOp module, llvm::MapVector<Operation *, ProgramPlacer *> placers) {
  std::vector<SmallVector<ProgramPlacer *, 2>> groups;
  for (auto tensor : module.getOps<tune::TensorOp>())
    if (const Handed *between = layout.handed(tensor); between && placers.lookup(between->from)) {
      groups.push_back({placers.lookup(between->from), placers.lookup(between->to)});
      placers[between->from] = placers[between->to] = nullptr;
    }
  for (auto [program, placer] : placers)
    if (placer)
      groups.push_back({placer});
  return groups;
}

FailureOr<std::vector<ProgramMemory>> placeModule(ModuleOp module, const KernelRegistry &registry, PlacementMode mode) {
  SymbolTable symbols(module);
  ModuleLayout layout(module, symbols, registry, mode);
  for (StringRef name : {"weights", "trained", "gradients", "states", "activations", "workspace"})
    layout.plan[name.str()] = 0;
  layout.placeTensors(module);
  std::deque<ProgramPlacer> placers;
  llvm::MapVector<Operation *, ProgramPlacer *> placerOf;
  for (func::FuncOp program : getPrograms(module)) {
    layout.placeConstants(program);
    placerOf[program] = &placers.emplace_back(program, layout);
  }
  parallelForEach(module.getContext(), placers, [](ProgramPlacer &placer) { placer.findBuffers(); });
  auto groups = groupPlacers(layout, module, placerOf);
  parallelForEach(module.getContext(), groups, [](auto &group) { ProgramPlacer::assign(group); });
  std::vector<ProgramMemory> memories;
  int64_t scratch = 0, most = 0, handed = 0; // the most bytes of values at once, and what is handed over then
  for (ProgramPlacer &placer : placers) {
    const ProgramMemory &memory = memories.emplace_back(placer.getMemory());
    scratch = std::max(scratch, memory.scratch);
    LiveBytes live(memory);
    for (auto [values, others] : llvm::zip_equal(live.values, live.handed))
      if (values + others > most) {
        most = values + others;
        handed = others;
      }
    placer.writeHanded(layout.end);
  }
  parallelForEach(module.getContext(), placers, [&](ProgramPlacer &placer) { placer.writeAttributes(layout.end); });
  most = std::min(most, scratch);
  layout.plan["activations"] = most - handed;
  layout.plan["gradients"] += handed;
  layout.plan["workspace"] += scratch - most;
  layout.plan["peak"] = layout.end + scratch;
  layout.plan["thread"] = getThreadBytes(module, registry);

  SmallVector<NamedAttribute> entries;
  OpBuilder builder(module.getContext());
  for (auto &[name, bytes] : layout.plan)
    entries.push_back(builder.getNamedAttr(name, builder.getI64IntegerAttr(bytes)));
  module->setAttr(kArenaAttr, builder.getDictionaryAttr(entries));
  return memories;
}

} // namespace ftc::target
