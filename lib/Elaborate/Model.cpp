#include "ftc/Elaborate/Model.h"

#include "ModelBuilder.h"

#include "dialects/Tune/Utils/LayerNames.h"

#include "ftc/Frontend/Walk.h"

using namespace ftc;
using namespace ftc::elaborate;

//===----------------------------------------------------------------------===//
// The tree
//===----------------------------------------------------------------------===//

ModelTensor *ModuleInstance::tensor(llvm::StringRef name) const {
  for (auto &tensor : tensors)
    if (tensor->name.size() > name.size() ? llvm::StringRef(tensor->name).ends_with(("." + name).str())
                                          : tensor->name == name)
      return tensor.get();
  return nullptr;
}

ModuleInstance *ModuleInstance::child(llvm::StringRef wanted) {
  std::string full = path.empty() ? wanted.str() : path + "." + wanted.str();
  for (auto &child : children) {
    if (child->path == full)
      return child.get();
    if (llvm::StringRef(full).starts_with(child->path + "."))
      if (ModuleInstance *found = child->child(llvm::StringRef(full).drop_front(child->path.size() + 1)))
        return found;
  }
  return nullptr;
}

int64_t ModuleInstance::layer() const { return tune::getLayer(path).value_or(-1); }

ModelTensor *Model::tensor(llvm::StringRef name) const {
  for (ModuleInstance *module : allModules)
    for (auto &tensor : module->tensors)
      if (tensor->name == name)
        return tensor.get();
  return nullptr;
}

Dim Model::dim(Elaborator &elaborator, llvm::StringRef name) const {
  return Evaluator(elaborator).dimOf(name, *rootModule->scope, {});
}

std::unique_ptr<Model> Model::instantiate(Elaborator &elaborator, llvm::StringRef step, ModelFiles files,
                                          llvm::SMRange at) {
  auto model = std::make_unique<Model>();
  model->stepName = step.str();
  model->modelFiles = std::move(files);
  unsigned before = elaborator.diagnostics().errorCount();
  ModelBuilder builder(elaborator, *model, at);
  const ast::Definition *definition = builder.choose();
  if (!definition || !builder.build(*definition) || elaborator.diagnostics().errorCount() != before)
    return nullptr;
  return model;
}

std::unique_ptr<Model> Model::reconfigure(Elaborator &elaborator, const Model &other,
                                          const std::map<std::string, Value> &changes, llvm::SMRange at) {
  auto model = std::make_unique<Model>();
  model->stepName = other.stepName;
  model->modelFiles = other.modelFiles;
  unsigned before = elaborator.diagnostics().errorCount();
  ModelBuilder builder(elaborator, *model, at);
  builder.change(other.config(), changes);
  const ast::Definition *definition = builder.choose();
  if (!definition || !builder.build(*definition) || elaborator.diagnostics().errorCount() != before)
    return nullptr;
  return model;
}

//===----------------------------------------------------------------------===//
// Instantiation
//===----------------------------------------------------------------------===//

static constexpr unsigned maxModuleDepth = 64;

const ast::FilesItem *ftc::elaborate::ggufClause(const ast::Definition &definition, llvm::StringRef architecture) {
  for (const ast::ItemPtr &item : definition.body)
    if (auto *files = llvm::dyn_cast<ast::FilesItem>(&*item))
      if (files->clause.text == "gguf" && files->type.text == architecture)
        return files;
  return nullptr;
}

