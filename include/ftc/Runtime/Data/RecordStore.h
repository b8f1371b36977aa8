//===- RecordStore.h - the rows of a data set, and batches of them -*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_RECORDSTORE_H
#define FTC_RUNTIME_DATA_RECORDSTORE_H

#include "ftc/Runtime/Data/Batch.h"
#include "ftc/Runtime/Data/Record.h"

#include <map>
#include <string>

namespace ftc::runtime::data {

/// All rows of a data set. Where a row has several texts, or a field, document i of each store belongs to row i.
struct RecordStore {
  const RecordKind *kind = &recordKinds[0];
  std::vector<DocumentStore> texts;
  std::vector<int32_t> fields;                        // empty where rows have none
  std::map<std::string, std::vector<double>> numbers; // of every document, by name

  explicit RecordStore(const RecordKind &kind = recordKinds[0]) : kind(&kind), texts(kind.textCount()) {
    for (DocumentStore &text : texts)
      text.weighing = kind.weighing;
  }
  int64_t size() const { return texts.front().size(); }
};

/// The same rows of all texts.
struct RecordBatch {
  const RecordKind *kind = nullptr;
  std::vector<Batch> texts;
  std::vector<int32_t> fields; // [rows], 0 in padding
  /// By name: of the document of each place, [rows, tokens], where the row is the only text, else [rows]; 0 in padding.
  std::map<std::string, std::vector<double>> numbers;

  const Batch &front() const { return texts.front(); }
};

/// Computes the batches of a data set; the store must outlive it.
class RecordBatcher {
public:
  RecordBatcher(const RecordStore &store, const BatchOptions &options);

  /// Records and their rows and steps; texts, tokens, targets and places are those of all texts.
  const BatchCounts &counts() const { return numbers; }
  int64_t stepsPerEpoch() const { return numbers.stepsPerEpoch; }
  void fill(int64_t step, RecordBatch &batch) const;

private:
  void fillNumbers(RecordBatch &batch) const;

  const RecordStore *store;
  std::vector<Batcher> batchers;
  BatchCounts numbers;
};

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_RECORDSTORE_H
