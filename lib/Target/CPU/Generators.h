// The kernel generators of the cpu target.
#ifndef FTC_LIB_TARGET_CPU_GENERATORS_H
#define FTC_LIB_TARGET_CPU_GENERATORS_H

#include "ftc/Target/KernelGenerator.h"

namespace ftc::target::cpu {

std::shared_ptr<const KernelGenerator> makeRowGenerator();
std::shared_ptr<const KernelGenerator> makeTransposeGenerator();
std::shared_ptr<const KernelGenerator> makeMatmulGenerator();
std::shared_ptr<const KernelGenerator> makeContractGenerator();
std::shared_ptr<const KernelGenerator> makeAttentionGenerator();
std::shared_ptr<const KernelGenerator> makeAttentionBackwardGenerator();

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_GENERATORS_H
