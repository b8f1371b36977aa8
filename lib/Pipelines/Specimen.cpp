//===- Specimen.cpp -------------------------------------------------------===//

#include "ftc/Pipelines/Specimen.h"

#include "ftc/Frontend/Walk.h"
#include "ftc/Pipelines/Compilation.h"
#include "ftc/Runtime/Core/Philox.h"

#include "dialects/Recipe/IR/Recipe.h"
#include "dialects/Tune/Transforms/Differentiation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;

static constexpr int64_t rows = 2, tokensOfRow = 8;

void ftc::prepareContext(mlir::MLIRContext &context) {
  mlir::DialectRegistry registry;
  tune::registerAdjoints(registry);
  context.appendDialectRegistry(registry);
  context.loadDialect<recipe::RecipeDialect, tune::TuneDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                      mlir::linalg::LinalgDialect, mlir::math::MathDialect, mlir::tensor::TensorDialect>();
  context.disableMultithreading(); // of no use for small programs
}

/// Whether a model definition is meant for trials: its configuration has the key `specimen`.
static bool isForTrials(const ast::Definition &definition) {
  for (const ast::ItemPtr &item : definition.body)
    if (auto *config = llvm::dyn_cast<ast::ConfigItem>(&*item))
      return llvm::any_of(config->keys, [](const ast::ConfigItem::Key &key) { return key.name.text == "specimen"; });
  return false;
}

Specimen::Specimen(DefinitionLibrary &library, Diagnostics &diags, const std::map<std::string, int64_t> &config)
    : diags(diags), before(diags.errorCount()), config(config) {
  prepareContext(context);
  current = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  shared = std::make_unique<Elaborator>(library, diags, *current);
  model = instantiate("specimen");
}

std::unique_ptr<Model> Specimen::instantiate(llvm::StringRef step) {
  DefinitionLibrary &library = shared->library();
  for (llvm::StringRef name : library.names(ast::DefinitionKind::Model)) {
    const ast::Definition *definition = library.find(ast::DefinitionKind::Model, name);
    if (library.isUsers(definition) || !isForTrials(*definition))
      continue;
    auto object = std::make_shared<std::map<std::string, Value, std::less<>>>();
    (*object)["architectures"] = Value::list({Value(name.str())});
    for (const auto &[key, value] : config)
      (*object)[key] = value;
    ModelFiles files;
    files.path = name.str();
    files.weightless = files.imagined = true;
    files.config = Value::Object(std::move(object));
    return Model::instantiate(*shared, step, std::move(files), definition->name.range);
  }
  return nullptr;
}

AdaptedModel Specimen::another(llvm::StringRef step) {
  others.push_back(instantiate(step));
  return AdaptedModel(*others.back());
}

Batch Specimen::batch(llvm::StringRef name, const AdaptedModel &model, const RecordForm &form) {
  int64_t before = model.virtualTokens(*shared);
  auto make = [&](const std::string &prefix) {
    Batch text;
    text.sequences = rows;
    text.tokens = before + tokensOfRow;
    text.virtualTokens = before;
    text.ids = prefix + "ids";
    text.targets = prefix + "targets";
    text.weights = prefix + "weights";
    text.positions = prefix + "positions";
    text.segments = prefix + "segments";
    text.row = (name + ".row").str();
    text.key = (name + ".key").str();
    text.field = (name + ".field").str();
    text.step = "step";
    text.steps = "steps";
    text.form = form;
    text.form.hasAnyNumber = true;
    text.numbers = (name + ".numbers.").str();
    return text;
  };
  Batch batch = make((name + ".").str());
  for (const std::string &text : form.texts)
    batch.texts.push_back(make((name + "." + text + ".").str()));
  return batch;
}

namespace {
/// Whether a definition asks for the layer of its site.
struct AsksForLayer : ast::Walk {
  bool found = false;
  void enterExpr(const ast::Expr &expr) override {
    auto *member = llvm::dyn_cast<ast::MemberExpr>(&expr);
    auto *base = member ? llvm::dyn_cast<ast::NameExpr>(member->base.get()) : nullptr;
    found |= base && base->name == "site" && member->member.text == "layer";
  }
};
} // namespace

/// The paths of modules that are sites for an adapter within a definition.
static std::vector<llvm::StringRef> sitesFor(Elaborator &elaborator, Model &model, const ast::Definition &definition,
                                             const ast::OnItem &inner) {
  auto hasRange = [](const ast::SelectorPart &part) { return bool(part.from); };
  bool isAsked = inner.at && llvm::none_of(inner.at->parts, hasRange);
  std::vector<llvm::StringRef> paths;
  for (const ModuleInstance *module : model.modules()) {
    bool isOfKind = module->kind == inner.site.name.text || (inner.site.name.text == "module" && !module->virtualSite);
    if (isOfKind && (!isAsked || matches(elaborator, *inner.at, module->path, elaborator.definitionScope(definition))))
      paths.push_back(module->path);
  }
  return paths;
}

