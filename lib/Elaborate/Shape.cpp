//===- Shape.cpp - reductions, slices, splits and joins ---------*- C++ -*-===//

#include "Arrows.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace ftc;
using namespace ftc::elaborate;

static bool isEmpty(llvm::ArrayRef<Dim> dims) {
  return llvm::any_of(dims, [](Dim dim) { return dim->size == 0; });
}

Value Evaluator::reduce(llvm::StringRef kind, const Value &value, std::optional<Dims> over, llvm::SMRange range) {
  bool adds = kind == "sum" || kind == "mean";
  if (auto number = value.number()) {
    double count = 1;
    for (Dim dim : over.value_or(Dims())) {
      if (kind == "sum" && refuseFilling(dim, range))
        return {};
      count *= dim->size;
    }
    return kind == "sum" ? Value(*number * count) : Value(*number);
  }
  std::optional<Tensor> tensor = asTensor(value, range);
  if (!tensor)
    return {};
  if (!tensorBuilder(range))
    return {};
  Dims removed = over ? *over : tensor->dims;
  double count = 1;
  llvm::SmallVector<int64_t> places;
  Tensor result;
  result.degree = tensor->degree;
  for (Dim dim : removed) {
    count *= dim->size;
    if (int place = indexOf(tensor->dims, dim); place >= 0)
      places.push_back(place);
    else {
      diags().report(Diag::NoSuchDimension, range, value.describe(), dim->name);
      return {};
    }
  }
  if (!adds && refuseNonlinear(*tensor, "`" + kind + "`", range))
    return {};
  for (Dim dim : tensor->dims)
    if (indexOf(removed, dim) < 0)
      result.dims.push_back(dim);
  if (isEmpty(tensor->dims))
    return isEmpty(result.dims) ? Value(result) : Value(asTensor(0.0, range, result.dims).value());
  Tensor real = toReal(*tensor);
  auto combiner = adds ? tune::Combiner::sum : kind == "max" ? tune::Combiner::max : tune::Combiner::min;
  result.value = tune::reduce(*builder, loc(), combiner, real.value, places);
  return kind == "mean" ? binaryTensor(ast::BinaryOp::Div, result, count, range) : Value(result);
}

Value Evaluator::pick(const Tensor &tensor, Dim dim, const Value &index, llvm::SMRange range) {
  if (!tensorBuilder(range))
    return {};
  int place = indexOf(tensor.dims, dim);
  Tensor result;
  result.degree = tensor.degree;
  for (Dim other : tensor.dims)
    if (other != dim)
      result.dims.push_back(other);
  if (auto known = index.integer()) {
    if (*known < 0 || *known >= dim->size) {
      diags().report(Diag::IndexOutOfRange, range, *known, dim->size);
      return {};
    }
    if (tensor.value)
      result.value = tune::pickIndex(*builder, loc(), tensor.value, place, *known);
    return result;
  }
  std::optional<Tensor> at;
  if (auto *given = index.as<Tensor>(); given && given->value)
    if (mlir::Value whole = indicesOf(*given))
      at = Tensor{whole, given->dims};
  if (!at) {
    diags().report(Diag::ExpectedValue, range, "an index: an integer or a tensor of whole numbers", index.describe());
    return {};
  }
  bool aligned = llvm::any_of(at->dims, [&](Dim d) { return indexOf(result.dims, d) >= 0; });
  if (!aligned) {
    Dims order = {dim};
    order.append(result.dims.begin(), result.dims.end());
    Tensor table = align(tensor, order);
    Dims dims(at->dims);
    dims.append(result.dims.begin(), result.dims.end());
    return Tensor{tune::GatherOp::create(*builder, loc(), table.value, at->value), dims, tensor.degree};
  }
  Dims all(result.dims);
  for (Dim d : at->dims)
    if (indexOf(all, d) < 0)
      all.push_back(d);
  // The index may have the dimension that it picks along: another one stands for it in the table.
  Dim along = indexOf(all, dim) < 0 ? dim : shared.dimensions().make(dim->name, dim->size);
  Tensor table = along == dim ? tensor : *rename(tensor, dim, along).as<Tensor>();
  Dims withLast(all);
  withLast.push_back(along);
  mlir::Value x = align(table, withLast).value, i = align(*at, all).value;
  return Tensor{tune::PickOp::create(*builder, loc(), x, i), all, tensor.degree};
}

