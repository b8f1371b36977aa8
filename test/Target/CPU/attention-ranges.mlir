// Keys that no query of a block sees are not visited: documents that follow each other in a row, and a cache that is
// partly written, with many queries and with one.

// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6 --num-threads=2
// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6 --alone

module {
  tune.tensor input @q0 : tensor<1x80x2x3x16xf32>
  tune.tensor input @k0 : tensor<1x80x2x16xf32>
  tune.tensor input @v0 : tensor<1x80x2x16xf32>
  tune.tensor input @qpos0 : tensor<1x80xi32> {test.values = dense<[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 0, 1, 2, 3, 4, 5, 0, 0, 0, 0]]> : tensor<1x80xi32>}
  tune.tensor input @qseg0 : tensor<1x80xi32> {test.values = dense<[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, -1, -1, -1, -1]]> : tensor<1x80xi32>}
  tune.tensor output @out0 : tensor<1x80x2x3x16xf32>
  tune.tensor output @lse0 : tensor<1x80x2x3xf32>
  tune.tensor input @dout0 : tensor<1x80x2x3x16xf32>
  tune.tensor output @dq0 : tensor<1x80x2x3x16xf32>
  tune.tensor output @dk0 : tensor<1x80x2x16xf32>
  tune.tensor output @dv0 : tensor<1x80x2x16xf32>
  tune.tensor input @q1 : tensor<1x12x2x3x16xf32>
  tune.tensor input @k1 : tensor<1x90x2x16xf32>
  tune.tensor input @v1 : tensor<1x90x2x16xf32>
  tune.tensor input @qpos1 : tensor<1x12xi32> {test.values = dense<[[27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38]]> : tensor<1x12xi32>}
  tune.tensor input @qseg1 : tensor<1x12xi32> {test.values = dense<[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x12xi32>}
  tune.tensor input @kpos1 : tensor<1x90xi32> {test.values = dense<[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x90xi32>}
  tune.tensor input @kseg1 : tensor<1x90xi32> {test.values = dense<[[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]]> : tensor<1x90xi32>}
  tune.tensor output @out1 : tensor<1x12x2x3x16xf32>
  tune.tensor output @lse1 : tensor<1x12x2x3xf32>
  tune.tensor input @q2 : tensor<1x1x2x3x32xf32>
  tune.tensor input @k2 : tensor<1x90x2x32xf32>
  tune.tensor input @v2 : tensor<1x90x2x32xf32>
  tune.tensor input @qpos2 : tensor<1x1xi32> {test.values = dense<[[38]]> : tensor<1x1xi32>}
  tune.tensor input @qseg2 : tensor<1x1xi32> {test.values = dense<[[0]]> : tensor<1x1xi32>}
  tune.tensor input @kpos2 : tensor<1x90xi32> {test.values = dense<[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x90xi32>}
  tune.tensor input @kseg2 : tensor<1x90xi32> {test.values = dense<[[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]]> : tensor<1x90xi32>}
  tune.tensor output @out2 : tensor<1x1x2x3x32xf32>
  tune.tensor output @lse2 : tensor<1x1x2x3xf32>
  tune.tensor input @q3 : tensor<1x1x2x3x32xf32>
  tune.tensor input @k3 : tensor<1x90x2x32xf32>
  tune.tensor input @v3 : tensor<1x90x2x32xf32>
  tune.tensor input @qpos3 : tensor<1x1xi32> {test.values = dense<[[38]]> : tensor<1x1xi32>}
  tune.tensor input @qseg3 : tensor<1x1xi32> {test.values = dense<[[0]]> : tensor<1x1xi32>}
  tune.tensor input @kpos3 : tensor<1x90xi32> {test.values = dense<[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x90xi32>}
  tune.tensor input @kseg3 : tensor<1x90xi32> {test.values = dense<[[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]]> : tensor<1x90xi32>}
  tune.tensor output @out3 : tensor<1x1x2x3x32xf32>
  tune.tensor output @lse3 : tensor<1x1x2x3xf32>
  tune.tensor input @q4 : tensor<1x1x1x1x16xf32>
  tune.tensor input @k4 : tensor<1x90x1x16xf32>
  tune.tensor input @v4 : tensor<1x90x1x16xf32>
  tune.tensor input @qpos4 : tensor<1x1xi32> {test.values = dense<[[38]]> : tensor<1x1xi32>}
  tune.tensor input @qseg4 : tensor<1x1xi32> {test.values = dense<[[1]]> : tensor<1x1xi32>}
  tune.tensor input @kpos4 : tensor<1x90xi32> {test.values = dense<[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x90xi32>}
  tune.tensor input @kseg4 : tensor<1x90xi32> {test.values = dense<[[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]]> : tensor<1x90xi32>}
  tune.tensor output @out4 : tensor<1x1x1x1x16xf32>
  tune.tensor output @lse4 : tensor<1x1x1x1xf32>
  func.func @p0() attributes {tune.program} {
    %q = tune.read @q0 : tensor<1x80x2x3x16xf32>
    %k = tune.read @k0 : tensor<1x80x2x16xf32>
    %v = tune.read @v0 : tensor<1x80x2x16xf32>
    %qpos = tune.read @qpos0 : tensor<1x80xi32>
    %qseg = tune.read @qseg0 : tensor<1x80xi32>
    %out, %lse = tune.attention %q, %k, %v, %qpos, %qseg, %qpos, %qseg scale 0.3 causal : (tensor<1x80x2x3x16xf32>, tensor<1x80x2x16xf32>, tensor<1x80x2x16xf32>, tensor<1x80xi32>, tensor<1x80xi32>, tensor<1x80xi32>, tensor<1x80xi32>) -> (tensor<1x80x2x3x16xf32>, tensor<1x80x2x3xf32>)
    tune.write %out, @out0 : tensor<1x80x2x3x16xf32>
    tune.write %lse, @lse0 : tensor<1x80x2x3xf32>
    %dout = tune.read @dout0 : tensor<1x80x2x3x16xf32>
    %dq, %dk, %dv = tune.attention_backward %q, %k, %v, %qpos, %qseg, %qpos, %qseg, %out, %lse, %dout scale 0.3 causal : (tensor<1x80x2x3x16xf32>, tensor<1x80x2x16xf32>, tensor<1x80x2x16xf32>, tensor<1x80xi32>, tensor<1x80xi32>, tensor<1x80xi32>, tensor<1x80xi32>, tensor<1x80x2x3x16xf32>, tensor<1x80x2x3xf32>, tensor<1x80x2x3x16xf32>) -> (tensor<1x80x2x3x16xf32>, tensor<1x80x2x16xf32>, tensor<1x80x2x16xf32>)
    tune.write %dq, @dq0 : tensor<1x80x2x3x16xf32>
    tune.write %dk, @dk0 : tensor<1x80x2x16xf32>
    tune.write %dv, @dv0 : tensor<1x80x2x16xf32>
    return
  }
  func.func @p1() attributes {tune.program} {
    %q = tune.read @q1 : tensor<1x12x2x3x16xf32>
    %k = tune.read @k1 : tensor<1x90x2x16xf32>
    %v = tune.read @v1 : tensor<1x90x2x16xf32>
    %qpos = tune.read @qpos1 : tensor<1x12xi32>
    %qseg = tune.read @qseg1 : tensor<1x12xi32>
    %kpos = tune.read @kpos1 : tensor<1x90xi32>
    %kseg = tune.read @kseg1 : tensor<1x90xi32>
    %out, %lse = tune.attention %q, %k, %v, %qpos, %qseg, %kpos, %kseg scale 0.3 causal : (tensor<1x12x2x3x16xf32>, tensor<1x90x2x16xf32>, tensor<1x90x2x16xf32>, tensor<1x12xi32>, tensor<1x12xi32>, tensor<1x90xi32>, tensor<1x90xi32>) -> (tensor<1x12x2x3x16xf32>, tensor<1x12x2x3xf32>)
    tune.write %out, @out1 : tensor<1x12x2x3x16xf32>
    tune.write %lse, @lse1 : tensor<1x12x2x3xf32>
    return
  }
  func.func @p2() attributes {tune.program} {
    %q = tune.read @q2 : tensor<1x1x2x3x32xf32>
    %k = tune.read @k2 : tensor<1x90x2x32xf32>
    %v = tune.read @v2 : tensor<1x90x2x32xf32>
    %qpos = tune.read @qpos2 : tensor<1x1xi32>
    %qseg = tune.read @qseg2 : tensor<1x1xi32>
    %kpos = tune.read @kpos2 : tensor<1x90xi32>
    %kseg = tune.read @kseg2 : tensor<1x90xi32>
    %out, %lse = tune.attention %q, %k, %v, %qpos, %qseg, %kpos, %kseg scale 0.3 causal : (tensor<1x1x2x3x32xf32>, tensor<1x90x2x32xf32>, tensor<1x90x2x32xf32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x90xi32>, tensor<1x90xi32>) -> (tensor<1x1x2x3x32xf32>, tensor<1x1x2x3xf32>)
    tune.write %out, @out2 : tensor<1x1x2x3x32xf32>
    tune.write %lse, @lse2 : tensor<1x1x2x3xf32>
    return
  }
  func.func @p3() attributes {tune.program} {
    %q = tune.read @q3 : tensor<1x1x2x3x32xf32>
    %k = tune.read @k3 : tensor<1x90x2x32xf32>
    %v = tune.read @v3 : tensor<1x90x2x32xf32>
    %qpos = tune.read @qpos3 : tensor<1x1xi32>
    %qseg = tune.read @qseg3 : tensor<1x1xi32>
    %kpos = tune.read @kpos3 : tensor<1x90xi32>
    %kseg = tune.read @kseg3 : tensor<1x90xi32>
    %out, %lse = tune.attention %q, %k, %v, %qpos, %qseg, %kpos, %kseg scale 0.3 causal window 9 : (tensor<1x1x2x3x32xf32>, tensor<1x90x2x32xf32>, tensor<1x90x2x32xf32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x90xi32>, tensor<1x90xi32>) -> (tensor<1x1x2x3x32xf32>, tensor<1x1x2x3xf32>)
    tune.write %out, @out3 : tensor<1x1x2x3x32xf32>
    tune.write %lse, @lse3 : tensor<1x1x2x3xf32>
    return
  }
  func.func @p4() attributes {tune.program} {
    %q = tune.read @q4 : tensor<1x1x1x1x16xf32>
    %k = tune.read @k4 : tensor<1x90x1x16xf32>
    %v = tune.read @v4 : tensor<1x90x1x16xf32>
    %qpos = tune.read @qpos4 : tensor<1x1xi32>
    %qseg = tune.read @qseg4 : tensor<1x1xi32>
    %kpos = tune.read @kpos4 : tensor<1x90xi32>
    %kseg = tune.read @kseg4 : tensor<1x90xi32>
    %out, %lse = tune.attention %q, %k, %v, %qpos, %qseg, %kpos, %kseg scale 0.3 causal : (tensor<1x1x1x1x16xf32>, tensor<1x90x1x16xf32>, tensor<1x90x1x16xf32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x90xi32>, tensor<1x90xi32>) -> (tensor<1x1x1x1x16xf32>, tensor<1x1x1x1xf32>)
    tune.write %out, @out4 : tensor<1x1x1x1x16xf32>
    tune.write %lse, @lse4 : tensor<1x1x1x1xf32>
    return
  }
}
