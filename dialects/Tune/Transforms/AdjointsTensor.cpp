//===- AdjointsTensor.cpp - Derivatives of linalg's and tensor's ops ------===//

#include "dialects/Tune/Transforms/Differentiation.h"
#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

namespace ftc::tune {
namespace {

/// A model whose subclass gives, by `adjoint(op, builder, dy, needed, cotangents)`, the cotangents of an op with one
/// result.
template <typename Derived, typename Op> struct Model : DifferentiableOpInterface::ExternalModel<Derived, Op> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> resultCotangents,
                             const BitVector &needed, SmallVectorImpl<Value> &operandCotangents) const {
    return Derived::adjoint(cast<Op>(op), builder, resultCotangents.front(), needed, operandCotangents);
  }
};

/// Positions of a result of rank `rank` that are not in `added`.
SmallVector<int64_t> otherDimensions(int64_t rank, ArrayRef<int64_t> added) {
  SmallVector<int64_t> kept;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(added, dim))
      kept.push_back(dim);
  return kept;
}

/// The sum of what was repeated.
struct BroadcastModel : Model<BroadcastModel, linalg::BroadcastOp> {
  static LogicalResult adjoint(linalg::BroadcastOp op, OpBuilder &builder, Value dy, const BitVector &,
                               SmallVectorImpl<Value> &cotangents) {
    cotangents[0] = reduceSum(builder, op.getLoc(), dy, op.getDimensions());
    return success();
  }
};

struct TransposeModel : Model<TransposeModel, linalg::TransposeOp> {
  static LogicalResult adjoint(linalg::TransposeOp op, OpBuilder &builder, Value dy, const BitVector &,
                               SmallVectorImpl<Value> &cotangents) {
    cotangents[0] = transpose(builder, op.getLoc(), dy, invertPermutationVector(op.getPermutation()));
    return success();
  }
};

/// sum: dy repeated. max, min: dy repeated where the entry is the result, shared evenly between equal ones.
struct ReduceModel : Model<ReduceModel, linalg::ReduceOp> {
  static LogicalResult adjoint(linalg::ReduceOp op, OpBuilder &builder, Value dy, const BitVector &needed,
                               SmallVectorImpl<Value> &cotangents) {
    if (op.getInputs().size() != 1 || needed[1])
      return op.emitError("'linalg.reduce' of several tensors, or into a computed init, has no derivative");
    Location loc = op.getLoc();
    Value x = op.getInputs().front();
    Operation *combiner = &op.getCombiner().front().front();
    auto spread = [&](Value value) {
      return broadcast(builder, loc, value, shapeOf(x), otherDimensions(shapeOf(x).size(), op.getDimensions()));
    };
    if (isa<arith::AddFOp>(combiner)) {
      cotangents[0] = spread(dy);
      return success();
    }
    if (!isa<arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp>(combiner))
      return op.emitError("'linalg.reduce' by '") << combiner->getName() << "' has no derivative";
    Value isResult = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, x, spread(op->getResult(0)));
    Value ones = convert(builder, loc, isResult, typeOf(x).getElementType());
    Value share = div(builder, loc, dy, reduceSum(builder, loc, ones, op.getDimensions()));
    cotangents[0] = mul(builder, loc, spread(share), ones);
    return success();
  }
};

/// y[out] = sum a[A] b[B]: da[A] = sum dy[out] b[B], db[B] = sum dy[out] a[A]
struct ContractModel : Model<ContractModel, linalg::ContractOp> {
  static SmallVector<int> labelsOf(AffineMap map) {
    return llvm::map_to_vector(map.getResults(),
                               [](AffineExpr expr) { return int(cast<AffineDimExpr>(expr).getPosition()); });
  }

  /// The contraction of dy and `other` with labels `labels`; those that neither has are repeated.
  static Value adjointOf(OpBuilder &builder, Location loc, Value operand, ArrayRef<int> labels, Value dy,
                         ArrayRef<int> dyLabels, Value other, ArrayRef<int> otherLabels) {
    SmallVector<int> present;
    SmallVector<int64_t> positions;
    for (auto [position, label] : llvm::enumerate(labels))
      if (llvm::is_contained(dyLabels, label) || llvm::is_contained(otherLabels, label)) {
        present.push_back(label);
        positions.push_back(position);
      }
    Value product = contract(builder, loc, dy, dyLabels, other, otherLabels, present);
    return broadcast(builder, loc, product, shapeOf(operand), positions);
  }

