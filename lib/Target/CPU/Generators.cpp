#include "Generators.h"

#include "ftc/Target/Processor.h"

namespace ftc::target {

cpu::Registers cpu::getRegisters(llvm::StringRef processor) {
  if (hasFeature(processor, "avx512f"))
    return {16, 14, 32, 8, 1, 3 << 16, false, true};
  if (hasFeature(processor, "avx2"))
    return {8, 6, 16, 6, 4, 3 << 15, true, hasFeature(processor, "fma")};
  return {4, 6, 8, 6, 1, 3 << 15, true, false};
}

void addCPUKernels(KernelRegistry &registry, llvm::StringRef processor) {
  auto rows = cpu::makeRowGenerator();
  cpu::Registers registers = cpu::getRegisters(processor);
  for (const char *name : {"tune.fused", "linalg.reduce", "linalg.broadcast", "tensor.concat", "tensor.pad",
                           "tensor.extract_slice", "tune.reverse", "tune.gather", "tune.pick", "tune.put_one",
                           "tune.iota", "tune.eye", "tune.random", "tune.drop"})
    registry.add(name, rows);
  registry.add("linalg.transpose", cpu::makeTransposeGenerator());
  registry.add("linalg.contract", cpu::makeContractGenerator());
  registry.add("dnnl.matmul", cpu::makeMatmulGenerator(registers));
  registry.add("tune.attention", cpu::makeAttentionGenerator(registers));
  registry.add("tune.attention_backward", cpu::makeAttentionBackwardGenerator(registers));
}

} // namespace ftc::target
