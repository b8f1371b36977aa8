//===- Decompositions.cpp - functions of whole matrices ----------*- C++ -*-===//

#include "Arrows.h"
#include "Matrix.h"

#include "dialects/Tune/Utils/Builders.h"

#include <numbers>

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

namespace {
/// The arguments `A, (out, in) -> rank`.
struct Decomposed {
  Tensor x; ///< [batch..., row, column]
  Dim row, column, rank;
  Dims batch;

  Dims with(std::initializer_list<Dim> dims) const {
    Dims all(batch);
    all.append(dims);
    return all;
  }
  mlir::RankedTensorType typeOf(llvm::ArrayRef<Dim> dims) const { return tune::typeOf(x.value).clone(sizesOf(dims)); }
};
} // namespace

static std::optional<Decomposed> decomposed(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope,
                                            llvm::StringRef name) {
  BuiltinCall call(evaluator, expr, scope, 2);
  std::optional<Tensor> x = call.tensor(0);
  const ast::ArrowExpr *arrow = x ? call.arrow(1) : nullptr;
  auto from = arrow ? patternOf(evaluator, *arrow->from) : std::nullopt;
  auto to = from ? patternOf(evaluator, *arrow->to) : std::nullopt;
  if (!to || !evaluator.tensorBuilder(expr.range) || evaluator.refuseNonlinear(*x, "`" + name + "`", expr.range))
    return std::nullopt;
  if (from->kind != Pattern::Product || from->names.size() != 2 || to->kind != Pattern::Single) {
    evaluator.diags().report(Diag::BadArrow, arrow->range).help("as in '" + name.str() + "(A, (out, in) -> rank)'");
    return std::nullopt;
  }
  Dim sides[2];
  for (auto [side, given] : llvm::zip(sides, from->names)) {
    side = evaluator.dimOf(given->name, scope, given->range, x->dims);
    if (side && indexOf(x->dims, side) < 0)
      evaluator.diags().report(Diag::NoSuchDimension, given->range, "a tensor " + printDims(x->dims, scope),
                               given->name);
    if (!side || indexOf(x->dims, side) < 0)
      return std::nullopt;
  }
  int64_t most = std::min(sides[0]->size, sides[1]->size);
  const ast::NameExpr &rankName = *to->names.front();
  Dim rank = evaluator.dimOf(rankName.name, scope, {});
  if (!rank)
    rank = evaluator.madeDim(rankName.name, most, scope);
  if (rank->size > most || rank->size == 0) {
    evaluator.diags().report(Diag::ExpectedValue, rankName.range, "a rank of 1 to " + std::to_string(most),
                             std::to_string(rank->size));
    return std::nullopt;
  }
  Decomposed result{matrixLast(evaluator, evaluator.toReal(*x), {sides[0], sides[1]}), sides[0], sides[1], rank, {}};
  result.batch = Dims(llvm::ArrayRef<Dim>(result.x.dims).drop_back(2));
  return result;
}

/// svd(W, (out, in) -> rank): U [out, rank], S [rank], V [rank, in].
static Value svd(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto d = decomposed(evaluator, expr, scope, "svd");
  if (!d)
    return {};
  Dims left = d->with({d->row, d->rank}), values = d->with({d->rank}), right = d->with({d->rank, d->column});
  auto op = tune::SVDOp::create(*evaluator.builder, evaluator.loc(), d->typeOf(left), d->typeOf(values),
                                d->typeOf(right), d->x.value);
  return Value::tuple({Tensor{op.getU(), left}, Tensor{op.getS(), values}, Tensor{op.getV(), right}});
}

/// eigh(C, (in, in') -> rank): the values [rank] and vectors [in, rank] of a symmetric matrix.
static Value eigh(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto d = decomposed(evaluator, expr, scope, "eigh");
  if (!d)
    return {};
  if (d->row->size != d->column->size) {
    evaluator.diags().report(Diag::SizeMismatch, expr.range, d->column->name, d->column->size, d->row->size);
    return {};
  }
  Dims values = d->with({d->rank}), vectors = d->with({d->row, d->rank});
  auto op =
      tune::EigHOp::create(*evaluator.builder, evaluator.loc(), d->typeOf(values), d->typeOf(vectors), d->x.value);
  return Value::tuple({Tensor{op.getW(), values}, Tensor{op.getQ(), vectors}});
}

