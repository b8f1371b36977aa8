// RUN: ftc-opt %s --tune-place --tune-verify-placement | FileCheck %s
// RUN: ftc-run-mlir %s --repeat=3 --target=cpu | FileCheck %s --check-prefix=VALUES
// A cache is updated where it lies, and what follows sees its new contents; one whose old contents are still wanted is not.

// CHECK: tune.tensor cache @keys {{.*}}tune.offset = [[KEYS:[0-9]+]]
// CHECK: tune.tensor cache @kept {{.*}}tune.offset = [[KEPT:[0-9]+]]
// CHECK: tune.update_slice {{.*}}dim 1 {tune.offsets = array<i64: [[KEYS]]>}
// CHECK-NOT: tune.update_slice {{.*}}dim 1 {tune.offsets = array<i64: [[KEPT]]>}
// VALUES: sum = 12
// VALUES: before = 8
tune.tensor cache @keys : tensor<1x4x2xf64>
tune.tensor cache @kept : tensor<1x4x2xf64>
tune.tensor value @place : tensor<i32>
tune.tensor output @sum : tensor<f64>
tune.tensor output @before : tensor<f64>
func.func @decode() attributes {tune.program} {
  %keys = tune.read @keys : tensor<1x4x2xf64>
  %kept = tune.read @kept : tensor<1x4x2xf64>
  %place = tune.read @place : tensor<i32>
  %new = arith.constant dense<2.0> : tensor<1x1x2xf64>
  %updated = tune.update_slice %new into %keys at %place dim 1 : tensor<1x1x2xf64>, tensor<1x4x2xf64>, tensor<i32>
  tune.write %updated, @keys : tensor<1x4x2xf64>
  %zero = arith.constant 0.0 : f64
  %init = tensor.empty() : tensor<f64>
  %fill = linalg.fill ins(%zero : f64) outs(%init : tensor<f64>) -> tensor<f64>
  %sum = linalg.reduce { arith.addf } ins(%updated : tensor<1x4x2xf64>) outs(%fill : tensor<f64>) dimensions = [0, 1, 2]
  tune.write %sum, @sum : tensor<f64>
  %later = tune.update_slice %new into %kept at %place dim 1 : tensor<1x1x2xf64>, tensor<1x4x2xf64>, tensor<i32>
  tune.write %later, @kept : tensor<1x4x2xf64>
  %before = linalg.reduce { arith.addf } ins(%kept : tensor<1x4x2xf64>) outs(%fill : tensor<f64>) dimensions = [0, 1, 2]
  tune.write %before, @before : tensor<f64>
  %one = arith.constant dense<1> : tensor<i32>
  %next = arith.addi %place, %one : tensor<i32>
  tune.write %next, @place : tensor<i32>
  return
}
