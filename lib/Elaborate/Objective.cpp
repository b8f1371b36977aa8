//===- Objective.cpp - losses and their denominators ------------*- C++ -*-===//

#include "NextValues.h"
#include "RowSums.h"

#include "dialects/Tune/Utils/Builders.h"

#include "ftc/Frontend/Walk.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/Support/SaveAndRestore.h"

#include <map>
#include <tuple>

using namespace ftc;
using namespace ftc::elaborate;

RecordForm ftc::elaborate::recordFormOf(const runtime::data::RecordKind &kind) {
  RecordForm form;
  form.name = kind.name;
  form.field = kind.field;
  form.truth = kind.truth;
  form.pooled = kind.weighing == runtime::data::Weighing::LastToken;
  if (kind.textCount() > 1)
    for (std::string_view text : kind.texts)
      form.texts.emplace_back(text);
  return form;
}

bool ftc::elaborate::declaresTensors(const ast::Definition &objective) {
  return llvm::any_of(objective.body,
                      [](const ast::ItemPtr &item) { return llvm::isa<ast::DeclarationsItem>(&*item); });
}

bool ftc::elaborate::keepsStates(const ast::Definition &objective) {
  return llvm::any_of(objective.body, [](const ast::ItemPtr &item) {
    auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(&*item);
    return declarations && declarations->role == ast::TensorRole::State;
  });
}

namespace {
/// Finds `hidden` where it is no function that is called.
struct HiddenDimension : ast::Walk {
  bool found = false;
  void enterExpr(const ast::Expr &expr) override {
    if (auto *call = llvm::dyn_cast<ast::CallExpr>(&expr))
      callees.insert(call->callee.get());
    else if (auto *name = llvm::dyn_cast<ast::NameExpr>(&expr); name && !callees.contains(name))
      found |= llvm::StringRef(name->name).rtrim('\'') == "hidden";
  }

private:
  llvm::DenseSet<const ast::Expr *> callees;
};

/// An objective on one micro-batch.
class Loss {
public:
  Loss(ProgramBuilder::State &state, const LossModels &models, const Batch &batch)
      : state(state), models(models), policy(*models.policy), batch(batch) {}

  /// The share of this micro-batch in the loss; null after errors. If it is part of a batch, what it is divided by are
  /// sums over the whole of that, which `bindWholes` makes known.
  mlir::Value evaluate(const Value &objective, bool isPart);

  /// Declares the f64 tensor `[n]` of the sums over the whole batch, of which there are as many as denominators.
  void bindWholes(llvm::StringRef symbol);

  /// This micro-batch's part of each denominator.
  llvm::SmallVector<mlir::Value> denominators;

  /// A log-probability that was taken of a model other than the policy.
  struct Reference {
    const AdaptedModel *model;
    const Batch *row;
    Tensor value;
  };
  std::vector<Reference> references;

  /// Next values of what the objective keeps from step to step, by symbol; found with the loss.
  std::vector<std::pair<std::string, mlir::Value>> next;

  /// The loss with this micro-batch's share of the adapters' penalties.
  mlir::Value penalized(mlir::Value loss);

private:
  /// What a function of the objective is asked of: `draw` tells runs apart that draw random numbers of their own.
  struct Asked {
    const AdaptedModel &model;
    const Batch &row;
    int64_t draw = 0;
    std::optional<int64_t> layer = {}; ///< of `hidden`: from 0; the last states if it is not said
    Dim as = nullptr;                  ///< of `hidden`: what its last dimension is called
    llvm::SMRange range = {};
  };
  using Function = Value (Loss::*)(const Asked &);
  void define(Scope &scope, llvm::StringRef name, Function function);
  void defineRecord(Scope &scope);
  void defineOwn(Scope &scope, const ast::Definition &definition);
  void defineUnlessTaken(Scope &scope);
  const ModelRun &run(const Asked &asked);
  Value logits(const Asked &asked);
  Value hidden(const Asked &asked);
  Value logp(const Asked &asked);
  Value ofModel(const AdaptedModel &model, const Tensor &tensor, Dim &last, llvm::StringRef name, llvm::SMRange range);
  bool sharesTrained(const AdaptedModel &model) const;
  Tensor weights(const Batch &row) { return state.batchTensor(row.weights, row, state.builder.getF64Type()); }
  Value field();
  Tensor present();
  void findNext(const ast::Definition &definition, Scope &scope);
  mlir::Value addWhole();
  mlir::Value scalarLoss(const Value &loss, const ast::Definition &definition, bool isPart, Scope &scope);

