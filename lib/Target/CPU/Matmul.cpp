// dnnl.matmul by the micro-kernel of Tile.h. An item is a block of rows of a block of columns, which are packed into
// the thread's memory and stay in the second cache while the rows of all its items go by. A result with few columns of
// a left operand that is [depth, rows] is made the other way round, as its columns by its rows, in the thread's memory,
// and written by squares: the large operand is read along its own rows, once. Terms in f16 (HalfTile.h) and by tiles of
// bf16 (SplitTile.h) copy the rows of their left operand too, as words of two elements.

#include "Matmul.h"

#include "HalfTile.h"
#include "SplitTile.h"
#include "Terms.h"

#include "ftc/Runtime/CPU/Program.h"

#include <limits>

using namespace mlir;
using ftc::dnnl::ProductDimension;
using ftc::dnnl::ProductShape;

namespace ftc::target::cpu {

/// Depth of the terms that are added while a tile is in registers. A longer one is cut into parts.
static constexpr int64_t kDepth = 1600;
/// The same by tiles, whose left operand is rewritten for each block of columns: the fewer of these, the better.
static constexpr int64_t kSplitDepths = 1200;
/// Columns and rows of an item at most. Where the depth is cut, an item has all columns if it may, since its rows come
/// from memory for each block of columns, and kCutRows rows if its columns are not packed.
static constexpr int64_t kMostColumns = 640, kMostRows = 256, kCutRows = 64;
/// Items are a multiple of this if there are fewer than kManyItems, so that threads finish together.
static constexpr int64_t kEvenItems = 8, kManyItems = 64;
/// Rows from which packing is cheap beside the product: a copy, or a transposition.
static constexpr int64_t kRowsToCopy = 128, kRowsToTranspose = 2;
/// Terms of a sweep that are added while a tile stays in registers.
static constexpr size_t kJoined = 2;
/// Rows no longer than this follow each other closely enough for the processor's own prefetching.
static constexpr int64_t kShallow = 64;
/// Columns from which copying the rows of a left operand that is [depth, rows] is cheap.
static constexpr int64_t kColumnsToCopy = 32;
/// Columns of a result whose tiles leave at most half of a vector empty.
static constexpr int64_t kLeastColumns = 8;
/// Side of the squares in which a turned result is transposed.
static constexpr int64_t kSquare = 16;
/// Rows whose distance is a multiple of this (elements: 4 KB) compete for one place of the first cache.
static constexpr int64_t kAliasing = 1024;

/// Elements from a copied row to the next: an odd number of cache lines, so that rows do not compete for the same
/// places of the cache.
static int64_t getCopiedStride(int64_t depth) { return llvm::alignTo(depth, 32) + 16; }

/// Whether columns of what is computed are rows of the result.
static bool isTurned(ArrayRef<Term> terms) { return terms.front().n.c != 1; }

static bool isHalf(const Term &term) { return term.factors == Factors::Half; }
static bool isSplit(const Term &term) { return term.factors == Factors::Split; }

/// Elements of the depth in a word of a packed operand.
static int64_t getWord(const Term &term) { return isHalf(term) ? 2 : 1; }

/// Whether the depth is added in parts.
static bool isCut(const Term &term) { return term.k.size > (isSplit(term) ? kSplitDepths : kDepth * getWord(term)); }

namespace {
/// How a product is cut into items and tiles.
struct Blocking {
  Blocking(const Registers &registers, ArrayRef<Term> terms);

  int64_t getItems() const { return batch * rowBlocks * columnBlocks; }
  bool packs(const Term &term) const {
    if (term.isInPanels)
      return false;
    if (term.isRewritten() || term.isNarrowB || term.n.b != 1)
      return true;
    return isCut(term) ? registers.packsParts : std::min(blockRows, rows) >= kRowsToCopy;
  }
  static bool copiesRows(const Term &term) {
    return term.isRewritten() || term.isNarrowA || term.k.a != 1 || term.m.a % kAliasing == 0;
  }

  /// Words of the copy of a tile's rows; in f16 their scales follow, then those of the panels.
  int64_t countRowWords(const Term &term) const {
    if (isSplit(term))
      return kSplitRows * countSplitWords(getPart(term), term.parts.a);
    return copiesRows(term) ? registers.copiedRow() * getCopiedStride(countWords(term)) : 0;
  }
  int64_t countCopied(const Term &term) const {
    int64_t scales = 2 * registers.copiedRow() + llvm::alignTo(kMostColumns / registers.tileColumns, 16);
    return countRowWords(term) + (isHalf(term) ? scales : 0);
  }
  int64_t getPart(const Term &term) const;
  /// Words of the depth that is added at a time.
  int64_t countWords(const Term &term) const {
    int64_t part = getPart(term);
    return isHalf(term)    ? countPackedPairs(registers, part)
           : isSplit(term) ? countSplitWords(part, term.parts.b)
                           : part;
  }

