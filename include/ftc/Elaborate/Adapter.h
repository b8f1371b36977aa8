//===- Adapter.h - adapters on the sites of a model ------------*- C++ -*-===//

#ifndef FTC_ELABORATE_ADAPTER_H
#define FTC_ELABORATE_ADAPTER_H

#include "ftc/Elaborate/Model.h"

namespace ftc::elaborate {

struct AdapterGroup;
struct AdapterInstance;

enum class AdapterRole { Trained, Frozen };

/// A tensor that an adapter adds, or (`source`) a model's own tensor that it trains in place.
struct AdapterTensor {
  std::string name;   ///< "<module path>.<adapter>.<param>"; a model's own tensor keeps the checkpoint's name
  std::string symbol; ///< its tune.tensor
  Dims dims;
  AdapterRole role;
  const ModelTensor *source = nullptr; ///< stands in this one's place; begins as it unless it has an initial value
  AdapterInstance *instance;           ///< where it is declared; of a shared tensor the first site's
  const ast::Declaration *declaration;
};

/// An adapter on one site.
struct AdapterInstance {
  AdapterGroup *group;
  const ast::Definition *definition;
  ModuleInstance *site;
  const ModelTensor *siteTensor = nullptr; ///< where the site is a single tensor
  int64_t number;                          ///< of the site within its group, from 0
  Scope *scope;
  std::vector<AdapterTensor *> tensors; ///< in order of declaration; of the whole group where shared
};

/// Whether a selector finds a dotted path; its index ranges must be known integers.
bool matches(Elaborator &elaborator, const ast::Selector &selector, llvm::StringRef path, Scope &scope);
/// The value of the last line of a map that matches a path, unevaluated; null if none does.
const ast::Expr *lastMatch(Elaborator &elaborator, const MapValue &map, llvm::StringRef path);

/// One line of an `adapt` block: one definition on all sites that its selector finds.
struct AdapterGroup {
  std::shared_ptr<const Applied> applied;
  llvm::SMRange range; ///< of the line
  std::vector<std::unique_ptr<AdapterInstance>> instances;
  std::vector<std::unique_ptr<AdapterTensor>> tensors;
};

/// A model with adapters: what `adapt` gives. Cheap to copy; a model as loaded is one without groups.
class AdaptedModel {
public:
  AdaptedModel() = default;
  explicit AdaptedModel(Model &model) : baseModel(&model) {}

  /// Adds the lines of a map, in order; symbols of new tensors begin with `step.`. False after errors.
  bool adapt(Elaborator &elaborator, llvm::StringRef step, const MapValue &lines);

  /// Adds a group.
  void add(std::shared_ptr<AdapterGroup> group) { adapterGroups.push_back(std::move(group)); }

  Model &model() const { return *baseModel; }
  const std::vector<std::shared_ptr<AdapterGroup>> &groups() const { return adapterGroups; }
  /// All tensors of all groups, in order of lines, then sites, then declarations.
  std::vector<AdapterTensor *> tensors() const;
  std::vector<AdapterTensor *> tensors(AdapterRole role) const;
  /// The adapters on a site, in order of application.
  std::vector<AdapterInstance *> on(const ModuleInstance *site) const;
  /// The trained tensor that stands in the place of a model's own one, or null.
  AdapterTensor *inPlaceOf(const ModelTensor *tensor) const;
  /// The symbol that programs read for a model's tensor: what merging put in its place, the trained one's, or
  /// "<load step>.<name>".
  std::string symbolOf(const ModelTensor *tensor) const;
  /// Declares the tensor of that symbol as a weight from the model's file, if no program has done so.
  void declare(Elaborator &elaborator, const ModelTensor *tensor) const;
  /// What merging gives: no adapters any more but for tensors trained in place, and `symbols` (by name in the
  /// checkpoint) in the place of the model's own tensors.
  AdaptedModel merged(llvm::ArrayRef<std::pair<std::string, std::string>> symbols) const;

private:
  Model *baseModel = nullptr;
  std::vector<std::shared_ptr<AdapterGroup>> adapterGroups;
  size_t mergedGroups = 0;                     ///< of the first groups only tensors trained in place still count
  std::map<std::string, std::string> replaced; ///< symbols by name in the checkpoint
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_ADAPTER_H
