// RUN: ftc-run-mlir %s | FileCheck %s
// Attention and its gradients, against another implementation: packed documents, a token of none (segment -1), grouped
// heads, a window, a soft cap, keys after their queries.

tune.tensor input @q : tensor<2x4x2x2x2xf64> {test.values = dense<[[[[[0.49, 0.97], [1.18, 1.77]], [[0.96, 1.69], [-1.88, -0.14]]], [[[1.77, 0.6], [1.6, -1.55]], [[-0.12, -1.01], [0.18, 0.3]]], [[[-1.95, -1.13], [-0.88, 1.67]], [[1.06, -1.36], [1.19, -1.44]]], [[[0.47, -1.49], [-1.99, 1.49]], [[-1.16, -1.14], [1.93, 1.49]]]], [[[[-0.84, 1.85], [0.16, 0.71]], [[-1.18, 1.76], [0.76, 1.87]]], [[[1.57, -0.8], [-0.56, -1.34]], [[-1.42, -1.74], [-0.79, 0.41]]], [[[-1.99, 0.71], [-0.65, -0.76]], [[1.27, -0.08], [-0.74, -0.08]]], [[[0.82, -1.77], [1.9, -1.91]], [[1.0, 1.38], [-1.93, 1.15]]]]]> : tensor<2x4x2x2x2xf64>}
tune.tensor input @k : tensor<2x4x2x2xf64> {test.values = dense<[[[[-0.54, 0.31], [-1.96, -1.81]], [[-1.28, 1.82], [-1.21, 1.02]], [[1.72, 1.77], [-0.62, -0.58]], [[0.1, 1.1], [-1.57, 0.99]]], [[[1.19, 1.44], [-1.85, 1.78]], [[-1.64, -0.64], [0.44, 1.67]], [[-0.64, 1.7], [0.18, -0.75]], [[-0.73, -1.29], [-1.69, -1.4]]]]> : tensor<2x4x2x2xf64>}
tune.tensor input @v : tensor<2x4x2x2xf64> {test.values = dense<[[[[0.76, 1.99], [-1.35, -1.81]], [[1.95, 0.13], [-0.38, -1.05]], [[0.38, 1.31], [-0.18, -0.31]], [[-1.78, 1.66], [-1.87, -0.03]]], [[[1.35, -1.48], [0.93, 1.8]], [[0.52, 1.15], [-1.57, -0.26]], [[-1.4, 1.38], [-0.82, -0.19]], [[2.0, 1.41], [1.9, -0.19]]]]> : tensor<2x4x2x2xf64>}
tune.tensor input @dout : tensor<2x4x2x2x2xf64> {test.values = dense<[[[[[-0.05, 0.92], [-0.08, -0.84]], [[-0.38, -1.41], [-0.49, 1.95]]], [[[1.84, 0.51], [-0.0, -0.65]], [[-1.64, -0.91], [1.13, 1.47]]], [[[-0.55, 1.14], [1.1, 0.78]], [[0.66, 1.04], [-0.55, 0.82]]], [[[-0.88, -0.06], [1.08, 0.76]], [[-0.82, 1.78], [0.6, 0.32]]]], [[[[-1.95, 0.19], [-1.0, 0.69]], [[-0.15, 1.27], [0.59, 1.19]]], [[[-0.61, 0.58], [0.95, 1.31]], [[-0.6, 1.37], [1.48, 0.75]]], [[[1.9, 1.83], [0.07, 0.12]], [[-1.34, 1.35], [1.75, -0.09]]], [[[0.77, 0.88], [0.92, -1.31]], [[1.12, 0.32], [0.66, -0.32]]]]]> : tensor<2x4x2x2x2xf64>}
tune.tensor input @position : tensor<2x4xi32> {test.values = dense<[[0, 1, 2, 3], [0, 1, 0, 0]]> : tensor<2x4xi32>}
tune.tensor input @segment : tensor<2x4xi32> {test.values = dense<[[0, 0, 0, 0], [0, 0, 1, -1]]> : tensor<2x4xi32>}
tune.tensor output @causal_out : tensor<2x4x2x2x2xf64>
tune.tensor output @causal_lse : tensor<2x4x2x2xf64>
tune.tensor output @causal_dq : tensor<2x4x2x2x2xf64>
tune.tensor output @causal_dk : tensor<2x4x2x2xf64>
tune.tensor output @causal_dv : tensor<2x4x2x2xf64>
tune.tensor output @window_out : tensor<2x4x2x2x2xf64>
tune.tensor output @window_lse : tensor<2x4x2x2xf64>
tune.tensor output @window_dq : tensor<2x4x2x2x2xf64>
tune.tensor output @window_dk : tensor<2x4x2x2xf64>
tune.tensor output @window_dv : tensor<2x4x2x2xf64>
tune.tensor output @full_out : tensor<2x4x2x2x2xf64>
tune.tensor output @full_lse : tensor<2x4x2x2xf64>
tune.tensor output @full_dq : tensor<2x4x2x2x2xf64>
tune.tensor output @full_dk : tensor<2x4x2x2xf64>
tune.tensor output @full_dv : tensor<2x4x2x2xf64>

