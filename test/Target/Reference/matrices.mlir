// RUN: ftc-run-mlir %s | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --target-passes=tune-set-precision --judge=1e-5
// Small matrices whose decompositions are known by hand; sorting with equal entries and numbers that are none; transforms
// of a length that is a power of two, and of one that is not.

tune.tensor input @a : tensor<2x2xf64> {test.values = dense<[[2.0, 1.0], [1.0, 3.0]]> : tensor<2x2xf64>}
tune.tensor input @y : tensor<2x1xf64> {test.values = dense<[[3.0], [5.0]]> : tensor<2x1xf64>}
tune.tensor input @x : tensor<2x2xf64> {test.values = dense<[[0.0, 2.0], [-3.0, 0.0]]> : tensor<2x2xf64>}
tune.tensor input @w : tensor<2x3xf64> {test.values = dense<[[0.0, 2.0, 0.0], [-3.0, 0.0, 0.0]]> : tensor<2x3xf64>}
tune.tensor input @zeros : tensor<2x2xf64> {test.values = dense<0.0> : tensor<2x2xf64>}
tune.tensor input @rows : tensor<2x4xf64> {test.values = dense<[[1.0, 3.0, 3.0, 2.0], [0.0, 0x7FF8000000000000, -1.0, 5.0]]> : tensor<2x4xf64>}
tune.tensor input @signal : tensor<4xf64> {test.values = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf64>}
tune.tensor input @odd : tensor<3xf64> {test.values = dense<[1.0, 2.0, 6.0]> : tensor<3xf64>}
tune.tensor output @solved : tensor<2x1xf64>
tune.tensor output @q : tensor<2x2xf64>
tune.tensor output @r : tensor<2x2xf64>
tune.tensor output @u : tensor<2x2xf64>
tune.tensor output @s : tensor<2xf64>
tune.tensor output @v : tensor<2x3xf64>
tune.tensor output @s0 : tensor<1xf64>
tune.tensor output @values : tensor<2xf64>
tune.tensor output @order : tensor<2x4xi32>
tune.tensor output @first : tensor<2x2xi32>
tune.tensor output @re : tensor<4xf64>
tune.tensor output @im : tensor<4xf64>
tune.tensor output @three : tensor<3xf64>
tune.tensor output @back : tensor<3xf64>
tune.tensor output @reversed : tensor<2x4xf64>

// CHECK:      solved = 0.8 1.4
// CHECK-NEXT: q = 0 1 -1 0
// CHECK-NEXT: r = 3 {{-?}}0 0 2
// CHECK-NEXT: u = 0 1 1 0
// CHECK-NEXT: s = 3 2
// CHECK-NEXT: v = -1 0 0 {{-?}}0 1 {{-?}}0
// CHECK-NEXT: s0 = 0
// CHECK-NEXT: values = 3.618{{[0-9]*}} 1.381{{[0-9]*}}
// CHECK-NEXT: order = 1 2 3 0 3 0 2 1
// CHECK-NEXT: first = 1 2 3 0
// CHECK-NEXT: re = 10 -2 -2 -2
// CHECK-NEXT: im = 0 2 0 -2
// CHECK-NEXT: three = 9 -3 -3
// CHECK-NEXT: back = 1 2 6
// CHECK-NEXT: reversed = 2 3 3 1 5 -1 nan 0
func.func @main() attributes {tune.program} {
  %a = tune.read @a : tensor<2x2xf64>
  %y = tune.read @y : tensor<2x1xf64>
  %x = tune.read @x : tensor<2x2xf64>
  %w = tune.read @w : tensor<2x3xf64>
  %zeros = tune.read @zeros : tensor<2x2xf64>
  %rows = tune.read @rows : tensor<2x4xf64>
  %signal = tune.read @signal : tensor<4xf64>
  %odd = tune.read @odd : tensor<3xf64>
  %solved = tune.solve %a, %y : (tensor<2x2xf64>, tensor<2x1xf64>) -> tensor<2x1xf64>
  tune.write %solved, @solved : tensor<2x1xf64>
  %q, %r = tune.qr %x : (tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2x2xf64>)
  tune.write %q, @q : tensor<2x2xf64>
  tune.write %r, @r : tensor<2x2xf64>
  %u, %s, %v = tune.svd %w : (tensor<2x3xf64>) -> (tensor<2x2xf64>, tensor<2xf64>, tensor<2x3xf64>)
  tune.write %u, @u : tensor<2x2xf64>
  tune.write %s, @s : tensor<2xf64>
  tune.write %v, @v : tensor<2x3xf64>
  %u0, %s0, %v0 = tune.svd %zeros : (tensor<2x2xf64>) -> (tensor<2x1xf64>, tensor<1xf64>, tensor<1x2xf64>)
  tune.write %s0, @s0 : tensor<1xf64>
  %values, %vectors = tune.eigh %a : (tensor<2x2xf64>) -> (tensor<2xf64>, tensor<2x2xf64>)
  tune.write %values, @values : tensor<2xf64>
  %order = tune.argsort %rows : (tensor<2x4xf64>) -> tensor<2x4xi32>
  tune.write %order, @order : tensor<2x4xi32>
  %first = tune.argsort %rows : (tensor<2x4xf64>) -> tensor<2x2xi32>
  tune.write %first, @first : tensor<2x2xi32>
  %re, %im = tune.fft %signal dim 0 : (tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>)
  tune.write %re, @re : tensor<4xf64>
  tune.write %im, @im : tensor<4xf64>
  %no3 = arith.constant dense<0.0> : tensor<3xf64>
  %three, %imaginary = tune.fft %odd, %no3 dim 0 : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  tune.write %three, @three : tensor<3xf64>
  %back, %nothing = tune.fft %three, %imaginary dim 0 inverse : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  tune.write %back, @back : tensor<3xf64>
  %reversed = tune.reverse %rows dim 1 : tensor<2x4xf64>
  tune.write %reversed, @reversed : tensor<2x4xf64>
  return
}
