//===- Tensors.cpp - elementwise operations by name of dimension -*- C++ -*-===//

#include "Hints.h"
#include "RowSums.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;
using mlir::RankedTensorType;

static mlir::Type elementOf(const Tensor &tensor) { return tune::typeOf(tensor.value).getElementType(); }
static bool isReal(const Tensor &tensor) { return llvm::isa<mlir::FloatType>(elementOf(tensor)); }
static bool isBool(const Tensor &tensor) { return elementOf(tensor).isInteger(1); }
static bool isEmpty(llvm::ArrayRef<Dim> dims) {
  return llvm::any_of(dims, [](Dim dim) { return dim->size == 0; });
}

static Degree join(Degree a, Degree b) { return std::max(a, b); }

mlir::OpBuilder *Evaluator::tensorBuilder(llvm::SMRange range) {
  if (!builder)
    diags().report(Diag::NeedsProgram, range);
  else
    passDependent = true;
  return builder;
}

/// The numbers of nested lists in order; false if something else is among them or there are too many.
static bool flatten(const Value &value, std::vector<double> &numbers) {
  if (auto *list = value.as<Value::List>())
    return llvm::all_of(**list, [&](const Value &one) { return flatten(one, numbers); });
  auto number = value.number();
  if (number)
    numbers.push_back(*number);
  return number.has_value();
}

mlir::Value Evaluator::constant(RankedTensorType type, double number) {
  mlir::Value &made = constants[{type.getAsOpaquePointer(), llvm::bit_cast<uint64_t>(number)}];
  if (!made)
    made = tune::splat(*builder, loc(), type, number);
  return made;
}

mlir::Value Evaluator::ofScalars(llvm::StringRef op, mlir::Value a, mlir::Value b, RankedTensorType type,
                                 llvm::function_ref<mlir::Value()> make) {
  mlir::Value &made =
      fromScalars[{op, a.getAsOpaquePointer(), b ? b.getAsOpaquePointer() : nullptr, type.getAsOpaquePointer()}];
  if (!made)
    made = make();
  return made;
}

Value Evaluator::beside(const Value &value, const Value &other) {
  auto *tensor = other.as<Tensor>();
  std::optional<int64_t> number = value.integer();
  if (!number || !tensor || !tensor->value || isReal(*tensor) || isBool(*tensor))
    return value;
  auto type = RankedTensorType::get({}, elementOf(*tensor));
  return Tensor{constant(type, double(*number)), {}};
}

std::optional<Tensor> Evaluator::asTensor(const Value &value, llvm::SMRange range, llvm::ArrayRef<Dim> dims) {
  if (value.isError())
    return std::nullopt;
  if (auto *tensor = value.as<Tensor>())
    return *tensor;
  if (!tensorBuilder(range))
    return std::nullopt;
  if (value.is<Value::List>()) {
    std::vector<double> numbers;
    int64_t expected = 1;
    for (Dim dim : dims)
      expected *= dim->size;
    if (!flatten(value, numbers) || int64_t(numbers.size()) != expected) {
      diags().report(Diag::ListDoesNotFit, range, numbers.size(), printDims(dims), expected);
      return std::nullopt;
    }
    auto type = RankedTensorType::get(sizesOf(dims), realType());
    auto constant = mlir::arith::ConstantOp::create(
        *builder, loc(), mlir::DenseElementsAttr::get(type, llvm::ArrayRef<double>(numbers)));
    return Tensor{constant, Dims(dims)};
  }
  if (value.is<RowSum>()) {
    RowSums::refuse(*this, range);
    return std::nullopt;
  }
  auto number = value.number();
  if (!number) {
    diags().report(Diag::ExpectedValue, range, "a tensor or a number", value.describe());
    return std::nullopt;
  }
  mlir::Type element = value.is<bool>() ? mlir::Type(builder->getI1Type()) : realType();
  if (isEmpty(dims))
    return Tensor{{}, Dims(dims)};
  return Tensor{constant(RankedTensorType::get(sizesOf(dims), element), *number), Dims(dims)};
}

