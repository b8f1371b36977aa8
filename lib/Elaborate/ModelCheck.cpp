//===- ModelCheck.cpp - a model against its files ---------------*- C++ -*-===//

#include "ModelBuilder.h"

using namespace ftc;
using namespace ftc::elaborate;

/// Keys of config.json that do not change the mathematics: who made it, with what, for whom.
static constexpr llvm::StringLiteral bookkeeping[] = {"_name_or_path",
                                                      "architectures",
                                                      "attention_dropout",
                                                      "attn_pdrop",
                                                      "auto_map",
                                                      "begin_suppress_tokens",
                                                      "bos_token_id",
                                                      "cache_implementation",
                                                      "chunk_size_feed_forward",
                                                      "decoder_start_token_id",
                                                      "dtype",
                                                      "embd_pdrop",
                                                      "eos_token_id",
                                                      "finetuning_task",
                                                      "hidden_dropout",
                                                      "id2label",
                                                      "initializer_range",
                                                      "is_decoder",
                                                      "is_encoder_decoder",
                                                      "is_llama_config",
                                                      "keys_to_ignore_at_inference",
                                                      "label2id",
                                                      "layer_norm_eps",
                                                      "mlp_dropout",
                                                      "model_max_length",
                                                      "model_type",
                                                      "n_ctx",
                                                      "output_attentions",
                                                      "output_hidden_states",
                                                      "pad_token_id",
                                                      "pretraining_tp",
                                                      "problem_type",
                                                      "quantization_config",
                                                      "resid_pdrop",
                                                      "return_dict",
                                                      "rope_interleaved",
                                                      "sep_token_id",
                                                      "summary_activation",
                                                      "summary_first_dropout",
                                                      "summary_proj_to_labels",
                                                      "summary_type",
                                                      "summary_use_proj",
                                                      "task_specific_params",
                                                      "tokenizer_class",
                                                      "torch_dtype",
                                                      "torchscript",
                                                      "transformers.js_config",
                                                      "transformers_version",
                                                      "unk_token_id",
                                                      "unsloth_fixed",
                                                      "unsloth_version",
                                                      "use_cache"};

static std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t size : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// Whether a configuration's value says "nothing special".
static bool saysNothing(const Value &value) {
  if (auto number = value.number())
    return *number == 0;
  if (auto *list = value.as<Value::List>())
    return (*list)->empty();
  return value.isNone();
}

void ModelBuilder::warnConfig() {
  auto *object = model.files().config.as<Value::Object>();
  if (!object)
    return;
  for (auto &[key, value] : **object)
    if (!keysRead.contains(key) && !llvm::is_contained(bookkeeping, key) && !saysNothing(value))
      shared.diagnostics().report(Diag::UnknownConfigKey, at, model.files().configPath(), key, root->name.text);
}

/// Puts the recipe's values into the configuration; members of a nested object that are not named stay.
bool ModelBuilder::changeConfig(Value &config) {
  const auto *object = config.as<Value::Object>();
  if (!object)
    return true;
  auto changed = std::make_shared<std::map<std::string, Value, std::less<>>>(**object);
  for (const auto &[key, value] : *changes) {
    auto known = changed->find(key);
    const auto *before = known == changed->end() ? nullptr : known->second.as<Value::Object>();
    const auto *after = value.as<Value::Object>();
    if (before && after) {
      auto whole = std::make_shared<std::map<std::string, Value, std::less<>>>(**before);
      for (const auto &[member, given] : **after)
        (*whole)[member] = given;
      (*changed)[key] = Value::Object(std::move(whole));
      continue;
    }
    for (const auto &[outer, nested] : **object)
      if (const auto *members = nested.as<Value::Object>();
          members && known == changed->end() && (*members)->count(key)) {
        shared.diagnostics()
            .report(Diag::NestedConfigKey, at, key, outer)
            .help("write '" + outer + ": {" + key + ": ...}'");
        return false;
      }
    (*changed)[key] = value;
  }
  config = Value::Object(std::move(changed));
  return true;
}

