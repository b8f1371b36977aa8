#include "ftc/Elaborate/Program.h"

#include "Format.h"
#include "ProgramState.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/IRMapping.h"

using namespace ftc;
using namespace ftc::elaborate;

//===----------------------------------------------------------------------===//
// The program itself
//===----------------------------------------------------------------------===//

ProgramBuilder::State::State(Elaborator &shared, llvm::StringRef symbol)
    : shared(shared), builder(shared.module().getContext()), evaluator(shared, &builder),
      errorsBefore(shared.diagnostics().errorCount()) {
  builder.setInsertionPointToEnd(shared.module().getBody());
  func = mlir::func::FuncOp::create(builder, builder.getUnknownLoc(), symbol, builder.getFunctionType({}, {}));
  func->setAttr(tune::TuneDialect::kProgramAttrName, builder.getUnitAttr());
  builder.setInsertionPointToStart(func.addEntryBlock());
  evaluator.read = [this](llvm::StringRef name) { return read(name); };
  evaluator.rowNumber = [this](const Batch &batch, llvm::StringRef name, llvm::SMRange range) {
    return rowNumber(batch, name, range);
  };
}

mlir::Value ProgramBuilder::State::read(llvm::StringRef symbol) {
  mlir::Value &value = reads[symbol];
  if (!value) {
    tune::TensorOp tensor = shared.tensors().lookup(symbol);
    assert(tensor && "a tensor is declared before it is read");
    // Reads stand first, so that every later op may use them.
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&func.getBody().front());
    value = tune::ReadOp::create(builder, builder.getUnknownLoc(), tensor.getType(), symbol);
  }
  return value;
}

mlir::Value ProgramBuilder::State::readInput(llvm::StringRef symbol, llvm::ArrayRef<int64_t> shape,
                                             mlir::Type element) {
  shared.tensors().declare(symbol, tune::Kind::input, mlir::RankedTensorType::get(shape, element));
  return read(symbol);
}

ProgramBuilder::ProgramBuilder(Elaborator &elaborator, llvm::StringRef symbol)
    : state(std::make_unique<State>(elaborator, symbol)) {}

ProgramBuilder::~ProgramBuilder() = default;

mlir::OpBuilder &ProgramBuilder::builder() { return state->builder; }

mlir::Location ProgramBuilder::loc() { return state->builder.getUnknownLoc(); }

mlir::Value ProgramBuilder::read(llvm::StringRef symbol) { return state->read(symbol); }

void ProgramBuilder::write(mlir::Value value, llvm::StringRef symbol) {
  tune::WriteOp::create(state->builder, loc(), value, symbol);
}

void ProgramBuilder::accumulate(mlir::Value value, llvm::StringRef symbol) {
  write(tune::add(state->builder, loc(), read(symbol), value), symbol);
}

llvm::SmallVector<mlir::Value> ProgramBuilder::copy(llvm::ArrayRef<mlir::Value> values) {
  mlir::BackwardSliceOptions whole;
  whole.inclusive = true;
  whole.omitUsesFromAbove = false;
  llvm::SetVector<mlir::Operation *> slice;
  for (mlir::Value value : values)
    (void)mlir::getBackwardSlice(value, &slice, whole);
  mlir::IRMapping known;
  for (mlir::Operation *op : slice)
    if (auto read = llvm::dyn_cast<tune::ReadOp>(op))
      known.map(read.getResult(), state->read(read.getTensor()));
    else
      builder().clone(*op, known);
  return llvm::map_to_vector(values, [&](mlir::Value value) { return known.lookup(value); });
}

mlir::func::FuncOp ProgramBuilder::finish() {
  if (state->shared.diagnostics().errorCount() != state->errorsBefore) {
    state->func.erase();
    return nullptr;
  }
  mlir::func::ReturnOp::create(state->builder, loc());
  for (mlir::Operation &op : llvm::make_early_inc_range(llvm::reverse(state->func.getBody().front())))
    if (mlir::isOpTriviallyDead(&op))
      op.erase();
  return state->func;
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

static const ast::Definition *appliedDefinition(const Value &value, ast::DefinitionKind kind) {
  if (auto *applied = value.as<std::shared_ptr<const Applied>>())
    for (const ast::Definition *definition : (*applied)->definitions)
      if (definition->kind == kind)
        return definition;
  return nullptr;
}

const ast::Definition *ftc::elaborate::objectiveOf(const Value &value) {
  return appliedDefinition(value, ast::DefinitionKind::Objective);
}

const ast::Definition *ftc::elaborate::definitionOf(Elaborator &shared, const Value &value, ast::DefinitionKind kind,
                                                    llvm::StringRef what, llvm::SMRange range) {
  if (const ast::Definition *definition = appliedDefinition(value, kind))
    return definition;
  if (!value.isError())
    shared.diagnostics().report(Diag::NotOfKind, range, what, value.describe());
  return nullptr;
}

void ftc::elaborate::defineBody(Evaluator &evaluator, const ast::Definition &definition, Scope &scope) {
  for (const ast::ItemPtr &item : definition.body) {
    if (auto *dims = llvm::dyn_cast<ast::DimsItem>(&*item)) {
      if (!scope.findHere(dims->dims.front().name.text))
        evaluator.defineDims(*dims, scope);
    } else if (auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item)) {
      evaluator.defineEquation(equation->equation, scope);
    }
  }
  for (const ast::ItemPtr &item : definition.body)
    if (auto *require = llvm::dyn_cast<ast::RequireItem>(&*item)) {
      std::optional<bool> holds = evaluator.evalCondition(*require->condition, scope);
      if (holds && !*holds)
        evaluator.diags().report(Diag::RequirementFailed, require->range, require->message);
    }
}