Tensor Evaluator::toReal(Tensor tensor) {
  if (tensor.value && !isReal(tensor))
    tensor.value = tune::convert(*builder, loc(), tensor.value, realType());
  return tensor;
}

Tensor Evaluator::align(const Tensor &tensor, llvm::ArrayRef<Dim> dims) {
  Tensor result = tensor;
  result.dims = Dims(dims);
  result.identity = tensor.identity && dims.size() == 2;
  if (!tensor.value || isEmpty(dims)) {
    result.value = {};
    return result;
  }
  if (tensor.dims.size() == dims.size()) {
    llvm::SmallVector<int64_t> order;
    for (Dim dim : dims)
      order.push_back(indexOf(tensor.dims, dim));
    result.value = tune::transpose(*builder, loc(), tensor.value, order);
    return result;
  }
  llvm::SmallVector<int64_t> positions;
  for (Dim dim : tensor.dims)
    positions.push_back(indexOf(dims, dim));
  auto repeat = [&] { return tune::broadcast(*builder, loc(), tensor.value, sizesOf(dims), positions); };
  auto type = RankedTensorType::get(sizesOf(dims), elementOf(tensor));
  result.value = positions.empty() ? ofScalars("repeat", tensor.value, nullptr, type, repeat) : repeat();
  return result;
}

std::optional<Tensor> Evaluator::fit(const Value &value, llvm::ArrayRef<Dim> dims, Scope &scope, llvm::SMRange range) {
  std::optional<Tensor> tensor = asTensor(value, range, value.is<Value::List>() ? dims : llvm::ArrayRef<Dim>());
  if (!tensor)
    return std::nullopt;
  for (Dim &dim : tensor->dims)
    if (indexOf(dims, dim) < 0) {
      // What is said to have a dimension has that one where another definition's has its name.
      auto stands = [&](Dim own) {
        return own->size == dim->size && indexOf(tensor->dims, own) < 0 && scope.nameOf(own) == scope.nameOf(dim);
      };
      if (const auto *own = llvm::find_if(dims, stands); own != dims.end()) {
        dim = *own;
        continue;
      }
      diags().report(Diag::UnexpectedDimension, range, printDims(tensor->dims, scope), printDims(dims, scope),
                     scope.nameOf(dim));
      return std::nullopt;
    }
  return align(*tensor, dims);
}

Dims ftc::elaborate::unite(llvm::ArrayRef<Dim> a, llvm::ArrayRef<Dim> b) {
  if (b.size() > a.size())
    std::swap(a, b);
  Dims dims(a);
  for (Dim dim : b)
    if (indexOf(dims, dim) < 0)
      dims.push_back(dim);
  orderBy(dims, [](Dim dim) { return int(dim->role); });
  return dims;
}

bool Evaluator::refuseNamesakes(const Value &a, const Value &b, Scope &scope, llvm::SMRange range) {
  auto *x = a.as<Tensor>(), *y = b.as<Tensor>();
  if (!x || !y)
    return false;
  for (Dim dim : x->dims)
    for (Dim other : y->dims) {
      if (indexOf(x->dims, other) >= 0 || indexOf(y->dims, dim) >= 0)
        continue;
      std::string name = scope.nameOf(dim);
      if (name != scope.nameOf(other))
        continue;
      diags()
          .report(Diag::Namesakes, range, name, printDims(x->dims, scope), printDims(y->dims, scope))
          .help("`rename(e, " + name + " -> n)` gives one of them another name; where `" + name +
                "` is in sight, `rename(e, " + name + " -> " + name + ")` makes it that one");
      return true;
    }
  return false;
}

std::string ftc::elaborate::printDims(llvm::ArrayRef<Dim> dims, const Scope &scope) {
  std::vector<std::string> names;
  for (Dim dim : dims)
    names.push_back(scope.nameOf(dim));
  return "[" + llvm::join(names, ", ") + "]";
}

