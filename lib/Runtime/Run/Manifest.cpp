//===- Manifest.cpp - reading the manifest -----------------------------------===//

#include "ftc/Runtime/Run/Manifest.h"

#include "ManifestReader.h"

#include "ftc/Runtime/IO/Tensor.h"
#include "ftc/Runtime/Run/TensorTransfer.h"

#include <algorithm>

namespace ftc::run {
namespace {

View readView(ObjectReader object) {
  View view;
  view.shape = object.integers("shape");
  view.order = object.integers("order");
  std::vector<int64_t> sorted = view.order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i) || sorted.size() != view.shape.size())
      object.fail("order is no permutation of the dimensions of shape");
  object.finish();
  return view;
}

std::optional<View> optionalView(ObjectReader &object) {
  if (!object.has("view"))
    return std::nullopt;
  return readView(object.object("view"));
}

Part::Side readSide(ObjectReader object, const std::vector<int64_t> &sizes, int64_t elements) {
  Part::Side side{object.integer("offset"), object.integers("strides")};
  bool fits = side.strides.size() == sizes.size() && side.offset < elements;
  int64_t last = side.offset;
  for (size_t i = 0; fits && i < sizes.size(); ++i) {
    fits = side.strides[i] >= 0 && sizes[i] >= 1 &&
           sizes[i] - 1 <= (elements - 1 - last) / std::max<int64_t>(1, side.strides[i]);
    last += fits ? (sizes[i] - 1) * side.strides[i] : 0;
  }
  if (!fits)
    object.fail("the part is not within the tensor");
  object.finish();
  return side;
}

Part readPart(ObjectReader object, int64_t fileElements, int64_t tensorElements) {
  Part part;
  part.sizes = object.integers("sizes");
  part.file = readSide(object.object("file"), part.sizes, fileElements);
  part.tensor = readSide(object.object("tensor"), part.sizes, tensorElements);
  object.finish();
  return part;
}

Decode readDecode(ObjectReader object) {
  Decode decode;
  decode.program = object.program("program");
  decode.bytes = object.tensor("bytes");
  decode.values = object.tensor("values");
  decode.rows = object.positive("rows");
  object.finish();
  return decode;
}

Source readSource(ObjectReader object, const std::vector<int64_t> &shape) {
  Source source;
  source.step = object.string("step");
  source.tensor = object.string("tensor");
  source.shape = object.has("shape") ? object.integers("shape") : shape;
  source.view = optionalView(object);
  // The compiler's own: what the weights may be kept in, and where they may lie.
  if (object.has("type"))
    object.string("type");
  if (object.has("offset"))
    object.integer("offset");
  source.mapped = object.boolean("mapped", false);
  if (object.has("decode"))
    source.decode = readDecode(object.object("decode"));
  object.finish();
  return source;
}

Tensor readTensor(ObjectReader object, uint64_t arenaBytes) {
  Tensor tensor;
  tensor.name = object.string("name");
  tensor.kind = object.string("kind");
  tensor.type = object.elementType("type");
  tensor.shape = object.integers("shape");
  tensor.offset = static_cast<uint64_t>(object.integer("offset"));
  tensor.bytes = static_cast<uint64_t>(object.integer("bytes"));
  if (tensor.offset > arenaBytes || tensor.bytes > arenaBytes - tensor.offset)
    object.fail("lies outside the arena");
  if (elementCount(tensor.shape).value_or(-1) != tensor.elements())
    object.fail("shape and bytes do not agree");
  if (object.has("source"))
    tensor.source = readSource(object.object("source"), tensor.shape);
  object.finish();
  return tensor;
}

std::vector<FileTensor> readFileTensors(ObjectReader &object, std::string_view key, std::string_view nameKey = "file") {
  std::vector<FileTensor> result;
  for (ObjectReader entry : object.objects(key)) {
    FileTensor tensor;
    tensor.tensor = entry.tensor("tensor");
    tensor.file = entry.string(nameKey);
    std::vector<int64_t> own = entry.shapeOf(tensor.tensor);
    tensor.shape = entry.has("shape") ? entry.integers("shape") : own;
    int64_t inFile = elementCount(tensor.shape).value_or(0), inArena = elementCount(own).value_or(0);
    if (entry.has("part"))
      tensor.part = readPart(entry.object("part"), inFile, inArena);
    else if (inFile != inArena)
      entry.fail("the shape in the file has another number of elements");
    ElementType arena = entry.typeOf(tensor.tensor);
    tensor.type = entry.has("type") ? entry.elementType("type") : arena;
    if (!canBecome(arena, tensor.type))
      entry.fail("the type in the file cannot hold such elements");
    if (entry.has("copy_of"))
      tensor.copyOf = entry.string("copy_of");
    entry.finish();
    result.push_back(std::move(tensor));
  }
  return result;
}

