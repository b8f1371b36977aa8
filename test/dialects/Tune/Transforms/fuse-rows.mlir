// Ops that share their rows become one kernel; numbers: test/Target/CPU/rows.mlir.

// RUN: ftc-opt %s --tune-fuse-rows | FileCheck %s

tune.tensor input @x : tensor<64x32xf32>
tune.tensor weight @w : tensor<32xf32>
tune.tensor output @y : tensor<64x32xf32>
tune.tensor output @dw : tensor<32xf32>

// A norm is one kernel that stores its result only; where the weight's elements come from is part of it.
// CHECK-LABEL: func.func @norm
// CHECK: %[[Y:.*]] = tune.fused(%{{.*}}, %{{.*}}) : (tensor<64x32xf32>, tensor<32xf32>) -> tensor<64x32xf32>
// CHECK: linalg.reduce
// CHECK: math.rsqrt
// CHECK: linalg.broadcast
// CHECK: tune.fused_yield %{{.*}} : tensor<64x32xf32>
// CHECK-NOT: tune.fused
// CHECK: tune.write %[[Y]], @y
func.func @norm() attributes {tune.program} {
  %zero = arith.constant 0.0 : f32
  %x = tune.read @x : tensor<64x32xf32>
  %w = tune.read @w : tensor<32xf32>
  %x2 = arith.mulf %x, %x : tensor<64x32xf32>
  %e = tensor.empty() : tensor<64xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %s = linalg.reduce { arith.addf } ins(%x2 : tensor<64x32xf32>) outs(%i : tensor<64xf32>) dimensions = [1]
  %r = math.rsqrt %s : tensor<64xf32>
  %ew = tensor.empty() : tensor<64x32xf32>
  %rb = linalg.broadcast ins(%r : tensor<64xf32>) outs(%ew : tensor<64x32xf32>) dimensions = [1]
  %wb = linalg.broadcast ins(%w : tensor<32xf32>) outs(%ew : tensor<64x32xf32>) dimensions = [0]
  %h = arith.mulf %x, %rb : tensor<64x32xf32>
  %y = arith.mulf %h, %wb : tensor<64x32xf32>
  tune.write %y, @y : tensor<64x32xf32>
  return
}

// A sum across rows takes along what only it needs.
// CHECK-LABEL: func.func @across
// CHECK: tune.fused(%{{.*}}) : (tensor<64x32xf32>) -> tensor<32xf32>
// CHECK: math.exp
// CHECK: linalg.reduce
// CHECK: tune.fused_yield
func.func @across() attributes {tune.program} {
  %zero = arith.constant 0.0 : f32
  %x = tune.read @x : tensor<64x32xf32>
  %p = math.exp %x : tensor<64x32xf32>
  %e = tensor.empty() : tensor<32xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<32xf32>) -> tensor<32xf32>
  %s = linalg.reduce { arith.addf } ins(%p : tensor<64x32xf32>) outs(%i : tensor<32xf32>) dimensions = [0]
  tune.write %s, @dw : tensor<32xf32>
  return
}

// What a tensor is padded with goes into the kernel together with the padding.
// CHECK-LABEL: func.func @padded
// CHECK: tune.fused
// CHECK: tensor.pad
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: tensor.yield %[[ZERO]]
// CHECK: tune.fused_yield
func.func @padded() attributes {tune.program} {
  %zero = arith.constant 0.0 : f32
  %x = tune.read @x : tensor<64x32xf32>
  %s = tensor.extract_slice %x[0, 0] [64, 31] [1, 1] : tensor<64x32xf32> to tensor<64x31xf32>
  %e = math.exp %s : tensor<64x31xf32>
  %p = tensor.pad %e low[0, 1] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<64x31xf32> to tensor<64x32xf32>
  %y = arith.addf %p, %x : tensor<64x32xf32>
  tune.write %y, @y : tensor<64x32xf32>
  return
}
