//===- Training.cpp - data sets, training, evaluation, logits -------------===//

#include "Converter.h"

#include "dialects/Tune/Utils/Builders.h"
#include "ftc/Elaborate/Optimizer.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

/// How many tokens a model knows: ids of data are checked against it.
static std::optional<int64_t> vocabularyOf(const StepValue &step) {
  const auto *config = step.model ? step.model->model().config().as<Value::Object>() : nullptr;
  if (!config)
    return std::nullopt;
  auto found = (*config)->find("vocab_size");
  const auto *size = found != (*config)->end() ? found->second.as<int64_t>() : nullptr;
  return size ? std::optional(*size) : std::nullopt;
}

StepValue Converter::dataset(const StepCall &call) {
  StepValue result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  Value path = value(call.operand(0));
  const auto *file = path.as<std::string>();
  if (!file) {
    error(Diag::WrongOption, call.range(), "dataset: expected a path, got " + path.describe());
    return result;
  }
  Fields fields(context);
  fields.set("path", *file).set("format", text(call, "format").value_or("completion"));
  Fields renamed(context);
  if (const auto *names = llvm::dyn_cast_or_null<ast::MapExpr>(call.option("fields")))
    for (const ast::MapEntry &entry : names->entries)
      if (Value name = value(entry.value.get()); name.is<std::string>())
        renamed.set(entry.key(), *name.as<std::string>());
  fields.set("fields", renamed).set("prompt_loss", real(call, "prompt_loss").value_or(0));
  fields.set("shuffle", flag(call, "shuffle", true));
  if (auto limit = integer(call, "limit"))
    fields.set("limit", *limit);
  bool hasIds = text(call, "format").value_or("") == "tokens";
  if (const StepValue *model = tokenizerFor(call, /*needed=*/!hasIds)) {
    if (auto size = vocabularyOf(*model))
      fields.set("vocabulary", *size);
    if (!hasIds) {
      fields.set("tokenizer", model->name);
      result.uses = {model->name};
    }
  }
  finish(result, call, std::move(fields));
  return result;
}

/// The `load` step whose tokenizer reads a data set: below the model of option `tokenizer`, or the recipe's only one.
const StepValue *Converter::tokenizerFor(const StepCall &call, bool needed) {
  if (const ast::Expr *named = call.option("tokenizer")) {
    const StepValue *model = stepOf(named, "model", call);
    return model ? &steps.at(model->load) : nullptr;
  }
  std::set<std::string> loads;
  for (const ast::Binding &binding : file.bindings) {
    const auto *found = llvm::cast<ast::CallExpr>(binding.value.get());
    StepCall load(binding.name.text, *found);
    if (load.kind() != "load" || load.option("base"))
      continue;
    const StepValue &loaded = step(binding.name.text, *found);
    if (loaded.model)
      loads.insert(loaded.load);
  }
  if (loads.size() == 1)
    return &steps.at(*loads.begin());
  if (loads.size() > 1 && needed)
    error(Diag::MissingOption, call.range(), "tokenizer");
  return nullptr;
}

/// Reads `batch`, `micro_batch` and `packing`, and names the input tensors of a micro-batch.
Batch Converter::makeBatch(const StepCall &call, Fields &fields) {
  Batch batch;
  int64_t sequences = 4;
  batch.tokens = 512;
  if (const ast::Expr *expr = call.option("batch")) {
    if (const auto *extent = llvm::dyn_cast<ast::ExtentExpr>(expr)) {
      sequences = extent->first;
      batch.tokens = extent->second;
    } else {
      error(Diag::WrongOption, expr->range, "batch: expected sequences x tokens, as in '16 x 512'");
    }
  }
  batch.sequences = integer(call, "micro_batch").value_or(sequences);
  if (batch.sequences < 1 || sequences % batch.sequences)
    error(Diag::WrongOption, call.range(),
          "micro_batch: " + llvm::Twine(batch.sequences) + " does not divide the batch's " + llvm::Twine(sequences) +
              " sequences");
  Fields shape(elaborator.module().getContext());
  shape.set("sequences", sequences).set("tokens", batch.tokens).set("micro", batch.sequences);
  shape.set("packing", flag(call, "packing", true));
  fields.set("batch", shape);
  for (auto [field, name] : {std::pair(&Batch::ids, "input_ids"),
                             {&Batch::targets, "targets"},
                             {&Batch::weights, "weights"},
                             {&Batch::positions, "positions"},
                             {&Batch::segments, "segments"},
                             {&Batch::row, "row"},
                             {&Batch::key, "key"}})
    batch.*field = call.name + "." + name;
  return batch;
}

/// Those inputs that some program reads.
Fields Converter::inputsOf(const StepCall &call, const Batch &batch) {
  Fields inputs(elaborator.module().getContext());
  for (const std::string &input :
       {batch.ids, batch.targets, batch.weights, batch.positions, batch.segments, batch.row, batch.key,
        call.name + ".step", call.name + ".steps", call.name + ".steps_per_epoch", call.name + ".denominators"})
    if (declared(input))
      inputs.setSymbol(llvm::StringRef(input).drop_front(call.name.size() + 1), input);
  return inputs;
}

