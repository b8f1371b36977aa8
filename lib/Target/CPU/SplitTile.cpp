#include "SplitTile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace ftc::target::cpu {

/// Rows of a tile, its words in a row, and its words.
static constexpr int64_t kRows = 16, kRowWords = 16, kTileWords = kRows * kRowWords;
static constexpr int64_t kBytes = 4; ///< of a word

/// Tiles of the sums, by half of the rows and half of the columns; of the left operand by half of the rows, and of the
/// right one by half of the columns.
static constexpr int64_t sumTile(int64_t rows, int64_t columns) { return 2 * rows + columns; }
static constexpr int64_t kLeftTile = 4, kRightTile = 6, kTiles = 8;

/// Rows (or columns) of one half of so many, and halves that have any.
static int64_t countOfHalf(int64_t count, int64_t half) { return std::clamp<int64_t>(count - half * kRows, 0, kRows); }
static int64_t countHalves(int64_t count) { return llvm::divideCeil(count, kRows); }
/// Words of an operand in a step of the depth.
static int64_t countStepWords(int64_t parts) { return 2 * parts * kTileWords; }

//===----------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------===//

namespace {
/// Instructions for tiles, by LLVM's intrinsics for registers that are named. Memory is given by an address, i64.
class TileInstructions {
public:
  explicit TileInstructions(LoopBuilder &l) : l(l) {}

  void call(StringRef name, ValueRange operands) {
    LLVM::CallIntrinsicOp::create(l.b, l.b.getStringAttr(("llvm.x86." + name).str()), operands);
  }
  Value tile(int64_t number) { return LLVM::ConstantOp::create(l.b, l.b.getI8Type(), l.b.getI8IntegerAttr(number)); }
  Value number(Value index) { return arith::IndexCastOp::create(l.b, l.b.getI64Type(), index); }
  Value pointer(Value address) {
    return LLVM::IntToPtrOp::create(l.b, LLVM::LLVMPointerType::get(l.b.getContext()), address);
  }
  /// The address of an element.
  Value locate(Place place) {
    Value base = memref::ExtractAlignedPointerAsIndexOp::create(l.b, place.base);
    return l.add(base, l.mul(place.at, kBytes));
  }

  void load(int64_t into, Value address, Value rowBytes) {
    call("tileloadd64", {tile(into), pointer(number(address)), number(rowBytes)});
  }
  void store(int64_t from, Value address, Value rowBytes) {
    call("tilestored64", {tile(from), pointer(number(address)), number(rowBytes)});
  }
  void zero(int64_t number) { call("tilezero", {tile(number)}); }
  void multiplyAdd(int64_t sum, int64_t left, int64_t right) {
    call("tdpbf16ps", {tile(sum), tile(left), tile(right)});
  }

private:
  LoopBuilder &l;
};

/// Writes the body of the micro-kernel.
class SplitTileEmitter {
public:
  SplitTileEmitter(LoopBuilder &l, int64_t rows, int64_t columns)
      : l(l), tiles(l), rowHalves(countHalves(rows)), columnHalves(countHalves(columns)) {}

  void emit(Place c, Place init, Value stride, Value isZero, ArrayRef<SplitTerm> terms) {
    Value rowBytes = l.mul(stride, kBytes);
    emitStart(tiles.locate(init), rowBytes, isZero);
    for (const SplitTerm &term : terms)
      emitTerm(term);
    Value to = tiles.locate(c);
    forSums([&](int64_t tile, int64_t row, int64_t column) {
      tiles.store(tile, place(to, rowBytes, row, column), rowBytes);
    });
  }

private:
  void forSums(llvm::function_ref<void(int64_t, int64_t, int64_t)> body) {
    for (int64_t row = 0; row < rowHalves; ++row)
      for (int64_t column = 0; column < columnHalves; ++column)
        body(sumTile(row, column), row, column);
  }

  Value place(Value c, Value rowBytes, int64_t row, int64_t column) {
    return l.add(l.add(c, l.mul(rowBytes, row * kRows)), column * kRowWords * kBytes);
  }

