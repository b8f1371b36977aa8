//===- Train.cpp - the training loop -----------------------------------------===//
//
// One update: every micro-batch is weighed (what the losses of the whole batch are divided by), then every one adds its
// loss and gradients, then the optimizer's program computes the next values. All of it is a function of the step's
// number and of the trained tensors and states, which are what a checkpoint keeps: a resumed run repeats the bytes of
// an undisturbed one.
//
//===----------------------------------------------------------------------===//

#include "References.h"

#include "ftc/Runtime/Run/Interrupt.h"
#include "ftc/Runtime/Run/Metrics.h"
#include "ftc/Runtime/Run/TrainingState.h"

#include <chrono>
#include <cmath>

namespace ftc::run {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Trainer {
public:
  Trainer(Session &session, const Step &step, const TrainStep &train, const data::RecordStore &records)
      : session(session), machine(session.machine), step(step), train(train), quotedName(json::dumpString(step.name)),
        seed(session.seed(train.seed)),
        batcher(makeBatcher(records, train.batch,
                            std::get<DatasetStep>(session.manifest.find(train.data)->detail).shuffle, seed)),
        checkpoints(session.folder.checkpoints(), step.name, session.identity(step)),
        references(session, step, train, records) {
    double updates = std::ceil(train.epochs * static_cast<double>(batcher.stepsPerEpoch()) - 1e-9);
    total = train.steps.value_or(static_cast<int64_t>(updates));
  }

  Expected<Outcome> run();

private:
  Expected<Outcome> begin();
  Status restore();
  Status update();
  Status fill(int64_t part);
  Status weigh();
  Status accumulate(bool moved);
  Expected<std::optional<double>> findLosses();
  Status fillConstants();
  Error explain(std::string_view what);
  Status checkTrained();
  StateParts state();
  Status checkpoint();
  bool isCheckpointDue() const;
  Status runBlocks();
  Status report(const StepMetrics &metrics);
  Status finish();

  Session &session;
  Machine &machine;
  const Step &step;
  const TrainStep &train;
  std::string quotedName; // JSON
  int64_t seed;
  data::RecordBatcher batcher;
  TrainingCheckpoints checkpoints;
  References references;
  int64_t total = 0;
  int64_t done = 0;
  data::RecordBatch batch;

