#include "ftc/Target/KernelBuilder.h"

#include "Kernels.h"
#include "Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace ftc::target {

KernelBuilder::KernelBuilder(Operation *op, int phase, const KernelRegistry &registry, func::FuncOp kernel,
                             KernelInfo &info, std::vector<LibraryPlan> &plans)
    : ImplicitLocOpBuilder(op->getLoc(), op->getContext()), phaseNumber(phase),
      isAddend(bool(getSumInPlace(op, registry))), function(kernel), info(info), plans(plans) {
  setInsertionPointToStart(&kernel.getBody().front());
  auto arguments = kernel.getArguments().drop_back(2);
  auto next = arguments.begin();
  for (OpOperand *operand : getBufferOperands(op, registry))
    buffers.try_emplace(operand->get(), *next++);
  for (Value result : op->getResults())
    buffers[result] = *next++;
  if (registry.lookup(op)->workspaceBytes(op))
    scratch = *next++;
  for (const Immediate &immediate : getImmediates(op))
    immediates[{immediate.op, immediate.name}] = *next++;
}

Value KernelBuilder::buffer(Value operandOrResult) const { return buffers.at(operandOrResult); }

bool KernelBuilder::isFolded(Value operand) const { return !buffers.contains(operand); }

Value KernelBuilder::load(Value operand, ValueRange indices) {
  if (isFolded(operand))
    return arith::ConstantOp::create(*this, getSplat(operand));
  return memref::LoadOp::create(*this, buffer(operand), indices);
}

void KernelBuilder::store(Value element, Value result, ValueRange indices) {
  memref::StoreOp::create(*this, element, buffer(result), indices);
}

Value KernelBuilder::immediate(Operation *owner, StringRef attribute) const {
  return immediates.at({owner, StringAttr::get(getContext(), attribute)});
}

Value KernelBuilder::workspace() const { return scratch; }

Value KernelBuilder::threadMemory(int64_t elements) {
  info.scratch = std::max<int64_t>(info.scratch, elements * int64_t(sizeof(float)));
  auto pointer = MemRefType::get({1}, getF32Type());
  func::FuncOp function = declare("ftc_scratch", getFunctionType({}, pointer));
  Value memory = func::CallOp::create(*this, function, ValueRange()).getResult(0);
  return memref::ReinterpretCastOp::create(*this, MemRefType::get({elements}, getF32Type()), memory,
                                           /*offset=*/int64_t(0), ArrayRef<int64_t>{elements}, ArrayRef<int64_t>{1});
}

Value KernelBuilder::lo() { return function.getArguments().drop_back().back(); }
Value KernelBuilder::hi() { return function.getArguments().back(); }

void KernelBuilder::setItems(int64_t items, int64_t grain) {
  info.items = items;
  info.grain = grain;
}

void KernelBuilder::useRuntimeKernel(StringRef symbol, ArrayRef<int64_t> fixedImmediates, int64_t scratch) {
  info.symbol = symbol;
  info.scratch = scratch;
  info.immediates.assign(fixedImmediates.begin(), fixedImmediates.end());
}

int64_t KernelBuilder::plan(StringRef symbol, ArrayRef<int64_t> arguments) {
  LibraryPlan plan{symbol.str(), SmallVector<int64_t>(arguments)};
  auto found = llvm::find(plans, plan);
  if (found == plans.end())
    found = plans.insert(plans.end(), plan);
  return found - plans.begin();
}

func::FuncOp KernelBuilder::declare(StringRef symbol, FunctionType type) {
  auto module = function->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<func::FuncOp>(symbol))
    return known;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto declaration = func::FuncOp::create(builder, getLoc(), symbol, type);
  declaration.setPrivate();
  return declaration;
}

func::FuncOp KernelBuilder::share(StringRef symbol, ArrayRef<Type> arguments,
                                  llvm::function_ref<void(ValueRange)> emit) {
  auto module = function->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<func::FuncOp>(symbol))
    return known;
  func::FuncOp shared = declare(symbol, getFunctionType(arguments, {}));
  InsertionGuard guard(*this);
  setInsertionPointToStart(shared.addEntryBlock());
  emit(shared.getArguments());
  func::ReturnOp::create(*this);
  return shared;
}

} // namespace ftc::target
