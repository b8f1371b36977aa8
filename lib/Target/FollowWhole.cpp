// Two programs are gone through in step from what they write. Rows lie along the one dimension of a value that is
// larger in the whole; each kind of op must leave the rows apart and in their order, since sums are taken in it. What
// an op does to rows that is not known here makes the programs unlike.

#include "ftc/Target/Target.h"

#include "dialects/Dnnl/IR/Dnnl.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Updates.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace ftc::target {

namespace {
/// Where the rows are in a pair of types: no dimension if both are one type.
struct RowDimension {
  bool isAlike = true;
  std::optional<int64_t> dim;
};

RowDimension findRows(Type whole, Type cut, int64_t parts) {
  if (whole == cut)
    return {};
  auto large = dyn_cast<RankedTensorType>(whole), small = dyn_cast<RankedTensorType>(cut);
  if (!large || !small || large.getElementType() != small.getElementType() || large.getRank() != small.getRank())
    return {false, {}};
  RowDimension rows;
  for (int64_t dim = 0; dim < large.getRank(); ++dim) {
    if (large.getDimSize(dim) == small.getDimSize(dim))
      continue;
    if (rows.dim || large.getDimSize(dim) != parts * small.getDimSize(dim))
      return {false, {}};
    rows.dim = dim;
  }
  return rows;
}

/// The value itself where what is computed is fused or an argument of that: which ops share a kernel changes no number.
Value seeThroughFusion(Value value) {
  while (true) {
    auto result = dyn_cast<OpResult>(value);
    auto argument = dyn_cast<BlockArgument>(value);
    if (auto fused = result ? dyn_cast<tune::FusedOp>(result.getOwner()) : tune::FusedOp())
      value = fused.getYield()->getOperand(result.getResultNumber());
    else if (auto around = argument ? dyn_cast<tune::FusedOp>(argument.getOwner()->getParentOp()) : tune::FusedOp())
      value = around->getOperand(argument.getArgNumber());
    else
      return value;
  }
}

/// The result of a fused op that a value of its body becomes, if it becomes nothing else, or the value itself.
Value leaveFused(Value value) {
  auto fused = value.getDefiningOp() ? dyn_cast<tune::FusedOp>(value.getDefiningOp()->getParentOp()) : tune::FusedOp();
  if (!fused || !value.hasOneUse() || !isa<tune::FusedYieldOp>(*value.user_begin()))
    return value;
  return fused->getResult(value.use_begin()->getOperandNumber());
}

/// Whether a sum begins with what lies in the tensor that it is written to.
bool goesOn(Value init, Value sum) {
  auto read = seeThroughFusion(init).getDefiningOp<tune::ReadOp>();
  FlatSymbolRefAttr updated = tune::findWritten(leaveFused(sum));
  return read && updated && read.getTensorAttr() == updated;
}

/// What a sum begins with; null for zeros, and for what is no sum.
Value getInit(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<dnnl::MatmulOp, tune::ScatterAddOp>([](auto sum) -> Value { return sum.getInit(); })
      .Case([](linalg::ReduceOp sum) { return tune::isZeroTensor(sum.getInits()[0]) ? Value() : sum.getInits()[0]; })
      .Default([](Operation *) { return Value(); });
}

/// A hash of the ops that a value is made by, which equal values have.
llvm::hash_code hashMaking(Value value, int depth) {
  value = seeThroughFusion(value);
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return llvm::hash_value(0);
  Operation *op = result.getOwner();
  llvm::hash_code hash = llvm::hash_combine(op->getName().getAsOpaquePointer(), result.getResultNumber());
  if (auto read = dyn_cast<tune::ReadOp>(op))
    return llvm::hash_combine(hash, read.getTensor());
  auto operands = llvm::map_to_vector(
      op->getOperands(), [&](Value operand) { return depth > 0 ? size_t(hashMaking(operand, depth - 1)) : 0; });
  if (op->hasTrait<OpTrait::IsCommutative>())
    llvm::sort(operands);
  return llvm::hash_combine(hash, llvm::hash_combine_range(operands));
}

/// The operands of an op of the cut program in the order of those of its counterpart: of sums and products they may be
/// the other way round.
SmallVector<Value> orderLike(Operation *whole, Operation *cut) {
  SmallVector<Value> operands(cut->getOperands());
  if (!whole->hasTrait<OpTrait::IsCommutative>() || whole->getNumOperands() != 2)
    return operands;
  auto areAlike = [&](unsigned left, unsigned right) {
    constexpr int depth = 4;
    return hashMaking(whole->getOperand(left), depth) == hashMaking(operands[right], depth);
  };
  if (!areAlike(0, 0) && (areAlike(0, 1) || areAlike(1, 0)))
    std::swap(operands[0], operands[1]);
  return operands;
}

/// What two programs do, compared op by op.
class Comparison {
public:
  Comparison(int64_t parts, const KernelRegistry &registry) : parts(parts), registry(registry) {}

