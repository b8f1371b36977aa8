//===- OptimizerStep.cpp - what an update makes of the tensors --*- C++ -*-===//
//
// First the optimizer's next values, then those that adapters give their own
// tensors, which see what the optimizer has made.
//
//===----------------------------------------------------------------------===//

#include "NextValues.h"
#include "OptimizerPart.h"

#include "dialects/Tune/Utils/Builders.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

/// Binds what changes from step to step: the parameter, its gradient, and the scheduled learning rate.
void OptimizerPlan::Part::enter(Evaluator &evaluator, const Value &p, const Value &g) {
  auto named = [&](const Value &value) -> Value {
    auto *tensor = value.as<Tensor>();
    if (!tensor || tensor->dims.size() != dims.size())
      return value;
    return Tensor{tensor->value, dims};
  };
  scope->redefineInPass("p", named(p));
  scope->redefineInPass("g", named(g));
  if (!since.empty())
    scope->redefineInPass("t", evaluator.arithmetic(ast::BinaryOp::Sub, evaluator.ambient.lookup("t"),
                                                    Tensor{evaluator.read(since), {}}, definition->range));
  if (Scope::Entry *entry = scope->findHere("lr"); entry && !scheduled) {
    Value lr = evaluator.force("lr", *entry, definition->range);
    scope->redefineInPass(
        "lr", evaluator.arithmetic(ast::BinaryOp::Mul, lr, evaluator.ambient.lookup("rate"), definition->range));
    scheduled = true;
  }
}

Value OptimizerPlan::Part::next(Evaluator &evaluator, const Value &p, const Value &g) {
  auto valueOf = [](const Value &value) { return value.is<Tensor>() ? value.as<Tensor>()->value : mlir::Value(); };
  std::pair given(valueOf(p), valueOf(g));
  if (steppedIn == evaluator.pass && stepped != given) {
    evaluator.diags()
        .report(Diag::SteppedTwice, item->range, item->name.text)
        .help("a second part with the same optimizer has states of its own");
    return {};
  }
  stepped = given;
  steppedIn = evaluator.pass;
  enter(evaluator, p, g);
  Value next = equationOf(evaluator, *definition, *scope, "p'");
  auto *outer = p.as<Tensor>();
  if (!outer || next.isError())
    return next;
  // The caller's names for the same dimensions.
  std::optional<Tensor> result = evaluator.fit(next, dims, *scope, definition->name.range);
  return result ? Value(Tensor{result->value, outer->dims}) : Value();
}

Value OptimizerPlan::Part::learningRate(Evaluator &evaluator) {
  if (Scope::Entry *entry = scope->findHere("lr"))
    return evaluator.force("lr", *entry, definition->range);
  return inner.empty() ? Value(0.0) : inner.front()->learningRate(evaluator);
}

/// Puts the next value of a state where it is kept.
static void writeState(Contents &next, Evaluator &evaluator, OptimizerPlan::Part::State &kept, const Tensor &value) {
  if (kept.stored)
    kept.stored->write(evaluator, value,
                       [&](mlir::Value field, llvm::StringRef symbol) { next[symbol.str()] = field; });
  else
    next[kept.symbol] = value.value;
}

/// The optimizer part whose names a scope sees, or null.
static OptimizerPlan::Part *ownerOf(llvm::ArrayRef<std::unique_ptr<OptimizerPlan::Part>> parts, Scope &scope) {
  for (Scope *around = &scope; around; around = around->parent())
    for (auto &part : parts)
      if (around == part->scope)
        return part.get();
  return nullptr;
}

static void optimize(Evaluator &evaluator, llvm::ArrayRef<std::unique_ptr<OptimizerPlan::Part>> parts, Contents &next) {
  evaluator.siteGroup = [parts](Scope &scope) -> const void * {
    OptimizerPlan::Part *part = ownerOf(parts, scope);
    return part ? part->applied.get() : nullptr;
  };
  evaluator.sites = [&evaluator, parts](Scope &scope) {
    std::vector<Scope *> scopes;
    if (OptimizerPlan::Part *own = ownerOf(parts, scope))
      for (auto &other : parts)
        if (other->applied == own->applied)
          scopes.push_back(transplant(evaluator, &scope, own->scope, other->scope));
    llvm::erase(scopes, nullptr);
    return scopes;
  };
  evaluator.keptDims = [parts](llvm::StringRef name, Scope &scope) -> std::optional<Dims> {
    std::optional<Dims> found;
    if (name.consume_back("'"))
      for (auto &part : parts)
        part->forEachState([&](OptimizerPlan::Part &owner, OptimizerPlan::Part::State &state) {
          if (owner.scope == &scope && state.declaration->targets.front().text == name)
            found = state.dims;
        });
    return found;
  };
  for (auto &part : parts) {
    Value value = equationOf(evaluator, *part->definition, *part->scope, "p'");
    if (std::optional<Tensor> tensor = evaluator.fit(value, part->dims, *part->scope, part->definition->name.range))
      next[part->optimized.parameter] = tensor->value;
    part->forEachState([&](OptimizerPlan::Part &owner, OptimizerPlan::Part::State &kept) {
      if (owner.item && owner.steppedIn != evaluator.pass)
        return; // another part is stepped here
      std::string name = kept.declaration->targets.front().text + "'";
      if (!owner.scope->findHere(name))
        return;
      Value state = equationOf(evaluator, *owner.definition, *owner.scope, name);
      if (std::optional<Tensor> tensor = evaluator.fit(state, kept.dims, *owner.scope, kept.declaration->range))
        writeState(next, evaluator, kept, *tensor);
    });
  }
  evaluator.keptDims = nullptr;
  evaluator.sites = nullptr;
  evaluator.siteSums.clear();
}

