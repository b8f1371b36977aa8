// Numbers of the counter-based generator (ftc/Runtime/Core/Philox.h), bit-equal with it.

#include "RowEmitter.h"

#include "dialects/Tune/IR/Tune.h"
#include "ftc/Runtime/Core/Philox.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace ftc::target::cpu {

namespace {
/// Philox 4x32-10 on vectors of i32: a block of four words for each lane.
class Philox {
public:
  Philox(OpBuilder &b, Location loc, int64_t blocks)
      : b(b), loc(loc), words(VectorType::get({blocks}, b.getI32Type())) {}

  /// The halves of a 64-bit scalar or vector as vectors.
  std::pair<Value, Value> split(Value wide) {
    auto wideType = VectorType::get(words.getShape(), b.getI64Type());
    if (!isa<VectorType>(wide.getType()))
      wide = vector::BroadcastOp::create(b, loc, wideType, wide);
    Value shift = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(wideType, b.getI64IntegerAttr(32)));
    Value high = arith::ShRUIOp::create(b, loc, wide, shift);
    return {arith::TruncIOp::create(b, loc, words, wide), arith::TruncIOp::create(b, loc, words, high)};
  }

  std::array<Value, 4> run(std::array<Value, 4> counter, std::array<Value, 2> key) {
    for (int round = 0; round < 10; ++round) {
      auto left = arith::MulUIExtendedOp::create(b, loc, counter[0], constant(0xD2511F53));
      auto right = arith::MulUIExtendedOp::create(b, loc, counter[2], constant(0xCD9E8D57));
      counter = {mix(right.getHigh(), counter[1], key[0]), right.getLow(), mix(left.getHigh(), counter[3], key[1]),
                 left.getLow()};
      key[0] = arith::AddIOp::create(b, loc, key[0], constant(0x9E3779B9));
      key[1] = arith::AddIOp::create(b, loc, key[1], constant(0xBB67AE85));
    }
    return counter;
  }

  Value constant(uint32_t value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(words, b.getI32IntegerAttr(int32_t(value))));
  }

private:
  Value mix(Value a, Value c, Value d) { return arith::XOrIOp::create(b, loc, arith::XOrIOp::create(b, loc, a, c), d); }

  OpBuilder &b;
  Location loc;
  VectorType words;
};
} // namespace

/// The words of numbers `first` to `first + lanes` (i64, `first` a multiple of 4): each block is computed once.
static Value emitWords(OpBuilder &b, Location loc, Value key, Value site, Value first, int64_t lanes) {
  int64_t blocks = lanes / 4;
  Philox philox(b, loc, blocks);
  Value two = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(2));
  Value firstBlock = arith::ShRUIOp::create(b, loc, first, two);
  auto wide = VectorType::get({blocks}, b.getI64Type());
  Value steps = arith::IndexCastOp::create(b, loc, wide,
                                           vector::StepOp::create(b, loc, VectorType::get({blocks}, b.getIndexType())));
  Value block = arith::AddIOp::create(b, loc, vector::BroadcastOp::create(b, loc, wide, firstBlock), steps);
  auto [blockLow, blockHigh] = philox.split(block);
  auto [siteLow, siteHigh] = philox.split(site);
  auto [keyLow, keyHigh] = philox.split(key);
  std::array<Value, 4> words = philox.run({blockLow, blockHigh, siteLow, siteHigh}, {keyLow, keyHigh});
  Value even = vector::InterleaveOp::create(b, loc, words[0], words[2]);
  Value odd = vector::InterleaveOp::create(b, loc, words[1], words[3]);
  return vector::InterleaveOp::create(b, loc, even, odd);
}

namespace {
/// Arithmetic on vectors of f64, each operation rounded as in ftc/Runtime/Core/Philox.h.
class Reals {
public:
  Reals(OpBuilder &b, Location loc, int64_t lanes)
      : b(b), loc(loc), type(VectorType::get({lanes}, b.getF64Type())), bits(type.clone(b.getI64Type())) {}

