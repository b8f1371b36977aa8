//===- Trials.h - what is found out about definitions by running them -*- C++ -*-===//
//
// Each trial builds a specimen, tries a definition on it and says what came of it.
// Messages about a definition that cannot be tried are in the Diagnostics given.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_PIPELINES_TRIALS_H
#define FTC_PIPELINES_TRIALS_H

#include "ftc/Elaborate/Value.h"
#include "ftc/Frontend/Diagnostics.h"
#include "ftc/Frontend/Library.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ftc {

using AppliedAdapter = std::shared_ptr<const elaborate::Applied>;

/// Definitions of one name and kind with values for their parameters: those given, and for a parameter that must be
/// given and is not a small value of its type; with `smallIntegers` for every integer that is not given. Null if one
/// has a type of which there is no small value.
AppliedAdapter applyToSmall(llvm::ArrayRef<const ast::Definition *> definitions,
                            const std::map<std::string, elaborate::Value> &given, bool smallIntegers = false);

/// Whether an adapter can be put on the small model.
bool fits(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter);

/// How far an adapter changes the logits at its first values, over the largest logit; nothing if it cannot be tried.
std::optional<double> changeAtStart(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter);

/// What an adapted model is used for.
enum class ModelUse {
  Rows,       ///< rows of one document, in training and otherwise
  PackedRows, ///< rows that documents share
  Generation, ///< token by token, with kept keys and values
};

/// Elaborates an adapter for a use, which proves that it is causal and keeps sequences and documents apart; false after
/// messages.
bool proveApart(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter, ModelUse use);

/// Elaborates what happens to an adapter in a training beside its runs: penalties, next values and `every` blocks, with
/// some objective and optimizer of the library. False after messages.
bool advances(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter);

/// Whether an adapter can be merged into a site of a small model; else there are messages, if it can be tried there.
bool merges(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter);

/// A gradient beside the central difference of the loss, over the largest entry of the tensor's gradient.
struct GradientError {
  std::string tensor;
  double error;
  bool isZero = false; ///< all of the gradient: that central differences are 0 too shows little of it
  static constexpr double tolerance = 1e-6; ///< what may be rounding; `error` is over the largest entry of the gradient
};

/// Gradients of an adapter's trained tensors and of the model's first one, at random values, away from the first ones;
/// nothing after messages.
std::optional<std::vector<GradientError>> checkAdapter(DefinitionLibrary &library, Diagnostics &diags,
                                                       const AppliedAdapter &adapter);

/// Logits of the merged model against those of the adapted one at random values, over the largest logit.
struct MergedDifference {
  double reference = 0, cpu = 0;
};

/// Nothing after messages: why the merge cannot be derived.
std::optional<MergedDifference> compareMerged(DefinitionLibrary &library, Diagnostics &diags,
                                              const AppliedAdapter &adapter);

/// Gradients of an objective by weights of the model.
std::optional<std::vector<GradientError>> checkObjective(DefinitionLibrary &library, Diagnostics &diags,
                                                         const AppliedAdapter &objective);

/// The largest difference between the merged weights of a site with both adapters in the one order and the other, over
/// the largest weight.
std::optional<double> commutator(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &first,
                                 const AppliedAdapter &second);

/// What an adapter costs at a linear site, per token of a batch of 4 x 512.
struct SiteCost {
  std::string site; ///< "q_proj [576, 576]"
  int64_t trained = 0;
  double forward = 0, backward = 0;          ///< multiplications and additions of products
  double ownForward = 0, ownBackward = 0;    ///< of the site without adapter
  int64_t savedBytes = 0, ownSavedBytes = 0; ///< f32 values of the forward pass that the backward pass reads
};
std::optional<SiteCost> costAtSite(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter);

} // namespace ftc

#endif // FTC_PIPELINES_TRIALS_H
