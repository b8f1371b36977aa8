//===- SetPrecision.cpp - tune-set-precision -------------------------------===//
//
// Reals become f32, from f64. What stays f64:
//   * scalars (rank 0), and `tune.tensor`s of rank at most 1 that the runtime fills or reads (inputs, outputs);
//   * sines and cosines with what leads to them, where that is computed from integers and constants alone (rotary
//     tables of long positions must be exact);
//   * elementwise and shape ops all of whose real operands stay f64.
// Where both meet, values are rounded or extended at the use. A sum to a scalar is taken in f32 along all dimensions
// but the first, and in f64 along that.
//
// Before: everything of the rung `backward`. The reference target does without this pass.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/SetVector.h"

#include <map>

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_SETPRECISION
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

bool isReal(Value value) { return getElementTypeOrSelf(value).isF64(); }
bool isScalar(Value value) { return typeOf(value).getRank() == 0; }
bool isShapeOp(Operation *op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp, tensor::ConcatOp>(op);
}

/// Constants and inits: made in the type that a use needs.
bool isFlexible(Operation *op) { return isa<arith::ConstantOp, tensor::EmptyOp, linalg::FillOp>(op); }
bool isFlexible(Value value) { return value.getDefiningOp() && isFlexible(value.getDefiningOp()); }

bool staysDouble(TensorOp tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  bool isExchanged = tensor.getKind() == Kind::input || tensor.getKind() == Kind::output;
  return type.getRank() == 0 || (isExchanged && type.getRank() == 1);
}

//===----------------------------------------------------------------------===//
// Which values stay
//===----------------------------------------------------------------------===//

/// The values of a program that stay f64.
class DoubleValues {
public:
  DoubleValues(func::FuncOp program, const SymbolTable &symbols) : symbols(symbols) {
    program.walk([&](Operation *op) {
      if (isa<math::SinOp, math::CosOp>(op))
        keepTable(op);
    });
    program.walk<WalkOrder::PreOrder>([&](Operation *op) { keepResults(op); });
  }

  bool contains(Value value) const { return kept.contains(value); }

private:
  /// Keeps an op and all that leads to it, unless that reads reals.
  void keepTable(Operation *root) {
    llvm::SetVector<Operation *> slice;
    slice.insert(root);
    for (size_t next = 0; next < slice.size(); ++next)
      for (Value operand : slice[next]->getOperands()) {
        Operation *source = operand.getDefiningOp();
        if (isReal(operand) && (!source || isa<ReadOp, RowsOp, IfOp>(source)))
          return;
        if (source && isReal(operand) && !isFlexible(source))
          slice.insert(source);
      }
    for (Operation *op : slice)
      kept.insert(op->result_begin(), op->result_end());
  }

  void keepResults(Operation *op) {
    if (op->getParentOfType<linalg::LinalgOp>() || isFlexible(op))
      return;
    for (Value result : op->getResults())
      if (isReal(result) && isa<RankedTensorType>(result.getType()) && stays(op, result))
        kept.insert(result);
    for (Block *body : getBodies(op))
      for (Value argument : body->getArguments())
        if (isReal(argument) && isScalar(argument))
          kept.insert(argument);
  }

  bool stays(Operation *op, Value result) const {
    if (auto read = dyn_cast<ReadOp>(op))
      return staysDouble(symbols.lookup<TensorOp>(read.getTensor()));
    if (isScalar(result) && isa<linalg::ReduceOp, RowsOp, IfOp, RandomOp>(op))
      return true;
    auto isNarrow = [&](Value v) { return isReal(v) && !isFlexible(v) && !kept.contains(v); };
    if (llvm::any_of(op->getOperands(), isNarrow))
      return false;
    auto isKept = [&](Value v) { return kept.contains(v); };
    bool mayStay = isShapeOp(op) || OpTrait::hasElementwiseMappableTraits(op);
    return isScalar(result) || (mayStay && llvm::any_of(op->getOperands(), isKept));
  }

