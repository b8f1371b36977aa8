//===- Dnnl.h - The exit dialect of oneDNN ------------------------*- C++ -*-===//

#ifndef FTC_DIALECTS_DNNL_IR_DNNL_H
#define FTC_DIALECTS_DNNL_IR_DNNL_H

#include "dialects/Dnnl/IR/ProductShape.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Dnnl/IR/DnnlDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/Dnnl/IR/DnnlOps.h.inc"

#endif
