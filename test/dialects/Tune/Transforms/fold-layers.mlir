// Of layers that do the same a few go down the rungs, and the others come back as copies: what was done in between is
// done to them, too.

// RUN: ftc-opt %s --tune-fold-layers | FileCheck %s
// RUN: ftc-opt %s --tune-fold-layers --tune-simplify --tune-differentiate --tune-simplify --tune-set-precision --tune-unfold-layers -o %t.back
// RUN: ftc-opt %s --tune-simplify --tune-differentiate --tune-simplify --tune-set-precision -o %t.whole && diff %t.whole %t.back

// A layer that has become unlike its neighbours, as where all of a program is one kernel, stands for no other.
// RUN: ftc-opt %s --tune-fold-layers --tune-differentiate --tune-set-precision --tune-fuse-rows --tune-unfold-layers | FileCheck %s --check-prefix=KERNEL
// KERNEL: func.func @alike() attributes {tune.left_out = array<i64: 4, 4>, tune.program}

tune.tensor weight @w.0.a : tensor<4xf64>
tune.tensor weight @w.1.a : tensor<4xf64>
tune.tensor weight @w.2.a : tensor<4xf64>
tune.tensor weight @w.3.a : tensor<4xf64>
tune.tensor weight @w.4.a : tensor<4xf64>
tune.tensor weight @w.5.a : tensor<4xf64>
tune.tensor weight @w.6.a : tensor<4xf64>
tune.tensor weight @w.7.a : tensor<4xf64>
tune.tensor weight @w.8.a : tensor<4xf64>
tune.tensor weight @w.9.a : tensor<4xf64>
tune.tensor weight @w.10.a : tensor<4xf64>
tune.tensor weight @w.11.a : tensor<4xf64>
tune.tensor weight @w.12.a : tensor<4xf64>
tune.tensor cache @c.0 : tensor<4xf64>
tune.tensor cache @c.1 : tensor<4xf64>
tune.tensor cache @c.2 : tensor<4xf64>
tune.tensor cache @c.3 : tensor<4xf64>
tune.tensor cache @c.4 : tensor<4xf64>
tune.tensor cache @c.5 : tensor<4xf64>
tune.tensor cache @c.6 : tensor<4xf64>
tune.tensor cache @c.7 : tensor<4xf64>
tune.tensor cache @c.8 : tensor<4xf64>
tune.tensor cache @c.9 : tensor<4xf64>
tune.tensor cache @c.10 : tensor<4xf64>
tune.tensor cache @c.11 : tensor<4xf64>
tune.tensor cache @c.12 : tensor<4xf64>
tune.tensor weight @s.0 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.1 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.2 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.3 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.4 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.5 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.6 : tensor<4xf64> source {type = "f16"}
tune.tensor weight @s.7 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.8 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.9 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.10 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.11 : tensor<4xf64> source {type = "f32"}
tune.tensor weight @s.12 : tensor<4xf64> source {type = "f32"}
tune.tensor input @key : tensor<i64>
tune.tensor output @y : tensor<4xf64>
tune.tensor output @z : tensor<4xf64>

