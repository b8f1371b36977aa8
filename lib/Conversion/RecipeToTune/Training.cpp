//===- Training.cpp - training, evaluation, gradients, logits -------------===//

#include "Losses.h"

#include "dialects/Tune/Utils/Builders.h"
#include "ftc/Elaborate/Optimizer.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

/// What the programs after a step's gradients read.
UpdateInputs Converter::updateInputs(const StepCall &call, const Batch &batch, ProgramBuilder &program) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  auto count = mlir::RankedTensorType::get({}, mlir::IntegerType::get(context, 64));
  elaborator.tensors().declare(call.name + ".step", tune::Kind::input, count);
  for (const char *name : {".steps", ".steps_per_epoch"})
    elaborator.tensors().declareReal(call.name + name, tune::Kind::input, {});
  UpdateInputs inputs;
  inputs.step = tune::convert(program.builder(), program.loc(), program.read(call.name + ".step"),
                              mlir::Float64Type::get(context));
  inputs.steps = program.read(call.name + ".steps");
  inputs.stepsPerEpoch = program.read(call.name + ".steps_per_epoch");
  inputs.key = batch.key;
  return inputs;
}

/// The same with the schedule's factor.
UpdateInputs Converter::scheduledInputs(const StepCall &call, const Batch &batch, ProgramBuilder &program) {
  Value schedule = call.option("schedule") ? value(call.option("schedule")) : Value::none();
  UpdateInputs inputs = updateInputs(call, batch, program);
  inputs.rate = program.rate(schedule, inputs.step, inputs.steps, inputs.stepsPerEpoch);
  return inputs;
}

/// The program that ends a step: schedule, norm of the gradients, optimizer. Null after errors.
mlir::func::FuncOp Converter::update(const StepCall &call, LossStep &loss, OptimizerPlan &plan, unsigned points) {
  for (const char *name : {".lr", ".grad_norm"})
    elaborator.tensors().declareReal(call.name + name, tune::Kind::output, {});
  ProgramBuilder program(elaborator, call.name + ".update");
  UpdateInputs inputs = scheduledInputs(call, loss.batch, program);
  program.write(program.gradientNorm(plan), call.name + ".grad_norm");
  if (mlir::Value lr = program.update(plan, *loss.policy->model, inputs, points))
    program.write(lr, call.name + ".lr");
  mlir::func::FuncOp built = program.finish();
  if (built)
    loss.programs.setSymbol("update", built.getSymName());
  return built;
}

/// The programs that move the tensors to the points besides p at which the optimizers ask for the loss; each keeps what
/// the later ones and `update` read of the point before it.
void Converter::addMoves(const StepCall &call, LossStep &loss, OptimizerPlan &plan, mlir::func::FuncOp update,
                         unsigned points) {
  std::set<std::string> wanted = readsOf(update), first;
  std::vector<Fields> moves(points, Fields(elaborator.module().getContext()));
  for (unsigned number = points; number > 0; --number) {
    ProgramBuilder program(elaborator, call.name + ".move." + std::to_string(number));
    program.move(plan, scheduledInputs(call, loss.batch, program), number, wanted);
    mlir::func::FuncOp built = program.finish();
    if (!built)
      return;
    moves[number - 1].setSymbol("program", built.getSymName());
    first = readsOf(built);
    wanted.insert(first.begin(), first.end());
  }
  auto gradients = plan.gradients();
  bool readsFirst = first.count(call.name + ".loss") ||
                    llvm::any_of(gradients, [&](const std::string &symbol) { return first.count(symbol) != 0; });
  loss.fields.setList("moves", moves);
  loss.fields.set("begins_moved", !readsFirst);
}

