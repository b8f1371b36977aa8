//===- Saving.cpp - what `save` writes ------------------------------------===//

#include "Converter.h"

#include "ftc/Elaborate/Json.h"
#include "ftc/Elaborate/Peft.h"
#include "ftc/Elaborate/SelfDescribed.h"
#include "ftc/Runtime/Core/ElementType.h"

#include "llvm/Support/Path.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

static Fields entry(mlir::MLIRContext *context, llvm::StringRef symbol, llvm::StringRef fileName) {
  return Fields(context).setSymbol("tensor", symbol).set("file", fileName);
}

/// The entry of a tensor that the adapters have, or of the model's own.
Fields Converter::savedEntry(const AdaptedModel &model, const PeftTensor &tensor) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  if (tensor.own)
    model.declare(elaborator, tensor.own);
  Fields saved = entry(context, tensor.own ? model.symbolOf(tensor.own) : tensor.symbol, tensor.fileName);
  saved.setIntegers("shape", tensor.shape);
  if (tensor.type)
    saved.set("type", runtime::formatName(*tensor.type));
  return tensor.part ? saved.set("part", partOf(context, *tensor.part)) : saved;
}

/// The step that finds the values of a model's folded tensors; empty if it has none.
std::string Converter::fold(const StepValue &value, const StepCall &form) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  StepCall call(form.name + "_fold", form);
  ProgramBuilder program(elaborator, call.name + ".values");
  std::vector<Fields> tensors;
  for (auto [tensor, folded] : program.fold(*value.model)) {
    program.write(folded, tensor->symbol);
    tensors.push_back(Fields(context).setSymbol("tensor", tensor->symbol).set("name", tensor->name));
  }
  mlir::func::FuncOp built = program.finish();
  if (!built || tensors.empty()) {
    if (built)
      built.erase();
    return "";
  }
  StepValue result;
  result.uses = {value.name, value.load};
  finishAs("merge", result, call, Fields(context).setSymbol("program", built.getSymName()).setList("tensors", tensors));
  return call.name;
}

Fields Converter::savePeft(const StepValue &value, const StepCall &form) {
  Fields fields(elaborator.module().getContext());
  auto peft = writePeft(elaborator, *value.model, steps.at(value.load).path, form.range());
  if (!peft)
    return fields;
  std::vector<Fields> tensors;
  for (const PeftTensor &tensor : peft->tensors)
    if (!tensor.optional)
      tensors.push_back(savedEntry(*value.model, tensor));
  return fields.set("config", peft->config).setList("tensors", tensors);
}

/// Whether the adapters of a line are those of a directory: they were read from it and not trained since.
bool Converter::isInDirectory(const AdapterGroup &line) const {
  auto isTrained = [&](const auto &tensor) { return trainedBy.count(tensor.get()) != 0; };
  return !line.folder.empty() && llvm::none_of(line.tensors, isTrained);
}

/// Whether all adapters are of the last stage, beside those that have directories of their own: a directory holds one
/// set of them. Warns where they belong to a model that is in no file.
bool Converter::isOfOneStage(const StepValue &value, const StepCall &form) {
  Diagnostics &diags = elaborator.diagnostics();
  bool standsOnLines = standsOnOthers(elaborator, *value.model), isInFiles = !value.model->isReplaced();
  for (const auto &group : llvm::drop_begin(value.model->groups(), value.model->mergedCount()))
    for (const auto &instance : group->instances) {
      if (!value.model->isSettled(instance.get()))
        continue;
      isInFiles &= standsOnLines && isInDirectory(*group);
      if (instance->siteTensor || standsOnLines)
        continue;
      diags.report(Diag::EarlierAdapters, form.range())
          .note(group->range, "put on here")
          .help("merge them first, as in 'adapt merge(run) { ... }', or save the merged model");
      return false;
    }
  if (!isInFiles)
    diags.report(Diag::AdapterOfChangedModel, form.range(), steps.at(value.load).path)
        .help(standsOnLines ? "save the adapters below too, each by itself, and load them first"
                            : "save that model too, and load the adapter on it");
  return true;
}

