// The derivatives of attention by q, k and v against central differences: all keys, causal, with a window, with a
// softcap; packed rows, a query that sees nothing.

// DEFINE: %{form} =
// DEFINE: %{check} = sed -e 's/FORM/%{form}/' %s | ftc-run-mlir - --passes=tune-differentiate,tune-simplify \
// DEFINE:   --check-gradient=loss:q:dq --check-gradient=loss:k:dk --check-gradient=loss:v:dv

// RUN: %{check}
// REDEFINE: %{form} = causal
// RUN: %{check}
// REDEFINE: %{form} = causal window 2
// RUN: %{check}
// REDEFINE: %{form} = causal softcap 1.5
// RUN: %{check}
// REDEFINE: %{form} = causal unordered
// RUN: %{check}

tune.tensor input @q : tensor<2x4x2x3x2xf64>
tune.tensor input @k : tensor<2x4x2x2xf64>
tune.tensor input @v : tensor<2x4x2x2xf64>
tune.tensor input @positions : tensor<2x4xi32> {test.values = dense<[[0, 1, 2, 0], [0, 1, 0, 1]]> : tensor<2x4xi32>}
tune.tensor input @segments : tensor<2x4xi32> {test.values = dense<[[0, 0, 0, 1], [0, 0, 1, -1]]> : tensor<2x4xi32>}
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dq : tensor<2x4x2x3x2xf64>
tune.tensor gradient @dk : tensor<2x4x2x2xf64>
tune.tensor gradient @dv : tensor<2x4x2x2xf64>
func.func @program() attributes {tune.program} {
  %q = tune.read @q : tensor<2x4x2x3x2xf64>
  %k = tune.read @k : tensor<2x4x2x2xf64>
  %v = tune.read @v : tensor<2x4x2x2xf64>
  %pos = tune.read @positions : tensor<2x4xi32>
  %seg = tune.read @segments : tensor<2x4xi32>
  %y, %lse = tune.attention %q, %k, %v, %pos, %seg, %pos, %seg scale 0.7 FORM
    : (tensor<2x4x2x3x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4xi32>, tensor<2x4xi32>,
       tensor<2x4xi32>, tensor<2x4xi32>) -> (tensor<2x4x2x3x2xf64>, tensor<2x4x2x3xf64>)
  %key = arith.constant dense<7> : tensor<i64>
  %weights = tune.random normal(0.0, 1.0) %key site 1 : tensor<i64> -> tensor<2x4x2x3x2xf64>
  %weighted = arith.mulf %y, %weights : tensor<2x4x2x3x2xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%weighted : tensor<2x4x2x3x2xf64>) outs(%scalar : tensor<f64>)
    dimensions = [0, 1, 2, 3, 4]
  %g:3 = tune.gradient %loss wrt(%q, %k, %v)
    : (tensor<f64>, tensor<2x4x2x3x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>)
    -> (tensor<2x4x2x3x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>)
  tune.write %loss, @loss : tensor<f64>
  tune.write %g#0, @dq : tensor<2x4x2x3x2xf64>
  tune.write %g#1, @dk : tensor<2x4x2x2xf64>
  tune.write %g#2, @dv : tensor<2x4x2x2xf64>
  return
}
