//===- Dependence.h - which tokens and sequences a value sees ---*- C++ -*-===//
//
// An abstract run of a tensor program: instead of numbers, each entry of each
// value has the places of a source that it may depend on. Numbers that are known
// without the inputs (indices, comparisons of positions, masks) are carried
// along, so that what a mask takes away does not count: 0 times anything is 0,
// and -inf does not show in a maximum or a softmax.
//
// Every op with a rule is exact up to that; the result of any other op depends on
// all that its operands depend on, and `isOpaque` says so. Layers are alike: what a
// rule gives is found once for all ops like it whose operands have equal origins.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_DIALECTS_TUNE_ANALYSIS_DEPENDENCE_H
#define FTC_DIALECTS_TUNE_ANALYSIS_DEPENDENCE_H

#include "dialects/Tune/Analysis/Origins.h"

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <optional>
#include <unordered_map>

namespace ftc::tune {

class Dependence {
public:
  /// Entry (b, t, ...) of `value` [batch, tokens, ...] is place t of sequence `sequenceOf(b, t)`.
  void addSource(mlir::Value value, llvm::function_ref<int64_t(int64_t, int64_t)> sequenceOf);
  /// What is known of a value that no op computes.
  void assume(mlir::Value value, Origins origins) {
    given.insert(value);
    known[value] = numbered(std::move(origins));
  }

  /// The origins of a value of ranked tensors, found with those of all that it is computed from.
  const Origins &of(mlir::Value value);

  /// Whether a value is the result of an op without a rule that depends on a source.
  bool isOpaque(mlir::Value value) const { return opaque.contains(value); }
  /// The operand of the op that made `value` through which it sees the most by a measure of origins; null for a source.
  mlir::Value mostTelling(mlir::Value value, llvm::function_ref<double(const Origins &)> sight);

private:
  /// Equal origins have the same number; large ones for which there is no room have none, and are compared with
  /// nothing.
  struct Numbered {
    Origins origins;
    std::optional<unsigned> number;
  };
  /// An op whose results are known.
  struct Found {
    mlir::Operation *op;
    llvm::SmallVector<unsigned> operands; ///< numbers of their origins
    llvm::SmallVector<Numbered> results;
  };

  Numbered numbered(Origins origins);
  llvm::SmallVector<Numbered> resultsOf(mlir::Operation *op);
  void compute(mlir::Operation *op);
  void forget(mlir::Value value);

  llvm::DenseMap<mlir::Value, Numbered> known; ///< but for large ones that everything has been found from
  llvm::DenseSet<mlir::Value> sources, given, opaque;
  llvm::DenseSet<mlir::Operation *> computed;
  size_t kept = 0;                                      ///< entries of the large ones in `distinct`
  std::vector<Origins> distinct;                        ///< by their numbers
  std::unordered_multimap<size_t, unsigned> distinctBy; ///< numbers, by a hash
  std::unordered_multimap<size_t, Found> found;         ///< by a hash
};

/// The origins of the op's results from those of its operands; empty if there is no rule for it.
llvm::SmallVector<Origins> applyRule(mlir::Operation *op, llvm::function_ref<const Origins &(mlir::Value)> originsOf);

} // namespace ftc::tune

#endif // FTC_DIALECTS_TUNE_ANALYSIS_DEPENDENCE_H
