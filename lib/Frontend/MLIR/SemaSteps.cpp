//===- SemaSteps.cpp - steps over models and data sets --------------------===//

#include "Sema.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <limits>

using namespace ftc;
using namespace ftc::ast;
using namespace ftc::recipe;
using namespace mlir;
using llvm::SMRange;
using llvm::StringRef;

static constexpr double unbounded = std::numeric_limits<double>::infinity();
static constexpr double largestSeed = 9007199254740992.0; // 2^53: exact as a number of JSON
static constexpr Bounds positiveCount = {1, 2147483647.0, "an integer of at least 1"};
static constexpr Bounds seedBounds = {0, largestSeed, "an integer from 0 to 2^53"};

//===----------------------------------------------------------------------===//
// Which step
//===----------------------------------------------------------------------===//

using Build = Value (Sema::*)(const CallExpr &, StringRef);

bool Sema::isStep(const Expr &expr) {
  static constexpr StringRef functions[] = {"load", "dataset", "restore", "merge", "configure", "logits", "gradients"};
  auto *call = llvm::dyn_cast<CallExpr>(&expr);
  auto *callee = call ? llvm::dyn_cast<NameExpr>(call->callee.get()) : nullptr;
  return callee && (call->verb || llvm::is_contained(functions, callee->name));
}

Value Sema::buildStep(const CallExpr &call, StringRef name) {
  static constexpr struct {
    StringRef name;
    Build build;
  } table[] = {
      {"load", &Sema::buildLoad},           {"dataset", &Sema::buildDataset},  {"restore", &Sema::buildRestore},
      {"merge", &Sema::buildMerge},         {"logits", &Sema::buildLogits},    {"gradients", &Sema::buildGradients},
      {"configure", &Sema::buildConfigure}, {"adapt", &Sema::buildAdapt},      {"train", &Sema::buildTrain},
      {"evaluate", &Sema::buildEvaluate},   {"generate", &Sema::buildGenerate}};
  StringRef callee = llvm::cast<NameExpr>(*call.callee).name;
  for (const auto &entry : table)
    if (entry.name == callee)
      return (this->*entry.build)(call, name);
  llvm_unreachable("isStep knows a step that buildStep does not");
}

static StringRef typeName(mlir::Type type) {
  if (llvm::isa<recipe::ModelType>(type))
    return "a model";
  if (llvm::isa<DatasetType>(type))
    return "a data set";
  if (llvm::isa<ScoresType>(type))
    return "an evaluation";
  if (llvm::isa<GradientsType>(type))
    return "gradients";
  return llvm::isa<SamplesType>(type) ? "generated text" : "logits";
}

Value Sema::operand(const Expr &expr, StringRef what) {
  if (isStep(expr)) {
    auto &call = llvm::cast<CallExpr>(expr);
    return buildStep(call, freshName(llvm::cast<NameExpr>(*call.callee).name));
  }
  auto *name = llvm::dyn_cast<NameExpr>(&expr);
  auto found = name ? bindings.find(name->name) : bindings.end();
  if (found != bindings.end()) {
    Bound &bound = found->second;
    bound.used = true;
    if (!buildBinding(bound))
      return {};
    if (bound.step)
      return bound.step;
  } else if (name && !inputs.contains(name->name)) {
    auto message = diags.report(Diag::UndefinedName, name->range, name->name);
    std::vector<StringRef> names;
    for (const auto &[key, bound] : bindings)
      names.push_back(key);
    message.nearest(name->name, names);
    return {};
  }
  if (Attribute value = evaluate(expr))
    diags.report(Diag::WrongValue, expr.range, what, "a step or its name", describe(value));
  return {};
}

template <typename T> Value Sema::operandOf(const Expr &expr, StringRef what) {
  Value value = operand(expr, what);
  if (!value || llvm::isa<T>(value.getType()))
    return value;
  auto message = diags.report(Diag::WrongValue, expr.range, what, typeName(T::get(builder.getContext())),
                              typeName(value.getType()));
  if (auto *name = llvm::dyn_cast<NameExpr>(&expr))
    if (auto found = bindings.find(name->name); found != bindings.end())
      message.note(found->second.binding->name.range, "bound here");
  return {};
}
template Value Sema::operandOf<recipe::ModelType>(const Expr &, StringRef);

