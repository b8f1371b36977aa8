//===- PeftReader.cpp - adapters from PEFT configurations -------------------===//
//
// A `peft` clause read backwards: an adapter_config.json chooses a definition, its parameters and its sites. Beside the
// adapters of its type it may ask for what definitions with a clause `peft _` do.
//
//===----------------------------------------------------------------------===//

#include "ftc/Elaborate/Peft.h"

#include "AdapterBuilder.h"
#include "PeftClause.h"
#include "PeftSelection.h"

#include "ftc/Elaborate/Json.h"

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;
using runtime::Expected;
namespace json = ftc::runtime::json;

/// Keys that PEFT writes for every method and that are no definition's matter.
static constexpr StringRef commonKeys[] = {"base_model_name_or_path", "peft_type"};

/// A text of the file as messages show it, without quotes.
static std::string shown(StringRef text) {
  return StringRef(runtime::quote({text.data(), text.size()})).drop_front().drop_back().str();
}

namespace {
/// `key: per_site(parameter)`
struct SitePatterns {
  StringRef parameter;
  PathPatterns patterns;
};

/// `key: sites_where(parameter)`, or of other values the sites themselves.
struct SiteNames {
  StringRef parameter;
  ModuleNames names;
};

/// What a configuration says to one definition.
struct Method {
  PeftClause clause;
  json::Object parameters; ///< the same for all sites
  std::vector<SitePatterns> patterns;
  std::vector<SiteNames> names;
  std::vector<const PeftKey *> formulas; ///< keys that can only be compared

  const ast::Definition &definition() const { return *clause.definition; }
};

/// Reads one configuration.
class PeftReader {
public:
  PeftReader(Elaborator &elaborator, AdapterBuilder &builder, AdaptedModel &model, const PeftSource &source)
      : elaborator(elaborator), builder(builder), model(model), source(source) {}

  bool read();

private:
  /// Of a clause's constants: how many the configuration confirms, and those that it contradicts.
  struct Agreement {
    unsigned confirmed = 0;
    std::vector<const PeftKey *> contradicted;
  };

  void findClauses(StringRef type);
  Agreement compareConstants(const PeftClause &clause);
  json::Value constantOf(const ast::Expr &expr);
  void refuseAll(StringRef type);
  bool chooseDefinitions();
  bool readKeys(Method &method);
  bool readKey(Method &method, const PeftKey &key);
  bool bindParameter(Method &method, const PeftKey &key);
  bool readPatterns(Method &method, const PeftKey &key, const json::Value &value);
  bool readCounts(Method &method, const PeftKey &key, const json::Value &value);
  bool addTargets();
  bool addJoined(Method &method);
  bool isTokenEmbedding(const ModuleInstance &module) const;
  bool addTrained(Method &method, const PeftKey &key);
  bool add(llvm::ArrayRef<Method *> group, llvm::function_ref<bool(const ModuleInstance &)> isSite,
           StringRef tensorName = "");
  Expected<json::Object> argumentsAt(const Method &method, StringRef path) const;
  const Method *methodFor(const ModuleInstance &module, llvm::ArrayRef<Method *> group) const;
  bool checkFormulas(llvm::ArrayRef<Method *> group, size_t firstGroup);
  void warnAboutUnread();
  void loseUnsaved(size_t firstGroup);

  const json::Value *find(StringRef key) const { return findKey(source.config, key); }
  bool fail(const llvm::Twine &problem) {
    elaborator.diagnostics().report(Diag::UnreadablePeft, source.at, source.file, problem.str());
    return false;
  }

  Elaborator &elaborator;
  AdapterBuilder &builder;
  AdaptedModel &model;
  const PeftSource &source;
  std::vector<std::vector<PeftClause>> candidates; ///< of each definition's name: its clauses of the type
  std::vector<StringRef> types;                    ///< all that there are
  std::vector<Method> methods;                     ///< of one name, for several kinds of site
  std::vector<Method> joining;                     ///< with `peft _`
  std::set<const ModuleInstance *> targets;        ///< where the adapters of its type stand
};
} // namespace

/// The argument of a value of the language that a configuration gives.
static Arguments toArguments(const json::Object &members, llvm::SMRange at) {
  Arguments arguments;
  arguments.range = at;
  for (const json::Member &member : members)
    arguments.named.emplace_back(member.key, fromJson(member.value));
  return arguments;
}

static const ast::Parameter *parameterNamed(const ast::Definition &definition, StringRef name) {
  auto found = llvm::find_if(definition.parameters,
                             [&](const ast::Parameter &parameter) { return parameter.name.text == name; });
  return found == definition.parameters.end() ? nullptr : &*found;
}

