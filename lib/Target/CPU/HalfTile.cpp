#include "HalfTile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"

#include <limits>

using namespace mlir;

namespace ftc::target::cpu {

/// Depth that is added in f16. The error of a sum grows with its square root, the time of all sums in f32 falls.
static constexpr int64_t kHalfDepth = 96;
int64_t countPackedPairs(const Registers &registers, int64_t depth) {
  return llvm::alignTo(countPairs(depth), registers.lanes);
}

namespace {
/// Vectors of words, of pairs in f16 and of f32.
class HalfBuilder {
public:
  explicit HalfBuilder(LoopBuilder &l) : l(l), lanes(l.registers.lanes) {}

  VectorType words() { return VectorType::get({lanes}, l.b.getI32Type()); }
  VectorType pairs() { return VectorType::get({2 * lanes}, l.b.getF16Type()); }

  Value toPairs(Value words) { return vector::BitCastOp::create(l.b, pairs(), words); }
  Value toWords(Value pairs) { return vector::BitCastOp::create(l.b, l.f32(lanes), pairs); }
  Value narrow(Value wide) { return arith::TruncFOp::create(l.b, VectorType::get({lanes}, l.b.getF16Type()), wide); }

  /// Words of what lies in two vectors: elements of both in turn, or of one after the other.
  Value interleave(Value even, Value odd) {
    return toWords(vector::InterleaveOp::create(l.b, narrow(even), narrow(odd)));
  }
  Value follow(Value first, Value second) {
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, 2 * lanes));
    return toWords(vector::ShuffleOp::create(l.b, narrow(first), narrow(second), order));
  }

  /// x y + sum in f16; where the processor has no such arithmetic, in f32, rounded.
  Value multiplyAdd(Value x, Value y, Value sum) {
    if (l.registers.multipliesHalf)
      return vector::FMAOp::create(l.b, x, y, sum);
    Value wide = vector::FMAOp::create(l.b, extend(x), extend(y), extend(sum));
    return arith::TruncFOp::create(l.b, pairs(), wide);
  }

  /// The sums of both elements of each pair, in f32.
  Value fold(Value sums) {
    SmallVector<int64_t> swapped, even;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      swapped.append({2 * lane + 1, 2 * lane});
      even.push_back(2 * lane);
    }
    Value other = vector::ShuffleOp::create(l.b, sums, sums, swapped);
    Value sum = l.registers.multipliesHalf
                    ? arith::AddFOp::create(l.b, sums, other).getResult()
                    : arith::TruncFOp::create(l.b, pairs(), arith::AddFOp::create(l.b, extend(sums), extend(other)));
    Value folded = vector::ShuffleOp::create(l.b, sum, sum, even);
    return arith::ExtFOp::create(l.b, l.f32(lanes), folded);
  }

  /// The bits of the largest absolute value so far. Infinities and NaN are the largest.
  Value accumulateLargest(Value largest, Value vector) {
    Value absolute = arith::AndIOp::create(l.b, toIntegers(vector), integer(0x7fffffff));
    return arith::MaxSIOp::create(l.b, largest, absolute);
  }

  /// The power of two that brings what is largest into [8, 16), and its reciprocal, from the bits of what is largest.
  /// What is infinite stays so.
  std::pair<Value, Value> makeScales(Value largest) {
    constexpr int64_t target = 3, mantissa = 23, least = 27;
    Value exponent = arith::AndIOp::create(l.b, largest, integer(int64_t(255) << mantissa));
    exponent = arith::MaxSIOp::create(l.b, exponent, integer(least << mantissa));
    Value back = toReals(arith::SubIOp::create(l.b, exponent, integer(target << mantissa)));
    return {invert(back), back};
  }

  /// The other power of two of makeScales.
  Value invert(Value back) {
    constexpr int64_t mantissa = 23, bias = 127;
    return toReals(arith::SubIOp::create(l.b, integer((2 * bias) << mantissa), toIntegers(back)));
  }

  Value toIntegers(Value reals) { return vector::BitCastOp::create(l.b, words(), reals); }
  Value toReals(Value integers) { return vector::BitCastOp::create(l.b, l.f32(lanes), integers); }

  /// The largest of all lanes, in each.
  Value spreadLargest(Value largest) {
    Value scalar = vector::ReductionOp::create(l.b, vector::CombiningKind::MAXSI, largest);
    return l.splat(scalar, lanes);
  }

  Value integer(int64_t value) { return l.constant(words(), double(value)); }

  /// Lanes below `count`.
  Value maskBelow(Value count) {
    return vector::CreateMaskOp::create(l.b, VectorType::get({lanes}, l.b.getI1Type()), count);
  }
  /// Elements that may be narrower, as f32, zeros after `count`.
  Value loadBelow(Value memory, Value at, Value count) {
    auto type = VectorType::get({lanes}, cast<MemRefType>(memory.getType()).getElementType());
    return l.extend(l.loadMasked(memory, at, maskBelow(count), l.constant(type, 0)));
  }