std::string Sema::freshName(StringRef stem) {
  for (unsigned number = 1;; ++number) {
    std::string name = stem.str() + std::to_string(number);
    if (nameRanges.try_emplace(name, SMRange()).second)
      return name;
  }
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Value Sema::buildLoad(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"path", "base"};
  Options options(*this, "load", call.range, keys);
  if (!options.addArguments(call.arguments, 1))
    return {};
  if (!options.has("path"))
    return options.missing("the path of a model in quotes"), Value();
  std::optional<std::string> path = options.path("path");
  Value base;
  if (const Expr *expr = options.find("base"); expr && !(base = operandOf<recipe::ModelType>(*expr, "'base'")))
    return {};
  if (!path)
    return {};
  return LoadOp::create(builder, locationOf(call.range), recipe::ModelType::get(builder.getContext()),
                        builder.getStringAttr(name), builder.getStringAttr(*path), base);
}

Value Sema::buildDataset(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"path",  "format",    "fields", "numbers", "prompt_loss", "shuffle",
                                       "limit", "tokenizer", "rate",   "spm",     "seed",        "sentinels"};
  static constexpr StringRef formats[] = {"tokens",     "completion", "alpaca", "messages",      "infill",
                                          "preference", "feedback",   "pairs",  "classification"};
  unsigned before = problems();
  Options options(*this, "dataset", call.range, keys);
  if (!options.addArguments(call.arguments, 1))
    return {};
  if (!options.has("path"))
    return options.missing("the path of a JSONL file in quotes"), Value();
  if (!options.has("format"))
    return options.missing("the option 'format', one of " + llvm::join(llvm::ArrayRef(formats), ", ")), Value();
  std::optional<std::string> path = options.path("path"), format = options.word("format", formats);
  std::optional<double> promptLoss = options.real("prompt_loss", {0, 1, "a share from 0% to 100%"});
  std::optional<int64_t> limit = options.integer("limit", positiveCount);
  if (options.has("shuffle"))
    options.word("shuffle", {"none"});
  NamedAttrList fields;
  if (const Expr *expr = options.find("fields")) {
    auto *map = llvm::dyn_cast<MapExpr>(&resolve(*expr));
    if (!map)
      diags.report(Diag::WrongValue, expr->range, "'fields'", "a map such as '{instruction: \"question\"}'",
                   "another value");
    for (const MapEntry &entry : map ? llvm::ArrayRef(map->entries) : llvm::ArrayRef<MapEntry>()) {
      Attribute value = evaluate(*entry.value);
      if (value && (!llvm::isa<StringAttr>(value) || entry.key().empty()))
        diags.report(Diag::WrongValue, entry.range, "'fields'", "a field and a name in quotes", describe(value));
      else if (value)
        fields.set(entry.key(), value);
    }
  }
  std::vector<std::string> numbers = options.strings("numbers").value_or(std::vector<std::string>());
  for (const std::string &number : numbers)
    if (number == "w" || number == "ids" || number == "labels")
      diags.report(Diag::WrongValue, options.rangeOf("numbers"), "'numbers'", "names that rows do not have already",
                   "'" + number + "'");
  Value tokenizer;
  const Expr *named = options.find("tokenizer");
  auto *word = named ? llvm::dyn_cast<NameExpr>(&resolve(*named)) : nullptr;
  bool tokenIds = word && word->name == "none";
  if (named && !tokenIds)
    tokenizer = operandOf<recipe::ModelType>(*named, "'tokenizer'");
  DictionaryAttr infill = infillOf(options, format.value_or(""));
  if (problems() != before)
    return {};
  return DatasetOp::create(
      builder, locationOf(call.range), DatasetType::get(builder.getContext()), builder.getStringAttr(name),
      builder.getStringAttr(*path), builder.getStringAttr(*format), fields.getDictionary(builder.getContext()),
      builder.getStrArrayAttr(llvm::SmallVector<StringRef>(numbers.begin(), numbers.end())),
      builder.getF64FloatAttr(promptLoss.value_or(0)), builder.getBoolAttr(!options.has("shuffle")),
      limit ? builder.getI64IntegerAttr(*limit) : IntegerAttr(), tokenizer,
      tokenIds ? builder.getUnitAttr() : UnitAttr(), infill);
}

