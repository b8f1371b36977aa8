#include "ftc/Elaborate/Optimizer.h"

#include "AdapterBuilder.h"
#include "OptimizerPart.h"

#include "dialects/Tune/Utils/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;

OptimizerPlan::OptimizerPlan() = default;
OptimizerPlan::~OptimizerPlan() = default;

//===----------------------------------------------------------------------===//
// Choosing and declaring
//===----------------------------------------------------------------------===//

/// The form of an optimizer for a tensor of that rank: `on` as many axes, else without `on`.
static const ast::Definition *formFor(const Applied &applied, size_t rank) {
  const ast::Definition *any = nullptr;
  for (const ast::Definition *definition : applied.definitions) {
    if (definition->kind != ast::DefinitionKind::Optimizer)
      continue;
    if (definition->site && definition->site->axes && definition->site->axes->size() == rank)
      return definition;
    if (!definition->site)
      any = definition;
  }
  return any;
}

bool OptimizerPlan::Part::build(Evaluator &evaluator, const Value &optimizer, llvm::StringRef step, llvm::SMRange at) {
  Elaborator &shared = evaluator.shared;
  const std::string &name = optimized.tensor->name;
  Value chosen = optimizer;
  if (auto *map = optimizer.as<MapValue>()) {
    const ast::Expr *expr = lastMatch(shared, *map, name);
    if (!expr) {
      shared.diagnostics().report(Diag::MapLacksSite, map->map->range, name);
      return false;
    }
    chosen = evaluator.eval(*expr, *map->scope);
  }
  if (!definitionOf(shared, chosen, ast::DefinitionKind::Optimizer, "an optimizer", at))
    return false;
  applied = *chosen.as<std::shared_ptr<const Applied>>();
  definition = formFor(*applied, optimized.tensor->dims.size());
  if (!definition) {
    shared.diagnostics()
        .report(Diag::NoOptimizerForTensor, at, applied->name, optimized.tensor->dims.size())
        .help("it is '" + name + "'");
    return false;
  }
  scope = &shared.definitionScope(*definition);
  bindDims(shared);
  Arguments arguments = atSite(shared, applied->arguments, name);
  if (!arguments.range.isValid())
    arguments.range = at;
  if (!evaluator.bindParameters(*definition, arguments, *scope))
    return false;
  defineBody(evaluator, *definition, *scope);
  for (const ast::ItemPtr &item : definition->body) {
    if (auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(&*item);
        declarations && declarations->role == ast::TensorRole::State)
      for (const ast::Declaration &declaration : declarations->declarations)
        if (!declareState(evaluator, declaration, step))
          return false;
    if (auto *part = llvm::dyn_cast<ast::PartItem>(&*item); part && !buildInner(evaluator, *part, step, at))
      return false;
  }
  return true;
}

void OptimizerPlan::Part::bindDims(Elaborator &shared) {
  dims.clear();
  auto *axes = definition->site && definition->site->axes ? &*definition->site->axes : nullptr;
  for (auto [place, dim] : llvm::enumerate(optimized.tensor->dims)) {
    bool named = axes && !(*axes)[place].names.empty();
    std::string name = named ? (*axes)[place].names.front().text : "d" + std::to_string(place);
    dims.push_back(shared.dimensions().make(name, dim->size));
    if (named)
      scope->define(name, Value(dims.back()), (*axes)[place].range);
  }
}

/// Whether a first value is plainly 0, which needs no program.
static bool isZero(const ast::Expr *expr, Scope &scope) {
  if (auto *integer = llvm::dyn_cast_or_null<ast::IntegerExpr>(expr))
    return integer->value == 0;
  auto *name = llvm::dyn_cast_or_null<ast::NameExpr>(expr);
  Scope::Entry *entry = name ? scope.find(name->name) : nullptr;
  return !expr || (entry && !entry->thunk && entry->value.number() == 0.0);
}

