// Kernels of contractions: products of matrices by oneDNN, what reads a matrix once by rows.

#include "Generators.h"
#include "ProductShape.h"
#include "RowEmitter.h"

using namespace mlir;

namespace ftc::target::cpu {

/// Blocks of a product have about this many multiplications, so that there are enough blocks for the threads and the
/// cost of a call does not show.
static constexpr int64_t kBlockWork = int64_t(48) << 20;
static constexpr int64_t kLeastBlocks = 8;
/// A product with fewer rows is bound by reading the matrix.
static constexpr int64_t kFewRows = 8;

namespace {
struct Blocks {
  int64_t m, n;
};

class ProductGenerator : public KernelGenerator {
public:
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto contract = cast<linalg::ContractOp>(op);
    std::optional<ProductShape> shape = getProductShape(contract);
    if (!shape || !isLibraryProduct(contract, *shape))
      return generateRows(contract, shape, builder);
    generateLibraryCall(contract, *shape, builder);
    return success();
  }

  /// Only the sum that the products are added to: the library reads the others from memory.
  bool foldsSplat(OpOperand &operand) const override {
    return operand.getOperandNumber() == 2 && isZero(operand.get());
  }

  bool mayShare(OpOperand &operand, OpResult) const override { return operand.getOperandNumber() == 2; }

private:
  static bool isZero(Value value) {
    TypedAttr splat = getSplat(value);
    return splat && matchPattern(splat, m_AnyZeroFloat());
  }

  static bool isLibraryProduct(linalg::ContractOp op, const ProductShape &shape) {
    if (!getElementTypeOrSelf(op->getResult(0).getType()).isF32() || shape.n.size == 1 || shape.k.size == 1)
      return false;
    return std::min(shape.m.size, shape.n.size) > kFewRows;
  }

  static Blocks chooseBlocks(const ProductShape &shape) {
    int64_t entries = 1;
    for (const ProductDimension &dim : shape.batch)
      entries *= dim.size;
    Blocks blocks{shape.m.size, shape.n.size};
    auto count = [&] {
      return entries * llvm::divideCeil(shape.m.size, blocks.m) * llvm::divideCeil(shape.n.size, blocks.n);
    };
    // Halve the longer side while blocks are too large, or too few and not yet small.
    while (true) {
      int64_t work = blocks.m * blocks.n * shape.k.size;
      bool tooLarge = work > kBlockWork && count() < 64 * kLeastBlocks;
      bool tooFew = count() < kLeastBlocks && work > kBlockWork / 16;
      int64_t &longer = blocks.m > blocks.n ? blocks.m : blocks.n;
      if ((!tooLarge && !tooFew) || longer <= 64)
        return blocks;
      longer = llvm::alignTo(llvm::divideCeil(longer, 2), 16);
    }
  }

  static void generateLibraryCall(linalg::ContractOp op, const ProductShape &shape, KernelBuilder &builder) {
    bool accumulates = !isZero(op.getOutputs()[0]);
    Blocks blocks = chooseBlocks(shape);
    SmallVector<int64_t> arguments{shape.m.size, shape.n.size, shape.k.size, shape.m.a, shape.k.a,  shape.k.b,
                                   shape.n.b,    shape.m.c,    blocks.m,     blocks.n,  accumulates};
    int64_t items = llvm::divideCeil(shape.m.size, blocks.m) * llvm::divideCeil(shape.n.size, blocks.n);
    arguments.push_back(shape.batch.size());
    for (const ProductDimension &dim : shape.batch) {
      arguments.append({dim.size, dim.a, dim.b, dim.c});
      items *= dim.size;
    }
    // The operands come in the op's order; a swapped product takes the second as a.
    arguments.push_back(shape.swapped);
    int64_t plan = builder.plan("ftc_dnnl_matmul_plan", arguments);
    builder.useRuntimeKernel("ftc_dnnl_matmul_run", plan);
    builder.setItems(items);
  }

  /// Each element by itself: along k where both operands have neighbours there, across n otherwise.
  static LogicalResult generateRows(linalg::ContractOp op, const std::optional<ProductShape> &shape,
                                    KernelBuilder &builder) {
    if (!shape || shape->k.b != 1)
      return makeRowGenerator()->generate(op, builder);
    RowEmitter emitter(builder);
    for (Value operand : op->getOperands())
      emitter.bindInput(operand, operand);
    auto sizes = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
    // An item is a column of the result's last dimension, which reads its row of the matrix for all rows.
    int64_t columns = sizes.back();
    builder.setItems(columns, std::max<int64_t>(1, (1 << 15) / shape->k.size));
    emitter.emitLoop(builder.lo(), builder.hi(), {0, columns - 1}, {}, [&](AffineExpr column, ValueRange) {
      Coordinates at;
      emitRest(emitter, op->getResult(0), sizes.drop_back(), column, at);
      return SmallVector<Value>();
    });
    return failure(emitter.hasFailed());
  }

  static void emitRest(RowEmitter &emitter, Value result, ArrayRef<int64_t> sizes, AffineExpr column, Coordinates &at) {
    if (at.size() == sizes.size()) {
      at.push_back(column);
      emitter.store(result, result, at);
      at.pop_back();
      return;
    }
    emitter.emitLoop(sizes[at.size()], {}, [&](AffineExpr index, ValueRange) -> SmallVector<Value> {
      at.push_back(index);
      emitRest(emitter, result, sizes, column, at);
      at.pop_back();
      return {};
    });
  }
};
} // namespace

std::shared_ptr<const KernelGenerator> makeProductGenerator() { return std::make_shared<ProductGenerator>(); }

} // namespace ftc::target::cpu
