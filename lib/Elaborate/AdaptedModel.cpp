#include "AdapterBuilder.h"
#include "PassTrace.h"

#include "ftc/Frontend/Walk.h"

#include "dialects/Tune/Utils/Builders.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

bool AdaptedModel::adapt(Elaborator &elaborator, llvm::StringRef step, const MapValue &lines) {
  AdapterBuilder builder(elaborator, step, *this);
  for (const ast::MapEntry &entry : lines.map->entries)
    builder.addLine(entry, *lines.scope);
  return builder.sound();
}

bool AdaptedModel::adapt(Elaborator &elaborator, llvm::StringRef step, std::shared_ptr<const Applied> adapter,
                         llvm::function_ref<bool(llvm::StringRef)> finds) {
  AdapterBuilder builder(elaborator, step, *this);
  llvm::SMRange range = adapter->arguments.range;
  builder.addGroup(adapter, range,
                   {finds, [&](const ModelTensor &tensor) { return finds(tensor.name); },
                    [&](llvm::StringRef path) { return atSite(elaborator, adapter->arguments, path); }});
  return builder.sound();
}

bool AdaptedModel::addObjective(Elaborator &elaborator, llvm::StringRef step, std::shared_ptr<const Applied> objective,
                                const RecordForm &form) {
  AdapterBuilder builder(elaborator, step, *this);
  builder.addObjective(std::move(objective), form);
  return builder.sound();
}

const AdapterInstance *AdaptedModel::ofObjective(const ast::Definition &objective) const {
  for (auto &group : adapterGroups)
    for (auto &instance : group->instances)
      if (instance->definition == &objective)
        return instance.get();
  return nullptr;
}

std::vector<AdapterTensor *> AdaptedModel::tensors() const {
  std::vector<AdapterTensor *> all;
  for (auto [number, group] : llvm::enumerate(adapterGroups))
    for (auto &tensor : group->tensors)
      if (tensor->role != AdapterRole::Kept &&
          (tensor->source ? inPlaceOf(tensor->source) == tensor.get() : number >= mergedGroups))
        all.push_back(tensor.get());
  return all;
}

std::vector<AdapterTensor *> AdaptedModel::tensors(AdapterRole role) const {
  std::vector<AdapterTensor *> some = tensors();
  llvm::erase_if(some, [&](AdapterTensor *tensor) { return tensor->role != role || isSettled(tensor); });
  return some;
}

void AdaptedModel::settle() {
  for (AdapterTensor *tensor : tensors(AdapterRole::Trained))
    settled.insert(tensor);
}

bool AdaptedModel::isSettled(const AdapterInstance *instance) const {
  return llvm::any_of(instance->tensors, [&](const AdapterTensor *tensor) { return isSettled(tensor); });
}

const AdapterTensor *AdaptedModel::tensorOf(llvm::StringRef symbol) const {
  for (const auto &group : adapterGroups)
    for (const auto &tensor : group->tensors)
      if (tensor->symbol == symbol)
        return tensor.get();
  return nullptr;
}

bool AdaptedModel::hasAdapters() const {
  return llvm::any_of(instances(), [](const AdapterInstance *instance) { return !instance->siteTensor; });
}

AdapterTensor *AdapterInstance::tensor(llvm::StringRef parameter) const {
  auto found = llvm::find_if(tensors, [&](AdapterTensor *tensor) { return tensor->parameter == parameter; });
  return found == tensors.end() ? nullptr : *found;
}

/// The instances for which `holds`, each before its inner ones.
template <typename Predicate>
static void collect(llvm::ArrayRef<std::unique_ptr<AdapterInstance>> instances, std::vector<AdapterInstance *> &found,
                    const Predicate &holds) {
  for (auto &instance : instances) {
    if (holds(*instance))
      found.push_back(instance.get());
    collect(instance->inner, found, holds);
  }
}

void AdaptedModel::add(std::shared_ptr<AdapterGroup> group) {
  std::vector<AdapterInstance *> all;
  collect(group->instances, all, [](const AdapterInstance &) { return true; });
  group->bySite.clear();
  for (AdapterInstance *instance : all)
    group->bySite[instance->site].push_back(instance);
  group->bySource.clear();
  for (auto &tensor : group->tensors)
    if (tensor->source)
      group->bySource[tensor->source].push_back(tensor.get());
  adapterGroups.push_back(std::move(group));
}

std::vector<const AdapterGroup *> AdaptedModel::linesBelow(const AdapterGroup &line) const {
  std::vector<const AdapterGroup *> below;
  auto isTensor = [](const auto &instance) { return instance->siteTensor != nullptr; };
  for (const auto &group : llvm::drop_begin(adapterGroups, mergedGroups)) {
    if (group.get() == &line)
      break;
    if (!llvm::all_of(group->instances, isTensor))
      below.push_back(group.get());
  }
  return below;
}