const ast::Definition *ModelBuilder::choose() {
  const ModelFiles &files = model.files();
  DefinitionLibrary &library = shared.library();
  Value name = files.gguf ? evaluator.member(evaluator.member(files.config, "general", at), "architecture", at)
                          : evaluator.member(files.config, "architectures", at);
  if (auto *list = name.as<Value::List>(); list && !(*list)->empty())
    name = (*list)->front();
  auto *text = name.as<std::string>();
  if (!text) {
    shared.diagnostics().report(Diag::NoArchitecture, at, files.configPath());
    return nullptr;
  }
  std::vector<llvm::StringRef> known = library.names(ast::DefinitionKind::Model);
  if (!files.gguf) {
    if (const ast::Definition *definition = library.find(ast::DefinitionKind::Model, *text))
      return definition;
    shared.diagnostics()
        .report(Diag::UnknownArchitecture, at, *text, files.configPath())
        .nearest(*text, known)
        .help("there are " + llvm::join(known, ", "));
    return nullptr;
  }
  for (llvm::StringRef candidate : known) {
    const ast::Definition *definition = library.find(ast::DefinitionKind::Model, candidate);
    if ((gguf = ggufClause(*definition, *text)))
      return definition;
  }
  shared.diagnostics().report(Diag::NoGgufArchitecture, at, *text);
  return nullptr;
}

bool ModelBuilder::build(const ast::Definition &definition) {
  root = &definition;
  Value config = original ? *original : gguf ? ggufConfig(*gguf, definition) : model.files().config;
  if (config.isError() || (changes && !changeConfig(config)))
    return false;
  model.modelConfig = config;
  PartForm form;
  form.definition = &definition;
  form.arguments.positional.push_back(config);
  model.rootModule = instantiate(form, "", nullptr, at);
  if (!model.rootModule)
    return false;
  model.wholeConfig = withDefaults(config, definition, *model.rootModule->scope);
  collect(*model.rootModule);
  if (!nameFiles())
    return false;
  checkTensors();
  checkUnused();
  if (changes)
    return checkChanges(); // the rest has been said where the model is loaded
  if (!gguf)
    warnConfig();
  return true;
}

void ModelBuilder::collect(ModuleInstance &module) {
  model.allModules.push_back(&module);
  for (auto &tensor : module.tensors)
    if (!tensor->tied)
      model.allTensors.push_back(tensor.get());
  for (auto &child : module.children)
    if (!child->absent)
      collect(*child);
}

bool ModelBuilder::bindConfig(const ast::Definition &definition, const Value &config, Scope &scope) {
  bool sound = true;
  auto *object = config.as<Value::Object>();
  if (!object) {
    shared.diagnostics().report(Diag::ExpectedValue, at, "a configuration object", config.describe());
    return false;
  }
  for (const ast::ItemPtr &item : definition.body) {
    auto *keys = llvm::dyn_cast<ast::ConfigItem>(&*item);
    if (!keys)
      continue;
    for (const ast::ConfigItem::Key &key : keys->keys) {
      if (&definition == root)
        keysRead.insert(key.name.text);
      auto it = (*object)->find(key.name.text);
      if (it != (*object)->end()) {
        scope.define(key.name.text, it->second, key.name.range);
      } else if (key.defaultValue) {
        scope.define(key.name.text,
                     Scope::Thunk([&key, &scope](Evaluator &e) { return e.eval(*key.defaultValue, scope); }),
                     key.name.range);
      } else {
        shared.diagnostics()
            .report(Diag::MissingConfigKey, at, model.files().configPath(), key.name.text, definition.name.text)
            .note(key.name.range, "declared here");
        sound = false;
      }
    }
  }
  return sound;
}

/// The configuration of a model with the values of its keys that are absent.
Value ModelBuilder::withDefaults(const Value &config, const ast::Definition &definition, Scope &scope) {
  auto whole = std::make_shared<std::map<std::string, Value, std::less<>>>(**config.as<Value::Object>());
  Evaluator evaluator(shared);
  for (const ast::ItemPtr &item : definition.body)
    if (auto *keys = llvm::dyn_cast<ast::ConfigItem>(&*item))
      for (const ast::ConfigItem::Key &key : keys->keys)
        if (!whole->count(key.name.text))
          whole->emplace(key.name.text, evaluator.lookup(key.name.text, scope, key.name.range));
  return Value::Object(std::move(whole));
}

