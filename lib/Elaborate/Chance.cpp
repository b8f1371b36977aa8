//===- Chance.cpp - initial values and dropout ------------------*- C++ -*-===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>
#include <numeric>
#include <random>

using namespace ftc;
using namespace ftc::elaborate;
namespace arith = mlir::arith;
using ast::BinaryOp;

Value Evaluator::initialValue(const ast::Expr &expr, Scope &scope) {
  if (initial)
    initial->whole = &expr;
  Value value = eval(expr, scope);
  auto *builtin = value.as<Builtin>();
  if (!builtin)
    return value;
  ast::CallExpr call(expr.range);
  return builtin->call(*this, call, scope);
}

//===----------------------------------------------------------------------===//
// What is drawn
//===----------------------------------------------------------------------===//

namespace {
/// Random numbers of a call: their dimensions, and what they are a function of.
struct Draw {
  Dims dims;
  mlir::Value key, row; ///< row is null where there is no batch
  int64_t site = 0;
};
} // namespace

/// A seed that is known when the program runs, as a key; null if the value is none.
static mlir::Value keyOf(Evaluator &evaluator, const Value &seed) {
  auto *tensor = seed.as<Tensor>();
  if (!tensor || !tensor->value || !tensor->dims.empty())
    return {};
  return tune::convert(*evaluator.builder, evaluator.loc(), tensor->value, evaluator.builder->getI64Type());
}

/// Of what is initialised, of the tensor `like:`, or of `dims`, a dimension given as an argument (`randperm(n)`);
/// without any of them in a step of a training one number, the same for the whole step.
static std::optional<Draw> drawOf(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope,
                                  std::optional<Dims> dims = std::nullopt) {
  BuiltinCall call(evaluator, expr, scope);
  Value like = call.namedValue("like", Value::none()), seed = call.namedValue("seed", Value::none());
  if (like.isError() || seed.isError() || !evaluator.tensorBuilder(expr.range))
    return std::nullopt;
  Draw draw;
  ModelPass *pass = evaluator.modelPass;
  auto *tensor = like.as<Tensor>();
  if (dims)
    draw.dims = *dims;
  else if (tensor)
    draw.dims = tensor->dims;
  else if (evaluator.initial)
    draw.dims = evaluator.initial->dims;
  if (seed.integer()) {
    auto type = mlir::RankedTensorType::get({}, evaluator.builder->getI64Type());
    draw.key = arith::ConstantOp::create(*evaluator.builder, evaluator.loc(),
                                         mlir::DenseElementsAttr::get(type, llvm::ArrayRef<int64_t>(*seed.integer())));
  } else if (!seed.isNone()) {
    draw.key = keyOf(evaluator, seed);
    if (!draw.key) {
      evaluator.diags().report(Diag::ExpectedValue, expr.range, "a seed: one whole number", seed.describe());
      return std::nullopt;
    }
  } else if (evaluator.initial && evaluator.initial->key) {
    draw.key = evaluator.initial->key;
    draw.site = evaluator.shared.nextSite();
  } else if (pass && pass->key && (tensor || !evaluator.initial)) {
    draw.key = pass->key;
    draw.site = evaluator.shared.nextSite();
    if (!draw.dims.empty() && draw.dims.front()->role == DimRole::Batch)
      draw.row = pass->row;
  } else if (const StepChance *chance = evaluator.chance; chance && (!evaluator.initial || evaluator.initial->isNext)) {
    evaluator.passDependent = true;
    draw.key = chance->key();
    draw.site = chance->site();
    if (chance->row && !draw.dims.empty() && draw.dims.front()->role == DimRole::Batch)
      draw.row = chance->row();
  }
  if (!draw.key || !(dims || tensor || evaluator.initial || pass || evaluator.chance)) {
    auto message = evaluator.diags().report(Diag::ChanceOutsideInitial, expr.range);
    if (pass)
      message.help("nothing is drawn where nothing is trained: write 'if training then ... else ...'");
    else
      message.help("with `seed: n` it is the same wherever it stands");
    return std::nullopt;
  }
  return draw;
}

