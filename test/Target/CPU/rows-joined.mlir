// RUN: ftc-run-mlir %s --target=cpu --judge=1e-6 --num-threads=2
// RUN: ftc-run-mlir %s --target=cpu --judge=1e-6 --alone
// Last dimensions shorter than a vector are taken with those before them, and what lies in a few vectors of memory is put in order: many little products, both
// ways round, pairs from halves, parts of 1 and 2, a factor that lies the other way, sizes that are no whole vectors.
#a = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>
#m = affine_map<(d0, d1, d2, d3, d4) -> (d2, d3, d4)>
#t = affine_map<(d0, d1, d2, d3, d4) -> (d2, d4, d3)>
#r = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
tune.tensor input @x : tensor<1x40x21x4xf32>
tune.tensor input @f : tensor<21x4x4xf32>
tune.tensor output @product : tensor<1x40x21x4xf32>
tune.tensor output @turned : tensor<1x40x21x4xf32>
func.func @little() attributes {tune.program} {
  %x = tune.read @x : tensor<1x40x21x4xf32>
  %f = tune.read @f : tensor<21x4x4xf32>
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x40x21x4xf32>
  %i = linalg.fill ins(%z : f32) outs(%e : tensor<1x40x21x4xf32>) -> tensor<1x40x21x4xf32>
  %p = linalg.contract indexing_maps = [#a, #m, #r] ins(%x, %f : tensor<1x40x21x4xf32>, tensor<21x4x4xf32>) outs(%i : tensor<1x40x21x4xf32>) -> tensor<1x40x21x4xf32>
  tune.write %p, @product : tensor<1x40x21x4xf32>
  %q = linalg.contract indexing_maps = [#a, #t, #r] ins(%x, %f : tensor<1x40x21x4xf32>, tensor<21x4x4xf32>) outs(%x : tensor<1x40x21x4xf32>) -> tensor<1x40x21x4xf32>
  tune.write %q, @turned : tensor<1x40x21x4xf32>
  return
}
tune.tensor input @y : tensor<1x33x60xf32>
tune.tensor input @g : tensor<2x6x5xf32>
tune.tensor output @pairs : tensor<1x33x6x5x2xf32>
tune.tensor output @scaled : tensor<1x33x6x5x2xf32>
func.func @halves() attributes {tune.program} {
  %y = tune.read @y : tensor<1x33x60xf32>
  %g = tune.read @g : tensor<2x6x5xf32>
  %all = tensor.expand_shape %y [[0], [1], [2, 3, 4]] output_shape [1, 33, 6, 2, 5] : tensor<1x33x60xf32> into tensor<1x33x6x2x5xf32>
  %second = tensor.extract_slice %all[0, 0, 0, 1, 0] [1, 33, 6, 1, 5] [1, 1, 1, 1, 1] : tensor<1x33x6x2x5xf32> to tensor<1x33x6x1x5xf32>
  %second_flat = tensor.collapse_shape %second [[0], [1], [2], [3, 4]] : tensor<1x33x6x1x5xf32> into tensor<1x33x6x5xf32>
  %less = arith.negf %second_flat : tensor<1x33x6x5xf32>
  %b = tensor.expand_shape %less [[0], [1], [2], [3, 4]] output_shape [1, 33, 6, 5, 1] : tensor<1x33x6x5xf32> into tensor<1x33x6x5x1xf32>
  %first = tensor.extract_slice %all[0, 0, 0, 0, 0] [1, 33, 6, 1, 5] [1, 1, 1, 1, 1] : tensor<1x33x6x2x5xf32> to tensor<1x33x6x1x5xf32>
  %first_flat = tensor.collapse_shape %first [[0], [1], [2], [3, 4]] : tensor<1x33x6x1x5xf32> into tensor<1x33x6x5xf32>
  %a = tensor.expand_shape %first_flat [[0], [1], [2], [3, 4]] output_shape [1, 33, 6, 5, 1] : tensor<1x33x6x5xf32> into tensor<1x33x6x5x1xf32>
  %both = tensor.concat dim(4) %b, %a : (tensor<1x33x6x5x1xf32>, tensor<1x33x6x5x1xf32>) -> tensor<1x33x6x5x2xf32>
  %empty = tensor.empty() : tensor<6x5x2xf32>
  %turned = linalg.transpose ins(%g : tensor<2x6x5xf32>) outs(%empty : tensor<6x5x2xf32>) permutation = [1, 2, 0]
  %space = tensor.empty() : tensor<1x33x6x5x2xf32>
  %wide = linalg.broadcast ins(%turned : tensor<6x5x2xf32>) outs(%space : tensor<1x33x6x5x2xf32>) dimensions = [0, 1]
  %scaled = arith.mulf %wide, %both : tensor<1x33x6x5x2xf32>
  tune.write %both, @pairs : tensor<1x33x6x5x2xf32>
  tune.write %scaled, @scaled : tensor<1x33x6x5x2xf32>
  return
}
tune.tensor input @one : tensor<1x20x17x1xf32>
tune.tensor input @two : tensor<1x20x17x2xf32>
tune.tensor output @three : tensor<1x20x17x3xf32>
func.func @parts() attributes {tune.program} {
  %one = tune.read @one : tensor<1x20x17x1xf32>
  %two = tune.read @two : tensor<1x20x17x2xf32>
  %c = tensor.concat dim(3) %one, %two : (tensor<1x20x17x1xf32>, tensor<1x20x17x2xf32>) -> tensor<1x20x17x3xf32>
  %d = arith.negf %c : tensor<1x20x17x3xf32>
  tune.write %d, @three : tensor<1x20x17x3xf32>
  return
}