/// The options of the format that moves the middle of texts to their ends; null where there are none.
DictionaryAttr Sema::infillOf(Options &options, StringRef format) {
  static constexpr StringRef keys[] = {"rate", "spm", "seed", "sentinels"};
  if (format != "infill")
    for (StringRef key : keys)
      if (options.has(key))
        diags.report(Diag::NoEffect, options.rangeOf(key), key, "it is an option of the format 'infill'");
  NamedAttrList given;
  for (StringRef key : {"rate", "spm"})
    if (auto share = options.real(key, {0, 1, "a share from 0% to 100%"}))
      given.set(key, builder.getF64FloatAttr(*share));
  if (auto seed = options.integer("seed", seedBounds))
    given.set("seed", builder.getI64IntegerAttr(*seed));
  if (auto sentinels = options.strings("sentinels")) {
    if (sentinels->size() != 3)
      diags.report(Diag::WrongValue, options.rangeOf("sentinels"), "'sentinels'",
                   "three tokens: before the prefix, the suffix and the middle", std::to_string(sentinels->size()));
    given.set("sentinels", builder.getStrArrayAttr(llvm::SmallVector<StringRef>(sentinels->begin(), sentinels->end())));
  }
  return given.empty() || format != "infill" ? DictionaryAttr() : given.getDictionary(builder.getContext());
}

Value Sema::buildRestore(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"model", "path"};
  Options options(*this, "restore", call.range, keys);
  if (!options.addArguments(call.arguments, 2))
    return {};
  if (!options.has("model") || !options.has("path"))
    return options.missing("a model and the path of its tensors, 'restore(tuned, \"out/adapter\")'"), Value();
  Value model = operandOf<recipe::ModelType>(*options.find("model"), "'restore'");
  std::optional<std::string> path = options.path("path");
  if (!model || !path)
    return {};
  return RestoreOp::create(builder, locationOf(call.range), model.getType(), builder.getStringAttr(name), model,
                           builder.getStringAttr(*path));
}

Value Sema::buildMerge(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"model"};
  Options options(*this, "merge", call.range, keys);
  if (!options.addArguments(call.arguments, 1))
    return {};
  if (!options.has("model"))
    return options.missing("a model, 'merge(run)'"), Value();
  Value model = operandOf<recipe::ModelType>(*options.find("model"), "'merge'");
  if (!model)
    return {};
  return MergeOp::create(builder, locationOf(call.range), model.getType(), builder.getStringAttr(name), model);
}

/// What a configuration can hold.
static bool isConfiguration(Attribute value) {
  if (auto list = llvm::dyn_cast<ArrayAttr>(value))
    return llvm::all_of(list, isConfiguration);
  if (auto map = llvm::dyn_cast<MapAttr>(value))
    return llvm::all_of(map.getLines(), [](LineAttr line) { return isConfiguration(line.getValue()); });
  if (auto word = llvm::dyn_cast<WordAttr>(value))
    return word.getName() == "none";
  return llvm::isa<IntegerAttr, FloatAttr, StringAttr>(value);
}

Value Sema::buildConfigure(const CallExpr &call, StringRef name) {
  llvm::SmallVector<StringRef> keys = {"model"}; // and whatever the model's configuration calls them
  for (const Argument &argument : call.arguments)
    if (argument.name)
      keys.push_back(argument.name.text);
  Options options(*this, "configure", call.range, keys);
  if (!options.addArguments(call.arguments, 1))
    return {};
  if (!options.has("model") || keys.size() < 2)
    return options.missing("a model and keys of its configuration, 'configure(run, rope_theta: 1000000)'"), Value();
  Value model = operandOf<recipe::ModelType>(*options.find("model"), "'configure'");
  bool sound = model != nullptr;
  NamedAttrList changes;
  for (StringRef key : llvm::drop_begin(keys)) {
    Attribute value = evaluate(*options.find(key));
    if (value && !isConfiguration(value)) {
      diags.report(Diag::WrongValue, options.rangeOf(key), "'" + key.str() + "'",
                   "a number, a text, true, false, none, or a list or map of such", describe(value));
      value = {};
    }
    sound &= value != nullptr;
    if (value)
      changes.set(key, value);
  }
  if (!sound)
    return {};
  return ConfigureOp::create(builder, locationOf(call.range), model.getType(), name, model,
                             changes.getDictionary(builder.getContext()));
}

