//===- NextValues.h - what adapters make of their tensors -------*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_NEXTVALUES_H
#define FTC_LIB_ELABORATE_NEXTVALUES_H

#include "ProgramState.h"

#include "llvm/ADT/MapVector.h"

namespace ftc::elaborate {

/// New contents of tensors by symbol, in the order in which they were found.
using Contents = llvm::MapVector<std::string, mlir::Value, std::map<std::string, unsigned>>;

/// Binds `t`, `steps`, `steps_per_epoch` and `rate`.
void bindUpdate(ProgramBuilder::State &state, const UpdateInputs &inputs);

/// Chance in what follows a step; the key has that symbol.
StepChance chanceOf(ProgramBuilder::State &state, std::string key);

/// A value as a tensor of an adapter keeps it.
mlir::Value keptAs(Evaluator &evaluator, const AdapterTensor &tensor, const Tensor &value);

/// `s' = e` of adapters: sees the tensors as `next` has them, and adds to it. `gradients`: symbols by the values that
/// parameters have in `next`.
void advance(ProgramBuilder::State &state, const AdaptedModel &model, Contents &next,
             const llvm::DenseMap<mlir::Value, std::string> &gradients);

/// The blocks of that time; `resetOptimizer` for each adapter that asks for it.
void runBlocks(ProgramBuilder::State &state, const AdaptedModel &model, BlockTime time, mlir::Value key, Contents &next,
               llvm::function_ref<void(const AdapterInstance &)> resetOptimizer);

/// The penalties of the adapters that a run of the model has called, together; null if there are none.
mlir::Value penalty(ProgramBuilder::State &state, const AdaptedModel &model, const ModelPass &pass);

/// The weight that a site has with an adapter and those before it; an error value if that is not affine.
Value mergedWeight(ProgramBuilder::State &state, const AdaptedModel &model, const AdapterInstance &instance);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_NEXTVALUES_H
