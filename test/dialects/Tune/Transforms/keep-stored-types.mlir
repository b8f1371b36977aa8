// Weights stay in the type of their file where nothing writes them; extensions go to their uses.
// RUN: ftc-opt %s --tune-keep-stored-types | FileCheck %s

module {
  // CHECK: tune.tensor weight @w : tensor<8x4xbf16>
  tune.tensor weight @w : tensor<8x4xf32> source {step = "base", tensor = "w", type = "bf16"}
  // CHECK: tune.tensor weight @h : tensor<4xf16>
  tune.tensor weight @h : tensor<4xf32> source {step = "base", tensor = "h", type = "f16"}
  // Written; trained; wide in its file; no float.
  // CHECK: tune.tensor weight @merged : tensor<4xf32>
  tune.tensor weight @merged : tensor<4xf32> source {step = "base", tensor = "m", type = "bf16"}
  // CHECK: tune.tensor trained @t : tensor<4xf32>
  tune.tensor trained @t : tensor<4xf32> source {step = "base", tensor = "t", type = "bf16"}
  // CHECK: tune.tensor weight @wide : tensor<4xf32>
  tune.tensor weight @wide : tensor<4xf32> source {step = "base", tensor = "wide", type = "f32"}
  // CHECK: tune.tensor weight @name : tensor<4xf32>
  tune.tensor weight @name : tensor<4xf32> source {step = "base", tensor = "name", type = "u8"}
  tune.tensor input @ids : tensor<3xi32>
  tune.tensor output @x : tensor<3x4xf32>
  tune.tensor output @y : tensor<4x8xf32>
  tune.tensor output @z : tensor<6x8xf32>

  // Each use has its own: rows of a table are extended when they are there, a loop extends inside.
  // CHECK-LABEL: func @uses
  func.func @uses() attributes {tune.program} {
    %w = tune.read @w : tensor<8x4xf32>
    %h = tune.read @h : tensor<4xf32>
    %ids = tune.read @ids : tensor<3xi32>
    // CHECK: %[[ROWS:.*]] = tune.gather %{{.*}}, %{{.*}} : {{.*}} -> tensor<3x4xbf16>
    // CHECK: %[[X:.*]] = arith.extf %[[ROWS]] : tensor<3x4xbf16> to tensor<3x4xf32>
    %x = tune.gather %w, %ids : (tensor<8x4xf32>, tensor<3xi32>) -> tensor<3x4xf32>
    // CHECK: tune.write %[[X]], @x
    tune.write %x, @x : tensor<3x4xf32>
    // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %{{.*}} : tensor<8x4xbf16> into tensor<32xbf16>
    %flat = tensor.collapse_shape %w [[0, 1]] : tensor<8x4xf32> into tensor<32xf32>
    // CHECK: %[[TURNED:.*]] = tensor.expand_shape %[[FLAT]] {{.*}} into tensor<4x8xbf16>
    // CHECK: %[[Y:.*]] = arith.extf %[[TURNED]]
    %turned = tensor.expand_shape %flat [[0, 1]] output_shape [4, 8] : tensor<32xf32> into tensor<4x8xf32>
    // CHECK: arith.addf %[[Y]], %[[Y]]
    %sum = arith.addf %turned, %turned : tensor<4x8xf32>
    tune.write %sum, @y : tensor<4x8xf32>
    %in = tensor.empty() : tensor<6x4xf32>
    // CHECK: tune.rows {{.*}} shared (%[[ARGUMENT:.*]] = %{{.*}} : tensor<8x4xbf16>)
    %z = tune.rows (%c = %in : tensor<6x4xf32>) shared (%v = %w : tensor<8x4xf32>) chunk 2 -> (tensor<6x8xf32>) {
      // CHECK: arith.extf %[[ARGUMENT]] : tensor<8x4xbf16> to tensor<8x4xf32>
      %empty = tensor.empty() : tensor<2x8xf32>
      %zero = arith.constant 0.0 : f32
      %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x8xf32>) -> tensor<2x8xf32>
      %p = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>,
                                            affine_map<(i, j, k) -> (i, j)>]
           ins(%c, %v : tensor<2x4xf32>, tensor<8x4xf32>) outs(%init : tensor<2x8xf32>) -> tensor<2x8xf32>
      tune.yield sliced (%p : tensor<2x8xf32>)
    }
    tune.write %z, @z : tensor<6x8xf32>
    tune.write %h, @merged : tensor<4xf32>
    return
  }
}
