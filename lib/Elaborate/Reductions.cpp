//===- Reductions.cpp - sums, maxima, softmax, norms ------------*- C++ -*-===//

#include "BuiltinCall.h"
#include "RowSums.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

namespace {
llvm::ArrayRef<Dim> dimsOfValue(const Value &value) {
  auto *tensor = value.as<Tensor>();
  return tensor ? llvm::ArrayRef<Dim>(tensor->dims) : llvm::ArrayRef<Dim>();
}
} // namespace

Value Evaluator::atSites(const ast::Expr &expr, Scope &scope) {
  std::optional<Tensor> own = asTensor(eval(expr, scope), expr.range);
  if (!own)
    return {};
  auto [known, fresh] = siteSums.try_emplace({&expr, siteGroup(scope)});
  if (fresh) {
    std::vector<Tensor> all;
    for (Scope *site : sites(scope)) {
      std::optional<Tensor> tensor = asTensor(eval(expr, *site), expr.range);
      if (!tensor || sizesOf(tensor->dims) != sizesOf(own->dims)) {
        if (tensor)
          diags().report(Diag::UnlikeSites, expr.range, printDims(own->dims), printDims(tensor->dims));
        return {};
      }
      all.push_back({tensor->value, own->dims});
    }
    known->second = stackTensors(all, shared.dimensions().make("sites", int64_t(all.size()), DimRole::Sites));
  }
  auto *stacked = known->second.as<Tensor>();
  if (!stacked)
    return {};
  Tensor result = *stacked;
  llvm::copy(own->dims, result.dims.begin());
  return result;
}

static bool isOverSites(BuiltinCall &call) {
  auto *name = llvm::dyn_cast_or_null<ast::NameExpr>(call.named("over"));
  return name && name->name == "sites";
}

/// The larger (smaller) of two values, elementwise.
static Value extremeOfTwo(Evaluator &evaluator, bool largest, const Value &a, const Value &b, llvm::SMRange range);

/// What two sites give, put together.
static Value combine(Evaluator &evaluator, llvm::StringRef kind, const Value &a, const Value &b, llvm::SMRange range) {
  if (kind == "max" || kind == "min")
    return extremeOfTwo(evaluator, kind == "max", a, b, range);
  return evaluator.arithmetic(BinaryOp::Add, a, b, range);
}

/// Whether what two sites give cannot be put together, as it differs in size; a message then.
static bool refuseUnlike(Evaluator &evaluator, const Tensor &own, const Tensor &other, llvm::SMRange range) {
  if (sizesOf(own.dims) == sizesOf(other.dims))
    return false;
  evaluator.diags()
      .report(Diag::UnlikeSites, range, printDims(own.dims), printDims(other.dims))
      .help("reduce within a site first, as in `sum(sum(e), over: sites)`");
  return true;
}

/// What was found over the sites, as the site of `scope` sees it: with its own dimensions.
static Value asSeenFrom(Evaluator &evaluator, const Value &total, const ast::CallExpr &expr, Scope &scope) {
  auto *tensor = total.as<Tensor>();
  if (!tensor || tensor->dims.empty())
    return total;
  Value own = evaluator.eval(*expr.arguments.front().value, scope);
  auto *alike = own.as<Tensor>();
  if (!alike || refuseUnlike(evaluator, *alike, *tensor, expr.range))
    return {};
  Tensor result = *tensor;
  result.dims = alike->dims;
  return result;
}

/// `sum(e, over: sites)`: e in the scope of each site, put together in order of sites.
static std::optional<Value> overSites(Evaluator &evaluator, llvm::StringRef kind, BuiltinCall &call,
                                      const ast::CallExpr &expr, Scope &scope) {
  if (!isOverSites(call) || !evaluator.sites)
    return std::nullopt;
  auto [known, fresh] = evaluator.siteSums.try_emplace({&expr, evaluator.siteGroup(scope)});
  Value &total = known->second;
  if (!fresh)
    return asSeenFrom(evaluator, total, expr, scope);
  std::vector<Scope *> scopes = evaluator.sites(scope);
  if (scopes.empty()) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "sites that this place knows of", "none");
    return Value();
  }
  for (auto [number, site] : llvm::enumerate(scopes)) {
    Value value = evaluator.eval(*expr.arguments.front().value, *site);
    if (value.isError())
      return total = Value();
    // The dimensions of another site are others of the same sizes.
    if (auto *own = total.as<Tensor>(), *tensor = value.as<Tensor>(); number > 0 && own && tensor) {
      if (refuseUnlike(evaluator, *own, *tensor, expr.range))
        return total = Value();
      Tensor alike = *tensor;
      alike.dims = own->dims;
      value = alike;
    }
    total = number == 0 ? value : combine(evaluator, kind, total, value, expr.range);
  }
  if (kind == "mean")
    total = evaluator.arithmetic(BinaryOp::Div, total, int64_t(scopes.size()), expr.range);
  return asSeenFrom(evaluator, total, expr, scope);
}

