//===- Metrics.h - metrics.jsonl ---------------------------------------------===//
#pragma once

#include "ftc/Runtime/Core/File.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace ftc::run {

using namespace runtime; // its statuses, files and element types

/// What one update of training says of itself.
struct StepMetrics {
  int64_t step = 0; // from 1
  double loss = 0;  // before the update
  double lr = 0, gradNorm = 0;
  int64_t tokens = 0, supervisedTokens = 0;
  double seconds = 0;
};

/// Lines as in `metrics.jsonl`; reals with 17 significant digits, so that they read back equal.
std::string metricsLine(const StepMetrics &metrics);
std::string evaluationLine(std::string_view name, double loss);

/// The file of the lines. A line is written at once and as one; `sync` makes all of them last.
class MetricsFile {
public:
  /// Keeps the first `keptBytes` of an existing file.
  static Expected<MetricsFile> open(const std::string &path, uint64_t keptBytes);

  Status append(std::string_view line);
  /// Drops what follows the first `bytes` bytes.
  Status truncate(uint64_t bytes);
  Status sync();
  uint64_t size() const { return length; }

private:
  MetricsFile(std::string path, FileDescriptor file) : path(std::move(path)), file(std::move(file)) {}

  std::string path;
  FileDescriptor file;
  uint64_t length = 0;
};

} // namespace ftc::run
