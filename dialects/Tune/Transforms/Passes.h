//===- Passes.h - Passes of the tune dialect ----------------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_PASSES_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_PASSES_H

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/Pass.h"

#include "llvm/ADT/StringSet.h"

namespace ftc::tune {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Tune/Transforms/Passes.h.inc"

/// What `tune-fold-layers` does, in a copy of a module, which stays as it is, but for the programs of these names; null
/// if no layer can be left out.
mlir::OwningOpRef<mlir::ModuleOp> foldLayers(mlir::ModuleOp module, const llvm::StringSet<> &whole = {});
/// What `tune-join-siblings` does, in one program.
void joinSiblings(mlir::func::FuncOp program);

} // namespace ftc::tune

#endif
