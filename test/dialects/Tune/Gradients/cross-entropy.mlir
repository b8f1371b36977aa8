// Cross-entropy from hidden states and a tied vocabulary matrix: its gradients against central differences, whole and a
// chunk of rows at a time, in two loops and in one; and the same loss and gradients either way.

// DEFINE: %{gradients} = --check-gradient=loss:x:dx --check-gradient=loss:W:dW --check-gradient=loss:weights:dweights
// RUN: ftc-run-mlir %s --passes=tune-simplify,tune-differentiate,tune-simplify %{gradients}
// RUN: ftc-run-mlir %s --passes='tune-simplify,tune-slice-rows{min-elements=100 chunk=3},tune-differentiate,tune-simplify' %{gradients}
// RUN: ftc-run-mlir %s --passes='tune-simplify,tune-slice-rows{min-elements=100 chunk=3},tune-differentiate,tune-simplify,tune-merge-rows,tune-simplify' %{gradients}

// RUN: ftc-opt %s --tune-simplify --tune-differentiate --tune-simplify | ftc-run-mlir - --digits=12 > %t.whole
// RUN: ftc-opt %s --tune-simplify --tune-slice-rows='min-elements=100 chunk=3' --tune-differentiate --tune-simplify --tune-merge-rows --tune-simplify \
// RUN:   | ftc-run-mlir - --digits=12 > %t.sliced
// RUN: diff %t.whole %t.sliced

#x = affine_map<(b, t, v, h) -> (b, t, h)>
#w = affine_map<(b, t, v, h) -> (v, h)>
#o = affine_map<(b, t, v, h) -> (b, t, v)>
tune.tensor trained @W : tensor<40x3xf64>
tune.tensor input @x : tensor<2x4x3xf64>
tune.tensor input @targets : tensor<2x4xi32> {test.random = [-1.0, 40.0]}
tune.tensor input @weights : tensor<2x4xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dx : tensor<2x4x3xf64>
tune.tensor gradient @dW : tensor<40x3xf64>
tune.tensor gradient @dweights : tensor<2x4xf64>
func.func @micro() attributes {tune.program} {
  %W = tune.read @W : tensor<40x3xf64>
  %x = tune.read @x : tensor<2x4x3xf64>
  %targets = tune.read @targets : tensor<2x4xi32>
  %weights = tune.read @weights : tensor<2x4xf64>
  %wide = tensor.empty() : tensor<2x4x40xf64>
  %zeros = arith.constant dense<0.0> : tensor<2x4x40xf64>
  %logits = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %W : tensor<2x4x3xf64>, tensor<40x3xf64>)
    outs(%zeros : tensor<2x4x40xf64>) -> tensor<2x4x40xf64>
  %lows = arith.constant dense<0xFFF0000000000000> : tensor<2x4xf64>
  %largest = linalg.reduce { arith.maximumf } ins(%logits : tensor<2x4x40xf64>) outs(%lows : tensor<2x4xf64>) dimensions = [2]
  %m = tune.stop_gradient %largest : tensor<2x4xf64>
  %ms = linalg.broadcast ins(%m : tensor<2x4xf64>) outs(%wide : tensor<2x4x40xf64>) dimensions = [2]
  %shifted = arith.subf %logits, %ms : tensor<2x4x40xf64>
  %exp = math.exp %shifted : tensor<2x4x40xf64>
  %none = arith.constant dense<0.0> : tensor<2x4xf64>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<2x4x40xf64>) outs(%none : tensor<2x4xf64>) dimensions = [2]
  %log = math.log %sum : tensor<2x4xf64>
  %logs = linalg.broadcast ins(%log : tensor<2x4xf64>) outs(%wide : tensor<2x4x40xf64>) dimensions = [2]
  %all = arith.subf %shifted, %logs : tensor<2x4x40xf64>
  %logp = tune.pick %all, %targets : (tensor<2x4x40xf64>, tensor<2x4xi32>) -> tensor<2x4xf64>
  %weighted = arith.mulf %logp, %weights : tensor<2x4xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %total = linalg.reduce { arith.addf } ins(%weighted : tensor<2x4xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1]
  %loss = arith.negf %total : tensor<f64>
  %g:3 = tune.gradient %loss wrt(%x, %W, %weights) : (tensor<f64>, tensor<2x4x3xf64>, tensor<40x3xf64>, tensor<2x4xf64>)
    -> (tensor<2x4x3xf64>, tensor<40x3xf64>, tensor<2x4xf64>)
  tune.write %loss, @loss : tensor<f64>
  tune.write %g#0, @dx : tensor<2x4x3xf64>
  tune.write %g#1, @dW : tensor<40x3xf64>
  tune.write %g#2, @dweights : tensor<2x4xf64>
  return
}
