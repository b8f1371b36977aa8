//===- Trials.cpp - adapters on the specimen ------------------------------===//

#include "ftc/Pipelines/Trials.h"

#include "ftc/Frontend/Walk.h"
#include "ftc/Pipelines/Specimen.h"
#include "ftc/Runtime/Core/Philox.h"

#include "GradientCheck.h"

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Pass/PassManager.h"

#include "llvm/Support/xxhash.h"

using namespace ftc;
using namespace ftc::elaborate;
using target::TargetKind;

/// A small value of a parameter's type, or an error value.
static Value smallValue(const ast::Parameter &parameter) {
  llvm::StringRef type = parameter.type ? llvm::StringRef(parameter.type->element.text) : "";
  if (parameter.type && parameter.type->axes) {
    const std::vector<ast::Axis> &axes = *parameter.type->axes;
    bool isListOfIntegers = axes.size() == 1 && axes[0].names.size() == 1 && axes[0].names[0].text == "int";
    return isListOfIntegers ? Value::list({int64_t(1), int64_t(2)}) : Value();
  }
  if (type == "int")
    return 4;
  if (type == "real")
    return 0.5;
  if (type == "bool")
    return true;
  if (type == "dataset") // what it says of a site are the specimen's random numbers
    return std::string("data");
  return {};
}

AppliedAdapter ftc::applyToSmall(llvm::ArrayRef<const ast::Definition *> definitions,
                                 const std::map<std::string, Value> &given, bool smallIntegers) {
  auto applied = std::make_shared<Applied>();
  applied->name = definitions.front()->name.text;
  applied->definitions.assign(definitions.begin(), definitions.end());
  applied->arguments.range = definitions.front()->name.range;
  for (const auto &[name, value] : given)
    applied->arguments.named.emplace_back(name, value);
  for (const ast::Definition *definition : definitions)
    for (const ast::Parameter &parameter : definition->parameters) {
      const std::string &name = parameter.name.text;
      bool known = llvm::any_of(applied->arguments.named, [&](const auto &one) { return one.first == name; });
      bool isModel = parameter.type && parameter.type->element.text == "model"; // the specimen has one
      bool isInteger = parameter.type && !parameter.type->axes && parameter.type->element.text == "int";
      if (known || (parameter.defaultValue && !(smallIntegers && isInteger)) || isModel)
        continue;
      Value value = smallValue(parameter);
      if (value.isError())
        return nullptr;
      applied->arguments.named.emplace_back(name, value);
    }
  return applied;
}

/// The small model with an adapter whose tensors have their first values; nothing after messages.
static std::optional<AdaptedModel> putOn(Specimen &specimen, const AppliedAdapter &adapter) {
  auto base = specimen.sound() ? specimen.baseFor(*adapter) : std::nullopt;
  auto adapted = base ? specimen.adapt(*base, "tried", adapter) : std::nullopt;
  return adapted && specimen.initialise(*adapted, "start") ? adapted : std::nullopt;
}

bool ftc::fits(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter) {
  Specimen specimen(library, diags);
  auto adapted = putOn(specimen, adapter);
  return adapted && specimen.logits(*adapted, "tried", specimen.batch("run", *adapted));
}

//===----------------------------------------------------------------------===//
// Before the first step
//===----------------------------------------------------------------------===//

/// A program that writes the logits of both models.
static bool addBoth(Specimen &specimen, const AdaptedModel &base, const AdaptedModel &adapted, const Batch &batch) {
  ProgramBuilder program(specimen.elaborator(), "both");
  for (auto [model, name] : {std::pair(&base, "base"), {&adapted, "adapted"}})
    if (mlir::Value value = program.logits(*model, batch, /*training=*/false)) {
      specimen.elaborator().tensors().declareReal(name, tune::Kind::output, tune::shapeOf(value));
      program.write(value, name);
    }
  return bool(program.finish());
}

static bool simplify(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  passes.addPass(tune::createSimplify());
  return mlir::succeeded(passes.run(module));
}

