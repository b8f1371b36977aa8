//===- Pipeline.cpp - the rungs and their passes, on one page -------------===//

#include "ftc/Pipelines/Compilation.h"

#include "dialects/Tune/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace ftc;

llvm::ArrayRef<llvm::StringLiteral> ftc::optionalPasses() {
  static constexpr llvm::StringLiteral flags[] = {
      "tune-fold-layers",       "tune-simplify",        "tune-halve-spectra", "tune-order-contractions",
      "tune-slice-rows",        "tune-merge-rows",      "tune-sink-choices",  "tune-accumulate-rows",
      "tune-keep-stored-types", "convert-tune-to-dnnl", "tune-fuse-rows",     "tune-join-siblings",
      "tune-insert-recompute",  "tune-pack-weights"};
  return flags;
}

void ftc::buildPipeline(Rung rung, const CompileOptions &options, mlir::OpPassManager &passes) {
  auto add = [&](std::unique_ptr<mlir::Pass> pass) {
    if (!llvm::is_contained(options.disabledPasses, pass->getArgument()))
      passes.addPass(std::move(pass));
  };
  bool reference = options.target == target::TargetKind::Reference;
  switch (rung) {
  case Rung::Backward:
    add(tune::createSimplify());
    if (!reference)
      add(tune::createHalveSpectra());
    // Contractions before differentiation, so that the adjoint of the cheap order is what is differentiated.
    add(tune::createOrderContractions());
    // The naive judge keeps whole logits: slicing is an optimisation.
    if (!reference)
      add(tune::createSliceRows());
    add(tune::createDifferentiate());
    add(tune::createSimplify());
    if (!reference)
      add(tune::createMergeRows());
    // The adjoint of a product with a narrow factor is again a chain of products.
    add(tune::createOrderContractions());
    add(tune::createSimplify());
    // Last, so that all passes before it see the operands of a choice.
    add(tune::createSinkChoices());
    break;
  case Rung::Precision:
    if (!reference)
      add(tune::createSetPrecision());
    add(tune::createSimplify());
    if (!reference)
      add(tune::createAccumulateRows());
    // After what would merge the extensions of a weight.
    if (!reference)
      add(tune::createKeepStoredTypes());
    if (options.perturbation)
      add(tune::createPerturbResults({*options.perturbation}));
    break;
  default:
    break;
  }
}
