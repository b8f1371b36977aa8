//===- Save.cpp - outputs ----------------------------------------------------===//
//
// Every output is written under a temporary name, synced and renamed: what was there before stays until then.
//
//===----------------------------------------------------------------------===//

#include "Prompts.h"
#include "Steps.h"

#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/Run/Interrupt.h"
#include "ftc/Runtime/Run/TensorTransfer.h"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace ftc::run {

namespace fs = std::filesystem;

std::string outputPath(const Session &session, const SaveStep &save) {
  const std::string &folder = session.options.outputs.empty() ? session.manifest.folder : session.options.outputs;
  return (fs::path(folder) / save.path).lexically_normal().string();
}

Status checkOutput(const Session &session, const Step &step, const SaveStep &save) {
  std::error_code ignored;
  fs::path target = fs::weakly_canonical(fs::absolute(outputPath(session, save)), ignored);
  for (const Step &other : session.manifest.steps) {
    const auto *load = std::get_if<LoadStep>(&other.detail);
    if (load && fs::weakly_canonical(pathOf(session.manifest, session.options, other, load->path), ignored) == target)
      return makeError(ExitStatus::Output, "{}: {} would replace the model that {} reads", step.name, target.string(),
                       other.name);
  }
  fs::path above = target.parent_path();
  while (!above.empty() && above != above.parent_path() && !fs::exists(above, ignored))
    above = above.parent_path();
  if (!fs::is_directory(above, ignored))
    return makeError(ExitStatus::Output, "{}: {} cannot be written: {} is no folder", step.name, target.string(),
                     above.string());
  if (access(above.c_str(), W_OK | X_OK) != 0)
    return makeError(ExitStatus::Output, "{}: {} cannot be written: folder {} is not writable", step.name,
                     target.string(), above.string());
  return Status::success();
}

//===----------------------------------------------------------------------===//
// Tensors under names of their own
//===----------------------------------------------------------------------===//

/// Says where the writing stands; a signal ends it, and nothing is left of the file.
static Status showTensor(Session &session, const std::string &path, const std::string &name) {
  session.console.showStatus(fmt::format("writing {}  {}", path, name));
  return checkInterrupt();
}

/// A tensor of a file, made of several of the arena where they are parts of it.
static Status writeTensor(Session &session, SafetensorsWriter &writer, const TensorSpec &spec,
                          const std::vector<const FileTensor *> &parts) {
  if (const FileTensor &whole = *parts.front(); !whole.part)
    return writeElements(session.machine.bytes(whole.tensor), session.manifest.tensors[whole.tensor].type, spec.type,
                         std::nullopt,
                         [&](std::span<const std::byte> piece) { return writer.append(spec.name, piece); });
  std::vector<std::byte> bytes(static_cast<size_t>(elementCount(spec.shape).value_or(0)) * byteSize(spec.type));
  for (const FileTensor *part : parts) {
    if (!part->part || part->type != spec.type || part->shape != spec.shape)
      return makeError(ExitStatus::Bug, "the parts of tensor {} differ in type or shape", quote(spec.name));
    storePart(session.machine, session.manifest, *part, bytes);
  }
  return writer.append(spec.name, bytes);
}

static Status writeTensors(Session &session, const std::string &path, const std::vector<FileTensor> &tensors) {
  std::vector<TensorSpec> specs;
  std::map<std::string_view, std::vector<const FileTensor *>> parts;
  for (const FileTensor &tensor : tensors) {
    if (parts.count(tensor.file) == 0)
      specs.push_back({tensor.file, tensor.type, tensor.shape});
    parts[tensor.file].push_back(&tensor);
  }
  Expected<SafetensorsWriter> writer = SafetensorsWriter::create(path, std::move(specs));
  if (!writer)
    return writer.error();
  for (const TensorSpec &spec : writer->tensors()) {
    if (Status status = showTensor(session, path, spec.name); !status)
      return status;
    if (Status status = writeTensor(session, *writer, spec, parts[spec.name]); !status)
      return status;
  }
  return writer->commit();
}

