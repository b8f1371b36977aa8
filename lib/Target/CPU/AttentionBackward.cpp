// tune.attention_backward: an item is one head of one batch entry, whose blocks of columns add to its rows of dk and dv
// one after another. Scores are computed again from lse. Where there are few heads, each is done in several parts that
// take every so many blocks of columns; all but the first add to rows of their own in the workspace, which a second
// phase adds up.

#include "Attention.h"
#include "Generators.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;

namespace ftc::target::cpu {

namespace {
class AttentionBackward {
public:
  AttentionBackward(tune::AttentionBackwardOp op, const Registers &registers, KernelBuilder &builder)
      : op(op), l(builder, registers), shape(getAttentionShape(op)), parts(countParts(op)),
        block(l, shape, bindBuffers()) {}

  /// Elements: three squares transposed [padded, lanes], two as they are [lanes, padded], two of all keys [keys,
  /// lanes].
  static int64_t countScratch(const AttentionShape &shape) {
    return (5 * shape.padded() + 2 * shape.keys) * shape.lanes();
  }

  /// Parts of a head: so many that all parts of all heads are an even number, and no fewer than kLeastItems.
  static int64_t countParts(tune::AttentionBackwardOp op) {
    if (std::optional<uint64_t> parts = op.getParts())
      return int64_t(*parts);
    AttentionShape shape = getAttentionShape(op);
    int64_t heads = shape.batch * shape.heads, parts = llvm::divideCeil(kLeastItems, heads);
    parts += heads * parts % 2;
    return heads >= kLeastItems ? 1 : std::min(parts, shape.blocks());
  }
  /// Elements of dk or dv, and bytes of the workspace: [parts but the first, dk and dv, elements].
  static int64_t countElements(const AttentionShape &shape) { return shape.batch * shape.keys * shape.keyStride(); }
  static int64_t countWorkspace(tune::AttentionBackwardOp op) {
    return 2 * (countParts(op) - 1) * countElements(getAttentionShape(op)) * int64_t(sizeof(float));
  }

  void emit() {
    int64_t elements = countElements(shape);
    l.b.setItems(shape.batch * shape.heads * parts);
    int64_t square = shape.padded() * shape.lanes(), scores = shape.keys * shape.lanes();
    Value memory = l.b.threadMemory(countScratch(shape));
    queriesT = l.offset(memory, l.index(0));
    dOutT = l.offset(memory, l.index(square));
    dQueriesT = l.offset(memory, l.index(2 * square));
    queriesRows = l.offset(memory, l.index(3 * square));
    dOutRows = l.offset(memory, l.index(4 * square));
    probabilities = l.offset(memory, l.index(5 * square));
    dScores = l.offset(memory, l.index(5 * square + scores));
    l.loop(l.b.lo(), l.b.hi(), 1, [&](Value item) {
      Value part = l.rem(item, parts), rest = l.div(item, parts);
      Value batch = l.div(rest, shape.heads), head = l.rem(rest, shape.heads);
      bindSums(part, elements);
      clear(batch, head);
      l.loop(part, l.index(shape.blocks()), parts, [&](Value number) {
        block.begin(batch, head, l.mul(number, shape.lanes()));
        emitBlock();
      });
    });
  }

  /// The second phase: dk and dv += those of the other parts.
  void emitSums() {
    int64_t elements = countElements(shape);
    l.b.setItems(llvm::divideCeil(elements, kSummed));
    auto addPieces = [&](Value from, Value to, int64_t lanes) {
      for (auto [number, result] : llvm::enumerate(SmallVector<Value>{flat(op.getDk()), flat(op.getDv())}))
        l.loop(from, to, lanes, [&](Value at) {
          Value sum = l.load(result, at, lanes);
          for (int64_t part = 1; part < parts; ++part) {
            Value place = l.add(at, (2 * (part - 1) + int64_t(number)) * elements);
            sum = arith::AddFOp::create(l.b, sum, l.load(workspace(), place, lanes));
          }
          l.store(sum, result, at);
        });
    };
    Value from = l.mul(l.b.lo(), kSummed), to = l.min(l.mul(l.b.hi(), kSummed), l.index(elements));
    Value vectors = l.add(from, l.mul(l.div(l.sub(to, from), 16), 16));
    addPieces(from, vectors, 16);
    addPieces(vectors, to, 1);
  }

private:
  /// Items of a call at least, elements of an item of the second phase.
  static constexpr int64_t kLeastItems = 8, kSummed = 4096;

