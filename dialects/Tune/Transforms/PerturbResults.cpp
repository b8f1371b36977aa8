//===- PerturbResults.cpp - tune-perturb-results ---------------------------===//
//
//   f(x)  becomes  f(x) (1 + 2^-21 u),  u in [-1, 1) a hash of the bits of f(x) and of the seed
//
// for each f64 result, scalars excepted, of an op that rounds: eight times what one rounding to f32 does, as sums of
// many terms err more than once. A program of f64 with it shows what rounding to f32 may do to what the program gives:
// a difference between two evaluations is explained by rounding if different seeds make differences as large (Monte
// Carlo arithmetic, Parker 1997). 0 and infinities stay what they are, and equal values stay equal. Rotary tables,
// which a target of f32 keeps in f64, change too.
//
// After all other passes: to them nothing of this is an equation. For tests of the targets alone.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_PERTURBRESULTS
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {
bool isSum(linalg::ReduceOp op) { return isa<arith::AddFOp>(op.getCombiner().front().front()); }

/// Whether a result may be a number that f32 does not have though all operands are ones that it has.
bool rounds(Operation *op) {
  if (auto reduction = dyn_cast<linalg::ReduceOp>(op))
    return isSum(reduction);
  if (isa<math::AbsFOp, math::FloorOp, math::CeilOp, math::RoundOp, math::RoundEvenOp, math::TruncOp, math::CopySignOp>(
          op))
    return false;
  return isa_and_present<math::MathDialect>(op->getDialect()) ||
         isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::RemFOp, linalg::ContractOp, SolveOp,
             QROp, SVDOp, EigHOp, FFTOp, RealFFTOp, FFTToRealOp, RealFFT2Op, ScatterAddOp, AttentionOp,
             AttentionBackwardOp>(op);
}

bool isReal(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() > 0 && type.getElementType().isF64();
}

/// An integer in every entry of a tensor of `type`, all 64 bits of it.
Value bits(OpBuilder &builder, Location loc, RankedTensorType type, uint64_t value) {
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, APInt(64, value)));
}

/// A number of [-1, 1) for each entry: its bits and the seed, mixed as by SplitMix64.
Value hash(OpBuilder &builder, Location loc, Value value, uint64_t seed) {
  RankedTensorType integers = typeOf(value).clone(builder.getI64Type());
  Value mixed = arith::BitcastOp::create(builder, loc, integers, value);
  auto number = [&](uint64_t constant) { return bits(builder, loc, integers, constant); };
  mixed = arith::XOrIOp::create(builder, loc, mixed, number(seed * 0x9e3779b97f4a7c15));
  for (auto [shift, factor] : {std::pair(30, 0xbf58476d1ce4e5b9), std::pair(27, 0x94d049bb133111eb)}) {
    Value high = arith::ShRUIOp::create(builder, loc, mixed, number(shift));
    mixed = arith::XOrIOp::create(builder, loc, mixed, high);
    mixed = arith::MulIOp::create(builder, loc, mixed, number(factor));
  }
  return scale(builder, loc, arith::SIToFPOp::create(builder, loc, value.getType(), mixed), 0x1p-63);
}

void perturb(Value value, uint64_t seed) {
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  auto uses = llvm::to_vector(llvm::make_pointer_range(value.getUses()));
  constexpr double unit = 8 * 0x1p-24; // of a rounding near 1
  Value noise = scale(builder, loc, hash(builder, loc, value, seed), unit);
  Value factor = add(builder, loc, splatLike(builder, loc, value, 1), noise);
  Value perturbed = mul(builder, loc, value, factor);
  for (OpOperand *use : uses)
    use->set(perturbed);
}

struct PerturbResultsPass : impl::PerturbResultsBase<PerturbResultsPass> {
  using PerturbResultsBase::PerturbResultsBase;

  void runOnOperation() override {
    SmallVector<Value> results;
    getOperation().walk([&](Operation *op) {
      if (rounds(op) && !op->getParentOfType<linalg::LinalgOp>())
        llvm::copy_if(op->getResults(), std::back_inserter(results), isReal);
    });
    for (Value result : results)
      perturb(result, seed);
  }
};
} // namespace
} // namespace ftc::tune
