//===- StoredFormat.h - tensors kept in a number format --------*- C++ -*-===//
//
// A tensor that programs write may be kept in a `format`: its fields are tensors of their own, computed by the format's
// `store` items when it is written, and its `value` when it is read.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_ELABORATE_STOREDFORMAT_H
#define FTC_LIB_ELABORATE_STOREDFORMAT_H

#include "Evaluator.h"

namespace ftc::elaborate {

class StoredFormat {
public:
  /// Declares the fields of a tensor of those dimensions as `<symbol>.<field>`; null after errors.
  static std::unique_ptr<StoredFormat> make(Evaluator &evaluator, std::shared_ptr<const Applied> format, Dims dims,
                                            const std::string &symbol, tune::Kind kind, llvm::SMRange at);

  /// The tensor as its fields say.
  Value read(Evaluator &evaluator);
  /// Finds the fields of a tensor; `write` gets each value and its symbol.
  void write(Evaluator &evaluator, const Tensor &tensor, llvm::function_ref<void(mlir::Value, llvm::StringRef)> write);
  std::vector<std::string> symbols() const;

private:
  struct Field {
    const ast::Declaration *declaration;
    std::string name, symbol;
    Dims dims;
    unsigned bits = 0;     ///< of an integer; 0: a real
    bool isSigned = false; ///< of an integer
  };

  Scope *makeScope(Evaluator &evaluator, Dims &axes, llvm::SMRange at);
  bool addField(Evaluator &evaluator, const ast::Declaration &declaration, const std::string &symbol, tune::Kind kind);
  mlir::Value kept(Evaluator &evaluator, const Field &field, const Tensor &value) const;
  Tensor readBack(Evaluator &evaluator, const Field &field, mlir::Value kept) const;

  std::shared_ptr<const Applied> format;
  const ast::Definition *definition = nullptr;
  Dims dims, readAxes, writeAxes; ///< of the tensor, and as the format cuts it
  Scope *readScope = nullptr, *writeScope = nullptr;
  std::vector<Field> fields;
};

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_STOREDFORMAT_H
