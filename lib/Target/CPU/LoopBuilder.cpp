#include "LoopBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace ftc::target::cpu {

Value LoopBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value LoopBuilder::add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
Value LoopBuilder::mul(Value x, int64_t y) { return y == 1 ? x : arith::MulIOp::create(b, x, index(y)).getResult(); }
Value LoopBuilder::mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
Value LoopBuilder::div(Value x, int64_t y) { return y == 1 ? x : arith::DivUIOp::create(b, x, index(y)).getResult(); }
Value LoopBuilder::rem(Value x, int64_t y) { return arith::RemUIOp::create(b, x, index(y)); }
Value LoopBuilder::sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
Value LoopBuilder::select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
Value LoopBuilder::compare(arith::CmpIPredicate predicate, Value x, Value y) {
  return arith::CmpIOp::create(b, predicate, x, y);
}
Value LoopBuilder::min(Value x, Value y) { return arith::MinUIOp::create(b, x, y); }

Value LoopBuilder::max(Value x, Value y) { return arith::MaxUIOp::create(b, x, y); }

SmallVector<Value> LoopBuilder::loop(Value from, Value to, int64_t step, ValueRange carried, Body body) {
  auto loop = scf::ForOp::create(b, from, to, index(step), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> LoopBuilder::unrolledLoop(Value to, ValueRange carried, Body body) {
  int64_t steps = registers.steps;
  std::optional<int64_t> constant = getConstantIntValue(to);
  Value whole = constant ? index(*constant / steps * steps) : mul(div(to, steps), steps);
  SmallVector<Value> values = loop(index(0), whole, steps, carried, [&](Value i, ValueRange own) {
    SmallVector<Value> next = body(i, own);
    for (int64_t step = 1; step < steps; ++step) {
      LLVM::InlineAsmOp::create(b, TypeRange(), ValueRange(), /*asm_string=*/"", /*constraints=*/"~{memory}",
                                /*has_side_effects=*/true, /*is_align_stack=*/false,
                                LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr());
      next = body(add(i, step), next);
    }
    return next;
  });
  if (steps == 1 || (constant && *constant % steps == 0))
    return values;
  return loop(whole, to, 1, values, body);
}

void LoopBuilder::loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
  loop(from, to, step, {}, [&](Value i, ValueRange) -> SmallVector<Value> {
    body(i);
    return {};
  });
}

void LoopBuilder::ifTrue(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

Value LoopBuilder::flatten(Value memref) {
  return flatten(memref, cast<MemRefType>(memref.getType()).getNumElements());
}

Value LoopBuilder::flatten(Value memref, int64_t elements) {
  auto type = MemRefType::get({elements}, cast<MemRefType>(memref.getType()).getElementType());
  return memref::ReinterpretCastOp::create(b, type, memref, /*offset=*/int64_t(0), ArrayRef<int64_t>{elements},
                                           ArrayRef<int64_t>{1});
}

MemRefType LoopBuilder::pointerType(Type element) {
  return MemRefType::get({1}, element ? element : Type(b.getF32Type()));
}

Value LoopBuilder::pointer(Value memref) { return flatten(memref, 1); }

Value LoopBuilder::workspace(int64_t elements) {
  Value bytes = b.workspace();
  return memref::ViewOp::create(b, MemRefType::get({elements}, b.getF32Type()), bytes, index(0), ValueRange());
}

Value LoopBuilder::offset(Value memory, Value from) {
  auto type = cast<MemRefType>(memory.getType());
  auto layout = StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1});
  auto view = MemRefType::get(type.getShape(), type.getElementType(), layout);
  return memref::ReinterpretCastOp::create(b, view, memory, OpFoldResult(from),
                                           ArrayRef<OpFoldResult>{b.getIndexAttr(type.getDimSize(0))},
                                           ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

VectorType LoopBuilder::f32(int64_t lanes) { return VectorType::get({lanes}, b.getF32Type()); }

Value LoopBuilder::constant(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr attr = isa<FloatType>(element) ? TypedAttr(b.getFloatAttr(element, value))
                                           : TypedAttr(b.getIntegerAttr(element, int64_t(value)));
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, attr);
}

Value LoopBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value LoopBuilder::mask(int64_t lanes, int64_t active) {
  SmallVector<bool> bits(lanes);
  std::fill_n(bits.begin(), active, true);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(VectorType::get({lanes}, b.getI1Type()), bits));
}

Value LoopBuilder::load(Value memory, Value at) { return memref::LoadOp::create(b, memory, at); }

Value LoopBuilder::extend(Value narrow) {
  if (getElementTypeOrSelf(narrow).isF32())
    return narrow;
  auto vector = dyn_cast<VectorType>(narrow.getType());
  Type wide = vector ? Type(f32(vector.getNumElements())) : Type(b.getF32Type());
  return arith::ExtFOp::create(b, wide, narrow);
}