Value Sema::buildLogits(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"model", "data", "batch", "packing"};
  Options options(*this, "logits", call.range, keys);
  if (!options.addArguments(call.arguments, 1))
    return {};
  if (!options.has("model") || !options.has("data") || !options.has("batch"))
    return options.missing("a model, 'data' and 'batch', 'logits(run, data: held_out, batch: 2 x 48)'"), Value();
  Value model = operandOf<recipe::ModelType>(*options.find("model"), "'logits'");
  Value data = operandOf<DatasetType>(*options.find("data"), "'data'");
  ExtentAttr batch = options.extent("batch");
  // A row of logits belongs to a row of the file: there is no other form than unpacked.
  if (!model || !data || !batch || !packingOf(options))
    return {};
  return LogitsOp::create(builder, locationOf(call.range), LogitsType::get(builder.getContext()),
                          builder.getStringAttr(name), model, data, batch);
}

Value Sema::buildGradients(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"model", "data", "objective", "batch", "packing"};
  unsigned before = problems();
  Options options(*this, "gradients", call.range, keys);
  if (!options.addArguments(call.arguments, 1))
    return {};
  if (!options.require(llvm::ArrayRef(keys).drop_back()))
    return {};
  llvm::SmallVector<Value> others;
  Value model = operandOf<recipe::ModelType>(*options.find("model"), "'gradients'");
  Value data = operandOf<DatasetType>(*options.find("data"), "'data'");
  CallAttr objective = definitionCall(DefinitionKind::Objective, *options.find("objective"), "'objective'", others);
  ExtentAttr batch = options.extent("batch");
  std::optional<bool> packing = packingOf(options);
  if (problems() != before)
    return {};
  return GradientsOp::create(builder, locationOf(call.range), GradientsType::get(builder.getContext()), name, model,
                             data, objective, batch, others, *packing);
}

//===----------------------------------------------------------------------===//
// Verbs: a value and a map
//===----------------------------------------------------------------------===//

static const Expr &subject(const CallExpr &call) { return *call.arguments.front().value; }
static const MapExpr &optionsOf(const CallExpr &call) { return llvm::cast<MapExpr>(*call.arguments.back().value); }

Value Sema::buildAdapt(const CallExpr &call, StringRef name) {
  Value model = operandOf<recipe::ModelType>(subject(call), "'adapt'");
  llvm::SmallVector<Value> others;
  llvm::SmallVector<LineAttr> lines;
  const MapExpr &map = optionsOf(call);
  bool sound = model != nullptr;
  for (const MapEntry &entry : map.entries) {
    std::optional<std::string> selector = selectorText(entry.selector);
    CallAttr adapter = definitionCall(DefinitionKind::Adapter, *entry.value, "'adapt'", others);
    sound &= selector && adapter;
    if (sound)
      lines.push_back(LineAttr::get(builder.getContext(), *selector, adapter, locationOf(entry.selector.range)));
  }
  if (map.entries.empty()) {
    diags.report(Diag::NoLines, map.range);
    return {};
  }
  if (!sound)
    return {};
  return AdaptOp::create(builder, locationOf(call.range), model.getType(), builder.getStringAttr(name), model,
                         MapAttr::get(builder.getContext(), lines), others);
}

std::optional<bool> Sema::packingOf(Options &options) {
  if (!options.has("packing"))
    return true;
  return options.word("packing", {"none"}) ? std::optional(false) : std::nullopt;
}

/// `adamw(lr: 2e-4)`, or a map of such by selector.
Attribute Sema::optimizerOf(const Expr &written, llvm::SmallVectorImpl<Value> &others) {
  const Expr &expr = resolve(written);
  auto *map = llvm::dyn_cast<MapExpr>(&expr);
  if (!map || map->entries.empty())
    return definitionCall(DefinitionKind::Optimizer, expr, "'optimizer'", others);
  llvm::SmallVector<LineAttr> lines;
  for (const MapEntry &entry : map->entries) {
    std::optional<std::string> selector = selectorText(entry.selector);
    CallAttr call = definitionCall(DefinitionKind::Optimizer, *entry.value, "'optimizer'", others);
    if (!selector || !call)
      return {};
    lines.push_back(LineAttr::get(builder.getContext(), *selector, call, locationOf(entry.selector.range)));
  }
  return MapAttr::get(builder.getContext(), lines);
}