bool OptimizerPlan::Part::declareState(Evaluator &evaluator, const ast::Declaration &declaration,
                                       llvm::StringRef step) {
  const ast::Name &name = declaration.targets.front();
  std::optional<Dims> own = dims;
  if (declaration.type && declaration.type->axes)
    own = evaluator.dimsOf(*declaration.type->axes, *scope);
  if (!own)
    return false;
  std::string symbol = step.str() + "." + definition->name.text + "." + name.text + "." + optimized.tensor->name;
  bool zero = isZero(declaration.value.get(), *scope);
  if (!stateFormat || own->empty()) {
    evaluator.shared.tensors().declareReal(symbol, tune::Kind::state, sizesOf(*own));
    states.push_back({&declaration, *own, symbol, zero, nullptr});
    scope->define(name.text, Scope::Thunk([symbol, stateDims = *own](Evaluator &e) -> Value {
                    e.passDependent = true;
                    return Tensor{e.read(symbol), stateDims};
                  }),
                  name.range);
    return true;
  }
  auto stored = StoredFormat::make(evaluator, stateFormat, *own, symbol, tune::Kind::state, declaration.range);
  if (!stored)
    return false;
  // Fields of zeros need not mean 0.
  states.push_back({&declaration, *own, symbol, /*zero=*/false, std::move(stored)});
  scope->define(name.text, Scope::Thunk([kept = states.back().stored.get()](Evaluator &e) { return kept->read(e); }),
                name.range);
  return true;
}

/// `part step: inner`: another optimizer on the same tensor; `step(p, g)` is its next p.
bool OptimizerPlan::Part::buildInner(Evaluator &evaluator, const ast::PartItem &item, llvm::StringRef step,
                                     llvm::SMRange at) {
  Value value = evaluator.eval(*item.value, *scope);
  auto part = std::make_unique<Part>();
  part->optimized = optimized;
  part->stateFormat = stateFormat;
  if (value.isError() || !part->build(evaluator, value, step, at))
    return false;
  Part *known = part.get();
  inner.push_back(std::move(part));
  auto native = [known](Evaluator &e, Arguments arguments) -> Value {
    if (arguments.positional.size() != 2) {
      e.diags().report(Diag::WrongArgumentCount, arguments.range, "a step", 2, arguments.positional.size());
      return {};
    }
    return known->next(e, arguments.positional[0], arguments.positional[1]);
  };
  scope->define(item.name.text, Value(std::make_shared<const std::function<Value(Evaluator &, Arguments)>>(native)),
                item.name.range);
  return true;
}

std::unique_ptr<OptimizerPlan> OptimizerPlan::make(Elaborator &elaborator, llvm::StringRef step, const Value &optimizer,
                                                   llvm::ArrayRef<AdapterTensor *> trained, llvm::SMRange at,
                                                   std::shared_ptr<const Applied> stateFormat) {
  std::unique_ptr<OptimizerPlan> plan(new OptimizerPlan());
  Evaluator evaluator(elaborator);
  for (AdapterTensor *tensor : trained) {
    auto part = std::make_unique<Part>();
    part->optimized = {tensor, tensor->symbol, step.str() + ".grad." + tensor->name, {}};
    part->stateFormat = stateFormat;
    elaborator.tensors().declareReal(part->optimized.gradient, tune::Kind::gradient, sizesOf(tensor->dims));
    if (!part->build(evaluator, optimizer, step, at))
      return nullptr;
    plan->parts.push_back(std::move(part));
  }
  return plan;
}

std::vector<std::string> OptimizerPlan::trained() const {
  std::vector<std::string> symbols;
  for (auto &part : parts)
    symbols.push_back(part->optimized.parameter);
  return symbols;
}

std::vector<std::string> OptimizerPlan::gradients() const {
  std::vector<std::string> symbols;
  for (auto &part : parts)
    symbols.push_back(part->optimized.gradient);
  return symbols;
}

void OptimizerPlan::Part::forEachState(llvm::function_ref<void(Part &, State &)> visit) {
  for (State &state : states)
    visit(*this, state);
  for (auto &part : inner)
    part->forEachState(visit);
}

std::vector<std::string> OptimizerPlan::states() const {
  std::vector<std::string> symbols;
  for (auto &part : parts)
    part->forEachState([&](Part &, Part::State &state) {
      if (state.stored)
        llvm::append_range(symbols, state.stored->symbols());
      else
        symbols.push_back(state.symbol);
    });
  return symbols;
}

bool OptimizerPlan::needsInitialise() const {
  bool needed = false;
  for (auto &part : parts)
    part->forEachState([&](Part &, Part::State &state) { needed |= !state.zero; });
  return needed;
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

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
  if (Scope::Entry *entry = scope->findHere("lr"); entry && !scheduled) {
    Value lr = evaluator.force("lr", *entry, definition->range);
    scope->redefineInPass(
        "lr", evaluator.arithmetic(ast::BinaryOp::Mul, lr, evaluator.ambient.lookup("rate"), definition->range));
    scheduled = true;
  }
}