  const SymbolTable &symbols;
  DenseSet<Value> kept;
};

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// Splits sums to a scalar in two, so that the first is f32 and the second f64.
void splitScalarSums(func::FuncOp program) {
  SmallVector<linalg::ReduceOp> sums;
  program.walk([&](linalg::ReduceOp op) {
    if (op.getInputs().size() == 1 && isReal(op.getInputs().front()) && isScalar(op->getResult(0)) &&
        typeOf(op.getInputs().front()).getRank() > 1 && isa<arith::AddFOp>(op.getCombiner().front().front()))
      sums.push_back(op);
  });
  for (linalg::ReduceOp op : sums) {
    OpBuilder builder(op);
    Value input = op.getInputs().front();
    auto inner = llvm::to_vector(llvm::seq<int64_t>(1, typeOf(input).getRank()));
    Value partial = reduceSum(builder, op.getLoc(), input, inner);
    op->getResult(0).replaceAllUsesWith(reduceSum(builder, op.getLoc(), partial, {0}));
    op.erase();
  }
}

class Converter {
public:
  Converter(func::FuncOp program, const SymbolTable &symbols)
      : program(program), symbols(symbols), doubles(program, symbols), single(Float32Type::get(program.getContext())) {}

  void run() {
    SmallVector<Operation *> ops;
    program.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op != program && !op->getParentOfType<linalg::LinalgOp>())
        ops.push_back(op);
    });
    for (Operation *op : ops)
      setResultTypes(op);
    for (Operation *op : ops)
      setOperands(op);
    for (Operation *op : llvm::reverse(ops))
      if (isFlexible(op) ? op->use_empty() : replaceIdentityCast(op))
        op->erase();
  }

