//===- Models.cpp - steps that give a model: load, adapt, restore, merge --===//

#include "Converter.h"

#include "dialects/Tune/Utils/Builders.h"
#include "ftc/Elaborate/Peft.h"
#include "ftc/Frontend/Walk.h"
#include "ftc/Import/ModelFiles.h"
#include "ftc/Runtime/Core/Float.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

std::string Converter::resolve(llvm::StringRef path) const {
  if (llvm::sys::path::is_absolute(path) || folder.empty())
    return path.str();
  llvm::SmallString<256> whole(folder);
  llvm::sys::path::append(whole, path);
  return whole.str().str();
}

/// The first tensor whose stored elements are not real numbers; null if there is none.
static const ModelTensor *findUnreal(const Model &model) {
  for (const ModelTensor *tensor : model.tensors())
    if (auto element = runtime::elementTypeFromFormat(tensor->fileType); element && !runtime::isFloat(*element))
      return tensor;
  return nullptr;
}

StepValue Converter::load(const StepCall &call) {
  std::string path = *text(call.operand(0)), resolved = resolve(path);
  return call.option("base") || isAdapterDirectory(resolved) ? loadAdapters(call, path, resolved)
                                                             : loadModel(call, path);
}

StepValue Converter::loadModel(const StepCall &call, llvm::StringRef path) {
  StepValue result;
  auto files = readModelFiles(resolve(path));
  if (!files) {
    exitStatus = int(files.error().status);
    error(Diag::UnreadableModel, call.range(), files.error().message);
    return result;
  }
  const char *format = files->gguf ? "gguf" : files->weightless ? "configuration" : "huggingface";
  std::string config = files->configPath();
  size_t before = elaborator.diagnostics().messages().size();
  auto model = Model::instantiate(elaborator, call.name, std::move(*files), call.range());
  if (!model) {
    exitStatus = int(runtime::ExitStatus::Input);
    // Messages at places in the definition do not say which file they are about.
    if (llvm::any_of(llvm::drop_begin(elaborator.diagnostics().messages(), before),
                     [&](const Message &message) { return message.range.Start != call.range().Start; }))
      error(Diag::UnfitConfig, call.range(), config);
    return result;
  }
  if (const ModelTensor *tensor = findUnreal(*model)) {
    exitStatus = int(runtime::ExitStatus::Input);
    error(Diag::UnreadableModel, call.range(),
          path + ": the tensor '" + tensor->fileName + "' holds " + tensor->fileType + ", expected real numbers");
    return result;
  }
  models.push_back(std::move(model));
  result.model.emplace(*models.back());
  result.load = call.name;
  result.path = path.str();
  finishAs("load", result, call, Fields(elaborator.module().getContext()).set("path", path).set("format", format));
  return result;
}

void Converter::initialiseAdapters(const StepCall &call, StepValue &value, size_t firstGroup) {
  Fields fields(elaborator.module().getContext());
  std::vector<std::string> trained, frozen;
  for (const auto &group : llvm::drop_begin(value.model->groups(), firstGroup))
    for (const auto &tensor : group->tensors)
      (tensor->role == AdapterRole::Trained ? trained : frozen).push_back(tensor->symbol);
  std::string key = call.name + ".key";
  auto scalar = mlir::RankedTensorType::get({}, mlir::IntegerType::get(elaborator.module().getContext(), 64));
  elaborator.tensors().declare(key, tune::Kind::input, scalar);
  ProgramBuilder program(elaborator, call.name + ".initialise");
  program.initialise(*value.model, firstGroup, program.read(key));
  if (mlir::func::FuncOp built = program.finish(); built && !built.getBody().front().without_terminator().empty())
    fields.setSymbol("initialise", built.getSymName());
  fields.set("seed", integer(call, "seed").value_or(0));
  fields.setSymbol("key", key).setSymbols("trained", trained).setSymbols("frozen", frozen);
  finishAs("adapt", value, call, std::move(fields));
}

