//===- SelfDescribed.cpp - adapters with their own definitions -------------===//
//
//   {"format": "ftc adapter 1", "base_model": "models/base", "adapters": [
//     {"name": "mine", "source": "mine.ftr", "parameters": {"rank": 4}, "sites": {"model.layers.0.mlp": {}}}],
//    "sources": ["mine.ftr"]}
//
// An adapter is one line of an `adapt` block. What a site has under it differs from `parameters`. A value that JSON
// does not have is an object: {"name": "gelu"} with "arguments" if it has some, {"number": 3, "unit": "%"}.
//
//===----------------------------------------------------------------------===//

#include "ftc/Elaborate/SelfDescribed.h"

#include "AdapterBuilder.h"
#include "PeftSelection.h"

#include "ftc/Elaborate/Json.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;
namespace json = ftc::runtime::json;

static constexpr StringRef formatName = "ftc adapter 1";
static constexpr std::pair<ast::Unit, StringRef> units[] = {
    {ast::Unit::Percent, "%"}, {ast::Unit::Steps, "steps"}, {ast::Unit::Epochs, "epochs"}};

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static std::optional<json::Value> written(const Value &value);

/// Positional arguments get the names of the first definition's parameters.
static std::optional<json::Object> written(const Arguments &arguments, const ast::Definition &definition) {
  json::Object members;
  auto add = [&](StringRef name, const Value &value) {
    auto text = written(value);
    if (text)
      members.push_back({name.str(), std::move(*text)});
    return text.has_value();
  };
  for (auto [parameter, value] : llvm::zip(definition.parameters, arguments.positional))
    if (!add(parameter.name.text, value))
      return std::nullopt;
  for (const auto &[name, value] : arguments.named)
    if (!add(name, value))
      return std::nullopt;
  return members;
}

