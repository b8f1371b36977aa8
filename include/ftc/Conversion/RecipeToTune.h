//===- RecipeToTune.h - from what was asked to what is computed -*- C++ -*-===//

#ifndef FTC_CONVERSION_RECIPETOTUNE_H
#define FTC_CONVERSION_RECIPETOTUNE_H

#include "ftc/Frontend/Diagnostics.h"
#include "ftc/Frontend/Library.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace ftc {

namespace elaborate {
class Elaborator;
struct AdapterGroup;
} // namespace elaborate

/// Makes the `tune` module of a recipe (docs/ir.md, rung `tune`): model structure is read from the files that `load`
/// names, definitions are elaborated, and each step becomes programs and a `tune.step` (docs/manifest.md). `recipe` is
/// a verified module of the recipe dialect. Null after errors in `diags`; `status` is then the exit status (1: the
/// recipe, 3: a file).
/// `adapted` is told of each line of each `adapt`.
mlir::OwningOpRef<mlir::ModuleOp>
convertRecipeToTune(mlir::ModuleOp recipe, DefinitionLibrary &library, Diagnostics &diags, int &status,
                    llvm::function_ref<void(elaborate::Elaborator &, const elaborate::AdapterGroup &)> adapted);

} // namespace ftc

#endif // FTC_CONVERSION_RECIPETOTUNE_H
