// Kernels of rows: of `tune.fused` and of single ops of the same kinds.

#include "Generators.h"
#include "RowEmitter.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;

namespace ftc::target::cpu {

namespace {

/// The ops of a kernel: those of a `tune.fused`, or one op alone.
struct RowProgram {
  explicit RowProgram(Operation *op);

  struct Binding {
    Value inside, outside;
  };
  SmallVector<Binding> inputs, results;
  SmallVector<Operation *> ops;
};

/// How the work is cut into items.
struct Items {
  /// Linear: an item is 64 neighbouring elements of the results, which have one shape. Otherwise an item is one entry
  /// of the leading dimensions, whose product `count` is the same in all results.
  bool linear = false;
  int64_t count = 1;
  int64_t elements = 1; ///< of the largest tensor, per item
};

} // namespace

static constexpr int64_t kLinearLanes = 64;
/// Rows shorter than this are joined: the loops' own cost would show.
static constexpr int64_t kLeastRow = 256;
/// Elements of a vector; a last dimension with fewer would leave most of it empty.
static constexpr int64_t kLeastLanes = 16;
/// Elements that one thread should take at a time.
static constexpr int64_t kGrainElements = 1 << 14;

static RankedTensorType getTensor(Value value) { return cast<RankedTensorType>(value.getType()); }

RowProgram::RowProgram(Operation *op) {
  if (auto fused = dyn_cast<tune::FusedOp>(op)) {
    for (auto [argument, operand] : llvm::zip_equal(fused.getBody()->getArguments(), fused.getInputs()))
      inputs.push_back({argument, operand});
    for (auto [value, result] : llvm::zip_equal(fused.getYield().getValues(), fused.getResults()))
      results.push_back({value, result});
    for (Operation &inner : fused.getBody()->without_terminator())
      ops.push_back(&inner);
    return;
  }
  for (Value operand : op->getOperands())
    inputs.push_back({operand, operand});
  for (Value result : op->getResults())
    results.push_back({result, result});
  ops.push_back(op);
}

/// How many leading dimensions have the product `count`; the fewest.
static std::optional<size_t> findPrefix(ArrayRef<int64_t> shape, int64_t count) {
  int64_t product = 1;
  for (size_t dims = 0;; ++dims) {
    if (product == count)
      return dims;
    if (dims == shape.size())
      return std::nullopt;
    product *= shape[dims];
  }
}

/// Whether `own` are the leading dimensions of `shape`, all of them or fewer.
static bool isPrefix(ArrayRef<int64_t> own, ArrayRef<int64_t> shape) { return own == shape.take_front(own.size()); }

/// How many neighbouring dimensions of `shape` each one of `own` joins; nothing if `own` is no shape that joins some.
static std::optional<SmallVector<size_t>> findJoined(ArrayRef<int64_t> own, ArrayRef<int64_t> shape) {
  SmallVector<size_t> joined;
  for (int64_t size : own) {
    size_t dims = 0;
    int64_t product = 1;
    for (; dims < shape.size() && (dims == 0 || product < size); ++dims)
      product *= shape[dims];
    if (product != size || dims == 0)
      return std::nullopt;
    joined.push_back(dims);
    shape = shape.drop_front(dims);
  }
  return shape.empty() ? std::optional(std::move(joined)) : std::nullopt;
}

static bool isReduction(Operation *op) { return isa<linalg::ReduceOp, linalg::ContractOp>(op); }

/// Whether the elements of `op`'s result depend on those at the same place of its operands alone, or on none.
static bool isPointwise(Operation *op) {
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op))
    return getTensor(broadcast.getInput()).getRank() == 0;
  return op->hasTrait<OpTrait::ConstantLike>() || OpTrait::hasElementwiseMappableTraits(op) ||
         isa<tensor::EmptyOp, linalg::FillOp, tune::DropOp, tune::RandomOp, tune::StopGradientOp, tune::IotaOp>(op);
}

