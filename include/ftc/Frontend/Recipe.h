//===- Recipe.h - from a recipe's file to the recipe dialect ---*- C++ -*-===//

#ifndef FTC_FRONTEND_RECIPE_H
#define FTC_FRONTEND_RECIPE_H

#include "ftc/Frontend/AST.h"
#include "ftc/Frontend/Library.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <string>

namespace ftc {

/// Reads, checks and translates a recipe; `defines` are the values of its inputs as given on the command line (-D).
/// Every mistake that can be seen without opening another file than .ftr files is reported; null after errors.
mlir::OwningOpRef<mlir::ModuleOp> buildRecipe(const std::string &path,
                                              const std::map<std::string, std::string> &defines,
                                              DefinitionLibrary &library, mlir::MLIRContext &context);

/// The place in a source file that a location of the recipe dialect names; invalid if the file is not loaded.
llvm::SMRange rangeOf(mlir::Attribute location, const llvm::SourceMgr &sources);

/// The recipe of a module as a syntax tree: a binding for each step, every name resolved, inputs and arithmetic
/// replaced by their values, every node at its place in the source. Rungs below evaluate a step's definitions from it.
std::unique_ptr<ast::File> toFile(mlir::ModuleOp recipe, const llvm::SourceMgr &sources);

/// What a step is, whatever its place in the file: the text to make its identity of.
std::string identityOf(mlir::Operation *step);

} // namespace ftc

#endif // FTC_FRONTEND_RECIPE_H
