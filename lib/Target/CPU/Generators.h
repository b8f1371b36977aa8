// The kernel generators of the cpu target.
#ifndef FTC_LIB_TARGET_CPU_GENERATORS_H
#define FTC_LIB_TARGET_CPU_GENERATORS_H

#include "Registers.h"
#include "ftc/Target/KernelGenerator.h"

namespace ftc::target::cpu {

std::shared_ptr<const KernelGenerator> makeRowGenerator();
std::shared_ptr<const KernelGenerator> makeTransposeGenerator(const Registers &registers);
/// Products by the micro-kernel where it suits them, else by oneDNN.
std::shared_ptr<const KernelGenerator> makeMatmulGenerator(const Registers &registers);
std::shared_ptr<const KernelGenerator> makeScatterAddGenerator(const Registers &registers);
std::shared_ptr<const KernelGenerator> makeContractGenerator();
std::shared_ptr<const KernelGenerator> makeAttentionGenerator(const Registers &registers);
std::shared_ptr<const KernelGenerator> makeAttentionBackwardGenerator(const Registers &registers);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_GENERATORS_H
