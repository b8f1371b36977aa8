//===- Complex.cpp - complex tensors and Fourier transforms ------*- C++ -*-===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

/// A value as a complex one; nothing after an error.
static std::optional<Complex> asComplex(Evaluator &evaluator, const Value &value, llvm::SMRange range) {
  if (auto *complex = value.as<Complex>())
    return *complex;
  std::optional<Tensor> re = evaluator.asTensor(value, range);
  if (!re)
    return std::nullopt;
  Tensor real = evaluator.toReal(*re), zero = real;
  zero.degree = Degree::Constant;
  if (real.value)
    zero.value = tune::splatLike(*evaluator.builder, evaluator.loc(), real.value, 0);
  return Complex{real, zero};
}

/// Both parts with the dimensions of either.
static Value complexOf(Evaluator &evaluator, const Value &re, const Value &im, llvm::SMRange range) {
  if (re.isError() || im.isError())
    return {};
  std::optional<Tensor> a = evaluator.asTensor(re, range), b = evaluator.asTensor(im, range);
  if (!a || !b)
    return {};
  Dims dims = unite(a->dims, b->dims);
  return Complex{evaluator.align(evaluator.toReal(*a), dims), evaluator.align(evaluator.toReal(*b), dims)};
}

Value Evaluator::binaryComplex(const Value &lhs, const Value &rhs, const ast::BinaryExpr &expr, Scope &scope) {
  if (!tensorBuilder(expr.range))
    return {};
  auto combine = [&](BinaryOp op, const Value &a, const Value &b) -> Value {
    if (a.isError() || b.isError())
      return {};
    return op == BinaryOp::Contract ? contract(a, b, expr, scope) : arithmetic(op, a, b, expr.range);
  };
  if (auto *z = lhs.as<Complex>(); z && !rhs.is<Complex>() && (expr.op == BinaryOp::Mul || expr.op == BinaryOp::Div))
    return complexOf(*this, combine(expr.op, z->re, rhs), combine(expr.op, z->im, rhs), expr.range);
  bool isProduct = expr.op == BinaryOp::Mul || expr.op == BinaryOp::Contract;
  if (isProduct && (lhs.number() == 0.0 || rhs.number() == 0.0))
    return 0.0;
  std::optional<Complex> a = asComplex(*this, lhs, expr.range), b = asComplex(*this, rhs, expr.range);
  if (!a || !b)
    return {};
  switch (expr.op) {
  case BinaryOp::Add:
  case BinaryOp::Sub:
    return complexOf(*this, combine(expr.op, a->re, b->re), combine(expr.op, a->im, b->im), expr.range);
  case BinaryOp::Mul:
  case BinaryOp::Contract:
    return complexOf(*this, combine(BinaryOp::Sub, combine(expr.op, a->re, b->re), combine(expr.op, a->im, b->im)),
                     combine(BinaryOp::Add, combine(expr.op, a->re, b->im), combine(expr.op, a->im, b->re)),
                     expr.range);
  default:
    diags().report(Diag::ExpectedOperand, expr.range, spelling(expr.op), Value(*a).describe());
    return {};
  }
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// The transform along `dim`.
static Complex transformed(Evaluator &evaluator, const Complex &z, Dim dim, bool inverse) {
  Tensor re = z.re, im = z.im;
  auto place = uint64_t(llvm::find(re.dims, dim) - re.dims.begin());
  auto op = tune::FFTOp::create(*evaluator.builder, evaluator.loc(), re.value.getType(), im.value.getType(), re.value,
                                im.value, place, inverse);
  re.value = op.getResultRe();
  im.value = op.getResultIm();
  re.degree = im.degree = std::max(z.re.degree, z.im.degree);
  return {re, im};
}

/// fft(x, over: d): without `over` along all dimensions.
static Value transform(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, bool inverse) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value x = call.value(0);
  if (x.isError() || !evaluator.tensorBuilder(expr.range))
    return {};
  if (x.number() == 0.0)
    return call.always(0.0);
  std::optional<Complex> z = asComplex(evaluator, x, expr.range);
  std::optional<Dims> over = z ? call.over(z->re.dims) : std::nullopt;
  if (!z || !call.sound())
    return {};
  for (Dim dim : z->re.value ? over.value_or(z->re.dims) : Dims())
    z = transformed(evaluator, *z, dim, inverse);
  return *z;
}

static Value fft(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return transform(evaluator, expr, scope, /*inverse=*/false);
}

static Value ifft(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return transform(evaluator, expr, scope, /*inverse=*/true);
}

/// The complex value of a call's only argument; nothing after an error.
static std::optional<Complex> complexArgument(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value x = call.value(0);
  if (x.isError() || !evaluator.tensorBuilder(expr.range))
    return std::nullopt;
  return asComplex(evaluator, x, expr.range);
}

static Value real(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  if (Value x = BuiltinCall(evaluator, expr, scope).value(0); x.number())
    return x;
  std::optional<Complex> z = complexArgument(evaluator, expr, scope);
  return z ? Value(z->re) : Value();
}

static Value imag(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  std::optional<Complex> z = complexArgument(evaluator, expr, scope);
  return z ? Value(z->im) : Value();
}

/// complex(re, im): of two real tensors.
static Value complex(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value re = call.value(0), im = call.value(1);
  return re.isError() || im.isError() || !evaluator.tensorBuilder(expr.range)
             ? Value()
             : complexOf(evaluator, re, im, expr.range);
}

/// The conjugate.
static Value conj(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  std::optional<Complex> z = complexArgument(evaluator, expr, scope);
  return z ? complexOf(evaluator, z->re, evaluator.negate(z->im, expr.range), expr.range) : Value();
}

llvm::ArrayRef<Builtin> ftc::elaborate::complexBuiltins() {
  static const Builtin table[] = {{"fft", fft},   {"ifft", ifft},       {"real", real},
                                  {"imag", imag}, {"complex", complex}, {"conj", conj}};
  return table;
}
