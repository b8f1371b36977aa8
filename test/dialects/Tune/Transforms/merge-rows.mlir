// Two loops over the same rows become one, unless the second needs the first.

// RUN: ftc-opt %s --tune-merge-rows --tune-simplify | FileCheck %s

// CHECK-LABEL: func.func @independent
// CHECK-SAME: %[[X:.*]]: tensor<6x3xf64>, %[[W:.*]]: tensor<3xf64>
func.func @independent(%x: tensor<6x3xf64>, %w: tensor<3xf64>) -> (tensor<6x3xf64>, tensor<3xf64>, tensor<6x3xf64>) {
  // CHECK: %[[BOTH:.*]]:3 = tune.rows (%{{.*}} = %[[X]] : tensor<6x3xf64>) shared (%{{.*}} = %[[W]] : tensor<3xf64>) chunk 2
  // CHECK-COUNT-1: arith.mulf
  // CHECK-NOT: arith.mulf
  // CHECK: tune.yield sliced(%{{.*}}, %{{.*}} : tensor<2x3xf64>, tensor<2x3xf64>) summed(%{{.*}} : tensor<3xf64>)
  // CHECK-NOT: tune.rows
  // CHECK: %[[USER:.*]] = math.exp %[[BOTH]]#0
  // CHECK: return %[[USER]], %[[BOTH]]#2, %[[BOTH]]#1
  %a:2 = tune.rows (%r = %x : tensor<6x3xf64>) shared (%v = %w : tensor<3xf64>) chunk 2 -> (tensor<6x3xf64>, tensor<3xf64>) {
    %e = tensor.empty() : tensor<2x3xf64>
    %vs = linalg.broadcast ins(%v : tensor<3xf64>) outs(%e : tensor<2x3xf64>) dimensions = [0]
    %p = arith.mulf %r, %vs : tensor<2x3xf64>
    %none = arith.constant dense<0.0> : tensor<3xf64>
    %s = linalg.reduce { arith.addf } ins(%p : tensor<2x3xf64>) outs(%none : tensor<3xf64>) dimensions = [0]
    tune.yield sliced(%p : tensor<2x3xf64>) summed(%s : tensor<3xf64>)
  }
  %user = math.exp %a#0 : tensor<6x3xf64>
  %b = tune.rows (%r = %x : tensor<6x3xf64>) shared (%v = %w : tensor<3xf64>) chunk 2 -> (tensor<6x3xf64>) {
    %e = tensor.empty() : tensor<2x3xf64>
    %vs = linalg.broadcast ins(%v : tensor<3xf64>) outs(%e : tensor<2x3xf64>) dimensions = [0]
    %p = arith.mulf %r, %vs : tensor<2x3xf64>
    %t = math.tanh %p : tensor<2x3xf64>
    tune.yield sliced(%t : tensor<2x3xf64>)
  }
  return %user, %a#1, %b : tensor<6x3xf64>, tensor<3xf64>, tensor<6x3xf64>
}

// CHECK-LABEL: func.func @dependent
func.func @dependent(%x: tensor<6x3xf64>, %w: tensor<3xf64>) -> tensor<6x3xf64> {
  // CHECK-COUNT-2: tune.rows
  %a = tune.rows (%r = %x : tensor<6x3xf64>) shared (%v = %w : tensor<3xf64>) chunk 2 -> (tensor<3xf64>) {
    %none = arith.constant dense<0.0> : tensor<3xf64>
    %s = linalg.reduce { arith.addf } ins(%r : tensor<2x3xf64>) outs(%none : tensor<3xf64>) dimensions = [0]
    %p = arith.mulf %s, %v : tensor<3xf64>
    tune.yield summed(%p : tensor<3xf64>)
  }
  %scale = math.exp %a : tensor<3xf64>
  %b = tune.rows (%r = %x : tensor<6x3xf64>) shared (%v = %w : tensor<3xf64>, %u = %scale : tensor<3xf64>) chunk 2 -> (tensor<6x3xf64>) {
    %e = tensor.empty() : tensor<2x3xf64>
    %vu = arith.mulf %v, %u : tensor<3xf64>
    %vs = linalg.broadcast ins(%vu : tensor<3xf64>) outs(%e : tensor<2x3xf64>) dimensions = [0]
    %p = arith.mulf %r, %vs : tensor<2x3xf64>
    tune.yield sliced(%p : tensor<2x3xf64>)
  }
  return %b : tensor<6x3xf64>
}

// CHECK-LABEL: func.func @chunks
func.func @chunks(%x: tensor<6x3xf64>, %w: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  // CHECK-COUNT-2: tune.rows
  %a = tune.rows (%r = %x : tensor<6x3xf64>) shared (%v = %w : tensor<3xf64>) chunk 2 -> (tensor<3xf64>) {
    %none = arith.constant dense<0.0> : tensor<3xf64>
    %s = linalg.reduce { arith.addf } ins(%r : tensor<2x3xf64>) outs(%none : tensor<3xf64>) dimensions = [0]
    %p = arith.mulf %s, %v : tensor<3xf64>
    tune.yield summed(%p : tensor<3xf64>)
  }
  %b = tune.rows (%r = %x : tensor<6x3xf64>) shared (%v = %w : tensor<3xf64>) chunk 3 -> (tensor<3xf64>) {
    %none = arith.constant dense<0.0> : tensor<3xf64>
    %s = linalg.reduce { arith.addf } ins(%r : tensor<3x3xf64>) outs(%none : tensor<3xf64>) dimensions = [0]
    %p = arith.mulf %s, %v : tensor<3xf64>
    tune.yield summed(%p : tensor<3xf64>)
  }
  return %a, %b : tensor<3xf64>, tensor<3xf64>
}
