//===- Batch.h - rows of tokens, ready for a program ------------*- C++ -*-===//
//
// A batch is a pure function of (documents, options, step): nothing is remembered from one call to the next, so a run
// that is resumed at any step sees what an undisturbed one sees.
//
// An epoch shows every document once. Documents are put into rows once, before the first epoch; each epoch then orders
// the rows anew (`shuffle`), so that all epochs have the same number of steps. The last batch of an epoch is filled up
// with rows of padding: all weights 0, all segments -1.
//
//===----------------------------------------------------------------------===//
#ifndef FTC_RUNTIME_DATA_BATCH_H
#define FTC_RUNTIME_DATA_BATCH_H

#include "ftc/Runtime/Data/DocumentStore.h"

#include <cstdint>
#include <span>
#include <vector>

namespace ftc::runtime::data {

/// How documents become rows. Without `packing` a document has a row of its own, cut to the row's length. With it,
/// documents share rows: first-fit-decreasing, documents of equal length in an order drawn from the seed; without
/// `shuffle`, each document goes into the row that is being filled or begins the next (next-fit), so that the file's
/// order is kept.
struct BatchOptions {
  int64_t rows = 1;
  int64_t tokens = 1;
  bool packing = true;
  bool shuffle = true;
  /// No batch has padding rows: those that would not fill the last one of an epoch are left out.
  bool whole = false;
  uint64_t seed = 0;
  /// Places at the beginning of every document that the model fills: token 0, no weight. They count in `tokens` and in
  /// positions; where there are any, the first token has a target too. Less than `tokens`.
  int64_t virtualTokens = 0;
};

/// One batch; every array is row-major [rows, tokens].
struct Batch {
  int64_t rows = 0;
  int64_t tokens = 0;
  std::vector<int32_t> inputIds;  // 0 in padding
  std::vector<int32_t> targets;   // already shifted: the label of the next token; 0 where there is none
  std::vector<float> weights;     // of the target in the loss; 0 where there is none
  std::vector<int32_t> positions; // within the document; 0 in padding
  std::vector<int32_t> segments;  // number of the document in its row, from 0; -1 in padding
  std::vector<int64_t> places;    // number of the token among all of the store; -1 in padding
  std::vector<int64_t> documents; // number of the place's document in the store; -1 in padding
  int64_t filled = 0;             // tokens that are no padding
  int64_t supervised = 0;         // targets of a weight above 0
};

/// What `ftc plan` and `ftc preview` say of the data under given options.
struct BatchCounts {
  int64_t documents = 0;             // shown per epoch
  int64_t rows = 0;                  // per epoch, without the padding rows of the last batch
  int64_t tokens = 0;                // shown per epoch, without padding
  int64_t supervised = 0;            // targets of a weight above 0, per epoch
  int64_t truncatedDocuments = 0;    // longer than a row, and not cut into several
  int64_t truncatedTokens = 0;       // not shown because of that
  int64_t unsupervisedDocuments = 0; // without a target in what is shown of them
  int64_t stepsPerEpoch = 0;
  /// Share of the places in the epoch's rows that hold tokens, 0 to 1.
  double efficiency = 0;
};

/// Computes the batches of a data set; `documents` must outlive it. A copy is cheap but for the table of rows.
class Batcher {
public:
  Batcher(const DocumentStore &documents, const BatchOptions &options);

  const BatchCounts &counts() const { return numbers; }
  const BatchOptions &options() const { return choices; }
  int64_t stepsPerEpoch() const { return numbers.stepsPerEpoch; }

  /// The batch of a step, counted from 0 through all epochs. Needs at least one document.
  void fill(int64_t step, Batch &batch) const;
  Batch batch(int64_t step) const;

private:
  /// Part of a document that lies in one row.
  struct Part {
    int64_t document = 0;
    int64_t begin = 0;
    int64_t length = 0;
  };

  void cutDocuments();
  void sortByLength();
  void assignRows();
  void count();
  /// Calls `visit(place in the part, label, weight)` for every target of a part.
  template <typename Visit> void forEachTarget(const Part &part, Visit visit) const;
  void fillRow(std::span<const Part> row, size_t offset, Batch &batch) const;
  /// The row shown at `place` of an epoch.
  int64_t rowAt(int64_t epoch, int64_t place) const;

  const DocumentStore *documents;
  BatchOptions choices;
  BatchCounts numbers;
  std::vector<Part> parts;       // row after row
  std::vector<int64_t> rowBegin; // the first part of each row, and the end
  mutable int64_t orderEpoch = -1;
  mutable std::vector<uint32_t> rowOrder; // of epoch `orderEpoch`: computed when it is first asked for, not state
};

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_BATCH_H
