// What is written to a tensor is computed where its operands are there, after the last one that reads what the tensor
// has held. So what it is made of need not be kept to the end of the program.

// RUN: ftc-opt %s --tune-fuse-rows | FileCheck %s
// RUN: ftc-opt %s --tune-fuse-rows --tune-place --tune-verify-placement | FileCheck %s --check-prefix=PLACED
// RUN: ftc-run-mlir %s --target=cpu --judge=1e-6

#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>
tune.tensor input @x : tensor<64x64xf32>
tune.tensor trained @w : tensor<64x64xf32>
tune.tensor gradient @g : tensor<64x64xf32>
tune.tensor output @y : tensor<64x64xf32>

// Two values of 16 KB at once: a product and what it is made of.
// PLACED: activations = 32768 : i64
// CHECK-LABEL: func.func @accumulate
// CHECK:       %[[G:.*]] = tune.read @g
// CHECK:       %[[FIRST:.*]] = linalg.contract
// CHECK-NEXT:  tune.fused({{.*}}%[[G]]
// CHECK:       linalg.contract {{.*}}ins(%[[FIRST]]
// CHECK:       linalg.contract
// CHECK-NOT:   tune.fused
// CHECK:       tune.write
func.func @accumulate() attributes {tune.program} {
  %x = tune.read @x : tensor<64x64xf32>
  %w = tune.read @w : tensor<64x64xf32>
  %g = tune.read @g : tensor<64x64xf32>
  %none = arith.constant dense<0.0> : tensor<64x64xf32>
  %p1 = linalg.contract indexing_maps = [#a, #b, #c] ins(%x, %w : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %p2 = linalg.contract indexing_maps = [#a, #b, #c] ins(%p1, %w : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %p3 = linalg.contract indexing_maps = [#a, #b, #c] ins(%p2, %w : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %p4 = linalg.contract indexing_maps = [#a, #b, #c] ins(%p3, %w : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %sum = arith.addf %g, %p1 : tensor<64x64xf32>
  tune.write %sum, @g : tensor<64x64xf32>
  tune.write %p4, @y : tensor<64x64xf32>
  return
}

// The product reads the tensor as it was.
// CHECK-LABEL: func.func @update
// CHECK:       %[[P:.*]] = linalg.contract
// CHECK:       %[[Q:.*]] = linalg.contract {{.*}}ins(%[[P]]
// CHECK-NEXT:  tune.fused
// CHECK:       linalg.contract {{.*}}ins(%[[Q]]
func.func @update() attributes {tune.program} {
  %x = tune.read @x : tensor<64x64xf32>
  %w = tune.read @w : tensor<64x64xf32>
  %g = tune.read @g : tensor<64x64xf32>
  %none = arith.constant dense<0.0> : tensor<64x64xf32>
  %p = linalg.contract indexing_maps = [#a, #b, #c] ins(%x, %g : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %q = linalg.contract indexing_maps = [#a, #b, #c] ins(%p, %w : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %r = linalg.contract indexing_maps = [#a, #b, #c] ins(%q, %x : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %next = arith.subf %w, %g : tensor<64x64xf32>
  tune.write %next, @w : tensor<64x64xf32>
  tune.write %r, @y : tensor<64x64xf32>
  return
}
