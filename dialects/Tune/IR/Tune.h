//===- Tune.h - The tune dialect ----------------------------------*- C++ -*-===//
//
// What is computed: pure tensor programs with static shapes, in what upstream dialects cannot say (README.md).
//
//===----------------------------------------------------------------------===//

#ifndef FTC_DIALECTS_TUNE_IR_TUNE_H
#define FTC_DIALECTS_TUNE_IR_TUNE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Tune/IR/TuneDialect.h.inc"
#include "dialects/Tune/IR/TuneEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Tune/IR/TuneAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Tune/IR/TuneOps.h.inc"

namespace ftc::tune {
/// The blocks of a tune.rows or tune.if, whose arguments stand for its inputs; none of another op.
llvm::SmallVector<mlir::Block *, 2> getBodies(mlir::Operation *op);
} // namespace ftc::tune

#endif