/// Sites of a model on which a definition is tried: all that take it, of one that asks for the layer those that are in
/// one; for adapters on any module those that have modules in them, with sites for the adapters within, and are parts
/// of a layer.
static bool isTried(Elaborator &elaborator, Model &model, const Applied &adapter, llvm::StringRef path) {
  for (const ast::Definition *definition : adapter.definitions) {
    if (definition->kind != ast::DefinitionKind::Adapter)
      continue;
    AsksForLayer asks;
    asks.definition(*definition);
    llvm::SmallVector<llvm::StringRef> components;
    path.split(components, '.');
    auto isNumber = [](llvm::StringRef component) { return llvm::all_of(component, llvm::isDigit); };
    bool onModules = definition->site->name.text == "module";
    bool wholeModel = definition->site->name.text == "model";
    if ((onModules || (asks.found && !wholeModel)) && llvm::none_of(components, isNumber))
      return false;
    if (!onModules)
      continue;
    auto found = llvm::find_if(model.modules(), [&](const ModuleInstance *module) { return module->path == path; });
    if (found == model.modules().end() || (*found)->children.empty() || isNumber(components.back()))
      return false;
    for (const ast::ItemPtr &item : definition->body)
      if (auto *inner = llvm::dyn_cast<ast::OnItem>(&*item)) {
        auto sites = sitesFor(elaborator, model, *definition, *inner);
        if (!sites.empty() &&
            llvm::none_of(sites, [&](llvm::StringRef site) { return site.starts_with((path + ".").str()); }))
          return false;
      }
  }
  return true;
}

namespace {
/// Whether a definition asks for `site.below`.
struct AsksForLines : ast::Walk {
  bool found = false;

protected:
  void enterExpr(const ast::Expr &expr) override {
    const auto *member = llvm::dyn_cast<ast::MemberExpr>(&expr);
    const auto *of = member ? llvm::dyn_cast<ast::NameExpr>(member->base.get()) : nullptr;
    found |= of && of->name == "site" && member->member.text == "below";
  }
};
} // namespace

std::optional<AdaptedModel> Specimen::baseFor(const Applied &adapter) {
  AsksForLines asks;
  for (const ast::Definition *definition : adapter.definitions)
    asks.definition(*definition);
  AdaptedModel result = base();
  if (!asks.found)
    return result;
  DefinitionLibrary &library = shared->library();
  auto line = std::make_shared<Applied>();
  for (llvm::StringRef name : library.names(ast::DefinitionKind::Adapter))
    for (const ast::Definition *definition : library.findAll(ast::DefinitionKind::Adapter, name))
      if (library.fileOf(definition) == library.fileOf(model->root().definition)) {
        line->name = name;
        line->definitions.push_back(definition);
      }
  line->arguments.range = model->root().definition->name.range;
  for (llvm::StringRef step : {"first", "second"}) {
    auto next = adapt(result, step, line);
    if (!next)
      return std::nullopt;
    result = std::move(*next);
  }
  result.settle();
  return result;
}

std::optional<AdaptedModel> Specimen::adapt(const AdaptedModel &model, llvm::StringRef step,
                                            std::shared_ptr<const Applied> adapter) {
  AdaptedModel result = model;
  auto finds = [&](llvm::StringRef path) { return isTried(*shared, model.model(), *adapter, path); };
  if (!result.adapt(*shared, step, adapter, finds))
    return std::nullopt;
  for (AdapterInstance *instance : result.instances())
    for (const Calibration &calibration : instance->calibrations)
      statistics.insert({calibration.sum, calibration.count});
  return result;
}

bool Specimen::initialise(const AdaptedModel &model, llvm::StringRef name) {
  auto scalar = mlir::RankedTensorType::get({}, mlir::IntegerType::get(&context, 64));
  shared->tensors().declare("first.key", tune::Kind::input, scalar);
  ProgramBuilder program(*shared, name);
  program.initialise(model, 0, program.read("first.key"));
  return bool(program.finish());
}

bool Specimen::logits(const AdaptedModel &model, llvm::StringRef name, const Batch &batch) {
  ProgramBuilder program(*shared, ("of." + name).str());
  mlir::Value value = program.logits(model, batch, /*training=*/false);
  if (value) {
    shared->tensors().declareReal(name, tune::Kind::output, mlir::cast<mlir::ShapedType>(value.getType()).getShape());
    program.write(value, name);
  }
  return bool(program.finish()) && value;
}

