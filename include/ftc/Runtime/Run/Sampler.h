//===- Sampler.h - the choice of the next token ------------------------------===//
#pragma once

#include <cstdint>
#include <span>

namespace ftc::run {

/// How a token is chosen: temperature 0 takes the likeliest (the first of equals). Otherwise logits are divided by the
/// temperature, then the `topK` likeliest (0: all) are kept, then the fewest likeliest whose probabilities reach
/// `topP`.
struct Sampling {
  double temperature = 0;
  int64_t topK = 0;
  double topP = 1;
};

/// `uniform` is a number on [0, 1): the same logits and number give the same token. -1 if no logit is finite.
int32_t chooseToken(std::span<const double> logits, const Sampling &sampling, double uniform);

/// The number for the token at `position` of prompt number `prompt`: 53 bits of the counter-based generator.
double samplingNumber(int64_t seed, int64_t prompt, int64_t position);

} // namespace ftc::run
