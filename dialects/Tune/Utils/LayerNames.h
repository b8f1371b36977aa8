//===- LayerNames.h - the layer in a name ---------------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_UTILS_LAYERNAMES_H
#define FTC_DIALECTS_TUNE_UTILS_LAYERNAMES_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace ftc::tune {

/// The number of the layer that a tensor or module belongs to: the first part of its name that is one, as 3 of
/// `base.model.layers.3.mlp.up_proj.weight`.
std::optional<int64_t> getLayer(llvm::StringRef name);
/// The name of the same `by` layers further on, for a name with a layer.
std::string moveLayer(llvm::StringRef name, int64_t by);

} // namespace ftc::tune

#endif // FTC_DIALECTS_TUNE_UTILS_LAYERNAMES_H