/// qr(A, (out, in) -> rank): Q [out, rank] with orthonormal columns, R [rank, in], whose product has A's first `rank`
/// columns, and the part of the others that these span.
static Value qr(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto d = decomposed(evaluator, expr, scope, "qr");
  if (!d)
    return {};
  mlir::OpBuilder &builder = *evaluator.builder;
  auto last = int64_t(d->batch.size()) + 1;
  mlir::Value first = tune::slice(builder, evaluator.loc(), d->x.value, last, 0, d->rank->size);
  Dims left = d->with({d->row, d->rank}), right = d->with({d->rank, d->column});
  auto op =
      tune::QROp::create(builder, evaluator.loc(), d->typeOf(left), d->typeOf(d->with({d->rank, d->rank})), first);
  mlir::Value r = op.getR();
  if (d->rank->size < d->column->size) {
    llvm::SmallVector<int> q, rest, out;
    for (int label = 0; label < int(d->batch.size()); ++label)
      for (auto *labels : {&q, &rest, &out})
        labels->push_back(label);
    int summed = int(last) + 1, rank = summed + 1, column = summed + 2;
    q.append({summed, rank});
    rest.append({summed, column});
    out.append({rank, column});
    mlir::Value others =
        tune::slice(builder, evaluator.loc(), d->x.value, last, d->rank->size, d->column->size - d->rank->size);
    mlir::Value spanned = tune::contract(builder, evaluator.loc(), op.getQ(), q, others, rest, out);
    r = tune::concat(builder, evaluator.loc(), {r, spanned}, last);
  }
  return Value::tuple({Tensor{op.getQ(), left}, Tensor{r, right}});
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

/// What a dimension is a prime of, or itself.
static Dim rootOf(Dim dim) {
  while (dim->base)
    dim = dim->base;
  return dim;
}

/// The dimension of A that y has and `A @ u` keeps, the other being summed over; null after an error.
static Dim keptDimension(Evaluator &evaluator, const Tensor &a, const Tensor &y, Dim summed, const ast::CallExpr &expr,
                         Scope &scope) {
  Dims candidates;
  for (Dim dim : a.dims) {
    if (dim->size != summed->size || indexOf(y.dims, dim) < 0)
      continue;
    if (rootOf(dim) == rootOf(summed))
      return dim;
    candidates.push_back(dim);
  }
  if (candidates.size() == 1)
    return candidates.front();
  evaluator.diags().report(Diag::ExpectedValue, expr.range, "a square matrix of whose dimensions y has one",
                           printDims(a.dims, scope) + " and " + printDims(y.dims, scope));
  return nullptr;
}

static Value solveWith(Evaluator &evaluator, const Tensor &a, const Tensor &y, Dim kept, Dim summed) {
  Dims batch, rest;
  for (Dim dim : unite(a.dims, y.dims))
    if (dim != kept && dim != summed)
      (indexOf(a.dims, dim) >= 0 ? batch : rest).push_back(dim);
  Dims matrix(batch), right(batch), result(batch);
  matrix.append({kept, summed});
  right.push_back(kept);
  right.append(rest.begin(), rest.end());
  result.push_back(summed);
  result.append(rest.begin(), rest.end());
  mlir::OpBuilder &builder = *evaluator.builder;
  auto sizes = sizesOf(batch);
  int64_t columns = 1;
  for (Dim dim : rest)
    columns *= dim->size;
  sizes.append({kept->size, columns});
  mlir::Value left = evaluator.align(evaluator.toReal(a), matrix).value;
  mlir::Value given = tune::reshape(builder, evaluator.loc(), evaluator.align(evaluator.toReal(y), right).value, sizes);
  mlir::Value solved = tune::SolveOp::create(builder, evaluator.loc(), given.getType(), left, given);
  return Tensor{tune::reshape(builder, evaluator.loc(), solved, sizesOf(result)), result, y.degree};
}

/// The matrix of a call, square; nothing after an error.
static std::optional<Matrix> squareOf(Evaluator &evaluator, BuiltinCall &call, const Tensor &x,
                                      const ast::CallExpr &expr, Scope &scope) {
  auto matrix = matrixOf(evaluator, call, x, scope, expr.range);
  if (matrix && matrix->row->size != matrix->column->size) {
    evaluator.diags().report(Diag::SizeMismatch, expr.range, matrix->column->name, matrix->column->size,
                             matrix->row->size);
    return std::nullopt;
  }
  return matrix;
}

/// The u with A u = Y, of square matrices of the same two dimensions.
static Value solveMatrix(Evaluator &evaluator, const Tensor &a, const Tensor &y, const Matrix &matrix) {
  Dim other = evaluator.shared.dimensions().make(matrix.column->name, matrix.column->size);
  Tensor right = y;
  right.dims[indexOf(right.dims, matrix.column)] = other;
  Value solved = solveWith(evaluator, a, right, matrix.row, matrix.column);
  Tensor result = *solved.as<Tensor>();
  result.dims[indexOf(result.dims, matrix.column)] = matrix.row;
  result.dims[indexOf(result.dims, other)] = matrix.column;
  return result;
}

/// solve(A, y): the u with A @ u = y; of square matrices of the same two dimensions their quotient.
static Value solve(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  std::optional<Tensor> a = call.tensor(0);
  Value given = a ? call.value(1) : Value();
  if (given.number() == 0.0)
    return call.always(0.0);
  std::optional<Tensor> y = given.isError() ? std::nullopt : evaluator.asTensor(given, expr.range);
  if (!y || !evaluator.tensorBuilder(expr.range) || evaluator.refuseNonlinear(*a, "`solve`", expr.range))
    return {};
  Dims own;
  for (Dim dim : a->dims)
    if (indexOf(y->dims, dim) < 0)
      own.push_back(dim);
  if (own.empty() && a->dims.size() >= 2)
    if (auto matrix = squareOf(evaluator, call, *a, expr, scope))
      return solveMatrix(evaluator, *a, *y, *matrix);
  if (own.size() != 1) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a matrix with one dimension that y lacks",
                             printDims(a->dims, scope) + " and " + printDims(y->dims, scope));
    return {};
  }
  Dim kept = keptDimension(evaluator, *a, *y, own.front(), expr, scope);
  return kept ? solveWith(evaluator, *a, *y, kept, own.front()) : Value();
}