/// Nothing for what is known to this compilation only: a model, a data set, a tensor.
static std::optional<json::Value> written(const Value &value) {
  if (const auto *list = value.as<Value::List>()) {
    json::Array elements;
    for (const Value &one : **list) {
      auto text = written(one);
      if (!text)
        return std::nullopt;
      elements.push_back(std::move(*text));
    }
    return json::Value(std::move(elements));
  }
  if (value.isNone() || value.number() || value.is<std::string>())
    return toJson(value);
  if (const auto *quantity = value.as<QuantityValue>())
    for (const auto &[unit, name] : units)
      if (quantity->unit == unit)
        return json::Value(json::Object{{"number", quantity->value}, {"unit", name.str()}});
  auto named = [](StringRef name) { return json::Object{{"name", name.str()}}; };
  if (const auto *function = value.as<LibraryFunction>())
    return json::Value(named(function->definition->name.text));
  if (const auto *builtin = value.as<Builtin>())
    return json::Value(named(builtin->name));
  const auto *applied = value.as<std::shared_ptr<const Applied>>();
  if (!applied)
    return std::nullopt;
  json::Object object = named((*applied)->name);
  auto arguments = written((*applied)->arguments, *(*applied)->definitions.front());
  if (!arguments)
    return std::nullopt;
  if (!arguments->empty())
    object.push_back({"arguments", std::move(*arguments)});
  return json::Value(std::move(object));
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {
class Describer {
public:
  Describer(Elaborator &elaborator, llvm::SMRange at) : elaborator(elaborator), at(at) {}

  std::optional<json::Value> describe(const AdapterGroup &group);
  SelfDescribedAdapter result;

private:
  std::string sourceOf(const ast::File *file);
  std::optional<json::Object> argumentsOf(const AdapterInstance &instance);

  Elaborator &elaborator;
  llvm::SMRange at;
  std::map<const ast::File *, std::string> names;
};
} // namespace

/// The name of a file in the folder; it is added with the files that it may need.
std::string Describer::sourceOf(const ast::File *file) {
  if (auto known = names.find(file); known != names.end())
    return known->second;
  for (const ast::File *each : elaborator.library().filesAround(file)) {
    std::string text = elaborator.library().definitionText(*each);
    if (text.empty() || names.count(each))
      continue;
    StringRef stem = llvm::sys::path::stem(each->path);
    std::string name = stem.str() + ".ftr";
    auto isTaken = [&] {
      return llvm::any_of(result.sources, [&](const auto &source) { return source.first == name; });
    };
    for (int number = 2; isTaken(); ++number)
      name = stem.str() + "-" + std::to_string(number) + ".ftr";
    names[each] = name;
    result.sources.emplace_back(name, std::move(text));
  }
  return names[file];
}

std::optional<json::Object> Describer::argumentsOf(const AdapterInstance &instance) {
  auto arguments = written(instance.arguments, *instance.definition);
  if (arguments)
    return arguments;
  for (const auto &[name, value] : instance.arguments.named)
    if (!written(value)) {
      elaborator.diagnostics().report(Diag::UnsavableArgument, at, name, instance.definition->name.text,
                                      value.describe());
      return std::nullopt;
    }
  elaborator.diagnostics().report(Diag::UnsavableArgument, at, "", instance.definition->name.text,
                                  "known in this recipe only");
  return std::nullopt;
}

std::optional<json::Value> Describer::describe(const AdapterGroup &group) {
  std::vector<std::pair<std::string, json::Object>> sites;
  for (const auto &instance : group.instances) {
    auto arguments = argumentsOf(*instance);
    if (!arguments)
      return std::nullopt;
    const std::string &path = instance->siteTensor ? instance->siteTensor->name : instance->site->path;
    sites.emplace_back(path, std::move(*arguments));
  }
  const json::Object shared = sites.front().second;
  json::Object parameters;
  for (const json::Member &member : shared)
    if (llvm::all_of(sites, [&](const auto &site) { return llvm::is_contained(site.second, member); }))
      parameters.push_back(member);
  json::Object places;
  for (auto &[path, arguments] : sites) {
    llvm::erase_if(arguments, [&](const json::Member &member) { return llvm::is_contained(parameters, member); });
    places.push_back({path, std::move(arguments)});
  }
  const ast::Definition &definition = *group.instances.front()->definition;
  return json::Object{{"name", definition.name.text},
                      {"source", sourceOf(elaborator.library().fileOf(&definition))},
                      {"parameters", std::move(parameters)},
                      {"sites", std::move(places)}};
}

std::optional<SelfDescribedAdapter> elaborate::describeAdapters(Elaborator &elaborator, const AdaptedModel &model,
                                                                StringRef basePath, llvm::SMRange at) {
  Describer describer(elaborator, at);
  json::Array adapters, sources;
  for (const auto &group : llvm::drop_begin(model.groups(), model.mergedCount())) {
    if (group->instances.empty() || model.isSettled(group->instances.front().get()))
      continue;
    auto described = describer.describe(*group);
    if (!described)
      return std::nullopt;
    adapters.push_back(std::move(*described));
  }
  for (const auto &source : describer.result.sources)
    sources.push_back(source.first);
  json::Object config = {{"format", formatName.str()},
                         {"base_model", basePath.str()},
                         {"adapters", std::move(adapters)},
                         {"sources", std::move(sources)}};
  describer.result.config = json::dump(config, 2) + "\n";
  return std::move(describer.result);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
class DescriptionReader {
public:
  DescriptionReader(Elaborator &elaborator, StringRef step, AdaptedModel &model, const PeftSource &source)
      : elaborator(elaborator), builder(elaborator, step, model), model(model), source(source) {}

  bool read(const std::string &folder);

private:
  bool addSources(const std::string &folder);
  bool readAdapter(const json::Value &adapter);
  bool readSites(const json::Value &adapter, const ast::Definition &definition);
  std::optional<Value> valueOf(const json::Value &value, const ast::File *file);
  std::optional<Value> namedValue(const json::Value &value, const ast::File *file);
  bool addArguments(const json::Object &members, const ast::File *file, Arguments &arguments);
  const std::string *text(const json::Value &object, StringRef key);

  bool fail(const llvm::Twine &problem) {
    elaborator.diagnostics().report(Diag::UnreadablePeft, source.at, source.file, problem.str());
    return false;
  }

  Elaborator &elaborator;
  AdapterBuilder builder;
  AdaptedModel &model;
  const PeftSource &source;
  std::map<std::string, const ast::File *> files;
};
} // namespace

static std::string quoted(const std::string &text) { return runtime::quote(text); }

/// A string member; null, with an error, if it is another thing.
const std::string *DescriptionReader::text(const json::Value &object, StringRef key) {
  const json::Value *value = findKey(object, key);
  const std::string *found = value ? value->asString() : nullptr;
  if (!found)
    fail("expected the string '" + key + "'");
  return found;
}

/// The definitions beside the description: plain files of the folder itself.
bool DescriptionReader::addSources(const std::string &folder) {
  constexpr size_t most = 64;
  const json::Value *list = findKey(source.config, "sources");
  const json::Array *names = list ? list->asArray() : nullptr;
  if (!names || names->size() > most)
    return fail("expected 'sources', a list of at most " + llvm::Twine(most) + " file names");
  std::vector<std::string> paths;
  for (const json::Value &name : *names) {
    const std::string *text = name.asString();
    bool plain = text && StringRef(*text).ends_with(".ftr") &&
                 StringRef(*text).find_first_of(StringRef("/\\\0", 3)) == StringRef::npos;
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, plain ? *text : "");
    llvm::sys::fs::file_status status;
    bool regular = plain && !llvm::sys::fs::status(path, status, /*follow=*/false) &&
                   status.type() == llvm::sys::fs::file_type::regular_file;
    if (!regular)
      return fail("'sources': " + (text ? quoted(*text) : std::string(name.kind())) +
                  " is no .ftr file of this folder");
    paths.push_back(*text);
  }
  auto added = elaborator.library().addFolder(folder, paths, source.at);
  if (!added)
    return fail("its definitions cannot be used");
  for (auto [name, file] : llvm::zip_equal(paths, *added))
    files[name] = file;
  return true;
}