/// Of numbers that are known when compiling: what they are at each site of the group, put together.
static std::optional<Value> numbersOverSites(Evaluator &evaluator, llvm::StringRef kind, BuiltinCall &call,
                                             const ast::CallExpr &expr, Scope &scope) {
  llvm::ArrayRef<Scope *> scopes = evaluator.shared.sitesBeside(scope);
  if (!isOverSites(call) || evaluator.sites || scopes.empty())
    return std::nullopt;
  Value result;
  for (auto [number, site] : llvm::enumerate(scopes)) {
    Value value = evaluator.eval(*expr.arguments.front().value, *site);
    if (value.isError())
      return Value();
    if (!value.number())
      return std::nullopt;
    if (number == 0)
      result = value.is<Dim>() ? Value(*value.integer()) : value;
    else
      result = combine(evaluator, kind, result, value, expr.range);
  }
  if (kind == "mean")
    result = evaluator.arithmetic(BinaryOp::Div, result, int64_t(scopes.size()), expr.range);
  return result;
}

static Value sumOrMean(llvm::StringRef kind, Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  if (!call.sound())
    return {};
  if (auto total = overSites(evaluator, kind, call, expr, scope))
    return *total;
  if (auto total = numbersOverSites(evaluator, kind, call, expr, scope))
    return *total;
  Value value = call.value(0);
  if (value.isError())
    return {};
  std::optional<Dims> over = call.over(dimsOfValue(value));
  if (!call.sound())
    return {};
  if (evaluator.rowSums)
    if (auto whole = evaluator.rowSums->reduce(evaluator, kind, value, over, expr.range))
      return *whole;
  return evaluator.reduce(kind, value, over, expr.range);
}

static Value sum(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return sumOrMean("sum", evaluator, expr, scope);
}

static Value mean(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return sumOrMean("mean", evaluator, expr, scope);
}

static bool isInteger(const Tensor &tensor) {
  return tensor.value && tune::typeOf(tensor.value).getElementType().isInteger(32);
}

static Value extremeOfTwo(Evaluator &evaluator, bool largest, const Value &a, const Value &b, llvm::SMRange range) {
  if (a.isError() || b.isError())
    return {};
  if (a.number() && b.number()) {
    bool first = largest ? *a.number() >= *b.number() : *a.number() <= *b.number();
    const Value &chosen = first ? a : b;
    return chosen.is<Dim>() ? Value(*chosen.integer()) : chosen;
  }
  if (!evaluator.tensorBuilder(range))
    return {};
  std::optional<Tensor> x = evaluator.asTensor(evaluator.beside(a, b), range),
                        y = evaluator.asTensor(evaluator.beside(b, a), range);
  if (!x || !y || evaluator.refuseNonlinear(*x, "a maximum or minimum", range) ||
      evaluator.refuseNonlinear(*y, "a maximum or minimum", range))
    return {};
  Tensor result;
  result.dims = unite(x->dims, y->dims);
  bool integers = isInteger(*x) && isInteger(*y);
  mlir::Value u = evaluator.align(integers ? *x : evaluator.toReal(*x), result.dims).value;
  mlir::Value v = evaluator.align(integers ? *y : evaluator.toReal(*y), result.dims).value;
  if (!u || !v)
    return result;
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::Location loc = evaluator.loc();
  if (integers)
    result.value = largest ? mlir::arith::MaxSIOp::create(builder, loc, u, v).getResult()
                           : mlir::arith::MinSIOp::create(builder, loc, u, v).getResult();
  else
    result.value = largest ? mlir::arith::MaximumFOp::create(builder, loc, u, v).getResult()
                           : mlir::arith::MinimumFOp::create(builder, loc, u, v).getResult();
  return result;
}

static Value extreme(llvm::StringRef kind, Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  if (call.positionalCount() == 1) {
    if (auto found = overSites(evaluator, kind, call, expr, scope))
      return *found;
    if (auto found = numbersOverSites(evaluator, kind, call, expr, scope))
      return *found;
  }
  Value value = call.value(0);
  if (value.isError())
    return {};
  if (call.positionalCount() > 1) {
    for (size_t i = 1; i < call.positionalCount(); ++i)
      value = extremeOfTwo(evaluator, kind == "max", value, call.value(i), expr.range);
    return value;
  }
  if (auto *list = value.as<Value::List>()) {
    Value best = (*list)->empty() ? Value() : (*list)->front();
    for (const Value &one : **list)
      best = extremeOfTwo(evaluator, kind == "max", best, one, expr.range);
    return best;
  }
  std::optional<Dims> over = call.over(dimsOfValue(value));
  return call.sound() ? evaluator.reduce(kind, value, over, expr.range) : Value();
}

static Value maximum(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return extreme("max", evaluator, expr, scope);
}

