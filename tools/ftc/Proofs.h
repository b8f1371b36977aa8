//===- Proofs.h - what is proven and measured of an adapter -----*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_PROOFS_H
#define FTC_TOOLS_FTC_PROOFS_H

#include "Definitions.h"
#include "Facts.h"

namespace ftc {

using ParameterValues = std::map<std::string, elaborate::Value>;

/// Causal, sequences apart, what it does before the first step; with the other adapters of the list, whether they
/// commute on one site. Nothing for definitions of other kinds.
Facts describeProofs(Definitions &definitions, const ast::Definition &definition, const ParameterValues &values);
/// Whether an adapter merges on a small model; why not, if that is its own fault. Neither if it cannot be tried.
struct MergeTrial {
  bool merges = false;
  std::string reason = "";
};
MergeTrial tryMerge(Definitions &definitions, const ast::Definition &definition, const ParameterValues &values);
Facts describeCosts(Definitions &definitions, const ast::Definition &definition, const ParameterValues &values);

/// Whether the order of two adapters on one site matters, in words.
std::string describeCommutator(Definitions &definitions, const ast::Definition &first, const ast::Definition &second,
                               const ParameterValues &values);

/// Tries a definition: gradients against central differences, the merged forward pass against the adapter's. Prints a
/// line for each; false if something differs or cannot be tried.
bool checkByTrial(Definitions &definitions, const ast::Definition &definition, const ParameterValues &values);

} // namespace ftc

#endif // FTC_TOOLS_FTC_PROOFS_H
