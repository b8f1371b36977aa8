//===- DnnlOps.td - The exit dialect of oneDNN -----------------*- tablegen -*-===//
//
// An op is named after the runtime's functions: dnnl.x is ftc_dnnl_x_plan and ftc_dnnl_x_run.
// The constraints (C1) ... are those of README.md.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_DNNL_OPS
#define FTC_DNNL_OPS

include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Dnnl_Dialect : Dialect {
  let name = "dnnl";
  let cppNamespace = "::ftc::dnnl";
  let summary = "What oneDNN does.";
}

def Dnnl_Tensor : StaticShapeTensorOf<[F32]>;
def Dnnl_Operand : StaticShapeTensorOf<[F32, F16, BF16]>;

def MatmulOp : Op<Dnnl_Dialect, "matmul", [Pure, AttrSizedOperandSegments]> {
  let summary = "a sum of matrix products";
  let description = [{
    result = init + sum over terms of lhs * rhs, each a contraction as in `linalg.contract` with three indexing maps.
    With `panels`, the rhs of a term for which that is not 0 is a matrix in panels of so many columns, `[n / columns, k, columns]`; its map is that of the matrix. The cpu target packs frozen weights so, once.
    Narrower operands are extended to f32 block by block. With `compute = f16` large terms may be multiplied and added in f16 over a short depth. All terms write the same blocks of rows and columns, one after another while the block is in the cache.

    ```mlir
    %y = dnnl.matmul lhs(%x, %a) rhs(%w, %b) {indexing_maps = [...]}
      : (tensor<8x64xf32>, tensor<8x4xf32>, tensor<32x64xf32>, tensor<32x4xf32>) -> tensor<8x32xf32>
    ```
  }];
  let arguments = (ins Variadic<Dnnl_Operand>:$lhs, Variadic<Dnnl_Operand>:$rhs, Optional<Dnnl_Tensor>:$init,
                       AffineMapArrayAttr:$indexing_maps, OptionalAttr<TypeAttrOf<F16>>:$compute,
                       OptionalAttr<DenseI64ArrayAttr>:$panels);
  let results = (outs Dnnl_Tensor:$result);
  let builders = [OpBuilder<(ins "mlir::Type":$result, "mlir::ValueRange":$lhs, "mlir::ValueRange":$rhs, "mlir::Value":$init,
                                  "mlir::ArrayAttr":$maps),
                            [{ build($_builder, $_state, result, lhs, rhs, init, maps, mlir::TypeAttr(), mlir::DenseI64ArrayAttr()); }]>];
  let assemblyFormat = [{
    `lhs` `(` $lhs `)` `rhs` `(` $rhs `)` (`init` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    size_t getNumTerms() { return getLhs().size(); }
    /// Columns of the panels in which the rhs of a term lies; 0 if it is a matrix.
    int64_t getPanel(size_t term) { return getPanels() ? (*getPanels())[term] : 0; }
    /// The product of a term; the op is valid, so it has one. Strides are those of matrices.
    ProductShape getTerm(size_t term);
  }];
}

#endif