std::unique_ptr<ModuleInstance> ModelBuilder::instantiate(const PartForm &form, std::string path,
                                                          ModuleInstance *parent, llvm::SMRange range) {
  const ast::Definition &definition = *form.definition;
  if (llvm::StringRef(path).count('.') > maxModuleDepth) {
    shared.diagnostics().report(Diag::ModulesTooDeep, range, maxModuleDepth);
    return nullptr;
  }
  auto module = std::make_unique<ModuleInstance>();
  module->definition = &definition;
  module->path = std::move(path);
  module->kind = definition.is ? definition.is.text : definition.name.text;
  module->parent = parent;
  module->isModel = definition.kind == ast::DefinitionKind::Model;
  module->axes = form.axes;
  // A module sees its model's names, not those of the modules around it.
  ModuleInstance *around = parent;
  while (around && !around->isModel)
    around = around->parent;
  module->scope = module->isModel || !around ? &shared.definitionScope(definition) : &shared.newScope(around->scope);
  module->scope->setFile(shared.library().fileOf(&definition));
  if (module->isModel) {
    Value config = form.arguments.positional.empty() ? Value::none() : form.arguments.positional.front();
    if (!bindConfig(definition, config, *module->scope))
      return nullptr;
  } else {
    size_t wanted = definition.axes ? definition.axes->size() : 0;
    if (form.axes.size() != wanted) {
      shared.diagnostics().report(Diag::WrongAxes, range, definition.name.text, wanted, form.axes.size());
      return nullptr;
    }
    for (auto [place, dim] : llvm::enumerate(form.axes)) {
      const ast::Axis &axis = (*definition.axes)[place];
      if (!axis.names.empty())
        module->scope->define(axis.names.front().text, Value(dim), axis.range);
    }
    if (!evaluator.bindParameters(definition, form.arguments, *module->scope))
      return nullptr;
  }
  return elaborateBody(*module) ? std::move(module) : nullptr;
}

/// The part that the equation `forward(ids) = ...` calls with `ids` itself: the trunk of a model.
static std::string findTrunk(const ast::Expr &expr, llvm::StringRef ids) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(&expr);
  if (!call)
    return "";
  for (const ast::Argument &argument : call->arguments) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(&*argument.value);
    auto *callee = llvm::dyn_cast<ast::NameExpr>(&*call->callee);
    if (name && callee && name->name == ids)
      return callee->name;
    if (std::string inner = findTrunk(*argument.value, ids); !inner.empty())
      return inner;
  }
  return "";
}

namespace {
/// Whether a module calls `attention`, which makes that call a site.
struct AttentionWalk : ast::Walk {
  bool found = false;
  void enterExpr(const ast::Expr &expr) override {
    auto *call = llvm::dyn_cast<ast::CallExpr>(&expr);
    auto *callee = call ? llvm::dyn_cast<ast::NameExpr>(&*call->callee) : nullptr;
    found |= callee && callee->name == attentionSite;
  }
};
} // namespace

/// The call of `attention` in a module is the site `attention` of that module.
void ModelBuilder::addAttentionSite(ModuleInstance &module) {
  AttentionWalk walk;
  for (const ast::ItemPtr &item : module.definition->body)
    if (llvm::isa<ast::EquationItem>(&*item))
      walk.item(*item);
  if (!walk.found)
    return;
  auto site = std::make_unique<ModuleInstance>();
  site->definition = module.definition;
  site->path = module.path.empty() ? attentionSite.str() : module.path + "." + attentionSite.str();
  site->kind = attentionSite;
  site->parent = &module;
  site->isModel = false;
  site->scope = module.scope;
  site->virtualSite = true;
  module.children.push_back(std::move(site));
}

