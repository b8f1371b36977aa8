// RUN: ftc-opt %s --tune-place --tune-verify-placement | FileCheck %s
// RUN: ftc-opt %s --tune-place=target=reference --tune-verify-placement=target=reference | FileCheck %s --check-prefix=NONE

// Offsets are multiples of 64.
// CHECK: tune.arena = {activations = {{[0-9]+}} : i64, gradients = 128 : i64, peak = {{[0-9]+}} : i64, states = 128 : i64, thread = 0 : i64, trained = 128 : i64, weights = 64 : i64, workspace = {{[0-9]+}} : i64}
// CHECK: tune.tensor weight @frozen {{.*}}tune.offset = 0
// CHECK: tune.tensor trained @p {{.*}}tune.offset = 64
// CHECK: tune.tensor state @m {{.*}}tune.offset = 192
// CHECK: tune.tensor gradient @g {{.*}}tune.offset = 320
tune.tensor weight @frozen : tensor<2xf64>
tune.tensor trained @p : tensor<9xf64>
tune.tensor state @m : tensor<9xf64>
tune.tensor gradient @g : tensor<9xf64>
tune.tensor value @a : tensor<9xf64>
tune.tensor value @b : tensor<9xf64>
tune.tensor output @o : tensor<f64>

// A sum is added up where the tensor lies; what dies gives its bytes to the result.
// CHECK-LABEL: func.func @accumulate
// CHECK: %[[P:.*]] = tune.read @p
// CHECK: math.exp %[[P]] {tune.offsets = array<i64: [[TEMPORARY:[0-9]+]]>}
// CHECK: math.sin {{.*}} {tune.offsets = array<i64: [[TEMPORARY]]>}
// CHECK: arith.addf {{.*}} {tune.offsets = array<i64: 320>}
// In the reference every value has bytes of its own.
// NONE-LABEL: func.func @accumulate
// NONE: math.exp {{.*}} {tune.offsets = array<i64: [[FIRST:[0-9]+]]>}
// NONE-NOT: array<i64: [[FIRST]]>
// NONE-NOT: arith.addf {{.*}}array<i64: 320>
// NONE: return
func.func @accumulate() attributes {tune.program} {
  %p = tune.read @p : tensor<9xf64>
  %g = tune.read @g : tensor<9xf64>
  %e = math.exp %p : tensor<9xf64>
  %s = math.sin %e : tensor<9xf64>
  %sum = arith.addf %g, %s : tensor<9xf64>
  tune.write %sum, @g : tensor<9xf64>
  return
}

// The old contents of @p are read after the new ones are known: they are computed elsewhere and copied at the end.
// CHECK-LABEL: func.func @read_later
// CHECK: arith.addf {{.*}} {tune.offsets = array<i64: [[ELSEWHERE:[0-9]+]]>}
// CHECK: arith.mulf {{.*}} {tune.offsets = array<i64: 192>}
func.func @read_later() attributes {tune.program} {
  %p = tune.read @p : tensor<9xf64>
  %g = tune.read @g : tensor<9xf64>
  %new = arith.addf %p, %g : tensor<9xf64>
  %moment = arith.mulf %p, %new : tensor<9xf64>
  tune.write %new, @p : tensor<9xf64>
  tune.write %moment, @m : tensor<9xf64>
  return
}

// Each tensor's old contents become the other's: both are saved first.
// CHECK-LABEL: func.func @swap
// CHECK: tune.read @a {{.*}} {tune.offsets = array<i64: [[A:[0-9]+]]>}
// CHECK: tune.read @b {{.*}} {tune.offsets = array<i64: [[B:[0-9]+]]>}
func.func @swap() attributes {tune.program} {
  %a = tune.read @a : tensor<9xf64>
  %b = tune.read @b : tensor<9xf64>
  tune.write %a, @b : tensor<9xf64>
  tune.write %b, @a : tensor<9xf64>
  return
}

// A transpose reads what other items write, so it may not work in place; two values alive at once lie apart.
// CHECK-LABEL: func.func @apart
// CHECK: math.exp {{.*}} {tune.offsets = array<i64: [[E:[0-9]+]]>}
// CHECK-NOT: linalg.transpose {{.*}}array<i64: [[E]]>
// CHECK: return
func.func @apart() attributes {tune.program} {
  %a = tune.read @a : tensor<9xf64>
  %e = math.exp %a : tensor<9xf64>
  %matrix = tensor.expand_shape %e [[0, 1]] output_shape [3, 3] : tensor<9xf64> into tensor<3x3xf64>
  %init = tensor.empty() : tensor<3x3xf64>
  %t = linalg.transpose ins(%matrix : tensor<3x3xf64>) outs(%init : tensor<3x3xf64>) permutation = [1, 0]
  %flat = tensor.collapse_shape %t [[0, 1]] : tensor<3x3xf64> into tensor<9xf64>
  tune.write %flat, @a : tensor<9xf64>
  return
}

// Equal constants that need bytes share them; a splat that kernels hold needs none.
// CHECK-LABEL: func.func @constants
// CHECK: arith.constant {tune.offsets = array<i64: [[C:[0-9]+]]>} dense<[1.0{{.*}}
// CHECK: arith.constant {tune.offsets = array<i64: [[C]]>} dense<[1.0{{.*}}
// CHECK: arith.constant dense<2.0
func.func @constants() attributes {tune.program} {
  %c = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]> : tensor<9xf64>
  %d = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]> : tensor<9xf64>
  %two = arith.constant dense<2.0> : tensor<9xf64>
  %x = arith.addf %c, %two : tensor<9xf64>
  %y = arith.mulf %d, %x : tensor<9xf64>
  tune.write %y, @b : tensor<9xf64>
  return
}
