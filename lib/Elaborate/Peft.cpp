//===- Peft.cpp - adapters as PEFT configurations --------------------------===//

#include "ftc/Elaborate/Peft.h"

#include "PeftPlan.h"
#include "PeftSelection.h"

#include "ftc/Elaborate/Json.h"

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;
namespace json = ftc::runtime::json;

namespace {
/// Writes the configuration of one model's adapters.
class PeftWriter {
public:
  PeftWriter(Elaborator &elaborator, const AdaptedModel &model, const PeftPlan &plan, llvm::SMRange at)
      : elaborator(elaborator), evaluator(elaborator), model(model), plan(plan), at(at) {}

  std::optional<json::Object> write(StringRef basePath);

private:
  void set(StringRef key, json::Value value);
  json::Value directoriesBelow(const AdapterGroup &line);
  void addKeys(llvm::ArrayRef<PeftPlan::Placed> adapters);
  bool addJoined();
  std::optional<json::Value> trainedTensors(const PeftPlan::Placed &adapter);
  std::optional<json::Value> valueOf(StringRef name, llvm::ArrayRef<PeftPlan::Placed> adapters);

  Elaborator &elaborator;
  Evaluator evaluator;
  const AdaptedModel &model;
  const PeftPlan &plan;
  llvm::SMRange at;
  json::Object config;
};
} // namespace

void PeftWriter::set(StringRef key, json::Value value) {
  llvm::erase_if(config, [&](const json::Member &member) { return member.key == key; });
  config.push_back({key.str(), std::move(value)});
}

/// The value that most sites have, the first of equals.
static const json::Value &commonest(const std::vector<json::Value> &values) {
  const json::Value *best = &values.front();
  ptrdiff_t most = 0;
  for (const json::Value &value : values)
    if (ptrdiff_t count = llvm::count(values, value); count > most) {
      most = count;
      best = &value;
    }
  return *best;
}

static std::set<std::string> pathsOf(llvm::ArrayRef<PeftPlan::Placed> adapters) {
  std::set<std::string> paths;
  for (const PeftPlan::Placed &placed : adapters)
    paths.insert(placed.instance->site->path);
  return paths;
}

/// By their numbers the directories that the lines below were read from; of others the number stands for it.
json::Value PeftWriter::directoriesBelow(const AdapterGroup &line) {
  json::Object directories;
  for (auto [number, below] : llvm::enumerate(model.linesBelow(line))) {
    std::string name = std::to_string(number);
    directories.push_back({name, below->folder.empty() ? name : below->folder});
  }
  return json::Value(std::move(directories));
}

/// What a key is, given what it means at each of the adapters that have it; nothing if it is not written.
std::optional<json::Value> PeftWriter::valueOf(StringRef name, llvm::ArrayRef<PeftPlan::Placed> adapters) {
  std::vector<json::Value> values;
  std::vector<const AdapterInstance *> instances;
  auto form = PeftKey::Form::Nothing;
  for (const PeftPlan::Placed &placed : adapters)
    if (const PeftKey *key = placed.clause->key(name); key && key->form != PeftKey::Form::Nothing) {
      values.push_back(writtenNumber(toJson(evaluator.eval(*key->value, *placed.instance->scope))));
      instances.push_back(placed.instance);
      form = key->form;
    }
  if (values.empty())
    return std::nullopt;
  if (form == PeftKey::Form::Counts)
    return json::Value();
  if (form == PeftKey::Form::Below)
    return directoriesBelow(*instances.front()->group);
  if (form != PeftKey::Form::PerSite && form != PeftKey::Form::SitesWhere)
    return commonest(values);
  json::Object differing;
  std::set<std::string> holding;
  for (auto [instance, value] : llvm::zip_equal(instances, values)) {
    if (!(value == commonest(values)))
      differing.push_back({instance->site->path, value});
    if (value.asBool().value_or(false))
      holding.insert(instance->site->path);
  }
  return form == PeftKey::Form::PerSite ? json::Value(std::move(differing))
                                        : json::Value(ModuleNames::shortest(model.model(), holding));
}

void PeftWriter::addKeys(llvm::ArrayRef<PeftPlan::Placed> adapters) {
  for (const PeftPlan::Placed &placed : adapters)
    for (const PeftKey &key : placed.clause->keys)
      if (llvm::none_of(config, [&](const json::Member &member) { return member.key == key.name; }))
        if (auto value = valueOf(key.name, adapters))
          set(key.name, std::move(*value));
}

