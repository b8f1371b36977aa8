//===- AdapterSite.cpp - what an adapter sees of its site -------*- C++ -*-===//

#include "AdapterBuilder.h"
#include "Format.h"
#include "ProgramState.h"

#include "ftc/Frontend/Walk.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

using NativeFunction = std::function<Value(Evaluator &, Arguments)>;

static Value native(NativeFunction function) {
  return Value(std::make_shared<const NativeFunction>(std::move(function)));
}

/// The name of the module that one is part of: empty if that is the root, or one of a list, which has a number.
static std::string parentName(llvm::StringRef path) {
  llvm::StringRef above = path.contains('.') ? path.rsplit('.').first : llvm::StringRef();
  llvm::StringRef name = above.drop_front(above.rfind('.') + 1);
  return llvm::all_of(name, llvm::isDigit) ? "" : name.str();
}

Value ftc::elaborate::siteObject(const AdapterInstance &instance, const Model &model, Value below) {
  auto object = std::make_shared<std::map<std::string, Value, std::less<>>>();
  (*object)[closedObject.str()] = true;
  (*object)["number"] = instance.number;
  (*object)["layer"] = instance.site->layer();
  llvm::StringRef path = instance.site->path;
  (*object)["name"] = path.drop_front(path.rfind('.') + 1).str();
  (*object)["parent"] = parentName(path);
  (*object)["path"] = instance.site->path;
  (*object)["biased"] = ownTensorNamed(instance, "bias") != nullptr;
  (*object)["config"] = model.completeConfig();
  (*object)["below"] = std::move(below);
  return Value::Object(std::move(object));
}

/// The adapter of the site's chain that an adapter is, or is part of.
static const AdapterInstance *inChain(const AdapterInstance &instance) {
  return instance.isPart ? inChain(*instance.outer) : &instance;
}

/// The site with the adapters before `self` only.
static Value callBase(Evaluator &evaluator, const AdapterInstance &self, Arguments arguments) {
  std::vector<AdapterInstance *> chain = evaluator.adaptersOn(*self.site);
  auto place = llvm::find(chain, inChain(self)) - chain.begin();
  if (const BareCall *known = evaluator.bareCall;
      known && place == 0 && known->isSame(*self.site, arguments.positional))
    return known->result;
  return evaluator.callAdapted(*self.site, llvm::ArrayRef(chain).take_front(place), std::move(arguments));
}

/// What the layers of a run gave, along `over`; their number must be its size.
static Value layersAlong(Evaluator &evaluator, const std::map<int64_t, Tensor> &layers, Dim over, llvm::SMRange range) {
  if (int64_t(layers.size()) != over->size) {
    evaluator.diags()
        .report(Diag::SizeMismatch, range, over->name, over->size, layers.size())
        .help("`over` names a dimension with an entry for each layer of the model");
    return {};
  }
  return evaluator.stackTensors(llvm::map_to_vector(layers, [](auto &layer) { return layer.second; }), over);
}

/// `base(ids, positions)` of a whole model: a run of its own, in which names that depend on positions or on adapters
/// within are found anew. With `over: layers` what each layer gives, `[layers, batch, tokens, hidden]`.
static Value callModel(Evaluator &evaluator, const AdapterInstance &self, Arguments arguments) {
  Dim over = nullptr;
  for (auto &[name, value] : arguments.named)
    if (auto *dim = value.as<Dim>(); dim && name == "over") {
      over = *dim;
    } else {
      evaluator.diags().report(Diag::ExpectedValue, arguments.range, "a dimension `over: layers` as named argument",
                               "`" + name + "` of " + value.describe());
      return {};
    }
  arguments.named.clear();
  if (arguments.positional.size() != 2) {
    evaluator.diags().report(Diag::WrongArgumentCount, arguments.range, "base", 2, arguments.positional.size());
    return {};
  }
  unsigned pass = std::exchange(evaluator.pass, evaluator.shared.nextPass());
  Value positions = std::exchange(evaluator.ambient["positions"], arguments.positional.back());
  arguments.positional.pop_back();
  llvm::SMRange range = arguments.range;
  Value result;
  auto layers = evaluator.watchLayers([&] { result = callBase(evaluator, self, std::move(arguments)); });
  evaluator.ambient["positions"] = positions;
  evaluator.pass = pass;
  return over && !result.isError() ? layersAlong(evaluator, layers, over, range) : result;
}