Value ftc::elaborate::equationOf(Evaluator &evaluator, const ast::Definition &definition, Scope &scope,
                                 llvm::StringRef name) {
  if (Scope::Entry *entry = scope.findHere(name))
    return evaluator.force(name, *entry, definition.range);
  evaluator.diags().report(Diag::NoEquation, definition.name.range, kindName(definition.kind), definition.name.text,
                           name);
  return {};
}

//===----------------------------------------------------------------------===//
// Schedules, initial values, formats
//===----------------------------------------------------------------------===//

static Value rateOf(Evaluator &evaluator, const Value &schedule);

/// `inner(step, steps)`: the factor of a schedule that is a parameter, at a step of so many.
static Value innerRate(Evaluator &evaluator, const Value &schedule, const Arguments &arguments) {
  if (arguments.positional.size() != 2 || !arguments.named.empty()) {
    evaluator.diags().report(Diag::ExpectedValue, arguments.range, "the step and the number of steps of a schedule",
                             "other arguments");
    return {};
  }
  auto around = evaluator.ambient;
  evaluator.ambient["step"] = arguments.positional.front();
  evaluator.ambient["steps"] = arguments.positional.back();
  Value rate = rateOf(evaluator, schedule);
  evaluator.ambient = std::move(around);
  return rate;
}

void ftc::elaborate::bindSchedules(Evaluator &evaluator, const ast::Definition &definition, Scope &scope) {
  for (const ast::Parameter &parameter : definition.parameters) {
    if (!parameter.type || parameter.type->element.text != "schedule")
      continue;
    Value inner = evaluator.lookup(parameter.name.text, scope, parameter.range);
    auto call = [inner](Evaluator &e, Arguments arguments) {
      e.passDependent = true;
      return innerRate(e, inner, arguments);
    };
    scope.redefine(parameter.name.text,
                   Value(std::make_shared<const std::function<Value(Evaluator &, Arguments)>>(std::move(call))));
  }
}

/// The factor at the step that is in sight.
static Value rateOf(Evaluator &evaluator, const Value &schedule) {
  const ast::Definition *definition =
      definitionOf(evaluator.shared, schedule, ast::DefinitionKind::Schedule, "a schedule", {});
  if (!definition)
    return {};
  Scope &scope = evaluator.shared.definitionScope(*definition);
  if (!evaluator.bindParameters(*definition, (*schedule.as<std::shared_ptr<const Applied>>())->arguments, scope))
    return {};
  bindSchedules(evaluator, *definition, scope);
  defineBody(evaluator, *definition, scope);
  Value rate = equationOf(evaluator, *definition, scope, "rate");
  std::optional<Tensor> tensor = evaluator.asTensor(rate, definition->name.range);
  if (tensor && !tensor->dims.empty()) {
    evaluator.diags().report(Diag::NotAScalar, definition->name.range, "the rate", printDims(tensor->dims, scope));
    return {};
  }
  return rate;
}

mlir::Value ProgramBuilder::rate(const Value &schedule, mlir::Value step, mlir::Value steps,
                                 mlir::Value stepsPerEpoch) {
  mlir::Value one = tune::scalar(state->builder, loc(), state->builder.getF64Type(), 1);
  if (schedule.isNone())
    return one;
  Evaluator &evaluator = state->evaluator;
  evaluator.ambient["step"] = Tensor{step, {}};
  evaluator.ambient["steps"] = Tensor{steps, {}};
  evaluator.ambient["steps_per_epoch"] = Tensor{stepsPerEpoch, {}};
  std::optional<Tensor> rate = evaluator.asTensor(rateOf(evaluator, schedule), {});
  return rate ? evaluator.toReal(*rate).value : one;
}

mlir::Value ProgramBuilder::decode(const ast::Definition &format, mlir::Value bytes, int64_t n) {
  return decodeBlocks(state->evaluator, format, bytes, n);
}

std::optional<std::pair<mlir::Value, mlir::Value>> ProgramBuilder::storageError(const ast::Definition &format,
                                                                                mlir::Value x) {
  if (!canStore(format) || tune::typeOf(x).getRank() != 2)
    return std::nullopt;
  mlir::Value kept = storedAndRead(state->evaluator, format, x);
  if (!kept)
    return std::nullopt;
  auto squares = [&](mlir::Value value) {
    return tune::sumAll(builder(), loc(), tune::mul(builder(), loc(), value, value));
  };
  return std::pair(squares(tune::sub(builder(), loc(), x, kept)), squares(x));
}
