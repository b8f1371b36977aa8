// Few rows and columns by a long depth that both operands have as neighbours: scalar products, whose depth is no multiple
// of a vector. Batches, rows and columns beyond whole tiles, two terms, a sum that begins with something.

// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --num-threads=2
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --alone
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --print-llvm | FileCheck %s

// CHECK: @dots_

#a = affine_map<(f, m, n, k) -> (f, m, k)>
#b = affine_map<(f, m, n, k) -> (f, n, k)>
#c = affine_map<(f, m, n, k) -> (f, m, n)>

module {
  tune.tensor input @a : tensor<3x9x150xf32>
  tune.tensor input @b : tensor<3x23x150xf32>
  tune.tensor input @u : tensor<3x9x150xf32>
  tune.tensor input @v : tensor<3x23x150xf32>
  tune.tensor output @two : tensor<3x9x23xf32>
  tune.tensor input @start : tensor<3x9x23xf32>
  tune.tensor output @more : tensor<3x9x23xf32>
  func.func @p0() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<3x9x23xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3x9x23xf32>) -> tensor<3x9x23xf32>
    %a = tune.read @a : tensor<3x9x150xf32>
    %b = tune.read @b : tensor<3x23x150xf32>
    %u = tune.read @u : tensor<3x9x150xf32>
    %v = tune.read @v : tensor<3x23x150xf32>
    %start = tune.read @start : tensor<3x9x23xf32>
    %p = linalg.contract indexing_maps = [#a, #b, #c] ins(%a, %b : tensor<3x9x150xf32>, tensor<3x23x150xf32>) outs(%f : tensor<3x9x23xf32>) -> tensor<3x9x23xf32>
    %q = linalg.contract indexing_maps = [#a, #b, #c] ins(%u, %v : tensor<3x9x150xf32>, tensor<3x23x150xf32>) outs(%f : tensor<3x9x23xf32>) -> tensor<3x9x23xf32>
    %two = arith.addf %p, %q : tensor<3x9x23xf32>
    tune.write %two, @two : tensor<3x9x23xf32>
    %more = linalg.contract indexing_maps = [#a, #b, #c] ins(%u, %b : tensor<3x9x150xf32>, tensor<3x23x150xf32>) outs(%start : tensor<3x9x23xf32>) -> tensor<3x9x23xf32>
    tune.write %more, @more : tensor<3x9x23xf32>
    return
  }
}
