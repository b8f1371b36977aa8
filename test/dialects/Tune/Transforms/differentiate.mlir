// What tune-differentiate builds; that the numbers are right is tested in ../Gradients.

// RUN: ftc-opt %s --tune-differentiate --tune-simplify --split-input-file | FileCheck %s

// Only what the trained tensor needs: no gradient of the frozen weight, nothing of what lies below.
#x = affine_map<(t, o, i) -> (t, i)>
#w = affine_map<(t, o, i) -> (o, i)>
#o = affine_map<(t, o, i) -> (t, o)>
tune.tensor weight @below : tensor<4x4xf64>
tune.tensor trained @w : tensor<4x4xf64>
tune.tensor weight @above : tensor<4x4xf64>
tune.tensor input @x : tensor<6x4xf64>
tune.tensor gradient @g : tensor<4x4xf64>
// CHECK-LABEL: func.func @layers
func.func @layers() attributes {tune.program} {
  // CHECK-COUNT-5: linalg.contract
  // CHECK-NOT: linalg.contract
  %below = tune.read @below : tensor<4x4xf64>
  %w = tune.read @w : tensor<4x4xf64>
  %above = tune.read @above : tensor<4x4xf64>
  %x = tune.read @x : tensor<6x4xf64>
  %zero = arith.constant dense<0.0> : tensor<6x4xf64>
  %a = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %below : tensor<6x4xf64>, tensor<4x4xf64>) outs(%zero : tensor<6x4xf64>) -> tensor<6x4xf64>
  %b = math.tanh %a : tensor<6x4xf64>
  %c = linalg.contract indexing_maps = [#x, #w, #o] ins(%b, %w : tensor<6x4xf64>, tensor<4x4xf64>) outs(%zero : tensor<6x4xf64>) -> tensor<6x4xf64>
  %d = math.tanh %c : tensor<6x4xf64>
  %e = linalg.contract indexing_maps = [#x, #w, #o] ins(%d, %above : tensor<6x4xf64>, tensor<4x4xf64>) outs(%zero : tensor<6x4xf64>) -> tensor<6x4xf64>
  %f = math.tanh %e : tensor<6x4xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%f : tensor<6x4xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1]
  %g = tune.gradient %loss wrt(%w) : (tensor<f64>, tensor<4x4xf64>) -> tensor<4x4xf64>
  tune.write %g, @g : tensor<4x4xf64>
  return
}

// -----

// A value read twice is one value; what cuts, and what does not depend, gives 0. The adjoint of a cast is a cast.
tune.tensor trained @a : tensor<4xf64>
tune.tensor trained @b : tensor<4xf64>
tune.tensor gradient @ga : tensor<4xf64>
tune.tensor gradient @gb : tensor<4xf64>
// CHECK-LABEL: func.func @reads
func.func @reads() attributes {tune.program} {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<4xf64>
  // CHECK-DAG: %[[A:.*]] = tune.read @a
  // CHECK-NOT: tune.stop_gradient
  %a = tune.read @a : tensor<4xf64>
  %again = tune.read @a : tensor<4xf64>
  %b = tune.read @b : tensor<4xf64>
  %cut = tune.stop_gradient %b : tensor<4xf64>
  %sum = arith.addf %again, %cut : tensor<4xf64>
  // CHECK: %[[SHORT:.*]] = arith.truncf %{{.*}} : tensor<4xf64> to tensor<4xf32>
  %short = arith.truncf %sum : tensor<4xf64> to tensor<4xf32>
  %square = arith.mulf %short, %short : tensor<4xf32>
  %long = arith.extf %square : tensor<4xf32> to tensor<4xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%long : tensor<4xf64>) outs(%scalar : tensor<f64>) dimensions = [0]
  %ga, %gb = tune.gradient %loss wrt(%a, %b) : (tensor<f64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>)
  // CHECK: %[[TWICE:.*]] = arith.mulf %[[SHORT]], %{{.*}} : tensor<4xf32>
  // CHECK: %[[GA:.*]] = arith.extf %[[TWICE]] : tensor<4xf32> to tensor<4xf64>
  // CHECK: tune.write %[[GA]], @ga
  // CHECK: tune.write %[[ZERO]], @gb
  tune.write %ga, @ga : tensor<4xf64>
  tune.write %gb, @gb : tensor<4xf64>
  return
}

// -----

// Gradients of gradients: x^3 gives 3 x^2, its sum 6 x.
tune.tensor trained @x : tensor<4xf64>
tune.tensor gradient @g : tensor<4xf64>
// CHECK-LABEL: func.func @second
func.func @second() attributes {tune.program} {
  %x = tune.read @x : tensor<4xf64>
  %square = arith.mulf %x, %x : tensor<4xf64>
  %cube = arith.mulf %square, %x : tensor<4xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%cube : tensor<4xf64>) outs(%scalar : tensor<f64>) dimensions = [0]
  %first = tune.gradient %loss wrt(%x) : (tensor<f64>, tensor<4xf64>) -> tensor<4xf64>
  %sum = linalg.reduce { arith.addf } ins(%first : tensor<4xf64>) outs(%scalar : tensor<f64>) dimensions = [0]
  %g = tune.gradient %sum wrt(%x) : (tensor<f64>, tensor<4xf64>) -> tensor<4xf64>
  // CHECK-NOT: tune.gradient
  // CHECK-NOT: linalg.reduce
  // CHECK: tune.write %{{.*}}, @g
  tune.write %g, @g : tensor<4xf64>
  return
}
