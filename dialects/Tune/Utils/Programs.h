//===- Programs.h - the programs of a module ------------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_UTILS_PROGRAMS_H
#define FTC_DIALECTS_TUNE_UTILS_PROGRAMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Threading.h"

namespace ftc::tune {

/// Runs `body` on each program that has one, side by side if the context has threads: it reads and changes nothing
/// outside of its program. Messages come in the order of the programs.
inline void forEachProgram(mlir::ModuleOp module, llvm::function_ref<void(mlir::func::FuncOp)> body) {
  llvm::SmallVector<mlir::func::FuncOp> programs;
  for (auto program : module.getOps<mlir::func::FuncOp>())
    if (!program.isExternal())
      programs.push_back(program);
  mlir::parallelForEach(module.getContext(), programs, body);
}

} // namespace ftc::tune

#endif // FTC_DIALECTS_TUNE_UTILS_PROGRAMS_H
