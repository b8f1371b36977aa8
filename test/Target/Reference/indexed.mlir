// RUN: ftc-run-mlir %s | FileCheck %s
// Indices inside and outside of their range; repeated rows in order; slices clamped to their destination.

tune.tensor input @table : tensor<3x2xf64> {test.values = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf64>}
tune.tensor input @index : tensor<2x2xi32> {test.values = dense<[[2, 0], [-1, 3]]> : tensor<2x2xi32>}
tune.tensor input @rows : tensor<4x2xf64> {test.values = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf64>}
tune.tensor input @where : tensor<4xi32> {test.values = dense<[1, 0, 1, 9]> : tensor<4xi32>}
tune.tensor input @column : tensor<3xi32> {test.values = dense<[1, 0, 2]> : tensor<3xi32>}
tune.tensor input @start : tensor<i32> {test.values = dense<2> : tensor<i32>}
tune.tensor output @gathered : tensor<2x2x2xf64>
tune.tensor output @scattered : tensor<3x2xf64>
tune.tensor output @picked : tensor<3xf64>
tune.tensor output @put : tensor<3x2xf64>
tune.tensor output @iota : tensor<2x3xi32>
tune.tensor output @steps : tensor<2x3xf64>
tune.tensor output @eye : tensor<2x2xf64>
tune.tensor cache @cache : tensor<2x3xf64> {test.values = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf64>}
tune.tensor output @updated : tensor<2x3xf64>

// CHECK:      gathered = 5 6 1 2 0 0 0 0
// CHECK-NEXT: scattered = 3 4 6 8 0 0
// CHECK-NEXT: picked = 2 3 0
// CHECK-NEXT: put = 0 2 3 0 0 0
// CHECK-NEXT: iota = 0 1 2 0 1 2
// CHECK-NEXT: steps = 0 0 0 1 1 1
// CHECK-NEXT: eye = 1 0 0 1
// A start of 2 leaves no room for two columns, so they go to 1.
// CHECK-NEXT: updated = 1 1 2 4 5 6
func.func @main() attributes {tune.program} {
  %table = tune.read @table : tensor<3x2xf64>
  %index = tune.read @index : tensor<2x2xi32>
  %gathered = tune.gather %table, %index : (tensor<3x2xf64>, tensor<2x2xi32>) -> tensor<2x2x2xf64>
  tune.write %gathered, @gathered : tensor<2x2x2xf64>
  %rows = tune.read @rows : tensor<4x2xf64>
  %where = tune.read @where : tensor<4xi32>
  %scattered = tune.scatter_add %rows, %where : (tensor<4x2xf64>, tensor<4xi32>) -> tensor<3x2xf64>
  tune.write %scattered, @scattered : tensor<3x2xf64>
  %column = tune.read @column : tensor<3xi32>
  %picked = tune.pick %table, %column : (tensor<3x2xf64>, tensor<3xi32>) -> tensor<3xf64>
  tune.write %picked, @picked : tensor<3xf64>
  %put = tune.put_one %picked, %column : (tensor<3xf64>, tensor<3xi32>) -> tensor<3x2xf64>
  tune.write %put, @put : tensor<3x2xf64>
  %iota = tune.iota dim 1 : tensor<2x3xi32>
  tune.write %iota, @iota : tensor<2x3xi32>
  %steps = tune.iota dim 0 : tensor<2x3xf64>
  tune.write %steps, @steps : tensor<2x3xf64>
  %eye = tune.eye : tensor<2x2xf64>
  tune.write %eye, @eye : tensor<2x2xf64>
  %cache = tune.read @cache : tensor<2x3xf64>
  %start = tune.read @start : tensor<i32>
  %new = tensor.extract_slice %rows[0, 0] [2, 2] [2, 1] : tensor<4x2xf64> to tensor<2x2xf64>
  %updated = tune.update_slice %new into %cache at %start dim 1 : tensor<2x2xf64>, tensor<2x3xf64>, tensor<i32>
  tune.write %updated, @updated : tensor<2x3xf64>
  return
}
