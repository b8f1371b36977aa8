//===- Matrices.cpp - matrices by their structure ----------------*- C++ -*-===//
//
// All are compositions of products with identity matrices, gathers and joins, so that tune-order-contractions finds
// the cheap form of each when it meets `@`.
//
//===----------------------------------------------------------------------===//

#include "Arrows.h"
#include "Matrix.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;
namespace arith = mlir::arith;
using ast::BinaryOp;

std::optional<Matrix> ftc::elaborate::matrixOf(Evaluator &evaluator, BuiltinCall &call, const Tensor &x, Scope &scope,
                                               llvm::SMRange range) {
  std::optional<Dims> over = call.over(x.dims);
  if (!call.sound())
    return std::nullopt;
  if (over && over->size() == 2)
    return Matrix{(*over)[0], (*over)[1]};
  if (!over)
    for (Dim dim : x.dims)
      if (dim->base && indexOf(x.dims, dim->base) >= 0)
        return Matrix{dim->base, dim};
  if (!over && x.dims.size() == 2)
    return Matrix{x.dims[0], x.dims[1]};
  evaluator.diags()
      .report(Diag::ExpectedValue, range, "a matrix", "a tensor " + printDims(x.dims, scope))
      .help("say which dimensions are its rows and columns: 'over: (row, column)'");
  return std::nullopt;
}

Tensor ftc::elaborate::matrixLast(Evaluator &evaluator, const Tensor &x, const Matrix &matrix) {
  Dims order;
  for (Dim dim : x.dims)
    if (dim != matrix.row && dim != matrix.column)
      order.push_back(dim);
  order.append({matrix.row, matrix.column});
  return evaluator.align(x, order);
}

//===----------------------------------------------------------------------===//
// Products whose dimensions are joined
//===----------------------------------------------------------------------===//

namespace {
/// An argument `(a, b) -> out`: the dimensions on its left, and the name on its right.
struct Join {
  Dims parts;
  const ast::NameExpr *to;
};
} // namespace

static std::optional<Join> joinArgument(Evaluator &evaluator, const ast::ArrowExpr *arrow, llvm::ArrayRef<Dim> operands,
                                        Scope &scope) {
  auto from = arrow ? patternOf(evaluator, *arrow->from) : std::nullopt;
  auto to = from ? patternOf(evaluator, *arrow->to) : std::nullopt;
  if (!to)
    return std::nullopt;
  if (from->kind == Pattern::Sum || to->kind != Pattern::Single) {
    evaluator.diags().report(Diag::BadArrow, arrow->range);
    return std::nullopt;
  }
  Join join{{}, to->names.front()};
  for (const ast::NameExpr *name : from->names) {
    Dim dim = evaluator.dimOf(name->name, scope, name->range, operands);
    if (!dim)
      return std::nullopt;
    if (indexOf(operands, dim) < 0) {
      evaluator.diags().report(Diag::NoSuchDimension, name->range, "a tensor " + printDims(operands, scope),
                               scope.nameOf(dim));
      return std::nullopt;
    }
    join.parts.push_back(dim);
  }
  return join;
}

/// Reports another number of arguments, with the form that is needed.
static bool hasArguments(Evaluator &evaluator, BuiltinCall &call, const ast::CallExpr &expr, size_t count,
                         llvm::StringRef form) {
  if (call.positionalCount() == count)
    return true;
  evaluator.diags()
      .report(Diag::WrongArgumentCount, expr.range, form.split('(').first, count, call.positionalCount())
      .help("arrows say what the dimensions of the matrix are: '" + form.str() + "'");
  return false;
}

/// a * b, with the dimensions of both sides of the matrix joined.
static Value joinedProduct(Evaluator &evaluator, const Tensor &a, const Tensor &b, const Join &rows,
                           const Join &columns, Scope &scope, llvm::SMRange range) {
  Dims order;
  for (Dim dim : unite(a.dims, b.dims))
    if (indexOf(rows.parts, dim) < 0 && indexOf(columns.parts, dim) < 0)
      order.push_back(dim);
  order.append(rows.parts.begin(), rows.parts.end());
  order.append(columns.parts.begin(), columns.parts.end());
  Value product = evaluator.binaryTensor(BinaryOp::Mul, evaluator.align(a, order), evaluator.align(b, order), range);
  auto *tensor = product.as<Tensor>();
  Value joined = tensor ? joinDims(evaluator, *tensor, rows.parts, *rows.to, scope) : Value();
  tensor = joined.as<Tensor>();
  return tensor ? joinDims(evaluator, *tensor, columns.parts, *columns.to, scope) : Value();
}

