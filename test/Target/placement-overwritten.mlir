// What is written to a tensor is computed there, and so is what it is computed over, if nothing else needs that and all
// that reads the tensor's old contents is done.

// RUN: ftc-opt %s --tune-place --tune-verify-placement | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --judge=1e-6

// CHECK-DAG: tune.tensor gradient @table {{.*}}tune.offset = [[TABLE:[0-9]+]]
// CHECK-DAG: tune.tensor output @old {{.*}}tune.offset = [[OLD:[0-9]+]]
// CHECK-DAG: tune.tensor output @twice {{.*}}tune.offset = [[TWICE:[0-9]+]]
tune.tensor input @x : tensor<9x4xf32>
tune.tensor input @rows : tensor<3x4xf32>
tune.tensor input @places : tensor<3xi32> {test.values = dense<[1, 5, 1]> : tensor<3xi32>}
tune.tensor gradient @table : tensor<9x4xf32>
tune.tensor output @old : tensor<9x4xf32>
tune.tensor output @twice : tensor<9x4xf32>

// CHECK-LABEL: func.func @gradient
// CHECK: math.tanh {{.*}}tune.offsets = array<i64: [[TABLE]]>
// CHECK: math.exp {{.*}}tune.offsets = array<i64: [[TABLE]]>
// CHECK: tune.scatter_add {{.*}}tune.offsets = array<i64: [[TABLE]]>
func.func @gradient() attributes {tune.program} {
  %x = tune.read @x : tensor<9x4xf32>
  %rows = tune.read @rows : tensor<3x4xf32>
  %places = tune.read @places : tensor<3xi32>
  %tanh = math.tanh %x : tensor<9x4xf32>
  %exp = math.exp %tanh : tensor<9x4xf32>
  %sum = tune.scatter_add %rows, %places, %exp : (tensor<3x4xf32>, tensor<3xi32>, tensor<9x4xf32>) -> tensor<9x4xf32>
  tune.write %sum, @table : tensor<9x4xf32>
  return
}

// The exponential is needed afterwards; the tensor's old contents are needed when the hyperbolic tangent is there.
// CHECK-LABEL: func.func @needed
// CHECK-NOT: math.exp {{.*}}tune.offsets = array<i64: [[TWICE]]>
// CHECK: math.exp
// CHECK-NOT: math.tanh {{.*}}tune.offsets = array<i64: [[OLD]]>
// CHECK: math.tanh
func.func @needed() attributes {tune.program} {
  %x = tune.read @x : tensor<9x4xf32>
  %old = tune.read @old : tensor<9x4xf32>
  %exp = math.exp %x : tensor<9x4xf32>
  %twice = arith.addf %exp, %exp : tensor<9x4xf32>
  tune.write %twice, @twice : tensor<9x4xf32>
  %tanh = math.tanh %exp : tensor<9x4xf32>
  %half = arith.mulf %exp, %old : tensor<9x4xf32>
  %next = arith.addf %tanh, %half : tensor<9x4xf32>
  tune.write %next, @old : tensor<9x4xf32>
  return
}
