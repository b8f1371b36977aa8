#include "RowSums.h"

#include "dialects/Tune/Utils/Builders.h"

#include "llvm/ADT/SetVector.h"

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

std::optional<Value> RowSums::reduce(Evaluator &evaluator, llvm::StringRef kind, const Value &value,
                                     std::optional<Dims> over, llvm::SMRange range) {
  auto *tensor = value.as<Tensor>();
  if (!tensor || indexOf(tensor->dims, batch) < 0 || (over && indexOf(*over, batch) < 0))
    return std::nullopt;
  if (over && over->size() != tensor->dims.size())
    return refuse(evaluator, range);
  Value kept = evaluator.select(present, value, 0.0, range);
  Value sum = evaluator.reduce("sum", kept, std::nullopt, range);
  if (sum.isError())
    return Value();
  RowSum numerator{*sum.as<Tensor>()};
  if (kind == "sum")
    return Value(numerator);
  int64_t others = 1;
  for (Dim dim : tensor->dims)
    others *= dim == batch ? 1 : dim->size;
  Value rows = evaluator.reduce("sum", present, std::nullopt, range);
  Value count = evaluator.arithmetic(BinaryOp::Mul, rows, double(others), range);
  return divide(evaluator, numerator, RowSum{*count.as<Tensor>()}, range);
}

Value RowSums::refuse(Evaluator &evaluator, llvm::SMRange range) {
  evaluator.diags()
      .report(Diag::NotSumOfRatios, range)
      .help("write the loss as a sum of ratios of sums over rows, or declare the objective `mixing batch`");
  return {};
}

/// Whether a value is made of a tensor for which `concerns` holds.
static bool dependsOn(Evaluator &evaluator, mlir::Value value, llvm::function_ref<bool(tune::TensorOp)> concerns) {
  llvm::SetVector<mlir::Operation *> slice;
  slice.insert(value.getDefiningOp());
  for (size_t i = 0; i < slice.size(); ++i) {
    if (auto read = llvm::dyn_cast<tune::ReadOp>(slice[i]))
      if (concerns(evaluator.shared.tensors().lookup(read.getTensor())))
        return true;
    for (mlir::Value operand : slice[i]->getOperands())
      if (mlir::Operation *op = operand.getDefiningOp())
        slice.insert(op);
  }
  return false;
}

static bool dependsOnModel(Evaluator &evaluator, mlir::Value value) {
  return dependsOn(evaluator, value, [](tune::TensorOp tensor) { return tensor.getKind() != tune::Kind::input; });
}

/// Whether a value is one number for all rows: the step, a parameter of the objective.
static bool isCommon(Evaluator &evaluator, const Value &value) {
  auto *tensor = value.as<Tensor>();
  return tensor && tensor->dims.empty() && !dependsOn(evaluator, tensor->value, [](tune::TensorOp tensor) {
           return tensor.getKind() == tune::Kind::input && tensor.getType().getRank() > 0;
         });
}

Value RowSums::divide(Evaluator &evaluator, const RowSum &numerator, const RowSum &denominator, llvm::SMRange range) {
  if (dependsOnModel(evaluator, denominator.partial.value)) {
    evaluator.diags().report(Diag::DenominatorOfModel, range);
    return {};
  }
  denominators.push_back(denominator.partial.value);
  Value over = addWhole ? Tensor{addWhole(), {}} : denominator.partial;
  Value share = evaluator.binaryTensor(BinaryOp::Div, numerator.partial, over, range);
  return share.isError() ? share : Value(RowSum{*share.as<Tensor>(), true});
}

Value RowSums::negate(Evaluator &evaluator, const RowSum &sum, llvm::SMRange range) {
  return RowSum{*evaluator.negate(sum.partial, range).as<Tensor>(), sum.share};
}

Value RowSums::binary(Evaluator &evaluator, BinaryOp op, const Value &lhs, const Value &rhs, llvm::SMRange range) {
  auto *a = lhs.as<RowSum>(), *b = rhs.as<RowSum>();
  bool adds = op == BinaryOp::Add || op == BinaryOp::Sub;
  if (a && b && op == BinaryOp::Div && !a->share && !b->share)
    return divide(evaluator, *a, *b, range);
  if (a && b && adds && a->share == b->share)
    return RowSum{*evaluator.binaryTensor(op, a->partial, b->partial, range).as<Tensor>(), a->share};
  // A factor that is one number for all rows, or a zero term, leaves the form as it is.
  const RowSum *sum = a ? a : b;
  const Value &other = a ? rhs : lhs;
  std::optional<double> factor = other.number();
  bool scales = op == BinaryOp::Mul || (op == BinaryOp::Div && a);
  if (!(scales && (factor || isCommon(evaluator, other))) && !(adds && factor == 0.0))
    return refuse(evaluator, range);
  if (op == BinaryOp::Mul && factor == 0.0)
    return 0.0;
  Value scaled = evaluator.binaryTensor(op, a ? Value(sum->partial) : lhs, a ? rhs : Value(sum->partial), range);
  return scaled.isError() ? scaled : Value(RowSum{*scaled.as<Tensor>(), sum->share});
}
