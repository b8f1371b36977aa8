//===- Value.h - what an expression of a definition evaluates to -*- C++ -*-===//
//
// Two kinds of values live side by side: those known when compiling (numbers,
// lists, configuration objects, functions, modules ...) and tensors with named
// dimensions, which are MLIR values of the program being built.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_VALUE_H
#define FTC_ELABORATE_VALUE_H

#include "ftc/Elaborate/Dimension.h"
#include "ftc/Frontend/AST.h"

#include "mlir/IR/Value.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace ftc::elaborate {

class AdaptedModel;
class Evaluator;
class ModuleInstance;
class Scope;
class Value;
struct AdapterInstance;
struct Batch;

/// What evaluating a call by value gets: positional arguments, then named ones.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  llvm::SMRange range;
};

/// A message was given already; operations on it give it again, silently.
struct ErrorValue {};
struct NoneValue {};

/// `3%`, `2 epochs`
struct QuantityValue {
  double value;
  ast::Unit unit;
};

/// How far a tensor depends on the `x` of a derivation: not at all, affinely, or otherwise.
enum class Degree : uint8_t { Constant, Affine };

/// An MLIR tensor and the names of its dimensions, in order. Reals are f64, integers i32, i64 or i8, booleans i1.
struct Tensor {
  mlir::Value value; ///< null iff a dimension has size 0
  Dims dims;
  Degree degree = Degree::Constant;
  bool identity = false; ///< `eye` of its two dimensions
};

/// Two tensors with the same dimensions.
struct Complex {
  Tensor re, im;
};

/// A function written in a definition, with the scope in which it was written.
struct Closure {
  std::string name;
  llvm::ArrayRef<ast::Name> arguments;
  const ast::Expr *body;
  llvm::ArrayRef<ast::Equation> where;
  Scope *scope;
};

/// A top-level `function`, whose parameters may have types and defaults.
struct LibraryFunction {
  const ast::Definition *definition;
};

/// A function of the evaluator itself that sees its arguments unevaluated (`sum(x, over: n)`).
struct Builtin {
  std::string name;
  Value (*call)(Evaluator &, const ast::CallExpr &, Scope &);
};

/// A function of the evaluator itself on values: `base`, a step of an inner optimizer, a model pass.
using Native = std::shared_ptr<const std::function<Value(Evaluator &, Arguments)>>;

/// A line below an adapter: called, what its adapter adds at the site; its members are that adapter's tensors.
struct LineBelow {
  Native add;
  const AdapterInstance *instance; ///< null where the line has none at the site
};

/// The modules `e.0`, `e.1`, ... of `part e[i: n]`.
struct ModuleList {
  std::vector<ModuleInstance *> modules;
};

/// A definition with arguments: `lora(rank: 8)`, `adamw(lr: 2e-4)`, or its bare name.
struct Applied {
  std::string name;                                 ///< as written; overloads are chosen by site later
  std::vector<const ast::Definition *> definitions; ///< the overloads
  Arguments arguments;
};

/// A sum over the rows of a batch, or a share of such sums, as far as this micro-batch makes it up; see RowSums.
struct RowSum {
  Tensor partial;     ///< a scalar
  bool share = false; ///< divided by the whole batch's denominator already
};

/// A text of a record: what `logits(model, row)` runs on.
struct RowValue {
  const Batch *batch;
  bool onlyNumbers = false; ///< as adapters see it: what the data set names as `numbers`
};

/// `{** : 8  **.mlp.* : 4}`: read site by site, the last line that matches deciding.
struct MapValue {
  const ast::MapExpr *map;
  Scope *scope;
};

class Value {
public:
  using List = std::shared_ptr<const std::vector<Value>>;
  using Object = std::shared_ptr<const std::map<std::string, Value, std::less<>>>;
  /// `(a, b)`: like a list, but taken apart by patterns only.
  struct Tuple {
    List values;
  };
  using Storage =
      std::variant<ErrorValue, NoneValue, bool, int64_t, double, std::string, QuantityValue, List, Tuple, Object, Dim,
                   Tensor, Complex, Closure, LibraryFunction, Builtin, Native, LineBelow, ModuleInstance *, ModuleList,
                   std::shared_ptr<const Applied>, MapValue, RowSum, RowValue, const AdaptedModel *>;

  Value() : storage(ErrorValue{}) {}
  template <typename T, typename = std::enable_if_t<std::is_constructible_v<Storage, T &&> &&
                                                    !std::is_same_v<std::decay_t<T>, Value>>>
  Value(T &&value) : storage(std::forward<T>(value)) {}
  Value(int value) : storage(int64_t(value)) {}

  static Value none() { return NoneValue{}; }
  static Value list(std::vector<Value> values) { return List(std::make_shared<std::vector<Value>>(std::move(values))); }
  static Value tuple(std::vector<Value> values) {
    return Tuple{std::make_shared<std::vector<Value>>(std::move(values))};
  }

  template <typename T> const T *as() const { return std::get_if<T>(&storage); }
  template <typename T> bool is() const { return std::holds_alternative<T>(storage); }
  bool isError() const { return is<ErrorValue>(); }
  bool isNone() const { return is<NoneValue>(); }
  /// An integer, be it a number or the size of a dimension.
  std::optional<int64_t> integer() const;
  /// A number known when compiling; booleans count as 0 and 1.
  std::optional<double> number() const;
  /// "an integer", "a tensor [out, in]": for messages.
  std::string describe() const;
  /// The value itself, as in the language: for messages and `peft` clauses.
  std::string print() const;

private:
  Storage storage;
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_VALUE_H