mlir::Value ProgramBuilder::update(OptimizerPlan &plan, const AdaptedModel &model, const UpdateInputs &inputs) {
  Evaluator &evaluator = state->evaluator;
  bindUpdate(*state, inputs);
  StepChance chance = chanceOf(*state, inputs.key);
  llvm::SaveAndRestore chances(evaluator.chance, static_cast<const StepChance *>(&chance));
  for (auto &part : plan.parts)
    part->enter(evaluator, Tensor{read(part->optimized.parameter), part->dims},
                Tensor{read(part->optimized.gradient), part->dims});
  Contents next;
  optimize(evaluator, plan.parts, next);
  mlir::Value rateOfFirst;
  for (auto &part : plan.parts) {
    Value lr = part->learningRate(evaluator);
    if (!rateOfFirst && !lr.isError())
      if (std::optional<Tensor> tensor = evaluator.asTensor(lr, {}); tensor && tensor->dims.empty())
        rateOfFirst = tensor->value;
  }
  llvm::DenseMap<mlir::Value, std::string> gradients;
  for (auto &part : plan.parts)
    gradients[next.lookup(part->optimized.parameter)] = part->optimized.gradient;
  advance(*state, model, next, gradients);
  for (auto &[symbol, value] : next)
    write(value, symbol);
  return rateOfFirst;
}

/// The first value of a state that a program finds: what its declaration says.
static void firstState(ProgramBuilder::State &state, OptimizerPlan::Part &owner, OptimizerPlan::Part::State &kept,
                       mlir::Value key, Contents &next) {
  Evaluator &evaluator = state.evaluator;
  owner.scope->redefineInPass("p", Tensor{state.read(owner.optimized.parameter), owner.dims});
  InitialContext context{key, kept.dims};
  evaluator.initial = &context;
  Value first = kept.declaration->value ? evaluator.initialValue(*kept.declaration->value, *owner.scope) : Value(0.0);
  evaluator.initial = nullptr;
  if (std::optional<Tensor> tensor = evaluator.fit(first, kept.dims, *owner.scope, kept.declaration->range))
    writeState(next, evaluator, kept, evaluator.toReal(*tensor));
}

void ProgramBuilder::initialise(OptimizerPlan &plan, mlir::Value key) {
  state->evaluator.pass = state->shared.nextPass();
  Contents next;
  for (auto &part : plan.parts)
    part->forEachState([&](OptimizerPlan::Part &owner, OptimizerPlan::Part::State &kept) {
      if (!kept.zero)
        firstState(*state, owner, kept, key, next);
    });
  for (auto &[symbol, value] : next)
    write(value, symbol);
}

/// `reset optimizer`: states as at the beginning, and steps counted from here.
static void resetOptimizer(ProgramBuilder::State &state, OptimizerPlan::Part &part, mlir::Value key, Contents &next) {
  part.forEachState(
      [&](OptimizerPlan::Part &owner, OptimizerPlan::Part::State &kept) { firstState(state, owner, kept, key, next); });
  next[part.since] = state.evaluator.ambient["t"].as<Tensor>()->value;
}

void ProgramBuilder::every(OptimizerPlan &plan, const AdaptedModel &model, int64_t period, const UpdateInputs &inputs) {
  bindUpdate(*state, inputs);
  StepChance chance = chanceOf(*state, inputs.key);
  llvm::SaveAndRestore chances(state->evaluator.chance, static_cast<const StepChance *>(&chance));
  mlir::Value key = chance.key();
  Contents next;
  runBlocks(*state, model, period, key, next, [&](const AdapterInstance &instance) {
    for (auto &part : plan.parts)
      if (part->optimized.tensor->instance == &instance)
        resetOptimizer(*state, *part, key, next);
  });
  for (auto &[symbol, value] : next)
    write(value, symbol);
}

mlir::Value ProgramBuilder::gradientNorm(const OptimizerPlan &plan) {
  mlir::Value total = tune::scalar(state->builder, loc(), state->builder.getF64Type(), 0);
  for (auto &part : plan.parts) {
    mlir::Value g = read(part->optimized.gradient);
    total = tune::add(state->builder, loc(), total,
                      tune::sumAll(state->builder, loc(), tune::mul(state->builder, loc(), g, g)));
  }
  return mlir::math::SqrtOp::create(state->builder, loc(), total);
}