/// The program that adds a micro-batch's denominators to `<step>.weighed`.
void Converter::weigh(const StepCall &call, const Value &objective, const StepValue &policy, const Batch &batch,
                      Fields &programs) {
  ProgramBuilder program(elaborator, call.name + ".weigh");
  llvm::SmallVector<mlir::Value> parts = program.denominators(objective, *policy.model, batch);
  if (parts.empty())
    return void(program.finish());
  for (mlir::Value &part : parts)
    part = tune::reshape(program.builder(), program.loc(), part, {1});
  std::string weighed = call.name + ".weighed";
  elaborator.tensors().declareReal(weighed, tune::Kind::output, {int64_t(parts.size())});
  elaborator.tensors().declareReal(call.name + ".denominators", tune::Kind::input, {int64_t(parts.size())});
  program.accumulate(tune::concat(program.builder(), program.loc(), parts, 0), weighed);
  if (mlir::func::FuncOp built = program.finish())
    programs.setSymbol("weigh", built.getSymName());
}

/// The program that adds a micro-batch's loss and the gradients of `parameters`.
void Converter::micro(const StepCall &call, const Value &objective, const StepValue &policy, const Batch &batch,
                      llvm::ArrayRef<std::string> parameters, llvm::ArrayRef<std::string> gradients, Fields &programs) {
  ProgramBuilder program(elaborator, call.name + ".micro");
  bool training = call.kind() == "train";
  mlir::Value loss = program.loss(objective, *policy.model, batch, call.name + ".denominators", training);
  if (!loss)
    return void(program.finish());
  elaborator.tensors().declareReal(call.name + ".loss", tune::Kind::output, {});
  program.accumulate(loss, call.name + ".loss");
  if (!parameters.empty()) {
    llvm::SmallVector<mlir::Value> values;
    llvm::SmallVector<mlir::Type> types;
    for (const std::string &parameter : parameters) {
      values.push_back(program.read(parameter));
      types.push_back(values.back().getType());
    }
    auto op = tune::GradientOp::create(program.builder(), program.loc(), types, loss, values);
    for (auto [gradient, symbol] : llvm::zip_equal(op.getGradients(), gradients))
      program.accumulate(gradient, symbol);
  }
  if (mlir::func::FuncOp built = program.finish())
    programs.setSymbol("micro", built.getSymName());
}

/// Where the runtime finds what the programs of a step give.
Fields Converter::lossOutputs(const StepCall &call) {
  Fields outputs(elaborator.module().getContext());
  for (auto [key, name] :
       {std::pair("loss", ".loss"), {"denominators", ".weighed"}, {"lr", ".lr"}, {"grad_norm", ".grad_norm"}})
    if (declared(call.name + name))
      outputs.setSymbol(key, call.name + name);
  return outputs;
}

/// The program that ends a step: schedule, norm of the gradients, optimizer.
void Converter::update(const StepCall &call, const Value &schedule, OptimizerPlan &plan, Fields &programs) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  auto count = mlir::RankedTensorType::get({}, mlir::IntegerType::get(context, 64));
  elaborator.tensors().declare(call.name + ".step", tune::Kind::input, count);
  for (const char *name : {".steps", ".steps_per_epoch"})
    elaborator.tensors().declareReal(call.name + name, tune::Kind::input, {});
  for (const char *name : {".lr", ".grad_norm"})
    elaborator.tensors().declareReal(call.name + name, tune::Kind::output, {});

  ProgramBuilder program(elaborator, call.name + ".update");
  mlir::Value step = tune::convert(program.builder(), program.loc(), program.read(call.name + ".step"),
                                   mlir::Float64Type::get(context));
  mlir::Value rate =
      program.rate(schedule, step, program.read(call.name + ".steps"), program.read(call.name + ".steps_per_epoch"));
  program.write(program.gradientNorm(plan), call.name + ".grad_norm");
  if (mlir::Value lr = program.update(plan, step, rate))
    program.write(lr, call.name + ".lr");
  if (mlir::func::FuncOp built = program.finish())
    programs.setSymbol("update", built.getSymName());
}

/// The optimizer of a train step; with the option `gradient_clip` (default 1) the optimizer definition of that name
/// goes around it.
Value Converter::clipped(const StepCall &call, Value optimizer) {
  const ast::Expr *expr = call.option("gradient_clip");
  if (expr && isNone(expr))
    return optimizer;
  auto applied = std::make_shared<Applied>();
  applied->name = "gradient_clip";
  applied->definitions = elaborator.library().findAll(ast::DefinitionKind::Optimizer, applied->name);
  applied->arguments.named = {{"inner", std::move(optimizer)}, {"max_norm", real(call, "gradient_clip").value_or(1)}};
  applied->arguments.range = expr ? expr->range : call.range();
  return std::shared_ptr<const Applied>(std::move(applied));
}