unsigned Specimen::number(llvm::StringRef program) {
  unsigned number = 0;
  for (auto func : current->getOps<mlir::func::FuncOp>()) {
    if (func.getSymName() == program)
      return number;
    ++number;
  }
  llvm_unreachable("a program of the specimen");
}

llvm::FailureOr<Image> Specimen::load(target::TargetKind kind, Runs runs) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = current->clone();
  CompileOptions options;
  options.target = kind;
  mlir::PassManager passes(&context);
  passes.enableVerifier(false); // once, below
  buildPipeline(Rung::Backward, options, passes);
  buildPipeline(Rung::Precision, options, passes);
  if (mlir::failed(passes.run(*copy)) || mlir::failed(mlir::verify(*copy)))
    return mlir::failure();
  target::TargetOptions targetOptions;
  targetOptions.kind = kind;
  targetOptions.quick = runs == Runs::Few;
  auto image = Image::load(std::move(copy), targetOptions);
  if (mlir::succeeded(image))
    fill(*image);
  return image;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

/// Numbers of a tensor, always the same: of a vector around 1, of a matrix so that a product keeps the size of its
/// rows.
static std::vector<double> randomValues(llvm::StringRef name, llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  double middle = shape.size() < 2 ? 1 : 0, reach = shape.size() < 2 ? 0.3 : std::sqrt(3.0 / double(shape.back()));
  uint64_t key = llvm::xxh3_64bits(name);
  std::vector<double> values(count);
  if (name.ends_with(".weights")) { // of tokens in a loss
    for (auto [index, value] : llvm::enumerate(values))
      value = index % 5 != 0;
    return values;
  }
  for (auto [index, value] : llvm::enumerate(values))
    value = middle + reach * (2 * randomUniform(key, 0, index) - 1);
  return values;
}

/// Integers of a tensor of a batch by the last part of its name: places count, keys are 1, all else is random.
static std::vector<double> integersOf(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, int64_t below) {
  llvm::StringRef part = name.rsplit('.').second;
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  std::vector<double> values(count, 0.0);
  uint64_t key = llvm::xxh3_64bits(name);
  for (auto [index, value] : llvm::enumerate(values))
    if (part == "positions")
      value = double(index % shape.back());
    else if (part == "key")
      value = 1;
    else if (part == "field")
      value = double(index % 2);
    else if (part == "ids" || part == "targets")
      value = std::floor(randomUniform(key, 0, index) * double(below));
  return values;
}

/// By what a tensor gets its contents: a model's tensor that is trained in place begins as the model's own.
static std::string identityOf(tune::TensorOp tensor) {
  mlir::DictionaryAttr source = tensor.getSource().value_or(mlir::DictionaryAttr());
  if (!source)
    return tensor.getSymName().str();
  return (source.getAs<mlir::StringAttr>("step").getValue() + "." + source.getAs<mlir::StringAttr>("tensor").getValue())
      .str();
}

void Specimen::fill(Image &image) {
  int64_t vocab = 1;
  for (ModelTensor *tensor : model->tensors())
    if (tensor->dims.size() == 2)
      vocab = tensor->dims.front()->size;
  for (auto tensor : image.getModule().getOps<tune::TensorOp>()) {
    auto type = mlir::cast<mlir::RankedTensorType>(tensor.getType());
    bool given = tensor.getKind() == tune::Kind::weight || tensor.getKind() == tune::Kind::trained ||
                 tensor.getKind() == tune::Kind::frozen || tensor.getKind() == tune::Kind::input ||
                 statistics.contains(tensor.getSymName().str());
    if (!given)
      continue;
    std::string name = identityOf(tensor);
    image.set(tensor.getSymName(), type.getElementType().isInteger() ? integersOf(name, type.getShape(), vocab)
                                                                     : randomValues(name, type.getShape()));
  }
}

std::vector<double> ftc::logitsOfTokens(Image &image, llvm::StringRef name, const Batch &batch) {
  std::vector<double> all = image.get(name), some;
  size_t width = all.size() / size_t(batch.sequences * batch.tokens);
  for (auto [index, value] : llvm::enumerate(all))
    if (int64_t(index / width) % batch.tokens >= batch.virtualTokens)
      some.push_back(value);
  return some;
}

double ftc::largestDifference(llvm::ArrayRef<double> values, llvm::ArrayRef<double> truth) {
  double difference = 0, largest = 0;
  for (auto [value, expected] : llvm::zip_equal(values, truth)) {
    difference = std::max(difference, std::isfinite(value - expected) ? std::fabs(value - expected) : INFINITY);
    largest = std::max(largest, std::fabs(expected));
  }
  return difference == 0 ? 0 : difference / std::max(largest, 1e-300);
}