  Registers registers;
  bool splits;                             ///< all terms, or none
  SmallVector<SmallVector<size_t>> sweeps; ///< terms that are added in one go; a long one is alone, part by part
  int64_t deepest = 0;                     ///< of the sweeps, parts counted
  int64_t packed = 0;                      ///< of what is packed of a sweep, the deepest
  int64_t batch = 1, rows, columns;
  int64_t mostTileRows, tileRows = 0;
  int64_t blockRows = 0, blockColumns = 0; ///< of an item: whole tiles and whole panels
  int64_t rowBlocks = 1, columnBlocks = 1;

private:
  void groupTerms(ArrayRef<Term> terms);
  void setColumns(int64_t most);
  void setRows(int64_t blocks);
  void halveTurned();
};
} // namespace

/// The depth that is added at a time. Where it is cut, the next part may be fetched meanwhile, into the other half of
/// what is cached.
int64_t Blocking::getPart(const Term &term) const {
  int64_t k = term.k.size;
  if (!isCut(term))
    return k;
  int64_t width = std::min<int64_t>(llvm::alignTo(term.n.size, registers.tileColumns), kMostColumns);
  int64_t cached = splits ? registers.cached * term.parts.all / term.parts.b : registers.cached / 2;
  int64_t most = std::min(cached / width, kDepth) * getWord(term);
  return llvm::alignTo(llvm::divideCeil(k, llvm::divideCeil(k, most)), 2 * registers.lanes);
}

void Blocking::groupTerms(ArrayRef<Term> terms) {
  int64_t depth = kDepth;
  for (auto [i, term] : llvm::enumerate(terms)) {
    int64_t words = countWords(term);
    if (isCut(term) || depth + words > kDepth) {
      sweeps.emplace_back();
      depth = 0;
    }
    sweeps.back().push_back(i);
    depth += isCut(term) ? kDepth : words;
    deepest = std::max(deepest, isCut(term) ? words : depth);
  }
}

/// Blocks of at most so many columns, in a number that wastes least.
void Blocking::setColumns(int64_t most) {
  int64_t tile = registers.tileColumns;
  most = std::clamp(most / tile * tile, tile, kMostColumns);
  int64_t least = llvm::divideCeil(columns, most), waste = std::numeric_limits<int64_t>::max();
  for (int64_t count = least; count <= 2 * least; ++count) {
    int64_t block = llvm::alignTo(llvm::divideCeil(columns, count), tile);
    if (block * count - columns >= waste)
      continue;
    waste = block * count - columns;
    blockColumns = block;
  }
  columnBlocks = llvm::divideCeil(columns, blockColumns);
}

void Blocking::setRows(int64_t blocks) {
  int64_t tiles = llvm::alignTo(llvm::divideCeil(rows, mostTileRows), blocks); // as many in each block
  tileRows = splits ? kSplitRows : llvm::divideCeil(rows, tiles);
  blockRows = llvm::divideCeil(llvm::divideCeil(rows, tileRows), blocks) * tileRows;
  rowBlocks = llvm::divideCeil(rows, blockRows);
}

/// What is turned has few rows, and often few columns: two blocks of as many rows, where it would be one item.
void Blocking::halveTurned() {
  constexpr int64_t leastRows = 8;
  if (getItems() > 1 || rows < 2 * leastRows)
    return;
  setRows(2);
  if (2 * blockRows != rows)
    setRows(1);
}

Blocking::Blocking(const Registers &registers, ArrayRef<Term> terms)
    : registers(registers), splits(isSplit(terms[0])), rows(terms[0].m.size), columns(terms[0].n.size),
      mostTileRows(splits ? kSplitRows : registers.tileRows) {
  groupTerms(terms);
  batch = terms[0].countBatch();
  // Of a split operand as many columns as of another one: processors with tiles have a larger second cache.
  setColumns((splits ? registers.cached * terms[0].parts.all / 2 : registers.cached) / deepest);
  // Operands that are rewritten are packed, for as many rows as there are.
  bool cuts = llvm::any_of(terms, [](const Term &term) { return isCut(term) && !term.isRewritten(); });
  setRows(llvm::divideCeil(rows, !cuts ? kMostRows : registers.packsParts ? kRowsToCopy : kCutRows));
  auto isEven = [&] { return getItems() >= kManyItems || getItems() % kEvenItems == 0; };
  for (int64_t blocks = rowBlocks; !isEven() && rows / blocks >= 2 * kRowsToCopy; ++blocks)
    setRows(blocks);
  if (llvm::any_of(terms, isCut)) // few items, of which two threads should have as many each
    for (int64_t blocks = rowBlocks; getItems() % 2 && rows / blocks >= kCutRows; ++blocks)
      setRows(blocks);
  // Narrow results: packing does not count. Rows that are rewritten for each block of columns do.
  if (rows <= kRowsToCopy && rowBlocks == 1)
    while (getItems() < (splits ? kEvenItems / 2 : kEvenItems) && blockColumns > registers.tileColumns)
      setColumns(blockColumns / 2);
  if (isTurned(terms))
    halveTurned();
  else if (columns <= registers.tileColumns)
    for (int64_t blocks = rowBlocks; getItems() < kEvenItems && rows / blocks >= registers.tileRows; ++blocks)
      setRows(blocks);
  for (ArrayRef<size_t> sweep : sweeps) {
    int64_t depth = 0;
    for (size_t i : sweep)
      depth += packs(terms[i]) ? countWords(terms[i]) : 0;
    packed = std::max(packed, depth);
  }
}

/// Elements of a thread's memory: packed columns, copied rows, and what is computed if it is turned or the shape of
/// tiles.
static int64_t countScratch(ArrayRef<Term> terms, const Blocking &blocking) {
  int64_t copies = 0;
  for (ArrayRef<size_t> sweep : blocking.sweeps) {
    int64_t elements = 0;
    for (size_t i : sweep)
      elements += blocking.countCopied(terms[i]);
    copies = std::max(copies, elements);
  }
  int64_t turned = isTurned(terms) ? blocking.rows * blocking.blockColumns : 0;
  int64_t shape = blocking.splits ? kSplitShape : 0;
  return blocking.packed * blocking.blockColumns + copies + turned + shape;
}

BatchEntry locateBatch(LoopBuilder &l, Value number, ArrayRef<Term> terms) {
  SmallVector<Value> zeros(terms.size(), l.index(0));
  BatchEntry entry{zeros, zeros, l.index(0)};
  ArrayRef<ProductDimension> batch = terms.front().batch;
  for (size_t dim = batch.size(); dim-- > 0;) {
    Value index = l.rem(number, batch[dim].size);
    number = l.div(number, batch[dim].size);
    entry.c = l.add(entry.c, l.mul(index, batch[dim].c));
    for (auto [i, term] : llvm::enumerate(terms)) {
      entry.a[i] = l.add(entry.a[i], l.mul(index, term.batch[dim].a));
      entry.b[i] = l.add(entry.b[i], l.mul(index, term.batch[dim].b));
    }
  }
  return entry;
}

namespace {
/// Emits the kernel of one op.
class MatmulEmitter {
public:
  MatmulEmitter(dnnl::MatmulOp op, ArrayRef<Term> terms, const Registers &registers, KernelBuilder &builder)
      : op(op), l(builder, registers), terms(terms), shape(terms.front()), blocking(registers, terms) {}