Value Evaluator::slice(const Tensor &tensor, Dim dim, int64_t start, Dim part) {
  Tensor result = tensor;
  result.identity = false;
  int place = indexOf(tensor.dims, dim);
  result.dims[place] = part;
  result.value = part->size == 0 ? mlir::Value() : tune::slice(*builder, loc(), tensor.value, place, start, part->size);
  return result;
}

Value Evaluator::rename(const Tensor &tensor, Dim from, Dim to) {
  Tensor result = tensor;
  result.dims[indexOf(result.dims, from)] = to;
  return result;
}

Value Evaluator::prepend(const Tensor &fresh, Dim places, const Tensor &tokens, llvm::SMRange range) {
  Dims row;
  for (Dim dim : tokens.dims)
    if (dim->role == DimRole::Batch || dim->role == DimRole::Tokens)
      row.push_back(dim);
  Tensor positions{modelPass->positions, row};
  Value isNew = arithmetic(ast::BinaryOp::Lt, positions, places->size, range);
  Value there = indexOf(fresh.dims, places) >= 0 ? pick(fresh, places, positions, range) : Value(fresh);
  return select(isNew, there, tokens, range);
}

//===----------------------------------------------------------------------===//
// Arrows
//===----------------------------------------------------------------------===//

static bool collectSum(const ast::Expr &expr, std::vector<const ast::NameExpr *> &names) {
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(&expr)) {
    names.push_back(name);
    return true;
  }
  auto *sum = llvm::dyn_cast<ast::BinaryExpr>(&expr);
  return sum && sum->op == ast::BinaryOp::Add && collectSum(*sum->lhs, names) && collectSum(*sum->rhs, names);
}

std::optional<Pattern> ftc::elaborate::patternOf(Evaluator &evaluator, const ast::Expr &expr) {
  Pattern pattern;
  bool sound = true;
  if (auto *tuple = llvm::dyn_cast<ast::TupleExpr>(&expr)) {
    pattern.kind = Pattern::Product;
    for (const ast::ExprPtr &value : tuple->values) {
      auto *name = llvm::dyn_cast<ast::NameExpr>(&*value);
      sound &= name != nullptr;
      if (name)
        pattern.names.push_back(name);
    }
  } else {
    sound = collectSum(expr, pattern.names);
    pattern.kind = pattern.names.size() > 1 ? Pattern::Sum : Pattern::Single;
  }
  if (!sound) {
    auto message = evaluator.diags().report(Diag::BadArrow, expr.range);
    message.help("the parts are names; a size of its own gets one by `dim name = size`");
    return std::nullopt;
  }
  return pattern;
}

Dim ftc::elaborate::target(Evaluator &evaluator, const ast::NameExpr &name, int64_t size, Scope &scope) {
  Dim dim = name.name == "_" ? nullptr : evaluator.dimOf(name.name, scope, {});
  if (!dim)
    return evaluator.madeDim(name.name, size, scope);
  if (dim->size != size) {
    evaluator.diags().report(Diag::SizeMismatch, name.range, name.name, dim->size, size);
    return nullptr;
  }
  return dim;
}

/// The dimensions of the parts of `whole`: declared ones, and at most one that gets what is left (of a product: the
/// quotient).
static std::optional<Dims> parts(Evaluator &evaluator, const Pattern &pattern, Dim from, Scope &scope,
                                 llvm::SMRange range) {
  Dims dims;
  int64_t whole = from->size;
  bool product = pattern.kind == Pattern::Product;
  int64_t known = product ? 1 : 0;
  int open = -1;
  for (auto [place, name] : llvm::enumerate(pattern.names)) {
    Dim dim = name->name == "_" ? nullptr : evaluator.dimOf(name->name, scope, {});
    if (!dim && open >= 0) {
      evaluator.diags().report(Diag::UnknownDimension, name->range, name->name);
      return std::nullopt;
    }
    if (!dim)
      open = int(place);
    else
      known = product ? known * dim->size : known + dim->size;
    dims.push_back(dim);
  }
  bool exact = open < 0 ? known == whole : product ? known > 0 && whole % known == 0 : known <= whole;
  if (!exact) {
    evaluator.diags().report(Diag::PartsDoNotFit, range, known, whole);
    return std::nullopt;
  }
  if (open >= 0)
    dims[open] =
        evaluator.madeDim(pattern.names[open]->name, product ? whole / known : whole - known, scope, from->role);
  return dims;
}

