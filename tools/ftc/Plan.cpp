//===- Plan.cpp - ftc plan ------------------------------------------------===//
//
// What a recipe needs, before any weight is read: memory, parameters, arithmetic, steps, files.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Data.h"
#include "MemorySchedule.h"
#include "Roofline.h"

#include "ftc/Pipelines/Bytes.h"
#include "ftc/Pipelines/Flops.h"
#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/IO/Json.h"

using namespace ftc;
namespace cl = llvm::cl;
namespace json = ftc::runtime::json;
using run::Manifest;
using runtime::Expected;
using runtime::Status;
using runtime::data::BatchCounts;

static int plan(const char *argv0);
static Command command("plan", "Memory, parameters, FLOPs, steps and files of a recipe; reads no weights", plan);
static RecipeOptions options(command);
static cl::opt<bool> asJson("json", cl::desc("Print one JSON object"), cl::sub(command.sub()),
                            cl::cat(optionCategory()));
static cl::opt<std::string> picture("svg", cl::desc("Write the memory over a step as a picture"),
                                    cl::value_desc("file"), cl::sub(command.sub()), cl::cat(optionCategory()));
static cl::opt<bool> withRoofline("roofline",
                                  cl::desc("Measure the machine and say what a step takes at least, by kernel"),
                                  cl::sub(command.sub()), cl::cat(optionCategory()));

/// FLOPs of one run of each program, by its name.
static std::map<std::string, double> flopsOf(mlir::ModuleOp module) {
  std::map<std::string, double> flops;
  for (auto program : module.getOps<mlir::func::FuncOp>())
    flops[program.getSymName().str()] = countFlops(program);
  return flops;
}

namespace {
/// Entries of the plan in order, each a key of the JSON object and a line of the table.
struct Report {
  json::Object object;
  std::string table;

  void add(llvm::StringRef key, json::Value value, llvm::StringRef text) {
    object.push_back({key.str(), std::move(value)});
    llvm::raw_string_ostream(table) << "  " << llvm::left_justify(key, 32) << text << "\n";
  }
  void bytes(llvm::StringRef key, double value) { add(key, int64_t(value), bytesText(value)); }
  void count(llvm::StringRef key, int64_t value, llvm::StringRef note = "") {
    add(key, value, (llvm::Twine(value) + note).str());
  }
  void title(llvm::StringRef text) { table += (text + "\n").str(); }
};
} // namespace

/// Entries of all tensors of a kind.
static int64_t parametersOf(const Manifest &manifest, llvm::StringRef kind) {
  int64_t count = 0;
  for (const run::Tensor &tensor : manifest.tensors)
    count += tensor.kind == kind ? tensor.elements() : 0;
  return count;
}

/// Gradients of a batch that is not cut have no bytes of their own before they are found.
static std::string describeGradients(const Manifest &manifest) {
  uint64_t all = 0;
  for (const run::Tensor &tensor : manifest.tensors)
    all += tensor.kind == "gradient" ? tensor.bytes : 0;
  std::string text = bytesText(double(manifest.plan.gradients));
  return all > uint64_t(manifest.plan.gradients)
             ? text + " where most is needed, " + bytesText(double(all)) + " when all are known"
             : text;
}

static void reportMemory(const Manifest &manifest, llvm::ArrayRef<target::Recomputed> recomputed, Report &report) {
  const run::Plan &plan = manifest.plan;
  report.title("memory");
  report.bytes("weights", double(plan.weights));
  report.bytes("trained", double(plan.trained));
  report.add("gradients", int64_t(plan.gradients), describeGradients(manifest));
  report.bytes("optimizer states", double(plan.states));
  report.bytes("activations", double(plan.activations));
  report.bytes("workspace", double(plan.workspace));
  report.bytes("peak", double(plan.peak));
  report.bytes("process itself, at most", double(target::kProcessBytes));
  for (const target::Recomputed &program : recomputed)
    report.add("computed again in " + program.program, program.share,
               llvm::formatv("about {0:f1} % of its time, to do with {1} instead of {2}", 100 * program.share,
                             bytesText(double(program.after)), bytesText(double(program.before)))
                   .str());
  // The rules of thumb of the literature.
  int64_t parameters = parametersOf(manifest, "weight") + parametersOf(manifest, "frozen");
  report.add("rule: weights", int64_t(plan.weights),
             llvm::formatv("{0} parameters x {1:f1} bytes = {2} (13e9 x 2 bytes are 26 GB)", parameters,
                           parameters ? double(plan.weights) / double(parameters) : 0, bytesText(double(plan.weights)))
                 .str());
  report.bytes("rule: inference, weights x 1.2", 1.2 * double(plan.weights));
  report.bytes("rule: training, sum of parts",
               double(plan.weights + plan.trained + plan.gradients + plan.states + plan.activations));
}

