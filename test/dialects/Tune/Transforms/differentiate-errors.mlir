// What has no derivative says so.

// RUN: ftc-opt %s --tune-differentiate --split-input-file --verify-diagnostics

func.func @no_derivative(%x: tensor<4xf64>, %y: tensor<2xf64>, %start: tensor<i32>) -> tensor<2xf64> {
  // expected-error @+1 {{'tune.update_slice' has no derivative}}
  %z = tune.update_slice %y into %x at %start dim 0 : tensor<2xf64>, tensor<4xf64>, tensor<i32>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%z : tensor<4xf64>) outs(%scalar : tensor<f64>) dimensions = [0]
  %g = tune.gradient %loss wrt(%y) : (tensor<f64>, tensor<2xf64>) -> tensor<2xf64>
  return %g : tensor<2xf64>
}

// -----

func.func @product(%x: tensor<4xf64>) -> tensor<4xf64> {
  %one = arith.constant dense<1.0> : tensor<f64>
  // expected-error @+1 {{'linalg.reduce' by 'arith.mulf' has no derivative}}
  %loss = linalg.reduce { arith.mulf } ins(%x : tensor<4xf64>) outs(%one : tensor<f64>) dimensions = [0]
  %g = tune.gradient %loss wrt(%x) : (tensor<f64>, tensor<4xf64>) -> tensor<4xf64>
  return %g : tensor<4xf64>
}

// -----

func.func @strides(%x: tensor<4xf64>) -> tensor<4xf64> {
  // expected-error @+1 {{'tensor.extract_slice' with strides or offsets that are no constants has no derivative}}
  %y = tensor.extract_slice %x[0] [2] [2] : tensor<4xf64> to tensor<2xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%y : tensor<2xf64>) outs(%scalar : tensor<f64>) dimensions = [0]
  %g = tune.gradient %loss wrt(%x) : (tensor<f64>, tensor<4xf64>) -> tensor<4xf64>
  return %g : tensor<4xf64>
}

// -----

func.func @lse(%q: tensor<1x2x2x3x4xf64>, %k: tensor<1x8x2x4xf64>, %p: tensor<1x2xi32>, %s: tensor<1x8xi32>) -> tensor<1x2x2x3x4xf64> {
  // expected-error @+1 {{'tune.attention': its log-sum-exp has no derivative}}
  %out, %lse = tune.attention %q, %k, %k, %p, %p, %s, %s scale 1.0
    : (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>, tensor<1x2xi32>, tensor<1x2xi32>,
       tensor<1x8xi32>, tensor<1x8xi32>) -> (tensor<1x2x2x3x4xf64>, tensor<1x2x2x3xf64>)
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%lse : tensor<1x2x2x3xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1, 2, 3]
  %g = tune.gradient %loss wrt(%q) : (tensor<f64>, tensor<1x2x2x3x4xf64>) -> tensor<1x2x2x3x4xf64>
  return %g : tensor<1x2x2x3x4xf64>
}