// Layer 4 stands for 5 to 8, by name and by value; what is written belongs to the layer before the one that it stands with.
// CHECK-LABEL: func.func @alike()
// CHECK-SAME: tune.left_out = array<i64: 4, 4>
// CHECK: tune.read @w.9.a
// CHECK-NEXT: %[[W4:.+]] = tune.read @w.4.a
// CHECK-NEXT: %[[W3:.+]] = tune.read @w.3.a
// CHECK: %[[H3:.+]] = arith.mulf %{{.+}}, %[[W3]]
// CHECK: %[[H4:.+]] = arith.mulf %[[H3]], %[[W4]]
// CHECK-NEXT: %[[E4:.+]] = math.exp %[[H4]]
// CHECK-NEXT: tune.write %[[E4]], @c.4
// CHECK-NEXT: %[[H9:.+]] = arith.mulf %[[H4]],
// CHECK-NEXT: %[[E9:.+]] = math.exp %[[H9]]
// CHECK-NEXT: tune.write %[[E9]], @c.9
// CHECK: %[[H12:.+]] = arith.mulf %{{.+}}, %0
// CHECK-NEXT: %[[E12:.+]] = math.exp %[[H12]]
// CHECK-NEXT: tune.write %[[E12]], @c.12
// CHECK-NEXT: tune.write %[[H12]], @y
func.func @alike() attributes {tune.program} {
  %w12 = tune.read @w.12.a : tensor<4xf64>
  %w11 = tune.read @w.11.a : tensor<4xf64>
  %w10 = tune.read @w.10.a : tensor<4xf64>
  %w9 = tune.read @w.9.a : tensor<4xf64>
  %w8 = tune.read @w.8.a : tensor<4xf64>
  %w7 = tune.read @w.7.a : tensor<4xf64>
  %w6 = tune.read @w.6.a : tensor<4xf64>
  %w5 = tune.read @w.5.a : tensor<4xf64>
  %w4 = tune.read @w.4.a : tensor<4xf64>
  %w3 = tune.read @w.3.a : tensor<4xf64>
  %w2 = tune.read @w.2.a : tensor<4xf64>
  %w1 = tune.read @w.1.a : tensor<4xf64>
  %w0 = tune.read @w.0.a : tensor<4xf64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %e0 = math.exp %h0 : tensor<4xf64>
  tune.write %e0, @c.0 : tensor<4xf64>
  %h1 = arith.mulf %h0, %w1 : tensor<4xf64>
  %e1 = math.exp %h1 : tensor<4xf64>
  tune.write %e1, @c.1 : tensor<4xf64>
  %h2 = arith.mulf %h1, %w2 : tensor<4xf64>
  %e2 = math.exp %h2 : tensor<4xf64>
  tune.write %e2, @c.2 : tensor<4xf64>
  %h3 = arith.mulf %h2, %w3 : tensor<4xf64>
  %e3 = math.exp %h3 : tensor<4xf64>
  tune.write %e3, @c.3 : tensor<4xf64>
  %h4 = arith.mulf %h3, %w4 : tensor<4xf64>
  %e4 = math.exp %h4 : tensor<4xf64>
  tune.write %e4, @c.4 : tensor<4xf64>
  %h5 = arith.mulf %h4, %w5 : tensor<4xf64>
  %e5 = math.exp %h5 : tensor<4xf64>
  tune.write %e5, @c.5 : tensor<4xf64>
  %h6 = arith.mulf %h5, %w6 : tensor<4xf64>
  %e6 = math.exp %h6 : tensor<4xf64>
  tune.write %e6, @c.6 : tensor<4xf64>
  %h7 = arith.mulf %h6, %w7 : tensor<4xf64>
  %e7 = math.exp %h7 : tensor<4xf64>
  tune.write %e7, @c.7 : tensor<4xf64>
  %h8 = arith.mulf %h7, %w8 : tensor<4xf64>
  %e8 = math.exp %h8 : tensor<4xf64>
  tune.write %e8, @c.8 : tensor<4xf64>
  %h9 = arith.mulf %h8, %w9 : tensor<4xf64>
  %e9 = math.exp %h9 : tensor<4xf64>
  tune.write %e9, @c.9 : tensor<4xf64>
  %h10 = arith.mulf %h9, %w10 : tensor<4xf64>
  %e10 = math.exp %h10 : tensor<4xf64>
  tune.write %e10, @c.10 : tensor<4xf64>
  %h11 = arith.mulf %h10, %w11 : tensor<4xf64>
  %e11 = math.exp %h11 : tensor<4xf64>
  tune.write %e11, @c.11 : tensor<4xf64>
  %h12 = arith.mulf %h11, %w12 : tensor<4xf64>
  %e12 = math.exp %h12 : tensor<4xf64>
  tune.write %e12, @c.12 : tensor<4xf64>
  tune.write %h12, @y : tensor<4xf64>
  return
}

