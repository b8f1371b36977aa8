//===- FoldLayers.cpp - tune-fold-layers -----------------------------------===//
//
// Most passes do for a layer what they do for the one before it. Of many layers that do the same a few go down the
// rungs; tune-unfold-layers brings back the others as copies of what has become of one of them:
//
//   layers  0 1 2 3 4 5 6 ... 25 26 27 28 29   =>   0 1 2 3 4 26 27 28 29   and   tune.left_out = [4, 21]
//
// Layers near both ends stay, as they may become others than those in between: no gradient goes on below the first.
// Where only some layers have adapters, the most that are alike behind each other are looked at.
// Programs stay whole where layers differ in more than the tensors that they name and the sites at which they draw by
// chance.
//
// Before: everything else of the rung `backward`. Then: tune-unfold-layers at the rung `fused`.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Layers.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

#include <map>

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_FOLDLAYERS
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

/// Of the layers that read alike, how many stay before those that are left out, of which the last stands for them, and
/// how many behind them.
constexpr int64_t kBefore = 5, kBehind = 4;
/// Fewer are not worth it. None of them is near to layers on both of its sides.
constexpr int64_t kFewest = 4;
static_assert(kFewest >= 2 * LayerPeriods::kReach);

/// An op for each gradient, so that each layer has its own.
void splitGradients(Block &block) {
  for (auto op : llvm::make_early_inc_range(block.getOps<GradientOp>())) {
    OpBuilder builder(op);
    for (auto [gradient, wrt] : llvm::zip_equal(op.getGradients(), op.getWrt())) {
      auto part = GradientOp::create(builder, op.getLoc(), TypeRange(gradient.getType()), op.getLoss(), wrt);
      gradient.replaceAllUsesWith(part.getGradients().front());
    }
    op.erase();
  }
}

/// One op for gradients of a loss that stand behind each other.
void joinGradients(Block &block) {
  SmallVector<GradientOp> parts;
  auto join = [&] {
    if (parts.empty())
      return;
    OpBuilder builder(parts.back());
    SmallVector<Value> wrt;
    SmallVector<Type> types;
    for (GradientOp part : parts) {
      llvm::append_range(wrt, part.getWrt());
      llvm::append_range(types, part.getResultTypes());
    }
    auto joined = GradientOp::create(builder, parts.back().getLoc(), types, parts.front().getLoss(), wrt);
    auto gradient = joined.getGradients().begin();
    for (GradientOp part : parts) {
      for (Value result : part.getGradients())
        result.replaceAllUsesWith(*gradient++);
      part.erase();
    }
    parts.clear();
  };
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto part = dyn_cast<GradientOp>(op);
    if (!part || (!parts.empty() && parts.front().getLoss() != part.getLoss()))
      join();
    if (part)
      parts.push_back(part);
  }
}

/// One program.
class Folding {
public:
  Folding(func::FuncOp program, const SymbolTable &symbols) : program(program), symbols(symbols) {}

  /// The program without most of its layers; null where it has to stay whole.
  OwningOpRef<func::FuncOp> run() {
    leftOut = choose();
    if (leftOut.count < kFewest)
      return {};
    splitGradients(program.front());
    periods = LayerPeriods::find(program, LayerPeriods::Range::around(leftOut.after, leftOut.count));
    OwningOpRef<func::FuncOp> folded;
    if (periods && haveAlikeTensors()) {
      folded = copy();
      joinGradients(folded->front());
    }
    joinGradients(program.front());
    return folded;
  }

private:
  /// What is left out of the most layers behind each other that read tensors of the same names but for their numbers.
  LeftOutLayers choose() {
    std::map<int64_t, size_t> layers; // what each reads, in any order
    for (auto read : program.getOps<ReadOp>())
      if (std::optional<int64_t> layer = getLayer(read.getTensor()))
        layers[*layer] += llvm::hash_value(moveLayer(read.getTensor(), -*layer));
    int64_t first = 0, most = 0;
    for (auto begin = layers.begin(); begin != layers.end();) {
      auto end = begin;
      int64_t count = 0;
      while (end != layers.end() && end->first == begin->first + count && end->second == begin->second) {
        ++end;
        ++count;
      }
      if (count > most) {
        first = begin->first;
        most = count;
      }
      begin = end;
    }
    return {first + kBefore - 1, most - kBefore - kBehind};
  }