// CHECK: causal_out = 0.76 1.99 0.76 1.99 -1.35 -1.81 -1.35 -1.81 1.27146 1.19057 0.85305 1.84456 -1.24072 -1.72438 -0.704271 -1.30407 1.29314 1.14675 1.6617 0.430024 -0.790225 -1.1215 -0.778327 -1.10325 0.132674 1.62353 1.63191 0.35474 -1.22132 -1.5155 -0.784635 -0.605897 1.35 -1.48 1.35 -1.48 0.93 1.8 0.93 1.8 1.2462 -1.15109 0.55716 1.03225 0.667363 1.58359 0.39372 1.35811 -1.4 1.38 -1.4 1.38 -0.82 -0.19 -0.82 -0.19 0 0 0 0 0 0 0 0
// CHECK-NEXT: causal_lse = 0.02527 -0.06195 -3.45835 2.75674 0.0229112 -0.85973 1.56384 0.468656 1.10496 3.14487 0.939691 0.880674 0.270295 3.82748 3.26787 0.138724 1.16508 0.84896 3.72106 1.34582 0.635009 1.289 -0.218147 1.77536 1.73642 -0.6132 0.20202 -0.05124 -inf -inf -inf -inf
// CHECK-NEXT: causal_dq = 0 0 0 0 0 0 0 0 -0.157542 0.32147 -0.0451405 0.092111 -0.119791 -0.452013 0.258592 0.975753 0.363298 -0.718487 -0.16955 -0.0175247 0.511962 0.501127 0.12879 0.10399 0.180525 0.0699102 -0.161692 0.0609056 0.178213 0.508755 0.0769036 -0.0891334 0 0 0 0 0 0 0 0 -0.440391 -0.323679 -0.225084 -0.165432 -0.199271 0.00957195 -1.41667 0.0680499 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
// CHECK-NEXT: causal_dk = -1.52808 -0.25113 -0.343442 0.655654 1.12347 0.92608 0.150577 0.301168 0.0424249 -0.0684372 0.537273 -0.657317 0.362188 -0.606513 -0.344408 -0.299505 -0.199776 0.231069 -0.612287 0.10223 0.199776 -0.231069 0.612287 -0.10223 0 0 0 0 0 0 0 0
// CHECK-NEXT: causal_dv = 0.378156 0.477214 -2.53086 2.58188 2.28516 1.95456 0.835651 1.22076 -0.0473751 0.0979224 0.0800623 1.05347 -0.155944 0.0302999 0.125146 0.203886 -3.44118 1.44612 1.06556 4.27519 0.831182 1.32388 0.254445 0.304809 1.97 1.95 0.41 1.26 0 0 0 0
// CHECK-NEXT: window_out = 0.76 1.99 0.76 1.99 -1.35 -1.81 -1.35 -1.81 1.29514 1.15357 0.934345 1.71749 -1.16928 -1.6684 -0.74804 -1.33836 1.86787 0.191731 1.62979 0.370668 -0.219541 -0.456302 -0.216394 -0.444659 -0.763888 1.49535 -1.24571 1.57342 -0.881118 -0.193839 -1.13128 -0.152391 1.35 -1.48 1.35 -1.48 0.93 1.8 0.93 1.8 1.18443 -0.955369 0.603842 0.884331 0.485089 1.43339 0.221216 1.21596 -1.4 1.38 -1.4 1.38 -0.82 -0.19 -0.82 -0.19 0 0 0 0 0 0 0 0
// CHECK-NEXT: window_lse = 0.01805 -0.04425 -2.47025 1.9691 0.212384 -0.51383 1.23783 0.521205 0.273433 2.311 0.286079 0.249558 -0.160325 1.00417 1.22611 -0.202829 0.8322 0.6064 2.6579 0.9613 0.580643 0.994489 -0.0391284 1.42905 1.2403 -0.438 0.1443 -0.0366 -inf -inf -inf -inf
// CHECK-NEXT: window_dq = 0 0 0 0 0 0 0 0 -0.113631 0.231868 -0.0559359 0.114139 -0.129755 -0.489608 0.19543 0.737422 0.164253 -0.00273755 -0.196437 0.00327395 0.0421879 -0.114408 0.021816 -0.059162 -0.379327 -0.156882 0.311673 0.128902 -0.217261 0.359053 0.108036 -0.178543 0 0 0 0 0 0 0 0 -0.459078 -0.337415 -0.341391 -0.250917 -0.221476 0.0106386 -1.21992 0.058599 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
// CHECK-NEXT: window_dk = -0.392735 0.0250302 -0.0676639 -0.252908 0.441878 0.146188 -0.052133 0.403401 -0.542052 0.464331 0.604568 0.279667 0.492909 -0.635549 -0.484771 -0.430159 -0.187129 0.291423 -0.558181 0.0501313 0.187129 -0.291423 0.558181 -0.0501313 0 0 0 0 0 0 0 0
// CHECK-NEXT: window_dv = 0.88256 -0.194114 -1.7757 0.357296 1.18186 1.83539 0.426101 1.09753 0.0487545 0.378491 -0.137948 2.68659 0.346824 0.540233 -0.0024531 0.91858 -3.34235 1.47663 1.00718 4.12355 0.732353 1.29337 0.312821 0.456446 1.97 1.95 0.41 1.26 0 0 0 0
// CHECK-NEXT: full_out = 0.275776 1.16673 0.187367 1.14456 -0.938655 -0.681486 -1.03627 -0.85429 -0.137008 1.39621 0.276985 1.35129 -0.987693 -1.20033 -0.922632 -0.671555 0.986123 1.2141 0.412974 1.12949 -0.879342 -1.05744 -0.864518 -1.03087 0.300757 1.44778 0.52564 1.12757 -0.999282 -0.97707 -0.871369 -0.778973 1.12895 -0.779566 1.2185 -1.06333 -0.250061 0.82763 -0.435304 0.67499 1.24985 -1.16267 0.574681 0.976735 0.266349 1.25315 0.265088 1.25211 -1.4 1.38 -1.4 1.38 -0.82 -0.19 -0.82 -0.19 0 0 0 0 0 0 0 0
// CHECK-NEXT: full_lse = 2.33229 2.52747 1.23096 2.71949 2.00564 0.635678 1.87667 1.19661 1.3889 2.58847 1.12305 1.05848 0.290019 2.41517 2.36009 0.245223 1.51557 1.17565 2.1362 2.07534 0.794981 1.31121 -0.14687 1.65593 1.39405 -0.78835 0.285091 -0.0731419 -inf -inf -inf -inf
// CHECK-NEXT: full_dq = 0.177914 -0.156627 -0.0554978 0.0801163 0.156155 -0.0382832 -0.0527966 -0.00585667 -0.218647 -0.464711 0.042489 0.000300908 0.0562336 -0.0133466 0.26047 0.18294 0.58986 -0.925753 -0.0719101 -0.116927 0.661647 0.619129 0.263986 0.252237 0.096448 0.106809 -0.0843236 -0.24588 -0.493225 0.244146 -0.0323843 0.00968845 -0.841805 -0.471335 -0.695945 -0.461736 -0.0395412 -0.133679 -0.49501 0.396748 -0.285726 -0.2803 -0.106956 -0.0605656 -0.437026 0.401348 -0.795882 -1.27304 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
// CHECK-NEXT: full_dk = -1.05589 0.214358 -0.737636 0.692536 1.36257 0.745671 0.407481 0.464598 0.0314661 0.0113407 0.521816 -0.23369 -0.513546 -1.27976 -0.754932 -0.828872 -0.169042 -0.244942 -0.294936 0.160898 -0.248922 0.846389 0.850326 -0.598831 0 0 0 0 0 0 0 0
// CHECK-NEXT: full_dv = 0.0127834 0.827398 -1.13071 1.82028 0.493413 0.942825 0.0786599 0.687809 1.12961 0.283622 -0.403621 1.57109 0.824195 0.506155 -0.0343305 0.980823 -2.74605 1.3164 0.834241 2.76749 0.13605 1.4536 0.485759 1.81251 1.97 1.95 0.41 1.26 0 0 0 0
func.func @main() attributes {tune.program} {
  %q = tune.read @q : tensor<2x4x2x2x2xf64>
  %k = tune.read @k : tensor<2x4x2x2xf64>
  %v = tune.read @v : tensor<2x4x2x2xf64>
  %dout = tune.read @dout : tensor<2x4x2x2x2xf64>
  %position = tune.read @position : tensor<2x4xi32>
  %segment = tune.read @segment : tensor<2x4xi32>
  %causal_out, %causal_lse = tune.attention %q, %k, %v, %position, %segment, %position, %segment scale 7.000000e-01 causal
      : (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>)
      -> (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>)
  %causal_dq, %causal_dk, %causal_dv = tune.attention_backward %q, %k, %v, %position, %segment, %position, %segment, %causal_out, %causal_lse, %dout scale 7.000000e-01 causal
      : (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2x2xf64>)
      -> (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>)
  tune.write %causal_out, @causal_out : tensor<2x4x2x2x2xf64>
  tune.write %causal_lse, @causal_lse : tensor<2x4x2x2xf64>
  tune.write %causal_dq, @causal_dq : tensor<2x4x2x2x2xf64>
  tune.write %causal_dk, @causal_dk : tensor<2x4x2x2xf64>
  tune.write %causal_dv, @causal_dv : tensor<2x4x2x2xf64>
  %window_out, %window_lse = tune.attention %q, %k, %v, %position, %segment, %position, %segment scale 5.000000e-01 causal window 2
      : (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>)
      -> (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>)
  %window_dq, %window_dk, %window_dv = tune.attention_backward %q, %k, %v, %position, %segment, %position, %segment, %window_out, %window_lse, %dout scale 5.000000e-01 causal window 2
      : (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2x2xf64>)
      -> (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>)
  tune.write %window_out, @window_out : tensor<2x4x2x2x2xf64>
  tune.write %window_lse, @window_lse : tensor<2x4x2x2xf64>
  tune.write %window_dq, @window_dq : tensor<2x4x2x2x2xf64>
  tune.write %window_dk, @window_dk : tensor<2x4x2x2xf64>
  tune.write %window_dv, @window_dv : tensor<2x4x2x2xf64>
  %full_out, %full_lse = tune.attention %q, %k, %v, %position, %segment, %position, %segment scale 1.000000e+00 softcap 1.500000e+00
      : (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>)
      -> (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>)
  %full_dq, %full_dk, %full_dv = tune.attention_backward %q, %k, %v, %position, %segment, %position, %segment, %full_out, %full_lse, %dout scale 1.000000e+00 softcap 1.500000e+00
      : (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4xi32>, tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2x2xf64>)
      -> (tensor<2x4x2x2x2xf64>, tensor<2x4x2x2xf64>, tensor<2x4x2x2xf64>)
  tune.write %full_out, @full_out : tensor<2x4x2x2x2xf64>
  tune.write %full_lse, @full_lse : tensor<2x4x2x2xf64>
  tune.write %full_dq, @full_dq : tensor<2x4x2x2x2xf64>
  tune.write %full_dk, @full_dk : tensor<2x4x2x2xf64>
  tune.write %full_dv, @full_dv : tensor<2x4x2x2xf64>
  return
}
