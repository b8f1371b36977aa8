//===- StepTrial.cpp - what follows a step of a training -------------------===//

#include "ftc/Elaborate/Optimizer.h"
#include "ftc/Pipelines/Specimen.h"
#include "ftc/Pipelines/Trials.h"

#include "dialects/Tune/Utils/Builders.h"

#include <set>

using namespace ftc;
using namespace ftc::elaborate;

/// An optimizer of any kind that takes every tensor, and whose parameters can be guessed.
static Value anyOptimizer(DefinitionLibrary &library) {
  for (llvm::StringRef name : library.names(ast::DefinitionKind::Optimizer)) {
    auto definitions = library.findAll(ast::DefinitionKind::Optimizer, name);
    if (llvm::any_of(definitions, [](const ast::Definition *one) { return !one->site; }))
      if (auto applied = applyToSmall(definitions, {}))
        return applied;
  }
  return {};
}

static UpdateInputs inputsOf(Elaborator &elaborator, ProgramBuilder &program) {
  auto count = mlir::RankedTensorType::get({}, program.builder().getI64Type());
  for (const char *name : {"step", "key"})
    elaborator.tensors().declare(name, tune::Kind::input, count);
  for (const char *name : {"steps", "rate"})
    elaborator.tensors().declareReal(name, tune::Kind::input, {});
  UpdateInputs inputs;
  inputs.step = tune::convert(program.builder(), program.loc(), program.read("step"), program.builder().getF64Type());
  inputs.steps = program.read("steps");
  inputs.rate = program.read("rate");
  inputs.key = program.read("key");
  return inputs;
}

bool ftc::advances(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter) {
  Specimen specimen(library, diags);
  auto adapted = specimen.sound() ? specimen.adapt(specimen.base(), "tried", adapter) : std::nullopt;
  if (!adapted || !specimen.initialise(*adapted, "start"))
    return false;
  Elaborator &elaborator = specimen.elaborator();
  auto trained = adapted->tensors(AdapterRole::Trained);
  Value optimizer = anyOptimizer(library);
  if (trained.empty() || optimizer.isError())
    return true;
  auto plan = OptimizerPlan::make(elaborator, "step", optimizer, trained, adapter->arguments.range);
  if (!plan)
    return false;
  {
    ProgramBuilder program(elaborator, "update");
    UpdateInputs inputs = inputsOf(elaborator, program);
    program.update(*plan, *adapted, inputs);
    if (!program.finish())
      return false;
  }
  std::set<int64_t> periods;
  for (AdapterInstance *instance : adapted->learning())
    for (const ast::ItemPtr &item : instance->body)
      if (auto *every = llvm::dyn_cast<ast::EveryItem>(&*item))
        if (auto period = periodOf(elaborator, *instance, *every))
          periods.insert(*period);
  for (int64_t period : periods) {
    ProgramBuilder program(elaborator, "every." + std::to_string(period));
    UpdateInputs inputs = inputsOf(elaborator, program);
    program.every(*plan, *adapted, period, inputs);
    if (!program.finish())
      return false;
  }
  return diags.errorCount() == 0;
}
