//===- Dependence.cpp -----------------------------------------------------===//

#include "dialects/Tune/Analysis/Dependence.h"

#include "dialects/Tune/IR/Tune.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace ftc::tune;

static Sizes shapeOfValue(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? Sizes(type.getShape()) : Sizes();
}

void Dependence::addSource(Value value, llvm::function_ref<int64_t(int64_t, int64_t)> sequenceOf) {
  Sizes shape = shapeOfValue(value), extents(shape.size(), 1);
  extents[0] = shape[0];
  extents[1] = shape[1];
  Origins origins(shape, extents);
  forEachIndex(extents, [&](ArrayRef<int64_t> index) {
    origins.at(index) = Origin::at(int32_t(sequenceOf(index[0], index[1])), int32_t(index[1]));
  });
  sources.insert(value);
  assume(value, std::move(origins));
}

const Origins &Dependence::of(Value value) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  // Without recursion: programs are deep.
  SmallVector<Value> open = {value};
  while (!open.empty()) {
    Value next = open.back();
    Operation *op = next.getDefiningOp();
    size_t before = open.size();
    if (op && !known.contains(next))
      for (Value operand : op->getOperands())
        if (!known.contains(operand))
          open.push_back(operand);
    if (open.size() != before)
      continue;
    open.pop_back();
    if (known.contains(next))
      continue;
    if (op)
      compute(op);
    else
      known[next] = Origins(shapeOfValue(next));
  }
  return known.find(value)->second;
}

void Dependence::compute(Operation *op) {
  auto originsOf = [&](Value value) -> const Origins & { return known.find(value)->second; };
  SmallVector<Origins> results = applyRule(op, originsOf);
  bool hasRule = !results.empty();
  Origin all = Origin();
  if (!hasRule)
    for (Value operand : op->getOperands())
      all.join(originsOf(operand).joined());
  for (auto [number, result] : llvm::enumerate(op->getResults())) {
    if (!known.contains(result))
      known[result] = hasRule ? results[number] : Origins(shapeOfValue(result), all);
    if (!hasRule && !all.isFree())
      opaque.insert(result);
  }
  // What is asked for again stays, so that nothing is found a third time.
  if (computed.insert(op).second)
    for (Value operand : op->getOperands())
      forget(operand);
}

/// Drops the origins of a value of which there are many, if all its users have seen them; `of` finds them again.
void Dependence::forget(Value value) {
  constexpr size_t many = 1 << 14;
  auto found = known.find(value);
  if (found == known.end() || given.contains(value) || !value.getDefiningOp() || found->second.all().size() < many)
    return;
  if (llvm::all_of(value.getUsers(), [&](Operation *user) { return computed.contains(user); }))
    known.erase(found);
}

Value Dependence::mostTelling(Value value, llvm::function_ref<double(const Origins &)> sight) {
  Operation *op = sources.contains(value) ? nullptr : value.getDefiningOp();
  if (!op)
    return {};
  Value best;
  double most = -1;
  for (Value operand : op->getOperands()) {
    const Origins &origins = of(operand);
    if (origins.isFree())
      continue;
    if (double seen = sight(origins); seen > most) {
      most = seen;
      best = operand;
    }
  }
  return best;
}