/// `{"name": ...}` or `{"number": ..., "unit": ...}`
std::optional<Value> DescriptionReader::namedValue(const json::Value &value, const ast::File *file) {
  const json::Value *number = findKey(value, "number"), *unit = findKey(value, "unit");
  if (number && unit)
    for (const auto &[meant, name] : units)
      if (number->asNumber() && unit->asString() && name == *unit->asString())
        return Value(QuantityValue{*number->asNumber(), meant});
  const std::string *name = number ? nullptr : text(value, "name");
  if (!name)
    return number ? (fail("'parameters': a number with an unknown unit"), std::nullopt) : std::nullopt;
  Scope &scope = elaborator.newScope(&elaborator.globals());
  scope.setFile(file);
  const Builtin *builtin = findBuiltin(*name);
  Value found = builtin ? Value(*builtin) : elaborator.definition(*name, scope);
  if (found.isError()) {
    fail("'parameters': there is no definition " + quoted(*name));
    return std::nullopt;
  }
  const json::Value *given = findKey(value, "arguments");
  const auto *applied = found.as<std::shared_ptr<const Applied>>();
  if (!given)
    return found;
  if (!applied || !given->asObject()) {
    fail("'parameters': " + quoted(*name) + " takes no such arguments");
    return std::nullopt;
  }
  auto result = std::make_shared<Applied>(**applied);
  if (!addArguments(*given->asObject(), file, result->arguments))
    return std::nullopt;
  return Value(std::shared_ptr<const Applied>(std::move(result)));
}