namespace {
/// The names in the lines of an `adapt`.
struct LineNames : ast::Walk {
  std::vector<const ast::NameExpr *> names;
  void enterExpr(const ast::Expr &expr) override {
    if (const auto *name = llvm::dyn_cast<ast::NameExpr>(&expr))
      names.push_back(name);
  }
};
} // namespace

/// Makes the data sets that adapters are given known to their evaluation, each by the name of its step.
void Converter::bindDatasets(const StepCall &call) {
  LineNames walk;
  walk.expr(call.map());
  for (const ast::NameExpr *name : walk.names)
    for (const ast::Binding &binding : file.bindings)
      if (const auto *bound = llvm::dyn_cast<ast::CallExpr>(binding.value.get());
          bound && binding.name.text == name->name && StepCall(name->name, *bound).kind() == "dataset" &&
          step(*name).rows)
        elaborator.bind(name->name, Value(step(*name).name));
}

/// Rows by which calibrations see their data.
static constexpr int64_t calibrationTokens = 512;

/// A name for a step that belongs to another one, which no binding of the recipe has.
std::string Converter::nameBeside(const StepCall &call, llvm::StringRef suffix) const {
  std::string name = call.name + suffix.str();
  while (llvm::any_of(file.bindings, [&](const ast::Binding &binding) { return binding.name.text == name; }))
    name += "_";
  return name;
}

/// The steps that find the statistics which the adapters of a group ask of their sites, one for each data set.
std::vector<std::string> Converter::calibrations(const StepCall &call, const StepValue &base, const AdapterGroup &group,
                                                 int64_t &number) {
  llvm::MapVector<std::string, std::vector<AskedCalibration>, std::map<std::string, unsigned>> byData;
  for (const auto &instance : group.instances)
    for (const Calibration &calibration : instance->calibrations) {
      Value data = elaborator.evaluateIn(*calibration.item->on, *instance->scope);
      if (const auto *name = data.as<std::string>())
        byData[*name].emplace_back(instance.get(), &calibration);
    }
  std::vector<std::string> made;
  for (auto &[data, asked] : byData) {
    StepCall own(nameBeside(call, "_calibrate_" + std::to_string(++number)), call);
    if (calibrate(own, base, steps.at(data), asked))
      made.push_back(own.name);
  }
  return made;
}

bool Converter::calibrate(const StepCall &own, const StepValue &base, const StepValue &rows,
                          llvm::ArrayRef<AskedCalibration> asked) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  if (rows.rows->textCount() > 1) {
    error(Diag::WrongOption, asked.front().first->group->range,
          "a statistic is of one text a row: the rows of '" + rows.name + "' have several");
    return false;
  }
  std::vector<std::string> sums;
  for (const auto &[instance, calibration] : asked)
    sums.insert(sums.end(), {calibration->sum, calibration->count});
  Fields fields(context);
  RowShape shape{1, 1, calibrationTokens, /*packing=*/rows.rows->isOneText()};
  Batch batch = batchOf(own, base, rows, shape, fields);
  std::string count = own.name + ".loss";
  elaborator.tensors().declareReal(count, tune::Kind::output, {});
  ProgramBuilder program(elaborator, own.name + ".micro");
  program.calibrate(*base.model, asked, batch, count);
  mlir::func::FuncOp built = program.finish();
  if (!built)
    return false;
  fields.set("data", rows.name).set("programs", Fields(context).setSymbol("micro", built.getSymName()));
  fields.set("inputs", inputsOf(own, batch)).set("outputs", Fields(context).setSymbol("loss", count));
  fields.setSymbols("gradients", sums);
  StepValue result;
  result.uses = {base.name, base.load, rows.name};
  finishAs("calibrate", result, own, std::move(fields));
  steps.insert_or_assign(own.name, result);
  return true;
}

