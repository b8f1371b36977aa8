// Sums of rows against the reference, bit for bit: rows of one element, of a vector and less, of more; several ranges of
// the result, the last one shorter; indices that repeat and that lie outside; sums that begin with a value which something
// else needs, too, and with one that they may be written over.

// DEFINE: %{width} = 1
// DEFINE: %{size} = 50000
// DEFINE: %{run} = sed 's/WW/%{width}/g; s/NN/%{size}/g' %s | ftc-run-mlir - --target=cpu --judge=0
// RUN: %{run}
// REDEFINE: %{width} = 16
// REDEFINE: %{size} = 30001
// RUN: %{run} --num-threads=2
// REDEFINE: %{width} = 37
// REDEFINE: %{size} = 9000
// RUN: %{run} --num-threads=2
// REDEFINE: %{size} = 3
// RUN: %{run}

tune.tensor input @rows : tensor<2x500xWWxf32>
tune.tensor output @sums : tensor<NNxWWxf32>
func.func @main() attributes {tune.program} {
  %rows = tune.read @rows : tensor<2x500xWWxf32>
  %i = tune.iota dim 0 : tensor<2x500xi32>
  %j = tune.iota dim 1 : tensor<2x500xi32>
  %far = arith.constant dense<7919> : tensor<2x500xi32>
  %size = arith.constant dense<NN> : tensor<2x500xi32>
  %three = arith.constant dense<3> : tensor<2x500xi32>
  // Every entry of the first half again in the second; some below 0, some at NN and above.
  %spread = arith.muli %j, %far : tensor<2x500xi32>
  %inside = arith.remsi %spread, %size : tensor<2x500xi32>
  %up = arith.addi %inside, %i : tensor<2x500xi32>
  %index = arith.subi %up, %three : tensor<2x500xi32>
  %over = arith.addi %index, %three : tensor<2x500xi32>
  %twice = arith.addi %over, %i : tensor<2x500xi32>
  %sums = tune.scatter_add %rows, %index : (tensor<2x500xWWxf32>, tensor<2x500xi32>) -> tensor<NNxWWxf32>
  %more = tune.scatter_add %rows, %twice : (tensor<2x500xWWxf32>, tensor<2x500xi32>) -> tensor<NNxWWxf32>
  %both = arith.addf %sums, %more : tensor<NNxWWxf32>
  %begun = tune.scatter_add %rows, %twice, %both : (tensor<2x500xWWxf32>, tensor<2x500xi32>, tensor<NNxWWxf32>) -> tensor<NNxWWxf32>
  %second = tune.scatter_add %rows, %index, %both : (tensor<2x500xWWxf32>, tensor<2x500xi32>, tensor<NNxWWxf32>) -> tensor<NNxWWxf32>
  %all = arith.mulf %begun, %second : tensor<NNxWWxf32>
  tune.write %all, @sums : tensor<NNxWWxf32>
  return
}
