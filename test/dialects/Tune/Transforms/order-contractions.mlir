// (W + s B A) x: distributed where x is narrow, or a gradient is wanted; left where x is wide. The factor s goes where it
// is least work. That the results are equal is checked with numbers.

// DEFINE: %{tokens} = 8
// DEFINE: %{order} = sed 's/TOKENS/%{tokens}/g' %s | ftc-opt --tune-simplify --tune-order-contractions --tune-simplify

// RUN: %{order} | FileCheck %s --check-prefixes=NARROW,CHECK
// RUN: sed 's/TOKENS/%{tokens}/g' %s | ftc-run-mlir - --passes=tune-differentiate --target-passes=tune-simplify,tune-order-contractions --judge=1e-13
// RUN: sed 's/TOKENS/%{tokens}/g' %s | ftc-run-mlir - --passes=tune-simplify,tune-order-contractions,tune-differentiate --check-gradient=loss:B:gB
// RUN: sed 's/TOKENS/%{tokens}/g' %s | ftc-opt --tune-order-contractions=explain=true -o /dev/null 2>&1 | FileCheck %s --check-prefix=EXPLAIN
// EXPLAIN: remark: order kept: no other costs less than

// REDEFINE: %{tokens} = 4096
// RUN: %{order} | FileCheck %s --check-prefixes=WIDE,CHECK

#x = affine_map<(t, o, i) -> (t, i)>
#w = affine_map<(t, o, i) -> (o, i)>
#o = affine_map<(t, o, i) -> (t, o)>
#ma = affine_map<(o, i, r) -> (o, r)>
#mb = affine_map<(o, i, r) -> (r, i)>
#mo = affine_map<(o, i, r) -> (o, i)>
tune.tensor trained @A : tensor<2x64xf64>
tune.tensor trained @B : tensor<32x2xf64>
tune.tensor weight @W : tensor<32x64xf64>
tune.tensor trained @m : tensor<32xf64>
tune.tensor input @x : tensor<TOKENSx64xf64>
tune.tensor output @y : tensor<TOKENSx32xf64>
tune.tensor output @z : tensor<TOKENSx32xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor output @gA : tensor<2x64xf64>
tune.tensor output @gB : tensor<32x2xf64>

// CHECK-LABEL: func.func @adapted
// NARROW: %[[BASE:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<8x64xf64>, tensor<32x64xf64>)
// NARROW: %[[AX:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<8x64xf64>, tensor<2x64xf64>)
// NARROW: %[[SCALED:.*]] = arith.mulf %[[AX]], %{{.*}} : tensor<8x2xf64>
// NARROW: %[[BAX:.*]] = linalg.contract {{.*}} ins(%[[SCALED]], %{{.*}} : tensor<8x2xf64>, tensor<32x2xf64>)
// NARROW: arith.addf %[[BASE]], %[[BAX]] : tensor<8x32xf64>
// NARROW-NOT: linalg.contract
// WIDE: linalg.contract {{.*}} -> tensor<32x64xf64>
// WIDE: linalg.contract {{.*}} -> tensor<4096x32xf64>
// WIDE-NOT: linalg.contract
func.func @adapted() attributes {tune.program} {
  %A = tune.read @A : tensor<2x64xf64>
  %B = tune.read @B : tensor<32x2xf64>
  %W = tune.read @W : tensor<32x64xf64>
  %x = tune.read @x : tensor<TOKENSx64xf64>
  %zero = arith.constant dense<0.0> : tensor<32x64xf64>
  %BA = linalg.contract indexing_maps = [#ma, #mb, #mo] ins(%B, %A : tensor<32x2xf64>, tensor<2x64xf64>) outs(%zero : tensor<32x64xf64>) -> tensor<32x64xf64>
  %s = arith.constant dense<2.0> : tensor<32x64xf64>
  %sBA = arith.mulf %s, %BA : tensor<32x64xf64>
  %V = arith.addf %W, %sBA : tensor<32x64xf64>
  %none = arith.constant dense<0.0> : tensor<TOKENSx32xf64>
  %y = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %V : tensor<TOKENSx64xf64>, tensor<32x64xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  tune.write %y, @y : tensor<TOKENSx32xf64>
  return
}

// A gradient of V would be a product of its own as large as the layer: distributed for any width of x. The rows' factor
// m and the sign move out, the transpose goes.
// CHECK-LABEL: func.func @trained
// CHECK: %[[AX:.*]] = linalg.contract {{.*}} -> tensor<{{8|4096}}x2xf64>
// CHECK: linalg.contract {{.*}} ins(%[[AX]], %{{.*}} : tensor<{{8|4096}}x2xf64>, tensor<32x2xf64>)
// CHECK: arith.negf
// CHECK-NOT: linalg.transpose
// CHECK: tune.gradient
func.func @trained() attributes {tune.program} {
  %A = tune.read @A : tensor<2x64xf64>
  %B = tune.read @B : tensor<32x2xf64>
  %W = tune.read @W : tensor<32x64xf64>
  %m = tune.read @m : tensor<32xf64>
  %x = tune.read @x : tensor<TOKENSx64xf64>
  %zero = arith.constant dense<0.0> : tensor<32x64xf64>
  %BA = linalg.contract indexing_maps = [#ma, #mb, #mo] ins(%B, %A : tensor<32x2xf64>, tensor<2x64xf64>) outs(%zero : tensor<32x64xf64>) -> tensor<32x64xf64>
  %minus = arith.negf %BA : tensor<32x64xf64>
  %V = arith.subf %W, %minus : tensor<32x64xf64>
  %init = tensor.empty() : tensor<32x64xf64>
  %ms = linalg.broadcast ins(%m : tensor<32xf64>) outs(%init : tensor<32x64xf64>) dimensions = [1]
  %mV = arith.mulf %V, %ms : tensor<32x64xf64>
  %turned = tensor.empty() : tensor<64x32xf64>
  %T = linalg.transpose ins(%mV : tensor<32x64xf64>) outs(%turned : tensor<64x32xf64>) permutation = [1, 0]
  %none = arith.constant dense<0.0> : tensor<TOKENSx32xf64>
  %y = linalg.contract indexing_maps = [#x, affine_map<(t, o, i) -> (i, o)>, #o] ins(%x, %T : tensor<TOKENSx64xf64>, tensor<64x32xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  tune.write %y, @z : tensor<TOKENSx32xf64>
  %square = arith.mulf %y, %y : tensor<TOKENSx32xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%square : tensor<TOKENSx32xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1]
  %g:2 = tune.gradient %loss wrt(%A, %B) : (tensor<f64>, tensor<2x64xf64>, tensor<32x2xf64>) -> (tensor<2x64xf64>, tensor<32x2xf64>)
  tune.write %loss, @loss : tensor<f64>
  tune.write %g#0, @gA : tensor<2x64xf64>
  tune.write %g#1, @gB : tensor<32x2xf64>
  return
}
