//===- Compilation.h - a recipe on its way down the rungs ------*- C++ -*-===//

#ifndef FTC_PIPELINES_COMPILATION_H
#define FTC_PIPELINES_COMPILATION_H

#include "ftc/Frontend/Diagnostics.h"
#include "ftc/Frontend/Library.h"
#include "ftc/Target/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringSet.h"

#include <map>
#include <optional>

namespace ftc {

namespace elaborate {
class Elaborator;
struct AdapterGroup;
} // namespace elaborate

namespace recipe {
class TrainOp;
} // namespace recipe

/// The named stages of a compilation, top down; `ftc --emit=RUNG` stops at one. See docs/ir.md.
enum class Rung { AST, Recipe, Tune, Backward, Precision, Fused, Placed, LLVM, Object, Executable };

struct CompileOptions {
  std::string recipe;                         ///< path of the .ftr file
  std::map<std::string, std::string> defines; ///< `-D name=value`
  target::TargetKind target = target::TargetKind::CPU;
  std::string processor;                   ///< to compile for; empty: this machine's
  std::vector<std::string> disabledPasses; ///< flags of passes to leave out (`--disable-pass`)
  std::optional<uint64_t> perturbation;    ///< seed of what `--perturb` does to results; only of the reference target
};

/// One recipe and what has become of it so far. Messages are printed when the object is destroyed, or by flush().
class Compilation {
public:
  Compilation(CompileOptions options, const char *argv0);
  ~Compilation();

  /// Goes down to `rung` (at most Placed); false after errors, whose exit status is status(). Micro-batches that are to
  /// be chosen are whole batches at the rung Tune, unless a rung below it was asked for before.
  bool lowerTo(Rung rung);
  /// Goes all the way, to an executable at `path`; false as lowerTo.
  bool link(const std::string &path);

  mlir::ModuleOp module() { return *current; }
  DefinitionLibrary &library() { return definitions; }
  Diagnostics &diagnostics() { return diags; }
  target::TargetOptions targetOptions() const;
  /// Whether a training states how much memory there is; known at the rung Tune.
  bool hasMemoryLimit() const { return limit.has_value(); }
  /// What is computed again to keep to `memory:`, and each program's memory call by call; known at the rung Placed.
  const target::MemoryReport &memoryReport() const { return report; }
  int status() const { return exitStatus; }

private:
  bool makeRecipe();
  void warnUnlessIdentity(elaborate::Elaborator &elaborator, const elaborate::AdapterGroup &group);
  bool makeTune();
  /// Leaves out layers that are alike until the rung Fused.
  void foldLayers();
  bool runPasses(Rung rung);
  bool fuse();
  /// Whether programs lack layers that could not be brought back, which then stay whole.
  bool lacksLayers();
  bool place();
  /// What a training states about memory.
  struct MemoryLimit {
    std::string step;
    int64_t bytes;
    llvm::SMRange range;
  };
  /// Fewer sequences at a time that should fit, and what is needed then.
  struct SmallerMicroBatch {
    int64_t sequences, bytes;
  };
  void findMemoryLimit();
  void warnOfSlowPrecision();
  recipe::TrainOp findTraining(llvm::StringRef step);
  SmallerMicroBatch estimate(const target::PlanSummary &plan, recipe::TrainOp train, int64_t rows, int64_t sequences);
  std::optional<SmallerMicroBatch> findMicroBatch(const target::PlanSummary &plan, recipe::TrainOp train, int64_t rows);
  /// Whether there are micro-batches that depend on what the placed programs need.
  bool choosesMicroBatches();
  bool mayCut(recipe::TrainOp train);
  /// Cuts a batch where that fits and saves time, or goes back to how it was; whether the recipe changed.
  bool chooseMicroBatch(const target::PlanSummary &plan);
  /// Of the training whose batch is cut without being asked for.
  int64_t countMicroBatches();
  void tellMicroBatches();
  /// Whether the batch that was cut without being asked for gives the numbers of the whole one.
  bool staysTheSame();
  /// Goes back to the whole batch.
  bool keepWhole();
  bool fits(const target::PlanSummary &plan) const { return plan.peak + target::kProcessBytes <= limit->bytes; }
  /// Warns or refuses.
  bool conclude(const target::PlanSummary &plan);
  void warnOfDearMemory(const target::PlanSummary &plan);
  void refuseMemory(const target::PlanSummary &plan);
  bool fail(int status);
  /// A failure that no recipe may cause: status 70 and a request for a report.
  bool bug(llvm::StringRef where);

  CompileOptions options;
  std::string standard; ///< folder of the standard library
  llvm::SourceMgr sources;
  Diagnostics diags;
  DefinitionLibrary definitions;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> recipe;  ///< with the micro-batches that are chosen so far
  mlir::OwningOpRef<mlir::ModuleOp> fitting; ///< the recipe as it fitted before the last choice
  bool microBatchesAreFinal = false;
  /// A training's batch before it was cut without being asked for, which must change no number.
  struct WholeBatch {
    std::string step;
    mlir::OwningOpRef<mlir::ModuleOp> recipe, fused, placed;
    target::MemoryReport report;
  };
  std::optional<WholeBatch> whole;
  mlir::OwningOpRef<mlir::ModuleOp> uncut;    ///< the fused module of whole batches, while they may still be cut
  mlir::OwningOpRef<mlir::ModuleOp> chosen;   ///< placed, with the micro-batches that were chosen, for later
  mlir::OwningOpRef<mlir::ModuleOp> unfolded; ///< at the rung Tune, while `current` lacks layers
  llvm::StringSet<> wholePrograms;            ///< in which layers cannot be left out
  mlir::OwningOpRef<mlir::ModuleOp> current;
  std::optional<MemoryLimit> limit; ///< the least one: all programs of an executable share its memory
  target::MemoryReport report;
  target::KernelsUnderway kernels; ///< of `current`
  bool links = false;              ///< an executable is asked for
  bool prepared = false;           ///< the standard library is read
  bool hasMadeTune = false;
  Rung reached = Rung::AST;
  int exitStatus = 0;
};

/// The passes that lead from the rung above to `rung`, in order: the whole pipeline on one page.
void buildPipeline(Rung rung, const CompileOptions &options, mlir::OpPassManager &passes);

/// Flags of the passes that `--disable-pass` may name: without any of the others no program runs.
llvm::ArrayRef<llvm::StringLiteral> optionalPasses();

} // namespace ftc

#endif // FTC_PIPELINES_COMPILATION_H
