//===- TuneOps.td - Operations of the tune dialect -------------*- tablegen -*-===//
//
// The constraints (C1) ... are those of README.md.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_TUNE_OPS
#define FTC_TUNE_OPS

include "dialects/Tune/IR/TuneBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tune_Op<string mnemonic, list<Trait> traits = []> : Op<Tune_Dialect, mnemonic, traits>;
class Tune_PureOp<string mnemonic, list<Trait> traits = []> : Tune_Op<mnemonic, !listconcat([Pure], traits)>;

//===----------------------------------------------------------------------===//
// The module: tensors that outlive programs, and the steps of a run
//===----------------------------------------------------------------------===//

def TensorOp : Tune_Op<"tensor", [Symbol]> {
  let summary = "a tensor that outlives a program";
  let description = [{
    `type` is how the arena keeps it. `source` says where its first contents come from (docs/manifest.md).

    ```mlir
    tune.tensor weight @base.model.norm.weight : tensor<64xf64> source {step = "base", tensor = "model.norm.weight"}
    tune.tensor output @run.loss : tensor<f64>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Tune_Tensor>:$type, Tune_KindAttr:$kind,
                       OptionalAttr<DictionaryAttr>:$source);
  let assemblyFormat = "`` $kind $sym_name `:` $type (`source` $source^)? attr-dict";
  let hasVerifier = 1;
}

def StepOp : Tune_Op<"step", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a step of the run, in the terms of docs/manifest.md";
  let description = [{
    `fields` becomes the step's JSON object: a symbol of a tensor its number in `tensors`, a symbol of a program its
    number in `programs`. The order of the module's steps is an order in which they can be done.

    ```mlir
    tune.step @run {kind = "train", programs = {micro = @run.micro}, trained = [@run.A]}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DictionaryAttr:$fields);
  let assemblyFormat = "$sym_name $fields attr-dict";
}

def ReadOp : Tune_PureOp<"read", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "contents of a tensor at the start of the program";
  let arguments = (ins FlatSymbolRefAttr:$tensor);
  let results = (outs Tune_Tensor:$result);
  let assemblyFormat = "$tensor `:` type($result) attr-dict";
}

def WriteOp : Tune_Op<"write", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, MemoryEffects<[MemWrite]>]> {
  let summary = "contents of a tensor at the end of the program";
  let arguments = (ins Tune_Tensor:$value, FlatSymbolRefAttr:$tensor);
  let assemblyFormat = "$value `,` $tensor `:` type($value) attr-dict";
}

//===----------------------------------------------------------------------===//
// Indexed access
//===----------------------------------------------------------------------===//

