#include "Codegen.h"

#include "ftc/Target/Processor.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace ftc::target {

/// What kernels need of LLVM's passes: loops are unrolled and vectorised where they are generated, so that the default
/// pipelines cost ten times the time and gain nothing.
static LogicalResult optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::ModulePassManager passes;
  if (llvm::Error error = builder.parsePassPipeline(passes, "function(sroa,early-cse,loop-mssa(licm))")) {
    llvm::consumeError(std::move(error));
    return failure();
  }
  passes.run(module, modules);
  return success();
}

namespace {
/// Leaves out loop strength reduction: kernels have few addresses in their loops as they are generated (LeftRows),
/// which it turns into chains of additions.
struct KeepsAddresses : llvm::OptPassGate {
  bool shouldRunPass(llvm::StringRef pass, llvm::StringRef) const override { return pass != "Loop Strength Reduction"; }
  bool isEnabled() const override { return true; }
};
} // namespace

FailureOr<std::unique_ptr<llvm::MemoryBuffer>> compileModule(llvm::Module &module, const TargetOptions &options) {
  std::unique_ptr<llvm::TargetMachine> machine = makeTargetMachine(
      options.processor, options.quick ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default);
  if (!machine)
    return failure();
  // Without them LLVM knows nothing of the target, silently.
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  if (failed(optimise(module, *machine)))
    return failure();
  static KeepsAddresses gate;
  module.getContext().setOptPassGate(gate);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return failure();
  passes.run(module);
  return std::unique_ptr<llvm::MemoryBuffer>(
      std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), "ftc.o", /*RequiresNullTerminator=*/false));
}

} // namespace ftc::target
