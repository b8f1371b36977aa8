// How a target says what an op becomes: a generator for each kind of op, found by the op's name.
#ifndef FTC_TARGET_KERNELGENERATOR_H
#define FTC_TARGET_KERNELGENERATOR_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringMap.h"

#include <memory>

namespace ftc::target {

class KernelBuilder;

/// Writes the kernel of one op of a program. An op stands for one call; ops that are only views, constants or places
/// (lib/Target/Structure.h) never reach a generator. Generators have no state: the kernels of equal ops are generated
/// once.
class KernelGenerator {
public:
  virtual ~KernelGenerator() = default;

  /// How many calls do the op, one after another over the same buffers: a later one sees all that the earlier ones did.
  virtual int phases([[maybe_unused]] mlir::Operation *op) const { return 1; }

  /// Emits the body of the kernel of `op` in the builder's phase, or names the runtime's function that does it.
  virtual llvm::LogicalResult generate(mlir::Operation *op, KernelBuilder &builder) const = 0;

  /// Whether a splat constant as this operand is written into the kernel instead of being a buffer.
  virtual bool foldsSplat([[maybe_unused]] mlir::OpOperand &operand) const { return true; }

  /// Whether `result` may take over the bytes of `operand` when nothing else needs them: each item reads of the operand
  /// only what itself writes. The shapes and types are equal.
  virtual bool mayShare([[maybe_unused]] mlir::OpOperand &operand, [[maybe_unused]] mlir::OpResult result) const {
    return false;
  }

  /// Whether the kernel can add what it computes to what is in the place of its result, which a loop then does with
  /// what it sums (KernelBuilder::accumulates): what one iteration adds has no place of its own.
  virtual bool mayAccumulate([[maybe_unused]] mlir::Operation *op) const { return false; }

  /// Whether `op`, which is `whole` but for some of its rows, finds each element of its results by the same operations
  /// in the same order: an element of a row, or of a sum over rows that begins with that of the rows before. It may be
  /// told to, by attributes.
  virtual bool followWhole([[maybe_unused]] mlir::Operation *op, [[maybe_unused]] mlir::Operation *whole) const {
    return true;
  }

  /// Columns of the panels in which a matrix may lie that is this operand of a product (`dnnl.matmul`), so that no call
  /// packs it; 0 if it must lie as it does.
  virtual int64_t getPanelColumns([[maybe_unused]] mlir::OpOperand &operand) const { return 0; }

  /// Bytes of its own memory (KernelBuilder::threadMemory) that each thread needs at most for items of this op.
  virtual int64_t scratchBytes([[maybe_unused]] mlir::Operation *op) const { return 0; }

  /// Bytes of scratch memory that one call needs beside its operands and results, for all items together.
  virtual int64_t workspaceBytes([[maybe_unused]] mlir::Operation *op) const { return 0; }
};

/// The generators of one target.
class KernelRegistry {
public:
  /// The last one added for a name is the one that counts, so that a target can start from another one's.
  void add(llvm::StringRef opName, std::shared_ptr<const KernelGenerator> generator) {
    generators[opName] = std::move(generator);
  }

  /// For every op that maps scalars to tensors (arith, math) and has no generator of its own.
  void setElementwise(std::shared_ptr<const KernelGenerator> generator) { elementwise = std::move(generator); }

  /// Null if the target has none for this op.
  const KernelGenerator *lookup(mlir::Operation *op) const {
    auto found = generators.find(op->getName().getStringRef());
    if (found != generators.end())
      return found->second.get();
    return mlir::OpTrait::hasElementwiseMappableTraits(op) ? elementwise.get() : nullptr;
  }

private:
  llvm::StringMap<std::shared_ptr<const KernelGenerator>> generators;
  std::shared_ptr<const KernelGenerator> elementwise;
};

/// One scalar loop nest for each op, in the type of its operands.
void addReferenceKernels(KernelRegistry &registry);

/// Fused and vectorised kernels, over those of the reference, for a processor (Processor.h).
void addCPUKernels(KernelRegistry &registry, llvm::StringRef processor);

} // namespace ftc::target

#endif // FTC_TARGET_KERNELGENERATOR_H