static Value splitProduct(Evaluator &evaluator, const Tensor &x, Dim from, llvm::ArrayRef<Dim> to) {
  Tensor result;
  result.degree = x.degree;
  for (Dim dim : x.dims) {
    if (dim == from)
      result.dims.append(to.begin(), to.end());
    else
      result.dims.push_back(dim);
  }
  if (x.value)
    result.value = tune::reshape(*evaluator.builder, evaluator.loc(), x.value, sizesOf(result.dims));
  return result;
}

static Value split(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value value = call.value(0);
  const ast::ArrowExpr *arrow = call.arrow(1);
  if (value.isError() || !arrow || !evaluator.tensorBuilder(expr.range))
    return {};
  auto from = patternOf(evaluator, *arrow->from), to = patternOf(evaluator, *arrow->to);
  if (!from || !to || from->kind != Pattern::Single) {
    if (from && to)
      evaluator.diags().report(Diag::BadArrow, arrow->range);
    return {};
  }
  if (value.number()) // the same along every dimension
    return to->kind == Pattern::Sum ? Value::tuple(std::vector<Value>(to->names.size(), value)) : value;
  std::optional<Tensor> x = evaluator.asTensor(value, expr.range);
  if (!x)
    return {};
  Dim whole = evaluator.dimOf(from->names.front()->name, scope, from->names.front()->range, x->dims);
  if (!whole)
    return {};
  if (indexOf(x->dims, whole) < 0) {
    evaluator.diags().report(Diag::NoSuchDimension, arrow->from->range, Value(*x).describe(),
                             from->names.front()->name);
    return {};
  }
  std::optional<Dims> dims = parts(evaluator, *to, whole, scope, arrow->range);
  if (!dims)
    return {};
  if (to->kind == Pattern::Product)
    return splitProduct(evaluator, *x, whole, *dims);
  std::vector<Value> slices;
  int64_t start = 0;
  for (Dim part : *dims) {
    slices.push_back(evaluator.slice(*x, whole, start, part));
    start += part->size;
  }
  return slices.size() == 1 ? slices.front() : Value::tuple(std::move(slices));
}

/// `parts`, which x has, become `whole`.
static Value joinParts(Evaluator &evaluator, const Tensor &x, llvm::ArrayRef<Dim> parts, Dim whole) {
  Tensor result;
  result.degree = x.degree;
  Dims before;
  bool placed = false;
  auto place = [&] {
    before.append(parts.begin(), parts.end());
    result.dims.push_back(whole);
    placed = true;
  };
  for (Dim dim : x.dims) {
    if (!llvm::is_contained(parts, dim)) {
      before.push_back(dim);
      result.dims.push_back(dim);
    } else if (!placed) {
      place();
    }
  }
  if (!placed)
    place();
  if (Tensor aligned = evaluator.align(x, before); aligned.value)
    result.value = tune::reshape(*evaluator.builder, evaluator.loc(), aligned.value, sizesOf(result.dims));
  return result;
}

/// The dimensions on one side of an arrow, of which x has those that no scope knows; nothing after an error.
static std::optional<Dims> joinedDims(Evaluator &evaluator, const Tensor &x, const Pattern &from, Scope &scope) {
  Dims parts;
  for (const ast::NameExpr *name : from.names) {
    Dim dim = evaluator.dimOf(name->name, scope, name->range, x.dims);
    if (!dim)
      return std::nullopt;
    parts.push_back(dim);
  }
  return parts;
}

