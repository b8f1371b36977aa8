// From a fused program to the problem of Recompute.h and back. A result of tune.fused is computed again by the part of
// its body that leads to it, from the op's operands and from its other results: rows that a norm has been applied to,
// from those rows, although the kernel that made both had to add them up first. Other ops are computed again whole.

#include "InsertRecompute.h"

#include "Recompute.h"
#include "StepTensors.h"
#include "Structure.h"
#include "Work.h"

#include "OffsetAssignment.h"
#include "dialects/Tune/IR/Tune.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Threading.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

#include <limits>

using namespace mlir;

namespace ftc::target {

/// What a core does in a second, for estimates: flops of products, bytes of everything else.
static constexpr double kFlopsPerSecond = 1e11, kBytesPerSecond = 1e10;

/// Whether results of the op are made at its place in the program.
static bool isComputed(Operation *op) {
  Role role = getRole(op);
  return role == Role::Call || role == Role::Loop || role == Role::Choice;
}

namespace {
/// A result of a fused op by itself.
struct Part {
  llvm::SetVector<Operation *> ops; ///< of the body, in its order
  SmallVector<Value> inputs;        ///< arguments of the body, and what it yields as other results
};

class Inserter {
public:
  Inserter(func::FuncOp program, const KernelRegistry &registry, const SymbolTable &symbols, const StepTensors &steps,
           bool mayRepeatProducts);

  int64_t countLiveBytes() const { return liveBytes; }
  /// The same with what is cheap computed again.
  int64_t countLeastCheap();
  Recomputed insert(int64_t budget);
  Recomputed insertCheap(int64_t budget);

private:
  void findWritten(const SymbolTable &symbols, const StepTensors &steps);
  void addCall(Operation *op);
  void addResults(Operation *op, RecomputeProblem::Call &call, bool isSteady);
  void addFused(tune::FusedOp op, RecomputeProblem::Call &call);
  static Part partOf(tune::FusedOp op, unsigned result);
  /// The result that a value belongs to; -1 for what is always there. `isSteady` becomes false if it is a tensor that
  /// the program changes.
  int resultOf(Value value, bool &isSteady) const;
  void addReads(ValueRange values, std::vector<int> &reads, bool &isSteady) const;
  int64_t bytesOf(ValueRange values) const;
  int64_t liveBytesOf(Block &body) const;
  int64_t workspaceOf(Operation *op) const;
  static double estimateSeconds(Operation *op);

  RecomputeSchedule chooseCheaply(int64_t budget) const;
  void apply(const RecomputeSchedule &schedule);
  Value current(OpBuilder &builder, Value value);
  void makeAgain(OpBuilder &builder, int result);
  void makePartAgain(OpBuilder &builder, OpResult result);