StepValue Converter::adapt(const StepCall &call) {
  StepValue result;
  const StepValue *base = modelOf(call);
  bindDatasets(call);
  Value lines = value(call.map());
  if (!base || !lines.as<MapValue>())
    return result;
  AdaptedModel model = *base->model;
  if (base->kind != "adapt")
    model.settle();
  size_t firstGroup = model.groups().size();
  if (!model.adapt(elaborator, call.name, *lines.as<MapValue>()))
    return result;
  result.model = std::move(model);
  result.load = base->load;
  result.uses = {base->name};
  int64_t number = 0;
  for (const auto &group : llvm::drop_begin(result.model->groups(), firstGroup))
    llvm::append_range(result.uses, calibrations(call, *base, *group, number));
  initialiseAdapters(call, result, firstGroup);
  return result;
}

StepValue Converter::restore(const StepCall &call) {
  const StepValue *base = modelOf(call);
  if (!base)
    return {};
  std::string path = *text(call.operand(1));
  if (llvm::sys::path::extension(path) != ".safetensors")
    return restoreAdapters(call, *base, path);
  std::vector<PeftTensor> tensors = namedTensors(*base->model);
  for (const AdapterTensor *changing : base->model->changing())
    llvm::erase_if(tensors, [&](const PeftTensor &tensor) { return tensor.symbol == changing->symbol; });
  return restored(call, *base, path, tensors);
}

/// The tensors of the groups from `firstGroup` on under their own names: the adapters, and what updates change besides.
std::vector<PeftTensor> Converter::namedTensors(const AdaptedModel &model, size_t firstGroup) {
  std::vector<PeftTensor> tensors;
  for (auto [number, group] : llvm::enumerate(model.groups()))
    for (const auto &tensor : group->tensors) {
      bool isMerged = number < model.mergedCount() && !tensor->source;
      if (number < firstGroup || isMerged || (tensor->role == AdapterRole::Kept && !tensor->changes))
        continue;
      PeftTensor &named = tensors.emplace_back();
      named.symbol = tensor->symbol;
      named.integer = tensor->integer;
      named.fileName = tensor->name;
      named.shape = sizesOf(tensor->dims);
    }
  return tensors;
}

/// Whether a `let` is made of one of these tensors, which stays as it is.
static bool isFollowed(const AdaptedModel &model, llvm::ArrayRef<PeftTensor> tensors) {
  for (const AdapterInstance *instance : model.instances())
    for (const KeptLet &let : instance->lets)
      for (const PeftTensor &tensor : tensors)
        if (instance->rebased.empty() && llvm::is_contained(let.reads, tensor.symbol) &&
            model.tensorOf(tensor.symbol)->stays)
          return true;
  return false;
}

/// A model whose frozen tensors a step before has read: what was found of them once follows.
StepValue Converter::followed(const StepCall &call, const StepValue &base) {
  ProgramBuilder program(elaborator, call.name + ".follow");
  program.followFrozen(*base.model);
  Fields fields(elaborator.module().getContext());
  if (mlir::func::FuncOp built = program.finish())
    fields.setSymbol("initialise", built.getSymName());
  StepValue result;
  result.model = base.model;
  result.load = base.load;
  result.uses = {base.name};
  finishAs("adapt", result, call, std::move(fields));
  return result;
}

/// The step that reads `tensors` of a model from a file of trainable tensors or a PEFT directory.
StepValue Converter::restored(const StepCall &call, const StepValue &base, llvm::StringRef path,
                              llvm::ArrayRef<PeftTensor> tensors) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  std::vector<Fields> entries;
  for (const PeftTensor &tensor : tensors) {
    Fields &entry = entries.emplace_back(context);
    entry.setSymbol("tensor", tensor.symbol).set("file", tensor.fileName).setIntegers("shape", tensor.shape);
    if (tensor.part)
      entry.set("part", partOf(context, *tensor.part));
    if (!tensor.copyOf.empty())
      entry.set("copy_of", tensor.copyOf);
  }
  StepValue result;
  result.model = base.model;
  result.load = base.load;
  result.uses = {base.name};
  bool single = llvm::sys::path::extension(path) == ".safetensors", follow = isFollowed(*base.model, tensors);
  for (const PeftTensor &tensor : tensors)
    if (!single)
      result.model->markRead(tensor.symbol);
  Fields fields(context);
  fields.set("path", path).set("format", single ? "safetensors" : "peft").setList("tensors", entries);
  StepCall own(follow ? nameBeside(call, "_restored") : call.name, call);
  finishAs("restore", result, own, std::move(fields));
  return follow ? followed(call, steps.insert_or_assign(own.name, std::move(result)).first->second) : result;
}

