//===- PeftDirectory.cpp - `load` of a folder of adapters -------------------===//
//
// `load("adapter", base: base)` is `adapt` and `restore` as the folder's adapter_config.json says, or the adapter.json
// of one that brings its definitions.
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "ftc/Elaborate/Peft.h"
#include "ftc/Elaborate/SelfDescribed.h"
#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/IO/Checkpoint.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
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

bool recipe_to_tune::isAdapterDirectory(const std::string &path) {
  using runtime::AdapterDirectory;
  return (llvm::sys::fs::exists(inFolder(path, AdapterDirectory::peftDescription)) ||
          llvm::sys::fs::exists(inFolder(path, AdapterDirectory::selfDescription))) &&
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

/// No value, after a message about a file of the folder.
StepValue Converter::refuseFile(const StepCall &call, Diag code, StringRef file, StringRef problem) {
  exitStatus = int(runtime::ExitStatus::Input);
  elaborator.diagnostics().report(code, call.range(), file, problem);
  return {};
}

/// The model that `base:` names, or that the configuration names and that lies beside the recipe. Null after errors.
const StepValue *Converter::baseOf(const StepCall &call, const runtime::AdapterDirectory &directory) {
  if (call.option("base"))
    return stepOf(call.option("base"));
  const std::string &file = directory.configPath;
  const runtime::json::Value *named =
      directory.config.find(directory.selfDescribed ? "base_model" : "base_model_name_or_path");
  const std::string *name = named ? named->asString() : nullptr;
  if (!name || name->empty()) {
    refuseFile(call, Diag::UnreadablePeft, file, "names no base model; give it with 'base:'");
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

/// What is wrong with a tensor of the file, if anything.
static std::optional<std::string> misfitOf(const runtime::StoredTensor *stored, const PeftTensor &tensor) {
  std::string shape = runtime::shapeText(tensor.shape);
  if (!stored)
    return tensor.optional || tensor.own ? std::nullopt
                                         : std::optional("lacks the tensor '" + tensor.fileName + "' " + shape);
  if (!llvm::equal(stored->shape, tensor.shape))
    return "the tensor '" + tensor.fileName + "' has another shape than the configuration says, which is " + shape;
  auto element = stored->format.element;
  runtime::ElementType integer = tensor.type.value_or(runtime::ElementType::I32);
  if (!element || (tensor.integer ? *element != integer : !runtime::isFloat(*element)))
    return "the tensor '" + tensor.fileName + "' holds " + std::string(stored->format.name) + ", expected " +
           std::string(tensor.integer ? runtime::formatName(integer) : "real numbers");
  return std::nullopt;
}

/// The tensors that the adapters need and no others, of the shapes that they have.
static std::optional<std::string> findMisfit(const runtime::SafetensorsFile &file,
                                             llvm::ArrayRef<PeftTensor> expected) {
  std::set<StringRef> wanted;
  for (const PeftTensor &tensor : expected) {
    wanted.insert(tensor.fileName);
    if (auto misfit = misfitOf(file.find(tensor.fileName), tensor))
      return misfit;
  }
  for (const runtime::StoredTensor &stored : file.tensors())
    if (!wanted.count(stored.name))
      return "the tensor " + runtime::quote(stored.name) +
             " has no place in the adapters that the configuration describes";
  return std::nullopt;
}

/// What the `restore` step reads: PEFT's folder, or the file in one of our own.
static std::string tensorsPath(StringRef path, bool selfDescribed) {
  return selfDescribed ? inFolder(path, runtime::AdapterDirectory::selfTensors) : path.str();
}

/// Leaves out what need not be in the file and is not. Where it has one of the base model's own, as PEFT writes those
/// of adapted embeddings, that stands in the model's place.
void Converter::takeFromFile(const StepCall &call, AdaptedModel &model, const runtime::SafetensorsFile *file,
                             std::vector<PeftTensor> &tensors) {
  llvm::erase_if(tensors, [&](const PeftTensor &tensor) {
    return (tensor.optional || tensor.own) && (!file || !file->find(tensor.fileName));
  });
  for (PeftTensor &tensor : tensors)
    if (tensor.own) {
      tensor.symbol = call.name + "." + tensor.own->name;
      elaborator.tensors().declareReal(tensor.symbol, tune::Kind::frozen, sizesOf(tensor.own->dims));
      model.replace(*tensor.own, tensor.symbol);
    }
}

/// Adds the adapters that a folder describes to a model; their tensors as the folder has them, or nothing after errors.
std::optional<std::vector<PeftTensor>> Converter::readDirectory(const StepCall &adapt, StringRef path,
                                                                const runtime::AdapterDirectory &directory,
                                                                AdaptedModel &model) {
  size_t firstGroup = model.groups().size();
  PeftSource source{directory.config, directory.configPath, adapt.range(), nullptr};
  std::optional<std::vector<PeftTensor>> tensors;
  if (!directory.selfDescribed) {
    StoredShapes shapes;
    for (const runtime::StoredTensor &stored : directory.tensors.tensors())
      shapes[stored.name].assign(stored.shape.begin(), stored.shape.end());
    source.stored = std::make_shared<StoredShapes>(std::move(shapes));
    if (readPeft(elaborator, adapt.name, model, source))
      tensors = peftTensors(elaborator, model, firstGroup);
  } else if (readAdapters(elaborator, adapt.name, model, source,
                          llvm::sys::path::parent_path(directory.configPath).str())) {
    tensors = namedTensors(model, firstGroup);
  }
  for (const auto &group : llvm::drop_begin(model.groups(), firstGroup))
    group->folder = path.str();
  return tensors;
}

/// What is found anew of statistics of a data set, which the folder does not hold.
static std::optional<std::string> findLostStatistic(const AdaptedModel &model, size_t firstGroup) {
  for (const auto &group : llvm::drop_begin(model.groups(), firstGroup))
    for (const auto &instance : group->instances)
      for (const Calibration &calibration : instance->calibrations) {
        auto isRead = [&](llvm::ArrayRef<std::string> reads) { return llvm::is_contained(reads, calibration.sum); };
        auto let = llvm::find_if(instance->lets, [&](const KeptLet &let) { return isRead(let.reads); });
        bool isRebased = isRead(instance->rebaseReads);
        if (isRebased || let != instance->lets.end())
          return llvm::formatv("'{0}' of the adapter '{1}' is made of statistics of a data set, which the folder does "
                               "not hold: 'restore' it onto an 'adapt', or save the merged model",
                               isRebased ? instance->rebased.front()->parameter : StringRef(let->name),
                               instance->definition->name.text)
              .str();
      }
  return std::nullopt;
}

/// A `let` that is made of what a tensor begins as that changes, which the folder does not hold: it has what the tensor
/// is now.
static std::optional<std::string> findLostLet(const AdaptedModel &model, llvm::ArrayRef<PeftTensor> restored) {
  for (const AdapterInstance *instance : model.instances())
    for (const KeptLet &let : instance->lets)
      for (const PeftTensor &tensor : restored)
        if (llvm::is_contained(let.reads, tensor.symbol) &&
            (!model.tensorOf(tensor.symbol)->stays || !instance->rebased.empty()))
          return llvm::formatv("'{0}' of the adapter '{1}' is made once, of what '{2}' begins as, and the folder holds "
                               "what it is now: 'restore' it onto an 'adapt'",
                               let.name, instance->definition->name.text, StringRef(tensor.symbol).rsplit('.').second)
              .str();
  return std::nullopt;
}

StepValue Converter::loadAdapters(const StepCall &call, StringRef path, const std::string &resolved) {
  auto directory = runtime::AdapterDirectory::open(resolved);
  if (!directory)
    return refuseFile(call, Diag::UnreadableModel, directory.error().message, "");
  const StepValue *base = baseOf(call, *directory);
  if (!base)
    return {};
  StepCall adapt(call.name + ".adapt", call);
  StepValue adapted;
  adapted.model = *base->model;
  adapted.load = base->load;
  adapted.uses = {base->name};
  size_t firstGroup = adapted.model->groups().size();
  auto tensors = readDirectory(adapt, path, *directory, *adapted.model);
  if (!tensors) {
    exitStatus = int(runtime::ExitStatus::Input);
    return {};
  }
  if (auto misfit = findMisfit(directory->tensors, *tensors))
    return refuseFile(call, Diag::UnreadablePeft, directory->tensors.path(), *misfit);
  identities[adapt.name] = runtime::json::dump(directory->config);
  initialiseAdapters(adapt, adapted, firstGroup);
  auto lost = findLostStatistic(*adapted.model, firstGroup);
  if (lost || (lost = findLostLet(*adapted.model, *tensors)))
    return refuseFile(call, Diag::UnreadablePeft, directory->configPath, *lost);
  const StepValue &start = steps.insert_or_assign(adapt.name, std::move(adapted)).first->second;
  StepValue filled = start;
  takeFromFile(call, *filled.model, &directory->tensors, *tensors);
  return restored(call, filled, tensorsPath(path, directory->selfDescribed), *tensors);
}

/// A tensor of PEFT's folder that others make here, of which the folder knows nothing.
static std::optional<std::string> findFolded(const AdaptedModel &model, llvm::ArrayRef<PeftTensor> restored) {
  for (const auto &group : model.groups())
    for (const auto &tensor : group->tensors)
      if (tensor->folded && llvm::any_of(restored, [&](const auto &other) { return other.symbol == tensor->symbol; }))
        return llvm::formatv("holds '{0}' of the adapter '{1}', but not what it is made of: 'load' it",
                             tensor->parameter, tensor->instance->definition->name.text)
            .str();
  return std::nullopt;
}

/// `restore(model, "adapter")`: the folder need not be there yet when compiling, if it holds nothing optional.
StepValue Converter::restoreAdapters(const StepCall &call, const StepValue &base, StringRef path) {
  auto directory = runtime::AdapterDirectory::open(resolve(path));
  if (directory ? directory->selfDescribed : !hasPeftForm(elaborator, *base.model, {}))
    return restored(call, base, tensorsPath(path, true), namedTensors(*base.model));
  if (StringRef part = foundAnew(elaborator, *base.model); !part.empty())
    return refuseFile(call, Diag::UnreadablePeft, path,
                      llvm::formatv("lacks '{0}', of which the rest is made", part).str());
  auto tensors = peftTensors(elaborator, *base.model);
  if (!tensors)
    return {};
  if (auto folded = findFolded(*base.model, *tensors))
    return refuseFile(call, Diag::UnreadablePeft, path, *folded);
  StepValue filled = base;
  takeFromFile(call, *filled.model, directory ? &directory->tensors : nullptr, *tensors);
  return restored(call, filled, path, *tensors);
}
