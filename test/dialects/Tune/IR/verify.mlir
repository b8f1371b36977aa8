// Each constraint of dialects/Tune/README.md, broken.

// RUN: ftc-opt %s --split-input-file --verify-diagnostics

tune.tensor output @a : tensor<f64>
// expected-error @+1 {{is a program: it has a body of one block, no arguments and no results (C1)}}
func.func @arguments(%x: tensor<f64>) attributes {tune.program} {
  tune.write %x, @a : tensor<f64>
  return
}

// -----

// expected-error @+1 {{is a program: it has a body of one block, no arguments and no results (C1)}}
func.func private @external() attributes {tune.program}

// -----

// expected-error @+1 {{is no function and so no program (C1)}}
module attributes {tune.program} {}

// -----

// expected-error @+1 {{needs 'tune.program' to be a unit attribute (C1)}}
func.func @attribute() attributes {tune.program = 1 : i32} { return }

// -----

tune.tensor output @a : tensor<f64>
func.func @twice() attributes {tune.program} {
  %x = arith.constant dense<1.0> : tensor<f64>
  // expected-note @+1 {{first written here}}
  tune.write %x, @a : tensor<f64>
  // expected-error @+1 {{writes @a a second time (C2)}}
  tune.write %x, @a : tensor<f64>
  return
}

// -----

// expected-error @+1 {{has a source, so it is of kind weight, trained or frozen (C3)}}
tune.tensor state @a : tensor<f64> source {step = "base"}

// -----

func.func @unknown() attributes {tune.program} {
  // expected-error @+1 {{names @a, which is no tune.tensor (C4)}}
  %x = tune.read @a : tensor<f64>
  return
}

// -----

tune.tensor input @a : tensor<2xf64>
func.func @type() attributes {tune.program} {
  // expected-error @+1 {{has type 'tensor<3xf64>' but @a has 'tensor<2xf64>' (C4)}}
  %x = tune.read @a : tensor<3xf64>
  return
}

// -----

tune.tensor output @a : tensor<2xf64>
func.func @inside() attributes {tune.program} {
  %x = arith.constant dense<1.0> : tensor<4xf64>
  %y = tune.rows (%r = %x : tensor<4xf64>) chunk 2 -> (tensor<4xf64>) {
    // expected-error @+1 {{stands directly in a program (C5)}}
    tune.write %r, @a : tensor<2xf64>
    tune.yield sliced(%r : tensor<2xf64>)
  }
  return
}

// -----

// expected-error @+1 {{has no string 'kind' (C6)}}
tune.step @run {uses = []}

// -----

// expected-error @+1 {{names @missing, which is neither a tensor nor a program (C6)}}
tune.step @run {kind = "train", trained = [@missing]}

// -----

func.func @gather(%table: tensor<f64>, %index: tensor<2xi32>) {
  // expected-error @+2 {{has a table without rows: it is a scalar (C7)}}
  // expected-error @+1 {{failed to infer returned types}}
  %x = tune.gather %table, %index : (tensor<f64>, tensor<2xi32>) -> tensor<2xf64>
  return
}

// -----

func.func @scatter_add(%rows: tensor<2x3xf64>, %index: tensor<2xi32>) {
  // expected-error @+1 {{needs rows [i..., rest...] and index [i...] for a result [N, rest...] (C8)}}
  %x = tune.scatter_add %rows, %index : (tensor<2x3xf64>, tensor<2xi32>) -> tensor<5x4xf64>
  return
}

// -----

func.func @scatter_add_init(%rows: tensor<2x3xf64>, %index: tensor<2xi32>, %init: tensor<4x3xf64>) {
  // expected-error @+1 {{begins with a value of the result's type (C8)}}
  %x = tune.scatter_add %rows, %index, %init : (tensor<2x3xf64>, tensor<2xi32>, tensor<4x3xf64>) -> tensor<5x3xf64>
  return
}

// -----

func.func @pick(%x: tensor<2x3xf64>, %index: tensor<3xi32>) {
  // expected-error @+2 {{needs x [i..., N] and index [i...] (C9)}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = tune.pick %x, %index : (tensor<2x3xf64>, tensor<3xi32>) -> tensor<2xf64>
  return
}

// -----

func.func @put_one(%x: tensor<2xf64>, %index: tensor<2xi32>) {
  // expected-error @+1 {{needs value and index [i...] for a result [i..., N] (C10)}}
  %y = tune.put_one %x, %index : (tensor<2xf64>, tensor<2xi32>) -> tensor<3x2xf64>
  return
}

// -----

