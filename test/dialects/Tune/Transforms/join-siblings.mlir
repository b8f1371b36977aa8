// Kernels that read the same become one, at the place of the second; what needs the first one comes behind it. Not so
// where one needs the other, where little is read twice, or where something larger would live longer.

// RUN: ftc-opt %s --tune-join-siblings | FileCheck %s

#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>
tune.tensor input @x : tensor<32x64xf32>
tune.tensor input @y : tensor<32x64xf32>
tune.tensor input @v : tensor<64xf32>
tune.tensor input @w : tensor<64x64xf32>
tune.tensor output @o : tensor<32x64xf32>
tune.tensor output @p : tensor<32x64xf32>
tune.tensor output @q : tensor<32x64xf32>
tune.tensor output @r : tensor<32xf32>

// What both compute is computed once.
// CHECK-LABEL: func.func @join
// CHECK-SAME:  {
// CHECK-DAG:   %[[X:.*]] = tune.read @x
// CHECK-DAG:   %[[Y:.*]] = tune.read @y
// CHECK-NOT:   linalg.contract
// CHECK:       %[[BOTH:.*]]:2 = tune.fused(%[[X]], %[[Y]])
// CHECK-COUNT-1: math.exp
// CHECK-NOT:   math.exp
// CHECK:       tune.fused_yield
// CHECK:       %[[P:.*]] = linalg.contract {{.*}}ins(%[[BOTH]]#0
// CHECK:       linalg.contract {{.*}}ins(%[[P]]
// CHECK-NOT:   tune.fused
// CHECK:       return
func.func @join() attributes {tune.program} {
  %x = tune.read @x : tensor<32x64xf32>
  %y = tune.read @y : tensor<32x64xf32>
  %w = tune.read @w : tensor<64x64xf32>
  %none = arith.constant dense<0.0> : tensor<32x64xf32>
  %first = tune.fused(%x) : (tensor<32x64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p: tensor<32x64xf32>):
    %e = math.exp %p : tensor<32x64xf32>
    tune.fused_yield %e : tensor<32x64xf32>
  }
  %p = linalg.contract indexing_maps = [#a, #b, #c] ins(%first, %w : tensor<32x64xf32>, tensor<64x64xf32>) outs(%none : tensor<32x64xf32>) -> tensor<32x64xf32>
  %q = linalg.contract indexing_maps = [#a, #b, #c] ins(%p, %w : tensor<32x64xf32>, tensor<64x64xf32>) outs(%none : tensor<32x64xf32>) -> tensor<32x64xf32>
  %second = tune.fused(%y, %x) : (tensor<32x64xf32>, tensor<32x64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p0: tensor<32x64xf32>, %q0: tensor<32x64xf32>):
    %e = math.exp %q0 : tensor<32x64xf32>
    %m = arith.mulf %p0, %e : tensor<32x64xf32>
    tune.fused_yield %m : tensor<32x64xf32>
  }
  tune.write %p, @o : tensor<32x64xf32>
  tune.write %q, @p : tensor<32x64xf32>
  tune.write %second, @q : tensor<32x64xf32>
  return
}

// Sums of rows and what elements give share rows.
// CHECK-LABEL: func.func @rows
// CHECK:       tune.fused({{.*}}) : {{.*}} -> (tensor<32xf32>, tensor<32x64xf32>)
// CHECK-NOT:   tune.fused(
// CHECK:       return
func.func @rows() attributes {tune.program} {
  %x = tune.read @x : tensor<32x64xf32>
  %v = tune.read @v : tensor<64xf32>
  %first = tune.fused(%x) : (tensor<32x64xf32>) -> tensor<32xf32> {
  ^bb0(%p: tensor<32x64xf32>):
    %zero = arith.constant dense<0.0> : tensor<32xf32>
    %s = linalg.reduce ins(%p : tensor<32x64xf32>) outs(%zero : tensor<32xf32>) dimensions = [1]
      (%in: f32, %init: f32) {
        %t = arith.addf %in, %init : f32
        linalg.yield %t : f32
      }
    tune.fused_yield %s : tensor<32xf32>
  }
  %second = tune.fused(%x, %v) : (tensor<32x64xf32>, tensor<64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p: tensor<32x64xf32>, %q: tensor<64xf32>):
    %e = tensor.empty() : tensor<32x64xf32>
    %b = linalg.broadcast ins(%q : tensor<64xf32>) outs(%e : tensor<32x64xf32>) dimensions = [0]
    %m = arith.mulf %p, %b : tensor<32x64xf32>
    tune.fused_yield %m : tensor<32x64xf32>
  }
  tune.write %first, @r : tensor<32xf32>
  tune.write %second, @o : tensor<32x64xf32>
  return
}