  /// What the kind of a tensor is to passes.
  static auto aboutTensor(TensorOp tensor) {
    return std::tuple(tensor.getKind(), tensor.getType(),
                      tensor.getSource() ? tensor.getSource()->get("type") : Attribute());
  }

  /// Whether the tensors of the layers that are left out are of the types of those that stand for them.
  bool haveAlikeTensors() {
    return llvm::all_of(program.front(), [&](Operation &op) {
      if (periods->getNamedLayer(&op) != leftOut.after)
        return true;
      StringRef name = getNamedTensor(&op).getValue();
      auto sample = symbols.lookup<TensorOp>(name);
      return llvm::all_of(llvm::seq<int64_t>(1, leftOut.count + 1), [&](int64_t by) {
        auto tensor = symbols.lookup<TensorOp>(moveLayer(name, by));
        return tensor && aboutTensor(sample) == aboutTensor(tensor);
      });
    });
  }

  /// The layer that is as near as one that is left out, which is on one side of those.
  int64_t findBeside(int64_t layer, bool isBehind) const {
    return isBehind ? layer - leftOut.count : layer + leftOut.count;
  }

  OwningOpRef<func::FuncOp> copy() {
    OwningOpRef<func::FuncOp> folded = cast<func::FuncOp>(program->cloneWithoutRegions());
    OpBuilder builder = OpBuilder::atBlockEnd(&folded->getBody().emplaceBlock());
    IRMapping mapping;
    for (Operation &op : program.front()) {
      std::optional<LayerPlace> place = periods->getPlace(&op);
      if (place && leftOut.contains(place->layer))
        continue;
      bool isBehind = place && place->layer > leftOut.after;
      if (place)
        op.walk([&](Operation *inner) {
          for (Value operand : inner->getOperands())
            mapBeside(operand, isBehind, mapping);
        });
      Operation *made = builder.clone(op, mapping);
      std::optional<int64_t> named = periods->getNamedLayer(&op);
      if (place && named && leftOut.contains(*named))
        setNamedLayer(made, findBeside(*named, isBehind));
    }
    (*folded)->setAttr(TuneDialect::kLeftOutAttrName, builder.getDenseI64ArrayAttr({leftOut.after, leftOut.count}));
    return folded;
  }

  /// What a layer takes from one that is left out it takes from the one that is beside it now.
  void mapBeside(Value operand, bool isBehind, IRMapping &mapping) {
    std::optional<LayerPlace> from = periods->getPlace(operand);
    if (!from || !leftOut.contains(from->layer))
      return;
    from->layer = findBeside(from->layer, isBehind);
    mapping.map(operand, mapping.lookup(periods->getOp(*from)->getResult(cast<OpResult>(operand).getResultNumber())));
  }

  func::FuncOp program;
  const SymbolTable &symbols;
  LeftOutLayers leftOut;
  std::optional<LayerPeriods> periods;
};

struct FoldLayersPass : impl::FoldLayersBase<FoldLayersPass> {
  void runOnOperation() override {
    if (OwningOpRef<ModuleOp> folded = foldLayers(getOperation()))
      getOperation().getBodyRegion().takeBody(folded->getBodyRegion());
  }
};
} // namespace

OwningOpRef<ModuleOp> foldLayers(ModuleOp module, const llvm::StringSet<> &whole) {
  SymbolTable symbols(module);
  std::map<Operation *, OwningOpRef<func::FuncOp>> programs;
  for (auto program : module.getOps<func::FuncOp>())
    programs[program]; // an entry for each, which are filled side by side
  forEachProgram(module, [&](func::FuncOp program) {
    if (program->hasAttr(TuneDialect::kProgramAttrName) && !whole.contains(program.getSymName()))
      programs.at(program) = Folding(program, symbols).run();
  });
  if (llvm::none_of(programs, [](auto &entry) { return bool(entry.second); }))
    return {};
  OwningOpRef<ModuleOp> folded = cast<ModuleOp>(module->cloneWithoutRegions());
  OpBuilder builder = OpBuilder::atBlockEnd(&folded->getBodyRegion().emplaceBlock());
  for (Operation &op : *module.getBody()) {
    auto program = programs.find(&op);
    if (program != programs.end() && program->second)
      builder.insert(program->second.release());
    else
      builder.clone(op);
  }
  return folded;
}
} // namespace ftc::tune
