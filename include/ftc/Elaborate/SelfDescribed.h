//===- SelfDescribed.h - adapters with their own definitions ----*- C++ -*-===//
//
// Adapters that PEFT has no way to say are saved with all that is needed to use them elsewhere: adapter.json names the
// base model, the sites and what the adapters were given; the definitions stand beside it, tensors have their own
// names.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_SELFDESCRIBED_H
#define FTC_ELABORATE_SELFDESCRIBED_H

#include "ftc/Elaborate/Peft.h"

namespace ftc::elaborate {

struct SelfDescribedAdapter {
  std::string config;                                       ///< text of adapter.json
  std::vector<std::pair<std::string, std::string>> sources; ///< file names and texts
};

/// The description of a model's adapters; nothing after errors at `at`.
std::optional<SelfDescribedAdapter> describeAdapters(Elaborator &elaborator, const AdaptedModel &model,
                                                     llvm::StringRef basePath, llvm::SMRange at);

/// Adds the adapters that an adapter.json in `folder` describes, by the definitions beside it. Symbols of new tensors
/// begin with `step.`. False after errors.
bool readAdapters(Elaborator &elaborator, llvm::StringRef step, AdaptedModel &model, const PeftSource &source,
                  const std::string &folder);

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_SELFDESCRIBED_H
