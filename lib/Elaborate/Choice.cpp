//===- Choice.cpp - entries found by their values --------------------------===//

#include "Arrows.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace ftc;
using namespace ftc::elaborate;
namespace arith = mlir::arith;
using ast::BinaryOp;

/// The entries of a constant whose values increase; empty if it is not one.
static std::vector<double> increasing(const Tensor &book) {
  auto constant = book.value.getDefiningOp<arith::ConstantOp>();
  auto entries = constant ? llvm::dyn_cast<mlir::DenseFPElementsAttr>(constant.getValue()) : nullptr;
  std::vector<double> values;
  for (const llvm::APFloat &entry :
       entries ? llvm::to_vector(entries.getValues<llvm::APFloat>()) : llvm::SmallVector<llvm::APFloat>())
    values.push_back(entry.convertToDouble());
  for (size_t i = 1; i < values.size(); ++i)
    if (!(values[i - 1] < values[i]))
      return {};
  return values;
}

/// How many midpoints between neighbours lie below each entry of x: by halving, so that it costs log2 of the book's
/// size.
static mlir::Value searchBetween(Evaluator &evaluator, mlir::Value x, llvm::ArrayRef<double> book) {
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::Location loc = evaluator.loc();
  auto size = int64_t(llvm::PowerOf2Ceil(book.size()));
  std::vector<double> middles(size, std::numeric_limits<double>::infinity());
  for (size_t i = 1; i < book.size(); ++i)
    middles[i - 1] = (book[i - 1] + book[i]) / 2;
  auto tableType = mlir::RankedTensorType::get({size}, builder.getF64Type());
  mlir::Value table =
      arith::ConstantOp::create(builder, loc, mlir::DenseElementsAttr::get(tableType, llvm::ArrayRef<double>(middles)));
  auto type = tune::typeOf(x).clone(builder.getI32Type());
  mlir::Value index = tune::splat(builder, loc, type, 0);
  for (int64_t step = size / 2; step > 0; step /= 2) {
    mlir::Value probe = arith::AddIOp::create(builder, loc, index, tune::splat(builder, loc, type, step - 1));
    mlir::Value middle = tune::GatherOp::create(builder, loc, tune::typeOf(x), table, probe);
    mlir::Value above = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, x, middle);
    mlir::Value further = arith::AddIOp::create(builder, loc, index, tune::splat(builder, loc, type, step));
    index = arith::SelectOp::create(builder, loc, above, further, index);
  }
  return index;
}

/// nearest(x, book, over: level): the index of the entry of `book` next to each entry of x; the lower of two equally
/// near values, and the first of equal ones.
static Value nearest(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  std::optional<Tensor> x = call.tensor(0), book = call.tensor(1);
  std::optional<Dims> over = book ? call.over(book->dims) : std::nullopt;
  if (!x || !book || !over || !evaluator.tensorBuilder(expr.range) ||
      evaluator.refuseNonlinear(*x, "`nearest`", expr.range))
    return {};
  if (*over != book->dims || over->size() != 1) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a list of values along `over`",
                             "a tensor " + printDims(book->dims, scope));
    return {};
  }
  Tensor real = evaluator.toReal(*x);
  if (std::vector<double> values = increasing(*book); !values.empty())
    return Tensor{searchBetween(evaluator, real.value, values), real.dims};
  auto infinity = std::numeric_limits<double>::infinity();
  Value difference = evaluator.arithmetic(BinaryOp::Sub, real, *book, expr.range);
  Value distance = evaluator.elementwise("abs", difference, expr.range);
  Value least = evaluator.reduce("min", distance, over, expr.range);
  Value isNear = evaluator.arithmetic(BinaryOp::Le, distance, least, expr.range);
  Value candidates = evaluator.select(isNear, *book, infinity, expr.range);
  Value lowest = evaluator.reduce("min", candidates, over, expr.range);
  Value isLowest = evaluator.arithmetic(BinaryOp::Le, candidates, lowest, expr.range);
  auto countType = mlir::RankedTensorType::get({over->front()->size}, evaluator.builder->getI32Type());
  Tensor numbers{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), countType, 0), *over};
  Value places = evaluator.select(isLowest, evaluator.toReal(numbers), infinity, expr.range);
  Value first = evaluator.reduce("min", places, over, expr.range);
  auto *tensor = first.as<Tensor>();
  if (!tensor)
    return {};
  auto type = tune::typeOf(tensor->value).clone(evaluator.builder->getI32Type());
  return Tensor{arith::FPToSIOp::create(*evaluator.builder, evaluator.loc(), type, tensor->value), tensor->dims};
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

