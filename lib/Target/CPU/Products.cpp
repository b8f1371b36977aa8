// Kernels of products: our own, oneDNN's, and rows for contractions that read a matrix once.

#include "Generators.h"
#include "Matmul.h"
#include "RowEmitter.h"

#include "dialects/Dnnl/IR/Dnnl.h"
#include "ftc/Runtime/CPU/Dnnl.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using ftc::dnnl::ProductDimension;
using ftc::dnnl::ProductShape;

namespace ftc::target::cpu {

/// Whole rows if they are no longer than this: oneDNN is fastest where rows of the result follow each other.
static constexpr int64_t kWholeRow = 2048;
/// Otherwise a block has at most so many columns.
static constexpr int64_t kMostColumns = 1024;
/// A block of the result stays in the cache while its terms are added, and has rows enough that packing the operands
/// does not show.
static constexpr int64_t kMostElements = 1 << 18, kMostRows = 512;
/// The same where an operand is extended to f32 block by block: less of it is in a thread's memory at once.
static constexpr int64_t kNarrowColumns = 256, kNarrowRows = 1024;
/// So that there is work for each thread, down to blocks of this size.
static constexpr int64_t kLeastBlocks = 8, kLeastSide = 64;

/// Of a matrix that is read once, products that a thread takes at a time: what such a part begins with was not fetched
/// ahead. About so many parts, of at least and at most so many products.
static constexpr int64_t kParts = 8, kLeastPart = 1 << 15, kMostPart = 1 << 18;

namespace {
struct Blocks {
  int64_t m, n;
};

class MatmulGenerator : public KernelGenerator {
public:
  explicit MatmulGenerator(const Registers &registers) : registers(registers) {}

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto product = cast<dnnl::MatmulOp>(op);
    if (emitMatmul(product, registers, builder))
      return success();
    ProductShape shape = product.getTerm(0);
    Blocks blocks = chooseBlocks(shape, extends(product));
    SmallVector<int64_t> arguments{
        shape.m.size, shape.n.size, shape.m.c, blocks.m, blocks.n, !!product.getInit(), int64_t(shape.batch.size())};
    for (const ProductDimension &dim : shape.batch)
      arguments.append({dim.size, dim.c});
    arguments.push_back(product.getNumTerms());
    for (size_t i = 0; i < product.getNumTerms(); ++i) {
      ProductShape term = product.getTerm(i);
      arguments.append({term.k.size, term.m.a, term.k.a, term.k.b, term.n.b, term.swapped,
                        typeNumber(product.getLhs()[i]), typeNumber(product.getRhs()[i])});
      for (const ProductDimension &dim : term.batch)
        arguments.append({dim.a, dim.b});
    }
    builder.useRuntimeKernel("ftc_dnnl_matmul_run", builder.plan("ftc_dnnl_matmul_plan", arguments));
    builder.setItems(countBlocks(shape, blocks));
    return success();
  }

  bool foldsSplat(OpOperand &) const override { return false; }

  int64_t scratchBytes(Operation *op) const override {
    auto product = cast<dnnl::MatmulOp>(op);
    if (int64_t own = getMatmulScratch(product, registers))
      return own;
    return countExtended(product);
  }

  bool mayAccumulate(Operation *op) const override { return cpu::mayAccumulate(cast<dnnl::MatmulOp>(op), registers); }

  bool followWhole(Operation *op, Operation *whole) const override {
    return cpu::addsAlike(cast<dnnl::MatmulOp>(op), cast<dnnl::MatmulOp>(whole), registers);
  }

  int64_t getPanelColumns(OpOperand &operand) const override { return cpu::getPanelColumns(operand, registers); }

  /// The result may be computed where its init is.
  bool mayShare(OpOperand &operand, OpResult) const override {
    auto product = cast<dnnl::MatmulOp>(operand.getOwner());
    return product.getInit() && operand.getOperandNumber() + 1 == product->getNumOperands();
  }

private:
  Registers registers;

  static bool extends(dnnl::MatmulOp op) {
    return llvm::any_of(op->getOperandTypes(), [](Type type) { return !getElementTypeOrSelf(type).isF32(); });
  }

