//===- MemoryLimit.cpp - what `memory:` allows, and what would fit ---------===//

#include "ftc/Pipelines/Compilation.h"

#include "ftc/Frontend/Recipe.h"
#include "ftc/Pipelines/Bytes.h"

#include "dialects/Recipe/IR/Recipe.h"

using namespace ftc;

void Compilation::findMemoryLimit() {
  for (auto train : current->getOps<recipe::TrainOp>()) {
    std::optional<int64_t> bytes = train.getMemory();
    if (!bytes || (limit && limit->bytes <= *bytes))
      continue;
    recipe::ExtentAttr batch = train.getBatch();
    limit = {train.getName().str(), *bytes,
             batch.getFirst(),      int64_t(train.getMicroBatch().value_or(batch.getFirst())),
             batch.getSecond(),     rangeOf(train.getLoc(), sources)};
  }
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

/// The most sequences that should fit, of which each takes its share of `rows` bytes. What rows take is taken to grow
/// with their number, which it does but for what little does not depend on them.
std::optional<Compilation::SmallerMicroBatch> Compilation::findMicroBatch(const target::PlanSummary &plan,
                                                                          int64_t rows) {
  if (staysWhole(*current, limit->step))
    return std::nullopt;
  int64_t rest = plan.peak + target::kProcessBytes - plan.activations - plan.workspace;
  rest += countMovingGradients(*current, plan);
  for (int64_t micro = limit->micro - 1; micro > 0; --micro)
    if (int64_t bytes = rest + rows * micro / limit->micro; limit->sequences % micro == 0 && bytes <= limit->bytes)
      return SmallerMicroBatch{micro, bytes};
  return std::nullopt;
}

void Compilation::warnOfDearMemory(const target::PlanSummary &plan) {
  constexpr double cheap = 0.02;
  for (const target::Recomputed &program : report.recomputed) {
    if (!llvm::StringRef(program.program).starts_with(limit->step + ".") || program.share <= cheap)
      continue;
    auto message =
        diags.report(Diag::DearMemory, limit->range, limit->step, llvm::formatv("{0:F0}", 100 * program.share));
    if (auto smaller = findMicroBatch(plan, program.before + plan.workspace))
      message.help(llvm::formatv("should fit with nothing computed again: micro_batch: {0}, whose sums are in another "
                                 "order: about {1}",
                                 smaller->sequences, bytesText(double(smaller->bytes)))
                       .str());
    else if (limit->micro > 1 && !staysWhole(*current, limit->step))
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
  if (auto smaller = findMicroBatch(plan, rows))
    message.help(llvm::formatv("should fit: micro_batch: {0}, with the same result: about {1}", smaller->sequences,
                               bytesText(double(smaller->bytes)))
                     .str());
  auto fits = [&](double share) { return double(rest) + double(rows) * share <= double(limit->bytes); };
  constexpr int64_t multiple = 16;
  int64_t tokens = (limit->tokens - 1) / multiple * multiple;
  while (tokens > 0 && !fits(double(tokens) / double(limit->tokens)))
    tokens -= multiple;
  if (tokens > 0)
    message.help(llvm::formatv("should fit: shorter rows, batch: {0} x {1}: about {2}", limit->sequences, tokens,
                               bytesText(double(rest + rows * tokens / limit->tokens))));
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
