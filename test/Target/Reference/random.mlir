// RUN: ftc-run-mlir %s | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --judge 0
// The generator's numbers, from its definition (ftc/Runtime/Core/Philox.h); sites are immediates, rows move counters.

tune.tensor input @key : tensor<i64> {test.values = dense<1234567890123> : tensor<i64>}
tune.tensor input @row : tensor<i64> {test.values = dense<1> : tensor<i64>}
tune.tensor input @x : tensor<2x4xf64> {test.values = dense<1.0> : tensor<2x4xf64>}
tune.tensor output @uniform : tensor<2x3xf64>
tune.tensor output @other : tensor<2x3xf64>
tune.tensor output @normal : tensor<6xf64>
tune.tensor output @whole : tensor<2x4xf64>
tune.tensor output @second : tensor<1x4xf64>
tune.tensor output @dropped : tensor<2x4xf64>

// CHECK:      uniform = -0.0159653 0.382617 0.53149 -0.130718 0.145605 0.36922
// CHECK-NEXT: other = 0.921716 0.0236863 -0.449857 -0.590482 0.194078 0.124722
// CHECK-NEXT: normal = 1.78534 1.44453 1.66506 2.14584 1.78919 1.51609
// CHECK-NEXT: whole = 2 2 0 0 0 0 2 0
// CHECK-NEXT: second = 0 0 2 0
// CHECK-NEXT: dropped = 0 1.33333 1.33333 0 1.33333 1.33333 0 0
func.func @main() attributes {tune.program} {
  %key = tune.read @key : tensor<i64>
  %row = tune.read @row : tensor<i64>
  %x = tune.read @x : tensor<2x4xf64>
  %uniform = tune.random uniform(-1.0, 1.0) %key site 7 : tensor<i64> -> tensor<2x3xf64>
  tune.write %uniform, @uniform : tensor<2x3xf64>
  %other = tune.random uniform(-1.0, 1.0) %key site 8 : tensor<i64> -> tensor<2x3xf64>
  tune.write %other, @other : tensor<2x3xf64>
  %normal = tune.random normal(2.0, 0.5) %key site 7 : tensor<i64> -> tensor<6xf64>
  tune.write %normal, @normal : tensor<6xf64>
  %zero = arith.constant dense<0> : tensor<i64>
  %whole = tune.drop %x, %key, %zero rate 0.5 site 3 : tensor<2x4xf64>, tensor<i64>, tensor<i64>
  tune.write %whole, @whole : tensor<2x4xf64>
  %last = tensor.extract_slice %x[1, 0] [1, 4] [1, 1] : tensor<2x4xf64> to tensor<1x4xf64>
  %second = tune.drop %last, %key, %row rate 0.5 site 3 : tensor<1x4xf64>, tensor<i64>, tensor<i64>
  tune.write %second, @second : tensor<1x4xf64>
  %all = tune.drop %x, %key, %row rate 0.25 site 3 : tensor<2x4xf64>, tensor<i64>, tensor<i64>
  tune.write %all, @dropped : tensor<2x4xf64>
  return
}