static int64_t productOf(llvm::ArrayRef<Dim> dims) {
  int64_t size = 1;
  for (Dim dim : dims)
    size *= dim->size;
  return size;
}

Value ftc::elaborate::joinDims(Evaluator &evaluator, const Tensor &x, llvm::ArrayRef<Dim> parts,
                               const ast::NameExpr &to, Scope &scope) {
  Dim whole = target(evaluator, to, productOf(parts), scope);
  return whole ? joinParts(evaluator, x, parts, whole) : Value();
}

static Value joinProduct(Evaluator &evaluator, const Tensor &x, const Pattern &from, const ast::NameExpr &to,
                         Scope &scope) {
  std::optional<Dims> parts = joinedDims(evaluator, x, from, scope);
  return parts ? joinDims(evaluator, x, *parts, to, scope) : Value();
}

Value Evaluator::callReshaped(ModuleInstance &module, const ast::CallExpr &call, const ast::ArrowExpr &arrow,
                              Scope &scope) {
  Value value = eval(*call.arguments.front().value, scope);
  std::optional<Tensor> x = value.isError() ? std::nullopt : asTensor(value, call.range);
  auto from = patternOf(*this, *arrow.from), to = patternOf(*this, *arrow.to);
  if (!x || !from || !to || !tensorBuilder(call.range))
    return {};
  std::optional<Dims> given = joinedDims(*this, *x, *from, scope);
  if (!given)
    return {};
  if (module.axes.size() != 2 || from->kind == Pattern::Sum || to->kind == Pattern::Sum ||
      productOf(*given) != module.axes[1]->size ||
      !llvm::all_of(*given, [&](Dim dim) { return indexOf(x->dims, dim) >= 0; })) {
    diags().report(Diag::BadArrow, arrow.range).help("'" + module.path + "' takes " + printDims(module.axes, scope));
    return {};
  }
  std::optional<Dims> made = parts(*this, *to, module.axes[0], scope, arrow.range);
  if (!made)
    return {};
  Arguments arguments;
  arguments.range = call.range;
  arguments.positional.push_back(joinParts(*this, *x, *given, module.axes[1]));
  Value result = callModule(module, std::move(arguments));
  auto *whole = result.as<Tensor>();
  return whole ? splitProduct(*this, *whole, module.axes[0], *made) : result;
}

/// The parts of a sum that `values` are joined along; `_` is the remainder, or what its operand has under that name.
static std::optional<Dims> summands(Evaluator &evaluator, const Pattern &from, const ast::NameExpr &to,
                                    llvm::ArrayRef<Value> values, Scope &scope, Dim &whole) {
  Dims dims;
  int64_t known = 0;
  int open = -1;
  for (auto [place, name] : llvm::enumerate(from.names)) {
    auto *tensor = values[place].as<Tensor>();
    Dim dim = nullptr;
    if (name->name == "_") {
      for (Dim own : tensor ? llvm::ArrayRef<Dim>(tensor->dims) : llvm::ArrayRef<Dim>())
        dim = own->name == "_" ? own : dim;
    } else if (dim = evaluator.dimOf(name->name, scope, name->range,
                                     tensor ? llvm::ArrayRef<Dim>(tensor->dims) : llvm::ArrayRef<Dim>());
               !dim) {
      return std::nullopt;
    }
    if (dim)
      known += dim->size;
    else
      open = int(place);
    dims.push_back(dim);
  }
  whole = evaluator.dimOf(to.name, scope, {});
  if (open >= 0) {
    if (!whole || whole->size < known) {
      evaluator.diags().report(Diag::PartsDoNotFit, to.range, known, whole ? whole->size : 0);
      return std::nullopt;
    }
    dims[open] = evaluator.shared.dimensions().make("_", whole->size - known);
    known = whole->size;
  }
  whole = target(evaluator, to, known, scope);
  return whole ? std::optional(dims) : std::nullopt;
}