  Clock::time_point lastCheckpoint = Clock::now();
  double checkpointSeconds = 0; // what writing the last one took
  double firstLoss = 0, lastLoss = 0;
  double stepSeconds = 0;   // smoothed
  double tokensPerStep = 0; // smoothed
};

/// The state before the first update, or that of the last checkpoint.
Expected<Outcome> Trainer::begin() {
  if (Status status = checkBatches(batcher, step, train.batch); !status)
    return status.error();
  for (uint32_t state : train.states)
    machine.zero(state);
  if (train.initialise) {
    if (Status status = machine.setInteger(train.inputs.key, mixKey(seed, 0)); !status)
      return status.error();
    if (Status status = machine.run(*train.initialise); !status)
      return status.error();
  }
  // What other models say of the data is found while the policy is what it was initially.
  Expected<Outcome> outcome = references.prepare();
  if (!outcome || *outcome != Outcome::Done)
    return outcome;
  if (Status status = restore(); !status)
    return status.error();
  return Outcome::Done;
}

Status Trainer::restore() {
  Expected<std::optional<TrainingPoint>> point = checkpoints.restore(state(), [&](std::string damage) {
    session.console.note(fmt::format("a checkpoint is passed over: {}", damage));
  });
  if (!point)
    return point.error();
  if (*point) {
    done = (*point)->step;
    session.console.print(fmt::format("{}: going on after step {} of {}", step.name, done, total));
    return session.beginMetrics((*point)->metricsBytes);
  }
  if (checkpoints.hasOthers())
    session.console.note(fmt::format("{}: the recipe, its data or its options have changed since the checkpoints in {} "
                                     "were written: training begins anew",
                                     step.name, session.folder.checkpoints()));
  return session.beginMetrics();
}

Status Trainer::fillConstants() {
  if (Status status = machine.setInteger(train.inputs.key, mixKey(seed, done)); !status)
    return status;
  if (Status status = machine.setInteger(train.inputs.step, done); !status)
    return status;
  if (Status status = machine.setReal(train.inputs.steps, static_cast<double>(total)); !status)
    return status;
  return machine.setReal(train.inputs.stepsPerEpoch, static_cast<double>(batcher.stepsPerEpoch()));
}

/// Fills the inputs of the programs for a micro-batch.
Status Trainer::fill(int64_t part) {
  if (Status status = fillInputs(machine, train.inputs, train.batch, batch, part); !status)
    return status;
  references.fill(batch, part);
  return Status::success();
}

/// Adds up the loss and the gradients of the micro-batches; cut short by a signal unless the tensors are moved.
Status Trainer::accumulate(bool moved) {
  machine.zero(train.outputs.loss);
  int64_t parts = train.batch.sequences / train.batch.micro;
  if (parts > 1) // else they are written, not added to
    for (uint32_t gradient : train.gradients)
      machine.zero(gradient);
  for (int64_t part = 0; part < parts && (moved || !interruptRequested()); ++part) {
    if (Status status = fill(part); !status)
      return status;
    if (Status status = machine.run(*train.micro); !status)
      return status;
  }
  return Status::success();
}

/// What the losses of the whole batch are divided by; cut short by a signal.
Status Trainer::weigh() {
  int64_t parts = train.batch.sequences / train.batch.micro;
  if (train.weigh) {
    machine.zero(train.outputs.denominators);
    for (int64_t part = 0; part < parts && !interruptRequested(); ++part) {
      if (Status status = fill(part); !status)
        return status;
      if (Status status = machine.run(*train.weigh); !status)
        return status;
    }
    if (Status status = passDenominators(machine, train.outputs, train.inputs); !status)
      return status;
  }
  return Status::success();
}

/// The loss of the whole batch, with its gradients, where the tensors are and at the points that the optimizer asks
/// for; gives the first, and nothing where a signal has cut it short before anything was moved.
Expected<std::optional<double>> Trainer::findLosses() {
  std::optional<double> first;
  if (!train.beginsMoved) {
    if (Status status = accumulate(/*moved=*/false); !status)
      return status.error();
    first = machine.real(train.outputs.loss);
  }
  if (interruptRequested())
    return std::optional<double>();
  for (uint32_t move : train.moves) {
    if (Status status = machine.run(move); !status)
      return status.error();
    if (Status status = accumulate(/*moved=*/true); !status)
      return status.error();
    if (!first)
      first = machine.real(train.outputs.loss);
  }
  return first;
}

/// Names the first tensor whose gradient is not finite.
Error Trainer::explain(std::string_view what) {
  for (size_t i = 0; i < train.gradients.size(); ++i)
    if (!machine.isFinite(train.gradients[i]))
      return makeError(ExitStatus::Numbers,
                       "{}: step {}: {}; the first gradient that is not finite is that of {}\n"
                       "  nothing was saved after it; a lower learning rate or gradient_clip often helps",
                       step.name, done + 1, what, quote(session.manifest.tensors[train.trained[i]].name));
  return makeError(ExitStatus::Numbers, "{}: step {}: {}; all gradients are finite", step.name, done + 1, what);
}

Status Trainer::update() {
  Clock::time_point start = Clock::now();
  batcher.fill(done, batch);
  if (Status status = fillConstants(); !status)
    return status;
  if (Status status = weigh(); !status)
    return status;
  Expected<std::optional<double>> loss = findLosses();
  if (!loss)
    return loss.error();
  if (!*loss)
    return Status::success(); // nothing of this update has changed the state yet
  StepMetrics metrics;
  metrics.loss = **loss;
  if (!std::isfinite(metrics.loss))
    return explain(fmt::format("the loss is {}", metrics.loss));
  if (Status status = machine.run(*train.update); !status)
    return status;
  metrics.lr = machine.real(train.outputs.lr);
  metrics.gradNorm = machine.real(train.outputs.gradNorm);
  if (!std::isfinite(metrics.gradNorm))
    return explain(fmt::format("the norm of the gradients is {}", metrics.gradNorm));
  metrics.step = ++done;
  if (Status status = runBlocks(); !status)
    return status;
  for (const data::Batch &text : batch.texts) {
    metrics.tokens += text.filled;
    metrics.supervisedTokens += text.supervised;
  }
  metrics.train = quotedName;
  metrics.seconds = secondsSince(start);
  return report(metrics);
}

/// What adapters do after so many updates; after the last there is nothing to go on with.
Status Trainer::runBlocks() {
  for (const Block &block : train.every)
    if (done < total && block.happensAfter(done))
      if (Status status = machine.run(block.program); !status)
        return status;
  return Status::success();
}

/// Buffers on the stack: steps allocate nothing.
Status Trainer::report(const StepMetrics &metrics) {
  double weight = stepSeconds == 0 ? 1 : 0.1;
  firstLoss = stepSeconds == 0 ? metrics.loss : firstLoss;
  lastLoss = metrics.loss;
  stepSeconds += weight * (metrics.seconds - stepSeconds);
  tokensPerStep += weight * (static_cast<double>(metrics.tokens) - tokensPerStep);
  fmt::memory_buffer line, details;
  appendMetrics(line, metrics);
  std::string_view text(line.data(), line.size());
  session.console.printJson(text);
  fmt::format_to(std::back_inserter(details), "loss {:.4f}  lr {:.2e}  {:.0f} tokens/s", metrics.loss, metrics.lr,
                 tokensPerStep / stepSeconds);
  session.console.showProgress({step.name,
                                "step",
                                done,
                                total,
                                {details.data(), details.size()},
                                stepSeconds * static_cast<double>(total - done),
                                false});
  return session.metrics.append(text);
}

/// What a training leaves: the trained tensors, and what else adapters have changed.
std::vector<uint32_t> resultsOf(const TrainStep &train) {
  std::vector<uint32_t> tensors = train.trained;
  tensors.insert(tensors.end(), train.kept.begin(), train.kept.end());
  return tensors;
}

/// A checkpoint of numbers that went wrong would be worth nothing.
Status Trainer::checkTrained() {
  for (uint32_t tensor : resultsOf(train))
    if (!machine.isFinite(tensor))
      return makeError(ExitStatus::Numbers,
                       "{}: step {}: {} is not finite after the update; nothing was saved after it", step.name, done,
                       quote(session.manifest.tensors[tensor].name));
  return Status::success();
}

/// What an update changes.
StateParts Trainer::state() {
  StateParts parts;
  for (const std::vector<uint32_t> *tensors : {&train.trained, &train.states, &train.kept})
    for (uint32_t tensor : *tensors)
      parts.push_back(machine.bytes(tensor));
  return parts;
}

Status Trainer::checkpoint() {
  Clock::time_point start = Clock::now();
  if (Status status = checkTrained(); !status)
    return status;
  if (Status status = session.metrics.sync(); !status)
    return status;
  if (Status status = checkpoints.save({done, session.metrics.size()}, state()); !status)
    return status;
  lastCheckpoint = Clock::now();
  checkpointSeconds = secondsSince(start);
  return Status::success();
}

/// By the recipe's count, or by the clock: once a minute, and at most a thirtieth of the time.
bool Trainer::isCheckpointDue() const {
  if (train.checkpointEvery)
    return *train.checkpointEvery > 0 && done % *train.checkpointEvery == 0;
  return secondsSince(lastCheckpoint) > std::max(60.0, 30 * checkpointSeconds);
}

Status Trainer::finish() {
  if (Status status = checkTrained(); !status)
    return status;
  std::vector<TensorSpec> specs;
  for (uint32_t tensor : resultsOf(train)) {
    const Tensor &info = session.manifest.tensors[tensor];
    specs.push_back({info.name, info.type, info.shape});
  }
  std::string path = session.folder.result(step, session.identity(step), ".safetensors");
  Expected<SafetensorsWriter> writer = SafetensorsWriter::create(path, std::move(specs));
  if (!writer)
    return writer.error();
  for (uint32_t tensor : resultsOf(train))
    if (Status status = writer->append(session.manifest.tensors[tensor].name, machine.bytes(tensor)); !status)
      return status;
  if (Status status = writer->commit(); !status)
    return status;
  if (Status status = session.finish(step, {path}); !status)
    return status;
  checkpoints.remove();
  references.remove();
  return Status::success();
}

Expected<Outcome> Trainer::run() {
  Expected<Outcome> begun = begin();
  if (!begun || *begun != Outcome::Done)
    return begun;
  Clock::time_point start = Clock::now();
  int64_t first = done, last = std::min(total, session.options.stopAfter.value_or(total));
  while (done < total) {
    bool isStopped = done >= last;
    if (isStopped || interruptRequested()) {
      if (Status status = checkpoint(); !status)
        return status.error();
      session.console.print(
          fmt::format("{}: stopped after step {} of {}; started again, it goes on from there", step.name, done, total));
      return isStopped ? Outcome::Stopped : Outcome::Interrupted;
    }
    if (Status status = update(); !status)
      return status.error();
    if (done == first + 1)
      if (Status status = session.leaveFiles(last - done); !status)
        return status.error();
    if (done < total && isCheckpointDue())
      if (Status status = checkpoint(); !status)
        return status.error();
  }
  if (Status status = finish(); !status)
    return status.error();
  if (done > first)
    session.console.print(fmt::format("{}: {} steps in {}, loss from {:.4f} to {:.4f}", step.name, done - first,
                                      durationText(secondsSince(start)), firstLoss, lastLoss));
  return Outcome::Done;
}

} // namespace

Expected<Outcome> runTrain(Session &session, const Step &step, const TrainStep &train) {
  if (Status status = session.loadWeights(step); !status)
    return status.error();
  Expected<const data::RecordStore *> records = session.records(train.data);
  if (!records)
    return records.error();
  if (Status status = checkLabels(**records, step, train.classes); !status)
    return status.error();
  return Trainer(session, step, train, **records).run();
}

Status replayTrain(Session &session, const Step &step, const TrainStep &train) {
  std::string path = session.folder.result(step, session.identity(step), ".safetensors");
  Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return file.error();
  for (uint32_t tensor : resultsOf(train)) {
    const Tensor &info = session.manifest.tensors[tensor];
    const StoredTensor *stored = file->find(info.name);
    std::span<std::byte> target = session.machine.bytes(tensor);
    if (!stored || stored->format.element != info.type || stored->bytes.size() != target.size())
      return makeError(ExitStatus::Input, "{}: tensor {} is missing or has another form (--fresh begins anew)", path,
                       quote(info.name));
    std::copy(stored->bytes.begin(), stored->bytes.end(), target.begin());
  }
  return Status::success();
}

} // namespace ftc::run
