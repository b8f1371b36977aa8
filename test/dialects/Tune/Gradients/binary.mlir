// The derivatives of ops of several operands, by each operand, against central differences. Operands are 0.3 to 1.5;
// none are equal.

// DEFINE: %{op} =
// DEFINE: %{check} = sed -e 's/OP/%{op}/' %s | ftc-run-mlir - --passes=tune-differentiate,tune-simplify \
// DEFINE:   --check-gradient=loss:x:dx --check-gradient=loss:y:dy --check-gradient=loss:z:dz

// REDEFINE: %{op} = arith.addf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.subf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.mulf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.divf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.maximumf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.minimumf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.maxnumf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.minnumf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = math.powf %x, %y : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.select %chosen, %x, %y : tensor<13xi1>, tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = math.fpowi %x, %integer : tensor<13xf64>, tensor<13xi32>
// RUN: %{check}
// REDEFINE: %{op} = math.powf %x, %constant : tensor<13xf64>
// RUN: %{check}
// REDEFINE: %{op} = arith.remf %x, %y : tensor<13xf64>
// RUN: %{check}
// An operand that is used twice.
// REDEFINE: %{op} = arith.mulf %x, %x : tensor<13xf64>
// RUN: %{check}

tune.tensor input @x : tensor<13xf64> {test.random = [0.3, 1.5]}
tune.tensor input @y : tensor<13xf64> {test.random = [0.3, 1.5]}
tune.tensor input @z : tensor<13xf64> {test.random = [0.3, 1.5]}
tune.tensor input @w : tensor<13xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dx : tensor<13xf64>
tune.tensor gradient @dy : tensor<13xf64>
tune.tensor gradient @dz : tensor<13xf64>
func.func @program() attributes {tune.program} {
  %x = tune.read @x : tensor<13xf64>
  %y = tune.read @y : tensor<13xf64>
  %z = tune.read @z : tensor<13xf64>
  %w = tune.read @w : tensor<13xf64>
  %constant = arith.constant dense<2.0> : tensor<13xf64>
  %integer = arith.constant dense<3> : tensor<13xi32>
  %chosen = arith.cmpf olt, %y, %z : tensor<13xf64>
  %result = OP
  %sum = arith.addf %result, %y : tensor<13xf64>
  %product = arith.mulf %sum, %z : tensor<13xf64>
  %weighted = arith.mulf %product, %w : tensor<13xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%weighted : tensor<13xf64>) outs(%zero : tensor<f64>) dimensions = [0]
  %g:3 = tune.gradient %loss wrt(%x, %y, %z)
    : (tensor<f64>, tensor<13xf64>, tensor<13xf64>, tensor<13xf64>) -> (tensor<13xf64>, tensor<13xf64>, tensor<13xf64>)
  tune.write %loss, @loss : tensor<f64>
  tune.write %g#0, @dx : tensor<13xf64>
  tune.write %g#1, @dy : tensor<13xf64>
  tune.write %g#2, @dz : tensor<13xf64>
  return
}
