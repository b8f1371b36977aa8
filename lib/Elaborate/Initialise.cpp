//===- Initialise.cpp - adapters are put on ---------------------*- C++ -*-===//
//
// Site by site: `let`, first values, `rebase`. What a site has been given is
// what later values of the same program see.
//
//===----------------------------------------------------------------------===//

#include "AdapterBuilder.h"
#include "GroupSites.h"
#include "ProgramState.h"

#include "dialects/Tune/Utils/Builders.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

namespace {
class Initialiser {
public:
  Initialiser(ProgramBuilder::State &state, const AdaptedModel &model, mlir::Value key)
      : state(state), evaluator(state.evaluator), model(model), key(key) {}

  void run(size_t firstGroup);
  /// The `let`s that are made of tensors that stay, found anew of what those hold.
  void follow();
  /// Contents by symbol, in the order in which they were found.
  llvm::MapVector<llvm::StringRef, mlir::Value> values;

private:
  void site(AdapterInstance &instance);
  void keepLets(AdapterInstance &instance);
  void takeOver(const AdapterTensor &tensor);
  void first(const AdapterTensor &tensor);
  void giveFirst(const AdapterTensor &tensor);

  ProgramBuilder::State &state;
  Evaluator &evaluator;
  const AdaptedModel &model;
  mlir::Value key;
  llvm::StringMap<const AdapterTensor *> own; ///< tensors that are not the model's, by symbol
  llvm::DenseSet<const AdapterTensor *> given;
  std::vector<std::string> *reads = nullptr; ///< of the `let` or the rebased weight that is being found
};
} // namespace

void Initialiser::run(size_t firstGroup) {
  for (auto &group : llvm::drop_begin(model.groups(), firstGroup))
    for (auto &tensor : group->tensors)
      if (!tensor->source && !tensor->folded)
        own[tensor->symbol] = tensor.get();
  auto read = std::exchange(evaluator.read, [this](llvm::StringRef symbol) {
    if (reads)
      reads->push_back(symbol.str());
    // A `let` or a first value may be made of a tensor that stands after it.
    if (const AdapterTensor *tensor = own.lookup(symbol))
      giveFirst(*tensor);
    auto known = values.find(symbol);
    return known == values.end() ? state.read(symbol) : known->second;
  });
  evaluator.model = &model;
  GroupSites sites(evaluator, model, [](AdapterInstance &instance) -> Scope & { return *instance.scope; });
  for (auto &group : llvm::drop_begin(model.groups(), firstGroup))
    for (auto &instance : group->instances)
      site(*instance);
  evaluator.read = read;
}

void Initialiser::follow() {
  auto read = std::exchange(evaluator.read, [this](llvm::StringRef symbol) {
    auto known = values.find(symbol);
    return known == values.end() ? state.read(symbol) : known->second;
  });
  evaluator.model = &model;
  std::set<const AdapterGroup *> merged;
  for (const auto &group : llvm::ArrayRef(model.groups()).take_front(model.mergedCount()))
    merged.insert(group.get());
  for (AdapterInstance *instance : model.instances()) {
    // Once it is rebased, the weight of which they were made too is another.
    if (merged.count(instance->group) || !instance->rebased.empty())
      continue;
    auto stays = [&](const std::string &symbol) {
      const AdapterTensor *tensor = model.tensorOf(symbol);
      return tensor && tensor->stays;
    };
    if (llvm::none_of(instance->lets, [&](const KeptLet &let) { return llvm::any_of(let.reads, stays); }))
      continue;
    for (KeptLet &let : instance->lets) {
      auto isThis = [&](const Calibration &calibration) { return calibration.item->name.text == let.name; };
      if (let.find && llvm::none_of(instance->calibrations, isThis))
        instance->scope->redefine(let.name, let.find);
    }
    keepLets(*instance);
  }
  evaluator.read = read;
}

void Initialiser::site(AdapterInstance &instance) {
  for (auto &tensor : instance.group->tensors)
    if (tensor->instance == &instance && tensor->source)
      takeOver(*tensor);
  keepLets(instance);
  for (auto &tensor : instance.group->tensors)
    if (tensor->instance == &instance && !tensor->folded && !llvm::is_contained(instance.rebased, tensor.get()))
      giveFirst(*tensor);
  for (AdapterTensor *tensor : instance.rebased) {
    llvm::SaveAndRestore reading(reads, &instance.rebaseReads);
    first(*tensor);
  }
  for (auto &inner : instance.inner)
    site(*inner);
}