/// `stored(e)`: what is left of e, a matrix like the site's weight, in the format in which the file keeps that.
static Value storedAs(Evaluator &evaluator, const AdapterInstance &self, const Arguments &arguments) {
  const ModelTensor *weight = ownTensorNamed(self, "W");
  auto *given = arguments.positional.size() == 1 ? arguments.positional.front().as<Tensor>() : nullptr;
  if (!weight || !given) {
    evaluator.diags().report(Diag::ExpectedValue, arguments.range, "a tensor like the site's weight",
                             weight ? "other arguments" : "a site without a weight");
    return {};
  }
  if (evaluator.refuseNonlinear(*given, "`stored`", arguments.range))
    return {};
  std::optional<Tensor> x = evaluator.fit(*given, weight->dims, *self.scope, arguments.range);
  if (!x || weight->fileType == "f32")
    return x ? Value(*x) : Value();
  Tensor result = evaluator.toReal(*x);
  if (weight->fileType == "f16" || weight->fileType == "bf16") {
    mlir::OpBuilder &builder = *evaluator.builder;
    mlir::Type narrow = weight->fileType == "f16" ? builder.getF16Type() : builder.getBF16Type();
    auto type = mlir::cast<mlir::RankedTensorType>(result.value.getType());
    mlir::Value kept = mlir::arith::TruncFOp::create(builder, evaluator.loc(), type.clone(narrow), result.value);
    result.value = mlir::arith::ExtFOp::create(builder, evaluator.loc(), type, kept);
    return result;
  }
  const ast::Definition *format = evaluator.shared.library().find(ast::DefinitionKind::Format, weight->fileType);
  if (!format || !canStore(*format) || weight->dims.size() != 2) {
    evaluator.diags().report(Diag::ExpectedValue, arguments.range, "a format that values can be put into",
                             "'" + weight->fileType + "', in which the file keeps '" + weight->name + "'");
    return {};
  }
  result.value = storedAndRead(evaluator, *format, result.value);
  return result.value ? Value(result) : Value();
}

using SiteCall = Value (*)(Evaluator &, const AdapterInstance &, Arguments);

/// The site with no adapters but those of one line; null: with none. Names that depend on adapters are found anew.
static Value callOnly(Evaluator &evaluator, const AdapterInstance &self, const AdapterGroup *line, SiteCall call,
                      Arguments arguments) {
  int64_t places = evaluator.model ? evaluator.model->virtualTokens(evaluator.shared) : 0;
  if (places > 0 && llvm::is_contained({"model", "embedding"}, self.form->name.text)) {
    evaluator.diags().report(Diag::ExpectedValue, arguments.range,
                             "a model whose adapters put nothing before documents",
                             "one with " + std::to_string(places) + " places of theirs");
    return {};
  }
  llvm::SaveAndRestore only(evaluator.onlyLine, std::optional(line));
  llvm::SaveAndRestore pass(evaluator.pass, evaluator.shared.nextPass());
  return call(evaluator, self, std::move(arguments));
}

/// What the adapter of a line below adds to the site as it is without any: 0 where the line has none here. Of a sum of
/// the two, which is what most of them are, the other term.
static Value addedBy(Evaluator &evaluator, const AdapterInstance &self, const AdapterInstance *below, SiteCall call,
                     Arguments arguments) {
  if (!below)
    return 0.0;
  llvm::SMRange range = arguments.range;
  BareCall bare{self.site, arguments.positional, callOnly(evaluator, self, nullptr, call, arguments)};
  if (bare.result.isError())
    return {};
  // A model is called with positions too, which may differ.
  llvm::SaveAndRestore known(evaluator.bareCall, call == callBase ? &std::as_const(bare) : nullptr);
  Value whole = callOnly(evaluator, self, below->group, call, std::move(arguments));
  auto *sum = whole.as<Tensor>(), *term = bare.result.as<Tensor>();
  auto add =
      sum && term && sum->dims == term->dims ? sum->value.getDefiningOp<mlir::arith::AddFOp>() : mlir::arith::AddFOp();
  if (!add || (add.getLhs() != term->value && add.getRhs() != term->value))
    return whole.isError() ? Value() : evaluator.arithmetic(ast::BinaryOp::Sub, whole, bare.result, range);
  Tensor added = *sum;
  added.value = add.getLhs() == term->value ? add.getRhs() : add.getLhs();
  return added;
}

