#include "Kernels.h"

#include "Structure.h"
#include "mlir/IR/Threading.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace ftc::target {

SmallVector<OpOperand *> getBufferOperands(Operation *op, const KernelRegistry &registry) {
  SmallVector<OpOperand *> operands;
  for (OpOperand &operand : op->getOpOperands())
    if (isa<ShapedType>(operand.get().getType()) && !isFolded(operand, registry))
      operands.push_back(&operand);
  return operands;
}

SmallVector<Immediate> getImmediates(Operation *op) {
  SmallVector<Immediate> immediates;
  op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
    if (isa<tune::RandomOp, tune::DropOp>(inner)) {
      auto name = StringAttr::get(op->getContext(), "site");
      immediates.push_back({inner, name, inner->getAttrOfType<IntegerAttr>(name).getInt()});
    }
  });
  return immediates;
}

int countPhases(Operation *op, const KernelRegistry &registry) {
  const KernelGenerator *generator = registry.lookup(op);
  return generator ? generator->phases(op) : 1;
}

//===----------------------------------------------------------------------===//
// Structure as a key
//===----------------------------------------------------------------------===//

namespace {
/// Writes what two ops must share to be done by one kernel: names, attributes that are no immediates, types, folded
/// constants, regions, and which operands are the same value. Uniqued objects stand for themselves by their address.
class StructureKey {
public:
  StructureKey(Operation *call, int phase, const KernelRegistry &registry) : call(call), registry(registry) {
    add(size_t(phase));
    add(size_t(bool(getSumInPlace(call, registry))));
    addOp(call);
  }
  StringRef get() const { return {reinterpret_cast<const char *>(words.data()), words.size() * sizeof(uintptr_t)}; }

private:
  void add(const void *pointer) { words.push_back(reinterpret_cast<uintptr_t>(pointer)); }
  void add(size_t number) { words.push_back(number); }

  void addValue(Value value) {
    auto [place, isNew] = numbers.try_emplace(value, numbers.size());
    add(place->second);
    if (isNew)
      add(value.getType().getAsOpaquePointer());
  }

  void addOperand(OpOperand &operand) {
    TypedAttr splat = operand.getOwner() == call ? getSplat(operand.get()) : TypedAttr();
    if (splat && isFolded(operand, registry)) {
      add(splat.getAsOpaquePointer());
      add(operand.get().getType().getAsOpaquePointer());
      return;
    }
    // A constant that is no tensor belongs to the op; anything else is known by its number alone.
    if (operand.getOwner() == call && !isa<ShapedType>(operand.get().getType()))
      if (auto constant = operand.get().getDefiningOp(); constant && getRole(constant) == Role::Scalar)
        add(constant->getAttrDictionary().getAsOpaquePointer());
    addValue(operand.get());
  }

  void addOp(Operation *op) {
    add(op->getName().getAsOpaquePointer());
    bool hasSite = isa<tune::RandomOp, tune::DropOp>(op);
    auto addAttribute = [&](NamedAttribute attribute) {
      StringRef name = attribute.getName();
      if (name == kOffsetsAttr || name == kStridesAttr || name == kWorkspaceAttr || (hasSite && name == "site"))
        return;
      add(attribute.getName().getAsOpaquePointer());
      add(attribute.getValue().getAsOpaquePointer());
    };
    // One by one: a dictionary of them would be made for each op.
    NamedAttrList inherent;
    op->getName().populateInherentAttrs(op, inherent);
    llvm::for_each(inherent, addAttribute);
    llvm::for_each(op->getDiscardableAttrs(), addAttribute);
    add(op->getNumOperands());
    for (OpOperand &operand : op->getOpOperands())
      addOperand(operand);
    for (Value result : op->getResults())
      addValue(result);
    for (Region &region : op->getRegions())
      for (Block &block : region) {
        add(block.getNumArguments());
        for (Value argument : block.getArguments())
          addValue(argument);
        for (Operation &inner : block)
          addOp(&inner);
      }
  }

  Operation *call;
  const KernelRegistry &registry;
  std::vector<uintptr_t> words;
  DenseMap<Value, size_t> numbers;
};
} // namespace

//===----------------------------------------------------------------------===//
// KernelSet
//===----------------------------------------------------------------------===//

