//===- PeftReader.cpp - adapters from PEFT configurations -------------------===//
//
// A `peft` clause read backwards: an adapter_config.json chooses a definition, its parameters and its sites. Patterns
// of module names mean what they mean in PEFT (peft/tuners/tuners_utils.py).
//
//===----------------------------------------------------------------------===//

#include "ftc/Elaborate/Peft.h"

#include "AdapterBuilder.h"

#include "ftc/Elaborate/Json.h"
#include "ftc/Runtime/Text/Pattern.h"

#include <set>

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;
using runtime::Expected;
using runtime::text::Pattern;
namespace json = ftc::runtime::json;

/// What PEFT writes for every method. The value is a matter of its own, or none of ours.
static constexpr StringRef commonKeys[] = {"auto_mapping",
                                           "base_model_name_or_path",
                                           "bias",
                                           "inference_mode",
                                           "exclude_modules",
                                           "layers_to_transform",
                                           "layers_pattern",
                                           "modules_to_save",
                                           "peft_type",
                                           "peft_version",
                                           "revision",
                                           "target_modules",
                                           "task_type"};

/// Absent, or a value by which PEFT says that something is not used.
static bool isBlank(const json::Value *value) {
  if (!value || value->isNull() || value->asBool() == false || value->asNumber() == 0.0)
    return true;
  if (const std::string *text = value->asString())
    return text->empty();
  if (const json::Array *array = value->asArray())
    return array->empty();
  const json::Object *object = value->asObject();
  return object && object->empty();
}

static bool isSame(const json::Value &a, const json::Value &b) {
  auto x = a.asNumber(), y = b.asNumber();
  return x && y ? *x == *y : a == b;
}

/// Whether an expression is a constant as clauses have them: a number, a string, `true`, `false`, `none`, a list.
static bool isConstant(const ast::Expr &expr) {
  if (const auto *name = llvm::dyn_cast<ast::NameExpr>(&expr))
    return name->name == "true" || name->name == "false" || name->name == "none";
  if (const auto *list = llvm::dyn_cast<ast::ListExpr>(&expr))
    return llvm::all_of(list->values, [](const ast::ExprPtr &value) { return isConstant(*value); });
  if (const auto *unary = llvm::dyn_cast<ast::UnaryExpr>(&expr))
    return isConstant(*unary->operand);
  return llvm::isa<ast::IntegerExpr, ast::NumberExpr, ast::StringExpr>(&expr);
}

/// A text of the file as messages show it, without quotes.
static std::string shown(StringRef text) {
  return StringRef(runtime::quote({text.data(), text.size()})).drop_front().drop_back().str();
}

/// The name that an expression is; empty if it is none.
static StringRef nameOf(const ast::Expr &expr) {
  const auto *name = llvm::dyn_cast<ast::NameExpr>(&expr);
  return name ? StringRef(name->name) : StringRef();
}

/// The argument of `callee(name)`; empty if the expression is something else.
static StringRef argumentOf(const ast::Expr &expr, StringRef callee) {
  const auto *call = llvm::dyn_cast<ast::CallExpr>(&expr);
  if (!call || nameOf(*call->callee) != callee || call->arguments.size() != 1)
    return "";
  return nameOf(*call->arguments.front().value);
}

namespace {
/// Names of modules: a list, of which a path is one or ends with one, or a regular expression for whole paths.
class ModuleNames {
public:
  static Expected<ModuleNames> read(StringRef key, const json::Value &value);
  Expected<bool> match(StringRef path) const;

private:
  std::vector<std::string> names;
  std::optional<Pattern> pattern;
};

/// `key: per_site(parameter)`: values of the parameter by patterns of paths, the first that matches deciding.
struct SitePatterns {
  StringRef parameter;
  std::vector<std::pair<Pattern, json::Value>> patterns;
};

/// `key: sites_where(parameter)`: the parameter is true on these sites.
struct SiteNames {
  StringRef parameter;
  ModuleNames names;
};

/// Reads one configuration.
class PeftReader {
public:
  PeftReader(Elaborator &elaborator, AdapterBuilder &builder, AdaptedModel &model, const PeftSource &source)
      : elaborator(elaborator), builder(builder), model(model), source(source) {}

  bool read();

private:
  bool chooseDefinitions();
  std::optional<unsigned> countConstants(const ast::FilesItem &clause);
  bool readKeys();
  bool readKey(StringRef key, const ast::Expr &meaning);
  bool bindParameter(StringRef key, StringRef parameter);
  bool readPatterns(StringRef key, StringRef parameter);
  bool readTargets();
  bool addSites();
  bool readLayers();
  int64_t layerOf(const ModuleInstance &module) const;
  Expected<bool> isTarget(const ModuleInstance &module) const;
  Expected<json::Object> argumentsAt(StringRef path) const;
  bool stands(const ModuleInstance &module) const;
  bool checkComputed(size_t firstGroup);
  void warnAboutUnread();