static Tensor random(Evaluator &evaluator, const Draw &draw, tune::Distribution distribution, double a, double b) {
  auto type = mlir::RankedTensorType::get(sizesOf(draw.dims), evaluator.realType());
  mlir::OpBuilder &builder = *evaluator.builder;
  if (llvm::any_of(draw.dims, [](Dim dim) { return dim->size == 0; }))
    return Tensor{{}, draw.dims};
  auto op = tune::RandomOp::create(builder, evaluator.loc(), type, draw.key, draw.row,
                                   tune::DistributionAttr::get(builder.getContext(), distribution),
                                   builder.getF64FloatAttr(a), builder.getF64FloatAttr(b),
                                   builder.getI64IntegerAttr(draw.site));
  return Tensor{op, draw.dims};
}

static Value draw(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, tune::Distribution distribution,
                  double a, double b) {
  std::optional<Draw> drawn = drawOf(evaluator, expr, scope);
  return drawn ? Value(random(evaluator, *drawn, distribution, a, b)) : Value();
}

/// Numbers known when compiling, for the first arguments of a call; nothing after an error.
static std::optional<std::vector<double>> numbers(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope,
                                                  llvm::ArrayRef<llvm::StringRef> names, std::vector<double> defaults) {
  BuiltinCall call(evaluator, expr, scope);
  for (size_t i = 0; i < names.size(); ++i) {
    Value value = call.namedValue(names[i], Value::none());
    if (value.isNone() && i < call.positionalCount())
      value = call.value(i);
    if (value.isNone())
      continue;
    if (!value.number()) {
      if (!value.isError())
        evaluator.diags().report(Diag::ExpectedValue, expr.range, "a number known when compiling", value.describe());
      return std::nullopt;
    }
    defaults[i] = *value.number();
  }
  return defaults;
}

/// Whether a draw in a pass is its mean, since nothing is being trained: the model runs, or is merged.
static bool isQuiet(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  bool isInPass = call.named("like") || evaluator.modelPass || evaluator.affineIn;
  if (evaluator.initial || evaluator.chance || !isInPass || call.named("seed"))
    return false;
  evaluator.passDependent = true;
  return !evaluator.modelPass || !evaluator.modelPass->training;
}

static Value normal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto n = numbers(evaluator, expr, scope, {"std", "mean"}, {1, 0});
  if (!n)
    return {};
  if (isQuiet(evaluator, expr, scope))
    return (*n)[1];
  return draw(evaluator, expr, scope, tune::Distribution::normal, (*n)[1], (*n)[0]);
}

static Value uniform(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto n = numbers(evaluator, expr, scope, {"a", "b"}, {0, 1});
  return n ? draw(evaluator, expr, scope, tune::Distribution::uniform, (*n)[0], (*n)[1]) : Value();
}

/// truncated_normal(std, mean, a, b): as torch.nn.init.trunc_normal_ with a and b as multiples of std: by the inverse
/// of the distribution function, applied to uniform numbers between its values at both ends.
static Value truncatedNormal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto n = numbers(evaluator, expr, scope, {"std", "mean", "a", "b"}, {1, 0, -2, 2});
  if (!n)
    return {};
  auto distribution = [](double x) { return (1 + std::erf(x / std::sqrt(2.0))) / 2; };
  Value u = draw(evaluator, expr, scope, tune::Distribution::uniform, 2 * distribution((*n)[2]) - 1,
                 2 * distribution((*n)[3]) - 1);
  auto *tensor = u.as<Tensor>();
  if (!tensor || !tensor->value)
    return u;
  auto combine = [&](BinaryOp op, const Value &x, const Value &y) {
    return evaluator.arithmetic(op, x, y, expr.range);
  };
  // Giles 2010: w = -log(1 - u^2), Winitzki's start, then Newton's steps on erf(x) = u.
  Value w = combine(BinaryOp::Sub, 1.0, combine(BinaryOp::Mul, u, u));
  Value logarithm = evaluator.elementwise("log", w, expr.range);
  constexpr double k = 0.147;
  Value half = combine(BinaryOp::Add, combine(BinaryOp::Div, logarithm, 2.0), 2 / (M_PI * k));
  Value root = evaluator.elementwise(
      "sqrt", combine(BinaryOp::Sub, combine(BinaryOp::Mul, half, half), combine(BinaryOp::Div, logarithm, k)),
      expr.range);
  Value square = combine(BinaryOp::Sub, root, half);
  square = evaluator.select(combine(BinaryOp::Gt, square, 0), square, 0.0, expr.range); // but for rounding
  Value magnitude = evaluator.elementwise("sqrt", square, expr.range);
  Value x = combine(BinaryOp::Mul, evaluator.elementwise("sign", u, expr.range), magnitude);
  for (int step = 0; step < 3; ++step) {
    Value error = combine(BinaryOp::Sub, evaluator.elementwise("erf", x, expr.range), u);
    Value slope = evaluator.elementwise("exp", combine(BinaryOp::Mul, x, x), expr.range);
    x = combine(BinaryOp::Sub, x, combine(BinaryOp::Mul, combine(BinaryOp::Mul, error, slope), std::sqrt(M_PI) / 2));
  }
  return combine(BinaryOp::Add, combine(BinaryOp::Mul, x, std::sqrt(2.0) * (*n)[0]), (*n)[1]);
}