  ProgramBuilder::State &state;
  const LossModels &models;
  const AdaptedModel &policy;
  const Batch &batch;
  std::map<std::tuple<const AdaptedModel *, const Batch *, int64_t>, ModelRun> runs;
  std::vector<mlir::tensor::EmptyOp> wholes;          ///< stand for the sums over the whole batch
  ModelPass policyPass;                               ///< the last run of the policy
  Dim lastOfLogits = nullptr, lastOfHidden = nullptr; ///< `vocab` or `classes`, and `hidden`
};
} // namespace

//===----------------------------------------------------------------------===//
// Runs of models
//===----------------------------------------------------------------------===//

const ModelRun &Loss::run(const Asked &asked) {
  bool drawing = models.training && &asked.model == &policy;
  auto [it, fresh] = runs.try_emplace({&asked.model, &asked.row, drawing ? asked.draw : 0});
  if (fresh) {
    llvm::SaveAndRestore sums(state.evaluator.rowSums, static_cast<RowSums *>(nullptr));
    llvm::SaveAndRestore chance(state.evaluator.chance, static_cast<const StepChance *>(nullptr));
    ModelPass pass;
    it->second = state.run(asked.model, asked.row, pass, drawing);
    if (&asked.model == &policy)
      policyPass = std::move(pass);
  }
  return it->second;
}

/// Whether training the policy changes a tensor that the model reads.
bool Loss::sharesTrained(const AdaptedModel &model) const {
  return llvm::any_of(model.tensors(AdapterRole::Trained), [&](const AdapterTensor *tensor) {
    return llvm::is_contained(policy.tensors(AdapterRole::Trained), tensor);
  });
}

/// What a model gave, its last dimension by the name that objectives know it by: one for all models of that size. Of a
/// model other than the policy it has no gradient.
Value Loss::ofModel(const AdaptedModel &model, const Tensor &tensor, Dim &last, llvm::StringRef name,
                    llvm::SMRange range) {
  if (!tensor.value)
    return {};
  Tensor result = tensor;
  if (&model != &policy && sharesTrained(model)) {
    if (models.training) {
      state.shared.diagnostics()
          .report(Diag::TrainedMeanwhile, range, "the objective")
          .help("only its log-probabilities, `logp(model, row)`, are found before the first step and kept");
      return {};
    }
    result.value = tune::StopGradientOp::create(state.builder, state.builder.getUnknownLoc(), result.value);
  }
  if (result.dims.empty())
    return result;
  Dim own = result.dims.back();
  if (own->role != DimRole::Ordinary)
    return result; // a number for each token
  if (!last)
    last = state.shared.dimensions().make(name, own->size);
  if (own->size != last->size) {
    state.shared.diagnostics().report(Diag::UnlikeModels, range, name, last->size, own->size);
    return {};
  }
  result.dims.back() = last;
  return result;
}

Value Loss::logits(const Asked &asked) {
  auto &[model, row, draw, layer, as, range] = asked;
  llvm::StringRef name = batch.form.pooled ? "classes" : "vocab";
  if (&model != &policy &&
      ofModel(policy, run({policy, row, 0, {}, nullptr, range}).logits, lastOfLogits, name, range).isError())
    return {};
  Value value = ofModel(model, run(asked).logits, lastOfLogits, name, range);
  if (value.isError() || !batch.form.pooled)
    return value;
  state.classes = lastOfLogits->size;
  Evaluator &evaluator = state.evaluator;
  RowSums *outer = std::exchange(evaluator.rowSums, nullptr);
  Value weighed = evaluator.arithmetic(ast::BinaryOp::Mul, weights(row), value, range);
  Value pooled = evaluator.reduce("sum", weighed, Dims{state.tokensDim}, range);
  evaluator.rowSums = outer;
  return pooled;
}

