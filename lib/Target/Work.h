// What an op of a program costs, for the profile and the plan.
#ifndef FTC_LIB_TARGET_WORK_H
#define FTC_LIB_TARGET_WORK_H

#include "mlir/IR/Operation.h"

#include <string>

namespace ftc::target {

/// Bytes of an op's operands and results.
int64_t countBytes(mlir::Operation *op);

/// Name and sizes of an op, equal for ops of equal kernels.
std::string describeWork(mlir::Operation *op);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_WORK_H
