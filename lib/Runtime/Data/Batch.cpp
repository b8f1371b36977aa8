#include "ftc/Runtime/Data/Batch.h"

#include "Permutation.h"
#include "RowFitter.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace ftc::runtime::data {

namespace {

/// The permutation that orders documents before they are put into rows is of no epoch's rows.
constexpr uint32_t packingEpoch = UINT32_MAX;

} // namespace

Batcher::Batcher(const DocumentStore &store, const BatchOptions &options) : documents(&store), choices(options) {
  assert(options.rows > 0 && options.virtualTokens >= 0 && options.tokens > options.virtualTokens);
  cutDocuments();
  assignRows();
  count();
}

void Batcher::cutDocuments() {
  auto total = static_cast<uint32_t>(documents->size());
  std::vector<uint32_t> order;
  if (choices.packing && choices.shuffle) {
    order = permutation(total, choices.seed, packingEpoch);
  } else {
    order.resize(total);
    std::iota(order.begin(), order.end(), 0);
  }
  int64_t room = choices.tokens - choices.virtualTokens;
  for (int64_t document : order) {
    int64_t length = documents->length(document);
    int64_t shown = documents->cutsLongDocuments ? length : std::min(length, room);
    for (int64_t begin = 0; begin < shown; begin += room)
      parts.push_back({document, begin, std::min(shown - begin, room)});
    numbers.truncatedDocuments += shown < length;
    numbers.truncatedTokens += length - shown;
  }
}

/// Long parts first; parts of one length stay in their order.
void Batcher::sortByLength() {
  std::vector<size_t> next(static_cast<size_t>(choices.tokens) + 1); // where the next part shorter by i than a row goes
  for (const Part &part : parts)
    ++next[static_cast<size_t>(choices.tokens - part.length) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<Part> sorted(parts.size());
  for (const Part &part : parts)
    sorted[next[static_cast<size_t>(choices.tokens - part.length)]++] = part;
  parts = std::move(sorted);
}

void Batcher::assignRows() {
  std::vector<int64_t> rowOf(parts.size());
  if (!choices.packing) {
    std::iota(rowOf.begin(), rowOf.end(), 0);
  } else if (choices.shuffle) {
    sortByLength();
    RowFitter fitter(static_cast<int64_t>(parts.size()), choices.tokens);
    for (size_t i = 0; i < parts.size(); ++i)
      rowOf[i] = fitter.place(parts[i].length + choices.virtualTokens);
  } else {
    int64_t row = -1, room = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      int64_t length = parts[i].length + choices.virtualTokens;
      if (length > room) {
        ++row;
        room = choices.tokens;
      }
      rowOf[i] = row;
      room -= length;
    }
  }
  // Counting sort by row; within a row the order stays.
  int64_t rows = rowOf.empty() ? 0 : *std::max_element(rowOf.begin(), rowOf.end()) + 1;
  rowBegin.assign(static_cast<size_t>(rows) + 1, 0);
  for (int64_t row : rowOf)
    ++rowBegin[static_cast<size_t>(row) + 1];
  std::partial_sum(rowBegin.begin(), rowBegin.end(), rowBegin.begin());
  std::vector<int64_t> next = rowBegin;
  std::vector<Part> sorted(parts.size());
  for (size_t i = 0; i < parts.size(); ++i)
    sorted[static_cast<size_t>(next[static_cast<size_t>(rowOf[i])]++)] = parts[i];
  parts = std::move(sorted);
}

void Batcher::count() {
  numbers.documents = documents->size();
  numbers.rows = static_cast<int64_t>(rowBegin.size()) - 1;
  numbers.stepsPerEpoch = (numbers.rows + (choices.whole ? 0 : choices.rows - 1)) / choices.rows;
  std::vector<bool> supervised(static_cast<size_t>(documents->size()));
  for (const Part &part : parts) {
    numbers.tokens += part.length;
    forEachTarget(part, [&](int64_t, int32_t, float) {
      ++numbers.supervised;
      supervised[static_cast<size_t>(part.document)] = true;
    });
  }
  numbers.unsupervisedDocuments = std::count(supervised.begin(), supervised.end(), false);
  if (numbers.rows > 0)
    numbers.efficiency =
        static_cast<double>(numbers.tokens) / (static_cast<double>(numbers.rows) * static_cast<double>(choices.tokens));
}

