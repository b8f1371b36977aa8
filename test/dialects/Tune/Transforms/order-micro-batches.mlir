// A program that sees a quarter of a batch puts the factor where one that sees all of it does: at the weight, which is
// less than the whole batch's rows.

// RUN: ftc-opt %s --tune-order-contractions | FileCheck %s

#x = affine_map<(b, t, o, i) -> (b, t, i)>
#a = affine_map<(b, t, o, i) -> (o, i)>
#o = affine_map<(b, t, o, i) -> (b, t, o)>
tune.tensor trained @A : tensor<2x64xf64>
tune.tensor input @x : tensor<1x40x64xf64>
tune.tensor output @y : tensor<1x40x2xf64>

// CHECK-LABEL: func.func @alone
// CHECK:       %[[P:.*]] = linalg.contract
// CHECK:       arith.mulf {{.*}}%[[P]]{{.*}} : tensor<1x40x2xf64>
func.func @alone() attributes {tune.program} {
  %A = tune.read @A : tensor<2x64xf64>
  %x = tune.read @x : tensor<1x40x64xf64>
  %none = arith.constant dense<0.0> : tensor<1x40x2xf64>
  %p = linalg.contract indexing_maps = [#x, #a, #o] ins(%x, %A : tensor<1x40x64xf64>, tensor<2x64xf64>) outs(%none : tensor<1x40x2xf64>) -> tensor<1x40x2xf64>
  %s = arith.constant dense<1.5> : tensor<1x40x2xf64>
  %y = arith.mulf %p, %s : tensor<1x40x2xf64>
  tune.write %y, @y : tensor<1x40x2xf64>
  return
}

// CHECK-LABEL: func.func @part
// CHECK:       %[[A:.*]] = arith.mulf {{.*}} : tensor<2x64xf64>
// CHECK:       linalg.contract {{.*}}%[[A]]
// CHECK-NOT:   arith.mulf
func.func @part() attributes {tune.program, tune.micro_batches = array<i64: 4, 1, 40>} {
  %A = tune.read @A : tensor<2x64xf64>
  %x = tune.read @x : tensor<1x40x64xf64>
  %none = arith.constant dense<0.0> : tensor<1x40x2xf64>
  %p = linalg.contract indexing_maps = [#x, #a, #o] ins(%x, %A : tensor<1x40x64xf64>, tensor<2x64xf64>) outs(%none : tensor<1x40x2xf64>) -> tensor<1x40x2xf64>
  %s = arith.constant dense<1.5> : tensor<1x40x2xf64>
  %y = arith.mulf %p, %s : tensor<1x40x2xf64>
  tune.write %y, @y : tensor<1x40x2xf64>
  return
}
