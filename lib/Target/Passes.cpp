// Recomputation and placement as passes, for ftc-opt.

#include "InsertRecompute.h"
#include "Placement.h"
#include "Structure.h"
#include "ftc/Target/Target.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace ftc::target {

namespace {
/// Shared by both passes: the target whose kernels say what may share bytes.
template <typename Derived> class PlacementPass : public PassWrapper<Derived, OperationPass<ModuleOp>> {
public:
  PlacementPass() = default;
  PlacementPass(const PlacementPass &other) : PassWrapper<Derived, OperationPass<ModuleOp>>(other) {}

protected:
  TargetKind getTarget() const { return target; }

private:
  Pass::Option<TargetKind> target{*this, "target", llvm::cl::desc("the target whose kernels are asked"),
                                  llvm::cl::init(TargetKind::CPU),
                                  llvm::cl::values(clEnumValN(TargetKind::CPU, "cpu", "the CPU"),
                                                   clEnumValN(TargetKind::Reference, "reference", "the reference"))};
};

class PlacePass : public PlacementPass<PlacePass> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PlacePass)
  StringRef getArgument() const override { return "tune-place"; }
  StringRef getDescription() const override { return "give every value of every program its place in the arena"; }
  void runOnOperation() override {
    PlacementMode mode = getTarget() == TargetKind::Reference ? PlacementMode::None : PlacementMode::Share;
    if (failed(placeModule(getOperation(), getKernels(getTarget()), mode)))
      signalPassFailure();
  }
};

class InsertRecomputePass : public PlacementPass<InsertRecomputePass> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(InsertRecomputePass)
  InsertRecomputePass() = default;
  InsertRecomputePass(const InsertRecomputePass &other) : PlacementPass(other) {}
  StringRef getArgument() const override { return "tune-insert-recompute"; }
  StringRef getDescription() const override { return "compute results again where that saves memory"; }
  void runOnOperation() override {
    KernelRegistry registry = getKernels(getTarget());
    if (cheap)
      return void(insertCheapRecompute(getOperation(), registry, budget));
    for (func::FuncOp program : getPrograms(getOperation()))
      insertRecompute(program, registry, budget);
  }

private:
  Pass::Option<int64_t> budget{*this, "budget", llvm::cl::desc("bytes of values alive at once"), llvm::cl::init(0)};
  Pass::Option<bool> cheap{*this, "cheap", llvm::cl::desc("only what takes next to no time"), llvm::cl::init(false)};
};

class VerifyPlacementPass : public PlacementPass<VerifyPlacementPass> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(VerifyPlacementPass)
  StringRef getArgument() const override { return "tune-verify-placement"; }
  StringRef getDescription() const override { return "check that no value is overwritten before it is read"; }
  void runOnOperation() override {
    if (failed(verifyPlacement(getOperation(), getKernels(getTarget()))))
      signalPassFailure();
  }
};
} // namespace

void registerTargetPasses() {
  PassRegistration<InsertRecomputePass>();
  PassRegistration<PlacePass>();
  PassRegistration<VerifyPlacementPass>();
}

} // namespace ftc::target
