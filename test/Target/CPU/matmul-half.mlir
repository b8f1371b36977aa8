// Products in f16 (`tune.compute`), against the reference in f64: within 2e-3 of a result's largest element and not within 1e-5, which f32 keeps; with one
// thread and with two. Small sides stay in f32. Processors with AVX512-FP16 have the instructions; others round what they compute in f32, as is tried here on
// any. Where there are tiles of bf16 (AMX), these multiply; matmul-split.mlir runs them.

// RUN: ftc-run-mlir %s --target=cpu --cpu=x86-64-v3 --judge=2e-3
// RUN: ftc-run-mlir %s --target=cpu --cpu=x86-64-v3 --judge=2e-3 --num-threads=2
// RUN: not ftc-run-mlir %s --target=cpu --cpu=x86-64-v3 --judge=1e-5
// RUN: ftc-run-mlir %s --target=cpu --judge=2e-3
// RUN: ftc-run-mlir %s --target=cpu --cpu=x86-64-v4 --print-llvm | FileCheck %s
// CHECK-DAG: define {{.*}}@half_tile_{{[0-9]+}}x32(
// CHECK-DAG: define {{.*}}@half_tile_{{[0-9]+}}x5(
// CHECK-DAG: define {{.*}}@half_tile_{{[0-9]+}}x32_transposed(
// CHECK-DAG: define {{.*}}@tile_{{[0-9]+}}x32_packed(
// RUN: ftc-run-mlir %s --target=cpu --cpu=sapphirerapids --print-llvm | FileCheck %s --check-prefix=SPLIT
// SPLIT-NOT: @half_tile_
// SPLIT-DAG: define {{.*}}@split_tile_32x32_222
// SPLIT-DAG: define {{.*}}@split_tile_16x32_222
// SPLIT-DAG: call void @llvm.x86.tdpbf16ps(

