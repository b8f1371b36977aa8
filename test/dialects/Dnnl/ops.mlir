// RUN: ftc-opt %s | ftc-opt | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// CHECK: func.func @one
func.func @one(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<4x6xf32> {
  // CHECK: dnnl.matmul lhs(%{{.*}}) rhs(%{{.*}}) {indexing_maps = [#[[X:.*]], #[[W:.*]], #[[Y:.*]]]} : (tensor<4x8xf32>, tensor<6x8xf32>) -> tensor<4x6xf32>
  %y = dnnl.matmul lhs(%x) rhs(%w) {indexing_maps = [#x, #w, #y]} : (tensor<4x8xf32>, tensor<6x8xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// An adapter's term beside a frozen weight's, added to a value.
// CHECK: func.func @sum
func.func @sum(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>, %a: tensor<4x2xf32>, %b: tensor<6x2xf32>, %i: tensor<4x6xf32>) -> tensor<4x6xf32> {
  // CHECK: dnnl.matmul lhs(%{{.*}}, %{{.*}}) rhs(%{{.*}}, %{{.*}}) init(%{{.*}}) {indexing_maps = [#[[X]], #[[W]], #[[Y]], #[[X]], #[[W]], #[[Y]]]}
  %y = dnnl.matmul lhs(%x, %a) rhs(%w, %b) init(%i) {indexing_maps = [#x, #w, #y, #x, #w, #y]}
    : (tensor<4x8xf32>, tensor<4x2xf32>, tensor<6x8xf32>, tensor<6x2xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// A right operand in panels of 4 columns, of the matrix [n, k] and of [k, n].
#v = affine_map<(m, n, k) -> (k, n)>
// CHECK: func.func @panels
func.func @panels(%x: tensor<4x8xf32>, %w: tensor<3x8x4xf32>, %v: tensor<3x8x4xf32>) -> tensor<4x12xf32> {
  // CHECK: dnnl.matmul lhs(%{{.*}}, %{{.*}}) rhs(%{{.*}}, %{{.*}}) {indexing_maps = [{{.*}}], panels = array<i64: 4, 4>}
  %y = dnnl.matmul lhs(%x, %x) rhs(%w, %v) {indexing_maps = [#x, #w, #y, #x, #v, #y], panels = array<i64: 4, 4>}
    : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<3x8x4xf32>, tensor<3x8x4xf32>) -> tensor<4x12xf32>
  return %y : tensor<4x12xf32>
}
