//===- Choice.cpp - entries found by their values --------------------------===//

#include "BuiltinCall.h"

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

llvm::ArrayRef<Builtin> ftc::elaborate::choiceBuiltins() {
  static const Builtin table[] = {{"nearest", nearest}};
  return table;
}
