//===- TrainingState.h - checkpoints of training -----------------------------===//
//
// A checkpoint is what a training changes (its trained tensors and its optimizer's states) behind a header that says
// which training it belongs to and where that stood. The place in the data is the step: batches are functions of it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/Core/Hash.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace ftc::run {

using namespace runtime; // its statuses, files and element types

struct TrainingPoint {
  int64_t step = 0;          // updates done
  uint64_t metricsBytes = 0; // length of metrics.jsonl then
};

/// The bytes of the tensors that a training changes, in its order.
using StateParts = std::vector<std::span<std::byte>>;

/// The checkpoints of one training in a folder; files are named NAME.HASH.STEP.checkpoint.
class TrainingCheckpoints {
public:
  /// How many are kept.
  static constexpr size_t kept = 2;

  TrainingCheckpoints(std::string folder, std::string name, Hash128 identity);

  /// Writes one (temporary name, sync, rename), then removes all but the last two.
  Status save(const TrainingPoint &point, const StateParts &state) const;

  /// Reads the last one that is whole into `state`. One that is damaged is passed over and told to `damaged`. None:
  /// there is none.
  Expected<std::optional<TrainingPoint>> restore(const StateParts &state,
                                                 const std::function<void(std::string)> &damaged) const;

  /// Removes all.
  void remove() const;
  /// Whether the folder holds checkpoints of a training of this name but another hash.
  bool hasOthers() const;

private:
  struct File {
    int64_t step;
    std::string path;
  };
  /// The last first.
  std::vector<File> list() const;
  std::string prefix() const;

  std::string folder, name;
  Hash128 identity;
};

} // namespace ftc::run
