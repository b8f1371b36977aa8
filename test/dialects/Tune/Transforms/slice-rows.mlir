// What follows a product that widens its rows, a chunk of rows at a time. Numbers: ../Gradients/cross-entropy.mlir.

// RUN: ftc-opt %s --tune-slice-rows='min-elements=100 chunk=3' --tune-simplify --split-input-file | FileCheck %s

#x = affine_map<(b, t, v, h) -> (b, t, h)>
#w = affine_map<(b, t, v, h) -> (v, h)>
#o = affine_map<(b, t, v, h) -> (b, t, v)>

// Rows are the two leading dimensions, 8 of them: 2 at a time. The bias and the second product come along; the weights
// of the rows are sliced, the matrices shared.
// CHECK-LABEL: func.func @two
// CHECK-SAME: %[[X:.*]]: tensor<2x4x3xf64>, %[[W:.*]]: tensor<40x3xf64>, %[[U:.*]]: tensor<40x3xf64>, %[[BIAS:.*]]: tensor<40xf64>, %[[WEIGHTS:.*]]: tensor<2x4xf64>
func.func @two(%x: tensor<2x4x3xf64>, %w: tensor<40x3xf64>, %u: tensor<40x3xf64>, %bias: tensor<40xf64>, %weights: tensor<2x4xf64>) -> tensor<f64> {
  // CHECK-DAG: %[[FLATX:.*]] = tensor.collapse_shape %[[X]] {{\[}}[0, 1], [2]]
  // CHECK-DAG: %[[FLATWEIGHTS:.*]] = tensor.collapse_shape %[[WEIGHTS]]
  // CHECK: %[[ROWS:.*]] = tune.rows (%{{.*}} = %[[FLATX]] : tensor<8x3xf64>, %{{.*}} = %[[FLATWEIGHTS]] : tensor<8xf64>)
  // CHECK-SAME: shared (%{{.*}} = %[[W]] : tensor<40x3xf64>, %{{.*}} = %[[BIAS]] : tensor<40xf64>, %{{.*}} = %[[U]] : tensor<40x3xf64>) chunk 2 -> tensor<8xf64> {
  // CHECK-COUNT-2: linalg.contract {{.*}} -> tensor<1x2x40xf64>
  // CHECK: tune.yield sliced(%{{.*}} : tensor<2xf64>)
  // CHECK: }
  // CHECK-NOT: 2x4x40
  // CHECK: linalg.reduce { arith.addf } ins(%{{.*}} : tensor<2x4xf64>)
  %wide = tensor.empty() : tensor<2x4x40xf64>
  %zeros = arith.constant dense<0.0> : tensor<2x4x40xf64>
  %first = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %w : tensor<2x4x3xf64>, tensor<40x3xf64>) outs(%zeros : tensor<2x4x40xf64>) -> tensor<2x4x40xf64>
  %second = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %u : tensor<2x4x3xf64>, tensor<40x3xf64>) outs(%zeros : tensor<2x4x40xf64>) -> tensor<2x4x40xf64>
  %biases = linalg.broadcast ins(%bias : tensor<40xf64>) outs(%wide : tensor<2x4x40xf64>) dimensions = [0, 1]
  %biased = arith.addf %first, %biases : tensor<2x4x40xf64>
  %product = arith.mulf %biased, %second : tensor<2x4x40xf64>
  %none = arith.constant dense<0.0> : tensor<2x4xf64>
  %sum = linalg.reduce { arith.addf } ins(%product : tensor<2x4x40xf64>) outs(%none : tensor<2x4xf64>) dimensions = [2]
  %weighted = arith.mulf %sum, %weights : tensor<2x4xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%weighted : tensor<2x4xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1]
  return %loss : tensor<f64>
}

// -----

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>

