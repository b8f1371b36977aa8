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
#include "ftc/Runtime/IO/Json.h"

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

/// The tensors of the groups from `firstGroup` on, as PEFT's file holds them; nothing after errors.
std::optional<std::vector<PeftTensor>> peftTensors(Elaborator &elaborator, const AdaptedModel &model,
                                                   size_t firstGroup = 0);

/// An adapter_config.json that a `load` at `at` names.
struct PeftSource {
  const runtime::json::Value &config; ///< an object
  std::string file;                   ///< for messages
  llvm::SMRange at;
};

/// Adds the adapters that a configuration describes: the definition whose `peft` clause it fits, with the parameters
/// that the clause binds, on the modules that it targets. Symbols of new tensors begin with `step.`. False after
/// errors.
bool readPeft(Elaborator &elaborator, llvm::StringRef step, AdaptedModel &model, const PeftSource &source);

/// The `peft` clause of a definition, or null.
const ast::FilesItem *peftClause(const ast::Definition &definition);

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_PEFT_H
