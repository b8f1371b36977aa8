// Products of the micro-kernel against the reference, with one thread and with two; what is new in each is above it.

// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --num-threads=2
// RUN: ftc-run-mlir %s --target=cpu --judge=3e-6 --alone

module {
  tune.tensor output @c0 : tensor<150x100xf32>
  tune.tensor input @a0x : tensor<150x70xf32>
  tune.tensor input @b0x : tensor<100x70xf32>
  tune.tensor output @c1 : tensor<300x72xf32>
  tune.tensor input @a1x : tensor<300x40xf32>
  tune.tensor input @b1x : tensor<40x72xf32>
  tune.tensor output @c2 : tensor<40x49xf32>
  tune.tensor input @i2 : tensor<40x49xf32>
  tune.tensor input @a2x : tensor<40x33xf32>
  tune.tensor input @b2x : tensor<33x49xf32>
  tune.tensor output @c3 : tensor<70x40xf32>
  tune.tensor input @a3x : tensor<70x1700xf32>
  tune.tensor input @b3x : tensor<1700x40xf32>
  tune.tensor output @c4 : tensor<30x64xf32>
  tune.tensor input @i4 : tensor<30x64xf32>
  tune.tensor input @a4x : tensor<1700x30xf32>
  tune.tensor input @b4x : tensor<1700x64xf32>
  tune.tensor output @c5 : tensor<70x33xf32>
  tune.tensor input @a5x : tensor<70x1024xf32>
  tune.tensor input @b5x : tensor<33x1024xf32>
  tune.tensor output @c6 : tensor<2x3x80x90xf32>
  tune.tensor input @a6x : tensor<2x80x3x24xf32>
  tune.tensor input @b6x : tensor<2x90x3x24xf32>
  tune.tensor output @c7 : tensor<130x64xf32>
  tune.tensor input @a7x : tensor<64x48xf32>
  tune.tensor input @b7x : tensor<130x48xf32>
  tune.tensor output @c8 : tensor<140x160xf32>
  tune.tensor input @a8x : tensor<140x96xf32>
  tune.tensor input @b8x : tensor<160x96xf32>
  tune.tensor input @a8y : tensor<140x16xf32>
  tune.tensor input @b8y : tensor<160x16xf32>
  tune.tensor output @c9 : tensor<75x16xf32>
  tune.tensor input @i9 : tensor<75x16xf32>
  tune.tensor input @a9x : tensor<1650x75xf32>
  tune.tensor input @b9x : tensor<1650x16xf32>
  tune.tensor output @c10 : tensor<150x16xf32>
  tune.tensor input @a10x : tensor<150x40xf32>
  tune.tensor input @b10x : tensor<16x40xf32>
  tune.tensor output @c11 : tensor<90x64xf32>
  tune.tensor input @a11x : tensor<90x1200xf32>
  tune.tensor input @b11x : tensor<64x1200xf32>
  tune.tensor input @a11y : tensor<90x20xf32>
  tune.tensor input @b11y : tensor<20x64xf32>
  tune.tensor input @a11z : tensor<90x500xf32>
  tune.tensor input @b11z : tensor<64x500xf32>
  // tails of rows, columns and depth; columns are packed by transposing
  func.func @p0() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<150x100xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<150x100xf32>) -> tensor<150x100xf32>
    %a0 = tune.read @a0x : tensor<150x70xf32>
    %b0 = tune.read @b0x : tensor<100x70xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<150x70xf32>, tensor<100x70xf32>) outs(%f : tensor<150x100xf32>) -> tensor<150x100xf32>
    tune.write %t0, @c0 : tensor<150x100xf32>
    return
  }
  // rows are packed
  func.func @p1() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<300x72xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<300x72xf32>) -> tensor<300x72xf32>
    %a0 = tune.read @a1x : tensor<300x40xf32>
    %b0 = tune.read @b1x : tensor<40x72xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<300x40xf32>, tensor<40x72xf32>) outs(%f : tensor<300x72xf32>) -> tensor<300x72xf32>
    tune.write %t0, @c1 : tensor<300x72xf32>
    return
  }
  // few rows: the right operand is read where it is, with a narrow last panel
  func.func @p2() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<40x49xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<40x49xf32>) -> tensor<40x49xf32>
    %i = tune.read @i2 : tensor<40x49xf32>
    %a0 = tune.read @a2x : tensor<40x33xf32>
    %b0 = tune.read @b2x : tensor<33x49xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<40x33xf32>, tensor<33x49xf32>) outs(%i : tensor<40x49xf32>) -> tensor<40x49xf32>
    tune.write %t0, @c2 : tensor<40x49xf32>
    return
  }
  // a depth that is cut
  func.func @p3() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<70x40xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<70x40xf32>) -> tensor<70x40xf32>
    %a0 = tune.read @a3x : tensor<70x1700xf32>
    %b0 = tune.read @b3x : tensor<1700x40xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<70x1700xf32>, tensor<1700x40xf32>) outs(%f : tensor<70x40xf32>) -> tensor<70x40xf32>
    tune.write %t0, @c3 : tensor<70x40xf32>
    return
  }
  // a depth that is cut, of a transposed left operand, added to an init
  func.func @p4() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<30x64xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<30x64xf32>) -> tensor<30x64xf32>
    %i = tune.read @i4 : tensor<30x64xf32>
    %a0 = tune.read @a4x : tensor<1700x30xf32>
    %b0 = tune.read @b4x : tensor<1700x64xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d2, d0)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<1700x30xf32>, tensor<1700x64xf32>) outs(%i : tensor<30x64xf32>) -> tensor<30x64xf32>
    tune.write %t0, @c4 : tensor<30x64xf32>
    return
  }
  // the left operand's rows compete for the cache
  func.func @p5() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<70x33xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<70x33xf32>) -> tensor<70x33xf32>
    %a0 = tune.read @a5x : tensor<70x1024xf32>
    %b0 = tune.read @b5x : tensor<33x1024xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<70x1024xf32>, tensor<33x1024xf32>) outs(%f : tensor<70x33xf32>) -> tensor<70x33xf32>
    tune.write %t0, @c5 : tensor<70x33xf32>
    return
  }
  // a batch on both sides
  func.func @p6() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x3x80x90xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x80x90xf32>) -> tensor<2x3x80x90xf32>
    %a0 = tune.read @a6x : tensor<2x80x3x24xf32>
    %b0 = tune.read @b6x : tensor<2x90x3x24xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d1, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>] ins(%a0, %b0 : tensor<2x80x3x24xf32>, tensor<2x90x3x24xf32>) outs(%f : tensor<2x3x80x90xf32>) -> tensor<2x3x80x90xf32>
    tune.write %t0, @c6 : tensor<2x3x80x90xf32>
    return
  }
  // operands in the other order
  func.func @p7() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<130x64xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<130x64xf32>) -> tensor<130x64xf32>
    %a0 = tune.read @a7x : tensor<64x48xf32>
    %b0 = tune.read @b7x : tensor<130x48xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<64x48xf32>, tensor<130x48xf32>) outs(%f : tensor<130x64xf32>) -> tensor<130x64xf32>
    tune.write %t0, @c7 : tensor<130x64xf32>
    return
  }
  // terms that are added in one go
  func.func @p8() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<140x160xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<140x160xf32>) -> tensor<140x160xf32>
    %a0 = tune.read @a8x : tensor<140x96xf32>
    %b0 = tune.read @b8x : tensor<160x96xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<140x96xf32>, tensor<160x96xf32>) outs(%f : tensor<140x160xf32>) -> tensor<140x160xf32>
    %a1 = tune.read @a8y : tensor<140x16xf32>
    %b1 = tune.read @b8y : tensor<160x16xf32>
    %t1 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a1, %b1 : tensor<140x16xf32>, tensor<160x16xf32>) outs(%f : tensor<140x160xf32>) -> tensor<140x160xf32>
    %s1 = arith.addf %t0, %t1 : tensor<140x160xf32>
    tune.write %s1, @c8 : tensor<140x160xf32>
    return
  }
  // a narrow result of a transposed left operand
  func.func @p9() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<75x16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<75x16xf32>) -> tensor<75x16xf32>
    %i = tune.read @i9 : tensor<75x16xf32>
    %a0 = tune.read @a9x : tensor<1650x75xf32>
    %b0 = tune.read @b9x : tensor<1650x16xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d2, d0)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<1650x75xf32>, tensor<1650x16xf32>) outs(%i : tensor<75x16xf32>) -> tensor<75x16xf32>
    tune.write %t0, @c9 : tensor<75x16xf32>
    return
  }
  // a narrow result
  func.func @p10() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<150x16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<150x16xf32>) -> tensor<150x16xf32>
    %a0 = tune.read @a10x : tensor<150x40xf32>
    %b0 = tune.read @b10x : tensor<16x40xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<150x40xf32>, tensor<16x40xf32>) outs(%f : tensor<150x16xf32>) -> tensor<150x16xf32>
    tune.write %t0, @c10 : tensor<150x16xf32>
    return
  }
  // terms of two sweeps
  func.func @p11() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<90x64xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<90x64xf32>) -> tensor<90x64xf32>
    %a0 = tune.read @a11x : tensor<90x1200xf32>
    %b0 = tune.read @b11x : tensor<64x1200xf32>
    %t0 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a0, %b0 : tensor<90x1200xf32>, tensor<64x1200xf32>) outs(%f : tensor<90x64xf32>) -> tensor<90x64xf32>
    %a1 = tune.read @a11y : tensor<90x20xf32>
    %b1 = tune.read @b11y : tensor<20x64xf32>
    %t1 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a1, %b1 : tensor<90x20xf32>, tensor<20x64xf32>) outs(%f : tensor<90x64xf32>) -> tensor<90x64xf32>
    %s1 = arith.addf %t0, %t1 : tensor<90x64xf32>
    %a2 = tune.read @a11z : tensor<90x500xf32>
    %b2 = tune.read @b11z : tensor<64x500xf32>
    %t2 = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%a2, %b2 : tensor<90x500xf32>, tensor<64x500xf32>) outs(%f : tensor<90x64xf32>) -> tensor<90x64xf32>
    %s2 = arith.addf %s1, %t2 : tensor<90x64xf32>
    tune.write %s2, @c11 : tensor<90x64xf32>
    return
  }
}
