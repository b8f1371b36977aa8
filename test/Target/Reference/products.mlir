// RUN: ftc-run-mlir %s | FileCheck %s
// Contractions (two batch dimensions in different places, an init that is no zero) and reductions.

#a = affine_map<(b, i, j, k) -> (b, i, k)>
#b = affine_map<(b, i, j, k) -> (k, b, j)>
#c = affine_map<(b, i, j, k) -> (i, b, j)>
tune.tensor input @x : tensor<2x2x2xf64> {test.values = dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf64>}
tune.tensor input @y : tensor<2x2x1xf64> {test.values = dense<[[[1.0], [2.0]], [[-1.0], [0.5]]]> : tensor<2x2x1xf64>}
tune.tensor input @v : tensor<2xf64> {test.values = dense<[10.0, 20.0]> : tensor<2xf64>}
tune.tensor output @contracted : tensor<2x2x1xf64>
tune.tensor output @dot : tensor<f64>
tune.tensor output @sums : tensor<2x2xf64>
tune.tensor output @total : tensor<f64>
tune.tensor output @largest : tensor<2xf64>

// x[b, i, :] . y[:, b]: b = 0: (1 - 2, 3 - 4); b = 1: (10 + 3, 14 + 4)
// CHECK:      contracted = -1 13 -1 18
// CHECK-NEXT: dot = 501
// CHECK-NEXT: sums = 4 6 12 14
// CHECK-NEXT: total = 36
// CHECK-NEXT: largest = 7 8
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<2x2x2xf64>
  %y = tune.read @y : tensor<2x2x1xf64>
  %v = tune.read @v : tensor<2xf64>
  %zero = arith.constant 0.0 : f64
  %init = tensor.empty() : tensor<2x2x1xf64>
  %fill = linalg.fill ins(%zero : f64) outs(%init : tensor<2x2x1xf64>) -> tensor<2x2x1xf64>
  %contracted = linalg.contract indexing_maps = [#a, #b, #c] ins(%x, %y : tensor<2x2x2xf64>, tensor<2x2x1xf64>)
      outs(%fill : tensor<2x2x1xf64>) -> tensor<2x2x1xf64>
  tune.write %contracted, @contracted : tensor<2x2x1xf64>
  %one = arith.constant dense<1.0> : tensor<f64>
  %dot = linalg.contract indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>, affine_map<(k) -> ()>]
      ins(%v, %v : tensor<2xf64>, tensor<2xf64>) outs(%one : tensor<f64>) -> tensor<f64>
  tune.write %dot, @dot : tensor<f64>
  %init2 = tensor.empty() : tensor<2x2xf64>
  %fill2 = linalg.fill ins(%zero : f64) outs(%init2 : tensor<2x2xf64>) -> tensor<2x2xf64>
  %sums = linalg.reduce { arith.addf } ins(%x : tensor<2x2x2xf64>) outs(%fill2 : tensor<2x2xf64>) dimensions = [1]
  tune.write %sums, @sums : tensor<2x2xf64>
  %init0 = tensor.empty() : tensor<f64>
  %fill0 = linalg.fill ins(%zero : f64) outs(%init0 : tensor<f64>) -> tensor<f64>
  %total = linalg.reduce { arith.addf } ins(%x : tensor<2x2x2xf64>) outs(%fill0 : tensor<f64>) dimensions = [0, 1, 2]
  tune.write %total, @total : tensor<f64>
  %lowest = arith.constant dense<0xFFF0000000000000> : tensor<2xf64>
  %largest = linalg.reduce { arith.maximumf } ins(%x : tensor<2x2x2xf64>) outs(%lowest : tensor<2xf64>) dimensions = [0, 1]
  %v7 = arith.constant dense<[0.0, 0.0]> : tensor<2xf64>
  %moved = arith.addf %largest, %v7 : tensor<2xf64>
  tune.write %moved, @largest : tensor<2xf64>
  return
}
