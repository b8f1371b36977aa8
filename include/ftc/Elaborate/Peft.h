//===- Peft.h - adapters as PEFT directories -------------------*- C++ -*-===//
//
// A `peft` clause says how a method is called on disk. It is read in both
// directions: configuration and tensor names are written from adapters, and
// adapters are found from a configuration.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_PEFT_H
#define FTC_ELABORATE_PEFT_H

#include "ftc/Elaborate/Adapter.h"

namespace ftc::elaborate {

/// A tensor of adapter_model.safetensors.
struct PeftTensor {
  const AdapterTensor *tensor;
  std::string fileName;
  llvm::SmallVector<int64_t> shape; ///< in the file
  std::optional<FileView> view;     ///< where the file's order is not the tensor's
  bool optional = false;
};

struct PeftAdapter {
  std::string config; ///< text of adapter_config.json
  std::vector<PeftTensor> tensors;
};

/// How the adapters of a model are written; nothing, with an error at `at`, if one of them has no `peft` clause or PEFT
/// has no way to say it. `basePath` is the value of "base_model_name_or_path".
std::optional<PeftAdapter> writePeft(Elaborator &elaborator, const AdaptedModel &model, llvm::StringRef basePath,
                                     llvm::SMRange at);

/// Adds the adapters that an adapter_config.json (`config`, at `path`) describes. False after errors.
bool readPeft(Elaborator &elaborator, llvm::StringRef step, AdaptedModel &model, const Value &config,
              llvm::StringRef path, llvm::SMRange at);

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_PEFT_H
