//===- GroupSites.cpp - values over the sites of an adapter's line --------===//

#include "GroupSites.h"

using namespace ftc;
using namespace ftc::elaborate;

Scope *ftc::elaborate::transplant(Evaluator &evaluator, Scope *from, Scope *body, Scope *otherBody) {
  if (from == body)
    return otherBody;
  if (!from || from->where.empty())
    return nullptr;
  Scope *parent = transplant(evaluator, from->parent(), body, otherBody);
  return parent ? &evaluator.whereScope(from->where, *parent) : nullptr;
}

GroupSites::GroupSites(Evaluator &evaluator, const AdaptedModel &model, ScopeOf scopeOf)
    : evaluator(evaluator), instances(model.learning()), scopeOf(std::move(scopeOf)) {
  evaluator.siteGroup = [this](Scope &scope) -> const void * {
    AdapterInstance *owner = ownerOf(scope).instance;
    return owner ? owner->body.data() : nullptr;
  };
  evaluator.sites = [this](Scope &scope) { return scopesBeside(scope); };
}

GroupSites::~GroupSites() {
  evaluator.siteGroup = nullptr;
  evaluator.sites = nullptr;
  evaluator.siteSums.clear();
}

GroupSites::Owner GroupSites::ownerOf(Scope &scope) {
  for (Scope *around = &scope; around; around = around->parent())
    for (bool isBody : {false, true})
      for (AdapterInstance *instance : instances)
        if (around == &scopeAt(*instance, isBody))
          return {instance, isBody};
  return {};
}

std::vector<Scope *> GroupSites::scopesBeside(Scope &scope) {
  std::vector<Scope *> scopes;
  auto [own, isBody] = ownerOf(scope);
  for (AdapterInstance *other : own ? instances : std::vector<AdapterInstance *>())
    if (other->group == own->group && other->outer == own->outer && other->body.data() == own->body.data())
      scopes.push_back(transplant(evaluator, &scope, &scopeAt(*own, isBody), &scopeAt(*other, isBody)));
  llvm::erase(scopes, nullptr);
  return scopes;
}
