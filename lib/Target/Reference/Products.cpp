// Contractions and reductions by their definitions: one sum for each element of the result, in order of the indices.

#include "Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace ftc::target {

namespace {
class ContractKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto contract = cast<linalg::ContractOp>(op);
    SmallVector<AffineMap> maps = contract.getIndexingMapsArray();
    if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return op->emitOpError("has an indexing map that is no projected permutation");
    Value result = op->getResult(0);
    SmallVector<int64_t> sizes = contract.getStaticLoopRanges();
    SmallVector<int64_t> summed;
    SmallVector<unsigned> summedDims;
    for (unsigned dim = 0; dim < sizes.size(); ++dim)
      if (!maps[2].isFunctionOfDim(dim)) {
        summedDims.push_back(dim);
        summed.push_back(sizes[dim]);
      }
    auto select = [](AffineMap map, ArrayRef<Value> domain) {
      return llvm::map_to_vector(map.getResults(),
                                 [&](AffineExpr dim) { return domain[cast<AffineDimExpr>(dim).getPosition()]; });
    };
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      SmallVector<Value> domain(sizes.size());
      for (auto [position, dim] : llvm::enumerate(maps[2].getResults()))
        domain[cast<AffineDimExpr>(dim).getPosition()] = indices[position];
      Value initial = builder.load(contract.getDpsInitOperand(0)->get(), indices);
      Value sum = accumulate(builder, summed, initial, [&](ValueRange inner, Value accumulator) -> Value {
        for (auto [dim, position] : llvm::zip(summedDims, inner))
          domain[dim] = position;
        Value a = builder.load(op->getOperand(0), select(maps[0], domain));
        Value b = builder.load(op->getOperand(1), select(maps[1], domain));
        Value product = arith::MulFOp::create(builder, a, b);
        return arith::AddFOp::create(builder, accumulator, product);
      });
      builder.store(sum, result, indices);
    });
    return success();
  }
};

class ReduceKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto reduce = cast<linalg::ReduceOp>(op);
    if (reduce.getInputs().size() != 1)
      return op->emitOpError("reduces more than one tensor");
    Value input = reduce.getInputs().front(), result = op->getResult(0);
    SmallVector<int64_t> reduced;
    for (int64_t dim : reduce.getDimensions())
      reduced.push_back(getShape(input)[dim]);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      Value initial = builder.load(reduce.getInits().front(), indices);
      Value value = accumulate(builder, reduced, initial, [&](ValueRange inner, Value accumulator) {
        SmallVector<Value> source(getShape(input).size());
        for (auto [dim, position] : llvm::zip(reduce.getDimensions(), inner))
          source[dim] = position;
        auto next = indices.begin();
        for (Value &place : source)
          if (!place)
            place = *next++;
        return combine(reduce, builder, builder.load(input, source), accumulator);
      });
      builder.store(value, result, indices);
    });
    return success();
  }

  /// The reduction's own body, on one element and what has been accumulated.
  static Value combine(linalg::ReduceOp reduce, KernelBuilder &builder, Value element, Value accumulator) {
    Block &body = reduce.getCombiner().front();
    IRMapping mapping;
    mapping.map(body.getArgument(0), element);
    mapping.map(body.getArgument(1), accumulator);
    for (Operation &inner : body.without_terminator())
      builder.clone(inner, mapping);
    return mapping.lookup(body.getTerminator()->getOperand(0));
  }
};
} // namespace

void addProductKernels(KernelRegistry &registry) {
  registry.add("linalg.contract", std::make_shared<ContractKernel>());
  registry.add("linalg.reduce", std::make_shared<ReduceKernel>());
}

} // namespace ftc::target
