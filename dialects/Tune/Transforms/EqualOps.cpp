//===- EqualOps.cpp - Merges ops that are equal ----------------------------===//

#include "dialects/Tune/Transforms/EqualOps.h"

#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace ftc::tune {

SmallVector<Operation *> ChangedOps::take() {
  llvm::erase_if(inOrder, [&](Operation *op) { return !present.erase(op); });
  return std::exchange(inOrder, {});
}

namespace {
/// What is known of all ops of a name.
struct OpTraits {
  bool pure, commutative, isolated;
  bool elementary; ///< its regions are a way to say what it does, and hold nothing to merge
};

/// A part of what equal ops have in common, by which most that are equal to none of some ops are told at a glance: the
/// name, and an operand.
using Feature = std::pair<const void *, const void *>;

/// An op by all that tells it apart but for its regions.
struct Key {
  Operation *op;
  size_t hash;
};

struct KeyInfo {
  static Key getEmptyKey() { return {DenseMapInfo<Operation *>::getEmptyKey(), 0}; }
  static Key getTombstoneKey() { return {DenseMapInfo<Operation *>::getTombstoneKey(), 0}; }
  static unsigned getHashValue(const Key &key) { return unsigned(key.hash); }
  static bool isEqual(const Key &a, const Key &b) {
    if (a.op == b.op)
      return true;
    return a.hash == b.hash && !isMark(a.op) && !isMark(b.op) &&
           OperationEquivalence::isEquivalentTo(a.op, b.op, OperationEquivalence::IgnoreLocations);
  }

private:
  static bool isMark(Operation *op) { return op == getEmptyKey().op || op == getTombstoneKey().op; }
};

class Merger {
public:
  explicit Merger(Operation *program) : rewriter(program->getContext(), &changed), program(program) {}

  SmallVector<Operation *> mergeAll() {
    mergeIn(*program);
    return changed.take();
  }
  SmallVector<Operation *> merge(ArrayRef<Operation *> candidates);

private:
  using Table = DenseSet<Key, KeyInfo>;

  const OpTraits &traitsOf(Operation *op);
  Feature featureOf(Operation *op);
  size_t hashOf(Operation *op);
  /// Merges what the regions of an op hold.
  void mergeIn(Operation &op);
  void mergeBlock(Block &block, Table &known);
  /// Whether an op is gone now: merged into one that is known, or needed by nothing.
  bool mergeOp(Operation *op, Table &known, SmallVectorImpl<Key> &added);

  void erase(Operation *op) {
    gone.insert(op);
    rewriter.eraseOp(op);
  }

  ChangedOps changed;
  DenseSet<Operation *> gone;
  IRRewriter rewriter;
  Operation *program;
  DenseMap<OperationName, OpTraits> traits;
  const DenseSet<Feature> *wanted = nullptr; ///< set: what has another feature is equal to nothing
};
} // namespace

const OpTraits &Merger::traitsOf(Operation *op) {
  auto [known, isNew] = traits.try_emplace(op->getName());
  if (isNew)
    known->second = {isMemoryEffectFree(op) && !op->hasTrait<OpTrait::IsTerminator>(),
                     op->hasTrait<OpTrait::IsCommutative>(), op->hasTrait<OpTrait::IsIsolatedFromAbove>(),
                     op->getNumRegions() == 0 || op->getName().getDialectNamespace() == "linalg"};
  return known->second;
}

Feature Merger::featureOf(Operation *op) {
  const void *operand = nullptr;
  if (traitsOf(op).commutative) {
    for (Value value : op->getOperands())
      operand = std::max(operand, static_cast<const void *>(value.getAsOpaquePointer()));
  } else if (op->getNumOperands()) {
    operand = op->getOperand(0).getAsOpaquePointer();
  }
  return {op->getName().getAsOpaquePointer(), operand};
}

size_t Merger::hashOf(Operation *op) {
  llvm::hash_code hash = llvm::hash_combine(op->getName(), op->getRawDictionaryAttrs(), op->hashProperties());
  size_t sum = 0; // in any order
  bool commutative = traitsOf(op).commutative;
  for (Value operand : op->getOperands())
    if (commutative)
      sum += hash_value(operand);
    else
      hash = llvm::hash_combine(hash, operand);
  for (Type type : op->getResultTypes())
    hash = llvm::hash_combine(hash, type);
  return llvm::hash_combine(hash, sum);
}

bool Merger::mergeOp(Operation *op, Table &known, SmallVectorImpl<Key> &added) {
  if (!traitsOf(op).pure || (wanted && !wanted->contains(featureOf(op))))
    return false;
  if (op->use_empty()) {
    erase(op);
    return true;
  }
  Key key{op, hashOf(op)};
  auto [found, isNew] = known.insert(key);
  if (isNew) {
    added.push_back(key);
    return false;
  }
  Operation *first = found->op;
  if (isa<UnknownLoc>(first->getLoc()))
    first->setLoc(op->getLoc());
  rewriter.replaceAllUsesWith(op->getResults(), first->getResults());
  erase(op);
  return true;
}

void Merger::mergeBlock(Block &block, Table &known) {
  SmallVector<Key> added;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (mergeOp(&op, known, added) || traitsOf(&op).elementary)
      continue;
    if (traitsOf(&op).isolated)
      mergeIn(op);
    else
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          mergeBlock(inner, known);
  }
  for (const Key &key : added)
    known.erase(key);
}

void Merger::mergeIn(Operation &op) {
  for (Region &region : op.getRegions())
    for (Block &block : region) {
      Table known;
      mergeBlock(block, known);
    }
}

SmallVector<Operation *> Merger::merge(ArrayRef<Operation *> candidates) {
  llvm::SetVector<Operation *> all;
  SmallVector<Operation *> next(candidates);
  while (!next.empty()) {
    DenseSet<Feature> features;
    for (Operation *op : next)
      features.insert(featureOf(op));
    wanted = &features;
    mergeIn(*program);
    wanted = nullptr;
    all.remove_if([&](Operation *op) { return gone.contains(op); });
    next = changed.take(); // what read the ops that are gone may be equal to others now
    all.insert_range(next);
  }
  return all.takeVector();
}

SmallVector<Operation *> mergeEqualOps(Operation *program) { return Merger(program).mergeAll(); }

SmallVector<Operation *> mergeEqualOps(Operation *program, ArrayRef<Operation *> changed) {
  return Merger(program).merge(changed);
}

} // namespace ftc::tune
