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

static constexpr double infinity = Origin::infinity;

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

/// a + sign * b.
static Origin sum(const Origin &a, const Origin &b, double sign) {
  if (a.isKnown() && b.isKnown())
    return Origin::of(a.low + sign * b.low);
  if (a.isKnown() && std::isinf(a.low))
    return a;
  if (b.isKnown() && std::isinf(b.low))
    return Origin::of(sign * b.low);
  return joinAll({a, b}).within(a.low + (sign > 0 ? b.low : -b.high), a.high + (sign > 0 ? b.high : -b.low));
}

Origin sumOrigin(const Origin &a, const Origin &b) { return sum(a, b, 1); }

Origin productOrigin(const Origin &a, const Origin &b) {
  if (a.isKnown() && b.isKnown())
    return Origin::of(a.low * b.low);
  for (const Origin &one : {a, b})
    if (one.is(0))
      return Origin::of(0);
  double corners[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  bool bounded = llvm::none_of(corners, [](double corner) { return std::isnan(corner); });
  Origin result = joinAll({a, b});
  return bounded ? result.within(*llvm::min_element(corners), *llvm::max_element(corners)) : result;
}

/// The larger (`sign` 1) or smaller (-1) of two; an infinity of the other sign does not show.
static Origin extreme(const Origin &a, const Origin &b, double sign) {
  if (a.is(-sign * infinity))
    return b;
  if (b.is(-sign * infinity))
    return a;
  auto pick = [&](double x, double y) { return sign > 0 ? std::max(x, y) : std::min(x, y); };
  Origin range = Origin().within(pick(a.low, b.low), pick(a.high, b.high));
  return a.isKnown() && b.isKnown() ? range : joinAll({a, b}).within(range.low, range.high);
}

/// One of two entries, of which it is not known which.
static Origin either(const Origin &condition, const Origin &a, const Origin &b) {
  if (a.isKnown() && a.sameAs(b))
    return b;
  return joinAll({condition, a, b}).within(std::min(a.low, b.low), std::max(a.high, b.high));
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

/// Whether a comparison holds for all values in two ranges, or for none.
static std::optional<bool> compareRanges(arith::CmpIPredicate predicate, const Origin &a, const Origin &b) {
  using P = arith::CmpIPredicate;
  auto decided = [](bool always, bool never) { return always || never ? std::optional(always) : std::nullopt; };
  bool equal = a.isKnown() && b.is(a.low), disjoint = a.high < b.low || b.high < a.low;
  switch (predicate) {
  case P::eq:
    return decided(equal, disjoint);
  case P::ne:
    return decided(disjoint, equal);
  case P::ult:
    if (a.low < 0 || b.low < 0)
      return std::nullopt;
    [[fallthrough]];
  case P::slt:
    return decided(a.high < b.low, a.low >= b.high);
  case P::sle:
    return decided(a.high <= b.low, a.low > b.high);
  case P::sgt:
    return decided(a.low > b.high, a.high <= b.low);
  case P::sge:
    return decided(a.low >= b.high, a.high < b.low);
  default:
    return std::nullopt;
  }
}

/// The value of an op of known operands, for the ops by which indices, masks and their factors are made.
static std::optional<double> valueOf(Operation *op, ArrayRef<Origin> operands) {
  double a = operands.front().low, b = operands.back().low;
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
    return a.isKnown() ? operands[a.is(0) ? 2 : 1] : either(a, operands[1], b);
  bool boolean = isa<arith::AndIOp, arith::OrIOp>(op);
  double absorbing = isa<arith::OrIOp>(op);
  if (boolean && getElementTypeOrSelf(op->getResult(0).getType()).isInteger(1)) {
    if (a.is(absorbing) || b.is(absorbing))
      return Origin::of(absorbing);
    return a.isKnown() ? b : b.isKnown() ? a : joinAll(operands);
  }
  if (isa<arith::DivFOp, DropOp>(op) && a.is(0))
    return a;
  if (isa<arith::SIToFPOp, arith::UIToFPOp, arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp, StopGradientOp>(op))
    return a;
  if (auto compared = dyn_cast<arith::CmpIOp>(op))
    if (std::optional<bool> holds = compareRanges(compared.getPredicate(), a, b))
      return Origin::of(*holds);
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