/// Storage formats by tensor; `compute` and `state` are kinds of value rather than selectors.
MapAttr Sema::precisionOf(const Expr &written) {
  auto *map = llvm::dyn_cast<MapExpr>(&resolve(written));
  if (!map || map->entries.empty()) {
    diags.report(Diag::WrongValue, written.range, "'precision'", "a map such as 'precision { compute: f32 }'",
                 "another value");
    return {};
  }
  llvm::SmallVector<LineAttr> lines;
  for (const MapEntry &entry : map->entries) {
    std::optional<std::string> selector = selectorText(entry.selector);
    Attribute format = selector ? formatOf(*entry.value, "'precision'") : Attribute();
    if (!format)
      return {};
    auto word = llvm::dyn_cast<WordAttr>(format);
    bool available = (entry.key() == "compute" || entry.key() == "state") && word && word.getName() == "f32";
    available |= entry.key() == "compute" && word && word.getName() == "f16";
    available |= entry.key() == "state" && llvm::isa<CallAttr>(format);
    if (!available) {
      diags.report(Diag::UnavailablePrecision, entry.range, *selector, describe(format))
          .help("frozen weights are kept as their file has them; 'compute' is f32 or f16, 'state' f32 or a 'format'");
      return {};
    }
    lines.push_back(LineAttr::get(builder.getContext(), *selector, format, locationOf(entry.selector.range)));
  }
  return MapAttr::get(builder.getContext(), lines);
}

/// The length of a training: `steps` or `epochs`.
bool Sema::trainLength(Options &options, TrainOp op) {
  if (options.has("steps") && options.has("epochs")) {
    diags.report(Diag::ConflictingOptions, options.rangeOf("epochs"), "steps", "epochs")
        .note(options.rangeOf("steps"), "the other one is here");
    return false;
  }
  if (options.has("steps")) {
    auto steps = options.quantity("steps", recipe::Unit::Steps, /*plain=*/true, positiveCount);
    if (steps && *steps != std::floor(*steps))
      diags.report(Diag::WrongValue, options.rangeOf("steps"), "'steps'", "an integer", std::to_string(*steps));
    if (!steps)
      return false;
    op.setSteps(static_cast<int64_t>(*steps));
  }
  if (options.has("epochs")) {
    auto epochs = options.quantity("epochs", recipe::Unit::Epochs, /*plain=*/true, {1e-9, 1e6, "a number above 0"});
    if (!epochs)
      return false;
    op.setEpochs(llvm::APFloat(*epochs));
  }
  return true;
}

/// Bounds on memory, gradients, sizes of micro-batches.
bool Sema::trainLimits(Options &options, TrainOp op) {
  bool sound = true;
  auto set = [&](StringRef key, auto value, auto setter) {
    if (!options.has(key))
      return;
    if (value)
      setter(*value);
    else
      sound = false;
  };
  set("memory",
      options.quantity("memory", recipe::Unit::Bytes, /*plain=*/false, {1, 0x1p60, "a size of at least one byte"}),
      [&](double bytes) { op.setMemory(static_cast<int64_t>(bytes)); });
  set("seed", options.integer("seed", seedBounds), [&](int64_t seed) { op.setSeed(seed); });
  auto *micro = llvm::dyn_cast_if_present<NameExpr>(options.find("micro_batch"));
  if (micro && micro->name == "auto")
    op.setAutoMicroBatch(true);
  else
    set("micro_batch", options.integer("micro_batch", positiveCount, "an integer, or auto"),
        [&](int64_t size) { op.setMicroBatch(size); });
  if (auto size = op.getMicroBatch(); size && op.getBatch().getFirst() % *size != 0) {
    diags.report(Diag::MicroBatch, options.rangeOf("micro_batch"), op.getBatch().getFirst(), *size)
        .help("'micro_batch' must divide the number of sequences in 'batch'");
    sound = false;
  }
  if (options.has("checkpoint_every")) {
    auto every = options.quantity("checkpoint_every", recipe::Unit::Steps, /*plain=*/true, positiveCount);
    set("checkpoint_every", every, [&](double steps) { op.setCheckpointEvery(static_cast<int64_t>(steps)); });
  }
  // The usual bound of 1, unless the recipe says otherwise.
  op.setGradientClip(llvm::APFloat(1.0));
  if (const Expr *clip = options.find("gradient_clip")) {
    auto *word = llvm::dyn_cast<NameExpr>(clip);
    if (word && word->name == "none")
      op.removeGradientClipAttr();
    else
      set("gradient_clip", options.real("gradient_clip", {1e-30, unbounded, "a number above 0, or none"}),
          [&](double bound) { op.setGradientClip(llvm::APFloat(bound)); });
  }
  return sound;
}