/// Whether the neighbours of a result's last dimension are sums of neighbours: none runs along the last dimension of
/// what it reads, and the last dimension of the sums is that of the results.
static bool areColumnSums(const RowProgram &program) {
  ArrayRef<int64_t> shape = getTensor(program.results.front().outside).getShape();
  return !shape.empty() && llvm::all_of(program.ops, [&](Operation *op) {
    if (!isReduction(op))
      return true;
    if (getTensor(op->getResult(0)).getShape() != shape)
      return false;
    if (auto reduce = dyn_cast<linalg::ReduceOp>(op))
      return !llvm::is_contained(reduce.getDimensions(), getTensor(op->getOperand(0)).getRank() - 1);
    SmallVector<AffineMap> maps = cast<linalg::ContractOp>(op).getIndexingMapsArray();
    unsigned last = maps.back().getDimPosition(maps.back().getNumResults() - 1);
    return llvm::all_of(ArrayRef(maps).drop_back(), [&](AffineMap map) {
      return !map.isFunctionOfDim(last) || map.getDimPosition(map.getNumResults() - 1) == last;
    });
  });
}

static bool haveOneShape(const RowProgram &program) {
  ArrayRef<int64_t> shape = getTensor(program.results.front().outside).getShape();
  return llvm::all_of(program.results, [&](auto result) { return getTensor(result.outside).getShape() == shape; });
}

static Items chooseItems(const RowProgram &program) {
  int64_t largest = 1;
  SmallVector<ArrayRef<int64_t>> shapes; // those that must begin with the rows
  for (auto result : program.results) {
    shapes.push_back(getTensor(result.outside).getShape());
    largest = std::max(largest, getTensor(result.outside).getNumElements());
  }
  for (Operation *op : program.ops) {
    if (!isReduction(op))
      continue;
    shapes.push_back(getTensor(op->getResult(0)).getShape());
    largest = std::max(largest, getTensor(op->getOperand(0)).getNumElements());
  }
  int64_t elements = getTensor(program.results.front().outside).getNumElements();
  Items linear{true, (elements + kLinearLanes - 1) / kLinearLanes, kLinearLanes};
  if (haveOneShape(program) && llvm::all_of(program.ops, isPointwise))
    return linear;
  Items items{false, 1, largest};
  int64_t count = 1;
  for (int64_t size : shapes.front()) {
    count *= size;
    bool common = llvm::all_of(shapes, [&](auto shape) { return findPrefix(shape, count).has_value(); });
    if (common && (items.count == 1 || largest / count >= kLeastRow))
      items = {false, count, std::max<int64_t>(1, largest / count)};
  }
  bool tooFew = items.count < linear.count && items.count < 16;
  bool columnByColumn = items.count == elements && elements >= 16;
  if ((tooFew || columnByColumn) && haveOneShape(program) && areColumnSums(program)) {
    linear.elements = std::max<int64_t>(1, largest / linear.count);
    return linear;
  }
  return items;
}

namespace {
/// Emits the loops over items and over the elements of each.
class RowKernel {
public:
  RowKernel(KernelBuilder &builder, const RowProgram &program, Items items)
      : builder(builder), program(program), items(items), emitter(builder) {
    for (auto input : program.inputs)
      if (isa<RankedTensorType>(input.outside.getType()))
        emitter.bindInput(input.inside, input.outside);
  }

  LogicalResult emit() {
    int64_t grain = std::max<int64_t>(1, kGrainElements / items.elements);
    builder.setItems(items.count, grain);
    if (items.linear)
      emitLinear();
    else
      emitRows();
    return failure(emitter.hasFailed());
  }

private:
  using Results = SmallVector<RowProgram::Binding>;

  /// Whether a result has the leading dimensions of `shape`, or joins neighbours of them all.
  static bool isAlong(RowProgram::Binding result, ArrayRef<int64_t> shape) {
    ArrayRef<int64_t> own = getTensor(result.outside).getShape();
    return isPrefix(own, shape) || findJoined(own, shape);
  }

  /// The dimensions of `shape` that say where an element of the result is.
  static size_t countDims(RowProgram::Binding result, ArrayRef<int64_t> shape) {
    ArrayRef<int64_t> own = getTensor(result.outside).getShape();
    return isPrefix(own, shape) ? own.size() : shape.size();
  }