bool Evaluator::refuseNonlinear(const Tensor &tensor, const llvm::Twine &what, llvm::SMRange range) {
  if (tensor.degree == Degree::Constant || !affineIn)
    return false;
  if (libraryCall)
    diags().report(Diag::NotAffine, libraryCall->range, "`" + libraryName.str() + "`", affineIn->name.text);
  else
    diags().report(Diag::NotAffine, range, what.str(), affineIn->name.text);
  return true;
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

static mlir::Value compareReal(mlir::OpBuilder &b, mlir::Location loc, BinaryOp op, mlir::Value x, mlir::Value y) {
  using P = mlir::arith::CmpFPredicate;
  static constexpr P predicates[] = {P::OEQ, P::UNE, P::OLT, P::OLE, P::OGT, P::OGE};
  return mlir::arith::CmpFOp::create(b, loc, predicates[size_t(op) - size_t(BinaryOp::Eq)], x, y);
}

static mlir::Value compareInteger(mlir::OpBuilder &b, mlir::Location loc, BinaryOp op, mlir::Value x, mlir::Value y) {
  using P = mlir::arith::CmpIPredicate;
  static constexpr P predicates[] = {P::eq, P::ne, P::slt, P::sle, P::sgt, P::sge};
  return mlir::arith::CmpIOp::create(b, loc, predicates[size_t(op) - size_t(BinaryOp::Eq)], x, y);
}

static mlir::Value emitInteger(mlir::OpBuilder &b, mlir::Location loc, BinaryOp op, mlir::Value x, mlir::Value y) {
  if (isComparison(op))
    return compareInteger(b, loc, op, x, y);
  switch (op) {
  case BinaryOp::Add:
    return mlir::arith::AddIOp::create(b, loc, x, y);
  case BinaryOp::Sub:
    return mlir::arith::SubIOp::create(b, loc, x, y);
  case BinaryOp::Mul:
    return mlir::arith::MulIOp::create(b, loc, x, y);
  case BinaryOp::Rem:
    return mlir::arith::RemSIOp::create(b, loc, x, y);
  default:
    return nullptr;
  }
}

static mlir::Value emitReal(mlir::OpBuilder &b, mlir::Location loc, BinaryOp op, mlir::Value x, mlir::Value y) {
  if (isComparison(op))
    return compareReal(b, loc, op, x, y);
  switch (op) {
  case BinaryOp::Add:
    return tune::add(b, loc, x, y);
  case BinaryOp::Sub:
    return tune::sub(b, loc, x, y);
  case BinaryOp::Mul:
    return tune::mul(b, loc, x, y);
  case BinaryOp::Div:
    return tune::div(b, loc, x, y);
  case BinaryOp::Rem:
    return mlir::arith::RemFOp::create(b, loc, x, y);
  default:
    return mlir::math::PowFOp::create(b, loc, x, y);
  }
}

Value Evaluator::arithmetic(BinaryOp op, const Value &lhs, const Value &rhs, llvm::SMRange range) {
  if (lhs.isError() || rhs.isError())
    return {};
  if (lhs.is<Tensor>() || rhs.is<Tensor>())
    return binaryTensor(op, lhs, rhs, range);
  ast::BinaryExpr expr(range);
  expr.op = op;
  return binaryKnown(expr, lhs, rhs);
}

/// What an operation of a tensor with a known number is without being computed; an error value if it must be.
static Value foldWithNumber(Evaluator &evaluator, BinaryOp op, const Value &lhs, const Value &rhs,
                            llvm::SMRange range) {
  if (auto n = rhs.number()) {
    if ((*n == 0 && (op == BinaryOp::Add || op == BinaryOp::Sub)) ||
        (*n == 1 && (op == BinaryOp::Mul || op == BinaryOp::Div || op == BinaryOp::Pow)))
      return lhs;
    if (*n == 0 && op == BinaryOp::Mul)
      return 0.0;
    if (op == BinaryOp::Pow && *n == 2)
      return evaluator.binaryTensor(BinaryOp::Mul, lhs, lhs, range);
    if (op == BinaryOp::Pow && *n == -1)
      return evaluator.binaryTensor(BinaryOp::Div, 1.0, lhs, range);
    if (op == BinaryOp::Pow && *n == 0.5)
      return evaluator.elementwise("sqrt", lhs, range);
  }
  if (auto n = lhs.number()) {
    if ((*n == 0 && op == BinaryOp::Add) || (*n == 1 && op == BinaryOp::Mul))
      return rhs;
    if (*n == 0 && (op == BinaryOp::Mul || op == BinaryOp::Div))
      return 0.0;
    if (*n == 0 && op == BinaryOp::Sub)
      return evaluator.negate(rhs, range);
  }
  return {};
}

/// The degree in `x` of an operation of tensors; false if it is not affine.
static bool degreeOf(BinaryOp op, const Tensor &a, const Tensor &b, Degree &degree) {
  degree = join(a.degree, b.degree);
  if (degree == Degree::Constant || op == BinaryOp::Add || op == BinaryOp::Sub)
    return true;
  if (op == BinaryOp::Mul || op == BinaryOp::Contract)
    return a.degree == Degree::Constant || b.degree == Degree::Constant;
  return op == BinaryOp::Div && b.degree == Degree::Constant;
}

Value Evaluator::binaryTensor(BinaryOp op, const Value &lhs, const Value &rhs, llvm::SMRange range) {
  if (!tensorBuilder(range))
    return {};
  for (const Value *side : {&lhs, &rhs})
    if (!side->is<Tensor>() && !side->number()) {
      diags().report(Diag::ExpectedOperand, range, spelling(op), side->describe());
      return {};
    }
  if (Value folded = foldWithNumber(*this, op, lhs, rhs, range); !folded.isError())
    return folded;
  auto dimsOf = [](const Value &side) { return side.is<Tensor>() ? side.as<Tensor>()->dims : Dims(); };
  if (isEmpty(dimsOf(lhs)) || isEmpty(dimsOf(rhs)))
    return Tensor{{}, unite(dimsOf(lhs), dimsOf(rhs))};
  bool integers = true;
  for (const Value *side : {&lhs, &rhs}) {
    auto *tensor = side->as<Tensor>();
    integers &= tensor ? !tensor->value || (!isReal(*tensor) && !isBool(*tensor)) : side->integer().has_value();
  }
  integers &= op != BinaryOp::Div && op != BinaryOp::Pow;
  auto operand = [&](const Value &side, const Value &other) -> Tensor {
    if (auto *tensor = side.as<Tensor>())
      return integers || op == BinaryOp::And || op == BinaryOp::Or ? *tensor : toReal(*tensor);
    mlir::Type element = integers ? elementOf(*other.as<Tensor>())
                         : side.is<bool>() && (op == BinaryOp::And || op == BinaryOp::Or)
                             ? mlir::Type(builder->getI1Type())
                             : realType();
    return Tensor{constant(RankedTensorType::get({}, element), *side.number()), {}};
  };
  Tensor a = operand(lhs, rhs), b = operand(rhs, lhs), result;
  result.dims = unite(a.dims, b.dims);
  if (!degreeOf(op, a, b, result.degree)) {
    refuseNonlinear(b.degree == Degree::Affine ? b : a, "'" + spelling(op) + "'", range);
    return {};
  }
  if (isEmpty(result.dims))
    return result;
  mlir::Value x = align(a, result.dims).value, y = align(b, result.dims).value;
  auto make = [&]() -> mlir::Value {
    if (op == BinaryOp::And)
      return mlir::arith::AndIOp::create(*builder, loc(), x, y);
    if (op == BinaryOp::Or)
      return mlir::arith::OrIOp::create(*builder, loc(), x, y);
    return integers ? emitInteger(*builder, loc(), op, x, y) : emitReal(*builder, loc(), op, x, y);
  };
  result.value = result.dims.empty() ? ofScalars(spelling(op), x, y, tune::typeOf(x), make) : make();
  return result;
}

Value Evaluator::negate(const Value &value, llvm::SMRange range) {
  if (auto integer = value.integer())
    return -*integer;
  if (auto number = value.number())
    return -*number;
  if (auto *tensor = value.as<Tensor>(); tensor && tensorBuilder(range)) {
    Tensor result = *tensor;
    result.identity = false;
    if (result.value && !isReal(*tensor))
      return binaryTensor(BinaryOp::Sub, Tensor{tune::splatLike(*builder, loc(), tensor->value, 0), tensor->dims},
                          value, range);
    if (result.value)
      result.value = tune::neg(*builder, loc(), result.value);
    return result;
  }
  diags().report(Diag::ExpectedOperand, range, "-", value.describe());
  return {};
}

Value Evaluator::logicalNot(const Value &value, llvm::SMRange range) {
  if (auto *truth = value.as<bool>())
    return !*truth;
  if (auto *tensor = value.as<Tensor>(); tensor && tensor->value && isBool(*tensor) && tensorBuilder(range)) {
    mlir::Value ones = tune::splatLike(*builder, loc(), tensor->value, 1);
    return Tensor{mlir::arith::XOrIOp::create(*builder, loc(), tensor->value, ones), tensor->dims};
  }
  diags().report(Diag::ExpectedOperand, range, "not", value.describe());
  return {};
}

Value Evaluator::select(const Value &condition, const Value &yes, const Value &no, llvm::SMRange range) {
  if (condition.isError() || yes.isError() || no.isError() || !tensorBuilder(range))
    return {};
  if (auto *known = condition.as<bool>())
    return *known ? yes : no;
  if (yes.number() && yes.number() == no.number() && !yes.is<Dim>())
    return yes;
  std::optional<Tensor> c = asTensor(condition, range), a = asTensor(beside(yes, no), range),
                        b = asTensor(beside(no, yes), range);
  if (!c || !a || !b)
    return {};
  if (refuseNonlinear(*c, "a choice by a value", range))
    return {};
  if (c->value && !isBool(*c)) {
    diags().report(Diag::ExpectedValue, range, "a truth value", condition.describe());
    return {};
  }
  Tensor result;
  result.dims = unite(unite(a->dims, b->dims), c->dims);
  result.degree = join(a->degree, b->degree);
  if (isEmpty(result.dims))
    return result;
  if (elementOf(*a) != elementOf(*b)) {
    *a = toReal(*a);
    *b = toReal(*b);
  }
  result.value = tune::select(*builder, loc(), align(*c, result.dims).value, align(*a, result.dims).value,
                              align(*b, result.dims).value);
  return result;
}

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

/// The dimensions that `@` sums over: those written, or the only ordinary one that both sides have.
static std::optional<Dims> contracted(Evaluator &evaluator, const Tensor &a, const Tensor &b,
                                      const ast::BinaryExpr &expr, Scope &scope) {
  Dims shared, written;
  auto names = [&](llvm::ArrayRef<Dim> dims) { return printDims(dims, scope); };
  Dims both(a.dims);
  both.append(b.dims.begin(), b.dims.end());
  for (const ast::Name &name : expr.over) {
    Dim dim = evaluator.dimOf(name.text, scope, name.range, both);
    if (!dim)
      return std::nullopt;
    if (indexOf(a.dims, dim) < 0 || indexOf(b.dims, dim) < 0) {
      evaluator.diags().report(Diag::NotShared, name.range, name.text, names(a.dims), names(b.dims));
      return std::nullopt;
    }
    written.push_back(dim);
  }
  if (!written.empty())
    return written;
  for (Dim dim : a.dims)
    if (dim->role == DimRole::Ordinary && indexOf(b.dims, dim) >= 0)
      shared.push_back(dim);
  if (shared.size() == 1)
    return shared;
  if (shared.empty()) {
    auto message = evaluator.diags().report(Diag::NoSharedDimension, expr.range, names(a.dims), names(b.dims));
    hintAtContraction(evaluator, message, expr, a, b, scope);
  } else {
    evaluator.diags().report(Diag::AmbiguousContraction, expr.range, names(a.dims), names(b.dims), names(shared),
                             scope.nameOf(shared.front()));
  }
  return std::nullopt;
}

Value Evaluator::contract(const Value &lhs, const Value &rhs, const ast::BinaryExpr &expr, Scope &scope) {
  if (lhs.number() == 0.0 || rhs.number() == 0.0)
    return 0.0;
  for (auto [side, place] : {std::pair(&lhs, &*expr.lhs), std::pair(&rhs, &*expr.rhs)})
    if (!side->is<Tensor>()) {
      auto message = diags().report(Diag::ExpectedOperand, place->range, "@", side->describe());
      hintAtPrecedence(diags(), message, expr);
      if (side->number())
        message.help("a number is multiplied by `*`");
      return {};
    }
  if (!tensorBuilder(expr.range))
    return {};
  Tensor a = *lhs.as<Tensor>(), b = *rhs.as<Tensor>(), result;
  std::optional<Dims> over = contracted(*this, a, b, expr, scope);
  if (!over)
    return {};
  if (!degreeOf(BinaryOp::Contract, a, b, result.degree)) {
    refuseNonlinear(b, "'@'", expr.range);
    return {};
  }
  // A product with the identity is a change of name.
  for (auto [one, other] : {std::pair(&a, &b), std::pair(&b, &a)})
    if (one->identity && over->size() == 1) {
      Dim from = over->front(), to = one->dims[indexOf(one->dims, from) == 0 ? 1 : 0];
      if (indexOf(other->dims, to) >= 0)
        continue;
      Tensor renamed = *other;
      renamed.dims[indexOf(renamed.dims, from)] = to;
      renamed.degree = result.degree;
      return renamed;
    }
  Tensor product = contractOver(a, b, *over);
  product.degree = result.degree;
  return product;
}

Tensor Evaluator::contractOver(const Tensor &a, const Tensor &b, llvm::ArrayRef<Dim> over) {
  Tensor result;
  for (Dim dim : unite(a.dims, b.dims))
    if (indexOf(over, dim) < 0 && indexOf(a.dims, dim) >= 0)
      result.dims.push_back(dim);
  for (Dim dim : b.dims)
    if (indexOf(over, dim) < 0 && indexOf(result.dims, dim) < 0)
      result.dims.push_back(dim);
  auto rank = [&](Dim dim) { // what streams leads, then common dimensions, then those of the left
    if (dim->role != DimRole::Ordinary)
      return int(dim->role);
    return indexOf(a.dims, dim) >= 0 && indexOf(b.dims, dim) >= 0 ? 10 : indexOf(a.dims, dim) >= 0 ? 20 : 30;
  };
  orderBy(result.dims, rank);
  if (isEmpty(result.dims) || isEmpty(over))
    return *asTensor(0.0, {}, result.dims);
  Dims all(a.dims);
  auto label = [&](llvm::ArrayRef<Dim> dims) {
    llvm::SmallVector<int> labels;
    for (Dim dim : dims) {
      if (!llvm::is_contained(all, dim))
        all.push_back(dim);
      labels.push_back(int(llvm::find(all, dim) - all.begin()));
    }
    return labels;
  };
  auto la = label(a.dims), lb = label(b.dims), lr = label(result.dims);
  result.value = tune::contract(*builder, loc(), toReal(a).value, la, toReal(b).value, lb, lr);
  return result;
}