Value OptimizerPlan::Part::next(Evaluator &evaluator, const Value &p, const Value &g) {
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

/// The scope that `from` is for another tensor: the same `where`s under that tensor's body; null if it cannot be made.
static Scope *transplant(Evaluator &evaluator, Scope *from, Scope *body, Scope *otherBody) {
  if (from == body)
    return otherBody;
  if (!from || from->where.empty())
    return nullptr;
  Scope *parent = transplant(evaluator, from->parent(), body, otherBody);
  return parent ? &evaluator.whereScope(from->where, *parent) : nullptr;
}

/// Puts the next value of a state where it is kept.
static void writeState(ProgramBuilder &program, Evaluator &evaluator, OptimizerPlan::Part::State &kept,
                       const Tensor &value) {
  auto write = [&](mlir::Value field, llvm::StringRef symbol) { program.write(field, symbol); };
  if (kept.stored)
    kept.stored->write(evaluator, value, write);
  else
    program.write(value.value, kept.symbol);
}

mlir::Value ProgramBuilder::update(OptimizerPlan &plan, mlir::Value step, mlir::Value rate) {
  Evaluator &evaluator = state->evaluator;
  evaluator.pass = state->shared.nextPass();
  evaluator.ambient["rate"] = Tensor{rate, {}};
  Tensor t{tune::add(state->builder, loc(), step, tune::splatLike(state->builder, loc(), step, 1)), {}};
  evaluator.ambient["t"] = t;
  for (auto &part : plan.parts)
    part->enter(evaluator, Tensor{read(part->optimized.parameter), part->dims},
                Tensor{read(part->optimized.gradient), part->dims});
  auto owner = [&plan](Scope &scope) -> OptimizerPlan::Part * {
    for (Scope *around = &scope; around; around = around->parent())
      for (auto &part : plan.parts)
        if (around == part->scope)
          return part.get();
    return nullptr;
  };
  evaluator.siteGroup = [owner](Scope &scope) -> const void * {
    OptimizerPlan::Part *part = owner(scope);
    return part ? part->applied.get() : nullptr;
  };
  evaluator.sites = [&](Scope &scope) {
    std::vector<Scope *> scopes;
    if (OptimizerPlan::Part *own = owner(scope))
      for (auto &other : plan.parts)
        if (other->applied == own->applied)
          scopes.push_back(transplant(evaluator, &scope, own->scope, other->scope));
    llvm::erase(scopes, nullptr);
    return scopes;
  };
  mlir::Value rateOfFirst;
  for (auto &part : plan.parts) {
    Value next = equationOf(evaluator, *part->definition, *part->scope, "p'");
    if (std::optional<Tensor> tensor = evaluator.fit(next, part->dims, *part->scope, part->definition->name.range))
      write(tensor->value, part->optimized.parameter);
    part->forEachState([&](OptimizerPlan::Part &owner, OptimizerPlan::Part::State &kept) {
      std::string name = kept.declaration->targets.front().text + "'";
      if (!owner.scope->findHere(name))
        return;
      Value value = equationOf(evaluator, *owner.definition, *owner.scope, name);
      if (std::optional<Tensor> tensor = evaluator.fit(value, kept.dims, *owner.scope, kept.declaration->range))
        writeState(*this, evaluator, kept, *tensor);
    });
    Value lr = part->learningRate(evaluator);
    if (!rateOfFirst && !lr.isError())
      if (std::optional<Tensor> tensor = evaluator.asTensor(lr, {}); tensor && tensor->dims.empty())
        rateOfFirst = tensor->value;
  }
  evaluator.sites = nullptr;
  evaluator.siteSums.clear();
  return rateOfFirst;
}

void ProgramBuilder::initialise(OptimizerPlan &plan, mlir::Value key) {
  Evaluator &evaluator = state->evaluator;
  evaluator.pass = state->shared.nextPass();
  for (auto &part : plan.parts)
    part->forEachState([&](OptimizerPlan::Part &owner, OptimizerPlan::Part::State &kept) {
      if (kept.zero)
        return;
      assert((kept.stored || kept.declaration->value) && "plain states without a value begin at 0");
      Tensor p{read(part->optimized.parameter), owner.dims};
      owner.scope->redefineInPass("p", p);
      InitialContext context{key, kept.dims};
      evaluator.initial = &context;
      Value first =
          kept.declaration->value ? evaluator.initialValue(*kept.declaration->value, *owner.scope) : Value(0.0);
      evaluator.initial = nullptr;
      if (std::optional<Tensor> tensor = evaluator.fit(first, kept.dims, *owner.scope, kept.declaration->range))
        writeState(*this, evaluator, kept, evaluator.toReal(*tensor));
    });
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