// Forwards and backwards, as gradients go.
// CHECK-LABEL: func.func @falls()
// CHECK-SAME: tune.left_out
// CHECK: %[[H4:.+]] = arith.mulf
// CHECK-NEXT: %[[H9:.+]] = arith.mulf %[[H4]],
// CHECK: %[[G9:.+]] = arith.mulf %{{.+}}, %[[H9]]
// CHECK-NEXT: arith.mulf %[[G9]], %[[H4]]
func.func @falls() attributes {tune.program} {
  %w12 = tune.read @w.12.a : tensor<4xf64>
  %w11 = tune.read @w.11.a : tensor<4xf64>
  %w10 = tune.read @w.10.a : tensor<4xf64>
  %w9 = tune.read @w.9.a : tensor<4xf64>
  %w8 = tune.read @w.8.a : tensor<4xf64>
  %w7 = tune.read @w.7.a : tensor<4xf64>
  %w6 = tune.read @w.6.a : tensor<4xf64>
  %w5 = tune.read @w.5.a : tensor<4xf64>
  %w4 = tune.read @w.4.a : tensor<4xf64>
  %w3 = tune.read @w.3.a : tensor<4xf64>
  %w2 = tune.read @w.2.a : tensor<4xf64>
  %w1 = tune.read @w.1.a : tensor<4xf64>
  %w0 = tune.read @w.0.a : tensor<4xf64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %h1 = arith.mulf %h0, %w1 : tensor<4xf64>
  %h2 = arith.mulf %h1, %w2 : tensor<4xf64>
  %h3 = arith.mulf %h2, %w3 : tensor<4xf64>
  %h4 = arith.mulf %h3, %w4 : tensor<4xf64>
  %h5 = arith.mulf %h4, %w5 : tensor<4xf64>
  %h6 = arith.mulf %h5, %w6 : tensor<4xf64>
  %h7 = arith.mulf %h6, %w7 : tensor<4xf64>
  %h8 = arith.mulf %h7, %w8 : tensor<4xf64>
  %h9 = arith.mulf %h8, %w9 : tensor<4xf64>
  %h10 = arith.mulf %h9, %w10 : tensor<4xf64>
  %h11 = arith.mulf %h10, %w11 : tensor<4xf64>
  %h12 = arith.mulf %h11, %w12 : tensor<4xf64>
  %g12 = arith.mulf %h12, %h12 : tensor<4xf64>
  %g11 = arith.mulf %g12, %h11 : tensor<4xf64>
  %g10 = arith.mulf %g11, %h10 : tensor<4xf64>
  %g9 = arith.mulf %g10, %h9 : tensor<4xf64>
  %g8 = arith.mulf %g9, %h8 : tensor<4xf64>
  %g7 = arith.mulf %g8, %h7 : tensor<4xf64>
  %g6 = arith.mulf %g7, %h6 : tensor<4xf64>
  %g5 = arith.mulf %g6, %h5 : tensor<4xf64>
  %g4 = arith.mulf %g5, %h4 : tensor<4xf64>
  %g3 = arith.mulf %g4, %h3 : tensor<4xf64>
  %g2 = arith.mulf %g3, %h2 : tensor<4xf64>
  %g1 = arith.mulf %g2, %h1 : tensor<4xf64>
  %g0 = arith.mulf %g1, %h0 : tensor<4xf64>
  tune.write %g0, @y : tensor<4xf64>
  return
}

