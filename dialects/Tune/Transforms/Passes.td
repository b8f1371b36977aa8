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

def FoldLayers : Tune_Pass<"tune-fold-layers"> {
  let summary = "of layers that do the same, most are left out until tune-unfold-layers";
}

def Simplify : Tune_Pass<"tune-simplify"> {
  let summary = "equations, common subexpressions, and what nothing needs";
}

def HalveSpectra : Tune_Pass<"tune-halve-spectra"> {
  let summary = "between transforms of real rows, half of the spectrum";
}

def OrderContractions : Tune_Pass<"tune-order-contractions"> {
  let summary = "the cheapest order of products, and whether they are distributed";
  let options = [Option<"explain", "explain", "bool", "false", "say where an order is kept">];
}

def SliceRows : Tune_Pass<"tune-slice-rows"> {
  let summary = "what follows a product that widens its rows, a chunk of rows at a time";
  let options = [
    Option<"chunk", "chunk", "int64_t", "256", "most rows at a time">,
    Option<"minElements", "min-elements", "int64_t", "1 << 20", "fewest entries of a product that is worth it">,
    Option<"widening", "widening", "int64_t", "8", "how much wider the product is than what is left of its rows, at least">,
    Option<"explain", "explain", "bool", "false", "say why a product is left whole">
  ];
}

def Differentiate : Tune_Pass<"tune-differentiate"> {
  let summary = "replace tune.gradient by the adjoint program";
}

def MergeRows : Tune_Pass<"tune-merge-rows"> {
  let summary = "one loop of two over the same rows";
}

def SinkChoices : Tune_Pass<"tune-sink-choices"> {
  let summary = "what only one side of a choice needs is computed only if that side is taken";
}

def SetPrecision : Tune_Pass<"tune-set-precision"> {
  let summary = "f32 for reals, but for scalars and rotary tables";
}

def AccumulateRows : Tune_Pass<"tune-accumulate-rows"> {
  let summary = "what is added to a tensor from all rows is added row by row";
}

def KeepStoredTypes : Tune_Pass<"tune-keep-stored-types"> {
  let summary = "weights stay in the type of their file, each use extends them";
}

def PerturbResults : Tune_Pass<"tune-perturb-results"> {
  let summary = "every result times 1 + 2^-21 u, as if rounded to f32 at random (`reference` only)";
  let options = [Option<"seed", "seed", "uint64_t", "0", "of the random numbers">];
}

def FuseRows : Tune_Pass<"tune-fuse-rows"> {
  let summary = "group ops that share their rows into tune.fused";
  let description = [{
    Runs at the rung `precision`, after common subexpressions are gone. Sums of everything are split first, and cheap
    elementwise producers are repeated beyond products instead of being stored.
  }];
}

def JoinSiblings : Tune_Pass<"tune-join-siblings"> {
  let summary = "kernels that read the same operands become one";
  let description = [{
    Runs on `tune.fused`, again after `tune-insert-recompute`. Of two kernels the first is brought to the second, and what
    needs it before that behind both, if a quarter of what one of them reads and writes is read once then, and no more
    than that lives longer for it.
  }];
}

def UnfoldLayers : Tune_Pass<"tune-unfold-layers"> {
  let summary = "the layers that tune-fold-layers has left out, as copies of the one that stands for them";
  let description = [{
    Leaves a program as it is, with the attribute that says what is left out, if passes have made that layer unlike its
    neighbours.
  }];
}

#endif
