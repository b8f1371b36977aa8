// RUN: not ftc-run-mlir %s 2>&1 | FileCheck %s
// An op that the passes above should have replaced is named.

tune.tensor input @x : tensor<f64>
tune.tensor output @dx : tensor<f64>
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<f64>
  %y = math.sin %x : tensor<f64>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: error: 'tune.gradient' op has no kernel on this target
  %dx = tune.gradient %y wrt(%x) : (tensor<f64>, tensor<f64>) -> tensor<f64>
  tune.write %dx, @dx : tensor<f64>
  return
}