/// kron(a, b, (p, r) -> out, (q, s) -> in): entry ((p, r), (q, s)) is a[p, q] b[r, s].
static Value kron(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  if (!hasArguments(evaluator, call, expr, 4, "kron(a, b, (p, r) -> out, (q, s) -> in)"))
    return {};
  std::optional<Tensor> a = call.tensor(0), b = a ? call.tensor(1) : std::nullopt;
  if (!a || !b || !evaluator.tensorBuilder(expr.range))
    return {};
  Dims operands = unite(a->dims, b->dims);
  auto rows = joinArgument(evaluator, call.arrow(2), operands, scope);
  auto columns = rows ? joinArgument(evaluator, call.arrow(3), operands, scope) : std::nullopt;
  return columns ? joinedProduct(evaluator, *a, *b, *rows, *columns, scope, expr.range) : Value();
}

/// block_diag(R, (blocks, b) -> out, (blocks, b') -> in): the blocks R[blocks: i] along the diagonal, 0 elsewhere.
static Value blockDiagonal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  if (!hasArguments(evaluator, call, expr, 3, "block_diag(R, (blocks, b) -> out, (blocks, b') -> in)"))
    return {};
  std::optional<Tensor> x = call.tensor(0);
  if (!x || !evaluator.tensorBuilder(expr.range))
    return {};
  auto rows = joinArgument(evaluator, call.arrow(1), x->dims, scope);
  auto columns = rows ? joinArgument(evaluator, call.arrow(2), x->dims, scope) : std::nullopt;
  if (!columns)
    return {};
  Value same;
  for (Dim &dim : columns->parts)
    if (indexOf(rows->parts, dim) >= 0) {
      Dim other = evaluator.shared.dimensions().make(dim->name, dim->size);
      Value isSame = identity(evaluator, dim, other);
      same = same.isError() ? isSame : evaluator.binaryTensor(BinaryOp::Mul, same, isSame, expr.range);
      dim = other;
    }
  auto *tensor = same.as<Tensor>();
  if (!tensor) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "arrows of which both name the blocks",
                             "a tensor " + printDims(x->dims, scope) + " without such a dimension");
    return {};
  }
  return joinedProduct(evaluator, *x, *tensor, *rows, *columns, scope, expr.range);
}

//===----------------------------------------------------------------------===//
// Entries of a vector
//===----------------------------------------------------------------------===//

namespace {
/// The arrow `n -> (b, b')`: a dimension of x and those of the square matrix that is made of it.
struct Square {
  Tensor x;
  Dim from, row, column;
};
} // namespace

/// `sizeOf`: of the matrix, from that of the vector; 0 if there is none.
static std::optional<Square> squareArgument(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope,
                                            int64_t (*sizeOf)(int64_t)) {
  BuiltinCall call(evaluator, expr, scope, 2);
  std::optional<Tensor> x = call.tensor(0);
  const ast::ArrowExpr *arrow = x ? call.arrow(1) : nullptr;
  auto from = arrow ? patternOf(evaluator, *arrow->from) : std::nullopt;
  auto to = from ? patternOf(evaluator, *arrow->to) : std::nullopt;
  if (!to || !evaluator.tensorBuilder(expr.range))
    return std::nullopt;
  if (from->kind != Pattern::Single || to->kind != Pattern::Product || to->names.size() != 2) {
    evaluator.diags().report(Diag::BadArrow, arrow->range);
    return std::nullopt;
  }
  const ast::NameExpr &name = *from->names.front();
  Dim dim = evaluator.dimOf(name.name, scope, name.range, x->dims);
  if (dim && indexOf(x->dims, dim) < 0) {
    evaluator.diags().report(Diag::NoSuchDimension, name.range, "a tensor " + printDims(x->dims, scope), name.name);
    return std::nullopt;
  }
  int64_t size = dim ? sizeOf(dim->size) : 0;
  Dim row = size > 0 ? target(evaluator, *to->names[0], size, scope) : nullptr;
  // The column may be a prime of a row that has just been made.
  Dim column = !row                                             ? nullptr
               : to->names[1]->name == to->names[0]->name + "'" ? evaluator.shared.dimensions().primed(row)
                                                                : target(evaluator, *to->names[1], size, scope);
  if (dim && size == 0)
    evaluator.diags().report(Diag::ExpectedValue, arrow->range,
                             "as many entries as a square matrix has above its diagonal", std::to_string(dim->size));
  return column ? std::optional(Square{*x, dim, row, column}) : std::nullopt;
}

/// Entry index(row, column) of the vector, 0 where that is negative.
static Value fromVector(Evaluator &evaluator, const Square &square, llvm::function_ref<int64_t(int64_t, int64_t)> index,
                        llvm::SMRange range) {
  std::vector<int32_t> places;
  for (int64_t row = 0; row < square.row->size; ++row)
    for (int64_t column = 0; column < square.column->size; ++column)
      places.push_back(int32_t(index(row, column)));
  auto type = mlir::RankedTensorType::get({square.row->size, square.column->size}, evaluator.builder->getI32Type());
  auto constant = arith::ConstantOp::create(*evaluator.builder, evaluator.loc(),
                                            mlir::DenseElementsAttr::get(type, llvm::ArrayRef<int32_t>(places)));
  Value matrices = evaluator.pick(square.x, square.from, Tensor{constant, {square.row, square.column}}, range);
  if (auto *tensor = matrices.as<Tensor>()) // each in one piece, as products want them
    return matrixLast(evaluator, *tensor, {square.row, square.column});
  return matrices;
}

