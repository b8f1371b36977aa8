//===- Structure.cpp - tensors that are written, not computed ---*- C++ -*-===//

#include "Matrix.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace ftc;
using namespace ftc::elaborate;

/// The dimension named by the argument `place`, or null after an error.
static Dim dimArgument(Evaluator &evaluator, const ast::CallExpr &expr, size_t place, Scope &scope) {
  if (place >= expr.arguments.size()) {
    evaluator.diags().report(Diag::MissingParameter, expr.range, "this function", "dimension");
    return nullptr;
  }
  std::optional<Dims> dims = evaluator.dimsOf(*expr.arguments[place].value, scope);
  return dims ? dims->front() : nullptr;
}

/// Whether an adapter sees the tokens as they are before those that an adapter of the embedding, itself or one over it,
/// puts before them.
static bool isBeforeVirtual(Evaluator &evaluator, const AdapterInstance &self) {
  if (!evaluator.model || self.form->name.text != "embedding")
    return false;
  std::vector<AdapterInstance *> chain = evaluator.adaptersOn(*self.site);
  return std::any_of(llvm::find(chain, &self), chain.end(),
                     [](const AdapterInstance *adapter) { return putsTokensBefore(*adapter->definition); });
}

/// The number of each token within its document, along `tokens`.
static Value tokenNumbers(Evaluator &evaluator, Dim batch, Dim tokens) {
  Value positions = Tensor{evaluator.modelPass->positions, {batch, tokens}};
  if (!evaluator.within || !isBeforeVirtual(evaluator, *evaluator.within))
    return positions;
  // What is found at the places that are filled later is not used: any number will do there.
  int64_t before = evaluator.model->virtualTokens(evaluator.shared);
  auto type = tune::typeOf(evaluator.modelPass->positions);
  mlir::Value moved = tune::splat(*evaluator.builder, evaluator.loc(), type, double(before));
  moved = mlir::arith::SubIOp::create(*evaluator.builder, evaluator.loc(), evaluator.modelPass->positions, moved);
  mlir::Value zero = tune::splat(*evaluator.builder, evaluator.loc(), type, 0);
  moved = mlir::arith::MaxSIOp::create(*evaluator.builder, evaluator.loc(), moved, zero);
  return Tensor{moved, {batch, tokens}};
}

static Value iota(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  Dim dim = dimArgument(evaluator, expr, 0, scope);
  if (!dim || !evaluator.tensorBuilder(expr.range))
    return {};
  // Tokens are counted within their documents, however many share a row, and in whichever pieces a row is read.
  const AttentionForm *form = evaluator.attentionForm;
  if (form && dim == form->keys)
    return Tensor{form->keyPositions, {form->batch, dim}};
  Value batch = evaluator.ambient.lookup("batch"), tokens = evaluator.ambient.lookup("tokens");
  bool isRun = evaluator.modelPass && evaluator.modelPass->positions && batch.is<Dim>() && tokens.is<Dim>();
  if (isRun && (dim == *tokens.as<Dim>() || dim->base == *tokens.as<Dim>()))
    return tokenNumbers(evaluator, *batch.as<Dim>(), dim);
  auto type = mlir::RankedTensorType::get({dim->size}, evaluator.builder->getI32Type());
  if (dim->size == 0)
    return Tensor{{}, {dim}};
  return Tensor{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), type, 0), {dim}};
}

/// eye(a, b): 1 where both places are the same number, in as many columns as there are.
static Value eye(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  Dim row = dimArgument(evaluator, expr, 0, scope), column = row ? dimArgument(evaluator, expr, 1, scope) : nullptr;
  if (!column || !evaluator.tensorBuilder(expr.range))
    return {};
  if (row == column) {
    std::string name = scope.nameOf(column);
    evaluator.diags()
        .report(Diag::RepeatedDimension, expr.range, name)
        .help("another one of its size is " + name + "'");
    return {};
  }
  if (row->size == column->size)
    return identity(evaluator, row, column);
  auto number = [&](Dim dim) -> Value {
    auto type = mlir::RankedTensorType::get({dim->size}, evaluator.builder->getI32Type());
    return Tensor{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), type, 0), {dim}};
  };
  Value both = evaluator.binaryTensor(ast::BinaryOp::Eq, number(row), number(column), expr.range);
  return evaluator.select(both, 1.0, 0.0, expr.range);
}

