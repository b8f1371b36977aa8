//===- Losses.cpp - the programs that give a loss and its gradients --------===//

#include "Losses.h"

#include "dialects/Tune/IR/Tune.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

/// Makes the models that an objective's arguments name known to its evaluation: as models of their own, so that one
/// that is the policy's beginning is not the policy.
void Converter::bindModels(const ast::Expr *expr, std::vector<std::string> &uses) {
  const auto *given = llvm::dyn_cast_or_null<ast::CallExpr>(expr);
  if (!given)
    return;
  for (const ast::Argument &argument : given->arguments) {
    const auto *name = llvm::dyn_cast<ast::NameExpr>(argument.value.get());
    bool isBinding = name && llvm::any_of(file.bindings, [&](const ast::Binding &binding) {
                       return binding.name.text == name->name && llvm::isa<ast::CallExpr>(*binding.value);
                     });
    if (!isBinding)
      continue;
    const StepValue &value = step(*name);
    if (!value.model)
      continue;
    otherModels.push_back(std::make_unique<AdaptedModel>(*value.model));
    elaborator.bind(name->name, Value(static_cast<const AdaptedModel *>(otherModels.back().get())));
    uses.push_back(value.name);
    uses.push_back(value.load);
  }
}

/// Whether a model is what a training has made of it.
bool Converter::isTrained(const StepValue &policy) const {
  return llvm::any_of(policy.model->tensors(AdapterRole::Trained), [&](const AdapterTensor *tensor) {
    auto last = trainedBy.find(tensor);
    return last != trainedBy.end() && last->second != "" && dependsOn(policy, last->second);
  });
}

static bool mixesRows(const Value &objective) {
  const ast::Definition *definition = objectiveOf(objective);
  return definition && bool(definition->mixing);
}

/// Reads the options of a step with a loss; false after errors.
bool Converter::beginLoss(const StepCall &call, LossStep &loss) {
  loss.policy = modelOf(call);
  loss.data = stepOf(call.option("data"));
  if (!loss.policy || !loss.data || !loss.data->rows)
    return false;
  bindModels(call.option("objective"), loss.uses);
  loss.objective = value(call.option("objective"));
  if (loss.objective.isError())
    return false;
  bool training = call.kind() == "train";
  loss.models = {&*loss.policy->model, nullptr, training, /*advances=*/training};
  if (training || !isTrained(*loss.policy)) {
    otherModels.push_back(std::make_unique<AdaptedModel>(*loss.policy->model));
    loss.models.initial = otherModels.back().get();
  }
  loss.batch = makeBatch(call, *loss.policy, *loss.data, mixesRows(loss.objective), loss.fields);
  return true;
}

/// Where the objective declares tensors, a step puts them beside the policy's, and the training goes on from that; what
/// it gives is the policy without them. False after errors.
bool Converter::addObjective(const StepCall &call, LossStep &loss) {
  const ast::Definition *definition = objectiveOf(loss.objective);
  if (!definition || !declaresTensors(*definition))
    return true;
  StepCall own(nameBeside(call, "_objective"), call);
  AdaptedModel model = *loss.policy->model;
  size_t firstGroup = model.groups().size();
  if (!model.addObjective(elaborator, own.name, *loss.objective.as<std::shared_ptr<const Applied>>(), loss.batch.form))
    return false;
  StepValue with;
  with.model = std::move(model);
  with.load = loss.policy->load;
  with.uses = {loss.policy->name};
  initialiseAdapters(own, with, firstGroup);
  loss.policy = &steps.insert_or_assign(own.name, std::move(with)).first->second;
  loss.models.policy = &*loss.policy->model;
  return true;
}