  /// What is at `at` of `shape` in the result.
  Coordinates placeOf(RowProgram::Binding result, ArrayRef<int64_t> shape, ArrayRef<AffineExpr> at) {
    ArrayRef<int64_t> own = getTensor(result.outside).getShape();
    if (isPrefix(own, shape))
      return Coordinates(at);
    Coordinates place;
    std::optional<SmallVector<size_t>> joined = findJoined(own, shape);
    for (size_t dims : *joined) {
      place.push_back(emitter.getVariables().linearize(at.take_front(dims), shape.take_front(dims)));
      at = at.drop_front(dims);
      shape = shape.drop_front(dims);
    }
    return place;
  }

  void storeAll(const Results &results, ArrayRef<int64_t> shape, ArrayRef<AffineExpr> at) {
    for (auto result : results) // all are known before one of them takes over the bytes of an input
      emitter.evaluate(result.inside, placeOf(result, shape, at));
    for (auto result : results)
      emitter.store(result.inside, result.outside, placeOf(result, shape, at));
  }

  void emitLinear() {
    ArrayRef<int64_t> shape = getTensor(program.results.front().outside).getShape();
    int64_t elements = getTensor(program.results.front().outside).getNumElements();
    int64_t whole = elements / kLinearLanes;
    Value split = arith::ConstantIndexOp::create(builder, whole);
    auto loop = [&](Value from, Value to, Range range, Vectors vectors) {
      emitter.emitLoop(from, to, range, {}, [&](AffineExpr item, ValueRange) {
        emitter.emitLoop(vectors, {}, [&](AffineExpr index, ValueRange) -> SmallVector<Value> {
          Variables &variables = emitter.getVariables();
          storeAll(program.results, shape, variables.delinearize(item * kLinearLanes + index, shape));
          return {};
        });
        return SmallVector<Value>();
      });
    };
    if (whole > 0) {
      Value to = arith::MinUIOp::create(builder, builder.hi(), split);
      loop(builder.lo(), to, {0, whole - 1}, {0, 1, kLinearLanes, kLinearLanes});
    }
    if (elements % kLinearLanes) {
      Value from = arith::MaxUIOp::create(builder, builder.lo(), split);
      loop(from, builder.hi(), {whole, whole}, {0, 1, kLinearLanes, elements % kLinearLanes});
    }
  }

  void emitRows() {
    emitter.emitLoop(builder.lo(), builder.hi(), {0, items.count - 1}, {}, [&](AffineExpr item, ValueRange) {
      Results rest(program.results);
      while (!rest.empty() && !emitter.hasFailed()) {
        ArrayRef<int64_t> shape;
        for (auto result : rest)
          if (ArrayRef<int64_t> own = getTensor(result.outside).getShape(); shape.empty() || own.size() > shape.size())
            shape = own;
        auto belongs = [&](auto result) { return isAlong(result, shape); };
        Results along(llvm::make_filter_range(rest, belongs));
        llvm::erase_if(rest, belongs);
        size_t prefix = *findPrefix(shape, items.count);
        Coordinates at = emitter.getVariables().delinearize(item, shape.take_front(prefix));
        emitRest(along, shape, at);
      }
      return SmallVector<Value>();
    });
  }

  /// Loops over the dimensions of `shape` from `at.size()` on. Results without the last dimensions are stored before
  /// the loops over these, so that what is stored of a row is what the row itself is computed with.
  void emitRest(const Results &results, ArrayRef<int64_t> shape, Coordinates &at) {
    auto isKnown = [&](auto result) { return countDims(result, shape) == at.size(); };
    storeAll(Results(llvm::make_filter_range(results, isKnown)), shape, at);
    if (at.size() == shape.size())
      return;
    auto body = [&](AffineExpr index, ValueRange) -> SmallVector<Value> {
      at.push_back(index);
      emitRest(results, shape, at);
      at.pop_back();
      return {};
    };
    if (joinsDimensions(results, shape, at.size()))
      return emitJoined(results, shape, at);
    int64_t size = shape[at.size()];
    if (at.size() + 1 < shape.size()) {
      emitter.emitLoop(size, {}, body);
      return;
    }
    for (const Vectors &vectors : coverByVectors(size, getCuts(size)))
      emitter.emitLoop(vectors, {}, body);
  }

  /// Whether the dimensions from `first` on are taken as one, since vectors along the last would be mostly empty.
  bool joinsDimensions(const Results &results, ArrayRef<int64_t> shape, size_t first) {
    return shape.back() < kLeastLanes && llvm::product_of(shape.drop_front(first)) >= kLeastLanes &&
           llvm::all_of(
               results, [&](auto result) { return getTensor(result.outside).getShape() == shape; }) &&
           llvm::none_of(program.ops, [](Operation *op) { return isReduction(op) && addsNeighbours(op); });
  }