StepValue Converter::train(const StepCall &call) {
  StepValue result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  const StepValue *start = modelOf(call);
  const StepValue *data = stepOf(call.option("data"), "dataset", call);
  if (!start || !data)
    return result;
  for (llvm::StringRef needed : {"objective", "optimizer"})
    if (!call.option(needed)) {
      error(Diag::MissingOption, call.range(), needed);
      return result;
    }
  auto trained = start->model->tensors(AdapterRole::Trained);
  if (trained.empty()) {
    error(Diag::NothingToTrain, call.range(), start->name);
    return result;
  }
  // Training is in place: a second one may go on from the first, not begin again beside it.
  for (const AdapterTensor *tensor : trained) {
    std::string &last = trainedBy[tensor];
    if (!last.empty() && !dependsOn(*start, last)) {
      error(Diag::TrainedTwice, call.range(), start->name);
      return result;
    }
    last = call.name;
  }
  Fields fields(context), programs(context);
  Batch batch = makeBatch(call, fields);
  Value objective = value(call.option("objective"));
  Value optimizer = clipped(call, value(call.option("optimizer")));
  auto plan = OptimizerPlan::make(elaborator, call.name, optimizer, trained, call.range());
  if (!plan)
    return result;
  weigh(call, objective, *start, batch, programs);
  micro(call, objective, *start, batch, plan->trained(), plan->gradients(), programs);
  Value schedule = call.option("schedule") ? value(call.option("schedule")) : Value::none();
  update(call, schedule, *plan, programs);
  fields.set("data", data->name).set("programs", programs).set("inputs", inputsOf(call, batch));
  fields.set("outputs", lossOutputs(call));
  fields.setSymbols("trained", plan->trained()).setSymbols("gradients", plan->gradients());
  fields.setSymbols("states", plan->states());
  fields.set("seed", integer(call, "seed").value_or(0));
  for (llvm::StringRef key : {"steps", "checkpoint_every"})
    if (auto number = integer(call, key))
      fields.set(key, *number);
  fields.set("epochs", real(call, "epochs").value_or(1));
  result.model = start->model;
  result.load = start->load;
  result.uses = {start->name, start->load, data->name};
  finish(result, call, std::move(fields));
  return result;
}

StepValue Converter::evaluate(const StepCall &call) { return measure(call, {}); }

/// The loss over a data set and its gradient by every trainable tensor, to be saved.
StepValue Converter::gradients(const StepCall &call) {
  const StepValue *policy = modelOf(call);
  return policy ? measure(call, policy->model->tensors(AdapterRole::Trained)) : StepValue();
}

StepValue Converter::measure(const StepCall &call, llvm::ArrayRef<AdapterTensor *> by) {
  StepValue result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  const StepValue *policy = modelOf(call);
  const StepValue *data = stepOf(call.option("data"), "dataset", call);
  if (!policy || !data)
    return result;
  if (!call.option("objective")) {
    error(Diag::MissingOption, call.range(), "objective");
    return result;
  }
  Fields fields(context), programs(context);
  Batch batch = makeBatch(call, fields);
  std::vector<std::string> parameters, gradients;
  for (const AdapterTensor *tensor : by) {
    parameters.push_back(tensor->symbol);
    gradients.push_back(call.name + ".grad." + tensor->name);
    elaborator.tensors().declareReal(gradients.back(), tune::Kind::gradient, sizesOf(tensor->dims));
    result.results.emplace_back(tensor->name, gradients.back());
  }
  Value objective = value(call.option("objective"));
  weigh(call, objective, *policy, batch, programs);
  micro(call, objective, *policy, batch, parameters, gradients, programs);
  fields.set("data", data->name).set("programs", programs).set("inputs", inputsOf(call, batch));
  fields.set("outputs", lossOutputs(call));
  if (!gradients.empty())
    fields.setSymbols("gradients", gradients);
  result.uses = {policy->name, policy->load, data->name};
  finish(result, call, std::move(fields));
  return result;
}

StepValue Converter::logits(const StepCall &call) {
  StepValue result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  const StepValue *model = modelOf(call);
  const StepValue *data = stepOf(call.option("data"), "dataset", call);
  if (!model || !data)
    return result;
  Fields fields(context), programs(context);
  Batch batch = makeBatch(call, fields);
  ProgramBuilder program(elaborator, call.name + ".forward");
  mlir::Value values = program.logits(*model->model, batch, /*training=*/false);
  if (!values)
    return program.finish(), result;
  std::string output = call.name + ".logits";
  elaborator.tensors().declare(output, tune::Kind::output, tune::typeOf(values));
  program.write(values, output);
  if (mlir::func::FuncOp built = program.finish())
    programs.setSymbol("forward", built.getSymName());
  fields.set("data", data->name).set("programs", programs).set("inputs", inputsOf(call, batch));
  fields.setSymbol("logits", output);
  result.uses = {model->name, model->load, data->name};
  finish(result, call, std::move(fields));
  return result;
}
