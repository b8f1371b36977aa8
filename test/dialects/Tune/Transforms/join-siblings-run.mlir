// The gradients of both operands of tanh(x) y, of which one is read by a product, come from one kernel, with what the
// reference gives.

// RUN: ftc-opt %s --tune-fuse-rows | FileCheck %s --check-prefix=APART
// RUN: ftc-opt %s --tune-fuse-rows --tune-join-siblings | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --judge=1e-6

#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>
tune.tensor input @x : tensor<40x72xf32>
tune.tensor input @y : tensor<40x72xf32>
tune.tensor input @g : tensor<40x72xf32>
tune.tensor input @w : tensor<72x8xf32>
tune.tensor output @dy : tensor<40x72xf32>
tune.tensor output @dx : tensor<40x72xf32>
tune.tensor output @narrow : tensor<40x8xf32>

// APART-COUNT-2: = tune.fused(
// CHECK:     %[[BOTH:.*]]:2 = tune.fused(
// CHECK-NOT: tune.fused(
// CHECK:     linalg.contract {{.*}}ins(%[[BOTH]]#{{[01]}}
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<40x72xf32>
  %y = tune.read @y : tensor<40x72xf32>
  %g = tune.read @g : tensor<40x72xf32>
  %w = tune.read @w : tensor<72x8xf32>
  %s = math.tanh %x : tensor<40x72xf32>
  %dy = arith.mulf %g, %s : tensor<40x72xf32>
  %none = arith.constant dense<0.0> : tensor<40x8xf32>
  %narrow = linalg.contract indexing_maps = [#a, #b, #c] ins(%dy, %w : tensor<40x72xf32>, tensor<72x8xf32>) outs(%none : tensor<40x8xf32>) -> tensor<40x8xf32>
  %gy = arith.mulf %g, %y : tensor<40x72xf32>
  %c = math.cosh %x : tensor<40x72xf32>
  %cc = arith.mulf %c, %c : tensor<40x72xf32>
  %dx = arith.divf %gy, %cc : tensor<40x72xf32>
  tune.write %dy, @dy : tensor<40x72xf32>
  tune.write %dx, @dx : tensor<40x72xf32>
  tune.write %narrow, @narrow : tensor<40x8xf32>
  return
}