  bool run(func::FuncOp whole, func::FuncOp cut);

private:
  std::optional<int64_t> rowsOf(Value whole) { return rows.lookup(seeThroughFusion(whole)); }
  bool require(Value whole, Value cut);
  bool requireAll(ValueRange whole, ValueRange cut);
  bool pair(Value whole, Value cut);
  bool compareWrite(tune::WriteOp whole, tune::WriteOp cut);
  bool compare(Operation *whole, Operation *cut);
  bool compareAttributes(Operation *whole, Operation *cut);
  bool compareRegions(Operation *whole, Operation *cut);
  bool compareSums(dnnl::MatmulOp whole, dnnl::MatmulOp cut);
  bool compareSums(linalg::ReduceOp whole, linalg::ReduceOp cut);
  bool compareSums(tune::ScatterAddOp whole, tune::ScatterAddOp cut);
  bool seesRows(Operation *whole);
  bool keepsRows(Operation *whole, Operation *cut);
  bool keepsRowsOfShape(Operation *whole, SmallVector<ReassociationIndices> groups, Value grouped);

  int64_t parts;
  const KernelRegistry &registry;
  DenseSet<std::pair<Value, Value>> pairs;      ///< of equal values, one of them may be made more than once
  DenseMap<Value, std::optional<int64_t>> rows; ///< of values of the whole program
  DenseSet<std::pair<Operation *, Operation *>> visited;
  SmallVector<std::pair<Operation *, Operation *>> pending;
};
} // namespace

bool Comparison::require(Value whole, Value cut) {
  whole = seeThroughFusion(whole);
  cut = seeThroughFusion(cut);
  if (pairs.contains({whole, cut}))
    return true;
  auto left = dyn_cast<OpResult>(whole), right = dyn_cast<OpResult>(cut);
  if (!left || !right || left.getResultNumber() != right.getResultNumber() || !pair(whole, cut))
    return false; // arguments are paired before they are used
  if (visited.insert({left.getOwner(), right.getOwner()}).second)
    pending.push_back({left.getOwner(), right.getOwner()});
  return true;
}

bool Comparison::requireAll(ValueRange whole, ValueRange cut) {
  return whole.size() == cut.size() &&
         llvm::all_of(llvm::zip(whole, cut), [&](auto pair) { return require(std::get<0>(pair), std::get<1>(pair)); });
}

/// False if the types are unlike, or rows of the same value were elsewhere.
bool Comparison::pair(Value whole, Value cut) {
  RowDimension own = findRows(whole.getType(), cut.getType(), parts);
  pairs.insert({whole, cut});
  return own.isAlike && rows.try_emplace(whole, own.dim).first->second == own.dim;
}

bool Comparison::run(func::FuncOp whole, func::FuncOp cut) {
  llvm::StringMap<tune::WriteOp> writes;
  for (auto write : cut.getOps<tune::WriteOp>())
    writes[write.getTensor()] = write;
  for (auto write : whole.getOps<tune::WriteOp>()) {
    tune::WriteOp counterpart = writes.lookup(write.getTensor());
    if (!counterpart || !compareWrite(write, counterpart))
      return false;
    writes.erase(write.getTensor());
  }
  while (!pending.empty()) {
    auto [left, right] = pending.pop_back_val();
    if (!compare(left, right))
      return false;
  }
  return writes.empty();
}

/// A program that runs for each micro-batch may write rows, and sums that go on.
bool Comparison::compareWrite(tune::WriteOp whole, tune::WriteOp cut) {
  if (!require(whole.getValue(), cut.getValue()))
    return false;
  Value value = seeThroughFusion(cut.getValue());
  if (rowsOf(whole.getValue()))
    return true;
  Operation *op = value.getDefiningOp();
  Value init = op ? getInit(op) : Value();
  return init && goesOn(init, value);
}

bool Comparison::compare(Operation *whole, Operation *cut) {
  if (whole->getName() != cut->getName() || whole->getNumResults() != cut->getNumResults())
    return false;
  for (auto [left, right] : llvm::zip(whole->getResults(), cut->getResults()))
    if (!pair(left, right))
      return false;
  if (!getInit(whole) && getInit(cut))
    return llvm::TypeSwitch<Operation *, bool>(whole).Case<dnnl::MatmulOp, tune::ScatterAddOp, linalg::ReduceOp>(
        [&](auto sum) { return compareSums(sum, cast<decltype(sum)>(cut)); });
  if (!compareAttributes(whole, cut) || !requireAll(whole->getOperands(), orderLike(whole, cut)) ||
      !compareRegions(whole, cut) || !keepsRows(whole, cut))
    return false;
  const KernelGenerator *generator = isa<tune::FusedOp>(whole->getParentOp()) ? nullptr : registry.lookup(cut);
  return !generator || !seesRows(whole) || generator->followWhole(cut, whole);
}

