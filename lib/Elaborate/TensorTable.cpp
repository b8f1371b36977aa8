#include "ftc/Elaborate/TensorTable.h"

#include "mlir/IR/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;

TensorTable::TensorTable(mlir::ModuleOp module) : module(module) {
  for (auto tensor : module.getOps<tune::TensorOp>()) {
    tensors[tensor.getSymName()] = tensor;
    last = tensor;
  }
}

tune::TensorOp TensorTable::declare(llvm::StringRef symbol, tune::Kind kind, mlir::RankedTensorType type,
                                    mlir::DictionaryAttr source) {
  tune::TensorOp &tensor = tensors[symbol];
  if (tensor) {
    assert(tensor.getType() == type && "a symbol has one type");
    return tensor;
  }
  mlir::OpBuilder builder(module.getContext());
  if (last)
    builder.setInsertionPointAfter(last);
  else
    builder.setInsertionPointToStart(module.getBody());
  tensor = tune::TensorOp::create(builder, builder.getUnknownLoc(), symbol, type, kind, source);
  last = tensor;
  return tensor;
}

tune::TensorOp TensorTable::declareReal(llvm::StringRef symbol, tune::Kind kind, llvm::ArrayRef<int64_t> shape,
                                        mlir::DictionaryAttr source) {
  return declare(symbol, kind, mlir::RankedTensorType::get(shape, mlir::Float64Type::get(module.getContext())), source);
}

tune::TensorOp TensorTable::lookup(llvm::StringRef symbol) const { return tensors.lookup(symbol); }