// CHECK-LABEL: func.func @needed
// CHECK-COUNT-2: tune.fused(
// CHECK:       return
func.func @needed() attributes {tune.program} {
  %x = tune.read @x : tensor<32x64xf32>
  %w = tune.read @w : tensor<64x64xf32>
  %none = arith.constant dense<0.0> : tensor<32x64xf32>
  %first = tune.fused(%x) : (tensor<32x64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p: tensor<32x64xf32>):
    %e = math.exp %p : tensor<32x64xf32>
    tune.fused_yield %e : tensor<32x64xf32>
  }
  %p = linalg.contract indexing_maps = [#a, #b, #c] ins(%first, %w : tensor<32x64xf32>, tensor<64x64xf32>) outs(%none : tensor<32x64xf32>) -> tensor<32x64xf32>
  %second = tune.fused(%p, %x) : (tensor<32x64xf32>, tensor<32x64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p0: tensor<32x64xf32>, %q0: tensor<32x64xf32>):
    %m = arith.mulf %p0, %q0 : tensor<32x64xf32>
    tune.fused_yield %m : tensor<32x64xf32>
  }
  tune.write %second, @o : tensor<32x64xf32>
  return
}

// CHECK-LABEL: func.func @little
// CHECK-COUNT-2: tune.fused(
// CHECK:       return
func.func @little() attributes {tune.program} {
  %x = tune.read @x : tensor<32x64xf32>
  %y = tune.read @y : tensor<32x64xf32>
  %v = tune.read @v : tensor<64xf32>
  %first = tune.fused(%x, %v) : (tensor<32x64xf32>, tensor<64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p: tensor<32x64xf32>, %q: tensor<64xf32>):
    %e = tensor.empty() : tensor<32x64xf32>
    %b = linalg.broadcast ins(%q : tensor<64xf32>) outs(%e : tensor<32x64xf32>) dimensions = [0]
    %m = arith.mulf %p, %b : tensor<32x64xf32>
    tune.fused_yield %m : tensor<32x64xf32>
  }
  %second = tune.fused(%y, %v) : (tensor<32x64xf32>, tensor<64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p: tensor<32x64xf32>, %q: tensor<64xf32>):
    %e = tensor.empty() : tensor<32x64xf32>
    %b = linalg.broadcast ins(%q : tensor<64xf32>) outs(%e : tensor<32x64xf32>) dimensions = [0]
    %m = arith.addf %p, %b : tensor<32x64xf32>
    tune.fused_yield %m : tensor<32x64xf32>
  }
  tune.write %first, @o : tensor<32x64xf32>
  tune.write %second, @p : tensor<32x64xf32>
  return
}

// The product of what the first one gives reads a result of another product, which is as large as all that is read
// twice, and so is what a view of that is added to.
// CHECK-LABEL: func.func @longer
// CHECK-COUNT-2: tune.fused(
// CHECK:       return
func.func @longer() attributes {tune.program} {
  %x = tune.read @x : tensor<32x64xf32>
  %y = tune.read @y : tensor<32x64xf32>
  %w = tune.read @w : tensor<64x64xf32>
  %none = arith.constant dense<0.0> : tensor<32x64xf32>
  %square = arith.constant dense<0.0> : tensor<64x64xf32>
  %large = linalg.contract indexing_maps = [#a, #b, #c] ins(%w, %w : tensor<64x64xf32>, tensor<64x64xf32>) outs(%square : tensor<64x64xf32>) -> tensor<64x64xf32>
  %first = tune.fused(%x) : (tensor<32x64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p: tensor<32x64xf32>):
    %e = math.exp %p : tensor<32x64xf32>
    tune.fused_yield %e : tensor<32x64xf32>
  }
  %p = linalg.contract indexing_maps = [#a, #b, #c] ins(%first, %large : tensor<32x64xf32>, tensor<64x64xf32>) outs(%none : tensor<32x64xf32>) -> tensor<32x64xf32>
  %second = tune.fused(%y, %x) : (tensor<32x64xf32>, tensor<32x64xf32>) -> tensor<32x64xf32> {
  ^bb0(%p0: tensor<32x64xf32>, %q0: tensor<32x64xf32>):
    %m = arith.mulf %p0, %q0 : tensor<32x64xf32>
    tune.fused_yield %m : tensor<32x64xf32>
  }
  tune.write %p, @o : tensor<32x64xf32>
  tune.write %second, @p : tensor<32x64xf32>
  return
}
