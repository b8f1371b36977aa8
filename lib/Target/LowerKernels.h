// From the kernels' functions over memrefs to LLVM IR.
#ifndef FTC_LIB_TARGET_LOWERKERNELS_H
#define FTC_LIB_TARGET_LOWERKERNELS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace ftc::target {

/// Loads what kernels are made of and what their translation needs into the context.
void loadKernelDialects(mlir::MLIRContext &context);

/// Cuts the kernels' module, which is left empty, into parts that take about the same time to compile; their number
/// follows from the kernels alone, so that it is the same on every machine. At least one part, at most `most`.
std::vector<mlir::OwningOpRef<mlir::ModuleOp>> splitKernels(mlir::ModuleOp kernels, size_t most);

/// Lowers a module of kernels in place and translates it. A kernel becomes a function that the runtime can call, under
/// its name, hidden from other libraries; it calls an internal function of a pointer for each buffer, an i64 for each
/// immediate, and the range of items.
std::unique_ptr<llvm::Module> lowerKernels(mlir::ModuleOp kernels, llvm::LLVMContext &context);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_LOWERKERNELS_H
