// A result takes over the bytes of an operand only where no loop inside reads these as a view of another shape.

// RUN: ftc-run-mlir %s --target=cpu | FileCheck %s
// CHECK-DAG: difference = 0{{$}}
tune.tensor input @x : tensor<6xf32>
tune.tensor output @twice : tensor<6xf32>
tune.tensor output @difference : tensor<f32>
func.func @views() attributes {tune.program} {
  %x = tune.read @x : tensor<6xf32>
  %v = tune.fused(%x) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: tensor<6xf32>):
    %s = math.sin %a : tensor<6xf32>
    tune.fused_yield %s : tensor<6xf32>
  }
  %e = tensor.expand_shape %v [[0, 1]] output_shape [6, 1] : tensor<6xf32> into tensor<6x1xf32>
  %r:2 = tune.fused(%e, %x) : (tensor<6x1xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6x1xf32>) {
  ^bb0(%b: tensor<6x1xf32>, %a: tensor<6xf32>):
    %t = arith.addf %a, %a : tensor<6xf32>
    %c = arith.negf %b : tensor<6x1xf32>
    tune.fused_yield %t, %c : tensor<6xf32>, tensor<6x1xf32>
  }
  %w = tune.fused(%x) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: tensor<6xf32>):
    %s = math.sin %a : tensor<6xf32>
    tune.fused_yield %s : tensor<6xf32>
  }
  %flat = tensor.collapse_shape %r#1 [[0, 1]] : tensor<6x1xf32> into tensor<6xf32>
  %sum = arith.addf %flat, %w : tensor<6xf32>
  %distance = math.absf %sum : tensor<6xf32>
  %least = arith.constant 0.0 : f32
  %scalar = tensor.empty() : tensor<f32>
  %none = linalg.fill ins(%least : f32) outs(%scalar : tensor<f32>) -> tensor<f32>
  %difference = linalg.reduce { arith.maximumf } ins(%distance : tensor<6xf32>) outs(%none : tensor<f32>) dimensions = [0]
  tune.write %difference, @difference : tensor<f32>
  %f = tune.fused(%r#0) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: tensor<6xf32>):
    %s = math.cos %a : tensor<6xf32>
    tune.fused_yield %s : tensor<6xf32>
  }
  tune.write %f, @twice : tensor<6xf32>
  return
}
