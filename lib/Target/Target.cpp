#include "ftc/Target/Target.h"

#include "Codegen.h"
#include "InsertRecompute.h"
#include "KernelObjects.h"
#include "Link.h"
#include "LowerKernels.h"
#include "Manifest.h"
#include "PackWeights.h"
#include "Placement.h"
#include "Structure.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "ftc/Conversion/TuneToDnnl.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <thread>

using namespace mlir;

namespace ftc::target {

KernelRegistry getKernels(TargetKind kind, StringRef processor) {
  KernelRegistry registry;
  addReferenceKernels(registry);
  if (kind == TargetKind::CPU)
    addCPUKernels(registry, processor);
  return registry;
}

LogicalResult lowerToFused(ModuleOp module, const TargetOptions &options) {
  if (options.kind == TargetKind::Reference)
    return success();
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  manager.enableVerifier(false); // by who calls, once
  auto add = [&](std::unique_ptr<Pass> pass) {
    if (!options.isDisabled(pass->getArgument()))
      manager.addPass(std::move(pass));
  };
  add(createConvertTuneToDnnl());
  add(tune::createFuseRows());
  add(tune::createUnfoldLayers());
  add(tune::createJoinSiblings());
  return manager.run(module);
}

/// Whether kernels that compute results again are joined with others.
static bool joinsSiblings(const TargetOptions &options) { return !options.isDisabled("tune-join-siblings"); }

static int64_t scratchOf(func::FuncOp program, ArrayRef<ProgramMemory> memories) {
  return llvm::find_if(memories, [&](auto &memory) { return memory.program == program; })->scratch;
}

/// Computes results of one program again so that it needs at most `allowed` bytes of the scratch region. Liveness is
/// less than what placement needs by what lies unused between buffers: the next attempt is asked for as much less as
/// was too much, later ones for twice that each, and the last one for as little as can be. Where that is asked for,
/// kernels are not joined, for which values live a little longer.
static FailureOr<Recomputed> fitProgram(func::FuncOp program, const KernelRegistry &registry, int64_t allowed,
                                        bool joinsSiblings, std::vector<ProgramMemory> &memories) {
  constexpr int attempts = 5;
  auto module = program->getParentOfType<ModuleOp>();
  OwningOpRef<func::FuncOp> whole = program.clone();
  Recomputed result;
  int64_t budget = allowed;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0)
      program.getBody().takeBody(OwningOpRef<func::FuncOp>(whole->clone())->getBody());
    result = insertRecompute(program, registry, budget);
    bool isLeast = result.after > budget;
    if (joinsSiblings && !isLeast)
      tune::joinSiblings(program);
    FailureOr<std::vector<ProgramMemory>> placed = placeModule(module, registry, PlacementMode::Share);
    if (failed(placed))
      return failure();
    memories = std::move(*placed);
    int64_t over = scratchOf(program, memories) - allowed;
    if (over <= 0 || isLeast)
      break;
    budget = attempt + 2 < attempts ? std::max<int64_t>(0, result.after - (over << attempt)) : 0;
  }
  return result;
}

/// Fits the programs that are too large for options.memory, the largest first: where one does not fit, the others need
/// not take less than it.
static LogicalResult fitPrograms(ModuleOp module, const KernelRegistry &registry, const TargetOptions &options,
                                 std::vector<ProgramMemory> &memories, std::vector<Recomputed> &recomputed) {
  SmallVector<func::FuncOp> programs = getPrograms(module);
  llvm::stable_sort(programs,
                    [&](func::FuncOp a, func::FuncOp b) { return scratchOf(a, memories) > scratchOf(b, memories); });
  int64_t most = programs.empty() ? 0 : scratchOf(programs.front(), memories);
  int64_t allowed = options.memory - (getPlan(module).peak - most);
  for (func::FuncOp program : programs) {
    if (scratchOf(program, memories) <= allowed)
      continue;
    FailureOr<Recomputed> fitted = fitProgram(program, registry, allowed, joinsSiblings(options), memories);
    if (failed(fitted))
      return failure();
    recomputed.push_back(*fitted);
    allowed = std::max(allowed, scratchOf(program, memories));
  }
  return success();
}

/// Where no bound says what memory is worth: computes results again that take next to no time.
static std::vector<Recomputed> freeCheaply(ModuleOp module, const KernelRegistry &registry, bool joinsSiblings) {
  std::vector<Recomputed> result = insertCheapRecompute(module, registry, /*enough=*/0);
  if (joinsSiblings)
    for (const Recomputed &recomputed : result)
      tune::joinSiblings(module.lookupSymbol<func::FuncOp>(recomputed.program));
  return result;
}

/// Null after a message.
static KernelsUnderway startKernels(ModuleOp module, const TargetOptions &options) {
  KernelsUnderway kernels(new KernelObjects(module.getContext(), options));
  return succeeded(kernels->start(module)) ? std::move(kernels) : nullptr;
}