  Value flat(Value operandOrResult) { return l.flatten(l.b.buffer(operandOrResult)); }

  Value workspace() { return l.workspace(countWorkspace(op) / int64_t(sizeof(float))); }

  /// Where the part adds up dk and dv.
  void bindSums(Value part, int64_t elements) {
    dKeys = flat(op.getDk());
    dValues = flat(op.getDv());
    if (parts == 1)
      return;
    Value isFirst = l.compare(arith::CmpIPredicate::eq, part, l.index(0));
    Value first = l.mul(l.sub(part, l.index(1)), 2 * elements), base = l.pointer(workspace());
    auto choose = [&](Value result, int64_t displacement) {
      Value from = l.select(isFirst, l.index(0), l.add(first, displacement));
      return l.offset(l.select(isFirst, l.pointer(result), base), from);
    };
    dKeys = choose(dKeys, 0);
    dValues = choose(dValues, elements);
  }

  AttentionBlock::Buffers bindBuffers() {
    return {flat(op.getQ()),    flat(op.getK()),    flat(op.getV()),   flat(op.getQpos()),
            flat(op.getQseg()), flat(op.getKpos()), flat(op.getKseg())};
  }

  VectorOperand columns(Value memory) { return {memory, l.index(0), shape.lanes()}; }

  SmallVector<Value> zeros(int64_t rows) { return SmallVector<Value>(rows, l.constant(l.f32(shape.lanes()), 0)); }

  /// Pieces of a row of `width` elements: (first element, lanes, those that count).
  void forPieces(llvm::function_ref<void(int64_t, int64_t, int64_t)> body) {
    int64_t most = std::max<int64_t>(16, l.registers.tileColumns);
    for (int64_t from = 0; from < shape.width;) {
      int64_t lanes = shape.width - from >= most ? most : 16;
      body(from, lanes, std::min(lanes, shape.width - from));
      from += lanes;
    }
  }

  /// Zeros in the head's rows of dk and dv.
  void clear(Value batch, Value head) {
    Value base = l.mul(l.add(l.mul(batch, shape.keys * shape.heads), head), shape.width);
    l.loop(l.index(0), l.index(shape.keys), 1, [&](Value key) {
      Value row = l.add(base, l.mul(key, shape.keyStride()));
      forPieces([&](int64_t from, int64_t lanes, int64_t active) {
        for (Value memory : {dKeys, dValues})
          l.store(l.constant(l.f32(lanes), 0), memory, l.add(row, from), active);
      });
    });
  }

  void emitBlock() {
    block.pack(flat(op.getQ()), queriesT, queriesRows, Value());
    Value delta = block.pack(flat(op.getDout()), dOutT, dOutRows, flat(op.getOut()));
    emitScores(delta);
    // dv += p^T dout, dk += ds^T q; columns beyond the last one have zeros in p and ds.
    addProduct(probabilities, dOutRows, dValues);
    addProduct(dScores, queriesRows, dKeys);
    // dq = ds k
    Value keys = flat(op.getK());
    VectorOperand seen{dScores, l.mul(block.firstKey(), shape.lanes()), shape.lanes()};
    forTiles(l, shape.width, l.registers.innerRows, [&](Value element, int64_t rows) {
      SmallVector<Value> sums = emitTile(l, block.elementsAsRows(keys, element), seen, block.countKeys(), zeros(rows));
      for (auto [i, sum] : llvm::enumerate(sums))
        l.store(sum, dQueriesT, l.mul(l.add(element, int64_t(i)), shape.lanes()));
    });
    block.unpack(dQueriesT, flat(op.getDq()));
  }

