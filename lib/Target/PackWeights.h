#ifndef FTC_LIB_TARGET_PACKWEIGHTS_H
#define FTC_LIB_TARGET_PACKWEIGHTS_H

#include "ftc/Target/KernelGenerator.h"
#include "mlir/IR/BuiltinOps.h"

namespace ftc::target {

/// Lets products read weights that no program changes in panels (KernelGenerator::getPanelColumns), as which they are
/// loaded from their file, so that no call packs them: those that are read most often first, as many as take at most
/// `room` bytes more than now. A weight that nothing else reads is not kept as it was. Whether there were any.
bool packWeights(mlir::ModuleOp module, const KernelRegistry &registry, int64_t room);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_PACKWEIGHTS_H
