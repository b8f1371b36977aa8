//===- OpText.cpp - ops as bytes that tell them apart ----------------------===//

#include "OpText.h"

#include "mlir/IR/MLIRContext.h"

#include "llvm/Support/ThreadPool.h"

using namespace ftc::recipe_to_tune;

void OpText::write(mlir::NamedAttribute attribute) {
  mlir::Attribute value = attribute.getValue();
  auto [number, isNew] = attributes.try_emplace(value, attributes.size());
  out << " " << attribute.getName().strref() << " #" << number->second;
  if (isNew)
    value.print(out << " = ", state);
}

/// Numbers a value, with its type.
void OpText::define(mlir::Value value) {
  values.try_emplace(value, values.size());
  auto [number, isNew] = types.try_emplace(value.getType(), types.size());
  out << " !" << number->second;
  if (isNew)
    value.getType().print(out << " = ", state);
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
  // One by one: a dictionary of them would be made for each op.
  mlir::NamedAttrList inherent;
  op.getName().populateInherentAttrs(&op, inherent);
  for (mlir::NamedAttribute attribute : inherent)
    write(attribute);
  for (mlir::NamedAttribute attribute : op.getDiscardableAttrs())
    write(attribute);
  for (mlir::Value operand : op.getOperands())
    out << " %" << values.lookup(operand);
  out << " ->";
  for (mlir::Value result : op.getResults())
    define(result);
  for (mlir::Region &region : op.getRegions())
    write(region);
  out << "\n";
}

OpTexts::~OpTexts() {
  for (auto &[op, text] : texts)
    text.wait();
}

void OpTexts::begin(mlir::Operation &op) {
  auto write = [&op] {
    std::string text;
    llvm::raw_string_ostream stream(text);
    mlir::AsmState state(op.getContext());
    OpText(stream, state).write(op);
    return text;
  };
  auto [text, isNew] = texts.try_emplace(&op);
  if (isNew)
    text->second = op.getContext()->getThreadPool().async(write);
}

std::string OpTexts::take(mlir::Operation &op) {
  std::string text = texts[&op].get();
  texts.erase(&op);
  return text;
}
