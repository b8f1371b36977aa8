// Sums of products become one op; factors go to the smaller operand, or out of it to a smaller result.

// RUN: ftc-opt %s --convert-tune-to-dnnl | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// An adapter beside a frozen weight. The factor is moved to the adapter's narrow matrix.
// CHECK-LABEL: func.func @adapter
// CHECK-SAME: %[[X:.*]]: tensor<64x32xf32>, %[[W:.*]]: tensor<48x32xf32>, %[[L:.*]]: tensor<64x9xf32>, %[[B:.*]]: tensor<48x9xf32>
func.func @adapter(%x: tensor<64x32xf32>, %w: tensor<48x32xf32>, %l: tensor<64x9xf32>, %b: tensor<48x9xf32>) -> tensor<64x48xf32> {
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[B]]
  // CHECK: %[[Y:.*]] = dnnl.matmul lhs(%[[X]], %[[L]]) rhs(%[[W]], %[[SCALED]])
  // CHECK: return %[[Y]]
  %zero = arith.constant 0.0 : f32
  %two = arith.constant dense<2.0> : tensor<64x48xf32>
  %e = tensor.empty() : tensor<64x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x48xf32>) -> tensor<64x48xf32>
  %base = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<64x32xf32>, tensor<48x32xf32>) outs(%f : tensor<64x48xf32>) -> tensor<64x48xf32>
  %low = linalg.contract indexing_maps = [#x, #w, #y] ins(%l, %b : tensor<64x9xf32>, tensor<48x9xf32>) outs(%f : tensor<64x48xf32>) -> tensor<64x48xf32>
  %scaled = arith.mulf %low, %two : tensor<64x48xf32>
  %y = arith.addf %base, %scaled : tensor<64x48xf32>
  return %y : tensor<64x48xf32>
}

// Something else between the terms: it is added to the sum of products, which comes before.
// CHECK-LABEL: func.func @between
// CHECK-SAME: %[[REST:[a-z0-9]+]]: tensor<64x48xf32>
func.func @between(%x: tensor<64x32xf32>, %w: tensor<48x32xf32>, %l: tensor<64x9xf32>, %b: tensor<48x9xf32>, %rest: tensor<64x48xf32>) -> tensor<64x48xf32> {
  // CHECK: %[[SUM:.*]] = dnnl.matmul
  // CHECK-NEXT: %[[Y:.*]] = arith.addf %[[SUM]], %[[REST]]
  // CHECK-NEXT: return %[[Y]]
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x48xf32>) -> tensor<64x48xf32>
  %base = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<64x32xf32>, tensor<48x32xf32>) outs(%f : tensor<64x48xf32>) -> tensor<64x48xf32>
  %inner = arith.addf %base, %rest : tensor<64x48xf32>
  %low = linalg.contract indexing_maps = [#x, #w, #y] ins(%l, %b : tensor<64x9xf32>, tensor<48x9xf32>) outs(%f : tensor<64x48xf32>) -> tensor<64x48xf32>
  %y = arith.addf %inner, %low : tensor<64x48xf32>
  return %y : tensor<64x48xf32>
}

// A product of one row reads the matrix once: it is left to a kernel of rows.
// CHECK-LABEL: func.func @row
func.func @row(%x: tensor<1x32xf32>, %w: tensor<48x32xf32>) -> tensor<1x48xf32> {
  // CHECK: linalg.contract
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x48xf32>) -> tensor<1x48xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<1x32xf32>, tensor<48x32xf32>) outs(%f : tensor<1x48xf32>) -> tensor<1x48xf32>
  return %y : tensor<1x48xf32>
}

tune.tensor gradient @g : tensor<64x48xf32>
tune.tensor input @x : tensor<64x32xf32>
tune.tensor weight @w : tensor<48x32xf32>

// A gradient that is kept where the sum goes is added to in place.
// CHECK-LABEL: func.func @accumulate
func.func @accumulate() attributes {tune.program} {
  // CHECK: %[[G:.*]] = tune.read @g
  // CHECK: %[[SUM:.*]] = dnnl.matmul lhs(%{{.*}}) rhs(%{{.*}}) init(%[[G]])
  // CHECK: tune.write %[[SUM]], @g
  %zero = arith.constant 0.0 : f32
  %x = tune.read @x : tensor<64x32xf32>
  %w = tune.read @w : tensor<48x32xf32>
  %e = tensor.empty() : tensor<64x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x48xf32>) -> tensor<64x48xf32>
  %d = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<64x32xf32>, tensor<48x32xf32>) outs(%f : tensor<64x48xf32>) -> tensor<64x48xf32>
  %g = tune.read @g : tensor<64x48xf32>
  %sum = arith.addf %g, %d : tensor<64x48xf32>
  tune.write %sum, @g : tensor<64x48xf32>
  return
}

