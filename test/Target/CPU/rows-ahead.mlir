// Tiles fetch the rows that the next ones read (MatmulEmitter::locateNextRows), also beyond the last: results are those of the reference, with one thread
// and with two.

// RUN: split-file %s %t
// RUN: ftc-run-mlir %t/ahead.mlir --target=cpu %without-tiles --judge=1e-5
// RUN: ftc-run-mlir %t/ahead.mlir --target=cpu %without-tiles --judge=1e-5 --num-threads=2
// RUN: ftc-run-mlir %t/ahead.mlir --target=cpu %without-tiles --print-llvm | FileCheck %s --check-prefix=AHEAD
// RUN: ftc-run-mlir %t/ahead.mlir --target=cpu --judge=1e-5
// RUN: ftc-run-mlir %t/apart.mlir --target=cpu %without-tiles --judge=1e-5
// RUN: ftc-run-mlir %t/apart.mlir --target=cpu %without-tiles --print-llvm | FileCheck %s --check-prefix=APART
// AHEAD-DAG: define {{.*}}@tile_{{[0-9]+x[0-9]+}}_packed_fetching(
// APART-NOT: _fetching
// APART: define {{.*}}@tile_{{[0-9]+x[0-9]+}}_packed(
// APART-NOT: _fetching

//--- ahead.mlir
module {
  tune.tensor output @c0 : tensor<300x96xf32>
  tune.tensor input @a0 : tensor<300x131xf32>
  tune.tensor input @b0 : tensor<96x131xf32>
  tune.tensor output @c1 : tensor<150x640xf32>
  tune.tensor input @a1 : tensor<150x70xf32>
  tune.tensor input @b1 : tensor<640x70xf32>
  tune.tensor output @c2 : tensor<150x640xf32>
  tune.tensor input @a2 : tensor<150x5000xf32>
  tune.tensor input @b2 : tensor<5000x640xf32>
  func.func @ahead() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    // Few panels of columns: each fetches some of the next rows, which are neighbours in memory.
    %a0 = tune.read @a0 : tensor<300x131xf32>
    %b0 = tune.read @b0 : tensor<96x131xf32>
    %e0 = tensor.empty() : tensor<300x96xf32>
    %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<300x96xf32>) -> tensor<300x96xf32>
    %p0 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a0, %b0 : tensor<300x131xf32>, tensor<96x131xf32>) outs(%z0 : tensor<300x96xf32>) -> tensor<300x96xf32>
    tune.write %p0, @c0 : tensor<300x96xf32>
    // As many panels as a tile has rows, and more: one row each.
    %a1 = tune.read @a1 : tensor<150x70xf32>
    %b1 = tune.read @b1 : tensor<640x70xf32>
    %e1 = tensor.empty() : tensor<150x640xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<150x640xf32>) -> tensor<150x640xf32>
    %p1 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a1, %b1 : tensor<150x70xf32>, tensor<640x70xf32>) outs(%z1 : tensor<150x640xf32>) -> tensor<150x640xf32>
    tune.write %p1, @c1 : tensor<150x640xf32>
    // A depth that is cut: the last rows of a part are followed by the first of the next.
    %a2 = tune.read @a2 : tensor<150x5000xf32>
    %b2 = tune.read @b2 : tensor<5000x640xf32>
    %e2 = tensor.empty() : tensor<150x640xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<150x640xf32>) -> tensor<150x640xf32>
    %p2 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a2, %b2 : tensor<150x5000xf32>, tensor<5000x640xf32>) outs(%z2 : tensor<150x640xf32>) -> tensor<150x640xf32>
    tune.write %p2, @c2 : tensor<150x640xf32>
    return
  }
}

//--- apart.mlir
module {
  tune.tensor output @c0 : tensor<150x3x64xf32>
  tune.tensor input @a0 : tensor<150x3x70xf32>
  tune.tensor input @b0 : tensor<3x64x70xf32>
  func.func @apart() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    // Few panels and rows that lie apart: nothing is fetched.
    %a0 = tune.read @a0 : tensor<150x3x70xf32>
    %b0 = tune.read @b0 : tensor<3x64x70xf32>
    %e0 = tensor.empty() : tensor<150x3x64xf32>
    %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<150x3x64xf32>) -> tensor<150x3x64xf32>
    %p0 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (m, b, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (m, b, n)>]
         ins(%a0, %b0 : tensor<150x3x70xf32>, tensor<3x64x70xf32>) outs(%z0 : tensor<150x3x64xf32>) -> tensor<150x3x64xf32>
    tune.write %p0, @c0 : tensor<150x3x64xf32>
    return
  }
}
