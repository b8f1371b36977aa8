// Results that are rounded are multiplied by 1 + 2^-21 u; what is exact, scalars, 0 and infinities stay.
// The numbers are those of any machine: integers, sums and products of f64.

// RUN: ftc-opt %s --tune-perturb-results=seed=1 | FileCheck %s
// RUN: ftc-run-mlir %s --passes=tune-perturb-results{seed=1} --digits=12 | FileCheck %s --check-prefix=ONE
// RUN: ftc-run-mlir %s --passes=tune-perturb-results{seed=2} --digits=12 | FileCheck %s --check-prefix=TWO

tune.tensor input @x : tensor<4xf64> {test.values = dense<[0.0, 3.0, 5.0, 0xFFF0000000000000]> : tensor<4xf64>}
tune.tensor output @squares : tensor<4xf64>
tune.tensor output @sum : tensor<f64>
tune.tensor output @largest : tensor<1xf64>

// CHECK-LABEL: func.func @program
func.func @program() attributes {tune.program} {
  %zero = arith.constant 0.0 : f64
  %low = arith.constant 0xFFF0000000000000 : f64
  // CHECK: %[[X:.*]] = tune.read @x
  %x = tune.read @x : tensor<4xf64>
  // CHECK-NEXT: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
  // CHECK-NEXT: %[[BITS:.*]] = arith.bitcast %[[SQUARE]] : tensor<4xf64> to tensor<4xi64>
  // CHECK: %[[FACTOR:.*]] = arith.addf
  // CHECK-NEXT: %[[CHANGED:.*]] = arith.mulf %[[SQUARE]], %[[FACTOR]]
  %square = arith.mulf %x, %x : tensor<4xf64>
  // CHECK: %[[NEGATIVE:.*]] = arith.negf %[[CHANGED]]
  // CHECK-NEXT: tune.write %[[NEGATIVE]], @squares
  %negative = arith.negf %square : tensor<4xf64>
  tune.write %negative, @squares : tensor<4xf64>
  // The sum to a scalar, and what is picked.
  // CHECK: %[[SUM:.*]] = linalg.reduce { arith.addf }
  // CHECK-NEXT: tune.write %[[SUM]], @sum
  %none = tensor.empty() : tensor<f64>
  %begin = linalg.fill ins(%zero : f64) outs(%none : tensor<f64>) -> tensor<f64>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<4xf64>) outs(%begin : tensor<f64>) dimensions = [0]
  tune.write %sum, @sum : tensor<f64>
  // CHECK: %[[LARGEST:.*]] = linalg.reduce { arith.maximumf }
  // CHECK-NEXT: tune.write %[[LARGEST]], @largest
  %row = tensor.expand_shape %x [[0, 1]] output_shape [1, 4] : tensor<4xf64> into tensor<1x4xf64>
  %place = tensor.empty() : tensor<1xf64>
  %lowest = linalg.fill ins(%low : f64) outs(%place : tensor<1xf64>) -> tensor<1xf64>
  %largest = linalg.reduce { arith.maximumf } ins(%row : tensor<1x4xf64>) outs(%lowest : tensor<1xf64>) dimensions = [1]
  tune.write %largest, @largest : tensor<1xf64>
  return
}

// ONE: squares = -0 -8.99999789136 -25.0000068303 -inf
// ONE-NEXT: sum = -inf
// ONE-NEXT: largest = 5
// TWO: squares = -0 -8.9999968351 -24.999998748 -inf
