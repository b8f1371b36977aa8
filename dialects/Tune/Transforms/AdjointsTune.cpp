//===- AdjointsTune.cpp - Derivatives of tune's ops ------------------------===//

#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Transforms/Differentiation.h"
#include "dialects/Tune/Utils/Builders.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace ftc::tune {
namespace {

struct GatherModel : DifferentiableOpInterface::ExternalModel<GatherModel, GatherOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    auto gather = cast<GatherOp>(op);
    if (needed[0])
      cotangents[0] =
          ScatterAddOp::create(builder, op->getLoc(), gather.getTable().getType(), dy[0], gather.getIndex(), Value());
    return success();
  }
};

struct ScatterAddModel : DifferentiableOpInterface::ExternalModel<ScatterAddModel, ScatterAddOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    auto scatter = cast<ScatterAddOp>(op);
    if (needed[0])
      cotangents[0] = GatherOp::create(builder, op->getLoc(), dy[0], scatter.getIndex());
    if (scatter.getInit() && needed[2])
      cotangents[2] = dy[0];
    return success();
  }
};

struct PickModel : DifferentiableOpInterface::ExternalModel<PickModel, PickOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    auto pick = cast<PickOp>(op);
    if (needed[0])
      cotangents[0] = PutOneOp::create(builder, op->getLoc(), pick.getX().getType(), dy[0], pick.getIndex());
    return success();
  }
};

struct PutOneModel : DifferentiableOpInterface::ExternalModel<PutOneModel, PutOneOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    if (needed[0])
      cotangents[0] = PickOp::create(builder, op->getLoc(), dy[0], cast<PutOneOp>(op).getIndex());
    return success();
  }
};

/// The same mask and factor as in the op.
struct DropModel : DifferentiableOpInterface::ExternalModel<DropModel, DropOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    if (!needed[0])
      return success();
    IRMapping mapping;
    mapping.map(cast<DropOp>(op).getX(), dy[0]);
    cotangents[0] = builder.clone(*op, mapping)->getResult(0);
    return success();
  }
};

struct AttentionModel : DifferentiableOpInterface::ExternalModel<AttentionModel, AttentionOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    auto attention = cast<AttentionOp>(op);
    if (dy[1])
      return op->emitError("'tune.attention': its log-sum-exp has no derivative");
    auto backward = AttentionBackwardOp::create(
        builder, op->getLoc(), attention.getQ().getType(), attention.getK().getType(), attention.getV().getType(),
        attention.getQ(), attention.getK(), attention.getV(), attention.getQpos(), attention.getQseg(),
        attention.getKpos(), attention.getKseg(), attention.getOut(), attention.getLse(), dy[0],
        attention.getScaleAttr(), attention.getCausalAttr(), attention.getWindowAttr(), attention.getSoftcapAttr(),
        attention.getPrefixAttr(), attention.getUnorderedAttr(), /*parts=*/IntegerAttr());
    for (unsigned number = 0; number < 3; ++number)
      if (needed[number])
        cotangents[number] = backward.getResult(number);
    return success();
  }
};

/// The adjoint of a loop over rows is a loop that repeats the body and differentiates it. Cotangents of sliced operands
/// and results are sliced, those of shared operands are summed; those of summed results are shared.
class RowsAdjoint {
public:
  RowsAdjoint(RowsOp op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed)
      : op(op), builder(builder), dy(dy), needed(needed) {}

  LogicalResult build(SmallVectorImpl<Value> &cotangents) {
    SmallVector<Value> sliced(op.getSliced()), shared(op.getShared());
    for (auto [number, cotangent] : llvm::enumerate(dy))
      if (cotangent)
        (number < op.getNumSlicedResults() ? sliced : shared).push_back(cotangent);
    // The types of its results are known when the body is: build it apart, then make the op around it.
    auto draft = RowsOp::create(builder, op.getLoc(), TypeRange(), sliced, shared, op.getChunk());
    if (failed(buildBody(draft)))
      return draft.erase(), failure();
    SmallVector<Type> types;
    for (Value operand : slicedWrt)
      types.push_back(operand.getType());
    for (Value operand : sharedWrt)
      types.push_back(operand.getType());
    auto rows = RowsOp::create(builder, op.getLoc(), types, sliced, shared, op.getChunk());
    rows.getBodyRegion().takeBody(draft.getBodyRegion());
    draft.erase();
    for (auto [number, result] : llvm::zip(resultOf, rows.getResults()))
      cotangents[number] = result;
    return success();
  }

private:
  /// Clones op's body into `rows`, differentiates it, yields the cotangents of the needed operands.
  LogicalResult buildBody(RowsOp rows) {
    Block &body = *rows.getBody();
    OpBuilder inner = OpBuilder::atBlockEnd(&body);
    IRMapping mapping;
    mapping.map(op.getSlicedArguments(), rows.getSlicedArguments().take_front(op.getSliced().size()));
    mapping.map(op.getSharedArguments(), rows.getSharedArguments().take_front(op.getShared().size()));
    for (Operation &inside : op.getBody()->without_terminator())
      inner.clone(inside, mapping);
    SmallVector<Value> wrt, found;
    SmallVector<unsigned> numbers;
    for (unsigned number : needed.set_bits()) {
      wrt.push_back(mapping.lookup(op.getBody()->getArgument(number)));
      numbers.push_back(number);
    }
    if (failed(differentiate(inner, seedsOf(rows, mapping), wrt, found)))
      return failure();
    SmallVector<Value> sliced, summed;
    for (auto [number, cotangent] : llvm::zip(numbers, found))
      if (cotangent) {
        bool isSliced = number < op.getSliced().size();
        (isSliced ? sliced : summed).push_back(cotangent);
        (isSliced ? slicedWrt : sharedWrt).push_back(op->getOperand(number));
        resultOf.push_back(number);
      }
    YieldOp::create(inner, op.getLoc(), sliced, summed);
    return success();
  }

  SmallVector<Seed> seedsOf(RowsOp rows, const IRMapping &mapping) {
    SmallVector<Seed> seeds;
    auto nextSliced = rows.getSlicedArguments().drop_front(op.getSliced().size()).begin();
    auto nextShared = rows.getSharedArguments().drop_front(op.getShared().size()).begin();
    for (auto [number, cotangent] : llvm::enumerate(dy))
      if (cotangent)
        seeds.push_back({mapping.lookupOrDefault(op.getYield()->getOperand(number)),
                         number < op.getNumSlicedResults() ? *nextSliced++ : *nextShared++});
    return seeds;
  }

  RowsOp op;
  OpBuilder &builder;
  ArrayRef<Value> dy;
  const BitVector &needed;
  SmallVector<Value> slicedWrt, sharedWrt;
  SmallVector<unsigned> resultOf;
};

struct RowsModel : DifferentiableOpInterface::ExternalModel<RowsModel, RowsOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    return RowsAdjoint(cast<RowsOp>(op), builder, dy, needed).build(cotangents);
  }
};

void attachTune(MLIRContext *context, TuneDialect *) {
  GatherOp::attachInterface<GatherModel>(*context);
  ScatterAddOp::attachInterface<ScatterAddModel>(*context);
  PickOp::attachInterface<PickModel>(*context);
  PutOneOp::attachInterface<PutOneModel>(*context);
  DropOp::attachInterface<DropModel>(*context);
  AttentionOp::attachInterface<AttentionModel>(*context);
  RowsOp::attachInterface<RowsModel>(*context);
}
} // namespace

void registerTuneAdjoints(DialectRegistry &registry) { registry.addExtension(attachTune); }

} // namespace ftc::tune
