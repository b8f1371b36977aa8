//===- TuneDialect.cpp - Registration and the verifier of programs --------===//

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ftc::tune;

#include "dialects/Tune/IR/TuneDialect.cpp.inc"
#include "dialects/Tune/IR/TuneEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Tune/IR/TuneAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Tune/IR/TuneOps.cpp.inc"

void TuneDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Tune/IR/TuneAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Tune/IR/TuneOps.cpp.inc"
      >();
}

/// Holds programs to (C1) a function without arguments and results of one block, (C2) one write per tensor.
LogicalResult TuneDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (llvm::is_contained(kPlacementAttrNames, attribute.getName()))
    return success();
  if (attribute.getName() == kComputeAttrName) {
    auto type = dyn_cast<TypeAttr>(attribute.getValue());
    if (!op->hasAttr(kProgramAttrName) || !type || !type.getValue().isF16())
      return op->emitOpError("has '") << kComputeAttrName << "', which is f16 and belongs to a program (C1)";
    return success();
  }
  if (attribute.getName() == kMicroBatchesAttrName) {
    auto parts = dyn_cast<DenseI64ArrayAttr>(attribute.getValue());
    bool isSound = parts && parts.size() > 1 && parts[0] > 1 &&
                   llvm::all_of(parts.asArrayRef(), [](int64_t size) { return size > 0; });
    if (!op->hasAttr(kProgramAttrName) || !isSound)
      return op->emitOpError("has '") << kMicroBatchesAttrName
                                      << "', which is a number of at least 2 and sizes, and belongs to a program (C1)";
    return success();
  }
  if (attribute.getName() == kLeftOutAttrName) {
    auto layers = dyn_cast<DenseI64ArrayAttr>(attribute.getValue());
    if (!op->hasAttr(kProgramAttrName) || !layers || layers.size() != 2 || layers[0] < 0 || layers[1] < 1)
      return op->emitOpError("has '") << kLeftOutAttrName
                                      << "', which is a layer and how many behind it are left out, and belongs to a "
                                         "program (C1)";
    return success();
  }
  if (attribute.getName() != kProgramAttrName)
    return op->emitOpError("has an attribute '")
           << attribute.getName().getValue() << "' that the tune dialect does not know";
  auto program = dyn_cast<func::FuncOp>(op);
  if (!program)
    return op->emitOpError("is no function and so no program (C1)");
  if (!isa<UnitAttr>(attribute.getValue()))
    return op->emitOpError("needs '") << kProgramAttrName << "' to be a unit attribute (C1)";
  if (program.isExternal() || !program.getBody().hasOneBlock() || program.getNumArguments() || program.getNumResults())
    return op->emitOpError("is a program: it has a body of one block, no arguments and no results (C1)");
  DenseMap<StringAttr, WriteOp> writes;
  for (WriteOp write : program.getOps<WriteOp>()) {
    auto [place, isNew] = writes.try_emplace(write.getTensorAttr().getAttr(), write);
    if (!isNew) {
      InFlightDiagnostic error = write.emitOpError("writes ") << write.getTensorAttr() << " a second time (C2)";
      error.attachNote(place->second.getLoc()) << "first written here";
      return error;
    }
  }
  return success();
}