// CHECK-LABEL: func.func @one_is_unlike() attributes {tune.program}
func.func @one_is_unlike() attributes {tune.program} {
  %w12 = tune.read @w.12.a : tensor<4xf64>
  %w11 = tune.read @w.11.a : tensor<4xf64>
  %w10 = tune.read @w.10.a : tensor<4xf64>
  %w9 = tune.read @w.9.a : tensor<4xf64>
  %w8 = tune.read @w.8.a : tensor<4xf64>
  %w7 = tune.read @w.7.a : tensor<4xf64>
  %w6 = tune.read @w.6.a : tensor<4xf64>
  %w5 = tune.read @w.5.a : tensor<4xf64>
  %w4 = tune.read @w.4.a : tensor<4xf64>
  %w3 = tune.read @w.3.a : tensor<4xf64>
  %w2 = tune.read @w.2.a : tensor<4xf64>
  %w1 = tune.read @w.1.a : tensor<4xf64>
  %w0 = tune.read @w.0.a : tensor<4xf64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %h1 = arith.mulf %h0, %w1 : tensor<4xf64>
  %h2 = arith.mulf %h1, %w2 : tensor<4xf64>
  %h3 = arith.mulf %h2, %w3 : tensor<4xf64>
  %h4 = arith.mulf %h3, %w4 : tensor<4xf64>
  %h5 = arith.mulf %h4, %w5 : tensor<4xf64>
  %h6 = arith.mulf %h5, %w6 : tensor<4xf64>
  %h7 = arith.addf %h6, %w7 : tensor<4xf64>
  %h8 = arith.mulf %h7, %w8 : tensor<4xf64>
  %h9 = arith.mulf %h8, %w9 : tensor<4xf64>
  %h10 = arith.mulf %h9, %w10 : tensor<4xf64>
  %h11 = arith.mulf %h10, %w11 : tensor<4xf64>
  %h12 = arith.mulf %h11, %w12 : tensor<4xf64>
  tune.write %h12, @y : tensor<4xf64>
  return
}

// CHECK-LABEL: func.func @one_is_needed() attributes {tune.program}
func.func @one_is_needed() attributes {tune.program} {
  %w12 = tune.read @w.12.a : tensor<4xf64>
  %w11 = tune.read @w.11.a : tensor<4xf64>
  %w10 = tune.read @w.10.a : tensor<4xf64>
  %w9 = tune.read @w.9.a : tensor<4xf64>
  %w8 = tune.read @w.8.a : tensor<4xf64>
  %w7 = tune.read @w.7.a : tensor<4xf64>
  %w6 = tune.read @w.6.a : tensor<4xf64>
  %w5 = tune.read @w.5.a : tensor<4xf64>
  %w4 = tune.read @w.4.a : tensor<4xf64>
  %w3 = tune.read @w.3.a : tensor<4xf64>
  %w2 = tune.read @w.2.a : tensor<4xf64>
  %w1 = tune.read @w.1.a : tensor<4xf64>
  %w0 = tune.read @w.0.a : tensor<4xf64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %h1 = arith.mulf %h0, %w1 : tensor<4xf64>
  %h2 = arith.mulf %h1, %w2 : tensor<4xf64>
  %h3 = arith.mulf %h2, %w3 : tensor<4xf64>
  %h4 = arith.mulf %h3, %w4 : tensor<4xf64>
  %h5 = arith.mulf %h4, %w5 : tensor<4xf64>
  %h6 = arith.mulf %h5, %w6 : tensor<4xf64>
  %h7 = arith.mulf %h6, %w7 : tensor<4xf64>
  %h8 = arith.mulf %h7, %w8 : tensor<4xf64>
  %h9 = arith.mulf %h8, %w9 : tensor<4xf64>
  %h10 = arith.mulf %h9, %w10 : tensor<4xf64>
  %h11 = arith.mulf %h10, %w11 : tensor<4xf64>
  %h12 = arith.mulf %h11, %w12 : tensor<4xf64>
  tune.write %h12, @y : tensor<4xf64>
  tune.write %h6, @z : tensor<4xf64>
  return
}

