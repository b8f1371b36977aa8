// The kernel generators of the cpu target.
#ifndef FTC_LIB_TARGET_CPU_GENERATORS_H
#define FTC_LIB_TARGET_CPU_GENERATORS_H

#include "ftc/Target/KernelGenerator.h"

namespace ftc::target::cpu {

std::shared_ptr<const KernelGenerator> makeRowGenerator();
std::shared_ptr<const KernelGenerator> makeTransposeGenerator();
/// Products by the micro-kernel where it suits them and registers are wide (AVX-512), else by oneDNN.
std::shared_ptr<const KernelGenerator> makeMatmulGenerator(bool hasWideRegisters);
std::shared_ptr<const KernelGenerator> makeContractGenerator();
std::shared_ptr<const KernelGenerator> makeAttentionGenerator();
std::shared_ptr<const KernelGenerator> makeAttentionBackwardGenerator();

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_GENERATORS_H
