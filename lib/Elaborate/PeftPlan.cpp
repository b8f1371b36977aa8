//===- PeftPlan.cpp - which clause writes which adapter ----------------------===//

#include "PeftPlan.h"

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;

PeftPlan::PeftPlan(Elaborator &elaborator, const AdaptedModel &model, size_t firstGroup)
    : elaborator(elaborator), model(model), firstGroup(std::max(firstGroup, model.mergedCount())) {
  for (const auto &group : llvm::drop_begin(model.groups(), this->firstGroup))
    for (const auto &instance : group->instances) {
      if (model.isSettled(instance.get()))
        continue;
      auto [place, isNew] = clauses.try_emplace(instance->definition);
      if (isNew)
        place->second = peftClauses(elaborator, *instance->definition);
      if (place->second.empty() && !without)
        without = instance.get();
      if (instance->siteTensor)
        ++inPlace[instance->siteTensor->owner];
    }
  chooseType();
  findBegun();
  for (const Placed &placed : own())
    if (placed.clause->isUnderSites() && !placed.instance->siteTensor)
      wrapped.insert(placed.instance->site);
}

/// The first type that all definitions have that do not join any: one directory has one peft_type.
void PeftPlan::chooseType() {
  auto has = [](const std::vector<PeftClause> &list, StringRef type) {
    return llvm::any_of(list, [&](const PeftClause &clause) { return clause.type == type; });
  };
  for (bool onlyOwn : {true, false})
    for (const auto &group : llvm::drop_begin(model.groups(), firstGroup))
      for (const auto &instance : group->instances) {
        if (model.isSettled(instance.get()))
          continue;
        const std::vector<PeftClause> &list = clauses.at(instance->definition);
        if (list.empty() || (onlyOwn && has(list, "_")))
          continue;
        for (const PeftClause &clause : list)
          if (chosen.empty() && !clause.joins())
            chosen = clause.type;
        if (chosen.empty() || has(list, chosen) || has(list, "_"))
          continue;
        other = list.front().type;
        otherInstance = instance.get();
      }
}

/// What no directory holds, or only a directory tells the pieces of, cannot come from here.
void PeftPlan::findBegun() {
  auto isFoundAnew = [](const ast::FilesItem::Tensor *line) {
    return line->fileNames.empty() ||
           (line->shape && llvm::any_of(*line->shape, [](const ast::Axis &axis) { return !axis.pieces.text.empty(); }));
  };
  for (const Placed &placed : own())
    for (const ast::FilesItem::Tensor *line : placed.clause->tensors)
      if (!begun && !placed.instance->group->stored && isFoundAnew(line)) {
        begun = placed.instance;
        foundAnew = line->name.text;
      }
}

bool PeftPlan::fits(llvm::SMRange at) const {
  if (!chosen.empty() && !otherInstance && !without && !begun)
    return true;
  if (!at.isValid())
    return false;
  Diagnostics &diags = elaborator.diagnostics();
  StringRef help =
      "the folder gets the tensors under their own names and the definitions; 'load' reads it, PEFT does not";
  if (without)
    diags.report(Diag::NoPeftClause, at, without->definition->name.text)
        .note(without->group->range, "used here")
        .help(help);
  else if (otherInstance)
    diags.report(Diag::SeveralPeftTypes, at, chosen, other).note(otherInstance->group->range, "used here").help(help);
  else if (begun)
    diags.report(Diag::PeftFindsAnew, at, foundAnew, begun->definition->name.text)
        .note(begun->group->range, "put on here")
        .help(help);
  else
    diags.report(Diag::OnlyJoiningPeft, at).help(help);
  return false;
}

static StringRef lastName(const ModelTensor &tensor) { return StringRef(tensor.name).rsplit('.').second; }

const PeftClause *PeftPlan::clauseOf(const AdapterInstance &instance) const {
  auto found = clauses.find(instance.definition);
  if (found == clauses.end()) // of an earlier stage
    return nullptr;
  const PeftClause *joined = nullptr;
  for (const PeftClause &clause : found->second) {
    if (clause.type == chosen)
      return &clause;
    // What is trained with the rest of its module is saved with that.
    const ModelTensor *own = instance.siteTensor;
    bool isAlone = own && lastName(*own) == clause.tensorName() && inPlace.lookup(own->owner) == 1;
    if (clause.joins() && !joined && (clause.tensorName().empty() || isAlone))
      joined = &clause;
  }
  return joined;
}

/// How PEFT calls the place of an adapter. Adapters stand around a module, its own tensors then one name further down.
std::string PeftPlan::pathOf(const AdapterInstance &instance) const {
  if (!instance.siteTensor)
    return instance.site->path;
  if (!wrapped.count(instance.siteTensor->owner))
    return instance.siteTensor->name;
  return instance.siteTensor->owner->path + ".base_layer." + lastName(*instance.siteTensor).str();
}

std::vector<PeftPlan::Placed> PeftPlan::select(bool joining) const {
  std::vector<Placed> placed;
  for (const auto &group : llvm::drop_begin(model.groups(), firstGroup))
    for (const auto &instance : group->instances)
      if (const PeftClause *clause = model.isSettled(instance.get()) ? nullptr : clauseOf(*instance);
          clause && clause->joins() == joining)
        placed.push_back({instance.get(), clause});
  return placed;
}
