//===- NextValues.cpp - what adapters make of their tensors -----*- C++ -*-===//

#include "NextValues.h"

#include "AdapterBuilder.h"
#include "GroupSites.h"
#include "OptimizerPart.h"

#include "dialects/Tune/Utils/Builders.h"

#include "llvm/ADT/MapVector.h"

#include <cmath>
#include <set>

using namespace ftc;
using namespace ftc::elaborate;

void ftc::elaborate::bindUpdate(ProgramBuilder::State &state, const UpdateInputs &inputs) {
  Evaluator &evaluator = state.evaluator;
  evaluator.pass = state.shared.nextPass();
  mlir::Location loc = state.builder.getUnknownLoc();
  mlir::Value one = tune::splatLike(state.builder, loc, inputs.step, 1);
  evaluator.ambient["t"] = Tensor{tune::add(state.builder, loc, inputs.step, one), {}};
  evaluator.ambient["steps"] = Tensor{inputs.steps, {}};
  evaluator.ambient["steps_per_epoch"] = Tensor{inputs.stepsPerEpoch, {}};
  if (inputs.rate)
    evaluator.ambient["rate"] = Tensor{inputs.rate, {}};
}

StepChance ftc::elaborate::chanceOf(ProgramBuilder::State &state, std::string key) {
  auto read = [&state, key = std::move(key)] { return state.readInput(key, {}, state.builder.getI64Type()); };
  return {read, {}, [&state] { return state.shared.nextSite(); }};
}

//===----------------------------------------------------------------------===//
// Next values
//===----------------------------------------------------------------------===//

mlir::Value ftc::elaborate::keptAs(Evaluator &evaluator, const AdapterTensor &tensor, const Tensor &value) {
  return tensor.integer
             ? tune::convert(*evaluator.builder, evaluator.loc(), value.value, evaluator.builder->getI32Type())
             : evaluator.toReal(value).value;
}

/// The next values that equations of `body` give tensors of an adapter, found in `scope`.
static void advanceIn(Evaluator &evaluator, AdapterInstance &instance, llvm::ArrayRef<ast::ItemPtr> body, Scope &scope,
                      Contents &next) {
  for (const ast::ItemPtr &item : body) {
    auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item);
    llvm::StringRef name = equation ? llvm::StringRef(equation->equation.targets.front().text) : "";
    AdapterTensor *tensor = name.consume_back("'") ? instance.tensor(name) : nullptr;
    if (!tensor || tensor->instance != &instance)
      continue;
    // What an objective keeps goes on with the loss, which sees the batch.
    if (instance.definition->kind == ast::DefinitionKind::Objective && tensor->role == AdapterRole::Kept)
      continue;
    Value value = evaluator.lookup(equation->equation.targets.front().text, scope, equation->range);
    if (std::optional<Tensor> found = evaluator.fit(value, tensor->dims, scope, equation->range))
      next[tensor->symbol] = keptAs(evaluator, *tensor, *found);
  }
}

namespace {
/// Tells chance what the next values of adapters' tensors fill, while it lives.
class KeptTensors {
public:
  KeptTensors(Evaluator &evaluator, const AdaptedModel &model) : evaluator(evaluator) {
    evaluator.keptDims = [&model](llvm::StringRef name, Scope &scope) -> std::optional<Dims> {
      if (!name.consume_back("'"))
        return std::nullopt;
      for (AdapterInstance *instance : model.learning())
        if (instance->scope == &scope || instance->scope == scope.parent())
          if (AdapterTensor *tensor = instance->tensor(name))
            return tensor->dims;
      return std::nullopt;
    };
  }
  ~KeptTensors() { evaluator.keptDims = nullptr; }

private:
  Evaluator &evaluator;
};
} // namespace