std::vector<AdapterInstance *> AdaptedModel::instances() const {
  std::vector<AdapterInstance *> all;
  for (auto &group : llvm::drop_begin(adapterGroups, mergedGroups))
    collect(group->instances, all, [](const AdapterInstance &) { return true; });
  return all;
}

std::vector<AdapterInstance *> AdaptedModel::learning() const {
  std::vector<AdapterInstance *> found = instances();
  llvm::erase_if(found, [&](const AdapterInstance *instance) { return isSettled(instance); });
  return found;
}

std::vector<AdapterTensor *> AdaptedModel::changing() const {
  std::vector<AdapterTensor *> found;
  for (auto &group : llvm::drop_begin(adapterGroups, mergedGroups))
    for (auto &tensor : group->tensors)
      if (tensor->changes && !isSettled(tensor->instance))
        found.push_back(tensor.get());
  return found;
}

std::vector<AdapterInstance *> AdaptedModel::on(const ModuleInstance *site) const {
  std::vector<AdapterInstance *> found;
  for (auto &group : llvm::drop_begin(adapterGroups, mergedGroups))
    if (auto here = group->bySite.find(site); here != group->bySite.end())
      llvm::copy_if(here->second, std::back_inserter(found), [](const AdapterInstance *instance) {
        return !instance->siteTensor && !instance->isPart && instance->scope->findHere("forward");
      });
  return found;
}

AdapterTensor *AdaptedModel::inPlaceOf(const ModelTensor *tensor) const {
  for (size_t number = adapterGroups.size(); number-- > 0;) {
    if (number < mergedGroups && replaced.count(tensor->name))
      return nullptr; // what is left of it is part of the merged one
    for (AdapterTensor *own : adapterGroups[number]->bySource.lookup(tensor))
      if (own->role != AdapterRole::Kept)
        return own;
  }
  return nullptr;
}

std::string AdaptedModel::symbolBefore(const ModelTensor *tensor, const AdapterGroup *before) const {
  const AdapterTensor *last = nullptr;
  bool isMerged = false;
  for (auto [number, group] : llvm::enumerate(adapterGroups)) {
    if (group.get() == before)
      break;
    for (const AdapterTensor *own : group->bySource.lookup(tensor))
      if (own->role != AdapterRole::Kept || number >= mergedGroups) {
        last = own;
        isMerged = number < mergedGroups;
      }
  }
  auto merged = replaced.find(tensor->name);
  if (merged != replaced.end() && (!last || isMerged))
    return merged->second;
  return last ? last->symbol : baseModel->step().str() + "." + tensor->name;
}

bool AdaptedModel::isAsLoaded(const ModelTensor *tensor) const {
  return symbolOf(tensor) == baseModel->step().str() + "." + tensor->name;
}

void AdaptedModel::declare(Elaborator &elaborator, const ModelTensor *tensor, const AdapterGroup *before) const {
  std::string symbol = symbolBefore(tensor, before);
  if (elaborator.tensors().lookup(symbol))
    return;
  if (baseModel->files().weightless && !baseModel->files().imagined)
    elaborator.diagnostics()
        .report(Diag::NoWeights, tensor->range, baseModel->files().path, tensor->name)
        .help("give every tensor of the model a first value, as in 'adapt base { ** : fresh() }'");
  elaborator.tensors().declareReal(symbol, tune::Kind::weight, sizesOf(tensor->dims),
                                   sourceOf(elaborator, *baseModel, *tensor));
}

namespace {
/// Finds what is joined before the tokens of a sequence: `join(new, x, n + tokens -> longer)`.
struct PrependWalk : ast::Walk {
  std::vector<const ast::NameExpr *> fresh; ///< the dimensions of the new tokens
  void enterExpr(const ast::Expr &expr) override {
    auto *call = llvm::dyn_cast<ast::CallExpr>(&expr);
    auto *callee = call ? llvm::dyn_cast<ast::NameExpr>(&*call->callee) : nullptr;
    auto *arrow = callee && callee->name == "join" && !call->arguments.empty()
                      ? llvm::dyn_cast<ast::ArrowExpr>(&*call->arguments.back().value)
                      : nullptr;
    auto *parts = arrow ? llvm::dyn_cast<ast::BinaryExpr>(&*arrow->from) : nullptr;
    auto *first = parts ? llvm::dyn_cast<ast::NameExpr>(&*parts->lhs) : nullptr;
    auto *last = parts ? llvm::dyn_cast<ast::NameExpr>(&*parts->rhs) : nullptr;
    if (first && last && last->name == "tokens")
      fresh.push_back(first);
  }
};
} // namespace

