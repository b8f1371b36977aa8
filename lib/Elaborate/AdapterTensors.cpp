//===- AdapterTensors.cpp - the tensors that adapters declare ---*- C++ -*-===//

#include "AdapterBuilder.h"

#include "ftc/Frontend/Walk.h"

#include "llvm/ADT/StringSet.h"

using namespace ftc;
using namespace ftc::elaborate;

const ModelTensor *ftc::elaborate::ownTensorNamed(const AdapterInstance &instance, llvm::StringRef name) {
  if (instance.siteTensor)
    return name == "W" ? instance.siteTensor : nullptr;
  for (auto &tensor : instance.site->tensors) {
    llvm::StringRef own = llvm::StringRef(tensor->name).rsplit('.').second;
    if (own == name || (own == "weight" && name == "W"))
      return tensor->tied ? tensor->tied : tensor.get();
  }
  return nullptr;
}

static bool isInteger(const ast::Declaration &declaration) {
  return declaration.type && declaration.type->element.text == "int";
}

/// Whether an equation gives a next value.
static bool isNext(const ast::EquationItem &item) {
  return llvm::any_of(item.equation.targets,
                      [](const ast::Name &name) { return llvm::StringRef(name.text).ends_with("'"); });
}

/// The names that stand in what runs after the initialisation: `forward`, the penalty, blocks, next values (`ofRead`:
/// of what is read), and the equations that they use. What a folded tensor is made of is not among them.
static llvm::StringSet<> readNames(const AdapterInstance &instance, bool ofRead = false) {
  ast::NamesIn walk;
  llvm::SmallVector<const ast::EquationItem *> others;
  for (const ast::ItemPtr &item : instance.body) {
    auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item);
    llvm::StringRef target = equation ? llvm::StringRef(equation->equation.targets.front().text) : "";
    if (target == "forward" || target == "penalty" || (equation && isNext(*equation) && !ofRead) ||
        llvm::isa<ast::EveryItem, ast::OnItem>(&*item))
      walk.item(*item);
    else if (equation)
      others.push_back(equation);
  }
  auto isRead = [&](const ast::EquationItem *item) {
    return llvm::any_of(item->equation.targets, [&](const ast::Name &name) {
      llvm::StringRef plain = name.text;
      return walk.names.contains(plain) || (plain.consume_back("'") && walk.names.contains(plain));
    });
  };
  for (auto found = llvm::find_if(others, isRead); found != others.end(); found = llvm::find_if(others, isRead)) {
    walk.item(**found);
    others.erase(found);
  }
  return walk.names;
}

/// Whether an item of a body, or of its blocks, gives a tensor a next value or begins it anew.
static bool changes(llvm::ArrayRef<ast::ItemPtr> body, llvm::StringRef tensor) {
  return llvm::any_of(body, [&](const ast::ItemPtr &item) {
    if (auto *every = llvm::dyn_cast<ast::EveryItem>(&*item))
      return changes(every->body, tensor);
    auto isTensor = [&](const ast::Name &name) { return name.text == tensor; };
    auto isNextOfTensor = [&](const ast::Name &name) { return name.text == tensor.str() + "'"; };
    auto *equation = llvm::dyn_cast<ast::EquationItem>(&*item);
    auto *reset = llvm::dyn_cast<ast::ResetItem>(&*item);
    return (equation && llvm::any_of(equation->equation.targets, isNextOfTensor)) ||
           (reset && llvm::any_of(reset->names, isTensor));
  });
}

/// Whether a definition has folded tensors: only then may some be there to make others of.
static bool folds(const AdapterInstance &instance) {
  return llvm::any_of(instance.body, [](const ast::ItemPtr &item) {
    auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(&*item);
    return declarations && declarations->role == ast::TensorRole::Folded;
  });
}

void AdapterBuilder::declare(AdapterInstance &instance, const ast::DeclarationsItem &item) {
  Evaluator evaluator(shared);
  for (const ast::Declaration &declaration : item.declarations) {
    const ast::Name &name = declaration.targets.front();
    std::optional<bool> present =
        declaration.condition ? evaluator.evalCondition(*declaration.condition, *instance.scope) : true;
    if (!present)
      continue;
    if (!*present)
      instance.scope->define(name.text, Value(0.0), name.range);
    else if (item.role == ast::TensorRole::Let)
      declareLet(instance, declaration);
    else if (foldedAsSaved && folds(instance) && !readNames(instance, /*ofRead=*/true).contains(name.text))
      continue;
    else if (item.role == ast::TensorRole::Folded && !foldedAsSaved)
      declareFolded(instance, declaration);
    else if (!declaration.type && (!declaration.value || ownTensorNamed(instance, name.text)))
      takeInPlace(instance, item, declaration);
    else
      declareTensor(instance, item, declaration);
  }
}

