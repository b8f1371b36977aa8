// Sums are the same bit for bit whatever else their kernel stores, so that what is computed again is what was: those of neighbours,
// those of entries that lie apart, and those that lanes have one each of.

// RUN: ftc-run-mlir %s --target=cpu | FileCheck %s
// CHECK-DAG: near = 0{{$}}
// CHECK-DAG: apart = 0{{$}}
// CHECK-DAG: lanes = 0{{$}}
tune.tensor input @x : tensor<4x16x3x16xf32>
tune.tensor output @near : tensor<f32>
tune.tensor output @apart : tensor<f32>
tune.tensor output @lanes : tensor<f32>
tune.tensor output @first : tensor<4x16x3x16xf32>
tune.tensor output @second : tensor<4x16x3x16xf32>
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<4x16x3x16xf32>
  %least = arith.constant 0.0 : f32
  %scalar = tensor.empty() : tensor<f32>
  %none = linalg.fill ins(%least : f32) outs(%scalar : tensor<f32>) -> tensor<f32>
  %a:2 = tune.fused(%x) : (tensor<4x16x3x16xf32>) -> (tensor<4x16x3xf32>, tensor<4x16x3x16xf32>) {
  ^bb0(%y: tensor<4x16x3x16xf32>):
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<4x16x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16x3xf32>) -> tensor<4x16x3xf32>
    %sum = linalg.reduce { arith.addf } ins(%y : tensor<4x16x3x16xf32>) outs(%init : tensor<4x16x3xf32>) dimensions = [3]
    %wide = tensor.empty() : tensor<4x16x3x16xf32>
    %all = linalg.broadcast ins(%sum : tensor<4x16x3xf32>) outs(%wide : tensor<4x16x3x16xf32>) dimensions = [3]
    %z = arith.mulf %y, %all : tensor<4x16x3x16xf32>
    tune.fused_yield %sum, %z : tensor<4x16x3xf32>, tensor<4x16x3x16xf32>
  }
  %b = tune.fused(%x) : (tensor<4x16x3x16xf32>) -> tensor<4x16x3xf32> {
  ^bb0(%y: tensor<4x16x3x16xf32>):
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<4x16x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16x3xf32>) -> tensor<4x16x3xf32>
    %sum = linalg.reduce { arith.addf } ins(%y : tensor<4x16x3x16xf32>) outs(%init : tensor<4x16x3xf32>) dimensions = [3]
    tune.fused_yield %sum : tensor<4x16x3xf32>
  }
  %near.difference = arith.subf %a#0, %b : tensor<4x16x3xf32>
  %near.distance = math.absf %near.difference : tensor<4x16x3xf32>
  %near = linalg.reduce { arith.maximumf } ins(%near.distance : tensor<4x16x3xf32>) outs(%none : tensor<f32>) dimensions = [0, 1, 2]
  tune.write %near, @near : tensor<f32>
  %c:2 = tune.fused(%x) : (tensor<4x16x3x16xf32>) -> (tensor<4x16x16xf32>, tensor<4x16x3x16xf32>) {
  ^bb0(%y: tensor<4x16x3x16xf32>):
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<4x16x16xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16x16xf32>) -> tensor<4x16x16xf32>
    %sum = linalg.reduce { arith.addf } ins(%y : tensor<4x16x3x16xf32>) outs(%init : tensor<4x16x16xf32>) dimensions = [2]
    %wide = tensor.empty() : tensor<4x16x3x16xf32>
    %all = linalg.broadcast ins(%sum : tensor<4x16x16xf32>) outs(%wide : tensor<4x16x3x16xf32>) dimensions = [2]
    %z = arith.mulf %y, %all : tensor<4x16x3x16xf32>
    tune.fused_yield %sum, %z : tensor<4x16x16xf32>, tensor<4x16x3x16xf32>
  }
  %d = tune.fused(%x) : (tensor<4x16x3x16xf32>) -> tensor<4x16x16xf32> {
  ^bb0(%y: tensor<4x16x3x16xf32>):
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<4x16x16xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16x16xf32>) -> tensor<4x16x16xf32>
    %sum = linalg.reduce { arith.addf } ins(%y : tensor<4x16x3x16xf32>) outs(%init : tensor<4x16x16xf32>) dimensions = [2]
    tune.fused_yield %sum : tensor<4x16x16xf32>
  }
  %apart.difference = arith.subf %c#0, %d : tensor<4x16x16xf32>
  %apart.distance = math.absf %apart.difference : tensor<4x16x16xf32>
  %apart = linalg.reduce { arith.maximumf } ins(%apart.distance : tensor<4x16x16xf32>) outs(%none : tensor<f32>) dimensions = [0, 1, 2]
  tune.write %apart, @apart : tensor<f32>
  %e:2 = tune.fused(%x) : (tensor<4x16x3x16xf32>) -> (tensor<4x16x3xf32>, tensor<4x16x1x3xf32>) {
  ^bb0(%y: tensor<4x16x3x16xf32>):
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<4x16x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16x3xf32>) -> tensor<4x16x3xf32>
    %sum = linalg.reduce { arith.addf } ins(%y : tensor<4x16x3x16xf32>) outs(%init : tensor<4x16x3xf32>) dimensions = [3]
    %wide = tensor.empty() : tensor<4x16x1x3xf32>
    %all = linalg.broadcast ins(%sum : tensor<4x16x3xf32>) outs(%wide : tensor<4x16x1x3xf32>) dimensions = [2]
    tune.fused_yield %sum, %all : tensor<4x16x3xf32>, tensor<4x16x1x3xf32>
  }
  %beside = tensor.collapse_shape %e#1 [[0], [1], [2, 3]] : tensor<4x16x1x3xf32> into tensor<4x16x3xf32>
  %lanes.difference = arith.subf %e#0, %beside : tensor<4x16x3xf32>
  %lanes.distance = math.absf %lanes.difference : tensor<4x16x3xf32>
  %lanes = linalg.reduce { arith.maximumf } ins(%lanes.distance : tensor<4x16x3xf32>) outs(%none : tensor<f32>) dimensions = [0, 1, 2]
  tune.write %lanes, @lanes : tensor<f32>
  tune.write %a#1, @first : tensor<4x16x3x16xf32>
  tune.write %c#1, @second : tensor<4x16x3x16xf32>
  return
}
