//===- OptimizerPart.h - an optimizer on one tensor ------------*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_OPTIMIZERPART_H
#define FTC_LIB_ELABORATE_OPTIMIZERPART_H

#include "ProgramState.h"
#include "StoredFormat.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace ftc::elaborate {

/// What `reset` calls the optimizer of a definition's tensors.
inline constexpr llvm::StringLiteral optimizerName = "optimizer";

/// Sums over sites in an optimizer inside of another one need what it is stepped with at all sites. So the optimizers
/// are evaluated in rounds: in round n the first n - 1 steps of inner ones are made, the next only hears of its p and
/// g.
struct OptimizerPlan::Rounds {
  bool needed = false; ///< an inner optimizer speaks of `sites`
  unsigned round = 1;
  std::map<std::string, unsigned> steps; ///< of inner optimizers so far in this round, by the tensor's symbol
  bool unfinished = false;               ///< a step was not made

  /// Whether the step that begins now is made.
  bool makes(const std::string &parameter) {
    bool made = !needed || ++steps[parameter] < round;
    unfinished |= !made;
    return made;
  }
};

/// An optimizer as it moves one trained tensor, with the optimizers inside it.
struct OptimizerPlan::Part {
  struct State {
    const ast::Declaration *declaration;
    Dims dims;
    std::string symbol;
    bool zero;                            ///< its first value
    std::unique_ptr<StoredFormat> stored; ///< null: kept as reals
  };

  OptimizedTensor optimized;
  std::shared_ptr<const Applied> applied;
  const ast::Definition *definition = nullptr;
  Scope *scope = nullptr;
  Dims dims; ///< of the tensor, as the definition names them
  const AdaptedModel *model = nullptr;
  std::vector<State> states;
  std::shared_ptr<const Applied> stateFormat; ///< in which states are kept; null: reals
  std::string since; ///< symbol of the number of updates before the optimizer was begun anew; empty where it never is
  std::vector<std::unique_ptr<Part>> inner;
  const ast::PartItem *item = nullptr;         ///< by which it is part of another one
  std::pair<mlir::Value, mlir::Value> stepped; ///< what it was stepped with last
  unsigned steppedIn = 0;                      ///< in which pass
  std::optional<Scope::Entry> unscheduled;     ///< `lr` before it is multiplied by the schedule's factor
  Points *points = nullptr;                    ///< of the plan
  Rounds *rounds = nullptr;                    ///< of the plan

  /// Chooses the form and declares states; false after errors.
  bool build(Evaluator &evaluator, const Value &optimizer, llvm::StringRef step, llvm::SMRange at);
  /// A program begins.
  void begin();
  void enter(Evaluator &evaluator, const Value &p, const Value &g);
  /// The next value of the tensor.
  Value next(Evaluator &evaluator, const Value &p, const Value &g);
  Value learningRate(Evaluator &evaluator);
  void forEachState(llvm::function_ref<void(Part &, State &)> visit);

private:
  void bindDims(Elaborator &shared);
  bool declareState(Evaluator &evaluator, const ast::Declaration &declaration, llvm::StringRef step);
  bool buildInner(Evaluator &evaluator, const ast::PartItem &item, llvm::StringRef step, llvm::SMRange at);
};

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_OPTIMIZERPART_H
