//===- MemoryLimit.cpp - what `memory:` allows, and what would fit ---------===//

#include "ftc/Pipelines/Compilation.h"

#include "ftc/Frontend/Recipe.h"
#include "ftc/Pipelines/Bytes.h"

#include "dialects/Recipe/IR/Recipe.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace ftc;

void Compilation::findMemoryLimit() {
  limit.reset();
  for (auto train : recipe->getOps<recipe::TrainOp>())
    if (std::optional<int64_t> bytes = train.getMemory(); bytes && (!limit || *bytes < limit->bytes))
      limit = {train.getName().str(), *bytes, rangeOf(train.getLoc(), sources)};
}

recipe::TrainOp Compilation::findTraining(llvm::StringRef step) {
  for (auto train : recipe->getOps<recipe::TrainOp>())
    if (train.getName() == step)
      return train;
  return {};
}

/// How many sequences a training computes at once.
static int64_t countSequences(recipe::TrainOp train) {
  return int64_t(train.getMicroBatch().value_or(train.getBatch().getFirst()));
}

/// Bytes of gradients that have no place of their own while a batch is not cut into micro-batches, and would have one.
static int64_t countMovingGradients(mlir::ModuleOp placed, const target::PlanSummary &plan) {
  int64_t bytes = 0;
  for (auto tensor : placed.getOps<tune::TensorOp>())
    if (auto type = mlir::cast<mlir::RankedTensorType>(tensor.getType()); tensor.getKind() == tune::Kind::gradient)
      bytes += type.getNumElements() * type.getElementTypeBitWidth() / 8;
  return std::max<int64_t>(0, bytes - plan.gradients);
}

/// Bytes of the weights that come from files and are kept in 32 bits.
static int64_t countWideWeights(mlir::ModuleOp placed) {
  int64_t bytes = 0;
  for (auto tensor : placed.getOps<tune::TensorOp>()) {
    auto type = mlir::cast<mlir::RankedTensorType>(tensor.getType());
    if (tensor.getKind() == tune::Kind::weight && tensor.getSource() && type.getElementType().isF32())
      bytes += type.getNumElements() * int64_t(sizeof(float));
  }
  return bytes;
}

/// Whether the loss of a training mixes the rows of its batch, which is not cut then.
static bool staysWhole(mlir::ModuleOp placed, llvm::StringRef training) {
  auto step = placed.lookupSymbol<tune::StepOp>(training);
  auto batch = step ? step.getFields().getAs<mlir::DictionaryAttr>("batch") : mlir::DictionaryAttr();
  auto whole = batch ? batch.getAs<mlir::BoolAttr>("whole") : mlir::BoolAttr();
  return whole && whole.getValue();
}

/// With so many sequences at once, of which each takes its share of `rows` bytes. What rows take is taken to grow with
/// their number, which it does but for what little does not depend on them.
Compilation::SmallerMicroBatch Compilation::estimate(const target::PlanSummary &plan, recipe::TrainOp train,
                                                     int64_t rows, int64_t sequences) {
  int64_t rest = plan.peak + target::kProcessBytes - plan.activations - plan.workspace;
  return {sequences, rest + countMovingGradients(*current, plan) + rows * sequences / countSequences(train)};
}

/// The most sequences that should fit.
std::optional<Compilation::SmallerMicroBatch> Compilation::findMicroBatch(const target::PlanSummary &plan,
                                                                          recipe::TrainOp train, int64_t rows) {
  if (staysWhole(*current, train.getName()))
    return std::nullopt;
  int64_t sequences = train.getBatch().getFirst();
  for (int64_t micro = countSequences(train) - 1; micro > 0; --micro)
    if (sequences % micro == 0)
      if (auto smaller = estimate(plan, train, rows, micro); smaller.bytes <= limit->bytes)
        return smaller;
  return std::nullopt;
}