/// The program that finds what models other than the policy say of the data, which no step of a training changes.
void Converter::refer(const StepCall &call, LossStep &loss) {
  if (!mayAskOthers(loss.objective))
    return;
  ProgramBuilder program(elaborator, call.name + ".refer");
  std::vector<KeptLogProbabilities> kept =
      program.references(loss.objective, loss.models, loss.batch, call.name + ".reference");
  mlir::func::FuncOp built = program.finish();
  if (!built)
    return;
  if (kept.empty())
    return built.erase();
  for (const KeptLogProbabilities &one : kept) {
    Batch *text = &loss.batch;
    for (auto [name, part] : llvm::zip_equal(loss.batch.form.texts, loss.batch.texts))
      if (name == one.text)
        text = &part;
    text->kept.push_back(one);
  }
  loss.programs.setSymbol("refer", built.getSymName());
  loss.kept = std::move(kept);
}

const ast::Expr *ftc::recipe_to_tune::findPrecision(const StepCall &call, llvm::StringRef key) {
  const auto *lines = llvm::dyn_cast_or_null<ast::MapExpr>(call.option("precision"));
  for (const ast::MapEntry &entry : lines ? llvm::ArrayRef(lines->entries) : llvm::ArrayRef<ast::MapEntry>())
    if (const auto *name = llvm::dyn_cast<ast::NameExpr>(entry.value.get());
        entry.key() == key && !(name && name->name == "f32"))
      return entry.value.get();
  return nullptr;
}

/// The program of the denominators, and the one that adds a micro-batch's loss and the gradients of `parameters`. The
/// gradients of a training's batch that is not cut are not added to anything.
void Converter::micro(const StepCall &call, LossStep &loss, llvm::ArrayRef<std::string> parameters,
                      llvm::ArrayRef<std::string> gradients) {
  ProgramBuilder weighing(elaborator, call.name + ".weigh"), program(elaborator, call.name + ".micro");
  auto [value, denominators] = program.loss(loss.objective, loss.models, loss.batch, call.name + ".denominators");
  if (!value)
    return void(weighing.finish()), void(program.finish());
  weighing.weigh(denominators, call.name + ".weighed");
  if (mlir::func::FuncOp built = weighing.finish())
    loss.programs.setSymbol("weigh", built.getSymName());
  if (int64_t classes = program.classes())
    loss.fields.set("classes", classes);
  elaborator.tensors().declareReal(call.name + ".loss", tune::Kind::output, {});
  program.accumulate(value, call.name + ".loss");
  if (!parameters.empty()) {
    llvm::SmallVector<mlir::Value> values;
    llvm::SmallVector<mlir::Type> types;
    for (const std::string &parameter : parameters) {
      values.push_back(program.read(parameter));
      types.push_back(values.back().getType());
    }
    auto op = tune::GradientOp::create(program.builder(), program.loc(), types, value, values);
    bool whole = call.kind() == "train" && loss.batch.share == 1;
    for (auto [gradient, symbol] : llvm::zip_equal(op.getGradients(), gradients))
      whole ? program.write(gradient, symbol) : program.accumulate(gradient, symbol);
  }
  if (mlir::func::FuncOp built = program.finish()) {
    loss.programs.setSymbol("micro", built.getSymName());
    if (findPrecision(call, "compute")) // f16 is the only other one
      built->setAttr(tune::TuneDialect::kComputeAttrName, mlir::TypeAttr::get(program.builder().getF16Type()));
    programTexts.begin(*built);
  }
}

/// What all steps with a loss tell the runtime.
void Converter::finishLoss(const StepCall &call, StepValue &result, LossStep &loss) {
  std::vector<Fields> values;
  for (const KeptLogProbabilities &kept : loss.kept) {
    Fields &entry = values.emplace_back(elaborator.module().getContext());
    entry.set("text", kept.text).setSymbol("output", kept.output);
    if (declared(kept.input))
      entry.setSymbol("input", kept.input);
  }
  if (!values.empty())
    loss.fields.setList("references", values);
  loss.fields.set("data", loss.data->name).set("programs", loss.programs).set("inputs", inputsOf(call, loss.batch));
  loss.fields.set("outputs", lossOutputs(call));
  result.uses = {loss.policy->name, loss.policy->load, loss.data->name};
  llvm::append_range(result.uses, loss.uses);
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