static Value stopGradient(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value value = call.value(0);
  auto *tensor = value.as<Tensor>();
  if (!tensor || !tensor->value || !llvm::isa<mlir::FloatType>(tune::typeOf(tensor->value).getElementType()) ||
      !evaluator.tensorBuilder(expr.range))
    return value; // integers and truth values have no gradient
  Tensor result = *tensor;
  result.value = tune::StopGradientOp::create(*evaluator.builder, evaluator.loc(), tensor->value);
  return result;
}

/// reverse(x, along: d): entry i moves to size - 1 - i.
static Value reverse(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value value = call.value(0);
  if (value.isError() || value.number())
    return call.always(value);
  std::optional<Tensor> x = evaluator.asTensor(value, expr.range);
  Dim dim = x ? call.along(*x) : nullptr;
  if (!dim || !evaluator.tensorBuilder(expr.range))
    return {};
  Tensor result = *x;
  result.identity = false;
  if (x->value)
    result.value = tune::ReverseOp::create(*evaluator.builder, evaluator.loc(), x->value.getType(), x->value,
                                           indexOf(x->dims, dim));
  return result;
}

/// The entries [size - k, size) before the others.
static Value rollBy(Evaluator &evaluator, const Tensor &x, Dim dim, int64_t k) {
  k = (k % dim->size + dim->size) % dim->size;
  if (k == 0 || !x.value)
    return x;
  mlir::OpBuilder &builder = *evaluator.builder;
  int place = indexOf(x.dims, dim);
  mlir::Value last = tune::slice(builder, evaluator.loc(), x.value, place, dim->size - k, k);
  mlir::Value first = tune::slice(builder, evaluator.loc(), x.value, place, 0, dim->size - k);
  Tensor result = x;
  result.identity = false;
  result.value = tune::concat(builder, evaluator.loc(), {last, first}, place);
  return result;
}

/// roll(x, k, along: d): entry i moves to i + k, round the end.
static Value roll(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value value = call.value(0);
  if (value.isError() || value.number())
    return call.always(value);
  std::optional<Tensor> x = evaluator.asTensor(value, expr.range);
  Value shift = x ? call.value(1) : Value();
  Dim dim = shift.isError() ? nullptr : call.along(*x);
  if (!dim || !evaluator.tensorBuilder(expr.range))
    return {};
  if (std::optional<int64_t> known = shift.integer())
    return rollBy(evaluator, *x, dim, *known);
  std::optional<Tensor> k = evaluator.asTensor(shift, expr.range);
  if (!k || !k->value)
    return {};
  mlir::OpBuilder &builder = *evaluator.builder;
  auto integers = tune::typeOf(k->value).clone(builder.getI32Type());
  if (llvm::isa<mlir::FloatType>(tune::typeOf(k->value).getElementType()))
    k->value = mlir::arith::FPToSIOp::create(builder, evaluator.loc(), integers, k->value);
  auto type = mlir::RankedTensorType::get({dim->size}, builder.getI32Type());
  Tensor place{tune::IotaOp::create(builder, evaluator.loc(), type, 0), {dim}};
  auto combine = [&](ast::BinaryOp op, const Value &a, const Value &b) {
    return evaluator.arithmetic(op, a, b, expr.range);
  };
  // The remainder has the sign of its left side.
  Value rest = combine(ast::BinaryOp::Rem, combine(ast::BinaryOp::Sub, place, *k), dim->size);
  return evaluator.pick(*x, dim, combine(ast::BinaryOp::Rem, combine(ast::BinaryOp::Add, rest, dim->size), dim->size),
                        expr.range);
}

/// mask(x, condition): x where the condition holds, else -inf.
static Value mask(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value x = call.value(0), condition = call.value(1);
  return evaluator.select(condition, x, -std::numeric_limits<double>::infinity(), expr.range);
}

llvm::ArrayRef<Builtin> ftc::elaborate::structureBuiltins() {
  static const Builtin table[] = {{"iota", iota}, {"eye", eye},         {"stop_gradient", stopGradient},
                                  {"mask", mask}, {"reverse", reverse}, {"roll", roll}};
  return table;
}