/// inverse(A): with rows and columns as A's.
static Value inverse(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  std::optional<Tensor> a = call.tensor(0);
  auto matrix = a ? squareOf(evaluator, call, *a, expr, scope) : std::nullopt;
  if (!matrix || !evaluator.tensorBuilder(expr.range) || evaluator.refuseNonlinear(*a, "`inverse`", expr.range))
    return {};
  return solveMatrix(evaluator, *a, identity(evaluator, matrix->row, matrix->column), *matrix);
}

/// transposed(A): with rows and columns exchanged.
static Value transposed(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  std::optional<Tensor> a = call.tensor(0);
  auto matrix = a ? squareOf(evaluator, call, *a, expr, scope) : std::nullopt;
  if (!matrix)
    return {};
  Tensor result = *a;
  std::swap(result.dims[indexOf(a->dims, matrix->row)], result.dims[indexOf(a->dims, matrix->column)]);
  result.identity = false;
  return result;
}

/// compose(A, B, ...): the product of square matrices of the same two dimensions.
static Value compose(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  std::optional<Tensor> product = call.tensor(0);
  auto matrix = product ? squareOf(evaluator, call, *product, expr, scope) : std::nullopt;
  for (size_t place = 1; matrix && place < call.positionalCount(); ++place) {
    std::optional<Tensor> next = call.tensor(place);
    if (!next)
      return {};
    for (Dim dim : {matrix->row, matrix->column})
      if (indexOf(next->dims, dim) < 0) {
        evaluator.diags().report(Diag::NoSuchDimension, expr.range, "a tensor " + printDims(next->dims, scope),
                                 scope.nameOf(dim));
        return {};
      }
    // A[row, column] B[column, other]; then the name goes back.
    Dim other = evaluator.shared.dimensions().make(matrix->column->name, matrix->column->size);
    next->dims[indexOf(next->dims, matrix->column)] = other;
    next->dims[indexOf(next->dims, matrix->row)] = matrix->column;
    Value both = evaluator.contractOver(*product, *next, {matrix->column});
    auto *tensor = both.as<Tensor>();
    if (!tensor)
      return {};
    *product = *tensor;
    product->dims[indexOf(product->dims, other)] = matrix->column;
  }
  return matrix ? Value(*product) : Value();
}

