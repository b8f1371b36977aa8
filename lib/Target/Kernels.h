// The kernels of a module: one for all ops of equal structure.
#ifndef FTC_LIB_TARGET_KERNELS_H
#define FTC_LIB_TARGET_KERNELS_H

#include "ftc/Target/KernelBuilder.h"
#include "ftc/Target/KernelGenerator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

#include <deque>

namespace ftc::target {

/// The operands that are buffers of the call, with repetitions: the others are folded splats or no tensors.
llvm::SmallVector<mlir::OpOperand *> getBufferOperands(mlir::Operation *op, const KernelRegistry &registry);

/// An attribute that is an argument of the kernel instead of a part of it, so that equal ops share one.
struct Immediate {
  mlir::Operation *op;
  mlir::StringAttr name;
  int64_t value;
};
/// Of the op and those inside it, in order.
llvm::SmallVector<Immediate> getImmediates(mlir::Operation *op);

/// Of an op's kernel; 1 where it has none: that is an error of its call.
int countPhases(mlir::Operation *op, const KernelRegistry &registry);

/// Of calls that live as long as it does.
class KernelSet {
public:
  KernelSet(mlir::MLIRContext *context, const KernelRegistry &registry);

  /// The kernel of a phase of a call, generated if no equal op has been seen.
  llvm::FailureOr<const KernelInfo *> get(mlir::Operation *call, int phase);
  /// The kernels of all phases of calls, in order. Which of them are equal is found side by side.
  llvm::LogicalResult add(llvm::ArrayRef<mlir::Operation *> calls);

  /// The functions of all kernels that are not the runtime's.
  mlir::ModuleOp getModule() { return *module; }
  llvm::ArrayRef<LibraryPlan> getPlans() const { return plans; }
  /// Bytes of each thread's own memory.
  int64_t getScratch() const;

private:
  llvm::FailureOr<const KernelInfo *> find(mlir::Operation *call, int phase, llvm::StringRef structure);
  llvm::FailureOr<const KernelInfo *> generate(mlir::Operation *call, int phase);

  const KernelRegistry &registry;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::DenseMap<std::pair<mlir::Operation *, int>, const KernelInfo *> ofCalls;
  llvm::StringMap<const KernelInfo *> known; ///< by structure
  std::deque<KernelInfo> infos;
  std::vector<LibraryPlan> plans;
};

} // namespace ftc::target

#endif // FTC_LIB_TARGET_KERNELS_H
