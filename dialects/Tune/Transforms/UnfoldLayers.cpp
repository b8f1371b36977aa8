//===- UnfoldLayers.cpp - tune-unfold-layers -------------------------------===//
//
// Brings back the layers that tune-fold-layers has left out, as copies of the one that stands for them. Copies take
// from copies what that one takes from the layer beside it, and name the tensors and the sites of chance of their
// layers; ops of the layers that were beside it take what they took from it from the last copy.
//
// The layer must still be like those beside it, which is found out anew, of what passes have made of them: then all
// that was left out would have become that, too. Before: tune-fuse-rows and tune-join-siblings.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Layers.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Threading.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_UNFOLDLAYERS
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

class Unfolding {
public:
  Unfolding(func::FuncOp program, LeftOutLayers leftOut, LayerPeriods periods)
      : program(program), sample(leftOut.after), count(leftOut.count), periods(std::move(periods)) {}

  void run() {
    findTaken();
    for (size_t stretch = 0; stretch < periods.countStretches(); ++stretch)
      copy(stretch);
    copyRegions();
    rewire();
    program->removeAttr(TuneDialect::kLeftOutAttrName);
  }

private:
  /// What the sample layer takes from elsewhere in the range: of its other stretches, and of the layers beside it.
  struct Taken {
    Value value;
    LayerPlace place;
  };

  struct Copy {
    Operation *like, *made;
    int64_t by; ///< layers between them
  };

  void findTaken() {
    taken.resize(periods.countStretches());
    for (size_t stretch = 0; stretch < periods.countStretches(); ++stretch) {
      DenseSet<Value> seen;
      for (size_t index = 0; index < periods.getPeriod(stretch); ++index)
        periods.getOp({stretch, sample, index})->walk([&](Operation *op) {
          for (Value operand : op->getOperands())
            if (auto place = periods.getPlace(operand))
              if ((place->stretch != stretch || place->layer != sample) && seen.insert(operand).second)
                taken[stretch].push_back({operand, *place});
        });
    }
  }

  /// The op at a place whose layer is counted with those that were left out.
  Operation *getOp(LayerPlace place) {
    if (place.layer > sample && place.layer <= sample + count)
      return copies[place.stretch][size_t(place.layer - sample - 1)][place.index];
    if (place.layer > sample)
      place.layer -= count;
    return periods.getOp(place);
  }

  Value getValue(Value like, LayerPlace place) {
    return getOp(place)->getResult(cast<OpResult>(like).getResultNumber());
  }

  void copy(size_t stretch) {
    bool ascends = periods.ascends(stretch);
    size_t period = periods.getPeriod(stretch);
    copies.emplace_back(size_t(count), SmallVector<Operation *>(period));
    OpBuilder builder(program.getContext());
    // Between the layer and the next one, wherever that is.
    ascends ? builder.setInsertionPointAfter(periods.getOp({stretch, sample, period - 1}))
            : builder.setInsertionPoint(periods.getOp({stretch, sample, 0}));
    for (int64_t step = 1; step <= count; ++step) {
      int64_t by = ascends ? step : count + 1 - step;
      IRMapping mapping;
      for (auto [value, place] : taken[stretch])
        mapping.map(value, getValue(value, {place.stretch, place.layer + by, place.index}));
      for (size_t index = 0; index < period; ++index) {
        Operation *like = periods.getOp({stretch, sample, index});
        bool isLater = like->hasTrait<OpTrait::IsIsolatedFromAbove>();
        Operation *made = isLater ? builder.cloneWithoutRegions(*like, mapping) : builder.clone(*like, mapping);
        if (std::optional<int64_t> named = periods.getNamedLayer(like))
          setNamedLayer(made, *named + by);
        if (isLater)
          withoutRegions.push_back({like, made, by});
        else
          moveSitesOf(made, by);
        copies[stretch][size_t(by - 1)][index] = made;
      }
    }
  }

  /// Copies what is inside of kernels, which is most of a program, side by side.
  void copyRegions() {
    parallelForEach(program.getContext(), withoutRegions, [&](const Copy &copy) {
      IRMapping mapping;
      for (auto [region, made] : llvm::zip_equal(copy.like->getRegions(), copy.made->getRegions()))
        region.cloneInto(&made, mapping);
      moveSitesOf(copy.made, copy.by);
    });
  }

  void moveSitesOf(Operation *made, int64_t by) {
    if (periods.getSitesPerLayer() != 0)
      moveSites(made, by * periods.getSitesPerLayer());
  }

  /// The layers on one side of the sample take from the copies beside them what they took from those on the other side,
  /// by value or by name.
  void rewire() {
    for (Operation &op : program.front()) {
      std::optional<LayerPlace> user = periods.getPlace(&op);
      if (!user)
        continue; // of a copy, or of no layer
      bool isBehind = user->layer > sample;
      if (std::optional<int64_t> named = periods.getNamedLayer(&op))
        setNamedLayer(&op, *named + (isBehind ? count : 0));
      op.walk([&](Operation *inner) {
        for (OpOperand &use : inner->getOpOperands()) {
          std::optional<LayerPlace> from = periods.getPlace(use.get());
          if (!from || (from->layer > sample) == isBehind)
            continue;
          from->layer += isBehind ? count : 0;
          use.set(getValue(use.get(), *from));
        }
      });
    }
  }

  func::FuncOp program;
  int64_t sample, count;
  LayerPeriods periods;
  std::vector<SmallVector<Taken>> taken;                     ///< of each stretch
  std::vector<std::vector<SmallVector<Operation *>>> copies; ///< of each stretch and layer that was left out
  std::vector<Copy> withoutRegions;                          ///< so far
};

struct UnfoldLayersPass : impl::UnfoldLayersBase<UnfoldLayersPass> {
  void runOnOperation() override {
    forEachProgram(getOperation(), [&](func::FuncOp program) {
      std::optional<LeftOutLayers> leftOut = LeftOutLayers::of(program);
      if (!leftOut)
        return;
      auto range = LayerPeriods::Range::around(leftOut->after, 0);
      if (auto periods = LayerPeriods::find(program, range, *leftOut))
        Unfolding(program, *leftOut, std::move(*periods)).run();
    });
  }
};
} // namespace
} // namespace ftc::tune