/// The definition must read every key that the recipe changes.
bool ModelBuilder::checkChanges() {
  bool sound = true;
  std::vector<llvm::StringRef> known;
  for (const auto &entry : keysRead)
    known.push_back(entry.getKey());
  for (const auto &[key, value] : *changes)
    if (!keysRead.contains(key)) {
      shared.diagnostics().report(Diag::NoSuchConfigKey, at, key, root->name.text).nearest(key, known);
      sound = false;
    }
  return sound;
}

bool ModelBuilder::nameFiles() {
  if (gguf)
    return nameGguf(*gguf);
  // A file may lack the trunk's name throughout: it was saved without the head.
  std::string prefix = model.root().trunk + ".";
  llvm::StringSet<> names;
  for (const FileTensor &tensor : model.files().tensors)
    names.insert(tensor.name);
  bool shortened = !model.root().trunk.empty() &&
                   llvm::none_of(names.keys(), [&](llvm::StringRef name) { return name.starts_with(prefix); }) &&
                   llvm::any_of(model.tensors(), [&](ModelTensor *tensor) {
                     llvm::StringRef name = tensor->name;
                     return name.consume_front(prefix) && names.contains(name);
                   });
  for (ModuleInstance *module : model.modules())
    for (auto &tensor : module->tensors) {
      llvm::StringRef name = tensor->name;
      if (shortened)
        name.consume_front(prefix);
      tensor->fileName = name.str();
    }
  return true;
}

/// The type in which a configuration says that weights are kept.
static std::string configuredType(const Value &config) {
  static const std::map<llvm::StringRef, std::string> types = {{"bfloat16", "bf16"}, {"float16", "f16"}};
  if (auto *object = config.as<Value::Object>())
    for (llvm::StringRef key : {"dtype", "torch_dtype"})
      if (auto found = (*object)->find(key); found != (*object)->end())
        if (auto *name = found->second.as<std::string>())
          if (auto type = types.find(*name); type != types.end())
            return type->second;
  return "f32";
}

void ModelBuilder::checkTensors() {
  if (model.files().weightless) {
    for (ModelTensor *tensor : model.tensors())
      tensor->fileType = configuredType(model.config());
    return;
  }
  llvm::StringMap<const FileTensor *> inFile;
  for (const FileTensor &tensor : model.files().tensors)
    inFile[tensor.name] = &tensor;
  for (ModelTensor *tensor : model.tensors()) {
    auto it = inFile.find(tensor->fileName);
    if (it == inFile.end()) {
      shared.diagnostics()
          .report(Diag::MissingTensor, at, model.files().path, tensor->fileName, shapeText(sizesOf(tensor->dims)))
          .note(tensor->range, "declared here, for '" + tensor->name + "'");
      continue;
    }
    tensor->fileType = it->second->type;
    if (it->second->shape != sizesOf(tensor->dims))
      shared.diagnostics()
          .report(Diag::WrongTensorShape, at, tensor->fileName, shapeText(it->second->shape),
                  shapeText(sizesOf(tensor->dims)), model.files().path)
          .note(tensor->range, "declared here as " + printDims(tensor->dims));
  }
}

