// Tokens that are not in the order of their positions: one that comes later may be seen by an earlier one.

// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6 --num-threads=2

module {
  tune.tensor input @q : tensor<2x40x2x3x16xf32>
  tune.tensor input @k : tensor<2x40x2x16xf32>
  tune.tensor input @v : tensor<2x40x2x16xf32>
  tune.tensor input @dout : tensor<2x40x2x3x16xf32>
  tune.tensor input @positions : tensor<2x40xi32> {test.values = dense<[[28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27], [39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]> : tensor<2x40xi32>}
  tune.tensor output @out : tensor<2x40x2x3x16xf32>
  tune.tensor output @dq : tensor<2x40x2x3x16xf32>
  tune.tensor output @dk : tensor<2x40x2x16xf32>
  tune.tensor output @dv : tensor<2x40x2x16xf32>
  func.func @program() attributes {tune.program} {
    %q = tune.read @q : tensor<2x40x2x3x16xf32>
    %k = tune.read @k : tensor<2x40x2x16xf32>
    %v = tune.read @v : tensor<2x40x2x16xf32>
    %dout = tune.read @dout : tensor<2x40x2x3x16xf32>
    %pos = tune.read @positions : tensor<2x40xi32>
    %seg = arith.constant dense<0> : tensor<2x40xi32>
    %out, %lse = tune.attention %q, %k, %v, %pos, %seg, %pos, %seg scale 0.25 causal unordered
      : (tensor<2x40x2x3x16xf32>, tensor<2x40x2x16xf32>, tensor<2x40x2x16xf32>, tensor<2x40xi32>, tensor<2x40xi32>,
         tensor<2x40xi32>, tensor<2x40xi32>) -> (tensor<2x40x2x3x16xf32>, tensor<2x40x2x3xf32>)
    %dq, %dk, %dv = tune.attention_backward %q, %k, %v, %pos, %seg, %pos, %seg, %out, %lse, %dout scale 0.25 causal unordered
      : (tensor<2x40x2x3x16xf32>, tensor<2x40x2x16xf32>, tensor<2x40x2x16xf32>, tensor<2x40xi32>, tensor<2x40xi32>,
         tensor<2x40xi32>, tensor<2x40xi32>, tensor<2x40x2x3x16xf32>, tensor<2x40x2x3xf32>, tensor<2x40x2x3x16xf32>)
      -> (tensor<2x40x2x3x16xf32>, tensor<2x40x2x16xf32>, tensor<2x40x2x16xf32>)
    tune.write %out, @out : tensor<2x40x2x3x16xf32>
    tune.write %dq, @dq : tensor<2x40x2x3x16xf32>
    tune.write %dk, @dk : tensor<2x40x2x16xf32>
    tune.write %dv, @dv : tensor<2x40x2x16xf32>
    return
  }
}
