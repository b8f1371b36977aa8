// Between transforms of real numbers half of the spectrum is enough: whatever stands between, for even and odd lengths,
// with a gradient. Transforms of complex numbers, and of real numbers whose spectrum is not even, stay.

// DEFINE: %{n} = 8
// DEFINE: %{half} = 5
// DEFINE: %{sized} = sed 's/SIZE/%{n}/g' %s
// RUN: %{sized} | ftc-opt --tune-halve-spectra | FileCheck %s -DN=%{n} -DHALF=%{half}
// RUN: %{sized} | ftc-run-mlir - --passes=tune-differentiate --target-passes=tune-halve-spectra,tune-differentiate --judge=1e-13
// RUN: %{sized} | ftc-run-mlir - --passes=tune-halve-spectra,tune-differentiate --check-gradient=loss:w:gw
// REDEFINE: %{n} = 7
// REDEFINE: %{half} = 4
// RUN: %{sized} | ftc-opt --tune-halve-spectra | FileCheck %s -DN=%{n} -DHALF=%{half}
// RUN: %{sized} | ftc-run-mlir - --passes=tune-differentiate --target-passes=tune-halve-spectra,tune-differentiate --judge=1e-13
// REDEFINE: %{n} = 2
// RUN: %{sized} | ftc-run-mlir - --passes=tune-differentiate --target-passes=tune-halve-spectra,tune-differentiate --judge=1e-13

#w = affine_map<(t, m, n, k) -> (m, n, k)>
#x = affine_map<(t, m, n, k) -> (t, n, k)>
#y = affine_map<(t, m, n, k) -> (t, k, m)>
tune.tensor input @x : tensor<5x3xSIZExf64>
tune.tensor input @s : tensor<4xf64>
tune.tensor trained @w : tensor<4x3xSIZExf64>
tune.tensor output @y : tensor<5x4xSIZExf64>
tune.tensor output @rest : tensor<5x4xSIZExf64>
tune.tensor output @kept : tensor<4x3xSIZExf64>
tune.tensor output @even : tensor<4x3xSIZExf64>
tune.tensor output @wide : tensor<1x1x1x1x1x1x1x1x1xSIZExf64>
tune.tensor output @loss : tensor<f64>
tune.tensor output @gw : tensor<4x3xSIZExf64>