// A file has one of the weights in another type.
// CHECK-LABEL: func.func @one_is_narrow() attributes {tune.program}
func.func @one_is_narrow() attributes {tune.program} {
  %w12 = tune.read @s.12 : tensor<4xf64>
  %w11 = tune.read @s.11 : tensor<4xf64>
  %w10 = tune.read @s.10 : tensor<4xf64>
  %w9 = tune.read @s.9 : tensor<4xf64>
  %w8 = tune.read @s.8 : tensor<4xf64>
  %w7 = tune.read @s.7 : tensor<4xf64>
  %w6 = tune.read @s.6 : tensor<4xf64>
  %w5 = tune.read @s.5 : tensor<4xf64>
  %w4 = tune.read @s.4 : tensor<4xf64>
  %w3 = tune.read @s.3 : tensor<4xf64>
  %w2 = tune.read @s.2 : tensor<4xf64>
  %w1 = tune.read @s.1 : tensor<4xf64>
  %w0 = tune.read @s.0 : tensor<4xf64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %h1 = arith.mulf %h0, %w1 : tensor<4xf64>
  %h2 = arith.mulf %h1, %w2 : tensor<4xf64>
  %h3 = arith.mulf %h2, %w3 : tensor<4xf64>
  %h4 = arith.mulf %h3, %w4 : tensor<4xf64>
  %h5 = arith.mulf %h4, %w5 : tensor<4xf64>
  %h6 = arith.mulf %h5, %w6 : tensor<4xf64>
  %h7 = arith.mulf %h6, %w7 : tensor<4xf64>
  %h8 = arith.mulf %h7, %w8 : tensor<4xf64>
  %h9 = arith.mulf %h8, %w9 : tensor<4xf64>
  %h10 = arith.mulf %h9, %w10 : tensor<4xf64>
  %h11 = arith.mulf %h10, %w11 : tensor<4xf64>
  %h12 = arith.mulf %h11, %w12 : tensor<4xf64>
  tune.write %h12, @y : tensor<4xf64>
  return
}

// Gradients are those of the layers that are left.
// CHECK-LABEL: func.func @gradients()
// CHECK-SAME: tune.left_out
// CHECK: %[[G:.+]]:9 = tune.gradient
// CHECK: tune.write %[[G]]#4, @c.4
// CHECK-NEXT: tune.write %[[G]]#5, @c.9
func.func @gradients() attributes {tune.program} {
  %w12 = tune.read @w.12.a : tensor<4xf64>
  %w11 = tune.read @w.11.a : tensor<4xf64>
  %w10 = tune.read @w.10.a : tensor<4xf64>
  %w9 = tune.read @w.9.a : tensor<4xf64>
  %w8 = tune.read @w.8.a : tensor<4xf64>
  %w7 = tune.read @w.7.a : tensor<4xf64>
  %w6 = tune.read @w.6.a : tensor<4xf64>
  %w5 = tune.read @w.5.a : tensor<4xf64>
  %w4 = tune.read @w.4.a : tensor<4xf64>
  %w3 = tune.read @w.3.a : tensor<4xf64>
  %w2 = tune.read @w.2.a : tensor<4xf64>
  %w1 = tune.read @w.1.a : tensor<4xf64>
  %w0 = tune.read @w.0.a : tensor<4xf64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %h1 = arith.mulf %h0, %w1 : tensor<4xf64>
  %h2 = arith.mulf %h1, %w2 : tensor<4xf64>
  %h3 = arith.mulf %h2, %w3 : tensor<4xf64>
  %h4 = arith.mulf %h3, %w4 : tensor<4xf64>
  %h5 = arith.mulf %h4, %w5 : tensor<4xf64>
  %h6 = arith.mulf %h5, %w6 : tensor<4xf64>
  %h7 = arith.mulf %h6, %w7 : tensor<4xf64>
  %h8 = arith.mulf %h7, %w8 : tensor<4xf64>
  %h9 = arith.mulf %h8, %w9 : tensor<4xf64>
  %h10 = arith.mulf %h9, %w10 : tensor<4xf64>
  %h11 = arith.mulf %h10, %w11 : tensor<4xf64>
  %h12 = arith.mulf %h11, %w12 : tensor<4xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %loss = linalg.reduce { arith.addf } ins(%h12 : tensor<4xf64>) outs(%zero : tensor<f64>) dimensions = [0]
  %g:13 = tune.gradient %loss wrt(%w0, %w1, %w2, %w3, %w4, %w5, %w6, %w7, %w8, %w9, %w10, %w11, %w12) : (tensor<f64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>)
  tune.write %g#0, @c.0 : tensor<4xf64>
  tune.write %g#1, @c.1 : tensor<4xf64>
  tune.write %g#2, @c.2 : tensor<4xf64>
  tune.write %g#3, @c.3 : tensor<4xf64>
  tune.write %g#4, @c.4 : tensor<4xf64>
  tune.write %g#5, @c.5 : tensor<4xf64>
  tune.write %g#6, @c.6 : tensor<4xf64>
  tune.write %g#7, @c.7 : tensor<4xf64>
  tune.write %g#8, @c.8 : tensor<4xf64>
  tune.write %g#9, @c.9 : tensor<4xf64>
  tune.write %g#10, @c.10 : tensor<4xf64>
  tune.write %g#11, @c.11 : tensor<4xf64>
  tune.write %g#12, @c.12 : tensor<4xf64>
  return
}

