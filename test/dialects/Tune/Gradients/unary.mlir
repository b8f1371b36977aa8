// The derivative of each op of one operand against central differences, at random points inside its domain.

// DEFINE: %{op} =
// DEFINE: %{low} = -1.5
// DEFINE: %{high} = 1.5
// DEFINE: %{check} = sed -e 's/OP/%{op}/' -e 's/LOW/%{low}/' -e 's/HIGH/%{high}/' %s \
// DEFINE:   | ftc-run-mlir - --passes=tune-differentiate,tune-simplify --check-gradient=loss:x:dx

// REDEFINE: %{op} = arith.negf
// RUN: %{check}
// REDEFINE: %{op} = math.exp
// RUN: %{check}
// REDEFINE: %{op} = math.exp2
// RUN: %{check}
// REDEFINE: %{op} = math.expm1
// RUN: %{check}
// REDEFINE: %{op} = math.tanh
// RUN: %{check}
// REDEFINE: %{op} = math.erf
// RUN: %{check}
// REDEFINE: %{op} = math.sin
// RUN: %{check}
// REDEFINE: %{op} = math.cos
// RUN: %{check}
// REDEFINE: %{op} = math.atan
// RUN: %{check}
// REDEFINE: %{op} = math.absf
// RUN: %{check}

// Steps: the derivative is 0 wherever it exists.
// REDEFINE: %{op} = math.floor
// RUN: %{check}
// REDEFINE: %{op} = math.ceil
// RUN: %{check}
// REDEFINE: %{op} = math.round
// RUN: %{check}
// REDEFINE: %{op} = math.roundeven
// RUN: %{check}
// REDEFINE: %{op} = math.trunc
// RUN: %{check}

// REDEFINE: %{low} = 0.3
// REDEFINE: %{op} = math.log
// RUN: %{check}
// REDEFINE: %{op} = math.log2
// RUN: %{check}
// REDEFINE: %{op} = math.log10
// RUN: %{check}
// REDEFINE: %{op} = math.log1p
// RUN: %{check}
// REDEFINE: %{op} = math.sqrt
// RUN: %{check}
// REDEFINE: %{op} = math.rsqrt
// RUN: %{check}

tune.tensor input @x : tensor<13xf64> {test.random = [LOW, HIGH]}
tune.tensor input @w : tensor<13xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor gradient @dx : tensor<13xf64>
func.func @program() attributes {tune.program} {
  %x = tune.read @x : tensor<13xf64>
  %w = tune.read @w : tensor<13xf64>
  %y = OP %x : tensor<13xf64>
  %weighted = arith.mulf %y, %w : tensor<13xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%weighted : tensor<13xf64>) outs(%zero : tensor<f64>) dimensions = [0]
  %dx = tune.gradient %loss wrt(%x) : (tensor<f64>, tensor<13xf64>) -> tensor<13xf64>
  tune.write %loss, @loss : tensor<f64>
  tune.write %dx, @dx : tensor<13xf64>
  return
}