  void emit();

private:
  /// A term of the part that is being added: where row 0, the block's first column and the first depth are.
  struct Operands {
    Place a, b;
    Value depth;
    int64_t panelStep; ///< elements of b from a panel of columns to the next
    bool isPacked;
    Value copiedAt; ///< null if the rows are read where they are
    Value scalesAt; ///< of f16: the rows' scales; the panels' follow
  };
  /// Where sums begin: from zero, or with what lies in `init`.
  struct Start {
    Value init, isZero;
  };

  Value truth(bool value) { return l.constant(l.b.getI1Type(), value); }
  Value pointer(Value operand) { return l.pointer(l.b.buffer(operand)); }
  void locate(Value columns, Value firstBlock, Value lastBlock);
  void emitBlock();
  void emitSweep(ArrayRef<size_t> sweep, Start start);
  void emitPart(ArrayRef<size_t> sweep, Value from, Value depth, Start start);
  Operands makeOperands(size_t term, Value from, Value depth);
  Value getPanelScales(const Operands &operands) { return l.add(operands.scalesAt, 2 * l.registers.copiedRow()); }
  void pack(size_t term, Operands &operands, Value to);
  TileTerm makeRows(size_t term, const Operands &operands, Value row, int64_t rows);
  void emitTile(ArrayRef<size_t> sweep, ArrayRef<Operands> operands, ArrayRef<TileTerm> tile, const TileResult &result,
                Value panel);
  SmallVector<SplitTerm> makeSplitTerms(ArrayRef<size_t> sweep, ArrayRef<TileTerm> tile, int64_t rows);
  void locateNextRows(const Term &term, const Operands &own, TileTerm &tile, Value row, int64_t rows);
  int64_t countFetched(int64_t rows) const {
    return llvm::divideCeil(rows, blocking.blockColumns / l.registers.tileColumns);
  }
  Value countPanels();
  void ifNarrowPanel(llvm::function_ref<void(int64_t)> body);
  void emitRows(ArrayRef<size_t> sweep, ArrayRef<Operands> operands, Start start, Value row, int64_t rows);
  void forTurnedSquares(llvm::function_ref<SmallVector<Value>(Value row, int64_t rows, Value column)> load,
                        llvm::function_ref<void(ArrayRef<Value> square, Value row, int64_t rows, Value column)> store);
  Value placeInResult(Value column, Value row);
  Value placeOfComputed(Value row, Value column);
  void loadTurned(Value init);
  void storeTurned();