//===----------------------------------------------------------------------===//
// By the sizes of what is initialised, as torch.nn.init: the first dimension is the output
//===----------------------------------------------------------------------===//

namespace {
struct Fans {
  double in = 1, out = 1;
};
} // namespace

static std::optional<Fans> fansOf(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  Value like = call.namedValue("like", Value::none());
  auto *tensor = like.as<Tensor>();
  if (!tensor && !evaluator.initial) {
    if (!like.isError())
      evaluator.diags().report(Diag::ChanceOutsideInitial, expr.range);
    return std::nullopt;
  }
  llvm::ArrayRef<Dim> dims = tensor ? tensor->dims : evaluator.initial->dims;
  Fans fans;
  for (auto [place, dim] : llvm::enumerate(dims)) {
    if (place != 0)
      fans.in *= double(dim->size);
    if (place != 1)
      fans.out *= double(dim->size);
  }
  return fans;
}

/// He et al. 2015: variance 2 / ((1 + a^2) fan_in).
static Value kaiming(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, tune::Distribution distribution) {
  auto n = numbers(evaluator, expr, scope, {"a"}, {0});
  auto fans = n ? fansOf(evaluator, expr, scope) : std::nullopt;
  if (!fans)
    return {};
  double variance = 2 / ((1 + (*n)[0] * (*n)[0]) * fans->in), bound = std::sqrt(3 * variance);
  return distribution == tune::Distribution::uniform
             ? draw(evaluator, expr, scope, distribution, -bound, bound)
             : draw(evaluator, expr, scope, distribution, 0, std::sqrt(variance));
}

static Value kaimingUniform(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return kaiming(evaluator, expr, scope, tune::Distribution::uniform);
}

static Value kaimingNormal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return kaiming(evaluator, expr, scope, tune::Distribution::normal);
}

/// Glorot and Bengio 2010: variance 2 gain^2 / (fan_in + fan_out).
static Value xavier(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, tune::Distribution distribution) {
  auto n = numbers(evaluator, expr, scope, {"gain"}, {1});
  auto fans = n ? fansOf(evaluator, expr, scope) : std::nullopt;
  if (!fans)
    return {};
  double deviation = (*n)[0] * std::sqrt(2 / (fans->in + fans->out)), bound = std::sqrt(3.0) * deviation;
  return distribution == tune::Distribution::uniform ? draw(evaluator, expr, scope, distribution, -bound, bound)
                                                     : draw(evaluator, expr, scope, distribution, 0, deviation);
}

static Value xavierUniform(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return xavier(evaluator, expr, scope, tune::Distribution::uniform);
}

static Value xavierNormal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return xavier(evaluator, expr, scope, tune::Distribution::normal);
}

