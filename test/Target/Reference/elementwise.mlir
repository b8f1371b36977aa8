// RUN: ftc-run-mlir %s | FileCheck %s
// arith and math on tensors: each op on each element, with the edges of IEEE arithmetic.

tune.tensor input @x : tensor<2x3xf64> {test.values = dense<[[1.0, -2.0, 0.5], [0x7FF0000000000000, 0x7FF8000000000000, -0.0]]> : tensor<2x3xf64>}
tune.tensor input @y : tensor<2x3xf64> {test.values = dense<[[4.0, 0.0, -3.0], [2.0, 1.0, 0.0]]> : tensor<2x3xf64>}
tune.tensor output @sum : tensor<2x3xf64>
tune.tensor output @quotient : tensor<2x3xf64>
tune.tensor output @exp : tensor<2x3xf64>
tune.tensor output @largest : tensor<2x3xf64>
tune.tensor output @less : tensor<2x3xi1>
tune.tensor output @chosen : tensor<2x3xf64>
tune.tensor output @narrow : tensor<2x3xf32>
tune.tensor output @scalar : tensor<f64>

// CHECK:      sum = 5 -2 -2.5 inf nan 0
// CHECK-NEXT: quotient = 0.25 -inf -0.166667 inf nan nan
// CHECK-NEXT: exp = 2.71828 0.135335 1.64872 inf nan 1
// CHECK-NEXT: largest = 4 0 0.5 inf nan 0
// CHECK-NEXT: less = 1 1 0 0 0 0
// CHECK-NEXT: chosen = 1 -2 -3 2 1 0
// CHECK-NEXT: narrow = 5.1 -1.9 -2.4 inf nan 0.1
// CHECK-NEXT: scalar = 1.5
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<2x3xf64>
  %y = tune.read @y : tensor<2x3xf64>
  %sum = arith.addf %x, %y : tensor<2x3xf64>
  tune.write %sum, @sum : tensor<2x3xf64>
  %quotient = arith.divf %x, %y : tensor<2x3xf64>
  tune.write %quotient, @quotient : tensor<2x3xf64>
  %exp = math.exp %x : tensor<2x3xf64>
  tune.write %exp, @exp : tensor<2x3xf64>
  %largest = arith.maximumf %x, %y : tensor<2x3xf64>
  tune.write %largest, @largest : tensor<2x3xf64>
  %less = arith.cmpf olt, %x, %y : tensor<2x3xf64>
  %swapped = arith.cmpf ogt, %y, %x : tensor<2x3xf64>
  %both = arith.andi %less, %swapped : tensor<2x3xi1>
  tune.write %both, @less : tensor<2x3xi1>
  %chosen = arith.select %less, %x, %y : tensor<2x3xi1>, tensor<2x3xf64>
  tune.write %chosen, @chosen : tensor<2x3xf64>
  %tenth = arith.constant dense<0.1> : tensor<2x3xf64>
  %more = arith.addf %sum, %tenth : tensor<2x3xf64>
  %narrow = arith.truncf %more : tensor<2x3xf64> to tensor<2x3xf32>
  tune.write %narrow, @narrow : tensor<2x3xf32>
  %half = arith.constant dense<0.5> : tensor<f64>
  %one = arith.constant dense<1.0> : tensor<f64>
  %scalar = arith.addf %half, %one : tensor<f64>
  tune.write %scalar, @scalar : tensor<f64>
  return
}
