// What a kernel generator writes with. A kernel is a func.func of the kernel module
//   (memref of each buffer ..., i64 of each immediate ..., index lo, index hi) -> ()
// whose buffers are, in this order: the operands of the op that are not folded splats, its results, its workspace
// (memref<?bytes x i8>, static). All memrefs are static, contiguous and row-major. lib/Target/Codegen gives the
// function the runtime's interface (ftc_kernel).
#ifndef FTC_TARGET_KERNELBUILDER_H
#define FTC_TARGET_KERNELBUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace ftc::target {

class KernelRegistry;

/// A scalar constant, or the constant whose only element fills a tensor value: seen through arith.constant,
/// linalg.fill and views. Null if `value` is something else. For tensor.empty and what fills nothing: a zero.
mlir::TypedAttr getSplat(mlir::Value value);

/// What a call needs to know about its kernel.
struct KernelInfo {
  /// Symbol of the kernel: of the kernel module, or of the runtime.
  std::string symbol;
  int64_t items = 1;
  int64_t grain = 1;
  /// Bytes of each thread's own memory.
  int64_t scratch = 0;
  /// Immediates that are the same in all calls of the kernel; they come before those of the op.
  llvm::SmallVector<int64_t> immediates;
};

/// A plan of a library kernel: the runtime's function `symbol` is called once with these arguments.
struct LibraryPlan {
  std::string symbol;
  llvm::SmallVector<int64_t> arguments;
  bool operator==(const LibraryPlan &) const = default;
};

class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  KernelBuilder(mlir::Operation *op, int phase, const KernelRegistry &registry, mlir::func::FuncOp kernel,
                KernelInfo &info, std::vector<LibraryPlan> &plans);

  /// Which of the op's calls this is the kernel of, from 0 on.
  int phase() const { return phaseNumber; }

  /// The memory of an operand (not folded) or a result of the op.
  mlir::Value buffer(mlir::Value operandOrResult) const;
  bool isFolded(mlir::Value operand) const;

  /// One element of an operand: a load, or the constant where the operand is a folded splat.
  mlir::Value load(mlir::Value operand, mlir::ValueRange indices);
  void store(mlir::Value element, mlir::Value result, mlir::ValueRange indices);

  /// The immediate that carries an attribute which differs between equal calls, i64: the `site` of `op`, which is the
  /// op itself or an op of its regions.
  mlir::Value immediate(mlir::Operation *op, llvm::StringRef attribute) const;

  /// Whether the op's result is to be added to what is in its place.
  bool accumulates() const { return isAddend; }

  /// memref<N x i8>; only if the generator asked for workspace.
  mlir::Value workspace() const;

  /// The calling thread's own memory: `elements` of f32 as memref<elements x f32>, aligned to 4096. At most what the
  /// generator's scratchBytes says.
  mlir::Value threadMemory(int64_t elements);

  /// The range of items to do, of type index.
  mlir::Value lo();
  mlir::Value hi();

  /// How many items there are, and how many one thread should take at a time; FTC_ANY_RANGE where neighbours have work
  /// in common that a thread does once. Without it: one item.
  void setItems(int64_t items, int64_t grain = 1);

  /// The kernel is the runtime's function `symbol` (an ftc_kernel) with these immediates, before those of the op, and
  /// needs `scratch` bytes of its thread's memory. Nothing must have been emitted.
  void useRuntimeKernel(llvm::StringRef symbol, llvm::ArrayRef<int64_t> immediates = {}, int64_t scratch = 0);

  /// Has the runtime call `symbol` (see ftc_plan) with these arguments before the first program runs; equal plans are
  /// made once. Returns the plan's number, usually the first immediate of a runtime kernel.
  int64_t plan(llvm::StringRef symbol, llvm::ArrayRef<int64_t> arguments);

  /// The function under construction, for attributes; and a declaration of a function of the runtime or of libm.
  mlir::func::FuncOp kernel() const { return function; }
  mlir::func::FuncOp declare(llvm::StringRef symbol, mlir::FunctionType type);

  /// A function without results that kernels share, named for all that its body depends on. `emit` writes the body,
  /// with this builder, if no kernel has asked for it before.
  mlir::func::FuncOp share(llvm::StringRef symbol, llvm::ArrayRef<mlir::Type> arguments,
                           llvm::function_ref<void(mlir::ValueRange)> emit);

private:
  int phaseNumber;
  bool isAddend;
  mlir::func::FuncOp function;
  KernelInfo &info;
  std::vector<LibraryPlan> &plans;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;
  llvm::DenseMap<mlir::Value, mlir::TypedAttr> splats;
  llvm::DenseMap<std::pair<mlir::Operation *, mlir::StringAttr>, mlir::Value> immediates;
  mlir::Value scratch;
};

} // namespace ftc::target

#endif // FTC_TARGET_KERNELBUILDER_H