/// orthogonal(gain): Saxe et al. 2013: rows or columns, whichever are fewer, are orthonormal; dimensions after the
/// first count as one.
static Value orthogonal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto n = numbers(evaluator, expr, scope, {"gain"}, {1});
  std::optional<Draw> drawn = n ? drawOf(evaluator, expr, scope) : std::nullopt;
  if (!drawn)
    return {};
  if (drawn->dims.size() < 2) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a tensor of two dimensions or more to initialise",
                             "one " + printDims(drawn->dims, scope));
    return {};
  }
  int64_t rows = drawn->dims.front()->size, columns = 1;
  for (Dim dim : llvm::drop_begin(drawn->dims))
    columns *= dim->size;
  int64_t many = std::max(rows, columns), few = std::min(rows, columns);
  Dims tall{evaluator.shared.dimensions().make("_", many), evaluator.shared.dimensions().make("_", few)};
  Draw square{tall, drawn->key, {}, drawn->site};
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::Value numbersDrawn = random(evaluator, square, tune::Distribution::normal, 0, 1).value;
  auto r = mlir::RankedTensorType::get({few, few}, evaluator.realType());
  mlir::Value q = tune::QROp::create(builder, evaluator.loc(), numbersDrawn.getType(), r, numbersDrawn).getQ();
  if (rows < columns)
    q = tune::transpose(builder, evaluator.loc(), q, {1, 0});
  q = tune::scale(builder, evaluator.loc(), q, (*n)[0]);
  return Tensor{tune::reshape(builder, evaluator.loc(), q, sizesOf(drawn->dims)), drawn->dims};
}

//===----------------------------------------------------------------------===//
// Integers and rows
//===----------------------------------------------------------------------===//

/// Whole numbers of 0 to n - 1.
static Tensor wholeNumbers(Evaluator &evaluator, const Draw &draw, int64_t n) {
  mlir::OpBuilder &builder = *evaluator.builder;
  Tensor result = random(evaluator, draw, tune::Distribution::uniform, 0, double(n));
  if (!result.value)
    return result;
  auto type = tune::typeOf(result.value).clone(builder.getI32Type());
  mlir::Value whole = arith::FPToSIOp::create(builder, evaluator.loc(), type, result.value);
  // Rounding to f32 may give n itself.
  mlir::Value last = tune::splat(builder, evaluator.loc(), type, double(n - 1));
  result.value = arith::MinSIOp::create(builder, evaluator.loc(), whole, last);
  return result;
}

/// integers(n): each of 0 to n - 1 is equally likely.
static Value integers(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value n = call.value(0);
  if (n.isError())
    return {};
  if (!n.integer() || *n.integer() < 1) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a positive integer known when compiling", n.describe());
    return {};
  }
  std::optional<Draw> drawn = drawOf(evaluator, expr, scope);
  return drawn ? Value(wholeNumbers(evaluator, *drawn, *n.integer())) : Value();
}

/// torch.randperm on the CPU, for fewer than 2^32 / 20 numbers: Fisher and Yates with Mersenne Twister's remainders.
static std::vector<int32_t> permutationOf(int64_t n, int64_t seed) {
  std::vector<int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 generator{uint32_t(seed)};
  for (int64_t i = 0; i + 1 < n; ++i)
    std::swap(order[i], order[i + int64_t(generator()) % (n - i)]);
  return order;
}

/// What `randperm(n)` fills: what it is the initial value of, else n itself where that is a dimension; nothing after an
/// error.
static std::optional<Dims> permuted(Evaluator &evaluator, const ast::CallExpr &expr, const Value &n, Scope &scope) {
  auto *dim = n.as<Dim>();
  bool isWhole = evaluator.initial && evaluator.initial->whole == &expr;
  if (!isWhole && dim)
    return Dims{*dim};
  if (!isWhole) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a dimension", n.describe());
    return std::nullopt;
  }
  Dims dims = evaluator.initial->dims;
  int64_t count = 1;
  for (Dim each : dims)
    count *= each->size;
  if (count <= *n.integer())
    return dims;
  evaluator.diags().report(Diag::TooFewNumbers, expr.range, printDims(dims, scope), count, *n.integer());
  return std::nullopt;
}