  Value real(double value) { return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, value)); }
  Value integer(int64_t value) { return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bits, value)); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  /// The upper 24 bits of each word.
  Value uniformBits(Value words) {
    Value shift = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(cast<VectorType>(words.getType()), b.getI32IntegerAttr(8)));
    return arith::UIToFPOp::create(b, loc, type, arith::ShRUIOp::create(b, loc, words, shift));
  }
  Value sum(ArrayRef<double> coefficients, Value x) {
    Value result = real(coefficients.front());
    for (double next : coefficients.drop_front())
      result = add(mul(result, x), real(next));
    return result;
  }
  /// sqrt(-2 log(u)).
  Value radius(Value uniform) {
    Value all = arith::BitcastOp::create(b, loc, bits, uniform), shift = integer(52);
    Value above = arith::SubIOp::create(b, loc, all, integer(series::kLeastMantissa));
    Value exponent = arith::ShRSIOp::create(b, loc, above, shift);
    Value rest = arith::SubIOp::create(b, loc, all, arith::ShLIOp::create(b, loc, exponent, shift));
    Value mantissa = arith::BitcastOp::create(b, loc, type, rest);
    Value s = arith::DivFOp::create(b, loc, sub(mantissa, real(1)), add(mantissa, real(1)));
    Value power = arith::SIToFPOp::create(b, loc, type, exponent);
    Value part = mul(mul(real(2), s), sum(series::atanh, mul(s, s)));
    return math::SqrtOp::create(b, loc, mul(real(-2), add(mul(power, real(series::kLog2)), part)));
  }
  /// Cosine and sine of so many quarters of a turn.
  std::pair<Value, Value> turn(Value quarters) {
    Value nearest = math::FloorOp::create(b, loc, add(quarters, real(0.5)));
    Value x = mul(sub(quarters, nearest), real(series::kHalfPi)), square = mul(x, x);
    Value sine = mul(x, sum(series::sine, square)), cosine = sum(series::cosine, square);
    Value quarter = arith::FPToSIOp::create(b, loc, bits, nearest);
    auto hasBit = [&](Value value, int64_t bit) -> Value {
      Value masked = arith::AndIOp::create(b, loc, value, integer(bit));
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, masked, integer(0));
    };
    auto signedBy = [&](Value negative, Value value) -> Value {
      return arith::SelectOp::create(b, loc, negative, arith::NegFOp::create(b, loc, value), value);
    };
    Value isOdd = hasBit(quarter, 1);
    Value next = arith::AddIOp::create(b, loc, quarter, integer(1));
    return {signedBy(hasBit(next, 2), arith::SelectOp::create(b, loc, isOdd, sine, cosine)),
            signedBy(hasBit(quarter, 2), arith::SelectOp::create(b, loc, isOdd, cosine, sine))};
  }

private:
  OpBuilder &b;
  Location loc;
  VectorType type, bits;
};
} // namespace

/// Neighbouring numbers from their words, as f64.
static Value emitNumbers(OpBuilder &b, Location loc, Value words, bool isNormal) {
  int64_t lanes = cast<VectorType>(words.getType()).getNumElements();
  if (!isNormal) {
    Reals all(b, loc, lanes);
    return all.mul(all.uniformBits(words), all.real(kUniformStep));
  }
  Reals half(b, loc, lanes / 2);
  auto pairs = vector::DeinterleaveOp::create(b, loc, words);
  Value uniform = half.mul(half.add(half.uniformBits(pairs.getRes1()), half.real(1)), half.real(kUniformStep));
  Value radius = half.radius(uniform);
  auto [cosine, sine] = half.turn(half.mul(half.uniformBits(pairs.getRes2()), half.real(4 * kUniformStep)));
  return vector::InterleaveOp::create(b, loc, half.mul(radius, cosine), half.mul(radius, sine));
}

/// One number after another, by the runtime's function.
static Value emitOneByOne(KernelBuilder &b, StringRef function, Value key, Value site, Value index) {
  Location loc = b.getLoc();
  Type wide = b.getI64Type();
  auto callee = b.declare(function, b.getFunctionType({wide, wide, wide}, b.getF64Type()));
  auto call = [&](Value number) {
    return func::CallOp::create(b, loc, callee, ValueRange{key, site, number}).getResult(0);
  };
  auto lanes = dyn_cast<VectorType>(index.getType());
  if (!lanes)
    return call(index);
  auto type = VectorType::get(lanes.getShape(), b.getF64Type());
  Value all = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  for (int64_t i = 0; i < lanes.getNumElements(); ++i)
    all = vector::InsertOp::create(b, loc, call(vector::ExtractOp::create(b, loc, index, i)), all, i);
  return all;
}

static Value cast(OpBuilder &b, Location loc, Value real, Type element) {
  Type type = isa<VectorType>(real.getType())
                  ? Type(VectorType::get(llvm::cast<VectorType>(real.getType()).getShape(), element))
                  : element;
  return real.getType() == type ? real : arith::TruncFOp::create(b, loc, type, real).getResult();
}

Value RowEmitter::emitIndex64(AffineExpr expr) {
  Value index = variables.hasLanes(expr) ? materializeLanes(expr) : materialize(expr);
  Type type = b.getI64Type();
  if (isa<VectorType>(index.getType()))
    type = VectorType::get({lanes.count}, type);
  return arith::IndexCastOp::create(b, b.getLoc(), type, index);
}