Value Sema::buildTrain(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {
      "data",  "objective", "optimizer", "schedule", "batch",         "micro_batch",      "packing",
      "steps", "epochs",    "memory",    "seed",     "gradient_clip", "checkpoint_every", "precision"};
  unsigned before = problems();
  Value model = operandOf<recipe::ModelType>(subject(call), "'train'");
  Options options(*this, "train", call.callee->range, keys);
  options.addMap(optionsOf(call));
  if (!options.require({"data", "objective", "optimizer", "batch"}) || problems() != before)
    return {};
  llvm::SmallVector<Value> others;
  Value data = operandOf<DatasetType>(*options.find("data"), "'data'");
  CallAttr objective = definitionCall(DefinitionKind::Objective, *options.find("objective"), "'objective'", others);
  Attribute optimizer = optimizerOf(*options.find("optimizer"), others);
  CallAttr schedule;
  if (const Expr *expr = options.find("schedule"))
    schedule = definitionCall(DefinitionKind::Schedule, *expr, "'schedule'", others);
  ExtentAttr batch = options.extent("batch");
  MapAttr precision;
  if (const Expr *expr = options.find("precision"))
    precision = precisionOf(*expr);
  std::optional<bool> packing = packingOf(options);
  if (problems() != before)
    return {};
  auto op = TrainOp::create(builder, locationOf(call.range), model.getType(), name, model, data, objective, optimizer,
                            schedule, batch, others, /*micro_batch=*/nullptr,
                            /*auto_micro_batch=*/false, *packing, /*steps=*/nullptr,
                            /*epochs=*/nullptr, /*memory=*/nullptr, /*seed=*/0, /*gradient_clip=*/nullptr,
                            /*checkpoint_every=*/nullptr, precision);
  bool sound = trainLength(options, op);
  return trainLimits(options, op) && sound ? op.getResult() : Value();
}

Value Sema::buildEvaluate(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"data", "objective", "batch", "packing", "precision"};
  unsigned before = problems();
  Value model = operandOf<recipe::ModelType>(subject(call), "'evaluate'");
  Options options(*this, "evaluate", call.callee->range, keys);
  options.addMap(optionsOf(call));
  if (!options.require({"data", "objective", "batch"}) || problems() != before)
    return {};
  llvm::SmallVector<Value> others;
  Value data = operandOf<DatasetType>(*options.find("data"), "'data'");
  CallAttr objective = definitionCall(DefinitionKind::Objective, *options.find("objective"), "'objective'", others);
  ExtentAttr batch = options.extent("batch");
  std::optional<bool> packing = packingOf(options);
  MapAttr precision;
  if (const Expr *expr = options.find("precision"))
    precision = precisionOf(*expr);
  if (problems() != before)
    return {};
  return EvaluateOp::create(builder, locationOf(call.range), ScoresType::get(builder.getContext()), name, model, data,
                            objective, batch, others, *packing, precision);
}

