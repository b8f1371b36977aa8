//===- ProgramState.h - a program under construction -----------*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_PROGRAMSTATE_H
#define FTC_LIB_ELABORATE_PROGRAMSTATE_H

#include "Evaluator.h"
#include "PassTrace.h"

#include "ftc/Elaborate/Optimizer.h"

namespace ftc::elaborate {

/// What runs of models gave in a program, so that an objective may ask again.
struct ModelRun {
  Tensor hidden, logits;
  std::map<int64_t, Tensor> layers; ///< what each layer gave, where its modules are numbered
};

struct ProgramBuilder::State {
  State(Elaborator &shared, llvm::StringRef symbol);

  /// Contents of a tensor; an input of a batch is declared with that type.
  mlir::Value read(llvm::StringRef symbol);
  mlir::Value readInput(llvm::StringRef symbol, llvm::ArrayRef<int64_t> shape, mlir::Type element);
  Tensor batchTensor(const std::string &symbol, const Batch &batch, mlir::Type element);
  /// A number of the rows of a batch: `[batch, tokens]`, what is said of the document of each place, or `[batch]` where
  /// a row has a field or several texts. An error value after a message where rows have none of that name.
  Value rowNumber(const Batch &batch, llvm::StringRef name, llvm::SMRange range);
  /// The dimensions `batch` and `tokens` of a batch.
  void useBatch(const Batch &batch);
  /// `t` and `steps` of the training that a batch is for: scalars.
  Tensor stepOf(const Batch &batch);
  Tensor stepsOf(const Batch &batch);
  /// Makes these names known to adapters, where something is trained.
  void bindStep(const Batch &batch);
  void unbindStep();
  bool hideVirtual(const AdaptedModel &model, const Batch &batch, Tensor &positions, mlir::Value &segments);
  /// A run of a model, after which its adapters are proven to let no token see later ones and no sequence another; both
  /// tensors are null after errors. `pass` may have caches.
  ModelRun run(const AdaptedModel &model, const Batch &batch, ModelPass &pass, bool training);
  ModelRun runOnce(const AdaptedModel &model, const Batch &batch, ModelPass &pass, bool training);
  void proveOnly(const AdaptedModel &model, const Batch &batch, RowContent content);
  /// The log-probability of each target, 0 where there is none: `[batch, tokens]`.
  Value logProbability(const Tensor &logits, const Batch &batch, llvm::SMRange range);

  Elaborator &shared;
  mlir::OpBuilder builder;
  mlir::func::FuncOp func;
  llvm::StringMap<mlir::Value> reads;
  Evaluator evaluator;
  unsigned errorsBefore;
  Dim batchDim = nullptr, tokensDim = nullptr;
  int64_t classes = 0; ///< of the logits of a row with a label
};

/// The definition of a kind that a value applies (with `site`: for that form of `on`), or null after an error.
const ast::Definition *definitionOf(Elaborator &shared, const Value &value, ast::DefinitionKind kind,
                                    llvm::StringRef what, llvm::SMRange range);
/// Binds the equations of a definition's body, and its dims unless they are known; checks what it requires.
void defineBody(Evaluator &evaluator, const ast::Definition &definition, Scope &scope);
/// Makes of parameters that are schedules functions of a step and the number of steps.
void bindSchedules(Evaluator &evaluator, const ast::Definition &definition, Scope &scope);
/// The value of an equation that the definition must have.
Value equationOf(Evaluator &evaluator, const ast::Definition &definition, Scope &scope, llvm::StringRef name);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_PROGRAMSTATE_H