/// Whether what the whole batch gives is a gradient, and what a part of it gives goes on from the rows before.
static bool areOneGradient(Value whole, Value init, Value cut) {
  FlatSymbolRefAttr updated = tune::findWritten(leaveFused(whole));
  return updated && goesOn(init, cut) && updated == tune::findWritten(leaveFused(cut));
}

bool Comparison::compareSums(dnnl::MatmulOp whole, dnnl::MatmulOp cut) {
  return areOneGradient(whole.getResult(), cut.getInit(), cut.getResult()) && whole.getNumTerms() == 1 &&
         whole.getIndexingMaps() == cut.getIndexingMaps() && whole.getComputeAttr() == cut.getComputeAttr() &&
         whole.getPanelsAttr() == cut.getPanelsAttr() && requireAll(whole.getLhs(), cut.getLhs()) &&
         requireAll(whole.getRhs(), cut.getRhs()) && rowsOf(whole.getLhs()[0]) == 0 && rowsOf(whole.getRhs()[0]) == 0 &&
         registry.lookup(cut)->followWhole(cut, whole);
}

/// Sums across rows, one after another: of neighbours a kernel makes several that it adds up.
bool Comparison::compareSums(linalg::ReduceOp whole, linalg::ReduceOp cut) {
  Value terms = whole.getInputs()[0];
  bool ofNeighbours = llvm::is_contained(whole.getDimensions(), cast<RankedTensorType>(terms.getType()).getRank() - 1);
  return !ofNeighbours && areOneGradient(whole->getResult(0), cut.getInits()[0], cut->getResult(0)) &&
         compareAttributes(whole, cut) && compareRegions(whole, cut) && require(terms, cut.getInputs()[0]) &&
         rowsOf(terms) == 0;
}

/// Rows are added one after another.
bool Comparison::compareSums(tune::ScatterAddOp whole, tune::ScatterAddOp cut) {
  return areOneGradient(whole.getResult(), cut.getInit(), cut.getResult()) && require(whole.getRows(), cut.getRows()) &&
         require(whole.getIndex(), cut.getIndex()) && rowsOf(whole.getRows()) == 0 && rowsOf(whole.getIndex()) == 0;
}

/// What is said of shapes follows from the types.
static bool isOfShape(StringRef attribute) { return attribute == "static_sizes" || attribute == "static_output_shape"; }

bool Comparison::compareAttributes(Operation *whole, Operation *cut) {
  if (auto constant = dyn_cast<arith::ConstantOp>(whole)) {
    auto other = cast<arith::ConstantOp>(cut);
    auto left = dyn_cast<SplatElementsAttr>(constant.getValue()), right = dyn_cast<SplatElementsAttr>(other.getValue());
    return constant.getValue() == other.getValue() ||
           (left && right && left.getSplatValue<Attribute>() == right.getSplatValue<Attribute>());
  }
  DictionaryAttr left = whole->getAttrDictionary(), right = cut->getAttrDictionary();
  return left.size() == right.size() && llvm::all_of(llvm::zip(left, right), [](auto pair) {
           auto [own, other] = pair;
           return own.getName() == other.getName() &&
                  (own.getValue() == other.getValue() || isOfShape(own.getName().strref()));
         });
}

bool Comparison::compareRegions(Operation *whole, Operation *cut) {
  for (auto [left, right] : llvm::zip_equal(whole->getRegions(), cut->getRegions())) {
    if (left.empty() && right.empty())
      continue;
    if (!left.hasOneBlock() || !right.hasOneBlock() || left.getNumArguments() != right.getNumArguments())
      return false;
    for (auto [own, other] : llvm::zip(left.getArguments(), right.getArguments()))
      if (!pair(own, other))
        return false;
    pending.push_back({left.front().getTerminator(), right.front().getTerminator()});
  }
  return true;
}

/// A reshape to or from `grouped`, whose dimensions are joined in groups: the rows must come first in theirs.
bool Comparison::keepsRowsOfShape(Operation *whole, SmallVector<ReassociationIndices> groups, Value grouped) {
  std::optional<int64_t> own = rowsOf(grouped);
  if (!own)
    return !rowsOf(whole->getOperand(0)) && !rowsOf(whole->getResult(0));
  auto shape = cast<RankedTensorType>(grouped.getType()).getShape();
  for (const ReassociationIndices &group : groups)
    for (int64_t dim : group) {
      if (dim == *own)
        return true;
      if (llvm::is_contained(group, *own) && shape[dim] != 1)
        return false;
    }
  return false;
}

