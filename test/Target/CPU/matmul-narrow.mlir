// Products that extend narrow operands themselves against the reference, with one thread and with two.

// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --num-threads=2
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --alone
// RUN: ftc-opt %s --convert-tune-to-dnnl | FileCheck %s
// CHECK-NOT: arith.extf

module {
  tune.tensor input @a0 : tensor<150x70xf32>
  tune.tensor input @b0 : tensor<100x70xbf16>
  tune.tensor output @c0 : tensor<150x100xf32>
  tune.tensor input @a1 : tensor<300x40xf32>
  tune.tensor input @b1 : tensor<40x72xbf16>
  tune.tensor output @c1 : tensor<300x72xf32>
  tune.tensor input @a2 : tensor<40x33xf32>
  tune.tensor input @b2 : tensor<33x49xf16>
  tune.tensor output @c2 : tensor<40x49xf32>
  tune.tensor input @a3 : tensor<70x4500xf32>
  tune.tensor input @b3 : tensor<4500x40xbf16>
  tune.tensor output @c3 : tensor<70x40xf32>
  tune.tensor input @a4 : tensor<130x48xbf16>
  tune.tensor input @b4 : tensor<64x48xf32>
  tune.tensor output @c4 : tensor<130x64xf32>
  tune.tensor input @a5 : tensor<32x64xf16>
  tune.tensor input @b5 : tensor<32x96xbf16>
  tune.tensor output @c5 : tensor<64x96xf32>
  tune.tensor input @a6 : tensor<3x600xf32>
  tune.tensor input @b6 : tensor<1200x600xbf16>
  tune.tensor output @c6 : tensor<3x1200xf32>
  tune.tensor input @a7 : tensor<1x60xf32>
  tune.tensor input @b7 : tensor<130x60xf16>
  tune.tensor output @c7 : tensor<1x130xf32>
  tune.tensor input @a8 : tensor<90x20xbf16>
  tune.tensor input @b8 : tensor<70x20xbf16>
  tune.tensor output @c8 : tensor<70x90xf32>
  func.func @products() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    // Columns of the right operand are packed by transposition.
    %a0 = tune.read @a0 : tensor<150x70xf32>
    %b0 = tune.read @b0 : tensor<100x70xbf16>
    %b0e = arith.extf %b0 : tensor<100x70xbf16> to tensor<100x70xf32>
    %e0 = tensor.empty() : tensor<150x100xf32>
    %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<150x100xf32>) -> tensor<150x100xf32>
    %c0 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a0, %b0e : tensor<150x70xf32>, tensor<100x70xf32>) outs(%z0 : tensor<150x100xf32>) -> tensor<150x100xf32>
    tune.write %c0, @c0 : tensor<150x100xf32>
    // Rows of the right operand, narrow last panel.
    %a1 = tune.read @a1 : tensor<300x40xf32>
    %b1 = tune.read @b1 : tensor<40x72xbf16>
    %b1e = arith.extf %b1 : tensor<40x72xbf16> to tensor<40x72xf32>
    %e1 = tensor.empty() : tensor<300x72xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<300x72xf32>) -> tensor<300x72xf32>
    %c1 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a1, %b1e : tensor<300x40xf32>, tensor<40x72xf32>) outs(%z1 : tensor<300x72xf32>) -> tensor<300x72xf32>
    tune.write %c1, @c1 : tensor<300x72xf32>
    // Few rows, f16.
    %a2 = tune.read @a2 : tensor<40x33xf32>
    %b2 = tune.read @b2 : tensor<33x49xf16>
    %b2e = arith.extf %b2 : tensor<33x49xf16> to tensor<33x49xf32>
    %e2 = tensor.empty() : tensor<40x49xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<40x49xf32>) -> tensor<40x49xf32>
    %c2 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a2, %b2e : tensor<40x33xf32>, tensor<33x49xf32>) outs(%z2 : tensor<40x49xf32>) -> tensor<40x49xf32>
    tune.write %c2, @c2 : tensor<40x49xf32>
    // A depth that is cut.
    %a3 = tune.read @a3 : tensor<70x4500xf32>
    %b3 = tune.read @b3 : tensor<4500x40xbf16>
    %b3e = arith.extf %b3 : tensor<4500x40xbf16> to tensor<4500x40xf32>
    %e3 = tensor.empty() : tensor<70x40xf32>
    %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<70x40xf32>) -> tensor<70x40xf32>
    %c3 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a3, %b3e : tensor<70x4500xf32>, tensor<4500x40xf32>) outs(%z3 : tensor<70x40xf32>) -> tensor<70x40xf32>
    tune.write %c3, @c3 : tensor<70x40xf32>
    // The left operand.
    %a4 = tune.read @a4 : tensor<130x48xbf16>
    %a4e = arith.extf %a4 : tensor<130x48xbf16> to tensor<130x48xf32>
    %b4 = tune.read @b4 : tensor<64x48xf32>
    %e4 = tensor.empty() : tensor<130x64xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<130x64xf32>) -> tensor<130x64xf32>
    %c4 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a4e, %b4 : tensor<130x48xf32>, tensor<64x48xf32>) outs(%z4 : tensor<130x64xf32>) -> tensor<130x64xf32>
    tune.write %c4, @c4 : tensor<130x64xf32>
    // Both, the left one by columns.
    %a5 = tune.read @a5 : tensor<32x64xf16>
    %a5e = arith.extf %a5 : tensor<32x64xf16> to tensor<32x64xf32>
    %b5 = tune.read @b5 : tensor<32x96xbf16>
    %b5e = arith.extf %b5 : tensor<32x96xbf16> to tensor<32x96xf32>
    %e5 = tensor.empty() : tensor<64x96xf32>
    %z5 = linalg.fill ins(%zero : f32) outs(%e5 : tensor<64x96xf32>) -> tensor<64x96xf32>
    %c5 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a5e, %b5e : tensor<32x64xf32>, tensor<32x96xf32>) outs(%z5 : tensor<64x96xf32>) -> tensor<64x96xf32>
    tune.write %c5, @c5 : tensor<64x96xf32>
    // Few rows that are read once.
    %a6 = tune.read @a6 : tensor<3x600xf32>
    %b6 = tune.read @b6 : tensor<1200x600xbf16>
    %b6e = arith.extf %b6 : tensor<1200x600xbf16> to tensor<1200x600xf32>
    %e6 = tensor.empty() : tensor<3x1200xf32>
    %z6 = linalg.fill ins(%zero : f32) outs(%e6 : tensor<3x1200xf32>) -> tensor<3x1200xf32>
    %c6 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a6, %b6e : tensor<3x600xf32>, tensor<1200x600xf32>) outs(%z6 : tensor<3x1200xf32>) -> tensor<3x1200xf32>
    tune.write %c6, @c6 : tensor<3x1200xf32>
    // A vector.
    %a7 = tune.read @a7 : tensor<1x60xf32>
    %b7 = tune.read @b7 : tensor<130x60xf16>
    %b7e = arith.extf %b7 : tensor<130x60xf16> to tensor<130x60xf32>
    %e7 = tensor.empty() : tensor<1x130xf32>
    %z7 = linalg.fill ins(%zero : f32) outs(%e7 : tensor<1x130xf32>) -> tensor<1x130xf32>
    %c7 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a7, %b7e : tensor<1x60xf32>, tensor<130x60xf32>) outs(%z7 : tensor<1x130xf32>) -> tensor<1x130xf32>
    tune.write %c7, @c7 : tensor<1x130xf32>
    // The weight gives rows: operands change places.
    %a8 = tune.read @a8 : tensor<90x20xbf16>
    %a8e = arith.extf %a8 : tensor<90x20xbf16> to tensor<90x20xf32>
    %b8 = tune.read @b8 : tensor<70x20xbf16>
    %b8e = arith.extf %b8 : tensor<70x20xbf16> to tensor<70x20xf32>
    %e8 = tensor.empty() : tensor<70x90xf32>
    %z8 = linalg.fill ins(%zero : f32) outs(%e8 : tensor<70x90xf32>) -> tensor<70x90xf32>
    %c8 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (n, m)>]
         ins(%a8e, %b8e : tensor<90x20xf32>, tensor<70x20xf32>) outs(%z8 : tensor<70x90xf32>) -> tensor<70x90xf32>
    tune.write %c8, @c8 : tensor<70x90xf32>
    return
  }
}
