//===- KnownValues.cpp ----------------------------------------------------===//

#include "dialects/Tune/Analysis/KnownValues.h"

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <optional>

using namespace mlir;

namespace ftc::tune {

static constexpr double infinity = std::numeric_limits<double>::infinity();

bool isElementwiseForOrigins(Operation *op) {
  if (isa<StopGradientOp, DropOp>(op))
    return true;
  bool known = isa_and_present<arith::ArithDialect, math::MathDialect>(op->getDialect());
  return known && op->hasTrait<OpTrait::Elementwise>() && op->getNumResults() == 1 &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

/// All that any of them depends on; the value is not known.
static Origin joinAll(ArrayRef<Origin> operands) {
  Origin result;
  for (const Origin &operand : operands)
    result.join(operand);
  return result;
}

/// An entry if its value is known, else what it depends on.
static Origin sum(const Origin &a, const Origin &b, double sign) {
  if (a.isKnown() && b.isKnown())
    return Origin::of(a.known + sign * b.known);
  if (a.isKnown() && std::isinf(a.known))
    return a;
  if (b.isKnown() && std::isinf(b.known))
    return Origin::of(sign * b.known);
  return joinAll({a, b});
}

Origin sumOrigin(const Origin &a, const Origin &b) { return sum(a, b, 1); }

Origin productOrigin(const Origin &a, const Origin &b) {
  if (a.isKnown() && b.isKnown())
    return Origin::of(a.known * b.known);
  for (const Origin &one : {a, b})
    if (one.known == 0)
      return Origin::of(0);
  return joinAll({a, b});
}

/// The larger (`sign` 1) or smaller (-1) of two; an infinity of the other sign does not show.
static Origin extreme(const Origin &a, const Origin &b, double sign) {
  if (a.isKnown() && b.isKnown())
    return Origin::of(sign * std::max(sign * a.known, sign * b.known));
  if (a.known == -sign * infinity)
    return b;
  if (b.known == -sign * infinity)
    return a;
  return joinAll({a, b});
}

static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::OEQ:
  case P::UEQ:
    return a == b;
  case P::ONE:
  case P::UNE:
    return a != b;
  case P::OLT:
  case P::ULT:
    return a < b;
  case P::OLE:
  case P::ULE:
    return a <= b;
  case P::OGT:
  case P::UGT:
    return a > b;
  case P::OGE:
  case P::UGE:
    return a >= b;
  case P::AlwaysTrue:
  case P::ORD:
    return true;
  case P::AlwaysFalse:
  case P::UNO:
    return false;
  }
  llvm_unreachable("a predicate without a meaning");
}

static std::optional<bool> compare(arith::CmpIPredicate predicate, double a, double b) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  default:
    return std::nullopt;
  }
}

/// The value of an op of known operands, for the ops by which indices, masks and their factors are made.
static std::optional<double> valueOf(Operation *op, ArrayRef<Origin> operands) {
  double a = operands.front().known, b = operands.back().known;
  using Result = std::optional<double>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<arith::DivFOp>([&](auto) { return Result(a / b); })
      .Case<arith::RemFOp, arith::RemSIOp>([&](auto) { return b == 0 ? Result() : Result(std::fmod(a, b)); })
      .Case<arith::DivSIOp>([&](auto) { return b == 0 ? Result() : Result(std::trunc(a / b)); })
      .Case<arith::FloorDivSIOp>([&](auto) { return b == 0 ? Result() : Result(std::floor(a / b)); })
      .Case<arith::NegFOp>([&](auto) { return Result(-a); })
      .Case<arith::XOrIOp>(
          [&](auto xorOp) { return getElementTypeOrSelf(xorOp.getType()).isInteger(1) ? Result(a != b) : Result(); })
      .Case([&](arith::CmpFOp compareOp) { return Result(compare(compareOp.getPredicate(), a, b)); })
      .Case([&](arith::CmpIOp compareOp) {
        std::optional<bool> holds = compare(compareOp.getPredicate(), a, b);
        return holds ? Result(*holds) : Result();
      })
      .Case<arith::SIToFPOp, arith::UIToFPOp, arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp, StopGradientOp>(
          [&](auto) { return Result(a); })
      .Case<arith::FPToSIOp, math::TruncOp>([&](auto) { return Result(std::trunc(a)); })
      .Case<math::FloorOp>([&](auto) { return Result(std::floor(a)); })
      .Case<math::CeilOp>([&](auto) { return Result(std::ceil(a)); })
      .Case<math::AbsFOp, math::AbsIOp>([&](auto) { return Result(std::fabs(a)); })
      .Case<math::ExpOp>([&](auto) { return a == -infinity || a == 0 ? Result(std::exp(a)) : Result(); })
      .Default([](Operation *) { return Result(); });
}

Origin elementwiseOrigin(Operation *op, ArrayRef<Origin> operands) {
  const Origin &a = operands.front(), &b = operands.back();
  if (isa<arith::AddFOp, arith::AddIOp>(op))
    return sumOrigin(a, b);
  if (isa<arith::SubFOp, arith::SubIOp>(op))
    return sum(a, b, -1);
  if (isa<arith::MulFOp, arith::MulIOp>(op))
    return productOrigin(a, b);
  if (isa<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(op))
    return extreme(a, b, 1);
  if (isa<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(op))
    return extreme(a, b, -1);
  if (isa<arith::SelectOp>(op))
    return a.isKnown() ? operands[a.known != 0 ? 1 : 2] : operands[1].sameAs(b) && b.isKnown() ? b : joinAll(operands);
  bool boolean = isa<arith::AndIOp, arith::OrIOp>(op);
  double absorbing = isa<arith::OrIOp>(op);
  if (boolean && getElementTypeOrSelf(op->getResult(0).getType()).isInteger(1)) {
    if (a.known == absorbing || b.known == absorbing)
      return Origin::of(absorbing);
    return a.isKnown() ? b : b.isKnown() ? a : joinAll(operands);
  }
  if (isa<arith::DivFOp, DropOp>(op) && a.known == 0)
    return a;
  bool allKnown = !isa<DropOp>(op) && llvm::all_of(operands, [](const Origin &one) { return one.isKnown(); });
  std::optional<double> value = allKnown ? valueOf(op, operands) : std::nullopt;
  return value ? Origin::of(*value) : joinAll(operands);
}

Origin neutralOrigin(Operation *combiner) {
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner))
    return Origin::of(-infinity);
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(combiner))
    return Origin::of(infinity);
  return isa<arith::MulFOp>(combiner) ? Origin::of(1) : Origin::of(0);
}

} // namespace ftc::tune