  func::FuncOp program;
  const KernelRegistry &registry;
  bool mayRepeatProducts;
  RecomputeProblem problem;
  SmallVector<Operation *> calls;                ///< of the problem's calls; the last one, the program's end, is null
  SmallVector<SmallVector<OpResult, 1>> results; ///< of the problem's results
  DenseMap<Value, int> numbers;
  llvm::StringSet<> written;
  DenseSet<Value> bound;  ///< results that are written to tensors, where they may be computed
  DenseSet<Value> handed; ///< those of them whose tensors lie among the values
  DenseMap<Value, Value> copies;
  std::optional<RecomputeSchedule> leastCheap; ///< once it has been asked for
  double seconds = 0;                          ///< of the program as it is, estimated
  int64_t liveBytes = 0;                       ///< the same, at once
};
} // namespace

//===----------------------------------------------------------------------===//
// The problem
//===----------------------------------------------------------------------===//

void Inserter::findWritten(const SymbolTable &symbols, const StepTensors &steps) {
  for (auto write : program.getOps<tune::WriteOp>()) {
    written.insert(write.getTensor());
    Value root = seeThroughViews(write.getValue()).root;
    bound.insert(root);
    if (steps.handed(symbols.lookup<tune::TensorOp>(write.getTensorAttr().getAttr())))
      handed.insert(root);
  }
}

int Inserter::resultOf(Value value, bool &isSteady) const {
  Value root = seeThroughViews(value).root;
  if (auto read = root.getDefiningOp<tune::ReadOp>())
    isSteady &= !written.contains(read.getTensor());
  auto found = numbers.find(root);
  return found == numbers.end() ? -1 : found->second;
}

void Inserter::addReads(ValueRange values, std::vector<int> &reads, bool &isSteady) const {
  for (Value value : values)
    if (int result = resultOf(value, isSteady); result >= 0 && !llvm::is_contained(reads, result))
      reads.push_back(result);
}

int64_t Inserter::bytesOf(ValueRange values) const {
  int64_t bytes = 0;
  for (Value value : values)
    bytes += bound.contains(value) && !handed.contains(value) ? 0 : alignUp(getBytes(value.getType()));
  return bytes;
}

/// What a body holds at once, where results take over the bytes of operands as they do when they are placed.
int64_t Inserter::liveBytesOf(Block &body) const {
  DenseMap<Value, int64_t> lastUses;
  for (auto [position, op] : llvm::enumerate(body))
    if (getRole(&op) != Role::View)
      for (Value operand : op.getOperands())
        lastUses[seeThroughViews(operand).root] = int64_t(position);
  DenseMap<Value, size_t> places;
  std::vector<Lifetime> lifetimes;
  for (auto [index, op] : llvm::enumerate(body)) {
    auto position = int64_t(index);
    if (!isComputed(&op))
      continue;
    if (int64_t bytes = workspaceOf(&op))
      lifetimes.push_back({bytes, position, position});
    if (getSumInPlace(&op, registry))
      continue;
    const KernelGenerator *generator = registry.lookup(&op);
    for (OpResult result : op.getResults()) {
      int64_t bytes = getBytes(result.getType()), last = std::max(position, lastUses.lookup(result));
      const OpOperand *taken = llvm::find_if(op.getOpOperands(), [&](OpOperand &operand) {
        auto place = places.find(seeThroughViews(operand.get()).root);
        return generator && place != places.end() && lifetimes[place->second].last == position &&
               lifetimes[place->second].bytes == bytes && generator->mayShare(operand, result);
      });
      if (taken != op.getOpOperands().end()) {
        size_t place = places.lookup(seeThroughViews(taken->get()).root);
        lifetimes[place].last = last;
        places[result] = place;
      } else {
        places[result] = lifetimes.size();
        lifetimes.push_back({bytes, position, last});
      }
    }
  }
  return getLiveBytes(lifetimes);
}

/// Of a call, or all that the bodies of a loop or choice hold at once.
int64_t Inserter::workspaceOf(Operation *op) const {
  SmallVector<Block *, 2> bodies = tune::getBodies(op);
  if (bodies.empty()) {
    const KernelGenerator *generator = registry.lookup(op);
    return generator ? alignUp(generator->workspaceBytes(op)) : 0;
  }
  int64_t most = 0;
  for (Block *body : bodies)
    most = std::max(most, liveBytesOf(*body));
  return most;
}

Part Inserter::partOf(tune::FusedOp op, unsigned result) {
  Part part;
  ValueRange yielded = op.getYield().getValues();
  SmallVector<Value> pending{yielded[result]};
  llvm::SetVector<Operation *> found;
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    Operation *source = value.getDefiningOp();
    bool isOther = value != yielded[result] && llvm::is_contained(yielded, value);
    if (!source || isOther) {
      if (!llvm::is_contained(part.inputs, value))
        part.inputs.push_back(value);
    } else if (found.insert(source)) {
      pending.append(source->operand_begin(), source->operand_end());
    }
  }
  for (Operation &inner : op.getRegion().front())
    if (found.contains(&inner))
      part.ops.insert(&inner);
  return part;
}

void Inserter::addFused(tune::FusedOp op, RecomputeProblem::Call &call) {
  ValueRange yielded = op.getYield().getValues();
  int first = int(results.size());
  for (OpResult result : op->getResults()) {
    numbers[result] = int(results.size());
    call.makes.push_back(int(results.size()));
    results.push_back({result});
  }
  for (OpResult result : op->getResults()) {
    Part part = partOf(op, result.getResultNumber());
    // Where two results are one value, or an operand, there is no part that makes one of them.
    bool isRepeatable =
        !part.ops.empty() && !bound.contains(result) && llvm::count(yielded, yielded[result.getResultNumber()]) == 1;
    RecomputeProblem::Result made{bytesOf(result), 0, {}, isRepeatable};
    double bytes = double(getBytes(result.getType()));
    for (Value input : part.inputs) {
      bytes += double(getBytes(input.getType()));
      if (auto argument = dyn_cast<BlockArgument>(input))
        addReads(op.getInputs()[argument.getArgNumber()], made.reads, made.repeatable);
      else
        made.reads.push_back(first + int(llvm::find(yielded, input) - yielded.begin()));
    }
    made.cost = bytes / kBytesPerSecond;
    problem.results.push_back(made);
  }
}