static Value minimum(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return extreme("min", evaluator, expr, scope);
}

//===----------------------------------------------------------------------===//
// Through exponentials: the largest entry is taken off first
//===----------------------------------------------------------------------===//

namespace {
struct Exponentials {
  Value largest; ///< without gradient
  Value shifted; ///< x - largest
  Value total;   ///< sum of exp(shifted)
};
} // namespace

/// The largest entries, without gradient: what is taken off before exp.
static Value constantMaximum(Evaluator &evaluator, const Value &x, const Dims &over, llvm::SMRange range) {
  Value largest = evaluator.reduce("max", x, over, range);
  if (auto *tensor = largest.as<Tensor>(); tensor && tensor->value)
    return Tensor{tune::StopGradientOp::create(*evaluator.builder, evaluator.loc(), tensor->value), tensor->dims};
  return largest;
}

static Exponentials exponentials(Evaluator &evaluator, const Value &x, const Dims &over, llvm::SMRange range) {
  Exponentials e;
  e.largest = constantMaximum(evaluator, x, over, range);
  e.shifted = evaluator.arithmetic(BinaryOp::Sub, x, e.largest, range);
  e.total = e.shifted.isError() ? Value()
                                : evaluator.reduce("sum", evaluator.elementwise("exp", e.shifted, range), over, range);
  return e;
}

Value Evaluator::logSumExp(const Tensor &x, const Dims &over, llvm::SMRange range) {
  Exponentials e = exponentials(*this, x, over, range);
  return e.total.isError() ? Value() : arithmetic(BinaryOp::Add, elementwise("log", e.total, range), e.largest, range);
}

Value Evaluator::softmax(const Value &x, const Dims &over, llvm::SMRange range) {
  auto compute = [&](BinaryOp op, const Value &a, const Value &b) { return arithmetic(op, a, b, range); };
  Value largest = constantMaximum(*this, x, over, range);
  Value nothing = compute(BinaryOp::Eq, largest, -std::numeric_limits<double>::infinity());
  Value shifted = compute(BinaryOp::Sub, x, select(nothing, 0.0, largest, range));
  Value e = shifted.isError() ? Value() : elementwise("exp", shifted, range);
  Value total = e.isError() ? Value() : reduce("sum", e, over, range);
  return total.isError() ? Value() : compute(BinaryOp::Div, e, select(nothing, 1.0, total, range));
}

static Value throughExponentials(llvm::StringRef kind, Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  std::optional<Tensor> x = call.tensor(0);
  if (!x || !evaluator.tensorBuilder(expr.range) || evaluator.refuseNonlinear(*x, "`" + kind + "`", expr.range))
    return {};
  std::optional<Dims> over = call.over(x->dims);
  if (!call.sound())
    return {};
  Dims removed = over.value_or(x->dims);
  if (kind == "logsumexp")
    return evaluator.logSumExp(*x, removed, expr.range);
  if (kind == "softmax")
    return evaluator.softmax(*x, removed, expr.range);
  Exponentials e = exponentials(evaluator, *x, removed, expr.range);
  if (e.total.isError())
    return {};
  return evaluator.arithmetic(BinaryOp::Sub, e.shifted, evaluator.elementwise("log", e.total, expr.range), expr.range);
}

static Value softmax(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return throughExponentials("softmax", evaluator, expr, scope);
}

static Value logSoftmax(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return throughExponentials("log_softmax", evaluator, expr, scope);
}

static Value logSumExp(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return throughExponentials("logsumexp", evaluator, expr, scope);
}

/// sqrt(sum(x * x)), whose derivative at 0 counts as 0, as in PyTorch.
static Value norm(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value x = call.value(0);
  if (x.isError())
    return {};
  std::optional<Dims> over = call.over(dimsOfValue(x));
  if (!call.sound())
    return {};
  Value squares = evaluator.arithmetic(BinaryOp::Mul, x, x, expr.range);
  if (squares.isError())
    return {};
  Value total = evaluator.reduce("sum", squares, over, expr.range);
  auto *tensor = total.as<Tensor>();
  if (!tensor || !tensor->value)
    return total.isError() ? Value() : evaluator.elementwise("sqrt", total, expr.range);
  Value nothing = evaluator.arithmetic(BinaryOp::Eq, total, 0.0, expr.range);
  Value root = evaluator.elementwise("sqrt", evaluator.select(nothing, 1.0, total, expr.range), expr.range);
  return evaluator.select(nothing, 0.0, root, expr.range);
}

llvm::ArrayRef<Builtin> ftc::elaborate::reductionBuiltins() {
  static const Builtin table[] = {{"sum", sum},     {"mean", mean},          {"max", maximum},
                                  {"min", minimum}, {"softmax", softmax},    {"log_softmax", logSoftmax},
                                  {"norm", norm},   {"logsumexp", logSumExp}};
  return table;
}