  /// Bytes of the operands of a block that the runtime extends in a thread's memory.
  static int64_t countExtended(dnnl::MatmulOp op) {
    Blocks blocks = chooseBlocks(op.getTerm(0), extends(op));
    int64_t most = 0;
    for (size_t i = 0; i < op.getNumTerms(); ++i) {
      ProductShape term = op.getTerm(i);
      int64_t depth = std::min<int64_t>(term.k.size, FTC_DNNL_DEPTH), bytes = 0;
      auto add = [&](Value operand, int64_t side) {
        if (typeNumber(operand) != FTC_DNNL_F32)
          bytes += llvm::alignTo(side * depth * int64_t(sizeof(float)), 64);
      };
      add(term.swapped ? op.getRhs()[i] : op.getLhs()[i], blocks.m);
      add(term.swapped ? op.getLhs()[i] : op.getRhs()[i], blocks.n);
      most = std::max(most, bytes);
    }
    return most;
  }

  static int64_t countBlocks(const ProductShape &shape, Blocks blocks) {
    return llvm::divideCeil(shape.m.size, blocks.m) * llvm::divideCeil(shape.n.size, blocks.n) * shape.countBatch();
  }

  /// About equal parts of `size`, none larger than `most`, in whole vectors.
  static int64_t cut(int64_t size, int64_t most) {
    return std::min<int64_t>(size, llvm::alignTo(llvm::divideCeil(size, llvm::divideCeil(size, most)), 16));
  }

  static int64_t typeNumber(Value operand) {
    Type element = getElementTypeOrSelf(operand.getType());
    return element.isF32() ? FTC_DNNL_F32 : element.isBF16() ? FTC_DNNL_BF16 : FTC_DNNL_F16;
  }

  static Blocks chooseBlocks(const ProductShape &shape, bool extends) {
    int64_t wholeRow = extends ? kNarrowColumns : kWholeRow, mostColumns = extends ? kNarrowColumns : kMostColumns;
    Blocks blocks{shape.m.size, shape.n.size <= wholeRow ? shape.n.size : cut(shape.n.size, mostColumns)};
    blocks.m = cut(shape.m.size, std::clamp(kMostElements / blocks.n, kLeastSide, extends ? kNarrowRows : kMostRows));
    while (countBlocks(shape, blocks) < kLeastBlocks) {
      int64_t &side = blocks.m > kLeastSide ? blocks.m : blocks.n;
      if (side <= kLeastSide)
        break;
      side = cut(side, side / 2);
    }
    return blocks;
  }
};

/// A contraction that no library does: each element by itself.
class ContractGenerator : public KernelGenerator {
public:
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto contract = cast<linalg::ContractOp>(op);
    auto shape = dnnl::getProductShape(contract.getIndexingMapsArray(), contract.getStaticLoopRanges());
    auto sizes = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
    if (!shape || shape->k.b != 1 || sizes.empty() || !addsNeighbours(op))
      return makeRowGenerator()->generate(op, builder);
    // An item is a column of the result, which reads its row of the matrix for all rows: along k, where both operands
    // have neighbours.
    RowEmitter emitter(builder);
    for (Value operand : op->getOperands())
      emitter.bindInput(operand, operand);
    emitter.fetchAhead(op->getOperand(shape->swapped ? 0 : 1));
    int64_t work = shape->k.size * computeProduct(sizes.drop_back());
    int64_t part = std::clamp(sizes.back() * work / kParts, kLeastPart, kMostPart);
    builder.setItems(sizes.back(), std::max<int64_t>(1, part / work));
    emitter.emitLoop(builder.lo(), builder.hi(), {0, sizes.back() - 1}, {}, [&](AffineExpr column, ValueRange) {
      Coordinates at;
      emitRest(emitter, op->getResult(0), sizes.drop_back(), column, at);
      return SmallVector<Value>();
    });
    return failure(emitter.hasFailed());
  }

  bool mayShare(OpOperand &operand, OpResult) const override { return operand.getOperandNumber() == 2; }

private:
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

std::shared_ptr<const KernelGenerator> makeMatmulGenerator(const Registers &registers) {
  return std::make_shared<MatmulGenerator>(registers);
}
std::shared_ptr<const KernelGenerator> makeContractGenerator() { return std::make_shared<ContractGenerator>(); }

} // namespace ftc::target::cpu