// The spectrum comes first and the longest of the other dimensions last.
// CHECK-LABEL: func.func @circular
// CHECK-NOT: tune.fft{{ }}
// CHECK: tune.real_fft %{{.*}} order [2, 1, 0] factor 1.000000e+00 : (tensor<4x3x[[N]]xf64>) -> (tensor<[[HALF]]x3x4xf64>, tensor<[[HALF]]x3x4xf64>)
// CHECK: tune.real_fft %{{.*}} order [2, 1, 0] factor {{.*}} inverse : (tensor<5x3x[[N]]xf64>) -> (tensor<[[HALF]]x3x5xf64>, tensor<[[HALF]]x3x5xf64>)
// CHECK: linalg.contract {{.*}} ins({{.*}} : tensor<[[HALF]]x3x4xf64>, tensor<[[HALF]]x3x5xf64>) {{.*}} -> tensor<[[HALF]]x4x5xf64>
// CHECK-NOT: tune.fft{{ }}
// CHECK: tune.fft_to_real {{.*}} mirrored : {{.*}} -> tensor<5x4x[[N]]xf64>
// CHECK-NOT: tune.fft{{ }}
// CHECK: return
func.func @circular() attributes {tune.program} {
  %x = tune.read @x : tensor<5x3xSIZExf64>
  %s = tune.read @s : tensor<4xf64>
  %w = tune.read @w : tensor<4x3xSIZExf64>
  %none = arith.constant dense<0.0> : tensor<5xSIZEx4xf64>
  %wRe, %wIm = tune.fft %w dim 2 : (tensor<4x3xSIZExf64>) -> (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>)
  %xRe, %xIm = tune.fft %x dim 2 inverse : (tensor<5x3xSIZExf64>) -> (tensor<5x3xSIZExf64>, tensor<5x3xSIZExf64>)
  %rr = linalg.contract indexing_maps = [#w, #x, #y] ins(%wRe, %xRe : tensor<4x3xSIZExf64>, tensor<5x3xSIZExf64>) outs(%none : tensor<5xSIZEx4xf64>) -> tensor<5xSIZEx4xf64>
  %ii = linalg.contract indexing_maps = [#w, #x, #y] ins(%wIm, %xIm : tensor<4x3xSIZExf64>, tensor<5x3xSIZExf64>) outs(%none : tensor<5xSIZEx4xf64>) -> tensor<5xSIZEx4xf64>
  %ri = linalg.contract indexing_maps = [#w, #x, #y] ins(%wRe, %xIm : tensor<4x3xSIZExf64>, tensor<5x3xSIZExf64>) outs(%none : tensor<5xSIZEx4xf64>) -> tensor<5xSIZEx4xf64>
  %ir = linalg.contract indexing_maps = [#w, #x, #y] ins(%wIm, %xRe : tensor<4x3xSIZExf64>, tensor<5x3xSIZExf64>) outs(%none : tensor<5xSIZEx4xf64>) -> tensor<5xSIZEx4xf64>
  %re = arith.subf %rr, %ii : tensor<5xSIZEx4xf64>
  %minus = arith.negf %ri : tensor<5xSIZEx4xf64>
  %im = arith.subf %ir, %minus : tensor<5xSIZEx4xf64>
  %init = tensor.empty() : tensor<5xSIZEx4xf64>
  %scales = linalg.broadcast ins(%s : tensor<4xf64>) outs(%init : tensor<5xSIZEx4xf64>) dimensions = [0, 1]
  %third = arith.constant dense<3.0> : tensor<5xSIZEx4xf64>
  %reScaled = arith.mulf %scales, %re : tensor<5xSIZEx4xf64>
  %imScaled = arith.mulf %im, %scales : tensor<5xSIZEx4xf64>
  %reShifted = arith.addf %reScaled, %third : tensor<5xSIZEx4xf64>
  %imThird = arith.divf %imScaled, %third : tensor<5xSIZEx4xf64>
  %initT = tensor.empty() : tensor<5x4xSIZExf64>
  %reT = linalg.transpose ins(%reShifted : tensor<5xSIZEx4xf64>) outs(%initT : tensor<5x4xSIZExf64>) permutation = [0, 2, 1]
  %imT = linalg.transpose ins(%imThird : tensor<5xSIZEx4xf64>) outs(%initT : tensor<5x4xSIZExf64>) permutation = [0, 2, 1]
  %y, %zero = tune.fft %reT, %imT dim 2 : (tensor<5x4xSIZExf64>, tensor<5x4xSIZExf64>) -> (tensor<5x4xSIZExf64>, tensor<5x4xSIZExf64>)
  %squares = arith.mulf %y, %y : tensor<5x4xSIZExf64>
  %empty = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce ins(%squares : tensor<5x4xSIZExf64>) outs(%empty : tensor<f64>) dimensions = [0, 1, 2] (%a: f64, %b: f64) { %c = arith.addf %a, %b : f64 linalg.yield %c : f64 }
  %gw = tune.gradient %loss wrt(%w) : (tensor<f64>, tensor<4x3xSIZExf64>) -> tensor<4x3xSIZExf64>
  tune.write %y, @y : tensor<5x4xSIZExf64>
  tune.write %zero, @rest : tensor<5x4xSIZExf64>
  tune.write %loss, @loss : tensor<f64>
  tune.write %gw, @gw : tensor<4x3xSIZExf64>
  return
}

// Along another dimension than the last.
// CHECK-LABEL: func.func @middle
// CHECK-NOT: tune.fft{{ }}
// CHECK: tune.real_fft %{{.*}} order [1, 0, 2] {{.*}} -> (tensor<2x4x[[N]]xf64>, tensor<2x4x[[N]]xf64>)
// CHECK: %[[ROWS:.*]] = tune.fft_to_real %{{.*}}, %{{.*}} order [2, 0, 1] {{.*}} -> tensor<4x[[N]]x3xf64>
// CHECK: linalg.transpose ins(%[[ROWS]] : tensor<4x[[N]]x3xf64>)
// CHECK-NOT: tune.fft{{ }}
// CHECK: return
func.func @middle() attributes {tune.program} {
  %w = tune.read @w : tensor<4x3xSIZExf64>
  %re, %im = tune.fft %w dim 1 : (tensor<4x3xSIZExf64>) -> (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>)
  %back = tune.fft %re, %im dim 1 inverse : (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>) -> tensor<4x3xSIZExf64>
  tune.write %back, @kept : tensor<4x3xSIZExf64>
  return
}

// Of the last two dimensions, in any order, both forwards or both inverse.
// CHECK-LABEL: func.func @two
// CHECK-NOT: tune.fft
// CHECK: tune.real_fft2 %[[W:.*]] : tensor<4x3x[[N]]xf64>
// CHECK: tune.fft %[[W]] dim 2 inverse
// CHECK: tune.real_fft2 %[[W]] : tensor<4x3x[[N]]xf64>
// CHECK: tune.fft {{.*}} dim 1 :
// CHECK-NOT: tune.{{(real_)?}}fft
// CHECK: return
func.func @two() attributes {tune.program} {
  %w = tune.read @w : tensor<4x3xSIZExf64>
  %re, %im = tune.fft %w dim 1 : (tensor<4x3xSIZExf64>) -> (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>)
  %one = tune.fft %re, %im dim 2 : (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>) -> tensor<4x3xSIZExf64>
  %reBack, %imBack = tune.fft %w dim 2 inverse : (tensor<4x3xSIZExf64>) -> (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>)
  %two = tune.fft %reBack, %imBack dim 1 inverse : (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>) -> tensor<4x3xSIZExf64>
  %neither = tune.fft %reBack, %imBack dim 1 : (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>) -> tensor<4x3xSIZExf64>
  %sum = arith.addf %one, %two : tensor<4x3xSIZExf64>
  %all = arith.addf %sum, %neither : tensor<4x3xSIZExf64>
  tune.write %all, @even : tensor<4x3xSIZExf64>
  return
}

// CHECK-LABEL: func.func @whole
// CHECK-COUNT-3: tune.fft
func.func @whole() attributes {tune.program} {
  %w = tune.read @w : tensor<4x3xSIZExf64>
  %re, %im = tune.fft %w dim 2 : (tensor<4x3xSIZExf64>) -> (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>)
  %swapped, %other = tune.fft %im, %re dim 2 : (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>) -> (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>)
  %both = arith.addf %re, %im : tensor<4x3xSIZExf64>
  %neither, %nor = tune.fft %both, %im dim 2 : (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>) -> (tensor<4x3xSIZExf64>, tensor<4x3xSIZExf64>)
  %sum = arith.addf %swapped, %neither : tensor<4x3xSIZExf64>
  tune.write %sum, @kept : tensor<4x3xSIZExf64>
  return
}

// Of more dimensions than halves have.
// CHECK-LABEL: func.func @many
// CHECK-COUNT-2: tune.fft{{ }}
func.func @many() attributes {tune.program} {
  %ones = arith.constant dense<1.0> : tensor<1x1x1x1x1x1x1x1x1xSIZExf64>
  %re, %im = tune.fft %ones dim 9 : (tensor<1x1x1x1x1x1x1x1x1xSIZExf64>) -> (tensor<1x1x1x1x1x1x1x1x1xSIZExf64>, tensor<1x1x1x1x1x1x1x1x1xSIZExf64>)
  %back = tune.fft %re, %im dim 9 inverse : (tensor<1x1x1x1x1x1x1x1x1xSIZExf64>, tensor<1x1x1x1x1x1x1x1x1xSIZExf64>) -> tensor<1x1x1x1x1x1x1x1x1xSIZExf64>
  tune.write %back, @wide : tensor<1x1x1x1x1x1x1x1x1xSIZExf64>
  return
}