/// Whether both logits are one value when first values that are a constant stand in the place of what they begin.
static bool isSameByAlgebra(mlir::ModuleOp module) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  if (!simplify(*copy))
    return false;
  auto start = copy->lookupSymbol<mlir::func::FuncOp>("start"), both = copy->lookupSymbol<mlir::func::FuncOp>("both");
  for (auto write : start.getOps<tune::WriteOp>())
    if (std::optional<double> first = tune::splatValue(write.getValue()))
      for (auto read : llvm::make_early_inc_range(both.getOps<tune::ReadOp>()))
        if (read.getTensor() == write.getTensor()) {
          mlir::OpBuilder builder(read);
          read.replaceAllUsesWith(tune::splatLike(builder, read.getLoc(), read.getResult(), *first));
          read.erase();
        }
  if (!simplify(*copy))
    return false;
  auto writes = llvm::to_vector(both.getOps<tune::WriteOp>());
  return writes.size() == 2 && writes[0].getValue() == writes[1].getValue();
}

std::optional<double> ftc::changeAtStart(DefinitionLibrary &library, Diagnostics &diags,
                                         const AppliedAdapter &adapter) {
  Specimen specimen(library, diags);
  auto base = specimen.sound() ? specimen.baseFor(*adapter) : std::nullopt;
  auto adapted = base ? specimen.adapt(*base, "tried", adapter) : std::nullopt;
  // What data say of a site is not known here.
  if (!adapted || llvm::any_of(adapted->instances(), [](auto *instance) { return !instance->calibrations.empty(); }) ||
      !specimen.initialise(*adapted, "start"))
    return std::nullopt;
  Batch batch = specimen.batch("run", *adapted);
  if (!addBoth(specimen, *base, *adapted, batch))
    return std::nullopt;
  if (isSameByAlgebra(specimen.module()))
    return 0;
  auto image = specimen.load(TargetKind::Reference, Specimen::Runs::Few);
  if (mlir::failed(image))
    return std::nullopt;
  for (llvm::StringRef program : {"start", "both"})
    image->run(specimen.number(program));
  return largestDifference(logitsOfTokens(*image, "adapted", batch), logitsOfTokens(*image, "base", batch));
}

