// Results of a kernel that have neighbouring dimensions of another one as one are stored with it, not by a loop of their own that computes
// them anew: with one thread and with two, sizes that are no whole vectors, dimensions of size 1, and one that is a prefix, too.

// RUN: sed 's/NN/64/g; s/JJ/576/g' %s > %t.whole.mlir && ftc-run-mlir %t.whole.mlir --target=cpu --judge=1e-7
// RUN: ftc-run-mlir %t.whole.mlir --target=cpu --judge=1e-7 --num-threads=2
// RUN: ftc-run-mlir %t.whole.mlir --target=cpu --print-llvm | FileCheck %s
// RUN: sed 's/NN/22/g; s/JJ/198/g' %s > %t.rest.mlir && ftc-run-mlir %t.rest.mlir --target=cpu --judge=1e-7
// CHECK: define {{.*}}@tune_fused_0.body
// CHECK: load <64 x float>
// CHECK-NOT: load <64 x float>
// CHECK: ret void

tune.tensor input @x : tensor<1x37x3x3xNNxf32>
tune.tensor input @s : tensor<1x37xf32>
tune.tensor output @parts : tensor<1x37x3x3xNNxf32>
tune.tensor output @merged : tensor<1x37xJJxf32>
tune.tensor output @rows : tensor<1x37xf32>
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<1x37x3x3xNNxf32>
  %s = tune.read @s : tensor<1x37xf32>
  %e = tensor.empty() : tensor<1x37x3x3xNNxf32>
  %wide = linalg.broadcast ins(%s : tensor<1x37xf32>) outs(%e : tensor<1x37x3x3xNNxf32>) dimensions = [2, 3, 4]
  %y = arith.mulf %x, %wide : tensor<1x37x3x3xNNxf32>
  %flat = tensor.collapse_shape %y [[0], [1], [2, 3, 4]] : tensor<1x37x3x3xNNxf32> into tensor<1x37xJJxf32>
  %c = arith.constant dense<2.500000e+01> : tensor<1x37xJJxf32>
  %z = arith.mulf %flat, %c : tensor<1x37xJJxf32>
  %n = arith.negf %s : tensor<1x37xf32>
  tune.write %y, @parts : tensor<1x37x3x3xNNxf32>
  tune.write %z, @merged : tensor<1x37xJJxf32>
  tune.write %n, @rows : tensor<1x37xf32>
  return
}