/// `site.below`: each line of the model before this adapter's own.
static Value linesBelow(const AdapterInstance &self, const AdaptedModel &model, SiteCall call) {
  std::vector<Value> below;
  auto isHere = [&](const auto &instance) { return instance->site == self.site && !instance->siteTensor; };
  for (const AdapterGroup *line : model.linesBelow(*self.group)) {
    auto found = llvm::find_if(line->instances, isHere);
    const AdapterInstance *instance = found == line->instances.end() ? nullptr : found->get();
    auto add = [self = &self, instance, call](Evaluator &e, Arguments arguments) {
      return addedBy(e, *self, instance, call, std::move(arguments));
    };
    below.push_back(LineBelow{std::make_shared<const NativeFunction>(std::move(add)), instance});
  }
  return Value::list(std::move(below));
}

/// Finds what adapters within ask of the `where` of the `forward` around them, before they act.
static void findForInner(Evaluator &evaluator, const AdapterInstance &self) {
  ast::NamesIn inner;
  for (const ast::ItemPtr &item : self.body)
    if (llvm::isa<ast::OnItem>(*item))
      inner.item(*item);
  for (const ast::Equation &equation : evaluator.calledIn ? evaluator.calledIn->where : llvm::ArrayRef<ast::Equation>())
    for (const ast::Name &name : equation.targets)
      if (Scope::Entry *entry = evaluator.calledIn->findHere(name.text);
          entry && !entry->busy && inner.names.contains(name.text))
        evaluator.force(name.text, *entry, name.range);
}

/// Whether a name is one of the language's functions. Those are meant wherever a definition stands.
static bool isFunction(Elaborator &shared, llvm::StringRef name) {
  return findBuiltin(name) || !shared.library().findAll(ast::DefinitionKind::Function, name).empty();
}

void AdapterBuilder::bindSite(AdapterInstance &instance) {
  ModuleInstance &site = *instance.site;
  Scope &scope = *instance.scope;
  const ast::Site &form = *instance.form;
  Evaluator evaluator(shared);
  if (form.axes)
    for (auto [place, axis] : llvm::enumerate(*form.axes)) {
      if (axis.names.empty())
        continue;
      const ast::Name &name = axis.names.front();
      bool byWidth = form.name.text == "module" || form.name.text == "model";
      Dim dim = byWidth                    ? widthOf(site, instance.group->range)
                : place < site.axes.size() ? site.axes[place]
                                           : evaluator.dimOf(name.text, *site.scope, name.range);
      if (dim)
        scope.define(name.text, Value(dim), name.range);
    }
  AdapterInstance *self = &instance;
  SiteCall call = form.name.text == "model" ? callModel : callBase;
  scope.define("site", siteObject(instance, model.model(), linesBelow(instance, model, call)));
  for (auto &tensor : site.tensors) {
    llvm::StringRef name = llvm::StringRef(tensor->name).rsplit('.').second;
    ModelTensor *own = tensor.get();
    // Where the site is a single tensor, that is `W`.
    bool isOwn = instance.siteTensor ? own == instance.siteTensor : name == "weight";
    llvm::StringRef shown = isOwn ? "W" : name;
    Scope::Thunk read = [self, own, shown](Evaluator &e) { return ownTensor(e, *self, *own, shown); };
    scope.define(shown, read, tensor->range);
  }
  if (site.parent)
    for (auto &beside : site.parent->children)
      if (llvm::StringRef name = llvm::StringRef(beside->path).rsplit('.').second;
          !beside->virtualSite && beside.get() != &site && !isFunction(shared, name))
        scope.define(name, Value(beside.get()));
  if (!instance.siteTensor && !scope.findHere("bias"))
    scope.define("bias", Value(0.0));
  scope.define("grad", native([](Evaluator &e, Arguments arguments) -> Value {
                 auto *tensor = arguments.positional.size() == 1 ? arguments.positional.front().as<Tensor>() : nullptr;
                 if (tensor && e.gradientOf)
                   return e.gradientOf(*tensor, arguments.range);
                 e.diags().report(Diag::ExpectedValue, arguments.range,
                                  "`grad(A)` of a trained tensor in a next value, or `calibrate G: [...] on data = "
                                  "grad(W)`",
                                  tensor ? "another place" : "other arguments");
                 return {};
               }));
  scope.define("earlier", Builtin{"earlier", callEarlier});
  scope.define("stored", native([self](Evaluator &e, Arguments arguments) { return storedAs(e, *self, arguments); }));
  scope.define("bare", native([self, call](Evaluator &e, Arguments arguments) {
                 return callOnly(e, *self, nullptr, call, std::move(arguments));
               }));
  scope.define(
      "base", native([self, call](Evaluator &e, Arguments arguments) { return call(e, *self, std::move(arguments)); }));
  scope.define("adapted", native([self, call](Evaluator &e, Arguments arguments) {
                 findForInner(e, *self);
                 e.active.push_back(self);
                 e.activeCalls.push_back({e.calledIn, e.pass});
                 unsigned pass = std::exchange(e.pass, e.shared.nextPass());
                 Value result = call(e, *self, std::move(arguments));
                 e.pass = pass;
                 e.active.pop_back();
                 e.activeCalls.pop_back();
                 return result;
               }));
}

