//===- Losses.h - a step with a loss while it is converted ------*- C++ -*-===//

#ifndef FTC_LIB_CONVERSION_RECIPETOTUNE_LOSSES_H
#define FTC_LIB_CONVERSION_RECIPETOTUNE_LOSSES_H

#include "Converter.h"

namespace ftc::recipe_to_tune {

/// What `train`, `evaluate` and `gradients` share.
struct Converter::LossStep {
  explicit LossStep(mlir::MLIRContext *context) : fields(context), programs(context) {}

  const StepValue *policy = nullptr, *data = nullptr;
  elaborate::Value objective;
  elaborate::LossModels models = {};
  elaborate::Batch batch;
  std::vector<elaborate::KeptLogProbabilities> kept;
  std::vector<std::string> uses; ///< steps whose models the objective runs
  Fields fields, programs;
};

/// What `precision { key: ... }` of a step says if that is not f32; null otherwise.
const ast::Expr *findPrecision(const StepCall &call, llvm::StringRef key);

} // namespace ftc::recipe_to_tune

#endif // FTC_LIB_CONVERSION_RECIPETOTUNE_LOSSES_H
