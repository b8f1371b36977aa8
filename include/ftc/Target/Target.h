// From a tune module at the rung `backward` (reference) or `precision` (cpu) to an executable.
#ifndef FTC_TARGET_TARGET_H
#define FTC_TARGET_TARGET_H

#include "dialects/Tune/IR/Tune.h"
#include "ftc/Target/KernelGenerator.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

#include <functional>
#include <memory>
#include <string>

namespace llvm {
class MemoryBuffer;
}

namespace ftc::target {

enum class TargetKind { Reference, CPU };

struct TargetOptions {
  TargetKind kind = TargetKind::CPU;
  /// What the manifest says about the recipe: its name, its text and its folder.
  std::string recipe, source, folder;
  /// What the executable may need at most, in bytes; 0: no bound.
  int64_t memory = 0;
  /// Flags of passes to leave out: convert-tune-to-dnnl, tune-fuse-rows, tune-join-siblings, tune-insert-recompute,
  /// tune-pack-weights.
  std::vector<std::string> disabledPasses;
  bool isDisabled(llvm::StringRef flag) const { return llvm::is_contained(disabledPasses, flag); }
  /// The processor to compile for (Processor.h).
  std::string processor;
  /// Compile in little time rather than for speed: for a program that runs a few times.
  bool quick = false;
};

/// What a process takes at most beside its arena and its threads' memory: code, libraries, tokenizer, rows that are
/// read ahead. A stated constant of the plan, measured on the examples at 20 MB.
inline constexpr int64_t kProcessBytes = 32'000'000;

/// Bytes by what they are for (docs/manifest.md, "plan").
struct PlanSummary {
  int64_t weights = 0, trained = 0, gradients = 0, states = 0, activations = 0, workspace = 0, peak = 0;
};

/// Share of a program's time up to which results are computed again although no bound asks for it, and without a word
/// where one does.
inline constexpr double kCheapShare = 0.02;

/// What was chosen to be computed again in a program.
struct Recomputed {
  std::string program;
  int64_t before, after; ///< bytes of its values at once
  int64_t cheap;         ///< the same with what takes at most kCheapShare of its time
  double share;          ///< of what is computed again in the program's time, estimated
};

/// The bytes of a program's values while one of its calls runs.
struct Moment {
  std::string what; ///< the call
  int64_t activations;
  int64_t gradients; ///< those that have no bytes of their own all the time
  int64_t workspace;
};

/// A program's calls, in order.
struct ProgramSchedule {
  std::string program;
  std::vector<Moment> moments;
};

/// How the memory of a placed module came about.
struct MemoryReport {
  std::vector<Recomputed> recomputed;
  /// Each program's memory, call by call; to be called while the module lives unchanged.
  std::function<llvm::SmallVector<ProgramSchedule>()> makeSchedules;
};

/// What the calls of one kind do in one run of a program.
struct Work {
  std::string what; ///< op and sizes
  int64_t calls = 0;
  double flops = 0; ///< of products
  double bytes = 0; ///< of operands and results, each once a call
};

/// The kernel generators of a target.
KernelRegistry getKernels(TargetKind kind, llvm::StringRef processor = {});

/// Groups what one kernel does, in place; nothing for the reference target.
llvm::LogicalResult lowerToFused(mlir::ModuleOp module, const TargetOptions &options);

/// Compares the fused programs of two modules of one recipe, of which `cut` sees one in `parts` of the rows of a
/// training's batch at a time. True if it finds every element of a row by the same operations, and every sum over rows
/// goes on from what the rows before gave, in the order of `whole`: then both give the same numbers, bit for bit. Ops
/// of `cut` are told to work as their counterparts do where they may choose (KernelGenerator::followWhole).
bool followsWhole(mlir::ModuleOp cut, mlir::ModuleOp whole, int64_t parts, const TargetOptions &options);

class KernelObjects;
struct DeleteKernelObjects {
  void operator()(KernelObjects *objects) const;
};
/// Kernels that are being compiled by other threads; destroying it waits for what they are at.
using KernelsUnderway = std::unique_ptr<KernelObjects, DeleteKernelObjects>;

/// Gives every buffer of a fused module its offset, in place, after results have been chosen to be computed again if
/// it would need more than `options.memory` otherwise. Whether it needs more in spite of that, getPlan tells. Where
/// there is no such bound, kernels do not depend on offsets: `kernels`, if given, are compiled meanwhile, in a context
/// that has threads enabled.
llvm::LogicalResult placeFused(mlir::ModuleOp module, const TargetOptions &options, MemoryReport *report = nullptr,
                               KernelsUnderway *kernels = nullptr);

/// Both: all that lies below `precision`.
llvm::LogicalResult lowerToPlaced(mlir::ModuleOp module, const TargetOptions &options);

/// Where a tensor of a placed module lies, in bytes from the arena's base.
int64_t getTensorOffset(tune::TensorOp tensor);

/// Size of the arena of a placed module.
int64_t getArenaBytes(mlir::ModuleOp placed);

/// What a placed module needs: the arena, and, as workspace, the memory of each of this machine's threads.
PlanSummary getPlan(mlir::ModuleOp placed);

/// Additions and multiplications of the products in an op, at any rung; those of other ops are not counted. Attention
/// with a causal mask counts half of the keys.
int64_t countProductFlops(mlir::Operation *op);

/// The work of a fused or placed program, what takes most bytes or FLOPs first.
std::vector<Work> listWork(mlir::func::FuncOp program);

/// Places a copy of the module and says what it needs; generates no code.
llvm::FailureOr<PlanSummary> computePlan(mlir::ModuleOp module, const TargetOptions &options);

/// What the executable of a placed module will know of its recipe, as JSON (docs/manifest.md).
llvm::FailureOr<std::string> emitManifest(mlir::ModuleOp placed, const TargetOptions &options);

/// The object file of a placed module: kernels, tables of calls, manifest.
llvm::FailureOr<std::unique_ptr<llvm::MemoryBuffer>> emitObject(mlir::ModuleOp placed, const TargetOptions &options);

/// The LLVM IR of that object as text (`--emit=llvm`).
llvm::FailureOr<std::string> emitLLVM(mlir::ModuleOp placed, const TargetOptions &options);

/// Emits the object of a placed module and links it with libftc_runtime.a, which lies beside the running program
/// (`../lib`). The executable is written to a temporary name and renamed. The module's context has threads enabled.
/// `kernels`: those of placeFused, if it was given a place for them.
llvm::LogicalResult compileToExecutable(mlir::ModuleOp placed, const TargetOptions &options,
                                        const std::string &outputPath, KernelsUnderway kernels = nullptr);

/// Registers `tune-place` and `tune-verify-placement` for ftc-opt.
void registerTargetPasses();

} // namespace ftc::target

#endif // FTC_TARGET_TARGET_H
