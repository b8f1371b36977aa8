#include "Tile.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace ftc::target::cpu {

//===----------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------===//

LeftRows::LeftRows(LoopBuilder &l, Place a, Value stride, int64_t rows) : l(l) {
  if (!stride) {
    pointers.push_back(l.offset(a.base, a.at));
    return;
  }
  offsets = {l.index(0), stride, l.mul(stride, 2)};
  for (int64_t row = 0; row < rows; row += 3)
    pointers.push_back(l.offset(a.base, l.add(a.at, l.mul(stride, row))));
}

Value LeftRows::load(int64_t row, Value k) const {
  if (offsets.empty())
    return l.load(pointers[0], l.add(l.mul(k, l.registers.copiedRow()), row));
  return l.load(pointers[row / 3], l.add(k, offsets[row % 3]));
}

namespace {
/// Writes the body of the micro-kernel.
class TileEmitter {
public:
  TileEmitter(LoopBuilder &l, int64_t rows, int64_t columns)
      : l(l), registers(l.registers), tile(registers, rows, columns), lanes(tile.lanes), rows(rows) {}

  void emit(Value c, Value init, Value stride, Value isZero, ArrayRef<TileTerm> terms) {
    for (int64_t row = 0; row < rows; ++row)
      places.push_back(l.mul(stride, row));
    SmallVector<Value> sums = emitStart(init, isZero);
    fetchNextTile(c);
    for (const TileTerm &term : terms)
      sums = emitTerm(term, sums);
    tile.forEach([&](int64_t i, int64_t row, int64_t vector) {
      l.store(sums[i], c, l.add(places[row], vector * lanes), tile.active(vector));
    });
  }

private:
  SmallVector<Value> emitStart(Value init, Value isZero) {
    SmallVector<Type> types(tile.count(), l.f32(lanes));
    auto start = scf::IfOp::create(l.b, types, isZero, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(l.b);
    l.b.setInsertionPointToStart(start.thenBlock());
    scf::YieldOp::create(l.b, SmallVector<Value>(types.size(), l.constant(l.f32(lanes), 0)));
    l.b.setInsertionPointToStart(start.elseBlock());
    SmallVector<Value> loaded;
    tile.forEach([&](int64_t, int64_t row, int64_t vector) {
      loaded.push_back(l.load(init, l.add(places[row], vector * lanes), lanes, tile.active(vector)));
    });
    scf::YieldOp::create(l.b, loaded);
    return SmallVector<Value>(start.getResults());
  }

  /// The tile beside this one, which is written next.
  void fetchNextTile(Value c) {
    tile.forEach([&](int64_t, int64_t row, int64_t vector) {
      if (vector * lanes % kCacheLine == 0)
        l.prefetch(c, l.add(places[row], registers.tileColumns + vector * lanes), {.isWrite = true});
    });
  }

  SmallVector<Value> emitTerm(const TileTerm &term, ValueRange start) {
    LeftRows a(l, term.a, term.aRow, rows);
    Value next = term.nextStep ? memoryAt(l, term.next) : Value();
    Value b = l.offset(term.b.base, term.b.at);
    isPacked = term.isPacked;
    ahead = isPacked ? l.index(kPrefetch * registers.tileColumns) : term.ahead;
    return l.unrolledLoop(term.depth, start, [&](Value k, ValueRange carried) {
      if (next)
        l.prefetch(next, l.mul(k, term.nextStep), {.locality = 2});
      return emitStep(a, b, term.bDepth, k, carried);
    });
  }

  SmallVector<Value> emitStep(const LeftRows &a, Value b, Value bDepth, Value k, ValueRange sums) {
    Value bRow = isPacked ? l.mul(k, registers.tileColumns) : l.mul(k, bDepth);
    SmallVector<Value> factors;
    for (int64_t vector = 0; vector < tile.perRow; ++vector) {
      Value at = l.add(bRow, vector * lanes);
      factors.push_back(l.load(b, at, lanes, isPacked ? lanes : tile.active(vector)));
      if (vector * lanes % kCacheLine == 0)
        l.prefetch(b, l.add(at, ahead));
    }
    SmallVector<Value> next;
    for (int64_t row = 0; row < rows; ++row) {
      Value own = l.splat(a.load(row, k), lanes);
      for (auto [i, factor] : llvm::enumerate(factors))
        next.push_back(vector::FMAOp::create(l.b, own, factor, sums[row * tile.perRow + i]));
    }
    return next;
  }

  LoopBuilder &l;
  const Registers &registers;
  TileVectors tile;
  int64_t lanes, rows;
  SmallVector<Value> places; ///< of c's rows
  // Of the term that is being added.
  bool isPacked = false;
  Value ahead; ///< from an element of b to what is fetched beside it
};
} // namespace

void callTile(LoopBuilder &l, const TileResult &result, ArrayRef<TileTerm> terms) {
  std::string symbol = llvm::formatv("tile_{0}x{1}", result.rows, result.columns);
  SmallVector<Value> operands{result.c, result.init, result.at, l.index(result.stride), result.isZero};
  const size_t first = operands.size(), count = 11;
  for (const TileTerm &term : terms) {
    symbol += &term == terms.begin() ? "" : "_and";
    symbol += term.aRow ? "" : "_transposed";
    symbol += term.isPacked ? "_packed" : "";
    symbol += term.nextStep ? "_fetching" : "";
    Place next = term.nextStep ? term.next : term.a;
    operands.append({term.a.base, term.a.at, term.aRow ? term.aRow : l.index(1), term.b.base, term.b.at, term.bDepth,
                     term.depth, term.ahead, next.base, next.at, term.nextStep ? term.nextStep : l.index(0)});
  }
  func::FuncOp tile = l.b.share(symbol, llvm::to_vector(ValueRange(operands).getTypes()), [&](ValueRange own) {
    SmallVector<TileTerm> inner;
    for (auto [i, term] : llvm::enumerate(terms)) {
      ValueRange part = own.slice(first + i * count, count);
      Value aRow = term.aRow ? part[2] : Value();
      Value nextStep = term.nextStep ? part[10] : Value();
      inner.push_back({{part[0], part[1]},
                       {part[3], part[4]},
                       part[6],
                       aRow,
                       part[5],
                       part[7],
                       term.isPacked,
                       {part[8], part[9]},
                       nextStep});
    }
    TileEmitter emitter(l, result.rows, result.columns);
    emitter.emit(l.offset(own[0], own[2]), l.offset(own[1], own[2]), own[3], own[4], inner);
  });
  func::CallOp::create(l.b, tile, operands);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

namespace {
/// Depth, stride of what is packed, number of panels and elements from one to the next.
struct PackNumbers {
  Value depth, stride, panels, step;
};
} // namespace

/// Rows whose elements are neighbours, `stride` apart: row by row through all panels, as they come from memory.
static void emitPackRows(LoopBuilder &l, Value from, Value to, const PackNumbers &n, int64_t columns) {
  l.loop(l.index(0), n.depth, 1, [&](Value k) {
    Value source = l.mul(k, n.stride), target = l.mul(k, l.registers.tileColumns);
    l.loop(l.index(0), n.panels, 1, [&](Value panel) {
      Value first = l.add(source, l.mul(panel, l.registers.tileColumns)), place = l.add(target, l.mul(panel, n.step));
      for (int64_t column = 0; column < columns; column += l.registers.lanes) {
        Value row =
            l.load(from, l.add(first, column), l.registers.lanes, std::min(l.registers.lanes, columns - column));
        l.store(l.extend(row), to, l.add(place, column));
      }
    });
  });
}

/// Columns whose elements are neighbours, `stride` apart.
static void emitPackColumns(LoopBuilder &l, Value from, Value to, const PackNumbers &n, int64_t columns) {
  int64_t lanes = l.registers.lanes;
  Value whole = l.mul(l.div(n.depth, lanes), lanes), panelStride = l.mul(n.stride, l.registers.tileColumns);
  l.loop(l.index(0), n.panels, 1, [&](Value panel) {
    Value source = l.mul(panel, panelStride), target = l.mul(panel, n.step);
    SmallVector<Value> places;
    for (int64_t column = 0; column < columns; ++column)
      places.push_back(l.add(source, l.mul(n.stride, column)));
    l.loop(l.index(0), whole, lanes, [&](Value k) {
      Value row = l.add(target, l.mul(k, l.registers.tileColumns));
      for (int64_t first = 0; first < columns; first += lanes) {
        SmallVector<Value> block;
        for (int64_t i = 0; i < lanes; ++i) {
          Value at = l.add(k, places[std::min(first + i, columns - 1)]);
          block.push_back(l.extend(l.load(from, at, lanes)));
          l.prefetch(from, l.add(at, panelStride)); // too far apart for the processor's own prefetching
        }
        l.transpose(block);
        for (auto [i, vector] : llvm::enumerate(block))
          l.store(vector, to, l.add(row, int64_t(i) * l.registers.tileColumns + first));
      }
    });
    l.loop(whole, n.depth, 1, [&](Value k) {
      Value row = l.add(target, l.mul(k, l.registers.tileColumns));
      for (int64_t column = 0; column < columns; ++column)
        memref::StoreOp::create(l.b, l.extend(l.load(from, l.add(k, places[column]))), to, l.add(row, column));
    });
  });
}

void callMove(LoopBuilder &l, std::string symbol, Place from, Place to, ArrayRef<Value> others,
              llvm::function_ref<void(Place, Place, ValueRange)> emit) {
  Type index = l.b.getIndexType();
  Type element = cast<MemRefType>(from.base.getType()).getElementType();
  if (!element.isF32())
    llvm::raw_string_ostream(symbol) << "_" << element;
  SmallVector<Type> types{l.pointerType(element), index, l.pointerType(), index};
  llvm::append_range(types, ValueRange(others).getTypes());
  func::FuncOp move =
      l.b.share(symbol, types, [&](ValueRange own) { emit({own[0], own[1]}, {own[2], own[3]}, own.drop_front(4)); });
  SmallVector<Value> operands{from.base, from.at, to.base, to.at};
  llvm::append_range(operands, others);
  func::CallOp::create(l.b, move, operands);
}

void callPack(LoopBuilder &l, Place from, Place to, Value depth, int64_t depthStride, int64_t columnStride,
              const Panels &panels) {
  bool isRows = columnStride == 1;
  std::string symbol = llvm::formatv("pack_{0}_{1}", isRows ? "rows" : "columns", panels.columns);
  Value stride = l.index(isRows ? depthStride : columnStride);
  callMove(l, symbol, from, to, {depth, stride, panels.count, l.index(panels.step)},
           [&](Place source, Place target, ValueRange own) {
             PackNumbers numbers{own[0], own[1], own[2], own[3]};
             (isRows ? emitPackRows : emitPackColumns)(l, memoryAt(l, source), memoryAt(l, target), numbers,
                                                       panels.columns);
           });
}

static void emitCopyRows(LoopBuilder &l, Value from, Value to, Value rows, ValueRange numbers) {
  Value depth = numbers[0], fromRow = numbers[1], toRow = numbers[2];
  int64_t lanes = l.registers.lanes;
  Value whole = l.mul(l.div(depth, lanes), lanes);
  l.loop(l.index(0), rows, 1, [&](Value row) {
    Value source = l.mul(row, fromRow), target = l.mul(row, toRow);
    l.loop(l.index(0), whole, lanes,
           [&](Value k) { l.store(l.extend(l.load(from, l.add(source, k), lanes)), to, l.add(target, k)); });
    l.loop(whole, depth, 1, [&](Value k) {
      memref::StoreOp::create(l.b, l.extend(l.load(from, l.add(source, k))), to, l.add(target, k));
    });
  });
}

void callCopyRows(LoopBuilder &l, Place from, Place to, int64_t rows, Value depth, int64_t rowStride,
                  int64_t depthStride, int64_t toRow) {
  if (depthStride == 1) {
    callMove(l, "copy_rows", from, to, {depth, l.index(rowStride), l.index(toRow), l.index(rows)},
             [&](Place source, Place target, ValueRange numbers) {
               emitCopyRows(l, memoryAt(l, source), memoryAt(l, target), numbers[3], numbers);
             });
    return;
  }
  int64_t row = l.registers.copiedRow();
  std::string symbol = llvm::formatv("copy_columns_{0}", rows);
  callMove(l, symbol, from, to, {depth, l.index(depthStride)}, [&](Place from, Place to, ValueRange numbers) {
    Value source = memoryAt(l, from), target = memoryAt(l, to);
    l.loop(l.index(0), numbers[0], 1,
           [&](Value k) { l.store(l.extend(l.load(source, l.mul(k, numbers[1]), row, rows)), target, l.mul(k, row)); });
  });
}

} // namespace ftc::target::cpu
