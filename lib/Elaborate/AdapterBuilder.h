//===- AdapterBuilder.h - puts adapters on the sites of a model -*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_ADAPTERBUILDER_H
#define FTC_LIB_ELABORATE_ADAPTERBUILDER_H

#include "Evaluator.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace ftc::elaborate {

/// Adds groups of adapters to a model.
class AdapterBuilder {
public:
  /// Symbols of new tensors begin with `step.`.
  AdapterBuilder(Elaborator &shared, llvm::StringRef step, AdaptedModel &model)
      : shared(shared), step(step), model(model), before(shared.diagnostics().errorCount()) {}

  /// A line of an `adapt` block.
  void addLine(const ast::MapEntry &entry, Scope &scope);
  /// An adapter on the sites for which the functions hold; those of kind `tensor` are asked for each tensor.
  void addGroup(std::shared_ptr<const Applied> applied, llvm::SMRange range,
                llvm::function_ref<bool(llvm::StringRef)> findsModule,
                llvm::function_ref<bool(const ModelTensor &)> findsTensor);
  bool sound() const { return shared.diagnostics().errorCount() == before; }

private:
  void addInstance(AdapterGroup &group, const ast::Definition &definition, ModuleInstance &site,
                   const ModelTensor *tensor);
  void bindSite(AdapterInstance &instance);
  void declareTensors(AdapterGroup &group, AdapterInstance &instance, const ast::DeclarationsItem &item);
  bool takeInPlace(AdapterTensor &tensor, const ast::Name &name);
  std::string uniqueName(const std::string &prefix, llvm::StringRef param);
  static Value ownTensor(Evaluator &evaluator, const AdapterInstance &self, const ModelTensor &tensor,
                         llvm::StringRef name);

  Elaborator &shared;
  std::string step;
  AdaptedModel &model;
  unsigned before;
  llvm::DenseSet<const ModelTensor *> taken;
};

/// Arguments in which each map is replaced by its value for a path.
Arguments atSite(Elaborator &shared, const Arguments &arguments, llvm::StringRef path);

/// The `source` of a tensor that is read from the model's file.
mlir::DictionaryAttr sourceOf(Elaborator &shared, const Model &model, const ModelTensor &tensor);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_ADAPTERBUILDER_H
