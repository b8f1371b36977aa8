#include "ftc/Runtime/Data/RecordStore.h"

namespace ftc::runtime::data {

RecordBatcher::RecordBatcher(const RecordStore &store, const BatchOptions &options) : store(&store) {
  // Without packing the order of rows depends on their number alone, so that it is the same for all texts.
  for (const DocumentStore &text : store.texts)
    batchers.emplace_back(text, options);
  numbers = batchers.front().counts();
  for (size_t i = 1; i < batchers.size(); ++i) {
    const BatchCounts &text = batchers[i].counts();
    numbers.tokens += text.tokens;
    numbers.supervised += text.supervised;
    numbers.truncatedDocuments += text.truncatedDocuments;
    numbers.truncatedTokens += text.truncatedTokens;
    numbers.unsupervisedDocuments += text.unsupervisedDocuments;
    numbers.efficiency += text.efficiency;
  }
  numbers.efficiency /= static_cast<double>(batchers.size());
}

void RecordBatcher::fill(int64_t step, RecordBatch &batch) const {
  batch.kind = store->kind;
  batch.texts.resize(batchers.size());
  for (size_t i = 0; i < batchers.size(); ++i)
    batchers[i].fill(step, batch.texts[i]);
  fillNumbers(batch);
  if (store->fields.empty())
    return;
  const Batch &front = batch.front();
  batch.fields.assign(static_cast<size_t>(front.rows), 0);
  for (size_t row = 0; row < batch.fields.size(); ++row)
    if (int64_t document = front.documents[row * static_cast<size_t>(front.tokens)]; document >= 0)
      batch.fields[row] = store->fields[static_cast<size_t>(document)];
}

void RecordBatcher::fillNumbers(RecordBatch &batch) const {
  const Batch &front = batch.front();
  size_t stride = store->kind->isOneText() ? 1 : static_cast<size_t>(front.tokens);
  for (const auto &[name, ofDocuments] : store->numbers) {
    std::vector<double> &numbers = batch.numbers[name];
    numbers.assign(front.documents.size() / stride, 0);
    for (size_t i = 0; i < numbers.size(); ++i)
      if (int64_t document = front.documents[i * stride]; document >= 0)
        numbers[i] = ofDocuments[static_cast<size_t>(document)];
  }
}

} // namespace ftc::runtime::data
