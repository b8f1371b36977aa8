//===- Fields.h - dictionaries of a tune.step ------------------*- C++ -*-===//

#ifndef FTC_LIB_CONVERSION_RECIPETOTUNE_FIELDS_H
#define FTC_LIB_CONVERSION_RECIPETOTUNE_FIELDS_H

#include "ftc/Elaborate/Peft.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace ftc::recipe_to_tune {

/// A dictionary under construction, with the attribute kinds that become JSON (docs/manifest.md).
class Fields {
public:
  explicit Fields(mlir::MLIRContext *context) : builder(context) {}

  Fields &set(llvm::StringRef key, mlir::Attribute value) {
    fields.set(builder.getStringAttr(key), value);
    return *this;
  }
  Fields &set(llvm::StringRef key, llvm::StringRef text) { return set(key, builder.getStringAttr(text)); }
  Fields &set(llvm::StringRef key, const char *text) { return set(key, llvm::StringRef(text)); }
  Fields &set(llvm::StringRef key, const std::string &text) { return set(key, llvm::StringRef(text)); }
  Fields &set(llvm::StringRef key, int64_t number) { return set(key, builder.getI64IntegerAttr(number)); }
  Fields &set(llvm::StringRef key, double number) { return set(key, builder.getF64FloatAttr(number)); }
  Fields &set(llvm::StringRef key, bool flag) { return set(key, builder.getBoolAttr(flag)); }
  Fields &set(llvm::StringRef key, const Fields &below) { return set(key, below.get()); }
  Fields &setSymbol(llvm::StringRef key, llvm::StringRef symbol) {
    return set(key, mlir::FlatSymbolRefAttr::get(builder.getContext(), symbol));
  }
  Fields &setSymbols(llvm::StringRef key, llvm::ArrayRef<std::string> symbols) {
    llvm::SmallVector<mlir::Attribute> references;
    for (const std::string &symbol : symbols)
      references.push_back(mlir::FlatSymbolRefAttr::get(builder.getContext(), symbol));
    return set(key, builder.getArrayAttr(references));
  }
  Fields &setTexts(llvm::StringRef key, llvm::ArrayRef<std::string> texts) {
    llvm::SmallVector<mlir::Attribute> values;
    for (const std::string &text : texts)
      values.push_back(builder.getStringAttr(text));
    return set(key, builder.getArrayAttr(values));
  }
  Fields &setIntegers(llvm::StringRef key, llvm::ArrayRef<int64_t> numbers) {
    return set(key, builder.getI64ArrayAttr(numbers));
  }
  /// A list of objects.
  Fields &setList(llvm::StringRef key, llvm::ArrayRef<Fields> objects) {
    llvm::SmallVector<mlir::Attribute> values;
    for (const Fields &object : objects)
      values.push_back(object.get());
    return set(key, builder.getArrayAttr(values));
  }
  bool empty() const { return fields.empty(); }
  mlir::DictionaryAttr get() const { return fields.getDictionary(builder.getContext()); }

private:
  mlir::Builder builder;
  mlir::NamedAttrList fields;
};

/// How a file's data become a tensor.
inline Fields viewOf(mlir::MLIRContext *context, const elaborate::FileView &view) {
  return Fields(context).setIntegers("shape", view.shape).setIntegers("order", view.order);
}

/// Which elements of a file's tensor are which of one in the arena.
inline Fields partOf(mlir::MLIRContext *context, const elaborate::FilePart &part) {
  auto side = [&](const elaborate::FilePart::Side &side) {
    return Fields(context).set("offset", side.offset).setIntegers("strides", side.strides);
  };
  return Fields(context).setIntegers("sizes", part.sizes).set("file", side(part.file)).set("tensor", side(part.tensor));
}

} // namespace ftc::recipe_to_tune

#endif // FTC_LIB_CONVERSION_RECIPETOTUNE_FIELDS_H
