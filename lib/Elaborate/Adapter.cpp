//===- Adapter.cpp - adapters are put on the sites of a model ---*- C++ -*-===//

#include "ftc/Elaborate/Adapter.h"

#include "AdapterBuilder.h"

using namespace ftc;
using namespace ftc::elaborate;

//===----------------------------------------------------------------------===//
// Finding sites
//===----------------------------------------------------------------------===//

/// The overload of an adapter for a kind of site, or null.
static const ast::Definition *overload(const Applied &applied, llvm::StringRef kind) {
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
  addGroup(
      *applied, entry.range, [&](llvm::StringRef path) { return matches(shared, entry.selector, path, scope); },
      [&](const ModelTensor &tensor) { return matchesTensor(shared, entry.selector, tensor, scope); });
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

void AdapterBuilder::addGroup(std::shared_ptr<const Applied> applied, llvm::SMRange range,
                              llvm::function_ref<bool(llvm::StringRef)> findsModule,
                              llvm::function_ref<bool(const ModelTensor &)> findsTensor) {
  auto group = std::make_shared<AdapterGroup>();
  group->applied = applied;
  group->range = range;
  Model &base = model.model();
  ModuleInstance &root = base.root();
  for (ModuleInstance *module : base.modules()) {
    bool trunk = module->parent == &root && llvm::StringRef(module->path) == root.trunk;
    const ast::Definition *definition = overload(*applied, module->kind);
    if (!definition)
      definition = overload(*applied, "module");
    if (const ast::Definition *whole = overload(*applied, "model"); whole && trunk)
      definition = whole;
    if (definition && module != &root && findsModule(module->path))
      addInstance(*group, *definition, *module, nullptr);
  }
  if (const ast::Definition *definition = overload(*applied, "tensor"))
    for (ModelTensor *tensor : base.tensors())
      if (findsTensor(*tensor))
        addInstance(*group, *definition, *const_cast<ModuleInstance *>(tensor->owner), tensor);
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

/// `site`: what a definition may ask of the place it is at.
static Value siteObject(const AdapterInstance &instance) {
  auto object = std::make_shared<std::map<std::string, Value, std::less<>>>();
  (*object)["number"] = instance.number;
  (*object)["layer"] = instance.site->layer();
  (*object)["name"] = llvm::StringRef(instance.site->path).rsplit('.').second.str();
  (*object)["path"] = instance.site->path;
  return Value::Object(std::move(object));
}

void AdapterBuilder::addInstance(AdapterGroup &group, const ast::Definition &definition, ModuleInstance &site,
                                 const ModelTensor *tensor) {
  auto instance = std::make_unique<AdapterInstance>();
  instance->group = &group;
  instance->definition = &definition;
  instance->site = &site;
  instance->siteTensor = tensor;
  instance->number = int64_t(group.instances.size());
  instance->scope = &shared.definitionScope(definition);
  std::string path = tensor ? tensor->name : site.path;
  Arguments arguments = atSite(shared, group.applied->arguments, path);
  if (!arguments.range.isValid())
    arguments.range = group.range;
  bindSite(*instance);
  Evaluator evaluator(shared);
  AdapterInstance &placed = *instance;
  group.instances.push_back(std::move(instance));
  if (!evaluator.bindParameters(definition, arguments, *placed.scope))
    return;
  for (const ast::ItemPtr &item : definition.body) {
    if (auto *dims = llvm::dyn_cast<ast::DimsItem>(&*item))
      evaluator.defineDims(*dims, *placed.scope);
    else if (auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item))
      evaluator.defineEquation(equation->equation, *placed.scope);
  }
  for (const ast::ItemPtr &item : definition.body) {
    if (auto *require = llvm::dyn_cast<ast::RequireItem>(&*item)) {
      std::optional<bool> holds = evaluator.evalCondition(*require->condition, *placed.scope);
      if (holds && !*holds)
        shared.diagnostics()
            .report(Diag::RequirementFailed, group.range, require->message)
            .note(require->range, "required here");
    } else if (auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(&*item)) {
      declareTensors(group, placed, *declarations);
    }
  }
}

void AdapterBuilder::bindSite(AdapterInstance &instance) {
  ModuleInstance &site = *instance.site;
  Scope &scope = *instance.scope;
  const ast::Site &form = *instance.definition->site;
  Evaluator evaluator(shared);
  if (form.axes)
    for (auto [place, axis] : llvm::enumerate(*form.axes)) {
      if (axis.names.empty())
        continue;
      const ast::Name &name = axis.names.front();
      Dim dim = place < site.axes.size() ? site.axes[place] : evaluator.dimOf(name.text, *site.scope, name.range);
      if (dim)
        scope.define(name.text, Value(dim), name.range);
    }
  AdapterInstance *self = &instance;
  scope.define("site", siteObject(instance));
  for (auto &tensor : site.tensors) {
    llvm::StringRef name = llvm::StringRef(tensor->name).rsplit('.').second;
    ModelTensor *own = tensor.get();
    llvm::StringRef shown = name == "weight" ? "W" : name;
    Scope::Thunk read = [self, own, shown](Evaluator &e) { return ownTensor(e, *self, *own, shown); };
    scope.define(shown, read, tensor->range);
  }
  if (!instance.siteTensor && !scope.findHere("bias"))
    scope.define("bias", Value(0.0));
  auto base = [self](Evaluator &e, Arguments arguments) -> Value {
    std::vector<AdapterInstance *> chain = e.model->on(self->site);
    auto place = llvm::find(chain, self) - chain.begin();
    return e.callAdapted(*self->site, llvm::ArrayRef(chain).take_front(place), std::move(arguments));
  };
  scope.define("base", Value(std::make_shared<const std::function<Value(Evaluator &, Arguments)>>(base)));
}

/// A tensor of the site itself; only the first adapter of a site sees it as it is.
Value AdapterBuilder::ownTensor(Evaluator &evaluator, const AdapterInstance &self, const ModelTensor &tensor,
                                llvm::StringRef name) {
  if (evaluator.model) {
    std::vector<AdapterInstance *> chain = evaluator.model->on(self.site);
    if (!chain.empty() && chain.front() != &self && llvm::is_contained(chain, &self)) {
      evaluator.diags()
          .report(Diag::NotFirstOnSite, self.group->range, self.definition->name.text, name, self.site->path)
          .help("move its line up, or merge first");
      return {};
    }
  }
  return evaluator.modelTensor(tensor);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// The site's own tensor that a declaration without type and value means, or null.
static const ModelTensor *ownTensorNamed(const AdapterInstance &instance, llvm::StringRef name) {
  if (instance.siteTensor)
    return name == "W" ? instance.siteTensor : nullptr;
  for (auto &tensor : instance.site->tensors) {
    llvm::StringRef own = llvm::StringRef(tensor->name).rsplit('.').second;
    if (own == name || (own == "weight" && name == "W"))
      return tensor->tied ? tensor->tied : tensor.get();
  }
  return nullptr;
}

void AdapterBuilder::declareTensors(AdapterGroup &group, AdapterInstance &instance, const ast::DeclarationsItem &item) {
  Evaluator evaluator(shared);
  for (const ast::Declaration &declaration : item.declarations) {
    const ast::Name &name = declaration.targets.front();
    std::optional<bool> present =
        declaration.condition ? evaluator.evalCondition(*declaration.condition, *instance.scope) : true;
    if (!present)
      continue;
    if (!*present) {
      instance.scope->define(name.text, Value(0.0), name.range);
      continue;
    }
    auto tensor = std::make_unique<AdapterTensor>();
    tensor->instance = &instance;
    tensor->declaration = &declaration;
    tensor->role = item.role == ast::TensorRole::Param ? AdapterRole::Trained : AdapterRole::Frozen;
    if (!declaration.type && (!declaration.value || ownTensorNamed(instance, name.text))) {
      if (!takeInPlace(*tensor, name))
        continue;
    } else {
      std::optional<Dims> dims = declaration.type && declaration.type->axes
                                     ? evaluator.dimsOf(*declaration.type->axes, *instance.scope)
                                     : std::nullopt;
      if (!dims) {
        if (!declaration.type || !declaration.type->axes)
          shared.diagnostics().report(Diag::UntypedTensor, name.range, name.text);
        continue;
      }
      tensor->dims = *dims;
      tensor->name = uniqueName(instance.site->path + "." + instance.definition->name.text, name.text);
      AdapterTensor *known = tensor.get();
      instance.scope->define(name.text, Scope::Thunk([known](Evaluator &e) -> Value {
                               if (!e.tensorBuilder(known->declaration->range))
                                 return {};
                               return Tensor{e.read(known->symbol), known->dims};
                             }),
                             name.range);
    }
    tensor->symbol = step + "." + tensor->name;
    auto kind = tensor->role == AdapterRole::Trained ? tune::Kind::trained : tune::Kind::frozen;
    shared.tensors().declareReal(tensor->symbol, kind, sizesOf(tensor->dims),
                                 tensor->source && !declaration.value ? sourceOf(shared, model.model(), *tensor->source)
                                                                      : mlir::DictionaryAttr());
    instance.tensors.push_back(tensor.get());
    group.tensors.push_back(std::move(tensor));
  }
}

bool AdapterBuilder::takeInPlace(AdapterTensor &tensor, const ast::Name &name) {
  const ModelTensor *own = ownTensorNamed(*tensor.instance, name.text);
  if (!own) {
    shared.diagnostics().report(Diag::UntypedTensor, name.range, name.text);
    return false;
  }
  // A later line may select again what an earlier one trains: it is one tensor.
  if (model.inPlaceOf(own) || !taken.insert(own).second)
    return false;
  tensor.source = own;
  tensor.dims = own->dims;
  tensor.name = own->name;
  return true;
}

std::string AdapterBuilder::uniqueName(const std::string &prefix, llvm::StringRef param) {
  for (unsigned number = 1;; ++number) {
    std::string name = prefix + (number > 1 ? "_" + std::to_string(number) : "") + "." + param.str();
    bool free = llvm::none_of(model.tensors(), [&](AdapterTensor *other) { return other->name == name; });
    if (free)
      return name;
  }
}

mlir::DictionaryAttr ftc::elaborate::sourceOf(Elaborator &shared, const Model &model, const ModelTensor &tensor) {
  mlir::Builder builder(shared.module().getContext());
  mlir::NamedAttrList source;
  source.set("step", builder.getStringAttr(model.step()));
  source.set("tensor", builder.getStringAttr(tensor.fileName));
  if (tensor.view) {
    mlir::NamedAttrList view;
    view.set("shape", builder.getI64ArrayAttr(tensor.view->shape));
    view.set("order", builder.getI64ArrayAttr(tensor.view->order));
    source.set("view", view.getDictionary(builder.getContext()));
  }
  return source.getDictionary(builder.getContext());
}
