//===- Layers.h - where a program does the same for each layer -----*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_LAYERS_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_LAYERS_H

#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Utils/LayerNames.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

#include <optional>
#include <vector>

namespace ftc::tune {

/// The tensor that an op reads or writes; null if it is no read or write.
mlir::FlatSymbolRefAttr getNamedTensor(mlir::Operation *op);

/// Gives a read or write the tensor of another layer.
void setNamedLayer(mlir::Operation *op, int64_t layer);

/// Layers that a program leaves out, those behind the layer `after`, which does what they do.
struct LeftOutLayers {
  int64_t after = 0, count = 0;

  /// What the attribute of a program says, if there is one.
  static std::optional<LeftOutLayers> of(mlir::func::FuncOp program);
  bool contains(int64_t layer) const { return layer > after && layer <= after + count; }
};

/// Adds to the numbers by which an op, and ops in it, draw by chance.
void moveSites(mlir::Operation *op, int64_t by);

/// Tensors that ops name, those of layers that are left out by what stands for them.
class NamedTensors {
public:
  void add(mlir::StringAttr name) { names.insert(name); }
  /// Those of a program's reads and writes for which `counts`.
  void addAll(mlir::func::FuncOp program, llvm::function_ref<bool(mlir::Operation *)> counts);
  bool contains(TensorOp tensor) const;

private:
  /// What a program names of the layer that stands for others.
  struct Folded {
    LeftOutLayers leftOut;
    llvm::StringSet<> sample;
  };

  llvm::DenseSet<mlir::StringAttr> names;
  std::vector<Folded> folded;
};

/// Where an op of a program stands: in a stretch of ops that repeats for each layer, and there in the period of a
/// layer. Layers are counted without those that are left out.
struct LayerPlace {
  size_t stretch;
  int64_t layer;
  size_t index;
};

/// The stretches of a program's ops that do for the layers `first` to `last`, one after the other, what they do for the
/// layer in between that stands for others: ops that are equal but for names of tensors and sites of chance, which grow
/// evenly, on values that are the same for all layers, or at the same place of their own layer or of one that is near.
/// In each stretch a layer begins with the first op that names it, or a tensor of it that it reads, so that what is of
/// a layer may be with the one before it.
class LayerPeriods {
public:
  /// How far from each other layers may be that take values from each other.
  static constexpr int64_t kReach = 2;

  struct Range {
    int64_t first, sample, last; ///< counted without layers that are left out

    /// The least range for some layers after the sample that stand for it.
    static Range around(int64_t sample, int64_t count) { return {sample - kReach, sample, sample + count + kReach}; }
    bool contains(int64_t layer) const { return layer >= first && layer <= last; }
  };

  /// Nothing unless all of the program's ops that name the sample layer are in such stretches, and ops of other layers
  /// need of the range only what is on their side of the sample, others nothing of the layers between its ends.
  static std::optional<LayerPeriods> find(mlir::func::FuncOp program, Range range, LeftOutLayers leftOut = {});

  size_t countStretches() const { return stretches.size(); }
  /// Ops of a layer in a stretch.
  size_t getPeriod(size_t stretch) const { return size_t(stretches[stretch].period); }
  /// Whether layers follow each other in a stretch, or precede each other.
  bool ascends(size_t stretch) const { return stretches[stretch].direction > 0; }
  mlir::Operation *getOp(const LayerPlace &place) const;
  /// The layer of the tensor that an op reads or writes.
  std::optional<int64_t> getNamedLayer(mlir::Operation *op) const;
  /// How many sites of chance are between those of an op and of its counterpart of the next layer; 0 if none draws.
  int64_t getSitesPerLayer() const { return sitesPerLayer.value_or(0); }
  /// Where a value is made, if that is in the period of a layer of the range.
  std::optional<LayerPlace> getPlace(mlir::Value value) const;
  /// Of an op in the period of a layer of the range.
  std::optional<LayerPlace> getPlace(mlir::Operation *op) const;

private:
  struct Stretch {
    int64_t begin, end, period;
    int64_t start;     ///< where the sample layer begins
    int64_t direction; ///< 1 or -1: to the layer of the next period
  };
  /// An op of a layer, by what equal ops of other layers have, too.
  struct Anchor {
    size_t fingerprint;
    int64_t layer;
  };
  /// What two names of tensors have in common that differ in the layer alone.
  struct Name {
    size_t family;
    std::optional<int64_t> layer;
  };

  LayerPeriods(mlir::func::FuncOp program, Range range, LeftOutLayers leftOut);
  Name nameOf(mlir::FlatSymbolRefAttr symbol);
  size_t fingerprint(mlir::Operation *op);
  std::optional<Anchor> findAnchor(int64_t position);
  std::vector<std::pair<int64_t, int64_t>> findCounterparts();
  void findStretches();
  bool addStretch(int64_t at, int64_t counterpart);
  void sortStretches();
  std::optional<LayerPlace> locate(mlir::Operation *op) const;
  bool areAlike(mlir::Operation *op, mlir::Operation *next, int64_t layer);
  bool areAlike(mlir::Value value, mlir::Value next, int64_t layer) const;
  bool haveAlikeSites(mlir::Operation *op, mlir::Operation *next, int64_t layer);
  bool haveAlikeNames(mlir::FlatSymbolRefAttr symbol, mlir::FlatSymbolRefAttr next);
  bool isWhole(const Stretch &stretch) const;
  bool holdsAllNamed() const;
  bool verify();
  bool mayNeed(mlir::Operation *user, mlir::Value value) const;
  bool isNeededElsewhere() const;

  Range range;
  LeftOutLayers leftOut;
  std::vector<mlir::Operation *> ops;
  llvm::DenseMap<mlir::Operation *, int64_t> positions;
  std::vector<size_t> fingerprints;
  llvm::DenseSet<mlir::Operation *> drawing; ///< by chance, themselves or in their regions
  std::optional<int64_t> sitesPerLayer;
  std::vector<Stretch> stretches; ///< in the order of their ops, apart
  std::vector<int64_t> stretchOf; ///< of each op; -1: none
  llvm::DenseMap<mlir::StringAttr, Name> names;
};

} // namespace ftc::tune

#endif