/// Whether a first value is a number that is written down.
static bool isNumber(const ast::Expr *expr) {
  if (auto *unary = llvm::dyn_cast_or_null<ast::UnaryExpr>(expr))
    return unary->op == ast::UnaryOp::Minus && isNumber(unary->operand.get());
  return expr && llvm::isa<ast::IntegerExpr, ast::NumberExpr>(expr);
}

/// The dimensions of a declared tensor, none for a number (`param s: real`, `state s = 0`), those of the site's own
/// tensor for a copy of it (`frozen W0 = W`); nothing after an error.
std::optional<Dims> AdapterBuilder::dimsOf(const AdapterInstance &instance, const ast::Declaration &declaration) {
  Scope &scope = *instance.scope;
  if (declaration.type && declaration.type->axes)
    return Evaluator(shared).dimsOf(*declaration.type->axes, scope);
  if (declaration.type && (declaration.type->element.text == "real" || declaration.type->element.text == "int"))
    return Dims();
  if (!declaration.type && isNumber(declaration.value.get()))
    return Dims();
  if (auto *copied = llvm::dyn_cast_or_null<ast::NameExpr>(declaration.value.get()); copied && !declaration.type)
    if (const ModelTensor *own = ownTensorNamed(instance, copied->name))
      return own->dims;
  const ast::Name &name = declaration.targets.front();
  shared.diagnostics()
      .report(Diag::UntypedTensor, name.range, name.text)
      .help("its dimensions stand behind a colon: `" + name.text + ": [rank, in] = ...`");
  return std::nullopt;
}

Value ftc::elaborate::refuseLost(Diagnostics &diags, const AdapterTensor &tensor) {
  diags
      .report(Diag::LostTensor, tensor.instance->group->range, tensor.parameter, tensor.instance->definition->name.text)
      .note(tensor.range, "declared here")
      .help("save it as it is; or let PEFT merge it, and load the merged model");
  return {};
}

/// A tensor of the adapter's own.
void AdapterBuilder::declareTensor(AdapterInstance &instance, const ast::DeclarationsItem &item,
                                   const ast::Declaration &declaration) {
  const ast::Name &name = declaration.targets.front();
  std::optional<Dims> dims = dimsOf(instance, declaration);
  if (!dims)
    return;
  auto empty = llvm::find_if(*dims, [](Dim dim) { return dim->size == 0; });
  if (empty != dims->end()) {
    shared.diagnostics()
        .report(Diag::EmptyTensor, instance.group->range, name.text, printDims(*dims, *instance.scope),
                instance.scope->nameOf(*empty))
        .note(name.range, "declared here");
    return;
  }
  AdapterTensor *known = item.shared ? sharedTensor(instance, item, declaration, *dims) : nullptr;
  if (!known) {
    known = &addTensor(instance, item.role, name);
    known->dims = known->ownDims = *dims;
    known->name = instance.prefix + "." + name.text;
    known->integer = isInteger(declaration);
    known->shared = item.shared;
    known->changes = item.role == ast::TensorRole::State;
    known->stays = item.role == ast::TensorRole::Frozen && !changes(instance.body, name.text);
    known->initial = item.role == ast::TensorRole::Folded ? nullptr : declaration.value.get();
    known->fromFile = item.role == ast::TensorRole::Folded;
    if (item.shared)
      sharedTensors.back().second = known;
  }
  instance.tensors.push_back(known);
  instance.scope->define(name.text, Scope::Thunk([known, own = *dims](Evaluator &e) -> Value {
                           if (known->lost)
                             return refuseLost(e.diags(), *known);
                           if (!e.tensorBuilder(known->range))
                             return {};
                           // Of a shared tensor a site sees the leading part.
                           Value value = Tensor{e.read(known->symbol), known->dims};
                           for (auto [whole, part] : llvm::zip_equal(known->dims, own))
                             if (whole != part)
                               value = whole->size == part->size ? e.rename(*value.as<Tensor>(), whole, part)
                                                                 : e.slice(*value.as<Tensor>(), whole, 0, part);
                           return value;
                         }),
                         name.range);
}

/// The tensor that a site shares with earlier ones, made as large as this site needs it; null (and a place for it at
/// the end of `sharedTensors`) for the first.
AdapterTensor *AdapterBuilder::sharedTensor(AdapterInstance &instance, const ast::DeclarationsItem &item,
                                            const ast::Declaration &declaration, const Dims &dims) {
  Evaluator evaluator(shared);
  std::string key;
  for (const ast::ExprPtr &expr : item.sharedBy)
    key += evaluator.eval(*expr, *instance.scope).print() + ",";
  for (auto &[place, tensor] : sharedTensors) {
    if (place != std::pair(&declaration, key))
      continue;
    for (auto [whole, own] : llvm::zip_equal(tensor->dims, dims))
      if (own->size > whole->size)
        whole = own;
    return tensor;
  }
  sharedTensors.push_back({{&declaration, key}, nullptr});
  return nullptr;
}

