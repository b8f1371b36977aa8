// The processor that kernels are compiled for.
#ifndef FTC_TARGET_PROCESSOR_H
#define FTC_TARGET_PROCESSOR_H

#include "llvm/ADT/StringRef.h"

#include <memory>

namespace llvm {
class TargetMachine;
enum class CodeGenOptLevel;
} // namespace llvm

namespace ftc::target {

/// Whether LLVM knows an x86-64 processor of that name; the empty name is this machine's.
bool isProcessor(llvm::StringRef name);

/// Whether it has a feature, by LLVM's name (`avx512f`).
bool hasFeature(llvm::StringRef processor, llvm::StringRef feature);

/// Compiles for it, with all it can do; null if this build of LLVM cannot.
std::unique_ptr<llvm::TargetMachine> makeTargetMachine(llvm::StringRef processor, llvm::CodeGenOptLevel level);

} // namespace ftc::target

#endif // FTC_TARGET_PROCESSOR_H
