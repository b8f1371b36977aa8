// A loop that runs once is its body: nothing is cleared for its sum, and nothing added. With shorter chunks there is.

// RUN: sed 's/CC/4/g' %s > %t.once.mlir && ftc-run-mlir %t.once.mlir --target=cpu --judge=0
// RUN: ftc-run-mlir %t.once.mlir --target=cpu --print-llvm | FileCheck %s --check-prefix=ONCE
// RUN: sed 's/CC/2/g' %s | ftc-run-mlir - --target=cpu --print-llvm | FileCheck %s --check-prefix=TWICE
// ONCE-NOT: {{ftc_zero|ftc_accumulate}}
// TWICE-DAG: ftc_zero
// TWICE-DAG: ftc_accumulate

tune.tensor input @x : tensor<4x2xf64>
tune.tensor output @doubles : tensor<4x2xf64>
tune.tensor output @copies : tensor<4x2xf64>
tune.tensor output @sum : tensor<CCx2xf64>
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<4x2xf64>
  %doubles, %copies, %sum = tune.rows (%part = %x : tensor<4x2xf64>) chunk CC -> (tensor<4x2xf64>, tensor<4x2xf64>, tensor<CCx2xf64>) {
    %double = arith.addf %part, %part : tensor<CCx2xf64>
    tune.yield sliced (%double, %part : tensor<CCx2xf64>, tensor<CCx2xf64>) summed (%double : tensor<CCx2xf64>)
  }
  tune.write %doubles, @doubles : tensor<4x2xf64>
  tune.write %copies, @copies : tensor<4x2xf64>
  tune.write %sum, @sum : tensor<CCx2xf64>
  return
}