/// The adapter that declares a trained tensor, which is called `<step>.<module path>.<adapter>.<param>`, a second one
/// of that name on a site `<adapter>_2`; empty for the model's own tensors, which keep their names.
static llvm::StringRef adapterOf(const run::Tensor &tensor, const DefinitionLibrary &library) {
  llvm::StringRef owner = llvm::StringRef(tensor.name).rsplit('.').first.rsplit('.').second;
  auto isAdapter = [&](llvm::StringRef name) { return library.find(ast::DefinitionKind::Adapter, name) != nullptr; };
  auto [name, number] = owner.rsplit('_');
  unsigned count;
  if (isAdapter(owner))
    return owner;
  return !number.getAsInteger(10, count) && isAdapter(name) ? name : "";
}

/// Parameters of all models, trained ones by the adapter that declares them.
static void reportParameters(const Manifest &manifest, const DefinitionLibrary &library, Report &report) {
  int64_t total = 0, trained = 0;
  std::map<std::string, int64_t> byAdapter;
  for (const run::Tensor &tensor : manifest.tensors) {
    bool isTrained = tensor.kind == "trained";
    if (!isTrained && tensor.kind != "weight")
      continue;
    total += tensor.elements();
    if (!isTrained)
      continue;
    trained += tensor.elements();
    llvm::StringRef adapter = adapterOf(tensor, library);
    byAdapter[adapter.empty() ? "the model's own" : adapter.str()] += tensor.elements();
  }
  report.title("parameters");
  report.count("total", total);
  report.count("trainable", trained);
  for (const auto &[owner, count] : byAdapter)
    report.count("of " + owner, count);
}

/// What an epoch of a data set holds, as a step of that shape sees it.
static Expected<BatchCounts> countsOf(const Manifest &manifest, const std::string &name, const run::BatchShape &batch,
                                      int64_t seed) {
  auto data = readData(manifest, name);
  if (!data)
    return data.error();
  return batcherOf(*data, batch, data->step->shuffle, seed).counts();
}

static void reportRoofline(const Roofline &roofline, llvm::StringRef step, const run::BatchShape &batch,
                           Report &report) {
  double places = double(batch.sequences * batch.tokens);
  report.title(("least time of a step of " + step).str());
  report.add("least seconds a step", roofline.seconds(), llvm::formatv("{0:f3}", roofline.seconds()).str());
  report.add("most places a second", places / roofline.seconds(),
             llvm::formatv("{0:f1}", places / roofline.seconds()).str());
  report.table += roofline.table();
}

static Status reportTraining(const Manifest &manifest, const run::Step &step, std::map<std::string, double> &flops,
                             Report &report) {
  const auto &train = std::get<run::TrainStep>(step.detail);
  Expected<BatchCounts> counts = countsOf(manifest, train.data, train.batch, train.seed);
  if (!counts)
    return counts.error();
  double places = double(train.batch.micro) * double(train.batch.tokens);
  int64_t steps = train.steps.value_or(int64_t(train.epochs * double(counts->stepsPerEpoch)));
  report.title("train " + step.name);
  report.count("documents", counts->documents);
  report.count("tokens an epoch", counts->tokens);
  report.count("supervised tokens an epoch", counts->supervised);
  report.count("steps", steps);
  report.count("places a step", train.batch.sequences * train.batch.tokens);
  report.count("sequences at once", train.batch.micro, llvm::formatv(" of {0}", train.batch.sequences).str());
  report.count("tokens a step", counts->stepsPerEpoch ? counts->tokens / counts->stepsPerEpoch : 0, ", on average");
  // Once where the tensors are, unless nothing asks for that, and once at each point that the optimizer moves them to.
  double runs = double(train.moves.size()) + (train.beginsMoved ? 0 : 1);
  double each = train.micro ? runs * flops[manifest.programs[*train.micro]] / places : 0;
  report.add("FLOPs a token", each, llvm::formatv("{0:f1} MFLOP", each / 1e6).str());
  return Status::success();
}

