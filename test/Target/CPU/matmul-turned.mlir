// Products with few columns of a left operand whose rows go along the depth, which are made the other way round, against the reference, with one thread
// and with two, and item by item: none finds in a thread's memory what another one has left. None is left to the library.

// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --num-threads=2
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --alone
// RUN: ftc-run-mlir %s --target=cpu --print-llvm | FileCheck %s
// CHECK-COUNT-10: define {{.*}}@dnnl_matmul_{{[0-9]+}}.body(

module {
  tune.tensor output @c0 : tensor<100x16xf32>
  tune.tensor input @a0 : tensor<70x100xf32>
  tune.tensor input @b0 : tensor<70x16xf32>
  tune.tensor output @c1 : tensor<70x20xf32>
  tune.tensor input @a1 : tensor<3000x70xf32>
  tune.tensor input @b1 : tensor<3000x20xf32>
  tune.tensor output @c2 : tensor<130x8xf32>
  tune.tensor input @a2 : tensor<90x130xbf16>
  tune.tensor input @b2 : tensor<90x8xf32>
  tune.tensor output @c3 : tensor<3x48x16xf32>
  tune.tensor input @a3 : tensor<3x64x48xf32>
  tune.tensor input @b3 : tensor<3x64x16xf32>
  tune.tensor output @c4 : tensor<300x24xf32>
  tune.tensor input @g4 : tensor<300x24xf32>
  tune.tensor input @a4 : tensor<200x300xf32>
  tune.tensor input @b4 : tensor<200x24xf32>
  tune.tensor output @c5 : tensor<96x16xf32>
  tune.tensor input @a5_0 : tensor<40x96xf32>
  tune.tensor input @b5_0 : tensor<40x16xf32>
  tune.tensor input @a5_1 : tensor<40x96xf32>
  tune.tensor input @b5_1 : tensor<40x16xf32>
  tune.tensor output @c6 : tensor<41x17xf32>
  tune.tensor input @a6 : tensor<33x41xf32>
  tune.tensor input @b6 : tensor<33x17xf32>
  tune.tensor output @c7 : tensor<32x28xf32>
  tune.tensor input @a7 : tensor<50x32xf32>
  tune.tensor input @b7 : tensor<50x28xf32>
  tune.tensor output @c8 : tensor<16x30xf32>
  tune.tensor input @a8 : tensor<50x16xf32>
  tune.tensor input @b8 : tensor<30x50xf32>
  tune.tensor output @c9 : tensor<12x24xf32>
  tune.tensor input @g9 : tensor<12x24xf32>
  tune.tensor input @a9 : tensor<3000x12xf32>
  tune.tensor input @b9 : tensor<24x3000xf32>
  func.func @products() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    // A left operand of rows by the depth.
    %a0 = tune.read @a0 : tensor<70x100xf32>
    %b0 = tune.read @b0 : tensor<70x16xf32>
    %e0 = tensor.empty() : tensor<100x16xf32>
    %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<100x16xf32>) -> tensor<100x16xf32>
    %p0 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a0, %b0 : tensor<70x100xf32>, tensor<70x16xf32>) outs(%z0 : tensor<100x16xf32>) -> tensor<100x16xf32>
    tune.write %p0, @c0 : tensor<100x16xf32>
    // Deep, not whole squares.
    %a1 = tune.read @a1 : tensor<3000x70xf32>
    %b1 = tune.read @b1 : tensor<3000x20xf32>
    %e1 = tensor.empty() : tensor<70x20xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<70x20xf32>) -> tensor<70x20xf32>
    %p1 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a1, %b1 : tensor<3000x70xf32>, tensor<3000x20xf32>) outs(%z1 : tensor<70x20xf32>) -> tensor<70x20xf32>
    tune.write %p1, @c1 : tensor<70x20xf32>
    // Fewer columns than a vector, extended.
    %a2 = tune.read @a2 : tensor<90x130xbf16>
    %b2 = tune.read @b2 : tensor<90x8xf32>
    %a2e = arith.extf %a2 : tensor<90x130xbf16> to tensor<90x130xf32>
    %e2 = tensor.empty() : tensor<130x8xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<130x8xf32>) -> tensor<130x8xf32>
    %p2 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a2e, %b2 : tensor<90x130xf32>, tensor<90x8xf32>) outs(%z2 : tensor<130x8xf32>) -> tensor<130x8xf32>
    tune.write %p2, @c2 : tensor<130x8xf32>
    // A batch.
    %a3 = tune.read @a3 : tensor<3x64x48xf32>
    %b3 = tune.read @b3 : tensor<3x64x16xf32>
    %e3 = tensor.empty() : tensor<3x48x16xf32>
    %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<3x48x16xf32>) -> tensor<3x48x16xf32>
    %p3 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, k, m)>, affine_map<(b, m, n, k) -> (b, k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>]
         ins(%a3, %b3 : tensor<3x64x48xf32>, tensor<3x64x16xf32>) outs(%z3 : tensor<3x48x16xf32>) -> tensor<3x48x16xf32>
    tune.write %p3, @c3 : tensor<3x48x16xf32>
    // Added to what is kept.
    %a4 = tune.read @a4 : tensor<200x300xf32>
    %b4 = tune.read @b4 : tensor<200x24xf32>
    %z4 = tune.read @g4 : tensor<300x24xf32>
    %p4 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a4, %b4 : tensor<200x300xf32>, tensor<200x24xf32>) outs(%z4 : tensor<300x24xf32>) -> tensor<300x24xf32>
    tune.write %p4, @c4 : tensor<300x24xf32>
    // Two terms.
    %a5_0 = tune.read @a5_0 : tensor<40x96xf32>
    %b5_0 = tune.read @b5_0 : tensor<40x16xf32>
    %e5_0 = tensor.empty() : tensor<96x16xf32>
    %z5_0 = linalg.fill ins(%zero : f32) outs(%e5_0 : tensor<96x16xf32>) -> tensor<96x16xf32>
    %p5_0 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a5_0, %b5_0 : tensor<40x96xf32>, tensor<40x16xf32>) outs(%z5_0 : tensor<96x16xf32>) -> tensor<96x16xf32>
    %a5_1 = tune.read @a5_1 : tensor<40x96xf32>
    %b5_1 = tune.read @b5_1 : tensor<40x16xf32>
    %e5_1 = tensor.empty() : tensor<96x16xf32>
    %z5_1 = linalg.fill ins(%zero : f32) outs(%e5_1 : tensor<96x16xf32>) -> tensor<96x16xf32>
    %p5_1 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a5_1, %b5_1 : tensor<40x96xf32>, tensor<40x16xf32>) outs(%z5_1 : tensor<96x16xf32>) -> tensor<96x16xf32>
    %c5 = arith.addf %p5_0, %p5_1 : tensor<96x16xf32>
    tune.write %c5, @c5 : tensor<96x16xf32>
    // Odd sizes.
    %a6 = tune.read @a6 : tensor<33x41xf32>
    %b6 = tune.read @b6 : tensor<33x17xf32>
    %e6 = tensor.empty() : tensor<41x17xf32>
    %z6 = linalg.fill ins(%zero : f32) outs(%e6 : tensor<41x17xf32>) -> tensor<41x17xf32>
    %p6 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a6, %b6 : tensor<33x41xf32>, tensor<33x17xf32>) outs(%z6 : tensor<41x17xf32>) -> tensor<41x17xf32>
    tune.write %p6, @c6 : tensor<41x17xf32>
    // Few items, which have all that is computed of their columns, or half of it: of one tile's width with AVX-512, and with AVX2.
    %a7 = tune.read @a7 : tensor<50x32xf32>
    %b7 = tune.read @b7 : tensor<50x28xf32>
    %e7 = tensor.empty() : tensor<32x28xf32>
    %z7 = linalg.fill ins(%zero : f32) outs(%e7 : tensor<32x28xf32>) -> tensor<32x28xf32>
    %p7 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a7, %b7 : tensor<50x32xf32>, tensor<50x28xf32>) outs(%z7 : tensor<32x28xf32>) -> tensor<32x28xf32>
    tune.write %p7, @c7 : tensor<32x28xf32>
    %a8 = tune.read @a8 : tensor<50x16xf32>
    %b8 = tune.read @b8 : tensor<30x50xf32>
    %e8 = tensor.empty() : tensor<16x30xf32>
    %z8 = linalg.fill ins(%zero : f32) outs(%e8 : tensor<16x30xf32>) -> tensor<16x30xf32>
    %p8 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a8, %b8 : tensor<50x16xf32>, tensor<30x50xf32>) outs(%z8 : tensor<16x30xf32>) -> tensor<16x30xf32>
    tune.write %p8, @c8 : tensor<16x30xf32>
    // One panel of fewer columns than a vector, in two blocks of rows, deep, and added to what is kept.
    %a9 = tune.read @a9 : tensor<3000x12xf32>
    %b9 = tune.read @b9 : tensor<24x3000xf32>
    %z9 = tune.read @g9 : tensor<12x24xf32>
    %p9 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a9, %b9 : tensor<3000x12xf32>, tensor<24x3000xf32>) outs(%z9 : tensor<12x24xf32>) -> tensor<12x24xf32>
    tune.write %p9, @c9 : tensor<12x24xf32>
    return
  }
}