func.func @update_slice(%src: tensor<5x2xf64>, %dest: tensor<4x2xf64>, %start: tensor<i32>) {
  // expected-error @+1 {{has src of size 5 in dimension 0, where dest has 4 (C11)}}
  %y = tune.update_slice %src into %dest at %start dim 0 : tensor<5x2xf64>, tensor<4x2xf64>, tensor<i32>
  return
}

// -----

func.func @update_slice_dim(%src: tensor<2xf64>, %dest: tensor<4xf64>, %start: tensor<i32>) {
  // expected-error @+1 {{needs src and dest of one rank and element type, and dim below the rank (C11)}}
  %y = tune.update_slice %src into %dest at %start dim 1 : tensor<2xf64>, tensor<4xf64>, tensor<i32>
  return
}

// -----

func.func @iota() {
  // expected-error @+1 {{counts along dimension 2 of a tensor of rank 2 (C12)}}
  %x = tune.iota dim 2 : tensor<2x3xi32>
  return
}

// -----

func.func @eye() {
  // expected-error @+1 {{is a square matrix (C13)}}
  %x = tune.eye : tensor<2x3xf64>
  return
}

// -----

func.func @random(%key: tensor<i64>) {
  // expected-error @+1 {{needs a <= b (uniform) or b >= 0 (normal) (C14)}}
  %x = tune.random normal(0.0, -1.0) %key site 0 : tensor<i64> -> tensor<2xf64>
  return
}

// -----

func.func @drop(%x: tensor<2xf64>, %key: tensor<i64>) {
  // expected-error @+1 {{needs a rate in [0, 1) (C15)}}
  %y = tune.drop %x, %key, %key rate 1.0 site 0 : tensor<2xf64>, tensor<i64>, tensor<i64>
  return
}

// -----

func.func @drop_scalar(%x: tensor<f64>, %key: tensor<i64>) {
  // expected-error @+1 {{needs an x with rows: it is a scalar (C15)}}
  %y = tune.drop %x, %key, %key rate 0.5 site 0 : tensor<f64>, tensor<i64>, tensor<i64>
  return
}

// -----

func.func @gradient(%loss: tensor<f64>, %x: tensor<2xf64>) {
  // expected-error @+1 {{has a gradient for each value, of its type (C16)}}
  %g = tune.gradient %loss wrt(%x) : (tensor<f64>, tensor<2xf64>) -> tensor<3xf64>
  return
}

// -----

func.func @attention(%q: tensor<1x2x2x3x4xf64>, %k: tensor<1x8x2x5xf64>, %p: tensor<1x2xi32>, %s: tensor<1x8xi32>) {
  // expected-error @+2 {{needs the same B, H and D in q and k (C17)}}
  // expected-error @+1 {{failed to infer returned types}}
  %out, %lse = tune.attention %q, %k, %k, %p, %p, %s, %s scale 1.0
    : (tensor<1x2x2x3x4xf64>, tensor<1x8x2x5xf64>, tensor<1x8x2x5xf64>, tensor<1x2xi32>, tensor<1x2xi32>,
       tensor<1x8xi32>, tensor<1x8xi32>) -> (tensor<1x2x2x3x4xf64>, tensor<1x2x2x3xf64>)
  return
}

// -----

func.func @positions(%q: tensor<1x2x2x3x4xf64>, %k: tensor<1x8x2x4xf64>, %p: tensor<1x2xi32>) {
  // expected-error @+2 {{needs positions and segments [B,T] for queries, [B,S] for keys but those of the prefix (C17)}}
  // expected-error @+1 {{failed to infer returned types}}
  %out, %lse = tune.attention %q, %k, %k, %p, %p, %p, %p scale 1.0
    : (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>, tensor<1x2xi32>, tensor<1x2xi32>,
       tensor<1x2xi32>, tensor<1x2xi32>) -> (tensor<1x2x2x3x4xf64>, tensor<1x2x2x3xf64>)
  return
}

// -----

func.func @backward(%q: tensor<1x2x2x3x4xf64>, %k: tensor<1x8x2x4xf64>, %p: tensor<1x2xi32>, %s: tensor<1x8xi32>, %lse: tensor<1x2xf64>) {
  // expected-error @+1 {{needs lse [B,T,H,G] with q's elements (C17)}}
  %dq, %dk, %dv = tune.attention_backward %q, %k, %k, %p, %p, %s, %s, %q, %lse, %q scale 1.0
    : (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>, tensor<1x2xi32>, tensor<1x2xi32>,
       tensor<1x8xi32>, tensor<1x8xi32>, tensor<1x2x2x3x4xf64>, tensor<1x2xf64>, tensor<1x2x2x3x4xf64>)
    -> (tensor<1x2x2x3x4xf64>, tensor<1x8x2x4xf64>, tensor<1x8x2x4xf64>)
  return
}

