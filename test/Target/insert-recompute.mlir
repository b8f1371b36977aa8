// What is computed again to keep to a budget of bytes: part of a kernel from its other results, then these too; the
// values stay the same bit for bit, and the placed program keeps to the budget.

// RUN: ftc-opt %s --tune-insert-recompute=budget=100000 | FileCheck %s --check-prefix=ROOM
// RUN: ftc-opt %s --tune-insert-recompute=cheap=true | FileCheck %s --check-prefix=ROOM
// RUN: ftc-opt %s --tune-insert-recompute=budget=21000 | FileCheck %s --check-prefix=PART
// RUN: ftc-opt %s --tune-insert-recompute=budget=19000 | FileCheck %s --check-prefix=BOTH
// RUN: ftc-opt %s --tune-insert-recompute=budget=21000 --tune-place --tune-verify-placement | FileCheck %s --check-prefix=PLACED
// RUN: ftc-run-mlir %s --target=cpu > %t.plain
// RUN: ftc-run-mlir %s --target=cpu --target-passes="tune-insert-recompute{budget=21000}" > %t.again
// RUN: diff %t.plain %t.again
// RUN: ftc-run-mlir %s --target=cpu --target-passes="tune-insert-recompute{budget=19000}" > %t.again
// RUN: diff %t.plain %t.again
// RUN: ftc-run-mlir %s --target=cpu --target-passes="tune-insert-recompute{budget=1}" > %t.again
// RUN: diff %t.plain %t.again

#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>
tune.tensor input @x : tensor<32x32xf32>
tune.tensor weight @w : tensor<32x32xf32>
tune.tensor output @y : tensor<32x32xf32>

// Nor is anything computed again without a bound, as it would take more than a fiftieth of so small a program's time.
// ROOM-LABEL: func.func @main
// ROOM-COUNT-3: tune.fused(
// ROOM-NOT: tune.fused(
// ROOM: return

// The exponential of what the first kernel adds up, from the sum.
// PART-LABEL: func.func @main
// PART: %[[FIRST:.*]]:2 = tune.fused(
// PART: %[[DOWN:.*]] = linalg.contract
// PART: %[[AGAIN:.*]] = tune.fused(%[[FIRST]]#0) : (tensor<32x32xf32>) -> tensor<32x32xf32> {
// PART-NEXT: ^bb0(
// PART-NEXT: math.exp
// PART-NEXT: tune.fused_yield
// PART: tune.fused({{.*}}%[[AGAIN]]
// Then the sum too, by itself, before its exponential.
// BOTH-LABEL: func.func @main
// BOTH: %[[X:.*]] = tune.read @x
// BOTH: %[[W:.*]] = tune.read @w
// BOTH-COUNT-4: linalg.contract
// BOTH: %[[SUM:.*]] = tune.fused(%[[W]], %[[X]])
// BOTH: %[[AGAIN:.*]] = tune.fused(%[[SUM]]) : (tensor<32x32xf32>) -> tensor<32x32xf32> {
// BOTH: tune.fused({{.*}}%[[SUM]], %[[AGAIN]])
// Without it 20,480; what @y is computed over lies there.
// PLACED: tune.arena = {{.*}}activations = 16384 : i64
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<32x32xf32>
  %w = tune.read @w : tensor<32x32xf32>
  %none = arith.constant dense<0.0> : tensor<32x32xf32>
  %first:2 = tune.fused(%x, %w) : (tensor<32x32xf32>, tensor<32x32xf32>) -> (tensor<32x32xf32>, tensor<32x32xf32>) {
  ^bb0(%p: tensor<32x32xf32>, %q: tensor<32x32xf32>):
    %s = arith.addf %p, %q : tensor<32x32xf32>
    %e = math.exp %s : tensor<32x32xf32>
    tune.fused_yield %s, %e : tensor<32x32xf32>, tensor<32x32xf32>
  }
  %p1 = linalg.contract indexing_maps = [#a, #b, #c] ins(%first#1, %w : tensor<32x32xf32>, tensor<32x32xf32>) outs(%none : tensor<32x32xf32>) -> tensor<32x32xf32>
  %p2 = linalg.contract indexing_maps = [#a, #b, #c] ins(%p1, %w : tensor<32x32xf32>, tensor<32x32xf32>) outs(%none : tensor<32x32xf32>) -> tensor<32x32xf32>
  %p3 = linalg.contract indexing_maps = [#a, #b, #c] ins(%p2, %p1 : tensor<32x32xf32>, tensor<32x32xf32>) outs(%none : tensor<32x32xf32>) -> tensor<32x32xf32>
  %second = tune.fused(%p3, %p2) : (tensor<32x32xf32>, tensor<32x32xf32>) -> tensor<32x32xf32> {
  ^bb0(%p: tensor<32x32xf32>, %q: tensor<32x32xf32>):
    %s = arith.mulf %p, %q : tensor<32x32xf32>
    tune.fused_yield %s : tensor<32x32xf32>
  }
  %p4 = linalg.contract indexing_maps = [#a, #b, #c] ins(%second, %p3 : tensor<32x32xf32>, tensor<32x32xf32>) outs(%none : tensor<32x32xf32>) -> tensor<32x32xf32>
  %last = tune.fused(%p4, %p1, %first#0, %first#1) : (tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>) -> tensor<32x32xf32> {
  ^bb0(%p: tensor<32x32xf32>, %q: tensor<32x32xf32>, %r: tensor<32x32xf32>, %s: tensor<32x32xf32>):
    %t = arith.addf %p, %q : tensor<32x32xf32>
    %u = arith.mulf %t, %r : tensor<32x32xf32>
    %v = arith.divf %u, %s : tensor<32x32xf32>
    tune.fused_yield %v : tensor<32x32xf32>
  }
  tune.write %last, @y : tensor<32x32xf32>
  return
}