bool elaborate::putsTokensBefore(const ast::Definition &definition) {
  PrependWalk walk;
  walk.body(definition.body);
  return !walk.fresh.empty();
}

int64_t AdaptedModel::virtualTokens(Elaborator &elaborator) const {
  int64_t total = 0;
  const AdapterInstance *earlier = nullptr;
  for (auto &group : llvm::drop_begin(adapterGroups, mergedGroups))
    for (auto &instance : group->instances) {
      PrependWalk walk;
      walk.body(instance->definition->body);
      for (const ast::NameExpr *name : walk.fresh)
        if (Dim dim = Evaluator(elaborator).dimOf(name->name, *instance->scope, name->range))
          total += dim->size;
      if (walk.fresh.empty())
        continue;
      if (earlier)
        elaborator.diagnostics()
            .report(Diag::PrependedTwice, group->range, instance->prefix, earlier->prefix)
            .note(earlier->group->range, "the other one");
      earlier = instance.get();
    }
  return total;
}

AdaptedModel AdaptedModel::merged(llvm::ArrayRef<std::pair<std::string, std::string>> symbols) const {
  AdaptedModel result = *this;
  for (const auto &group : llvm::drop_begin(adapterGroups, mergedGroups))
    for (const auto &tensor : group->tensors)
      if (tensor->source) // trained in place since an earlier merge
        result.replaced.erase(tensor->source->name);
  result.mergedGroups = adapterGroups.size();
  for (auto &[name, symbol] : symbols)
    result.replaced[name] = symbol;
  return result;
}

AdaptedModel AdaptedModel::in(Model &other) const {
  AdaptedModel result(other);
  for (const ModelTensor *tensor : baseModel->tensors())
    if (!isAsLoaded(tensor))
      result.replaced[tensor->name] = symbolOf(tensor);
  return result;
}

//===----------------------------------------------------------------------===//
// Modules in a program
//===----------------------------------------------------------------------===//

Value Evaluator::modelTensor(const ModelTensor &tensor) {
  if (!tensorBuilder(tensor.range))
    return {};
  if (&tensor == withoutBias)
    return 0.0;
  const ModelTensor *source = tensor.tied ? tensor.tied : &tensor;
  if (weightOf)
    return Tensor{weightOf(tensor), tensor.dims};
  model->declare(shared, source);
  return Tensor{read(model->symbolOf(source)), tensor.dims};
}

Value Evaluator::callModule(ModuleInstance &module, Arguments arguments) {
  if (module.absent && arguments.positional.size() == 1)
    return arguments.positional.front();
  if (!model) {
    diags().report(Diag::OutsidePass, arguments.range, module.path);
    return {};
  }
  bool trunk = modelPass && !modelPass->hidden && module.parent && module.parent->isModel && !module.isModel &&
               arguments.positional.size() == 1 && arguments.positional.front().is<Tensor>() &&
               arguments.positional.front().as<Tensor>()->value == modelPass->ids;
  Arguments given = trace ? arguments : Arguments();
  Value result = callAdapted(module, adaptersOn(module), std::move(arguments));
  if (trace)
    trace->noteModule(module, given, result);
  if (watch)
    watch(module, result);
  auto *hidden = result.as<Tensor>();
  if (!trunk || !hidden)
    return result;
  modelPass->hidden = *hidden;
  return modelPass->last ? lastToken(*hidden) : result;
}

std::map<int64_t, Tensor> Evaluator::watchLayers(llvm::function_ref<void()> run) {
  std::map<int64_t, Tensor> layers;
  auto around = std::move(watch);
  watch = [&](const ModuleInstance &module, const Value &value) {
    bool isLayer = llvm::all_of(llvm::StringRef(module.path).rsplit('.').second, llvm::isDigit);
    if (auto *tensor = value.as<Tensor>(); tensor && isLayer && module.layer() >= 0)
      layers[module.layer()] = *tensor;
    if (around)
      around(module, value);
  };
  run();
  watch = std::move(around);
  return layers;
}

/// `[1, 1, hidden]`: the entry of the only sequence at the token that the pass asks for.
Value Evaluator::lastToken(const Tensor &hidden) {
  auto sizes = sizesOf(hidden.dims);
  auto table = tune::reshape(*builder, loc(), hidden.value, llvm::ArrayRef(sizes).drop_front());
  auto index = tune::reshape(*builder, loc(), modelPass->last, {1});
  mlir::Value row = tune::GatherOp::create(*builder, loc(), table, index);
  Tensor result = hidden;
  sizes[1] = 1;
  result.dims[1] = shared.dimensions().make("tokens", 1, DimRole::Tokens);
  result.value = tune::reshape(*builder, loc(), row, sizes);
  return result;
}