// -----

func.func @rows_none(%x: tensor<4xf64>) {
  // expected-error @+1 {{has no sliced operand (C18)}}
  %y = tune.rows () shared (%r = %x : tensor<4xf64>) chunk 2 -> (tensor<4xf64>) {
    tune.yield summed(%r : tensor<4xf64>)
  }
  return
}

// -----

func.func @rows_counts(%x: tensor<4xf64>, %y: tensor<6xf64>) {
  // expected-error @+1 {{has sliced operands of different numbers of rows (C18)}}
  %z = tune.rows (%r = %x : tensor<4xf64>, %s = %y : tensor<6xf64>) chunk 2 -> (tensor<4xf64>) {
    tune.yield sliced(%r : tensor<2xf64>)
  }
  return
}

// -----

func.func @rows_chunk(%x: tensor<4xf64>) {
  // expected-error @+1 {{has 4 rows, no multiple of the chunk 3 (C19)}}
  %y = tune.rows (%r = %x : tensor<4xf64>) chunk 3 -> (tensor<4xf64>) {
    tune.yield sliced(%r : tensor<3xf64>)
  }
  return
}

// -----

func.func @rows_arguments(%x: tensor<4xf64>) {
  // expected-error @+1 {{has an argument of type 'tensor<3xf64>' for 2 rows of 'tensor<4xf64>' (C20)}}
  %y = "tune.rows"(%x) <{chunk = 2 : i64, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%r: tensor<3xf64>):
    %v = arith.constant dense<0.0> : tensor<2xf64>
    tune.yield sliced(%v : tensor<2xf64>)
  }) : (tensor<4xf64>) -> tensor<4xf64>
  return
}

// -----

func.func @rows_result(%x: tensor<4xf64>) {
  // expected-error @+1 {{has a result 'tensor<5xf64>' of which a chunk yields 'tensor<2xf64>' (C21)}}
  %y = tune.rows (%r = %x : tensor<4xf64>) chunk 2 -> (tensor<5xf64>) {
    tune.yield sliced(%r : tensor<2xf64>)
  }
  return
}

// -----

func.func @rows_summed(%x: tensor<4xf64>) {
  // expected-error @+1 {{has a result 'tensor<4xf64>' that sums 'tensor<2xf64>' (C21)}}
  %y = tune.rows (%r = %x : tensor<4xf64>) chunk 2 -> (tensor<4xf64>) {
    tune.yield summed(%r : tensor<2xf64>)
  }
  return
}

// -----

func.func @reverse(%x: tensor<2x3xf64>) {
  // expected-error @+1 {{reverses dimension 2 of a tensor of rank 2 (C23)}}
  %y = tune.reverse %x dim 2 : tensor<2x3xf64>
  return
}

// -----

func.func @argsort(%x: tensor<2x3xf64>) {
  // expected-error @+1 {{needs x [i..., N] for a result [i..., k], k <= N (C24)}}
  %y = tune.argsort %x : (tensor<2x3xf64>) -> tensor<2x4xi32>
  return
}

// -----

func.func @solve(%a: tensor<3x2xf64>, %y: tensor<3x2xf64>) {
  // expected-error @+1 {{needs a [i..., n, n] and y [i..., n, m] for a result like y (C25)}}
  %u = tune.solve %a, %y : (tensor<3x2xf64>, tensor<3x2xf64>) -> tensor<3x2xf64>
  return
}

// -----

func.func @qr(%x: tensor<2x3xf64>) {
  // expected-error @+1 {{needs x [i..., m, n], m >= n, for q like x and r [i..., n, n] (C26)}}
  %q, %r = tune.qr %x : (tensor<2x3xf64>) -> (tensor<2x3xf64>, tensor<3x3xf64>)
  return
}

// -----

func.func @svd(%x: tensor<2x3xf64>) {
  // expected-error @+1 {{needs x [i..., m, n] for u [i..., m, k], s [i..., k], v [i..., k, n], k <= m, n (C27)}}
  %u, %s, %v = tune.svd %x : (tensor<2x3xf64>) -> (tensor<2x3xf64>, tensor<3xf64>, tensor<3x3xf64>)
  return
}

// -----

func.func @eigh(%x: tensor<2x3xf64>) {
  // expected-error @+1 {{needs x [i..., n, n] for w [i..., k], q [i..., n, k], k <= n (C28)}}
  %w, %q = tune.eigh %x : (tensor<2x3xf64>) -> (tensor<2xf64>, tensor<2x2xf64>)
  return
}

