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

/// Origins of so many entries are large.
static constexpr size_t many = 1 << 14;

Dependence::Numbered Dependence::numbered(Origins origins) {
  constexpr size_t most = size_t(1) << 23; // 256 MB
  size_t large = origins.all().size() < many ? 0 : origins.all().size();
  if (large && kept + large > most)
    return {std::move(origins), std::nullopt};
  size_t hash = origins.hash();
  auto [begin, end] = distinctBy.equal_range(hash);
  for (auto at = begin; at != end; ++at)
    if (distinct[at->second].sameAs(origins))
      return {distinct[at->second], at->second};
  distinctBy.emplace(hash, unsigned(distinct.size()));
  kept += large;
  distinct.push_back(std::move(origins));
  return {distinct.back(), unsigned(distinct.size() - 1)};
}

const Origins &Dependence::of(Value value) {
  if (auto found = known.find(value); found != known.end())
    return found->second.origins;
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
      known[next] = numbered(Origins(shapeOfValue(next)));
  }
  return known.find(value)->second.origins;
}

/// Whether two ops do the same with their operands.
static bool areAlike(Operation *a, Operation *b) {
  auto sameRegion = [](Region &x, Region &y) {
    return OperationEquivalence::isRegionEquivalentTo(&x, &y, OperationEquivalence::IgnoreLocations);
  };
  return a->getName() == b->getName() && a->getDiscardableAttrDictionary() == b->getDiscardableAttrDictionary() &&
         a->getName().compareOpProperties(a->getPropertiesStorage(), b->getPropertiesStorage()) &&
         llvm::equal(a->getOperandTypes(), b->getOperandTypes()) &&
         llvm::equal(a->getResultTypes(), b->getResultTypes()) && a->getNumRegions() == b->getNumRegions() &&
         llvm::all_of_zip(a->getRegions(), b->getRegions(), sameRegion);
}

/// By the op's rule; nothing where it has none.
SmallVector<Dependence::Numbered> Dependence::resultsOf(Operation *op) {
  SmallVector<unsigned> operands;
  for (Value operand : op->getOperands())
    if (std::optional<unsigned> number = known.find(operand)->second.number)
      operands.push_back(*number);
  bool isComparable = operands.size() == op->getNumOperands();
  size_t hash = llvm::hash_combine(op->getName(), op->hashProperties(), llvm::hash_combine_range(operands));
  if (isComparable) {
    auto [begin, end] = found.equal_range(hash);
    for (auto at = begin; at != end; ++at)
      if (at->second.operands == operands && areAlike(at->second.op, op))
        return at->second.results;
  }
  SmallVector<Numbered> results;
  for (Origins &origins :
       applyRule(op, [&](Value value) -> const Origins & { return known.find(value)->second.origins; }))
    results.push_back(numbered(std::move(origins)));
  auto isNumbered = [](const Numbered &result) { return result.number.has_value(); };
  if (isComparable && llvm::all_of(results, isNumbered))
    found.emplace(hash, Found{op, std::move(operands), results});
  return results;
}

void Dependence::compute(Operation *op) {
  SmallVector<Numbered> results = resultsOf(op);
  bool hasRule = !results.empty();
  Origin all = Origin();
  if (!hasRule)
    for (Value operand : op->getOperands())
      all.join(known.find(operand)->second.origins.joined());
  for (auto [number, result] : llvm::enumerate(op->getResults())) {
    if (!known.contains(result))
      known[result] = hasRule ? results[number] : numbered(Origins(shapeOfValue(result), all));
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
  auto found = known.find(value);
  if (found == known.end() || given.contains(value) || !value.getDefiningOp() ||
      found->second.origins.all().size() < many)
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