//===----------------------------------------------------------------------===//
// Adapters within adapters
//===----------------------------------------------------------------------===//

/// `e(x)`: of as many adapters along `over`, each on its slice of an x that has it; of the only one.
static Value callParts(Evaluator &evaluator, llvm::ArrayRef<const AdapterInstance *> parts, Dim over,
                       const Arguments &arguments) {
  std::vector<Tensor> results;
  for (auto [number, part] : llvm::enumerate(parts)) {
    Arguments own = arguments;
    for (Value &value : own.positional)
      if (auto *tensor = value.as<Tensor>(); over && tensor && indexOf(tensor->dims, over) >= 0)
        value = evaluator.pick(*tensor, over, int64_t(number), arguments.range);
    Scope::Entry *forward = part->scope->findHere("forward");
    if (!forward) {
      evaluator.diags().report(Diag::NoEquation, part->definition->name.range, "adapter", part->definition->name.text,
                               "forward");
      return {};
    }
    Value result = evaluator.call(evaluator.force("forward", *forward, arguments.range), std::move(own));
    if (!over)
      return result;
    std::optional<Tensor> tensor = evaluator.asTensor(result, arguments.range);
    if (!tensor)
      return {};
    results.push_back(*tensor);
  }
  return evaluator.stackTensors(results, over);
}

void AdapterBuilder::addPart(AdapterInstance &outer, const ast::PartItem &item) {
  Evaluator evaluator(shared);
  Value value = evaluator.eval(*item.value, *outer.scope);
  auto *applied = value.as<std::shared_ptr<const Applied>>();
  const ast::Definition *definition = applied ? overload(**applied, outer.form->name.text) : nullptr;
  std::optional<int64_t> count = item.count ? evaluator.evalInteger(*item.count, *outer.scope) : 1;
  if (!definition || !count) {
    if (!value.isError() && count)
      shared.diagnostics().report(Diag::NotAnAdapter, item.value->range, value.describe());
    return;
  }
  auto *name = llvm::dyn_cast_or_null<ast::NameExpr>(item.count.get());
  Dim over = name         ? evaluator.dimOf(name->name, *outer.scope, name->range)
             : item.count ? shared.dimensions().make(item.index.text, *count)
                          : nullptr;
  std::vector<const AdapterInstance *> parts;
  for (int64_t number = 0; number < *count; ++number) {
    outer.inner.push_back(std::make_unique<AdapterInstance>());
    AdapterInstance &part = *outer.inner.back();
    part.group = outer.group;
    part.definition = definition;
    part.form = &*definition->site;
    part.body = definition->body;
    part.site = outer.site;
    part.outer = &outer;
    part.isPart = true;
    part.number = outer.number;
    part.prefix = outer.prefix + "." + item.name.text + (over ? "." + std::to_string(number) : "");
    part.scope = &shared.definitionScope(*definition);
    Arguments arguments = part.arguments = atSite(shared, (*applied)->arguments, outer.site->path);
    if (!arguments.range.isValid())
      arguments.range = item.value->range;
    bindSite(part);
    if (!evaluator.bindParameters(*definition, arguments, *part.scope))
      return;
    bindSchedules(evaluator, *definition, *part.scope);
    defineNames(part);
    buildBody(part);
    parts.push_back(&part);
  }
  outer.scope->define(item.name.text, native([parts, over](Evaluator &e, Arguments arguments) {
                        return callParts(e, parts, over, arguments);
                      }),
                      item.name.range);
}

/// A tensor of the site itself; only the first adapter of a site sees it as it is.
Value AdapterBuilder::ownTensor(Evaluator &evaluator, const AdapterInstance &self, const ModelTensor &tensor,
                                llvm::StringRef name) {
  if (evaluator.model) {
    std::vector<AdapterInstance *> chain = evaluator.adaptersOn(*self.site);
    const AdapterInstance *placed = inChain(self);
    if (!chain.empty() && chain.front() != placed && llvm::is_contained(chain, placed)) {
      evaluator.diags()
          .report(Diag::NotFirstOnSite, self.group->range, self.definition->name.text, name, self.site->path)
          .help("move its line up, or merge first");
      return {};
    }
  }
  return evaluator.modelTensor(tensor);
}
