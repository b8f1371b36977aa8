#include "Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <numeric>

using namespace mlir;

namespace ftc::target {

Value index(KernelBuilder &builder, int64_t value) { return arith::ConstantIndexOp::create(builder, value); }

Value constant(KernelBuilder &builder, Type type, double value) {
  TypedAttr attribute = isa<FloatType>(type) ? TypedAttr(builder.getFloatAttr(type, value))
                                             : TypedAttr(builder.getIntegerAttr(type, int64_t(value)));
  return arith::ConstantOp::create(builder, attribute);
}

/// A loop of [lo, hi) around the insertion point; gives its index.
static Value enterLoop(KernelBuilder &builder, Value lo, Value hi) {
  auto loop = scf::ForOp::create(builder, lo, hi, index(builder, 1));
  builder.setInsertionPointToStart(loop.getBody());
  return loop.getInductionVar();
}

static void emitNest(KernelBuilder &builder, ArrayRef<int64_t> shape, SmallVector<Value> outer, IndexedBody body) {
  OpBuilder::InsertionGuard guard(builder);
  for (int64_t size : shape)
    outer.push_back(enterLoop(builder, index(builder, 0), index(builder, size)));
  body(outer);
}

void forEach(KernelBuilder &builder, ArrayRef<int64_t> shape, IndexedBody body) { emitNest(builder, shape, {}, body); }

void forEachItem(KernelBuilder &builder, ArrayRef<int64_t> shape, IndexedBody body) {
  if (shape.empty()) {
    body({});
    return;
  }
  constexpr int64_t kBlock = 1 << 14; // entries that are worth a thread's attention
  ArrayRef<int64_t> inner = shape.drop_front();
  int64_t entries = std::accumulate(inner.begin(), inner.end(), int64_t(1), std::multiplies<>());
  builder.setItems(shape.front(), std::max<int64_t>(1, kBlock / std::max<int64_t>(1, entries)));
  OpBuilder::InsertionGuard guard(builder);
  Value item = enterLoop(builder, builder.lo(), builder.hi());
  emitNest(builder, inner, {item}, body);
}

Value accumulate(KernelBuilder &builder, ArrayRef<int64_t> shape, Value initial,
                 function_ref<Value(ValueRange, Value)> body) {
  SmallVector<scf::ForOp> loops;
  SmallVector<Value> indices;
  Value accumulator = initial;
  OpBuilder::InsertionGuard guard(builder);
  for (int64_t size : shape) {
    auto loop = scf::ForOp::create(builder, index(builder, 0), index(builder, size), index(builder, 1), accumulator);
    builder.setInsertionPointToStart(loop.getBody());
    indices.push_back(loop.getInductionVar());
    accumulator = loop.getRegionIterArg(0);
    loops.push_back(loop);
  }
  Value result = body(indices, accumulator);
  for (scf::ForOp loop : llvm::reverse(loops)) {
    scf::YieldOp::create(builder, result);
    builder.setInsertionPointAfter(loop);
    result = loop.getResult(0);
  }
  return result;
}

Value linearIndex(KernelBuilder &builder, ArrayRef<int64_t> shape, ValueRange indices) {
  Value linear = index(builder, 0);
  for (auto [size, position] : llvm::zip(shape, indices)) {
    linear = arith::MulIOp::create(builder, linear, index(builder, size));
    linear = arith::AddIOp::create(builder, linear, position);
  }
  return linear;
}

CheckedIndex checkIndex(KernelBuilder &builder, Value i32, int64_t size) {
  Value wide = arith::IndexCastOp::create(builder, builder.getIndexType(), i32);
  // A negative index is a very large one.
  Value isValid = arith::CmpIOp::create(builder, arith::CmpIPredicate::ult, wide, index(builder, size));
  return {arith::SelectOp::create(builder, isValid, wide, index(builder, 0)), isValid};
}

void addReferenceKernels(KernelRegistry &registry) {
  addElementwiseKernels(registry);
  addShapeKernels(registry);
  addProductKernels(registry);
  addIndexedKernels(registry);
  addAttentionKernels(registry);
  addRandomKernels(registry);
  addMatrixKernels(registry);
}

} // namespace ftc::target