// A difference is a sum with the smaller operand negated.
// CHECK-LABEL: func.func @difference
// CHECK-SAME: %[[W:.*]]: tensor<20x32xf32>, %[[X:.*]]: tensor<400x32xf32>, %[[V:.*]]: tensor<20x32xf32>, %[[Y:[a-z0-9]+]]: tensor<400x32xf32>
func.func @difference(%w: tensor<20x32xf32>, %x: tensor<400x32xf32>, %v: tensor<20x32xf32>, %y: tensor<400x32xf32>) -> tensor<20x400xf32> {
  // CHECK: %[[NEGATIVE:.*]] = arith.negf %[[V]]
  // CHECK: %[[D:.*]] = dnnl.matmul lhs(%[[W]], %[[NEGATIVE]]) rhs(%[[X]], %[[Y]])
  // CHECK: return %[[D]]
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<20x400xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<20x400xf32>) -> tensor<20x400xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%w, %x : tensor<20x32xf32>, tensor<400x32xf32>) outs(%f : tensor<20x400xf32>) -> tensor<20x400xf32>
  %q = linalg.contract indexing_maps = [#x, #w, #y] ins(%v, %y : tensor<20x32xf32>, tensor<400x32xf32>) outs(%f : tensor<20x400xf32>) -> tensor<20x400xf32>
  %d = arith.subf %p, %q : tensor<20x400xf32>
  return %d : tensor<20x400xf32>
}

// Both operands are as large as the result: negating one would cost what the subtraction does.
// CHECK-LABEL: func.func @cheap_difference
func.func @cheap_difference(%w: tensor<40x32xf32>, %x: tensor<40x32xf32>) -> tensor<40x40xf32> {
  // CHECK: arith.subf
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<40x40xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<40x40xf32>) -> tensor<40x40xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%w, %x : tensor<40x32xf32>, tensor<40x32xf32>) outs(%f : tensor<40x40xf32>) -> tensor<40x40xf32>
  %q = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<40x32xf32>, tensor<40x32xf32>) outs(%f : tensor<40x40xf32>) -> tensor<40x40xf32>
  %d = arith.subf %p, %q : tensor<40x40xf32>
  return %d : tensor<40x40xf32>
}

tune.tensor gradient @scaled : tensor<64x48xf32>
tune.tensor gradient @added : tensor<64x48xf32>

// So is one times a number, which is on the smaller factor; the same where nothing was there before.
// CHECK-LABEL: func.func @scales
func.func @scales() attributes {tune.program} {
  // CHECK-DAG: %[[G:.*]] = tune.read @added
  // CHECK-DAG: %[[W:.*]] = tune.read @w
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[W]]
  // CHECK: %[[ALONE:.*]] = dnnl.matmul lhs(%{{.*}}) rhs(%[[SCALED]]) {
  // CHECK: tune.write %[[ALONE]], @scaled
  // CHECK: %[[AGAIN:.*]] = arith.mulf %[[W]]
  // CHECK: %[[SUM:.*]] = dnnl.matmul lhs(%{{.*}}) rhs(%[[AGAIN]]) init(%[[G]])
  // CHECK: tune.write %[[SUM]], @added
  %zero = arith.constant 0.0 : f32
  %two = arith.constant dense<2.0> : tensor<64x48xf32>
  %three = arith.constant dense<3.0> : tensor<64x48xf32>
  %g = tune.read @added : tensor<64x48xf32>
  %x = tune.read @x : tensor<64x32xf32>
  %w = tune.read @w : tensor<48x32xf32>
  %e = tensor.empty() : tensor<64x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x48xf32>) -> tensor<64x48xf32>
  %d = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<64x32xf32>, tensor<48x32xf32>) outs(%f : tensor<64x48xf32>) -> tensor<64x48xf32>
  %s = arith.mulf %d, %two : tensor<64x48xf32>
  tune.write %s, @scaled : tensor<64x48xf32>
  %d2 = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<64x32xf32>, tensor<48x32xf32>) outs(%f : tensor<64x48xf32>) -> tensor<64x48xf32>
  %t = arith.mulf %three, %d2 : tensor<64x48xf32>
  %sum = arith.addf %t, %g : tensor<64x48xf32>
  tune.write %sum, @added : tensor<64x48xf32>
  return
}
