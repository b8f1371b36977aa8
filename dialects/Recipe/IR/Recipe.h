//===- Recipe.h - The recipe dialect ---------------------------*- C++ -*-===//
//
// What was asked: steps over models and data sets (README.md).
//
//===----------------------------------------------------------------------===//

#ifndef FTC_DIALECTS_RECIPE_IR_RECIPE_H
#define FTC_DIALECTS_RECIPE_IR_RECIPE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Recipe/IR/RecipeDialect.h.inc"
#include "dialects/Recipe/IR/RecipeEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Recipe/IR/RecipeAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Recipe/IR/RecipeTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Recipe/IR/RecipeOps.h.inc"

#endif // FTC_DIALECTS_RECIPE_IR_RECIPE_H
