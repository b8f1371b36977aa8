// Products of few rows and few columns whose operands both have the depth as neighbours, as scalar products: a tile of
// sums, each a vector of partial sums along the depth, so that nothing is packed.

#include "Matmul.h"
#include "Terms.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace ftc::target::cpu {

/// Rows and columns at most: with more of both, packing is cheaper than reading operands again for each tile.
static constexpr int64_t kFew = 32;
/// The least depth for which adding up the partial sums does not count.
static constexpr int64_t kDeep = 128;
static constexpr int64_t kTileRows = 4;

bool isDots(ArrayRef<Term> terms) {
  return llvm::all_of(terms, [](const Term &term) {
    return !term.isNarrowA && !term.isNarrowB && term.k.a == 1 && term.k.b == 1 && term.m.size <= kFew &&
           term.n.size <= kFew && term.k.size >= kDeep;
  });
}

namespace {
struct Operand {
  Place place;
  Value row; ///< elements from one row (of a) or column (of b) to the next
};
} // namespace

/// c[rows, columns] = start + a b, rows * columns <= lanes. The arguments are those of callDotTile.
static void emitDotTile(LoopBuilder &l, int64_t rows, int64_t columns, ValueRange own) {
  int64_t lanes = l.registers.lanes;
  Value a = l.offset(own[0], own[1]), b = l.offset(own[3], own[4]), depth = own[6];
  SmallVector<Value> aRows, bRows;
  for (int64_t row = 0; row < rows; ++row)
    aRows.push_back(l.mul(own[2], row));
  for (int64_t column = 0; column < columns; ++column)
    bRows.push_back(l.mul(own[5], column));
  auto addStep = [&](ValueRange sums, llvm::function_ref<Value(Value, Value)> load) {
    SmallVector<Value> factors, next;
    for (Value column : bRows)
      factors.push_back(load(b, column));
    for (auto [i, row] : llvm::enumerate(aRows)) {
      Value factor = load(a, row);
      for (int64_t column = 0; column < columns; ++column)
        next.push_back(vector::FMAOp::create(l.b, factor, factors[column], sums[i * columns + column]));
    }
    return next;
  };
  Value zero = l.constant(l.f32(lanes), 0), whole = l.mul(l.div(depth, lanes), lanes);
  SmallVector<Value> sums(rows * columns, zero);
  sums = l.loop(l.index(0), whole, lanes, sums, [&](Value k, ValueRange carried) {
    return addStep(carried, [&](Value memory, Value row) { return l.load(memory, l.add(row, k), lanes); });
  });
  Value rest = vector::CreateMaskOp::create(l.b, VectorType::get({lanes}, l.b.getI1Type()), l.sub(depth, whole));
  sums = addStep(sums, [&](Value memory, Value row) { return l.loadMasked(memory, l.add(row, whole), rest, zero); });
  // Lane i of the total is the sum of the lanes of sum i.
  sums.resize(lanes, zero);
  l.transpose(sums);
  Value total = sums[0];
  for (Value part : llvm::drop_begin(sums))
    total = arith::AddFOp::create(l.b, total, part);
  Value c = l.offset(own[7], own[9]), init = l.offset(own[8], own[9]);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      Value at = l.add(l.mul(own[10], row), column),
            sum = vector::ExtractOp::create(l.b, total, row * columns + column);
      Value isZero = own[11], start = l.select(isZero, l.constant(l.b.getF32Type(), 0), l.load(init, at));
      memref::StoreOp::create(l.b, arith::AddFOp::create(l.b, start, sum), c, at);
    }
}

static void callDotTile(LoopBuilder &l, const Operand &a, const Operand &b, int64_t depth, const TileResult &result) {
  SmallVector<Value> operands{a.place.base, a.place.at, a.row, b.place.base, b.place.at, b.row, l.index(depth)};
  operands.append({result.c, result.init, result.at, l.index(result.stride), result.isZero});
  std::string symbol = llvm::formatv("dots_{0}x{1}", result.rows, result.columns);
  func::FuncOp tile = l.b.share(symbol, llvm::to_vector(ValueRange(operands).getTypes()),
                                [&](ValueRange own) { emitDotTile(l, result.rows, result.columns, own); });
  func::CallOp::create(l.b, tile, operands);
}

namespace {
/// Emits the kernel: an item is a few rows of a batch entry.
class DotsEmitter {
public:
  DotsEmitter(dnnl::MatmulOp op, ArrayRef<Term> terms, const Registers &registers, KernelBuilder &builder)
      : op(op), l(builder, registers), terms(terms), shape(terms.front()) {}

  void emit() {
    int64_t tiles = llvm::divideCeil(shape.m.size, kTileRows), rows = llvm::divideCeil(shape.m.size, tiles);
    int64_t whole = shape.m.size / rows, tail = shape.m.size % rows;
    tiles = whole + (tail ? 1 : 0);
    l.b.setItems(shape.countBatch() * tiles);
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      BatchEntry entry = locateBatch(l, l.div(item, tiles), terms);
      Value tile = l.rem(item, tiles), row = l.mul(tile, rows);
      l.ifTrue(l.compare(arith::CmpIPredicate::ult, tile, l.index(whole)), [&] { emitRows(entry, row, rows); });
      if (tail)
        l.ifTrue(l.compare(arith::CmpIPredicate::eq, tile, l.index(whole)), [&] { emitRows(entry, row, tail); });
    });
  }

private:
  void emitRows(const BatchEntry &entry, Value row, int64_t rows) {
    forTiles(l, shape.n.size, std::max<int64_t>(1, l.registers.lanes / kTileRows),
             [&](Value column, int64_t columns) { emitTile(entry, row, rows, column, columns); });
  }

  void emitTile(const BatchEntry &entry, Value row, int64_t rows, Value column, int64_t columns) {
    Value at = l.add(l.add(entry.c, l.mul(row, shape.m.c)), column);
    Value c = pointer(op.getResult()), start = op.getInit() ? pointer(op.getInit()) : c;
    bool isZero = !op.getInit();
    for (auto [i, term] : llvm::enumerate(terms)) {
      Value left = op.getLhs()[i], right = op.getRhs()[i];
      if (term.swapped)
        std::swap(left, right);
      Operand a{{pointer(left), l.add(entry.a[i], l.mul(row, term.m.a))}, l.index(term.m.a)};
      Operand b{{pointer(right), l.add(entry.b[i], l.mul(column, term.n.b))}, l.index(term.n.b)};
      Value fromZero = l.constant(l.b.getI1Type(), isZero);
      callDotTile(l, a, b, term.k.size, {c, start, at, shape.m.c, fromZero, rows, columns});
      start = c;
      isZero = false;
    }
  }

  Value pointer(Value operand) { return l.pointer(l.b.buffer(operand)); }

  dnnl::MatmulOp op;
  LoopBuilder l;
  ArrayRef<Term> terms;
  const Term &shape; ///< of the first term: rows, columns and batch are those of all
};
} // namespace

void emitDots(dnnl::MatmulOp op, ArrayRef<Term> terms, const Registers &registers, KernelBuilder &builder) {
  DotsEmitter(op, terms, registers, builder).emit();
}

} // namespace ftc::target::cpu