//===----------------------------------------------------------------------===//
// Which definition
//===----------------------------------------------------------------------===//

void PeftReader::findClauses(StringRef type) {
  DefinitionLibrary &library = elaborator.library();
  for (StringRef name : library.names(ast::DefinitionKind::Adapter)) {
    std::vector<PeftClause> fitting;
    for (const ast::Definition *definition : library.findAll(ast::DefinitionKind::Adapter, name))
      for (PeftClause &clause : peftClauses(elaborator, *definition)) {
        if (clause.joins()) {
          joining.push_back({std::move(clause), {}, {}, {}, {}});
          continue;
        }
        types.push_back(clause.type);
        if (clause.type == type)
          fitting.push_back(std::move(clause));
      }
    if (!fitting.empty())
      candidates.push_back(std::move(fitting));
  }
}

/// What the configuration says of the clause's constants. A key that is not there agrees with a constant that says that
/// something is not used.
PeftReader::Agreement PeftReader::compareConstants(const PeftClause &clause) {
  Agreement agreement;
  for (const PeftKey &key : clause.keys) {
    bool constant = key.form == PeftKey::Form::Constant || key.form == PeftKey::Form::OneOf;
    bool joined = llvm::any_of(joining, [&](const Method &other) { return other.clause.key(key.name); });
    if (!constant || joined || choosesModules(key.name))
      continue;
    const json::Value *found = find(key.name);
    auto agrees = [&](const ast::Expr *expr) { return isSame(found ? *found : json::Value(), constantOf(*expr)); };
    if (key.form == PeftKey::Form::OneOf ? !found || llvm::any_of(key.others, agrees) : agrees(key.value))
      ++agreement.confirmed;
    else
      agreement.contradicted.push_back(&key);
  }
  return agreement;
}

json::Value PeftReader::constantOf(const ast::Expr &expr) {
  return toJson(Evaluator(elaborator).eval(expr, elaborator.globals()));
}

/// No definition fits: says what the one that is nearest would need.
void PeftReader::refuseAll(StringRef type) {
  auto message = elaborator.diagnostics().report(Diag::UnknownPeftMethod, source.at, source.file, shown(type));
  const PeftClause *nearest = nullptr;
  Agreement best;
  for (const std::vector<PeftClause> &overloads : candidates)
    for (const PeftClause &clause : overloads) {
      Agreement found = compareConstants(clause);
      if (!nearest || found.contradicted.size() < best.contradicted.size()) {
        nearest = &clause;
        best = std::move(found);
      }
    }
  if (!nearest) {
    message.nearest(type, types);
    return;
  }
  std::string needs;
  for (const PeftKey *key : best.contradicted) {
    const json::Value *found = find(key->name);
    needs += (needs.empty() ? "'" : ", '") + key->name.str() + "' to be " + json::dump(constantOf(*key->value)) +
             ", not " + shown(json::dump(found ? *found : json::Value()));
  }
  message.help("the adapter '" + nearest->definition->name.text + "' needs " + needs);
}

