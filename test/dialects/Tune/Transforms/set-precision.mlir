// Reals become f32; scalars, exchanged vectors, and rotary tables stay f64.

// RUN: ftc-opt %s --tune-set-precision --tune-simplify | FileCheck %s

// CHECK-DAG: tune.tensor weight @w : tensor<4xf32>
// CHECK-DAG: tune.tensor input @positions : tensor<2x3xi32>
// CHECK-DAG: tune.tensor input @x : tensor<2x3x4xf32>
// CHECK-DAG: tune.tensor input @denominators : tensor<2xf64>
// CHECK-DAG: tune.tensor output @loss : tensor<f64>
// CHECK-DAG: tune.tensor output @sums : tensor<2xf64>
// CHECK-DAG: tune.tensor state @steps : tensor<f64>
tune.tensor weight @w : tensor<4xf64>
tune.tensor input @positions : tensor<2x3xi32>
tune.tensor input @x : tensor<2x3x4xf64>
tune.tensor input @denominators : tensor<2xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor output @sums : tensor<2xf64>
tune.tensor output @y : tensor<2x3x4xf64>
tune.tensor state @steps : tensor<f64>

// CHECK-LABEL: func.func @program
func.func @program() attributes {tune.program} {
  // CHECK-DAG: %[[W:.*]] = tune.read @w : tensor<4xf32>
  // CHECK-DAG: %[[D:.*]] = tune.read @denominators : tensor<2xf64>
  %w = tune.read @w : tensor<4xf64>
  %positions = tune.read @positions : tensor<2x3xi32>
  %x = tune.read @x : tensor<2x3x4xf64>
  %d = tune.read @denominators : tensor<2xf64>
  %steps = tune.read @steps : tensor<f64>

  // The table is exact: f64 from the integers to the cosine.
  // CHECK: %[[P:.*]] = arith.sitofp %{{.*}} : tensor<2x3xi32> to tensor<2x3xf64>
  // CHECK: tune.iota dim 0 : tensor<4xf64>
  // CHECK: %[[COS:.*]] = math.cos %{{.*}} : tensor<2x3x4xf64>
  // CHECK: arith.truncf %[[COS]] : tensor<2x3x4xf64> to tensor<2x3x4xf32>
  %wide = tensor.empty() : tensor<2x3x4xf64>
  %p = arith.sitofp %positions : tensor<2x3xi32> to tensor<2x3xf64>
  %i = tune.iota dim 0 : tensor<4xf64>
  %base = arith.constant dense<0.5> : tensor<4xf64>
  %frequency = math.powf %base, %i : tensor<4xf64>
  %ps = linalg.broadcast ins(%p : tensor<2x3xf64>) outs(%wide : tensor<2x3x4xf64>) dimensions = [2]
  %fs = linalg.broadcast ins(%frequency : tensor<4xf64>) outs(%wide : tensor<2x3x4xf64>) dimensions = [0, 1]
  %angle = arith.mulf %ps, %fs : tensor<2x3x4xf64>
  %cos = math.cos %angle : tensor<2x3x4xf64>

  // CHECK: arith.mulf %{{.*}}, %{{.*}} : tensor<2x3x4xf32>
  %turned = arith.mulf %x, %cos : tensor<2x3x4xf64>
  // A sine of what is learnt is no table.
  // CHECK: math.sin %[[W]] : tensor<4xf32>
  %sin = math.sin %w : tensor<4xf64>
  %sins = linalg.broadcast ins(%sin : tensor<4xf64>) outs(%wide : tensor<2x3x4xf64>) dimensions = [0, 1]
  // CHECK: %[[Y:.*]] = arith.mulf %{{.*}}, %{{.*}} : tensor<2x3x4xf32>
  %y = arith.mulf %turned, %sins : tensor<2x3x4xf64>

  // A sum to a scalar: f32 within, f64 along the first dimension.
  // CHECK: %[[PARTIAL:.*]] = linalg.reduce { arith.addf } ins(%[[Y]] : tensor<2x3x4xf32>) outs(%{{.*}} : tensor<2xf32>) dimensions = [1, 2]
  // CHECK: %[[LONG:.*]] = arith.extf %[[PARTIAL]] : tensor<2xf32> to tensor<2xf64>
  // CHECK: %[[SUM:.*]] = linalg.reduce { arith.addf } ins(%[[LONG]] : tensor<2xf64>) outs(%{{.*}} : tensor<f64>) dimensions = [0]
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %sum = linalg.reduce { arith.addf } ins(%y : tensor<2x3x4xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1, 2]
  // CHECK: %[[LOSS:.*]] = arith.mulf %[[SUM]], %{{.*}} : tensor<f64>
  %loss = arith.mulf %sum, %steps : tensor<f64>

  // CHECK: %[[SUMS:.*]] = arith.addf %[[D]], %[[D]] : tensor<2xf64>
  %sums = arith.addf %d, %d : tensor<2xf64>
  // CHECK-DAG: tune.write %[[LOSS]], @loss : tensor<f64>
  // CHECK-DAG: tune.write %[[SUMS]], @sums : tensor<2xf64>
  // CHECK-DAG: tune.write %[[Y]], @y : tensor<2x3x4xf32>
  tune.write %loss, @loss : tensor<f64>
  tune.write %sums, @sums : tensor<2xf64>
  tune.write %y, @y : tensor<2x3x4xf64>
  return
}

// Inside tune.rows: chunks are f32, a summed scalar is f64; comparisons are in the type of their operands.
// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<4x3xf64>, %scale: tensor<f64>) -> tensor<f64> {
  // CHECK: tune.rows (%{{.*}} = %{{.*}} : tensor<4x3xf32>) shared (%{{.*}} = %{{.*}} : tensor<f64>) chunk 2 -> tensor<f64>
  %y = tune.rows (%r = %x : tensor<4x3xf64>) shared (%s = %scale : tensor<f64>) chunk 2 -> (tensor<f64>) {
    %init = tensor.empty() : tensor<2x3xf64>
    %zero = arith.constant dense<0.0> : tensor<2x3xf64>
    // CHECK: %[[SHORT:.*]] = arith.truncf %{{.*}} : tensor<f64> to tensor<f32>
    // CHECK: linalg.broadcast ins(%[[SHORT]] : tensor<f32>)
    %ss = linalg.broadcast ins(%s : tensor<f64>) outs(%init : tensor<2x3xf64>) dimensions = [0, 1]
    // CHECK: arith.cmpf ogt, %{{.*}}, %{{.*}} : tensor<2x3xf32>
    %positive = arith.cmpf ogt, %r, %zero : tensor<2x3xf64>
    %chosen = arith.select %positive, %r, %ss : tensor<2x3xi1>, tensor<2x3xf64>
    %padding = arith.constant 0.0 : f64
    // CHECK: tensor.yield %{{.*}} : f32
    %padded = tensor.pad %chosen low[0, 1] high[0, 0] { ^bb0(%i: index, %j: index): tensor.yield %padding : f64 } : tensor<2x3xf64> to tensor<2x4xf64>
    %none = arith.constant dense<0.0> : tensor<f64>
    %sum = linalg.reduce { arith.addf } ins(%padded : tensor<2x4xf64>) outs(%none : tensor<f64>) dimensions = [0, 1]
    // CHECK: tune.yield summed(%{{.*}} : tensor<f64>)
    tune.yield summed(%sum : tensor<f64>)
  }
  return %y : tensor<f64>
}