bool ModelBuilder::elaborateBody(ModuleInstance &module) {
  unsigned before = shared.diagnostics().errorCount();
  auto &body = module.definition->body;
  for (const ast::ItemPtr &item : body) {
    if (auto *dims = llvm::dyn_cast<ast::DimsItem>(&*item))
      evaluator.defineDims(*dims, *module.scope);
    else if (auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item)) {
      evaluator.defineEquation(equation->equation, *module.scope);
      if (module.isModel && equation->equation.targets.front().text == "forward" && equation->equation.arguments &&
          equation->equation.arguments->size() == 1)
        module.trunk = findTrunk(*equation->equation.value, equation->equation.arguments->front().text);
    } else if (auto *ignore = llvm::dyn_cast<ast::IgnoreItem>(&*item))
      module.ignored.insert(module.ignored.end(), ignore->names.begin(), ignore->names.end());
  }
  for (const ast::ItemPtr &item : body) {
    if (auto *require = llvm::dyn_cast<ast::RequireItem>(&*item)) {
      std::optional<bool> holds = evaluator.evalCondition(*require->condition, *module.scope);
      if (holds && !*holds)
        shared.diagnostics().report(Diag::RequirementFailed, require->range, require->message);
    } else if (auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(&*item))
      declareTensors(module, *declarations);
    else if (auto *part = llvm::dyn_cast<ast::PartItem>(&*item))
      declarePart(module, *part);
  }
  if (shared.diagnostics().errorCount() != before)
    return false;
  addAttentionSite(module);
  applyTies(module);
  return shared.diagnostics().errorCount() == before;
}

void ModelBuilder::declareTensors(ModuleInstance &module, const ast::DeclarationsItem &item) {
  for (const ast::Declaration &declaration : item.declarations) {
    const ast::Name &name = declaration.targets.front();
    std::optional<bool> present =
        declaration.condition ? evaluator.evalCondition(*declaration.condition, *module.scope) : true;
    if (!present)
      continue;
    if (!*present) {
      module.scope->define(name.text, Value(0.0), name.range);
      continue;
    }
    std::optional<Dims> dims = declaration.type && declaration.type->axes
                                   ? evaluator.dimsOf(*declaration.type->axes, *module.scope)
                                   : std::nullopt;
    if (!dims) {
      if (!declaration.type)
        shared.diagnostics().report(Diag::UntypedTensor, name.range, name.text);
      continue;
    }
    auto tensor = std::make_unique<ModelTensor>();
    tensor->name = module.path.empty() ? name.text : module.path + "." + name.text;
    tensor->dims = *dims;
    tensor->owner = &module;
    tensor->range = name.range;
    ModelTensor *known = tensor.get();
    module.scope->define(name.text, Scope::Thunk([known](Evaluator &e) { return e.modelTensor(*known); }), name.range);
    module.tensors.push_back(std::move(tensor));
  }
}

std::optional<ModelBuilder::PartForm> ModelBuilder::formOf(const ast::Expr &expr, Scope &scope,
                                                           const ast::Definition &within) {
  if (auto *call = llvm::dyn_cast<ast::CallExpr>(&expr)) {
    std::optional<PartForm> form = formOf(*call->callee, scope, within);
    if (form)
      form->arguments = evaluator.evalArguments(*call, scope);
    return form;
  }
  if (auto *index = llvm::dyn_cast<ast::IndexExpr>(&expr)) {
    std::optional<PartForm> form = formOf(*index->base, scope, within);
    for (const ast::Argument &axis : form ? llvm::ArrayRef(index->indices) : llvm::ArrayRef<ast::Argument>()) {
      std::optional<Dims> dims = evaluator.dimsOf(*axis.value, scope);
      if (!dims)
        return std::nullopt;
      if (llvm::is_contained(form->axes, dims->front())) {
        shared.diagnostics()
            .report(Diag::RepeatedDimension, axis.range, dims->front()->name)
            .help("declare a second name for the size with `dim`");
        return std::nullopt;
      }
      form->axes.append(*dims);
    }
    return form;
  }
  Value value = evaluator.eval(expr, scope);
  PartForm form;
  if (auto *applied = value.as<std::shared_ptr<const Applied>>()) {
    for (const ast::Definition *definition : (*applied)->definitions)
      if (!form.definition &&
          (definition->kind == ast::DefinitionKind::Module || definition->kind == ast::DefinitionKind::Model))
        form.definition = definition;
    form.arguments = (*applied)->arguments;
  }
  if (form.definition) {
    form.arguments.range = expr.range;
    return form;
  }
  if (!value.isError())
    shared.diagnostics().report(Diag::NotAModule, expr.range, value.describe());
  return std::nullopt;
}

