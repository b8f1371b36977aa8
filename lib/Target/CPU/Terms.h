// The terms of a product and where they are, for its kernels.
#ifndef FTC_LIB_TARGET_CPU_TERMS_H
#define FTC_LIB_TARGET_CPU_TERMS_H

#include "Tile.h"

#include "dialects/Dnnl/IR/Dnnl.h"

namespace ftc::target::cpu {

/// A product whose operands may be narrower than f32, or are multiplied in f16.
struct Term : dnnl::ProductShape {
  bool isNarrowA = false, isNarrowB = false, isHalf = false;
  bool isInPanels = false; ///< b is packed already
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