Value Loss::hidden(const Asked &asked) {
  Dim own = asked.as;
  Dim &last = own ? own : lastOfHidden;
  llvm::StringRef name = own ? llvm::StringRef(own->name) : "hidden";
  if (asked.layer) {
    const std::map<int64_t, Tensor> &layers = run(asked).layers;
    auto found = layers.find(*asked.layer);
    if (found != layers.end())
      return ofModel(asked.model, found->second, last, name, asked.range);
    if (run(asked).logits.value)
      state.shared.diagnostics().report(Diag::IndexOutOfRange, asked.range, *asked.layer, layers.size());
    return {};
  }
  return ofModel(asked.model, run(asked).hidden, last, name, asked.range);
}

Value Loss::logp(const Asked &asked) {
  auto &[model, row, draw, layer, as, range] = asked;
  if (&model == &policy) {
    const ModelRun &known = run(asked);
    return known.logits.value ? state.logProbability(known.logits, row, range) : Value();
  }
  for (const KeptLogProbabilities &kept : row.kept)
    if (kept.model == &model) {
      Tensor value = state.batchTensor(kept.input, row, state.builder.getF64Type());
      return value;
    }
  for (const Reference &known : references)
    if (known.model == &model && known.row == &row)
      return known.value;
  const ModelRun &known = run(asked);
  Value value = known.logits.value ? state.logProbability(known.logits, row, range) : Value();
  auto *tensor = value.as<Tensor>();
  if (!tensor)
    return {};
  Tensor result = *tensor;
  if (sharesTrained(model))
    result.value = tune::StopGradientOp::create(state.builder, state.builder.getUnknownLoc(), result.value);
  references.push_back({&model, &row, result});
  return result;
}

