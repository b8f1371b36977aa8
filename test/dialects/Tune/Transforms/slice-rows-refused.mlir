// Where a wide value is needed whole, it stays whole, and `explain` says why.

// RUN: ftc-opt %s --tune-slice-rows='min-elements=100 chunk=3 explain=true' --split-input-file --verify-diagnostics | FileCheck %s
// CHECK-NOT: tune.rows

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>

tune.tensor output @logits : tensor<9x40xf64>
tune.tensor input @x : tensor<9x3xf64>
tune.tensor weight @w : tensor<40x3xf64>
func.func @written() attributes {tune.program} {
  %x = tune.read @x : tensor<9x3xf64>
  %w = tune.read @w : tensor<40x3xf64>
  %zeros = arith.constant dense<0.0> : tensor<9x40xf64>
  // expected-remark @+1 {{not sliced into rows: 'tune.write' does not act on each row alone}}
  %logits = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %w : tensor<9x3xf64>, tensor<40x3xf64>) outs(%zeros : tensor<9x40xf64>) -> tensor<9x40xf64>
  // expected-note @+1 {{here}}
  tune.write %logits, @logits : tensor<9x40xf64>
  return
}

// -----

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>

// The largest of a column needs every row.
func.func @columns(%x: tensor<9x3xf64>, %w: tensor<40x3xf64>) -> tensor<40xf64> {
  %zeros = arith.constant dense<0.0> : tensor<9x40xf64>
  // expected-remark @+1 {{not sliced into rows: 'linalg.reduce' does not act on each row alone}}
  %logits = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %w : tensor<9x3xf64>, tensor<40x3xf64>) outs(%zeros : tensor<9x40xf64>) -> tensor<9x40xf64>
  %low = arith.constant dense<0.0> : tensor<40xf64>
  // expected-note @+1 {{here}}
  %y = linalg.reduce { arith.maximumf } ins(%logits : tensor<9x40xf64>) outs(%low : tensor<40xf64>) dimensions = [0]
  return %y : tensor<40xf64>
}

// -----

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>

// Every row is divided by what all rows together give.
func.func @together(%x: tensor<9x3xf64>, %w: tensor<40x3xf64>) -> tensor<9xf64> {
  %zeros = arith.constant dense<0.0> : tensor<9x40xf64>
  // expected-remark @+1 {{not sliced into rows: 'arith.divf' depends on a wide value in a way not row by row}}
  %logits = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %w : tensor<9x3xf64>, tensor<40x3xf64>) outs(%zeros : tensor<9x40xf64>) -> tensor<9x40xf64>
  %none = arith.constant dense<0.0> : tensor<9xf64>
  %rows = linalg.reduce { arith.addf } ins(%logits : tensor<9x40xf64>) outs(%none : tensor<9xf64>) dimensions = [1]
  %scalar = arith.constant dense<0.0> : tensor<f64>
  %total = linalg.reduce { arith.addf } ins(%rows : tensor<9xf64>) outs(%scalar : tensor<f64>) dimensions = [0]
  %init = tensor.empty() : tensor<9x40xf64>
  %totals = linalg.broadcast ins(%total : tensor<f64>) outs(%init : tensor<9x40xf64>) dimensions = [0, 1]
  // expected-note @+1 {{here}}
  %shares = arith.divf %logits, %totals : tensor<9x40xf64>
  %largest = linalg.reduce { arith.addf } ins(%shares : tensor<9x40xf64>) outs(%none : tensor<9xf64>) dimensions = [1]
  return %largest : tensor<9xf64>
}

// -----

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>

// A low-rank product inside a layer: it widens its rows, but the layer's own product is as wide.
func.func @adapter(%x: tensor<9x3xf64>, %b: tensor<40x3xf64>, %base: tensor<9x40xf64>, %down: tensor<3x40xf64>) -> tensor<9x3xf64> {
  %zeros = arith.constant dense<0.0> : tensor<9x40xf64>
  // expected-remark @+2 {{not sliced into rows: what is read and written of a row is too wide}}
  // expected-note @+1 {{here}}
  %low = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %b : tensor<9x3xf64>, tensor<40x3xf64>) outs(%zeros : tensor<9x40xf64>) -> tensor<9x40xf64>
  %sum = arith.addf %base, %low : tensor<9x40xf64>
  %narrow = arith.constant dense<0.0> : tensor<9x3xf64>
  %y = linalg.contract indexing_maps = [#x, #w, #o] ins(%sum, %down : tensor<9x40xf64>, tensor<3x40xf64>) outs(%narrow : tensor<9x3xf64>) -> tensor<9x3xf64>
  return %y : tensor<9x3xf64>
}

// -----

#x = affine_map<(t, v, h) -> (t, h)>
#w = affine_map<(t, v, h) -> (v, h)>
#o = affine_map<(t, v, h) -> (t, v)>
#d = affine_map<(t, h, v) -> (t, v)>
#e = affine_map<(t, h, v) -> (h, v)>
#f = affine_map<(t, h, v) -> (t, h)>

// A feed-forward layer: what is left of a row is as wide as what is read of it.
func.func @feed_forward(%x: tensor<9x16xf64>, %up: tensor<64x16xf64>, %down: tensor<16x64xf64>) -> tensor<9x16xf64> {
  %zeros = arith.constant dense<0.0> : tensor<9x64xf64>
  // expected-remark @+2 {{not sliced into rows: what is read and written of a row is too wide}}
  // expected-note @+1 {{here}}
  %wide = linalg.contract indexing_maps = [#x, #w, #o] ins(%x, %up : tensor<9x16xf64>, tensor<64x16xf64>) outs(%zeros : tensor<9x64xf64>) -> tensor<9x64xf64>
  %active = math.tanh %wide : tensor<9x64xf64>
  %narrow = arith.constant dense<0.0> : tensor<9x16xf64>
  %y = linalg.contract indexing_maps = [#d, #e, #f] ins(%active, %down : tensor<9x64xf64>, tensor<16x64xf64>) outs(%narrow : tensor<9x16xf64>) -> tensor<9x16xf64>
  return %y : tensor<9x16xf64>
}
