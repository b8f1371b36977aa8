#include "LowerKernels.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace ftc::target {

/// For rewrites of kernels, whose regions have one block each: there is no control flow to simplify.
static GreedyRewriteConfig getStructuredConfig() {
  return GreedyRewriteConfig().setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
}

namespace {
/// Polynomials (errors of 1 to 5 units in the last place) for functions of f32, which LLVM would call once a lane. Sine
/// and cosine stay with libm: their polynomials lose the argument's reduction beyond some tens.
class ApproximateMathPass : public PassWrapper<ApproximateMathPass, OperationPass<func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ApproximateMathPass)
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    auto isApproximated = [](StringRef name) {
      return llvm::is_contained(
          {"math.exp", "math.expm1", "math.log", "math.log2", "math.log1p", "math.tanh", "math.erf", "math.atan"},
          name);
    };
    populateMathPolynomialApproximationPatterns(patterns, isApproximated);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), getStructuredConfig())))
      signalPassFailure();
  }
};
} // namespace

static void addLoweringPasses(PassManager &manager) {
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(std::make_unique<ApproximateMathPass>());
  functions.addPass(createCanonicalizerPass(getStructuredConfig()));
  functions.addPass(createCSEPass());
  functions.addPass(createConvertVectorToSCFPass(VectorTransferToSCFOptions().enableFullUnroll()));
  functions.addPass(createLowerAffinePass()); // before scf-to-cf: it leaves scf
  functions.addPass(createSCFToControlFlowPass());
  functions.addPass(memref::createExpandStridedMetadataPass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.reassociateFPReductions = true; // else a sequential chain; the order depends on the width alone
  manager.addPass(createConvertVectorToLLVMPass(vectors));
  OpPassManager &rest = manager.nest<func::FuncOp>();
  rest.addPass(createArithToLLVMConversionPass());
  rest.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass()); // what LLVM has no intrinsic for
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions bare;
  bare.useBarePtrCallConv = true;
  manager.addPass(createConvertFuncToLLVMPass(bare));
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass()); // padding of vector transfers
  manager.addPass(createReconcileUnrealizedCastsPass());
}

void loadKernelDialects(MLIRContext &context) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  // What the passes ask for too: parts are lowered side by side, and a pass manager changes the context to load it.
  PassManager manager(&context, ModuleOp::getOperationName());
  addLoweringPasses(manager);
  manager.getDependentDialects(registry);
  context.appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    context.getOrLoadDialect(name);
  context.loadDialect<affine::AffineDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
                      LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect, scf::SCFDialect, ub::UBDialect,
                      vector::VectorDialect>();
}

std::vector<OwningOpRef<ModuleOp>> splitKernels(ModuleOp kernels, size_t most) {
  constexpr size_t opsOfPart = 2000; // less is not worth a module of its own
  struct Kernel {
    func::FuncOp function;
    size_t ops = 0;
  };
  std::vector<Kernel> all;
  SmallVector<func::FuncOp> declarations;
  size_t ops = 0;
  for (auto function : kernels.getOps<func::FuncOp>()) {
    if (function.isDeclaration()) {
      declarations.push_back(function);
      continue;
    }
    all.push_back({function});
    function.walk([&](Operation *) { ++all.back().ops; });
    ops += all.back().ops;
  }
  std::vector<OwningOpRef<ModuleOp>> parts(std::clamp<size_t>(ops / opsOfPart, 1, most));
  for (OwningOpRef<ModuleOp> &part : parts) {
    part = ModuleOp::create(kernels.getLoc());
    for (func::FuncOp declaration : declarations)
      part->push_back(declaration.clone());
  }
  // The largest first, each to the part that has least.
  std::stable_sort(all.begin(), all.end(), [](const Kernel &a, const Kernel &b) { return a.ops > b.ops; });
  std::vector<size_t> taken(parts.size());
  for (const Kernel &kernel : all) {
    size_t part = std::min_element(taken.begin(), taken.end()) - taken.begin();
    taken[part] += kernel.ops;
    kernel.function->moveBefore(parts[part]->getBody(), parts[part]->getBody()->end());
  }
  // What kernels share lies in one part, and is declared in the others.
  for (Kernel &kernel : all)
    if (kernel.function.isPrivate())
      for (OwningOpRef<ModuleOp> &part : parts)
        if (part->getBody() != kernel.function->getBlock()) {
          OpBuilder builder = OpBuilder::atBlockBegin(part->getBody());
          func::FuncOp::create(builder, kernel.function.getLoc(), kernel.function.getName(),
                               kernel.function.getFunctionType())
              .setPrivate();
        }
  for (func::FuncOp declaration : declarations)
    declaration.erase();
  return parts;
}

/// Gives a kernel the runtime's interface: void(ptr buffers, ptr immediates, i64 lo, i64 hi), under the kernel's name.
static void addEntry(llvm::Function &kernel) {
  std::string name = kernel.getName().str();
  kernel.setName(name + ".body");
  kernel.setLinkage(llvm::GlobalValue::InternalLinkage);
  llvm::LLVMContext &context = kernel.getContext();
  auto *pointer = llvm::PointerType::getUnqual(context);
  auto *i64 = llvm::Type::getInt64Ty(context);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer, i64, i64}, false);
  auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, kernel.getParent());
  entry->setVisibility(llvm::GlobalValue::HiddenVisibility);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", entry));
  SmallVector<llvm::Value *> arguments;
  int64_t buffers = 0, immediates = 0;
  for (llvm::Argument &argument : llvm::drop_end(kernel.args(), 2)) {
    bool isBuffer = argument.getType()->isPointerTy();
    int64_t index = isBuffer ? buffers++ : immediates++;
    llvm::Value *place = builder.CreateConstGEP1_64(argument.getType(), entry->getArg(isBuffer ? 0 : 1), index);
    arguments.push_back(builder.CreateLoad(argument.getType(), place));
  }
  arguments.push_back(entry->getArg(2));
  arguments.push_back(entry->getArg(3));
  builder.CreateCall(&kernel, arguments);
  builder.CreateRetVoid();
}

std::unique_ptr<llvm::Module> lowerKernels(ModuleOp kernels, llvm::LLVMContext &context) {
  llvm::StringSet<> shared; // functions that kernels call, perhaps those of other parts
  for (auto function : kernels.getOps<func::FuncOp>())
    if (function.isPrivate())
      shared.insert(function.getName());
  PassManager manager(kernels.getContext(), ModuleOp::getOperationName());
  manager.enableVerifier(false); // once, below
  addLoweringPasses(manager);
  if (failed(manager.run(kernels)) || failed(verify(kernels)))
    return nullptr;
  std::unique_ptr<llvm::Module> module = translateModuleToLLVMIR(kernels, context);
  if (!module)
    return nullptr;
  SmallVector<llvm::Function *> defined;
  for (llvm::Function &function : *module) {
    if (shared.contains(function.getName()))
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    else if (!function.isDeclaration())
      defined.push_back(&function);
  }
  for (llvm::Function *kernel : defined)
    addEntry(*kernel);
  return module;
}

} // namespace ftc::target
