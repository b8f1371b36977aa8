// The object of a program: kernels, tables of calls, constants, manifest.
#ifndef FTC_LIB_TARGET_CODEGEN_H
#define FTC_LIB_TARGET_CODEGEN_H

#include "CallTable.h"
#include "ftc/Target/Target.h"

namespace llvm {
class MemoryBuffer;
class Module;
} // namespace llvm

namespace ftc::target {

/// What an object defines beside its kernels.
struct ObjectContents {
  llvm::ArrayRef<CallTable> programs;
  mlir::ModuleOp placed; ///< for its constants
  const std::string &manifest;
};

/// Writes what is said above into a module, which need not be the one that holds the kernels.
void writeTables(llvm::Module &module, const KernelSet &kernels, const ObjectContents &contents);

/// Optimises the module as little as kernels need, and compiles it.
llvm::FailureOr<std::unique_ptr<llvm::MemoryBuffer>> compileModule(llvm::Module &module, const TargetOptions &options);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_CODEGEN_H
