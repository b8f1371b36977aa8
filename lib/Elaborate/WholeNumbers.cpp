//===- WholeNumbers.cpp - reals that may be indices -------------*- C++ -*-===//
//
// Arithmetic is done on reals, `floor(x / 2)` too. What can only be whole numbers
// by the way in which it is made may pick entries.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/DenseSet.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;
namespace arith = mlir::arith;
namespace math = mlir::math;
namespace linalg = mlir::linalg;
namespace tensor = mlir::tensor;

static bool isWhole(mlir::Attribute value) {
  if (auto number = mlir::dyn_cast<mlir::FloatAttr>(value))
    return number.getValueAsDouble() == std::floor(number.getValueAsDouble());
  auto elements = mlir::dyn_cast<mlir::DenseFPElementsAttr>(value);
  return elements && llvm::all_of(elements.getValues<double>(), [](double x) { return x == std::floor(x); });
}

/// Adds the operands that must be whole for the result of an op to be; false if nothing makes it so.
static bool addParts(mlir::Operation *op, llvm::SmallVectorImpl<mlir::Value> &parts) {
  if (llvm::isa_and_nonnull<arith::SIToFPOp, arith::UIToFPOp, math::FloorOp, math::CeilOp, math::TruncOp,
                            math::RoundEvenOp, tensor::EmptyOp>(op))
    return true;
  if (auto constant = llvm::dyn_cast_or_null<arith::ConstantOp>(op))
    return isWhole(constant.getValue());
  if (auto choice = llvm::dyn_cast_or_null<arith::SelectOp>(op)) {
    parts.append({choice.getTrueValue(), choice.getFalseValue()});
    return true;
  }
  if (!llvm::isa_and_nonnull<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp, arith::MaximumFOp,
                             arith::MinimumFOp, linalg::FillOp, linalg::BroadcastOp, linalg::TransposeOp,
                             tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp, tensor::ConcatOp>(
          op))
    return false;
  llvm::append_range(parts, op->getOperands());
  return true;
}

mlir::Value Evaluator::indicesOf(const Tensor &tensor) {
  mlir::Type element = tune::typeOf(tensor.value).getElementType();
  if (element.isInteger(32))
    return tensor.value;
  llvm::DenseSet<mlir::Value> seen;
  llvm::SmallVector<mlir::Value> open{tensor.value};
  while (!open.empty()) {
    mlir::Value value = open.pop_back_val();
    if (seen.insert(value).second && !addParts(value.getDefiningOp(), open))
      return {};
  }
  return tune::convert(*builder, loc(), tensor.value, builder->getI32Type());
}