/// `tensors("T")` of one of the adapters that train tensors T in place; nothing after errors.
std::optional<json::Value> PeftWriter::trainedTensors(const PeftPlan::Placed &adapter) {
  std::set<StringRef> trained, all, ofSites;
  std::set<std::string> sites = pathsOf(plan.own());
  StringRef name = adapter.clause->tensorName();
  for (const PeftPlan::Placed &other : plan.joining())
    if (other.clause == adapter.clause)
      trained.insert(other.instance->siteTensor->name);
  for (const ModelTensor *tensor : model.model().tensors())
    if (StringRef(tensor->name).rsplit('.').second == name) {
      all.insert(tensor->name);
      if (sites.count(tensor->owner->path))
        ofSites.insert(tensor->name);
    }
  if (trained == all)
    return json::Value("all");
  if (trained == ofSites)
    return json::Value(plan.type().lower() + "_only");
  elaborator.diagnostics()
      .report(Diag::PeftTrainsOthers, at, name, adapter.instance->definition->name.text)
      .note(adapter.instance->group->range, "trained here")
      .help("select the '" + name + "' of every module (`**." + name + "`) or of those with adapters, or save 'as " +
            "safetensors'");
  return std::nullopt;
}

/// Keys of the adapters that join the others; the method must have them.
bool PeftWriter::addJoined() {
  std::vector<PeftPlan::Placed> joining = plan.joining();
  for (const PeftPlan::Placed &placed : joining)
    for (const PeftKey &key : placed.clause->keys) {
      if (llvm::none_of(config, [&](const json::Member &member) { return member.key == key.name; })) {
        elaborator.diagnostics()
            .report(Diag::PeftCannotJoin, at, placed.instance->definition->name.text, plan.type(), key.name)
            .note(placed.instance->group->range, "used here");
        return false;
      }
      if (key.form == PeftKey::Form::Tensors) {
        auto value = trainedTensors(placed);
        if (!value)
          return false;
        set(key.name, std::move(*value));
        continue;
      }
      std::vector<PeftPlan::Placed> same = joining;
      llvm::erase_if(same, [&](const auto &other) { return other.clause != placed.clause; });
      if (auto value = valueOf(key.name, same))
        set(key.name, std::move(*value));
    }
  return true;
}

std::optional<json::Object> PeftWriter::write(StringRef basePath) {
  std::vector<PeftPlan::Placed> own = plan.own();
  addKeys(own);
  if (!addJoined())
    return std::nullopt;
  if (llvm::any_of(own, [](const PeftPlan::Placed &placed) { return placed.clause->isUnderSites(); }))
    set("target_modules", ModuleNames::shortest(model.model(), pathsOf(own)));
  // Adapters that were read and are still the only ones can be said as they were.
  if (const json::Value *origin = model.origin())
    for (json::Member &member : config)
      if (const json::Value *read = origin->find(member.key))
        member.value = *read;
  set("peft_type", plan.type().str());
  set("base_model_name_or_path", basePath.empty() ? json::Value() : json::Value(basePath.str()));
  llvm::sort(config, [](const json::Member &a, const json::Member &b) { return a.key < b.key; });
  return std::move(config);
}

bool elaborate::standsOnOthers(Elaborator &elaborator, const AdaptedModel &model) {
  return llvm::any_of(PeftPlan(elaborator, model, /*firstGroup=*/0).own(),
                      [](const PeftPlan::Placed &placed) { return placed.clause->standsOnOthers(); });
}

StringRef elaborate::foundAnew(Elaborator &elaborator, const AdaptedModel &model) {
  return PeftPlan(elaborator, model, /*firstGroup=*/0).partFoundAnew();
}

bool elaborate::hasPeftForm(Elaborator &elaborator, const AdaptedModel &model, llvm::SMRange at, size_t firstGroup) {
  return PeftPlan(elaborator, model, firstGroup).fits(at);
}

std::optional<PeftAdapter> elaborate::writePeft(Elaborator &elaborator, const AdaptedModel &model, StringRef basePath,
                                                llvm::SMRange at) {
  PeftPlan plan(elaborator, model, /*firstGroup=*/0);
  auto config = PeftWriter(elaborator, model, plan, at).write(basePath);
  auto tensors = plan.tensors();
  if (!config || !tensors)
    return std::nullopt;
  std::set<StringRef> names;
  for (const PeftTensor &tensor : *tensors)
    if (tensor.given && !model.isRead(tensor.symbol)) {
      const AdapterTensor &made = *model.tensorOf(tensor.symbol);
      elaborator.diagnostics()
          .report(Diag::PeftMakesItself, at, made.parameter, made.instance->definition->name.text)
          .note(made.instance->group->range, "put on here")
          .help("let PEFT save the adapter as it begins, and 'load' that; or save the merged model");
      return std::nullopt;
    }
  for (const PeftTensor &tensor : *tensors)
    if (!tensor.part && !tensor.optional && !names.insert(tensor.fileName).second) {
      elaborator.diagnostics().report(Diag::PeftNameTwice, at, tensor.fileName);
      return std::nullopt;
    }
  return PeftAdapter{json::dump(*config, 2) + "\n", std::move(*tensors)};
}
