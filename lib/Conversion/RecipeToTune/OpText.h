//===- OpText.h - ops as bytes that tell them apart -------------*- C++ -*-===//
//
// What an op is, for the hash of a step: its name, attributes, types, operands by
// number and regions. Attributes and types, most of which occur in every layer, are
// written once and then by number, which is faster than printing them each time.
// Programs are long: their texts are written while the next ones are made.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_CONVERSION_RECIPETOTUNE_OPTEXT_H
#define FTC_LIB_CONVERSION_RECIPETOTUNE_OPTEXT_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/raw_ostream.h"

#include <future>

namespace ftc::recipe_to_tune {

class OpText {
public:
  /// `state` is for printing: making one takes longer than printing an attribute.
  OpText(llvm::raw_ostream &out, mlir::AsmState &state) : out(out), state(state) {}

  /// The same bytes for the same op, whatever is around it, in every run of the compiler.
  void write(mlir::Operation &op);

private:
  void write(mlir::Region &region);
  void write(mlir::NamedAttribute attribute);
  void define(mlir::Value value);

  llvm::raw_ostream &out;
  mlir::AsmState &state;
  llvm::DenseMap<mlir::Value, unsigned> values;
  llvm::DenseMap<mlir::Attribute, unsigned> attributes;
  llvm::DenseMap<mlir::Type, unsigned> types;
};

/// Texts of ops, each written by another thread.
class OpTexts {
public:
  ~OpTexts();

  /// From now on until its text is taken the op stays as it is. Nothing if it has begun.
  void begin(mlir::Operation &op);
  /// Of one that has begun.
  std::string take(mlir::Operation &op);

private:
  llvm::DenseMap<mlir::Operation *, std::shared_future<std::string>> texts;
};

} // namespace ftc::recipe_to_tune

#endif // FTC_LIB_CONVERSION_RECIPETOTUNE_OPTEXT_H
