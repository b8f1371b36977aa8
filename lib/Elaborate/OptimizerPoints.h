//===- OptimizerPoints.h - the loss at other points than p -----*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_OPTIMIZERPOINTS_H
#define FTC_LIB_ELABORATE_OPTIMIZERPOINTS_H

#include "Evaluator.h"
#include "NextValues.h"

#include "ftc/Elaborate/Optimizer.h"

namespace ftc::elaborate {

/// The points besides p at which optimizers ask for the loss or its gradient. Number 0 is p, number n the n-th that a
/// tensor's definition asks for; a tensor that asks for fewer stays at p. What was found at the last one is in the
/// tensors that the step's programs add to; what was found before is kept in others where it is still read.
struct OptimizerPlan::Points {
  explicit Points(llvm::StringRef step) : step(step) {}

  std::string step;            ///< symbols begin with it
  unsigned reached = 0;        ///< the last point that the program being built knows of
  unsigned most = 0;           ///< the largest number of points that a tensor asks for
  bool needsGradients = false; ///< at any of them; found by `findPoints`
  Contents next;               ///< what tensors become at the point after that, by their symbols
  Contents values;             ///< what tensors and states become with the step, by their symbols

  /// Symbols of a tensor at p, and of what is kept of an earlier point: a gradient, the loss.
  std::string origin(const OptimizedTensor &of) const;
  std::string keptGradient(unsigned number, const OptimizedTensor &of) const;
  std::string keptLoss(unsigned number) const;
  /// The same in the program that is being built.
  std::string gradientAt(unsigned number, const OptimizedTensor &of) const;
  std::string lossAt(unsigned number) const;

  /// A program that knows of the points up to `number` begins.
  void begin(Elaborator &shared, unsigned number);
  /// `loss(q)` and `gradient(q)` in the scope of a part.
  void define(Part &part);

private:
  Value ask(Evaluator &evaluator, const Part &part, const Arguments &arguments, bool gradient);

  std::map<std::string, unsigned> asked; ///< points so far in this program, by the tensor's symbol
  std::optional<int64_t> firstSite;      ///< of chance
};

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_OPTIMIZERPOINTS_H
