// What the executable knows about its recipe: docs/manifest.md.
#ifndef FTC_LIB_TARGET_MANIFEST_H
#define FTC_LIB_TARGET_MANIFEST_H

#include "ftc/Target/Target.h"

namespace ftc::target {

/// The JSON text of a placed module.
llvm::FailureOr<std::string> makeManifest(mlir::ModuleOp module, const TargetOptions &options);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_MANIFEST_H
