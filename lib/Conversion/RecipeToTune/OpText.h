//===- OpText.h - ops as bytes that tell them apart -------------*- C++ -*-===//
//
// What an op is, for the hash of a step: its name, attributes, types, operands by
// number and regions. Attributes and types, most of which occur in every layer, are
// written once and then by number, which is faster than printing them each time.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_CONVERSION_RECIPETOTUNE_OPTEXT_H
#define FTC_LIB_CONVERSION_RECIPETOTUNE_OPTEXT_H

#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/raw_ostream.h"

namespace ftc::recipe_to_tune {

class OpText {
public:
  explicit OpText(llvm::raw_ostream &out) : out(out) {}

  /// The same bytes for the same op, whatever is around it, in every run of the compiler.
  void write(mlir::Operation &op);

private:
  void write(mlir::Region &region);
  void write(mlir::NamedAttribute attribute);
  void define(mlir::Value value);

  llvm::raw_ostream &out;
  llvm::DenseMap<mlir::Value, unsigned> values;
  llvm::DenseMap<mlir::Attribute, unsigned> attributes;
  llvm::DenseMap<mlir::Type, unsigned> types;
};

} // namespace ftc::recipe_to_tune

#endif // FTC_LIB_CONVERSION_RECIPETOTUNE_OPTEXT_H
