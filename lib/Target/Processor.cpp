#include "ftc/Target/Processor.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace ftc::target {

static llvm::Triple getTriple() { return llvm::Triple(llvm::sys::getDefaultTargetTriple()); }

static const llvm::Target *getTarget() {
  static const bool initialized = !llvm::InitializeNativeTarget() && !llvm::InitializeNativeTargetAsmPrinter();
  std::string error;
  return initialized ? llvm::TargetRegistry::lookupTarget(getTriple(), error) : nullptr;
}

static std::unique_ptr<llvm::MCSubtargetInfo> getSubtarget(llvm::StringRef processor) {
  const llvm::Target *target = getTarget();
  return std::unique_ptr<llvm::MCSubtargetInfo>(target ? target->createMCSubtargetInfo(getTriple(), processor, "")
                                                       : nullptr);
}

bool isProcessor(llvm::StringRef name) {
  // An unknown name would be complained about on stderr: the list is asked with a known one.
  auto any = getSubtarget("x86-64");
  return name.empty() || (any && any->isCPUStringValid(name));
}

bool hasFeature(llvm::StringRef processor, llvm::StringRef feature) {
  if (processor.empty()) {
    static const llvm::StringMap<bool> own = llvm::sys::getHostCPUFeatures();
    return own.lookup(feature);
  }
  auto subtarget = getSubtarget(processor);
  return subtarget && subtarget->checkFeatures(("+" + feature).str());
}

std::unique_ptr<llvm::TargetMachine> makeTargetMachine(llvm::StringRef processor, llvm::CodeGenOptLevel level) {
  const llvm::Target *target = getTarget();
  if (!target)
    return nullptr;
  std::string features;
  if (processor.empty()) {
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      features += (features.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
    processor = llvm::sys::getHostCPUName();
  }
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      getTriple(), processor, features, llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt, level));
}

} // namespace ftc::target
