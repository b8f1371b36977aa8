//===- Order.cpp - an order in which steps can be done ---------------------===//
//
// `train` and `restore` change an adapted model's tensors in place. So what reads the model as it was (an evaluation of
// the untrained adapter, a save of it) is done before, wherever the recipe says it; otherwise the recipe's order stays.
//
//===----------------------------------------------------------------------===//

#include "Order.h"

#include "llvm/ADT/STLExtras.h"

#include <set>
#include <vector>

using namespace ftc;

namespace {
/// A step, the names of all that it depends on, and those of the `adapt` steps whose tensors it changes.
struct Node {
  tune::StepOp op;
  llvm::StringRef name;
  std::set<llvm::StringRef> needs, changes;
};
} // namespace

/// A tensor's symbol begins with the name of the step that has declared it.
static std::set<llvm::StringRef> changedBy(mlir::DictionaryAttr fields) {
  std::set<llvm::StringRef> owners;
  llvm::StringRef kind = fields.getAs<mlir::StringAttr>("kind").getValue();
  for (llvm::StringRef list : {"trained", "kept", "tensors"})
    if (mlir::Attribute changed = fields.get(list); changed && (kind == "train" || kind == "restore"))
      changed.walk([&](mlir::FlatSymbolRefAttr symbol) { owners.insert(symbol.getValue().split('.').first); });
  return owners;
}

static std::vector<Node> collect(mlir::ModuleOp module) {
  std::vector<Node> nodes;
  for (tune::StepOp op : module.getOps<tune::StepOp>()) {
    mlir::DictionaryAttr fields = op.getFields();
    Node node{op, op.getSymName(), {}, changedBy(fields)};
    for (mlir::Attribute use : fields.getAs<mlir::ArrayAttr>("uses"))
      node.needs.insert(llvm::cast<mlir::StringAttr>(use).getValue());
    for (const Node &earlier : nodes)
      if (node.needs.count(earlier.name))
        node.needs.insert(earlier.needs.begin(), earlier.needs.end());
    nodes.push_back(std::move(node));
  }
  return nodes;
}

/// Whether `node` changes tensors that `other` reads as they were before.
static bool disturbs(const Node &node, const Node &other) {
  if (node.name == other.name || other.needs.count(node.name))
    return false;
  return llvm::any_of(node.changes, [&](llvm::StringRef adapt) { return other.needs.count(adapt) != 0; });
}

void recipe_to_tune::orderSteps(mlir::ModuleOp module) {
  std::vector<Node> nodes = collect(module);
  std::vector<const Node *> waiting;
  for (const Node &node : nodes)
    waiting.push_back(&node);
  auto isReady = [&](const Node *node, bool undisturbing) {
    return llvm::none_of(waiting, [&](const Node *other) {
      return node->needs.count(other->name) || (undisturbing && disturbs(*node, *other));
    });
  };
  while (!waiting.empty()) {
    auto next = llvm::find_if(waiting, [&](const Node *node) { return isReady(node, true); });
    // Two `restore`s of one model disturb each other's readers. Each writes every tensor, so either may begin.
    if (next == waiting.end())
      next = llvm::find_if(waiting, [&](const Node *node) { return isReady(node, false); });
    tune::StepOp op = (*next)->op;
    op->moveBefore(module.getBody(), module.getBody()->end());
    waiting.erase(next);
  }
}