/// A loop that runs once is its body: what it sums needs no zeros to begin with.
static void inlineSingleTrips(ModuleOp module) {
  SmallVector<tune::RowsOp> loops;
  for (func::FuncOp program : getPrograms(module))
    forEachOp(program, [&](Operation *op) {
      if (auto rows = dyn_cast<tune::RowsOp>(op); rows && rows.getTrips() == 1)
        loops.push_back(rows);
    });
  for (tune::RowsOp rows : loops) {
    for (BlockArgument argument : rows.getBody()->getArguments())
      argument.replaceAllUsesWith(getBoundOperand(argument));
    tune::YieldOp yield = rows.getYield();
    for (auto [value, result] : llvm::zip_equal(yield.getSliced(), rows.getSlicedResults()))
      result.replaceAllUsesWith(value);
    for (auto [value, result] : llvm::zip_equal(yield.getSummed(), rows.getSummedResults()))
      result.replaceAllUsesWith(value);
    yield->erase();
    rows->getBlock()->getOperations().splice(rows->getIterator(), rows.getBody()->getOperations());
    rows->erase();
  }
}

LogicalResult placeFused(ModuleOp module, const TargetOptions &options, MemoryReport *report,
                         KernelsUnderway *kernels) {
  inlineSingleTrips(module);
  KernelRegistry registry = getKernels(options.kind, options.processor);
  PlacementMode mode = options.kind == TargetKind::Reference ? PlacementMode::None : PlacementMode::Share;
  bool mayRecompute = !options.isDisabled("tune-insert-recompute") && mode == PlacementMode::Share;
  std::vector<Recomputed> recomputed;
  if (mayRecompute && !options.memory)
    recomputed = freeCheaply(module, registry, joinsSiblings(options));
  if (kernels && !options.memory && !(*kernels = startKernels(module, options)))
    return failure();
  FailureOr<std::vector<ProgramMemory>> memories = placeModule(module, registry, mode);
  if (failed(memories))
    return failure();
  if (mayRecompute && options.memory && failed(fitPrograms(module, registry, options, *memories, recomputed)))
    return failure();
  if (options.memory && !options.isDisabled("tune-pack-weights") && mode == PlacementMode::Share &&
      packWeights(module, registry, options.memory - getPlan(module).peak)) {
    memories = placeModule(module, registry, mode);
    if (failed(memories))
      return failure();
  }
  if (report) {
    report->recomputed = std::move(recomputed);
    report->makeSchedules = [memories = std::move(*memories)] { return llvm::map_to_vector(memories, makeSchedule); };
  }
  return verifyPlacement(module, registry);
}

LogicalResult lowerToPlaced(ModuleOp module, const TargetOptions &options) {
  return failure(failed(lowerToFused(module, options)) || failed(placeFused(module, options)) ||
                 failed(verify(module)));
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

/// Everything in one LLVM module; null after a message.
static std::unique_ptr<llvm::Module> makeModule(ModuleOp placed, const TargetOptions &options,
                                                llvm::LLVMContext &context) {
  loadKernelDialects(*placed.getContext());
  KernelRegistry registry = getKernels(options.kind, options.processor);
  KernelSet kernels(placed.getContext(), registry);
  FailureOr<std::vector<CallTable>> programs = makeCallTables(placed, registry, kernels);
  FailureOr<std::string> manifest = makeManifest(placed, options);
  if (failed(programs) || failed(manifest))
    return nullptr;
  std::unique_ptr<llvm::Module> module = lowerKernels(kernels.getModule(), context);
  if (module)
    writeTables(*module, kernels, {*programs, placed, *manifest});
  return module;
}

FailureOr<std::unique_ptr<llvm::MemoryBuffer>> emitObject(ModuleOp placed, const TargetOptions &options) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = makeModule(placed, options, context);
  if (!module)
    return failure();
  return compileModule(*module, options);
}

FailureOr<std::string> emitLLVM(ModuleOp placed, const TargetOptions &options) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = makeModule(placed, options, context);
  if (!module)
    return failure();
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  return text;
}

LogicalResult compileToExecutable(ModuleOp placed, const TargetOptions &options, const std::string &outputPath,
                                  KernelsUnderway kernels) {
  if (!kernels && !(kernels = startKernels(placed, options)))
    return failure();
  FailureOr<KernelObjects::Objects> objects = kernels->finish(placed);
  if (failed(objects))
    return failure();
  if (llvm::Error error = linkExecutable(*objects, outputPath))
    return emitError(UnknownLoc::get(placed.getContext())) << llvm::toString(std::move(error));
  return success();
}

FailureOr<std::string> emitManifest(ModuleOp placed, const TargetOptions &options) {
  return makeManifest(placed, options);
}

} // namespace ftc::target
