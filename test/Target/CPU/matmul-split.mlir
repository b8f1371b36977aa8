// Products by tiles of bf16 (AMX), whose factors are sums of numbers of bf16. For f32 there are three: results lie within 1e-6 of the
// reference's largest element (in f64), as with multiply-adds of f32; with a depth of 6,001 added in one chain within 5e-6. For `compute: f16` there are two: within
// 2e-5, where f16 leaves 1e-3, and not within 1e-6. The same for any number of threads, and for blocks that are computed alone.

// RUN: ftc-run-mlir %s --target=cpu --cpu=sapphirerapids --print-llvm | FileCheck %s
// CHECK-DAG: define {{.*}}@split_tile_32x32_333{{(_fetching)?}}(
// CHECK-DAG: define {{.*}}@split_tile_16x32_333{{(_fetching)?}}(
// CHECK-DAG: define {{.*}}@split_tile_32x32_331{{(_fetching)?}}(
// CHECK-DAG: define {{.*}}@split_tile_32x32_313{{(_fetching)?}}(
// CHECK-DAG: define {{.*}}@split_tile_32x32_332{{(_fetching)?}}(
// CHECK-DAG: define {{.*}}@split_tile_32x32_333_fetching_333{{(_fetching)?}}(
// CHECK-DAG: call void @llvm.x86.tdpbf16ps(
// REQUIRES: amx
// RUN: ftc-run-mlir %s --target=cpu --judge=5e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=5e-6 --num-threads=2
// RUN: ftc-run-mlir %s --target=cpu --judge=5e-6 --alone
// RUN: not ftc-run-mlir %s --target=cpu --judge=1e-6 2>&1 | FileCheck %s --check-prefix=EXACT
// EXACT-NOT: c{{[0-24-9]}}: DIFFERENT
// EXACT: c3: DIFFERENT
// EXACT-NOT: c{{[0-24-9]}}: DIFFERENT
// RUN: ftc-run-mlir %s --target=cpu > %t.one && ftc-run-mlir %s --target=cpu --num-threads=2 > %t.two && cmp %t.one %t.two
// RUN: ftc-run-mlir %S/matmul-half.mlir --target=cpu --judge=2e-5
// RUN: ftc-run-mlir %S/matmul-half.mlir --target=cpu --judge=2e-5 --num-threads=2
// RUN: ftc-run-mlir %S/matmul-half.mlir --target=cpu --judge=2e-5 --alone
// RUN: not ftc-run-mlir %S/matmul-half.mlir --target=cpu --judge=1e-6