/// The programs of the blocks of adapters, one for each time at which there are some.
void Converter::addBlocks(const StepCall &call, LossStep &loss, OptimizerPlan &plan) {
  const AdaptedModel &model = *loss.policy->model;
  mlir::MLIRContext *context = elaborator.module().getContext();
  std::vector<Fields> blocks;
  for (BlockTime time : blockTimes(elaborator, model)) {
    ProgramBuilder program(elaborator, call.name + (time.once ? ".after." : ".every.") + std::to_string(time.updates));
    UpdateInputs inputs = updateInputs(call, loss.batch, program);
    program.every(plan, model, time, inputs);
    if (mlir::func::FuncOp built = program.finish())
      blocks.push_back(
          Fields(context).setSymbol("program", built.getSymName()).set("updates", time.updates).set("once", time.once));
  }
  if (!blocks.empty())
    loss.fields.setList("every", blocks);
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

/// The number format of `precision { state: ... }`; null where states are reals.
std::shared_ptr<const Applied> Converter::stateFormat(const StepCall &call) {
  if (const ast::Expr *written = findPrecision(call, "state"))
    if (Value format = value(written); const auto *applied = format.as<std::shared_ptr<const Applied>>())
      return *applied;
  return nullptr;
}

/// The program that gives states their first values, where some do not begin at 0.
void Converter::initialiseStates(const StepCall &call, OptimizerPlan &plan, const Batch &batch, Fields &programs) {
  if (!plan.needsInitialise())
    return;
  mlir::MLIRContext *context = elaborator.module().getContext();
  auto scalar = mlir::RankedTensorType::get({}, mlir::IntegerType::get(context, 64));
  elaborator.tensors().declare(batch.key, tune::Kind::input, scalar);
  ProgramBuilder program(elaborator, call.name + ".initialise");
  program.initialise(plan, program.read(batch.key));
  if (mlir::func::FuncOp built = program.finish())
    programs.setSymbol("initialise", built.getSymName());
}

StepValue Converter::train(const StepCall &call) {
  StepValue result;
  LossStep loss(elaborator.module().getContext());
  if (!beginLoss(call, loss))
    return result;
  const StepValue &given = *loss.policy;
  if (!addObjective(call, loss))
    return result;
  const StepValue &start = *loss.policy;
  auto trained = start.model->tensors(AdapterRole::Trained);
  if (trained.empty()) {
    error(Diag::NothingToTrain, call.range(), given.name);
    return result;
  }
  // Training is in place: a second one may go on from the first, not begin again beside it.
  for (const AdapterTensor *tensor : trained) {
    std::string &last = trainedBy[tensor];
    if (!last.empty() && !dependsOn(start, last)) {
      error(Diag::TrainedTwice, call.range(), start.name);
      return result;
    }
    last = call.name;
  }
  Value optimizer = clipped(call, value(call.option("optimizer")));
  auto plan = OptimizerPlan::make(elaborator, call.name, *start.model, optimizer, call.range(), stateFormat(call));
  if (!plan)
    return result;
  refer(call, loss);
  unsigned points = 0;
  if (plan->asksElsewhere()) {
    ProgramBuilder program(elaborator, call.name + ".tried");
    points = program.findPoints(*plan, *start.model, scheduledInputs(call, loss.batch, program));
    if (const ast::Definition *objective = objectiveOf(loss.objective); objective && points && keepsStates(*objective))
      error(Diag::WrongOption, call.range(),
            "optimizer: it asks for the loss at several points of a step, and the states of '" + objective->name.text +
                "' go on with each");
  }
  std::vector<std::string> gradients;
  if (plan->readsGradients())
    gradients = plan->gradients();
  micro(call, loss, gradients.empty() ? gradients : plan->trained(), gradients);
  mlir::func::FuncOp last = update(call, loss, *plan, points);
  if (last && points > 0)
    addMoves(call, loss, *plan, last, points);
  addBlocks(call, loss, *plan);
  initialiseStates(call, *plan, loss.batch, loss.programs);
  finishLoss(call, result, loss);
  Fields &fields = loss.fields;
  fields.setSymbols("trained", plan->trained()).setSymbols("gradients", gradients);
  fields.setSymbols("states", plan->states());
  std::vector<std::string> kept;
  for (const AdapterTensor *tensor : start.model->changing())
    kept.push_back(tensor->symbol);
  if (!kept.empty())
    fields.setSymbols("kept", kept);
  fields.set("seed", integer(call, "seed").value_or(0));
  for (llvm::StringRef key : {"steps", "checkpoint_every"})
    if (auto number = integer(call, key))
      fields.set(key, *number);
  fields.set("epochs", real(call, "epochs").value_or(1));
  result.model = given.model;
  result.load = given.load;
  finish(result, call, std::move(fields));
  return result;
}

StepValue Converter::evaluate(const StepCall &call) { return measure(call, {}); }

/// The loss over a data set and its gradient by every trainable tensor, to be saved.
StepValue Converter::gradients(const StepCall &call) {
  const StepValue *policy = modelOf(call);
  if (!policy)
    return {};
  auto trained = policy->model->tensors(AdapterRole::Trained);
  if (trained.empty()) {
    error(Diag::NothingToTrain, call.range(), policy->name);
    return {};
  }
  return measure(call, trained);
}

StepValue Converter::measure(const StepCall &call, llvm::ArrayRef<AdapterTensor *> by) {
  StepValue result;
  LossStep loss(elaborator.module().getContext());
  if (!beginLoss(call, loss))
    return result;
  if (const ast::Definition *objective = objectiveOf(loss.objective); objective && declaresTensors(*objective)) {
    error(Diag::WrongOption, call.range(),
          "objective: '" + objective->name.text + "' has tensors of its own, which only a training knows");
    return result;
  }
  std::vector<std::string> parameters, gradients;
  for (const AdapterTensor *tensor : by) {
    parameters.push_back(tensor->symbol);
    gradients.push_back(call.name + ".grad." + tensor->name);
    elaborator.tensors().declareReal(gradients.back(), tune::Kind::gradient, sizesOf(tensor->dims));
    result.results.emplace_back(tensor->name, gradients.back());
  }
  micro(call, loss, parameters, gradients);
  finishLoss(call, result, loss);
  if (!gradients.empty())
    loss.fields.setSymbols("gradients", gradients);
  finish(result, call, std::move(loss.fields));
  return result;
}

StepValue Converter::logits(const StepCall &call) {
  StepValue result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  const StepValue *model = modelOf(call);
  const StepValue *data = stepOf(call.option("data"));
  if (!model || !data || !data->rows)
    return result;
  Fields fields(context), programs(context);
  if (data->rows->textCount() > 1) {
    error(Diag::WrongOption, call.range(), "logits: the rows of '" + data->name + "' have several texts");
    return result;
  }
  Batch batch = makeBatch(call, *model, *data, /*whole=*/false, fields);
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
