// The terms of a product and where they are, for its kernels.
#ifndef FTC_LIB_TARGET_CPU_TERMS_H
#define FTC_LIB_TARGET_CPU_TERMS_H

#include "SplitTile.h"

#include "dialects/Dnnl/IR/Dnnl.h"

namespace ftc::target::cpu {

/// How a term's factors are multiplied: as they are, rounded to f16 (HalfTile.h), or as sums of numbers of bf16
/// (SplitTile.h).
enum class Factors { Single, Half, Split };

/// A product whose operands may be narrower than f32.
struct Term : dnnl::ProductShape {
  bool isNarrowA = false, isNarrowB = false;
  bool isInPanels = false; ///< b is packed already
  Factors factors = Factors::Single;
  SplitParts parts{}; ///< if they are split

  /// Whether both operands are copied to words of another type.
  bool isRewritten() const { return factors != Factors::Single; }
};

/// Elements from the first entry of the batch to one of them, in a and b of each term and in the result.
struct BatchEntry {
  llvm::SmallVector<mlir::Value> a, b;
  mlir::Value c;
};
BatchEntry locateBatch(LoopBuilder &l, mlir::Value number, llvm::ArrayRef<Term> terms);

/// Whether a product is one of scalar products (Dots.cpp), and its kernel.
bool isDots(llvm::ArrayRef<Term> terms);
void emitDots(dnnl::MatmulOp op, llvm::ArrayRef<Term> terms, const Registers &registers, KernelBuilder &builder);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_TERMS_H