// Sites of chance grow from layer to layer, also where one stands for others.
// CHECK-LABEL: func.func @chance()
// CHECK-SAME: tune.left_out
// CHECK: tune.drop %{{.+}} site 108
// CHECK: tune.drop %{{.+}} site 118
func.func @chance() attributes {tune.program} {
  %w12 = tune.read @w.12.a : tensor<4xf64>
  %w11 = tune.read @w.11.a : tensor<4xf64>
  %w10 = tune.read @w.10.a : tensor<4xf64>
  %w9 = tune.read @w.9.a : tensor<4xf64>
  %w8 = tune.read @w.8.a : tensor<4xf64>
  %w7 = tune.read @w.7.a : tensor<4xf64>
  %w6 = tune.read @w.6.a : tensor<4xf64>
  %w5 = tune.read @w.5.a : tensor<4xf64>
  %w4 = tune.read @w.4.a : tensor<4xf64>
  %w3 = tune.read @w.3.a : tensor<4xf64>
  %w2 = tune.read @w.2.a : tensor<4xf64>
  %w1 = tune.read @w.1.a : tensor<4xf64>
  %w0 = tune.read @w.0.a : tensor<4xf64>
  %key = tune.read @key : tensor<i64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %d0 = tune.drop %h0, %key, %key rate 5.000000e-01 site 100 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h1 = arith.mulf %d0, %w1 : tensor<4xf64>
  %d1 = tune.drop %h1, %key, %key rate 5.000000e-01 site 102 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h2 = arith.mulf %d1, %w2 : tensor<4xf64>
  %d2 = tune.drop %h2, %key, %key rate 5.000000e-01 site 104 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h3 = arith.mulf %d2, %w3 : tensor<4xf64>
  %d3 = tune.drop %h3, %key, %key rate 5.000000e-01 site 106 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h4 = arith.mulf %d3, %w4 : tensor<4xf64>
  %d4 = tune.drop %h4, %key, %key rate 5.000000e-01 site 108 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h5 = arith.mulf %d4, %w5 : tensor<4xf64>
  %d5 = tune.drop %h5, %key, %key rate 5.000000e-01 site 110 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h6 = arith.mulf %d5, %w6 : tensor<4xf64>
  %d6 = tune.drop %h6, %key, %key rate 5.000000e-01 site 112 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h7 = arith.mulf %d6, %w7 : tensor<4xf64>
  %d7 = tune.drop %h7, %key, %key rate 5.000000e-01 site 114 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h8 = arith.mulf %d7, %w8 : tensor<4xf64>
  %d8 = tune.drop %h8, %key, %key rate 5.000000e-01 site 116 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h9 = arith.mulf %d8, %w9 : tensor<4xf64>
  %d9 = tune.drop %h9, %key, %key rate 5.000000e-01 site 118 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h10 = arith.mulf %d9, %w10 : tensor<4xf64>
  %d10 = tune.drop %h10, %key, %key rate 5.000000e-01 site 120 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h11 = arith.mulf %d10, %w11 : tensor<4xf64>
  %d11 = tune.drop %h11, %key, %key rate 5.000000e-01 site 122 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h12 = arith.mulf %d11, %w12 : tensor<4xf64>
  %d12 = tune.drop %h12, %key, %key rate 5.000000e-01 site 124 : tensor<4xf64>, tensor<i64>, tensor<i64>
  tune.write %d12, @y : tensor<4xf64>
  return
}

