// RUN: ftc-run-mlir %s -o %t && %t --help | FileCheck %s
// RUN: rm -rf %t.folder && not ftc-run-mlir %s -o %t.folder/x 2>&1 | FileCheck %s --check-prefix=FOLDER
// RUN: rm -rf %t.taken && mkdir %t.taken && not ftc-run-mlir %s -o %t.taken 2>&1 | FileCheck %s --check-prefix=TAKEN
// An executable is the object and the runtime; a place that cannot be written is named, and nothing is left behind.

// CHECK: Usage:
// FOLDER: error: cannot write beside '{{.*}}.folder/x': No such file or directory
// TAKEN: error: cannot write '{{.*}}.taken': Is a directory
tune.tensor output @o : tensor<f64>
func.func @main() attributes {tune.program} {
  %one = arith.constant dense<1.0> : tensor<f64>
  tune.write %one, @o : tensor<f64>
  return
}
