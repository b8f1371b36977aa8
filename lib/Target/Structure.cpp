#include "Structure.h"

#include "ftc/Target/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace ftc::target {

int64_t getBytes(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    return shaped.getNumElements() * getBytes(shaped.getElementType());
  return (type.getIntOrFloatBitWidth() + 7) / 8;
}

/// Displacement of a slice whose bytes are contiguous in its source; none for other slices.
static std::optional<int64_t> getContiguousSlice(tensor::ExtractSliceOp slice) {
  RankedTensorType source = slice.getSourceType();
  if (!slice.hasUnitStride() || llvm::any_of(slice.getStaticOffsets(), ShapedType::isDynamic))
    return std::nullopt;
  int64_t displacement = 0, stride = getBytes(source.getElementType());
  bool partial = false;
  for (int64_t dim = source.getRank() - 1; dim >= 0; --dim) {
    int64_t size = slice.getStaticSizes()[dim], whole = source.getDimSize(dim);
    if (partial && size != 1)
      return std::nullopt;
    partial |= size != whole;
    displacement += slice.getStaticOffsets()[dim] * stride;
    stride *= whole;
  }
  return displacement;
}

/// The operand that `op` is a view of, and where in it; a null root if `op` is none.
static ViewOf getView(Operation *op) {
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tune::StopGradientOp>(op))
    return {op->getOperand(0), 0};
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    if (std::optional<int64_t> displacement = getContiguousSlice(slice))
      return {slice.getSource(), *displacement};
  return {};
}

TypedAttr getSplat(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (ViewOf view = getView(op); view.root)
    return getSplat(view.root);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
    return splat ? cast<TypedAttr>(splat.getSplatValue<Attribute>()) : TypedAttr();
  }
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    auto scalar = fill.getInputs().front().getDefiningOp<arith::ConstantOp>();
    return scalar ? scalar.getValue() : TypedAttr();
  }
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op))
    return getSplat(broadcast.getInput());
  if (isa<tensor::EmptyOp>(op))
    return OpBuilder(op).getZeroAttr(cast<ShapedType>(value.getType()).getElementType());
  return {};
}

Role getRole(Operation *op) {
  return llvm::TypeSwitch<Operation *, Role>(op)
      .Case<tune::ReadOp>([](auto) { return Role::Read; })
      .Case<tune::WriteOp>([](auto) { return Role::Write; })
      .Case<tune::RowsOp>([](auto) { return Role::Loop; })
      .Case<tune::IfOp>([](auto) { return Role::Choice; })
      .Case<func::ReturnOp, tune::YieldOp, tune::IfYieldOp>([](auto) { return Role::Terminator; })
      .Case([](arith::ConstantOp op) { return isa<ShapedType>(op.getType()) ? Role::Constant : Role::Scalar; })
      .Case<tensor::EmptyOp>([](auto) { return Role::Constant; })
      .Case<linalg::FillOp, linalg::BroadcastOp>(
          [](auto op) { return getSplat(op->getResult(0)) ? Role::Constant : Role::Call; })
      .Default([](Operation *op) { return getView(op).root ? Role::View : Role::Call; });
}

SmallVector<func::FuncOp> getPrograms(ModuleOp module) {
  return llvm::filter_to_vector(module.getOps<func::FuncOp>(), [](func::FuncOp function) {
    return function->hasAttr(tune::TuneDialect::kProgramAttrName);
  });
}

static void forEachOp(Block &block, function_ref<void(Operation *)> visit) {
  for (Operation &op : block) {
    visit(&op);
    for (Block *body : tune::getBodies(&op))
      forEachOp(*body, visit);
  }
}

void forEachOp(func::FuncOp program, function_ref<void(Operation *)> visit) {
  forEachOp(program.getBody().front(), visit);
}

void forEachCall(func::FuncOp program, function_ref<void(Operation *)> visit) {
  forEachOp(program, [&](Operation *op) {
    if (getRole(op) == Role::Call)
      visit(op);
  });
}

ViewOf seeThroughViews(Value value) {
  ViewOf result{value, 0};
  while (Operation *op = result.root.getDefiningOp()) {
    ViewOf view = getView(op);
    if (!view.root)
      break;
    result = {view.root, result.displacement + view.displacement};
  }
  return result;
}

bool isFolded(OpOperand &use, const KernelRegistry &registry) {
  Operation *user = use.getOwner();
  if (getRole(user) != Role::Call || !getSplat(use.get()))
    return false;
  const KernelGenerator *generator = registry.lookup(user);
  return generator && generator->foldsSplat(use);
}

OpResult getSumInPlace(Operation *call, const KernelRegistry &registry) {
  auto rows = dyn_cast<tune::RowsOp>(call->getParentOp());
  const KernelGenerator *generator = rows && call->getNumResults() == 1 ? registry.lookup(call) : nullptr;
  if (!generator || !generator->mayAccumulate(call))
    return {};
  Value value = call->getResult(0);
  while (value.hasOneUse() && getRole(*value.user_begin()) == Role::View)
    value = value.user_begin()->getResult(0);
  if (!value.hasOneUse() || getBytes(value.getType()) != getBytes(call->getResult(0).getType()))
    return {};
  for (auto [summed, result] : llvm::zip(rows.getYield().getSummed(), rows.getSummedResults()))
    if (summed == value)
      return cast<OpResult>(result);
  return {};
}

bool needsBuffer(Operation *constant, const KernelRegistry &registry) {
  return llvm::any_of(constant->getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    switch (getRole(user)) {
    case Role::View:
      return needsBuffer(user, registry);
    case Role::Constant: // the init of a fill, a splat that is broadcast
      return false;
    default:
      return !isFolded(use, registry);
    }
  });
}

Value getBoundOperand(BlockArgument argument) {
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto choice = dyn_cast<tune::IfOp>(parent))
    return choice.getInputs()[argument.getArgNumber()];
  return cast<tune::RowsOp>(parent)->getOperand(argument.getArgNumber());
}

int64_t getTensorOffset(tune::TensorOp tensor) { return tensor->getAttrOfType<IntegerAttr>(kOffsetAttr).getInt(); }

/// Where a result of an op that is no view lies.
static Location getResultLocation(OpResult result) {
  Operation *op = result.getOwner();
  Location location;
  location.offset = op->getAttrOfType<DenseI64ArrayAttr>(kOffsetsAttr)[result.getResultNumber()];
  if (auto strides = op->getAttrOfType<DenseI64ArrayAttr>(kStridesAttr))
    location.stride = strides[result.getResultNumber()];
  return location;
}

Location getLocation(Value value) {
  ViewOf view = seeThroughViews(value);
  Location location;
  if (auto result = dyn_cast<OpResult>(view.root)) {
    location = getResultLocation(result);
  } else {
    auto argument = cast<BlockArgument>(view.root);
    location = getLocation(getBoundOperand(argument));
    auto rows = dyn_cast<tune::RowsOp>(argument.getOwner()->getParentOp());
    if (rows && argument.getArgNumber() < rows.getSliced().size())
      location.stride = getBytes(argument.getType());
  }
  location.offset += view.displacement;
  return location;
}

} // namespace ftc::target
