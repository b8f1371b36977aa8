// RUN: ftc-opt %s --split-input-file --tune-verify-placement --verify-diagnostics
// Placements that are wrong, each in one way.

// expected-error@+1 {{has not been placed}}
module {
}

// -----

module attributes {tune.arena = {peak = 256 : i64}} {
  tune.tensor value @a : tensor<8xf64> {tune.offset = 0 : i64}
  tune.tensor output @o : tensor<8xf64> {tune.offset = 64 : i64}
  func.func @overwritten() attributes {tune.program} {
    %a = tune.read @a : tensor<8xf64> {tune.offsets = array<i64: 0>}
    // expected-note@+1 {{value is}}
    %x = math.exp %a {tune.offsets = array<i64: 128>} : tensor<8xf64>
    %y = math.sin %a {tune.offsets = array<i64: 128>} : tensor<8xf64>
    // expected-error@+1 {{needs a value whose bytes have been overwritten}}
    %z = arith.addf %x, %y {tune.offsets = array<i64: 64>} : tensor<8xf64>
    tune.write %z, @o : tensor<8xf64>
    return
  }
}

// -----

module attributes {tune.arena = {peak = 256 : i64}} {
  tune.tensor value @a : tensor<8xf64> {tune.offset = 0 : i64}
  tune.tensor output @o : tensor<8xf64> {tune.offset = 64 : i64}
  // expected-error@+1 {{overwrites "a"}}
  func.func @clobbered() attributes {tune.program} {
    %a = tune.read @a : tensor<8xf64> {tune.offsets = array<i64: 0>}
    %x = math.exp %a {tune.offsets = array<i64: 0>} : tensor<8xf64>
    tune.write %x, @o : tensor<8xf64>
    return
  }
}

// -----

module attributes {tune.arena = {peak = 256 : i64}} {
  tune.tensor value @a : tensor<2x4xf64> {tune.offset = 0 : i64}
  tune.tensor value @b : tensor<4x2xf64> {tune.offset = 64 : i64}
  func.func @in_place() attributes {tune.program} {
    %a = tune.read @a : tensor<2x4xf64> {tune.offsets = array<i64: 0>}
    %x = math.exp %a {tune.offsets = array<i64: 128>} : tensor<2x4xf64>
    %init = tensor.empty() : tensor<4x2xf64>
    // expected-error@+1 {{has a result that overlaps operand 0}}
    %t = linalg.transpose ins(%x : tensor<2x4xf64>) outs(%init : tensor<4x2xf64>) permutation = [1, 0] {tune.offsets = array<i64: 128>}
    tune.write %t, @b : tensor<4x2xf64>
    return
  }
}

// -----

module attributes {tune.arena = {peak = 128 : i64}} {
  tune.tensor value @a : tensor<8xf64> {tune.offset = 0 : i64}
  func.func @outside() attributes {tune.program} {
    %a = tune.read @a : tensor<8xf64> {tune.offsets = array<i64: 0>}
    // expected-error@+1 {{has a result outside the arena}}
    %x = math.exp %a {tune.offsets = array<i64: 128>} : tensor<8xf64>
    tune.write %x, @a : tensor<8xf64>
    return
  }
}

// -----

module attributes {tune.arena = {peak = 256 : i64}} {
  tune.tensor value @a : tensor<8xf64> {tune.offset = 0 : i64}
  func.func @unaligned() attributes {tune.program} {
    %a = tune.read @a : tensor<8xf64> {tune.offsets = array<i64: 0>}
    // expected-error@+1 {{has a result at the unaligned offset 72}}
    %x = math.exp %a {tune.offsets = array<i64: 72>} : tensor<8xf64>
    tune.write %x, @a : tensor<8xf64>
    return
  }
}