  dnnl::MatmulOp op;
  LoopBuilder l;
  ArrayRef<Term> terms;
  const Term &shape; ///< of the first term: rows, columns and batch are those of all
  Blocking blocking;

  Value scratch;   ///< packed columns, then copied rows, then what is turned
  Place computed;  ///< what is computed, from the item's entry of the batch on
  int64_t rowStep; ///< elements from one row of it to the next
  // Of what is being emitted; the last ones are exclusive.
  Value firstRow, lastRow, firstColumn, lastColumn;
  BatchEntry entry;
};
} // namespace

void MatmulEmitter::emit() {
  l.b.setItems(blocking.getItems(), FTC_ANY_RANGE);
  if (blocking.splits)
    requestSplitTiles(l.b);
  scratch = l.pointer(l.b.threadMemory(countScratch(terms, blocking)));
  // The blocks of rows of a block of columns are neighbours: of those that a thread gets, the columns are packed once.
  l.loop(l.div(l.b.lo(), blocking.rowBlocks), l.div(l.add(l.b.hi(), blocking.rowBlocks - 1), blocking.rowBlocks), 1,
         [&](Value columns) {
           Value before = l.mul(columns, blocking.rowBlocks), after = l.add(before, blocking.rowBlocks);
           locate(columns, l.sub(l.max(l.b.lo(), before), before), l.sub(l.min(l.b.hi(), after), before));
           emitBlock();
         });
  if (blocking.splits)
    releaseSplitTiles(l);
}

/// The rows and columns that were located.
void MatmulEmitter::emitBlock() {
  Value c = pointer(op.getResult());
  computed = {c, entry.c};
  rowStep = shape.m.c;
  Value init = op.getInit() ? pointer(op.getInit()) : l.b.accumulates() ? c : Value();
  Start start{init ? init : c, truth(!init)};
  if (isTurned(terms)) {
    int64_t place = countScratch(terms, blocking) - blocking.rows * blocking.blockColumns;
    computed = {scratch, l.sub(l.index(place), firstColumn)};
    rowStep = blocking.blockColumns;
    start.init = scratch;
    if (init)
      loadTurned(init);
  }
  for (ArrayRef<size_t> sweep : blocking.sweeps) {
    emitSweep(sweep, start);
    start = {computed.base, truth(false)};
  }
  if (isTurned(terms))
    storeTurned();
}

/// A block of columns, by its number and that in the batch, and blocks of its rows.
void MatmulEmitter::locate(Value columns, Value firstBlock, Value lastBlock) {
  firstColumn = l.mul(l.rem(columns, blocking.columnBlocks), blocking.blockColumns);
  lastColumn = l.min(l.add(firstColumn, blocking.blockColumns), l.index(shape.n.size));
  firstRow = l.mul(firstBlock, blocking.blockRows);
  lastRow = l.min(l.mul(lastBlock, blocking.blockRows), l.index(shape.m.size));
  entry = locateBatch(l, l.div(columns, blocking.columnBlocks), terms);
}

void MatmulEmitter::emitSweep(ArrayRef<size_t> sweep, Start start) {
  const Term &term = terms[sweep.front()];
  int64_t part = blocking.getPart(term), depth = term.k.size;
  emitPart(sweep, l.index(0), sweep.size() == 1 ? l.index(part) : Value(), start);
  if (part == depth)
    return;
  l.loop(l.index(part), l.index(depth), part, [&](Value from) {
    emitPart(sweep, from, l.min(l.index(part), l.sub(l.index(depth), from)), {computed.base, truth(false)});
  });
}

/// Adds the terms of a sweep from this depth on; `depth` null: each to its end.
void MatmulEmitter::emitPart(ArrayRef<size_t> sweep, Value from, Value depth, Start start) {
  SmallVector<Operands> operands;
  Value packed = l.index(0), copied = l.index(blocking.packed * blocking.blockColumns);
  for (size_t i : sweep) {
    Operands &own = operands.emplace_back(makeOperands(i, from, depth));
    if (Blocking::copiesRows(terms[i])) {
      own.copiedAt = copied;
      own.scalesAt = l.add(copied, blocking.countRowWords(terms[i]));
      copied = l.add(copied, blocking.countCopied(terms[i]));
    }
    if (blocking.packs(terms[i])) {
      pack(i, own, packed);
      packed = l.add(packed, blocking.countWords(terms[i]) * blocking.blockColumns);
    }
  }
  int64_t tileRows = blocking.tileRows, tail = shape.m.size % tileRows;
  Value end = l.add(firstRow, l.mul(l.div(l.sub(lastRow, firstRow), tileRows), tileRows));
  l.loop(firstRow, end, tileRows, [&](Value row) { emitRows(sweep, operands, start, row, tileRows); });
  if (tail)
    l.ifTrue(arith::CmpIOp::create(l.b, arith::CmpIPredicate::ult, end, lastRow),
             [&] { emitRows(sweep, operands, start, end, tail); });
}

MatmulEmitter::Operands MatmulEmitter::makeOperands(size_t i, Value from, Value depth) {
  const Term &term = terms[i];
  Value a = op.getLhs()[i], b = op.getRhs()[i];
  if (term.swapped)
    std::swap(a, b);
  Operands operands;
  operands.a = {pointer(a), l.add(entry.a[i], l.mul(from, term.k.a))};
  Value row = l.add(entry.b[i], l.mul(from, term.k.b));
  operands.b = {pointer(b), l.add(row, l.mul(firstColumn, term.n.b))};
  operands.depth = depth ? depth : l.index(term.k.size);
  operands.panelStep = l.registers.tileColumns * term.n.b;
  operands.isPacked = term.isInPanels || blocking.packs(term);
  if (term.isInPanels) {
    operands.b.at = l.add(l.mul(firstColumn, term.k.size), l.mul(from, l.registers.tileColumns));
    operands.panelStep = l.registers.tileColumns * term.k.size;
  }
  return operands;
}

Value MatmulEmitter::countPanels() { return l.div(l.sub(lastColumn, firstColumn), l.registers.tileColumns); }

/// Runs `body` with the columns of the product's last panel if it is a narrower one, and in this block.
void MatmulEmitter::ifNarrowPanel(llvm::function_ref<void(int64_t)> body) {
  int64_t tail = shape.n.size % l.registers.tileColumns;
  if (!tail)
    return;
  Value isLast = arith::CmpIOp::create(l.b, arith::CmpIPredicate::eq, lastColumn, l.index(shape.n.size));
  l.ifTrue(isLast, [&] { body(tail); });
}

void MatmulEmitter::pack(size_t i, Operands &operands, Value to) {
  const Term &term = terms[i];
  int64_t step = blocking.countWords(term) * l.registers.tileColumns;
  Value whole = countPanels();
  auto packPanels = [&](Value first, Panels panels) {
    Place from{operands.b.base, l.add(operands.b.at, l.mul(first, operands.panelStep))};
    Place packed{scratch, l.add(to, l.mul(first, step))};
    if (isSplit(term))
      callPackSplit(l, from, packed, operands.depth, term.k.b, term.n.b, panels, term.parts.b);
    else if (isHalf(term))
      callPackHalf(l, from, packed, {scratch, l.add(getPanelScales(operands), first)}, operands.depth, term.k.b,
                   term.n.b, panels);
    else
      callPack(l, from, packed, operands.depth, term.k.b, term.n.b, panels);
  };
  if (shape.n.size >= l.registers.tileColumns)
    packPanels(l.index(0), {whole, l.registers.tileColumns, step});
  ifNarrowPanel([&](int64_t columns) { packPanels(whole, {l.index(1), columns, step}); });
  operands.b = {scratch, to};
  operands.panelStep = step;
}

/// Lets the tiles from `row` on fetch the rows that follow, each a part of them: the processor's own prefetching
/// follows no more than a few of a tile's rows. The last rows of a part of the depth are followed by the first of the
/// next.
void MatmulEmitter::locateNextRows(const Term &term, const Operands &own, TileTerm &tile, Value row, int64_t rows) {
  bool areRows = !isHalf(term) && !term.isNarrowA && term.k.a == 1 && term.k.size > kShallow;
  bool areNeighbours = (countFetched(rows) == 1 && !isSplit(term)) || (term.m.a == term.k.size && !isCut(term));
  if (!areRows || !areNeighbours || shape.n.size < l.registers.tileColumns)
    return;
  Value following = l.add(row, rows), at = l.mul(following, term.m.a);
  if (isCut(term))
    at = l.select(l.compare(arith::CmpIPredicate::ult, following, lastRow), at,
                  l.add(l.mul(firstRow, term.m.a), own.depth));
  tile.next = {own.a.base, l.add(own.a.at, at)};
  tile.nextStep = l.index(countFetched(rows));
}

/// A term of the tiles from `row` on, whose rows are copied if they must be. In f16 its depth and strides are of words;
/// that of a split one is of steps.
TileTerm MatmulEmitter::makeRows(size_t i, const Operands &own, Value row, int64_t rows) {
  const Term &term = terms[i];
  // What follows is the next panel, or the next part of the depth, which comes from memory meanwhile.
  Value ahead = isCut(term) ? l.mul(own.depth, term.k.b) : l.index(own.panelStep);
  TileTerm next{own.a, own.b, own.depth, l.index(term.m.a), l.index(term.k.b), ahead, own.isPacked, {}, Value()};
  next.a.at = l.add(own.a.at, l.mul(row, term.m.a));
  locateNextRows(term, own, next, row, rows);
  if (!own.copiedAt)
    return next;
  Place to{scratch, own.copiedAt};
  int64_t stride = getCopiedStride(blocking.countWords(term));
  if (isSplit(term))
    callCopySplitRows(l, next.a, to, rows, own.depth, term.m.a, term.k.a, term.parts.a);
  else if (isHalf(term))
    callCopyHalfRows(l, next.a, to, {scratch, own.scalesAt}, rows, own.depth, term.m.a, term.k.a, stride);
  else
    callCopyRows(l, next.a, to, rows, own.depth, term.m.a, term.k.a, stride);
  next.a = to;
  next.aRow = term.k.a == 1 ? l.index(stride) : Value();
  if (isHalf(term))
    next.depth = l.div(l.add(own.depth, 1), 2);
  if (isSplit(term))
    next.depth = l.div(l.add(own.depth, kSplitDepth - 1), kSplitDepth);
  return next;
}

void MatmulEmitter::emitRows(ArrayRef<size_t> sweep, ArrayRef<Operands> operands, Start start, Value row,
                             int64_t rows) {
  SmallVector<TileTerm> tile;
  for (auto [i, own] : llvm::zip_equal(sweep, operands))
    tile.push_back(makeRows(i, own, row, rows));
  Value first = l.add(l.add(computed.at, l.mul(row, rowStep)), firstColumn);
  auto shapeTiles = [&](int64_t columns) {
    if (blocking.splits)
      shapeSplitTiles(l, {scratch, l.index(countScratch(terms, blocking) - kSplitShape)}, rows, columns);
  };
  auto emitPanel = [&](Value panel, int64_t columns) {
    Value at = l.add(first, l.mul(panel, l.registers.tileColumns));
    emitTile(sweep, operands, tile, {computed.base, start.init, at, rowStep, start.isZero, rows, columns}, panel);
  };
  if (shape.n.size >= l.registers.tileColumns) {
    shapeTiles(l.registers.tileColumns);
    l.loop(l.index(0), countPanels(), 1, [&](Value panel) { emitPanel(panel, l.registers.tileColumns); });
  }
  ifNarrowPanel([&](int64_t columns) {
    shapeTiles(columns);
    emitPanel(countPanels(), columns);
  });
}

SmallVector<SplitTerm> MatmulEmitter::makeSplitTerms(ArrayRef<size_t> sweep, ArrayRef<TileTerm> tile, int64_t rows) {
  SmallVector<SplitTerm> split;
  for (auto [i, own] : llvm::zip_equal(sweep, tile)) {
    Value lines = own.nextStep ? l.index(kSplitDepth / kCacheLine * countFetched(rows)) : Value();
    split.push_back({own.a, own.b, own.depth, terms[i].parts, own.next, lines});
  }
  return split;
}

/// Adds all terms of a tile of this panel.
void MatmulEmitter::emitTile(ArrayRef<size_t> sweep, ArrayRef<Operands> operands, ArrayRef<TileTerm> tile,
                             const TileResult &result, Value panel) {
  SmallVector<TileTerm> own(tile);
  for (auto [i, term, operand] : llvm::zip_equal(sweep, own, operands)) {
    term.b.at = l.add(operand.b.at, l.mul(panel, operand.panelStep));
    if (term.nextStep)
      term.next.at = l.add(term.next.at, l.mul(panel, countFetched(result.rows) * terms[i].m.a));
  }
  TileResult next = result;
  for (size_t i = 0, count; i < sweep.size(); i += count) {
    count = 1;
    if (blocking.splits) {
      callSplitTile(l, next, makeSplitTerms(sweep, own, result.rows));
      count = sweep.size();
    } else if (isHalf(terms[sweep[i]])) {
      Place panelScale{scratch, l.add(getPanelScales(operands[i]), panel)};
      callHalfTile(l, next,
                   {own[i].a, own[i].b, own[i].depth, own[i].aRow, {scratch, operands[i].scalesAt}, panelScale});
    } else {
      auto ownTiles = [&](size_t term) { return !isHalf(terms[term]); };
      count = sweep.drop_front(i).take_front(kJoined).take_while(ownTiles).size();
      callTile(l, next, ArrayRef(own).slice(i, count));
    }
    next.init = computed.base;
    next.isZero = truth(false);
  }
}

/// Reads 16 rows of one matrix by 16 columns, transposes them and hands them on, for each such square of the rows and
/// columns that were located: `row` is the first row of what is computed, of which `rows` exist.
void MatmulEmitter::forTurnedSquares(
    llvm::function_ref<SmallVector<Value>(Value row, int64_t rows, Value column)> load,
    llvm::function_ref<void(ArrayRef<Value> square, Value row, int64_t rows, Value column)> store) {
  int64_t blockRows = std::min(blocking.blockRows, shape.m.size);
  assert(shape.m.size % blockRows == 0 && "blocks of what is turned have as many rows");
  l.loop(firstRow, lastRow, blockRows, [&](Value block) {
    for (int64_t first = 0; first < blockRows; first += kSquare) {
      Value row = l.add(block, first);
      int64_t rows = std::min(kSquare, blockRows - first);
      l.loop(firstColumn, lastColumn, kSquare, [&](Value column) {
        SmallVector<Value> square = load(row, rows, column);
        l.transpose(square);
        store(square, row, rows, column);
      });
    }
  });
}

/// Where the elements of a column of what is computed follow each other in the result.
Value MatmulEmitter::placeInResult(Value column, Value row) {
  return l.add(l.add(entry.c, l.mul(column, shape.n.c)), row);
}
Value MatmulEmitter::placeOfComputed(Value row, Value column) {
  return l.add(l.add(computed.at, column), l.mul(row, rowStep));
}

/// Brings what the sums begin with to where they are computed, with its rows as columns.
void MatmulEmitter::loadTurned(Value init) {
  auto load = [&](Value row, int64_t rows, Value column) {
    SmallVector<Value> square;
    for (int64_t i = 0; i < kSquare; ++i) {
      Value own = l.min(l.add(column, i), l.sub(lastColumn, l.index(1)));
      square.push_back(l.load(l.offset(init, placeInResult(own, row)), l.index(0), kSquare, rows));
    }
    return square;
  };
  forTurnedSquares(load, [&](ArrayRef<Value> square, Value row, int64_t rows, Value column) {
    for (int64_t i = 0; i < rows; ++i)
      l.store(square[i], l.offset(scratch, placeOfComputed(l.add(row, i), column)), l.index(0));
  });
}

/// Writes what was computed, with its rows as columns.
void MatmulEmitter::storeTurned() {
  Value c = pointer(op.getResult());
  auto load = [&](Value row, int64_t rows, Value column) {
    SmallVector<Value> square;
    for (int64_t i = 0; i < kSquare; ++i)
      square.push_back(i < rows ? l.load(l.offset(scratch, placeOfComputed(l.add(row, i), column)), l.index(0), kSquare)
                                : l.constant(l.f32(kSquare), 0));
    return square;
  };
  forTurnedSquares(load, [&](ArrayRef<Value> square, Value row, int64_t rows, Value column) {
    for (int64_t i = 0; i < kSquare; ++i) {
      auto write = [&] { l.store(square[i], l.offset(c, placeInResult(l.add(column, i), row)), l.index(0), rows); };
      if (shape.n.size % kSquare == 0)
        write();
      else
        l.ifTrue(arith::CmpIOp::create(l.b, arith::CmpIPredicate::ult, l.add(column, i), lastColumn), write);
    }
  });
}

/// The same product as its columns by its rows.
static void turn(Term &term) {
  std::swap(term.m, term.n);
  for (auto *dim : {&term.m, &term.n, &term.k})
    std::swap(dim->a, dim->b);
  for (ProductDimension &dim : term.batch)
    std::swap(dim.a, dim.b);
  std::swap(term.isNarrowA, term.isNarrowB);
  term.swapped = !term.swapped;
}

/// Sides of a product, and its depth, from which rewriting the operands pays.
static constexpr int64_t kLeastSide = 64;

/// Parts of a type's numbers (SplitTile.h), of `all` that count.
static int64_t countParts(Type type, int64_t all) {
  return type.isBF16() ? 1 : type.isF16() ? std::min<int64_t>(2, all) : all;
}

/// Says how the factors of the terms are multiplied. Tiles have other rows than registers, so that all terms are split
/// or none.
static void setFactors(dnnl::MatmulOp op, MutableArrayRef<Term> terms, const Registers &registers) {
  auto isInPanels = [](const Term &term) { return term.isInPanels; };
  auto isLarge = [](const Term &term) {
    return term.countBatch() == 1 && std::min({term.m.size, term.n.size, term.k.size}) >= kLeastSide;
  };
  bool isHalf = bool(op.getComputeAttr());
  bool splits = registers.multipliesTiles && llvm::any_of(terms, isLarge) && llvm::none_of(terms, isInPanels);
  for (auto [i, term] : llvm::enumerate(terms)) {
    if (!splits) {
      term.factors = isHalf && isLarge(term) && !term.isInPanels ? Factors::Half : Factors::Single;
      continue;
    }
    auto count = [&, all = isHalf ? 2 : 3](Value operand) {
      return countParts(getElementTypeOrSelf(operand.getType()), all);
    };
    Value a = op.getLhs()[i], b = op.getRhs()[i];
    if (term.swapped)
      std::swap(a, b);
    term.factors = Factors::Split;
    term.parts = {count(a), count(b), isHalf ? 2 : 3};
  }
}

/// The terms of a product that the micro-kernel suits; nothing if it does not.
static SmallVector<Term> getSuitedTerms(dnnl::MatmulOp op, const Registers &registers) {
  if (!registers.multipliesAndAdds)
    return {};
  SmallVector<Term> terms;
  auto isNarrow = [](Value operand) { return !getElementTypeOrSelf(operand.getType()).isF32(); };
  for (size_t i = 0; i < op.getNumTerms(); ++i) {
    Term &term = terms.emplace_back(Term{op.getTerm(i)});
    term.isNarrowA = isNarrow(term.swapped ? op.getRhs()[i] : op.getLhs()[i]);
    term.isNarrowB = isNarrow(term.swapped ? op.getLhs()[i] : op.getRhs()[i]);
    term.isInPanels = op.getPanel(i) != 0;
  }
  auto suits = [&](const Term &term) {
    bool readable = (term.m.a == 1 || term.k.a == 1) && (term.n.b == 1 || term.k.b == 1);
    if (term.k.a != 1 && term.n.size < kColumnsToCopy)
      return false;
    return readable && term.n.size >= kLeastColumns && (term.n.b == 1 || term.m.size >= kRowsToTranspose);
  };
  if (isDots(terms) || llvm::all_of(terms, suits)) {
    if (!isDots(terms))
      setFactors(op, terms, registers);
    return terms;
  }
  if (terms.front().n.size >= kColumnsToCopy)
    return {};
  llvm::for_each(terms, turn);
  return llvm::all_of(terms, suits) ? terms : SmallVector<Term>();
}

bool emitMatmul(dnnl::MatmulOp op, const Registers &registers, KernelBuilder &builder) {
  SmallVector<Term> terms = getSuitedTerms(op, registers);
  if (terms.empty())
    return false;
  if (isDots(terms))
    emitDots(op, terms, registers, builder);
  else
    MatmulEmitter(op, terms, registers, builder).emit();
  return true;
}

bool mayAccumulate(dnnl::MatmulOp op, const Registers &registers) {
  SmallVector<Term> terms = getSuitedTerms(op, registers);
  return !op.getInit() && !terms.empty() && !isDots(terms);
}

/// In f16 a part of the depth, a row and a panel of columns have scales of their own; tiles go by steps of the depth.
static bool addAlike(const Term &own, int64_t ownPart, const Term &whole, int64_t wholePart) {
  auto counts = [](const SplitParts &parts) { return std::tuple(parts.a, parts.b, parts.all); };
  if (own.factors != whole.factors || counts(own.parts) != counts(whole.parts))
    return false;
  if (isHalf(own))
    return own.k.size == whole.k.size && own.n.size == whole.n.size && ownPart == wholePart;
  return !isSplit(own) || own.k.size == whole.k.size || own.k.size % kSplitDepth == 0;
}

bool addsAlike(dnnl::MatmulOp op, dnnl::MatmulOp whole, const Registers &registers) {
  SmallVector<Term> own = getSuitedTerms(op, registers), other = getSuitedTerms(whole, registers);
  if (own.empty() || own.size() != other.size() || isDots(own) || isDots(other))
    return false;
  Blocking blocking(registers, own), wholeBlocking(registers, other);
  return llvm::all_of(llvm::zip(own, other), [&](auto pair) {
    auto &[term, counterpart] = pair;
    return addAlike(term, blocking.getPart(term), counterpart, wholeBlocking.getPart(counterpart));
  });
}

int64_t getPanelColumns(OpOperand &operand, const Registers &registers) {
  auto op = cast<dnnl::MatmulOp>(operand.getOwner());
  SmallVector<Term> terms = getSuitedTerms(op, registers);
  if (terms.empty() || isDots(terms) || isTurned(terms) || operand.getOperandNumber() >= 2 * terms.size())
    return 0;
  const Term &term = terms[operand.getOperandNumber() % terms.size()];
  bool isRight = (operand.getOperandNumber() < terms.size()) == term.swapped;
  bool isMatrix = cast<RankedTensorType>(operand.get().getType()).getRank() == 2;
  bool suits = isRight && isMatrix && !term.isRewritten() && !term.isNarrowB && term.batch.empty() &&
               term.n.size % registers.tileColumns == 0;
  return suits ? registers.tileColumns : 0;
}

int64_t getMatmulScratch(dnnl::MatmulOp op, const Registers &registers) {
  SmallVector<Term> terms = getSuitedTerms(op, registers);
  return terms.empty() || isDots(terms) ? 0 : countScratch(terms, Blocking(registers, terms)) * int64_t(sizeof(float));
}

} // namespace ftc::target::cpu
