// Attention by blocks of queries: what the forward and the backward kernel share.
#ifndef FTC_LIB_TARGET_CPU_ATTENTION_H
#define FTC_LIB_TARGET_CPU_ATTENTION_H

#include "LoopBuilder.h"

#include "dialects/Tune/IR/Tune.h"

namespace ftc::target::cpu {

/// Sizes and settings of an attention op. The queries of one key-value head are numbered t * groups + g and called
/// columns, since a block of them lies across the lanes of vectors: scores are kept transposed, [keys, columns].
struct AttentionShape {
  int64_t batch, queries, keys, heads, groups, width;
  double scale;
  std::optional<double> softcap = std::nullopt;
  std::optional<int64_t> window = std::nullopt;
  int64_t prefix = 0; ///< keys that every query sees; positions and segments are those of the others
  bool causal = false, keysAreQueries = false;

  int64_t columns() const { return queries * groups; }
  /// Whether each column is done by itself (AttentionDecode.cpp): one token after another, in generation.
  bool isNarrow() const { return columns() <= 8 && prefix == 0; }
  /// Keys that have positions and segments.
  int64_t placed() const { return keys - prefix; }
  /// Columns of a block.
  int64_t lanes() const { return columns() <= 16 ? 16 : 32; }
  int64_t blocks() const { return (columns() + lanes() - 1) / lanes(); }
  /// Width rounded up to vectors.
  int64_t padded() const { return (width + 15) / 16 * 16; }
  /// Elements from one token to the next.
  int64_t keyStride() const { return heads * width; }
};

template <typename Op> AttentionShape getAttentionShape(Op op) {
  auto q = llvm::cast<mlir::RankedTensorType>(op.getQ().getType()).getShape();
  auto k = llvm::cast<mlir::RankedTensorType>(op.getK().getType()).getShape();
  AttentionShape shape{q[0], q[1], k[1], q[2], q[3], q[4], op.getScale().convertToDouble()};
  if (auto softcap = op.getSoftcap())
    shape.softcap = softcap->convertToDouble();
  if (auto window = op.getWindow())
    shape.window = int64_t(*window);
  shape.prefix = op.countPrefix();
  shape.causal = op.getCausal();
  shape.keysAreQueries = op.keysAreQueries();
  return shape;
}

/// Emits one block of columns of one head of one batch entry.
class AttentionBlock {
public:
  struct Buffers {
    mlir::Value q, k, v, qpos, qseg, kpos, kseg; ///< flat
  };

  AttentionBlock(LoopBuilder &loops, const AttentionShape &shape, Buffers buffers)
      : l(loops), shape(shape), buffers(buffers) {}

  /// Where the block is; emits what holds for all of its keys.
  void begin(mlir::Value batch, mlir::Value head, mlir::Value firstColumn);
  /// The same columns of another head of the batch entry.
  void enterHead(mlir::Value head);

  /// First element of a column's row in tensors laid out as q. Columns beyond the last one repeat it.
  mlir::Value rowOf(mlir::Value column);
  /// The same of each of the block's columns.
  llvm::SmallVector<mlir::Value> rowsOfLanes();
  /// Place of a column in [batch, queries, heads, groups].
  mlir::Value placeOf(mlir::Value column);
  mlir::Value column(int64_t lane) { return l.add(first, lane); }
  /// Runs `body` if the column exists.
  void ifExists(int64_t lane, llvm::function_ref<void()> body);

  /// The block's rows of `memory` (laid out as q), transposed into `transposed` [padded, lanes] if it is not null, and
  /// as they are into `rows` [lanes, padded] if it is not null. If `times` is not null, returns the sum along each row
  /// of its product with this tensor's row.
  mlir::Value pack(mlir::Value memory, mlir::Value transposed, mlir::Value rows, mlir::Value times);

  /// Writes the transposed block [padded, lanes] into rows of `memory`.
  void unpack(mlir::Value transposed, mlir::Value memory);

  /// One number of each column, from or to [batch, queries, heads, groups].
  mlir::Value loadColumns(mlir::Value memory);
  void storeColumns(mlir::Value vector, mlir::Value memory);

  /// The score with scale and softcap, of the sums of a tile's row.
  mlir::Value finishScore(mlir::Value sum);
  /// The derivative of the score by the sums: scale, times 1 - (score / softcap)^2.
  mlir::Value slope(mlir::Value score);
  /// Lanes of columns that exist; null if all do.
  mlir::Value existing();
  /// Which columns see the key.
  mlir::Value sees(mlir::Value key);

  /// The keys that must be visited: no column sees one outside of them.
  mlir::Value firstKey() const { return keysFrom; }
  mlir::Value lastKey() const { return keysTo; } ///< exclusive
  mlir::Value countKeys() { return l.sub(keysTo, keysFrom); }
  /// The head's rows of k or v, as scalars with keys or elements as rows; the latter from the first key that must be
  /// visited on.
  ScalarOperand keysAsRows(mlir::Value memory, mlir::Value key);
  ScalarOperand elementsAsRows(mlir::Value memory, mlir::Value element);

  mlir::Value batch, head;

private:
  LoopBuilder &l;
  const AttentionShape &shape;
  Buffers buffers;
  void findKeys(mlir::Value limit);

  mlir::Value first, keysFrom, keysTo, keyBase, positions, segments;
};

/// The kernel for a few columns (AttentionShape::isNarrow) in either of its two phases, which goes through the keys as
/// they lie in memory, and the elements of a thread's memory and of the workspace that it needs.
void emitAttentionDecode(tune::AttentionOp op, const Registers &registers, KernelBuilder &builder);
int64_t countDecodeScratch(const AttentionShape &shape);
int64_t countDecodeWorkspace(const AttentionShape &shape);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_ATTENTION_H
