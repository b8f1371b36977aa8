//===- RecipeDialect.cpp - Registration -----------------------------------===//

#include "dialects/Recipe/IR/Recipe.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ftc::recipe;

/// `32`: an i64 without its type.
static ParseResult parseInteger(OpAsmParser &parser, IntegerAttr &value) {
  int64_t number = 0;
  if (parser.parseInteger(number))
    return failure();
  value = parser.getBuilder().getI64IntegerAttr(number);
  return success();
}

static void printInteger(OpAsmPrinter &printer, Operation *, IntegerAttr value) { printer << value.getInt(); }

#include "dialects/Recipe/IR/RecipeDialect.cpp.inc"
#include "dialects/Recipe/IR/RecipeEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Recipe/IR/RecipeAttributes.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Recipe/IR/RecipeTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Recipe/IR/RecipeOps.cpp.inc"

void RecipeDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Recipe/IR/RecipeAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Recipe/IR/RecipeTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Recipe/IR/RecipeOps.cpp.inc"
      >();
}