std::vector<ModelTensor> readModelTensors(ObjectReader &object) {
  std::vector<ModelTensor> result;
  for (ObjectReader entry : object.objects("tensors")) {
    ModelTensor tensor;
    tensor.file = entry.string("file");
    tensor.tensor = entry.optionalTensor("tensor");
    if (!tensor.tensor) {
      tensor.step = entry.string("step");
      tensor.from = entry.string("from");
    }
    tensor.type = entry.elementType("type");
    tensor.view = optionalView(entry);
    tensor.shape = entry.has("shape") || !tensor.tensor ? entry.integers("shape") : entry.shapeOf(*tensor.tensor);
    entry.finish();
    result.push_back(std::move(tensor));
  }
  return result;
}

BatchShape readBatch(ObjectReader object) {
  BatchShape batch;
  batch.sequences = object.positive("sequences");
  batch.tokens = object.positive("tokens");
  batch.micro = object.has("micro") ? object.positive("micro") : batch.sequences;
  batch.packing = object.boolean("packing", true);
  batch.whole = object.boolean("whole", false);
  batch.virtualTokens = object.has("virtual") ? object.positive("virtual") : 0;
  if (batch.virtualTokens >= batch.tokens)
    object.fail("virtual leaves no room for tokens");
  if (batch.sequences % batch.micro != 0)
    object.fail("micro does not divide sequences");
  object.finish();
  return batch;
}

void readTextInputs(ObjectReader &object, TextInputs &inputs) {
  inputs.inputIds = object.optionalTensor("input_ids");
  inputs.targets = object.optionalTensor("targets");
  inputs.weights = object.optionalTensor("weights");
  inputs.positions = object.optionalTensor("positions");
  inputs.segments = object.optionalTensor("segments");
}

Inputs readInputs(ObjectReader object) {
  Inputs inputs;
  readTextInputs(object, inputs);
  inputs.field = object.optionalTensor("field");
  if (object.has("texts")) {
    ObjectReader texts = object.object("texts");
    for (const data::RecordKind &kind : data::recordKinds)
      for (std::string_view name : kind.texts)
        if (!name.empty() && texts.has(name)) {
          ObjectReader text = texts.object(name);
          readTextInputs(text, inputs.texts[std::string(name)]);
          text.finish();
        }
    texts.finish();
  }
  inputs.numbers = object.tensorMap("numbers");
  inputs.row = object.optionalTensor("row");
  inputs.key = object.optionalTensor("key");
  inputs.step = object.optionalTensor("step");
  inputs.steps = object.optionalTensor("steps");
  inputs.stepsPerEpoch = object.optionalTensor("steps_per_epoch");
  inputs.denominators = object.optionalTensor("denominators");
  object.finish();
  return inputs;
}

Outputs readOutputs(ObjectReader object) {
  Outputs outputs;
  outputs.loss = object.optionalTensor("loss");
  outputs.denominators = object.optionalTensor("denominators");
  outputs.lr = object.optionalTensor("lr");
  outputs.gradNorm = object.optionalTensor("grad_norm");
  object.finish();
  return outputs;
}

std::vector<Reference> readReferences(ObjectReader &object) {
  std::vector<Reference> references;
  for (ObjectReader entry : object.objects("references")) {
    references.push_back({entry.string("text"), entry.tensor("output"), entry.optionalTensor("input")});
    entry.finish();
  }
  return references;
}

StepDetail readLoad(ObjectReader &object) { return LoadStep{object.string("path"), object.string("format")}; }

