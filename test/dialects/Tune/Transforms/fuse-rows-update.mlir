// An update is one kernel for each tensor, the same for those of equal shapes: scalars that several need are found once
// before, what reads tensors alone waits for them, and sums of different tensors are not one kernel.

// RUN: ftc-opt %s --tune-fuse-rows | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --judge=1e-6

#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (j, k)>
#c = affine_map<(i, j, k) -> (i, j)>
tune.tensor input @t : tensor<f32>
tune.tensor trained @p : tensor<64x32xf32>
tune.tensor trained @q : tensor<64x32xf32>
tune.tensor state @mp : tensor<64x32xf32>
tune.tensor state @mq : tensor<64x32xf32>
tune.tensor gradient @gp : tensor<64x32xf32>
tune.tensor gradient @gq : tensor<64x32xf32>
tune.tensor output @norm : tensor<f32>
tune.tensor output @y : tensor<64x64xf32>

// CHECK-LABEL: func.func @update
// CHECK-DAG:     %[[T:.*]] = tune.read @t
// CHECK-DAG:     %[[P:.*]] = tune.read @p
// CHECK-DAG:     %[[Q:.*]] = tune.read @q
// CHECK-DAG:     %[[MP:.*]] = tune.read @mp
// CHECK-DAG:     %[[MQ:.*]] = tune.read @mq
// CHECK-DAG:     %[[GP:.*]] = tune.read @gp
// CHECK-DAG:     %[[GQ:.*]] = tune.read @gq
// CHECK-DAG:     %[[SP:.*]] = tune.fused(%[[GP]]) : (tensor<64x32xf32>) -> tensor<f32>
// CHECK-DAG:     %[[SQ:.*]] = tune.fused(%[[GQ]]) : (tensor<64x32xf32>) -> tensor<f32>
// CHECK-DAG:     tune.fused(%[[SP]], %[[SQ]]) : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK-DAG:     %[[C:.*]] = tune.fused(%[[T]]) : (tensor<f32>) -> tensor<f32>
// CHECK-DAG:     tune.fused(%[[MP]], %[[GP]], %[[C]], %[[P]]) : ({{.*}}) -> (tensor<64x32xf32>, tensor<64x32xf32>)
// CHECK-DAG:     tune.fused(%[[MQ]], %[[GQ]], %[[C]], %[[Q]]) : ({{.*}}) -> (tensor<64x32xf32>, tensor<64x32xf32>)
// CHECK-NOT:     tune.fused(
// CHECK:         return
func.func @update() attributes {tune.program} {
  %t = tune.read @t : tensor<f32>
  %p = tune.read @p : tensor<64x32xf32>
  %q = tune.read @q : tensor<64x32xf32>
  %mp = tune.read @mp : tensor<64x32xf32>
  %mq = tune.read @mq : tensor<64x32xf32>
  %gp = tune.read @gp : tensor<64x32xf32>
  %gq = tune.read @gq : tensor<64x32xf32>
  %zero = arith.constant 0.0 : f32
  %none = tensor.empty() : tensor<f32>
  %start = linalg.fill ins(%zero : f32) outs(%none : tensor<f32>) -> tensor<f32>
  %gp2 = arith.mulf %gp, %gp : tensor<64x32xf32>
  %sp = linalg.reduce { arith.addf } ins(%gp2 : tensor<64x32xf32>) outs(%start : tensor<f32>) dimensions = [0, 1]
  %gq2 = arith.mulf %gq, %gq : tensor<64x32xf32>
  %sq = linalg.reduce { arith.addf } ins(%gq2 : tensor<64x32xf32>) outs(%start : tensor<f32>) dimensions = [0, 1]
  %both = arith.addf %sp, %sq : tensor<f32>
  %norm = math.sqrt %both : tensor<f32>
  tune.write %norm, @norm : tensor<f32>
  %c = math.exp %t : tensor<f32>
  %beta = arith.constant dense<0.9> : tensor<64x32xf32>
  %any = tensor.empty() : tensor<64x32xf32>
  %mp1 = arith.mulf %mp, %beta : tensor<64x32xf32>
  %mp2 = arith.addf %mp1, %gp : tensor<64x32xf32>
  %cp = linalg.broadcast ins(%c : tensor<f32>) outs(%any : tensor<64x32xf32>) dimensions = [0, 1]
  %dp = arith.mulf %mp2, %cp : tensor<64x32xf32>
  %np = arith.subf %p, %dp : tensor<64x32xf32>
  tune.write %np, @p : tensor<64x32xf32>
  tune.write %mp2, @mp : tensor<64x32xf32>
  %mq1 = arith.mulf %mq, %beta : tensor<64x32xf32>
  %mq2 = arith.addf %mq1, %gq : tensor<64x32xf32>
  %cq = linalg.broadcast ins(%c : tensor<f32>) outs(%any : tensor<64x32xf32>) dimensions = [0, 1]
  %dq = arith.mulf %mq2, %cq : tensor<64x32xf32>
  %nq = arith.subf %q, %dq : tensor<64x32xf32>
  tune.write %nq, @q : tensor<64x32xf32>
  tune.write %mq2, @mq : tensor<64x32xf32>
  return
}

// What does not lie in a tensor is used where it is there: the product need not be kept for as long as what it makes.
// CHECK-LABEL: func.func @kept
// CHECK:         %[[X:.*]] = linalg.contract
// CHECK:         %[[E:.*]] = tune.fused(%[[X]]) : (tensor<64x64xf32>) -> tensor<64x64xf32>
// CHECK:         %[[Z:.*]] = linalg.contract {{.*}}ins(%[[X]]
// CHECK-NEXT:    tune.fused(%[[E]], %[[Z]])
// CHECK-NOT:     tune.fused(
// CHECK:         return
func.func @kept() attributes {tune.program} {
  %p = tune.read @p : tensor<64x32xf32>
  %none = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = linalg.contract indexing_maps = [#a, #b, #c] ins(%p, %p : tensor<64x32xf32>, tensor<64x32xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %e = math.tanh %x : tensor<64x64xf32>
  %z = linalg.contract indexing_maps = [#a, #b, #c] ins(%x, %x : tensor<64x64xf32>, tensor<64x64xf32>) outs(%none : tensor<64x64xf32>) -> tensor<64x64xf32>
  %y = arith.mulf %e, %z : tensor<64x64xf32>
  tune.write %y, @y : tensor<64x64xf32>
  return
}
