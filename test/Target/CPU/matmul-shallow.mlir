// Shallow terms, which are added in pairs: two and three of them, rows and columns beyond whole tiles, left operands of
// both layouts, right operands that are transposed for few rows, batches.

// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6 --num-threads=2

#spectrum = affine_map<(t, b, j, k) -> (k, b, t)>
#waves = affine_map<(t, b, j, k) -> (j, k)>
#back = affine_map<(t, b, j, k) -> (t, b, j)>
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

module {
  tune.tensor input @re : tensor<9x3x70xf32>
  tune.tensor input @im : tensor<9x3x70xf32>
  tune.tensor input @cosines : tensor<40x9xf32>
  tune.tensor input @sines : tensor<40x9xf32>
  tune.tensor output @real : tensor<70x3x40xf32>
  tune.tensor input @x : tensor<11x5xf32>
  tune.tensor input @y : tensor<11x7xf32>
  tune.tensor input @z : tensor<11x64xf32>
  tune.tensor input @u : tensor<300x5xf32>
  tune.tensor input @v : tensor<300x7xf32>
  tune.tensor input @w : tensor<300x64xf32>
  tune.tensor output @sum : tensor<11x300xf32>
  func.func @p0() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e0 = tensor.empty() : tensor<70x3x40xf32>
    %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<70x3x40xf32>) -> tensor<70x3x40xf32>
    %e1 = tensor.empty() : tensor<11x300xf32>
    %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<11x300xf32>) -> tensor<11x300xf32>
    %re = tune.read @re : tensor<9x3x70xf32>
    %im = tune.read @im : tensor<9x3x70xf32>
    %cosines = tune.read @cosines : tensor<40x9xf32>
    %sines = tune.read @sines : tensor<40x9xf32>
    %p = linalg.contract indexing_maps = [#spectrum, #waves, #back] ins(%re, %cosines : tensor<9x3x70xf32>, tensor<40x9xf32>) outs(%f0 : tensor<70x3x40xf32>) -> tensor<70x3x40xf32>
    %q = linalg.contract indexing_maps = [#spectrum, #waves, #back] ins(%im, %sines : tensor<9x3x70xf32>, tensor<40x9xf32>) outs(%f0 : tensor<70x3x40xf32>) -> tensor<70x3x40xf32>
    %real = arith.addf %p, %q : tensor<70x3x40xf32>
    tune.write %real, @real : tensor<70x3x40xf32>
    %x = tune.read @x : tensor<11x5xf32>
    %y = tune.read @y : tensor<11x7xf32>
    %z = tune.read @z : tensor<11x64xf32>
    %u = tune.read @u : tensor<300x5xf32>
    %v = tune.read @v : tensor<300x7xf32>
    %w = tune.read @w : tensor<300x64xf32>
    %xu = linalg.contract indexing_maps = [#row, #column, #c] ins(%x, %u : tensor<11x5xf32>, tensor<300x5xf32>) outs(%f1 : tensor<11x300xf32>) -> tensor<11x300xf32>
    %yv = linalg.contract indexing_maps = [#row, #column, #c] ins(%y, %v : tensor<11x7xf32>, tensor<300x7xf32>) outs(%f1 : tensor<11x300xf32>) -> tensor<11x300xf32>
    %zw = linalg.contract indexing_maps = [#row, #column, #c] ins(%z, %w : tensor<11x64xf32>, tensor<300x64xf32>) outs(%f1 : tensor<11x300xf32>) -> tensor<11x300xf32>
    %part = arith.addf %xu, %yv : tensor<11x300xf32>
    %sum = arith.addf %part, %zw : tensor<11x300xf32>
    tune.write %sum, @sum : tensor<11x300xf32>
    return
  }
}
