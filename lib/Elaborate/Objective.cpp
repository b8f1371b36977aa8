//===- Objective.cpp - losses and their denominators ------------*- C++ -*-===//

#include "ProgramState.h"
#include "RowSums.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <map>

using namespace ftc;
using namespace ftc::elaborate;

namespace {
/// An objective on one micro-batch.
class Loss {
public:
  Loss(ProgramBuilder::State &state, const AdaptedModel &policy, const Batch &batch, bool training)
      : state(state), policy(policy), batch(batch), training(training) {}

  /// The share of this micro-batch in the loss; null after errors. `sums` keeps the denominators.
  mlir::Value evaluate(const Value &objective, mlir::Value whole, llvm::SmallVector<mlir::Value> &denominators);

private:
  using Function = Value (Loss::*)(const AdaptedModel &, const Batch &, llvm::SMRange);
  void define(Scope &scope, llvm::StringRef name, Function function);
  const ModelRun &run(const AdaptedModel &model, const Batch &row);
  Value logits(const AdaptedModel &model, const Batch &row, llvm::SMRange) { return value(run(model, row).logits); }
  Value hidden(const AdaptedModel &model, const Batch &row, llvm::SMRange) { return value(run(model, row).hidden); }
  Value logp(const AdaptedModel &model, const Batch &row, llvm::SMRange range);
  Value value(const Tensor &tensor) { return tensor.value ? Value(tensor) : Value(); }
  Tensor weights(const Batch &row) { return state.batchTensor(row.weights, row, state.builder.getF64Type()); }
  Tensor present();

  ProgramBuilder::State &state;
  const AdaptedModel &policy;
  const Batch &batch;
  bool training;
  std::map<std::pair<const AdaptedModel *, const Batch *>, ModelRun> runs;
};
} // namespace

const ModelRun &Loss::run(const AdaptedModel &model, const Batch &row) {
  auto [it, fresh] = runs.try_emplace({&model, &row});
  if (fresh) {
    RowSums *outer = std::exchange(state.evaluator.rowSums, nullptr);
    it->second = state.run(model, row, training, nullptr);
    state.evaluator.rowSums = outer;
  }
  return it->second;
}

Value Loss::logp(const AdaptedModel &model, const Batch &row, llvm::SMRange range) {
  const ModelRun &known = run(model, row);
  return known.logits.value ? state.logProbability(known.logits, row, range) : Value();
}

void Loss::define(Scope &scope, llvm::StringRef name, Function function) {
  auto native = [this, name = name.str(), function](Evaluator &evaluator, Arguments arguments) -> Value {
    auto &given = arguments.positional;
    auto *model = given.size() == 2 ? given[0].as<const AdaptedModel *>() : nullptr;
    auto *row = given.size() == 2 ? given[1].as<RowValue>() : nullptr;
    if (!model || !row) {
      evaluator.diags().report(Diag::ExpectedValue, arguments.range, "`" + name + "(model, row)`", "other arguments");
      return {};
    }
    evaluator.passDependent = true;
    return (this->*function)(**model, *row->batch, arguments.range);
  };
  scope.define(name, Value(std::make_shared<const std::function<Value(Evaluator &, Arguments)>>(native)));
}

/// `[batch]`: rows whose first place holds a token.
Tensor Loss::present() {
  mlir::OpBuilder &builder = state.builder;
  mlir::Location loc = builder.getUnknownLoc();
  Tensor segments = state.batchTensor(batch.segments, batch, builder.getI32Type());
  mlir::Value first = tune::pickIndex(builder, loc, segments.value, 1, 0);
  mlir::Value zero = tune::splatLike(builder, loc, first, 0);
  mlir::Value holds = mlir::arith::CmpIOp::create(builder, loc, mlir::arith::CmpIPredicate::sge, first, zero);
  return Tensor{holds, {state.batchDim}};
}

mlir::Value Loss::evaluate(const Value &objective, mlir::Value whole, llvm::SmallVector<mlir::Value> &denominators) {
  Evaluator &evaluator = state.evaluator;
  const ast::Definition *definition =
      definitionOf(state.shared, objective, ast::DefinitionKind::Objective, "an objective", {});
  if (!definition)
    return {};
  const Applied &applied = **objective.as<std::shared_ptr<const Applied>>();
  Scope &scope = state.shared.definitionScope(*definition);
  evaluator.pass = state.shared.nextPass();
  state.useBatch(batch);
  scope.define("policy", Value(&policy));
  scope.define("row", Value(RowValue{&batch}));
  scope.define("w", Scope::Thunk([this](Evaluator &e) -> Value {
                 e.passDependent = true;
                 return weights(batch);
               }));
  define(scope, "logits", &Loss::logits);
  define(scope, "hidden", &Loss::hidden);
  define(scope, "logp", &Loss::logp);
  evaluator.rowMember = [this](const RowValue &row, llvm::StringRef name, llvm::SMRange range) -> Value {
    if (name == "w")
      return weights(*row.batch);
    state.evaluator.diags().report(Diag::NoMember, range, "a row", name);
    return {};
  };
  if (!evaluator.bindParameters(*definition, applied.arguments, scope))
    return {};
  defineBody(evaluator, *definition, scope);
  RowSums sums(state.batchDim, present(), whole);
  if (!definition->mixing)
    evaluator.rowSums = &sums;
  Value loss = equationOf(evaluator, *definition, scope, "loss");
  evaluator.rowSums = nullptr;
  denominators = sums.denominators;
  if (auto *share = loss.as<RowSum>()) {
    if (share->share)
      return share->partial.value;
    evaluator.diags().report(Diag::NotSumOfRatios, definition->name.range);
    return {};
  }
  if (loss.isError())
    return {};
  std::optional<Tensor> scalar = evaluator.asTensor(loss, definition->name.range);
  if (!scalar)
    return {};
  if (!scalar->dims.empty()) {
    evaluator.diags().report(Diag::NotAScalar, definition->name.range, "the loss", printDims(scalar->dims, scope));
    return {};
  }
  if (!definition->mixing) {
    evaluator.diags().report(Diag::NotSumOfRatios, definition->name.range);
    return {};
  }
  return scalar->value;
}

llvm::SmallVector<mlir::Value> ProgramBuilder::denominators(const Value &objective, const AdaptedModel &policy,
                                                            const Batch &batch) {
  llvm::SmallVector<mlir::Value> parts;
  Loss(*state, policy, batch, /*training=*/false).evaluate(objective, nullptr, parts);
  return parts;
}

mlir::Value ProgramBuilder::loss(const Value &objective, const AdaptedModel &policy, const Batch &batch,
                                 llvm::StringRef denominators, bool training) {
  mlir::Value whole = state->shared.tensors().lookup(denominators) ? state->read(denominators) : mlir::Value();
  llvm::SmallVector<mlir::Value> parts;
  return Loss(*state, policy, batch, training).evaluate(objective, whole, parts);
}
