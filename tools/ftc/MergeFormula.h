//===- MergeFormula.h - what merging an adapter gives, as a formula -*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_MERGEFORMULA_H
#define FTC_TOOLS_FTC_MERGEFORMULA_H

#include "ftc/Frontend/AST.h"

#include <optional>
#include <string>

namespace ftc {

/// The merged weight and bias (empty: 0) of an adapter as formulas of its own names, or why there are none.
struct MergeFormula {
  std::string weight, bias, reason;
  llvm::SMRange at = {}; ///< the expression that is the reason
  bool affine = false;   ///< there is a merge all the same, without a formula that is worth printing
};

/// Evaluates `forward` of an adapter on the identity and on 0, with names in the place of tensors; nothing for a
/// definition without `forward`. `merge` itself does the same with tensors (lib/Elaborate/Merge.cpp).
std::optional<MergeFormula> mergeFormula(const ast::Definition &definition);

/// An expression as it is written, on one line.
std::string sourceText(llvm::SMRange range);

} // namespace ftc

#endif // FTC_TOOLS_FTC_MERGEFORMULA_H