/// The counter of the first entry of a batch that begins with `row`.
Value RowEmitter::emitFirstCounter(Value row, RankedTensorType type) {
  int64_t perRow = type.getNumElements() / type.getDimSize(0);
  Value size = arith::ConstantOp::create(b, b.getLoc(), b.getI64IntegerAttr(perRow));
  return arith::MulIOp::create(b, b.getLoc(), evaluate(row, At()), size);
}

/// Where the lanes begin if they are the numbers of whole blocks: of a tensor `ofRow` after so many rows like it.
std::optional<AffineExpr> RowEmitter::findBlocks(AffineExpr linear, RankedTensorType ofRow) {
  constexpr int64_t block = 4;
  bool isWhole = !ofRow || ofRow.getNumElements() / ofRow.getDimSize(0) % block == 0;
  auto consecutive = variables.splitLane(linear);
  if (!consecutive || lanes.count % 16 != 0 || !isWhole || !consecutive->rest.isMultipleOf(block))
    return std::nullopt;
  return consecutive->rest;
}

Value RowEmitter::emitRandom(tune::RandomOp op, At at) {
  Location loc = b.getLoc();
  auto type = llvm::cast<RankedTensorType>(op.getResult().getType());
  bool isNormal = op.getDistribution() == tune::Distribution::normal;
  Value key = evaluate(op.getKey(), At()), site = b.immediate(op, "site"), number;
  AffineExpr linear = variables.linearize(at, type.getShape());
  Value offset = op.getRow() ? emitFirstCounter(op.getRow(), type) : Value();
  if (std::optional<AffineExpr> first = findBlocks(linear, op.getRow() ? type : RankedTensorType())) {
    Value from = emitIndex64(*first);
    from = offset ? arith::AddIOp::create(b, loc, from, offset).getResult() : from;
    number = emitNumbers(b, loc, emitWords(b, loc, key, site, from, lanes.count), isNormal);
  } else {
    Value index = emitIndex64(linear);
    if (offset)
      index = arith::AddIOp::create(b, loc, index, isa<VectorType>(index.getType()) ? splat(offset) : offset);
    number = emitOneByOne(b, isNormal ? "ftc_random_normal" : "ftc_random_uniform", key, site, index);
  }
  double first = op.getA().convertToDouble(), second = op.getB().convertToDouble();
  auto constant = [&](double value) {
    Value scalar = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value));
    return isa<VectorType>(number.getType()) ? splat(scalar) : scalar;
  };
  number = arith::MulFOp::create(b, loc, number, constant(isNormal ? second : second - first));
  number = arith::AddFOp::create(b, loc, number, constant(first));
  return cast(b, loc, number, type.getElementType());
}

/// Whether each lane is kept: its word's upper 24 bits, in steps of 2^-24, are at least the rate.
Value RowEmitter::emitKept(tune::DropOp op, At at) {
  Location loc = b.getLoc();
  ArrayRef<int64_t> shape = op.getX().getType().getShape();
  Value key = evaluate(op.getKey(), At()), site = b.immediate(op, "site");
  AffineExpr linear = variables.linearize(at, shape);
  Value offset = emitFirstCounter(op.getRow(), op.getX().getType());
  if (std::optional<AffineExpr> blocks = findBlocks(linear, op.getX().getType())) {
    Value first = arith::AddIOp::create(b, loc, emitIndex64(*blocks), offset);
    Value words = emitWords(b, loc, key, site, first, lanes.count);
    Philox constants(b, loc, lanes.count);
    Value bits = arith::ShRUIOp::create(b, loc, words, constants.constant(8));
    uint32_t least = uint32_t(std::ceil(std::ldexp(op.getRate().convertToDouble(), 24)));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, bits, constants.constant(least));
  }
  Value index = emitIndex64(linear);
  bool inLanes = isa<VectorType>(index.getType());
  index = arith::AddIOp::create(b, loc, index, inLanes ? splat(offset) : offset);
  Value number = emitOneByOne(b, "ftc_random_uniform", key, site, index);
  Value rate = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(op.getRate().convertToDouble()));
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, number, inLanes ? splat(rate) : rate);
}

Value RowEmitter::emitDrop(tune::DropOp op, At at) {
  Location loc = b.getLoc();
  Value kept = emitKept(op, at), x = evaluate(op.getX(), at);
  Type element = op.getX().getType().getElementType();
  Value scale = arith::ConstantOp::create(b, loc, b.getFloatAttr(element, 1.0 - op.getRate().convertToDouble()));
  if (isa<VectorType>(kept.getType())) {
    x = splat(x);
    scale = splat(scale);
  }
  Value scaled = arith::DivFOp::create(b, loc, x, scale);
  return arith::SelectOp::create(b, loc, kept, scaled, zero(scaled.getType()));
}

} // namespace ftc::target::cpu