void ModelBuilder::checkUnused() {
  llvm::StringSet<> used;
  std::vector<std::string> ignored;
  std::string prefix = model.root().trunk + ".";
  for (ModuleInstance *module : model.modules()) {
    for (auto &tensor : module->tensors)
      used.insert(tensor->fileName);
    for (llvm::StringRef name : module->ignored) {
      ignored.push_back(module->path.empty() ? name.str() : module->path + "." + name.str());
      if (llvm::StringRef shortened = ignored.back(); shortened.consume_front(prefix))
        ignored.push_back(shortened.str());
    }
  }
  for (const FileTensor &tensor : model.files().tensors) {
    bool covered = used.contains(tensor.name) || llvm::any_of(ignored, [&](const std::string &name) {
                     return tensor.name == name || llvm::StringRef(tensor.name).starts_with(name + ".");
                   });
    if (!covered)
      shared.diagnostics().report(Diag::UnusedTensor, at, tensor.name, root->name.text, model.files().path);
  }
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

Value ModelBuilder::ggufConfig(const ast::FilesItem &clause, const ast::Definition &definition) {
  Scope &scope = shared.definitionScope(definition);
  if (auto *metadata = model.files().config.as<Value::Object>())
    for (auto &[key, value] : **metadata)
      scope.define(key, value);
  // shape("name"): of a tensor of the file; none if there is no such tensor.
  auto shape = [&files = model.files()](Evaluator &, Arguments arguments) -> Value {
    auto *name = arguments.positional.size() == 1 ? arguments.positional.front().as<std::string>() : nullptr;
    for (const FileTensor &tensor : files.tensors)
      if (name && tensor.name == *name)
        return Value::list({tensor.shape.begin(), tensor.shape.end()});
    return Value::none();
  };
  scope.define("shape", Value(std::make_shared<const std::function<Value(Evaluator &, Arguments)>>(shape)));
  auto config = std::make_shared<std::map<std::string, Value, std::less<>>>();
  (*config)["architectures"] = Value::list({Value(definition.name.text)});
  for (const ast::FilesItem::Key &key : clause.keys) {
    Value value = evaluator.eval(*key.value, scope);
    if (value.isError())
      return {};
    if (!value.isNone())
      (*config)[key.name.text] = value;
  }
  return Value::Object(std::move(config));
}

/// The line of a clause whose path is the longest that ends the tensor's name; null if there is none.
static const ast::FilesItem::Tensor *lineFor(const ast::FilesItem &clause, llvm::StringRef name) {
  const ast::FilesItem::Tensor *best = nullptr;
  for (const ast::FilesItem::Tensor &line : clause.tensors) {
    const std::string &path = line.name.text;
    if ((name == path || name.ends_with("." + path)) && (!best || path.size() > best->name.text.size()))
      best = &line;
  }
  return best;
}

/// How a file's dimensions become the tensor's: `own` and `file` name the same dimensions, factored and in the order of
/// each.
static std::optional<FileView> viewOf(Evaluator &evaluator, const ast::FilesItem::Tensor &line,
                                      const ModelTensor &tensor) {
  std::optional<Dims> own = evaluator.dimsOf(*line.axes, *tensor.owner->scope);
  std::optional<Dims> file = own ? evaluator.dimsOf(*line.shape, *tensor.owner->scope) : std::nullopt;
  if (!file)
    return std::nullopt;
  FileView view;
  for (Dim dim : *own)
    view.order.push_back(indexOf(*file, dim));
  view.shape = sizesOf(*file);
  size_t place = 0;
  bool fits =
      own->size() == file->size() && !llvm::is_contained(view.order, -1) && line.axes->size() == tensor.dims.size();
  for (size_t axis = 0; fits && axis < line.axes->size(); ++axis) {
    int64_t size = 1;
    for (size_t factor = 0; factor < (*line.axes)[axis].names.size(); ++factor)
      size *= (*own)[place++]->size;
    fits = size == tensor.dims[axis]->size;
  }
  if (!fits) {
    evaluator.diags().report(Diag::BadFileAxes, line.range);
    return std::nullopt;
  }
  return view;
}

bool ModelBuilder::nameGguf(const ast::FilesItem &clause) {
  bool sound = true;
  for (ModelTensor *tensor : model.tensors()) {
    const ast::FilesItem::Tensor *line = lineFor(clause, tensor->name);
    if (!line || line->fileNames.empty()) {
      shared.diagnostics().report(Diag::UnnamedGgufTensor, clause.range, root->name.text, tensor->name);
      return false;
    }
    std::string name = line->fileNames.front();
    if (size_t hole = name.find("{layer}"); hole != std::string::npos)
      name.replace(hole, 7, std::to_string(tensor->owner->layer()));
    tensor->fileName = name;
    if (line->axes && line->shape) {
      tensor->view = viewOf(evaluator, *line, *tensor);
      sound &= tensor->view.has_value();
    }
  }
  return sound;
}
