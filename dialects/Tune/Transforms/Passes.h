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
#include "mlir/Pass/Pass.h"

namespace ftc::tune {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Tune/Transforms/Passes.h.inc"

/// What `tune-join-siblings` does, in one program.
void joinSiblings(mlir::func::FuncOp program);

} // namespace ftc::tune

#endif
