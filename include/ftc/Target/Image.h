// An object of lib/Target loaded into this process, with an arena.
#ifndef FTC_TARGET_IMAGE_H
#define FTC_TARGET_IMAGE_H

#include "ftc/Runtime/CPU/Program.h"
#include "ftc/Target/Target.h"

#include "dialects/Tune/IR/Tune.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace ftc {

/// A placed module, ready to run in this process, which has the runtime's kernels among its exported symbols. Numbers
/// are read and written as doubles, whatever the tensor's type.
class Image {
public:
  /// Lowers `module` (which it keeps) for the target, compiles and loads it. Errors are reported on the module.
  static llvm::FailureOr<Image> load(mlir::OwningOpRef<mlir::ModuleOp> module, const target::TargetOptions &options);
  ~Image();
  Image(Image &&other);
  Image &operator=(Image &&) = delete;

  void run(unsigned program);
  /// The same where no block of items finds anything of another one: the last first, each with NaN in the thread's
  /// memory. The program has neither loops nor choices.
  void runBlocksAlone(unsigned program);
  std::vector<double> get(llvm::StringRef tensor);
  /// Whether there is a tensor of that name.
  bool has(llvm::StringRef tensor);
  void set(llvm::StringRef tensor, llvm::ArrayRef<double> values);
  mlir::ModuleOp getModule() { return *module; }

private:
  Image() = default;

  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  const ftc_program *programs = nullptr;
  const ftc_setup *setup = nullptr;
  uint8_t *arena = nullptr;
  int64_t arenaBytes = 0;
};

} // namespace ftc

#endif // FTC_TARGET_IMAGE_H
