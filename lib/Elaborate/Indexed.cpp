//===- Indexed.cpp - entries put where an index says -------------*- C++ -*-===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace ftc;
using namespace ftc::elaborate;
namespace arith = mlir::arith;
using ast::BinaryOp;

Value Evaluator::indexOperand(const ast::Expr &expr, Scope &scope, Dim along) {
  Value value = eval(expr, scope);
  auto *list = value.as<Value::List>();
  if (!list || !tensorBuilder(expr.range))
    return list ? Value() : value;
  std::vector<int32_t> numbers;
  for (const Value &one : **list) {
    std::optional<int64_t> integer = one.integer();
    if (!integer) {
      if (!one.isError())
        diags().report(Diag::ExpectedValue, expr.range, "a list of integers", one.describe());
      return {};
    }
    if (*integer < 0 || *integer >= along->size) {
      diags().report(Diag::IndexOutOfRange, expr.range, *integer, along->size);
      return {};
    }
    numbers.push_back(int32_t(*integer));
  }
  auto *name = llvm::dyn_cast<ast::NameExpr>(&expr);
  Dim dim = name ? dimOf(name->name, scope, expr.range) : shared.dimensions().make("_", int64_t(numbers.size()));
  if (!dim)
    return {};
  if (numbers.empty())
    return Tensor{{}, {dim}};
  auto type = mlir::RankedTensorType::get({dim->size}, builder->getI32Type());
  auto constant =
      arith::ConstantOp::create(*builder, loc(), mlir::DenseElementsAttr::get(type, llvm::ArrayRef<int32_t>(numbers)));
  return Tensor{constant, {dim}};
}

namespace {
/// `out: i, in: j`: where entries are put, in a dimension each.
struct Targets {
  Dims dims;
  std::vector<Tensor> indices;
  Dims together; ///< the dimensions of all indices
};
} // namespace

/// The named arguments but `over`; nothing after an error.
static std::optional<Targets> targetsOf(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope,
                                        llvm::ArrayRef<Dim> operands) {
  Targets targets;
  for (const ast::Argument &argument : expr.arguments) {
    if (!argument.name || argument.name.text == "over")
      continue;
    if (evaluator.asked)
      evaluator.asked->push_back(argument.name.text);
    Dim dim = evaluator.dimOf(argument.name.text, scope, argument.name.range, operands);
    Value value = dim ? evaluator.indexOperand(*argument.value, scope, dim) : Value();
    std::optional<Tensor> index;
    if (std::optional<int64_t> known = value.integer(); known && (*known < 0 || *known >= dim->size)) {
      evaluator.diags().report(Diag::IndexOutOfRange, argument.range, *known, dim->size);
      return std::nullopt;
    } else if (known) {
      auto type = mlir::RankedTensorType::get({}, evaluator.builder->getI32Type());
      index = Tensor{tune::splat(*evaluator.builder, evaluator.loc(), type, double(*known)), {}};
    } else if (auto *tensor = value.as<Tensor>()) {
      index = *tensor;
    }
    bool isIndex = index && (!index->value || (index->value = evaluator.indicesOf(*index)));
    if (!isIndex) {
      if (!value.isError())
        evaluator.diags().report(Diag::ExpectedValue, argument.range,
                                 "an index: an integer or a tensor of whole numbers", value.describe());
      return std::nullopt;
    }
    targets.dims.push_back(dim);
    targets.together = unite(targets.together, index->dims);
    targets.indices.push_back(*index);
  }
  if (targets.dims.empty()) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "'dimension: index'", "no dimension to put entries into");
    return std::nullopt;
  }
  return targets;
}

/// The number of a place among all of `dims`, the last varying fastest; -1 if an index is outside its dimension.
static mlir::Value linearIndex(Evaluator &evaluator, llvm::ArrayRef<Dim> dims, llvm::ArrayRef<Tensor> indices,
                               llvm::ArrayRef<Dim> over) {
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::Location loc = evaluator.loc();
  auto type = mlir::RankedTensorType::get(sizesOf(over), builder.getI32Type());
  auto number = [&](int64_t value) { return tune::splat(builder, loc, type, double(value)); };
  mlir::Value linear = number(0), inside;
  for (auto [dim, index] : llvm::zip(dims, indices)) {
    mlir::Value place = evaluator.align(index, over).value;
    mlir::Value isInside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, place, number(dim->size));
    inside = inside ? arith::AndIOp::create(builder, loc, inside, isInside).getResult() : isInside;
    linear = arith::AddIOp::create(builder, loc, arith::MulIOp::create(builder, loc, linear, number(dim->size)), place);
  }
  return arith::SelectOp::create(builder, loc, inside, linear, number(-1));
}

