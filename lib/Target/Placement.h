// Gives every value of every program its place in the arena.
#ifndef FTC_LIB_TARGET_PLACEMENT_H
#define FTC_LIB_TARGET_PLACEMENT_H

#include "OffsetAssignment.h"
#include "ftc/Target/KernelGenerator.h"
#include "ftc/Target/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace ftc::target {

enum class PlacementMode {
  Share, ///< values take over bytes that nothing needs any more, results are computed where they are kept
  None,  ///< every value has bytes of its own: the judge of the other mode
};

/// What a program needs of the scratch region.
struct ProgramMemory {
  mlir::func::FuncOp program;
  int64_t scratch =
      0; ///< bytes, with what lies unused between buffers and what a program that it hands tensors to needs
  std::vector<Lifetime> values, workspaces;
  std::vector<Lifetime> handed; ///< tensors that it leaves for the next program, or finds (StepTensors.h)
  std::vector<std::pair<mlir::Operation *, int64_t>> calls; ///< and their positions, in order
};

/// Writes the attributes of Structure.h on the module. Returns what each program needs, in their order.
llvm::FailureOr<std::vector<ProgramMemory>> placeModule(mlir::ModuleOp module, const KernelRegistry &registry,
                                                        PlacementMode mode);

/// The bytes alive at each call of a placed program.
ProgramSchedule makeSchedule(const ProgramMemory &memory);

/// Follows the calls of each program and checks that every value is intact when it is read, that a call's results
/// overlap neither its operands (unless its generator allows it) nor each other, and that tensors hold at the end what
/// was written to them, or what they held before.
llvm::LogicalResult verifyPlacement(mlir::ModuleOp module, const KernelRegistry &registry);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_PLACEMENT_H
