#include "ftc/Target/Target.h"

#include "CallTable.h"
#include "Codegen.h"
#include "Link.h"
#include "LowerKernels.h"
#include "Manifest.h"
#include "Placement.h"
#include "Structure.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "ftc/Conversion/TuneToDnnl.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <thread>

using namespace mlir;

namespace ftc::target {

KernelRegistry getKernels(TargetKind kind) {
  KernelRegistry registry;
  addReferenceKernels(registry);
  if (kind == TargetKind::CPU)
    addCPUKernels(registry);
  return registry;
}

LogicalResult lowerToFused(ModuleOp module, const TargetOptions &options) {
  if (options.kind == TargetKind::Reference)
    return success();
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  manager.addPass(createConvertTuneToDnnl());
  manager.addPass(tune::createFuseRows());
  return manager.run(module);
}

LogicalResult placeFused(ModuleOp module, const TargetOptions &options) {
  KernelRegistry registry = getKernels(options.kind);
  PlacementMode mode = options.kind == TargetKind::Reference ? PlacementMode::None : PlacementMode::Share;
  if (failed(placeModule(module, registry, mode)))
    return failure();
  return verifyPlacement(module, registry);
}

LogicalResult lowerToPlaced(ModuleOp module, const TargetOptions &options) {
  return failed(lowerToFused(module, options)) ? failure() : placeFused(module, options);
}

int64_t getArenaBytes(ModuleOp placed) {
  return placed->getAttrOfType<DictionaryAttr>(kArenaAttr).getAs<IntegerAttr>("peak").getInt();
}

PlanSummary getPlan(ModuleOp placed) {
  auto arena = placed->getAttrOfType<DictionaryAttr>(kArenaAttr);
  auto get = [&](StringRef name) { return arena.getAs<IntegerAttr>(name).getInt(); };
  int64_t threads = get("thread") * int64_t(std::max(1u, std::thread::hardware_concurrency()));
  return {get("weights"),       get("trained"),     get("gradients"),
          get("states"),        get("activations"), get("workspace") + threads,
          get("peak") + threads};
}

FailureOr<PlanSummary> computePlan(ModuleOp module, const TargetOptions &options) {
  OwningOpRef<ModuleOp> copy = module.clone();
  if (failed(lowerToPlaced(*copy, options)))
    return failure();
  return getPlan(*copy);
}

/// The LLVM module of a placed module.
static std::unique_ptr<llvm::Module> makeLLVM(ModuleOp placed, const TargetOptions &options,
                                              llvm::LLVMContext &context) {
  loadKernelDialects(*placed.getContext());
  KernelRegistry registry = getKernels(options.kind);
  KernelSet kernels(placed.getContext(), registry);
  std::vector<CallTable> programs;
  for (func::FuncOp program : getPrograms(placed)) {
    FailureOr<CallTable> table = makeCallTable(program, registry, kernels);
    if (failed(table))
      return nullptr;
    programs.push_back(std::move(*table));
  }
  FailureOr<std::string> manifest = makeManifest(placed, options);
  if (failed(manifest))
    return nullptr;
  return makeModule(kernels, {programs, placed, *manifest}, context);
}

FailureOr<std::unique_ptr<llvm::MemoryBuffer>> emitObject(ModuleOp placed, const TargetOptions &options) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = makeLLVM(placed, options, context);
  if (!module)
    return failure();
  return compileModule(*module);
}

FailureOr<std::string> emitLLVM(ModuleOp placed, const TargetOptions &options) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = makeLLVM(placed, options, context);
  if (!module)
    return failure();
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  return text;
}

LogicalResult compileToExecutable(ModuleOp placed, const TargetOptions &options, const std::string &outputPath) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> object = emitObject(placed, options);
  if (failed(object))
    return failure();
  if (llvm::Error error = linkExecutable((*object)->getBuffer(), outputPath))
    return emitError(UnknownLoc::get(placed.getContext())) << llvm::toString(std::move(error));
  return success();
}

FailureOr<std::string> emitManifest(ModuleOp placed, const TargetOptions &options) {
  return makeManifest(placed, options);
}

} // namespace ftc::target
