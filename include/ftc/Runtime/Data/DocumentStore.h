//===- DocumentStore.h - the documents of a data set in memory --*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_DOCUMENTSTORE_H
#define FTC_RUNTIME_DATA_DOCUMENTSTORE_H

#include "ftc/Runtime/Data/Record.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ftc::runtime::data {

/// A label that says "no target", as in Hugging Face's files.
inline constexpr int32_t ignoredLabel = -100;

/// Tokens up to `end` (from where the run before ends) count `weight` in the loss, as targets.
struct WeightRun {
  int32_t end = 0;
  float weight = 0;
};

/// One example. `labels[i]` is what position i - 1 is to predict; without labels they are the ids themselves. The
/// first label has no position to predict it.
struct Sequence {
  std::vector<int32_t> ids;
  std::vector<int32_t> labels;
  std::vector<WeightRun> weights;
};

/// A view of a stored sequence.
struct Document {
  std::span<const int32_t> ids;
  std::span<const int32_t> labels;
  std::span<const WeightRun> weights;
};

/// All documents of a data set: 4 bytes a token, 8 with labels of its own.
class DocumentStore {
public:
  void add(const Sequence &sequence);

  int64_t size() const { return static_cast<int64_t>(entries.size()) - 1; }
  Document operator[](int64_t index) const;
  int64_t length(int64_t index) const;
  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  /// The number of a document's first token among all.
  int64_t firstToken(int64_t index) const { return entries[static_cast<size_t>(index)].token; }

  /// Documents longer than a row are cut into several rows; else what is too long is lost.
  bool cutsLongDocuments = false;
  Weighing weighing = Weighing::NextTokens;
  /// Rows of the file, also those without a token.
  int64_t fileRows = 0;
  int64_t emptyRows = 0;

private:
  /// Where a document begins.
  struct Entry {
    int64_t token = 0;
    int64_t label = 0;
    int64_t weight = 0;
  };

  std::vector<int32_t> ids;
  std::vector<int32_t> labels;
  std::vector<WeightRun> weights;
  std::vector<Entry> entries{Entry{}}; // one more than documents
};

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_DOCUMENTSTORE_H
