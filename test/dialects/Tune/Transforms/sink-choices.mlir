// What only one side of a choice needs is computed if that side is taken: here both sides are dear. A choice by another
// truth value for each entry, and one between cheap values, stay. The result is that of arith.select, on both targets.

// DEFINE: %{step} = 0.0
// DEFINE: %{program} = sed "s/STEP/%{step}/" %s

// RUN: %{program} | ftc-opt --tune-sink-choices | FileCheck %s
// RUN: %{program} | ftc-run-mlir - --passes=tune-sink-choices --target=cpu --target-passes=tune-set-precision,tune-simplify --judge=1e-5
// RUN: %{program} | ftc-run-mlir - --passes=tune-sink-choices > %t.sunk
// RUN: %{program} | ftc-run-mlir - > %t.plain
// RUN: diff %t.sunk %t.plain
// REDEFINE: %{step} = 1.0
// RUN: %{program} | ftc-run-mlir - --passes=tune-sink-choices --target=cpu --target-passes=tune-set-precision,tune-simplify --judge=1e-5
// RUN: %{program} | ftc-run-mlir - --passes=tune-sink-choices > %t.sunk
// RUN: %{program} | ftc-run-mlir - > %t.plain
// RUN: diff %t.sunk %t.plain

tune.tensor input @step : tensor<f64> {test.values = dense<STEP> : tensor<f64>}
tune.tensor input @g : tensor<6x4xf64>
tune.tensor input @h : tensor<4x4xf64>
tune.tensor state @P : tensor<6x2xf64> {test.random = [-1.0, 1.0]}
tune.tensor state @s : tensor<2xf64> {test.random = [-1.0, 1.0]}
tune.tensor output @newP : tensor<6x2xf64>
tune.tensor output @news : tensor<2xf64>
tune.tensor output @cheap : tensor<6x4xf64>
tune.tensor output @mixed : tensor<4x4xf64>

// CHECK-LABEL: func.func @main
// CHECK: %[[P:.*]] = tune.read @P
// CHECK: %[[TURN:.*]] = arith.cmpf oeq
// CHECK-NOT: tune.svd
// CHECK: %[[BOTH:.*]]:2 = tune.if %[[TURN]], {{.*}} : (tensor<i1>
// CHECK: tune.svd
// CHECK: tune.if_yield
// CHECK: } else {
// CHECK: linalg.contract
// CHECK: tune.if_yield
// CHECK: }
// CHECK-NOT: linalg.contract
// CHECK: arith.select {{.*}} : tensor<6x4xi1>, tensor<6x4xf64>
// CHECK: tune.solve
// CHECK: arith.select {{.*}} : tensor<4x4xi1>, tensor<4x4xf64>
// CHECK: tune.write %[[BOTH]]#0, @P
// CHECK: tune.write %[[BOTH]]#1, @s
func.func @main() attributes {tune.program} {
  %step = tune.read @step : tensor<f64>
  %g = tune.read @g : tensor<6x4xf64>
  %h = tune.read @h : tensor<4x4xf64>
  %P = tune.read @P : tensor<6x2xf64>
  %old = tune.read @s : tensor<2xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %turn = arith.cmpf oeq, %step, %zero : tensor<f64>
  %double = arith.addf %g, %g : tensor<6x4xf64>
  %u, %s, %v = tune.svd %double : (tensor<6x4xf64>) -> (tensor<6x2xf64>, tensor<2xf64>, tensor<2x4xf64>)
  %none = arith.constant dense<0.0> : tensor<6x2xf64>
  %part = tensor.extract_slice %h[0, 0] [2, 2] [1, 1] : tensor<4x4xf64> to tensor<2x2xf64>
  %kept = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>] ins(%P, %part : tensor<6x2xf64>, tensor<2x2xf64>) outs(%none : tensor<6x2xf64>) -> tensor<6x2xf64>
  %init62 = tensor.empty() : tensor<6x2xi1>
  %turn62 = linalg.broadcast ins(%turn : tensor<i1>) outs(%init62 : tensor<6x2xi1>) dimensions = [0, 1]
  %newP = arith.select %turn62, %u, %kept : tensor<6x2xi1>, tensor<6x2xf64>
  %init2 = tensor.empty() : tensor<2xi1>
  %turn2 = linalg.broadcast ins(%turn : tensor<i1>) outs(%init2 : tensor<2xi1>) dimensions = [0]
  %news = arith.select %turn2, %s, %old : tensor<2xi1>, tensor<2xf64>
  %init64 = tensor.empty() : tensor<6x4xi1>
  %turn64 = linalg.broadcast ins(%turn : tensor<i1>) outs(%init64 : tensor<6x4xi1>) dimensions = [0, 1]
  %cheap = arith.select %turn64, %double, %g : tensor<6x4xi1>, tensor<6x4xf64>
  %positive = arith.cmpf ogt, %h, %h : tensor<4x4xf64>
  %solved = tune.solve %h, %h : (tensor<4x4xf64>, tensor<4x4xf64>) -> tensor<4x4xf64>
  %mixed = arith.select %positive, %solved, %h : tensor<4x4xi1>, tensor<4x4xf64>
  tune.write %newP, @P : tensor<6x2xf64>
  tune.write %news, @s : tensor<2xf64>
  tune.write %newP, @newP : tensor<6x2xf64>
  tune.write %news, @news : tensor<2xf64>
  tune.write %cheap, @cheap : tensor<6x4xf64>
  tune.write %mixed, @mixed : tensor<4x4xf64>
  return
}
