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
  if (store->fields.empty())
    return;
  batch.fields.assign(batch.front().documents.size(), 0);
  for (size_t row = 0; row < batch.fields.size(); ++row)
    if (int64_t document = batch.front().documents[row]; document >= 0)
      batch.fields[row] = store->fields[static_cast<size_t>(document)];
}

} // namespace ftc::runtime::data
