//===- RecipeVerifiers.cpp - The constraints of README.md -----------------===//

#include "dialects/Recipe/IR/Recipe.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;
using namespace ftc::recipe;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult QuantityAttr::verify(function_ref<InFlightDiagnostic()> emitError, FloatAttr number, Unit) {
  double value = number.getValueAsDouble();
  if (!std::isfinite(value) || value < 0)
    return emitError() << "a quantity is finite and not negative (C2)";
  return success();
}

LogicalResult ExtentAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t first, int64_t second) {
  if (first < 1 || second < 1)
    return emitError() << "an extent has two positive sides (C3)";
  return success();
}

LogicalResult LineAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef selector, Attribute value,
                               LocationAttr) {
  if (selector.empty() || !value)
    return emitError() << "a line of a map has a selector and a value (C4)";
  return success();
}

//===----------------------------------------------------------------------===//
// What several steps share
//===----------------------------------------------------------------------===//

/// (C1) The name is a word of the language.
static LogicalResult verifyName(Operation *op, StringRef name) {
  bool sound = !name.empty() && !llvm::isDigit(name.front()) &&
               llvm::all_of(name.rtrim('\''), [](char c) { return llvm::isAlnum(c) || c == '_'; });
  return sound ? success() : op->emitOpError("has the name '") << name << "', which is no word (C1)";
}

static LogicalResult verifyPath(Operation *op, StringRef path) {
  return path.empty() ? op->emitOpError("has an empty path (C5)") : success();
}

static LogicalResult verifyAtLeast(Operation *op, StringRef what, std::optional<int64_t> value, int64_t least) {
  if (value && *value < least)
    return op->emitOpError() << "needs '" << what << "' of at least " << least << ", got " << *value << " (C6)";
  return success();
}

/// A map each of whose lines is a call.
static bool isMapOfCalls(Attribute attribute) {
  auto map = dyn_cast<MapAttr>(attribute);
  return map && !map.getLines().empty() &&
         llvm::all_of(map.getLines(), [](LineAttr line) { return isa<CallAttr>(line.getValue()); });
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

LogicalResult ConfigureOp::verify() {
  if (failed(verifyName(*this, getName())))
    return failure();
  return getKeys().empty() ? emitOpError("has keys (C15)") : success();
}

LogicalResult LoadOp::verify() {
  return failed(verifyName(*this, getName())) ? failure() : verifyPath(*this, getPath());
}

LogicalResult DatasetOp::verify() {
  if (failed(verifyName(*this, getName())) || failed(verifyPath(*this, getPath())) ||
      failed(verifyAtLeast(*this, "limit", getLimit(), 1)))
    return failure();
  double weight = getPromptLoss().convertToDouble();
  if (!(weight >= 0 && weight <= 1))
    return emitOpError("needs a 'prompt_loss' from 0 to 1 (C7)");
  if (!llvm::all_of(getFields(), [](NamedAttribute field) { return isa<StringAttr>(field.getValue()); }))
    return emitOpError("needs strings in 'fields' (C7)");
  return success();
}

LogicalResult AdaptOp::verify() {
  if (failed(verifyName(*this, getName())))
    return failure();
  return isMapOfCalls(getLines()) ? success() : emitOpError("has lines, and each is a call of an adapter (C8)");
}

LogicalResult RestoreOp::verify() {
  return failed(verifyName(*this, getName())) ? failure() : verifyPath(*this, getPath());
}

LogicalResult TrainOp::verify() {
  if (failed(verifyName(*this, getName())) || failed(verifyAtLeast(*this, "steps", getSteps(), 1)) ||
      failed(verifyAtLeast(*this, "memory", getMemory(), 1)) || failed(verifyAtLeast(*this, "seed", getSeed(), 0)) ||
      failed(verifyAtLeast(*this, "checkpoint_every", getCheckpointEvery(), 1)) ||
      failed(verifyAtLeast(*this, "micro_batch", getMicroBatch(), 1)))
    return failure();
  if (!isa<CallAttr>(getOptimizer()) && !isMapOfCalls(getOptimizer()))
    return emitOpError("has as optimizer a call, or a map of calls (C9)");
  if (getSteps() && getEpochs())
    return emitOpError("has 'steps' or 'epochs', not both (C10)");
  if (getEpochs() && !(getEpochs()->convertToDouble() > 0))
    return emitOpError("needs positive 'epochs' (C10)");
  if (getGradientClip() && !(getGradientClip()->convertToDouble() > 0))
    return emitOpError("needs a positive 'gradient_clip' (C6)");
  if (getMicroBatch() && getBatch().getFirst() % *getMicroBatch() != 0)
    return emitOpError("has a batch of ") << getBatch().getFirst() << " sequences, which micro-batches of "
                                          << *getMicroBatch() << " do not divide (C11)";
  return success();
}

LogicalResult EvaluateOp::verify() { return verifyName(*this, getName()); }

LogicalResult GradientsOp::verify() { return verifyName(*this, getName()); }

LogicalResult GenerateOp::verify() {
  if (bool(getPrompts()) == bool(getData()))
    return emitOpError("has prompts, or a data set of them (C14)");
  if (failed(verifyAtLeast(*this, "prompt_tokens", getPromptTokens(), 1)))
    return failure();
  if (failed(verifyName(*this, getName())) || failed(verifyAtLeast(*this, "tokens", getTokens(), 1)) ||
      failed(verifyAtLeast(*this, "top_k", getTopK(), 0)) || failed(verifyAtLeast(*this, "seed", getSeed(), 0)))
    return failure();
  if (!(getTemperature().convertToDouble() >= 0))
    return emitOpError("needs a 'temperature' of at least 0 (C12)");
  double share = getTopP().convertToDouble();
  if (!(share > 0 && share <= 1))
    return emitOpError("needs a 'top_p' above 0, at most 1 (C12)");
  return success();
}

LogicalResult MergeOp::verify() { return verifyName(*this, getName()); }

LogicalResult LogitsOp::verify() { return verifyName(*this, getName()); }

LogicalResult SaveOp::verify() {
  if (failed(verifyName(*this, getName())) || failed(verifyPath(*this, getPath())))
    return failure();
  StringRef form = getForm();
  Type type = getValue().getType();
  bool fits = isa<ModelType>(type)     ? form == "peft" || form == "safetensors" || form == "huggingface"
              : isa<SamplesType>(type) ? form == "text"
                                       : isa<LogitsType, GradientsType>(type) && form == "safetensors";
  if (!fits)
    return emitOpError("cannot write ") << type << " as '" << form << "' (C13)";
  if (getDtype() && !llvm::is_contained({"f32", "f16", "bf16"}, *getDtype()))
    return emitOpError("has a 'dtype' other than f32, f16 and bf16 (C13)");
  return success();
}