  /// p = exp(z - lse) and ds = p (dout v^T - delta) dz/ds, for the keys that each column sees; zeros for the others.
  void emitScores(Value delta) {
    VectorType type = l.f32(shape.lanes());
    Value lse = block.loadColumns(flat(op.getLse())), zero = l.constant(type, 0);
    Value nothing = arith::CmpFOp::create(l.b, arith::CmpFPredicate::OEQ, lse,
                                          l.constant(type, -std::numeric_limits<double>::infinity()));
    Value shift = arith::SelectOp::create(l.b, nothing, zero, lse);
    Value exists = block.existing();
    Value keys = flat(op.getK()), values = flat(op.getV());
    forTiles(l, block.firstKey(), block.lastKey(), l.registers.innerRows, [&](Value key, int64_t rows) {
      SmallVector<Value> sums =
          emitTile(l, block.keysAsRows(keys, key), columns(queriesT), l.index(shape.width), zeros(rows));
      SmallVector<Value> slopes;
      for (auto [i, sum] : llvm::enumerate(sums)) {
        Value row = l.add(key, int64_t(i));
        Value score = block.finishScore(sum);
        Value power = math::ExpOp::create(l.b, arith::SubFOp::create(l.b, score, shift));
        Value seen = block.sees(row);
        if (exists)
          seen = arith::AndIOp::create(l.b, seen, exists);
        Value p = arith::SelectOp::create(l.b, seen, power, zero);
        l.store(p, probabilities, l.mul(row, shape.lanes()));
        slopes.push_back(arith::MulFOp::create(l.b, p, block.slope(score)));
      }
      SmallVector<Value> dSums =
          emitTile(l, block.keysAsRows(values, key), columns(dOutT), l.index(shape.width), zeros(rows));
      for (auto [i, sum] : llvm::enumerate(dSums)) {
        Value ds = arith::MulFOp::create(l.b, slopes[i], arith::SubFOp::create(l.b, sum, delta));
        l.store(ds, dScores, l.mul(l.add(key, int64_t(i)), shape.lanes()));
      }
    });
  }

  /// memory[key, :] += sum over columns of weights[key, column] rows[column, :].
  void addProduct(Value weights, Value rows, Value memory) {
    forTiles(l, block.firstKey(), block.lastKey(), l.registers.innerRows, [&](Value key, int64_t count) {
      ScalarOperand a{weights, l.mul(key, shape.lanes()), shape.lanes(), 1};
      ScalarOperand target = block.keysAsRows(memory, key);
      forPieces([&](int64_t from, int64_t lanes, int64_t active) {
        SmallVector<Value> sums, places;
        for (int64_t i = 0; i < count; ++i) {
          places.push_back(l.add(l.add(target.base, i * target.rowStride), from));
          sums.push_back(l.load(memory, places.back(), lanes, active));
        }
        sums = emitTile(l, a, {rows, l.index(from), shape.padded()}, l.index(shape.lanes()), sums);
        for (auto [sum, place] : llvm::zip_equal(sums, places))
          l.store(sum, memory, place, active);
      });
    });
  }

  tune::AttentionBackwardOp op;
  LoopBuilder l;
  AttentionShape shape;
  int64_t parts;
  AttentionBlock block;
  Value queriesT, dOutT, dQueriesT, queriesRows, dOutRows, probabilities, dScores;
  Value dKeys, dValues; ///< where the item adds up
};

class AttentionBackwardGenerator : public KernelGenerator {
public:
  explicit AttentionBackwardGenerator(const Registers &registers) : registers(registers) {}

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto attention = cast<tune::AttentionBackwardOp>(op);
    if (!getElementTypeOrSelf(attention.getQ().getType()).isF32())
      return op->emitOpError("has no kernel for this type on the cpu target");
    AttentionBackward emitter(attention, registers, builder);
    if (builder.phase() == 0)
      emitter.emit();
    else
      emitter.emitSums();
    return success();
  }

  int phases(Operation *op) const override { return workspaceBytes(op) ? 2 : 1; }

  int64_t workspaceBytes(Operation *op) const override {
    return AttentionBackward::countWorkspace(cast<tune::AttentionBackwardOp>(op));
  }

  bool foldsSplat(OpOperand &) const override { return false; }

  /// Sums are made of as many parts.
  bool followWhole(Operation *op, Operation *whole) const override {
    auto own = cast<tune::AttentionBackwardOp>(op);
    int64_t parts = AttentionBackward::countParts(cast<tune::AttentionBackwardOp>(whole));
    if (AttentionBackward::countParts(own) != parts)
      own.setParts(parts);
    return true;
  }

  int64_t scratchBytes(Operation *op) const override {
    AttentionShape shape = getAttentionShape(cast<tune::AttentionBackwardOp>(op));
    return AttentionBackward::countScratch(shape) * int64_t(sizeof(float));
  }

private:
  Registers registers;
};
} // namespace

std::shared_ptr<const KernelGenerator> makeAttentionBackwardGenerator(const Registers &registers) {
  return std::make_shared<AttentionBackwardGenerator>(registers);
}

} // namespace ftc::target::cpu
