// The loops that reference kernels are made of.
#ifndef FTC_LIB_TARGET_REFERENCE_LOOPS_H
#define FTC_LIB_TARGET_REFERENCE_LOOPS_H

#include "ftc/Target/KernelBuilder.h"
#include "ftc/Target/KernelGenerator.h"

namespace ftc::target {

using IndexedBody = llvm::function_ref<void(mlir::ValueRange indices)>;

mlir::Value index(KernelBuilder &builder, int64_t value);
/// A constant of type `type`, real or integer.
mlir::Value constant(KernelBuilder &builder, mlir::Type type, double value);

/// Emits `body` for every index of `shape`; those of dimension 0 are the kernel's items.
void forEachItem(KernelBuilder &builder, llvm::ArrayRef<int64_t> shape, IndexedBody body);

/// Emits `body` for every index of `shape`, in order.
void forEach(KernelBuilder &builder, llvm::ArrayRef<int64_t> shape, IndexedBody body);

/// The accumulated value of `body(indices, accumulator)` over every index of `shape`, in order.
mlir::Value accumulate(KernelBuilder &builder, llvm::ArrayRef<int64_t> shape, mlir::Value initial,
                       llvm::function_ref<mlir::Value(mlir::ValueRange indices, mlir::Value accumulator)> body);

/// The number of an entry of `shape` in row-major order, of type index.
mlir::Value linearIndex(KernelBuilder &builder, llvm::ArrayRef<int64_t> shape, mlir::ValueRange indices);

/// An i32 index made an index into [0, size), and whether it was in there.
struct CheckedIndex {
  mlir::Value index, isValid;
};
CheckedIndex checkIndex(KernelBuilder &builder, mlir::Value i32, int64_t size);

inline llvm::ArrayRef<int64_t> getShape(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getShape();
}
inline mlir::Type getElementType(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getElementType();
}

// The parts of addReferenceKernels.
void addElementwiseKernels(KernelRegistry &registry);
void addShapeKernels(KernelRegistry &registry);
void addProductKernels(KernelRegistry &registry);
void addIndexedKernels(KernelRegistry &registry);
void addAttentionKernels(KernelRegistry &registry);
void addRandomKernels(KernelRegistry &registry);
void addMatrixKernels(KernelRegistry &registry);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_REFERENCE_LOOPS_H