static bool isOf(const target::Recomputed &program, llvm::StringRef step) {
  return llvm::StringRef(program.program).starts_with((step + ".").str());
}

/// One batch is cut without being asked for, where none asks: its programs are compared with those of whole batches.
bool Compilation::mayCut(recipe::TrainOp train) {
  auto isAuto = [](recipe::TrainOp own) { return own.getAutoMicroBatch(); };
  bool isCutUnasked = whole && whole->step == train.getName();
  return isAuto(train) || isCutUnasked ||
         (!whole && !train.getMicroBatch() && llvm::none_of(recipe->getOps<recipe::TrainOp>(), isAuto));
}

bool Compilation::choosesMicroBatches() {
  return limit && !microBatchesAreFinal && options.target != target::TargetKind::Reference &&
         llvm::any_of(recipe->getOps<recipe::TrainOp>(), [&](auto train) { return mayCut(train); });
}

bool Compilation::chooseMicroBatch(const target::PlanSummary &plan) {
  if (!choosesMicroBatches())
    return false;
  recipe::TrainOp train;
  const target::Recomputed *dearest = nullptr;
  for (auto own : recipe->getOps<recipe::TrainOp>())
    for (const target::Recomputed &program : report.recomputed)
      if (mayCut(own) && isOf(program, own.getName()) && !(fits(plan) && program.share <= target::kCheapShare) &&
          (!dearest || program.share > dearest->share)) {
        train = own;
        dearest = &program;
      }
  if (auto own = findTraining(limit->step); !train && !fits(plan) && mayCut(own))
    train = own;
  auto smaller = dearest ? findMicroBatch(plan, train, dearest->cheap + plan.workspace) : std::nullopt;
  if (train && !smaller && !fits(plan))
    smaller = findMicroBatch(plan, train, plan.activations + plan.workspace);
  if (fits(plan))
    fitting = recipe->clone();
  if (smaller) {
    if (!whole && !train.getAutoMicroBatch())
      whole = {train.getName().str(), recipe->clone(), std::move(uncut), std::move(current), std::move(report)};
    train.setMicroBatch(smaller->sequences);
    return true;
  }
  microBatchesAreFinal = true;
  if (fits(plan) || !fitting)
    return false;
  recipe = std::move(fitting); // what was said to fit does not
  return true;
}

int64_t Compilation::countMicroBatches() {
  recipe::TrainOp train = findTraining(whole->step);
  return int64_t(train.getBatch().getFirst()) / countSequences(train);
}

void Compilation::tellMicroBatches() {
  int64_t number = countMicroBatches();
  if (number == 1)
    return;
  recipe::TrainOp train = findTraining(whole->step);
  auto parts =
      mlir::DenseI64ArrayAttr::get(&context, {number, countSequences(train), int64_t(train.getBatch().getSecond())});
  for (auto name : {".refer", ".weigh", ".micro"}) // those that see the batch
    if (auto program = current->lookupSymbol<mlir::func::FuncOp>(whole->step + name))
      program->setAttr(tune::TuneDialect::kMicroBatchesAttrName, parts);
}

bool Compilation::staysTheSame() {
  int64_t parts = countMicroBatches();
  return parts == 1 || target::followsWhole(*current, *whole->fused, parts, targetOptions());
}

bool Compilation::keepWhole() {
  recipe = std::move(whole->recipe);
  current = std::move(whole->placed);
  report = std::move(whole->report);
  whole.reset();
  microBatchesAreFinal = true;
  reached = Rung::Placed;
  return conclude(target::getPlan(*current));
}

bool Compilation::conclude(const target::PlanSummary &plan) {
  // The reference target shares no bytes: it is a judge, not what a recipe is run on.
  if (!limit || options.target == target::TargetKind::Reference)
    return true;
  if (fits(plan)) {
    warnOfDearMemory(plan);
    return true;
  }
  refuseMemory(plan);
  constexpr int doesNotFit = 4;
  return fail(doesNotFit);
}