/// Bytes of what a step leaves in the run's folder for later ones; 0 for texts, whose length nobody knows.
static Expected<double> resultBytes(const Manifest &manifest, const run::Step &step) {
  double bytes = 0;
  if (const auto *train = std::get_if<run::TrainStep>(&step.detail))
    for (uint32_t tensor : train->trained)
      bytes += double(manifest.tensors[tensor].bytes);
  if (const auto *logits = std::get_if<run::LogitsStep>(&step.detail)) {
    Expected<BatchCounts> counts = countsOf(manifest, logits->data, logits->batch, 0);
    if (!counts)
      return counts.error();
    const run::Tensor &part = manifest.tensors[logits->logits]; // of a micro-batch
    bytes = double(counts->rows * part.shape[1] * part.shape[2]) * sizeof(float);
  }
  return bytes;
}

/// Bytes of what is saved, but for the headers of files and for tokenizers.
static Expected<double> savedBytes(const Manifest &manifest, const run::SaveStep &save) {
  double bytes = double(save.config.size());
  for (const run::FileTensor &tensor : save.tensors)
    bytes += double(manifest.tensors[tensor.tensor].bytes);
  for (const run::ModelTensor &tensor : save.model)
    bytes += double(runtime::elementCount(tensor.shape).value_or(0)) * double(runtime::byteSize(tensor.type));
  if (save.from.empty())
    return bytes;
  Expected<double> result = resultBytes(manifest, *manifest.find(save.from));
  return result ? Expected<double>(bytes + *result) : result;
}

/// Of one training at a time, the last two are kept.
static double checkpointBytes(const Manifest &manifest, const run::TrainStep &train) {
  double bytes = 0;
  for (const std::vector<uint32_t> *tensors : {&train.trained, &train.states, &train.kept})
    for (uint32_t tensor : *tensors)
      bytes += double(manifest.tensors[tensor].bytes);
  return bytes;
}

static Status reportFiles(const Manifest &manifest, Report &report) {
  report.title("files");
  double results = 0, checkpoints = 0, all = 0;
  for (const run::Step &step : manifest.steps) {
    const auto *save = std::get_if<run::SaveStep>(&step.detail);
    Expected<double> bytes = save ? savedBytes(manifest, *save) : resultBytes(manifest, step);
    if (!bytes)
      return bytes.error();
    all += *bytes;
    if (save)
      report.bytes("writes " + save->path, *bytes);
    else
      results += *bytes;
    if (const auto *train = std::get_if<run::TrainStep>(&step.detail))
      checkpoints = std::max(checkpoints, 2 * checkpointBytes(manifest, *train));
  }
  report.bytes("checkpoints, two at most", checkpoints);
  report.bytes("results of steps", results);
  report.bytes("disk, at most", all + checkpoints);
  return Status::success();
}

static int plan(const char *argv0) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  Compilation compilation(*chosen, argv0);
  if (!compilation.lowerTo(Rung::Fused))
    return compilation.status();
  std::map<std::string, double> flops = flopsOf(compilation.module());
  if (!compilation.lowerTo(Rung::Placed))
    return compilation.status();
  auto manifest = manifestOf(compilation);
  if (!manifest) {
    llvm::errs() << "ftc: error: " << manifest.error().message << "\n";
    return InternalError;
  }
  Report report;
  reportMemory(*manifest, compilation.memoryReport().recomputed, report);
  reportParameters(*manifest, compilation.library(), report);
  llvm::SmallVector<target::ProgramSchedule> programs = compilation.memoryReport().makeSchedules();
  MemorySchedule schedule(*manifest, programs);
  std::optional<cpu::Ceiling> ceiling;
  if (withRoofline) {
    ceiling = cpu::measureCeiling();
    if (!ceiling->bytes) {
      llvm::errs() << "ftc: error: --roofline: there is no memory to measure with\n";
      return DoesNotFit;
    }
  }
  Status status = Status::success();
  for (const run::Step &step : manifest->steps) {
    const auto *train = std::get_if<run::TrainStep>(&step.detail);
    if (!train || !status)
      continue;
    status = reportTraining(*manifest, step, flops, report);
    report.title("memory over a step of " + step.name);
    report.table += schedule.table(step.name);
    if (ceiling)
      reportRoofline({compilation.module(), *manifest, *train, *ceiling}, step.name, train->batch, report);
  }
  if (status)
    status = reportFiles(*manifest, report);
  if (status && !picture.empty())
    status = runtime::writeFileAtomically(picture, schedule.picture());
  if (!status) {
    llvm::errs() << "ftc: error: " << status.error().message << "\n";
    return int(status.error().status);
  }
  llvm::outs() << (asJson ? json::dump(json::Value(std::move(report.object))) + "\n" : report.table);
  return Success;
}
