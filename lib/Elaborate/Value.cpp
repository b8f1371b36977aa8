#include "ftc/Elaborate/Value.h"

#include "ftc/Elaborate/Model.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;

std::optional<int64_t> Value::integer() const {
  if (auto *i = as<int64_t>())
    return *i;
  if (auto *d = as<Dim>())
    return (*d)->size;
  return std::nullopt;
}

std::optional<double> Value::number() const {
  if (auto i = integer())
    return double(*i);
  if (auto *r = as<double>())
    return *r;
  if (auto *b = as<bool>())
    return *b ? 1.0 : 0.0;
  return std::nullopt;
}

namespace {
/// The kind of a value in words.
struct Describe {
  std::string operator()(const ErrorValue &) { return "an error"; }
  std::string operator()(const NoneValue &) { return "none"; }
  std::string operator()(bool) { return "a truth value"; }
  std::string operator()(int64_t i) { return "the integer " + std::to_string(i); }
  std::string operator()(double r) { return llvm::formatv("the number {0}", r); }
  std::string operator()(const std::string &s) { return "the string \"" + s + "\""; }
  std::string operator()(const QuantityValue &) { return "a quantity with a unit"; }
  std::string operator()(const Value::List &) { return "a list"; }
  std::string operator()(const Value::Tuple &) { return "a tuple"; }
  std::string operator()(const Value::Object &) { return "an object"; }
  std::string operator()(const Dim &d) { return "the dimension '" + d->name + "'"; }
  std::string operator()(const Tensor &t) {
    return t.dims.empty() ? "a scalar tensor" : "a tensor " + printDims(t.dims);
  }
  std::string operator()(const Complex &z) { return "a complex tensor " + printDims(z.re.dims); }
  std::string operator()(const Closure &c) { return "the function '" + c.name + "'"; }
  std::string operator()(const LibraryFunction &f) { return "the function '" + f.definition->name.text + "'"; }
  std::string operator()(const Builtin &b) { return "the function '" + b.name + "'"; }
  std::string operator()(const Native &) { return "a function"; }
  std::string operator()(const LineBelow &) { return "the adapter of a line below"; }
  std::string operator()(ModuleInstance *m) { return "the module '" + m->path + "'"; }
  std::string operator()(const ModuleList &) { return "a list of modules"; }
  std::string operator()(const std::shared_ptr<const Applied> &a) { return "the definition '" + a->name + "'"; }
  std::string operator()(const RowValue &) { return "a row"; }
  std::string operator()(const AdaptedModel *) { return "a model"; }
  std::string operator()(const RowSum &) { return "a sum over the batch"; }
  std::string operator()(const MapValue &) { return "a map"; }
};
} // namespace

std::string Value::describe() const { return std::visit(Describe(), storage); }

std::string Value::print() const {
  if (auto *b = as<bool>())
    return *b ? "true" : "false";
  if (auto i = integer())
    return std::to_string(*i);
  if (auto *r = as<double>())
    return llvm::formatv("{0}", *r);
  if (auto *s = as<std::string>())
    return "\"" + *s + "\"";
  if (isNone())
    return "none";
  if (auto *list = as<List>()) {
    std::string text = "[";
    for (const Value &value : **list)
      text += (text.size() > 1 ? ", " : "") + value.print();
    return text + "]";
  }
  return describe();
}