/// A folder of adapters: a description, the tensors, and the definitions that it brings.
static Status saveAdapters(Session &session, const SaveStep &save, const std::string &path) {
  bool peft = save.as == "peft";
  std::string description = peft ? AdapterDirectory::peftDescription : AdapterDirectory::selfDescription;
  std::string tensors = peft ? AdapterDirectory::peftTensors : AdapterDirectory::selfTensors;
  std::vector<std::string> owned = {description, tensors};
  for (const auto &[name, text] : save.sources)
    owned.push_back(name);
  Expected<AtomicDirectory> folder = AtomicDirectory::create(path, std::move(owned));
  if (!folder)
    return folder.error();
  for (const auto &[name, text] : save.sources)
    if (Status status = writeFileAtomically(folder->file(name), text); !status)
      return status;
  if (Status status = writeFileAtomically(folder->file(description), save.config); !status)
    return status;
  if (Status status = writeTensors(session, folder->file(tensors), save.tensors); !status)
    return status;
  return folder->commit();
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// What becomes a tensor of a saved model: elements of the arena, or of the checkpoint it is copied from.
struct Elements {
  std::span<const std::byte> bytes;
  ElementType type;
};

static Expected<Elements> elementsOf(Session &session, const ModelTensor &tensor) {
  Elements elements;
  if (tensor.tensor) {
    elements = {session.machine.bytes(*tensor.tensor), session.manifest.tensors[*tensor.tensor].type};
  } else {
    Expected<Model *> model = session.model(tensor.step);
    if (!model)
      return model.error();
    const StoredTensor *stored = (*model)->checkpoint.find(tensor.from);
    if (!stored || !stored->format.element)
      return makeError(ExitStatus::Input, "{}: tensor {} is missing or stored in blocks, so it cannot be copied",
                       (*model)->path, quote(tensor.from));
    elements = {stored->bytes, *stored->format.element};
  }
  std::optional<int64_t> count = elementCount(tensor.shape);
  if (!canBecome(elements.type, tensor.type) ||
      count != static_cast<int64_t>(elements.bytes.size() / byteSize(elements.type)))
    return makeError(ExitStatus::Input, "tensor {} cannot be saved as {} {}", quote(tensor.file),
                     formatName(tensor.type), shapeText(tensor.shape));
  return elements;
}

static Status writeModel(Session &session, const std::string &path, const std::vector<ModelTensor> &tensors) {
  std::vector<TensorSpec> specs;
  std::map<std::string_view, const ModelTensor *> byName;
  for (const ModelTensor &tensor : tensors) {
    specs.push_back({tensor.file, tensor.type, tensor.shape});
    byName[tensor.file] = &tensor;
  }
  Expected<SafetensorsWriter> writer = SafetensorsWriter::create(path, std::move(specs));
  if (!writer)
    return writer.error();
  for (const TensorSpec &spec : writer->tensors()) {
    if (Status status = showTensor(session, path, spec.name); !status)
      return status;
    const ModelTensor &tensor = *byName[spec.name];
    Expected<Elements> elements = elementsOf(session, tensor);
    if (!elements)
      return elements.error();
    Status status = writeElements(elements->bytes, elements->type, tensor.type, tensor.view,
                                  [&](std::span<const std::byte> piece) { return writer->append(spec.name, piece); });
    if (!status)
      return status;
    if (!tensor.tensor)
      releasePages(elements->bytes);
  }
  return writer->commit();
}

/// Tokenizer files: copied from a folder, made from the metadata of a GGUF file; none where the model has none.
static Status writeTokenizer(Session &session, const std::string &load, const AtomicDirectory &folder) {
  Expected<Model *> model = session.model(load);
  if (!model)
    return model.error();
  if (const GgufFile *gguf = (*model)->checkpoint.gguf()) {
    if (!gguf->metadata("tokenizer.ggml.model"))
      return Status::success();
    Expected<std::vector<text::NamedText>> files = text::tokenizerFilesOfGguf(*gguf);
    if (!files)
      return files.error();
    for (const auto &[name, content] : *files)
      if (Status status = writeFileAtomically(folder.file(name), content); !status)
        return status;
    return Status::success();
  }
  fs::path source =
      fs::is_directory((*model)->path) ? fs::path((*model)->path) : fs::path((*model)->path).parent_path();
  std::error_code ignored;
  for (std::string_view name : text::tokenizerFileNames)
    if (fs::is_regular_file(source / name, ignored))
      if (Status status = copyFile((source / name).string(), folder.file(name)); !status)
        return status;
  return Status::success();
}

static Status saveHuggingFace(Session &session, const SaveStep &save, const std::string &path) {
  std::vector<std::string> owned = {"config.json", "model.safetensors"};
  owned.insert(owned.end(), text::tokenizerFileNames.begin(), text::tokenizerFileNames.end());
  Expected<AtomicDirectory> folder = AtomicDirectory::create(path, std::move(owned));
  if (!folder)
    return folder.error();
  if (Status status = writeFileAtomically(folder->file("config.json"), save.config); !status)
    return status;
  if (Status status = writeModel(session, folder->file("model.safetensors"), save.model); !status)
    return status;
  if (save.tokenizer)
    if (Status status = writeTokenizer(session, *save.tokenizer, *folder); !status)
      return status;
  return folder->commit();
}

//===----------------------------------------------------------------------===//
// Results of other steps
//===----------------------------------------------------------------------===//

static std::string resultOf(const Session &session, const std::string &name, std::string_view extension) {
  const Step &step = *session.manifest.find(name);
  return session.folder.result(step, session.identity(step), extension);
}

/// Prompts with their continuations; a path that ends in .jsonl gets an object a line.
static Status saveText(Session &session, const SaveStep &save, const std::string &path) {
  Expected<json::Value> samples = json::parseFile(resultOf(session, save.from, ".json"));
  if (!samples)
    return samples.error();
  const auto *generate = std::get_if<GenerateStep>(&session.manifest.find(save.from)->detail);
  if (!generate || !samples->asArray())
    return makeError(ExitStatus::Bug, "step {} has no texts", quote(save.from));
  std::string content;
  for (const json::Value &sample : *samples->asArray()) {
    const json::Value *prompt = sample.find("prompt"), *completion = sample.find("completion");
    if (!prompt || !prompt->asString() || !completion || !completion->asString())
      return makeError(ExitStatus::Input, "{}: sample without a text (--fresh begins anew)",
                       resultOf(session, save.from, ".json"));
    if (path.ends_with(".jsonl"))
      content += json::dump(sample) + "\n";
    else
      content += fmt::format("{}{}{}{}\n", content.empty() ? "" : "\n", *prompt->asString(), promptSeparator(*generate),
                             *completion->asString());
  }
  return writeFileAtomically(path, content);
}

static Status write(Session &session, const SaveStep &save, const std::string &path) {
  if (save.as == "peft" || save.as == "adapter")
    return saveAdapters(session, save, path);
  if (save.as == "safetensors")
    return writeTensors(session, path, save.tensors);
  if (save.as == "huggingface")
    return saveHuggingFace(session, save, path);
  if (save.as == "text")
    return saveText(session, save, path);
  return copyFile(resultOf(session, save.from, ".safetensors"), path);
}

Status runSave(Session &session, const Step &step, const SaveStep &save) {
  if (Status status = session.loadWeights(step); !status)
    return status;
  std::string path = outputPath(session, save);
  session.console.showStatus(fmt::format("writing {}", path));
  if (Status status = write(session, save, path); !status)
    return status;
  session.console.print(fmt::format("saved {}", path));
  session.console.printJson(fmt::format("{{\"saved\":{}}}", json::dumpString(path)));
  return session.finish(step, {path});
}

} // namespace ftc::run