// CHECK-LABEL: func.func @chance_is_unlike() attributes {tune.program}
func.func @chance_is_unlike() attributes {tune.program} {
  %w12 = tune.read @w.12.a : tensor<4xf64>
  %w11 = tune.read @w.11.a : tensor<4xf64>
  %w10 = tune.read @w.10.a : tensor<4xf64>
  %w9 = tune.read @w.9.a : tensor<4xf64>
  %w8 = tune.read @w.8.a : tensor<4xf64>
  %w7 = tune.read @w.7.a : tensor<4xf64>
  %w6 = tune.read @w.6.a : tensor<4xf64>
  %w5 = tune.read @w.5.a : tensor<4xf64>
  %w4 = tune.read @w.4.a : tensor<4xf64>
  %w3 = tune.read @w.3.a : tensor<4xf64>
  %w2 = tune.read @w.2.a : tensor<4xf64>
  %w1 = tune.read @w.1.a : tensor<4xf64>
  %w0 = tune.read @w.0.a : tensor<4xf64>
  %key = tune.read @key : tensor<i64>
  %h0 = arith.mulf %w0, %w0 : tensor<4xf64>
  %d0 = tune.drop %h0, %key, %key rate 5.000000e-01 site 100 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h1 = arith.mulf %d0, %w1 : tensor<4xf64>
  %d1 = tune.drop %h1, %key, %key rate 5.000000e-01 site 102 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h2 = arith.mulf %d1, %w2 : tensor<4xf64>
  %d2 = tune.drop %h2, %key, %key rate 5.000000e-01 site 104 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h3 = arith.mulf %d2, %w3 : tensor<4xf64>
  %d3 = tune.drop %h3, %key, %key rate 5.000000e-01 site 106 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h4 = arith.mulf %d3, %w4 : tensor<4xf64>
  %d4 = tune.drop %h4, %key, %key rate 5.000000e-01 site 108 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h5 = arith.mulf %d4, %w5 : tensor<4xf64>
  %d5 = tune.drop %h5, %key, %key rate 5.000000e-01 site 110 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h6 = arith.mulf %d5, %w6 : tensor<4xf64>
  %d6 = tune.drop %h6, %key, %key rate 5.000000e-01 site 113 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h7 = arith.mulf %d6, %w7 : tensor<4xf64>
  %d7 = tune.drop %h7, %key, %key rate 5.000000e-01 site 114 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h8 = arith.mulf %d7, %w8 : tensor<4xf64>
  %d8 = tune.drop %h8, %key, %key rate 5.000000e-01 site 116 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h9 = arith.mulf %d8, %w9 : tensor<4xf64>
  %d9 = tune.drop %h9, %key, %key rate 5.000000e-01 site 118 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h10 = arith.mulf %d9, %w10 : tensor<4xf64>
  %d10 = tune.drop %h10, %key, %key rate 5.000000e-01 site 120 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h11 = arith.mulf %d10, %w11 : tensor<4xf64>
  %d11 = tune.drop %h11, %key, %key rate 5.000000e-01 site 122 : tensor<4xf64>, tensor<i64>, tensor<i64>
  %h12 = arith.mulf %d11, %w12 : tensor<4xf64>
  %d12 = tune.drop %h12, %key, %key rate 5.000000e-01 site 124 : tensor<4xf64>, tensor<i64>, tensor<i64>
  tune.write %d12, @y : tensor<4xf64>
  return
}