StepDetail readDataset(ObjectReader &object) {
  DatasetStep step;
  step.path = object.string("path");
  step.format = object.string("format");
  step.fields = object.stringMap("fields");
  step.numbers = object.strings("numbers");
  step.promptLoss = object.number("prompt_loss", 0);
  step.shuffle = object.boolean("shuffle", true);
  step.limit = object.optionalInteger("limit");
  step.vocabularySize = object.optionalInteger("vocabulary");
  if (object.has("tokenizer"))
    step.tokenizer = object.string("tokenizer");
  step.infill.rate = object.number("rate", step.infill.rate);
  step.infill.spm = object.number("spm", step.infill.spm);
  step.infill.seed = object.optionalInteger("seed").value_or(step.infill.seed);
  step.infill.sentinels = object.strings("sentinels");
  return step;
}

StepDetail readAdapt(ObjectReader &object) {
  AdaptStep step;
  step.initialise = object.optionalProgram("initialise");
  step.seed = object.optionalInteger("seed").value_or(0);
  step.key = object.optionalTensor("key");
  step.trained = object.tensors("trained");
  step.frozen = object.tensors("frozen");
  return step;
}

StepDetail readRestore(ObjectReader &object) {
  RestoreStep step;
  step.path = object.string("path");
  step.format = object.string("format");
  step.tensors = readFileTensors(object, "tensors");
  return step;
}

StepDetail readTrain(ObjectReader &object) {
  TrainStep step;
  step.data = object.string("data");
  ObjectReader programs = object.object("programs");
  step.weigh = programs.optionalProgram("weigh");
  step.micro = programs.program("micro");
  step.update = programs.program("update");
  step.initialise = programs.optionalProgram("initialise");
  step.refer = programs.optionalProgram("refer");
  programs.finish();
  step.references = readReferences(object);
  step.inputs = readInputs(object.object("inputs"));
  step.outputs = readOutputs(object.object("outputs"));
  step.trained = object.tensors("trained");
  step.gradients = object.tensors("gradients");
  step.states = object.tensors("states");
  step.kept = object.tensors("kept");
  for (ObjectReader entry : object.objects("every")) {
    step.every.push_back({entry.program("program"), entry.positive("updates"), entry.boolean("once", false)});
    entry.finish();
  }
  for (ObjectReader entry : object.objects("moves")) {
    step.moves.push_back(entry.program("program"));
    entry.finish();
  }
  step.beginsMoved = object.boolean("begins_moved", false);
  step.batch = readBatch(object.object("batch"));
  step.classes = object.optionalInteger("classes");
  step.steps = object.optionalInteger("steps");
  step.epochs = object.number("epochs", 1);
  step.seed = object.optionalInteger("seed").value_or(0);
  step.checkpointEvery = object.optionalInteger("checkpoint_every");
  if (!step.outputs.loss)
    object.fail("a train step without an output for the loss");
  if (step.beginsMoved && step.moves.empty())
    object.fail("a train step that begins elsewhere without a program that moves there");
  if (!step.gradients.empty() && step.gradients.size() != step.trained.size())
    object.fail("gradients and trained tensors differ in number");
  return step;
}

StepDetail readEvaluate(ObjectReader &object) {
  EvaluateStep step;
  step.data = object.string("data");
  ObjectReader programs = object.object("programs");
  step.weigh = programs.optionalProgram("weigh");
  step.micro = programs.program("micro");
  programs.finish();
  step.inputs = readInputs(object.object("inputs"));
  step.outputs = readOutputs(object.object("outputs"));
  step.batch = readBatch(object.object("batch"));
  step.classes = object.optionalInteger("classes");
  step.gradients = object.tensors("gradients");
  if (!step.outputs.loss)
    object.fail("an evaluate step without an output for the loss");
  return step;
}

GeneratePass readPass(ObjectReader object) {
  GeneratePass pass;
  pass.tokens = object.has("tokens") ? object.positive("tokens") : 1;
  ObjectReader inputs = object.object("inputs");
  pass.inputIds = inputs.tensor("input_ids");
  pass.positions = inputs.optionalTensor("positions");
  pass.segments = inputs.optionalTensor("segments");
  pass.start = inputs.optionalTensor("start");
  pass.last = inputs.optionalTensor("last");
  inputs.finish();
  pass.logits = object.tensor("logits");
  object.finish();
  return pass;
}