// -----

func.func @fft(%x: tensor<f64>) {
  // expected-error @+1 {{needs a dimension of its operands to transform along (C29)}}
  %re, %im = tune.fft %x, %x dim 0 : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return
}

// -----

func.func @realFFT2(%x: tensor<3xf64>) {
  // expected-error @+1 {{needs two dimensions to transform along (C31)}}
  %y = tune.real_fft2 %x : tensor<3xf64>
  return
}

// -----

func.func @realFFT(%x: tensor<6x3xf64>) {
  // expected-error @+1 {{needs parts with n / 2 + 1 entries of x's dimension of n, first of x's in their order (C32)}}
  %re, %im = tune.real_fft %x order [0, 1] factor 1.0 : (tensor<6x3xf64>) -> (tensor<3x3xf64>, tensor<3x3xf64>)
  return
}

// -----

func.func @fftToReal(%re: tensor<4x3xf64>, %im: tensor<4x3xf64>) {
  // expected-error @+1 {{needs parts with n / 2 + 1 entries of x's dimension of n, first of x's in their order (C32)}}
  %x = tune.fft_to_real %re, %im order [1, 1] factor 1.0 : (tensor<4x3xf64>, tensor<4x3xf64>) -> tensor<3x6xf64>
  return
}

// -----

func.func @fftParts(%x: tensor<2x3xf64>, %y: tensor<3x2xf64>) {
  // expected-error @+1 {{needs parts of one type (C29)}}
  %re = tune.fft %x, %y dim 0 : (tensor<2x3xf64>, tensor<3x2xf64>) -> tensor<2x3xf64>
  return
}

// -----

func.func @random_row(%key: tensor<i64>) {
  // expected-error @+1 {{has a row, but its result is a scalar (C14)}}
  %x = tune.random uniform(0.0, 1.0) %key row %key : tensor<i64> site 1 : tensor<i64> -> tensor<f64>
  return
}

// -----

func.func @if_argument(%c: tensor<i1>, %x: tensor<4xf64>) {
  // expected-error @+1 {{has a side without an argument for each input (C30)}}
  %y = tune.if %c, %x : (tensor<i1>, tensor<4xf64>) -> tensor<4xf64> {
  ^bb0(%a: tensor<4xf64>):
    tune.if_yield %a : tensor<4xf64>
  } else {
    %zeros = arith.constant dense<0.0> : tensor<4xf64>
    tune.if_yield %zeros : tensor<4xf64>
  }
  return
}

// -----

func.func @if_yield(%c: tensor<i1>, %x: tensor<4xf64>) {
  // expected-error @+1 {{has a side that does not yield a value for each result (C30)}}
  %y = tune.if %c, %x : (tensor<i1>, tensor<4xf64>) -> tensor<4xf64> {
  ^bb0(%a: tensor<4xf64>):
    tune.if_yield %a : tensor<4xf64>
  } else {
  ^bb0(%a: tensor<4xf64>):
    tune.if_yield %a, %a : tensor<4xf64>, tensor<4xf64>
  }
  return
}

// -----

// expected-error @+1 {{has 'tune.micro_batches', which is a number of at least 2 and sizes, and belongs to a program (C1)}}
func.func @one() attributes {tune.program, tune.micro_batches = array<i64: 1, 4, 512>} { return }

// -----

// expected-error @+1 {{has 'tune.compute', which is f16 and belongs to a program (C1)}}
func.func @compute() attributes {tune.program, tune.compute = bf16} { return }

// -----

// expected-error @+1 {{has an attribute 'tune.unknown' that the tune dialect does not know}}
func.func @attribute() attributes {tune.unknown} { return }

// -----

func.func @fused_argument(%x: tensor<4xf64>) {
  // expected-error @+1 {{has a body without an argument for each input (C22)}}
  %y = tune.fused (%x) : (tensor<4xf64>) -> tensor<4xf64> {
  ^bb0(%a: tensor<5xf64>):
    %b = arith.constant dense<0.0> : tensor<4xf64>
    tune.fused_yield %b : tensor<4xf64>
  }
  return
}

// -----

func.func @fused_result(%x: tensor<4xf64>) {
  // expected-error @+1 {{has a body that does not yield a value for each result (C22)}}
  %y = tune.fused (%x) : (tensor<4xf64>) -> tensor<5xf64> {
  ^bb0(%a: tensor<4xf64>):
    tune.fused_yield %a : tensor<4xf64>
  }
  return
}
