//===- TuneBase.td - The tune dialect: dialect, enums, types ---*- tablegen -*-===//

#ifndef FTC_TUNE_BASE
#define FTC_TUNE_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Tune_Dialect : Dialect {
  let name = "tune";
  let cppNamespace = "::ftc::tune";
  let summary = "Pure tensor programs of fine-tuning: what upstream dialects cannot say.";
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let extraClassDeclaration = [{
    /// Unit attribute of a func.func without arguments and results that is a program.
    static constexpr llvm::StringLiteral kProgramAttrName = "tune.program";
    /// Of a program: `f16` where a target may multiply and add in it over a short depth in large products. Absent:
    /// all is done in f32.
    static constexpr llvm::StringLiteral kComputeAttrName = "tune.compute";
    /// Of a program: how many micro-batches its batch is cut into, where that must change no number (i64, at least 2).
    static constexpr llvm::StringLiteral kMicroBatchesAttrName = "tune.micro_batches";
    /// Of a program: `array<i64: L, N>` where the N layers behind layer L are left out, which do what that one does
    /// (`tune-fold-layers`).
    static constexpr llvm::StringLiteral kLeftOutAttrName = "tune.left_out";
    /// What `tune-place` writes on ops of programs, tensors and the module (lib/Target/Structure.h).
    static constexpr llvm::StringLiteral kPlacementAttrNames[] = {"tune.offsets", "tune.strides", "tune.workspace",
                                                                  "tune.offset", "tune.arena"};
  }];
}

def Tune_Kind : I32EnumAttr<"Kind", "what a tensor that outlives programs is for", [
    I32EnumAttrCase<"weight", 0>,   // of a model, never changed
    I32EnumAttrCase<"trained", 1>,  // changed by training
    I32EnumAttrCase<"frozen", 2>,   // of an adapter, saved with it, never changed
    I32EnumAttrCase<"gradient", 3>,
    I32EnumAttrCase<"state", 4>,    // of an optimizer or of training
    I32EnumAttrCase<"input", 5>,    // filled by the runtime
    I32EnumAttrCase<"output", 6>,   // read by the runtime
    I32EnumAttrCase<"cache", 7>,    // keys and values in generation
    I32EnumAttrCase<"value", 8>     // anything else kept between programs
  ]> {
  let cppNamespace = "::ftc::tune";
  let genSpecializedAttr = 0;
}
def Tune_KindAttr : EnumAttr<Tune_Dialect, Tune_Kind, "kind">;

def Tune_Distribution : I32EnumAttr<"Distribution", "distribution of random numbers", [
    I32EnumAttrCase<"uniform", 0>,  // on [a, b)
    I32EnumAttrCase<"normal", 1>    // with mean a and standard deviation b
  ]> {
  let cppNamespace = "::ftc::tune";
  let genSpecializedAttr = 0;
}
def Tune_DistributionAttr : EnumAttr<Tune_Dialect, Tune_Distribution, "distribution">;

def Tune_Real : AnyTypeOf<[F32, F64]>;
def Tune_Element : AnyTypeOf<[F16, BF16, F32, F64, I1, I8, I32, I64]>;
def Tune_Tensor : StaticShapeTensorOf<[Tune_Element]>;
def Tune_RealTensor : StaticShapeTensorOf<[Tune_Real]>;
def Tune_IndexTensor : StaticShapeTensorOf<[I32]>;
def Tune_KeyTensor : 0DTensorOf<[I64]>;
def Tune_PositionTensor : 0DTensorOf<[I32]>;

#endif