StepDetail readGenerate(ObjectReader &object) {
  GenerateStep step;
  step.model = object.string("model");
  step.prompts = object.strings("prompts");
  if (object.has("data"))
    step.data = object.string("data");
  step.chat = object.boolean("chat", false);
  step.tokens = object.positive("tokens");
  step.temperature = object.number("temperature", 0);
  step.topK = object.optionalInteger("top_k").value_or(0);
  step.topP = object.number("top_p", 1);
  step.seed = object.optionalInteger("seed").value_or(0);
  step.stop = object.strings("stop");
  ObjectReader programs = object.object("programs");
  step.prefillProgram = programs.program("prefill");
  step.decodeProgram = programs.program("decode");
  programs.finish();
  step.prefill = readPass(object.object("prefill"));
  step.decode = readPass(object.object("decode"));
  step.caches = object.tensors("caches");
  step.cacheSegments = object.optionalTensor("cache_segments");
  step.cachePositions = object.optionalTensor("cache_positions");
  step.capacity = object.positive("capacity");
  step.virtualTokens = object.has("virtual") ? object.positive("virtual") : 0;
  return step;
}

StepDetail readMerge(ObjectReader &object) {
  MergeStep step;
  step.program = object.program("program");
  step.tensors = readFileTensors(object, "tensors", "name");
  for (ObjectReader entry : object.objects("requantized")) {
    step.requantized.push_back({entry.string("format"), entry.tensor("error"), entry.tensor("norm")});
    entry.finish();
  }
  return step;
}

StepDetail readLogits(ObjectReader &object) {
  LogitsStep step;
  step.data = object.string("data");
  step.batch = readBatch(object.object("batch"));
  ObjectReader programs = object.object("programs");
  step.forward = programs.program("forward");
  programs.finish();
  step.inputs = readInputs(object.object("inputs"));
  step.logits = object.tensor("logits");
  if (object.shapeOf(step.logits).size() != 3)
    object.fail("logits are not [rows, tokens, vocab]");
  return step;
}

StepDetail readSave(ObjectReader &object) {
  SaveStep step;
  step.path = object.string("path");
  step.as = object.string("as");
  if (step.as == "peft" || step.as == "adapter" || step.as == "huggingface")
    step.config = object.string("config");
  if (step.as == "adapter")
    step.sources = object.stringMap("sources");
  if (step.as == "peft" || step.as == "adapter" || step.as == "safetensors") {
    step.tensors = readFileTensors(object, "tensors");
  } else if (step.as == "huggingface") {
    step.model = readModelTensors(object);
    if (object.has("tokenizer"))
      step.tokenizer = object.string("tokenizer");
  } else if (step.as == "text" || step.as == "logits") {
    step.from = object.string("from");
  } else {
    object.fail("unknown form of output");
  }
  return step;
}

struct StepReader {
  std::string_view kind;
  StepDetail (*read)(ObjectReader &);
};
constexpr StepReader stepReaders[] = {
    {"load", readLoad},         {"dataset", readDataset},   {"adapt", readAdapt},        {"restore", readRestore},
    {"train", readTrain},       {"evaluate", readEvaluate}, {"gradients", readEvaluate}, {"calibrate", readEvaluate},
    {"generate", readGenerate}, {"merge", readMerge},       {"logits", readLogits},      {"save", readSave}};

Step readStep(ObjectReader object) {
  Step step;
  step.kind = object.string("kind");
  step.name = object.string("name");
  step.hash = object.string("hash");
  step.uses = object.strings("uses");
  if (step.name.empty() || step.name.find('/') != std::string::npos || step.hash.empty())
    object.fail("bad name or hash");
  const auto *reader = std::find_if(std::begin(stepReaders), std::end(stepReaders),
                                    [&](const StepReader &entry) { return entry.kind == step.kind; });
  if (reader == std::end(stepReaders))
    object.fail("unknown kind of step");
  else
    step.detail = reader->read(object);
  object.finish();
  return step;
}

Plan readPlan(ObjectReader object) {
  auto bytes = [&](std::string_view key) { return static_cast<uint64_t>(object.integer(key)); };
  Plan plan{bytes("weights"),     bytes("trained"),   bytes("gradients"), bytes("states"),
            bytes("activations"), bytes("workspace"), bytes("peak")};
  object.finish();
  return plan;
}