bool ftc::proveApart(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter, ModelUse use) {
  Specimen specimen(library, diags);
  auto adapted = putOn(specimen, adapter);
  if (!adapted)
    return false;
  ProgramBuilder program(specimen.elaborator(), "training");
  Batch batch = specimen.batch("run", *adapted);
  batch.packed = use == ModelUse::PackedRows;
  if (use == ModelUse::Generation) {
    batch.sequences = 1;
    Caches caches{"kept", "kept.positions", "kept.segments", "start", "last", 2 * batch.tokens, {}};
    program.logits(*adapted, batch, /*training=*/false, &caches);
  } else {
    program.logits(*adapted, batch, /*training=*/true);
  }
  return bool(program.finish());
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

/// A program that writes what merging gives, under symbols that begin with `prefix`; nothing after messages.
static std::optional<AdaptedModel> merge(Specimen &specimen, const AdaptedModel &model, const std::string &prefix) {
  ProgramBuilder program(specimen.elaborator(), prefix);
  std::vector<std::pair<std::string, std::string>> symbols;
  for (const MergedTensor &tensor : program.merge(model)) {
    symbols.emplace_back(tensor.name, prefix + "." + tensor.name);
    specimen.elaborator().tensors().declareReal(symbols.back().second, tune::Kind::value, tune::shapeOf(tensor.value));
    program.write(tensor.value, symbols.back().second);
  }
  return program.finish() ? std::optional(model.merged(symbols)) : std::nullopt;
}

bool ftc::merges(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter) {
  Specimen specimen(library, diags);
  auto adapted = putOn(specimen, adapter);
  return adapted && merge(specimen, *adapted, "merged");
}

/// Moves trained tensors away from their first values, by amounts that depend on the tensor's name alone.
static void moveAway(Image &image, const AdaptedModel &model) {
  constexpr double reach = 0.3;
  for (AdapterTensor *tensor : model.tensors(AdapterRole::Trained)) {
    std::vector<double> values = image.get(tensor->symbol);
    for (auto [index, value] : llvm::enumerate(values))
      value += reach * (2 * randomUniform(llvm::xxh3_64bits(tensor->name), 1, index) - 1);
    image.set(tensor->symbol, values);
  }
}

std::optional<MergedDifference> ftc::compareMerged(DefinitionLibrary &library, Diagnostics &diags,
                                                   const AppliedAdapter &adapter) {
  Specimen specimen(library, diags);
  auto adapted = putOn(specimen, adapter);
  if (!adapted)
    return std::nullopt;
  Batch batch = specimen.batch("run", *adapted);
  if (!specimen.logits(*adapted, "adapted", batch))
    return std::nullopt;
  auto after = merge(specimen, *adapted, "merged");
  if (!after || !specimen.logits(*after, "after", batch))
    return std::nullopt;
  MergedDifference difference;
  for (TargetKind kind : {TargetKind::Reference, TargetKind::CPU}) {
    auto image = specimen.load(kind, Specimen::Runs::Few);
    if (mlir::failed(image))
      return std::nullopt;
    image->run(specimen.number("start"));
    moveAway(*image, *adapted);
    for (llvm::StringRef program : {"of.adapted", "merged", "of.after"})
      image->run(specimen.number(program));
    double found = largestDifference(image->get("after"), image->get("adapted"));
    (kind == TargetKind::Reference ? difference.reference : difference.cpu) = found;
  }
  return difference;
}

std::optional<double> ftc::commutator(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &first,
                                      const AppliedAdapter &second) {
  Specimen specimen(library, diags);
  if (!specimen.sound())
    return std::nullopt;
  std::optional<AdaptedModel> models[2];
  for (bool swapped : {false, true}) {
    std::string step = swapped ? "swapped" : "ordered";
    auto inner = specimen.adapt(specimen.base(), step, swapped ? second : first);
    auto &both = models[swapped] = inner ? specimen.adapt(*inner, step, swapped ? first : second) : std::nullopt;
    if (!both || !specimen.initialise(*both, step + ".start") || !merge(specimen, *both, step + ".merged"))
      return std::nullopt;
  }
  auto image = specimen.load(TargetKind::Reference, Specimen::Runs::Few);
  if (mlir::failed(image))
    return std::nullopt;
  double largest = 0;
  for (llvm::StringRef program : {"ordered.start", "swapped.start"})
    image->run(specimen.number(program));
  for (AdapterTensor *tensor : models[0]->tensors())
    image->set("swapped." + tensor->name, image->get(tensor->symbol));
  for (auto &model : models)
    moveAway(*image, *model);
  for (llvm::StringRef program : {"ordered.merged", "swapped.merged"})
    image->run(specimen.number(program));
  for (auto tensor : image->getModule().getOps<tune::TensorOp>())
    if (llvm::StringRef name = tensor.getSymName(); name.consume_front("ordered.merged."))
      largest = std::max(
          largest, largestDifference(image->get(("swapped.merged." + name).str()), image->get(tensor.getSymName())));
  return largest;
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

/// A loss that reads every logit: their sum with random factors.
static mlir::Value probe(Specimen &specimen, ProgramBuilder &program, mlir::Value logits) {
  auto shape = tune::shapeOf(logits);
  specimen.elaborator().tensors().declareReal("probe", tune::Kind::input, shape);
  mlir::Value product = tune::mul(program.builder(), program.loc(), logits, program.read("probe"));
  return tune::sumAll(program.builder(), program.loc(), product);
}

std::optional<std::vector<GradientError>> ftc::checkAdapter(DefinitionLibrary &library, Diagnostics &diags,
                                                            const AppliedAdapter &adapter) {
  Specimen specimen(library, diags);
  auto adapted = putOn(specimen, adapter);
  if (!adapted)
    return std::nullopt;
  std::vector<std::string> trained;
  for (AdapterTensor *tensor : adapted->tensors(AdapterRole::Trained))
    trained.push_back(tensor->symbol);
  // And what lies below all sites, so that the way through the adapter is tried too.
  const ModelTensor *below = specimen.baseModel().tensors().front();
  if (std::string symbol = adapted->symbolOf(below); !llvm::is_contained(trained, symbol)) {
    adapted->declare(specimen.elaborator(), below);
    trained.push_back(symbol);
  }
  GradientCheck gradients(specimen, trained);
  Batch batch = specimen.batch("run", *adapted);
  bool built = gradients.build([&](ProgramBuilder &program) {
    mlir::Value logits = program.logits(*adapted, batch, /*training=*/true);
    return logits ? probe(specimen, program, logits) : mlir::Value();
  });
  auto image = built ? specimen.load(TargetKind::Reference, Specimen::Runs::Many) : llvm::FailureOr<Image>();
  if (mlir::failed(image))
    return std::nullopt;
  image->run(specimen.number("start"));
  moveAway(*image, *adapted);
  return gradients.compare(*image);
}

namespace {
/// The members of the row that a definition asks for.
struct AskedOfRow : ast::Walk {
  std::set<std::string> members;
  void enterExpr(const ast::Expr &expr) override {
    auto *member = llvm::dyn_cast<ast::MemberExpr>(&expr);
    auto *base = member ? llvm::dyn_cast<ast::NameExpr>(member->base.get()) : nullptr;
    if (base && base->name == "row")
      members.insert(member->member.text);
  }
};
} // namespace

/// The form of rows for which an objective is written; members that rows do not have by themselves are numbers.
static RecordForm formFor(const ast::Definition &objective) {
  RecordForm form;
  for (const runtime::data::RecordKind &kind : runtime::data::recordKinds)
    if (objective.site && objective.site->name.text == llvm::StringRef(kind.name))
      form = recordFormOf(kind);
  AskedOfRow asked;
  asked.definition(objective);
  for (const std::string &member : asked.members)
    if (!llvm::is_contained({"w", "ids", "labels"}, member) && member != form.field &&
        !llvm::is_contained(form.texts, member))
      form.numbers.push_back(member);
  return form;
}

std::optional<std::vector<GradientError>> ftc::checkObjective(DefinitionLibrary &library, Diagnostics &diags,
                                                              const AppliedAdapter &objective) {
  Specimen specimen(library, diags);
  if (!specimen.sound())
    return std::nullopt;
  const ast::Definition &definition = *objective->definitions.front();
  AdaptedModel policy = specimen.base(), initial = specimen.another("initial");
  auto complete = std::make_shared<Applied>(*objective);
  for (const ast::Parameter &parameter : definition.parameters)
    if (parameter.type && parameter.type->element.text == "model" && !parameter.defaultValue)
      complete->arguments.named.emplace_back(parameter.name.text, Value(static_cast<const AdaptedModel *>(&initial)));
  Batch batch = specimen.batch("run", policy, formFor(definition));
  bool declares = declaresTensors(definition);
  if (declares && (!policy.addObjective(specimen.elaborator(), "tried", complete, batch.form) ||
                   !specimen.initialise(policy, "start")))
    return std::nullopt;
  Value value = std::shared_ptr<const Applied>(std::move(complete));
  LossModels models{&policy, &initial, /*training=*/true};
  std::vector<std::string> by;
  for (ModelTensor *tensor : specimen.baseModel().tensors()) {
    policy.declare(specimen.elaborator(), tensor);
    by.push_back(policy.symbolOf(tensor));
  }
  for (AdapterTensor *tensor : policy.tensors(AdapterRole::Trained))
    by.push_back(tensor->symbol);
  GradientCheck gradients(specimen, by);
  bool isWeighed = false;
  bool built = gradients.build([&](ProgramBuilder &program) {
    LossValue loss = program.loss(value, models, batch, "denominators");
    if (loss.share && !std::exchange(isWeighed, true)) {
      ProgramBuilder weigh(specimen.elaborator(), "weigh");
      weigh.weigh(loss.denominators, "weighed");
      weigh.finish();
    }
    return loss.share;
  });
  auto image = built ? specimen.load(TargetKind::Reference, Specimen::Runs::Many) : llvm::FailureOr<Image>();
  if (mlir::failed(image))
    return std::nullopt;
  if (declares) {
    image->run(specimen.number("start"));
    moveAway(*image, policy);
  }
  image->run(specimen.number("weigh"));
  image->set("denominators", image->get("weighed"));
  return gradients.compare(*image);
}
