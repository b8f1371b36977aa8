// RUN: ftc-run-mlir %s --repeat=2 | FileCheck %s
// RUN: ftc-run-mlir %s --repeat=2 --target=cpu | FileCheck %s
// RUN: ftc-run-mlir %s --repeat=2 --target=cpu --num-threads=3 | FileCheck %s
// Reads are of the program's start whatever is written: a swap, a chain of tensors, an update in place, a splat.

tune.tensor value @a : tensor<2xf64> {test.values = dense<[1.0, 2.0]> : tensor<2xf64>}
tune.tensor value @b : tensor<2xf64> {test.values = dense<[3.0, 4.0]> : tensor<2xf64>}
tune.tensor value @counter : tensor<2xf64> {test.values = dense<[10.0, 20.0]> : tensor<2xf64>}
tune.tensor value @before : tensor<2xf64>
tune.tensor output @out_a : tensor<2xf64>
tune.tensor output @out_b : tensor<2xf64>
tune.tensor output @out_counter : tensor<2xf64>
tune.tensor output @out_before : tensor<2xf64>
tune.tensor output @splat : tensor<2xf64>

// CHECK:      out_a = 1 2
// CHECK-NEXT: out_b = 3 4
// CHECK-NEXT: out_counter = 12 22
// CHECK-NEXT: out_before = 11 21
// CHECK-NEXT: splat = 7 7
func.func @step() attributes {tune.program} {
  %a = tune.read @a : tensor<2xf64>
  %b = tune.read @b : tensor<2xf64>
  tune.write %a, @b : tensor<2xf64>
  tune.write %b, @a : tensor<2xf64>
  %old = tune.read @counter : tensor<2xf64>
  %one = arith.constant dense<1.0> : tensor<2xf64>
  %new = arith.addf %old, %one : tensor<2xf64>
  tune.write %new, @counter : tensor<2xf64>
  tune.write %old, @before : tensor<2xf64>
  %seven = arith.constant dense<7.0> : tensor<2xf64>
  tune.write %seven, @splat : tensor<2xf64>
  return
}

func.func @show() attributes {tune.program} {
  %a = tune.read @a : tensor<2xf64>
  %b = tune.read @b : tensor<2xf64>
  %counter = tune.read @counter : tensor<2xf64>
  %before = tune.read @before : tensor<2xf64>
  tune.write %a, @out_a : tensor<2xf64>
  tune.write %b, @out_b : tensor<2xf64>
  tune.write %counter, @out_counter : tensor<2xf64>
  tune.write %before, @out_before : tensor<2xf64>
  return
}