namespace {
/// The dimensions that are put in order are the last of `x`, as one.
struct Ordered {
  Tensor x; ///< [rest..., N]
  Dims rest, over;
};
} // namespace

static Ordered orderedAlong(Evaluator &evaluator, const Tensor &x, llvm::ArrayRef<Dim> over) {
  Ordered ordered{evaluator.toReal(x), {}, Dims(over)};
  Dims order;
  int64_t size = 1;
  for (Dim dim : x.dims)
    if (indexOf(over, dim) < 0)
      ordered.rest.push_back(dim);
  for (Dim dim : over)
    size *= dim->size;
  order = ordered.rest;
  order.append(over.begin(), over.end());
  ordered.x = evaluator.align(ordered.x, order);
  if (over.size() == 1)
    return ordered;
  ordered.x.dims = ordered.rest;
  ordered.x.dims.push_back(evaluator.shared.dimensions().make("_", size));
  ordered.x.value = tune::reshape(*evaluator.builder, evaluator.loc(), ordered.x.value, sizesOf(ordered.x.dims));
  return ordered;
}

/// Where the `count` largest entries along the last dimension of x are, [rest..., count].
static mlir::Value placesOfLargest(Evaluator &evaluator, mlir::Value x, int64_t count) {
  llvm::SmallVector<int64_t> shape(tune::shapeOf(x));
  shape.back() = count;
  auto type = mlir::RankedTensorType::get(shape, evaluator.builder->getI32Type());
  return tune::ArgSortOp::create(*evaluator.builder, evaluator.loc(), type, x);
}

/// The tensor of a call and the dimensions of its `over`; all of them without it. Nothing after an error.
static std::optional<Ordered> orderedArgument(Evaluator &evaluator, BuiltinCall &call, llvm::StringRef name,
                                              llvm::SMRange range) {
  std::optional<Tensor> x = call.tensor(0);
  if (!x || !evaluator.tensorBuilder(range) || evaluator.refuseNonlinear(*x, "`" + name + "`", range))
    return std::nullopt;
  std::optional<Dims> over = call.over(x->dims);
  if (!call.sound())
    return std::nullopt;
  Dims dims = over.value_or(x->dims);
  if (dims.empty() || !x->value) {
    evaluator.diags().report(Diag::ExpectedValue, range, "a tensor with entries to compare", Value(*x).describe());
    return std::nullopt;
  }
  return orderedAlong(evaluator, *x, dims);
}

/// An argument that says which of `size` entries; nothing after an error.
static std::optional<int64_t> countArgument(Evaluator &evaluator, const Value &value, int64_t size,
                                            llvm::SMRange range) {
  std::optional<int64_t> count = value.integer();
  if (count && *count >= 1 && *count <= size)
    return count;
  if (!value.isError())
    evaluator.diags().report(Diag::ExpectedValue, range, "an integer of 1 to " + std::to_string(size),
                             count ? std::to_string(*count) : value.describe());
  return std::nullopt;
}

/// topk(x, experts -> k): the k largest values along a dimension, the largest first, and where they are.
static Value topk(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  std::optional<Tensor> x = call.tensor(0);
  const ast::ArrowExpr *arrow = x ? call.arrow(1) : nullptr;
  auto from = arrow ? patternOf(evaluator, *arrow->from) : std::nullopt;
  auto to = from ? patternOf(evaluator, *arrow->to) : std::nullopt;
  if (!to || !evaluator.tensorBuilder(expr.range) || evaluator.refuseNonlinear(*x, "`topk`", expr.range))
    return {};
  if (from->kind != Pattern::Single || to->kind != Pattern::Single) {
    evaluator.diags().report(Diag::BadArrow, arrow->range);
    return {};
  }
  const ast::NameExpr &name = *from->names.front(), &count = *to->names.front();
  Dim dim = evaluator.dimOf(name.name, scope, name.range, x->dims);
  Dim k = dim ? evaluator.dimOf(count.name, scope, count.range) : nullptr;
  if (!k)
    return {};
  if (indexOf(x->dims, dim) < 0) {
    evaluator.diags().report(Diag::NoSuchDimension, name.range, "a tensor " + printDims(x->dims, scope), name.name);
    return {};
  }
  if (!countArgument(evaluator, Value(k), dim->size, count.range))
    return {};
  Ordered ordered = orderedAlong(evaluator, *x, {dim});
  Tensor places{placesOfLargest(evaluator, ordered.x.value, k->size), ordered.rest};
  places.dims.push_back(k);
  return Value::tuple({evaluator.pick(*x, dim, places, expr.range), places});
}