Scope &ftc::elaborate::firstValueScope(Elaborator &shared, const AdapterTensor &tensor) {
  Scope &own = *tensor.instance->scope;
  if (tensor.dims == tensor.ownDims || !tensor.shared)
    return own;
  Scope &scope = shared.newScope(&own);
  for (auto [whole, dim] : llvm::zip_equal(tensor.dims, tensor.ownDims))
    if (whole != dim)
      scope.define(own.nameOf(dim), Value(whole));
  return scope;
}

AdapterTensor &AdapterBuilder::addTensor(AdapterInstance &instance, ast::TensorRole role, const ast::Name &name) {
  auto &tensors = instance.group->tensors;
  tensors.push_back(std::make_unique<AdapterTensor>());
  AdapterTensor &tensor = *tensors.back();
  tensor.instance = &instance;
  tensor.parameter = name.text;
  tensor.range = name.range;
  bool isTrained = role == ast::TensorRole::Param || role == ast::TensorRole::Folded;
  tensor.role = isTrained                         ? AdapterRole::Trained
                : role == ast::TensorRole::Frozen ? AdapterRole::Frozen
                                                  : AdapterRole::Kept;
  return tensor;
}

/// A tensor cannot be trained in place and be given next values by an `every` block too.
void AdapterBuilder::refuseTwoWays(const AdapterInstance &instance, const ModelTensor &own,
                                   const AdapterInstance &other) {
  shared.diagnostics()
      .report(Diag::ChangedTwice, instance.group->range, own.name)
      .note(other.group->range, "the other one is here");
}

/// `param W`: the site's own tensor is trained.
void AdapterBuilder::takeInPlace(AdapterInstance &instance, const ast::DeclarationsItem &item,
                                 const ast::Declaration &declaration) {
  const ast::Name &name = declaration.targets.front();
  const ModelTensor *own = ownTensorNamed(instance, name.text);
  if (!own) {
    shared.diagnostics().report(Diag::UntypedTensor, name.range, name.text);
    return;
  }
  for (AdapterInstance *other : model.learning())
    for (AdapterTensor *rebased : other->rebased)
      if (rebased->source == own && rebased->changes)
        return refuseTwoWays(instance, *own, *other);
  // A later line may select again what an earlier one trains: it is one tensor.
  if (AdapterTensor *earlier = model.inPlaceOf(own)) {
    model.unsettle(earlier);
    return;
  }
  if (!taken.insert(own).second)
    return;
  AdapterTensor &tensor = addTensor(instance, item.role, name);
  tensor.source = own;
  tensor.dims = own->dims;
  tensor.name = own->name;
  tensor.initial = declaration.value.get();
  instance.tensors.push_back(&tensor);
}

/// `rebase W = e`: from now on another tensor stands in the place of the site's own. In an `every` block it changes
/// while training.
void AdapterBuilder::addRebased(AdapterInstance &instance, const ast::RebaseItem &item, bool changes) {
  const ModelTensor *own = ownTensorNamed(instance, item.name.text);
  if (!own) {
    shared.diagnostics().report(Diag::UntypedTensor, item.name.range, item.name.text);
    return;
  }
  for (ModuleInstance *other : model.model().modules())
    for (auto &tensor : other->tensors)
      if (tensor->tied == own) {
        shared.diagnostics().report(Diag::MergedTied, instance.group->range, own->name, tensor->name);
        return;
      }
  AdapterTensor *trained = changes ? model.inPlaceOf(own) : nullptr;
  if (trained && !model.isSettled(trained))
    return refuseTwoWays(instance, *own, *trained->instance);
  auto known = llvm::find_if(instance.rebased, [&](AdapterTensor *tensor) { return tensor->source == own; });
  AdapterTensor &tensor =
      known == instance.rebased.end() ? addTensor(instance, ast::TensorRole::Let, item.name) : **known;
  tensor.changes |= changes;
  if (!changes)
    tensor.initial = item.value.get();
  if (tensor.source)
    return;
  tensor.source = own;
  tensor.dims = own->dims;
  tensor.name = own->name;
  instance.rebased.push_back(&tensor);
}

//===----------------------------------------------------------------------===//
// Values found once
//===----------------------------------------------------------------------===//

