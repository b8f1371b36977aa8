//===- AccumulateRows.cpp - tune-accumulate-rows ---------------------------===//
//
// What a program adds to a tensor that it writes back is taken into the sum over its rows:
//
//   t + f(sum of x over rows)  =  a sum that begins with t and goes on with f(x[0]), f(x[1]), ...
//
// f is linear: negation, a factor or divisor that is no sum over rows itself, sums, reshapes and concatenation; in f32,
// where a gradient that is not added to anything stays as it is, it is nothing. So the loss of a batch, what it is
// divided by, and gradients that are sums over rows, are the same bit for bit however many rows a program sees at once:
// such a sum is taken in its order (lib/Target/CPU/RowReductions.cpp).
//
//   %s = linalg.reduce ins(%x : tensor<4xf64>) outs(%zero) dimensions = [0]
//   %l = arith.divf %s, %d                               %d4 = linalg.broadcast ins(%d)
//   %n = arith.addf %t, %l                         =>    %f = arith.divf %x, %d4
//   tune.write %n, @t                                    %n = linalg.reduce ins(%f) outs(%t) dimensions = [0]
//
// A sum of rows by their indices begins with what it is added to, as the gradient of a table that is used twice:
//
//   x + tune.scatter_add(rows, index)  =  tune.scatter_add(rows, index, x)
//
// Before: tune-set-precision, which takes sums over rows in f64. After: tune-fuse-rows.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Programs.h"
#include "dialects/Tune/Utils/Updates.h"

#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_ACCUMULATEROWS
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

/// A sum that begins with nothing.
bool isSum(linalg::ReduceOp op) {
  return op.getInputs().size() == 1 && isa<arith::AddFOp>(op.getCombiner().front().front()) &&
         isZeroTensor(op.getInits()[0]);
}

/// Takes linear functions of sums over rows apart. What it has built for a value that turns out to be none is unused.
class RowTerms {
public:
  RowTerms(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  /// `[rows, ...]`, whose sum over the rows is `value`; null if `value` is no such sum.
  Value find(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return {};
    if (auto reduce = dyn_cast<linalg::ReduceOp>(op))
      return isSum(reduce) && reduce.getDimensions() == ArrayRef<int64_t>{0} ? reduce.getInputs()[0] : Value();
    if (auto negation = dyn_cast<arith::NegFOp>(op)) {
      Value terms = find(negation.getOperand());
      return terms ? neg(builder, loc, terms) : Value();
    }
    if (isa<arith::MulFOp>(op))
      if (Value terms = findScaled(op, 1))
        return terms;
    if (isa<arith::MulFOp, arith::DivFOp>(op))
      return findScaled(op, 0);
    if (isa<arith::AddFOp, arith::SubFOp>(op))
      return findSum(op);
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
      Value terms = find(op->getOperand(0));
      return terms ? reshape(builder, loc, terms, withRows(terms, shapeOf(value))) : Value();
    }
    if (auto concatenation = dyn_cast<tensor::ConcatOp>(op))
      return findParts(concatenation);
    return {};
  }

private:
  static SmallVector<int64_t> withRows(Value terms, ArrayRef<int64_t> rest) {
    SmallVector<int64_t> shape{shapeOf(terms)[0]};
    llvm::append_range(shape, rest);
    return shape;
  }

  Value rebuild(Operation *op, ValueRange operands) {
    return builder.create(loc, op->getName().getIdentifier(), operands, operands[0].getType(), op->getAttrs())
        ->getResult(0);
  }

  /// A product with, or quotient by, what all rows have in common.
  Value findScaled(Operation *op, unsigned side) {
    Value terms = find(op->getOperand(side));
    if (!terms)
      return {};
    Value common = op->getOperand(1 - side);
    auto positions = llvm::to_vector(llvm::seq<int64_t>(1, typeOf(terms).getRank()));
    Value operands[2];
    operands[side] = terms;
    operands[1 - side] = broadcast(builder, loc, common, shapeOf(terms), positions);
    return rebuild(op, operands);
  }

  Value findSum(Operation *op) {
    Value left = find(op->getOperand(0)), right = find(op->getOperand(1));
    return left && right && left.getType() == right.getType() ? rebuild(op, {left, right}) : Value();
  }

  Value findParts(tensor::ConcatOp op) {
    SmallVector<Value> parts;
    for (Value input : op.getInputs()) {
      parts.push_back(find(input));
      if (!parts.back() || shapeOf(parts.back())[0] != shapeOf(parts.front())[0])
        return {};
    }
    return concat(builder, loc, parts, int64_t(op.getDim()) + 1);
  }

  OpBuilder &builder;
  Location loc;
};

/// The sum of what is in a tensor and something else, if it is all that becomes of both.
std::pair<Value, Value> matchAccumulation(WriteOp write) {
  auto sum = write.getValue().getDefiningOp<arith::AddFOp>();
  if (!sum)
    return {};
  for (Value side : {sum.getLhs(), sum.getRhs()})
    if (ReadOp kept = findKept(sum, side))
      return {kept, side};
  return {};
}

struct AccumulateRowsPass : impl::AccumulateRowsBase<AccumulateRowsPass> {
  void runOnOperation() override {
    forEachProgram(getOperation(), [&](func::FuncOp program) {
      for (auto sum : llvm::make_early_inc_range(program.getOps<arith::AddFOp>()))
        beginScatter(sum);
      for (auto write : llvm::make_early_inc_range(program.getOps<WriteOp>()))
        if (auto [kept, added] = matchAccumulation(write); kept)
          accumulate(write, kept, added);
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(program.front())))
        if (isOpTriviallyDead(&op)) // what was replaced, and what was built in vain
          op.erase();
    });
  }

  static void beginScatter(arith::AddFOp sum) {
    for (auto [side, other] : {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())}) {
      auto scatter = side.getDefiningOp<ScatterAddOp>();
      if (!scatter || scatter.getInit() || !scatter->hasOneUse() || !isComputed(other))
        continue;
      scatter.getInitMutable().assign(other);
      scatter->moveBefore(sum);
      sum.replaceAllUsesWith(scatter.getResult());
      return sum.erase();
    }
  }

  /// Whether a value has bytes of its own, unlike a constant or what is repeated.
  static bool isComputed(Value value) {
    Operation *op = value.getDefiningOp();
    return op && !isa<linalg::BroadcastOp, linalg::FillOp>(op) &&
           (isa<ReadOp>(op) || op->getNumOperands() + op->getNumRegions() > 0);
  }

  static void accumulate(WriteOp write, Value kept, Value added) {
    OpBuilder builder(write);
    SmallVector<int64_t> dims{0};
    Value terms;
    if (getElementTypeOrSelf(added.getType()).isF64()) {
      terms = RowTerms(builder, write.getLoc()).find(added);
    } else if (auto sum = added.getDefiningOp<linalg::ReduceOp>(); sum && sum->hasOneUse() && isSum(sum)) {
      dims.assign(sum.getDimensions().begin(), sum.getDimensions().end());
      terms = sum.getInputs()[0];
    }
    if (!terms)
      return;
    auto sum = linalg::ReduceOp::create(builder, write.getLoc(), terms, kept, dims,
                                        [](OpBuilder &inner, Location loc, ValueRange values) {
                                          Value next = arith::AddFOp::create(inner, loc, values[1], values[0]);
                                          linalg::YieldOp::create(inner, loc, next);
                                        });
    write.getValueMutable().assign(sum->getResult(0));
  }
};
} // namespace
} // namespace ftc::tune