  void emitStart(Value init, Value rowBytes, Value isZero) {
    auto start = scf::IfOp::create(l.b, isZero, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(l.b);
    l.b.setInsertionPointToStart(start.thenBlock());
    forSums([&](int64_t tile, int64_t, int64_t) { tiles.zero(tile); });
    l.b.setInsertionPointToStart(start.elseBlock());
    forSums([&](int64_t tile, int64_t row, int64_t column) {
      tiles.load(tile, place(init, rowBytes, row, column), rowBytes);
    });
  }

  void emitTerm(const SplitTerm &term) {
    Value a = tiles.locate(term.a), b = tiles.locate(term.b);
    Value next = term.nextLines ? memoryAt(l, term.next) : Value();
    l.loop(l.index(0), term.steps, 1, [&](Value step) {
      if (next) {
        Value first = l.mul(step, term.nextLines);
        l.loop(first, l.add(first, term.nextLines), 1,
               [&](Value line) { l.prefetch(next, l.mul(line, kCacheLine), {.locality = 2}); });
      }
      emitStep(l.add(a, l.mul(step, countStepWords(term.parts.a) * kBytes)),
               l.add(b, l.mul(step, countStepWords(term.parts.b) * kBytes)), term.parts);
    });
  }

  /// Parts of the left operand change by one, so that one of them stays from a part of the right one to the next. What
  /// a product reads is loaded just before it.
  void emitStep(Value a, Value b, const SplitParts &parts) {
    Value rowBytes = l.index(kRowWords * kBytes);
    int64_t resident = -1; // part of the left operand
    auto multiply = [&](int64_t left, int64_t right, bool loadsRight) {
      forSums([&](int64_t sum, int64_t row, int64_t column) {
        if (column == 0 && left != resident)
          tiles.load(kLeftTile + row, l.add(a, (parts.a * row + left) * kTileWords * kBytes), rowBytes);
        if (row == 0 && loadsRight)
          tiles.load(kRightTile + column, l.add(b, (2 * right + column) * kTileWords * kBytes), rowBytes);
        tiles.multiplyAdd(sum, kLeftTile + row, kRightTile + column);
      });
      resident = left;
    };
    // The first part goes with all, down to the first one, where the other parts begin.
    for (int64_t left = parts.a; left-- > 0;)
      multiply(left, 0, /*loadsRight=*/left == parts.a - 1);
    for (int64_t right = parts.b; right-- > 1;)
      for (int64_t i = 0, count = std::min(parts.a, parts.all - right); i < count; ++i)
        multiply(i, right, /*loadsRight=*/i == 0);
  }

  LoopBuilder &l;
  TileInstructions tiles;
  int64_t rowHalves, columnHalves;
};
} // namespace

void requestSplitTiles(KernelBuilder &builder) { builder.plan("ftc_tiles_plan", {}); }

void shapeSplitTiles(LoopBuilder &l, Place scratch, int64_t rows, int64_t columns) {
  // Palette 1: bytes of a row of tile t from byte 16 on, two each; its rows from byte 48 on.
  std::array<uint8_t, kSplitShape * kBytes> shape{1};
  auto set = [&](int64_t tile, int64_t tileRows, int64_t words) {
    bool isUsed = tileRows && words;
    shape[16 + 2 * tile] = isUsed ? words * kBytes : 0;
    shape[48 + tile] = isUsed ? tileRows : 0;
  };
  for (int64_t half = 0; half < 2; ++half) {
    for (int64_t column = 0; column < 2; ++column)
      set(sumTile(half, column), countOfHalf(rows, half), countOfHalf(columns, column));
    set(kLeftTile + half, countOfHalf(rows, half), kRowWords);
    set(kRightTile + half, kRows, countOfHalf(columns, half));
  }
  static_assert(kRightTile + 2 == kTiles);
  SmallVector<int32_t> words(kSplitShape);
  std::memcpy(words.data(), shape.data(), shape.size());
  auto type = VectorType::get({kSplitShape}, l.b.getI32Type());
  Value constant = arith::ConstantOp::create(l.b, DenseElementsAttr::get(type, ArrayRef<int32_t>(words)));
  l.store(vector::BitCastOp::create(l.b, l.f32(kSplitShape), constant), memoryAt(l, scratch), l.index(0));
  TileInstructions tiles(l);
  tiles.call("ldtilecfg", tiles.pointer(tiles.number(tiles.locate(scratch))));
}

void releaseSplitTiles(LoopBuilder &l) { TileInstructions(l).call("tilerelease", {}); }

void callSplitTile(LoopBuilder &l, const TileResult &result, ArrayRef<SplitTerm> terms) {
  std::string symbol =
      llvm::formatv("split_tile_{0}x{1}", kRows * countHalves(result.rows), kRows * countHalves(result.columns));
  SmallVector<Value> operands{result.c, result.init, result.at, l.index(result.stride), result.isZero};
  const size_t first = operands.size(), count = 8;
  for (const SplitTerm &term : terms) {
    symbol +=
        llvm::formatv("_{0}{1}{2}{3}", term.parts.all, term.parts.a, term.parts.b, term.nextLines ? "_fetching" : "");
    Place next = term.nextLines ? term.next : term.a;
    operands.append({term.a.base, term.a.at, term.b.base, term.b.at, term.steps, next.base, next.at,
                     term.nextLines ? term.nextLines : l.index(0)});
  }
  func::FuncOp tile = l.b.share(symbol, llvm::to_vector(ValueRange(operands).getTypes()), [&](ValueRange own) {
    SmallVector<SplitTerm> inner;
    for (auto [i, term] : llvm::enumerate(terms)) {
      ValueRange part = own.slice(first + i * count, count);
      Value nextLines = term.nextLines ? part[7] : Value();
      inner.push_back({{part[0], part[1]}, {part[2], part[3]}, part[4], term.parts, {part[5], part[6]}, nextLines});
    }
    SplitTileEmitter emitter(l, result.rows, result.columns);
    emitter.emit({own[0], own[2]}, {own[1], own[2]}, own[3], own[4], inner);
  });
  func::CallOp::create(l.b, tile, operands);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

namespace {
/// Writes the bodies of the functions that pack. Places within a packed operand are in words.
class SplitPacker {
public:
  SplitPacker(LoopBuilder &l, Place source, Place target, int64_t parts)
      : l(l), from(memoryAt(l, source)), to(memoryAt(l, target)), parts(parts), stepWords(countStepWords(parts)) {}

  /// Panels whose columns are neighbours; rows are `stride` apart. A step of a panel is written at once, and the rows
  /// of the next panel fetched meanwhile.
  void emitPanelsOfRows(Value depth, Value stride, Value panels, Value panelStep, int64_t columns) {
    auto move = [&](Value step, llvm::function_ref<Value(Value, Value, int64_t)> load) {
      l.loop(l.index(0), panels, 1, [&](Value panel) {
        Value column = l.mul(panel, kSplitColumns), first = l.mul(step, kSplitDepth);
        Value place = l.add(l.mul(panel, panelStep), l.mul(step, stepWords));
        l.loop(l.index(0), l.index(kRowWords), 1, [&](Value pair) {
          Value even = l.add(first, l.mul(pair, 2)), odd = l.add(even, 1);
          for (int64_t half = 0; half < countHalves(columns); ++half)
            storeColumns(load(even, column, half), load(odd, column, half),
                         l.add(l.add(place, l.mul(pair, kRowWords)), half * kTileWords));
        });
      });
    };
    auto loadRow = [&](Value k, Value column, int64_t half) {
      Value at = l.add(l.add(l.mul(k, stride), column), half * kRows);
      l.prefetch(from, l.add(at, kSplitColumns));
      return l.extend(l.load(from, at, kRows, countOfHalf(columns, half)));
    };
    Value whole = l.div(depth, kSplitDepth);
    l.loop(l.index(0), whole, 1, [&](Value step) { move(step, loadRow); });
    l.loop(whole, countSteps(depth), 1, [&](Value step) {
      move(step, [&](Value k, Value column, int64_t half) {
        return loadWithin(k, depth, [&](Value own) { return loadRow(own, column, half); });
      });
    });
  }

  /// A panel whose columns are `stride` apart, along which the depth goes: squares of 16 elements of it by 16 columns
  /// are transposed. What lies in the panel's place beyond the columns is undefined.
  void emitPanelOfColumns(Value depth, Value stride, int64_t columns) {
    SmallVector<Value> places;
    for (int64_t column = 0; column < kRows; ++column)
      places.push_back(l.mul(stride, column));
    forDepth(depth, [&](Value step, Loader load) {
      auto emitHalf = [&](Value half, int64_t count) {
        Value first = l.mul(half, l.mul(stride, kRows));
        Value target = l.add(l.mul(step, stepWords), l.mul(half, kTileWords));
        l.loop(l.index(0), l.index(2), 1, [&](Value depthHalf) {
          SmallVector<Value> square;
          for (int64_t i = 0; i < kRows; ++i)
            square.push_back(load(l.add(first, places[std::min(i, count - 1)]), depthHalf));
          l.transpose(square);
          Value at = l.add(target, l.mul(depthHalf, kTileWords / 2));
          for (int64_t i = 0; i < kRows; i += 2)
            storeColumns(square[i], square[i + 1], l.add(at, i / 2 * kRowWords));
        });
      };
      int64_t whole = columns / kRows;
      l.loop(l.index(0), l.index(whole), 1, [&](Value half) { emitHalf(half, kRows); });
      if (int64_t rest = columns % kRows)
        emitHalf(l.index(whole), rest);
    });
  }

  /// Rows along which the depth goes; a step of all rows is written at once.
  void emitRows(Value rows, Value depth, Value fromRow) {
    forDepth(depth, [&](Value step, Loader load) {
      l.loop(l.index(0), rows, 1, [&](Value row) {
        Value source = l.mul(row, fromRow);
        Value at = l.add(placeOfRow(row), l.mul(step, stepWords));
        SmallVector<Value> first = split(load(source, l.index(0))), second = split(load(source, l.index(1)));
        for (auto [part, low, high] : llvm::enumerate(first, second))
          l.store(follow(low, high), to, l.add(at, int64_t(part) * kTileWords));
      });
    });
  }

  /// Rows that are neighbours; the depth goes by `stride`. Words of 16 pairs by 16 rows are transposed.
  void emitColumns(int64_t rows, Value depth, Value stride) {
    auto move = [&](Value step, llvm::function_ref<Value(int64_t, int64_t)> load) {
      for (int64_t half = 0; half < countHalves(rows); ++half)
        for (int64_t part = 0; part < parts; ++part) {
          SmallVector<Value> words;
          for (int64_t pair = 0; pair < kRowWords; ++pair)
            words.push_back(interleave(split(load(2 * pair, half))[part], split(load(2 * pair + 1, half))[part]));
          l.transpose(words);
          Value at = l.add(l.mul(step, stepWords), (parts * half + part) * kTileWords);
          for (int64_t row = 0; row < countOfHalf(rows, half); ++row)
            l.store(words[row], to, l.add(at, row * kRowWords));
        }
    };
    auto loadRow = [&](Value k, int64_t half) {
      return l.extend(l.load(from, l.add(l.mul(k, stride), half * kRows), kRows, countOfHalf(rows, half)));
    };
    Value whole = l.div(depth, kSplitDepth);
    l.loop(l.index(0), whole, 1, [&](Value step) {
      Value first = l.mul(step, kSplitDepth);
      move(step, [&](int64_t k, int64_t half) { return loadRow(l.add(first, k), half); });
    });
    l.loop(whole, countSteps(depth), 1, [&](Value step) {
      Value first = l.mul(step, kSplitDepth);
      move(step, [&](int64_t k, int64_t half) {
        return loadWithin(l.add(first, k), depth, [&](Value own) { return loadRow(own, half); });
      });
    });
  }

private:
  /// The 16 elements of a step's first or second half from a place on.
  using Loader = llvm::function_ref<Value(Value, Value)>;

  /// What `load` reads at k, zeros from the depth on.
  Value loadWithin(Value k, Value depth, llvm::function_ref<Value(Value)> load) {
    Value exists = l.compare(arith::CmpIPredicate::ult, k, depth);
    return l.select(exists, load(l.min(k, l.sub(depth, l.index(1)))), l.constant(l.f32(kRows), 0));
  }
  Value countSteps(Value depth) { return l.div(l.add(depth, kSplitDepth - 1), kSplitDepth); }
  Value placeOfRow(Value row) {
    return l.add(l.mul(l.div(row, kRows), parts * kTileWords), l.mul(l.rem(row, kRows), kRowWords));
  }

  /// For each step of a depth whose elements are neighbours; what lies after the depth is zero.
  void forDepth(Value depth, llvm::function_ref<void(Value, Loader)> body) {
    Value whole = l.div(depth, kSplitDepth);
    l.loop(l.index(0), whole, 1, [&](Value step) {
      Value first = l.mul(step, kSplitDepth);
      body(step, [&](Value place, Value half) {
        return l.extend(l.load(from, l.add(l.add(place, first), l.mul(half, kRows)), kRows));
      });
    });
    l.loop(whole, countSteps(depth), 1, [&](Value step) {
      Value first = l.mul(step, kSplitDepth);
      body(step, [&](Value place, Value half) {
        Value at = l.add(first, l.mul(half, kRows)), end = l.max(depth, at);
        auto type = VectorType::get({kRows}, cast<MemRefType>(from.getType()).getElementType());
        Value mask = vector::CreateMaskOp::create(l.b, VectorType::get({kRows}, l.b.getI1Type()), l.sub(end, at));
        return l.extend(l.loadMasked(from, l.add(place, at), mask, l.constant(type, 0)));
      });
    });
  }

  /// The parts, each in the upper half of its words; the lower half is anything.
  SmallVector<Value> split(Value wide) {
    SmallVector<Value> own;
    for (int64_t part = 0; part + 1 < parts; ++part) {
      own.push_back(wide);
      Value high = toReals(arith::AndIOp::create(l.b, toWords(wide), word(kUpper)));
      wide = arith::SubFOp::create(l.b, wide, high);
    }
    own.push_back(toReals(arith::AddIOp::create(l.b, toWords(wide), word(kHalfOfUpper))));
    return own;
  }

  VectorType words() { return VectorType::get({kRowWords}, l.b.getI32Type()); }
  Value word(int64_t value) { return arith::ConstantOp::create(l.b, DenseElementsAttr::get(words(), int32_t(value))); }
  Value toWords(Value reals) { return vector::BitCastOp::create(l.b, words(), reals); }
  Value toReals(Value other) { return vector::BitCastOp::create(l.b, l.f32(kRowWords), other); }

  /// Pairs of the upper halves of two vectors: elements of both in turn, or of one after the other.
  Value interleave(Value even, Value odd) {
    Value lower = arith::ShRUIOp::create(l.b, toWords(even), word(16));
    return toReals(arith::OrIOp::create(l.b, lower, arith::AndIOp::create(l.b, toWords(odd), word(kUpper))));
  }
  Value follow(Value first, Value second) {
    auto halves = VectorType::get({2 * kRowWords}, l.b.getI16Type());
    SmallVector<int64_t> upper;
    for (int64_t i = 0; i < 2 * kRowWords; ++i)
      upper.push_back(2 * i + 1);
    auto toHalves = [&](Value vector) -> Value { return vector::BitCastOp::create(l.b, halves, vector); };
    return toReals(vector::ShuffleOp::create(l.b, toHalves(first), toHalves(second), upper));
  }

  /// A pair of the depth of a half of a panel, part by part.
  void storeColumns(Value even, Value odd, Value at) {
    for (auto [part, own, other] : llvm::enumerate(split(even), split(odd)))
      l.store(interleave(own, other), to, l.add(at, int64_t(part) * 2 * kTileWords));
  }

  /// The upper half of a word, and what rounds to it.
  static constexpr int64_t kUpper = 0xffff0000, kHalfOfUpper = 0x8000;

  LoopBuilder &l;
  Value from, to;
  int64_t parts, stepWords;
};
} // namespace

void callPackSplit(LoopBuilder &l, Place from, Place to, Value depth, int64_t depthStride, int64_t columnStride,
                   const Panels &panels, int64_t parts) {
  bool isRows = columnStride == 1;
  std::string symbol = llvm::formatv("pack_split_{0}_{1}_{2}", isRows ? "rows" : "columns", panels.columns, parts);
  SmallVector<Value> numbers{depth, l.index(isRows ? depthStride : columnStride), panels.count, l.index(panels.step)};
  callMove(l, symbol, from, to, numbers, [&](Place source, Place target, ValueRange own) {
    if (isRows)
      return SplitPacker(l, source, target, parts).emitPanelsOfRows(own[0], own[1], own[2], own[3], panels.columns);
    Value panelStride = l.mul(own[1], kSplitColumns);
    l.loop(l.index(0), own[2], 1, [&](Value panel) {
      Place first{source.base, l.add(source.at, l.mul(panel, panelStride))};
      Place place{target.base, l.add(target.at, l.mul(panel, own[3]))};
      SplitPacker(l, first, place, parts).emitPanelOfColumns(own[0], own[1], panels.columns);
    });
  });
}

void callCopySplitRows(LoopBuilder &l, Place from, Place to, int64_t rows, Value depth, int64_t rowStride,
                       int64_t depthStride, int64_t parts) {
  if (depthStride == 1) {
    callMove(l, llvm::formatv("copy_split_rows_{0}", parts), from, to, {l.index(rows), depth, l.index(rowStride)},
             [&](Place source, Place target, ValueRange own) {
               SplitPacker(l, source, target, parts).emitRows(own[0], own[1], own[2]);
             });
    return;
  }
  std::string symbol = llvm::formatv("copy_split_columns_{0}_{1}", rows, parts);
  callMove(l, symbol, from, to, {depth, l.index(depthStride)}, [&](Place source, Place target, ValueRange own) {
    SplitPacker(l, source, target, parts).emitColumns(rows, own[0], own[1]);
  });
}

} // namespace ftc::target::cpu
