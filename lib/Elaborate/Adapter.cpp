//===- Adapter.cpp - adapters are put on the sites of a model ---*- C++ -*-===//

#include "ftc/Elaborate/Adapter.h"

#include "AdapterBuilder.h"
#include "ProgramState.h"

#include "ftc/Elaborate/Program.h"

#include "llvm/ADT/StringExtras.h"

using namespace ftc;
using namespace ftc::elaborate;

//===----------------------------------------------------------------------===//
// Finding sites
//===----------------------------------------------------------------------===//

const ast::Definition *ftc::elaborate::overload(const Applied &applied, llvm::StringRef kind) {
  for (const ast::Definition *definition : applied.definitions)
    if (definition->kind == ast::DefinitionKind::Adapter && definition->site && definition->site->name.text == kind)
      return definition;
  return nullptr;
}

/// Whether a selector finds a tensor: by its own name or by that of a module around it.
static bool matchesTensor(Elaborator &shared, const ast::Selector &selector, const ModelTensor &tensor, Scope &scope) {
  for (llvm::StringRef path = tensor.name; !path.empty(); path = path.rsplit('.').first) {
    if (matches(shared, selector, path, scope))
      return true;
    if (!path.contains('.'))
      break;
  }
  return false;
}

/// The kinds of site of all overloads, for a message.
static std::string kindsOf(const Applied &applied) {
  std::vector<std::string> kinds;
  for (const ast::Definition *definition : applied.definitions)
    if (definition->kind == ast::DefinitionKind::Adapter && definition->site)
      kinds.push_back("'" + definition->site->name.text + "'");
  return llvm::join(kinds, " or ");
}

void AdapterBuilder::addLine(const ast::MapEntry &entry, Scope &scope) {
  Value value = Evaluator(shared).eval(*entry.value, scope);
  auto *applied = value.as<std::shared_ptr<const Applied>>();
  if (!applied || !llvm::any_of((*applied)->definitions, [](const ast::Definition *definition) {
        return definition->kind == ast::DefinitionKind::Adapter;
      })) {
    if (!value.isError())
      shared.diagnostics().report(Diag::NotAnAdapter, entry.value->range, value.describe());
    return;
  }
  addGroup(*applied, entry.range,
           {[&](llvm::StringRef path) { return matches(shared, entry.selector, path, scope); },
            [&](const ModelTensor &tensor) { return matchesTensor(shared, entry.selector, tensor, scope); },
            [&](llvm::StringRef path) { return atSite(shared, (*applied)->arguments, path); }});
  if (model.groups().back()->instances.empty() && shared.diagnostics().errorCount() == before) {
    std::vector<llvm::StringRef> names;
    for (ModuleInstance *module : model.model().modules())
      names.push_back(llvm::StringRef(module->path).rsplit('.').second);
    auto message = shared.diagnostics().report(Diag::SelectorMatchesNothing, entry.selector.range, kindsOf(**applied));
    for (const ast::SelectorPart &part : entry.selector.parts)
      for (const std::string &glob : part.globs)
        if (!llvm::is_contained(names, glob) && glob.find('*') == std::string::npos)
          message.nearest(glob, names);
  }
}

void AdapterBuilder::addGroup(std::shared_ptr<const Applied> applied, llvm::SMRange range, const SiteChoice &choice) {
  auto group = std::make_shared<AdapterGroup>();
  group->applied = applied;
  group->range = range;
  sharedTensors.clear();
  Model &base = model.model();
  ModuleInstance &root = base.root();
  for (ModuleInstance *module : base.modules()) {
    bool trunk = module->parent == &root && llvm::StringRef(module->path) == root.trunk;
    const ast::Definition *definition = overload(*applied, module->kind);
    if (!definition && !module->virtualSite)
      definition = overload(*applied, "module");
    if (const ast::Definition *whole = overload(*applied, "model"); whole && trunk)
      definition = whole;
    if (definition && module != &root && choice.findsModule(module->path))
      addInstance(*group, *definition, {module}, choice.argumentsAt(module->path));
  }
  if (const ast::Definition *definition = overload(*applied, "tensor"))
    for (ModelTensor *tensor : base.tensors())
      if (choice.findsTensor(*tensor))
        addInstance(*group, *definition, {const_cast<ModuleInstance *>(tensor->owner), tensor},
                    choice.argumentsAt(tensor->name));
  buildInstances(*group);
  for (auto &tensor : group->tensors)
    declareSymbol(*tensor);
  model.add(std::move(group));
}