/// The definition whose clause has the configuration's type and agrees with it in the most constants.
bool PeftReader::chooseDefinitions() {
  const json::Value *type = find("peft_type");
  if (!type || !type->asString())
    return fail("lacks the string 'peft_type'");
  findClauses(*type->asString());
  unsigned most = 0;
  for (std::vector<PeftClause> &overloads : candidates) {
    std::vector<Method> fitting;
    unsigned best = 0;
    for (PeftClause &clause : overloads)
      if (Agreement agreement = compareConstants(clause); agreement.contradicted.empty()) {
        best = std::max(best, agreement.confirmed);
        fitting.push_back({clause, {}, {}, {}, {}});
      }
    if (fitting.empty() || (!methods.empty() && best <= most))
      continue;
    methods = std::move(fitting);
    most = best;
  }
  if (methods.empty())
    refuseAll(*type->asString());
  return !methods.empty();
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// `key: parameter`. Where the key is absent the parameter's default holds if it says that something is not used; any
/// other default would be a guess.
bool PeftReader::bindParameter(Method &method, const PeftKey &key) {
  if (const json::Value *value = find(key.name)) {
    method.parameters.push_back({key.parameter().str(), *value});
    return true;
  }
  const ast::Parameter &declared = *parameterNamed(method.definition(), key.parameter());
  PeftKey byDefault(key.name, declared.defaultValue ? *declared.defaultValue : *key.value);
  if (byDefault.form == PeftKey::Form::Constant) {
    json::Value value = toJson(Evaluator(elaborator).eval(*declared.defaultValue, elaborator.globals()));
    if (isBlank(&value))
      return true;
  }
  return fail("lacks the key '" + key.name + "'");
}

/// Values by patterns of paths: `per_site(parameter)`, or an object where a value could stand.
bool PeftReader::readPatterns(Method &method, const PeftKey &key, const json::Value &value) {
  auto patterns = PathPatterns::read(key.name, value);
  if (!patterns)
    return fail(patterns.error().message);
  method.patterns.push_back({key.parameter(), std::move(*patterns)});
  return true;
}

/// `counts(parameter, "T")`: which entries of each site's tensor T the file holds.
bool PeftReader::readCounts(Method &method, const PeftKey &key, const json::Value &value) {
  const auto *tensor = key.others.size() == 2 ? llvm::dyn_cast<ast::StringExpr>(key.others[1]) : nullptr;
  auto expected = [&](StringRef what) { return fail("'" + key.name + "': expected " + what); };
  if (!tensor || !value.asObject())
    return expected("lists of booleans by paths of tensors");
  json::Object counts;
  for (const json::Member &member : *value.asObject()) {
    StringRef path = member.key;
    const json::Array *entries = member.value.asArray();
    if (!entries || !path.consume_back("." + tensor->value))
      return expected("lists of booleans by paths that end with '" + tensor->value + "'");
    int64_t count = 0;
    for (const json::Value &entry : *entries) {
      if (!entry.asBool())
        return expected("lists of booleans");
      count += *entry.asBool();
    }
    counts.push_back({path.str(), count});
  }
  return readPatterns(method, key, json::Value(std::move(counts)));
}

bool PeftReader::readKey(Method &method, const PeftKey &key) {
  bool known = parameterNamed(method.definition(), key.parameter()) != nullptr;
  const json::Value *value = find(key.name);
  switch (key.form) {
  case PeftKey::Form::PerSite:
    return !known || !value || readPatterns(method, key, *value);
  case PeftKey::Form::Counts:
    return !known || !value || readCounts(method, key, *value);
  case PeftKey::Form::SitesWhere: {
    auto names = ModuleNames::read(key.name, value ? *value : json::Value(json::Array()));
    if (!names)
      return fail(names.error().message);
    method.names.push_back({known ? key.parameter() : StringRef(), std::move(*names)});
    return true;
  }
  case PeftKey::Form::Below:
    method.formulas.push_back(&key);
    return (value && value->asObject()) || fail("'" + key.name + "': expected an object of directories by names");
  case PeftKey::Form::Formula:
    if (known)
      return value && value->asObject() ? readPatterns(method, key, *value) : bindParameter(method, key);
    method.formulas.push_back(&key);
    return true;
  default:
    return true;
  }
}

bool PeftReader::readKeys(Method &method) {
  return llvm::all_of(method.clause.keys, [&](const PeftKey &key) { return readKey(method, key); });
}

//===----------------------------------------------------------------------===//
// Sites
//===----------------------------------------------------------------------===//

/// The definition that can stand on a module, or null.
const Method *PeftReader::methodFor(const ModuleInstance &module, llvm::ArrayRef<Method *> group) const {
  const ModuleInstance &root = model.model().root();
  bool trunk = module.parent == &root && module.path == root.trunk;
  const Method *general = nullptr;
  for (const Method *method : group) {
    StringRef kind = method->definition().site ? StringRef(method->definition().site->name.text) : StringRef();
    if (trunk ? kind == "model" : kind == module.kind)
      return method;
    if (kind == "module")
      general = method;
  }
  return general;
}

Expected<json::Object> PeftReader::argumentsAt(const Method &method, StringRef path) const {
  json::Object arguments = method.parameters;
  auto set = [&](StringRef parameter, json::Value value) {
    llvm::erase_if(arguments, [&](const json::Member &member) { return member.key == parameter; });
    arguments.push_back({parameter.str(), std::move(value)});
  };
  for (const SitePatterns &given : method.patterns) {
    auto found = given.patterns.find(path);
    if (!found)
      return found.error();
    if (*found)
      set(given.parameter, **found);
  }
  for (const SiteNames &given : method.names) {
    auto found = given.names.match(path);
    if (!found)
      return found.error();
    if (!given.parameter.empty())
      set(given.parameter, *found);
  }
  return arguments;
}

/// Whether a path is below one of these modules, or is one.
static bool isWithin(StringRef path, const std::set<std::string> &modules) {
  for (; !path.empty(); path = path.contains('.') ? path.rsplit('.').first : StringRef())
    if (modules.count(path.str()))
      return true;
  return false;
}

/// One group: the definitions of one name on the sites that are asked for; of single tensors those of a name, or all.
bool PeftReader::add(llvm::ArrayRef<Method *> group, llvm::function_ref<bool(const ModuleInstance &)> isSite,
                     StringRef tensorName) {
  std::map<std::string, Arguments> arguments;
  std::set<std::string> paths;
  for (const ModuleInstance *module : model.model().modules()) {
    if (!isSite(*module))
      continue;
    paths.insert(module->path);
    if (const Method *method = methodFor(*module, group)) {
      auto given = argumentsAt(*method, module->path);
      if (!given)
        return fail(given.error().message);
      arguments[module->path] = toArguments(*given, source.at);
    }
  }
  auto applied = std::make_shared<Applied>();
  applied->name = group.front()->definition().name.text;
  applied->arguments = toArguments(group.front()->parameters, source.at);
  for (const Method *method : group)
    applied->definitions.push_back(&method->definition());
  unsigned before = elaborator.diagnostics().errorCount();
  size_t firstGroup = model.groups().size();
  SiteChoice choice{[&](StringRef path) { return arguments.count(path.str()) != 0; },
                    [&](const ModelTensor &tensor) {
                      return isWithin(tensor.owner->path, paths) &&
                             (tensorName.empty() || StringRef(tensor.name).rsplit('.').second == tensorName);
                    },
                    [&](StringRef path) {
                      auto found = arguments.find(path.str());
                      return found == arguments.end() ? applied->arguments : found->second;
                    }};
  builder.addGroup(applied, source.at, choice);
  if (elaborator.diagnostics().errorCount() != before)
    return fail("does not fit the adapter '" + applied->name + "'");
  if (model.groups().back()->instances.empty())
    return fail("finds no place for the adapter '" + applied->name + "' in the model");
  return checkFormulas(group, firstGroup);
}

/// The adapters of the configuration's type.
bool PeftReader::addTargets() {
  // A clause that writes such a key and does not read it chooses by itself.
  json::Object config = *source.config.asObject();
  for (const Method &method : methods)
    for (const PeftKey &key : method.clause.keys)
      if (key.form == PeftKey::Form::Unread)
        llvm::erase_if(config, [&](const json::Member &member) { return member.key == key.name; });
  auto selection = PeftSelection::read(json::Value(std::move(config)));
  if (!selection)
    return fail(selection.error().message);
  std::vector<Method *> group;
  for (Method &method : methods)
    group.push_back(&method);
  for (const ModuleInstance *module : model.model().modules()) {
    bool stands =
        methodFor(*module, group) && (selection->names() || module->kind != "embedding" || isTokenEmbedding(*module));
    auto target = selection->finds(model.model(), *module, stands);
    if (!target)
      return fail(target.error().message);
    if (*target && !stands)
      return fail("'target_modules' finds '" + module->path + "', where the adapter '" +
                  methods.front().definition().name.text + "' cannot stand: it is a " + module->kind);
    if (*target)
      targets.insert(module);
  }
  if (targets.empty())
    return fail("'target_modules' finds no module of the model");
  return add(group, [&](const ModuleInstance &module) { return targets.count(&module) != 0; });
}

/// The first table of vectors for the model's vocabulary.
bool PeftReader::isTokenEmbedding(const ModuleInstance &module) const {
  Dim vocabulary = model.model().dim(elaborator, "vocab");
  auto embeds = [&](const ModuleInstance *other) {
    return other->kind == "embedding" && !other->axes.empty() && other->axes.front() == vocabulary;
  };
  auto found = llvm::find_if(model.model().modules(), embeds);
  return found != model.model().modules().end() && *found == &module;
}

/// `tensors("T")`: in which modules the model's own tensors T are trained.
bool PeftReader::addTrained(Method &method, const PeftKey &key) {
  const json::Value *value = find(key.name);
  StringRef text = value && value->asString() ? StringRef(*value->asString()) : StringRef();
  if (!value || text == "none")
    return true;
  bool all = text == "all";
  if (!all && !text.ends_with("_only"))
    return fail("'" + key.name + "': expected \"none\", \"all\" or \"<method>_only\", got " + json::dump(*value));
  StringRef name = method.clause.tensorName();
  auto isSite = [&](const ModuleInstance &module) {
    auto isNamed = [&](const auto &tensor) { return StringRef(tensor->name).rsplit('.').second == name; };
    return (all || targets.count(&module)) && llvm::any_of(module.tensors, isNamed);
  };
  if (llvm::none_of(model.model().modules(), [&](const ModuleInstance *module) { return isSite(*module); }))
    return true;
  return add({&method}, isSite, name);
}

/// What a definition with `peft _` is asked for: on the sites that its keys list, or else on the token embedding.
bool PeftReader::addJoined(Method &method) {
  for (const PeftKey &key : method.clause.keys)
    if (key.form == PeftKey::Form::Tensors)
      return addTrained(method, key);
  if (llvm::all_of(method.clause.keys, [&](const PeftKey &key) { return isBlank(find(key.name)); }))
    return true;
  if (!readKeys(method))
    return false;
  std::set<const ModuleInstance *> sites;
  for (const ModuleInstance *module : model.model().modules()) {
    bool chosen = method.names.empty() && method.patterns.empty() && isTokenEmbedding(*module);
    for (const SiteNames &given : method.names) {
      auto found = given.names.match(module->path);
      if (!found)
        return fail(found.error().message);
      chosen |= *found;
    }
    for (const SitePatterns &given : method.patterns) {
      auto found = given.patterns.find(module->path);
      if (!found)
        return fail(found.error().message);
      chosen |= *found != nullptr;
    }
    if (chosen)
      sites.insert(module);
  }
  return add({&method}, [&](const ModuleInstance &module) { return sites.count(&module) != 0; });
}

/// Keys whose meaning is a formula: what they are at every site must be what the configuration says.
bool PeftReader::checkFormulas(llvm::ArrayRef<Method *> group, size_t firstGroup) {
  Evaluator evaluator(elaborator);
  for (const auto &added : llvm::drop_begin(model.groups(), firstGroup))
    for (const auto &instance : added->instances)
      for (const Method *method : group)
        for (const PeftKey *key : method->formulas) {
          if (instance->definition != &method->definition())
            continue;
          json::Value wanted = toJson(evaluator.eval(*key->value, *instance->scope));
          const json::Value *found = find(key->name);
          if (key->form == PeftKey::Form::Below) {
            json::Value named(int64_t(found->asObject()->size()));
            if (!isSame(named, wanted))
              return fail("'" + key->name + "' names " + json::dump(named) + " adapters, and the model has " +
                          json::dump(wanted) + ": load those first, one on the other");
            continue;
          }
          if (!found || !isSame(*found, wanted))
            return fail("'" + key->name + "' is " + (found ? json::dump(*found) : "absent") + ", at '" +
                        instance->site->path + "' it would be " + json::dump(wanted));
        }
  return true;
}

void PeftReader::warnAboutUnread() {
  auto reads = [&](StringRef key) {
    auto has = [&](const Method &method) { return method.clause.key(key) != nullptr; };
    return llvm::is_contained(commonKeys, key) || choosesModules(key) || llvm::any_of(methods, has) ||
           llvm::any_of(joining, has);
  };
  for (const json::Member &member : *source.config.asObject())
    if (!reads(member.key) && !isBlank(&member.value))
      elaborator.diagnostics().report(Diag::UnreadPeftKey, source.at, source.file, shown(member.key),
                                      methods.front().definition().name.text);
}

/// `T = none`: what no directory holds is not known any more.
void PeftReader::loseUnsaved(size_t firstGroup) {
  for (const auto &group : llvm::drop_begin(model.groups(), firstGroup)) {
    group->stored = source.stored;
    for (const auto &tensor : group->tensors)
      for (const Method &method : methods)
        for (const ast::FilesItem::Tensor *line : method.clause.tensors)
          if (line->fileNames.empty() && tensor->instance->definition == &method.definition() &&
              tensor->parameter == line->name.text)
            tensor->lost = true;
  }
}

bool PeftReader::read() {
  size_t firstGroup = model.groups().size();
  if (!chooseDefinitions())
    return false;
  bool standsOnOthers = llvm::any_of(methods, [](const Method &method) { return method.clause.standsOnOthers(); });
  if (standsOnOthers)
    model.settle();
  if (!llvm::all_of(methods, [&](Method &method) { return readKeys(method); }) || !addTargets() ||
      !llvm::all_of(joining, [&](Method &method) { return addJoined(method); }))
    return false;
  loseUnsaved(firstGroup);
  warnAboutUnread();
  if (firstGroup == 0 || standsOnOthers)
    model.setOrigin(std::make_shared<json::Value>(source.config));
  return true;
}

bool elaborate::readPeft(Elaborator &elaborator, StringRef step, AdaptedModel &model, const PeftSource &source) {
  AdapterBuilder builder(elaborator, step, model);
  builder.foldedAsSaved = true;
  return PeftReader(elaborator, builder, model, source).read();
}