Value LoopBuilder::loadMasked(Value memory, Value at, Value mask, Value other) {
  return vector::MaskedLoadOp::create(b, cast<VectorType>(other.getType()), memory, at, mask, other);
}

Value LoopBuilder::load(Value memory, Value at, int64_t lanes, int64_t active) {
  auto type = VectorType::get({lanes}, cast<MemRefType>(memory.getType()).getElementType());
  if (active == lanes)
    return vector::LoadOp::create(b, type, memory, at);
  return vector::MaskedLoadOp::create(b, type, memory, at, mask(lanes, active), constant(type, 0));
}

void LoopBuilder::store(Value vector, Value memory, Value at, int64_t active) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  if (active == lanes)
    vector::StoreOp::create(b, vector, memory, at);
  else
    vector::MaskedStoreOp::create(b, memory, at, mask(lanes, active), vector);
}

void LoopBuilder::store(Value vector, Value memory, Value at) {
  store(vector, memory, at, cast<VectorType>(vector.getType()).getNumElements());
}

void LoopBuilder::prefetch(Value memory, Value at, Fetch fetch) {
  memref::PrefetchOp::create(b, memory, at, fetch.isWrite, fetch.locality, /*isDataCache=*/true);
}

/// Each round exchanges one bit of the row's number with the same bit of the column's.
void LoopBuilder::transpose(MutableArrayRef<Value> rows) {
  int64_t size = rows.size();
  for (int64_t bit = size / 2; bit > 0; bit /= 2) {
    SmallVector<int64_t> low(size), high(size);
    for (int64_t lane = 0; lane < size; ++lane) {
      low[lane] = lane & bit ? size + (lane ^ bit) : lane;
      high[lane] = lane & bit ? size + lane : lane | bit;
    }
    for (int64_t row = 0; row < size; ++row) {
      if (row & bit)
        continue;
      Value first = rows[row], second = rows[row | bit];
      rows[row] = vector::ShuffleOp::create(b, first, second, low);
      rows[row | bit] = vector::ShuffleOp::create(b, first, second, high);
    }
  }
}

/// A tile whose sums stay in registers.
static SmallVector<Value> emitSums(LoopBuilder &l, const ScalarOperand &a, const VectorOperand &b, Value depth,
                                   ValueRange start) {
  int64_t lanes = cast<VectorType>(start.front().getType()).getNumElements();
  return l.unrolledLoop(depth, start, [&](Value k, ValueRange sums) {
    Value row = l.load(b.memory, l.add(b.base, l.mul(k, b.kStride)), lanes);
    Value first = l.add(a.base, l.mul(k, a.kStride));
    SmallVector<Value> next;
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value factor = l.splat(l.load(a.memory, l.add(first, int64_t(i) * a.rowStride)), lanes);
      next.push_back(vector::FMAOp::create(l.b, factor, row, sum));
    }
    return next;
  });
}

SmallVector<Value> emitTile(LoopBuilder &l, const ScalarOperand &a, const VectorOperand &b, Value depth,
                            ValueRange start) {
  int64_t lanes = cast<VectorType>(start.front().getType()).getNumElements(), part = l.registers.tileColumns;
  if (lanes <= part)
    return emitSums(l, a, b, depth, start);
  SmallVector<Value> sums(start);
  for (int64_t first = 0; first < lanes; first += part) {
    SmallVector<Value> own;
    for (Value sum : start)
      own.push_back(vector::ExtractStridedSliceOp::create(l.b, sum, first, part, 1));
    VectorOperand columns{b.memory, l.add(b.base, first), b.kStride};
    own = emitSums(l, a, columns, depth, own);
    for (auto [sum, value] : llvm::zip_equal(sums, own))
      sum = vector::InsertStridedSliceOp::create(l.b, value, sum, first, 1);
  }
  return sums;
}

void forTiles(LoopBuilder &l, int64_t rows, int64_t most, llvm::function_ref<void(Value, int64_t)> tile) {
  int64_t size = llvm::divideCeil(rows, llvm::divideCeil(rows, most)), whole = rows / size * size;
  l.loop(l.index(0), l.index(whole), size, [&](Value row) { tile(row, size); });
  if (whole < rows)
    tile(l.index(whole), rows - whole);
}

void forTiles(LoopBuilder &l, Value from, Value to, int64_t rows, llvm::function_ref<void(Value, int64_t)> tile) {
  Value whole = l.add(from, l.mul(l.div(l.sub(to, from), rows), rows));
  l.loop(from, whole, rows, [&](Value row) { tile(row, rows); });
  l.loop(whole, to, 1, [&](Value row) { tile(row, 1); });
}

} // namespace ftc::target::cpu