void AdapterBuilder::addObjective(std::shared_ptr<const Applied> applied, const RecordForm &form) {
  auto group = std::make_shared<AdapterGroup>();
  const ast::Definition &definition = *objectiveOf(applied);
  ModuleInstance &root = model.model().root();
  group->applied = applied;
  group->range = applied->arguments.range;
  group->instances.push_back(std::make_unique<AdapterInstance>());
  AdapterInstance &instance = *group->instances.back();
  instance.group = &*group;
  instance.definition = &definition;
  static const ast::Site nowhere{};
  instance.form = definition.site ? &*definition.site : &nowhere;
  instance.body = definition.body;
  instance.site = root.child(root.trunk);
  instance.number = 0;
  instance.prefix = "objective." + definition.name.text;
  instance.arguments = applied->arguments;
  // What the definition may have other uses for stands in a scope around its own.
  Scope &around = shared.definitionScope(definition);
  for (auto [module, name] : {std::pair(instance.site, "hidden"), {&root, form.pooled ? "classes" : "vocab"}})
    if (Dim width = widthOf(*module, group->range))
      around.define(name, Value(shared.dimensions().make(name, width->size)));
  instance.scope = &shared.newScope(&around);
  if (Evaluator(shared).bindParameters(definition, instance.arguments, *instance.scope)) {
    defineNames(instance);
    buildBody(instance);
  }
  for (auto &tensor : group->tensors)
    declareSymbol(*tensor);
  model.add(std::move(group));
}

//===----------------------------------------------------------------------===//
// One site
//===----------------------------------------------------------------------===//

Arguments ftc::elaborate::atSite(Elaborator &shared, const Arguments &arguments, llvm::StringRef path) {
  Arguments result = arguments;
  auto resolve = [&](Value &value) {
    auto *map = value.as<MapValue>();
    if (!map)
      return;
    if (const ast::Expr *expr = lastMatch(shared, *map, path)) {
      value = Evaluator(shared).eval(*expr, *map->scope);
    } else {
      shared.diagnostics().report(Diag::MapLacksSite, map->map->range, path);
      value = Value();
    }
  };
  for (Value &value : result.positional)
    resolve(value);
  for (auto &[name, value] : result.named)
    resolve(value);
  return result;
}

void AdapterBuilder::addInstance(AdapterGroup &group, const ast::Definition &definition, const Place &place,
                                 const Arguments &given) {
  group.instances.push_back(std::make_unique<AdapterInstance>());
  AdapterInstance &instance = *group.instances.back();
  instance.group = &group;
  instance.definition = &definition;
  instance.form = &*definition.site;
  instance.body = definition.body;
  instance.site = place.site;
  instance.siteTensor = place.tensor;
  instance.number = int64_t(group.instances.size()) - 1;
  instance.prefix = prefixAt(place.tensor ? place.tensor->name : place.site->path, definition);
  instance.scope = &shared.definitionScope(definition);
  instance.arguments = given;
  Arguments arguments = given;
  if (!arguments.range.isValid())
    arguments.range = group.range;
  bindSite(instance);
  Evaluator evaluator(shared);
  if (evaluator.bindParameters(definition, arguments, *instance.scope))
    bindSchedules(evaluator, definition, *instance.scope);
  else
    instance.body = {};
}

/// Bodies when all sites are known: a size may be the largest of all.
void AdapterBuilder::buildInstances(AdapterGroup &group) {
  std::vector<Scope *> scopes;
  for (auto &instance : group.instances)
    scopes.push_back(instance->scope);
  shared.setBeside(std::move(scopes));
  for (auto &instance : group.instances)
    defineNames(*instance);
  for (auto &instance : group.instances)
    buildBody(*instance);
}

