// A choice between a constant and another tensor by a broadcast condition: no pattern applies, and none may change the program while it finds that out
// (the driver would go on for ever).

// RUN: ftc-opt %s --tune-simplify | FileCheck %s

// CHECK-LABEL: func.func @f
// CHECK: %[[NOTHING:.*]] = arith.constant dense<0.000000e+00> : tensor<4x32x64xf64>
// CHECK: arith.select %{{.*}}, %[[NOTHING]], %{{.*}}
func.func @f(%c: tensor<4x32xi1>, %x: tensor<4x32x64xf64>, %g: tensor<64xf64>) -> tensor<4x32x64xf64> {
  %z = arith.constant dense<0.0> : tensor<f64>
  %e = tensor.empty() : tensor<4x32x64xf64>
  %b = linalg.broadcast ins(%z : tensor<f64>) outs(%e : tensor<4x32x64xf64>) dimensions = [0, 1, 2]
  %ec = tensor.empty() : tensor<4x32x64xi1>
  %bc = linalg.broadcast ins(%c : tensor<4x32xi1>) outs(%ec : tensor<4x32x64xi1>) dimensions = [2]
  %gb = linalg.broadcast ins(%g : tensor<64xf64>) outs(%e : tensor<4x32x64xf64>) dimensions = [0, 1]
  %m = arith.mulf %x, %gb : tensor<4x32x64xf64>
  %s = arith.select %bc, %b, %m : tensor<4x32x64xi1>, tensor<4x32x64xf64>
  return %s : tensor<4x32x64xf64>
}
