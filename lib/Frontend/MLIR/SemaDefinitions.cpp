//===- SemaDefinitions.cpp - calls of definitions -------------------------===//
//
// A call is held against the parameters of the definition: names, number,
// types. What the values mean (shapes, `require`) is found where the definition
// is elaborated.
//
//===----------------------------------------------------------------------===//

#include "Sema.h"

#include "llvm/ADT/StringExtras.h"

using namespace ftc;
using namespace ftc::ast;
using namespace ftc::recipe;
using namespace mlir;
using llvm::SMRange;
using llvm::StringRef;

static std::string withArticle(StringRef word) {
  return (StringRef("aeiou").contains(word.front()) ? "an " : "a ") + word.str();
}

/// Formats that need no definition.
static constexpr StringRef elementTypes[] = {"f64", "f32", "f16", "bf16"};

void Sema::reportUnknownDefinition(DefinitionKind kind, StringRef name, SMRange range) {
  auto message = diags.report(Diag::UnknownDefinition, range, kindName(kind), name);
  for (unsigned other = 0; other <= static_cast<unsigned>(DefinitionKind::Function); ++other) {
    auto otherKind = static_cast<DefinitionKind>(other);
    if (otherKind != kind && library.find(otherKind, name)) {
      message.help("'" + name + "' is " + withArticle(kindName(otherKind)));
      return;
    }
  }
  std::vector<StringRef> known = library.names(kind);
  if (kind == DefinitionKind::Format)
    llvm::append_range(known, elementTypes);
  message.nearest(name, known).help("known are " + llvm::join(known, ", "));
}

CallAttr Sema::definitionCall(DefinitionKind kind, const Expr &written, StringRef what,
                              llvm::SmallVectorImpl<Value> &others) {
  const Expr &expr = resolve(written);
  auto *call = llvm::dyn_cast<CallExpr>(&expr);
  auto *name = llvm::dyn_cast<NameExpr>(call ? call->callee.get() : &expr);
  if (!name || (call && isStep(expr))) {
    Attribute value = name ? WordAttr::get(builder.getContext(), name->name) : evaluate(expr);
    if (value)
      diags.report(Diag::WrongValue, expr.range, what, withArticle(kindName(kind)), describe(value));
    return {};
  }
  const Definition *definition = library.find(kind, name->name);
  if (!definition) {
    reportUnknownDefinition(kind, name->name, name->range);
    return {};
  }
  llvm::StringMap<SMRange> given;
  NamedAttrList arguments;
  bool sound = !call || bindArguments(*definition, *call, given, arguments, others);
  for (const Parameter &parameter : definition->parameters)
    if (!parameter.defaultValue && !given.contains(parameter.name.text) && sound) {
      diags.report(Diag::MissingArgument, expr.range, kindName(kind), name->name, parameter.name.text)
          .note(parameter.range, "the parameter has no default");
      sound = false;
    }
  if (!sound)
    return {};
  return CallAttr::get(builder.getContext(), name->name, arguments.getDictionary(builder.getContext()),
                       locationOf(expr.range));
}

/// The parameter that an argument is for: by its name, or by its place. Null after an error.
const Parameter *Sema::parameterFor(const Definition &definition, const CallExpr &call, size_t index) {
  const std::vector<Parameter> &parameters = definition.parameters;
  const Argument &actual = call.arguments[index];
  if (!actual.name) {
    if (index && call.arguments[index - 1].name)
      diags.report(Diag::UnnamedArgument, actual.range);
    else if (index >= parameters.size())
      diags.report(Diag::TooManyArguments, actual.range, definition.name.text, parameters.size(),
                   call.arguments.size());
    else
      return &parameters[index];
    return nullptr;
  }
  std::vector<StringRef> names;
  for (const Parameter &parameter : parameters) {
    if (parameter.name.text == actual.name.text)
      return &parameter;
    names.push_back(parameter.name.text);
  }
  diags
      .report(Diag::UnknownParameter, actual.name.range, kindName(definition.kind), definition.name.text,
              actual.name.text)
      .nearest(actual.name.text, names)
      .help(names.empty() ? "it has no parameters" : "its parameters are " + llvm::join(names, ", "));
  return nullptr;
}

/// Gives every argument to its parameter, once, with its type checked.
bool Sema::bindArguments(const Definition &definition, const CallExpr &call, llvm::StringMap<SMRange> &given,
                         NamedAttrList &arguments, llvm::SmallVectorImpl<Value> &others) {
  bool sound = true;
  for (const auto &[index, actual] : llvm::enumerate(call.arguments)) {
    const Parameter *parameter = parameterFor(definition, call, index);
    if (!parameter) {
      sound = false;
      continue;
    }
    auto [first, isNew] = given.try_emplace(parameter->name.text, actual.range);
    if (!isNew)
      diags.report(Diag::DuplicateOption, actual.range, parameter->name.text).note(first->second, "first given here");
    Attribute value = isNew ? argument(*parameter, *actual.value, others) : Attribute();
    if (value)
      arguments.set(parameter->name.text, value);
    else
      sound = false;
  }
  return sound;
}

