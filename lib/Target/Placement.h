// Gives every value of every program its place in the arena.
#ifndef FTC_LIB_TARGET_PLACEMENT_H
#define FTC_LIB_TARGET_PLACEMENT_H

#include "ftc/Target/KernelGenerator.h"
#include "mlir/IR/BuiltinOps.h"

namespace ftc::target {

enum class PlacementMode {
  Share, ///< values take over bytes that nothing needs any more, results are computed where they are kept
  None,  ///< every value has bytes of its own: the judge of the other mode
};

/// Of each program, by its name: bytes of the scratch region that it uses.
using ScratchBytes = llvm::StringMap<int64_t>;

/// Writes the attributes of Structure.h on the module.
llvm::FailureOr<ScratchBytes> placeModule(mlir::ModuleOp module, const KernelRegistry &registry, PlacementMode mode);

/// Follows the calls of each program and checks that every value is intact when it is read, that a call's results
/// overlap neither its operands (unless its generator allows it) nor each other, and that tensors hold at the end what
/// was written to them, or what they held before.
llvm::LogicalResult verifyPlacement(mlir::ModuleOp module, const KernelRegistry &registry);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_PLACEMENT_H
