//===- AdapterBuilder.h - puts adapters on the sites of a model -*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_ADAPTERBUILDER_H
#define FTC_LIB_ELABORATE_ADAPTERBUILDER_H

#include "Evaluator.h"

#include "llvm/ADT/DenseSet.h"

namespace ftc::elaborate {

/// Where adapters of one group stand, and what they are given.
struct SiteChoice {
  std::function<bool(llvm::StringRef)> findsModule;
  std::function<bool(const ModelTensor &)> findsTensor; ///< for adapters of kind `tensor`
  std::function<Arguments(llvm::StringRef)> argumentsAt;
};

/// `site`: what a definition may ask of the place it is at.
Value siteObject(const AdapterInstance &instance, const Model &model, Value below = Value::list({}));

/// `earlier(e, n)`, in what an adapter computes.
Value callEarlier(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope);

/// Adds groups of adapters to a model.
class AdapterBuilder {
public:
  /// Symbols of new tensors begin with `step.`.
  AdapterBuilder(Elaborator &shared, llvm::StringRef step, AdaptedModel &model)
      : shared(shared), step(step), model(model), before(shared.diagnostics().errorCount()) {}

  /// A line of an `adapt` block.
  void addLine(const ast::MapEntry &entry, Scope &scope);
  /// One adapter on all sites that are chosen.
  void addGroup(std::shared_ptr<const Applied> applied, llvm::SMRange range, const SiteChoice &choice);
  /// The tensors of an objective.
  void addObjective(std::shared_ptr<const Applied> applied, const RecordForm &form);
  bool sound() const { return shared.diagnostics().errorCount() == before; }
  /// Folded tensors are what a file holds, trained as they are: what they were made of is not declared.
  bool foldedAsSaved = false;

private:
  struct Place {
    ModuleInstance *site;
    const ModelTensor *tensor = nullptr; ///< where the site is a single tensor
  };

  // Adapter.cpp
  void addInstance(AdapterGroup &group, const ast::Definition &definition, const Place &place,
                   const Arguments &arguments);
  void buildInstances(AdapterGroup &group);
  void addInner(AdapterInstance &outer, const ast::OnItem &item);
  void defineNames(AdapterInstance &instance);
  void buildBody(AdapterInstance &instance);
  std::string prefixAt(const std::string &path, const ast::Definition &definition);

  // AdapterSite.cpp
  void bindSite(AdapterInstance &instance);
  void addPart(AdapterInstance &outer, const ast::PartItem &item);
  Dim widthOf(const ModuleInstance &module, llvm::SMRange at);
  static Value ownTensor(Evaluator &evaluator, const AdapterInstance &self, const ModelTensor &tensor,
                         llvm::StringRef name);

  // AdapterTensors.cpp
  void declare(AdapterInstance &instance, const ast::DeclarationsItem &item);
  void declareTensor(AdapterInstance &instance, const ast::DeclarationsItem &item, const ast::Declaration &declaration);
  AdapterTensor *sharedTensor(AdapterInstance &instance, const ast::DeclarationsItem &item,
                              const ast::Declaration &declaration, const Dims &dims);
  AdapterTensor &addTensor(AdapterInstance &instance, ast::TensorRole role, const ast::Name &name);
  void refuseTwoWays(const AdapterInstance &instance, const ModelTensor &own, const AdapterInstance &other);
  void takeInPlace(AdapterInstance &instance, const ast::DeclarationsItem &item, const ast::Declaration &declaration);
  void addRebased(AdapterInstance &instance, const ast::RebaseItem &item, bool changes);
  std::optional<Dims> dimsOf(const AdapterInstance &instance, const ast::Declaration &declaration);
  void declareFolded(AdapterInstance &instance, const ast::Declaration &declaration);
  void addCalibration(AdapterInstance &instance, const ast::CalibrateItem &item);
  void declareLet(AdapterInstance &instance, const ast::Declaration &declaration);
  void declareSymbol(AdapterTensor &tensor);

  Elaborator &shared;
  std::string step;
  AdaptedModel &model;
  unsigned before;
  llvm::DenseSet<const ModelTensor *> taken;
  /// Of the group that is being added: shared tensors by their declaration and what they are shared by.
  std::vector<std::pair<std::pair<const ast::Declaration *, std::string>, AdapterTensor *>> sharedTensors;
  std::map<const ModuleInstance *, Dims> widths; ///< found at first need
};

/// The overload of an adapter for a kind of site, or null.
const ast::Definition *overload(const Applied &applied, llvm::StringRef kind);
/// The dimensions of what each module of a model gives; none of modules that are not run.
std::map<const ModuleInstance *, Dims> resultDims(Elaborator &shared, Model &model);

/// Where the first value of a tensor is found: what is shared is as large there as the tensor, not as at its first
/// site.
Scope &firstValueScope(Elaborator &shared, const AdapterTensor &tensor);

/// The site's own tensor of that name (`W` is the weight), or null.
const ModelTensor *ownTensorNamed(const AdapterInstance &instance, llvm::StringRef name);

/// The `source` of a tensor that is read from the model's file.
mlir::DictionaryAttr sourceOf(Elaborator &shared, const Model &model, const ModelTensor &tensor);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_ADAPTERBUILDER_H