/// A number format: the name of an element type, or a `format` definition.
Attribute Sema::formatOf(const Expr &written, StringRef what) {
  const Expr &expr = resolve(written);
  if (auto *name = llvm::dyn_cast<NameExpr>(&expr); name && llvm::is_contained(elementTypes, name->name))
    return WordAttr::get(builder.getContext(), name->name);
  llvm::SmallVector<Value> others;
  return definitionCall(DefinitionKind::Format, expr, what, others);
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// The kind of definition that a parameter of this type takes.
static std::optional<DefinitionKind> definitionType(StringRef type) {
  static constexpr struct {
    StringRef name;
    DefinitionKind kind;
  } table[] = {{"optimizer", DefinitionKind::Optimizer},
               {"adapter", DefinitionKind::Adapter},
               {"objective", DefinitionKind::Objective},
               {"schedule", DefinitionKind::Schedule}};
  for (const auto &entry : table)
    if (entry.name == type)
      return entry.kind;
  return std::nullopt;
}

namespace {
/// What a simple type accepts, and the value it makes of it; null if it does not fit.
struct SimpleType {
  StringRef name, expected;
  Attribute (*convert)(Attribute);
};
} // namespace

static bool isInteger(Attribute value) { return llvm::isa<IntegerAttr>(value) && !llvm::isa<BoolAttr>(value); }

static Attribute toReal(Attribute value) {
  Builder builder(value.getContext());
  if (isInteger(value))
    return builder.getF64FloatAttr(llvm::cast<IntegerAttr>(value).getInt());
  if (auto share = llvm::dyn_cast<QuantityAttr>(value); share && share.getUnit() == recipe::Unit::Percent)
    return builder.getF64FloatAttr(share.getValue().getValueAsDouble() / 100);
  return llvm::dyn_cast<FloatAttr>(value);
}

static Attribute toSteps(Attribute value) {
  auto quantity = llvm::dyn_cast<QuantityAttr>(value);
  if (quantity)
    return quantity.getUnit() != recipe::Unit::Bytes ? quantity : nullptr;
  return isInteger(value) && llvm::cast<IntegerAttr>(value).getInt() >= 0 ? value : nullptr;
}

static constexpr SimpleType simpleTypes[] = {
    {"int", "an integer", [](Attribute v) { return isInteger(v) ? v : Attribute(); }},
    {"real", "a number", toReal},
    {"bool", "true or false", [](Attribute v) -> Attribute { return llvm::dyn_cast<BoolAttr>(v); }},
    {"string", "a string", [](Attribute v) -> Attribute { return llvm::dyn_cast<StringAttr>(v); }},
    {"steps", "a length such as '200 steps', '3%' or '2 epochs'", toSteps},
    {"function", "the name of a function", [](Attribute v) -> Attribute { return llvm::dyn_cast<WordAttr>(v); }},
};

Attribute Sema::convertTo(StringRef type, Attribute value) {
  for (const SimpleType &simple : simpleTypes)
    if (simple.name == type)
      return simple.convert(value);
  return value;
}

StringRef Sema::expectedOf(StringRef type) {
  for (const SimpleType &simple : simpleTypes)
    if (simple.name == type)
      return simple.expected;
  return "a value";
}

Attribute Sema::argument(const Parameter &parameter, const Expr &written, llvm::SmallVectorImpl<Value> &others) {
  const Expr &expr = resolve(written);
  if (auto *map = llvm::dyn_cast<MapExpr>(&expr))
    return argumentMap(parameter, *map, others);
  std::string what = "'" + parameter.name.text + "'";
  StringRef type = parameter.type && !parameter.type->axes ? StringRef(parameter.type->element.text) : "";
  if (auto kind = definitionType(type))
    return definitionCall(*kind, expr, what, others);
  if (type == "format")
    return formatOf(expr, what);
  if (type == "model" || type == "dataset") {
    Value step = type == "model" ? operandOf<recipe::ModelType>(written, what) : operandOf<DatasetType>(written, what);
    if (!step)
      return {};
    others.push_back(step);
    return WordAttr::get(builder.getContext(), step.getDefiningOp()->getAttrOfType<StringAttr>("name"));
  }
  Attribute value = evaluate(expr);
  if (!value)
    return {};
  Attribute converted = convertTo(type, value);
  if (!converted)
    diags.report(Diag::WrongValue, written.range, what, expectedOf(type), describe(value))
        .note(parameter.range, "the parameter is declared here");
  return converted;
}

/// An argument that is read site by site.
Attribute Sema::argumentMap(const Parameter &parameter, const MapExpr &map, llvm::SmallVectorImpl<Value> &others) {
  llvm::SmallVector<LineAttr> lines;
  for (const MapEntry &entry : map.entries) {
    std::optional<std::string> selector = selectorText(entry.selector);
    Attribute value = selector ? argument(parameter, *entry.value, others) : Attribute();
    if (!value)
      return {};
    lines.push_back(LineAttr::get(builder.getContext(), *selector, value, locationOf(entry.selector.range)));
  }
  if (lines.empty())
    return evaluateMap(map); // which reports it
  return MapAttr::get(builder.getContext(), lines);
}