mlir::Value Loss::penalized(mlir::Value loss) {
  state.bindStep(batch);
  mlir::Value penalty = elaborate::penalty(state, policy, policyPass);
  state.unbindStep();
  if (!penalty)
    return loss;
  mlir::OpBuilder &builder = state.builder;
  mlir::Location loc = builder.getUnknownLoc();
  mlir::Value share = tune::splatLike(builder, loc, penalty, batch.share);
  return tune::add(builder, loc, loss, tune::mul(builder, loc, penalty, share));
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

void Loss::define(Scope &scope, llvm::StringRef name, Function function) {
  auto native = [this, name = name.str(), function](Evaluator &evaluator, Arguments arguments) -> Value {
    auto &given = arguments.positional;
    int64_t draw = 0;
    std::optional<int64_t> layer;
    Dim as = nullptr;
    bool hasLayers = function == &Loss::hidden;
    for (auto &[name, value] : arguments.named)
      if (name == "draw" && value.integer()) {
        draw = *value.integer();
      } else if (name == "layer" && hasLayers && value.integer()) {
        layer = *value.integer();
      } else if (name == "as" && hasLayers && value.is<Dim>()) {
        as = *value.as<Dim>();
      } else {
        evaluator.diags().report(Diag::ExpectedValue, arguments.range,
                                 hasLayers
                                     ? "integers `draw: n` and `layer: n` and a dimension `as: d` as named arguments"
                                     : "an integer `draw: n` as the only named argument",
                                 "`" + name + "` of " + value.describe());
        return {};
      }
    auto *model = given.size() == 2 ? given[0].as<const AdaptedModel *>() : nullptr;
    auto *row = given.size() == 2 ? given[1].as<RowValue>() : nullptr;
    if (!model || !row) {
      evaluator.diags().report(Diag::ExpectedValue, arguments.range, "`" + name + "(model, row)`", "other arguments");
      return {};
    }
    evaluator.passDependent = true;
    return (this->*function)({**model, *row->batch, draw, layer, as, arguments.range});
  };
  scope.define(name, Value(std::make_shared<const std::function<Value(Evaluator &, Arguments)>>(native)));
}

/// The row, its texts and its field.
void Loss::defineRecord(Scope &scope) {
  scope.define("row", Value(RowValue{&batch}));
  for (auto [name, text] : llvm::zip_equal(batch.form.texts, batch.texts))
    scope.define(name, Value(RowValue{&text}));
  if (!batch.form.field.empty())
    scope.define(batch.form.field, Scope::Thunk([this](Evaluator &e) -> Value {
                   e.passDependent = true;
                   return field();
                 }));
  if (batch.texts.empty())
    scope.define("w", Scope::Thunk([this](Evaluator &e) -> Value {
                   e.passDependent = true;
                   return weights(batch);
                 }));
  state.evaluator.rowMember = [this](const RowValue &row, llvm::StringRef name, llvm::SMRange range) -> Value {
    bool isText = row.batch != &batch || batch.texts.empty();
    if (name == "w" && isText)
      return weights(*row.batch);
    if ((name == "ids" || name == "labels") && isText)
      return state.batchTensor(name == "ids" ? row.batch->ids : row.batch->targets, *row.batch,
                               state.builder.getI32Type());
    if (row.batch == &batch) {
      for (auto [known, text] : llvm::zip_equal(batch.form.texts, batch.texts))
        if (known == name)
          return RowValue{&text};
      if (name == batch.form.field)
        return field();
    }
    return state.rowNumber(row.batch == &batch ? batch : Batch(), name, range);
  };
}

/// The dimensions and tensors of an objective that has tensors of its own.
void Loss::defineOwn(Scope &scope, const ast::Definition &definition) {
  const AdapterInstance *own = policy.ofObjective(definition);
  assert((own || !declaresTensors(definition)) && "tensors of objectives are added before the loss is made");
  if (!own)
    return;
  auto take = [&](const ast::Name &name) {
    scope.define(name.text,
                 Scope::Thunk([own, &name](Evaluator &e) { return e.lookup(name.text, *own->scope, name.range); }),
                 name.range);
  };
  for (const ast::ItemPtr &item : definition.body) {
    if (auto *dims = llvm::dyn_cast<ast::DimsItem>(&*item))
      for (const ast::DimsItem::Dim &dim : dims->dims)
        take(dim.name);
    else if (auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(&*item))
      for (const ast::Declaration &declaration : declarations->declarations)
        take(declaration.targets.front());
  }
  // The names that objectives have for what models give are those of the tensors' types.
  auto known = [&](llvm::StringRef name) {
    Scope::Entry *entry = own->scope->parent()->findHere(name);
    return entry ? *state.evaluator.force(name, *entry, definition.range).as<Dim>() : nullptr;
  };
  lastOfHidden = known("hidden");
  lastOfLogits = known(batch.form.pooled ? "classes" : "vocab");
}

/// What the definition may have other uses for: the last dimension of logits; `t`, `steps` and `training`, where
/// nothing is trained as at the end of a training of one step.
void Loss::defineUnlessTaken(Scope &scope) {
  scope.define(batch.form.pooled ? "classes" : "vocab", Scope::Thunk([this](Evaluator &e) -> Value {
                 e.passDependent = true;
                 if (!lastOfLogits)
                   logits({policy, batch.texts.empty() ? batch : batch.texts.front()});
                 return lastOfLogits ? Value(lastOfLogits) : Value();
               }));
  scope.define("training", Value(!batch.step.empty()));
  for (auto [name, of] : {std::pair("t", &ProgramBuilder::State::stepOf), {"steps", &ProgramBuilder::State::stepsOf}}) {
    if (batch.step.empty()) {
      scope.define(name, Value(1.0));
      continue;
    }
    scope.define(name, Scope::Thunk([this, of = of](Evaluator &e) -> Value {
                   e.passDependent = true;
                   return (state.*of)(batch);
                 }));
  }
}

/// `[batch]`: the row's integer, or whether it is not 0.
Value Loss::field() {
  state.useBatch(batch);
  mlir::OpBuilder &builder = state.builder;
  mlir::Location loc = builder.getUnknownLoc();
  mlir::Value value = state.readInput(batch.field, {batch.sequences}, builder.getI32Type());
  if (batch.form.truth)
    value = mlir::arith::CmpIOp::create(builder, loc, mlir::arith::CmpIPredicate::ne, value,
                                        tune::splatLike(builder, loc, value, 0));
  return Tensor{value, {state.batchDim}};
}

/// `[batch]`: rows whose first place holds a token.
Tensor Loss::present() {
  mlir::OpBuilder &builder = state.builder;
  mlir::Location loc = builder.getUnknownLoc();
  const Batch &text = batch.texts.empty() ? batch : batch.texts.front();
  Tensor segments = state.batchTensor(text.segments, text, builder.getI32Type());
  mlir::Value first = tune::pickIndex(builder, loc, segments.value, 1, 0);
  mlir::Value zero = tune::splatLike(builder, loc, first, 0);
  mlir::Value holds = mlir::arith::CmpIOp::create(builder, loc, mlir::arith::CmpIPredicate::sge, first, zero);
  return Tensor{holds, {state.batchDim}};
}

//===----------------------------------------------------------------------===//
// The loss
//===----------------------------------------------------------------------===//

mlir::Value Loss::evaluate(const Value &objective, bool isPart) {
  Evaluator &evaluator = state.evaluator;
  const ast::Definition *definition =
      definitionOf(state.shared, objective, ast::DefinitionKind::Objective, "an objective", {});
  if (!definition)
    return {};
  const Applied &applied = **objective.as<std::shared_ptr<const Applied>>();
  if (definition->site && definition->site->name.text != batch.form.name) {
    evaluator.diags()
        .report(Diag::WrongRecord, applied.arguments.range, definition->name.text, definition->site->name.text,
                batch.form.name)
        .note(definition->name.range, "declared here");
    return {};
  }
  Scope &scope = state.shared.definitionScope(*definition);
  evaluator.pass = state.shared.nextPass();
  state.useBatch(batch);
  scope.define("policy", Value(&policy));
  scope.define(
      "initial", Scope::Thunk([this, range = applied.arguments.range](Evaluator &e) -> Value {
        if (models.initial)
          return models.initial;
        e.diags().report(Diag::InitialUnknown, range).help("name the model that is meant, as in `reference: base`");
        return {};
      }));
  defineRecord(scope);
  define(scope, "logits", &Loss::logits);
  define(scope, "hidden", &Loss::hidden);
  define(scope, "logp", &Loss::logp);
  if (!evaluator.bindParameters(*definition, applied.arguments, scope))
    return {};
  defineOwn(scope, *definition);
  defineBody(evaluator, *definition, scope);
  defineUnlessTaken(scope);
  // The same numbers in the program of the denominators and in that of the loss.
  int64_t drawn = 0;
  StepChance chance = chanceOf(state, batch.key);
  chance.row = [this] { return state.readInput(batch.row, {}, state.builder.getI64Type()); };
  chance.site = [&drawn] { return --drawn; };
  llvm::SaveAndRestore chances(evaluator.chance,
                               batch.step.empty() ? nullptr : static_cast<const StepChance *>(&chance));
  // The function `hidden` has the name of a dimension.
  HiddenDimension walk;
  walk.definition(*definition);
  if (walk.found && !lastOfHidden)
    hidden({policy, batch.texts.empty() ? batch : batch.texts.front()});
  if (Scope::Entry *function = scope.findHere("hidden"))
    function->dim = lastOfHidden;
  RowSums sums(state.batchDim, present(), isPart ? [this] { return addWhole(); } : std::function<mlir::Value()>());
  if (!definition->mixing)
    evaluator.rowSums = &sums;
  Value loss = equationOf(evaluator, *definition, scope, "loss");
  evaluator.rowSums = nullptr;
  if (models.advances)
    findNext(*definition, scope);
  denominators = sums.denominators;
  return scalarLoss(loss, *definition, isPart, scope);
}

mlir::Value Loss::addWhole() {
  mlir::OpBuilder &builder = state.builder;
  mlir::Location loc = state.evaluator.loc();
  wholes.push_back(mlir::tensor::EmptyOp::create(builder, loc, llvm::ArrayRef<int64_t>(), builder.getF64Type()));
  return wholes.back();
}

void Loss::bindWholes(llvm::StringRef symbol) {
  if (wholes.empty())
    return;
  state.shared.tensors().declareReal(symbol, tune::Kind::input, {int64_t(wholes.size())});
  mlir::Value sums = state.read(symbol);
  for (auto [number, whole] : llvm::enumerate(wholes)) {
    mlir::OpBuilder builder(whole);
    whole.replaceAllUsesWith(tune::pickIndex(builder, whole.getLoc(), sums, 0, int64_t(number)));
    whole.erase();
  }
}

void Loss::findNext(const ast::Definition &definition, Scope &scope) {
  Evaluator &evaluator = state.evaluator;
  const AdapterInstance *own = policy.ofObjective(definition);
  for (AdapterTensor *tensor :
       own ? llvm::ArrayRef<AdapterTensor *>(own->tensors) : llvm::ArrayRef<AdapterTensor *>()) {
    std::string name = tensor->parameter.str() + "'";
    if (tensor->role != AdapterRole::Kept || !scope.findHere(name))
      continue;
    Value value = equationOf(evaluator, definition, scope, name);
    if (std::optional<Tensor> found = evaluator.fit(value, tensor->dims, scope, tensor->range))
      next.emplace_back(tensor->symbol, keptAs(evaluator, *tensor, *found));
  }
}

/// A loss that mixes the rows of a batch is the mean over batches: each counts 1.
mlir::Value Loss::scalarLoss(const Value &loss, const ast::Definition &definition, bool isPart, Scope &scope) {
  Evaluator &evaluator = state.evaluator;
  if (loss.isError())
    return {};
  if (auto *share = loss.as<RowSum>()) {
    if (share->share)
      return share->partial.value;
    evaluator.diags().report(Diag::NotSumOfRatios, definition.name.range);
    return {};
  }
  std::optional<Tensor> scalar = evaluator.asTensor(loss, definition.name.range);
  if (!scalar)
    return {};
  if (!scalar->dims.empty()) {
    evaluator.diags().report(Diag::NotAScalar, definition.name.range, "the loss", printDims(scalar->dims, scope));
    return {};
  }
  if (!definition.mixing) {
    evaluator.diags().report(Diag::NotSumOfRatios, definition.name.range);
    return {};
  }
  mlir::OpBuilder &builder = state.builder;
  mlir::Location loc = builder.getUnknownLoc();
  denominators = {tune::scalar(builder, loc, builder.getF64Type(), 1)};
  mlir::Value value = evaluator.toReal(*scalar).value;
  return isPart ? tune::div(builder, loc, value, addWhole()) : value;
}

bool ftc::elaborate::mayAskOthers(const Value &objective) {
  const ast::Definition *definition = objectiveOf(objective);
  if (!definition)
    return false;
  ast::NamesIn within;
  within.definition(*definition);
  const Arguments &arguments = (*objective.as<std::shared_ptr<const Applied>>())->arguments;
  auto isModel = [](const Value &value) { return value.is<const AdaptedModel *>(); };
  return within.names.contains("initial") || llvm::any_of(arguments.positional, isModel) ||
         llvm::any_of(llvm::make_second_range(arguments.named), isModel);
}

std::vector<KeptLogProbabilities> ProgramBuilder::references(const Value &objective, const LossModels &models,
                                                             const Batch &batch, llvm::StringRef prefix) {
  LossModels still = models;
  still.training = still.advances = false;
  Loss loss(*state, still, batch);
  loss.evaluate(objective, /*isPart=*/false);
  std::vector<KeptLogProbabilities> kept;
  for (auto &[model, row, value] : loss.references) {
    std::string text;
    for (auto [name, known] : llvm::zip_equal(batch.form.texts, batch.texts))
      if (&known == row)
        text = name;
    std::string symbol = prefix.str() + std::to_string(kept.size());
    state->shared.tensors().declareReal(symbol, tune::Kind::output, sizesOf(value.dims));
    write(value.value, symbol);
    kept.push_back({model, text, symbol, symbol + ".kept"});
  }
  return kept;
}

int64_t ProgramBuilder::classes() const { return state->classes; }

LossValue ProgramBuilder::loss(const Value &objective, const LossModels &models, const Batch &batch,
                               llvm::StringRef denominators) {
  Loss loss(*state, models, batch);
  mlir::Value value = loss.evaluate(objective, !denominators.empty());
  for (auto &[symbol, kept] : loss.next)
    write(kept, symbol);
  if (value && models.training)
    value = loss.penalized(value);
  loss.bindWholes(denominators);
  return {value, std::move(loss.denominators)};
}

void ProgramBuilder::weigh(llvm::ArrayRef<mlir::Value> denominators, llvm::StringRef symbol) {
  llvm::SmallVector<mlir::Value> parts = copy(denominators);
  for (mlir::Value &part : parts)
    part = tune::reshape(builder(), loc(), part, {1});
  state->shared.tensors().declareReal(symbol, tune::Kind::output, {int64_t(parts.size())});
  accumulate(tune::concat(builder(), loc(), parts, 0), symbol);
}
