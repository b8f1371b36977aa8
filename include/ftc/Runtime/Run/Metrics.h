//===- Metrics.h - metrics.jsonl ---------------------------------------------===//
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ftc::run {

/// What one update of training says of itself.
struct StepMetrics {
  int64_t step = 0; // from 1
  double loss = 0;  // before the update
  double lr = 0, gradNorm = 0;
  int64_t tokens = 0, supervisedTokens = 0;
  std::string_view train; // the step of the recipe, as a JSON string
  double seconds = 0;
};

// Lines of metrics.jsonl without their breaks; reals with 17 significant digits, so that they read back equal.

/// Written after what the buffer holds. Allocates nothing while that is short.
void appendMetrics(fmt::memory_buffer &buffer, const StepMetrics &metrics);
std::string evaluationLine(std::string_view name, double loss);

} // namespace ftc::run