namespace {
/// What merged weights would lose in the block formats in which the file had them.
class RequantizationLoss {
public:
  explicit RequantizationLoss(DefinitionLibrary &library) : library(library) {}

  void add(ProgramBuilder &program, const AdaptedModel &model, const MergedTensor &merged) {
    const ModelTensor *tensor = model.model().tensor(merged.name);
    if (!tensor || runtime::elementTypeFromFormat(tensor->fileType))
      return;
    const ast::Definition *format = library.find(ast::DefinitionKind::Format, tensor->fileType);
    auto error = format ? program.storageError(*format, merged.value) : std::nullopt;
    if (!error)
      return;
    auto [known, isNew] = sums.try_emplace(tensor->fileType, *error);
    if (isNew)
      return;
    known->second.first = tune::add(program.builder(), program.loc(), known->second.first, error->first);
    known->second.second = tune::add(program.builder(), program.loc(), known->second.second, error->second);
  }

  /// Outputs of the program, and what the runtime is told of them.
  std::vector<Fields> write(ProgramBuilder &program, Elaborator &elaborator, const std::string &step) const {
    std::vector<Fields> all;
    for (const auto &[format, sum] : sums) {
      std::string error = step + ".error." + format, norm = step + ".norm." + format;
      for (auto [symbol, value] : {std::pair(error, sum.first), {norm, sum.second}}) {
        elaborator.tensors().declareReal(symbol, tune::Kind::output, {});
        program.write(value, symbol);
      }
      Fields &entry = all.emplace_back(elaborator.module().getContext());
      entry.set("format", format).setSymbol("error", error).setSymbol("norm", norm);
    }
    return all;
  }

private:
  DefinitionLibrary &library;
  std::map<std::string, std::pair<mlir::Value, mlir::Value>> sums; ///< by format
};
} // namespace

StepValue Converter::merge(const StepCall &call) {
  StepValue result;
  const StepValue *adapted = modelOf(call);
  if (!adapted)
    return result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  ProgramBuilder program(elaborator, call.name + ".merge");
  std::vector<Fields> tensors;
  AdaptedModel model = *adapted->model;
  RequantizationLoss loss(elaborator.library());
  for (const MergedTensor &merged : program.merge(*adapted->model)) {
    std::string symbol = call.name + "." + merged.name;
    auto type = mlir::cast<mlir::RankedTensorType>(merged.value.getType());
    elaborator.tensors().declare(symbol, tune::Kind::value, type);
    program.write(merged.value, symbol);
    tensors.push_back(Fields(context).setSymbol("tensor", symbol).set("name", merged.name));
    result.results.emplace_back(merged.name, symbol);
    loss.add(program, model, merged);
  }
  std::vector<Fields> losses = loss.write(program, elaborator, call.name);
  mlir::func::FuncOp built = program.finish();
  if (!built)
    return result;
  result.model = model.merged(result.results);
  result.load = adapted->load;
  result.uses = {adapted->name, adapted->load};
  Fields fields = Fields(context).setSymbol("program", built.getSymName()).setList("tensors", tensors);
  if (!losses.empty())
    fields.setList("requantized", losses);
  finish(result, call, std::move(fields));
  return result;
}

/// A value of a configuration: a map in it is an object.
static Value configuration(Elaborator &elaborator, const ast::Expr &expr) {
  Value value = elaborator.evaluate(expr);
  const auto *map = value.as<MapValue>();
  if (!map)
    return value;
  auto object = std::make_shared<std::map<std::string, Value, std::less<>>>();
  for (const ast::MapEntry &entry : map->map->entries)
    (*object)[entry.key().str()] = configuration(elaborator, *entry.value);
  return Value::Object(std::move(object));
}

