//===- AdjointsElementwise.cpp - Derivatives of arith and math ------------===//
//
// Each rule is written as an equation of what it gives: x, z are operands, y the result, dy its cotangent.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Differentiation.h"
#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <numbers>

using namespace mlir;

namespace ftc::tune {
namespace {

/// An elementwise op with a cotangent, and arithmetic on its operands.
struct Site {
  OpBuilder &builder;
  Operation *op;
  Value dy;

  Location loc() const { return op->getLoc(); }
  Value x() const { return op->getOperand(0); }
  Value z() const { return op->getOperand(1); }
  Value y() const { return op->getResult(0); }

  Value number(double value) const { return splatLike(builder, loc(), dy, value); }
  Value zero() const { return number(0); }
  Value add(Value a, Value b) const { return tune::add(builder, loc(), a, b); }
  Value sub(Value a, Value b) const { return tune::sub(builder, loc(), a, b); }
  Value mul(Value a, Value b) const { return tune::mul(builder, loc(), a, b); }
  Value div(Value a, Value b) const { return tune::div(builder, loc(), a, b); }
  Value neg(Value a) const { return tune::neg(builder, loc(), a); }
  Value scaled(Value a, double factor) const { return tune::scale(builder, loc(), a, factor); }
  Value select(Value condition, Value yes, Value no) const { return tune::select(builder, loc(), condition, yes, no); }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) const {
    return arith::CmpFOp::create(builder, loc(), predicate, a, b);
  }
  template <typename Op, typename... Values> Value make(Values... values) const {
    return Op::create(builder, loc(), values...);
  }
};

/// The cotangent of one operand; null is zero.
using Rule = Value (*)(const Site &);

/// An op whose operands have the given rules, in order; further operands are never differentiated.
template <typename Op, Rule... rules> struct Model : DifferentiableOpInterface::ExternalModel<Model<Op, rules...>, Op> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> resultCotangents,
                             const BitVector &needed, SmallVectorImpl<Value> &operandCotangents) const {
    constexpr Rule table[] = {rules...};
    Site site{builder, op, resultCotangents.front()};
    for (unsigned number = 0; number < sizeof...(rules); ++number)
      if (needed[number])
        operandCotangents[number] = table[number](site);
    return success();
  }
};

Value pass(const Site &s) { return s.dy; }
Value negated(const Site &s) { return s.neg(s.dy); }
Value nothing(const Site &) { return {}; }

// y = x * z; of a square, dx = (2 dy) x once
Value mulLeft(const Site &s) { return s.x() == s.z() ? s.mul(s.scaled(s.dy, 2), s.x()) : s.mul(s.dy, s.z()); }
Value mulRight(const Site &s) { return s.x() == s.z() ? Value() : s.mul(s.dy, s.x()); }
// y = x / z: dx = dy / z, dz = -(dy / z) * y
Value divLeft(const Site &s) { return s.div(s.dy, s.z()); }
Value divRight(const Site &s) { return s.neg(s.mul(s.div(s.dy, s.z()), s.y())); }

/// The whole of dy where `strict` holds of (a, b), half of it where they are equal: a tie is shared evenly.
Value choose(const Site &s, arith::CmpFPredicate strict, Value a, Value b) {
  Value tied = s.select(s.compare(arith::CmpFPredicate::OEQ, a, b), s.scaled(s.dy, 0.5), s.zero());
  return s.select(s.compare(strict, a, b), s.dy, tied);
}
Value maxLeft(const Site &s) { return choose(s, arith::CmpFPredicate::OGT, s.x(), s.z()); }
Value maxRight(const Site &s) { return choose(s, arith::CmpFPredicate::OGT, s.z(), s.x()); }
Value minLeft(const Site &s) { return choose(s, arith::CmpFPredicate::OLT, s.x(), s.z()); }
Value minRight(const Site &s) { return choose(s, arith::CmpFPredicate::OLT, s.z(), s.x()); }

// y = x - trunc(x / z) z
Value remainderRight(const Site &s) { return s.neg(s.mul(s.dy, s.make<math::TruncOp>(s.div(s.x(), s.z())))); }

// y = condition ? x : z
Value selectYes(const Site &s) { return s.select(s.x(), s.dy, s.zero()); }
Value selectNo(const Site &s) { return s.select(s.x(), s.zero(), s.dy); }

Value cast(const Site &s) { return convert(s.builder, s.loc(), s.dy, typeOf(s.x()).getElementType()); }

