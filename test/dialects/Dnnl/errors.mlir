// RUN: ftc-opt %s --split-input-file --verify-diagnostics

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

func.func @maps(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<4x6xf32> {
  // expected-error @below {{needs a lhs, a rhs and three indexing maps for each term (C1)}}
  %y = dnnl.matmul lhs(%x) rhs(%w) {indexing_maps = [#x, #w]} : (tensor<4x8xf32>, tensor<6x8xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

func.func @sizes(%x: tensor<4x8xf32>, %w: tensor<6x9xf32>) -> tensor<4x6xf32> {
  // expected-error @below {{has a term that is no matrix product: 0 (C2)}}
  %y = dnnl.matmul lhs(%x) rhs(%w) {indexing_maps = [#x, #w, #y]} : (tensor<4x8xf32>, tensor<6x9xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

func.func @init(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>, %i: tensor<6x4xf32>) -> tensor<4x6xf32> {
  // expected-error @below {{has an init of another type than its result (C4)}}
  %y = dnnl.matmul lhs(%x) rhs(%w) init(%i) {indexing_maps = [#x, #w, #y]} : (tensor<4x8xf32>, tensor<6x8xf32>, tensor<6x4xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// -----

#x = affine_map<(a, b, c, k) -> (a, k)>
#w = affine_map<(a, b, c, k) -> (b, c, k)>
#r = affine_map<(a, b, c, k) -> (a, b, k)>
#v = affine_map<(a, b, c, k) -> (c, k)>
#y = affine_map<(a, b, c, k) -> (a, b, c)>

// Rows of the first term are a, of the second a and b.
func.func @terms(%x: tensor<2x8xf32>, %w: tensor<3x4x8xf32>, %r: tensor<2x3x8xf32>, %v: tensor<4x8xf32>) -> tensor<2x3x4xf32> {
  // expected-error @below {{has terms that cut the result into different rows and columns (C3)}}
  %y = dnnl.matmul lhs(%x, %r) rhs(%w, %v) {indexing_maps = [#x, #w, #y, #r, #v, #y]}
    : (tensor<2x8xf32>, tensor<2x3x8xf32>, tensor<3x4x8xf32>, tensor<4x8xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

func.func @panels_without_terms(%x: tensor<4x8xf32>, %w: tensor<3x8x4xf32>) -> tensor<4x12xf32> {
  // expected-error @below {{needs a number of columns of panels, or 0, for each term (C5)}}
  %y = dnnl.matmul lhs(%x) rhs(%w) {indexing_maps = [#x, #w, #y], panels = array<i64: 4, 0>} : (tensor<4x8xf32>, tensor<3x8x4xf32>) -> tensor<4x12xf32>
  return %y : tensor<4x12xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

func.func @panels_of_others(%x: tensor<4x8xf32>, %w: tensor<3x8x4xf32>) -> tensor<4x12xf32> {
  // expected-error @below {{has a term that is no matrix product: 0 (C2)}}
  %y = dnnl.matmul lhs(%x) rhs(%w) {indexing_maps = [#x, #w, #y], panels = array<i64: 6>} : (tensor<4x8xf32>, tensor<3x8x4xf32>) -> tensor<4x12xf32>
  return %y : tensor<4x12xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// What lies in panels is the operand whose columns are the result's.
func.func @panels_of_rows(%x: tensor<1x8x4xf32>, %w: tensor<12x8xf32>) -> tensor<4x12xf32> {
  // expected-error @below {{has a term that is no matrix product: 0 (C2)}}
  %y = dnnl.matmul lhs(%w) rhs(%x) {indexing_maps = [#w, #x, #y], panels = array<i64: 4>} : (tensor<12x8xf32>, tensor<1x8x4xf32>) -> tensor<4x12xf32>
  return %y : tensor<4x12xf32>
}
