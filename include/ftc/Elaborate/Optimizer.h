//===- Optimizer.h - optimizers and the tensors they move ------*- C++ -*-===//

#ifndef FTC_ELABORATE_OPTIMIZER_H
#define FTC_ELABORATE_OPTIMIZER_H

#include "ftc/Elaborate/Adapter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <set>

namespace ftc::elaborate {

/// Symbols of the tensors that a program reads.
std::set<std::string> readsOf(mlir::func::FuncOp program);

/// An optimizer as it applies to trained tensors: chosen for each, its arguments bound and its states declared.
class OptimizerPlan {
public:
  struct Part;
  struct Points;
  struct Rounds;

  /// For what is trained of the model, which outlives the plan. `optimizer` is an optimizer or a map from selectors to
  /// optimizers. Gradients become tensors `<step>.grad.<name>`,
  /// states `<step>.<state>.<name>`. Null after errors.
  static std::unique_ptr<OptimizerPlan> make(Elaborator &elaborator, llvm::StringRef step, const AdaptedModel &model,
                                             const Value &optimizer, llvm::SMRange at,
                                             std::shared_ptr<const Applied> stateFormat = nullptr);
  ~OptimizerPlan();

  /// Symbols, in the order of the trained tensors.
  std::vector<std::string> trained() const, gradients() const;
  /// Symbols of all states.
  std::vector<std::string> states() const;
  /// States whose first value is not zero need an initialising program; true if there are any.
  bool needsInitialise() const;

  /// Whether a definition may ask for the loss at other points than p: `ProgramBuilder::findPoints` says at how many.
  bool asksElsewhere() const;
  /// Whether anything reads gradients; known after `findPoints`, true without it.
  bool readsGradients() const;

private:
  friend class ProgramBuilder;
  OptimizerPlan();
  std::unique_ptr<Points> points;
  std::unique_ptr<Rounds> rounds;
  std::vector<std::unique_ptr<Part>> parts;
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_OPTIMIZER_H