KernelSet::KernelSet(MLIRContext *context, const KernelRegistry &registry)
    : registry(registry), module(ModuleOp::create(UnknownLoc::get(context))) {}

FailureOr<const KernelInfo *> KernelSet::get(Operation *call, int phase) {
  if (const KernelInfo *known = ofCalls.lookup({call, phase}))
    return known;
  return find(call, phase, StructureKey(call, phase, registry).get());
}

LogicalResult KernelSet::add(ArrayRef<Operation *> calls) {
  struct Part {
    llvm::StringMap<size_t> numbers;
    SmallVector<StringRef> structures; // in the order of their first calls
    SmallVector<std::tuple<Operation *, int, size_t>> phases;
  };
  constexpr size_t callsOfPart = 256;
  std::vector<Part> parts(llvm::divideCeil(calls.size(), callsOfPart));
  parallelFor(module->getContext(), 0, parts.size(), [&](size_t index) {
    Part &part = parts[index];
    for (Operation *call : calls.drop_front(index * callsOfPart).take_front(callsOfPart))
      for (int phase = 0, phases = countPhases(call, registry); phase < phases; ++phase) {
        StructureKey key(call, phase, registry);
        auto [structure, isNew] = part.numbers.try_emplace(key.get(), part.structures.size());
        if (isNew)
          part.structures.push_back(structure->getKey());
        part.phases.emplace_back(call, phase, structure->second);
      }
  });
  for (const Part &part : parts) {
    std::vector<const KernelInfo *> kernels(part.structures.size());
    for (auto [call, phase, structure] : part.phases) {
      const KernelInfo *&kernel = kernels[structure];
      if (kernel)
        ofCalls[{call, phase}] = kernel;
      else if (FailureOr<const KernelInfo *> found = find(call, phase, part.structures[structure]); succeeded(found))
        kernel = *found;
      else
        return failure();
    }
  }
  return success();
}

FailureOr<const KernelInfo *> KernelSet::find(Operation *call, int phase, StringRef structure) {
  const KernelInfo *&info = known[structure];
  if (!info) {
    FailureOr<const KernelInfo *> made = generate(call, phase);
    if (failed(made))
      return failure();
    info = *made;
  }
  ofCalls[{call, phase}] = info;
  return info;
}

FailureOr<const KernelInfo *> KernelSet::generate(Operation *call, int phase) {
  const KernelGenerator *generator = registry.lookup(call);
  if (!generator)
    return call->emitOpError("has no kernel on this target");
  if (failed(verify(call)))
    return failure();
  auto getMemRef = [](Value value) -> Type {
    auto tensor = cast<RankedTensorType>(value.getType());
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  };
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  SmallVector<Type> arguments;
  for (OpOperand *operand : getBufferOperands(call, registry))
    arguments.push_back(getMemRef(operand->get()));
  for (Value result : call->getResults())
    arguments.push_back(getMemRef(result));
  if (int64_t bytes = generator->workspaceBytes(call))
    arguments.push_back(MemRefType::get({bytes}, builder.getI8Type()));
  arguments.append(getImmediates(call).size(), builder.getI64Type());
  arguments.append(2, builder.getIndexType());

  KernelInfo &info = infos.emplace_back();
  info.symbol = (call->getName().getStringRef() + "." + Twine(infos.size() - 1)).str();
  std::replace(info.symbol.begin(), info.symbol.end(), '.', '_');
  auto function =
      func::FuncOp::create(builder, call->getLoc(), info.symbol, builder.getFunctionType(arguments, TypeRange()));
  function.addEntryBlock();
  KernelBuilder kernelBuilder(call, phase, registry, function, info, plans);
  if (failed(generator->generate(call, kernelBuilder)))
    return failure();
  if (info.scratch > generator->scratchBytes(call))
    return call->emitOpError("takes more of a thread's memory than is planned");
  if (info.symbol != function.getSymName()) // the runtime's
    function.erase();
  else
    func::ReturnOp::create(kernelBuilder);
  return &info;
}

int64_t KernelSet::getScratch() const {
  int64_t most = 0;
  for (const KernelInfo &info : infos)
    most = std::max(most, info.scratch);
  return most;
}

} // namespace ftc::target