/// circulant(c, b -> (b, b')): entry c[(row - column) mod b].
static Value circulant(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto square = squareArgument(evaluator, expr, scope, [](int64_t n) { return n; });
  if (!square)
    return {};
  int64_t n = square->from->size;
  return fromVector(
      evaluator, *square, [n](int64_t row, int64_t column) { return (row - column + n) % n; }, expr.range);
}

/// skew(v, n -> (b, b')): v is the strict upper triangle, row by row; the lower one is its negative.
static Value skew(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto square = squareArgument(evaluator, expr, scope, [](int64_t n) {
    auto size = int64_t(std::llround((1 + std::sqrt(1.0 + 8.0 * double(n))) / 2));
    return size * (size - 1) / 2 == n ? size : 0;
  });
  if (!square)
    return {};
  int64_t size = square->row->size;
  auto above = [size](int64_t row, int64_t column) {
    return row < column ? row * size - row * (row + 1) / 2 + column - row - 1 : -1;
  };
  Value upper = fromVector(evaluator, *square, above, expr.range);
  auto *tensor = upper.as<Tensor>();
  if (!tensor)
    return {};
  Tensor lower = *tensor;
  std::swap(lower.dims[indexOf(lower.dims, square->row)], lower.dims[indexOf(lower.dims, square->column)]);
  return evaluator.binaryTensor(BinaryOp::Sub, upper, lower, expr.range);
}

//===----------------------------------------------------------------------===//
// Parts of a matrix
//===----------------------------------------------------------------------===//

Tensor ftc::elaborate::identity(Evaluator &evaluator, Dim row, Dim column) {
  auto type = mlir::RankedTensorType::get({row->size, column->size}, evaluator.realType());
  Tensor result{tune::EyeOp::create(*evaluator.builder, evaluator.loc(), type), {row, column}};
  result.identity = true;
  return result;
}

/// diagonal(C, in): the entries of `[in, in']` at which both agree, `[in]`; of a vector `[in]` the matrix `[in, in']`
/// that is 0 elsewhere.
static Value diagonal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  std::optional<Tensor> x = call.tensor(0);
  std::optional<Dims> named = x ? evaluator.dimsOf(*expr.arguments[1].value, scope, x->dims) : std::nullopt;
  if (!named || !evaluator.tensorBuilder(expr.range))
    return {};
  Dim row = named->front(), column = evaluator.shared.dimensions().primed(row);
  if (x->dims == Dims{row})
    return evaluator.binaryTensor(BinaryOp::Mul, *x, identity(evaluator, row, column), expr.range);
  for (Dim dim : {row, column})
    if (indexOf(x->dims, dim) < 0) {
      evaluator.diags().report(Diag::NoSuchDimension, expr.range, "a tensor " + printDims(x->dims, scope),
                               scope.nameOf(dim));
      return {};
    }
  Value both = evaluator.binaryTensor(BinaryOp::Gt, identity(evaluator, row, column), 0, expr.range);
  return evaluator.reduce("sum", evaluator.select(both, *x, 0.0, expr.range), Dims{column}, expr.range);
}

/// x where `op` holds of column - row and the number of a diagonal (0 is the main one), else 0.
static Value triangle(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, BinaryOp op) {
  BuiltinCall call(evaluator, expr, scope, 1);
  std::optional<Tensor> x = call.tensor(0);
  Value offset = call.namedValue("diagonal", 0);
  auto matrix = x && !offset.isError() ? matrixOf(evaluator, call, *x, scope, expr.range) : std::nullopt;
  if (!matrix || !evaluator.tensorBuilder(expr.range))
    return {};
  if (!offset.integer()) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "an integer known when compiling", offset.describe());
    return {};
  }
  auto type = mlir::RankedTensorType::get({matrix->row->size, matrix->column->size}, evaluator.builder->getI32Type());
  auto count = [&](int64_t dim) {
    return Tensor{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), type, dim), {matrix->row, matrix->column}};
  };
  Value distance = evaluator.binaryTensor(BinaryOp::Sub, count(1), count(0), expr.range);
  Value kept = evaluator.binaryTensor(op, distance, offset, expr.range);
  return evaluator.select(kept, *x, 0.0, expr.range);
}

/// triu(x, over: (row, column), diagonal: k): x with zeros below the k-th diagonal.
static Value triu(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return triangle(evaluator, expr, scope, BinaryOp::Ge);
}

/// tril: with zeros above it.
static Value tril(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return triangle(evaluator, expr, scope, BinaryOp::Le);
}

llvm::ArrayRef<Builtin> ftc::elaborate::matrixBuiltins() {
  static const Builtin table[] = {{"kron", kron}, {"block_diag", blockDiagonal}, {"circulant", circulant},
                                  {"skew", skew}, {"diagonal", diagonal},        {"triu", triu},
                                  {"tril", tril}};
  return table;
}
