// Attention to keys that every query sees before those that have positions and segments, against the reference: one token, no whole vectors, queries that see
// nothing else, the queries' own tokens, as many columns as in generation.

// DEFINE: %{shape} = s/BB/2/g;s/TT/16/g;s/SS/19/g;s/RR/16/g;s/HH/3/g;s/GG/2/g;s/DD/16/g;s/KPOS/kpos/;s/KSEG/kseg/
// DEFINE: %{mask} = causal prefix 3
// DEFINE: %{places} = s/PLACES/test.random = [0.0, 9.0]/;s/DOCUMENTS/test.random = [-1.0, 3.0]/
// DEFINE: %{run} = sed '%{shape};s/OPT/%{mask}/g;%{places}' %s | ftc-run-mlir - --target=cpu --judge=2e-6
// RUN: %{run}
// REDEFINE: %{shape} = s/BB/1/g;s/TT/1/g;s/SS/2/g;s/RR/1/g;s/HH/1/g;s/GG/1/g;s/DD/4/g;s/KPOS/kpos/;s/KSEG/kseg/
// REDEFINE: %{mask} = prefix 1
// RUN: %{run}
// REDEFINE: %{shape} = s/BB/2/g;s/TT/19/g;s/SS/40/g;s/RR/23/g;s/HH/1/g;s/GG/3/g;s/DD/20/g;s/KPOS/kpos/;s/KSEG/kseg/
// REDEFINE: %{mask} = causal window 5 softcap 2.0 prefix 17
// RUN: %{run} --num-threads=2
// REDEFINE: %{shape} = s/BB/1/g;s/TT/2/g;s/SS/75/g;s/RR/70/g;s/HH/2/g;s/GG/3/g;s/DD/96/g;s/KPOS/kpos/;s/KSEG/kseg/
// REDEFINE: %{mask} = causal prefix 5
// RUN: %{run} --num-threads=2
// REDEFINE: %{shape} = s/BB/1/g;s/TT/11/g;s/SS/27/g;s/RR/11/g;s/HH/3/g;s/GG/3/g;s/DD/64/g;s/KPOS/qpos/;s/KSEG/qseg/
// REDEFINE: %{mask} = causal prefix 16
// REDEFINE: %{places} = s/PLACES/test.values = dense<[[0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 0]]> : tensor<1x11xi32>/;s/DOCUMENTS/test.values = dense<[[0, 0, 0, 0, 0, 1, 1, 1, 1, -1, -1]]> : tensor<1x11xi32>/
// RUN: %{run} --num-threads=2

module {
  tune.tensor input @q : tensor<BBxTTxHHxGGxDDxf32>
  tune.tensor input @k : tensor<BBxSSxHHxDDxf32>
  tune.tensor input @v : tensor<BBxSSxHHxDDxf32>
  tune.tensor input @dout : tensor<BBxTTxHHxGGxDDxf32>
  tune.tensor input @qpos : tensor<BBxTTxi32> {PLACES}
  tune.tensor input @qseg : tensor<BBxTTxi32> {DOCUMENTS}
  tune.tensor input @kpos : tensor<BBxRRxi32> {test.random = [0.0, 9.0]}
  tune.tensor input @kseg : tensor<BBxRRxi32> {test.random = [-1.0, 3.0]}
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
    %kpos = tune.read @kpos : tensor<BBxRRxi32>
    %kseg = tune.read @kseg : tensor<BBxRRxi32>
    %out, %lse = tune.attention %q, %k, %v, %qpos, %qseg, %KPOS, %KSEG scale 0.3 OPT : (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxTTxi32>, tensor<BBxTTxi32>, tensor<BBxRRxi32>, tensor<BBxRRxi32>) -> (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxTTxHHxGGxf32>)
    %dq, %dk, %dv = tune.attention_backward %q, %k, %v, %qpos, %qseg, %KPOS, %KSEG, %out, %lse, %dout scale 0.3 OPT : (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxTTxi32>, tensor<BBxTTxi32>, tensor<BBxRRxi32>, tensor<BBxRRxi32>, tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxTTxHHxGGxf32>, tensor<BBxTTxHHxGGxDDxf32>) -> (tensor<BBxTTxHHxGGxDDxf32>, tensor<BBxSSxHHxDDxf32>, tensor<BBxSSxHHxDDxf32>)
    tune.write %out, @out : tensor<BBxTTxHHxGGxDDxf32>
    tune.write %lse, @lse : tensor<BBxTTxHHxGGxf32>
    tune.write %dq, @dq : tensor<BBxTTxHHxGGxDDxf32>
    tune.write %dk, @dk : tensor<BBxSSxHHxDDxf32>
    tune.write %dv, @dv : tensor<BBxSSxHHxDDxf32>
    return
  }
}
