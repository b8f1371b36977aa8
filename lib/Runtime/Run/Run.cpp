//===- Run.cpp - the program that an executable is ---------------------------===//
//
// Steps are done in the manifest's order. Those with results of their own (train, evaluate, generate, logits, save) are
// in the ledger when finished and are not done again; the others are done when an unfinished step uses them.
//
//===----------------------------------------------------------------------===//

#include "ftc/Runtime/Run/Run.h"

#include "Steps.h"
#include "ftc/Runtime/Run/Interrupt.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <unistd.h>

namespace ftc::run {
namespace {

namespace fs = std::filesystem;

bool hasResult(const Step &step) {
  return !std::holds_alternative<LoadStep>(step.detail) && !std::holds_alternative<DatasetStep>(step.detail) &&
         !std::holds_alternative<AdaptStep>(step.detail) && !std::holds_alternative<RestoreStep>(step.detail) &&
         !std::holds_alternative<MergeStep>(step.detail) && step.kind != "gradients" && step.kind != "calibrate";
}

/// --set names a step that reads a path.
Status checkPaths(const Manifest &manifest, const Options &options) {
  for (const auto &[name, path] : options.paths) {
    const Step *step = manifest.find(name);
    if (!step || (step->kind != "load" && step->kind != "dataset" && step->kind != "restore"))
      return makeError(ExitStatus::Usage, "--set {}={}: the recipe loads nothing of that name", name, path);
  }
  return Status::success();
}

/// Performs a step that is not finished; `Outcome` says whether to go on.
struct Performer {
  Session &session;
  const Step &step;