/// `on site at selector { ... }`: the sites of that kind within the outer one's.
void AdapterBuilder::addInner(AdapterInstance &outer, const ast::OnItem &item) {
  size_t before = outer.inner.size();
  for (ModuleInstance *module : model.model().modules()) {
    bool below = llvm::StringRef(module->path).starts_with(outer.site->path + ".");
    bool isOfKind = module->kind == item.site.name.text || (item.site.name.text == "module" && !module->virtualSite);
    if (!below || !isOfKind || (item.at && !matches(shared, *item.at, module->path, *outer.scope)))
      continue;
    outer.inner.push_back(std::make_unique<AdapterInstance>());
    AdapterInstance &instance = *outer.inner.back();
    instance.group = outer.group;
    instance.definition = outer.definition;
    instance.form = &item.site;
    instance.body = item.body;
    instance.site = module;
    instance.outer = &outer;
    instance.number = int64_t(outer.inner.size() - before) - 1;
    instance.prefix = prefixAt(module->path, *outer.definition);
    instance.scope = &shared.newScope(outer.scope);
    bindSite(instance);
    defineNames(instance);
    buildBody(instance);
  }
  if (outer.inner.size() == before)
    shared.diagnostics().report(Diag::SelectorMatchesNothing, item.at ? item.at->range : item.site.range,
                                "'" + item.site.name.text + "'");
}

/// How the names of an adapter's tensors begin: a second adapter of a name on a site is called `name_2`.
std::string AdapterBuilder::prefixAt(const std::string &path, const ast::Definition &definition) {
  std::string first = path + "." + definition.name.text, prefix = first;
  auto isTaken = [&](const std::unique_ptr<AdapterInstance> &known) {
    return known->prefix == prefix || llvm::any_of(known->inner, [&](auto &inner) { return inner->prefix == prefix; });
  };
  for (unsigned number = 2; llvm::any_of(
           model.groups(),
           [&](const std::shared_ptr<AdapterGroup> &group) { return llvm::any_of(group->instances, isTaken); });
       ++number)
    prefix = first + "_" + std::to_string(number);
  return prefix;
}

/// Dimensions and equations, which are found when they are asked for.
void AdapterBuilder::defineNames(AdapterInstance &instance) {
  Evaluator evaluator(shared);
  for (const ast::ItemPtr &item : instance.body) {
    if (auto *dims = llvm::dyn_cast<ast::DimsItem>(&*item))
      evaluator.defineDims(*dims, *instance.scope);
    else if (auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item))
      evaluator.defineEquation(equation->equation, *instance.scope);
  }
}

void AdapterBuilder::buildBody(AdapterInstance &instance) {
  Evaluator evaluator(shared);
  for (const ast::ItemPtr &item : instance.body) {
    if (auto *require = llvm::dyn_cast<ast::RequireItem>(&*item)) {
      std::optional<bool> holds = evaluator.evalCondition(*require->condition, *instance.scope);
      if (holds && !*holds)
        shared.diagnostics()
            .report(Diag::RequirementFailed, instance.group->range, require->message)
            .note(require->range, "required here");
    } else if (auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(&*item)) {
      declare(instance, *declarations);
    } else if (auto *rebase = llvm::dyn_cast<ast::RebaseItem>(&*item)) {
      addRebased(instance, *rebase, /*changes=*/false);
    } else if (auto *every = llvm::dyn_cast<ast::EveryItem>(&*item)) {
      for (const ast::ItemPtr &inner : every->body)
        if (auto *rebase = llvm::dyn_cast<ast::RebaseItem>(&*inner))
          addRebased(instance, *rebase, /*changes=*/true);
    } else if (auto *calibrate = llvm::dyn_cast<ast::CalibrateItem>(&*item)) {
      addCalibration(instance, *calibrate);
    } else if (auto *part = llvm::dyn_cast<ast::PartItem>(&*item)) {
      addPart(instance, *part);
    } else if (auto *on = llvm::dyn_cast<ast::OnItem>(&*item)) {
      addInner(instance, *on);
    }
  }
}
