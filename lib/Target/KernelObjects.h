// The object files of a module: its kernels', in parts that threads compile side by side, and that of its tables.
#ifndef FTC_LIB_TARGET_KERNELOBJECTS_H
#define FTC_LIB_TARGET_KERNELOBJECTS_H

#include "CallTable.h"
#include "ftc/Target/Target.h"

#include "llvm/Support/MemoryBuffer.h"

#include <atomic>
#include <thread>

namespace ftc::target {

class KernelObjects {
public:
  KernelObjects(mlir::MLIRContext *context, const TargetOptions &options);
  ~KernelObjects();

  /// Generates the kernels of a fused or placed module's calls, and begins to compile them.
  llvm::LogicalResult start(mlir::ModuleOp module);
  using Objects = std::vector<std::unique_ptr<llvm::MemoryBuffer>>;
  /// The objects of that module, which now is placed. The calling thread helps.
  llvm::FailureOr<Objects> finish(mlir::ModuleOp placed);

private:
  void compileParts();
  void join();
  std::unique_ptr<llvm::MemoryBuffer> compileTables(mlir::ModuleOp placed);

  const TargetOptions options;
  KernelRegistry registry;
  KernelSet kernels;
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> parts;
  Objects objects; ///< of the parts, then of the tables
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
};

} // namespace ftc::target

#endif // FTC_LIB_TARGET_KERNELOBJECTS_H