void ftc::elaborate::advance(ProgramBuilder::State &state, const AdaptedModel &model, Contents &next,
                             const llvm::DenseMap<mlir::Value, std::string> &gradients) {
  Evaluator &evaluator = state.evaluator;
  evaluator.pass = state.shared.nextPass();
  evaluator.model = &model;
  auto read = std::exchange(evaluator.read, [&](llvm::StringRef symbol) {
    mlir::Value known = next.lookup(symbol.str());
    return known ? known : state.read(symbol);
  });
  evaluator.gradientOf = [&](const Tensor &tensor, llvm::SMRange range) -> Value {
    auto known = gradients.find(tensor.value);
    if (known != gradients.end())
      return Tensor{state.read(known->second), tensor.dims};
    evaluator.diags().report(Diag::ExpectedValue, range, "a trained tensor", "a tensor without a gradient");
    return {};
  };
  Contents advanced;
  {
    GroupSites sites(evaluator, model, [](AdapterInstance &instance) -> Scope & { return *instance.scope; });
    KeptTensors kept(evaluator, model);
    for (AdapterInstance *instance : model.learning())
      advanceIn(evaluator, *instance, instance->body, *instance->scope, advanced);
  }
  evaluator.gradientOf = nullptr;
  evaluator.read = read;
  for (auto &[symbol, value] : advanced)
    next[symbol] = value;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

std::optional<BlockTime> ftc::elaborate::timeOf(Elaborator &elaborator, const AdapterInstance &instance,
                                                const ast::EveryItem &item) {
  unsigned errors = elaborator.diagnostics().errorCount();
  Value value = Evaluator(elaborator).eval(*item.period, *instance.scope);
  auto *quantity = value.as<QuantityValue>();
  std::optional<double> number = quantity && quantity->unit == ast::Unit::Steps ? quantity->value : value.number();
  if (number && *number >= 1 && *number == std::floor(*number) && *number < 0x1p53)
    return BlockTime{int64_t(*number), item.once};
  // A share of the training or of the data is known when it runs.
  if (errors == elaborator.diagnostics().errorCount())
    elaborator.diagnostics().report(Diag::ExpectedValue, item.period->range, "a number of steps, as in `500 steps`",
                                    value.isError() ? "a share of the training" : value.describe());
  return std::nullopt;
}

std::set<BlockTime> ftc::elaborate::blockTimes(Elaborator &elaborator, const AdaptedModel &model) {
  std::set<BlockTime> times;
  for (AdapterInstance *instance : model.learning())
    for (const ast::ItemPtr &item : instance->body)
      if (auto *every = llvm::dyn_cast<ast::EveryItem>(&*item))
        if (auto time = timeOf(elaborator, *instance, *every))
          times.insert(*time);
  return times;
}

namespace {
/// What happens in one block at one site.
class Block {
public:
  Block(ProgramBuilder::State &state, AdapterInstance &instance, Scope &scope, mlir::Value key, Contents &next)
      : evaluator(state.evaluator), instance(instance), scope(scope), key(key), next(next) {}

  void rebase(const ast::RebaseItem &item);
  void reset(const ast::Name &name);

private:
  Evaluator &evaluator;
  AdapterInstance &instance;
  Scope &scope;
  mlir::Value key;
  Contents &next;
};
} // namespace

void Block::rebase(const ast::RebaseItem &item) {
  for (AdapterTensor *tensor : instance.rebased)
    if (tensor->parameter == item.name.text)
      if (auto value = evaluator.fit(evaluator.eval(*item.value, scope), tensor->dims, scope, item.range))
        next[tensor->symbol] = evaluator.toReal(*value).value;
}

void Block::reset(const ast::Name &name) {
  AdapterTensor *tensor = instance.tensor(name.text);
  if (!tensor || !tensor->initial) {
    evaluator.diags().report(Diag::NothingToReset, name.range, name.text);
    return;
  }
  InitialContext context{key, tensor->dims};
  evaluator.initial = &context;
  Scope &first = firstValueScope(evaluator.shared, *tensor);
  Value value = evaluator.initialValue(*tensor->initial, first);
  evaluator.initial = nullptr;
  if (auto fitted = evaluator.fit(value, tensor->dims, first, name.range))
    next[tensor->symbol] = keptAs(evaluator, *tensor, *fitted);
}

void ftc::elaborate::runBlocks(ProgramBuilder::State &state, const AdaptedModel &model, BlockTime time, mlir::Value key,
                               Contents &next, llvm::function_ref<void(const AdapterInstance &)> resetOptimizer) {
  Evaluator &evaluator = state.evaluator;
  evaluator.model = &model;
  evaluator.ambient["training"] = false;
  // What is written in a block is found at the other sites in theirs.
  llvm::MapVector<std::pair<AdapterInstance *, const ast::EveryItem *>, Scope *> scopes;
  const ast::EveryItem *running = nullptr;
  GroupSites sites(evaluator, model, [&](AdapterInstance &instance) -> Scope & {
    auto found = scopes.find({&instance, running});
    return found == scopes.end() ? *instance.scope : *found->second;
  });
  KeptTensors kept(evaluator, model);
  for (AdapterInstance *instance : model.learning())
    for (const ast::ItemPtr &item : instance->body) {
      auto *every = llvm::dyn_cast<ast::EveryItem>(&*item);
      if (!every || timeOf(state.shared, *instance, *every) != time)
        continue;
      Scope &scope = state.shared.newScope(instance->scope);
      scopes[{instance, every}] = &scope;
      scope.define("merged", Scope::Thunk([&state, &model, instance](Evaluator &) {
                     return mergedWeight(state, model, *instance);
                   }));
      for (const ast::ItemPtr &inner : every->body)
        if (auto *equation = llvm::dyn_cast<ast::EquationItem>(&*inner))
          evaluator.defineEquation(equation->equation, scope);
    }
  for (auto &[place, scope] : scopes) {
    auto [instance, every] = place;
    running = every;
    Block block(state, *instance, *scope, key, next);
    for (const ast::ItemPtr &inner : every->body) {
      if (auto *rebase = llvm::dyn_cast<ast::RebaseItem>(&*inner))
        block.rebase(*rebase);
      else if (auto *reset = llvm::dyn_cast<ast::ResetItem>(&*inner))
        for (const ast::Name &name : reset->names) {
          if (name.text == optimizerName)
            resetOptimizer(*instance);
          else
            block.reset(name);
        }
    }
    advanceIn(evaluator, *instance, every->body, *scope, next);
  }
  evaluator.ambient.erase("training");
}

//===----------------------------------------------------------------------===//
// Penalties
//===----------------------------------------------------------------------===//

/// The scope in which the arguments of an adapter's `forward` have the values of its last call.
static Scope &calledScope(Evaluator &evaluator, AdapterInstance &instance, const ModelPass &pass) {
  Scope &scope = evaluator.shared.newScope(instance.scope);
  Scope::Entry *forward = instance.scope->findHere("forward");
  const Closure *closure = forward ? forward->value.as<Closure>() : nullptr;
  auto called = pass.calls.find(&instance);
  if (closure && called != pass.calls.end())
    for (auto [name, value] : llvm::zip(closure->arguments, called->second.positional))
      scope.redefineInPass(name.text, value);
  return scope;
}

mlir::Value ftc::elaborate::penalty(ProgramBuilder::State &state, const AdaptedModel &model, const ModelPass &pass) {
  Evaluator &evaluator = state.evaluator;
  std::map<const AdapterInstance *, Scope *> scopes;
  auto scopeOf = [&](AdapterInstance &instance) -> Scope & {
    Scope *&scope = scopes[&instance];
    if (!scope)
      scope = &calledScope(evaluator, instance, pass);
    return *scope;
  };
  mlir::Value total;
  evaluator.model = &model;
  GroupSites sites(evaluator, model, scopeOf);
  std::set<const void *> done;
  for (AdapterInstance *instance : model.learning())
    for (const ast::ItemPtr &item : instance->body) {
      auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item);
      if (!equation || equation->equation.targets.front().text != "penalty" || !done.insert(instance->group).second)
        continue;
      const ast::Equation &own = equation->equation;
      Value value = evaluator.eval(*own.value, evaluator.whereScope(own.where, scopeOf(*instance)));
      std::optional<Tensor> scalar = evaluator.asTensor(value, own.range);
      if (!scalar)
        continue;
      bool perSite = evaluator.siteSums.empty() && instance->group->instances.size() > 1;
      if (!scalar->dims.empty() || perSite) {
        std::string dims = printDims(scalar->dims, *instance->scope);
        if (perSite)
          dims.insert(1, scalar->dims.empty() ? "sites" : "sites, ");
        evaluator.diags()
            .report(Diag::NotAScalar, own.range, "the penalty", dims)
            .help("reduce it over the sites too, as in `sum(e, over: sites)`");
        continue;
      }
      mlir::Value real = evaluator.toReal(*scalar).value;
      total = total ? tune::add(state.builder, evaluator.loc(), total, real) : real;
    }
  return total;
}