  static Expected<Outcome> done(const Status &status) {
    if (!status)
      return status.error();
    return Outcome::Done;
  }
  Expected<Outcome> operator()(const LoadStep &) { return Outcome::Done; }    // opened when used
  Expected<Outcome> operator()(const DatasetStep &) { return Outcome::Done; } // read when used
  Expected<Outcome> operator()(const AdaptStep &adapt) { return done(runAdapt(session, step, adapt)); }
  Expected<Outcome> operator()(const RestoreStep &restore) { return done(runRestore(session, step, restore)); }
  Expected<Outcome> operator()(const MergeStep &merge) { return done(runMerge(session, step, merge)); }
  Expected<Outcome> operator()(const SaveStep &save) { return done(runSave(session, step, save)); }
  Expected<Outcome> operator()(const TrainStep &train) { return runTrain(session, step, train); }
  Expected<Outcome> operator()(const EvaluateStep &evaluate) { return runEvaluate(session, step, evaluate); }
  Expected<Outcome> operator()(const GenerateStep &generate) { return runGenerate(session, step, generate); }
  Expected<Outcome> operator()(const LogitsStep &logits) { return runLogits(session, step, logits); }
};

/// The steps that must be done, finished ones among them whose tensors others need.
std::set<std::string_view> neededSteps(const Session &session) {
  std::set<std::string_view> needed;
  for (const Step &step : session.manifest.steps) {
    if (!hasResult(step) || session.ledger.find(step.name, session.identity(step).hex()))
      continue;
    needed.insert(step.name);
    for (const Step *used : usedSteps(session.manifest, step))
      needed.insert(used->name);
  }
  return needed;
}

Expected<Outcome> perform(Session &session, const Step &step) {
  if (!hasResult(step) || !session.ledger.find(step.name, session.identity(step).hex()))
    return std::visit(Performer{session, step}, step.detail);
  if (const auto *train = std::get_if<TrainStep>(&step.detail))
    return Performer::done(replayTrain(session, step, *train));
  return Outcome::Done;
}

Expected<Outcome> performAll(Session &session) {
  std::set<std::string_view> needed = neededSteps(session);
  if (needed.empty())
    session.console.print(fmt::format("everything in {} is done; --fresh does it again", session.folder.path()));
  for (const Step &step : session.manifest.steps)
    if (const auto *save = std::get_if<SaveStep>(&step.detail); save && needed.count(step.name))
      if (Status status = checkOutput(session, step, *save); !status)
        return status.error();
  for (const Step &step : session.manifest.steps) {
    if (needed.count(step.name) == 0)
      continue;
    if (interruptRequested())
      return Outcome::Interrupted;
    Expected<Outcome> outcome = perform(session, step);
    if (!outcome || *outcome != Outcome::Done)
      return outcome;
  }
  return Outcome::Done;
}

/// The metrics of a recipe that has changed since are put aside.
Expected<LineFile> openMetrics(const Manifest &manifest, const RunFolder &folder, const Ledger &ledger,
                               const std::map<std::string, Hash128, std::less<>> &identities) {
  bool isOurs = ledger.entries().empty();
  for (const Step &step : manifest.steps)
    isOurs |= ledger.find(step.name, identities.find(step.name)->second.hex()) != nullptr;
  std::error_code ignored;
  if (!isOurs)
    fs::rename(folder.file("metrics.jsonl"), folder.file("metrics.previous.jsonl"), ignored);
  return LineFile::open(folder.file("metrics.jsonl"), std::numeric_limits<uint64_t>::max());
}

/// Measures each call, prints what kernels took and leaves a trace of the first calls in the run's folder.
Expected<Outcome> performProfiled(Session &session, const Image &image) {
  cpu::startProfile(image.programs, image.notes, cpu::measureCeiling());
  Expected<Outcome> outcome = performAll(session);
  std::string trace = session.folder.file("trace.json");
  Status written = writeFileAtomically(trace, cpu::profileTrace());
  std::string table = cpu::profileTable();
  cpu::stopProfile();
  std::fputs(table.c_str(), stderr);
  if (outcome && !written)
    return written.error();
  if (written)
    session.console.print(fmt::format("the first calls, as a trace for Perfetto or chrome://tracing: {}", trace));
  return outcome;
}

Expected<Outcome> runWith(const Manifest &manifest, const Options &options, Console &console, const Image &image) {
  if (Status status = checkPaths(manifest, options); !status)
    return status.error();
  if (options.profile && !image.notes)
    return makeError(ExitStatus::Usage, "--profile: the object of this executable has no notes");
  Expected<std::map<std::string, Hash128, std::less<>>> identities = computeIdentities(manifest, options);
  if (!identities)
    return identities.error();
  Expected<RunFolder> folder =
      RunFolder::open(options.out.empty() ? "runs/" + manifest.recipe : options.out, options.fresh);
  if (!folder)
    return folder.error();
  Expected<Ledger> ledger = Ledger::open(folder->file("ledger.json"));
  if (!ledger)
    return ledger.error();
  Expected<LineFile> metrics = openMetrics(manifest, *folder, *ledger, *identities);
  if (!metrics)
    return metrics.error();
  if (Status status = writeFileAtomically(folder->file("recipe.ftr"), manifest.source); !status)
    return status.error();
  Expected<Machine> machine = Machine::create(manifest, image, options.threads);
  if (!machine)
    return machine.error();
  Session session(manifest, options, console, std::move(*machine), std::move(*folder), std::move(*ledger),
                  std::move(*metrics));
  session.identities = std::move(*identities);
  return options.profile ? performProfiled(session, image) : performAll(session);
}

/// Without memory to say it with.
ExitStatus outOfMemory() {
  static constexpr std::string_view text =
      "error: no memory; what is finished is kept, started again the run goes on\n";
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  return ExitStatus::Memory;
}

ExitStatus run(int argc, const char *const *argv, const Image &image) {
  auto fail = [](const Error &error) {
    Console(Options()).error(error);
    return error.status;
  };
  Expected<Manifest> manifest = readManifest(image.manifest);
  if (!manifest)
    return fail(manifest.error());
  Expected<std::optional<Options>> options = parseOptions(argc, argv, manifest->recipe);
  if (!options)
    return fail(options.error());
  if (!*options)
    return ExitStatus::Done; // help
  installInterruptHandlers();
  Console console(**options);
  Expected<Outcome> outcome = runWith(*manifest, **options, console, image);
  if (outcome)
    return *outcome == Outcome::Interrupted ? ExitStatus::Interrupted : ExitStatus::Done;
  if (outcome.error().status != ExitStatus::Interrupted)
    console.error(outcome.error());
  return outcome.error().status;
}

} // namespace

int runExecutable(int argc, const char *const *argv, const Image &image) {
  try {
    return static_cast<int>(run(argc, argv, image));
  } catch (const std::bad_alloc &) {
    return static_cast<int>(outOfMemory());
  }
}

} // namespace ftc::run