/// randperm(n): the numbers 0 to n - 1 in random order, the first of them where what is to be filled has fewer entries;
/// with `seed:` in the order of PyTorch's generator.
static Value randperm(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value n = call.sound() ? call.value(0) : Value();
  Value seed = call.sound() ? call.namedValue("seed", Value::none()) : Value();
  if (n.isError() || seed.isError() || !evaluator.tensorBuilder(expr.range))
    return {};
  if (!n.integer() || *n.integer() < 0 || *n.integer() > std::numeric_limits<int32_t>::max()) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a number or dimension below 2^31", n.describe());
    return {};
  }
  std::optional<Dims> dims = permuted(evaluator, expr, n, scope);
  if (!dims)
    return {};
  mlir::OpBuilder &builder = *evaluator.builder;
  auto shape = sizesOf(*dims);
  auto type = mlir::RankedTensorType::get(shape, builder.getI32Type());
  if (type.getNumElements() == 0)
    return Tensor{{}, *dims};
  if (seed.integer()) {
    std::vector<int32_t> order = permutationOf(*n.integer(), *seed.integer());
    order.resize(type.getNumElements());
    auto constant = arith::ConstantOp::create(builder, evaluator.loc(),
                                              mlir::DenseElementsAttr::get(type, llvm::ArrayRef<int32_t>(order)));
    return Tensor{constant, *dims};
  }
  Dims all{evaluator.shared.dimensions().make("_", *n.integer())};
  std::optional<Draw> drawn = drawOf(evaluator, expr, scope, all);
  if (!drawn)
    return {};
  Tensor numbersDrawn = random(evaluator, *drawn, tune::Distribution::uniform, 0, 1);
  auto line = mlir::RankedTensorType::get({type.getNumElements()}, builder.getI32Type());
  mlir::Value order = tune::ArgSortOp::create(builder, evaluator.loc(), line, numbersDrawn.value);
  return Tensor{tune::reshape(builder, evaluator.loc(), order, shape), *dims};
}

/// rows(W): for each entry of what is initialised a row of W drawn at random, where W has one dimension (the first that
/// is not to be filled) in place of others.
static Value rows(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  std::optional<Tensor> table = call.tensor(0);
  if (!table)
    return {};
  if (!evaluator.initial) {
    evaluator.diags().report(Diag::ChanceOutsideInitial, expr.range);
    return {};
  }
  Dims drawnDims, own;
  for (Dim dim : evaluator.initial->dims)
    if (indexOf(table->dims, dim) < 0)
      drawnDims.push_back(dim);
  for (Dim dim : table->dims)
    if (indexOf(evaluator.initial->dims, dim) < 0)
      own.push_back(dim);
  if (own.size() != 1) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range,
                             "a table with one dimension that " + printDims(evaluator.initial->dims, scope) + " lacks",
                             "one " + printDims(table->dims, scope));
    return {};
  }
  std::optional<Draw> drawn = drawOf(evaluator, expr, scope, drawnDims);
  return drawn ? evaluator.pick(*table, own.front(), wholeNumbers(evaluator, *drawn, own.front()->size), expr.range)
               : Value();
}

/// drop(x, p): dropout while training.
static Value drop(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value x = call.value(0), rate = call.value(1);
  if (x.isError() || rate.isError())
    return {};
  if (!rate.number() || *rate.number() < 0 || *rate.number() >= 1) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a rate of at least 0 and below 1", rate.describe());
    return {};
  }
  ModelPass *pass = evaluator.modelPass;
  evaluator.passDependent = true;
  auto *tensor = x.as<Tensor>();
  if (*rate.number() == 0 || !pass || !pass->training || !tensor || !tensor->value)
    return x;
  mlir::OpBuilder &builder = *evaluator.builder;
  Tensor result = evaluator.toReal(*tensor);
  result.value = tune::DropOp::create(builder, evaluator.loc(), result.value, pass->key, pass->row,
                                      builder.getF64FloatAttr(*rate.number()),
                                      builder.getI64IntegerAttr(evaluator.shared.nextSite()));
  return result;
}

llvm::ArrayRef<Builtin> ftc::elaborate::chanceBuiltins() {
  static const Builtin table[] = {{"normal", normal},
                                  {"uniform", uniform},
                                  {"truncated_normal", truncatedNormal},
                                  {"kaiming_uniform", kaimingUniform},
                                  {"kaiming_normal", kaimingNormal},
                                  {"xavier_uniform", xavierUniform},
                                  {"xavier_normal", xavierNormal},
                                  {"orthogonal", orthogonal},
                                  {"integers", integers},
                                  {"randperm", randperm},
                                  {"rows", rows},
                                  {"drop", drop}};
  return table;
}
