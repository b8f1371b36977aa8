//===- Order.h - an order in which steps can be done ------------------------===//

#ifndef FTC_LIB_CONVERSION_RECIPETOTUNE_ORDER_H
#define FTC_LIB_CONVERSION_RECIPETOTUNE_ORDER_H

#include "dialects/Tune/IR/Tune.h"

namespace ftc::recipe_to_tune {

/// Moves the module's `tune.step`s, which come after those that they use, so that what reads a model as it was comes
/// before the steps that change its tensors in place.
void orderSteps(mlir::ModuleOp module);

} // namespace ftc::recipe_to_tune

#endif // FTC_LIB_CONVERSION_RECIPETOTUNE_ORDER_H
