//===- OptimizerStep.cpp - what an update makes of the tensors --*- C++ -*-===//
//
// First the optimizer's next values, then those that adapters give their own
// tensors, which see what the optimizer has made.
//
//===----------------------------------------------------------------------===//

#include "GroupSites.h"
#include "OptimizerPart.h"
#include "OptimizerPoints.h"

#include "dialects/Tune/Utils/Builders.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

void OptimizerPlan::Part::begin() {
  steppedIn = 0;
  if (unscheduled)
    *scope->findHere("lr") = std::move(*unscheduled);
  unscheduled.reset();
  for (auto &part : inner)
    part->begin();
}

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
  if (Scope::Entry *entry = scope->findHere("lr"); entry && !unscheduled) {
    unscheduled = *entry;
    Value lr = evaluator.force("lr", *entry, definition->range);
    scope->redefineInPass(
        "lr", evaluator.arithmetic(ast::BinaryOp::Mul, lr, evaluator.ambient.lookup("rate"), definition->range));
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
  if (!rounds->makes(optimized.parameter))
    return p;
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

/// A part of the optimizer of one of the trained tensors: the parts that lead to it, from the outermost, itself last.
using Owner = llvm::SmallVector<const OptimizerPlan::Part *, 3>;

static bool findOwner(const OptimizerPlan::Part &part, const Scope *scope, Owner &owner) {
  owner.push_back(&part);
  if (part.scope == scope || llvm::any_of(part.inner, [&](auto &inner) { return findOwner(*inner, scope, owner); }))
    return true;
  owner.pop_back();
  return false;
}

/// The optimizer part whose names a scope sees; empty if there is none.
static Owner ownerOf(llvm::ArrayRef<std::unique_ptr<OptimizerPlan::Part>> parts, Scope &scope) {
  Owner owner;
  for (Scope *around = &scope; around; around = around->parent())
    if (llvm::any_of(parts, [&](auto &part) { return findOwner(*part, around, owner); }))
      break;
  return owner;
}

/// Whether two parts come from the same place of the recipe: each line of a map is another one.
static bool isSame(const OptimizerPlan::Part &a, const OptimizerPlan::Part &b) {
  return a.item == b.item && a.applied->name == b.applied->name &&
         a.applied->arguments.range.Start == b.applied->arguments.range.Start;
}

/// The same part of the optimizer of each tensor that has it.
static std::vector<const OptimizerPlan::Part *> partsBeside(llvm::ArrayRef<std::unique_ptr<OptimizerPlan::Part>> parts,
                                                            const Owner &owner) {
  std::vector<const OptimizerPlan::Part *> found;
  for (auto &part : parts) {
    if (owner.empty() || !isSame(*part, *owner.front()))
      continue;
    const OptimizerPlan::Part *same = &*part;
    for (const OptimizerPlan::Part *step : llvm::drop_begin(owner)) {
      auto inner = llvm::find_if(same->inner, [&](auto &one) { return isSame(*one, *step); });
      same = inner == same->inner.end() ? nullptr : &**inner;
      if (!same)
        break;
    }
    if (same)
      found.push_back(same);
  }
  return found;
}

/// One round. States wait for the round in which all steps are made: they may see what the others are stepped with.
static void optimize(Evaluator &evaluator, llvm::ArrayRef<std::unique_ptr<OptimizerPlan::Part>> parts,
                     const OptimizerPlan::Rounds &rounds, Contents &next) {
  evaluator.siteGroup = [parts](Scope &scope) -> const void * {
    auto beside = partsBeside(parts, ownerOf(parts, scope));
    return beside.empty() ? nullptr : beside.front();
  };
  evaluator.sites = [&evaluator, parts](Scope &scope) {
    std::vector<Scope *> scopes;
    Owner owner = ownerOf(parts, scope);
    for (const OptimizerPlan::Part *part : partsBeside(parts, owner))
      scopes.push_back(transplant(evaluator, &scope, owner.back()->scope, part->scope));
    llvm::erase(scopes, nullptr);
    return scopes;
  };
  llvm::DenseMap<const Scope *, llvm::SmallVector<const OptimizerPlan::Part::State *, 2>> kept;
  for (auto &part : parts)
    part->forEachState(
        [&](OptimizerPlan::Part &owner, OptimizerPlan::Part::State &state) { kept[owner.scope].push_back(&state); });
  evaluator.keptDims = [&kept](llvm::StringRef name, Scope &scope) -> std::optional<Dims> {
    if (auto states = kept.find(&scope); name.consume_back("'") && states != kept.end())
      for (const OptimizerPlan::Part::State *state : states->second)
        if (state->declaration->targets.front().text == name)
          return state->dims;
    return std::nullopt;
  };
  for (auto &part : parts) {
    Value value = equationOf(evaluator, *part->definition, *part->scope, "p'");
    if (std::optional<Tensor> tensor = evaluator.fit(value, part->dims, *part->scope, part->definition->name.range))
      next[part->optimized.parameter] = tensor->value;
    if (rounds.unfinished)
      continue;
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

/// What the optimizers make of the tensors and their states, where the loss is known at p and so many points besides.
void ProgramBuilder::step(OptimizerPlan &plan, unsigned number) {
  OptimizerPlan::Points &points = *plan.points;
  OptimizerPlan::Rounds &rounds = *plan.rounds;
  Evaluator &evaluator = state->evaluator;
  for (auto &part : plan.parts)
    part->begin();
  rounds.round = 0;
  do {
    ++rounds.round;
    rounds.steps.clear();
    rounds.unfinished = false;
    evaluator.pass = state->shared.nextPass();
    points.begin(state->shared, number);
    for (auto &part : plan.parts) {
      const OptimizedTensor &of = part->optimized;
      std::string p = number == 0 ? of.parameter : points.origin(of), g = points.gradientAt(0, of);
      if (number > 0) {
        state->shared.tensors().declareReal(p, tune::Kind::state, sizesOf(part->dims));
        state->shared.tensors().declareReal(g, tune::Kind::gradient, sizesOf(part->dims));
      }
      part->enter(evaluator, Tensor{read(p), part->dims}, Tensor{read(g), part->dims});
    }
    optimize(evaluator, plan.parts, rounds, points.values);
  } while (rounds.unfinished);
}

mlir::Value ProgramBuilder::update(OptimizerPlan &plan, const AdaptedModel &model, const UpdateInputs &inputs,
                                   unsigned points) {
  Evaluator &evaluator = state->evaluator;
  bindUpdate(*state, inputs);
  StepChance chance = chanceOf(*state, inputs.key);
  llvm::SaveAndRestore chances(evaluator.chance, static_cast<const StepChance *>(&chance));
  step(plan, points);
  Contents &next = plan.points->values;
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

void ProgramBuilder::every(OptimizerPlan &plan, const AdaptedModel &model, BlockTime time, const UpdateInputs &inputs) {
  bindUpdate(*state, inputs);
  StepChance chance = chanceOf(*state, inputs.key);
  llvm::SaveAndRestore chances(state->evaluator.chance, static_cast<const StepChance *>(&chance));
  mlir::Value key = chance.key();
  Contents next;
  runBlocks(*state, model, time, key, next, [&](const AdapterInstance &instance) {
    for (auto &part : plan.parts)
      if (part->optimized.tensor->instance == &instance)
        resetOptimizer(*state, *part, key, next);
  });
  for (auto &[symbol, value] : next)
    write(value, symbol);
}

mlir::Value ProgramBuilder::gradientNorm(const OptimizerPlan &plan) {
  mlir::Value total = tune::scalar(state->builder, loc(), state->builder.getF64Type(), 0);
  if (!plan.readsGradients())
    return total;
  for (auto &part : plan.parts) {
    mlir::Value g = read(part->optimized.gradient);
    total = tune::add(state->builder, loc(), total,
                      tune::sumAll(state->builder, loc(), tune::mul(state->builder, loc(), g, g)));
  }
  return mlir::math::SqrtOp::create(state->builder, loc(), total);
}
