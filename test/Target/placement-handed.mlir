// RUN: ftc-opt %s --tune-place --tune-verify-placement | FileCheck %s
// RUN: ftc-run-mlir %s --repeat=2 --target=cpu | FileCheck %s --check-prefix=VALUES
// RUN: ftc-run-mlir %s --repeat=2 | FileCheck %s --check-prefix=VALUES
// Gradients that one program leaves for the next lie among the values of both, from where they are made, or what they are computed
// over: @g where %a was. One that a third program reads (@seen), or with moves in between (@later), has bytes of its own, where %b is.

// CHECK-DAG: tune.tensor gradient @g {{.*}}tune.offset = [[G:[0-9]+]]
// CHECK-DAG: tune.tensor gradient @seen {{.*}}tune.offset = [[SEEN:[0-9]+]]
// CHECK-DAG: tune.tensor gradient @later {{.*}}tune.offset = [[LATER:[0-9]+]]
// CHECK: func.func @micro
// CHECK: arith.mulf {{.*}}tune.offsets = array<i64: [[G]]>
// CHECK: math.exp {{.*}}tune.offsets = array<i64: [[SEEN]]>
// CHECK: arith.mulf {{.*}}tune.offsets = array<i64: [[SEEN]]>
// CHECK: arith.addf {{.*}}tune.offsets = array<i64: [[G]]>
// CHECK: func.func @update
// CHECK: tune.read @g {{.*}}tune.offsets = array<i64: [[G]]>
// CHECK: func.func @micro_moved
// CHECK: arith.mulf {{.*}}tune.offsets = array<i64: [[LATER]]>
// VALUES: out = 2.71828 2.71828
// VALUES: p_after = 1 1
// VALUES: q_after = 1 1
tune.tensor value @p : tensor<2xf64> {test.values = dense<1.0> : tensor<2xf64>}
tune.tensor value @q : tensor<2xf64> {test.values = dense<1.0> : tensor<2xf64>}
tune.tensor gradient @g : tensor<2xf64>
tune.tensor gradient @seen : tensor<2xf64>
tune.tensor gradient @later : tensor<2xf64>
tune.tensor output @out : tensor<2xf64>
tune.tensor output @p_after : tensor<2xf64>
tune.tensor output @q_after : tensor<2xf64>
func.func @micro() attributes {tune.program} {
  %p = tune.read @p : tensor<2xf64>
  %a = arith.mulf %p, %p : tensor<2xf64>
  %b = math.exp %a : tensor<2xf64>
  %c = arith.mulf %b, %a : tensor<2xf64>
  tune.write %c, @seen : tensor<2xf64>
  %d = arith.addf %a, %p : tensor<2xf64>
  tune.write %d, @g : tensor<2xf64>
  return
}
func.func @update() attributes {tune.program} {
  %p = tune.read @p : tensor<2xf64>
  %g = tune.read @g : tensor<2xf64>
  %s = tune.read @seen : tensor<2xf64>
  %zero = arith.subf %s, %s : tensor<2xf64>
  %moved = arith.subf %g, %p : tensor<2xf64>
  %next = arith.addf %moved, %zero : tensor<2xf64>
  tune.write %next, @p : tensor<2xf64>
  return
}
func.func @look() attributes {tune.program} {
  %s = tune.read @seen : tensor<2xf64>
  tune.write %s, @out : tensor<2xf64>
  %p = tune.read @p : tensor<2xf64>
  tune.write %p, @p_after : tensor<2xf64>
  return
}
func.func @micro_moved() attributes {tune.program} {
  %q = tune.read @q : tensor<2xf64>
  %d = arith.mulf %q, %q : tensor<2xf64>
  tune.write %d, @later : tensor<2xf64>
  return
}
func.func @move() attributes {tune.program} {
  %q = tune.read @q : tensor<2xf64>
  tune.write %q, @q_after : tensor<2xf64>
  return
}
func.func @update_moved() attributes {tune.program} {
  %g = tune.read @later : tensor<2xf64>
  tune.write %g, @q : tensor<2xf64>
  return
}
tune.step @run {kind = "train", shown = [@out, @p_after, @q_after], programs = {micro = @micro, update = @update}, gradients = [@g, @seen]}
tune.step @seeing {kind = "train", shown = [@out, @p_after, @q_after], programs = {micro = @look, update = @look}}
tune.step @moving {kind = "train", programs = {micro = @micro_moved, update = @update_moved}, moves = [{program = @move}], gradients = [@later]}