template <typename Visit> void Batcher::forEachTarget(const Part &part, Visit visit) const {
  Document document = (*documents)[part.document];
  if (documents->weighing != Weighing::NextTokens) {
    int64_t first = documents->weighing == Weighing::LastToken ? part.length - 1 : 0;
    for (int64_t place = first; place < part.length; ++place)
      visit(place, 0, 1.0F);
    return;
  }
  auto length = static_cast<int64_t>(document.ids.size());
  // The last token of a part predicts the first of the next part, if that is shown at all.
  int64_t end = std::min(part.begin + part.length + (documents->cutsLongDocuments ? 1 : 0), length);
  std::span<const int32_t> labels = document.labels.empty() ? document.ids : document.labels;
  // What the model puts before a document predicts its first token.
  int64_t token = part.begin + (choices.virtualTokens > 0 && part.begin == 0 ? 0 : 1);
  for (const WeightRun &run : document.weights) {
    int64_t runEnd = std::min<int64_t>(run.end, end);
    if (run.weight > 0)
      for (; token < runEnd; ++token)
        if (int32_t label = labels[static_cast<size_t>(token)]; label != ignoredLabel)
          visit(token - 1 - part.begin, label, run.weight);
    token = std::max(token, runEnd);
  }
}

void Batcher::fill(int64_t step, Batch &batch) const {
  assert(step >= 0 && numbers.stepsPerEpoch > 0);
  batch.rows = choices.rows;
  batch.tokens = choices.tokens;
  auto places = static_cast<size_t>(choices.rows * choices.tokens);
  batch.inputIds.assign(places, 0);
  batch.targets.assign(places, 0);
  batch.weights.assign(places, 0);
  batch.positions.assign(places, 0);
  batch.segments.assign(places, -1);
  batch.places.assign(places, -1);
  batch.documents.assign(places, -1);
  batch.filled = batch.supervised = 0;
  int64_t epoch = step / numbers.stepsPerEpoch, first = step % numbers.stepsPerEpoch * choices.rows;
  for (int64_t row = 0; row < choices.rows && first + row < numbers.rows; ++row) {
    auto shown = static_cast<size_t>(rowAt(epoch, first + row));
    auto begin = static_cast<size_t>(rowBegin[shown]), end = static_cast<size_t>(rowBegin[shown + 1]);
    fillRow(std::span(parts).subspan(begin, end - begin), static_cast<size_t>(row * choices.tokens), batch);
  }
}

Batch Batcher::batch(int64_t step) const {
  Batch result;
  fill(step, result);
  return result;
}

void Batcher::fillRow(std::span<const Part> row, size_t offset, Batch &batch) const {
  for (size_t segment = 0; segment < row.size(); ++segment) {
    const Part &part = row[segment];
    auto length = static_cast<size_t>(part.length), before = static_cast<size_t>(choices.virtualTokens);
    Document document = (*documents)[part.document];
    auto at = [&offset](auto &values) { return values.begin() + static_cast<std::ptrdiff_t>(offset); };
    std::iota(at(batch.positions), at(batch.positions) + choices.virtualTokens + part.length, 0);
    std::fill_n(at(batch.segments), before + length, static_cast<int32_t>(segment));
    std::fill_n(at(batch.documents), before + length, part.document);
    offset += before;
    std::copy_n(document.ids.begin() + part.begin, length, at(batch.inputIds));
    std::iota(at(batch.places), at(batch.places) + part.length, documents->firstToken(part.document) + part.begin);
    forEachTarget(part, [&](int64_t place, int32_t label, float weight) {
      auto target = static_cast<size_t>(static_cast<int64_t>(offset) + place); // -1: the last place before the document
      batch.targets[target] = label;
      batch.weights[target] = weight;
      ++batch.supervised;
    });
    batch.filled += part.length;
    offset += length;
  }
}

int64_t Batcher::rowAt(int64_t epoch, int64_t place) const {
  if (!choices.shuffle)
    return place;
  if (orderEpoch != epoch) {
    rowOrder = permutation(static_cast<uint32_t>(numbers.rows), choices.seed, static_cast<uint32_t>(epoch));
    orderEpoch = epoch;
  }
  return rowOrder[static_cast<size_t>(place)];
}

} // namespace ftc::runtime::data
