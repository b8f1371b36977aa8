//===- Plan.cpp - ftc plan ------------------------------------------------===//
//
// What a recipe needs, before any weight is read: memory, parameters, arithmetic, steps, files.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Data.h"

#include "ftc/Pipelines/Flops.h"
#include "ftc/Runtime/IO/Json.h"

#include "llvm/Support/Format.h"

using namespace ftc;
namespace cl = llvm::cl;
namespace json = ftc::runtime::json;
using run::Manifest;

static int plan(const char *argv0);
static Command command("plan", "Memory, parameters, FLOPs, steps and files of a recipe; reads no weights", plan);
static RecipeOptions options(command);
static cl::opt<bool> asJson("json", cl::desc("Print one JSON object"), cl::sub(command.sub()),
                            cl::cat(optionCategory()));

/// `1.23 GB`
static std::string bytesText(double bytes) {
  static constexpr const char *units[] = {"B", "kB", "MB", "GB", "TB"};
  unsigned unit = 0;
  for (; bytes >= 1000 && unit < 4; ++unit)
    bytes /= 1000;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(unit ? "%.2f %s" : "%.0f %s", bytes, units[unit]);
  return text;
}

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

static void reportMemory(const Manifest &manifest, Report &report) {
  const run::Plan &plan = manifest.plan;
  report.title("memory");
  report.bytes("weights", double(plan.weights));
  report.bytes("trained", double(plan.trained));
  report.bytes("gradients", double(plan.gradients));
  report.bytes("optimizer states", double(plan.states));
  report.bytes("activations", double(plan.activations));
  report.bytes("workspace", double(plan.workspace));
  report.bytes("peak", double(plan.peak));
  // The rules of thumb of the literature, to compare with: 13e9 parameters of 2 bytes are 26 GB of weights.
  report.bytes("rule: inference, 1.2 weights", 1.2 * double(plan.weights));
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

static bool reportTraining(const Manifest &manifest, const run::Step &step, std::map<std::string, double> &flops,
                           Report &report, int &status) {
  const auto &train = std::get<run::TrainStep>(step.detail);
  auto data = readData(manifest, train.data);
  if (!data) {
    llvm::errs() << "ftc: error: " << data.error().message << "\n";
    status = int(data.error().status);
    return false;
  }
  const runtime::data::BatchCounts counts = batcherOf(*data, train.batch, data->step->shuffle, train.seed).counts();
  double places = double(train.batch.micro) * double(train.batch.tokens);
  int64_t steps = train.steps.value_or(int64_t(train.epochs * double(counts.stepsPerEpoch)));
  report.title("train " + step.name);
  report.count("documents", counts.documents);
  report.count("tokens an epoch", counts.tokens);
  report.count("supervised tokens an epoch", counts.supervised);
  report.count("steps", steps);
  report.count("tokens a step", train.batch.sequences * train.batch.tokens, " places");
  double each = train.micro ? flops[manifest.programs[*train.micro]] / places : 0;
  report.add("FLOPs a token", each, llvm::formatv("{0:f1} MFLOP", each / 1e6).str());
  return true;
}

static void reportFiles(const Manifest &manifest, Report &report) {
  for (const run::Step &step : manifest.steps) {
    const auto *save = std::get_if<run::SaveStep>(&step.detail);
    if (!save)
      continue;
    uint64_t bytes = save->config.size();
    for (const run::FileTensor &tensor : save->tensors)
      bytes += manifest.tensors[tensor.tensor].bytes;
    for (const run::ModelTensor &tensor : save->model)
      if (tensor.tensor)
        bytes += uint64_t(manifest.tensors[*tensor.tensor].elements()) * runtime::byteSize(tensor.type);
    report.bytes("writes " + save->path, double(bytes));
  }
}

static int plan(const char *argv0) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  Compilation compilation(*chosen, argv0);
  if (!compilation.lowerTo(Rung::Precision))
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
  int status = Success;
  reportMemory(*manifest, report);
  reportParameters(*manifest, compilation.library(), report);
  for (const run::Step &step : manifest->steps)
    if (step.kind == "train" && !reportTraining(*manifest, step, flops, report, status))
      return status;
  report.title("files");
  reportFiles(*manifest, report);
  llvm::outs() << (asJson ? json::dump(json::Value(std::move(report.object))) + "\n" : report.table);
  return Success;
}
