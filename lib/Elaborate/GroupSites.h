//===- GroupSites.h - values over the sites of an adapter's line -*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_GROUPSITES_H
#define FTC_LIB_ELABORATE_GROUPSITES_H

#include "Evaluator.h"

namespace ftc::elaborate {

/// While it lives, `over: sites` runs over the sites of an adapter's group; `scopeOf` gives the scope of each, which is
/// the adapter's or one within it. Names of the body itself are found in the adapter's.
class GroupSites {
public:
  using ScopeOf = std::function<Scope &(AdapterInstance &)>;

  GroupSites(Evaluator &evaluator, const AdaptedModel &model, ScopeOf scopeOf);
  ~GroupSites();
  GroupSites(const GroupSites &) = delete;
  GroupSites &operator=(const GroupSites &) = delete;

private:
  /// Whose scope, and which of the two, stands around another.
  struct Owner {
    AdapterInstance *instance = nullptr;
    bool isBody = false;
  };
  Owner ownerOf(Scope &scope);
  Scope &scopeAt(AdapterInstance &instance, bool isBody) { return isBody ? *instance.scope : scopeOf(instance); }
  std::vector<Scope *> scopesBeside(Scope &scope);

  Evaluator &evaluator;
  std::vector<AdapterInstance *> instances;
  ScopeOf scopeOf;
};

/// The scope that `from` is for another site or tensor: the same `where`s under that one's body; null if it cannot be
/// made.
Scope *transplant(Evaluator &evaluator, Scope *from, Scope *body, Scope *otherBody);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_GROUPSITES_H
