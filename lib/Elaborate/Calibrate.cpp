//===- Calibrate.cpp - statistics of sites before a training ----*- C++ -*-===//
//
// A mean over the tokens of a data set is a sum over its batches and a number of
// tokens. Places of padding are given the input 0, and what that adds is taken
// off again.
//
//===----------------------------------------------------------------------===//

#include "ProgramState.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

namespace {
/// The statistics of one batch.
class Calibrator {
public:
  Calibrator(ProgramBuilder::State &state, const ModelPass &pass, const Batch &batch);

  /// The sum of a calibration's value over the tokens of the batch; an error value after errors.
  Value sum(const AdapterInstance &instance, const Calibration &calibration);
  mlir::Value count;

private:
  Value valueAt(const AdapterInstance &instance, const Calibration &calibration, Value x);

  Evaluator &evaluator;
  const ModelPass &pass;
  Dims row;
  Value present; ///< `[batch, tokens]`
  Value padding; ///< number of places of padding
};
} // namespace

Calibrator::Calibrator(ProgramBuilder::State &state, const ModelPass &pass, const Batch &batch)
    : evaluator(state.evaluator), pass(pass), row{state.batchDim, state.tokensDim} {
  present = evaluator.arithmetic(BinaryOp::Ge, Tensor{pass.segments, row}, 0, {});
  Value tokens = evaluator.reduce("sum", present, row, {});
  count = evaluator.toReal(*tokens.as<Tensor>()).value;
  padding = evaluator.arithmetic(BinaryOp::Sub, double(batch.sequences * batch.tokens), tokens, {});
}

/// The value without its reduction, for an input.
Value Calibrator::valueAt(const AdapterInstance &instance, const Calibration &calibration, Value x) {
  Scope &scope = evaluator.shared.newScope(instance.scope);
  scope.redefineInPass("x", std::move(x));
  return evaluator.eval(*llvm::cast<ast::CallExpr>(*calibration.item->value).arguments.front().value, scope);
}

Value Calibrator::sum(const AdapterInstance &instance, const Calibration &calibration) {
  llvm::SMRange range = calibration.item->range;
  Value input = pass.inputs.lookup(instance.site);
  Value whole = valueAt(instance, calibration, evaluator.select(present, input, 0.0, range));
  auto *tensor = whole.as<Tensor>();
  if (!tensor || !llvm::all_of(row, [&](Dim dim) { return indexOf(tensor->dims, dim) >= 0; })) {
    if (!whole.isError())
      evaluator.diags().report(Diag::NotAStatistic, calibration.item->value->range);
    return {};
  }
  Value total = evaluator.reduce("sum", whole, row, range);
  Value empty = evaluator.arithmetic(BinaryOp::Mul, valueAt(instance, calibration, 0.0), padding, range);
  return evaluator.arithmetic(BinaryOp::Sub, total, empty, range);
}

/// Adds gradients of the summed loss of the labels, and the sum of their weights.
static void addGradients(ProgramBuilder &program, ProgramBuilder::State &state, const Tensor &logits,
                         llvm::ArrayRef<AskedCalibration> asked, const Batch &batch) {
  Evaluator &evaluator = state.evaluator;
  llvm::SmallVector<mlir::Value> weights;
  llvm::SmallVector<mlir::Type> types;
  for (auto &[instance, calibration] : asked) {
    const ast::Expr &by = *llvm::cast<ast::CallExpr>(*calibration->item->value).arguments.front().value;
    Value value = evaluator.eval(by, *instance->scope);
    auto *tensor = value.as<Tensor>();
    auto read = tensor && tensor->value ? tensor->value.getDefiningOp<tune::ReadOp>() : tune::ReadOp();
    // The adapter is not there yet, so that nothing depends on what is its own.
    auto isOwn = [&](const AdapterTensor *own) { return own->symbol == read.getTensor(); };
    if (!read || tensor->dims != calibration->dims || llvm::any_of(instance->tensors, isOwn)) {
      if (!value.isError())
        evaluator.diags().report(Diag::ExpectedValue, by.range, "a weight of the site, by the statistic's dimensions",
                                 value.describe());
      return;
    }
    weights.push_back(tensor->value);
    types.push_back(tensor->value.getType());
  }
  Value logp = state.logProbability(logits, batch, asked.front().second->item->range);
  Value labels = state.batchTensor(batch.weights, batch, state.builder.getF64Type());
  Value product = evaluator.arithmetic(BinaryOp::Mul, labels, logp, {});
  Value sum = evaluator.reduce("sum", product, Dims{state.batchDim, state.tokensDim}, {});
  Value count = evaluator.reduce("sum", labels, Dims{state.batchDim, state.tokensDim}, {});
  if (!sum.is<Tensor>() || !count.is<Tensor>())
    return;
  mlir::Value loss = tune::neg(state.builder, program.loc(), sum.as<Tensor>()->value);
  auto gradient = tune::GradientOp::create(state.builder, program.loc(), types, loss, weights);
  for (auto [value, one] : llvm::zip_equal(gradient.getGradients(), asked)) {
    program.accumulate(value, one.second->sum);
    program.accumulate(count.as<Tensor>()->value, one.second->count);
  }
}

void ProgramBuilder::calibrate(const AdaptedModel &model, llvm::ArrayRef<AskedCalibration> asked, const Batch &batch,
                               llvm::StringRef count) {
  ModelPass pass;
  Tensor logits = state->run(model, batch, pass, /*training=*/false).logits;
  if (!logits.value)
    return;
  Evaluator &evaluator = state->evaluator;
  evaluator.model = &model;
  Calibrator calibrator(*state, pass, batch);
  accumulate(calibrator.count, count);
  std::vector<AskedCalibration> gradients;
  for (auto &[instance, calibration] : asked) {
    if (calibration->gradient) {
      gradients.emplace_back(instance, calibration);
      continue;
    }
    Value sum = calibrator.sum(*instance, *calibration);
    std::optional<Tensor> fitted =
        sum.isError() ? std::nullopt
                      : evaluator.fit(sum, calibration->dims, *instance->scope, calibration->item->range);
    if (!fitted)
      continue;
    accumulate(evaluator.toReal(*fitted).value, calibration->sum);
    accumulate(calibrator.count, calibration->count);
  }
  if (!gradients.empty())
    addGradients(*this, *state, logits, gradients, batch);
}
