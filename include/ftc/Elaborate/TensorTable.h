//===- TensorTable.h - the tensors that outlive programs -------*- C++ -*-===//

#ifndef FTC_ELABORATE_TENSORTABLE_H
#define FTC_ELABORATE_TENSORTABLE_H

#include "dialects/Tune/IR/Tune.h"

#include "llvm/ADT/StringMap.h"

namespace ftc::elaborate {

/// The `tune.tensor`s of a module, declared on first use.
class TensorTable {
public:
  explicit TensorTable(mlir::ModuleOp module);

  /// Declares a tensor; a symbol that exists already must have the same type and is left as it is.
  tune::TensorOp declare(llvm::StringRef symbol, tune::Kind kind, mlir::RankedTensorType type,
                         mlir::DictionaryAttr source = {});
  /// The same for a tensor of reals (f64).
  tune::TensorOp declareReal(llvm::StringRef symbol, tune::Kind kind, llvm::ArrayRef<int64_t> shape,
                             mlir::DictionaryAttr source = {});
  /// Null if there is none.
  tune::TensorOp lookup(llvm::StringRef symbol) const;

private:
  mlir::ModuleOp module;
  llvm::StringMap<tune::TensorOp> tensors;
  mlir::Operation *last = nullptr;
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_TENSORTABLE_H
