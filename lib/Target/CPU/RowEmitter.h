// Writes the kernel of a set of pure tensor ops by demand: an element (or a vector of neighbouring elements) of a
// result is computed from the elements it needs, down to the kernel's buffers. Nothing between is stored.
#ifndef FTC_LIB_TARGET_CPU_ROWEMITTER_H
#define FTC_LIB_TARGET_CPU_ROWEMITTER_H

#include "Coordinates.h"

#include "dialects/Tune/IR/Tune.h"
#include "ftc/Target/KernelBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>
#include <vector>

namespace ftc::target::cpu {

/// `trips` vectors of `lanes` elements, of which the first `active` count, from element `from` on.
struct Vectors {
  int64_t from, trips, lanes, active;
};

/// Covers 0 <= i < `extent` by vectors of 64 lanes and smaller ones for the rest; none crosses one of `cuts`.
llvm::SmallVector<Vectors> coverByVectors(int64_t extent, llvm::ArrayRef<int64_t> cuts);

/// Whether a reduction or contraction takes neighbouring elements of its operands. The order of its terms follows from
/// this alone, so that a result is the same bit for bit in any kernel: by vectors, or one after the other.
bool addsNeighbours(mlir::Operation *op);

/// Coordinates decide where code goes: an element is computed in the outermost loop that knows all of its coordinates,
/// before the loops inside it, and once for equal coordinates. So what belongs to a row (a norm's scale, a gathered
/// index) is hoisted out of the loop along the row without further ado.
class RowEmitter {
public:
  /// Emits at the builder's insertion point, which is in the body of the kernel.
  explicit RowEmitter(KernelBuilder &builder);

  /// `value` is the contents of `operand` of the op under construction.
  void bindInput(mlir::Value value, mlir::Value operand);

  /// Vectors of an input that is read once, from its first element to its last, are fetched so long before they are
  /// needed that memory has delivered them by then.
  void fetchAhead(mlir::Value value);

  /// A loop over `from` <= i < `to` around what `body` emits; it is given the variable and the carried values and
  /// returns their new ones. Returns their last ones.
  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::AffineExpr, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> emitLoop(mlir::Value from, mlir::Value to, Range range, mlir::ValueRange carried,
                                          LoopBody body);
  llvm::SmallVector<mlir::Value> emitLoop(int64_t trips, mlir::ValueRange carried, LoopBody body);

  /// The same over the elements of `vectors`, a vector at a time.
  llvm::SmallVector<mlir::Value> emitLoop(const Vectors &vectors, mlir::ValueRange carried, LoopBody body);

  /// The element of `value` at the coordinates: a scalar, or a vector if one of them differs between lanes.
  mlir::Value evaluate(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> at);

  /// Stores what `evaluate` gives into the same place of the buffer of `result`.
  void store(mlir::Value value, mlir::Value result, llvm::ArrayRef<mlir::AffineExpr> at);

  Variables &getVariables() { return variables; }
  /// Whether an op was met that cannot be written; an error has been reported.
  bool hasFailed() const { return failed; }

private:
  struct Buffer {
    mlir::Value memory; ///< rank 1
    llvm::SmallVector<int64_t> shape;
    bool isFetchedAhead = false;
  };
  struct Lanes {
    int64_t count = 1;
    int64_t active = 1;
  };
  using Key = std::vector<const void *>;
  /// A block under construction. `child` is the loop inside it that is under construction, if there is one.
  struct Scope {
    mlir::Block *block;
    mlir::Operation *child = nullptr;
    std::map<Key, mlir::Value> known = {};
  };
  using At = llvm::ArrayRef<mlir::AffineExpr>;

  // Scopes, memory and constants (RowEmitter.cpp)
  void insertInScope();
  mlir::Value evaluateInScope(mlir::Value value, At at);
  Buffer makeBuffer(mlir::Value operandOrResult);
  mlir::Value load(const Buffer &buffer, At at);
  mlir::Value loadShuffled(const Buffer &buffer, const Variables::Offsets &offsets);
  void emitFetch(const Buffer &buffer, mlir::Value from);
  mlir::Value getMask();
  mlir::Value materialize(mlir::AffineExpr expr);
  mlir::Value materializeLanes(mlir::AffineExpr expr);
  mlir::Value splat(mlir::Value scalar);
  mlir::Value zero(mlir::Type type);

  // What each op computes (RowOps.cpp)
  mlir::Value emit(mlir::Operation *op, At at);
  mlir::Value emitElementwise(mlir::Operation *op, At at);
  mlir::Value emitConcat(mlir::tensor::ConcatOp op, At at);
  mlir::Value emitPad(mlir::tensor::PadOp op, At at);
  mlir::Value emitGather(mlir::Value table, mlir::Value index, At indexAt, At rest, bool leading);
  mlir::Value emitPutOne(mlir::Operation *op, At at);
  mlir::Value emitIota(mlir::Type element, mlir::AffineExpr coordinate);
  mlir::Value emitEqual(mlir::AffineExpr left, mlir::AffineExpr right, mlir::Value then);
  struct Clamped {
    mlir::AffineExpr index;
    mlir::Value inside;
  };
  Clamped clamp(mlir::Value index, int64_t size);

  // Chance (RowChance.cpp)
  mlir::Value emitIndex64(mlir::AffineExpr expr);
  mlir::Value emitFirstCounter(mlir::Value row, mlir::RankedTensorType type);
  std::optional<mlir::AffineExpr> findBlocks(mlir::AffineExpr linear, mlir::RankedTensorType ofRow);
  mlir::Value emitRandom(tune::RandomOp op, At at);
  mlir::Value emitKept(tune::DropOp op, At at);
  mlir::Value emitDrop(tune::DropOp op, At at);

  // Sums and the like (RowReductions.cpp)
  using Term = llvm::function_ref<mlir::Value(At)>;
  mlir::Value emitReduce(mlir::linalg::ReduceOp op, At at);
  mlir::Value emitLaneByLane(mlir::Value sum, At at);
  mlir::Value emitContract(mlir::linalg::ContractOp op, At at);
  struct Order {
    bool byVectors, inLanes;
  };
  mlir::Value reduce(mlir::vector::CombiningKind kind, mlir::Type element, llvm::ArrayRef<int64_t> sizes, Order order,
                     mlir::Value first, Term term);

  KernelBuilder &b;
  Variables variables;
  llvm::DenseMap<mlir::Value, Buffer> inputs;
  llvm::DenseMap<mlir::Value, mlir::TypedAttr> constants; ///< inputs that are folded splats
  llvm::DenseMap<mlir::Value, Buffer> outputs;
  std::vector<Scope> scopes;
  Lanes lanes;
  bool failed = false;
};

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_ROWEMITTER_H
