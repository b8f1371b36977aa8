// Operands that lie as no product of matrices wants them are arranged: what was before a transpose is read instead, or
// the smallest is transposed. A product of rows and a vector is a sum. The numbers are the reference's.

// RUN: ftc-opt %s --convert-tune-to-dnnl | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6

#x = affine_map<(t, n, b, o) -> (t, o)>
#w = affine_map<(t, n, b, o) -> (o, b, n)>
#y = affine_map<(t, n, b, o) -> (t, n, b)>
#r = affine_map<(b, i, o, j) -> (i, j, b)>
#s = affine_map<(b, i, o, j) -> (j, o, b)>
#u = affine_map<(b, i, o, j) -> (i, o, b)>
#narrow = affine_map<(t, o) -> (t, o)>
#vector = affine_map<(t, o) -> (o)>
#a = affine_map<(t, o, k) -> (t, k)>
#b = affine_map<(t, o, k) -> (o, k)>
#c = affine_map<(t, o, k) -> (t, o)>
#sums = affine_map<(t, o) -> (t)>
tune.tensor input @x : tensor<64x48xf32>
tune.tensor weight @w : tensor<48x9x12xf32>
tune.tensor weight @before : tensor<48x12x9xf32>
tune.tensor input @r : tensor<16x16x9xf32>
tune.tensor input @v : tensor<48xf32>
tune.tensor output @y : tensor<64x12x9xf32>
tune.tensor output @z : tensor<64x12x9xf32>
tune.tensor output @square : tensor<16x16x9xf32>
tune.tensor input @m : tensor<5x48xf32>
tune.tensor output @five : tensor<64x5xf32>
tune.tensor input @g : tensor<64xf32>
tune.tensor output @few : tensor<64xf32>
tune.tensor output @columns : tensor<48xf32>

// The columns (n, b) of the result lie as (b, n) in the weight.
// CHECK-LABEL: func.func @permuted
// CHECK: %[[W:.*]] = tune.read @w
// CHECK: %[[OTHER:.*]] = linalg.transpose ins(%[[W]] : tensor<48x9x12xf32>)
// CHECK: dnnl.matmul lhs(%{{.*}}) rhs(%[[OTHER]])
// CHECK-NOT: linalg.contract
func.func @permuted() attributes {tune.program} {
  %zero = arith.constant dense<0.0> : tensor<64x12x9xf32>
  %x = tune.read @x : tensor<64x48xf32>
  %w = tune.read @w : tensor<48x9x12xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<64x48xf32>, tensor<48x9x12xf32>) outs(%zero : tensor<64x12x9xf32>) -> tensor<64x12x9xf32>
  tune.write %y, @y : tensor<64x12x9xf32>
  return
}

// What has been transposed is read as it was.
// CHECK-LABEL: func.func @transposed
// CHECK: %[[BEFORE:.*]] = tune.read @before
// CHECK: dnnl.matmul lhs(%{{.*}}) rhs(%[[BEFORE]])
func.func @transposed() attributes {tune.program} {
  %zero = arith.constant dense<0.0> : tensor<64x12x9xf32>
  %x = tune.read @x : tensor<64x48xf32>
  %before = tune.read @before : tensor<48x12x9xf32>
  %e = tensor.empty() : tensor<48x9x12xf32>
  %w = linalg.transpose ins(%before : tensor<48x12x9xf32>) outs(%e : tensor<48x9x12xf32>) permutation = [0, 2, 1]
  %z = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<64x48xf32>, tensor<48x9x12xf32>) outs(%zero : tensor<64x12x9xf32>) -> tensor<64x12x9xf32>
  tune.write %z, @z : tensor<64x12x9xf32>
  return
}

// Nothing has the neighbours: operands and result are transposed, the common operand once.
// CHECK-LABEL: func.func @batch
// CHECK-COUNT-2: linalg.transpose ins(%{{.*}} : tensor<16x16x9xf32>)
// CHECK: %[[PRODUCT:.*]] = dnnl.matmul
// CHECK: linalg.transpose ins(%[[PRODUCT]] : tensor<9x16x16xf32>)
func.func @batch() attributes {tune.program} {
  %zero = arith.constant dense<0.0> : tensor<16x16x9xf32>
  %r = tune.read @r : tensor<16x16x9xf32>
  %square = linalg.contract indexing_maps = [#r, #s, #u] ins(%r, %r : tensor<16x16x9xf32>, tensor<16x16x9xf32>) outs(%zero : tensor<16x16x9xf32>) -> tensor<16x16x9xf32>
  tune.write %square, @square : tensor<16x16x9xf32>
  return
}

// Rows times a vector: a sum along each row, which can be fused.
// CHECK-LABEL: func.func @rows
// CHECK-NOT: linalg.contract
// CHECK: linalg.broadcast
// CHECK: arith.mulf
// CHECK: linalg.reduce
func.func @rows() attributes {tune.program} {
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %x = tune.read @x : tensor<64x48xf32>
  %v = tune.read @v : tensor<48xf32>
  %few = linalg.contract indexing_maps = [#vector, #narrow, #sums] ins(%v, %x : tensor<48xf32>, tensor<64x48xf32>) outs(%zero : tensor<64xf32>) -> tensor<64xf32>
  tune.write %few, @few : tensor<64xf32>
  return
}

// The same across the rows.
// CHECK-LABEL: func.func @across
// CHECK-NOT: linalg.contract
// CHECK: arith.mulf
// CHECK: linalg.reduce
func.func @across() attributes {tune.program} {
  %zero = arith.constant dense<0.0> : tensor<48xf32>
  %x = tune.read @x : tensor<64x48xf32>
  %g = tune.read @g : tensor<64xf32>
  %columns = linalg.contract indexing_maps = [#sums, #narrow, #vector] ins(%g, %x : tensor<64xf32>, tensor<64x48xf32>) outs(%zero : tensor<48xf32>) -> tensor<48xf32>
  tune.write %columns, @columns : tensor<48xf32>
  return
}

// Narrow however it is arranged, and no vector.
// CHECK-LABEL: func.func @narrow
// CHECK: linalg.contract
// CHECK-NOT: dnnl.matmul
func.func @narrow() attributes {tune.program} {
  %zero = arith.constant dense<0.0> : tensor<64x5xf32>
  %x = tune.read @x : tensor<64x48xf32>
  %m = tune.read @m : tensor<5x48xf32>
  %five = linalg.contract indexing_maps = [#a, #b, #c] ins(%x, %m : tensor<64x48xf32>, tensor<5x48xf32>) outs(%zero : tensor<64x5xf32>) -> tensor<64x5xf32>
  tune.write %five, @five : tensor<64x5xf32>
  return
}
