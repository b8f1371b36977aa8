// Kernels of rows against the reference: a norm and its derivative, a sum across rows, a sum of everything; widths
// with and without whole vectors. Errors are those of sums of f32 in another order.

// DEFINE: %{width} = 1
// DEFINE: %{run} = sed 's/WW/%{width}/g' %s | ftc-run-mlir - --target=cpu --judge=3e-6
// RUN: %{run}
// REDEFINE: %{width} = 7
// RUN: %{run}
// REDEFINE: %{width} = 16
// RUN: %{run}
// REDEFINE: %{width} = 63
// RUN: %{run}
// REDEFINE: %{width} = 65
// RUN: %{run} --num-threads=2
// REDEFINE: %{width} = 576
// RUN: %{run}
// REDEFINE: %{width} = 1000
// RUN: %{run}

module {
  tune.tensor input @x : tensor<3x5xWWxf32>
  tune.tensor input @dy : tensor<3x5xWWxf32>
  tune.tensor weight @w : tensor<WWxf32>
  tune.tensor output @y : tensor<3x5xWWxf32>
  tune.tensor output @dx : tensor<3x5xWWxf32>
  tune.tensor output @dw : tensor<WWxf32>
  tune.tensor output @s : tensor<f64>
  func.func @norm() attributes {tune.program} {
    %zero = arith.constant 0.0 : f32
    %zero64 = arith.constant 0.0 : f64
    %n = arith.constant dense<1.25> : tensor<3x5xf32>
    %x = tune.read @x : tensor<3x5xWWxf32>
    %dy = tune.read @dy : tensor<3x5xWWxf32>
    %w = tune.read @w : tensor<WWxf32>
    %x2 = arith.mulf %x, %x : tensor<3x5xWWxf32>
    %e = tensor.empty() : tensor<3x5xf32>
    %i = linalg.fill ins(%zero : f32) outs(%e : tensor<3x5xf32>) -> tensor<3x5xf32>
    %ss = linalg.reduce { arith.addf } ins(%x2 : tensor<3x5xWWxf32>) outs(%i : tensor<3x5xf32>) dimensions = [2]
    %m = arith.addf %ss, %n : tensor<3x5xf32>
    %r = math.rsqrt %m : tensor<3x5xf32>
    %ew = tensor.empty() : tensor<3x5xWWxf32>
    %rb = linalg.broadcast ins(%r : tensor<3x5xf32>) outs(%ew : tensor<3x5xWWxf32>) dimensions = [2]
    %wb = linalg.broadcast ins(%w : tensor<WWxf32>) outs(%ew : tensor<3x5xWWxf32>) dimensions = [0, 1]
    %h = arith.mulf %x, %rb : tensor<3x5xWWxf32>
    %y = arith.mulf %h, %wb : tensor<3x5xWWxf32>
    tune.write %y, @y : tensor<3x5xWWxf32>
    %g = arith.mulf %dy, %wb : tensor<3x5xWWxf32>
    %gh = arith.mulf %g, %h : tensor<3x5xWWxf32>
    %s = linalg.reduce { arith.addf } ins(%gh : tensor<3x5xWWxf32>) outs(%i : tensor<3x5xf32>) dimensions = [2]
    %sb = linalg.broadcast ins(%s : tensor<3x5xf32>) outs(%ew : tensor<3x5xWWxf32>) dimensions = [2]
    %t = arith.mulf %h, %sb : tensor<3x5xWWxf32>
    %u = arith.subf %g, %t : tensor<3x5xWWxf32>
    %ex = math.exp %u : tensor<3x5xWWxf32>
    %dx = arith.mulf %ex, %rb : tensor<3x5xWWxf32>
    tune.write %dx, @dx : tensor<3x5xWWxf32>
    %eww = tensor.empty() : tensor<WWxf32>
    %iw = linalg.fill ins(%zero : f32) outs(%eww : tensor<WWxf32>) -> tensor<WWxf32>
    %dyh = arith.mulf %dy, %h : tensor<3x5xWWxf32>
    %dw = linalg.reduce { arith.addf } ins(%dyh : tensor<3x5xWWxf32>) outs(%iw : tensor<WWxf32>) dimensions = [0, 1]
    tune.write %dw, @dw : tensor<WWxf32>
    %d64 = arith.extf %dyh : tensor<3x5xWWxf32> to tensor<3x5xWWxf64>
    %es = tensor.empty() : tensor<f64>
    %is = linalg.fill ins(%zero64 : f64) outs(%es : tensor<f64>) -> tensor<f64>
    %total = linalg.reduce { arith.addf } ins(%d64 : tensor<3x5xWWxf64>) outs(%is : tensor<f64>) dimensions = [0, 1, 2]
    tune.write %total, @s : tensor<f64>
    return
  }
}