std::optional<Value> DescriptionReader::valueOf(const json::Value &value, const ast::File *file) {
  if (value.asObject())
    return namedValue(value, file);
  const json::Array *array = value.asArray();
  if (!array)
    return fromJson(value);
  std::vector<Value> values;
  for (const json::Value &element : *array) {
    auto one = valueOf(element, file);
    if (!one)
      return std::nullopt;
    values.push_back(std::move(*one));
  }
  return Value::list(std::move(values));
}

bool DescriptionReader::addArguments(const json::Object &members, const ast::File *file, Arguments &arguments) {
  arguments.range = source.at;
  for (const json::Member &member : members) {
    auto value = valueOf(member.value, file);
    if (!value)
      return false;
    arguments.named.emplace_back(member.key, std::move(*value));
  }
  return true;
}

/// One group: the sites that are listed, each of which must be in the model.
bool DescriptionReader::readSites(const json::Value &adapter, const ast::Definition &definition) {
  const json::Value *common = findKey(adapter, "parameters"), *places = findKey(adapter, "sites");
  if (!common || !common->asObject() || !places || !places->asObject())
    return fail("expected the objects 'parameters' and 'sites'");
  const ast::File *file = elaborator.library().fileOf(&definition);
  auto applied = std::make_shared<Applied>();
  applied->name = definition.name.text;
  applied->definitions = elaborator.library().findAll(ast::DefinitionKind::Adapter, applied->name, file);
  if (!addArguments(*common->asObject(), file, applied->arguments))
    return false;
  std::map<std::string, Arguments> sites;
  for (const json::Member &site : *places->asObject()) {
    Arguments &arguments = sites[site.key] = applied->arguments;
    if (!site.value.asObject() || !addArguments(*site.value.asObject(), file, arguments))
      return fail("'sites': expected objects of parameters");
  }
  unsigned before = elaborator.diagnostics().errorCount();
  builder.addGroup(applied, source.at,
                   {[&](StringRef path) { return sites.count(path.str()) != 0; },
                    [&](const ModelTensor &tensor) { return sites.count(tensor.name) != 0; },
                    [&](StringRef path) { return sites.at(path.str()); }});
  if (elaborator.diagnostics().errorCount() != before)
    return fail("does not fit the adapter '" + applied->name + "'");
  for (const auto &instance : model.groups().back()->instances)
    sites.erase(instance->siteTensor ? instance->siteTensor->name : instance->site->path);
  return sites.empty() || fail("'sites': " + quoted(sites.begin()->first) + " is no place for the adapter '" +
                               applied->name + "' in the model");
}

bool DescriptionReader::readAdapter(const json::Value &adapter) {
  const std::string *name = text(adapter, "name"), *from = name ? text(adapter, "source") : nullptr;
  if (!from)
    return false;
  auto file = files.find(*from);
  auto found = file == files.end() ? std::vector<const ast::Definition *>()
                                   : elaborator.library().findAll(ast::DefinitionKind::Adapter, *name, file->second);
  llvm::erase_if(found, [&](const auto *one) { return elaborator.library().fileOf(one) != file->second; });
  if (found.empty())
    return fail("there is no adapter " + quoted(*name) + " in " + quoted(*from));
  return readSites(adapter, *found.front());
}

bool DescriptionReader::read(const std::string &folder) {
  const std::string *format = text(source.config, "format");
  if (!format)
    return false;
  if (*format != formatName)
    return fail("'format' is " + quoted(*format) + ", expected '" + formatName + "'");
  const json::Value *adapters = findKey(source.config, "adapters");
  if (!adapters || !adapters->asArray() || adapters->asArray()->empty())
    return fail("expected 'adapters', a list");
  return addSources(folder) &&
         llvm::all_of(*adapters->asArray(), [&](const json::Value &adapter) { return readAdapter(adapter); });
}

bool elaborate::readAdapters(Elaborator &elaborator, StringRef step, AdaptedModel &model, const PeftSource &source,
                             const std::string &folder) {
  return DescriptionReader(elaborator, step, model, source).read(folder);
}