Value expRule(const Site &s) { return s.mul(s.dy, s.y()); }
Value exp2Rule(const Site &s) { return s.scaled(s.mul(s.dy, s.y()), std::numbers::ln2); }
Value expm1Rule(const Site &s) { return s.mul(s.dy, s.add(s.y(), s.number(1))); }
Value logRule(const Site &s) { return s.div(s.dy, s.x()); }
Value log2Rule(const Site &s) { return s.div(s.scaled(s.dy, std::numbers::log2e), s.x()); }
Value log10Rule(const Site &s) { return s.div(s.scaled(s.dy, std::numbers::log10e), s.x()); }
Value log1pRule(const Site &s) { return s.div(s.dy, s.add(s.x(), s.number(1))); }
Value sqrtRule(const Site &s) { return s.div(s.scaled(s.dy, 0.5), s.y()); }
// y = x^(-1/2): dx = -1/2 dy y^3
Value rsqrtRule(const Site &s) { return s.scaled(s.mul(s.dy, s.mul(s.y(), s.mul(s.y(), s.y()))), -0.5); }
Value tanhRule(const Site &s) { return s.mul(s.dy, s.sub(s.number(1), s.mul(s.y(), s.y()))); }
// erf' = 2 / sqrt(pi) exp(-x^2)
Value erfRule(const Site &s) {
  Value bell = s.make<math::ExpOp>(s.neg(s.mul(s.x(), s.x())));
  return s.scaled(s.mul(s.dy, bell), 2 * std::numbers::inv_sqrtpi);
}
Value sinRule(const Site &s) { return s.mul(s.dy, s.make<math::CosOp>(s.x())); }
Value atanRule(const Site &s) { return s.div(s.dy, s.add(s.mul(s.x(), s.x()), s.number(1))); }
Value cosRule(const Site &s) { return s.neg(s.mul(s.dy, s.make<math::SinOp>(s.x()))); }
// y = |x|: dx = dy sign(x), 0 at 0
Value absRule(const Site &s) {
  Value negative = s.select(s.compare(arith::CmpFPredicate::OLT, s.x(), s.zero()), s.neg(s.dy), s.zero());
  return s.select(s.compare(arith::CmpFPredicate::OGT, s.x(), s.zero()), s.dy, negative);
}
// y = x^z: dx = dy z x^(z-1); dz = dy y log x, 0 where x = 0
Value powBase(const Site &s) {
  if (std::optional<double> exponent = splatValue(s.z()); exponent == 2.0)
    return s.scaled(s.mul(s.dy, s.x()), 2);
  return s.mul(s.dy, s.mul(s.z(), s.make<math::PowFOp>(s.x(), s.sub(s.z(), s.number(1)))));
}
Value powExponent(const Site &s) {
  Value slope = s.mul(s.y(), s.make<math::LogOp>(s.x()));
  return s.mul(s.dy, s.select(s.compare(arith::CmpFPredicate::OEQ, s.x(), s.zero()), s.zero(), slope));
}
// y = x^n, n an integer
Value fpowiBase(const Site &s) {
  Value one = splatLike(s.builder, s.loc(), s.z(), 1);
  Value power = s.make<math::FPowIOp>(s.x(), s.make<arith::SubIOp>(s.z(), one));
  return s.mul(s.dy, s.mul(convert(s.builder, s.loc(), s.z(), typeOf(s.dy).getElementType()), power));
}

template <typename Op, Rule... rules> void attach(MLIRContext *context) {
  Op::template attachInterface<Model<Op, rules...>>(*context);
}

void attachArith(MLIRContext *context, arith::ArithDialect *) {
  attach<arith::AddFOp, pass, pass>(context);
  attach<arith::SubFOp, pass, negated>(context);
  attach<arith::MulFOp, mulLeft, mulRight>(context);
  attach<arith::DivFOp, divLeft, divRight>(context);
  attach<arith::RemFOp, pass, remainderRight>(context);
  attach<arith::NegFOp, negated>(context);
  attach<arith::MaximumFOp, maxLeft, maxRight>(context);
  attach<arith::MaxNumFOp, maxLeft, maxRight>(context);
  attach<arith::MinimumFOp, minLeft, minRight>(context);
  attach<arith::MinNumFOp, minLeft, minRight>(context);
  attach<arith::SelectOp, nothing, selectYes, selectNo>(context);
  attach<arith::TruncFOp, cast>(context);
  attach<arith::ExtFOp, cast>(context);
}

void attachMath(MLIRContext *context, math::MathDialect *) {
  attach<math::ExpOp, expRule>(context);
  attach<math::Exp2Op, exp2Rule>(context);
  attach<math::ExpM1Op, expm1Rule>(context);
  attach<math::LogOp, logRule>(context);
  attach<math::Log2Op, log2Rule>(context);
  attach<math::Log10Op, log10Rule>(context);
  attach<math::Log1pOp, log1pRule>(context);
  attach<math::SqrtOp, sqrtRule>(context);
  attach<math::RsqrtOp, rsqrtRule>(context);
  attach<math::TanhOp, tanhRule>(context);
  attach<math::ErfOp, erfRule>(context);
  attach<math::SinOp, sinRule>(context);
  attach<math::CosOp, cosRule>(context);
  attach<math::AtanOp, atanRule>(context);
  attach<math::AbsFOp, absRule>(context);
  attach<math::PowFOp, powBase, powExponent>(context);
  attach<math::FPowIOp, fpowiBase>(context);
  attach<math::FloorOp, nothing>(context);
  attach<math::CeilOp, nothing>(context);
  attach<math::RoundOp, nothing>(context);
  attach<math::RoundEvenOp, nothing>(context);
  attach<math::TruncOp, nothing>(context);
}
} // namespace

void registerElementwiseAdjoints(DialectRegistry &registry) {
  registry.addExtension(attachArith);
  registry.addExtension(attachMath);
}

} // namespace ftc::tune
