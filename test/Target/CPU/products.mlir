// Contractions against the reference: products of matrices with transposes and batches, with and without an init (+),
// one row of a large matrix, and what is no product of matrices. The labels of operands and result are above each.

// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6
// RUN: ftc-run-mlir %s --target=cpu --judge=2e-6 --num-threads=2

module {
  tune.tensor input @a0 : tensor<2x13x40xf32>
  tune.tensor input @b0 : tensor<3x2x16x40xf32>
  tune.tensor output @c0 : tensor<2x13x3x2x16xf32>
  tune.tensor input @a1 : tensor<2x13x40xf32>
  tune.tensor input @b1 : tensor<72x40xf32>
  tune.tensor input @i1 : tensor<2x13x72xf32>
  tune.tensor output @c1 : tensor<2x13x72xf32>
  tune.tensor input @a2 : tensor<2x13x72xf32>
  tune.tensor input @b2 : tensor<2x13x40xf32>
  tune.tensor input @i2 : tensor<72x40xf32>
  tune.tensor output @c2 : tensor<72x40xf32>
  tune.tensor input @a3 : tensor<2x13x72xf32>
  tune.tensor input @b3 : tensor<72x40xf32>
  tune.tensor output @c3 : tensor<2x13x40xf32>
  tune.tensor input @a4 : tensor<2x13x3x2x16xf32>
  tune.tensor input @b4 : tensor<72x3x2x16xf32>
  tune.tensor output @c4 : tensor<2x13x72xf32>
  tune.tensor input @a5 : tensor<1x40xf32>
  tune.tensor input @b5 : tensor<700x40xf32>
  tune.tensor output @c5 : tensor<1x700xf32>
  tune.tensor input @a6 : tensor<1x700xf32>
  tune.tensor input @b6 : tensor<700x40xf32>
  tune.tensor output @c6 : tensor<1x40xf32>
  tune.tensor input @a7 : tensor<2x13xf32>
  tune.tensor input @b7 : tensor<2x13xf32>
  tune.tensor output @c7 : tensor<2xf32>
  tune.tensor input @a8 : tensor<2x13x3x16xf32>
  tune.tensor input @b8 : tensor<300x3x16xf32>
  tune.tensor output @c8 : tensor<2x3x13x300xf32>
  tune.tensor input @a9 : tensor<3x2x13xf32>
  tune.tensor input @b9 : tensor<13x3x40xf32>
  tune.tensor output @c9 : tensor<2x3x40xf32>
  tune.tensor input @a10 : tensor<13x300xf32>
  tune.tensor input @b10 : tensor<300x700xf32>
  tune.tensor output @c10 : tensor<13x700xf32>
  tune.tensor input @a11 : tensor<2x40x13xf32>
  tune.tensor input @b11 : tensor<40x72xf32>
  tune.tensor output @c11 : tensor<2x13x72xf32>
  // btc,hgdc>bthgd
  func.func @p0() attributes {tune.program} {
    %a = tune.read @a0 : tensor<2x13x40xf32>
    %b = tune.read @b0 : tensor<3x2x16x40xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x13x3x2x16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x13x3x2x16xf32>) -> tensor<2x13x3x2x16xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3, d4, d5) -> (d3, d4, d5, d2)>, affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d3, d4, d5)>] ins(%a, %b : tensor<2x13x40xf32>, tensor<3x2x16x40xf32>) outs(%f : tensor<2x13x3x2x16xf32>) -> tensor<2x13x3x2x16xf32>
    tune.write %c, @c0 : tensor<2x13x3x2x16xf32>
    return
  }
  // +btc,oc>bto
  func.func @p1() attributes {tune.program} {
    %a = tune.read @a1 : tensor<2x13x40xf32>
    %b = tune.read @b1 : tensor<72x40xf32>
    %i = tune.read @i1 : tensor<2x13x72xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d3, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>] ins(%a, %b : tensor<2x13x40xf32>, tensor<72x40xf32>) outs(%i : tensor<2x13x72xf32>) -> tensor<2x13x72xf32>
    tune.write %c, @c1 : tensor<2x13x72xf32>
    return
  }
  // +bto,btc>oc
  func.func @p2() attributes {tune.program} {
    %a = tune.read @a2 : tensor<2x13x72xf32>
    %b = tune.read @b2 : tensor<2x13x40xf32>
    %i = tune.read @i2 : tensor<72x40xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>] ins(%a, %b : tensor<2x13x72xf32>, tensor<2x13x40xf32>) outs(%i : tensor<72x40xf32>) -> tensor<72x40xf32>
    tune.write %c, @c2 : tensor<72x40xf32>
    return
  }
  // bto,oc>btc
  func.func @p3() attributes {tune.program} {
    %a = tune.read @a3 : tensor<2x13x72xf32>
    %b = tune.read @b3 : tensor<72x40xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x13x40xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x13x40xf32>) -> tensor<2x13x40xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>] ins(%a, %b : tensor<2x13x72xf32>, tensor<72x40xf32>) outs(%f : tensor<2x13x40xf32>) -> tensor<2x13x40xf32>
    tune.write %c, @c3 : tensor<2x13x40xf32>
    return
  }
  // bthgd,ohgd>bto
  func.func @p4() attributes {tune.program} {
    %a = tune.read @a4 : tensor<2x13x3x2x16xf32>
    %b = tune.read @b4 : tensor<72x3x2x16xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x13x72xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x13x72xf32>) -> tensor<2x13x72xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3, d4)>, affine_map<(d0, d1, d2, d3, d4, d5) -> (d5, d2, d3, d4)>, affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d5)>] ins(%a, %b : tensor<2x13x3x2x16xf32>, tensor<72x3x2x16xf32>) outs(%f : tensor<2x13x72xf32>) -> tensor<2x13x72xf32>
    tune.write %c, @c4 : tensor<2x13x72xf32>
    return
  }
  // mc,vc>mv
  func.func @p5() attributes {tune.program} {
    %a = tune.read @a5 : tensor<1x40xf32>
    %b = tune.read @b5 : tensor<700x40xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<1x700xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x700xf32>) -> tensor<1x700xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d2)>] ins(%a, %b : tensor<1x40xf32>, tensor<700x40xf32>) outs(%f : tensor<1x700xf32>) -> tensor<1x700xf32>
    tune.write %c, @c5 : tensor<1x700xf32>
    return
  }
  // mv,vc>mc
  func.func @p6() attributes {tune.program} {
    %a = tune.read @a6 : tensor<1x700xf32>
    %b = tune.read @b6 : tensor<700x40xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<1x40xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x40xf32>) -> tensor<1x40xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d2)>] ins(%a, %b : tensor<1x700xf32>, tensor<700x40xf32>) outs(%f : tensor<1x40xf32>) -> tensor<1x40xf32>
    tune.write %c, @c6 : tensor<1x40xf32>
    return
  }
  // bt,bt>b
  func.func @p7() attributes {tune.program} {
    %a = tune.read @a7 : tensor<2x13xf32>
    %b = tune.read @b7 : tensor<2x13xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>] ins(%a, %b : tensor<2x13xf32>, tensor<2x13xf32>) outs(%f : tensor<2xf32>) -> tensor<2xf32>
    tune.write %c, @c7 : tensor<2xf32>
    return
  }
  // bthd,khd>bhtk
  func.func @p8() attributes {tune.program} {
    %a = tune.read @a8 : tensor<2x13x3x16xf32>
    %b = tune.read @b8 : tensor<300x3x16xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x3x13x300xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x13x300xf32>) -> tensor<2x3x13x300xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3, d4) -> (d4, d2, d3)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)>] ins(%a, %b : tensor<2x13x3x16xf32>, tensor<300x3x16xf32>) outs(%f : tensor<2x3x13x300xf32>) -> tensor<2x3x13x300xf32>
    tune.write %c, @c8 : tensor<2x3x13x300xf32>
    return
  }
  // hbt,thc>bhc
  func.func @p9() attributes {tune.program} {
    %a = tune.read @a9 : tensor<3x2x13xf32>
    %b = tune.read @b9 : tensor<13x3x40xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x3x40xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x40xf32>) -> tensor<2x3x40xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d2, d0, d3)>, affine_map<(d0, d1, d2, d3) -> (d1, d0, d3)>] ins(%a, %b : tensor<3x2x13xf32>, tensor<13x3x40xf32>) outs(%f : tensor<2x3x40xf32>) -> tensor<2x3x40xf32>
    tune.write %c, @c9 : tensor<2x3x40xf32>
    return
  }
  // tk,kv>tv
  func.func @p10() attributes {tune.program} {
    %a = tune.read @a10 : tensor<13x300xf32>
    %b = tune.read @b10 : tensor<300x700xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<13x700xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<13x700xf32>) -> tensor<13x700xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d2)>] ins(%a, %b : tensor<13x300xf32>, tensor<300x700xf32>) outs(%f : tensor<13x700xf32>) -> tensor<13x700xf32>
    tune.write %c, @c10 : tensor<13x700xf32>
    return
  }
  // bct,co>bto
  func.func @p11() attributes {tune.program} {
    %a = tune.read @a11 : tensor<2x40x13xf32>
    %b = tune.read @b11 : tensor<40x72xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x13x72xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x13x72xf32>) -> tensor<2x13x72xf32>
    %c = linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>] ins(%a, %b : tensor<2x40x13xf32>, tensor<40x72xf32>) outs(%f : tensor<2x13x72xf32>) -> tensor<2x13x72xf32>
    tune.write %c, @c11 : tensor<2x13x72xf32>
    return
  }
}