/// x y, of matrices [batch..., n, n].
static Tensor multiplied(Evaluator &evaluator, const Tensor &x, const Tensor &y) {
  llvm::SmallVector<int> left, right, out;
  int batch = int(x.dims.size()) - 2;
  for (int label = 0; label < batch; ++label)
    for (auto *labels : {&left, &right, &out})
      labels->push_back(label);
  left.append({batch, batch + 1});
  right.append({batch + 1, batch + 2});
  out.append({batch, batch + 2});
  return Tensor{tune::contract(*evaluator.builder, evaluator.loc(), x.value, left, y.value, right, out), x.dims};
}

/// expm(A) = 1 + A + A A / 2 + ...: of A / 2^s, where its norm is at most 1/2, squared s times. Norms up to 2^15.
static Value expm(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  std::optional<Tensor> a = call.tensor(0);
  auto matrix = a ? squareOf(evaluator, call, *a, expr, scope) : std::nullopt;
  if (!matrix || !evaluator.tensorBuilder(expr.range) || evaluator.refuseNonlinear(*a, "`expm`", expr.range))
    return {};
  constexpr int terms = 14, most = 16;
  auto combine = [&](BinaryOp op, const Value &x, const Value &y) {
    return evaluator.arithmetic(op, x, y, expr.range);
  };
  Tensor x = matrixLast(evaluator, evaluator.toReal(*a), *matrix);
  Tensor constant = x;
  constant.value = tune::StopGradientOp::create(*evaluator.builder, evaluator.loc(), x.value);
  Value norm =
      evaluator.reduce("sum", evaluator.elementwise("abs", constant, expr.range), Dims{matrix->column}, expr.range);
  norm = evaluator.reduce("max", norm, std::nullopt, expr.range);
  // log2 of the norm, rounded up, and one more; the smallest norm avoids the logarithm of 0.
  Value bits = combine(BinaryOp::Div, evaluator.elementwise("log", combine(BinaryOp::Add, norm, 0x1p-100), expr.range),
                       std::numbers::ln2);
  Value squarings = combine(BinaryOp::Add, evaluator.elementwise("ceil", bits, expr.range), 1);
  squarings = evaluator.select(combine(BinaryOp::Gt, squarings, 0), squarings, 0.0, expr.range);
  squarings = evaluator.select(combine(BinaryOp::Lt, squarings, most), squarings, double(most), expr.range);
  Value factor = evaluator.elementwise("exp", combine(BinaryOp::Mul, squarings, -std::numbers::ln2), expr.range);
  Value small = combine(BinaryOp::Mul, x, factor);
  Value one = evaluator.align(identity(evaluator, matrix->row, matrix->column), x.dims);
  Value result = one; // Horner's rule
  for (int term = terms; term > 0; --term) {
    Value product = multiplied(evaluator, *small.as<Tensor>(), *result.as<Tensor>());
    result = combine(BinaryOp::Add, one, combine(BinaryOp::Div, product, term));
  }
  for (int square = 0; square < most; ++square) {
    Value product = multiplied(evaluator, *result.as<Tensor>(), *result.as<Tensor>());
    result = evaluator.select(combine(BinaryOp::Gt, squarings, square), product, result, expr.range);
  }
  return result;
}

llvm::ArrayRef<Builtin> ftc::elaborate::decompositionBuiltins() {
  static const Builtin table[] = {
      {"svd", svd},         {"eigh", eigh}, {"qr", qr},           {"solve", solve},
      {"inverse", inverse}, {"expm", expm}, {"compose", compose}, {"transposed", transposed}};
  return table;
}
