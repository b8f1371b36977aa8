//===- References.cpp - what other models say of the data --------------------===//

#include "References.h"

#include "ftc/Runtime/IO/Safetensors.h"
#include "ftc/Runtime/Run/Interrupt.h"

#include <cstring>
#include <filesystem>

namespace ftc::run {

References::References(Session &session, const Step &step, const TrainStep &train, const data::RecordStore &records)
    : session(session), step(step), train(train), records(records),
      path(session.folder.result(step, session.identity(step), ".references")) {
  for (const Reference &reference : train.references) {
    Values values{&reference, 0, session.manifest.tensors[reference.output].type, {}};
    while (values.text + 1 < records.texts.size() && records.kind->texts[values.text] != reference.text)
      ++values.text;
    values.bytes.resize(static_cast<size_t>(records.texts[values.text].tokens()) * byteSize(values.type));
    all.push_back(std::move(values));
  }
}

Expected<Outcome> References::prepare() {
  if (!train.refer || read())
    return Outcome::Done;
  Expected<Outcome> outcome = compute();
  if (!outcome || *outcome != Outcome::Done)
    return outcome;
  if (Status status = write(); !status)
    return status.error();
  return Outcome::Done;
}

/// False where there is no file, or not this one.
bool References::read() {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return false;
  Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return false;
  for (size_t i = 0; i < all.size(); ++i) {
    const StoredTensor *stored = file->find(std::to_string(i));
    if (!stored || stored->format.element != all[i].type || stored->bytes.size() != all[i].bytes.size())
      return false;
    std::copy(stored->bytes.begin(), stored->bytes.end(), all[i].bytes.begin());
  }
  return true;
}

Expected<Outcome> References::compute() {
  BatchShape shape = train.batch;
  shape.whole = false; // every row is seen
  data::RecordBatcher batcher = makeBatcher(records, shape, /*shuffle=*/false, 0);
  data::RecordBatch batch;
  for (int64_t i = 0; i < batcher.stepsPerEpoch(); ++i) {
    if (interruptRequested())
      return Outcome::Interrupted;
    batcher.fill(i, batch);
    for (int64_t part = 0; part < shape.sequences / shape.micro; ++part) {
      if (Status status = fillInputs(session.machine, train.inputs, shape, batch, part); !status)
        return status.error();
      if (Status status = session.machine.run(*train.refer); !status)
        return status.error();
      keep(batch, part);
    }
    session.console.showProgress({step.name, "reference batch", i + 1, batcher.stepsPerEpoch(), "", -1, true});
  }
  return Outcome::Done;
}

/// Takes what the program has given for one micro-batch.
void References::keep(const data::RecordBatch &batch, int64_t micro) {
  auto places = static_cast<size_t>(train.batch.micro * train.batch.tokens);
  for (Values &values : all) {
    size_t size = byteSize(values.type);
    std::span<const std::byte> from = session.machine.bytes(values.reference->output);
    const std::vector<int64_t> &numbers = batch.texts[values.text].places;
    for (size_t i = 0; i < places; ++i)
      if (int64_t number = numbers[static_cast<size_t>(micro) * places + i]; number >= 0)
        std::memcpy(values.bytes.data() + static_cast<size_t>(number) * size, from.data() + i * size, size);
  }
}

void References::fill(const data::RecordBatch &batch, int64_t micro) {
  auto places = static_cast<size_t>(train.batch.micro * train.batch.tokens);
  for (const Values &values : all) {
    if (!values.reference->input)
      continue;
    size_t size = byteSize(values.type);
    std::span<std::byte> to = session.machine.bytes(*values.reference->input);
    std::memset(to.data(), 0, to.size());
    const std::vector<int64_t> &numbers = batch.texts[values.text].places;
    for (size_t i = 0; i < places; ++i)
      if (int64_t number = numbers[static_cast<size_t>(micro) * places + i]; number >= 0)
        std::memcpy(to.data() + i * size, values.bytes.data() + static_cast<size_t>(number) * size, size);
  }
}

Status References::write() const {
  std::vector<TensorSpec> specs;
  for (size_t i = 0; i < all.size(); ++i)
    specs.push_back({std::to_string(i), all[i].type, {records.texts[all[i].text].tokens()}});
  Expected<SafetensorsWriter> writer = SafetensorsWriter::create(path, std::move(specs));
  if (!writer)
    return writer.error();
  for (size_t i = 0; i < all.size(); ++i)
    if (Status status = writer->append(std::to_string(i), all[i].bytes); !status)
      return status;
  return writer->commit();
}

void References::remove() const {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

} // namespace ftc::run
