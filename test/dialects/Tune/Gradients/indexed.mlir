// The derivatives of gather, scatter_add, pick, put_one and drop against central differences; some indices are outside.
// The loss is a weighted sum of the squares of the op's result (Y, with dimensions DIMS).

// DEFINE: %{op} =
// DEFINE: %{type} =
// DEFINE: %{dims} =
// DEFINE: %{check} = sed -e 's/OP/%{op}/' -e 's/: Y/: %{type}/; s/-> Y/-> %{type}/' -e 's/DIMS/%{dims}/' %s \
// DEFINE:   | ftc-run-mlir - --passes=tune-differentiate,tune-simplify --check-gradient=loss:x:dx

// REDEFINE: %{type} = tensor<2x3x5x4xf64>
// REDEFINE: %{dims} = 0, 1, 2, 3
// REDEFINE: %{op} = tune.gather %x, %index : (tensor<3x5x4xf64>, tensor<2x3xi32>) -> tensor<2x3x5x4xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<4x4xf64>
// REDEFINE: %{dims} = 0, 1
// REDEFINE: %{op} = tune.scatter_add %x, %cells : (tensor<3x5x4xf64>, tensor<3x5xi32>) -> tensor<4x4xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<3x5x4xf64>
// REDEFINE: %{dims} = 0, 1, 2
// REDEFINE: %{op} = tune.scatter_add %x, %first, %x : (tensor<3x5x4xf64>, tensor<3xi32>, tensor<3x5x4xf64>) -> tensor<3x5x4xf64>
// RUN: %{check}
// REDEFINE: %{dims} = 0, 1
// REDEFINE: %{type} = tensor<3x5xf64>
// REDEFINE: %{op} = tune.pick %x, %cells : (tensor<3x5x4xf64>, tensor<3x5xi32>) -> tensor<3x5xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<3x5x4x6xf64>
// REDEFINE: %{dims} = 0, 1, 2, 3
// REDEFINE: %{op} = tune.put_one %x, %all : (tensor<3x5x4xf64>, tensor<3x5x4xi32>) -> tensor<3x5x4x6xf64>
// RUN: %{check}
// REDEFINE: %{type} = tensor<3x5x4xf64>
// REDEFINE: %{dims} = 0, 1, 2
// REDEFINE: %{op} = tune.drop %x, %key, %key rate 0.4 site 3 : tensor<3x5x4xf64>, tensor<i64>, tensor<i64>
// RUN: %{check}

tune.tensor input @x : tensor<3x5x4xf64>
tune.tensor input @index : tensor<2x3xi32> {test.values = dense<[[0, 2, 2], [1, -1, 3]]> : tensor<2x3xi32>}
tune.tensor input @places : tensor<3x5xi32> {test.random = [-1.0, 5.0]}
tune.tensor input @all : tensor<3x5x4xi32> {test.random = [-1.0, 7.0]}
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dx : tensor<3x5x4xf64>
func.func @program() attributes {tune.program} {
  %x = tune.read @x : tensor<3x5x4xf64>
  %index = tune.read @index : tensor<2x3xi32>
  %cells = tune.read @places : tensor<3x5xi32>
  %all = tune.read @all : tensor<3x5x4xi32>
  %first = tensor.extract_slice %cells[0, 0] [3, 1] [1, 1] : tensor<3x5xi32> to tensor<3xi32>
  %key = arith.constant dense<7> : tensor<i64>
  %y = OP
  %weights = tune.random normal(0.0, 1.0) %key site 1 : tensor<i64> -> Y
  %square = arith.mulf %y, %y : Y
  %weighted = arith.mulf %square, %weights : Y
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%weighted : Y) outs(%scalar : tensor<f64>) dimensions = [DIMS]
  %dx = tune.gradient %loss wrt(%x) : (tensor<f64>, tensor<3x5x4xf64>) -> tensor<3x5x4xf64>
  tune.write %loss, @loss : tensor<f64>
  tune.write %dx, @dx : tensor<3x5x4xf64>
  return
}
