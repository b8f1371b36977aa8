//===- Checkpoint.h - a model's tensors, however they are stored -*- C++ -*-===//

#ifndef FTC_RUNTIME_IO_CHECKPOINT_H
#define FTC_RUNTIME_IO_CHECKPOINT_H

#include "ftc/Runtime/IO/Gguf.h"
#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/IO/Safetensors.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::runtime {

/// The tensors of a model: one safetensors file, the shards of an index, or a GGUF file.
class Checkpoint {
public:
  /// `path` is a folder (`model.safetensors`, else `model.safetensors.index.json`, else its only `.gguf` file) or one
  /// of these files. Index and shards must agree in both directions; shards are files of the index's own folder.
  static Expected<Checkpoint> open(const std::string &path);
  /// One without tensors: of a model that is a configuration alone.
  static Checkpoint empty() { return {}; }

  /// Sorted by name.
  const std::vector<const StoredTensor *> &tensors() const { return sorted; }
  const StoredTensor *find(std::string_view name) const;
  /// The GGUF file with its metadata, or null.
  const GgufFile *gguf() const { return ggufFile ? &*ggufFile : nullptr; }
  /// The file that holds the tensor.
  const MappedFile &fileOf(const StoredTensor &tensor) const;
  /// All files with tensors, in the order of their names.
  std::vector<std::string> files() const;

private:
  Checkpoint() = default;
  static Expected<Checkpoint> openIndex(const std::string &path);
  void collect();

  std::optional<GgufFile> ggufFile;
  std::vector<SafetensorsFile> shards;
  std::vector<const StoredTensor *> sorted;
};

/// Adapters as a folder holds them, PEFT's or one that brings its definitions: configuration and tensors, without
/// knowing what they mean.
struct AdapterDirectory {
  static constexpr const char *peftDescription = "adapter_config.json", *peftTensors = "adapter_model.safetensors",
                              *selfDescription = "adapter.json", *selfTensors = "adapter.safetensors";
  bool selfDescribed; ///< not PEFT's
  std::string configPath;
  json::Value config; ///< an object
  SafetensorsFile tensors;

  static Expected<AdapterDirectory> open(const std::string &folder);
};

} // namespace ftc::runtime

#endif // FTC_RUNTIME_IO_CHECKPOINT_H
