//===- Metrics.cpp - metrics.jsonl -------------------------------------------===//

#include "ftc/Runtime/Run/Metrics.h"

#include "ftc/Runtime/IO/Json.h"

#include <cmath>

namespace ftc::run {

using namespace runtime; // its JSON

void appendMetrics(fmt::memory_buffer &buffer, const StepMetrics &metrics) {
  fmt::format_to(std::back_inserter(buffer),
                 "{{\"step\":{},\"loss\":{:.17g},\"lr\":{:.17g},\"grad_norm\":{:.17g},\"tokens\":{},"
                 "\"supervised_tokens\":{},\"train\":{},\"seconds\":{:.6g}}}",
                 metrics.step, metrics.loss, metrics.lr, metrics.gradNorm, metrics.tokens, metrics.supervisedTokens,
                 metrics.train, metrics.seconds);
}

std::string evaluationLine(std::string_view name, double loss) {
  // JSON has no infinity: a perplexity beyond f64 is null.
  double perplexity = std::exp(loss);
  return fmt::format("{{\"evaluate\":{},\"loss\":{:.17g},\"perplexity\":{}}}", json::dumpString(name), loss,
                     std::isfinite(perplexity) ? fmt::format("{:.17g}", perplexity) : "null");
}

} // namespace ftc::run
