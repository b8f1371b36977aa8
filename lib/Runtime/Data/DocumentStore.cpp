#include "ftc/Runtime/Data/DocumentStore.h"

#include <cassert>

namespace ftc::runtime::data {

void DocumentStore::add(const Sequence &sequence) {
  assert(sequence.labels.empty() || sequence.labels.size() == sequence.ids.size());
  ids.insert(ids.end(), sequence.ids.begin(), sequence.ids.end());
  labels.insert(labels.end(), sequence.labels.begin(), sequence.labels.end());
  weights.insert(weights.end(), sequence.weights.begin(), sequence.weights.end());
  entries.push_back(
      {static_cast<int64_t>(ids.size()), static_cast<int64_t>(labels.size()), static_cast<int64_t>(weights.size())});
}

Document DocumentStore::operator[](int64_t index) const {
  const Entry &begin = entries[static_cast<size_t>(index)], &end = entries[static_cast<size_t>(index) + 1];
  auto part = [](const auto &all, int64_t from, int64_t to) {
    return std::span(all).subspan(static_cast<size_t>(from), static_cast<size_t>(to - from));
  };
  return {part(ids, begin.token, end.token), part(labels, begin.label, end.label),
          part(weights, begin.weight, end.weight)};
}

int64_t DocumentStore::length(int64_t index) const {
  return entries[static_cast<size_t>(index) + 1].token - entries[static_cast<size_t>(index)].token;
}

} // namespace ftc::runtime::data
