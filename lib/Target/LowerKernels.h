// From the kernels' functions over memrefs to LLVM IR.
#ifndef FTC_LIB_TARGET_LOWERKERNELS_H
#define FTC_LIB_TARGET_LOWERKERNELS_H

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace ftc::target {

/// Loads what kernels are made of and what their translation needs into the context.
void loadKernelDialects(mlir::MLIRContext &context);

/// Lowers the kernels' module in place and translates it. A kernel becomes an internal function of a pointer for each
/// buffer, an i64 for each immediate, and the range of items.
std::unique_ptr<llvm::Module> lowerKernels(mlir::ModuleOp kernels, llvm::LLVMContext &context);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_LOWERKERNELS_H