/// Where the tensor is trained through what it is made of, it is that; files hold its value.
void AdapterBuilder::declareFolded(AdapterInstance &instance, const ast::Declaration &declaration) {
  const ast::Name &name = declaration.targets.front();
  std::optional<Dims> dims = dimsOf(instance, declaration);
  if (!dims || !declaration.value) {
    if (dims)
      shared.diagnostics().report(Diag::UntypedTensor, name.range, name.text);
    return;
  }
  AdapterTensor &tensor = addTensor(instance, ast::TensorRole::Let, name);
  tensor.dims = *dims;
  tensor.name = instance.prefix + "." + name.text;
  tensor.folded = declaration.value.get();
  instance.tensors.push_back(&tensor);
  Scope &scope = *instance.scope;
  scope.define(name.text, Scope::Thunk([&declaration, &scope](Evaluator &e) {
                 return e.coerce(e.eval(*declaration.value, scope), *declaration.type, scope, declaration.range);
               }),
               name.range);
}

/// Before the adapter is put on, a `let` is a name like any other; later it is what it was then.
void AdapterBuilder::declareLet(AdapterInstance &instance, const ast::Declaration &declaration) {
  Scope &scope = *instance.scope;
  auto evaluate = [&declaration, &scope](Evaluator &evaluator) {
    if (!declaration.type)
      return evaluator.eval(*declaration.value, scope);
    // Numbers of chance that a seed gives know what they fill.
    InitialContext context{
        {}, declaration.type->axes ? evaluator.dimsOf(*declaration.type->axes, scope).value_or(Dims()) : Dims()};
    InitialContext *outer = std::exchange(evaluator.initial, &context);
    Value value = evaluator.initialValue(*declaration.value, scope);
    evaluator.initial = outer;
    return evaluator.coerce(value, *declaration.type, scope, declaration.range);
  };
  Evaluator(shared).definePattern(declaration.targets, scope, evaluate, declaration.range);
  for (const ast::Name &target : declaration.targets)
    if (target.text != "_" && readNames(instance).contains(target.text))
      instance.lets.push_back({target.text, step + "." + instance.prefix + "." + target.text, {}});
}

void AdapterBuilder::addCalibration(AdapterInstance &instance, const ast::CalibrateItem &item) {
  Evaluator evaluator(shared);
  std::optional<Dims> dims =
      item.type.axes ? evaluator.dimsOf(*item.type.axes, *instance.scope) : std::optional(Dims());
  auto *call = llvm::dyn_cast<ast::CallExpr>(&*item.value);
  auto *reduction = call ? llvm::dyn_cast<ast::NameExpr>(&*call->callee) : nullptr;
  bool isGradient = reduction && reduction->name == "grad" && call->arguments.size() == 1;
  bool isMean = isGradient || (reduction && reduction->name == "mean");
  if (!dims || (!isMean && (!reduction || reduction->name != "sum"))) {
    if (dims)
      shared.diagnostics().report(Diag::NotAStatistic, item.value->range);
    return;
  }
  std::string prefix = step + "." + instance.prefix + "." + item.name.text;
  instance.calibrations.push_back({&item, *dims, prefix + ".sum", prefix + ".count", isGradient});
  shared.tensors().declareReal(prefix + ".sum", tune::Kind::gradient, sizesOf(*dims));
  shared.tensors().declareReal(prefix + ".count", tune::Kind::gradient, {});
  auto read = [dims = *dims, prefix, isMean, range = item.range](Evaluator &e) -> Value {
    if (!e.tensorBuilder(range))
      return {};
    Value sum = Tensor{e.read(prefix + ".sum"), dims};
    return isMean ? e.arithmetic(ast::BinaryOp::Div, sum, Tensor{e.read(prefix + ".count"), {}}, range) : sum;
  };
  evaluator.definePattern(item.name, *instance.scope, read, item.range);
  if (readNames(instance).contains(item.name.text))
    instance.lets.push_back({item.name.text, prefix, {}});
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

/// Where a tensor in the place of the model's own begins as the file has that one.
static mlir::DictionaryAttr firstContents(Elaborator &shared, const AdaptedModel &model, const AdapterTensor &tensor) {
  if (!tensor.source || tensor.changes || !model.isAsLoaded(tensor.source) ||
      (tensor.initial && tensor.role != AdapterRole::Kept))
    return {};
  return sourceOf(shared, model.model(), *tensor.source);
}

void AdapterBuilder::declareSymbol(AdapterTensor &tensor) {
  static constexpr tune::Kind kinds[] = {tune::Kind::trained, tune::Kind::frozen, tune::Kind::frozen};
  tune::Kind kind = tensor.changes ? tune::Kind::state : tensor.folded ? tune::Kind::value : kinds[size_t(tensor.role)];
  tensor.symbol = step + "." + tensor.name;
  mlir::MLIRContext *context = shared.module().getContext();
  mlir::Type element =
      tensor.integer ? mlir::Type(mlir::IntegerType::get(context, 32)) : mlir::Float64Type::get(context);
  shared.tensors().declare(tensor.symbol, kind, mlir::RankedTensorType::get(sizesOf(tensor.dims), element),
                           firstContents(shared, model, tensor));
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