/// The same tensors in another instance of the model's definition; no step of its own, as nothing is done for it.
StepValue Converter::configure(const StepCall &call) {
  const StepValue *base = modelOf(call);
  if (!base)
    return {};
  if (base->model->hasAdapters()) {
    elaborator.diagnostics()
        .report(Diag::ConfigureAdapted, call.range(), base->name)
        .help("merge them first: 'configure(merge(" + base->name + "), ...)'");
    return {};
  }
  std::map<std::string, Value> changes;
  for (const ast::Argument &argument : call.arguments())
    if (argument.name)
      changes[argument.name.text] = configuration(elaborator, *argument.value);
  auto model = Model::reconfigure(elaborator, base->model->model(), changes, call.range());
  if (!model)
    return {};
  models.push_back(std::move(model));
  StepValue result = *base;
  result.model = base->model->in(*models.back());
  return result;
}

/// Bytes of decoded rows that one run of a decode program makes, about: enough to keep the threads busy.
static constexpr int64_t decodedBytes = int64_t(1) << 20;

/// The program that decodes rows of `columns` entries of a block format; made once.
Fields Converter::decodeProgram(const FileTensor &stored, llvm::SMRange at) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  int64_t columns = stored.shape.back();
  int64_t rows = std::max<int64_t>(1, decodedBytes / (columns * int64_t(sizeof(double))));
  std::string prefix = (llvm::Twine("decode.") + stored.type + "." + llvm::Twine(columns)).str();
  std::string bytes = prefix + ".bytes", values = prefix + ".values";
  if (!declared(bytes)) {
    const ast::Definition *format = elaborator.library().find(ast::DefinitionKind::Format, stored.type);
    if (!format) {
      error(Diag::UnreadableModel, at,
            "tensor '" + stored.name + "' is stored as '" + stored.type + "', for which there is no format definition");
      return Fields(context);
    }
    auto type = mlir::RankedTensorType::get({rows, stored.rowBytes}, mlir::IntegerType::get(context, 8));
    elaborator.tensors().declare(bytes, tune::Kind::input, type);
    elaborator.tensors().declareReal(values, tune::Kind::output, {rows, columns});
    ProgramBuilder program(elaborator, prefix);
    program.write(program.decode(*format, program.read(bytes), columns), values);
    if (!program.finish())
      return Fields(context);
  }
  Fields decode(context);
  decode.setSymbol("program", prefix).setSymbol("bytes", bytes).setSymbol("values", values).set("rows", rows);
  return decode;
}

/// Weights that a file keeps in blocks get a program that decodes them; of others, the type in the file is noted.
void Converter::describeStorage() {
  llvm::SmallVector<tune::TensorOp> declared(elaborator.module().getOps<tune::TensorOp>());
  for (tune::TensorOp op : declared) {
    if (!op.getSource())
      continue;
    auto name = op.getSource()->getAs<mlir::StringAttr>("tensor");
    const StepValue &loaded = steps.at(op.getSource()->getAs<mlir::StringAttr>("step").str());
    const auto &stored = loaded.model->model().files().tensors;
    auto found = llvm::find_if(stored, [&](const FileTensor &tensor) { return tensor.name == name.getValue(); });
    if (found == stored.end())
      continue;
    mlir::Builder builder(op.getContext());
    mlir::NamedAttrList source(*op.getSource());
    if (found->rowBytes) {
      Fields decode = decodeProgram(*found, loaded.range);
      if (decode.empty())
        return;
      source.set("decode", decode.get());
    } else {
      source.set("type", builder.getStringAttr(found->type));
      source.set("offset", builder.getI64IntegerAttr(found->offset));
    }
    op.setSourceAttr(source.getDictionary(op.getContext()));
  }
}
