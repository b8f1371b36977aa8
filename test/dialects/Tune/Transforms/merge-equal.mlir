// What tune-simplify merges: ops that are equal, at first and after its patterns have changed some.

// RUN: ftc-opt %s --tune-simplify | FileCheck %s

// Operands of a sum or product in any order; what reads equal ops is equal.
// CHECK-LABEL: func.func @at_first(
// CHECK-SAME: %[[X:.*]]: tensor<4x3xf64>, %[[Y:.*]]: tensor<4x3xf64>)
func.func @at_first(%x: tensor<4x3xf64>, %y: tensor<4x3xf64>) -> (tensor<4x3xf64>, tensor<4x3xf64>) {
  // CHECK-NEXT: %[[A:.*]] = arith.mulf %[[X]], %[[Y]]
  // CHECK-NEXT: %[[B:.*]] = math.exp %[[A]]
  // CHECK-NEXT: return %[[B]], %[[B]]
  %a = arith.mulf %x, %y : tensor<4x3xf64>
  %b = math.exp %a : tensor<4x3xf64>
  %c = arith.mulf %y, %x : tensor<4x3xf64>
  %d = math.exp %c : tensor<4x3xf64>
  return %b, %d : tensor<4x3xf64>, tensor<4x3xf64>
}

// What a pattern makes equal, before and behind its twin, and all that follows from it.
// CHECK-LABEL: func.func @afterwards(
// CHECK-SAME: %[[X:.*]]: tensor<4x3xf64>)
func.func @afterwards(%x: tensor<4x3xf64>) -> (tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xf64>) {
  // CHECK-NEXT: %[[A:.*]] = math.exp %[[X]]
  // CHECK-NEXT: %[[B:.*]] = math.tanh %[[A]]
  // CHECK-NEXT: %[[C:.*]] = math.sqrt %[[B]]
  // CHECK-NEXT: return %[[C]], %[[C]], %[[C]]
  %one = arith.constant dense<1.0> : tensor<4x3xf64>
  %before = arith.mulf %x, %one : tensor<4x3xf64>
  %a = math.exp %before : tensor<4x3xf64>
  %b = math.tanh %a : tensor<4x3xf64>
  %c = math.sqrt %b : tensor<4x3xf64>
  %d = math.exp %x : tensor<4x3xf64>
  %e = math.tanh %d : tensor<4x3xf64>
  %f = math.sqrt %e : tensor<4x3xf64>
  %behind = arith.divf %x, %one : tensor<4x3xf64>
  %g = math.exp %behind : tensor<4x3xf64>
  %h = math.tanh %g : tensor<4x3xf64>
  %i = math.sqrt %h : tensor<4x3xf64>
  return %c, %f, %i : tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xf64>
}

// Another order of operands, another attribute, another body: nothing to merge.
// CHECK-LABEL: func.func @unequal(
func.func @unequal(%x: tensor<4x3xf64>, %y: tensor<4x3xf64>)
    -> (tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xi1>, tensor<4x3xi1>, tensor<4xf64>, tensor<4xf64>) {
  // CHECK-COUNT-2: arith.subf
  %a = arith.subf %x, %y : tensor<4x3xf64>
  %b = arith.subf %y, %x : tensor<4x3xf64>
  // CHECK: arith.cmpf olt
  // CHECK: arith.cmpf ole
  %c = arith.cmpf olt, %x, %y : tensor<4x3xf64>
  %d = arith.cmpf ole, %x, %y : tensor<4x3xf64>
  // CHECK: linalg.reduce { arith.addf }
  // CHECK: linalg.reduce { arith.maximumf }
  %init = arith.constant dense<-1.0> : tensor<4xf64>
  %e = linalg.reduce { arith.addf } ins(%x : tensor<4x3xf64>) outs(%init : tensor<4xf64>) dimensions = [1]
  %f = linalg.reduce { arith.maximumf } ins(%x : tensor<4x3xf64>) outs(%init : tensor<4xf64>) dimensions = [1]
  return %a, %b, %c, %d, %e, %f
      : tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xi1>, tensor<4x3xi1>, tensor<4xf64>, tensor<4xf64>
}

// The body of a loop by itself; whole loops whose bodies are equal.
// CHECK-LABEL: func.func @bodies(
func.func @bodies(%x: tensor<4x3xf64>) -> (tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xf64>) {
  // CHECK: %[[OUTSIDE:.*]] = math.exp
  // CHECK: %[[LOOP:.*]] = tune.rows
  // CHECK: math.exp
  // CHECK-NOT: math.exp
  // CHECK: arith.addf
  // CHECK: tune.yield
  // CHECK-NOT: tune.rows
  // CHECK: return %[[OUTSIDE]], %[[LOOP]], %[[LOOP]]
  %outside = math.exp %x : tensor<4x3xf64>
  %a = tune.rows (%r = %x : tensor<4x3xf64>) shared () chunk 2 -> (tensor<4x3xf64>) {
    %b = math.exp %r : tensor<2x3xf64>
    %c = math.exp %r : tensor<2x3xf64>
    %d = arith.addf %b, %c : tensor<2x3xf64>
    tune.yield sliced(%d : tensor<2x3xf64>)
  }
  %e = tune.rows (%r = %x : tensor<4x3xf64>) shared () chunk 2 -> (tensor<4x3xf64>) {
    %b = math.exp %r : tensor<2x3xf64>
    %d = arith.addf %b, %b : tensor<2x3xf64>
    tune.yield sliced(%d : tensor<2x3xf64>)
  }
  return %outside, %a, %e : tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xf64>
}
