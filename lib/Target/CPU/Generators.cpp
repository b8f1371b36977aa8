#include "Generators.h"

#include "ftc/Target/Processor.h"

namespace ftc::target {

cpu::Registers cpu::getRegisters(llvm::StringRef processor) {
  if (hasFeature(processor, "avx512f"))
    return {.lanes = 16,
            .tileRows = 14,
            .tileColumns = 32,
            .innerRows = 8,
            .steps = 1,
            .cached = 3 << 16,
            .packsParts = false,
            .multipliesHalf = hasFeature(processor, "avx512fp16"),
            .multipliesTiles = hasFeature(processor, "amx-bf16") && hasFeature(processor, "avx512bw"),
            .multipliesAndAdds = true};
  if (hasFeature(processor, "avx2"))
    return {.lanes = 8,
            .tileRows = 6,
            .tileColumns = 16,
            .innerRows = 6,
            .steps = 4,
            .cached = 3 << 15,
            .packsParts = true,
            .multipliesHalf = false,
            .multipliesTiles = false,
            .multipliesAndAdds = hasFeature(processor, "fma")};
  return {.lanes = 4,
          .tileRows = 6,
          .tileColumns = 8,
          .innerRows = 6,
          .steps = 1,
          .cached = 3 << 15,
          .packsParts = true,
          .multipliesHalf = false,
          .multipliesTiles = false,
          .multipliesAndAdds = false};
}

void addCPUKernels(KernelRegistry &registry, llvm::StringRef processor) {
  auto rows = cpu::makeRowGenerator();
  cpu::Registers registers = cpu::getRegisters(processor);
  for (const char *name : {"tune.fused", "linalg.reduce", "linalg.broadcast", "tensor.concat", "tensor.pad",
                           "tensor.extract_slice", "tune.reverse", "tune.gather", "tune.pick", "tune.put_one",
                           "tune.iota", "tune.eye", "tune.random", "tune.drop"})
    registry.add(name, rows);
  registry.add("linalg.transpose", cpu::makeTransposeGenerator(registers));
  registry.add("tune.scatter_add", cpu::makeScatterAddGenerator(registers));
  registry.add("linalg.contract", cpu::makeContractGenerator());
  registry.add("dnnl.matmul", cpu::makeMatmulGenerator(registers));
  registry.add("tune.attention", cpu::makeAttentionGenerator(registers));
  registry.add("tune.attention_backward", cpu::makeAttentionBackwardGenerator(registers));
}

} // namespace ftc::target