  /// The value of a key; null if it is absent or null.
  const json::Value *find(StringRef key) const {
    const json::Value *value = source.config.find({key.data(), key.size()});
    return value && !value->isNull() ? value : nullptr;
  }
  bool fail(const llvm::Twine &problem) {
    elaborator.diagnostics().report(Diag::UnreadablePeft, source.at, source.file, problem.str());
    return false;
  }

  Elaborator &elaborator;
  AdapterBuilder &builder;
  AdaptedModel &model;
  const PeftSource &source;
  std::vector<const ast::Definition *> definitions; ///< of one name, for several kinds of site
  const ast::Definition *definition = nullptr;      ///< the one whose clause is read
  const ast::FilesItem *clause = nullptr;
  json::Object parameters; ///< the same for all sites
  std::vector<SitePatterns> sitePatterns;
  std::vector<SiteNames> siteNames;
  std::vector<const ast::FilesItem::Key *> computed; ///< keys that can only be compared
  std::optional<ModuleNames> targets, excluded;      ///< no targets: every site of the definition's kinds
  bool innerOnly = false;                            ///< modules right below the model are no targets
  std::set<int64_t> layers;                          ///< if any: the only ones
  std::vector<std::string> layerLists;               ///< whose numbers these are; none: the outermost list's
};
} // namespace

//===----------------------------------------------------------------------===//
// Names and patterns
//===----------------------------------------------------------------------===//

static Expected<bool> finds(const Pattern &pattern, StringRef path) {
  std::vector<runtime::text::Range> found;
  if (runtime::Status status = pattern.findAll({path.data(), path.size()}, found); !status)
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
  if (const json::Array *array = value.asArray())
    for (const json::Value &name : *array) {
      if (!name.asString())
        return runtime::makeError(runtime::ExitStatus::Input, "'{}': expected names of modules, got {}", key.str(),
                                  name.kind());
      result.names.push_back(*name.asString());
    }
  else
    return runtime::makeError(runtime::ExitStatus::Input, "'{}': expected a list of names or a pattern, got {}",
                              key.str(), value.kind());
  return result;
}

Expected<bool> ModuleNames::match(StringRef path) const {
  if (pattern)
    return finds(*pattern, path);
  return llvm::any_of(names, [&](const std::string &name) { return path == name || path.ends_with("." + name); });
}

//===----------------------------------------------------------------------===//
// Which definition
//===----------------------------------------------------------------------===//

/// How many of the clause's constants the configuration confirms; nothing if it contradicts one. A key that is not
/// there agrees with a constant that says that something is not used.
std::optional<unsigned> PeftReader::countConstants(const ast::FilesItem &clause) {
  unsigned count = 0;
  for (const ast::FilesItem::Key &key : clause.keys) {
    if (!isConstant(*key.value))
      continue;
    json::Value wanted = toJson(Evaluator(elaborator).eval(*key.value, elaborator.globals()));
    const json::Value *found = find(key.name.text);
    if (found ? !isSame(*found, wanted) : !isBlank(&wanted))
      return std::nullopt;
    ++count;
  }
  return count;
}

