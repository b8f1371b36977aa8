// Transposition by blocks against the reference, bit for bit: sizes with and without whole blocks, dimensions that
// travel together, several dimensions between, rows that stay rows, last dimensions of a few lines that lie far apart;
// other element types.

// DEFINE: %{n} = 1
// DEFINE: %{m} = 1
// DEFINE: %{type} = f32
// DEFINE: %{run} = sed 's/NN/%{n}/g; s/MM/%{m}/g; s/TT/%{type}/g' %s | ftc-run-mlir - --target=cpu --judge=0
// RUN: %{run}
// REDEFINE: %{n} = 16
// REDEFINE: %{m} = 32
// RUN: %{run}
// REDEFINE: %{n} = 9
// REDEFINE: %{m} = 64
// RUN: %{run} --num-threads=2
// REDEFINE: %{n} = 35
// REDEFINE: %{m} = 7
// RUN: %{run}
// REDEFINE: %{type} = i32
// RUN: %{run}

// Two, four and eight lines beside each other, as sources and as results, with blocks that are not whole.
// REDEFINE: %{n} = 2
// RUN: %{run}
// REDEFINE: %{m} = 37
// RUN: %{run} --num-threads=2
// REDEFINE: %{type} = f32
// REDEFINE: %{n} = 4
// RUN: %{run}
// REDEFINE: %{n} = 8
// RUN: %{run}
// REDEFINE: %{n} = 37
// REDEFINE: %{m} = 2
// RUN: %{run}
// REDEFINE: %{m} = 4
// RUN: %{run} --num-threads=2
// REDEFINE: %{n} = 64
// REDEFINE: %{m} = 8
// RUN: %{run}

// Whole blocks are read and written by vectors.
// RUN: sed 's/NN/16/g; s/MM/32/g; s/TT/f32/g' %s | ftc-run-mlir - --target=cpu --print-llvm | FileCheck %s --implicit-check-not=gather
// CHECK: load <16 x float>
// CHECK: store <16 x float>

tune.tensor input @x : tensor<3x2xNNxMMxTT>
tune.tensor output @last : tensor<3x2xMMxNNxTT>
tune.tensor output @all : tensor<MMxNNx3x2xTT>
tune.tensor output @far : tensor<MMx3x2xNNxTT>
tune.tensor output @near : tensor<NNxMMx2x3xTT>
tune.tensor output @rows : tensor<NNx3x2xMMxTT>
tune.tensor output @swapped : tensor<NNx2x3xMMxTT>
tune.tensor output @pairs : tensor<3xMMxNNx2xTT>
tune.tensor output @parts : tensor<2xMMx3xNNxTT>
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<3x2xNNxMMxTT>
  %0 = tensor.empty() : tensor<3x2xMMxNNxTT>
  %last = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%0 : tensor<3x2xMMxNNxTT>) permutation = [0, 1, 3, 2]
  tune.write %last, @last : tensor<3x2xMMxNNxTT>
  %1 = tensor.empty() : tensor<MMxNNx3x2xTT>
  %all = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%1 : tensor<MMxNNx3x2xTT>) permutation = [3, 2, 0, 1]
  tune.write %all, @all : tensor<MMxNNx3x2xTT>
  %2 = tensor.empty() : tensor<MMx3x2xNNxTT>
  %far = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%2 : tensor<MMx3x2xNNxTT>) permutation = [3, 0, 1, 2]
  tune.write %far, @far : tensor<MMx3x2xNNxTT>
  %3 = tensor.empty() : tensor<NNxMMx2x3xTT>
  %near = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%3 : tensor<NNxMMx2x3xTT>) permutation = [2, 3, 1, 0]
  tune.write %near, @near : tensor<NNxMMx2x3xTT>
  %4 = tensor.empty() : tensor<NNx3x2xMMxTT>
  %rows = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%4 : tensor<NNx3x2xMMxTT>) permutation = [2, 0, 1, 3]
  tune.write %rows, @rows : tensor<NNx3x2xMMxTT>
  %5 = tensor.empty() : tensor<3xMMxNNx2xTT>
  %pairs = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%5 : tensor<3xMMxNNx2xTT>) permutation = [0, 3, 2, 1]
  tune.write %pairs, @pairs : tensor<3xMMxNNx2xTT>
  %6 = tensor.empty() : tensor<2xMMx3xNNxTT>
  %parts = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%6 : tensor<2xMMx3xNNxTT>) permutation = [1, 3, 0, 2]
  tune.write %parts, @parts : tensor<2xMMx3xNNxTT>
  %s = tensor.empty() : tensor<NNx2x3xMMxTT>
  %swapped = linalg.transpose ins(%x : tensor<3x2xNNxMMxTT>) outs(%s : tensor<NNx2x3xMMxTT>) permutation = [2, 1, 0, 3]
  tune.write %swapped, @swapped : tensor<NNx2x3xMMxTT>
  return
}
