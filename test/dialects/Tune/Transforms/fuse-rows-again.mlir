// What a kernel would compute again and again is stored: sums inside of sums that run across them, and long chains of shifts, each of which reads the
// one before twice. The result is that of the reference.

// RUN: ftc-opt %s --tune-fuse-rows | FileCheck %s
// RUN: ftc-run-mlir %s --target=cpu --judge=1e-5

tune.tensor input @x : tensor<64x48xf32>
tune.tensor output @y : tensor<64x48xf32>
tune.tensor output @z : tensor<256xf32>
tune.tensor input @s : tensor<256xf32>

// CHECK-LABEL: func.func @sinkhorn
// The sums of rows come before the kernel of the sums of columns.
// CHECK:       tune.fused
// CHECK:         linalg.reduce
// CHECK-SAME:    dimensions = [1]
// CHECK-NOT:     dimensions = [0]
// CHECK:         tune.fused_yield
// CHECK:       tune.fused
// CHECK:         linalg.reduce
// CHECK-SAME:    dimensions = [0]
// CHECK:         tune.fused_yield
func.func @sinkhorn() attributes {tune.program} {
  %x = tune.read @x : tensor<64x48xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x48xf32>
  %er = tensor.empty() : tensor<64xf32>
  %ec = tensor.empty() : tensor<48xf32>
  %ir = linalg.fill ins(%zero : f32) outs(%er : tensor<64xf32>) -> tensor<64xf32>
  %ic = linalg.fill ins(%zero : f32) outs(%ec : tensor<48xf32>) -> tensor<48xf32>
  %p = math.exp %x : tensor<64x48xf32>
  %r = linalg.reduce { arith.addf } ins(%p : tensor<64x48xf32>) outs(%ir : tensor<64xf32>) dimensions = [1]
  %rb = linalg.broadcast ins(%r : tensor<64xf32>) outs(%e : tensor<64x48xf32>) dimensions = [1]
  %q = arith.divf %p, %rb : tensor<64x48xf32>
  %c = linalg.reduce { arith.addf } ins(%q : tensor<64x48xf32>) outs(%ic : tensor<48xf32>) dimensions = [0]
  %cb = linalg.broadcast ins(%c : tensor<48xf32>) outs(%e : tensor<64x48xf32>) dimensions = [0]
  %y = arith.divf %q, %cb : tensor<64x48xf32>
  tune.write %y, @y : tensor<64x48xf32>
  return
}

// CHECK-LABEL: func.func @scan
// CHECK:       tune.fused
// CHECK:       tune.fused
// CHECK:       tune.fused
// CHECK:       tune.write
func.func @scan() attributes {tune.program} {
  %zero = arith.constant 0.0 : f32
  %0 = tune.read @s : tensor<256xf32>
  %a0 = math.exp %0 : tensor<256xf32>
  %s0 = tensor.extract_slice %a0[0] [255] [1] : tensor<256xf32> to tensor<255xf32>
  %p0 = tensor.pad %s0 low[1] high[0] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<255xf32> to tensor<256xf32>
  %a1 = arith.addf %a0, %p0 : tensor<256xf32>
  %s1 = tensor.extract_slice %a1[0] [254] [1] : tensor<256xf32> to tensor<254xf32>
  %p1 = tensor.pad %s1 low[2] high[0] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<254xf32> to tensor<256xf32>
  %a2 = arith.addf %a1, %p1 : tensor<256xf32>
  %s2 = tensor.extract_slice %a2[0] [252] [1] : tensor<256xf32> to tensor<252xf32>
  %p2 = tensor.pad %s2 low[4] high[0] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<252xf32> to tensor<256xf32>
  %a3 = arith.addf %a2, %p2 : tensor<256xf32>
  %s3 = tensor.extract_slice %a3[0] [248] [1] : tensor<256xf32> to tensor<248xf32>
  %p3 = tensor.pad %s3 low[8] high[0] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<248xf32> to tensor<256xf32>
  %a4 = arith.addf %a3, %p3 : tensor<256xf32>
  %s4 = tensor.extract_slice %a4[0] [240] [1] : tensor<256xf32> to tensor<240xf32>
  %p4 = tensor.pad %s4 low[16] high[0] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<240xf32> to tensor<256xf32>
  %a5 = arith.addf %a4, %p4 : tensor<256xf32>
  tune.write %a5, @z : tensor<256xf32>
  return
}
