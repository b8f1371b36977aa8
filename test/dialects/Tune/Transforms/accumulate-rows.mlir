// What is added to a tensor from all rows begins with what was there and is added row by row.
// RUN: ftc-opt %s --tune-accumulate-rows | FileCheck %s

tune.tensor output @loss : tensor<f64>
tune.tensor output @weighed : tensor<2xf64>
tune.tensor output @squared : tensor<f64>
tune.tensor output @plain : tensor<f64>
tune.tensor input @nll : tensor<4xf64>
tune.tensor input @count : tensor<f64>

// CHECK-LABEL: func.func @micro
func.func @micro() attributes {tune.program} {
  // CHECK-DAG: %[[X:.*]] = tune.read @nll
  // CHECK-DAG: %[[COUNT:.*]] = tune.read @count
  %zero = arith.constant 0.0 : f64
  %x = tune.read @nll : tensor<4xf64>
  %count = tune.read @count : tensor<f64>
  %e = tensor.empty() : tensor<f64>
  %f = linalg.fill ins(%zero : f64) outs(%e : tensor<f64>) -> tensor<f64>
  // CHECK: %[[S:.*]] = linalg.reduce { arith.addf } ins(%[[X]]
  %s = linalg.reduce { arith.addf } ins(%x : tensor<4xf64>) outs(%f : tensor<f64>) dimensions = [0]

  // A ratio, and a number times another sum.
  // CHECK: %[[LOSS:.*]] = tune.read @loss
  // CHECK: %[[DIVISOR:.*]] = linalg.broadcast ins(%[[COUNT]]
  // CHECK: %[[RATIO:.*]] = arith.divf %[[X]], %[[DIVISOR]] : tensor<4xf64>
  // CHECK: %[[NEGATIVE:.*]] = arith.negf %[[X]]
  // CHECK: %[[FACTOR:.*]] = linalg.broadcast
  // CHECK: %[[PRODUCT:.*]] = arith.mulf %[[FACTOR]], %[[NEGATIVE]]
  // CHECK: %[[BOTH:.*]] = arith.addf %[[RATIO]], %[[PRODUCT]] : tensor<4xf64>
  // CHECK: %[[SUM:.*]] = linalg.reduce { arith.addf } ins(%[[BOTH]] : tensor<4xf64>) outs(%[[LOSS]] : tensor<f64>) dimensions = [0]
  // CHECK: tune.write %[[SUM]], @loss
  %loss = tune.read @loss : tensor<f64>
  %three = arith.constant dense<3.0> : tensor<f64>
  %ratio = arith.divf %s, %count : tensor<f64>
  %negative = arith.negf %s : tensor<f64>
  %product = arith.mulf %three, %negative : tensor<f64>
  %both = arith.addf %ratio, %product : tensor<f64>
  %next = arith.addf %loss, %both : tensor<f64>
  tune.write %next, @loss : tensor<f64>

  // Two sums side by side.
  // CHECK: %[[WEIGHED:.*]] = tune.read @weighed
  // CHECK: %[[PARTS:.*]] = tensor.concat dim(1) %{{.*}}, %{{.*}} : (tensor<4x1xf64>, tensor<4x1xf64>) -> tensor<4x2xf64>
  // CHECK: linalg.reduce { arith.addf } ins(%[[PARTS]] : tensor<4x2xf64>) outs(%[[WEIGHED]] : tensor<2xf64>) dimensions = [0]
  %weighed = tune.read @weighed : tensor<2xf64>
  %a = tensor.expand_shape %s [] output_shape [1] : tensor<f64> into tensor<1xf64>
  %b = tensor.expand_shape %negative [] output_shape [1] : tensor<f64> into tensor<1xf64>
  %parts = tensor.concat dim(0) %a, %b : (tensor<1xf64>, tensor<1xf64>) -> tensor<2xf64>
  %nextWeighed = arith.addf %parts, %weighed : tensor<2xf64>
  tune.write %nextWeighed, @weighed : tensor<2xf64>

  // No linear function of a sum stays what it is, and so does what is not added to anything.
  // CHECK: %[[ROOT:.*]] = math.sqrt %[[S]]
  // CHECK-NEXT: %[[SQUARED:.*]] = tune.read @squared
  // CHECK-NEXT: arith.addf %[[SQUARED]], %[[ROOT]]
  %root = math.sqrt %s : tensor<f64>
  %squared = tune.read @squared : tensor<f64>
  %nextSquared = arith.addf %squared, %root : tensor<f64>
  tune.write %nextSquared, @squared : tensor<f64>
  // CHECK: tune.write %[[S]], @plain
  tune.write %s, @plain : tensor<f64>
  return
}

tune.tensor gradient @table : tensor<9x4xf32>
tune.tensor gradient @other : tensor<9x4xf32>
tune.tensor input @places : tensor<3xi32>
tune.tensor input @rows : tensor<3x4xf32>

// CHECK-LABEL: func.func @scatter
func.func @scatter() attributes {tune.program} {
  // CHECK-DAG: %[[G:.*]] = tune.read @table
  // CHECK-DAG: %[[I:.*]] = tune.read @places
  // CHECK-DAG: %[[R:.*]] = tune.read @rows
  %g = tune.read @table : tensor<9x4xf32>
  %places = tune.read @places : tensor<3xi32>
  %rows = tune.read @rows : tensor<3x4xf32>
  %s = tune.scatter_add %rows, %places : (tensor<3x4xf32>, tensor<3xi32>) -> tensor<9x4xf32>
  // CHECK: %[[NEXT:.*]] = tune.scatter_add %[[R]], %[[I]], %[[G]] :
  // CHECK: tune.write %[[NEXT]], @table
  %next = arith.addf %g, %s : tensor<9x4xf32>
  tune.write %next, @table : tensor<9x4xf32>

  // A constant would need bytes.
  // CHECK: %[[SUM:.*]] = tune.scatter_add %[[R]], %[[I]] :
  // CHECK: arith.addf %[[SUM]]
  %t = tune.scatter_add %rows, %places : (tensor<3x4xf32>, tensor<3xi32>) -> tensor<9x4xf32>
  %one = arith.constant dense<1.0> : tensor<9x4xf32>
  %more = arith.addf %t, %one : tensor<9x4xf32>
  tune.write %more, @other : tensor<9x4xf32>
  return
}
