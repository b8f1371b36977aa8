//===- PassTrace.cpp - adapters are causal and keep sequences apart -------===//

#include "PassTrace.h"

using namespace ftc;
using namespace ftc::elaborate;
using tune::Origin;
using tune::Origins;

PassTrace::PassTrace(const AdaptedModel &model) : model(model) {
  for (ModuleInstance *module : model.model().modules())
    if (!model.on(module).empty())
      for (llvm::StringRef path = module->path;; path = path.rsplit('.').first) {
        around.insert(path);
        if (!path.contains('.'))
          break;
      }
}

void PassTrace::note(const AdapterInstance &adapter, llvm::SMRange range, const Value &value) {
  if (auto *tensor = value.as<Tensor>(); tensor && tensor->value)
    steps.push_back({&adapter, range, *tensor});
}

void PassTrace::noteModule(const ModuleInstance &module, const Arguments &arguments, const Value &result) {
  auto *tensor = result.as<Tensor>();
  if (!tensor || !tensor->value || module.isModel || around.contains(module.path))
    return;
  ModuleCall call{{}, *tensor};
  for (const Value &argument : arguments.positional)
    if (auto *given = argument.as<Tensor>(); given && given->value)
      call.arguments.push_back(*given);
  modules.push_back(std::move(call));
}

static int placeOf(const Tensor &tensor, DimRole role) {
  auto found = llvm::find_if(tensor.dims, [&](Dim dim) { return dim->role == role; });
  return found == tensor.dims.end() ? -1 : int(found - tensor.dims.begin());
}

/// The first entry of a tensor with tokens that sees a later token or another sequence. Who lengthens `tokens` puts new
/// places first, so that place t of n is that of token t - (n - tokens).
std::optional<PassTrace::Leak> PassTrace::findLeak(const Tensor &tensor) {
  int batch = placeOf(tensor, DimRole::Batch), token = placeOf(tensor, DimRole::Tokens);
  const Origins &origins = dependence.of(tensor.value);
  if (token < 0 || origins.isFree())
    return std::nullopt;
  int64_t added = tensor.dims[token]->size - tokens;
  std::optional<Leak> leak;
  tune::forEachIndex(origins.extents(), [&](llvm::ArrayRef<int64_t> index) {
    const Origin &entry = origins.at(index);
    if (leak || entry.isFree())
      return;
    bool alike = batch < 0 || origins.extents()[batch] == 1;
    int64_t own = alike ? 0 : index[batch];
    if (entry.latest > index[token] - added)
      leak = Leak{index[token] - added, entry.latest, false};
    else if (sequences > 1 && (alike || entry.first != own || entry.last != own))
      leak = Leak{index[token] - added, entry.latest, true};
  });
  return leak;
}

/// What a tensor that is as it should be depends on.
Origins PassTrace::ideal(const Tensor &tensor) const {
  int batch = placeOf(tensor, DimRole::Batch), token = placeOf(tensor, DimRole::Tokens);
  auto shape = sizesOf(tensor.dims);
  tune::Sizes extents(shape.size(), 1);
  for (int place : {batch, token})
    extents[place] = shape[place];
  Origins origins(shape, extents);
  tune::forEachIndex(extents, [&](llvm::ArrayRef<int64_t> index) {
    int64_t seen = index[token] - (shape[token] - tokens);
    origins.at(index) = seen < 0 ? Origin() : Origin::at(int32_t(index[batch]), int32_t(seen));
  });
  return origins;
}

/// In the order of the run, so that what follows a leak is found from it.
void PassTrace::trustModules() {
  for (const ModuleCall &call : modules) {
    bool sound = llvm::none_of(call.arguments, [&](const Tensor &given) {
      return findLeak(given) || (placeOf(given, DimRole::Tokens) < 0 && !dependence.of(given.value).isFree());
    });
    bool whole = placeOf(call.result, DimRole::Batch) >= 0 && placeOf(call.result, DimRole::Tokens) >= 0;
    if (sound && whole && call.result.value.getDefiningOp())
      dependence.assume(call.result.value, ideal(call.result));
  }
}

void PassTrace::prove(Elaborator &shared, const Tensor &ids, mlir::Value positions, mlir::Value segments,
                      llvm::ArrayRef<Tensor> results) {
  sequences = ids.dims[0]->size;
  tokens = ids.dims[1]->size;
  auto shape = sizesOf(ids.dims);
  dependence.addSource(ids.value);
  const tune::Sizes extents = {1, tokens};
  Origins counted(shape, llvm::ArrayRef<int64_t>(extents));
  for (auto [place, entry] : llvm::enumerate(counted.all()))
    entry = Origin::of(double(place));
  dependence.assume(positions, counted);
  dependence.assume(segments, Origins(shape, Origin::of(0)));
  trustModules();
  for (const Tensor &result : results)
    if (std::optional<Leak> leak = findLeak(result))
      return report(shared, result, *leak);
}

/// Whether tokens (sequences) come together in this expression: they are not told apart in its value, or a place sees
/// what it may not. A table of pairs of tokens is not at fault: a mask may follow.
bool PassTrace::isCulprit(const Step &step, bool mixed) {
  const Tensor &tensor = step.tensor;
  bool pairs = llvm::any_of(tensor.dims, [](Dim dim) { return dim->base && dim->base->role == DimRole::Tokens; });
  if (pairs || dependence.of(tensor.value).isFree())
    return false;
  if (placeOf(tensor, mixed ? DimRole::Batch : DimRole::Tokens) < 0)
    return true;
  std::optional<Leak> leak = findLeak(tensor);
  return leak && leak->mixed == mixed;
}

void PassTrace::report(Elaborator &shared, const Tensor &result, const Leak &leak) {
  llvm::DenseSet<mlir::Value> way;
  bool proven = true;
  for (mlir::Value value = result.value; value; value = dependence.mostTelling(value, leak.mixed)) {
    way.insert(value);
    proven &= !dependence.isOpaque(value);
  }
  std::vector<const Step *> path;
  for (const Step &step : steps)
    if (way.contains(step.tensor.value))
      path.push_back(&step);
  auto culprit = llvm::find_if(path, [&](const Step *step) { return isCulprit(*step, leak.mixed); });
  if (culprit == path.end()) {
    const AdapterGroup &group = *model.groups().back();
    shared.diagnostics().report(Diag::NotProvenApart, group.range, group.applied->name);
    return;
  }
  const Step &step = **culprit;
  llvm::StringRef name = step.adapter->definition->name.text;
  Diagnostics &diags = shared.diagnostics();
  auto message = !proven      ? diags.report(Diag::NotProvenApart, step.range, name)
                 : leak.mixed ? diags.report(Diag::MixesSequences, step.range, name)
                              : diags.report(Diag::SeesLaterTokens, step.range, name, leak.token, leak.seen);
  llvm::SMRange before = step.range;
  constexpr int mostNotes = 8;
  int notes = 0;
  for (const Step *next : llvm::make_range(std::next(culprit), path.end()))
    if (next->adapter == step.adapter && next->range.Start != before.Start && notes++ < mostNotes) {
      message.note(next->range, "which goes on into this");
      before = next->range;
    }
  message.note(step.adapter->group->range, "put on '" + step.adapter->site->path + "' here");
}
