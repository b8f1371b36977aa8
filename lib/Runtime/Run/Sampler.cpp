//===- Sampler.cpp - the choice of the next token ----------------------------===//

#include "ftc/Runtime/Run/Sampler.h"

#include "ftc/Runtime/Core/Philox.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace ftc::run {

double samplingNumber(int64_t seed, int64_t prompt, int64_t position) {
  auto low = [](int64_t value) { return static_cast<uint32_t>(static_cast<uint64_t>(value)); };
  auto high = [](int64_t value) { return static_cast<uint32_t>(static_cast<uint64_t>(value) >> 32); };
  std::array<uint32_t, 4> words =
      philox({low(position), high(position), low(prompt), high(prompt)}, {low(seed), high(seed)});
  uint64_t bits = uint64_t(words[0]) << 21 | words[1] >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

/// The likeliest token, -1 if none is finite.
static int32_t argmax(std::span<const double> logits) {
  int32_t best = -1;
  for (size_t i = 0; i < logits.size(); ++i)
    if (std::isfinite(logits[i]) && (best < 0 || logits[i] > logits[static_cast<size_t>(best)]))
      best = static_cast<int32_t>(i);
  return best;
}

int32_t chooseToken(std::span<const double> logits, const Sampling &sampling, double uniform) {
  int32_t best = argmax(logits);
  if (best < 0 || sampling.temperature <= 0)
    return best;
  std::vector<int32_t> order;
  for (size_t i = 0; i < logits.size(); ++i)
    if (std::isfinite(logits[i]))
      order.push_back(static_cast<int32_t>(i));
  auto logit = [&](int32_t token) { return logits[static_cast<size_t>(token)]; };
  auto isLikelier = [&](int32_t a, int32_t b) { return logit(a) > logit(b) || (logit(a) == logit(b) && a < b); };
  if (sampling.topK > 0 && static_cast<size_t>(sampling.topK) < order.size()) {
    std::partial_sort(order.begin(), order.begin() + sampling.topK, order.end(), isLikelier);
    order.resize(static_cast<size_t>(sampling.topK));
  } else if (sampling.topP < 1) {
    std::sort(order.begin(), order.end(), isLikelier);
  }
  std::vector<double> weights;
  for (int32_t token : order)
    weights.push_back(std::exp((logit(token) - logit(best)) / sampling.temperature));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sampling.topP < 1) {
    double reached = 0;
    size_t kept = 0;
    while (kept < weights.size() && (kept == 0 || reached < sampling.topP * total))
      reached += weights[kept++];
    weights.resize(kept);
    total = reached;
  }
  double threshold = uniform * total, passed = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    passed += weights[i];
    if (threshold < passed)
      return order[i];
  }
  return order[weights.size() - 1];
}

} // namespace ftc::run
