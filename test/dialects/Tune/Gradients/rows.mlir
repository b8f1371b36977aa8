// The adjoint of tune.rows with sliced and summed results against central differences; and the check itself: a gradient
// that is cut off is found.

// RUN: ftc-run-mlir %s --passes=tune-differentiate,tune-simplify --check-gradient=loss:x:dx --check-gradient=loss:w:dw
// RUN: not ftc-run-mlir %s --passes=tune-differentiate,tune-simplify --check-gradient=loss:cut:dcut | FileCheck %s
// CHECK: dcut: DIFFERENT

tune.tensor input @x : tensor<6x3xf64>
tune.tensor input @w : tensor<3xf64>
tune.tensor input @cut : tensor<3xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dx : tensor<6x3xf64>
tune.tensor gradient @dw : tensor<3xf64>
tune.tensor gradient @dcut : tensor<3xf64>
func.func @program() attributes {tune.program} {
  %x = tune.read @x : tensor<6x3xf64>
  %w = tune.read @w : tensor<3xf64>
  %cut = tune.read @cut : tensor<3xf64>
  %stopped = tune.stop_gradient %cut : tensor<3xf64>
  %both = arith.addf %w, %stopped : tensor<3xf64>
  %y, %s = tune.rows (%xc = %x : tensor<6x3xf64>) shared (%wc = %both : tensor<3xf64>) chunk 2 -> (tensor<6x3xf64>, tensor<3xf64>) {
    %e = tensor.empty() : tensor<2x3xf64>
    %ws = linalg.broadcast ins(%wc : tensor<3xf64>) outs(%e : tensor<2x3xf64>) dimensions = [0]
    %product = arith.mulf %xc, %ws : tensor<2x3xf64>
    %tanh = math.tanh %product : tensor<2x3xf64>
    %zero = arith.constant dense<0.0> : tensor<3xf64>
    %exp = math.exp %xc : tensor<2x3xf64>
    %sum = linalg.reduce { arith.addf } ins(%exp : tensor<2x3xf64>) outs(%zero : tensor<3xf64>) dimensions = [0]
    tune.yield sliced(%tanh : tensor<2x3xf64>) summed(%sum : tensor<3xf64>)
  }
  %square = arith.mulf %y, %y : tensor<6x3xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %first = linalg.reduce { arith.addf } ins(%square : tensor<6x3xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1]
  %other = arith.mulf %s, %both : tensor<3xf64>
  %second = linalg.reduce { arith.addf } ins(%other : tensor<3xf64>) outs(%scalar : tensor<f64>) dimensions = [0]
  %loss = arith.mulf %first, %second : tensor<f64>
  %g:3 = tune.gradient %loss wrt(%x, %w, %cut) : (tensor<f64>, tensor<6x3xf64>, tensor<3xf64>, tensor<3xf64>) -> (tensor<6x3xf64>, tensor<3xf64>, tensor<3xf64>)
  tune.write %loss, @loss : tensor<f64>
  tune.write %g#0, @dx : tensor<6x3xf64>
  tune.write %g#1, @dw : tensor<3xf64>
  tune.write %g#2, @dcut : tensor<3xf64>
  return
}