std::vector<AdapterInstance *> Evaluator::adaptersOn(const ModuleInstance &site) {
  std::vector<AdapterInstance *> found = model->on(&site);
  llvm::erase_if(found, [&](const AdapterInstance *instance) {
    return (instance->outer && !llvm::is_contained(active, instance->outer)) ||
           (onlyLine && instance->group != *onlyLine);
  });
  return found;
}

Value Evaluator::callAdapted(ModuleInstance &module, llvm::ArrayRef<AdapterInstance *> adapters, Arguments arguments) {
  llvm::SaveAndRestore<const AdapterInstance *> inside(within, adapters.empty() ? nullptr : adapters.back());
  if (adapters.empty() && module.virtualSite)
    return attend(arguments);
  Scope &scope = adapters.empty() ? *module.scope : *adapters.back()->scope;
  const ast::Definition &definition = adapters.empty() ? *module.definition : *adapters.back()->definition;
  Scope::Entry *forward = scope.findHere("forward");
  if (!forward) {
    diags().report(Diag::NoEquation, definition.name.range,
                   definition.kind == ast::DefinitionKind::Model ? "model" : "module", definition.name.text, "forward");
    return {};
  }
  if (!adapters.empty() && adapters.back()->form->name.text == "model")
    arguments.positional.push_back(ambient.lookup("positions"));
  if (!adapters.empty()) {
    if (modelPass)
      modelPass->calls[adapters.back()] = arguments;
    auto *first = arguments.positional.empty() ? nullptr : arguments.positional.front().as<Tensor>();
    Tensor given = first ? *first : Tensor();
    llvm::SMRange range = arguments.range;
    Value result = call(force("forward", *forward, range), std::move(arguments));
    return given.value && !affineIn ? fitSite(*adapters.back(), given, std::move(result)) : result;
  }
  if (modelPass && !arguments.positional.empty())
    modelPass->inputs[&module] = arguments.positional.front();
  running.push_back(&module);
  Value result = call(force("forward", *forward, arguments.range), std::move(arguments));
  running.pop_back();
  return result;
}

/// The equation of a body by its name, or null.
static const ast::Equation *equationNamed(llvm::ArrayRef<ast::ItemPtr> body, llvm::StringRef name) {
  for (const ast::ItemPtr &item : body)
    if (auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item))
      if (equation->equation.targets.front().text == name)
        return &equation->equation;
  return nullptr;
}

Value Evaluator::fitSite(const AdapterInstance &adapter, const Tensor &given, Value result) {
  const ast::Site &form = *adapter.form;
  bool linear = form.name.text == "linear";
  auto *tensor = result.as<Tensor>();
  if ((!tensor && !result.number()) || !form.axes || form.axes->empty() || (!linear && form.name.text != "module"))
    return result;
  auto named = [&](const ast::Axis &axis) {
    return axis.names.size() == 1 ? dimOf(axis.names.front().text, *adapter.scope, {}) : nullptr;
  };
  Dim out = named(form.axes->front()), in = named(form.axes->back());
  Dims expected;
  for (Dim dim : given.dims)
    if (dim != in)
      expected.push_back(dim);
  expected.push_back(out);
  if (!tensor) { // one number everywhere, as 0 times something is
    std::optional<Tensor> filled = out ? asTensor(result, adapter.definition->range, expected) : std::nullopt;
    return filled ? Value(*filled) : Value();
  }
  // Within an adapter of a module, a dimension more (of experts, say) is for that one to sum.
  bool isWithin = adapter.outer && adapter.outer->form->name.text != "model";
  auto left = llvm::find_if(tensor->dims, [&](Dim dim) { return !isWithin && indexOf(expected, dim) < 0; });
  bool lacks = indexOf(tensor->dims, out) < 0;
  if (!out || (left == tensor->dims.end() && !lacks))
    return result;
  const ast::Equation *forward = equationNamed(adapter.body, "forward");
  auto message = diags().report(Diag::WrongSiteResult, forward ? forward->value->range : adapter.definition->range,
                                adapter.definition->name.text, printDims(tensor->dims, *adapter.scope),
                                printDims(expected, *adapter.scope), adapter.scope->nameOf(lacks ? out : *left),
                                lacks ? "missing" : "left over");
  if (!lacks)
    message.help(
        "`*` and `+` go entry by entry and keep the dimensions of both sides; `@` sums over one that both have");
  return {};
}