/// `join(new, x, n + tokens -> longer)`: rows have places for the new tokens already, so the sequence keeps its
/// dimension.
static Value prepended(Evaluator &evaluator, llvm::ArrayRef<Value> values, llvm::ArrayRef<Dim> parts,
                       llvm::SMRange range) {
  auto *tokens = values.back().as<Tensor>();
  std::optional<Tensor> fresh = evaluator.asTensor(values.front(), range);
  if (!fresh)
    return {};
  if (parts.size() != 2 || !tokens || parts.back()->role != DimRole::Tokens || !evaluator.modelPass ||
      !evaluator.modelPass->positions) {
    evaluator.diags().report(Diag::NewTokensFirst, range);
    return {};
  }
  return evaluator.prepend(*fresh, parts.front(), *tokens, range);
}

/// Whether all are the same number, which is what they are put together, too: the same along every dimension.
static bool isOneNumber(llvm::ArrayRef<Value> values) {
  return !values.empty() && llvm::all_of(values, [&](const Value &value) {
    return value.number() && value.number() == values.front().number();
  });
}

static Value joinSum(Evaluator &evaluator, llvm::ArrayRef<Value> values, const Pattern &from, const ast::NameExpr &to,
                     Scope &scope, llvm::SMRange range) {
  if (values.size() != from.names.size()) {
    evaluator.diags().report(Diag::WrongArgumentCount, range, "join", from.names.size() + 1, values.size() + 1);
    return {};
  }
  Dim whole = nullptr;
  std::optional<Dims> parts = summands(evaluator, from, to, values, scope, whole);
  if (!parts)
    return {};
  if (isOneNumber(values))
    return values.front();
  Value ambientTokens = evaluator.ambient.lookup("tokens");
  const Dim *tokens = ambientTokens.as<Dim>();
  if (tokens && whole != *tokens && llvm::is_contained(*parts, *tokens))
    return prepended(evaluator, values, *parts, range);
  Dims order;
  bool allBool = true;
  Tensor result;
  std::vector<Tensor> operands;
  for (auto [value, part] : llvm::zip(values, *parts)) {
    std::optional<Tensor> tensor = evaluator.asTensor(value, range);
    if (!tensor)
      return {};
    result.degree = std::max(result.degree, tensor->degree);
    for (Dim dim : tensor->dims) {
      Dim shown = dim == part ? whole : dim;
      if (indexOf(order, shown) < 0)
        order.push_back(shown);
    }
    allBool &= !tensor->value || tune::typeOf(tensor->value).getElementType().isInteger(1);
    operands.push_back(std::move(*tensor));
  }
  if (indexOf(order, whole) < 0)
    order.push_back(whole);
  orderBy(order, [](Dim dim) { return int(dim->role); });
  result.dims = order;
  llvm::SmallVector<mlir::Value> pieces;
  for (auto [tensor, part] : llvm::zip(operands, *parts)) {
    Dims own(order);
    own[indexOf(order, whole)] = part;
    Tensor aligned = evaluator.align(allBool ? tensor : evaluator.toReal(tensor), own);
    if (aligned.value)
      pieces.push_back(aligned.value);
  }
  if (!pieces.empty())
    result.value = pieces.size() == 1
                       ? pieces.front()
                       : tune::concat(*evaluator.builder, evaluator.loc(), pieces, indexOf(order, whole));
  return result;
}

static Value join(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  size_t last = expr.arguments.size() - 1;
  const ast::ArrowExpr *arrow = expr.arguments.size() < 2 ? call.missing() : call.arrow(last);
  if (!arrow || !evaluator.tensorBuilder(expr.range))
    return {};
  auto from = patternOf(evaluator, *arrow->from), to = patternOf(evaluator, *arrow->to);
  if (!from || !to)
    return {};
  if (to->kind != Pattern::Single) {
    evaluator.diags().report(Diag::BadArrow, arrow->range);
    return {};
  }
  std::vector<Value> values;
  for (size_t i = 0; i < last; ++i) {
    values.push_back(call.value(i));
    if (values.back().isError())
      return {};
  }
  if (from->kind == Pattern::Sum)
    return joinSum(evaluator, values, *from, *to->names.front(), scope, expr.range);
  if (values.size() == 1 && values.front().number()) // the same along every dimension
    return values.front();
  std::optional<Tensor> x = values.size() == 1 ? evaluator.asTensor(values.front(), expr.range) : std::nullopt;
  if (!x) {
    if (values.size() != 1)
      evaluator.diags().report(Diag::WrongArgumentCount, expr.range, "join", 2, values.size() + 1);
    return {};
  }
  return joinProduct(evaluator, *x, *from, *to->names.front(), scope);
}

