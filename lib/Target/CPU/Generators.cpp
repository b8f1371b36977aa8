#include "Generators.h"

#include "ftc/Target/Processor.h"

namespace ftc::target {

void addCPUKernels(KernelRegistry &registry, llvm::StringRef processor) {
  auto rows = cpu::makeRowGenerator();
  for (const char *name : {"tune.fused", "linalg.reduce", "linalg.broadcast", "tensor.concat", "tensor.pad",
                           "tensor.extract_slice", "tune.reverse", "tune.gather", "tune.pick", "tune.put_one",
                           "tune.iota", "tune.eye", "tune.random", "tune.drop"})
    registry.add(name, rows);
  registry.add("linalg.transpose", cpu::makeTransposeGenerator());
  registry.add("linalg.contract", cpu::makeContractGenerator());
  registry.add("dnnl.matmul", cpu::makeMatmulGenerator(hasFeature(processor, "avx512f")));
  registry.add("tune.attention", cpu::makeAttentionGenerator());
  registry.add("tune.attention_backward", cpu::makeAttentionBackwardGenerator());
}

} // namespace ftc::target