/// sort(x, over: d): the entries along a dimension, the smallest first.
static Value sort(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  auto ordered = orderedArgument(evaluator, call, "sort", expr.range);
  if (!ordered)
    return {};
  if (ordered->over.size() != 1) {
    evaluator.diags().report(Diag::MissingParameter, expr.range, "sort", "over").help("sort goes along one dimension");
    return {};
  }
  Dim dim = ordered->over.front();
  mlir::Value negative = tune::neg(*evaluator.builder, evaluator.loc(), ordered->x.value);
  // The places have the sorted dimension too: another of its size stands for it until the entries are picked.
  Dim sorted = evaluator.shared.dimensions().make(dim->name, dim->size);
  Tensor places{placesOfLargest(evaluator, negative, dim->size), ordered->rest};
  places.dims.push_back(sorted);
  Value values = evaluator.pick(ordered->x, dim, places, expr.range);
  auto *tensor = values.as<Tensor>();
  return tensor ? evaluator.rename(*tensor, sorted, dim) : Value();
}

/// kth(x, k, over: d): the k-th largest entry; k is 1 for the largest.
static Value kth(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  auto ordered = orderedArgument(evaluator, call, "kth", expr.range);
  Value k = ordered ? call.value(1) : Value();
  Dim dim = ordered ? ordered->x.dims.back() : nullptr;
  std::optional<int64_t> count = dim ? countArgument(evaluator, k, dim->size, expr.range) : std::nullopt;
  if (!count)
    return {};
  mlir::Value places = placesOfLargest(evaluator, ordered->x.value, *count);
  mlir::Value place =
      tune::pickIndex(*evaluator.builder, evaluator.loc(), places, int64_t(ordered->rest.size()), *count - 1);
  return evaluator.pick(ordered->x, dim, Tensor{place, ordered->rest}, expr.range);
}

/// ranks(x, over: d): how many entries come before each if the largest comes first; equals in order.
static Value ranks(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  auto ordered = orderedArgument(evaluator, call, "ranks", expr.range);
  if (!ordered)
    return {};
  int64_t size = ordered->x.dims.back()->size;
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::Value places = placesOfLargest(evaluator, ordered->x.value, size);
  // The inverse of a permutation is what puts it in order.
  mlir::Value zero = tune::splatLike(builder, evaluator.loc(), places, 0);
  mlir::Value negative = arith::SubIOp::create(builder, evaluator.loc(), zero, places);
  Dims dims(ordered->rest);
  dims.append(ordered->over.begin(), ordered->over.end());
  mlir::Value inverse = placesOfLargest(evaluator, negative, size);
  return Tensor{tune::reshape(builder, evaluator.loc(), inverse, sizesOf(dims)), dims};
}

/// The place of the largest (argmin: smallest) entry along one dimension, the first of equal ones.
static Value placeOf(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, llvm::StringRef name) {
  BuiltinCall call(evaluator, expr, scope, 1);
  auto ordered = orderedArgument(evaluator, call, name, expr.range);
  if (!ordered)
    return {};
  if (ordered->over.size() != 1) {
    evaluator.diags().report(Diag::MissingParameter, expr.range, name, "over").help("it counts along one dimension");
    return {};
  }
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::Value x = ordered->x.value;
  if (name == "argmin")
    x = tune::neg(builder, evaluator.loc(), x);
  mlir::Value place = placesOfLargest(evaluator, x, 1);
  return Tensor{tune::reshape(builder, evaluator.loc(), place, sizesOf(ordered->rest)), ordered->rest};
}

static Value argmax(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return placeOf(evaluator, expr, scope, "argmax");
}

static Value argmin(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return placeOf(evaluator, expr, scope, "argmin");
}

llvm::ArrayRef<Builtin> ftc::elaborate::choiceBuiltins() {
  static const Builtin table[] = {{"nearest", nearest}, {"topk", topk},     {"sort", sort},    {"kth", kth},
                                  {"ranks", ranks},     {"argmax", argmax}, {"argmin", argmin}};
  return table;
}