bool Comparison::seesRows(Operation *whole) {
  auto hasRows = [&](Value value) { return rowsOf(value).has_value(); };
  return llvm::any_of(whole->getOperands(), hasRows) || llvm::any_of(whole->getResults(), hasRows);
}

/// Whether an op leaves rows apart and in their order, in what it reads and gives.
bool Comparison::keepsRows(Operation *whole, Operation *cut) {
  if (!seesRows(whole))
    return true;
  auto hasRows = [&](Value value) { return rowsOf(value).has_value(); };
  bool gives = llvm::any_of(whole->getResults(), hasRows);
  auto isFirst = [&](Value value) { return rowsOf(value).value_or(0) == 0; };
  auto givesAll = [&] { return llvm::all_of(whole->getResults(), hasRows); };
  return llvm::TypeSwitch<Operation *, bool>(whole)
      .Case<tune::ReadOp, tensor::EmptyOp, linalg::FillOp, arith::ConstantOp, linalg::BroadcastOp, linalg::TransposeOp,
            linalg::ContractOp, dnnl::MatmulOp>([&](auto) { return gives; })
      .Case<tune::IfOp, tune::IfYieldOp>([&](auto) { return true; })
      .Case([&](linalg::ReduceOp op) {
        auto sum = cast<linalg::ReduceOp>(cut);
        bool isRunning = op.getDimensions() == ArrayRef<int64_t>{0} && goesOn(op.getInits()[0], op->getResult(0)) &&
                         goesOn(sum.getInits()[0], sum->getResult(0));
        return gives || isRunning;
      })
      .Case([&](tensor::CollapseShapeOp op) { return keepsRowsOfShape(op, op.getReassociationIndices(), op.getSrc()); })
      .Case(
          [&](tensor::ExpandShapeOp op) { return keepsRowsOfShape(op, op.getReassociationIndices(), op.getResult()); })
      .Case([&](tensor::ExtractSliceOp op) {
        std::optional<int64_t> own = rowsOf(op.getSource());
        return own && gives && rowsOf(op.getResult()) == own &&
               op.getStaticSizes()[*own] == op.getSourceType().getDimSize(*own);
      })
      .Case([&](tensor::ConcatOp op) { return givesAll() && rowsOf(op.getResult()) != int64_t(op.getDim()); })
      .Case([&](tune::GatherOp op) { return gives && !hasRows(op.getTable()); })
      .Case<tune::PickOp, tune::PutOneOp>([&](auto op) {
        auto wide = cast<RankedTensorType>((isa<tune::PickOp>(whole) ? op->getOperand(0) : op->getResult(0)).getType());
        return gives && llvm::all_of(op->getOperands(), hasRows) && rowsOf(op->getResult(0)) < wide.getRank() - 1;
      })
      .Case([&](tune::IotaOp op) { return rowsOf(op.getResult()) != int64_t(op.getDim()); })
      .Case<tune::AttentionOp, tune::AttentionBackwardOp>(
          [&](auto op) { return givesAll() && llvm::all_of(op->getOperands(), isFirst); })
      .Case<tune::DropOp, tune::RandomOp>([&](auto op) { return op.getRow() && isFirst(op->getResult(0)); })
      .Case([&](tune::RowsOp op) {
        return givesAll() && op.getSummedResults().empty() && llvm::all_of(op.getSliced(), hasRows) &&
               llvm::all_of(op->getOperands(), isFirst) && llvm::none_of(op.getShared(), hasRows);
      })
      .Case([&](tune::YieldOp) { return false; }) // the rows of a chunk are as many
      .Default([&](Operation *op) { return givesAll() && OpTrait::hasElementwiseMappableTraits(op); });
}

bool followsWhole(ModuleOp cut, ModuleOp whole, int64_t parts, const TargetOptions &options) {
  KernelRegistry registry = getKernels(options.kind, options.processor);
  SymbolTable symbols(whole);
  llvm::StringSet<> resized;
  for (auto tensor : cut.getOps<tune::TensorOp>()) {
    auto counterpart = symbols.lookup<tune::TensorOp>(tensor.getSymName());
    if (!counterpart)
      return false;
    if (counterpart.getType() != tensor.getType())
      resized.insert(tensor.getSymName());
  }
  for (auto program : cut.getOps<func::FuncOp>()) {
    bool seesRows = llvm::any_of(program.getOps<tune::ReadOp>(),
                                 [&](tune::ReadOp read) { return resized.contains(read.getTensor()); });
    auto counterpart = symbols.lookup<func::FuncOp>(program.getSymName());
    if (!counterpart || (seesRows && !Comparison(parts, registry).run(counterpart, program)))
      return false;
  }
  return true;
}

} // namespace ftc::target
