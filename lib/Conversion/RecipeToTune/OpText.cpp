//===- OpText.cpp - ops as bytes that tell them apart ----------------------===//

#include "OpText.h"

using namespace ftc::recipe_to_tune;

void OpText::write(mlir::Attribute attribute) {
  auto [number, isNew] = attributes.try_emplace(attribute, attributes.size());
  out << " #" << number->second;
  if (isNew)
    out << " = " << attribute;
}

/// Numbers a value, with its type.
void OpText::define(mlir::Value value) {
  values.try_emplace(value, values.size());
  auto [number, isNew] = types.try_emplace(value.getType(), types.size());
  out << " !" << number->second;
  if (isNew)
    out << " = " << value.getType();
}

void OpText::write(mlir::Region &region) {
  out << " {";
  for (mlir::Block &block : region) {
    out << "\n^";
    for (mlir::Value argument : block.getArguments())
      define(argument);
    out << "\n";
    for (mlir::Operation &op : block)
      write(op);
  }
  out << "}";
}

void OpText::write(mlir::Operation &op) {
  out << op.getName().getStringRef();
  write(op.getAttrDictionary());
  for (mlir::Value operand : op.getOperands())
    out << " %" << values.lookup(operand);
  out << " ->";
  for (mlir::Value result : op.getResults())
    define(result);
  for (mlir::Region &region : op.getRegions())
    write(region);
  out << "\n";
}
