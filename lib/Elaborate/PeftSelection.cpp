//===- PeftSelection.cpp - how PEFT chooses modules ------------------------===//

#include "PeftSelection.h"

#include "PeftClause.h"

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;
using runtime::Expected;
using runtime::Status;
using runtime::text::Pattern;
namespace json = ftc::runtime::json;

static runtime::Error malformed(const llvm::Twine &problem) {
  return runtime::makeError(runtime::ExitStatus::Input, "{}", problem.str());
}

static std::string kindOf(const json::Value &value) { return std::string(value.kind()); }

const json::Value *elaborate::findKey(const json::Value &config, StringRef key) {
  const json::Value *value = config.find({key.data(), key.size()});
  return value && !value->isNull() ? value : nullptr;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static Expected<bool> isFound(const Pattern &pattern, StringRef path) {
  std::vector<runtime::text::Range> found;
  if (Status status = pattern.findAll({path.data(), path.size()}, found); !status)
    return status.error();
  return !found.empty();
}

Expected<ModuleNames> ModuleNames::read(StringRef key, const json::Value &value) {
  ModuleNames result;
  if (const std::string *text = value.asString()) {
    auto pattern = Pattern::regex("\\A(?:" + *text + ")\\z");
    if (!pattern)
      return pattern.error();
    result.pattern = std::move(*pattern);
    return result;
  }
  const json::Array *array = value.asArray();
  if (!array)
    return malformed("'" + key + "': expected a list of names or a pattern, got " + kindOf(value));
  for (const json::Value &name : *array) {
    if (!name.asString())
      return malformed("'" + key + "': expected names of modules, got " + kindOf(name));
    result.names.push_back(*name.asString());
  }
  return result;
}

Expected<bool> ModuleNames::match(StringRef path) const {
  if (pattern)
    return isFound(*pattern, path);
  return llvm::any_of(names, [&](const std::string &name) { return path == name || path.ends_with("." + name); });
}

json::Array ModuleNames::shortest(const Model &model, const std::set<std::string> &paths) {
  std::set<std::string> names;
  auto selectsOthers = [&](StringRef name) {
    return llvm::any_of(model.modules(), [&](const ModuleInstance *module) {
      StringRef path = module->path;
      return (path == name || path.ends_with(("." + name).str())) && !paths.count(module->path);
    });
  };
  for (StringRef path : paths) {
    size_t dot = path.rfind('.');
    while (dot != StringRef::npos && selectsOthers(path.drop_front(dot + 1)))
      dot = path.rfind('.', dot);
    names.insert((dot == StringRef::npos ? path : path.drop_front(dot + 1)).str());
  }
  json::Array array;
  for (const std::string &name : names)
    array.push_back(name);
  return array;
}

Expected<PathPatterns> PathPatterns::read(StringRef key, const json::Value &value) {
  PathPatterns result;
  if (!value.asObject())
    return malformed("'" + key + "': expected values by patterns of module names, got " + kindOf(value));
  for (const json::Member &member : *value.asObject()) {
    auto pattern = Pattern::regex("\\A(?:.*\\.)?(?:" + member.key + ")\\z");
    if (!pattern)
      return malformed("'" + key + "': " + pattern.error().message);
    result.patterns.push_back({std::move(*pattern), member.value});
  }
  return result;
}

Expected<const json::Value *> PathPatterns::find(StringRef path) const {
  for (const auto &[pattern, value] : patterns) {
    auto found = isFound(pattern, path);
    if (!found)
      return found.error();
    if (*found)
      return &value;
  }
  return static_cast<const json::Value *>(nullptr);
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

/// `layers_to_transform`, a number or several, and `layers_pattern`, the name of the list that they count, or several.
Status PeftSelection::readLayers(const json::Value &config) {
  auto elements = [&](StringRef key) {
    const json::Value *value = findKey(config, key);
    return !value ? json::Array() : value->asArray() ? *value->asArray() : json::Array{*value};
  };
  for (const json::Value &layer : elements("layers_to_transform")) {
    if (!layer.asInteger())
      return malformed("'layers_to_transform': expected numbers of layers, got " + kindOf(layer));
    layers.insert(*layer.asInteger());
  }
  for (const json::Value &list : elements("layers_pattern")) {
    if (!list.asString())
      return malformed("'layers_pattern': expected names of lists of layers, got " + kindOf(list));
    if (!list.asString()->empty())
      layerLists.push_back(*list.asString());
  }
  return Status::success();
}

/// The number of the layer that a module is in; -1 if it is in none.
int64_t PeftSelection::layerOf(const ModuleInstance &module) const {
  if (layerLists.empty())
    return module.layer();
  llvm::SmallVector<StringRef> parts;
  StringRef(module.path).split(parts, '.');
  int64_t number;
  for (auto [list, index] : llvm::zip(parts, llvm::drop_begin(parts)))
    if (llvm::is_contained(layerLists, list) && !index.getAsInteger(10, number))
      return number;
  return -1;
}

Expected<PeftSelection> PeftSelection::read(const json::Value &config) {
  PeftSelection result;
  if (Status status = result.readLayers(config); !status)
    return status.error();
  const json::Value *target = findKey(config, "target_modules");
  result.innerOnly = target && isSame(*target, "all-linear");
  for (auto [key, names] :
       {std::pair(StringRef("target_modules"), &result.targets), {"exclude_modules", &result.excluded}}) {
    const json::Value *value = findKey(config, key);
    if (!value || (names == &result.targets && result.innerOnly))
      continue;
    auto found = ModuleNames::read(key, *value);
    if (!found)
      return found.error();
    *names = std::move(*found);
  }
  return result;
}

Expected<bool> PeftSelection::finds(const Model &model, const ModuleInstance &module, bool stands) const {
  if (&module == &model.root() || module.absent || (!layers.empty() && !layers.count(layerOf(module))))
    return false;
  if (excluded)
    if (auto out = excluded->match(module.path); !out || *out)
      return out ? Expected<bool>(false) : out;
  if (targets)
    return targets->match(module.path);
  return stands && !(innerOnly && (module.parent == &model.root() || module.kind != "linear"));
}