static Value renameCall(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  Value value = call.value(0);
  if (value.isError() || value.number())
    return value;
  std::optional<Tensor> x = evaluator.asTensor(value, expr.range);
  Dims renamed = x ? x->dims : Dims();
  for (size_t i = 1; x && i < expr.arguments.size(); ++i) {
    const ast::ArrowExpr *arrow = call.arrow(i);
    auto from = arrow ? patternOf(evaluator, *arrow->from) : std::nullopt;
    auto to = arrow ? patternOf(evaluator, *arrow->to) : std::nullopt;
    if (!from || !to)
      return {};
    const ast::NameExpr &name = *from->names.front();
    Dim dim = evaluator.dimOf(name.name, scope, name.range, x->dims);
    if (!dim)
      return {};
    if (indexOf(x->dims, dim) < 0) {
      evaluator.diags().report(Diag::NoSuchDimension, name.range, "a tensor " + printDims(x->dims, scope), name.name);
      return {};
    }
    Dim made = target(evaluator, *to->names.front(), dim->size, scope);
    if (!made)
      return {};
    renamed[indexOf(x->dims, dim)] = made;
  }
  if (!x)
    return {};
  x->dims = renamed;
  for (auto [place, dim] : llvm::enumerate(renamed))
    if (indexOf(llvm::ArrayRef(renamed).take_front(place), dim) >= 0) {
      evaluator.diags()
          .report(Diag::RepeatedDimension, expr.range, scope.nameOf(dim))
          .help("a tensor has each dimension once; `dim` declares another name for the size, and a prime makes one");
      return {};
    }
  return *x;
}

Value Evaluator::stackTensors(llvm::ArrayRef<Tensor> operands, Dim along) {
  Dims order;
  for (const Tensor &tensor : operands)
    for (Dim dim : tensor.dims)
      if (indexOf(order, dim) < 0)
        order.push_back(dim);
  llvm::SmallVector<mlir::Value> pieces;
  Tensor result;
  for (const Tensor &tensor : operands) {
    auto sizes = sizesOf(order);
    sizes.push_back(1);
    result.degree = std::max(result.degree, tensor.degree);
    if (mlir::Value aligned = align(toReal(tensor), order).value)
      pieces.push_back(tune::reshape(*builder, loc(), aligned, sizes));
  }
  result.dims = order;
  result.dims.push_back(along);
  if (!pieces.empty())
    result.value = pieces.size() == 1 ? pieces.front() : tune::concat(*builder, loc(), pieces, int64_t(order.size()));
  return result;
}

static Value stack(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  const ast::Expr *along = call.named("along");
  auto *name = along ? llvm::dyn_cast<ast::NameExpr>(along) : nullptr;
  if (!name || !evaluator.tensorBuilder(expr.range)) {
    evaluator.diags().report(Diag::MissingParameter, expr.range, "stack", "along");
    return {};
  }
  std::vector<Value> values;
  for (size_t i = 0; i < call.positionalCount(); ++i) {
    values.push_back(call.value(i));
    if (values.back().isError())
      return {};
  }
  if (isOneNumber(values))
    return values.front();
  std::vector<Tensor> operands;
  for (const Value &value : values) {
    std::optional<Tensor> x = evaluator.asTensor(value, expr.range);
    if (!x)
      return {};
    operands.push_back(*x);
  }
  Dim dim = target(evaluator, *name, int64_t(operands.size()), scope);
  if (!dim)
    return {};
  return evaluator.stackTensors(operands, dim);
}

llvm::ArrayRef<Builtin> ftc::elaborate::shapeBuiltins() {
  static const Builtin table[] = {{"split", split}, {"join", join}, {"rename", renameCall}, {"stack", stack}};
  return table;
}