std::unique_ptr<ModuleInstance> ModelBuilder::one(ModuleInstance &module, const ast::PartItem &item,
                                                  llvm::StringRef path, Scope &scope) {
  std::optional<PartForm> form = formOf(*item.value, scope, *module.definition);
  return form ? instantiate(*form, path.str(), &module, item.value->range) : nullptr;
}

/// More layers than any model has; a configuration cannot make the compiler count for hours.
static constexpr int64_t mostParts = 1 << 14;

void ModelBuilder::declarePart(ModuleInstance &module, const ast::PartItem &item) {
  std::string path = module.path.empty() ? item.name.text : module.path + "." + item.name.text;
  std::optional<bool> present = item.condition ? evaluator.evalCondition(*item.condition, *module.scope) : true;
  if (!present)
    return;
  Scope::Entry *entry = module.scope->findHere(item.name.text);
  auto *earlier = entry ? entry->value.as<ModuleInstance *>() : nullptr;
  if (!*present) {
    if (entry)
      return;
    auto absent = std::make_unique<ModuleInstance>();
    absent->absent = true;
    absent->path = path;
    module.scope->define(item.name.text, Value(absent.get()), item.name.range);
    module.children.push_back(std::move(absent));
    return;
  }
  if (entry && !(earlier && (*earlier)->absent)) {
    shared.diagnostics()
        .report(Diag::AmbiguousPart, item.name.range, item.name.text)
        .note(entry->range, "the other one");
    return;
  }
  Value value;
  if (item.index) {
    std::optional<int64_t> count = evaluator.evalInteger(*item.count, *module.scope);
    if (count && *count > mostParts) {
      shared.diagnostics().report(Diag::TooManyParts, item.count->range, path, *count, mostParts);
      return;
    }
    ModuleList list;
    for (int64_t i = 0; count && i < *count; ++i) {
      Scope &scope = shared.newScope(module.scope);
      scope.define(item.index.text, Value(i), item.index.range);
      auto child = one(module, item, path + "." + std::to_string(i), scope);
      if (!child)
        return;
      list.modules.push_back(child.get());
      module.children.push_back(std::move(child));
    }
    value = std::move(list);
  } else {
    auto child = one(module, item, path, *module.scope);
    if (!child)
      return;
    value = child.get();
    module.children.push_back(std::move(child));
  }
  if (!module.scope->define(item.name.text, value, item.name.range))
    module.scope->redefine(item.name.text, value);
}

/// `a.b.c` as written; empty if the expression is something else.
static std::string dotted(const ast::Expr &expr) {
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(&expr))
    return name->name;
  auto *member = llvm::dyn_cast<ast::MemberExpr>(&expr);
  std::string base = member ? dotted(*member->base) : "";
  return base.empty() ? "" : base + "." + member->member.text;
}

ModelTensor *ModelBuilder::tensorAt(ModuleInstance &module, const ast::Expr &expr) {
  std::string path = dotted(expr);
  auto [parent, name] = llvm::StringRef(path).rsplit('.');
  ModuleInstance *owner = name.empty() ? &module : module.child(parent);
  ModelTensor *tensor = owner ? owner->tensor(name.empty() ? parent : name) : nullptr;
  if (!tensor)
    shared.diagnostics().report(Diag::NoSuchTensor, expr.range, path);
  return tensor;
}

void ModelBuilder::applyTies(ModuleInstance &module) {
  for (const ast::ItemPtr &item : module.definition->body) {
    auto *tie = llvm::dyn_cast<ast::TieItem>(&*item);
    if (!tie)
      continue;
    std::optional<bool> holds = tie->condition ? evaluator.evalCondition(*tie->condition, *module.scope) : true;
    if (!holds || !*holds)
      continue;
    ModelTensor *left = tensorAt(module, *tie->left), *right = tensorAt(module, *tie->right);
    if (left && right)
      left->tied = right;
  }
}