module {
  tune.tensor output @c0 : tensor<270x96xf32>
  tune.tensor input @a0 : tensor<270x131xf32>
  tune.tensor input @b0 : tensor<96x131xf32>
  tune.tensor output @c1 : tensor<300x101xf32>
  tune.tensor input @a1 : tensor<300x200xf32>
  tune.tensor input @b1 : tensor<200x101xf32>
  tune.tensor output @c2 : tensor<290x64xf32>
  tune.tensor input @a2 : tensor<97x290xf32>
  tune.tensor input @b2 : tensor<97x64xf32>
  tune.tensor output @c3 : tensor<256x64xf32>
  tune.tensor input @a3 : tensor<256x6001xf32>
  tune.tensor input @b3 : tensor<6001x64xf32>
  tune.tensor output @c4 : tensor<256x80xf32>
  tune.tensor input @a4 : tensor<256x128xf32>
  tune.tensor input @b4 : tensor<80x128xbf16>
  tune.tensor output @c5 : tensor<256x80xf32>
  tune.tensor input @a5 : tensor<256x128xbf16>
  tune.tensor input @b5 : tensor<80x128xf32>
  tune.tensor output @c6 : tensor<275x80xf32>
  tune.tensor input @a6 : tensor<96x275xf32>
  tune.tensor input @b6 : tensor<80x96xf16>
  tune.tensor output @c7 : tensor<300x640xf32>
  tune.tensor input @a7 : tensor<300x160xf32>
  tune.tensor input @b7 : tensor<640x160xf32>
  tune.tensor input @u7 : tensor<300x16xf32>
  tune.tensor input @v7 : tensor<640x16xf32>
  func.func @products() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    // Weights [out, in]: panels are transposed. A last tile of 14 rows, a depth that ends within a step.
    %a0 = tune.read @a0 : tensor<270x131xf32>
    %b0 = tune.read @b0 : tensor<96x131xf32>
    %e0 = tensor.empty() : tensor<270x96xf32>
    %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<270x96xf32>) -> tensor<270x96xf32>
    %p0 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a0, %b0 : tensor<270x131xf32>, tensor<96x131xf32>) outs(%z0 : tensor<270x96xf32>) -> tensor<270x96xf32>
    tune.write %p0, @c0 : tensor<270x96xf32>
    // Rows of the right operand; a last panel of 5 columns, a last tile of 12 rows.
    %a1 = tune.read @a1 : tensor<300x200xf32>
    %b1 = tune.read @b1 : tensor<200x101xf32>
    %e1 = tensor.empty() : tensor<300x101xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<300x101xf32>) -> tensor<300x101xf32>
    %p1 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a1, %b1 : tensor<300x200xf32>, tensor<200x101xf32>) outs(%z1 : tensor<300x101xf32>) -> tensor<300x101xf32>
    tune.write %p1, @c1 : tensor<300x101xf32>
    // The left operand is [depth, rows]; the depth is odd.
    %a2 = tune.read @a2 : tensor<97x290xf32>
    %b2 = tune.read @b2 : tensor<97x64xf32>
    %e2 = tensor.empty() : tensor<290x64xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<290x64xf32>) -> tensor<290x64xf32>
    %p2 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a2, %b2 : tensor<97x290xf32>, tensor<97x64xf32>) outs(%z2 : tensor<290x64xf32>) -> tensor<290x64xf32>
    tune.write %p2, @c2 : tensor<290x64xf32>
    // Deeper than what is added at a time.
    %a3 = tune.read @a3 : tensor<256x6001xf32>
    %b3 = tune.read @b3 : tensor<6001x64xf32>
    %e3 = tensor.empty() : tensor<256x64xf32>
    %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<256x64xf32>) -> tensor<256x64xf32>
    %p3 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a3, %b3 : tensor<256x6001xf32>, tensor<6001x64xf32>) outs(%z3 : tensor<256x64xf32>) -> tensor<256x64xf32>
    tune.write %p3, @c3 : tensor<256x64xf32>
    // Weights of bf16 have one part.
    %a4 = tune.read @a4 : tensor<256x128xf32>
    %b4 = tune.read @b4 : tensor<80x128xbf16>
    %y4 = arith.extf %b4 : tensor<80x128xbf16> to tensor<80x128xf32>
    %e4 = tensor.empty() : tensor<256x80xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<256x80xf32>) -> tensor<256x80xf32>
    %p4 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a4, %y4 : tensor<256x128xf32>, tensor<80x128xf32>) outs(%z4 : tensor<256x80xf32>) -> tensor<256x80xf32>
    tune.write %p4, @c4 : tensor<256x80xf32>
    // So have rows.
    %a5 = tune.read @a5 : tensor<256x128xbf16>
    %b5 = tune.read @b5 : tensor<80x128xf32>
    %x5 = arith.extf %a5 : tensor<256x128xbf16> to tensor<256x128xf32>
    %e5 = tensor.empty() : tensor<256x80xf32>
    %z5 = linalg.fill ins(%zero : f32) outs(%e5 : tensor<256x80xf32>) -> tensor<256x80xf32>
    %p5 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%x5, %b5 : tensor<256x128xf32>, tensor<80x128xf32>) outs(%z5 : tensor<256x80xf32>) -> tensor<256x80xf32>
    tune.write %p5, @c5 : tensor<256x80xf32>
    // Numbers of f16 have two.
    %a6 = tune.read @a6 : tensor<96x275xf32>
    %b6 = tune.read @b6 : tensor<80x96xf16>
    %y6 = arith.extf %b6 : tensor<80x96xf16> to tensor<80x96xf32>
    %e6 = tensor.empty() : tensor<275x80xf32>
    %z6 = linalg.fill ins(%zero : f32) outs(%e6 : tensor<275x80xf32>) -> tensor<275x80xf32>
    %p6 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a6, %y6 : tensor<96x275xf32>, tensor<80x96xf32>) outs(%z6 : tensor<275x80xf32>) -> tensor<275x80xf32>
    tune.write %p6, @c6 : tensor<275x80xf32>
    // An adapter of rank 16 beside a weight; tiles fetch the next rows.
    %a7 = tune.read @a7 : tensor<300x160xf32>
    %b7 = tune.read @b7 : tensor<640x160xf32>
    %e7 = tensor.empty() : tensor<300x640xf32>
    %z7 = linalg.fill ins(%zero : f32) outs(%e7 : tensor<300x640xf32>) -> tensor<300x640xf32>
    %p7 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%a7, %b7 : tensor<300x160xf32>, tensor<640x160xf32>) outs(%z7 : tensor<300x640xf32>) -> tensor<300x640xf32>
    %u7 = tune.read @u7 : tensor<300x16xf32>
    %v7 = tune.read @v7 : tensor<640x16xf32>
    %q7 = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
         ins(%u7, %v7 : tensor<300x16xf32>, tensor<640x16xf32>) outs(%z7 : tensor<300x640xf32>) -> tensor<300x640xf32>
    %s7 = arith.addf %p7, %q7 : tensor<300x640xf32>
    tune.write %s7, @c7 : tensor<300x640xf32>
    return
  }
}
