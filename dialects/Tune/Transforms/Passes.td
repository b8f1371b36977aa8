//===- Passes.td - Passes of the tune dialect ------------------*- tablegen -*-===//
//
// In the order in which lib/Pipelines runs them.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_TUNE_PASSES
#define FTC_TUNE_PASSES

include "mlir/Pass/PassBase.td"

class Tune_Pass<string flag> : Pass<flag, "::mlir::ModuleOp"> {
  let dependentDialects = ["::ftc::tune::TuneDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def Simplify : Tune_Pass<"tune-simplify"> {
  let summary = "equations, common subexpressions, and what nothing needs";
}

def Differentiate : Tune_Pass<"tune-differentiate"> {
  let summary = "replace tune.gradient by the adjoint program";
}

#endif