void Compilation::warnOfDearMemory(const target::PlanSummary &plan) {
  recipe::TrainOp train = findTraining(limit->step);
  for (const target::Recomputed &program : report.recomputed) {
    if (!isOf(program, limit->step) || program.share <= target::kCheapShare)
      continue;
    auto message =
        diags.report(Diag::DearMemory, limit->range, limit->step, llvm::formatv("{0:F0}", 100 * program.share));
    if (train.getAutoMicroBatch())
      continue;
    if (auto smaller = findMicroBatch(plan, train, program.cheap + plan.workspace))
      message.help(llvm::formatv("should fit at next to no cost: micro_batch: {0} (which auto would choose), "
                                 "whose sums are in another order: about {1}",
                                 smaller->sequences, bytesText(double(smaller->bytes)))
                       .str());
    else if (countSequences(train) > 1 && !staysWhole(*current, limit->step))
      message.help("less is computed again with a smaller micro_batch");
  }
}

/// Says what would fit, where the rows' length counts as their number does.
void Compilation::refuseMemory(const target::PlanSummary &plan) {
  int64_t peak = plan.peak + target::kProcessBytes;
  int64_t rows = plan.activations + plan.workspace, rest = peak - rows;
  auto message = diags.report(Diag::DoesNotFit, limit->range, limit->step, bytesText(double(peak)),
                              bytesText(double(limit->bytes)));
  std::string parts =
      llvm::formatv("weights {0}, trained tensors {1}, gradients {2}, optimizer states {3}, the rows of a "
                    "micro-batch {4}, as little as can be with results computed again, the process itself {5}",
                    bytesText(double(plan.weights)), bytesText(double(plan.trained)), bytesText(double(plan.gradients)),
                    bytesText(double(plan.states)), bytesText(double(rows)), bytesText(double(target::kProcessBytes)))
          .str();
  message.help(parts);
  constexpr int64_t mega = 1000 * 1000;
  message.help(llvm::formatv("fits: memory: {0} MB", (peak + mega - 1) / mega).str());
  recipe::TrainOp train = findTraining(limit->step);
  if (auto smaller = findMicroBatch(plan, train, rows))
    message.help(llvm::formatv("should fit: micro_batch: {0}, with the same result: about {1}", smaller->sequences,
                               bytesText(double(smaller->bytes)))
                     .str());
  else if (auto least = estimate(plan, train, rows, 1); !staysWhole(*current, train.getName()) && least.bytes < peak)
    message.help(llvm::formatv("needs less: micro_batch: 1, {0} or more", bytesText(double(least.bytes))));
  auto fits = [&](double share) { return double(rest) + double(rows) * share <= double(limit->bytes); };
  constexpr int64_t multiple = 16;
  int64_t sequences = train.getBatch().getFirst(), now = train.getBatch().getSecond();
  int64_t tokens = (now - 1) / multiple * multiple;
  while (tokens > 0 && !fits(double(tokens) / double(now)))
    tokens -= multiple;
  if (tokens > 0)
    message.help(llvm::formatv("should fit: shorter rows, batch: {0} x {1}: about {2}", sequences, tokens,
                               bytesText(double(rest + rows * tokens / now))));
  int64_t missing = peak - limit->bytes;
  if (int64_t saved = countWideWeights(*current) / 2; saved >= missing)
    message.help(llvm::formatv("should fit: frozen weights in 16 bits, rounded once, by 'save ... as huggingface(..., "
                               "dtype: bf16)' in a recipe of its own: about {0}",
                               bytesText(double(peak - saved))));
  if (plan.states >= missing)
    message.help(llvm::formatv("should fit: an optimizer whose states take {0} less than {1}",
                               bytesText(double(missing)), bytesText(double(plan.states))));
  if (rest > limit->bytes)
    message.help("no rows fit: a smaller model, or one adapted at fewer places");
}
