// A vector that reaches over several short rows of contiguous tensors is loaded and stored as one, whatever the width of
// a row: no gathers, no lane by lane.

// DEFINE: %{width} = 1
// DEFINE: %{sized} = sed 's/WW/%{width}/g' %s
// DEFINE: %{code} = %{sized} | ftc-run-mlir - --target=cpu --print-llvm | FileCheck %s --implicit-check-not=gather
// DEFINE: %{run} = %{sized} | ftc-run-mlir - --target=cpu --judge=0
// RUN: %{code}
// RUN: %{run}
// REDEFINE: %{width} = 4
// RUN: %{code}
// RUN: %{run}
// REDEFINE: %{width} = 16
// RUN: %{code}
// RUN: %{run}
// REDEFINE: %{width} = 24
// RUN: %{code}
// RUN: %{run}
// REDEFINE: %{width} = 128
// RUN: %{code}
// RUN: %{run}

// CHECK: define internal void @tune_fused_0.body
// CHECK: load <64 x float>
// CHECK: load <64 x float>
// CHECK: store <64 x float>
// CHECK: ret void
tune.tensor input @a : tensor<2x8x8xWWxf32>
tune.tensor input @b : tensor<2x8x8xWWxf32>
tune.tensor output @c : tensor<2x8x8xWWxf32>
func.func @main() attributes {tune.program} {
  %a = tune.read @a : tensor<2x8x8xWWxf32>
  %b = tune.read @b : tensor<2x8x8xWWxf32>
  %c = arith.addf %a, %b : tensor<2x8x8xWWxf32>
  tune.write %c, @c : tensor<2x8x8xWWxf32>
  return
}
