//===- PeftDirectory.cpp - `load` of a PEFT directory -----------------------===//
//
// `load("adapter", base: base)` is `adapt` and `restore` as the folder's adapter_config.json says.
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "ftc/Elaborate/Peft.h"
#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/IO/Checkpoint.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;
using llvm::StringRef;

static std::string inFolder(StringRef folder, StringRef name) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

bool recipe_to_tune::isPeftDirectory(const std::string &path) {
  return llvm::sys::fs::exists(inFolder(path, "adapter_config.json")) &&
         !llvm::sys::fs::exists(inFolder(path, "config.json"));
}

/// The longest end of `name` that is a path below the recipe's folder; empty if there is none. Nothing above the folder
/// is looked at, whatever the name says.
static std::string findBeside(StringRef folder, StringRef name) {
  llvm::SmallVector<StringRef> parts;
  name.split(parts, '/', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (; !parts.empty(); parts.erase(parts.begin())) {
    bool within = llvm::none_of(parts, [](StringRef part) { return part == ".." || part == "."; });
    std::string path = llvm::join(parts, "/");
    if (within && llvm::sys::fs::exists(folder.empty() ? path : inFolder(folder, path)))
      return path;
  }
  return "";
}

/// The model that `base:` names, or that the configuration names and that lies beside the recipe. Null after errors.
const StepValue *Converter::baseOf(const StepCall &call, const runtime::json::Value &config, StringRef file) {
  if (call.option("base"))
    return stepOf(call.option("base"));
  const runtime::json::Value *named = config.find("base_model_name_or_path");
  const std::string *name = named ? named->asString() : nullptr;
  if (!name || name->empty()) {
    exitStatus = int(runtime::ExitStatus::Input);
    elaborator.diagnostics().report(Diag::UnreadablePeft, call.range(), file,
                                    "names no base model; give it with 'base:'");
    return nullptr;
  }
  std::string path = findBeside(folder, *name);
  if (path.empty()) {
    exitStatus = int(runtime::ExitStatus::Input);
    elaborator.diagnostics()
        .report(Diag::NoBaseModel, call.range(), StringRef(runtime::quote(*name)).drop_front().drop_back(), file)
        .help("nothing is fetched from a network: load the model and give it with 'base:'");
    return nullptr;
  }
  StepCall load(call.name + ".base", call);
  StepValue base = loadModel(load, path);
  return base.model ? &steps.insert_or_assign(load.name, std::move(base)).first->second : nullptr;
}

/// The tensors that the adapters need and no others, of the shapes that they have.
static std::optional<std::string> findMisfit(const runtime::SafetensorsFile &file,
                                             llvm::ArrayRef<PeftTensor> expected) {
  std::set<StringRef> wanted;
  for (const PeftTensor &tensor : expected) {
    wanted.insert(tensor.fileName);
    const runtime::StoredTensor *stored = file.find(tensor.fileName);
    std::string shape = runtime::shapeText(tensor.shape);
    if (!stored && !tensor.optional)
      return "lacks the tensor '" + tensor.fileName + "' " + shape;
    if (stored && !llvm::equal(stored->shape, tensor.shape))
      return "the tensor '" + tensor.fileName + "' has another shape than the configuration says, which is " + shape;
    if (stored && (!stored->format.element || !runtime::isFloat(*stored->format.element)))
      return "the tensor '" + tensor.fileName + "' holds " + std::string(stored->format.name) +
             ", expected real numbers";
  }
  for (const runtime::StoredTensor &stored : file.tensors())
    if (!wanted.count(stored.name))
      return "the tensor " + runtime::quote(stored.name) +
             " has no place in the adapters that the configuration describes";
  return std::nullopt;
}

StepValue Converter::loadPeft(const StepCall &call, StringRef path, const std::string &resolved) {
  auto refuse = [&](Diag code, const llvm::Twine &file, const llvm::Twine &problem) {
    exitStatus = int(runtime::ExitStatus::Input);
    elaborator.diagnostics().report(code, call.range(), file.str(), problem.str());
    return StepValue();
  };
  auto directory = runtime::AdapterDirectory::open(resolved);
  if (!directory)
    return refuse(Diag::UnreadableModel, directory.error().message, "");
  std::string file = inFolder(resolved, "adapter_config.json");
  const StepValue *base = baseOf(call, directory->config, file);
  if (!base)
    return {};
  StepCall adapt(call.name + ".adapt", call);
  StepValue adapted;
  adapted.model = *base->model;
  adapted.load = base->load;
  adapted.uses = {base->name};
  size_t firstGroup = adapted.model->groups().size();
  std::optional<std::vector<PeftTensor>> tensors;
  if (readPeft(elaborator, adapt.name, *adapted.model, {directory->config, file, call.range()}))
    tensors = peftTensors(elaborator, *adapted.model, firstGroup);
  if (!tensors) {
    exitStatus = int(runtime::ExitStatus::Input);
    return {};
  }
  if (auto misfit = findMisfit(directory->tensors, *tensors))
    return refuse(Diag::UnreadablePeft, directory->tensors.path(), *misfit);
  identities[adapt.name] = runtime::json::dump(directory->config);
  initialiseAdapters(adapt, adapted, firstGroup);
  const StepValue &start = steps.insert_or_assign(adapt.name, std::move(adapted)).first->second;
  llvm::erase_if(*tensors, [&](const PeftTensor &tensor) { return !directory->tensors.find(tensor.fileName); });
  return restored(call, start, path, *tensors);
}
