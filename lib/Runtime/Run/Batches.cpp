//===- Batches.cpp - from rows of tokens to the inputs of programs -----------===//

#include "Steps.h"

#include <algorithm>

namespace ftc::run {

data::RecordBatcher makeBatcher(const data::RecordStore &records, const BatchShape &shape, bool shuffle, int64_t seed) {
  data::BatchOptions options;
  options.rows = shape.sequences;
  options.tokens = shape.tokens;
  options.packing = shape.packing;
  options.whole = shape.whole;
  options.virtualTokens = shape.virtualTokens;
  options.shuffle = shuffle;
  options.seed = static_cast<uint64_t>(seed);
  return data::RecordBatcher(records, options);
}

Status checkBatches(const data::RecordBatcher &batcher, const Step &step, const BatchShape &shape) {
  if (batcher.stepsPerEpoch() > 0)
    return Status::success();
  return makeError(ExitStatus::Input, "{}: the data have {} rows, fewer than a batch of {}", step.name,
                   batcher.counts().rows, shape.sequences);
}

Status checkLabels(const data::RecordStore &records, const Step &step, std::optional<int64_t> classes) {
  for (size_t row = 0; classes && row < records.fields.size(); ++row)
    if (records.fields[row] >= *classes)
      return makeError(ExitStatus::Input, "{}: example {} has the label {}, the model knows 0 to {}", step.name,
                       row + 1, records.fields[row], *classes - 1);
  return Status::success();
}

/// Fills the inputs of one text.
static Status fillText(Machine &machine, const TextInputs &inputs, const data::Batch &batch, size_t begin,
                       size_t places) {
  auto part = [&](const auto &values) { return std::span(values).subspan(begin, places); };
  if (Status status = machine.fill(inputs.inputIds, part(batch.inputIds)); !status)
    return status;
  if (Status status = machine.fill(inputs.targets, part(batch.targets)); !status)
    return status;
  if (Status status = machine.fill(inputs.weights, part(batch.weights)); !status)
    return status;
  if (Status status = machine.fill(inputs.positions, part(batch.positions)); !status)
    return status;
  return machine.fill(inputs.segments, part(batch.segments));
}

Status fillInputs(Machine &machine, const Inputs &inputs, const BatchShape &shape, const data::RecordBatch &batch,
                  int64_t micro) {
  auto places = static_cast<size_t>(shape.micro * shape.tokens), rows = static_cast<size_t>(shape.micro);
  size_t begin = static_cast<size_t>(micro) * places;
  if (batch.texts.size() == 1)
    if (Status status = fillText(machine, inputs, batch.front(), begin, places); !status)
      return status;
  for (size_t i = 0; i < batch.texts.size() && batch.texts.size() > 1; ++i)
    if (auto text = inputs.texts.find(std::string(batch.kind->texts[i])); text != inputs.texts.end())
      if (Status status = fillText(machine, text->second, batch.texts[i], begin, places); !status)
        return status;
  if (!batch.fields.empty()) {
    std::span<const int32_t> fields = std::span(batch.fields).subspan(static_cast<size_t>(micro) * rows, rows);
    if (Status status = machine.fill(inputs.field, fields); !status)
      return status;
  }
  for (const auto &[name, numbers] : batch.numbers) {
    auto input = inputs.numbers.find(name);
    if (input == inputs.numbers.end())
      continue;
    size_t count = numbers.size() / static_cast<size_t>(shape.sequences) * rows;
    std::span<const double> part = std::span(numbers).subspan(static_cast<size_t>(micro) * count, count);
    if (Status status = machine.fill(input->second, part); !status)
      return status;
  }
  return machine.setInteger(inputs.row, micro * shape.micro);
}

Status passDenominators(Machine &machine, const Outputs &outputs, const Inputs &inputs) {
  if (!outputs.denominators || !inputs.denominators)
    return Status::success();
  std::span<double> target = machine.elements<double>(*inputs.denominators);
  if (int64_t sums = machine.count(*outputs.denominators); sums != static_cast<int64_t>(target.size()))
    return makeError(ExitStatus::Bug, "{} denominators are computed, {} used", sums, target.size());
  machine.readReals(*outputs.denominators, target);
  std::replace(target.begin(), target.end(), 0.0, 1.0);
  return Status::success();
}

} // namespace ftc::run
