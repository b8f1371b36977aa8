// RUN: ftc-run-mlir %s | FileCheck %s
// Ops that move elements, with the reshapes and slices that are only views.

tune.tensor input @x : tensor<2x3xf64> {test.values = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf64>}
tune.tensor output @transposed : tensor<3x2xf64>
tune.tensor output @broadcast : tensor<2x2x3xf64>
tune.tensor output @row : tensor<1x3xf64>
tune.tensor output @column : tensor<2x1xf64>
tune.tensor output @pair : tensor<3xf64>
tune.tensor output @every : tensor<2x2xf64>
tune.tensor output @joined : tensor<2x4xf64>
tune.tensor output @padded : tensor<3x5xf64>
tune.tensor output @flat : tensor<6xf64>

// CHECK:      transposed = 1 4 2 5 3 6
// CHECK-NEXT: broadcast = 1 2 3 1 2 3 4 5 6 4 5 6
// CHECK-NEXT: row = 4 5 6
// CHECK-NEXT: column = 2 5
// CHECK-NEXT: pair = 4 5 6
// CHECK-NEXT: every = 1 3 4 6
// CHECK-NEXT: joined = 1 2 3 2 4 5 6 5
// CHECK-NEXT: padded = 0 1 2 3 0 0 4 5 6 0 0 0 0 0 0
// CHECK-NEXT: flat = 2 4 6 8 10 12
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<2x3xf64>
  %init = tensor.empty() : tensor<3x2xf64>
  %transposed = linalg.transpose ins(%x : tensor<2x3xf64>) outs(%init : tensor<3x2xf64>) permutation = [1, 0]
  tune.write %transposed, @transposed : tensor<3x2xf64>
  %init3 = tensor.empty() : tensor<2x2x3xf64>
  %broadcast = linalg.broadcast ins(%x : tensor<2x3xf64>) outs(%init3 : tensor<2x2x3xf64>) dimensions = [1]
  tune.write %broadcast, @broadcast : tensor<2x2x3xf64>
  %row = tensor.extract_slice %x[1, 0] [1, 3] [1, 1] : tensor<2x3xf64> to tensor<1x3xf64>
  tune.write %row, @row : tensor<1x3xf64>
  %column = tensor.extract_slice %x[0, 1] [2, 1] [1, 1] : tensor<2x3xf64> to tensor<2x1xf64>
  tune.write %column, @column : tensor<2x1xf64>
  %pair = tensor.extract_slice %x[1, 0] [1, 3] [1, 1] : tensor<2x3xf64> to tensor<3xf64>
  tune.write %pair, @pair : tensor<3xf64>
  %every = tensor.extract_slice %x[0, 0] [2, 2] [1, 2] : tensor<2x3xf64> to tensor<2x2xf64>
  tune.write %every, @every : tensor<2x2xf64>
  %joined = tensor.concat dim(1) %x, %column : (tensor<2x3xf64>, tensor<2x1xf64>) -> tensor<2x4xf64>
  tune.write %joined, @joined : tensor<2x4xf64>
  %zero = arith.constant 0.0 : f64
  %padded = tensor.pad %x low[0, 1] high[1, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f64
  } : tensor<2x3xf64> to tensor<3x5xf64>
  tune.write %padded, @padded : tensor<3x5xf64>
  %flat = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xf64> into tensor<6xf64>
  %twice = arith.addf %flat, %flat : tensor<6xf64>
  tune.write %twice, @flat : tensor<6xf64>
  return
}
