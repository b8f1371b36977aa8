// The derivatives of decompositions against central differences, of two matrices at once: the loss is a weighted sum of
// the squares of one result (%y of type Y, with dimensions DIMS). Singular values and eigenvalues are cut off, so that
// what is left out counts too.

// DEFINE: %{op} =
// DEFINE: %{type} =
// DEFINE: %{dims} = 0, 1, 2
// DEFINE: %{check} = sed -e 's/OP/%{op}/' -e 's/: Y/: %{type}/; s/-> Y/-> %{type}/' -e 's/DIMS/%{dims}/' %s \
// DEFINE:   | ftc-run-mlir - --passes=tune-differentiate \
// DEFINE:     --check-gradient=loss:x:dx --check-gradient=loss:z:dz

// REDEFINE: %{type} = tensor<2x4x3xf64>
// REDEFINE: %{op} = %y = tune.solve %z, %x : (tensor<2x4x4xf64>, tensor<2x4x3xf64>) -> tensor<2x4x3xf64>
// RUN: %{check}
// REDEFINE: %{op} = %y, %r = tune.qr %x : (tensor<2x4x3xf64>) -> (tensor<2x4x3xf64>, tensor<2x3x3xf64>)
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x3x3xf64>
// REDEFINE: %{op} = %q, %y = tune.qr %x : (tensor<2x4x3xf64>) -> (tensor<2x4x3xf64>, tensor<2x3x3xf64>)
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x4x2xf64>
// REDEFINE: %{op} = %y, %values, %v = tune.svd %x : (tensor<2x4x3xf64>) -> (tensor<2x4x2xf64>, tensor<2x2xf64>, tensor<2x2x3xf64>)
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x2x3xf64>
// REDEFINE: %{op} = %u, %values, %y = tune.svd %x : (tensor<2x4x3xf64>) -> (tensor<2x4x2xf64>, tensor<2x2xf64>, tensor<2x2x3xf64>)
// RUN: %{check}
// Square, and all of it.
// REDEFINE: %{type} = tensor<2x4x4xf64>
// REDEFINE: %{op} = %y, %values, %v = tune.svd %z : (tensor<2x4x4xf64>) -> (tensor<2x4x4xf64>, tensor<2x4xf64>, tensor<2x4x4xf64>)
// RUN: %{check}
// REDEFINE: %{op} = %w, %y = tune.eigh %z : (tensor<2x4x4xf64>) -> (tensor<2x4xf64>, tensor<2x4x4xf64>)
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x4x2xf64>
// REDEFINE: %{op} = %w, %y = tune.eigh %z : (tensor<2x4x4xf64>) -> (tensor<2x2xf64>, tensor<2x4x2xf64>)
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x4x3xf64>
// REDEFINE: %{op} = %y = tune.reverse %x dim 1 : tensor<2x4x3xf64>
// RUN: %{check}
// REDEFINE: %{op} = %re, %im = tune.real_fft %x order [1, 2, 0] factor 0.7 mirrored : (tensor<2x4x3xf64>) -> (tensor<3x3x2xf64>, tensor<3x3x2xf64>) %y = tune.fft_to_real %im, %re order [1, 2, 0] factor 0.9 : (tensor<3x3x2xf64>, tensor<3x3x2xf64>) -> tensor<2x4x3xf64>
// RUN: %{check}
// REDEFINE: %{op} = %re, %im = tune.real_fft %x order [2, 1, 0] factor 0.7 inverse : (tensor<2x4x3xf64>) -> (tensor<2x4x2xf64>, tensor<2x4x2xf64>) %y = tune.fft_to_real %re, %re order [2, 1, 0] factor 0.9 inverse mirrored : (tensor<2x4x2xf64>, tensor<2x4x2xf64>) -> tensor<2x4x3xf64>
// RUN: %{check}
// REDEFINE: %{op} = %y = tune.real_fft2 %x : tensor<2x4x3xf64>
// RUN: %{check}
// REDEFINE: %{op} = %i, %y = tune.fft %x, %x dim 2 : (tensor<2x4x3xf64>, tensor<2x4x3xf64>) -> (tensor<2x4x3xf64>, tensor<2x4x3xf64>)
// RUN: %{check}
// REDEFINE: %{op} = %i, %y = tune.fft %x dim 1 : (tensor<2x4x3xf64>) -> (tensor<2x4x3xf64>, tensor<2x4x3xf64>)
// RUN: %{check}
// REDEFINE: %{op} = %y = tune.fft %x, %x dim 1 : (tensor<2x4x3xf64>, tensor<2x4x3xf64>) -> tensor<2x4x3xf64>
// RUN: %{check}
// REDEFINE: %{op} = %y = tune.fft %x dim 0 inverse : (tensor<2x4x3xf64>) -> tensor<2x4x3xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x4x4xf64>
// REDEFINE: %{op} = %y, %i = tune.fft %z, %z dim 2 inverse : (tensor<2x4x4xf64>, tensor<2x4x4xf64>) -> (tensor<2x4x4xf64>, tensor<2x4x4xf64>)
// RUN: %{check}
// REDEFINE: %{type} = tensor<2x2xf64>
// REDEFINE: %{dims} = 0, 1
// REDEFINE: %{op} = %u, %y, %v = tune.svd %x : (tensor<2x4x3xf64>) -> (tensor<2x4x2xf64>, tensor<2x2xf64>, tensor<2x2x3xf64>)
// RUN: %{check}
// REDEFINE: %{op} = %y, %q = tune.eigh %z : (tensor<2x4x4xf64>) -> (tensor<2x2xf64>, tensor<2x4x2xf64>)
// RUN: %{check}

tune.tensor input @x : tensor<2x4x3xf64>
tune.tensor input @z : tensor<2x4x4xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dx : tensor<2x4x3xf64>
tune.tensor gradient @dz : tensor<2x4x4xf64>
func.func @program() attributes {tune.program} {
  %x = tune.read @x : tensor<2x4x3xf64>
  %z = tune.read @z : tensor<2x4x4xf64>
  %key = arith.constant dense<7> : tensor<i64>
  OP
  %weights = tune.random normal(0.0, 1.0) %key site 1 : tensor<i64> -> Y
  %square = arith.mulf %y, %y : Y
  %weighted = arith.mulf %square, %weights : Y
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%weighted : Y) outs(%scalar : tensor<f64>) dimensions = [DIMS]
  %dx = tune.gradient %loss wrt(%x) : (tensor<f64>, tensor<2x4x3xf64>) -> tensor<2x4x3xf64>
  %dz = tune.gradient %loss wrt(%z) : (tensor<f64>, tensor<2x4x4xf64>) -> tensor<2x4x4xf64>
  tune.write %loss, @loss : tensor<f64>
  tune.write %dx, @dx : tensor<2x4x3xf64>
  tune.write %dz, @dz : tensor<2x4x4xf64>
  return
}
