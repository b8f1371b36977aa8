#include "KernelObjects.h"

#include "Codegen.h"
#include "LowerKernels.h"
#include "Manifest.h"
#include "Structure.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace ftc::target {

void DeleteKernelObjects::operator()(KernelObjects *objects) const { delete objects; }

KernelObjects::KernelObjects(MLIRContext *context, const TargetOptions &options)
    : options(options), registry(getKernels(options.kind, options.processor)), kernels(context, registry) {}

KernelObjects::~KernelObjects() {
  next = parts.size(); // nothing more is begun
  join();
}

void KernelObjects::join() {
  for (std::thread &thread : threads)
    thread.join();
  threads.clear();
}

LogicalResult KernelObjects::start(ModuleOp module) {
  constexpr size_t mostParts = 4;
  MLIRContext *context = module.getContext();
  assert(context->isMultithreadingEnabled() && "the parts share their context");
  loadKernelDialects(*context);
  SmallVector<Operation *> calls;
  for (func::FuncOp program : getPrograms(module))
    forEachCall(program, [&](Operation *call) { calls.push_back(call); });
  if (failed(kernels.add(calls)))
    return failure();
  parts = splitKernels(kernels.getModule(), mostParts);
  objects.resize(parts.size());
  // Threads of their own: in MLIR's pool a part whose passes wait for each other would take up another part meanwhile.
  threads.resize(std::min<size_t>(parts.size(), std::max(1u, std::thread::hardware_concurrency()) - 1));
  for (std::thread &thread : threads)
    thread = std::thread([this] { compileParts(); });
  return success();
}

void KernelObjects::compileParts() {
  for (size_t i = next++; i < parts.size(); i = next++) {
    llvm::LLVMContext own;
    std::unique_ptr<llvm::Module> module = lowerKernels(*parts[i], own);
    if (!module)
      continue;
    if (auto object = compileModule(*module, options); succeeded(object))
      objects[i] = std::move(*object);
  }
}

std::unique_ptr<llvm::MemoryBuffer> KernelObjects::compileTables(ModuleOp placed) {
  FailureOr<std::vector<CallTable>> programs = makeCallTables(placed, registry, kernels);
  FailureOr<std::string> manifest = makeManifest(placed, options);
  if (failed(programs) || failed(manifest))
    return nullptr;
  assert(kernels.getModule().getBody()->empty() && "placement leaves the kernels of calls as they are");
  llvm::LLVMContext own;
  llvm::Module module("tables", own);
  writeTables(module, kernels, {*programs, placed, *manifest});
  auto object = compileModule(module, options);
  return succeeded(object) ? std::move(*object) : nullptr;
}

FailureOr<KernelObjects::Objects> KernelObjects::finish(ModuleOp placed) {
  std::unique_ptr<llvm::MemoryBuffer> tables = compileTables(placed);
  compileParts();
  join();
  objects.push_back(std::move(tables));
  if (llvm::is_contained(objects, nullptr))
    return failure();
  return std::move(objects);
}

} // namespace ftc::target
