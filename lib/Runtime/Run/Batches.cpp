//===- Batches.cpp - from rows of tokens to the inputs of programs -----------===//

#include "Steps.h"

#include <algorithm>

namespace ftc::run {

data::Batcher makeBatcher(const data::DocumentStore &documents, const BatchShape &shape, bool shuffle, int64_t seed) {
  data::BatchOptions options;
  options.rows = shape.sequences;
  options.tokens = shape.tokens;
  options.packing = shape.packing;
  options.shuffle = shuffle;
  options.seed = static_cast<uint64_t>(seed);
  return data::Batcher(documents, options);
}

Status fillInputs(Machine &machine, const Inputs &inputs, const BatchShape &shape, const data::Batch &batch,
                  int64_t micro) {
  auto places = static_cast<size_t>(shape.micro * shape.tokens);
  size_t begin = static_cast<size_t>(micro) * places;
  auto part = [&](const auto &values) { return std::span(values).subspan(begin, places); };
  if (Status status = machine.fill(inputs.inputIds, part(batch.inputIds)); !status)
    return status;
  if (Status status = machine.fill(inputs.targets, part(batch.targets)); !status)
    return status;
  if (Status status = machine.fill(inputs.weights, part(batch.weights)); !status)
    return status;
  if (Status status = machine.fill(inputs.positions, part(batch.positions)); !status)
    return status;
  if (Status status = machine.fill(inputs.segments, part(batch.segments)); !status)
    return status;
  return machine.setInteger(inputs.row, micro * shape.micro);
}

Status passDenominators(Machine &machine, const Outputs &outputs, const Inputs &inputs) {
  if (!outputs.denominators || !inputs.denominators)
    return Status::success();
  std::vector<double> sums = machine.reals(*outputs.denominators);
  std::span<double> target = machine.elements<double>(*inputs.denominators);
  if (sums.size() != target.size())
    return makeError(ExitStatus::Bug, "{} denominators are computed, {} used", sums.size(), target.size());
  std::transform(sums.begin(), sums.end(), target.begin(), [](double sum) { return sum == 0 ? 1 : sum; });
  return Status::success();
}

} // namespace ftc::run
