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
#include "ftc/Runtime/Core/ElementType.h"
#include "ftc/Runtime/IO/Json.h"

namespace ftc::elaborate {

/// What a tensor of a file and one of the arena have in common: element i of `sizes` is at offset + sum(i * strides) of
/// each.
struct FilePart {
  struct Side {
    int64_t offset = 0;
    llvm::SmallVector<int64_t> strides;
  };
  llvm::SmallVector<int64_t> sizes;
  Side file, tensor;
};

/// A tensor of adapter_model.safetensors, or a part of one.
struct PeftTensor {
  std::string symbol;                       ///< empty for a model's own tensor until it is needed
  bool integer = false;                     ///< its entries are i32 in the arena
  std::optional<runtime::ElementType> type; ///< of its entries in the file, where it is not the arena's
  std::string fileName;
  llvm::SmallVector<int64_t> shape; ///< in the file
  std::optional<FilePart> part;     ///< where they are not the same elements in the same order
  std::string copyOf;               ///< a file name of the same contents, which is read instead
  bool optional = false;
  bool given = false;               ///< is written only where it was read from a directory
  const ModelTensor *own = nullptr; ///< of the base model: the file's stands in its place if there is one
};

struct PeftAdapter {
  std::string config; ///< text of adapter_config.json
  std::vector<PeftTensor> tensors;
};

/// Whether the adapters from `firstGroup` on can be said in one PEFT directory, with a warning at `at`, if that is
/// valid, where they cannot.
bool hasPeftForm(Elaborator &elaborator, const AdaptedModel &model, llvm::SMRange at, size_t firstGroup = 0);

/// The name of a tensor that no directory of PEFT holds, of an adapter that was not read from one; empty if there is
/// none. What directories hold of such an adapter belongs to another tensor.
llvm::StringRef foundAnew(Elaborator &elaborator, const AdaptedModel &model);

/// Whether adapters of earlier stages have directories of their own, which this one names.
bool standsOnOthers(Elaborator &elaborator, const AdaptedModel &model);

/// How the adapters of a model that has that form are written; nothing after errors at `at`. `basePath` is the value of
/// "base_model_name_or_path".
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
  std::shared_ptr<const StoredShapes> stored; ///< of the tensors beside it; null where the folder is none of PEFT's
};

/// Adds the adapters that a configuration describes: the definition whose `peft` clause it fits, with the parameters
/// that the clause binds, on the modules that it targets, and what definitions with `peft _` add. Symbols of new
/// tensors begin with `step.`. False after errors.
bool readPeft(Elaborator &elaborator, llvm::StringRef step, AdaptedModel &model, const PeftSource &source);

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_PEFT_H
