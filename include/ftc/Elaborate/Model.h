//===- Model.h - a model as its definition and its files say ---*- C++ -*-===//
//
// `model` definitions are instantiated from config.json (or GGUF metadata) to a
// tree of modules whose names are those of the checkpoint's tensors; every
// tensor is checked against the file's headers.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_MODEL_H
#define FTC_ELABORATE_MODEL_H

#include "ftc/Elaborate/Scope.h"

#include "llvm/Support/Error.h"

namespace ftc::elaborate {

class Elaborator;

/// A tensor of a model file as its header states it; `type` as recipes spell it ("f32", "bf16", or a format's name).
struct FileTensor {
  std::string name;
  std::string type;
  llvm::SmallVector<int64_t> shape;
  int64_t rowBytes = 0; ///< of a block format: bytes of one row (the last dimension); 0 for plain elements
  int64_t offset = 0;   ///< of its first byte in the file
};

/// What is known of a model's files when compiling: configuration and headers, never weights.
struct ModelFiles {
  std::string path; ///< for messages
  bool gguf = false;
  bool weightless = false; ///< a configuration alone: every tensor that is used must be given a first value
  bool imagined = false;   ///< there are no files: a model on which definitions are tried; also weightless
  Value config;            ///< config.json as an object, or the metadata of a GGUF file, nested at the dots of its keys
  std::vector<FileTensor> tensors;

  /// The file that holds the configuration, for messages.
  std::string configPath() const {
    bool beside = llvm::StringRef(path).ends_with(".safetensors") || llvm::StringRef(path).ends_with(".json");
    return gguf ? path : beside ? "config.json beside " + path : path + "/config.json";
  }
};

/// How a file's data become a tensor: seen with `shape`, then transposed by `order` (docs/manifest.md).
struct FileView {
  llvm::SmallVector<int64_t> shape, order;
};

/// One tensor of a model.
struct ModelTensor {
  std::string name; ///< module path and name: "model.layers.0.self_attn.q_proj.weight"
  Dims dims;
  const ModuleInstance *owner;
  std::string fileName; ///< in the file
  std::string fileType;
  std::optional<FileView> view;      ///< where the file keeps it in another order
  const ModelTensor *tied = nullptr; ///< the tensor in whose place this one stands
  llvm::SMRange range;               ///< of its declaration
};

/// A module of a model: a definition with dimensions and arguments, at a path.
class ModuleInstance {
public:
  const ast::Definition *definition;
  std::string path;
  std::string kind; ///< the site it is: its definition's name, or the name after `is`
  ModuleInstance *parent;
  bool isModel; ///< made by a `model` definition
  Dims axes;
  Scope *scope;
  std::vector<std::unique_ptr<ModelTensor>> tensors;
  std::vector<std::unique_ptr<ModuleInstance>> children; ///< in order of declaration
  std::vector<llvm::StringRef> ignored;
  bool absent = false;      ///< left out by `when`: the identity
  bool virtualSite = false; ///< a call within its parent's `forward` that is a site, of the kind `attention`
  std::string trunk;        ///< of a model: the part that gets `ids`

  /// The tensor of that name declared by this module itself, or null.
  ModelTensor *tensor(llvm::StringRef name) const;
  /// A module or tensor below, by dotted path; null if there is none.
  ModuleInstance *child(llvm::StringRef path);
  /// Index of the outermost indexed part on the way here (the layer), or -1.
  int64_t layer() const;
};

class Model {
public:
  /// Instantiates the definition that `architectures[0]` (or the GGUF architecture) names; null after errors at `at`.
  static std::unique_ptr<Model> instantiate(Elaborator &elaborator, llvm::StringRef step, ModelFiles files,
                                            llvm::SMRange at);
  /// The same definition on the same tensors, with other values for some keys of its configuration: a member of a
  /// nested object that `changes` does not name stays. Null after errors at `at`.
  static std::unique_ptr<Model> reconfigure(Elaborator &elaborator, const Model &other,
                                            const std::map<std::string, Value> &changes, llvm::SMRange at);

  llvm::StringRef step() const { return stepName; }
  const ModelFiles &files() const { return modelFiles; }
  /// The configuration as a Hugging Face config.json states it: the file's, or what the definition's `gguf` clause
  /// makes of the metadata, with "architectures" and "model_type".
  const Value &config() const { return modelConfig; }
  /// The same with what the definition says of keys that are absent: what definitions see as `site.config` and
  /// `model.config`.
  const Value &completeConfig() const { return wholeConfig; }
  ModuleInstance &root() const { return *rootModule; }
  /// All modules, depth first in order of declaration.
  const std::vector<ModuleInstance *> &modules() const { return allModules; }
  /// All tensors that are read, in model order; tied ones are left out.
  const std::vector<ModelTensor *> &tensors() const { return allTensors; }
  ModelTensor *tensor(llvm::StringRef name) const;
  /// A dimension of the model definition by name (`vocab`, `hidden`), or null.
  Dim dim(Elaborator &elaborator, llvm::StringRef name) const;

private:
  friend class ModelBuilder;
  std::string stepName;
  ModelFiles modelFiles;
  Value modelConfig, wholeConfig;
  std::unique_ptr<ModuleInstance> rootModule;
  std::vector<ModuleInstance *> allModules;
  std::vector<ModelTensor *> allTensors;
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_MODEL_H
