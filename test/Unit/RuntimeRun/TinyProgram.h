//===- TinyProgram.h - an executable made by hand ----------------------------===//
//
// What ftc would emit for a "model" whose prediction for token i is scale[i] * value[i] and whose loss is the weighted
// mean of (prediction - target)^2 / 2: `value` is trained by gradient descent with momentum 0.5, `scale` is frozen. All
// of it can be computed by hand. Generation sums the tokens seen so far, modulo the vocabulary.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <string>

namespace tiny {

inline constexpr int64_t vocabulary = 8, sequences = 4, micro = 2, tokens = 4, chunk = 3, capacity = 16;
inline constexpr double momentum = 0.5, rate = 0.1;

/// What tests vary; read from the environment by the process that plays the executable.
struct Settings {
  std::string folder;          // FTC_TINY_FOLDER: of the recipe
  int64_t steps = 6;           // FTC_TINY_STEPS
  uint64_t arenaBytes = 0;     // FTC_TINY_ARENA: replaces the arena's size
  uint64_t plannedBytes = 0;   // FTC_TINY_PLAN: replaces what the plan says of it
  int64_t microseconds = 0;    // FTC_TINY_SLEEP: what a micro-batch takes
  int64_t checkpointEvery = 0; // FTC_TINY_CHECKPOINT
  bool brokenUpdate = false;   // FTC_TINY_BREAK: the update gives NaN
};

Settings settingsFromEnvironment();
std::string manifest(const Settings &settings);

/// The executable's main.
int main(int argc, const char *const *argv);

} // namespace tiny