/// Names of other steps that a step refers to, besides `uses`.
std::vector<std::string> references(const Step &step) {
  struct Visitor {
    std::vector<std::string> names;
    void operator()(const LoadStep &) {}
    void operator()(const DatasetStep &step) {
      if (step.tokenizer)
        names.push_back(*step.tokenizer);
    }
    void operator()(const AdaptStep &) {}
    void operator()(const RestoreStep &) {}
    void operator()(const TrainStep &step) { names.push_back(step.data); }
    void operator()(const EvaluateStep &step) { names.push_back(step.data); }
    void operator()(const GenerateStep &step) {
      names.push_back(step.model);
      if (step.data)
        names.push_back(*step.data);
    }
    void operator()(const MergeStep &) {}
    void operator()(const LogitsStep &step) { names.push_back(step.data); }
    void operator()(const SaveStep &step) {
      if (step.tokenizer)
        names.push_back(*step.tokenizer);
      if (!step.from.empty())
        names.push_back(step.from);
      for (const ModelTensor &tensor : step.model)
        if (!tensor.tensor)
          names.push_back(tensor.step);
    }
  } visitor{step.uses};
  std::visit(visitor, step.detail);
  return std::move(visitor.names);
}

/// Every step refers only to steps before it, every source to a `load` step.
Status checkReferences(const Manifest &manifest) {
  for (size_t i = 0; i < manifest.steps.size(); ++i)
    for (const std::string &name : references(manifest.steps[i])) {
      auto end = manifest.steps.begin() + static_cast<ptrdiff_t>(i);
      if (std::none_of(manifest.steps.begin(), end, [&](const Step &step) { return step.name == name; }))
        return makeError(ExitStatus::Bug, "manifest: step {} refers to {}, which is no earlier step",
                         quote(manifest.steps[i].name), quote(name));
    }
  for (const Tensor &tensor : manifest.tensors) {
    const Step *load = tensor.source ? manifest.find(tensor.source->step) : nullptr;
    if (tensor.source && (!load || load->kind != "load"))
      return makeError(ExitStatus::Bug, "manifest: the source of tensor {} is no load step", quote(tensor.name));
  }
  return Status::success();
}

} // namespace

const Step *Manifest::find(std::string_view name) const {
  auto found = std::find_if(steps.begin(), steps.end(), [&](const Step &step) { return step.name == name; });
  return found == steps.end() ? nullptr : &*found;
}

data::DatasetOptions DatasetStep::options(std::string path) const {
  data::DatasetOptions options;
  options.path = std::move(path);
  options.format = *data::parseFormat(format);
  options.fields = fields;
  options.numbers = numbers;
  options.promptLoss = static_cast<float>(promptLoss);
  options.limit = limit.value_or(0);
  options.vocabularySize = vocabularySize.value_or(0);
  options.infill = infill;
  return options;
}

Expected<Manifest> readManifest(std::string_view text) {
  Expected<json::Value> value = json::parse(text, {.file = "manifest"});
  if (!value)
    return Error{ExitStatus::Bug, value.error().message};
  Manifest manifest;
  ReaderContext context;
  ObjectReader object(context, *value, "manifest");
  if (object.integer("version") != 1)
    object.fail("unknown version");
  manifest.recipe = object.string("recipe");
  manifest.source = object.string("source");
  manifest.folder = object.string("folder");
  manifest.target = object.string("target");
  ObjectReader arena = object.object("arena");
  manifest.arenaBytes = static_cast<uint64_t>(arena.integer("bytes"));
  arena.finish();
  manifest.plan = readPlan(object.object("plan"));
  manifest.programs = object.strings("programs");
  context.programs = manifest.programs.size();
  std::vector<ObjectReader> tensors = object.objects("tensors");
  context.tensorCount = tensors.size();
  context.tensors = &manifest.tensors;
  for (ObjectReader &tensor : tensors)
    manifest.tensors.push_back(readTensor(tensor, manifest.arenaBytes));
  for (ObjectReader &step : object.objects("steps"))
    manifest.steps.push_back(readStep(step));
  object.finish();
  if (context.failure)
    return *context.failure;
  if (Status status = checkReferences(manifest); !status)
    return status.error();
  return manifest;
}

} // namespace ftc::run