// Slices, concatenations, reshapes and transposes within a row.
// CHECK-LABEL: func.func @within
func.func @within(%x: tensor<9x3xf64>, %w: tensor<40x3xf64>, %index: tensor<9xi32>) -> tensor<9xf64> {
  // CHECK: tune.rows {{.*}} chunk 3
  // CHECK: tensor.extract_slice %{{.*}}[0, 1] [3, 19] [1, 1] : tensor<3x40xf64> to tensor<3x19xf64>
  // CHECK: tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2]] output_shape [3, 2, 19]
  // CHECK: linalg.transpose {{.*}} permutation = [0, 2, 1]
  // CHECK: tune.pick %{{.*}} : (tensor<3x38xf64>, tensor<3xi32>) -> tensor<3xf64>
  %zeros = arith.constant dense<0.0> : tensor<9x40xf64>
  %logits = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %w : tensor<9x3xf64>, tensor<40x3xf64>) outs(%zeros : tensor<9x40xf64>) -> tensor<9x40xf64>
  %a = tensor.extract_slice %logits[0, 1] [9, 19] [1, 1] : tensor<9x40xf64> to tensor<9x19xf64>
  %b = tensor.extract_slice %logits[0, 21] [9, 19] [1, 1] : tensor<9x40xf64> to tensor<9x19xf64>
  %c = tensor.concat dim(1) %b, %a : (tensor<9x19xf64>, tensor<9x19xf64>) -> tensor<9x38xf64>
  %d = tensor.expand_shape %c [[0], [1, 2]] output_shape [9, 2, 19] : tensor<9x38xf64> into tensor<9x2x19xf64>
  %init = tensor.empty() : tensor<9x19x2xf64>
  %e = linalg.transpose ins(%d : tensor<9x2x19xf64>) outs(%init : tensor<9x19x2xf64>) permutation = [0, 2, 1]
  %f = tensor.collapse_shape %e [[0], [1, 2]] : tensor<9x19x2xf64> into tensor<9x38xf64>
  %g = tune.pick %f, %index : (tensor<9x38xf64>, tensor<9xi32>) -> tensor<9xf64>
  return %g : tensor<9xf64>
}

// -----

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>

// Neither wide enough nor large enough: left alone.
// CHECK-LABEL: func.func @small
// CHECK-NOT: tune.rows
func.func @small(%x: tensor<9x30xf64>, %w: tensor<40x30xf64>, %y: tensor<2x1xf64>, %u: tensor<20x1xf64>) -> (tensor<9xf64>, tensor<2xf64>) {
  %zeros = arith.constant dense<0.0> : tensor<9x40xf64>
  %a = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %w : tensor<9x30xf64>, tensor<40x30xf64>) outs(%zeros : tensor<9x40xf64>) -> tensor<9x40xf64>
  %none = arith.constant dense<0.0> : tensor<9xf64>
  %b = linalg.reduce { arith.addf } ins(%a : tensor<9x40xf64>) outs(%none : tensor<9xf64>) dimensions = [1]
  %few = arith.constant dense<0.0> : tensor<2x20xf64>
  %c = linalg.contract indexing_maps = [#x, #w, #o] ins(%y, %u : tensor<2x1xf64>, tensor<20x1xf64>) outs(%few : tensor<2x20xf64>) -> tensor<2x20xf64>
  %two = arith.constant dense<0.0> : tensor<2xf64>
  %d = linalg.reduce { arith.addf } ins(%c : tensor<2x20xf64>) outs(%two : tensor<2xf64>) dimensions = [1]
  return %b, %d : tensor<9xf64>, tensor<2xf64>
}

// -----

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>

// Two and a half times as wide is enough where a number a row is left: a small vocabulary.
// CHECK-LABEL: func.func @small
func.func @small(%x: tensor<9x16xf64>, %w: tensor<41x16xf64>) -> tensor<9xf64> {
  // CHECK: tune.rows {{.*}} chunk 3 -> tensor<9xf64>
  %zeros = arith.constant dense<0.0> : tensor<9x41xf64>
  %logits = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %w : tensor<9x16xf64>, tensor<41x16xf64>) outs(%zeros : tensor<9x41xf64>) -> tensor<9x41xf64>
  %exp = math.exp %logits : tensor<9x41xf64>
  %none = arith.constant dense<0.0> : tensor<9xf64>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<9x41xf64>) outs(%none : tensor<9xf64>) dimensions = [1]
  return %sum : tensor<9xf64>
}
