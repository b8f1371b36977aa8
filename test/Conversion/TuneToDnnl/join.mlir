// Products that read the same large operand become one, whose parts are views.

// RUN: ftc-opt %s --convert-tune-to-dnnl | FileCheck %s

#left = affine_map<(m, n, k) -> (k, m)>
#right = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Gradients of two adapters' matrices, of ranks 10 and 14, beside the same input.
// CHECK-LABEL: func.func @gradients
// CHECK-SAME: %[[A:.*]]: tensor<64x10xf32>, %[[B:.*]]: tensor<64x14xf32>, %[[X:[a-z0-9]+]]: tensor<64x256xf32>
func.func @gradients(%a: tensor<64x10xf32>, %b: tensor<64x14xf32>, %x: tensor<64x256xf32>) -> (tensor<10x256xf32>, tensor<14x256xf32>) {
  // CHECK: %[[BOTH:.*]] = tensor.concat dim(1) %[[A]], %[[B]]
  // CHECK: %[[G:.*]] = dnnl.matmul lhs(%[[BOTH]]) rhs(%[[X]])
  // CHECK-SAME: -> tensor<24x256xf32>
  // CHECK-NOT: dnnl.matmul
  // CHECK-DAG: tensor.extract_slice %[[G]][0, 0] [10, 256] [1, 1]
  // CHECK-DAG: tensor.extract_slice %[[G]][10, 0] [14, 256] [1, 1]
  %zero = arith.constant 0.0 : f32
  %e10 = tensor.empty() : tensor<10x256xf32>
  %f10 = linalg.fill ins(%zero : f32) outs(%e10 : tensor<10x256xf32>) -> tensor<10x256xf32>
  %ga = linalg.contract indexing_maps = [#left, #right, #c] ins(%a, %x : tensor<64x10xf32>, tensor<64x256xf32>) outs(%f10 : tensor<10x256xf32>) -> tensor<10x256xf32>
  %e14 = tensor.empty() : tensor<14x256xf32>
  %f14 = linalg.fill ins(%zero : f32) outs(%e14 : tensor<14x256xf32>) -> tensor<14x256xf32>
  %gb = linalg.contract indexing_maps = [#left, #right, #c] ins(%b, %x : tensor<64x14xf32>, tensor<64x256xf32>) outs(%f14 : tensor<14x256xf32>) -> tensor<14x256xf32>
  return %ga, %gb : tensor<10x256xf32>, tensor<14x256xf32>
}

// Not: the other operands are as large as the common one; one of them is made of the other's product.
// CHECK-LABEL: func.func @not_joined
func.func @not_joined(%a: tensor<64x128xf32>, %b: tensor<64x128xf32>, %c: tensor<64x10xf32>, %x: tensor<64x256xf32>) -> (tensor<128x256xf32>, tensor<128x256xf32>, tensor<10x256xf32>) {
  // CHECK-NOT: tensor.concat
  // CHECK-COUNT-4: dnnl.matmul
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<128x256xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<128x256xf32>) -> tensor<128x256xf32>
  %ga = linalg.contract indexing_maps = [#left, #right, #c] ins(%a, %x : tensor<64x128xf32>, tensor<64x256xf32>) outs(%f : tensor<128x256xf32>) -> tensor<128x256xf32>
  %gb = linalg.contract indexing_maps = [#left, #right, #c] ins(%b, %x : tensor<64x128xf32>, tensor<64x256xf32>) outs(%f : tensor<128x256xf32>) -> tensor<128x256xf32>
  %e10 = tensor.empty() : tensor<10x256xf32>
  %f10 = linalg.fill ins(%zero : f32) outs(%e10 : tensor<10x256xf32>) -> tensor<10x256xf32>
  %gc = linalg.contract indexing_maps = [#left, #right, #c] ins(%c, %x : tensor<64x10xf32>, tensor<64x256xf32>) outs(%f10 : tensor<10x256xf32>) -> tensor<10x256xf32>
  %part = tensor.extract_slice %gc[0, 0] [10, 64] [1, 1] : tensor<10x256xf32> to tensor<10x64xf32>
  %order = tensor.empty() : tensor<64x10xf32>
  %next = linalg.transpose ins(%part : tensor<10x64xf32>) outs(%order : tensor<64x10xf32>) permutation = [1, 0]
  %gd = linalg.contract indexing_maps = [#left, #right, #c] ins(%next, %x : tensor<64x10xf32>, tensor<64x256xf32>) outs(%f10 : tensor<10x256xf32>) -> tensor<10x256xf32>
  %sum = arith.addf %gc, %gd : tensor<10x256xf32>
  return %ga, %gb, %sum : tensor<128x256xf32>, tensor<128x256xf32>, tensor<10x256xf32>
}
