//===- PassTrace.h - what adapters do in a run of a model -------*- C++ -*-===//
//
// While a model runs, every tensor that an expression of an adapter gives is
// written down with its dimensions and its place in the source. From that and the
// dependence analysis follows that no token sees later ones and no sequence sees
// another; or which expression is at fault, and the way of the leak through the
// definition.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_ELABORATE_PASSTRACE_H
#define FTC_LIB_ELABORATE_PASSTRACE_H

#include "Evaluator.h"

#include "dialects/Tune/Analysis/Dependence.h"

#include "llvm/ADT/StringSet.h"

namespace ftc::elaborate {

/// What a row is taken to hold while a proof goes over it.
enum class RowContent {
  Document,  ///< one document
  Documents, ///< two, as packing has it
  Tokens,    ///< a document a token: only attention may bring tokens together, as in generation
};

class PassTrace {
public:
  PassTrace(const AdaptedModel &model, RowContent content) : model(model), content(content) { findAdapted(); }

  /// Whether an adapter of the model computes something.
  bool hasAdapters() const { return !around.empty(); }
  void note(const AdapterInstance &adapter, llvm::SMRange range, const Value &value);
  /// Whether an expression of an adapter asked if this is a training.
  bool dependsOnTraining() const { return askedForTraining; }
  void noteTraining() { askedForTraining = true; }
  /// A module without adapters, on itself or below, is taken to be as it should: the proof is about adapters.
  void noteModule(const ModuleInstance &module, const Arguments &arguments, const Value &result);

  /// Reports the first leak on the way to `results`; `ids`, positions and segments are those of the run.
  void prove(Elaborator &shared, const Tensor &ids, mlir::Value positions, mlir::Value segments,
             llvm::ArrayRef<Tensor> results);

private:
  struct Step {
    const AdapterInstance *adapter;
    llvm::SMRange range;
    Tensor tensor;
  };
  struct ModuleCall {
    std::vector<Tensor> arguments;
    Tensor result;
  };
  /// A place that sees what it may not.
  struct Leak {
    int64_t token = 0, seen = 0; ///< of the row, as the source counts
    bool mixed = false;          ///< another sequence
    bool withinRow = false;      ///< another document of its own row
  };

  void findAdapted();
  /// The document of a place: as positions, segments and the source number it within its row, and among all rows.
  int64_t documentOf(int64_t token) const;
  int64_t documents() const;
  int64_t sequenceOf(int64_t row, int64_t token) const { return row * documents() + documentOf(token); }
  int64_t positionOf(int64_t token) const;

  std::optional<Leak> findLeak(const Tensor &tensor);
  tune::Origins ideal(const Tensor &tensor) const;
  void trustModules();
  void report(Elaborator &shared, const Tensor &result, const Leak &leak);
  bool isCulprit(const Step &step, bool mixed);
  double sight(const tune::Origins &origins, bool mixed) const;

  const AdaptedModel &model;
  RowContent content;
  llvm::StringSet<> around; ///< paths of adapted sites and of the modules around them
  std::vector<Step> steps;
  std::vector<ModuleCall> modules;
  tune::Dependence dependence;
  int64_t sequences = 0, tokens = 0;
  bool askedForTraining = false;
};

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_PASSTRACE_H
