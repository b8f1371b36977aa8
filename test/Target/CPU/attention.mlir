// Attention and its derivative against the reference: grouped heads, one token, one head, a cache longer than the
// queries, windows, softcap, segments that hide keys, queries that see nothing, widths that are no whole vectors.

// DEFINE: %{shape} = s/BB/2/g;s/TT/16/g;s/SS/16/g;s/HH/3/g;s/GG/2/g;s/DD/16/g
// DEFINE: %{mask} = causal
// DEFINE: %{run} = sed '%{shape};s/OPT/%{mask}/g' %s | ftc-run-mlir - --target=cpu --judge=2e-6
// RUN: %{run}
// REDEFINE: %{shape} = s/BB/1/g;s/TT/1/g;s/SS/1/g;s/HH/1/g;s/GG/1/g;s/DD/4/g
// REDEFINE: %{mask} =
// RUN: %{run}
// REDEFINE: %{shape} = s/BB/1/g;s/TT/1/g;s/SS/40/g;s/HH/3/g;s/GG/3/g;s/DD/64/g
// REDEFINE: %{mask} = causal
// RUN: %{run}
// REDEFINE: %{shape} = s/BB/2/g;s/TT/19/g;s/SS/23/g;s/HH/1/g;s/GG/3/g;s/DD/20/g
// REDEFINE: %{mask} = causal window 5 softcap 2.0
// RUN: %{run} --num-threads=2
// REDEFINE: %{shape} = s/BB/1/g;s/TT/1/g;s/SS/75/g;s/HH/2/g;s/GG/6/g;s/DD/96/g
// REDEFINE: %{mask} = causal
// RUN: %{run} --num-threads=2
// REDEFINE: %{shape} = s/BB/2/g;s/TT/2/g;s/SS/37/g;s/HH/3/g;s/GG/3/g;s/DD/20/g
// REDEFINE: %{mask} = causal window 5 softcap 2.0
// RUN: %{run}

module {
  tune.tensor input @q : tensor<BBxTTxHHxGGxDDxf32>
  tune.tensor input @k : tensor<BBxSSxHHxDDxf32>
  tune.tensor input @v : tensor<BBxSSxHHxDDxf32>
  tune.tensor input @dout : tensor<BBxTTxHHxGGxDDxf32>
  tune.tensor input @qpos : tensor<BBxTTxi32> {test.random = [0.0, 9.0]}
  tune.tensor input @qseg : tensor<BBxTTxi32> {test.random = [-1.0, 3.0]}
  tune.tensor input @kpos : tensor<BBxSSxi32> {test.random = [0.0, 9.0]}
  tune.tensor input @kseg : tensor<BBxSSxi32> {test.random = [-1.0, 3.0]}
  tune.tensor output @out : tensor<BBxTTxHHxGGxDDxf32>
  tune.tensor output @lse : tensor<BBxTTxHHxGGxf32>
  tune.tensor output @dq : tensor<BBxTTxHHxGGxDDxf32>
  tune.tensor output @dk : tensor<BBxSSxHHxDDxf32>
  tune.tensor output @dv : tensor<BBxSSxHHxDDxf32>
  func.func @p() attributes {tune.program} {
    %q = tune.read @q : tensor<BBxTTxHHxGGxDDxf32>
    %k = tune.read @k : tensor<BBxSSxHHxDDxf32>
    %v = tune.read @v : tensor<BBxSSxHHxDDxf32>
    %dout = tune.read @dout : tensor<BBxTTxHHxGGxDDxf32>
    %qpos = tune.read @qpos : tensor<BBxTTxi32>
    %qseg = tune.read @qseg : tensor<BBxTTxi32>
    %kpos = tune.read @kpos : tensor<BBxSSxi32>
    %kseg = tune.read @kseg : tensor<BBxSSxi32>
    %out, %lse = tune.attention %q, %k, %v, %qpos, %qseg, %kpos, %kseg scale 0.3 OPT : (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxTTxi32>, tensor<BBxTTxi32>, tensor<BBxSSxi32>, tensor<BBxSSxi32>) -> (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxTTxHHxGGxf32>)
    %dq, %dk, %dv = tune.attention_backward %q, %k, %v, %qpos, %qseg, %kpos, %kseg, %out, %lse, %dout scale 0.3 OPT : (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxTTxi32>, tensor<BBxTTxi32>, tensor<BBxSSxi32>, tensor<BBxSSxi32>, tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxTTxHHxGGxf32>, tensor<BBxTTxHHxGGxDDxf32>) -> (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxSSxHHxDDxf32>)
    tune.write %out, @out : tensor<BBxTTxHHxGGxDDxf32>
    tune.write %lse, @lse : tensor<BBxTTxHHxGGxf32>
    tune.write %dq, @dq : tensor<BBxTTxHHxGGxDDxf32>
    tune.write %dk, @dk : tensor<BBxSSxHHxDDxf32>
    tune.write %dv, @dv : tensor<BBxSSxHHxDDxf32>
    return
  }
}
