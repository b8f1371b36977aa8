// The derivatives of linalg's and tensor's ops against central differences: the loss is a weighted sum of the squares of
// the op's result (Y, with dimensions DIMS).

// DEFINE: %{op} =
// DEFINE: %{type} =
// DEFINE: %{dims} =
// DEFINE: %{check} = sed -e 's/OP/%{op}/' -e 's/: Y/: %{type}/; s/-> Y/-> %{type}/' -e 's/DIMS/%{dims}/' %s \
// DEFINE:   | ftc-run-mlir - --passes=tune-differentiate,tune-simplify \
// DEFINE:     --check-gradient=loss:x:dx --check-gradient=loss:z:dz

// REDEFINE: %{type} = tensor<2x5x3x4xf64>
// REDEFINE: %{dims} = 0, 1, 2, 3
// REDEFINE: %{op} = linalg.broadcast ins(%x : tensor<2x3x4xf64>) outs(%init : tensor<2x5x3x4xf64>) dimensions = [1]
// RUN: %{check}

// REDEFINE: %{type} = tensor<4x2x3xf64>
// REDEFINE: %{dims} = 0, 1, 2
// REDEFINE: %{op} = linalg.transpose ins(%x : tensor<2x3x4xf64>) outs(%init : tensor<4x2x3xf64>) permutation = [2, 0, 1]
// RUN: %{check}

// REDEFINE: %{type} = tensor<3xf64>
// REDEFINE: %{dims} = 0
// REDEFINE: %{op} = linalg.reduce { arith.addf } ins(%x : tensor<2x3x4xf64>) outs(%zeros : tensor<3xf64>) dimensions = [0, 2]
// RUN: %{check}
// REDEFINE: %{op} = linalg.reduce { arith.maximumf } ins(%x : tensor<2x3x4xf64>) outs(%lows : tensor<3xf64>) dimensions = [0, 2]
// RUN: %{check}
// REDEFINE: %{op} = linalg.reduce { arith.minimumf } ins(%x : tensor<2x3x4xf64>) outs(%highs : tensor<3xf64>) dimensions = [0, 2]
// RUN: %{check}

// REDEFINE: %{type} = tensor<6x4xf64>
// REDEFINE: %{dims} = 0, 1
// REDEFINE: %{op} = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x3x4xf64> into tensor<6x4xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x3x2x2xf64>
// REDEFINE: %{dims} = 0, 1, 2, 3
// REDEFINE: %{op} = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [2, 3, 2, 2] : tensor<2x3x4xf64> into tensor<2x3x2x2xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x2x2xf64>
// REDEFINE: %{dims} = 0, 1, 2
// REDEFINE: %{op} = tensor.extract_slice %x[0, 1, 2] [2, 2, 2] [1, 1, 1] : tensor<2x3x4xf64> to tensor<2x2x2xf64>
// RUN: %{check}
// A slice that drops a dimension.
// REDEFINE: %{type} = tensor<2x4xf64>
// REDEFINE: %{dims} = 0, 1
// REDEFINE: %{op} = tensor.extract_slice %x[0, 1, 0] [2, 1, 4] [1, 1, 1] : tensor<2x3x4xf64> to tensor<2x4xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x9x4xf64>
// REDEFINE: %{dims} = 0, 1, 2
// REDEFINE: %{op} = tensor.concat dim(1) %x, %z, %x : (tensor<2x3x4xf64>, tensor<2x3x4xf64>, tensor<2x3x4xf64>) -> tensor<2x9x4xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x6x5xf64>
// REDEFINE: %{op} = tensor.pad %x low[0, 1, 0] high[0, 2, 1] { ^bb0(%i: index, %j: index, %k: index): tensor.yield %zero : f64 } : tensor<2x3x4xf64> to tensor<2x6x5xf64>
// RUN: %{check}

// Contractions: a matrix product with a batch; everything summed but a batch, whose adjoint sums nothing.
// REDEFINE: %{type} = tensor<2x3x3xf64>
// REDEFINE: %{op} = linalg.contract indexing_maps = [affine_map<(b, i, j, k) -> (b, i, k)>, affine_map<(b, i, j, k) -> (b, j, k)>, affine_map<(b, i, j, k) -> (b, i, j)>] ins(%x, %z : tensor<2x3x4xf64>, tensor<2x3x4xf64>) outs(%zeros : tensor<2x3x3xf64>) -> tensor<2x3x3xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<2xf64>
// REDEFINE: %{dims} = 0
// REDEFINE: %{op} = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i)>] ins(%x, %z : tensor<2x3x4xf64>, tensor<2x3x4xf64>) outs(%zeros : tensor<2xf64>) -> tensor<2xf64>
// RUN: %{check}

tune.tensor input @x : tensor<2x3x4xf64>
tune.tensor input @z : tensor<2x3x4xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dx : tensor<2x3x4xf64>
tune.tensor gradient @dz : tensor<2x3x4xf64>
func.func @program() attributes {tune.program} {
  %x = tune.read @x : tensor<2x3x4xf64>
  %z = tune.read @z : tensor<2x3x4xf64>
  %zero = arith.constant 0.0 : f64
  %init = tensor.empty() : Y
  %zeros = arith.constant dense<0.0> : Y
  %lows = arith.constant dense<0xFFF0000000000000> : Y
  %highs = arith.constant dense<0x7FF0000000000000> : Y
  %y = OP
  %key = arith.constant dense<7> : tensor<i64>
  %weights = tune.random normal(0.0, 1.0) %key site 1 : tensor<i64> -> Y
  %square = arith.mulf %y, %y : Y
  %weighted = arith.mulf %square, %weights : Y
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %sum = linalg.reduce { arith.addf } ins(%weighted : Y) outs(%scalar : tensor<f64>) dimensions = [DIMS]
  %zz = arith.mulf %z, %z : tensor<2x3x4xf64>
  %more = linalg.reduce { arith.addf } ins(%zz : tensor<2x3x4xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1, 2]
  %loss = arith.addf %sum, %more : tensor<f64>
  %g:2 = tune.gradient %loss wrt(%x, %z)
    : (tensor<f64>, tensor<2x3x4xf64>, tensor<2x3x4xf64>) -> (tensor<2x3x4xf64>, tensor<2x3x4xf64>)
  tune.write %loss, @loss : tensor<f64>
  tune.write %g#0, @dx : tensor<2x3x4xf64>
  tune.write %g#1, @dz : tensor<2x3x4xf64>
  return
}