private:
  Value extend(Value pairs) { return arith::ExtFOp::create(l.b, l.f32(2 * lanes), pairs); }

  LoopBuilder &l;
  int64_t lanes;
};
} // namespace

//===----------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------===//

namespace {
/// Writes the body of the micro-kernel.
class HalfTileEmitter {
public:
  HalfTileEmitter(LoopBuilder &l, int64_t rows, int64_t columns)
      : l(l), half(l), tile(l.registers, rows, columns), lanes(tile.lanes), rows(rows) {}

  void emit(Value c, Value init, Value stride, Value isZero, const HalfTerm &term) {
    for (int64_t row = 0; row < rows; ++row)
      places.push_back(l.mul(stride, row));
    emitStart(c, init, isZero);
    emitFactors(term);
    l.loop(l.index(0), term.pairs, kHalfDepth / 2, [&](Value from) {
      Value count = l.min(l.sub(term.pairs, from), l.index(kHalfDepth / 2));
      SmallVector<Value> zeros(tile.count(), l.constant(half.pairs(), 0));
      fold(c, term, emitSums(term, from, count, zeros));
    });
  }

private:
  /// Sums stay in memory between the parts that are added in f16.
  void emitStart(Value c, Value init, Value isZero) {
    auto start = scf::IfOp::create(l.b, isZero, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(l.b);
    l.b.setInsertionPointToStart(start.thenBlock());
    tile.forEach([&](int64_t, int64_t row, int64_t vector) {
      l.store(l.constant(l.f32(lanes), 0), c, l.add(places[row], vector * lanes), tile.active(vector));
    });
    l.b.setInsertionPointToStart(start.elseBlock());
    tile.forEach([&](int64_t, int64_t row, int64_t vector) {
      Value at = l.add(places[row], vector * lanes);
      l.store(l.load(init, at, lanes, tile.active(vector)), c, at, tile.active(vector));
    });
  }

  /// What the sums of each row are multiplied by, behind the rows' scales.
  void emitFactors(const HalfTerm &term) {
    Value scales = memoryAt(l, term.aScales);
    Value panel = l.splat(l.load(term.bScale.base, term.bScale.at), lanes);
    for (int64_t row = 0; row < rows; row += lanes) {
      Value factors = arith::MulFOp::create(l.b, l.load(scales, l.index(row), lanes), panel);
      l.store(factors, scales, l.index(l.registers.copiedRow() + row));
    }
  }

  SmallVector<Value> emitSums(const HalfTerm &term, Value from, Value count, ValueRange zeros) {
    LeftRows a(l, {term.a.base, l.add(term.a.at, term.aRow ? from : l.mul(from, l.registers.copiedRow()))}, term.aRow,
               rows);
    Value b = l.offset(term.b.base, l.add(term.b.at, l.mul(from, l.registers.tileColumns)));
    return l.loop(l.index(0), count, 1, zeros, [&](Value pair, ValueRange sums) {
      Value bRow = l.mul(pair, l.registers.tileColumns);
      SmallVector<Value> factors;
      for (int64_t vector = 0; vector < tile.perRow; ++vector) {
        Value at = l.add(bRow, vector * lanes);
        factors.push_back(half.toPairs(l.load(b, at, lanes)));
        if (vector * lanes % kCacheLine == 0)
          l.prefetch(b, l.add(at, kPrefetch * l.registers.tileColumns));
      }
      SmallVector<Value> next;
      for (int64_t row = 0; row < rows; ++row) {
        Value own = half.toPairs(l.splat(a.load(row, pair), lanes));
        for (auto [i, factor] : llvm::enumerate(factors))
          next.push_back(half.multiplyAdd(own, factor, sums[row * tile.perRow + i]));
      }
      return next;
    });
  }

  void fold(Value c, const HalfTerm &term, ArrayRef<Value> sums) {
    Value factors = l.offset(term.aScales.base, l.add(term.aScales.at, l.registers.copiedRow()));
    tile.forEach([&](int64_t i, int64_t row, int64_t vector) {
      Value at = l.add(places[row], vector * lanes);
      Value factor = l.splat(l.load(factors, l.index(row)), lanes);
      Value sum = l.load(c, at, lanes, tile.active(vector));
      l.store(vector::FMAOp::create(l.b, half.fold(sums[i]), factor, sum), c, at, tile.active(vector));
    });
  }

  LoopBuilder &l;
  HalfBuilder half;
  TileVectors tile;
  int64_t lanes, rows;
  SmallVector<Value> places; ///< of c's rows
};
} // namespace

void callHalfTile(LoopBuilder &l, const TileResult &result, const HalfTerm &term) {
  std::string symbol =
      llvm::formatv("half_tile_{0}x{1}{2}", result.rows, result.columns, term.aRow ? "" : "_transposed");
  SmallVector<Value> operands{result.c,        result.init,      result.at,     l.index(result.stride),
                              result.isZero,   term.a.base,      term.a.at,     term.aRow ? term.aRow : l.index(1),
                              term.b.base,     term.b.at,        term.pairs,    term.aScales.base,
                              term.aScales.at, term.bScale.base, term.bScale.at};
  func::FuncOp tile = l.b.share(symbol, llvm::to_vector(ValueRange(operands).getTypes()), [&](ValueRange own) {
    HalfTerm inner{{own[5], own[6]},   {own[8], own[9]},  own[10], term.aRow ? own[7] : Value(),
                   {own[11], own[12]}, {own[13], own[14]}};
    HalfTileEmitter emitter(l, result.rows, result.columns);
    emitter.emit(l.offset(own[0], own[2]), l.offset(own[1], own[2]), own[3], own[4], inner);
  });
  func::CallOp::create(l.b, tile, operands);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

namespace {
struct HalfPanels {
  Value count, step;
  int64_t columns;
};

/// Writes the bodies of the functions that pack.
class HalfPacker {
public:
  explicit HalfPacker(LoopBuilder &l) : l(l), half(l), lanes(l.registers.lanes) {}

  /// Panels whose columns are neighbours; rows are `stride` apart, and read in order, as they come from memory. What is
  /// largest of a panel is collected where it will be packed.
  void emitPanelsOfRows(Place source, Place target, Place scales, Value depth, Value stride, const HalfPanels &panels) {
    Value from = memoryAt(l, source), to = memoryAt(l, target);
    int64_t columns = panels.columns, width = l.registers.tileColumns;
    auto load = [&](Value k, Value panel, int64_t column) {
      Value at = l.add(l.add(l.mul(k, stride), l.mul(panel, width)), column);
      return l.extend(l.load(from, at, lanes, std::min(lanes, columns - column)));
    };
    auto forPanels = [&](llvm::function_ref<void(Value, Value)> body) {
      l.loop(l.index(0), panels.count, 1, [&](Value panel) { body(panel, l.mul(panel, panels.step)); });
    };
    forPanels([&](Value, Value place) { l.store(l.constant(l.f32(lanes), 0), to, place); });
    l.loop(l.index(0), depth, 1, [&](Value k) {
      forPanels([&](Value panel, Value place) {
        Value largest = half.toIntegers(l.load(to, place, lanes));
        for (int64_t column = 0; column < columns; column += lanes)
          largest = half.accumulateLargest(largest, load(k, panel, column));
        l.store(half.toReals(largest), to, place);
      });
    });
    forPanels([&](Value panel, Value place) {
      Value largest = half.spreadLargest(half.toIntegers(l.load(to, place, lanes)));
      storeFirst(half.makeScales(largest).second, {scales.base, l.add(scales.at, panel)});
    });
    auto move = [&](Value pair, Value first, bool isPair) {
      forPanels([&](Value panel, Value place) {
        Value back = l.load(scales.base, l.add(scales.at, panel));
        Value scale = half.invert(l.splat(back, lanes)), row = l.add(place, l.mul(pair, width));
        for (int64_t column = 0; column < columns; column += lanes) {
          Value even = arith::MulFOp::create(l.b, load(first, panel, column), scale);
          Value odd = l.constant(l.f32(lanes), 0);
          if (isPair)
            odd = arith::MulFOp::create(l.b, load(l.add(first, 1), panel, column), scale);
          l.store(half.interleave(even, odd), to, l.add(row, column));
        }
      });
    };
    Value whole = l.div(depth, 2);
    l.loop(l.index(0), whole, 1, [&](Value pair) { move(pair, l.mul(pair, 2), /*isPair=*/true); });
    Value isOdd = l.compare(arith::CmpIPredicate::ne, l.rem(depth, 2), l.index(0));
    l.ifTrue(isOdd, [&] { move(whole, l.mul(whole, 2), /*isPair=*/false); });
  }

  /// A panel whose columns are `stride` apart, along which the depth goes.
  void emitPanelOfColumns(Place source, Place target, Place scale, Value depth, Value stride, int64_t columns) {
    Value from = memoryAt(l, source), to = memoryAt(l, target);
    SmallVector<Value> places, zero{half.integer(0)};
    for (int64_t column = 0; column < columns; ++column)
      places.push_back(l.mul(stride, column));
    SmallVector<Value> largest = l.loop(l.index(0), depth, lanes, zero, [&](Value k, ValueRange so) {
      Value next = so[0], rest = l.sub(depth, k);
      for (Value place : places)
        next = half.accumulateLargest(next, half.loadBelow(from, l.add(k, place), rest));
      return SmallVector<Value>{next};
    });
    auto [forward, back] = half.makeScales(half.spreadLargest(largest[0]));
    storeFirst(back, scale);
    l.loop(l.index(0), depth, 2 * lanes, [&](Value k) {
      for (int64_t first = 0; first < columns; first += lanes) {
        SmallVector<Value> square;
        for (int64_t i = 0; i < lanes; ++i)
          square.push_back(
              loadPairs(from, l.add(k, places[std::min(first + i, columns - 1)]), l.sub(depth, k), forward));
        l.transpose(square);
        Value row = l.mul(l.div(k, 2), l.registers.tileColumns);
        for (auto [i, vector] : llvm::enumerate(square))
          l.store(vector, to, l.add(row, int64_t(i) * l.registers.tileColumns + first));
      }
    });
  }

  /// Rows along which the depth goes.
  void emitRows(Place a, Place copy, Place scales, Value rows, Value depth, Value fromRow, Value toRow) {
    Value from = memoryAt(l, a), to = memoryAt(l, copy);
    l.loop(l.index(0), rows, 1, [&](Value row) {
      Value source = l.mul(row, fromRow), target = l.mul(row, toRow);
      SmallVector<Value> zero{half.integer(0)};
      SmallVector<Value> largest = l.loop(l.index(0), depth, lanes, zero, [&](Value k, ValueRange so) {
        Value vector = half.loadBelow(from, l.add(source, k), l.sub(depth, k));
        return SmallVector<Value>{half.accumulateLargest(so[0], vector)};
      });
      auto [forward, back] = half.makeScales(half.spreadLargest(largest[0]));
      storeFirst(back, {scales.base, l.add(scales.at, row)});
      l.loop(l.index(0), depth, 2 * lanes, [&, forward = forward](Value k) {
        Value pairs = loadPairs(from, l.add(source, k), l.sub(depth, k), forward);
        l.store(pairs, to, l.add(target, l.div(k, 2)));
      });
    });
  }

  /// Rows that are neighbours; the depth goes by `stride`.
  void emitColumns(Place a, Place copy, Place scales, int64_t rows, Value depth, Value stride) {
    Value from = memoryAt(l, a), to = memoryAt(l, copy);
    int64_t row = l.registers.copiedRow();
    auto load = [&](Value k, int64_t first) {
      return l.extend(l.load(from, l.add(l.mul(k, stride), first), lanes, std::min(lanes, rows - first)));
    };
    for (int64_t first = 0; first < rows; first += lanes) {
      SmallVector<Value> zero{half.integer(0)};
      SmallVector<Value> largest = l.loop(l.index(0), depth, 1, zero, [&](Value k, ValueRange so) {
        return SmallVector<Value>{half.accumulateLargest(so[0], load(k, first))};
      });
      auto [forward, back] = half.makeScales(largest[0]);
      l.store(back, memoryAt(l, scales), l.index(first));
      auto move = [&, forward = forward](Value pair, Value even, Value odd) {
        even = arith::MulFOp::create(l.b, even, forward);
        odd = arith::MulFOp::create(l.b, odd, forward);
        l.store(half.interleave(even, odd), to, l.add(l.mul(pair, row), first));
      };
      Value whole = l.div(depth, 2);
      l.loop(l.index(0), whole, 1, [&](Value pair) {
        Value k = l.mul(pair, 2);
        move(pair, load(k, first), load(l.add(k, 1), first));
      });
      l.ifTrue(l.compare(arith::CmpIPredicate::ne, l.rem(depth, 2), l.index(0)),
               [&] { move(whole, load(l.mul(whole, 2), first), l.constant(l.f32(lanes), 0)); });
    }
  }

private:
  /// The next 2 x lanes elements, zeros after `count`, as words.
  Value loadPairs(Value from, Value at, Value count, Value scale) {
    Value rest =
        l.select(l.compare(arith::CmpIPredicate::ult, count, l.index(lanes)), l.index(0), l.sub(count, l.index(lanes)));
    Value low = arith::MulFOp::create(l.b, half.loadBelow(from, at, count), scale);
    Value high = arith::MulFOp::create(l.b, half.loadBelow(from, l.add(at, lanes), rest), scale);
    return half.follow(low, high);
  }

  void storeFirst(Value vector, Place to) { l.store(vector, memoryAt(l, to), l.index(0), 1); }

  LoopBuilder &l;
  HalfBuilder half;
  int64_t lanes;
};
} // namespace

void callPackHalf(LoopBuilder &l, Place from, Place to, Place scales, Value depth, int64_t depthStride,
                  int64_t columnStride, const Panels &panels) {
  bool isRows = columnStride == 1;
  std::string symbol = llvm::formatv("pack_half_{0}_{1}", isRows ? "rows" : "columns", panels.columns);
  int64_t panelStep = l.registers.tileColumns * columnStride;
  SmallVector<Value> numbers{
      scales.base,        scales.at,           depth, l.index(isRows ? depthStride : columnStride), panels.count,
      l.index(panelStep), l.index(panels.step)};
  callMove(l, symbol, from, to, numbers, [&](Place source, Place target, ValueRange own) {
    HalfPacker packer(l);
    Place scales{own[0], own[1]};
    if (isRows)
      return packer.emitPanelsOfRows(source, target, scales, own[2], own[3], {own[4], own[6], panels.columns});
    l.loop(l.index(0), own[4], 1, [&](Value panel) {
      Place first{source.base, l.add(source.at, l.mul(panel, own[5]))};
      Place place{target.base, l.add(target.at, l.mul(panel, own[6]))}, scale{scales.base, l.add(scales.at, panel)};
      packer.emitPanelOfColumns(first, place, scale, own[2], own[3], panels.columns);
    });
  });
}

void callCopyHalfRows(LoopBuilder &l, Place from, Place to, Place scales, int64_t rows, Value depth, int64_t rowStride,
                      int64_t depthStride, int64_t toRow) {
  if (depthStride == 1) {
    SmallVector<Value> numbers{scales.base, scales.at, l.index(rows), depth, l.index(rowStride), l.index(toRow)};
    callMove(l, "copy_half_rows", from, to, numbers, [&](Place source, Place target, ValueRange own) {
      HalfPacker(l).emitRows(source, target, {own[0], own[1]}, own[2], own[3], own[4], own[5]);
    });
    return;
  }
  std::string symbol = llvm::formatv("copy_half_columns_{0}", rows);
  SmallVector<Value> numbers{scales.base, scales.at, depth, l.index(depthStride)};
  callMove(l, symbol, from, to, numbers, [&](Place source, Place target, ValueRange own) {
    HalfPacker(l).emitColumns(source, target, {own[0], own[1]}, rows, own[2], own[3]);
  });
}

} // namespace ftc::target::cpu