/// `as peft`: a directory of PEFT, or, where PEFT has no way to say it, a folder that brings its definitions; `kind`
/// says which.
Fields Converter::saveAdapters(const StepValue &value, const StepCall &form, std::string &kind) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  if (value.model->groups().size() == value.model->mergedCount()) {
    elaborator.diagnostics().report(Diag::NothingForPeft, form.range());
    return Fields(context);
  }
  if (!isOfOneStage(value, form))
    return Fields(context);
  if (hasPeftForm(elaborator, *value.model, form.range()))
    return savePeft(value, form);
  kind = "adapter";
  for (const auto &group : value.model->groups())
    for (const auto &tensor : group->tensors)
      if (tensor->lost) {
        refuseLost(elaborator.diagnostics(), *tensor);
        return Fields(context);
      }
  auto described = describeAdapters(elaborator, *value.model, steps.at(value.load).path, form.range());
  if (!described)
    return Fields(context);
  std::vector<Fields> tensors;
  for (const PeftTensor &tensor : namedTensors(*value.model))
    tensors.push_back(savedEntry(*value.model, tensor));
  Fields sources(context);
  for (const auto &[name, text] : described->sources)
    sources.set(name, text);
  return Fields(context).set("config", described->config).set("sources", sources).setList("tensors", tensors);
}

/// What the step made itself; else every trained tensor by its own name.
Fields Converter::saveTensors(const StepValue &value) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  std::vector<Fields> tensors;
  for (const auto &[name, symbol] : value.results)
    tensors.push_back(entry(context, symbol, name));
  if (value.results.empty())
    for (const AdapterTensor *tensor : value.model->tensors())
      if (tensor->role == AdapterRole::Trained)
        tensors.push_back(entry(context, tensor->symbol, tensor->name));
  return Fields(context).setList("tensors", tensors);
}

/// The model's configuration with the type in which its tensors are now kept.
static std::string configText(const Model &model, llvm::StringRef type) {
  static const std::map<llvm::StringRef, std::string> names = {
      {"f64", "float64"}, {"f32", "float32"}, {"f16", "float16"}, {"bf16", "bfloat16"}};
  runtime::json::Value config = toJson(model.config());
  runtime::json::Object members = *config.asObject();
  llvm::erase_if(members, [](const runtime::json::Member &member) {
    return member.key == "dtype" || member.key == "torch_dtype" || member.key == "quantization_config";
  });
  members.push_back({"torch_dtype", names.at(type)});
  return runtime::json::dump(members, 2) + "\n";
}

/// Type of a saved tensor: that of the file, or f32 where the file keeps blocks (no plain type holds their values).
static std::string savedType(const ModelTensor &tensor, const std::optional<std::string> &asked) {
  return asked ? *asked : runtime::elementTypeFromFormat(tensor.fileType) ? tensor.fileType : "f32";
}

Fields Converter::saveModel(const StepValue &value, const StepCall &form) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  const Model &model = value.model->model();
  std::optional<std::string> asked = text(form, "dtype");
  std::vector<Fields> tensors;
  for (const ModelTensor *tensor : model.tensors()) {
    std::string symbol = value.model->symbolOf(tensor);
    Fields saved(context);
    saved.set("file", tensor->name).set("type", savedType(*tensor, asked));
    if (declared(symbol) || !runtime::elementTypeFromFormat(tensor->fileType)) {
      value.model->declare(elaborator, tensor);
      saved.setSymbol("tensor", symbol);
    } else {
      saved.set("step", value.load).set("from", tensor->fileName);
      if (tensor->view)
        saved.set("view", viewOf(context, *tensor->view));
      saved.setIntegers("shape", sizesOf(tensor->dims));
    }
    tensors.push_back(saved);
  }
  std::string type = savedType(*model.tensors().front(), asked);
  return Fields(context)
      .set("config", configText(model, type))
      .set("tokenizer", value.load)
      .setList("tensors", tensors);
}

void Converter::save(const ast::Save &saved) {
  const StepValue &value = step(*saved.value);
  if (value.kind.empty())
    return;
  StepCall form((llvm::Twine("save_") + llvm::Twine(++saves)).str(), llvm::cast<ast::CallExpr>(*saved.as));
  mlir::MLIRContext *context = elaborator.module().getContext();
  Fields fields(context);
  StepValue result;
  std::string kind = form.kind().str();
  result.uses = {value.name};
  if (value.kind == "logits" || value.kind == "generate") {
    kind = value.kind == "logits" ? "logits" : kind;
    fields.set("from", value.name);
  } else if (value.kind == "gradients") {
    fields = saveTensors(value);
  } else {
    fields = kind == "peft"          ? saveAdapters(value, form, kind)
             : kind == "safetensors" ? saveTensors(value)
                                     : saveModel(value, form);
    result.uses.push_back(value.load);
    if (std::string folded = kind == "peft" ? fold(value, form) : ""; !folded.empty())
      result.uses.push_back(folded);
  }
  if (fields.empty())
    return;
  fields.set("path", *text(form.operand(0))).set("as", kind);
  finishAs("save", result, form, std::move(fields));
}
