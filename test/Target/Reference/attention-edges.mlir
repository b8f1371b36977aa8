// RUN: ftc-run-mlir %s | FileCheck %s
// One token and one head; values that are no numbers behind the mask; scores too large for exp.

tune.tensor input @q : tensor<1x1x1x1x1xf64> {test.values = dense<3.0> : tensor<1x1x1x1x1xf64>}
tune.tensor input @k : tensor<1x1x1x1xf64> {test.values = dense<2.0> : tensor<1x1x1x1xf64>}
tune.tensor input @v : tensor<1x1x1x1xf64> {test.values = dense<-7.0> : tensor<1x1x1x1xf64>}
tune.tensor input @position : tensor<1x1xi32> {test.values = dense<0> : tensor<1x1xi32>}
tune.tensor input @wide_q : tensor<1x2x1x1x1xf64> {test.values = dense<1000.0> : tensor<1x2x1x1x1xf64>}
tune.tensor input @wide_k : tensor<1x2x1x1xf64> {test.values = dense<[[[[1.0]], [[2.0]]]]> : tensor<1x2x1x1xf64>}
tune.tensor input @bad_v : tensor<1x2x1x1xf64> {test.values = dense<[[[[5.0]], [[0x7FF8000000000000]]]]> : tensor<1x2x1x1xf64>}
tune.tensor input @positions : tensor<1x2xi32> {test.values = dense<[[0, 1]]> : tensor<1x2xi32>}
tune.tensor input @segments : tensor<1x2xi32> {test.values = dense<0> : tensor<1x2xi32>}
tune.tensor output @one_out : tensor<1x1x1x1x1xf64>
tune.tensor output @one_lse : tensor<1x1x1x1xf64>
tune.tensor output @one_dq : tensor<1x1x1x1x1xf64>
tune.tensor output @one_dv : tensor<1x1x1x1xf64>
tune.tensor output @wide_out : tensor<1x2x1x1x1xf64>
tune.tensor output @wide_lse : tensor<1x2x1x1xf64>

// CHECK:      one_out = -7
// CHECK-NEXT: one_lse = 6
// CHECK-NEXT: one_dq = 0
// CHECK-NEXT: one_dv = 3
// CHECK-NEXT: wide_out = 5 nan
// CHECK-NEXT: wide_lse = 1000 2000
func.func @main() attributes {tune.program} {
  %q = tune.read @q : tensor<1x1x1x1x1xf64>
  %k = tune.read @k : tensor<1x1x1x1xf64>
  %v = tune.read @v : tensor<1x1x1x1xf64>
  %position = tune.read @position : tensor<1x1xi32>
  %out, %lse = tune.attention %q, %k, %v, %position, %position, %position, %position scale 1.0 causal
      : (tensor<1x1x1x1x1xf64>, tensor<1x1x1x1xf64>, tensor<1x1x1x1xf64>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>)
      -> (tensor<1x1x1x1x1xf64>, tensor<1x1x1x1xf64>)
  tune.write %out, @one_out : tensor<1x1x1x1x1xf64>
  tune.write %lse, @one_lse : tensor<1x1x1x1xf64>
  %dq, %dk, %dv = tune.attention_backward %q, %k, %v, %position, %position, %position, %position, %out, %lse, %q scale 1.0 causal
      : (tensor<1x1x1x1x1xf64>, tensor<1x1x1x1xf64>, tensor<1x1x1x1xf64>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1x1x1x1xf64>, tensor<1x1x1x1xf64>, tensor<1x1x1x1x1xf64>)
      -> (tensor<1x1x1x1x1xf64>, tensor<1x1x1x1xf64>, tensor<1x1x1x1xf64>)
  tune.write %dq, @one_dq : tensor<1x1x1x1x1xf64>
  tune.write %dv, @one_dv : tensor<1x1x1x1xf64>
  %wide_q = tune.read @wide_q : tensor<1x2x1x1x1xf64>
  %wide_k = tune.read @wide_k : tensor<1x2x1x1xf64>
  %bad_v = tune.read @bad_v : tensor<1x2x1x1xf64>
  %positions = tune.read @positions : tensor<1x2xi32>
  %segments = tune.read @segments : tensor<1x2xi32>
  %wide_out, %wide_lse = tune.attention %wide_q, %wide_k, %bad_v, %positions, %segments, %positions, %segments scale 1.0 causal
      : (tensor<1x2x1x1x1xf64>, tensor<1x2x1x1xf64>, tensor<1x2x1x1xf64>, tensor<1x2xi32>, tensor<1x2xi32>, tensor<1x2xi32>, tensor<1x2xi32>)
      -> (tensor<1x2x1x1x1xf64>, tensor<1x2x1x1xf64>)
  tune.write %wide_out, @wide_out : tensor<1x2x1x1x1xf64>
  tune.write %wide_lse, @wide_lse : tensor<1x2x1x1xf64>
  return
}
