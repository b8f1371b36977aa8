// Structured matrices are not built where they meet a product: those of Kronecker factors, of blocks along a diagonal, of
// a diagonal, nor within a sum with a weight. That the results are equal is checked with numbers, and their gradients.

// RUN: ftc-opt %s --tune-simplify --tune-order-contractions --tune-simplify | FileCheck %s --implicit-check-not=64x64xf64
// RUN: ftc-run-mlir %s --passes=tune-differentiate --target-passes=tune-simplify,tune-order-contractions --judge=1e-13
// RUN: ftc-run-mlir %s --passes=tune-simplify,tune-order-contractions,tune-differentiate --check-gradient=loss:a:ga --check-gradient=loss:R:gR
// RUN: ftc-opt %s --tune-simplify --tune-order-contractions --tune-differentiate --tune-simplify --tune-order-contractions --tune-simplify \
// RUN:   | FileCheck %s --check-prefix=BACKWARD --implicit-check-not=64x64xf64

#out = affine_map<(t, o, i) -> (o, i)>
#x = affine_map<(t, o, i) -> (t, i)>
#y = affine_map<(t, o, i) -> (t, o)>
tune.tensor trained @a : tensor<4x4xf64>
tune.tensor trained @b : tensor<16x16xf64>
tune.tensor trained @R : tensor<8x8x8xf64>
tune.tensor trained @d : tensor<64xf64>
tune.tensor input @x : tensor<8x64xf64>
tune.tensor output @kron : tensor<8x64xf64>
tune.tensor output @blocks : tensor<8x64xf64>
tune.tensor output @diagonal : tensor<8x64xf64>
tune.tensor output @loss : tensor<f64>
tune.tensor output @ga : tensor<4x4xf64>
tune.tensor output @gR : tensor<8x8x8xf64>

// CHECK-LABEL: func.func @main
// CHECK-DAG: linalg.contract {{.*}} ins({{.*}} : tensor<16x16xf64>, tensor<8x4x16xf64>)
// CHECK-DAG: linalg.contract {{.*}} ins({{.*}}tensor<8x8x8xf64>, tensor<8x8x8xf64>)
// BACKWARD-LABEL: func.func @main
func.func @main() attributes {tune.program} {
  %a = tune.read @a : tensor<4x4xf64>
  %b = tune.read @b : tensor<16x16xf64>
  %R = tune.read @R : tensor<8x8x8xf64>
  %d = tune.read @d : tensor<64xf64>
  %x = tune.read @x : tensor<8x64xf64>
  %none = arith.constant dense<0.0> : tensor<8x64xf64>

  %i4 = tensor.empty() : tensor<4x16x4x16xf64>
  %ra = linalg.broadcast ins(%a : tensor<4x4xf64>) outs(%i4 : tensor<4x16x4x16xf64>) dimensions = [1, 3]
  %rb = linalg.broadcast ins(%b : tensor<16x16xf64>) outs(%i4 : tensor<4x16x4x16xf64>) dimensions = [0, 2]
  %ab = arith.mulf %ra, %rb : tensor<4x16x4x16xf64>
  %K = tensor.collapse_shape %ab [[0, 1], [2, 3]] : tensor<4x16x4x16xf64> into tensor<64x64xf64>
  %two = arith.constant dense<2.0> : tensor<64x64xf64>
  %sK = arith.mulf %two, %K : tensor<64x64xf64>
  %kron = linalg.contract indexing_maps = [#out, #x, #y] ins(%sK, %x : tensor<64x64xf64>, tensor<8x64xf64>) outs(%none : tensor<8x64xf64>) -> tensor<8x64xf64>

  %i8 = tensor.empty() : tensor<8x8x8x8xf64>
  %eye = tune.eye : tensor<8x8xf64>
  %rR = linalg.broadcast ins(%R : tensor<8x8x8xf64>) outs(%i8 : tensor<8x8x8x8xf64>) dimensions = [2]
  %rE = linalg.broadcast ins(%eye : tensor<8x8xf64>) outs(%i8 : tensor<8x8x8x8xf64>) dimensions = [1, 3]
  %RE = arith.mulf %rR, %rE : tensor<8x8x8x8xf64>
  %D = tensor.collapse_shape %RE [[0, 1], [2, 3]] : tensor<8x8x8x8xf64> into tensor<64x64xf64>
  %blocks = linalg.contract indexing_maps = [#out, #x, #y] ins(%D, %x : tensor<64x64xf64>, tensor<8x64xf64>) outs(%none : tensor<8x64xf64>) -> tensor<8x64xf64>

  %i64 = tensor.empty() : tensor<64x64xf64>
  %one = tune.eye : tensor<64x64xf64>
  %rd = linalg.broadcast ins(%d : tensor<64xf64>) outs(%i64 : tensor<64x64xf64>) dimensions = [1]
  %dd = arith.mulf %rd, %one : tensor<64x64xf64>
  %diagonal = linalg.contract indexing_maps = [#out, #x, #y] ins(%dd, %x : tensor<64x64xf64>, tensor<8x64xf64>) outs(%none : tensor<8x64xf64>) -> tensor<8x64xf64>

  %sum = arith.addf %kron, %blocks : tensor<8x64xf64>
  %square = arith.mulf %sum, %sum : tensor<8x64xf64>
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%square : tensor<8x64xf64>) outs(%scalar : tensor<f64>) dimensions = [0, 1]
  %ga, %gR = tune.gradient %loss wrt(%a, %R) : (tensor<f64>, tensor<4x4xf64>, tensor<8x8x8xf64>) -> (tensor<4x4xf64>, tensor<8x8x8xf64>)
  tune.write %kron, @kron : tensor<8x64xf64>
  tune.write %blocks, @blocks : tensor<8x64xf64>
  tune.write %diagonal, @diagonal : tensor<8x64xf64>
  tune.write %loss, @loss : tensor<f64>
  tune.write %ga, @ga : tensor<4x4xf64>
  tune.write %gR, @gR : tensor<8x8x8xf64>
  return
}
