//===- PassTrace.cpp - adapters are causal and keep sequences apart -------===//

#include "PassTrace.h"

using namespace ftc;
using namespace ftc::elaborate;
using tune::Origin;
using tune::Origins;

void PassTrace::findAdapted() {
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

int64_t PassTrace::documents() const {
  return content == RowContent::Document ? 1 : content == RowContent::Documents ? 2 : tokens;
}

int64_t PassTrace::documentOf(int64_t token) const {
  return content == RowContent::Tokens ? token : content == RowContent::Documents && token >= (tokens + 1) / 2;
}

int64_t PassTrace::positionOf(int64_t token) const {
  return content == RowContent::Documents && token >= (tokens + 1) / 2 ? token - (tokens + 1) / 2 : token;
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
    bool alike = batch < 0 || (sequences > 1 && origins.extents()[batch] == 1);
    int64_t row = alike || origins.extents()[batch] == 1 ? 0 : index[batch];
    int64_t place = index[token] - added, own = sequenceOf(row, place);
    if (entry.latest > place)
      leak = Leak{place, entry.latest, false};
    else if ((alike && sequences > 1) || entry.first != own || entry.last != own)
      leak = Leak{place, entry.latest, true,
                  !alike && entry.first / documents() == row && entry.last / documents() == row};
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
    origins.at(index) = seen < 0 ? Origin() : Origin::at(int32_t(sequenceOf(index[batch], seen)), int32_t(seen));
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
  dependence.addSource(ids.value, [&](int64_t row, int64_t token) { return sequenceOf(row, token); });
  const tune::Sizes extents = {1, tokens};
  Origins counted(shape, llvm::ArrayRef<int64_t>(extents)), numbered(shape, llvm::ArrayRef<int64_t>(extents));
  for (int64_t token = 0; token < tokens; ++token) {
    counted.at({0, token}) = Origin::of(double(positionOf(token)));
    numbered.at({0, token}) = Origin::of(double(documentOf(token)));
  }
  numbered.compress();
  dependence.assume(positions, counted);
  dependence.assume(segments, numbered);
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

/// How much a value sees, on average over its entries: later tokens or, with `mixed`, other sequences than its own.
double PassTrace::sight(const Origins &origins, bool mixed) const {
  auto extents = origins.extents();
  bool inRows = origins.shape().size() >= 2 && origins.shape()[0] == sequences && extents[1] == tokens;
  double sum = 0;
  tune::forEachIndex(extents, [&](llvm::ArrayRef<int64_t> index) {
    const Origin &entry = origins.at(index);
    if (entry.isFree())
      return;
    if (!mixed)
      sum += double(entry.latest + 1);
    else if (inRows)
      sum += std::abs(double(entry.first - sequenceOf(index[0], index[1]))) +
             std::abs(double(entry.last - sequenceOf(index[0], index[1])));
    else
      sum += double(entry.last - entry.first);
  });
  return sum / double(origins.all().size());
}

void PassTrace::report(Elaborator &shared, const Tensor &result, const Leak &leak) {
  llvm::DenseSet<mlir::Value> way;
  bool proven = true;
  for (mlir::Value value = result.value; value;
       value = dependence.mostTelling(value, [&](const Origins &seen) { return sight(seen, leak.mixed); })) {
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
  auto message = !proven       ? diags.report(Diag::NotProvenApart, step.range, name)
                 : !leak.mixed ? diags.report(Diag::SeesLaterTokens, step.range, name, leak.token, leak.seen)
                 : !leak.withinRow
                     ? diags.report(Diag::MixesSequences, step.range, name)
                     : diags.report(content == RowContent::Tokens ? Diag::MixesOutsideAttention : Diag::MixesDocuments,
                                    step.range, name);
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
