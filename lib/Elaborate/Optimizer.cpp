#include "ftc/Elaborate/Optimizer.h"

#include "AdapterBuilder.h"
#include "OptimizerPart.h"
#include "OptimizerPoints.h"

#include "dialects/Tune/Utils/Builders.h"

#include "ftc/Frontend/Walk.h"

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
  scope->define("site", siteObject(*optimized.tensor->instance, model->model()));
  Arguments arguments = atSite(shared, applied->arguments, name);
  if (!arguments.range.isValid())
    arguments.range = at;
  if (!evaluator.bindParameters(*definition, arguments, *scope))
    return false;
  bindSchedules(evaluator, *definition, *scope);
  defineBody(evaluator, *definition, *scope);
  points->define(*this);
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
  if (auto empty = llvm::find_if(*own, [](Dim dim) { return dim->size == 0; }); empty != own->end()) {
    evaluator.diags().report(Diag::EmptyTensor, declaration.range, name.text, printDims(*own, *scope),
                             scope->nameOf(*empty));
    return false;
  }
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
  part->since = since;
  part->item = &item;
  part->model = model;
  part->points = points;
  part->rounds = rounds;
  // Two inner optimizers may be of one name.
  if (value.isError() || !part->build(evaluator, value, step.str() + "." + item.name.text, at))
    return false;
  ast::NamesIn walk;
  walk.definition(*part->definition);
  rounds->needed |= walk.names.contains("sites");
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

/// Whether a definition begins the optimizer of its tensors anew (`every n { reset optimizer }`).
static bool isReset(const AdapterInstance &instance) {
  for (const ast::ItemPtr &item : instance.body)
    if (auto *every = llvm::dyn_cast<ast::EveryItem>(&*item))
      for (const ast::ItemPtr &inner : every->body)
        if (auto *reset = llvm::dyn_cast<ast::ResetItem>(&*inner))
          if (llvm::any_of(reset->names, [](const ast::Name &name) { return name.text == optimizerName; }))
            return true;
  return false;
}

/// Reports selectors of an optimizer's map, or of one inside of it, that match none of the tensors.
static bool refuseUnmatched(Elaborator &elaborator, const Value &optimizer, llvm::ArrayRef<AdapterTensor *> trained) {
  bool sound = true;
  if (auto *applied = optimizer.as<std::shared_ptr<const Applied>>()) {
    for (const Value &value : (*applied)->arguments.positional)
      sound &= refuseUnmatched(elaborator, value, trained);
    for (auto &[name, value] : (*applied)->arguments.named)
      sound &= refuseUnmatched(elaborator, value, trained);
  }
  auto *map = optimizer.as<MapValue>();
  for (const ast::MapEntry &entry : map ? llvm::ArrayRef(map->map->entries) : llvm::ArrayRef<ast::MapEntry>()) {
    auto isMatched = [&](AdapterTensor *tensor) {
      return matches(elaborator, entry.selector, tensor->name, *map->scope);
    };
    if (llvm::any_of(trained, isMatched))
      continue;
    sound = false;
    elaborator.diagnostics()
        .report(Diag::SelectorMatchesNothing, entry.selector.range, "trained tensor")
        .help("one of them is '" + trained.front()->name + "'");
  }
  return sound;
}

std::unique_ptr<OptimizerPlan> OptimizerPlan::make(Elaborator &elaborator, llvm::StringRef step,
                                                   const AdaptedModel &model, const Value &optimizer, llvm::SMRange at,
                                                   std::shared_ptr<const Applied> stateFormat) {
  std::unique_ptr<OptimizerPlan> plan(new OptimizerPlan());
  plan->points = std::make_unique<Points>(step);
  plan->rounds = std::make_unique<Rounds>();
  Evaluator evaluator(elaborator);
  auto trained = model.tensors(AdapterRole::Trained);
  if (!refuseUnmatched(elaborator, optimizer, trained))
    return nullptr;
  for (AdapterTensor *tensor : trained) {
    auto part = std::make_unique<Part>();
    part->optimized = {tensor, tensor->symbol, step.str() + ".grad." + tensor->name, {}};
    part->stateFormat = stateFormat;
    part->model = &model;
    part->points = &*plan->points;
    part->rounds = &*plan->rounds;
    elaborator.tensors().declareReal(part->optimized.gradient, tune::Kind::gradient, sizesOf(tensor->dims));
    if (isReset(*tensor->instance)) {
      part->since = step.str() + ".since." + tensor->name;
      elaborator.tensors().declareReal(part->since, tune::Kind::state, {});
    }
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
  for (auto &part : parts) {
    if (!part->since.empty())
      symbols.push_back(part->since);
    part->forEachState([&](Part &, Part::State &state) {
      if (state.stored)
        llvm::append_range(symbols, state.stored->symbols());
      else
        symbols.push_back(state.symbol);
    });
  }
  return symbols;
}

bool OptimizerPlan::needsInitialise() const {
  bool needed = false;
  for (auto &part : parts)
    part->forEachState([&](Part &, Part::State &state) { needed |= !state.zero; });
  return needed;
}