  void emitJoined(const Results &results, ArrayRef<int64_t> shape, ArrayRef<AffineExpr> at) {
    ArrayRef<int64_t> joined = shape.drop_front(at.size());
    for (const Vectors &vectors : coverByVectors(llvm::product_of(joined), {}))
      emitter.emitLoop(vectors, {}, [&](AffineExpr index, ValueRange) -> SmallVector<Value> {
        Coordinates all(at);
        llvm::append_range(all, emitter.getVariables().delinearize(index, joined));
        storeAll(results, shape, all);
        return {};
      });
  }

  /// Where the parts of concatenations along a last dimension of this size meet.
  SmallVector<int64_t> getCuts(int64_t size) {
    llvm::SmallSet<int64_t, 4> cuts;
    for (Operation *op : program.ops) {
      auto concat = dyn_cast<tensor::ConcatOp>(op);
      int64_t last = concat ? concat.getResultType().getRank() - 1 : -1;
      if (!concat || int64_t(concat.getDim()) != last || concat.getResultType().getDimSize(last) != size)
        continue;
      int64_t end = 0;
      for (Value part : concat.getInputs().drop_back())
        cuts.insert(end += getTensor(part).getDimSize(last));
    }
    SmallVector<int64_t> sorted(cuts.begin(), cuts.end());
    llvm::sort(sorted);
    return sorted;
  }

  KernelBuilder &builder;
  const RowProgram &program;
  Items items;
  RowEmitter emitter;
};

class RowGenerator : public KernelGenerator {
public:
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    RowProgram program(op);
    return RowKernel(builder, program, chooseItems(program)).emit();
  }

  /// All results are stored by the loops over one of them: those of fewer dimensions before what they have in common is
  /// written, those of the operand's shape after what is read of their own place. What a whole row gives is known
  /// before.
  bool mayShare(OpOperand &operand, OpResult result) const override {
    RowProgram program(operand.getOwner());
    ArrayRef<int64_t> shape = getTensor(operand.get()).getShape();
    // What is read of a view may be read by loops inside of those that write.
    if (!haveOneShape(program) && getTensor(result).getShape() != shape)
      return false;
    auto begins = [&](auto result) { return isPrefix(getTensor(result.outside).getShape(), shape); };
    if (!llvm::all_of(program.results, begins) || llvm::any_of(program.ops, llvm::IsaPred<tensor::ConcatOp>))
      return false;
    Items items = chooseItems(program);
    std::optional<size_t> found = items.linear ? 0 : findPrefix(shape, items.count);
    if (!found)
      return false;
    size_t prefix = *found;
    llvm::SetVector<Value> readInPlace;
    readInPlace.insert(program.inputs[operand.getOperandNumber()].inside);
    for (size_t i = 0; i < readInPlace.size(); ++i) // grows
      for (Operation *user : readInPlace[i].getUsers()) {
        if (!llvm::is_contained(program.ops, user) || (!items.linear && isOfWholeRow(user, prefix)))
          continue;
        if (!isPointwise(user) || isa<linalg::BroadcastOp>(user))
          return false;
        readInPlace.insert(user->getResult(0));
      }
    return true;
  }

private:
  /// Whether an op gives one element for each item, the entries of the first `prefix` dimensions: a sum over all
  /// others, or one of the last dimension's elements.
  static bool isOfWholeRow(Operation *op, size_t prefix) {
    if (auto reduce = dyn_cast<linalg::ReduceOp>(op))
      return getTensor(reduce.getInputs()[0]).getRank() == int64_t(prefix + reduce.getDimensions().size()) &&
             llvm::all_of(reduce.getDimensions(), [&](int64_t dim) { return size_t(dim) >= prefix; });
    auto pick = dyn_cast<tune::PickOp>(op);
    return pick && getTensor(pick->getOperand(0)).getRank() == int64_t(prefix) + 1;
  }
};
} // namespace

std::shared_ptr<const KernelGenerator> makeRowGenerator() { return std::make_shared<RowGenerator>(); }

} // namespace ftc::target::cpu