/// All of them together.
void Inserter::addResults(Operation *op, RecomputeProblem::Call &call, bool isSteady) {
  int number = int(results.size());
  results.emplace_back(op->result_begin(), op->result_end());
  for (Value result : op->getResults())
    numbers[result] = number;
  call.makes.push_back(number);
  bool isRepeatable = isSteady && getRole(op) == Role::Call &&
                      llvm::none_of(op->getResults(), [&](Value result) { return bound.contains(result); });
  bool isDear = !mayRepeatProducts && countProductFlops(op) > 0;
  double cost = isDear ? std::numeric_limits<double>::infinity() : estimateSeconds(op);
  problem.results.push_back({bytesOf(op->getResults()), cost, call.reads, isRepeatable});
}

double Inserter::estimateSeconds(Operation *op) {
  double result = double(countProductFlops(op)) / kFlopsPerSecond + double(countBytes(op)) / kBytesPerSecond;
  // A body's sizes are those of one iteration.
  auto rows = dyn_cast<tune::RowsOp>(op);
  for (Block *body : tune::getBodies(op))
    for (Operation &inner : *body)
      if (getRole(&inner) == Role::Call)
        result += estimateSeconds(&inner) * (rows ? double(rows.getTrips()) : 1);
  return result;
}

void Inserter::addCall(Operation *op) {
  if (!isComputed(op))
    return;
  RecomputeProblem::Call call{{}, {}, workspaceOf(op)};
  bool isSteady = true;
  addReads(op->getOperands(), call.reads, isSteady);
  if (auto fused = dyn_cast<tune::FusedOp>(op))
    addFused(fused, call);
  else
    addResults(op, call, isSteady);
  problem.calls.push_back(call);
  calls.push_back(op);
  seconds += estimateSeconds(op);
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

/// The newest copy of a value, or of what it is a view of.
Value Inserter::current(OpBuilder &builder, Value value) {
  if (Value copy = copies.lookup(value))
    return copy;
  Operation *view = value.getDefiningOp();
  if (!view || getRole(view) != Role::View)
    return value;
  Value source = current(builder, view->getOperand(0));
  if (source == view->getOperand(0))
    return value;
  Operation *copy = builder.clone(*view);
  copy->setOperand(0, source);
  return copy->getResult(0);
}

void Inserter::makePartAgain(OpBuilder &builder, OpResult result) {
  auto op = cast<tune::FusedOp>(result.getOwner());
  Part part = partOf(op, result.getResultNumber());
  ValueRange yielded = op.getYield().getValues();
  SmallVector<Value> inputs;
  for (Value input : part.inputs) {
    auto argument = dyn_cast<BlockArgument>(input);
    Value outer = argument ? op.getInputs()[argument.getArgNumber()]
                           : Value(op->getResult(llvm::find(yielded, input) - yielded.begin()));
    inputs.push_back(current(builder, outer));
  }
  auto copy = tune::FusedOp::create(builder, op.getLoc(), TypeRange(result.getType()), inputs);
  Block &body = copy.getRegion().emplaceBlock();
  IRMapping mapping;
  for (Value input : part.inputs)
    mapping.map(input, body.addArgument(input.getType(), input.getLoc()));
  OpBuilder inner = OpBuilder::atBlockEnd(&body);
  for (Operation *source : part.ops)
    inner.clone(*source, mapping);
  tune::FusedYieldOp::create(inner, op.getLoc(), mapping.lookup(yielded[result.getResultNumber()]));
  copies[result] = copy->getResult(0);
}

void Inserter::makeAgain(OpBuilder &builder, int number) {
  ArrayRef<OpResult> made = results[number];
  Operation *op = made.front().getOwner();
  if (isa<tune::FusedOp>(op))
    return makePartAgain(builder, made.front());
  SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value v) { return current(builder, v); });
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  for (OpResult result : made)
    copies[result] = copy->getResult(result.getResultNumber());
}

