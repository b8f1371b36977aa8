// A product that a loop sums adds to the loop's result in place (KernelGenerator::mayAccumulate), whatever its form: as it is, turned, and seen through a
// view. One that something else reads too is added by a copy. Sums are those of the reference, with one thread and with two.

// RUN: ftc-run-mlir %s --target=cpu --judge=1e-5
// RUN: ftc-run-mlir %s --target=cpu --judge=1e-5 --num-threads=2
// RUN: ftc-opt %s --convert-tune-to-dnnl --tune-fuse-rows --tune-place --tune-verify-placement | FileCheck %s
// CHECK:      tune.rows
// CHECK-SAME: tune.offsets = array<i64: [[KEPT:[0-9]+]], [[PLAIN:[0-9]+]], [[TURNED:[0-9]+]], [[READ:[0-9]+]]>
// CHECK:      dnnl.matmul {{.*}}tune.offsets = array<i64: [[PLAIN]]>
// CHECK:      dnnl.matmul {{.*}}tune.offsets = array<i64: [[TURNED]]>
// CHECK-NOT:  dnnl.matmul {{.*}}tune.offsets = array<i64: [[READ]]>
// CHECK:      tune.yield

#rows = affine_map<(m, n, k) -> (k, m)>
#columns = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>

tune.tensor input @x : tensor<96x200xf32>
tune.tensor input @y : tensor<96x320xf32>
tune.tensor input @z : tensor<96x16xf32>
tune.tensor output @kept : tensor<96xf32>
tune.tensor output @plain : tensor<20x10x320xf32>
tune.tensor output @turned : tensor<200x16xf32>
tune.tensor output @read : tensor<16x320xf32>

func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<96x200xf32>
  %y = tune.read @y : tensor<96x320xf32>
  %z = tune.read @z : tensor<96x16xf32>
  %kept, %plain, %turned, %read = tune.rows (%a = %x : tensor<96x200xf32>, %b = %y : tensor<96x320xf32>, %c = %z : tensor<96x16xf32>) chunk 32
      -> (tensor<96xf32>, tensor<20x10x320xf32>, tensor<200x16xf32>, tensor<16x320xf32>) {
    %zero = arith.constant 0.0 : f32
    %e0 = tensor.empty() : tensor<200x320xf32>
    %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<200x320xf32>) -> tensor<200x320xf32>
    %p0 = linalg.contract indexing_maps = [#rows, #columns, #result] ins(%a, %b : tensor<32x200xf32>, tensor<32x320xf32>)
         outs(%z0 : tensor<200x320xf32>) -> tensor<200x320xf32>
    %v0 = tensor.expand_shape %p0 [[0, 1], [2]] output_shape [20, 10, 320] : tensor<200x320xf32> into tensor<20x10x320xf32>
    %e1 = tensor.empty() : tensor<200x16xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<200x16xf32>) -> tensor<200x16xf32>
    %p1 = linalg.contract indexing_maps = [#rows, #columns, #result] ins(%a, %c : tensor<32x200xf32>, tensor<32x16xf32>)
         outs(%z1 : tensor<200x16xf32>) -> tensor<200x16xf32>
    %e2 = tensor.empty() : tensor<16x320xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<16x320xf32>) -> tensor<16x320xf32>
    %p2 = linalg.contract indexing_maps = [#rows, #columns, #result] ins(%c, %b : tensor<32x16xf32>, tensor<32x320xf32>)
         outs(%z2 : tensor<16x320xf32>) -> tensor<16x320xf32>
    %e3 = tensor.empty() : tensor<32x16xf32>
    %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<32x16xf32>) -> tensor<32x16xf32>
    %p3 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, #result]
         ins(%b, %p2 : tensor<32x320xf32>, tensor<16x320xf32>) outs(%z3 : tensor<32x16xf32>) -> tensor<32x16xf32>
    %e4 = tensor.empty() : tensor<32xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<32xf32>) -> tensor<32xf32>
    %s = linalg.reduce { arith.addf } ins(%p3 : tensor<32x16xf32>) outs(%z4 : tensor<32xf32>) dimensions = [1]
    tune.yield sliced (%s : tensor<32xf32>) summed (%v0, %p1, %p2 : tensor<20x10x320xf32>, tensor<200x16xf32>, tensor<16x320xf32>)
  }
  tune.write %kept, @kept : tensor<96xf32>
  tune.write %plain, @plain : tensor<20x10x320xf32>
  tune.write %turned, @turned : tensor<200x16xf32>
  tune.write %read, @read : tensor<16x320xf32>
  return
}