  static LogicalResult adjoint(linalg::ContractOp op, OpBuilder &builder, Value dy, const BitVector &needed,
                               SmallVectorImpl<Value> &cotangents) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return op.emitError("'linalg.contract' with indexing maps that are no permutations has no derivative");
    SmallVector<int> a = labelsOf(maps[0]), b = labelsOf(maps[1]), out = labelsOf(maps[2]);
    Value left = op.getInputs()[0], right = op.getInputs()[1];
    if (needed[0])
      cotangents[0] = adjointOf(builder, op.getLoc(), left, a, dy, out, right, b);
    if (needed[1])
      cotangents[1] = adjointOf(builder, op.getLoc(), right, b, dy, out, left, a);
    if (needed[2])
      cotangents[2] = dy;
    return success();
  }
};

template <typename Op> struct ReshapeModel : Model<ReshapeModel<Op>, Op> {
  static LogicalResult adjoint(Op op, OpBuilder &builder, Value dy, const BitVector &,
                               SmallVectorImpl<Value> &cotangents) {
    cotangents[0] = reshape(builder, op.getLoc(), dy, shapeOf(op.getSrc()));
    return success();
  }
};

/// dy among zeros.
struct ExtractSliceModel : Model<ExtractSliceModel, tensor::ExtractSliceOp> {
  static LogicalResult adjoint(tensor::ExtractSliceOp op, OpBuilder &builder, Value dy, const BitVector &,
                               SmallVectorImpl<Value> &cotangents) {
    if (!op.hasUnitStride() || llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic) ||
        llvm::any_of(op.getStaticSizes(), ShapedType::isDynamic))
      return op.emitError("'tensor.extract_slice' with strides or offsets that are no constants has no derivative");
    Value result = reshape(builder, op.getLoc(), dy, op.getStaticSizes());
    for (auto [dim, size] : llvm::enumerate(shapeOf(op.getSource()))) {
      int64_t low = op.getStaticOffsets()[dim];
      result = padZeros(builder, op.getLoc(), result, dim, low, size - low - op.getStaticSizes()[dim]);
    }
    cotangents[0] = result;
    return success();
  }
};

struct ConcatModel : Model<ConcatModel, tensor::ConcatOp> {
  static LogicalResult adjoint(tensor::ConcatOp op, OpBuilder &builder, Value dy, const BitVector &needed,
                               SmallVectorImpl<Value> &cotangents) {
    int64_t start = 0, dim = op.getDim();
    for (auto [number, part] : llvm::enumerate(op.getInputs())) {
      int64_t size = shapeOf(part)[dim];
      if (needed[number])
        cotangents[number] = slice(builder, op.getLoc(), dy, dim, start, size);
      start += size;
    }
    return success();
  }
};

struct PadModel : Model<PadModel, tensor::PadOp> {
  static LogicalResult adjoint(tensor::PadOp op, OpBuilder &builder, Value dy, const BitVector &needed,
                               SmallVectorImpl<Value> &cotangents) {
    if (!op.getLow().empty() || !op.getHigh().empty())
      return op.emitError("'tensor.pad' by sizes that are no constants has no derivative");
    if (needed[0]) {
      for (auto [dim, size] : llvm::enumerate(shapeOf(op.getSource())))
        dy = slice(builder, op.getLoc(), dy, dim, op.getStaticLow()[dim], size);
      cotangents[0] = dy;
    }
    return success();
  }
};

void attachLinalg(MLIRContext *context, linalg::LinalgDialect *) {
  linalg::BroadcastOp::attachInterface<BroadcastModel>(*context);
  linalg::TransposeOp::attachInterface<TransposeModel>(*context);
  linalg::ReduceOp::attachInterface<ReduceModel>(*context);
  linalg::ContractOp::attachInterface<ContractModel>(*context);
}

void attachTensor(MLIRContext *context, tensor::TensorDialect *) {
  tensor::CollapseShapeOp::attachInterface<ReshapeModel<tensor::CollapseShapeOp>>(*context);
  tensor::ExpandShapeOp::attachInterface<ReshapeModel<tensor::ExpandShapeOp>>(*context);
  tensor::ExtractSliceOp::attachInterface<ExtractSliceModel>(*context);
  tensor::ConcatOp::attachInterface<ConcatModel>(*context);
  tensor::PadOp::attachInterface<PadModel>(*context);
}
} // namespace

void registerTensorAdjoints(DialectRegistry &registry) {
  registry.addExtension(attachLinalg);
  registry.addExtension(attachTensor);
}

} // namespace ftc::tune