void Inserter::apply(const RecomputeSchedule &schedule) {
  Block &body = program.getBody().front();
  SmallVector<int> waiting;
  Operation *next = &body.front();
  auto rewriteTo = [&](Operation *end) {
    for (; next != end; next = next->getNextNode())
      if (getRole(next) != Role::View)
        for (OpOperand &operand : next->getOpOperands()) {
          OpBuilder builder(next);
          operand.set(current(builder, operand.get()));
        }
  };
  for (auto [isAgain, index] : schedule.steps) {
    if (isAgain) {
      waiting.push_back(index);
      continue;
    }
    Operation *call = calls[index] ? calls[index] : body.getTerminator();
    rewriteTo(call);
    OpBuilder builder(call);
    for (int result : waiting)
      makeAgain(builder, result);
    waiting.clear();
  }
  rewriteTo(nullptr);
}

Inserter::Inserter(func::FuncOp program, const KernelRegistry &registry, const SymbolTable &symbols,
                   const StepTensors &steps, bool mayRepeatProducts)
    : program(program), registry(registry), mayRepeatProducts(mayRepeatProducts) {
  findWritten(symbols, steps);
  for (Operation &op : program.front())
    addCall(&op);
  // What is written is needed at the end.
  RecomputeProblem::Call end{{}, {}, 0};
  bool isSteady = true;
  for (auto write : program.getOps<tune::WriteOp>())
    addReads(write.getValue(), end.reads, isSteady);
  problem.calls.push_back(end);
  calls.push_back(nullptr);
  liveBytes = scheduleOnce(problem).peak;
}

RecomputeSchedule Inserter::chooseCheaply(int64_t budget) const {
  constexpr double mostBytesMoved = 5; // to free one
  return chooseCheaplyRecomputed(problem, budget, mostBytesMoved / kBytesPerSecond, kCheapShare * seconds);
}

int64_t Inserter::countLeastCheap() {
  if (!leastCheap)
    leastCheap = chooseCheaply(0);
  return leastCheap->peak;
}

Recomputed Inserter::insert(int64_t budget) {
  std::string name = program.getSymName().str();
  if (liveBytes <= budget)
    return {name, liveBytes, liveBytes, liveBytes, 0};
  RecomputeSchedule schedule = chooseRecomputed(problem, budget);
  apply(schedule);
  return {name, liveBytes, schedule.peak, countLeastCheap(), schedule.cost / seconds};
}

Recomputed Inserter::insertCheap(int64_t budget) {
  RecomputeSchedule schedule = countLeastCheap() >= budget ? *leastCheap : chooseCheaply(budget);
  apply(schedule);
  return {program.getSymName().str(), liveBytes, schedule.peak, schedule.peak, schedule.cost / seconds};
}

Recomputed insertRecompute(func::FuncOp program, const KernelRegistry &registry, int64_t budget) {
  auto module = program->getParentOfType<ModuleOp>();
  SymbolTable symbols(module);
  return Inserter(program, registry, symbols, StepTensors(module, symbols), /*mayRepeatProducts=*/true).insert(budget);
}

std::vector<Recomputed> insertCheapRecompute(ModuleOp module, const KernelRegistry &registry, int64_t enough) {
  SymbolTable symbols(module);
  StepTensors steps(module, symbols);
  SmallVector<func::FuncOp> programs = getPrograms(module);
  std::vector<std::unique_ptr<Inserter>> inserters(programs.size());
  parallelFor(module.getContext(), 0, programs.size(), [&](size_t i) {
    inserters[i] = std::make_unique<Inserter>(programs[i], registry, symbols, steps, /*mayRepeatProducts=*/false);
  });
  llvm::stable_sort(inserters, [](const auto &a, const auto &b) { return a->countLiveBytes() > b->countLiveBytes(); });
  auto isTooLarge = [&](const auto &inserter) { return inserter->countLiveBytes() > enough; };
  for (auto &inserter : inserters)
    if (isTooLarge(inserter))
      enough = std::max(enough, inserter->countLeastCheap());
  std::vector<Recomputed> result;
  for (auto &inserter : inserters)
    if (isTooLarge(inserter))
      result.push_back(inserter->insertCheap(enough));
  return result;
}

} // namespace ftc::target
