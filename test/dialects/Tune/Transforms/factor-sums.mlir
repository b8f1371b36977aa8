// P x + Q x = (P + Q) x for many rows, whatever stands between and however the second lies; not where the rows are few,
// the product is needed otherwise, or the operands differ.

// DEFINE: %{tokens} = 64
// DEFINE: %{sized} = sed 's/TOKENS/%{tokens}/g' %s
// RUN: %{sized} | ftc-opt --tune-order-contractions | FileCheck %s --check-prefixes=MANY,CHECK
// RUN: %{sized} | ftc-run-mlir - --passes=tune-differentiate --target-passes=tune-order-contractions --judge=1e-13
// RUN: %{sized} | ftc-run-mlir - --passes=tune-order-contractions,tune-differentiate --check-gradient=loss:Q:gQ
// REDEFINE: %{tokens} = 8
// RUN: %{sized} | ftc-opt --tune-order-contractions | FileCheck %s --check-prefixes=FEW,CHECK

#x = affine_map<(t, o, i) -> (t, i)>
#p = affine_map<(t, o, i) -> (o, i)>
#q = affine_map<(t, o, i) -> (i, o)>
#y = affine_map<(t, o, i) -> (t, o)>
tune.tensor input @x : tensor<TOKENSx48xf64>
tune.tensor input @other : tensor<TOKENSx48xf64>
tune.tensor input @bias : tensor<TOKENSx32xf64>
tune.tensor weight @P : tensor<32x48xf64>
tune.tensor trained @Q : tensor<48x32xf64>
tune.tensor output @y : tensor<TOKENSx32xf64>
tune.tensor output @z : tensor<TOKENSx32xf64>
tune.tensor output @apart : tensor<TOKENSx32xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor output @gQ : tensor<48x32xf64>

// CHECK-LABEL: func.func @sum
// MANY: %[[P:.*]] = tune.read @P
// MANY: %[[Q:.*]] = tune.read @Q
// MANY: %[[SCALED:.*]] = arith.mulf %[[Q]]
// MANY: %[[LIES:.*]] = linalg.transpose ins(%[[SCALED]]
// MANY: %[[BOTH:.*]] = arith.addf %[[P]], %[[LIES]] : tensor<32x48xf64>
// MANY: %[[Y:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %[[BOTH]]
// MANY-NOT: linalg.contract
// MANY: arith.addf %[[Y]], %{{.*}} : tensor<64x32xf64>
// FEW-COUNT-2: linalg.contract
func.func @sum() attributes {tune.program} {
  %x = tune.read @x : tensor<TOKENSx48xf64>
  %bias = tune.read @bias : tensor<TOKENSx32xf64>
  %P = tune.read @P : tensor<32x48xf64>
  %Q = tune.read @Q : tensor<48x32xf64>
  %none = arith.constant dense<0.0> : tensor<TOKENSx32xf64>
  %base = linalg.contract indexing_maps = [#x, #p, #y] ins(%x, %P : tensor<TOKENSx48xf64>, tensor<32x48xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  %biased = arith.addf %base, %bias : tensor<TOKENSx32xf64>
  %two = arith.constant dense<2.0> : tensor<48x32xf64>
  %Q2 = arith.mulf %Q, %two : tensor<48x32xf64>
  %more = linalg.contract indexing_maps = [#q, #x, #y] ins(%Q2, %x : tensor<48x32xf64>, tensor<TOKENSx48xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  %y = arith.addf %biased, %more : tensor<TOKENSx32xf64>
  tune.write %y, @y : tensor<TOKENSx32xf64>
  %square = arith.mulf %y, %y : tensor<TOKENSx32xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce ins(%square : tensor<TOKENSx32xf64>) outs(%zero : tensor<f64>) dimensions = [0, 1]
    (%in: f64, %out: f64) { %s = arith.addf %in, %out : f64  linalg.yield %s : f64 }
  tune.write %loss, @loss : tensor<f64>
  %g = tune.gradient %loss wrt(%Q) : (tensor<f64>, tensor<48x32xf64>) -> tensor<48x32xf64>
  tune.write %g, @gQ : tensor<48x32xf64>
  return
}

// CHECK-LABEL: func.func @needed
// CHECK-COUNT-2: linalg.contract
func.func @needed() attributes {tune.program} {
  %x = tune.read @x : tensor<TOKENSx48xf64>
  %P = tune.read @P : tensor<32x48xf64>
  %Q = tune.read @Q : tensor<48x32xf64>
  %none = arith.constant dense<0.0> : tensor<TOKENSx32xf64>
  %base = linalg.contract indexing_maps = [#x, #p, #y] ins(%x, %P : tensor<TOKENSx48xf64>, tensor<32x48xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  %more = linalg.contract indexing_maps = [#x, #q, #y] ins(%x, %Q : tensor<TOKENSx48xf64>, tensor<48x32xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  %y = arith.addf %base, %more : tensor<TOKENSx32xf64>
  %z = arith.mulf %y, %base : tensor<TOKENSx32xf64>
  tune.write %z, @z : tensor<TOKENSx32xf64>
  return
}

// CHECK-LABEL: func.func @different
// CHECK-COUNT-2: linalg.contract
func.func @different() attributes {tune.program} {
  %x = tune.read @x : tensor<TOKENSx48xf64>
  %other = tune.read @other : tensor<TOKENSx48xf64>
  %P = tune.read @P : tensor<32x48xf64>
  %Q = tune.read @Q : tensor<48x32xf64>
  %none = arith.constant dense<0.0> : tensor<TOKENSx32xf64>
  %base = linalg.contract indexing_maps = [#x, #p, #y] ins(%x, %P : tensor<TOKENSx48xf64>, tensor<32x48xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  %more = linalg.contract indexing_maps = [#x, #q, #y] ins(%other, %Q : tensor<TOKENSx48xf64>, tensor<48x32xf64>) outs(%none : tensor<TOKENSx32xf64>) -> tensor<TOKENSx32xf64>
  %y = arith.addf %base, %more : tensor<TOKENSx32xf64>
  tune.write %y, @apart : tensor<TOKENSx32xf64>
  return
}
