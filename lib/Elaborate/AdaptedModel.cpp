#include "AdapterBuilder.h"

#include "dialects/Tune/Utils/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;

bool AdaptedModel::adapt(Elaborator &elaborator, llvm::StringRef step, const MapValue &lines) {
  AdapterBuilder builder(elaborator, step, *this);
  for (const ast::MapEntry &entry : lines.map->entries)
    builder.addLine(entry, *lines.scope);
  return builder.sound();
}

std::vector<AdapterTensor *> AdaptedModel::tensors() const {
  std::vector<AdapterTensor *> all;
  for (auto [number, group] : llvm::enumerate(adapterGroups))
    for (auto &tensor : group->tensors)
      if (number >= mergedGroups || tensor->source)
        all.push_back(tensor.get());
  return all;
}

std::vector<AdapterTensor *> AdaptedModel::tensors(AdapterRole role) const {
  std::vector<AdapterTensor *> some = tensors();
  llvm::erase_if(some, [&](AdapterTensor *tensor) { return tensor->role != role; });
  return some;
}

std::vector<AdapterInstance *> AdaptedModel::on(const ModuleInstance *site) const {
  std::vector<AdapterInstance *> found;
  for (auto &group : llvm::drop_begin(adapterGroups, mergedGroups))
    for (auto &instance : group->instances)
      if (instance->site == site && !instance->siteTensor && instance->scope->findHere("forward"))
        found.push_back(instance.get());
  return found;
}

AdapterTensor *AdaptedModel::inPlaceOf(const ModelTensor *tensor) const {
  for (auto &group : adapterGroups)
    for (auto &own : group->tensors)
      if (own->source == tensor)
        return own.get();
  return nullptr;
}

std::string AdaptedModel::symbolOf(const ModelTensor *tensor) const {
  if (auto it = replaced.find(tensor->name); it != replaced.end())
    return it->second;
  if (AdapterTensor *own = inPlaceOf(tensor))
    return own->symbol;
  return baseModel->step().str() + "." + tensor->name;
}

void AdaptedModel::declare(Elaborator &elaborator, const ModelTensor *tensor) const {
  std::string symbol = symbolOf(tensor);
  if (elaborator.tensors().lookup(symbol))
    return;
  if (baseModel->files().weightless)
    elaborator.diagnostics()
        .report(Diag::NoWeights, tensor->range, baseModel->files().path, tensor->name)
        .help("give every tensor of the model a first value, as in 'adapt base { ** : fresh() }'");
  elaborator.tensors().declareReal(symbol, tune::Kind::weight, sizesOf(tensor->dims),
                                   sourceOf(elaborator, *baseModel, *tensor));
}

AdaptedModel AdaptedModel::merged(llvm::ArrayRef<std::pair<std::string, std::string>> symbols) const {
  AdaptedModel result = *this;
  result.mergedGroups = adapterGroups.size();
  for (auto &[name, symbol] : symbols)
    result.replaced[name] = symbol;
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
  Value result = callAdapted(module, model->on(&module), std::move(arguments));
  auto *hidden = result.as<Tensor>();
  if (!trunk || !hidden)
    return result;
  modelPass->hidden = *hidden;
  return modelPass->last ? lastToken(*hidden) : result;
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

Value Evaluator::callAdapted(ModuleInstance &module, llvm::ArrayRef<AdapterInstance *> adapters, Arguments arguments) {
  Scope &scope = adapters.empty() ? *module.scope : *adapters.back()->scope;
  const ast::Definition &definition = adapters.empty() ? *module.definition : *adapters.back()->definition;
  Scope::Entry *forward = scope.findHere("forward");
  if (!forward) {
    diags().report(Diag::NoEquation, definition.name.range,
                   definition.kind == ast::DefinitionKind::Model ? "model" : "module", definition.name.text, "forward");
    return {};
  }
  return call(force("forward", *forward, arguments.range), std::move(arguments));
}