Value Sema::buildGenerate(const CallExpr &call, StringRef name) {
  static constexpr StringRef keys[] = {"prompts", "tokens", "temperature", "top_k",        "top_p",
                                       "seed",    "stop",   "chat",        "prompt_tokens"};
  unsigned before = problems();
  Value model = operandOf<recipe::ModelType>(subject(call), "'generate'");
  Options options(*this, "generate", call.callee->range, keys);
  options.addMap(optionsOf(call));
  if (!options.require({"prompts", "tokens"}) || problems() != before)
    return {};
  // Strings, or a data set of prompts.
  const Expr &written = *options.find("prompts");
  std::optional<std::vector<std::string>> prompts;
  Value data;
  auto *word = llvm::dyn_cast<NameExpr>(&resolve(written));
  if (isStep(resolve(written)) || (word && bindings.contains(word->name)))
    data = operandOf<DatasetType>(resolve(written), "'prompts'");
  else
    prompts = options.strings("prompts");
  if (prompts && prompts->empty())
    diags.report(Diag::WrongValue, written.range, "'prompts'", "at least one string", "an empty list");
  std::optional<int64_t> tokens = options.integer("tokens", positiveCount), seed = options.integer("seed", seedBounds);
  auto temperature = options.real("temperature", {0, 1000, "a number of at least 0"});
  auto topK = options.integer("top_k", {0, 2147483647.0, "an integer of at least 0"});
  auto topP = options.real("top_p", {1e-9, 1, "a number above 0, at most 1"});
  auto stop = options.strings("stop");
  auto chat = options.boolean("chat");
  auto promptTokens = options.integer("prompt_tokens", positiveCount);
  if (problems() != before)
    return {};
  for (StringRef key : {"top_k", "top_p"})
    if (options.has(key) && temperature.value_or(0) == 0)
      diags.report(Diag::NoEffect, options.rangeOf(key), key, "with 'temperature' 0, the default, decoding is greedy");
  auto list = [&](const std::vector<std::string> &texts) {
    return builder.getStrArrayAttr(llvm::SmallVector<StringRef>(texts.begin(), texts.end()));
  };
  return GenerateOp::create(builder, locationOf(call.range), SamplesType::get(builder.getContext()),
                            builder.getStringAttr(name), model, prompts ? list(*prompts) : ArrayAttr(), data,
                            builder.getI64IntegerAttr(*tokens), builder.getF64FloatAttr(temperature.value_or(0)),
                            builder.getI64IntegerAttr(topK.value_or(0)), builder.getF64FloatAttr(topP.value_or(1)),
                            builder.getI64IntegerAttr(seed.value_or(0)),
                            list(stop.value_or(std::vector<std::string>())), builder.getBoolAttr(chat.value_or(false)),
                            promptTokens ? builder.getI64IntegerAttr(*promptTokens) : IntegerAttr());
}

//===----------------------------------------------------------------------===//
// save
//===----------------------------------------------------------------------===//

/// The forms that a value can be written in.
static llvm::ArrayRef<StringRef> formsOf(mlir::Type type) {
  static constexpr StringRef model[] = {"peft", "safetensors", "huggingface"}, samples[] = {"text"},
                             tensors[] = {"safetensors"};
  if (llvm::isa<recipe::ModelType>(type))
    return model;
  if (llvm::isa<SamplesType>(type))
    return samples;
  return llvm::isa<LogitsType, GradientsType>(type) ? llvm::ArrayRef(tensors) : llvm::ArrayRef<StringRef>();
}

void Sema::buildSave(const Save &save) {
  static constexpr StringRef keys[] = {"path", "dtype"};
  static constexpr StringRef types[] = {"f32", "f16", "bf16"};
  Value value = operand(*save.value, "'save'");
  auto *call = llvm::dyn_cast<CallExpr>(save.as.get());
  auto *form = llvm::dyn_cast<NameExpr>(call ? call->callee.get() : save.as.get());
  if (!form || !call) {
    diags.report(Diag::WrongValue, save.as->range, "'save ... as'", "a form and a path, 'peft(\"out/adapter\")'",
                 form ? "'" + form->name + "'" : "another value");
    return;
  }
  if (!value)
    return;
  llvm::ArrayRef<StringRef> forms = formsOf(value.getType());
  if (!llvm::is_contained(forms, form->name)) {
    diags.report(Diag::WrongSaveForm, form->range, typeName(value.getType()), form->name)
        .nearest(form->name, forms)
        .help(!forms.empty()                           ? "it can be saved as " + llvm::join(forms, ", ")
              : llvm::isa<ScoresType>(value.getType()) ? "its results are printed and written to metrics.jsonl"
                                                       : "models, generated text, logits and gradients can be saved");
    return;
  }
  Options options(*this, form->name, call->range, keys);
  if (!options.addArguments(call->arguments, 1))
    return;
  if (!options.has("path")) {
    options.missing("a path in quotes");
    return;
  }
  std::optional<std::string> path = options.path("path"), dtype = options.word("dtype", types);
  if (!path || (options.has("dtype") && !dtype))
    return;
  SaveOp::create(builder, locationOf(save.range), builder.getStringAttr(freshName("save")), value,
                 builder.getStringAttr(form->name), builder.getStringAttr(*path),
                 dtype ? builder.getStringAttr(*dtype) : StringAttr());
}
