// Every op prints and parses back, in its own form and in the generic one.

// RUN: ftc-opt %s | ftc-opt | FileCheck %s
// RUN: ftc-opt %s --mlir-print-op-generic | ftc-opt | FileCheck %s

// CHECK: tune.tensor weight @base.model.embed : tensor<10x4xf64> source {step = "base", tensor = "model.embed"}
tune.tensor weight @base.model.embed : tensor<10x4xf64> source {step = "base", tensor = "model.embed"}
tune.tensor trained @A : tensor<2x3xbf16>
tune.tensor frozen @F : tensor<2xf16>
tune.tensor gradient @G : tensor<2x3xf32>
tune.tensor state @M : tensor<2x3xi8>
tune.tensor input @ids : tensor<2x3xi32>
tune.tensor output @loss : tensor<f64>
tune.tensor cache @keys : tensor<1x8x2x4xf64>
// CHECK: tune.tensor value @v : tensor<4xi1>
tune.tensor value @v : tensor<4xi1>

// CHECK-LABEL: func.func @p
func.func @p() attributes {tune.program} {
  // CHECK: %[[W:.*]] = tune.read @base.model.embed : tensor<10x4xf64>
  %w = tune.read @base.model.embed : tensor<10x4xf64>
  %ids = tune.read @ids : tensor<2x3xi32>
  %keys = tune.read @keys : tensor<1x8x2x4xf64>
  // CHECK: tune.gather %{{.*}}, %{{.*}} : (tensor<10x4xf64>, tensor<2x3xi32>) -> tensor<2x3x4xf64>
  %x = tune.gather %w, %ids : (tensor<10x4xf64>, tensor<2x3xi32>) -> tensor<2x3x4xf64>
  // CHECK: tune.scatter_add %{{.*}}, %{{.*}} : (tensor<2x3x4xf64>, tensor<2x3xi32>) -> tensor<10x4xf64>
  %scattered = tune.scatter_add %x, %ids : (tensor<2x3x4xf64>, tensor<2x3xi32>) -> tensor<10x4xf64>
  // CHECK: tune.scatter_add %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3x4xf64>, tensor<2x3xi32>, tensor<10x4xf64>) -> tensor<10x4xf64>
  %again = tune.scatter_add %x, %ids, %scattered : (tensor<2x3x4xf64>, tensor<2x3xi32>, tensor<10x4xf64>) -> tensor<10x4xf64>
  %index = arith.constant dense<1> : tensor<10xi32>
  // CHECK: tune.pick %{{.*}}, %{{.*}} : (tensor<10x4xf64>, tensor<10xi32>) -> tensor<10xf64>
  %picked = tune.pick %w, %index : (tensor<10x4xf64>, tensor<10xi32>) -> tensor<10xf64>
  // CHECK: tune.put_one %{{.*}}, %{{.*}} : (tensor<10xf64>, tensor<10xi32>) -> tensor<10x4xf64>
  %put = tune.put_one %picked, %index : (tensor<10xf64>, tensor<10xi32>) -> tensor<10x4xf64>
  %key = arith.constant dense<3> : tensor<i64>
  // CHECK: tune.drop %{{.*}}, %{{.*}}, %{{.*}} rate 5.000000e-01 site 7 : tensor<2x3x4xf64>, tensor<i64>, tensor<i64>
  %dropped = tune.drop %x, %key, %key rate 0.5 site 7 : tensor<2x3x4xf64>, tensor<i64>, tensor<i64>
  // CHECK: tune.random uniform(-1.000000e+00, 1.000000e+00) %{{.*}} site 8 : tensor<i64> -> tensor<4x4xf64>
  %random = tune.random uniform(-1.0, 1.0) %key site 8 : tensor<i64> -> tensor<4x4xf64>
  // CHECK: tune.random normal(0.000000e+00, 1.000000e+00) %{{.*}} row %{{.*}} : tensor<i64> site 9 : tensor<i64> -> tensor<4x4xf64>
  %noise = tune.random normal(0.0, 1.0) %key row %key : tensor<i64> site 9 : tensor<i64> -> tensor<4x4xf64>
  // CHECK: tune.reverse %{{.*}} dim 1 : tensor<4x4xf64>
  %reversed = tune.reverse %noise dim 1 : tensor<4x4xf64>
  // CHECK: tune.argsort %{{.*}} : (tensor<4x4xf64>) -> tensor<4x2xi32>
  %places = tune.argsort %noise : (tensor<4x4xf64>) -> tensor<4x2xi32>
  // CHECK: tune.solve %{{.*}}, %{{.*}} : (tensor<4x4xf64>, tensor<4x4xf64>) -> tensor<4x4xf64>
  %solved = tune.solve %noise, %reversed : (tensor<4x4xf64>, tensor<4x4xf64>) -> tensor<4x4xf64>
  // CHECK: tune.qr %{{.*}} : (tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4x4xf64>)
  %orthonormal, %triangle = tune.qr %noise : (tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4x4xf64>)
  // CHECK: tune.svd %{{.*}} : (tensor<4x4xf64>) -> (tensor<4x2xf64>, tensor<2xf64>, tensor<2x4xf64>)
  %left, %singular, %right = tune.svd %noise : (tensor<4x4xf64>) -> (tensor<4x2xf64>, tensor<2xf64>, tensor<2x4xf64>)
  // CHECK: tune.eigh %{{.*}} : (tensor<4x4xf64>) -> (tensor<2xf64>, tensor<4x2xf64>)
  %values, %vectors = tune.eigh %noise : (tensor<4x4xf64>) -> (tensor<2xf64>, tensor<4x2xf64>)
  // CHECK: tune.fft %{{.*}}, %{{.*}} dim 1 inverse : (tensor<4x4xf64>, tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4x4xf64>)
  %re, %im = tune.fft %noise, %reversed dim 1 inverse : (tensor<4x4xf64>, tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4x4xf64>)
  // CHECK: tune.fft %{{.*}} dim 0 : (tensor<4x4xf64>) -> tensor<4x4xf64>
  %cosines = tune.fft %noise dim 0 : (tensor<4x4xf64>) -> tensor<4x4xf64>
  // CHECK: tune.real_fft %{{.*}} order [1, 0] factor 5.000000e-01 inverse mirrored : (tensor<4x4xf64>) -> (tensor<3x4xf64>, tensor<3x4xf64>)
  %halfRe, %halfIm = tune.real_fft %noise order [1, 0] factor 0.5 inverse mirrored : (tensor<4x4xf64>) -> (tensor<3x4xf64>, tensor<3x4xf64>)
  // CHECK: tune.fft_to_real %{{.*}}, %{{.*}} order [1, 0] factor 1.000000e+00 : (tensor<3x4xf64>, tensor<3x4xf64>) -> tensor<4x4xf64>
  %real = tune.fft_to_real %halfRe, %halfIm order [1, 0] factor 1.0 : (tensor<3x4xf64>, tensor<3x4xf64>) -> tensor<4x4xf64>
  // CHECK: tune.real_fft2 %{{.*}} : tensor<4x4xf64>
  %even = tune.real_fft2 %noise : tensor<4x4xf64>
  %truth = arith.constant dense<true> : tensor<i1>
  // CHECK: tune.if %{{.*}}, %{{.*}} : (tensor<i1>, tensor<4x4xf64>) -> tensor<4x4xf64> {
  %chosen = tune.if %truth, %noise : (tensor<i1>, tensor<4x4xf64>) -> tensor<4x4xf64> {
  ^bb0(%yes: tensor<4x4xf64>):
    // CHECK: tune.if_yield %{{.*}} : tensor<4x4xf64>
    tune.if_yield %yes : tensor<4x4xf64>
    // CHECK: } else {
  } else {
  ^bb0(%no: tensor<4x4xf64>):
    %other = tune.reverse %no dim 0 : tensor<4x4xf64>
    tune.if_yield %other : tensor<4x4xf64>
  }
  // CHECK: tune.eye : tensor<4x4xf64>
  %eye = tune.eye : tensor<4x4xf64>
  // CHECK: tune.iota dim 1 : tensor<2x4xi32>
  %iota = tune.iota dim 1 : tensor<2x4xi32>
  // CHECK: tune.stop_gradient %{{.*}} : tensor<2x3x4xf64>
  %stopped = tune.stop_gradient %x : tensor<2x3x4xf64>
  %start = arith.constant dense<1> : tensor<i32>
  %src = arith.constant dense<1.0> : tensor<1x2x2x4xf64>
  // CHECK: %[[UPDATED:.*]] = tune.update_slice %{{.*}} into %{{.*}} at %{{.*}} dim 1 : tensor<1x2x2x4xf64>, tensor<1x8x2x4xf64>, tensor<i32>
  %updated = tune.update_slice %src into %keys at %start dim 1 : tensor<1x2x2x4xf64>, tensor<1x8x2x4xf64>, tensor<i32>
  %q = arith.constant dense<1.0> : tensor<1x2x2x3x4xf64>
  %qpos = arith.constant dense<1> : tensor<1x2xi32>
  %kpos = arith.constant dense<1> : tensor<1x8xi32>
  // CHECK: tune.attention %{{.*}} scale 5.000000e-01 causal window 4 softcap 3.000000e+01 : (
  %out, %lse = tune.attention %q, %keys, %keys, %qpos, %qpos, %kpos, %kpos scale 0.5 causal window 4 softcap 30.0
    : (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>, tensor<1x2xi32>, tensor<1x2xi32>,
       tensor<1x8xi32>, tensor<1x8xi32>) -> (tensor<1x2x2x3x4xf64>, tensor<1x2x2x3xf64>)
  // CHECK: tune.attention %{{.*}} scale 5.000000e-01 causal unordered : (
  %own, %ownLse = tune.attention %q, %keys, %keys, %qpos, %qpos, %kpos, %kpos scale 0.5 causal unordered
    : (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>, tensor<1x2xi32>, tensor<1x2xi32>,
       tensor<1x8xi32>, tensor<1x8xi32>) -> (tensor<1x2x2x3x4xf64>, tensor<1x2x2x3xf64>)
  // CHECK: tune.attention_backward %{{.*}} scale 5.000000e-01 : (
  %dq, %dk, %dv = tune.attention_backward %q, %keys, %keys, %qpos, %qpos, %kpos, %kpos, %out, %lse, %out scale 0.5
    : (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>, tensor<1x2xi32>, tensor<1x2xi32>,
       tensor<1x8xi32>, tensor<1x8xi32>, tensor<1x2x2x3x4xf64>, tensor<1x2x2x3xf64>, tensor<1x2x2x3x4xf64>)
    -> (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>)
  // CHECK: %[[ROWS:.*]]:2 = tune.rows (%[[R:.*]] = %[[W]] : tensor<10x4xf64>) shared (%{{.*}} = %{{.*}} : tensor<4x4xf64>) chunk 2 -> (tensor<10x4xf64>, tensor<f64>) {
  %rows:2 = tune.rows (%r = %w : tensor<10x4xf64>) shared (%e = %eye : tensor<4x4xf64>) chunk 2 -> (tensor<10x4xf64>, tensor<f64>) {
    %one = arith.constant dense<1.0> : tensor<f64>
    // CHECK: tune.yield sliced(%[[R]] : tensor<2x4xf64>) summed(%{{.*}} : tensor<f64>)
    tune.yield sliced(%r : tensor<2x4xf64>) summed(%one : tensor<f64>)
  }
  // CHECK: tune.gradient %[[ROWS]]#1 wrt(%[[W]], %{{.*}}) : (tensor<f64>, tensor<10x4xf64>, tensor<2x3x4xf64>) -> (tensor<10x4xf64>, tensor<2x3x4xf64>)
  %g:2 = tune.gradient %rows#1 wrt(%w, %x) : (tensor<f64>, tensor<10x4xf64>, tensor<2x3x4xf64>) -> (tensor<10x4xf64>, tensor<2x3x4xf64>)
  // CHECK: tune.write %[[UPDATED]], @keys : tensor<1x8x2x4xf64>
  tune.write %updated, @keys : tensor<1x8x2x4xf64>
  return
}

// CHECK: tune.step @run {kind = "train", programs = {micro = @p}, trained = [@A]}
tune.step @run {kind = "train", programs = {micro = @p}, trained = [@A]}
