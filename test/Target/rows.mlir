// RUN: ftc-run-mlir %s | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --judge=0
// A loop over chunks of rows: sliced results (computed in the body, and passed through), a summed one, and one that is
// a tensor's new contents.

tune.tensor input @x : tensor<4x2xf64> {test.values = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf64>}
tune.tensor input @w : tensor<2xf64> {test.values = dense<[10.0, 100.0]> : tensor<2xf64>}
tune.tensor output @products : tensor<4x2xf64>
tune.tensor output @copies : tensor<4x2xf64>
tune.tensor output @sum : tensor<2x2xf64>
tune.tensor output @after : tensor<4x2xf64>

// CHECK:      products = 10 200 30 400 50 600 70 800
// CHECK-NEXT: copies = 1 2 3 4 5 6 7 8
// CHECK-NEXT: sum = 60 800 100 1200
// CHECK-NEXT: after = 11 202 33 404 55 606 77 808
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<4x2xf64>
  %w = tune.read @w : tensor<2xf64>
  %products, %copies, %sum = tune.rows (%part = %x : tensor<4x2xf64>) shared (%factor = %w : tensor<2xf64>) chunk 2
      -> (tensor<4x2xf64>, tensor<4x2xf64>, tensor<2x2xf64>) {
    %init = tensor.empty() : tensor<2x2xf64>
    %factors = linalg.broadcast ins(%factor : tensor<2xf64>) outs(%init : tensor<2x2xf64>) dimensions = [0]
    %product = arith.mulf %part, %factors : tensor<2x2xf64>
    tune.yield sliced (%product, %part : tensor<2x2xf64>, tensor<2x2xf64>) summed (%product : tensor<2x2xf64>)
  }
  tune.write %products, @products : tensor<4x2xf64>
  tune.write %copies, @copies : tensor<4x2xf64>
  tune.write %sum, @sum : tensor<2x2xf64>
  %after = arith.addf %products, %copies : tensor<4x2xf64>
  tune.write %after, @after : tensor<4x2xf64>
  return
}