/// A tensor in the place of one that is not the file's any more begins as that one, if its first value asks for it.
void Initialiser::takeOver(const AdapterTensor &tensor) {
  bool isAsked = tensor.role == AdapterRole::Kept || !tensor.initial;
  if (!isAsked || state.shared.tensors().lookup(tensor.symbol).getSource())
    return;
  model.declare(state.shared, tensor.source, tensor.instance->group);
  values[tensor.symbol] = state.read(model.symbolBefore(tensor.source, tensor.instance->group));
}

/// Values that later programs read become tensors of their own.
void Initialiser::keepLets(AdapterInstance &instance) {
  evaluator.pass = state.shared.nextPass();
  for (KeptLet &let : instance.lets) {
    llvm::SaveAndRestore reading(reads, &let.reads);
    Value value = evaluator.lookup(let.name, *instance.scope, instance.definition->range);
    auto *tensor = value.as<Tensor>();
    if (!tensor || !tensor->value)
      continue; // a number stays what it is
    if (!let.find) {
      let.dims = tensor->dims;
      let.find = instance.scope->findHere(let.name)->thunk;
      state.shared.tensors().declare(let.symbol, tune::Kind::value, tune::typeOf(tensor->value));
    }
    values[let.symbol] = tensor->value;
    instance.scope->redefine(let.name, Scope::Thunk([kept = &let](Evaluator &e) -> Value {
                               e.passDependent = true;
                               return Tensor{e.read(kept->symbol), kept->dims};
                             }));
  }
}

/// The first value of a tensor, once, whatever is being found.
void Initialiser::giveFirst(const AdapterTensor &tensor) {
  if (tensor.lost || !given.insert(&tensor).second)
    return;
  llvm::SaveAndRestore initial(evaluator.initial, evaluator.initial);
  llvm::SaveAndRestore pass(evaluator.pass, evaluator.pass);
  first(tensor);
}

/// The value that the definition gives a tensor.
void Initialiser::first(const AdapterTensor &tensor) {
  if (!tensor.initial && tensor.role != AdapterRole::Kept) {
    if (!tensor.source && !tensor.fromFile)
      evaluator.diags().report(Diag::MissingParameter, tensor.range, tensor.instance->definition->name.text,
                               tensor.parameter);
    return;
  }
  if (!tensor.initial && tensor.source)
    return;
  InitialContext context{key, tensor.dims};
  evaluator.initial = &context;
  evaluator.pass = state.shared.nextPass();
  Scope &scope = firstValueScope(state.shared, tensor);
  Value value = tensor.initial ? evaluator.initialValue(*tensor.initial, scope) : Value(0.0);
  evaluator.initial = nullptr;
  if (std::optional<Tensor> found = evaluator.fit(value, tensor.dims, scope, tensor.range))
    values[tensor.symbol] =
        tensor.integer ? tune::convert(state.builder, evaluator.loc(), found->value, state.builder.getI32Type())
                       : evaluator.toReal(*found).value;
}

std::vector<std::pair<const AdapterTensor *, mlir::Value>> ProgramBuilder::fold(const AdaptedModel &model) {
  Evaluator &evaluator = state->evaluator;
  evaluator.model = &model;
  evaluator.pass = state->shared.nextPass();
  std::vector<std::pair<const AdapterTensor *, mlir::Value>> found;
  for (AdapterInstance *instance : model.instances())
    for (AdapterTensor *tensor : instance->tensors) {
      if (!tensor->folded)
        continue;
      Value value = evaluator.lookup(tensor->parameter, *instance->scope, tensor->range);
      if (std::optional<Tensor> folded = evaluator.fit(value, tensor->dims, *instance->scope, tensor->range))
        found.emplace_back(tensor, evaluator.toReal(*folded).value);
    }
  return found;
}

void ProgramBuilder::followFrozen(const AdaptedModel &model) {
  Initialiser initialiser(*state, model, {});
  initialiser.follow();
  for (auto &[symbol, value] : initialiser.values)
    write(value, symbol);
}

void ProgramBuilder::initialise(const AdaptedModel &model, size_t firstGroup, mlir::Value key) {
  Initialiser initialiser(*state, model, key);
  initialiser.run(firstGroup);
  for (auto &[symbol, value] : initialiser.values)
    write(value, symbol);
}
