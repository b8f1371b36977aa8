// The object of a program: kernels, tables of calls, constants, manifest.
#ifndef FTC_LIB_TARGET_CODEGEN_H
#define FTC_LIB_TARGET_CODEGEN_H

#include "CallTable.h"

namespace llvm {
class LLVMContext;
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

/// The LLVM module of the kernels and what is said above, for this machine.
std::unique_ptr<llvm::Module> makeModule(KernelSet &kernels, const ObjectContents &contents,
                                         llvm::LLVMContext &context);

/// Optimises the module as little as kernels need, and compiles it.
llvm::FailureOr<std::unique_ptr<llvm::MemoryBuffer>> compileModule(llvm::Module &module);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_CODEGEN_H