def GatherOp : Tune_PureOp<"gather", [InferTypeOpAdaptor]> {
  let summary = "rows of a table: [N, rest...], [i...] -> [i..., rest...]";
  let description = "An index outside [0, N) gives a row of zeros.";
  let arguments = (ins Tune_Tensor:$table, Tune_IndexTensor:$index);
  let results = (outs Tune_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def ScatterAddOp : Tune_PureOp<"scatter_add"> {
  let summary = "sums of rows: [i..., rest...], [i...], [N, rest...] -> [N, rest...]";
  let description = [{
    `init`, or zeros, plus each row at its index, one after another in the order of the index tensor. A row whose index
    is outside [0, N) is left out. Without `init` the adjoint of `tune.gather`.
  }];
  let arguments = (ins Tune_RealTensor:$rows, Tune_IndexTensor:$index, Optional<Tune_RealTensor>:$init);
  let results = (outs Tune_RealTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def PickOp : Tune_PureOp<"pick", [InferTypeOpAdaptor]> {
  let summary = "one element of the last dimension: [i..., N], [i...] -> [i...]";
  let description = "An index outside [0, N) gives 0.";
  let arguments = (ins Tune_Tensor:$x, Tune_IndexTensor:$index);
  let results = (outs Tune_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def PutOneOp : Tune_PureOp<"put_one"> {
  let summary = "one element of a last dimension that is zero elsewhere: [i...], [i...] -> [i..., N]";
  let description = "An index outside [0, N) gives zeros. The adjoint of `tune.pick`.";
  let arguments = (ins Tune_RealTensor:$value, Tune_IndexTensor:$index);
  let results = (outs Tune_RealTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def UpdateSliceOp : Tune_PureOp<"update_slice", [TypesMatchWith<"result is like dest", "dest", "result", "$_self">]> {
  let summary = "`dest` with `src` written from index `start` along `dim`";
  let description = [{
    `start` is clamped to [0, size of dest - size of src]. In place when `dest` is a read of the tensor that the result
    is written to.
  }];
  let arguments = (ins Tune_Tensor:$dest, Tune_Tensor:$src, Tune_PositionTensor:$start,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$dim);
  let results = (outs Tune_Tensor:$result);
  let assemblyFormat = "$src `into` $dest `at` $start `dim` $dim attr-dict `:` type($src) `,` type($dest) `,` type($start)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def IotaOp : Tune_PureOp<"iota"> {
  let summary = "each entry is its index along `dim`";
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$dim);
  let results = (outs StaticShapeTensorOf<[F32, F64, I32, I64]>:$result);
  let assemblyFormat = "`dim` $dim attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def EyeOp : Tune_PureOp<"eye"> {
  let summary = "identity matrix [n, n]";
  let description = "Contracting with it folds to a transpose.";
  let results = (outs Tune_RealTensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def ReverseOp : Tune_PureOp<"reverse", [TypesMatchWith<"result is like x", "x", "result", "$_self">]> {
  let summary = "x with the order of its entries along `dim` reversed";
  let description = "Its own adjoint.";
  let arguments = (ins Tune_Tensor:$x, ConfinedAttr<I64Attr, [IntNonNegative]>:$dim);
  let results = (outs Tune_Tensor:$result);
  let assemblyFormat = "$x `dim` $dim attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def ArgSortOp : Tune_PureOp<"argsort"> {
  let summary = "where the largest entries of the last dimension are: [i..., N] -> i32 [i..., k]";
  let description = "From the largest to the k-th largest; of equal entries the first comes first, NaN last.";
  let arguments = (ins StaticShapeTensorOf<[F32, F64, I32]>:$x);
  let results = (outs Tune_IndexTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Matrices: the last two dimensions; those before are a batch
//===----------------------------------------------------------------------===//

class Tune_MatrixOp<string mnemonic> : Tune_PureOp<mnemonic> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def SolveOp : Tune_MatrixOp<"solve"> {
  let summary = "the u with a u = y: a [i..., n, n], y [i..., n, m] -> [i..., n, m]";
  let description = "By elimination with row pivots, in f64. A singular matrix gives infinities or NaN.";
  let arguments = (ins Tune_RealTensor:$a, Tune_RealTensor:$y);
  let results = (outs Tune_RealTensor:$result);
}

def QROp : Tune_MatrixOp<"qr"> {
  let summary = "x = q r: [i..., m, n], m >= n -> q [i..., m, n] with orthonormal columns, r [i..., n, n]";
  let description = "r is upper triangular, its diagonal is not negative. By reflections, in f64.";
  let arguments = (ins Tune_RealTensor:$x);
  let results = (outs Tune_RealTensor:$q, Tune_RealTensor:$r);
}

def SVDOp : Tune_MatrixOp<"svd"> {
  let summary = "the largest singular values and their vectors: [i..., m, n] -> u [i..., m, k], s [i..., k], v [i..., k, n]";
  let description = [{
    x = u diag(s) v where k = min(m, n), else the best approximation of rank k. Largest first; in each column of u the
    entry of the largest absolute value (of equal ones the first) is positive. In f64. The derivative is that of the
    values and vectors returned, what is left out included; singular values that are equal have none of their own: what
    they would do to each other counts as 0.
  }];
  let arguments = (ins Tune_RealTensor:$x);
  let results = (outs Tune_RealTensor:$u, Tune_RealTensor:$s, Tune_RealTensor:$v);
}

def EigHOp : Tune_MatrixOp<"eigh"> {
  let summary = "the largest eigenvalues of a symmetric matrix and their vectors: [i..., n, n] -> w [i..., k], q [i..., n, k]";
  let description = [{
    Of (x + x^T) / 2. Largest first; signs and derivative as those of `tune.svd`.
  }];
  let arguments = (ins Tune_RealTensor:$x);
  let results = (outs Tune_RealTensor:$w, Tune_RealTensor:$q);
}

def FFTOp : Tune_PureOp<"fft"> {
  let summary = "discrete Fourier transform of complex numbers along one dimension";
  let description = [{
    y_k = sum x_j exp(-2 pi i j k / N); `inverse`: sum x_j exp(2 pi i j k / N) / N. Without `im` it is 0; without
    `resultIm` nothing asks for it: either is about half of the work.
  }];
  let arguments = (ins Tune_RealTensor:$re, Optional<Tune_RealTensor>:$im, ConfinedAttr<I64Attr, [IntNonNegative]>:$dim,
                       UnitAttr:$inverse);
  let results = (outs Tune_RealTensor:$resultRe, Optional<Tune_RealTensor>:$resultIm);
  let assemblyFormat = [{
    $re (`,` $im^)? `dim` $dim (`inverse` $inverse^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

class Tune_HalfFFTOp<string mnemonic> : Tune_PureOp<mnemonic> {
  dag settings = (ins DenseI64ArrayAttr:$order, F64Attr:$factor, UnitAttr:$inverse, UnitAttr:$mirrored);
  let assemblyFormat = [{
    operands `order` $order `factor` $factor (`inverse` $inverse^)? (`mirrored` $mirrored^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    static constexpr int64_t kMostDims = 9; ///< the one that is transformed, and those that the kernel counts lines by
  }];
  let hasVerifier = 1;
}

def RealFFTOp : Tune_HalfFFTOp<"real_fft"> {
  let summary = "half of the Fourier transform of real numbers along one dimension";
  let description = [{
    re_k + i im_k = factor c_k sum x_j exp(-2 pi i j k / N) for k = 0 .. N / 2, `inverse`: exp(2 pi i j k / N). The
    others are the conjugates of these. c_k = 1; `mirrored`: 2 where k is not -k mod N. `order` lists the dimensions of
    x as the results have them, the one that is transformed first.
  }];
  let arguments = !con((ins Tune_RealTensor:$x), settings);
  let results = (outs Tune_RealTensor:$re, Tune_RealTensor:$im);
}

def FFTToRealOp : Tune_HalfFFTOp<"fft_to_real"> {
  let summary = "real part of a Fourier transform along one dimension, from half of what is transformed";
  let description = [{
    x_j = factor sum over k = 0 .. N / 2 of c_k Re((re_k + i im_k) exp(-2 pi i j k / N)), `inverse`:
    exp(2 pi i j k / N); `mirrored` and `order` as those of tune.real_fft, of which it is the adjoint with the other
    direction.
  }];
  let arguments = !con((ins Tune_RealTensor:$re, Tune_RealTensor:$im), settings);
  let results = (outs Tune_RealTensor:$x);
}

def RealFFT2Op : Tune_PureOp<"real_fft2", [TypesMatchWith<"result is like x", "x", "result", "$_self">]> {
  let summary = "real part of the Fourier transform of real numbers along the last two dimensions: [i..., m, n]";
  let description = [{
    y_kl = sum x_jh cos(2 pi (j k / m + h l / n)): even along (k, l) -> (-k, -l). Its own adjoint; times 1 / (m n) it is
    the real part of the inverse transform.
  }];
  let arguments = (ins Tune_RealTensor:$x);
  let results = (outs Tune_RealTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

class Tune_AttentionOp<string mnemonic, list<Trait> traits = []> : Tune_PureOp<mnemonic, traits> {
  dag inputs = (ins Tune_RealTensor:$q, Tune_RealTensor:$k, Tune_RealTensor:$v,
                    Tune_IndexTensor:$qpos, Tune_IndexTensor:$qseg, Tune_IndexTensor:$kpos, Tune_IndexTensor:$kseg);
  dag settings = (ins F64Attr:$scale, UnitAttr:$causal,
                      OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window, OptionalAttr<F64Attr>:$softcap,
                      OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$prefix, UnitAttr:$unordered);
  let assemblyFormat = [{
    operands `scale` $scale (`causal` $causal^)? (`window` $window^)? (`softcap` $softcap^)? (`prefix` $prefix^)?
    (`unordered` $unordered^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    bool keysAreQueries() { return !getUnordered() && getQpos() == getKpos() && getQseg() == getKseg(); }
    /// How many keys every query sees, before those that have positions and segments.
    int64_t countPrefix() { return getPrefix().value_or(0); }
  }];
}

def AttentionOp : Tune_AttentionOp<"attention", [InferTypeOpAdaptor]> {
  let summary = "attention of grouped heads over packed rows, and the log-sum-exp of its scores";
  let description = [{
    q `[B,T,H,G,D]`, k and v `[B,S,H,D]`; positions and segments `[B,T]` for queries, `[B,S-n]` for keys but the first n
    (`prefix`, else 0), which every query sees. The score of query i and key j is `z = scale * <q_i, k_j>`, with `softcap` c it is `c * tanh(z / c)`.
    Another key j is seen by query i iff their segments are equal and not negative, and (`causal`) kpos_j <= qpos_i, and
    (`window` w) qpos_i - kpos_j < w. Results are out `[B,T,H,G,D]` and lse `[B,T,H,G]`; a query that sees nothing
    gives 0 and -inf. If positions and segments of both sides are the same values (`keysAreQueries`), these keys are the
    queries' own tokens, in order, so that only those up to i need be visited when causal; not so with `unordered`,
    where a later place may have an earlier position.
  }];
  let arguments = !con(inputs, settings);
  let results = (outs Tune_RealTensor:$out, Tune_RealTensor:$lse);
}

def AttentionBackwardOp : Tune_AttentionOp<"attention_backward", [
    TypesMatchWith<"dq is like q", "q", "dq", "$_self">, TypesMatchWith<"dk is like k", "k", "dk", "$_self">,
    TypesMatchWith<"dv is like v", "v", "dv", "$_self">, TypesMatchWith<"out is like q", "q", "out", "$_self">,
    TypesMatchWith<"dout is like q", "q", "dout", "$_self">]> {
  let summary = "gradients of q, k and v from that of attention's out";
  let description = [{
    Scores are recomputed from `lse`. With p = exp(z - lse) and delta = sum(dout * out, over D): dv = p^T dout,
    dz = p * (dout v^T - delta), dq = scale * dz k, dk = scale * dz^T q (times 1 - (z / softcap)^2 with a softcap).
    `parts` says how many sums dk and dv of a head are made of, which a target chooses where it is not said.
  }];
  let arguments = !con(inputs, (ins Tune_RealTensor:$out, Tune_RealTensor:$lse, Tune_RealTensor:$dout), settings,
                       (ins OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$parts));
  let results = (outs Tune_RealTensor:$dq, Tune_RealTensor:$dk, Tune_RealTensor:$dv);
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Chance
//===----------------------------------------------------------------------===//

def RandomOp : Tune_PureOp<"random"> {
  let summary = "numbers of the counter-based generator Philox 4x32-10";
  let description = [{
    `key` is a scalar made of seed and step, `site` the number of the use; the counter is the linear index of the entry,
    plus that of the first entry of `row`, which is the number of the first row of this batch (see `tune.drop`).
    `uniform` is on [a, b), `normal` has mean a and standard deviation b.
  }];
  let arguments = (ins Tune_KeyTensor:$key, Optional<Tune_KeyTensor>:$row, Tune_DistributionAttr:$distribution,
                       F64Attr:$a, F64Attr:$b, I64Attr:$site);
  let results = (outs Tune_RealTensor:$result);
  let assemblyFormat = [{
    `` $distribution `(` $a `,` $b `)` $key (`row` $row^ `:` type($row))? `site` $site attr-dict `:` type($key) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def DropOp : Tune_PureOp<"drop", [TypesMatchWith<"result is like x", "x", "result", "$_self">]> {
  let summary = "x / (1 - rate) or, with probability `rate`, 0";
  let description = [{
    The generator is that of `tune.random`; `row` is the number of the first row of this batch, so that masks do not
    depend on micro-batches: counter = row * (elements per entry of dimension 0) + linear index. An entry is kept iff its
    uniform number on [0, 1) is at least `rate`.
  }];
  let arguments = (ins Tune_RealTensor:$x, Tune_KeyTensor:$key, Tune_KeyTensor:$row, F64Attr:$rate, I64Attr:$site);
  let results = (outs Tune_RealTensor:$result);
  let assemblyFormat = "$x `,` $key `,` $row `rate` $rate `site` $site attr-dict `:` type($x) `,` type($key) `,` type($row)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Differentiation
//===----------------------------------------------------------------------===//

def StopGradientOp : Tune_PureOp<"stop_gradient", [TypesMatchWith<"result is like x", "x", "result", "$_self">]> {
  let summary = "x; differentiation ends here";
  let arguments = (ins Tune_Tensor:$x);
  let results = (outs Tune_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def GradientOp : Tune_PureOp<"gradient"> {
  let summary = "gradients of a scalar by values it depends on";
  let description = [{
    Replaced by the adjoint program by `tune-differentiate`.

    ```mlir
    %da, %db = tune.gradient %loss wrt(%a, %b) : tensor<f64> wrt tensor<8x64xf64>, tensor<64x8xf64>
    ```
  }];
  let arguments = (ins 0DTensorOf<[Tune_Real]>:$loss, Variadic<Tune_RealTensor>:$wrt);
  let results = (outs Variadic<Tune_RealTensor>:$gradients);
  let assemblyFormat = "$loss `wrt` `(` $wrt `)` attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

def RowsOp : Tune_Op<"rows", [AttrSizedOperandSegments, IsolatedFromAbove, RecursiveMemoryEffects,
                              SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "a body applied to `chunk` rows at a time";
  let description = [{
    Rows are entries of dimension 0. For each chunk, in order, the body gets `chunk` rows of each `sliced` operand and
    the whole of each `shared` operand. What it yields as `sliced` are rows of a result, what it yields as `summed` is
    added over the chunks, in order. Results are the sliced ones, then the summed ones. It keeps [tokens, vocab] logits
    from ever existing whole.

    ```mlir
    %p, %n = tune.rows (%hc = %h : tensor<512x64xf64>) shared (%w = %W : tensor<1000x64xf64>) chunk 128
        -> (tensor<512xf64>, tensor<f64>) {
      ...
      tune.yield sliced (%pc : tensor<128xf64>) summed (%s : tensor<f64>)
    }
    ```
  }];
  let arguments = (ins Variadic<Tune_Tensor>:$sliced, Variadic<Tune_Tensor>:$shared,
                       ConfinedAttr<I64Attr, [IntPositive]>:$chunk);
  let results = (outs Variadic<Tune_Tensor>:$results);
  let regions = (region SizedRegion<1>:$region);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let builders = [
    // A loop whose body has its block arguments but no terminator yet; `rows` is the number of rows of sliced results.
    OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::ValueRange":$sliced, "::mlir::ValueRange":$shared,
                   "int64_t":$chunk)>
  ];
  let skipDefaultBuilders = 1;
  let extraClassDeclaration = [{
    /// Number of chunks.
    int64_t getTrips();
    /// Number of entries of dimension 0 of sliced operands and results.
    int64_t getNumRows();
    /// Number of sliced results; the summed ones follow.
    unsigned getNumSlicedResults();
    ::mlir::ResultRange getSlicedResults() { return getResults().take_front(getNumSlicedResults()); }
    ::mlir::ResultRange getSummedResults() { return getResults().drop_front(getNumSlicedResults()); }
    ::mlir::Block::BlockArgListType getSlicedArguments() {
      return getBody()->getArguments().take_front(getSliced().size());
    }
    ::mlir::Block::BlockArgListType getSharedArguments() {
      return getBody()->getArguments().drop_front(getSliced().size());
    }
    YieldOp getYield();
  }];
}

def YieldOp : Tune_Op<"yield", [AttrSizedOperandSegments, Pure, Terminator, HasParent<"RowsOp">]> {
  let summary = "the results of a chunk of rows";
  let arguments = (ins Variadic<Tune_Tensor>:$sliced, Variadic<Tune_RealTensor>:$summed);
  let assemblyFormat = [{
    (`sliced` `(` $sliced^ `:` type($sliced) `)`)? (`summed` `(` $summed^ `:` type($summed) `)`)? attr-dict
  }];
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange(), ::mlir::ValueRange()); }]>];
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

def IfOp : Tune_PureOp<"if", [IsolatedFromAbove, SingleBlock]> {
  let summary = "one of two bodies, the other is not computed";
  let description = [{
    Made by `tune-sink-choices` of `arith.select` with one condition for all entries, where a side is dear. Both bodies
    have an argument for each input and yield a value for each result.

    ```mlir
    %p = tune.if %turn, %g, %old : (tensor<i1>, tensor<8x64xf64>, tensor<8x2xf64>) -> tensor<8x2xf64> {
    ^bb0(%a: tensor<8x64xf64>, %b: tensor<8x2xf64>):
      %u, %s, %v = tune.svd %a : (tensor<8x64xf64>) -> (tensor<8x2xf64>, tensor<2xf64>, tensor<2x64xf64>)
      tune.if_yield %u : tensor<8x2xf64>
    } else {
    ^bb0(%a: tensor<8x64xf64>, %b: tensor<8x2xf64>):
      tune.if_yield %b : tensor<8x2xf64>
    }
    ```
  }];
  let arguments = (ins 0DTensorOf<[I1]>:$condition, Variadic<Tune_Tensor>:$inputs);
  let results = (outs Variadic<Tune_Tensor>:$results);
  let regions = (region SizedRegion<1>:$yes, SizedRegion<1>:$no);
  let assemblyFormat = "operands `:` functional-type(operands, results) $yes `else` $no attr-dict";
  let hasRegionVerifier = 1;
}

def IfYieldOp : Tune_PureOp<"if_yield", [Terminator, HasParent<"IfOp">]> {
  let summary = "the results of a side";
  let arguments = (ins Variadic<Tune_Tensor>:$values);
  let assemblyFormat = "$values `:` type($values) attr-dict";
}

//===----------------------------------------------------------------------===//
// Fusion
//===----------------------------------------------------------------------===//

def FusedOp : Tune_PureOp<"fused", [IsolatedFromAbove, SingleBlock]> {
  let summary = "ops that become one kernel";
  let description = [{
    Made by `tune-fuse-rows`: elementwise ops, reductions and indexed accesses that share their rows. What is computed
    inside and not yielded is never stored.

    ```mlir
    %y = tune.fused (%x) : (tensor<8x64xf32>) -> tensor<8x64xf32> {
    ^bb0(%a: tensor<8x64xf32>):
      %b = math.exp %a : tensor<8x64xf32>
      tune.fused_yield %b : tensor<8x64xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<Tune_Tensor>:$inputs);
  let results = (outs Variadic<Tune_Tensor>:$results);
  let regions = (region SizedRegion<1>:$region);
  let assemblyFormat = "`(` $inputs `)` `:` functional-type($inputs, $results) $region attr-dict";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    FusedYieldOp getYield();
  }];
}

def FusedYieldOp : Tune_PureOp<"fused_yield", [Terminator, HasParent<"FusedOp">]> {
  let summary = "the results of fused ops";
  let arguments = (ins Variadic<Tune_Tensor>:$values);
  let assemblyFormat = "$values `:` type($values) attr-dict";
}

#endif
