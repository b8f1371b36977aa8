//===- PeftPlan.h - adapters and the clauses by which they are written -------===//

#ifndef FTC_LIB_ELABORATE_PEFTPLAN_H
#define FTC_LIB_ELABORATE_PEFTPLAN_H

#include "PeftClause.h"

#include "ftc/Elaborate/Peft.h"

#include "llvm/ADT/DenseMap.h"

namespace ftc::elaborate {

/// The adapters of a model from some group on, each with the clause that says how it is called in the one directory
/// that holds them all.
class PeftPlan {
public:
  struct Placed {
    const AdapterInstance *instance;
    const PeftClause *clause;
  };

  PeftPlan(Elaborator &elaborator, const AdaptedModel &model, size_t firstGroup);
  PeftPlan(const PeftPlan &) = delete;

  /// Whether PEFT has a way to say them; else a warning at `at`, if that is valid.
  bool fits(llvm::SMRange at) const;
  /// Adapters of the directory's own type, and those that join them.
  std::vector<Placed> own() const { return select(/*joining=*/false); }
  std::vector<Placed> joining() const { return select(/*joining=*/true); }
  llvm::StringRef type() const { return chosen; }
  /// What PEFT finds by itself of an adapter that was put on here; empty if there is nothing of the kind.
  llvm::StringRef partFoundAnew() const { return foundAnew; }
  /// All tensors that the clauses name; nothing after errors.
  std::optional<std::vector<PeftTensor>> tensors() const;

private:
  /// Of each tensor of a definition: adapters met so far, and all in the group.
  using Places = std::map<std::pair<const ast::Definition *, llvm::StringRef>, std::pair<int64_t, int64_t>>;

  void chooseType();
  void findBegun();
  bool addTensors(const AdapterInstance &instance, Places &places, std::vector<PeftTensor> &result) const;
  const AdapterTensor *unnamed(const AdapterGroup &group, llvm::ArrayRef<PeftTensor> tensors) const;
  std::vector<Placed> select(bool joining) const;
  const PeftClause *clauseOf(const AdapterInstance &instance) const;
  std::string pathOf(const AdapterInstance &instance) const;

  Elaborator &elaborator;
  const AdaptedModel &model;
  size_t firstGroup;
  std::map<const ast::Definition *, std::vector<PeftClause>> clauses;
  llvm::DenseMap<const ModuleInstance *, unsigned> inPlace; ///< how many of a module's own tensors are trained
  std::set<const ModuleInstance *> wrapped;                 ///< modules with an adapter of the directory's own type
  llvm::StringRef chosen;                                   ///< the peft_type; empty if there is none for all
  const AdapterInstance *without = nullptr;                 ///< an adapter that has no clause
  llvm::StringRef other;                                    ///< a type that does not go with the chosen one
  const AdapterInstance *otherInstance = nullptr;
  const AdapterInstance *begun = nullptr; ///< one put on here, although PEFT finds a part of it by itself
  llvm::StringRef foundAnew;              ///< that part
};

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_PEFTPLAN_H
