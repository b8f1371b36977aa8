//===- Evaluate.cpp - the loss on a whole data set, and saved logits ---------===//

#include "Steps.h"

#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/Run/Interrupt.h"
#include "ftc/Runtime/Run/Metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace ftc::run {
namespace {

/// Runs a program on all batches of a data set, in the file's order; `after` is called with the number of the part that
/// the program has seen.
Expected<Outcome> forEachPart(Session &session, const Step &step, const data::RecordBatcher &batcher,
                              const BatchShape &shape, const Inputs &inputs, uint32_t program,
                              const std::function<Status(int64_t)> &after) {
  data::RecordBatch batch;
  int64_t parts = shape.sequences / shape.micro;
  for (int64_t i = 0; i < batcher.stepsPerEpoch(); ++i) {
    if (interruptRequested())
      return Outcome::Interrupted;
    batcher.fill(i, batch);
    for (int64_t part = 0; part < parts; ++part) {
      if (Status status = fillInputs(session.machine, inputs, shape, batch, part); !status)
        return status.error();
      if (Status status = session.machine.run(program); !status)
        return status.error();
      if (Status status = after(part); !status)
        return status.error();
    }
    if (i == 0)
      if (Status status = session.leaveFiles(batcher.stepsPerEpoch() - 1); !status)
        return status.error();
    session.console.showProgress({step.name, "batch", i + 1, batcher.stepsPerEpoch(), "", -1, true});
  }
  return Outcome::Done;
}

const auto nothing = [](int64_t) { return Status::success(); };

} // namespace

/// An evaluation's line in the metrics, and its entry in the ledger.
static Expected<Outcome> record(Session &session, const Step &step, const std::string &line) {
  if (Status status = session.beginMetrics(); !status)
    return status.error();
  if (Status status = session.metrics.append(line); !status)
    return status.error();
  if (Status status = session.finish(step, {}); !status)
    return status.error();
  return Outcome::Done;
}

Expected<Outcome> runEvaluate(Session &session, const Step &step, const EvaluateStep &evaluate) {
  if (Status status = session.loadWeights(step); !status)
    return status.error();
  Expected<const data::RecordStore *> records = session.records(evaluate.data);
  if (!records)
    return records.error();
  Machine &machine = session.machine;
  if (Status status = checkLabels(**records, step, evaluate.classes); !status)
    return status.error();
  data::RecordBatcher batcher = makeBatcher(**records, evaluate.batch, false, 0);
  if (Status status = checkBatches(batcher, step, evaluate.batch); !status)
    return status.error();
  bool isCalibration = step.kind == "calibrate";
  if (batcher.counts().supervised == 0 && !isCalibration)
    return makeError(ExitStatus::Input, "{}: no token of the data is to be predicted, so there is no loss", step.name);
  if (evaluate.weigh) {
    machine.zero(evaluate.outputs.denominators);
    Expected<Outcome> outcome =
        forEachPart(session, step, batcher, evaluate.batch, evaluate.inputs, *evaluate.weigh, nothing);
    if (!outcome || *outcome != Outcome::Done)
      return outcome;
    if (Status status = passDenominators(machine, evaluate.outputs, evaluate.inputs); !status)
      return status.error();
  }
  machine.zero(evaluate.outputs.loss);
  for (uint32_t gradient : evaluate.gradients)
    machine.zero(gradient);
  Expected<Outcome> outcome =
      forEachPart(session, step, batcher, evaluate.batch, evaluate.inputs, *evaluate.micro, nothing);
  if (!outcome || *outcome != Outcome::Done)
    return outcome;
  double loss = machine.real(evaluate.outputs.loss);
  if (!std::isfinite(loss))
    return makeError(ExitStatus::Numbers, "{}: the loss is {}", step.name, loss);
  for (uint32_t gradient : evaluate.gradients)
    if (!machine.isFinite(gradient))
      return makeError(ExitStatus::Numbers, "{}: {} is not finite", step.name,
                       quote(session.manifest.tensors[gradient].name));
  if (isCalibration) {
    session.console.print(fmt::format("{}: {:.0f} tokens", step.name, loss));
    return Outcome::Done;
  }
  std::string line = evaluationLine(step.name, loss);
  session.console.printJson(line);
  session.console.print(fmt::format("{}: loss {:.6f}, perplexity {:.4f} ({} tokens)", step.name, loss, std::exp(loss),
                                    batcher.counts().supervised));
  return step.kind == "evaluate" ? record(session, step, line) : Outcome::Done;
}

Expected<Outcome> runLogits(Session &session, const Step &step, const LogitsStep &logits) {
  if (Status status = session.loadWeights(step); !status)
    return status.error();
  Expected<const data::RecordStore *> records = session.records(logits.data);
  if (!records)
    return records.error();
  data::RecordBatcher batcher = makeBatcher(**records, logits.batch, false, 0);
  const Tensor &info = session.manifest.tensors[logits.logits];
  int64_t rows = batcher.counts().rows;
  std::string path = session.folder.result(step, session.identity(step), ".safetensors");
  Expected<SafetensorsWriter> writer =
      SafetensorsWriter::create(path, {{"logits", ElementType::F32, {rows, info.shape[1], info.shape[2]}}});
  if (!writer)
    return writer.error();
  int64_t written = 0;
  std::vector<float> values(static_cast<size_t>(info.elements()));
  auto write = [&](int64_t) -> Status {
    // The last batch is filled up with rows of padding.
    int64_t count = std::min(logits.batch.micro, rows - written);
    written += count;
    convertFloats(info.type, session.machine.bytes(logits.logits).data(), ElementType::F32, values.data(),
                  values.size());
    int64_t rowValues = info.shape[1] * info.shape[2];
    std::span<const float> kept(values.data(), static_cast<size_t>(count * rowValues));
    auto wrong = std::find_if(kept.begin(), kept.end(), [](float value) { return !std::isfinite(value); });
    if (wrong != kept.end())
      return makeError(ExitStatus::Numbers, "{}: row {}: a logit is not finite", step.name,
                       written - count + (wrong - kept.begin()) / rowValues + 1);
    return writer->append("logits", std::as_bytes(kept));
  };
  Expected<Outcome> outcome = forEachPart(session, step, batcher, logits.batch, logits.inputs, logits.forward, write);
  if (!outcome || *outcome != Outcome::Done)
    return outcome;
  if (Status status = writer->commit(); !status)
    return status.error();
  if (Status status = session.finish(step, {path}); !status)
    return status.error();
  return Outcome::Done;
}

} // namespace ftc::run