module {
  tune.tensor output @c0 : tensor<100x96xf32>
  tune.tensor input @a0 : tensor<100x131xf32>
  tune.tensor input @b0 : tensor<96x131xf32>
  tune.tensor output @c1 : tensor<70x101xf32>
  tune.tensor input @a1 : tensor<70x200xf32>
  tune.tensor input @b1 : tensor<200x101xf32>
  tune.tensor output @c2 : tensor<90x64xf32>
  tune.tensor input @a2 : tensor<97x90xf32>
  tune.tensor input @b2 : tensor<97x64xf32>
  tune.tensor output @c3 : tensor<64x64xf32>
  tune.tensor input @a3 : tensor<64x6001xf32>
  tune.tensor input @b3 : tensor<6001x64xf32>
  tune.tensor output @c4 : tensor<64x80xf32>
  tune.tensor input @a4 : tensor<64x128xbf16>
  tune.tensor input @b4 : tensor<80x128xf32>
  tune.tensor output @c5 : tensor<64x64xf32>
  tune.tensor input @a5 : tensor<64x192xf32>
  tune.tensor input @b5 : tensor<64x192xf32>
  tune.tensor output @k5 : tensor<64x192xf32>
  tune.tensor output @c6 : tensor<64x64xf32>
  tune.tensor input @a6 : tensor<192x64xf32>
  tune.tensor input @b6 : tensor<192x64xf32>
  tune.tensor output @k6 : tensor<192x64xf32>
  tune.tensor output @c7 : tensor<150x128xf32>
  tune.tensor input @x7 : tensor<150x160xf32>
  tune.tensor input @w7 : tensor<128x160xf32>
  tune.tensor input @u7 : tensor<150x16xf32>
  tune.tensor input @v7 : tensor<128x16xf32>
  tune.tensor output @c8 : tensor<70x64xf32>
  tune.tensor input @x8 : tensor<70x64xf32>
  tune.tensor input @w8 : tensor<64x64xf32>
  tune.tensor input @u8 : tensor<70x32xf32>
  tune.tensor input @v8 : tensor<64x32xf32>
  func.func @products() attributes {tune.program, tune.compute = f16} {
    %zero = arith.constant 0.0 : f32
    // Weights [out, in]: panels are transposed. Tiles of 14 rows and one of 2, an odd depth.
    %a0 = tune.read @a0 : tensor<100x131xf32>
    %b0 = tune.read @b0 : tensor<96x131xf32>
    %e0 = tensor.empty() : tensor<100x96xf32>
    %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<100x96xf32>) -> tensor<100x96xf32>
    %p0 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a0, %b0 : tensor<100x131xf32>, tensor<96x131xf32>) outs(%z0 : tensor<100x96xf32>) -> tensor<100x96xf32>
    tune.write %p0, @c0 : tensor<100x96xf32>
    // Rows of the right operand; a last panel of 5 columns.
    %a1 = tune.read @a1 : tensor<70x200xf32>
    %b1 = tune.read @b1 : tensor<200x101xf32>
    %e1 = tensor.empty() : tensor<70x101xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<70x101xf32>) -> tensor<70x101xf32>
    %p1 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a1, %b1 : tensor<70x200xf32>, tensor<200x101xf32>) outs(%z1 : tensor<70x101xf32>) -> tensor<70x101xf32>
    tune.write %p1, @c1 : tensor<70x101xf32>
    // The left operand is [depth, rows]; the depth is odd.
    %a2 = tune.read @a2 : tensor<97x90xf32>
    %b2 = tune.read @b2 : tensor<97x64xf32>
    %e2 = tensor.empty() : tensor<90x64xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<90x64xf32>) -> tensor<90x64xf32>
    %p2 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a2, %b2 : tensor<97x90xf32>, tensor<97x64xf32>) outs(%z2 : tensor<90x64xf32>) -> tensor<90x64xf32>
    tune.write %p2, @c2 : tensor<90x64xf32>
    // Deeper than what is added at a time.
    %a3 = tune.read @a3 : tensor<64x6001xf32>
    %b3 = tune.read @b3 : tensor<6001x64xf32>
    %e3 = tensor.empty() : tensor<64x64xf32>
    %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<64x64xf32>) -> tensor<64x64xf32>
    %p3 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a3, %b3 : tensor<64x6001xf32>, tensor<6001x64xf32>) outs(%z3 : tensor<64x64xf32>) -> tensor<64x64xf32>
    tune.write %p3, @c3 : tensor<64x64xf32>
    // Extended from bf16.
    %a4 = tune.read @a4 : tensor<64x128xbf16>
    %b4 = tune.read @b4 : tensor<80x128xf32>
    %w4 = arith.extf %a4 : tensor<64x128xbf16> to tensor<64x128xf32>
    %e4 = tensor.empty() : tensor<64x80xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<64x80xf32>) -> tensor<64x80xf32>
    %p4 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%w4, %b4 : tensor<64x128xf32>, tensor<80x128xf32>) outs(%z4 : tensor<64x80xf32>) -> tensor<64x80xf32>
    tune.write %p4, @c4 : tensor<64x80xf32>
    // Numbers below those of f16, as gradients are.
    %a5 = tune.read @a5 : tensor<64x192xf32>
    %b5 = tune.read @b5 : tensor<64x192xf32>
    %s5 = arith.constant dense<1.000000e-12> : tensor<64x192xf32>
    %t5 = arith.mulf %a5, %s5 : tensor<64x192xf32>
    tune.write %t5, @k5 : tensor<64x192xf32>
    %e5 = tensor.empty() : tensor<64x64xf32>
    %z5 = linalg.fill ins(%zero : f32) outs(%e5 : tensor<64x64xf32>) -> tensor<64x64xf32>
    %p5 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%t5, %b5 : tensor<64x192xf32>, tensor<64x192xf32>) outs(%z5 : tensor<64x64xf32>) -> tensor<64x64xf32>
    tune.write %p5, @c5 : tensor<64x64xf32>
    // Numbers beyond those of f16.
    %a6 = tune.read @a6 : tensor<192x64xf32>
    %b6 = tune.read @b6 : tensor<192x64xf32>
    %s6 = arith.constant dense<1.000000e+09> : tensor<192x64xf32>
    %t6 = arith.mulf %a6, %s6 : tensor<192x64xf32>
    tune.write %t6, @k6 : tensor<192x64xf32>
    %e6 = tensor.empty() : tensor<64x64xf32>
    %z6 = linalg.fill ins(%zero : f32) outs(%e6 : tensor<64x64xf32>) -> tensor<64x64xf32>
    %p6 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%t6, %b6 : tensor<192x64xf32>, tensor<192x64xf32>) outs(%z6 : tensor<64x64xf32>) -> tensor<64x64xf32>
    tune.write %p6, @c6 : tensor<64x64xf32>
    // An adapter of rank 16 beside a weight of depth 160 stays in f32, but where tiles multiply.
    %x7 = tune.read @x7 : tensor<150x160xf32>
    %w7 = tune.read @w7 : tensor<128x160xf32>
    %u7 = tune.read @u7 : tensor<150x16xf32>
    %v7 = tune.read @v7 : tensor<128x16xf32>
    %e7 = tensor.empty() : tensor<150x128xf32>
    %z7 = linalg.fill ins(%zero : f32) outs(%e7 : tensor<150x128xf32>) -> tensor<150x128xf32>
    %p7 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%x7, %w7 : tensor<150x160xf32>, tensor<128x160xf32>) outs(%z7 : tensor<150x128xf32>) -> tensor<150x128xf32>
    %q7 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%u7, %v7 : tensor<150x16xf32>, tensor<128x16xf32>) outs(%z7 : tensor<150x128xf32>) -> tensor<150x128xf32>
    %s7 = arith.addf %p7, %q7 : tensor<150x128xf32>
    tune.write %s7, @c7 : tensor<150x128xf32>
    // An adapter of rank 32 beside a weight of depth 64 stays in f32, but where tiles multiply.
    %x8 = tune.read @x8 : tensor<70x64xf32>
    %w8 = tune.read @w8 : tensor<64x64xf32>
    %u8 = tune.read @u8 : tensor<70x32xf32>
    %v8 = tune.read @v8 : tensor<64x32xf32>
    %e8 = tensor.empty() : tensor<70x64xf32>
    %z8 = linalg.fill ins(%zero : f32) outs(%e8 : tensor<70x64xf32>) -> tensor<70x64xf32>
    %p8 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%x8, %w8 : tensor<70x64xf32>, tensor<64x64xf32>) outs(%z8 : tensor<70x64xf32>) -> tensor<70x64xf32>
    %q8 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%u8, %v8 : tensor<70x32xf32>, tensor<64x32xf32>) outs(%z8 : tensor<70x64xf32>) -> tensor<70x64xf32>
    %s8 = arith.addf %p8, %q8 : tensor<70x64xf32>
    tune.write %s8, @c8 : tensor<70x64xf32>
    return
  }
}
