//===- Steps.h - what each kind of step does ---------------------------------===//
//
// A function performs one step: the steps it uses have been done, the session's arena holds their tensors.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "ftc/Runtime/Data/Batch.h"
#include "ftc/Runtime/Run/Session.h"

namespace ftc::run {

Status runAdapt(Session &session, const Step &step, const AdaptStep &adapt);
Status runRestore(Session &session, const Step &step, const RestoreStep &restore);
Status runMerge(Session &session, const Step &step, const MergeStep &merge);
Expected<Outcome> runTrain(Session &session, const Step &step, const TrainStep &train);
Expected<Outcome> runEvaluate(Session &session, const Step &step, const EvaluateStep &evaluate);
Expected<Outcome> runGenerate(Session &session, const Step &step, const GenerateStep &generate);
Expected<Outcome> runLogits(Session &session, const Step &step, const LogitsStep &logits);
Status runSave(Session &session, const Step &step, const SaveStep &save);

/// Puts the trained tensors of a finished training back into the arena.
Status replayTrain(Session &session, const Step &step, const TrainStep &train);

/// Where a saved step is written.
std::string outputPath(const Session &session, const SaveStep &save);
/// Fails early if the output of a `save` step could not be written or would replace what the recipe reads.
Status checkOutput(const Session &session, const Step &step, const SaveStep &save);

/// The batches that a program sees.
data::RecordBatcher makeBatcher(const data::RecordStore &records, const BatchShape &shape, bool shuffle, int64_t seed);

/// Fails where an epoch has no batch.
Status checkBatches(const data::RecordBatcher &batcher, const Step &step, const BatchShape &shape);

/// Fails where a row has a label that the model does not know.
Status checkLabels(const data::RecordStore &records, const Step &step, std::optional<int64_t> classes);

/// Fills the inputs for rows `micro * shape.micro` ... of a batch.
Status fillInputs(Machine &machine, const Inputs &inputs, const BatchShape &shape, const data::RecordBatch &batch,
                  int64_t micro);

/// Copies the denominators that `weigh` has summed to the inputs of `micro`; where nothing counts, 1 keeps the loss 0.
Status passDenominators(Machine &machine, const Outputs &outputs, const Inputs &inputs);

} // namespace ftc::run
