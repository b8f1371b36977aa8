//===- StepTrial.cpp - what follows a step of a training -------------------===//

#include "ftc/Elaborate/Optimizer.h"
#include "ftc/Pipelines/Specimen.h"
#include "ftc/Pipelines/Trials.h"

#include "dialects/Tune/Utils/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;

/// A definition of a kind, whatever it says, whose parameters can be guessed: on `site`, or on anything.
static Value anyOf(DefinitionLibrary &library, ast::DefinitionKind kind, llvm::StringRef site) {
  for (llvm::StringRef name : library.names(kind)) {
    auto definitions = library.findAll(kind, name);
    auto fits = [&](const ast::Definition *one) {
      bool needsModel = llvm::any_of(one->parameters, [](const ast::Parameter &parameter) {
        return parameter.type && parameter.type->element.text == "model" && !parameter.defaultValue;
      });
      return (one->site ? one->site->name.text : "") == site && !needsModel &&
             (kind != ast::DefinitionKind::Objective || !declaresTensors(*one));
    };
    if (llvm::any_of(definitions, fits))
      if (auto applied = applyToSmall(definitions, {}))
        return applied;
  }
  return {};
}

/// The loss with what the adapter adds to it.
static bool addsToLoss(Specimen &specimen, const AdaptedModel &adapted) {
  Value objective = anyOf(specimen.elaborator().library(), ast::DefinitionKind::Objective, RecordForm().name);
  if (objective.isError())
    return true;
  ProgramBuilder program(specimen.elaborator(), "loss");
  LossModels models{&adapted, nullptr, /*training=*/true};
  program.loss(objective, models, specimen.batch("run", adapted), /*denominators=*/"");
  return bool(program.finish());
}

/// The statistics that the adapter asks of the model without it.
static bool findsStatistics(Specimen &specimen, const AdaptedModel &base, const AdaptedModel &adapted) {
  std::vector<AskedCalibration> asked;
  for (const AdapterInstance *instance : adapted.instances())
    for (const Calibration &calibration : instance->calibrations)
      asked.emplace_back(instance, &calibration);
  if (asked.empty())
    return true;
  const char *count = "statistics.count";
  specimen.elaborator().tensors().declareReal(count, tune::Kind::output, {});
  ProgramBuilder program(specimen.elaborator(), "statistics");
  program.calibrate(base, asked, specimen.batch("statistics", base), count);
  return bool(program.finish());
}

static UpdateInputs inputsOf(Elaborator &elaborator, ProgramBuilder &program) {
  auto count = mlir::RankedTensorType::get({}, program.builder().getI64Type());
  elaborator.tensors().declare("step", tune::Kind::input, count);
  for (const char *name : {"steps", "steps_per_epoch", "rate"})
    elaborator.tensors().declareReal(name, tune::Kind::input, {});
  UpdateInputs inputs;
  inputs.step = tune::convert(program.builder(), program.loc(), program.read("step"), program.builder().getF64Type());
  inputs.steps = program.read("steps");
  inputs.stepsPerEpoch = program.read("steps_per_epoch");
  inputs.rate = program.read("rate");
  inputs.key = "key";
  return inputs;
}

bool ftc::advances(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter) {
  Specimen specimen(library, diags);
  auto base = specimen.sound() ? specimen.baseFor(*adapter) : std::nullopt;
  auto adapted = base ? specimen.adapt(*base, "tried", adapter) : std::nullopt;
  if (!adapted || !findsStatistics(specimen, *base, *adapted) || !specimen.initialise(*adapted, "start"))
    return false;
  Elaborator &elaborator = specimen.elaborator();
  auto trained = adapted->tensors(AdapterRole::Trained);
  if (!addsToLoss(specimen, *adapted))
    return false;
  Value optimizer = anyOf(library, ast::DefinitionKind::Optimizer, "");
  if (trained.empty() || optimizer.isError())
    return true;
  auto plan = OptimizerPlan::make(elaborator, "step", *adapted, optimizer, adapter->arguments.range);
  if (!plan)
    return false;
  {
    ProgramBuilder program(elaborator, "update");
    UpdateInputs inputs = inputsOf(elaborator, program);
    program.update(*plan, *adapted, inputs);
    if (!program.finish())
      return false;
  }
  for (BlockTime time : blockTimes(elaborator, *adapted)) {
    ProgramBuilder program(elaborator, (time.once ? "after." : "every.") + std::to_string(time.updates));
    UpdateInputs inputs = inputsOf(elaborator, program);
    program.every(*plan, *adapted, time, inputs);
    if (!program.finish())
      return false;
  }
  return diags.errorCount() == 0;
}