/// The definition whose clause has the configuration's type and agrees with it in the most constants.
bool PeftReader::chooseDefinitions() {
  const json::Value *type = find("peft_type");
  if (!type || !type->asString())
    return fail("lacks the string 'peft_type'");
  unsigned most = 0;
  std::vector<StringRef> types;
  DefinitionLibrary &library = elaborator.library();
  for (StringRef name : library.names(ast::DefinitionKind::Adapter)) {
    auto overloads = library.findAll(ast::DefinitionKind::Adapter, name);
    for (const ast::Definition *candidate : overloads) {
      const ast::FilesItem *own = peftClause(*candidate);
      if (!own)
        continue;
      types.push_back(own->type.text);
      std::optional<unsigned> count = own->type.text == *type->asString() ? countConstants(*own) : std::nullopt;
      if (!count || (clause && *count <= most))
        continue;
      definitions = overloads;
      definition = candidate;
      clause = own;
      most = *count;
    }
  }
  if (!clause)
    elaborator.diagnostics()
        .report(Diag::UnknownPeftMethod, source.at, source.file, shown(*type->asString()))
        .nearest(*type->asString(), types);
  return clause != nullptr;
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// `key: parameter`. Where the key is absent the parameter's default holds if it says that something is not used; any
/// other default would be a guess.
bool PeftReader::bindParameter(StringRef key, StringRef parameter) {
  if (const json::Value *value = find(key)) {
    parameters.push_back({parameter.str(), *value});
    return true;
  }
  for (const ast::Parameter &declared : definition->parameters)
    if (declared.name.text == parameter && declared.defaultValue && isConstant(*declared.defaultValue)) {
      json::Value value = toJson(Evaluator(elaborator).eval(*declared.defaultValue, elaborator.globals()));
      if (isBlank(&value))
        return true;
    }
  return fail("lacks the key '" + key + "'");
}

bool PeftReader::readPatterns(StringRef key, StringRef parameter) {
  const json::Value *value = find(key);
  if (!value)
    return true;
  if (!value->asObject())
    return fail("'" + key + "': expected values by patterns of module names, got " + value->kind());
  SitePatterns &result = sitePatterns.emplace_back();
  result.parameter = parameter;
  for (const json::Member &member : *value->asObject()) {
    auto pattern = Pattern::regex("\\A(?:.*\\.)?(?:" + member.key + ")\\z");
    if (!pattern)
      return fail("'" + key + "': " + pattern.error().message);
    result.patterns.push_back({std::move(*pattern), member.value});
  }
  return true;
}

bool PeftReader::readKey(StringRef key, const ast::Expr &meaning) {
  auto isParameter = [&](StringRef name) {
    return llvm::any_of(definition->parameters,
                        [&](const ast::Parameter &parameter) { return parameter.name.text == name; });
  };
  if (nameOf(meaning) == "_" || isConstant(meaning))
    return true;
  if (StringRef name = nameOf(meaning); isParameter(name))
    return bindParameter(key, name);
  if (StringRef name = argumentOf(meaning, "per_site"); isParameter(name))
    return readPatterns(key, name);
  if (StringRef name = argumentOf(meaning, "sites_where"); isParameter(name)) {
    const json::Value *value = find(key);
    auto names = ModuleNames::read(key, value ? *value : json::Value(json::Array()));
    if (!names)
      return fail(names.error().message);
    siteNames.push_back({name, std::move(*names)});
  }
  return true;
}

bool PeftReader::readKeys() {
  for (const ast::FilesItem::Key &key : clause->keys) {
    const ast::Expr &meaning = *key.value;
    if (!readKey(key.name.text, meaning))
      return false;
    bool read = nameOf(meaning) == "_" || isConstant(meaning) || !argumentOf(meaning, "per_site").empty() ||
                !argumentOf(meaning, "sites_where").empty() ||
                llvm::any_of(definition->parameters,
                             [&](const ast::Parameter &known) { return known.name.text == nameOf(meaning); });
    if (!read)
      computed.push_back(&key);
  }
  return true;
}

/// `layers_to_transform`, a number or several, and `layers_pattern`, the name of the list that they count, or several.
bool PeftReader::readLayers() {
  auto elements = [&](StringRef key) {
    const json::Value *value = find(key);
    return !value ? json::Array() : value->asArray() ? *value->asArray() : json::Array{*value};
  };
  for (const json::Value &layer : elements("layers_to_transform")) {
    if (!layer.asInteger())
      return fail("'layers_to_transform': expected numbers of layers, got " + llvm::Twine(layer.kind()));
    layers.insert(*layer.asInteger());
  }
  for (const json::Value &list : elements("layers_pattern")) {
    if (!list.asString())
      return fail("'layers_pattern': expected names of lists of layers, got " + llvm::Twine(list.kind()));
    if (!list.asString()->empty())
      layerLists.push_back(*list.asString());
  }
  return true;
}

/// The number of the layer that a module is in; -1 if it is in none.
int64_t PeftReader::layerOf(const ModuleInstance &module) const {
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

/// The keys by which PEFT chooses modules, and those by which it trains something beside the adapter.
bool PeftReader::readTargets() {
  if (const json::Value *bias = find("bias"); bias && !isSame(*bias, "none"))
    return fail("'bias': expected \"none\", trained biases are not read");
  if (const json::Value *saved = find("modules_to_save"); !isBlank(saved))
    return fail("'modules_to_save': modules that are trained whole are not read");
  if (!readLayers())
    return false;
  const json::Value *target = find("target_modules");
  innerOnly = target && isSame(*target, "all-linear");
  for (auto [key, names] : {std::pair(StringRef("target_modules"), &targets), {"exclude_modules", &excluded}}) {
    const json::Value *value = find(key);
    if (!value || (names == &targets && innerOnly))
      continue;
    auto found = ModuleNames::read(key, *value);
    if (!found)
      return fail(found.error().message);
    *names = std::move(*found);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Sites
//===----------------------------------------------------------------------===//

/// Whether one of the definitions is for such a module.
bool PeftReader::stands(const ModuleInstance &module) const {
  const ModuleInstance &root = model.model().root();
  bool trunk = module.parent == &root && module.path == root.trunk;
  return llvm::any_of(definitions, [&](const ast::Definition *candidate) {
    StringRef kind = candidate->site ? StringRef(candidate->site->name.text) : StringRef();
    return kind == module.kind || kind == "module" || (trunk && kind == "model");
  });
}

Expected<bool> PeftReader::isTarget(const ModuleInstance &module) const {
  if (&module == &model.model().root() || module.absent || (!layers.empty() && !layers.count(layerOf(module))))
    return false;
  if (excluded)
    if (auto out = excluded->match(module.path); !out || *out)
      return out ? Expected<bool>(false) : out;
  if (targets)
    return targets->match(module.path);
  return stands(module) && !(innerOnly && module.parent == &model.model().root());
}

Expected<json::Object> PeftReader::argumentsAt(StringRef path) const {
  json::Object arguments = parameters;
  auto set = [&](StringRef parameter, json::Value value) {
    llvm::erase_if(arguments, [&](const json::Member &member) { return member.key == parameter; });
    arguments.push_back({parameter.str(), std::move(value)});
  };
  for (const SitePatterns &given : sitePatterns)
    for (const auto &[pattern, value] : given.patterns) {
      auto found = finds(pattern, path);
      if (!found)
        return found.error();
      if (!*found)
        continue;
      set(given.parameter, value);
      break;
    }
  for (const SiteNames &given : siteNames) {
    auto found = given.names.match(path);
    if (!found)
      return found.error();
    set(given.parameter, *found);
  }
  return arguments;
}

/// One group for each set of arguments.
bool PeftReader::addSites() {
  std::vector<std::pair<json::Object, std::set<std::string>>> groups;
  for (const ModuleInstance *module : model.model().modules()) {
    auto target = isTarget(*module);
    if (!target)
      return fail(target.error().message);
    if (!*target)
      continue;
    if (!stands(*module))
      return fail("'target_modules' finds '" + module->path + "', where the adapter '" + definition->name.text +
                  "' cannot stand: it is a " + module->kind);
    auto arguments = argumentsAt(module->path);
    if (!arguments)
      return fail(arguments.error().message);
    auto place = llvm::find_if(groups, [&](const auto &group) { return group.first == *arguments; });
    if (place == groups.end())
      place = groups.insert(groups.end(), {*arguments, {}});
    place->second.insert(module->path);
  }
  if (groups.empty())
    return fail("'target_modules' finds no module of the model");
  for (const auto &[arguments, paths] : groups) {
    auto applied = std::make_shared<Applied>();
    applied->name = definition->name.text;
    applied->definitions = definitions;
    applied->arguments.range = source.at;
    for (const json::Member &argument : arguments)
      applied->arguments.named.emplace_back(argument.key, fromJson(argument.value));
    const std::set<std::string> &sites = paths;
    builder.addGroup(
        applied, source.at, [&](StringRef path) { return sites.count(path.str()) != 0; },
        [](const ModelTensor &) { return false; });
  }
  return true;
}

/// Keys whose meaning is a formula: what they are at every site must be what the configuration says.
bool PeftReader::checkComputed(size_t firstGroup) {
  Evaluator evaluator(elaborator);
  for (const ast::FilesItem::Key *key : computed)
    for (const auto &group : llvm::drop_begin(model.groups(), firstGroup))
      for (const auto &instance : group->instances) {
        json::Value wanted = toJson(evaluator.eval(*key->value, *instance->scope));
        const json::Value *found = find(key->name.text);
        if (!found || !isSame(*found, wanted))
          return fail("'" + key->name.text + "' is " + (found ? json::dump(*found) : "absent") + ", at '" +
                      instance->site->path + "' it would be " + json::dump(wanted));
      }
  return true;
}

void PeftReader::warnAboutUnread() {
  for (const json::Member &member : *source.config.asObject()) {
    bool known =
        llvm::is_contained(commonKeys, StringRef(member.key)) ||
        llvm::any_of(clause->keys, [&](const ast::FilesItem::Key &key) { return key.name.text == member.key; });
    if (!known && !isBlank(&member.value))
      elaborator.diagnostics().report(Diag::UnreadPeftKey, source.at, source.file, shown(member.key),
                                      definition->name.text);
  }
}

bool PeftReader::read() {
  unsigned before = elaborator.diagnostics().errorCount();
  size_t firstGroup = model.groups().size();
  if (!chooseDefinitions() || !readKeys() || !readTargets() || !addSites())
    return false;
  if (elaborator.diagnostics().errorCount() != before)
    return fail("does not fit the adapter '" + definition->name.text + "'");
  if (!checkComputed(firstGroup))
    return false;
  warnAboutUnread();
  return true;
}

bool elaborate::readPeft(Elaborator &elaborator, StringRef step, AdaptedModel &model, const PeftSource &source) {
  AdapterBuilder builder(elaborator, step, model);
  return PeftReader(elaborator, builder, model, source).read();
}