private:
  void setType(Value value) {
    if (isReal(value) && !doubles.contains(value))
      value.setType(typeOf(value).clone(single));
  }

  void setResultTypes(Operation *op) {
    if (isFlexible(op))
      return;
    for (Value result : op->getResults())
      setType(result);
    for (Block *body : getBodies(op))
      for (Value argument : body->getArguments())
        setType(argument);
  }

  /// The real element type that `op` needs its operands in.
  Type elementFor(OpOperand &use) {
    Operation *op = use.getOwner();
    if (auto write = dyn_cast<WriteOp>(op))
      return cast<RankedTensorType>(symbols.lookup<TensorOp>(write.getTensor()).getType()).getElementType();
    if (auto rows = dyn_cast<RowsOp>(op))
      return getElementTypeOrSelf(rows.getBody()->getArgument(use.getOperandNumber()));
    if (auto choice = dyn_cast<IfOp>(op)) // the condition is no real
      return getElementTypeOrSelf(choice.getYes().getArgument(use.getOperandNumber() - 1));
    if (isa<YieldOp, IfYieldOp>(op))
      return getElementTypeOrSelf(op->getParentOp()->getResult(use.getOperandNumber()));
    if (op->getNumResults() > 0 && !isa<CastOpInterface>(op))
      if (Type element = getElementTypeOrSelf(op->getResult(0)); isa<Float32Type, Float64Type>(element))
        return element;
    if (isa<arith::CmpFOp>(op))
      return llvm::any_of(op->getOperands(), [](Value v) { return getElementTypeOrSelf(v).isF32(); }) ||
                     llvm::none_of(op->getOperands(), [&](Value v) { return doubles.contains(v); })
                 ? Type(single)
                 : Type(Float64Type::get(op->getContext()));
    return getElementTypeOrSelf(use.get());
  }

  void setOperands(Operation *op) {
    if (isFlexible(op))
      return;
    for (OpOperand &use : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(use.get().getType());
      if (!type || !isa<Float32Type, Float64Type>(type.getElementType()))
        continue;
      if (Type element = elementFor(use); element != type.getElementType())
        use.set(converted(use.get(), element));
    }
    if (auto pad = dyn_cast<tensor::PadOp>(op))
      setPadding(pad);
    if (isa<linalg::LinalgOp>(op) && !isReal(op->getResult(0)))
      setBody(op->getRegion(0).front());
  }

  /// The body of a structured op on f32.
  void setBody(Block &body) {
    for (Value argument : body.getArguments())
      if (argument.getType().isF64())
        argument.setType(single);
    for (Operation &op : body)
      for (Value result : op.getResults())
        if (result.getType().isF64())
          result.setType(single);
  }

  void setPadding(tensor::PadOp pad) {
    Value padding = pad.getConstantPaddingValue();
    if (!padding || padding.getType() == pad.getType().getElementType())
      return;
    OpBuilder builder(pad.getRegion().front().getTerminator());
    pad.getRegion().front().getTerminator()->setOperand(0, scalarConstant(builder, padding));
  }

  /// The f32 scalar of an f64 constant.
  Value scalarConstant(OpBuilder &builder, Value constant) {
    auto attr = cast<FloatAttr>(constant.getDefiningOp<arith::ConstantOp>().getValue());
    return arith::ConstantOp::create(builder, constant.getLoc(), FloatAttr::get(single, attr.getValueAsDouble()));
  }

  /// `value` with other elements: a constant or init made anew, else rounded or extended. Made once, after the value.
  Value converted(Value value, Type element) {
    Value &result = conversions[{value, element}];
    if (result)
      return result;
    OpBuilder builder(value.getContext());
    builder.setInsertionPointAfterValue(value);
    Operation *op = value.getDefiningOp();
    RankedTensorType type = typeOf(value).clone(element);
    if (isa_and_present<tensor::EmptyOp>(op))
      return result = tensor::EmptyOp::create(builder, value.getLoc(), type.getShape(), element);
    if (auto constant = dyn_cast_if_present<arith::ConstantOp>(op))
      return result = arith::ConstantOp::create(builder, value.getLoc(), convertedAttr(constant));
    if (auto fill = dyn_cast_if_present<linalg::FillOp>(op)) {
      Value number = scalarConstant(builder, fill.getInputs()[0]);
      Value init = converted(fill.getOutputs()[0], element);
      Value made = linalg::FillOp::create(builder, value.getLoc(), number, init).getResult(0);
      return conversions[{value, element}] = made;
    }
    return result = convert(builder, value.getLoc(), value, element);
  }

  DenseElementsAttr convertedAttr(arith::ConstantOp constant) {
    return cast<DenseFPElementsAttr>(constant.getValue()).mapValues(single, [&](APFloat number) {
      bool losesInfo;
      number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
      return number.bitcastToAPInt();
    });
  }

  /// Replaces truncf and extf that convert to the same type now.
  bool replaceIdentityCast(Operation *op) {
    if (!isa<arith::TruncFOp, arith::ExtFOp>(op) || op->getOperand(0).getType() != op->getResult(0).getType())
      return false;
    op->getResult(0).replaceAllUsesWith(op->getOperand(0));
    return true;
  }

  func::FuncOp program;
  const SymbolTable &symbols;
  DoubleValues doubles;
  Type single;
  DenseMap<std::pair<Value, Type>, Value> conversions;
};

struct SetPrecisionPass : impl::SetPrecisionBase<SetPrecisionPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    // Programs are analysed while tensors have their old types, and converted when they have the new ones.
    std::map<Operation *, std::unique_ptr<Converter>> converters;
    for (auto program : module.getOps<func::FuncOp>())
      converters[program]; // an entry for each, which are filled side by side
    forEachProgram(module, [&](func::FuncOp program) {
      splitScalarSums(program);
      converters.at(program) = std::make_unique<Converter>(program, symbols);
    });
    for (TensorOp tensor : module.getOps<TensorOp>())
      if (auto type = cast<RankedTensorType>(tensor.getType()); type.getElementType().isF64() && !staysDouble(tensor))
        tensor.setType(type.clone(Float32Type::get(&getContext())));
    forEachProgram(module, [&](func::FuncOp program) { converters.at(program)->run(); });
  }
};
} // namespace
} // namespace ftc::tune
