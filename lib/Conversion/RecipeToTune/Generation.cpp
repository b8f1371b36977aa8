//===- Generation.cpp - prefill and decode programs -----------------------===//

#include "Converter.h"

#include "dialects/Tune/Utils/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

/// Tokens of a prompt that one run of the prefill program reads. A long prompt takes 1.3 to 1.5 times as long with 64
/// and 0.8 to 1.0 times with 256 (SmolLM2's shape, Intel Xeon), to which a short one would be padded.
static constexpr int64_t prefillTokens = 128;
/// Room for the prompt where its length is not known when compiling (prompts from a data set).
static constexpr int64_t promptRoom = 1024;

/// One of the two programs: reads `tokens` tokens, appends to the caches, gives the logits of one of them.
Fields Converter::generatePass(const StepCall &call, const StepValue &model, llvm::StringRef part, int64_t tokens,
                               Caches &caches, Fields &programs) {
  mlir::MLIRContext *context = elaborator.module().getContext();
  std::string prefix = call.name + "." + part.str();
  Batch batch;
  batch.sequences = 1;
  batch.tokens = tokens;
  batch.virtualTokens = model.model->virtualTokens(elaborator);
  batch.ids = prefix + ".input_ids";
  batch.positions = prefix + ".positions";
  batch.segments = prefix + ".segments";
  caches.start = prefix + ".start";
  caches.last = prefix + ".last";

  Fields pass(context), inputs(context);
  ProgramBuilder program(elaborator, prefix);
  mlir::Value logits = program.logits(*model.model, batch, /*training=*/false, &caches);
  if (!logits) {
    program.finish();
    return pass;
  }
  elaborator.tensors().declare(prefix + ".logits", tune::Kind::output, tune::typeOf(logits));
  program.write(logits, prefix + ".logits");
  if (mlir::func::FuncOp built = program.finish())
    programs.setSymbol(part, built.getSymName());
  for (llvm::StringRef name : {"input_ids", "positions", "segments", "start", "last"})
    if (declared(prefix + "." + name.str()))
      inputs.setSymbol(name, prefix + "." + name.str());
  pass.set("tokens", tokens).set("inputs", inputs).setSymbol("logits", prefix + ".logits");
  return pass;
}

/// `prompts` is a list of strings or a data set, whose prompts are then answered.
bool Converter::readPrompts(const StepCall &call, StepValue &result, Fields &fields) {
  const ast::Expr *prompts = call.option("prompts");
  if (const auto *list = llvm::dyn_cast<ast::ListExpr>(prompts)) {
    std::vector<std::string> texts;
    for (const ast::ExprPtr &element : list->values)
      texts.push_back(*text(element.get()));
    fields.setTexts("prompts", texts);
    return true;
  }
  const StepValue *data = stepOf(prompts);
  if (!data)
    return false;
  fields.set("data", data->name);
  result.uses.push_back(data->name);
  return true;
}

StepValue Converter::generate(const StepCall &call) {
  StepValue result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  const StepValue *model = modelOf(call);
  Fields fields(context), programs(context);
  if (!model || !readPrompts(call, result, fields))
    return result;
  int64_t tokens = integer(call, "tokens").value_or(64);
  Caches caches;
  caches.prefix = call.name + ".cache";
  caches.positions = caches.prefix + ".positions";
  caches.segments = caches.prefix + ".segments";
  int64_t room = integer(call, "prompt_tokens").value_or(promptRoom);
  int64_t virtualTokens = model->model->virtualTokens(elaborator);
  caches.capacity = llvm::alignTo(virtualTokens + room + tokens, prefillTokens);
  if (virtualTokens)
    fields.set("virtual", virtualTokens);
  for (auto [part, length] : {std::pair<llvm::StringRef, int64_t>("prefill", prefillTokens), {"decode", 1}}) {
    caches.symbols.clear();
    fields.set(part, generatePass(call, *model, part, length, caches, programs));
  }
  fields.set("programs", programs).set("model", model->load).setSymbols("caches", caches.symbols);
  fields.setSymbol("cache_segments", caches.segments).setSymbol("cache_positions", caches.positions);
  fields.set("capacity", caches.capacity).set("tokens", tokens);
  fields.set("chat", flag(call, "chat", false)).set("seed", integer(call, "seed").value_or(0));
  fields.set("temperature", real(call, "temperature").value_or(0)).set("top_p", real(call, "top_p").value_or(1));
  fields.set("top_k", integer(call, "top_k").value_or(0));
  std::vector<std::string> stop;
  if (const auto *list = llvm::dyn_cast_or_null<ast::ListExpr>(call.option("stop")))
    for (const ast::ExprPtr &element : list->values)
      if (Value text = value(element.get()); text.is<std::string>())
        stop.push_back(*text.as<std::string>());
  fields.setTexts("stop", stop);
  result.uses.insert(result.uses.end(), {model->name, model->load});
  finish(result, call, std::move(fields));
  return result;
}