/// Zeros, plus the entries of `value` at the targets. Dimensions of the indices that are not `over` stay: each of their
/// entries has targets of its own.
static Tensor scatterInto(Evaluator &evaluator, const Tensor &value, const Targets &targets, llvm::ArrayRef<Dim> over) {
  Dims index(targets.together), batch, rest;
  for (Dim dim : over)
    if (indexOf(index, dim) < 0)
      index.push_back(dim);
  for (Dim dim : index)
    if (indexOf(over, dim) < 0)
      batch.push_back(dim);
  for (Dim dim : value.dims)
    if (indexOf(index, dim) < 0)
      rest.push_back(dim);
  Dims places(batch);
  places.append(targets.dims.begin(), targets.dims.end());
  Tensor result{{}, places, value.degree};
  result.dims.append(rest.begin(), rest.end());
  if (llvm::any_of(index, [](Dim dim) { return dim->size == 0; })) {
    result.value = evaluator.asTensor(0.0, {}, result.dims)->value;
    return result;
  }
  std::vector<Tensor> indices;
  for (Dim dim : batch) {
    auto type = mlir::RankedTensorType::get({dim->size}, evaluator.builder->getI32Type());
    indices.push_back(Tensor{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), type, 0), {dim}});
  }
  llvm::append_range(indices, targets.indices);
  Dims order(index);
  order.append(rest.begin(), rest.end());
  int64_t count = 1;
  for (Dim dim : places)
    count *= dim->size;
  llvm::SmallVector<int64_t> shape{count};
  llvm::append_range(shape, sizesOf(rest));
  auto type = mlir::RankedTensorType::get(shape, evaluator.realType());
  mlir::Value rows = evaluator.align(evaluator.toReal(value), order).value;
  mlir::Value added =
      tune::ScatterAddOp::create(*evaluator.builder, evaluator.loc(), type, rows,
                                 linearIndex(evaluator, places, indices, index), /*init=*/mlir::Value());
  result.value = tune::reshape(*evaluator.builder, evaluator.loc(), added, sizesOf(result.dims));
  return result;
}

/// scatter(v, out: i, in: j, over: n): zeros, plus each entry of v along n at its place.
static Value scatter(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value given = call.value(0);
  if (given.isError())
    return {};
  if (given.number() == 0.0) // zeros in any place
    return call.always(0.0);
  std::optional<Tensor> value = evaluator.asTensor(given, expr.range);
  if (!value || !evaluator.tensorBuilder(expr.range))
    return {};
  auto targets = targetsOf(evaluator, expr, scope, value->dims);
  if (!targets)
    return {};
  Dims operands = unite(targets->together, value->dims);
  std::optional<Dims> over = call.over(operands);
  return call.sound() ? Value(scatterInto(evaluator, *value, *targets, over.value_or(targets->together))) : Value();
}

/// put(x, v, vocab: rows): x with the entries at the targets replaced by those of v.
static Value put(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value around = call.value(0), given = around.isError() ? Value() : call.value(1);
  if (given.isError())
    return {};
  if (around.number() && around.number() == given.number())
    return call.always(around);
  std::optional<Tensor> x = evaluator.asTensor(around, expr.range), value = evaluator.asTensor(given, expr.range);
  if (!x || !value || !evaluator.tensorBuilder(expr.range))
    return {};
  auto targets = targetsOf(evaluator, expr, scope, x->dims);
  if (!targets)
    return {};
  for (Dim dim : targets->dims)
    if (indexOf(x->dims, dim) < 0) {
      evaluator.diags().report(Diag::NoSuchDimension, expr.range, "a tensor " + printDims(x->dims, scope),
                               scope.nameOf(dim));
      return {};
    }
  Dims over;
  for (Dim dim : targets->together)
    if (indexOf(x->dims, dim) < 0)
      over.push_back(dim);
  std::optional<Tensor> one = evaluator.asTensor(1.0, expr.range, targets->together);
  Value covered = evaluator.binaryTensor(BinaryOp::Gt, scatterInto(evaluator, *one, *targets, over), 0, expr.range);
  return evaluator.select(covered, scatterInto(evaluator, *value, *targets, over), *x, expr.range);
}

llvm::ArrayRef<Builtin> ftc::elaborate::indexedBuiltins() {
  static const Builtin table[] = {{"scatter", scatter}, {"put", put}};
  return table;
}
