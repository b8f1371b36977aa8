//===- TinyRun.h - a recipe's folder, and runs of the tiny executable in it --===//
#pragma once

#include "TinyProgram.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tiny {

namespace fs = std::filesystem;

struct Result {
  int status = -1; // of exit, or minus the signal that ended it
  std::string out, err;
};

/// How a run is disturbed.
struct Disturbance {
  int signal = 0;
  int64_t microseconds = 0;              // after the start
  int64_t updates = 0;                   // of training that have been done
  std::optional<uint64_t> fileSizeLimit; // RLIMIT_FSIZE
};

using Environment = std::map<std::string, std::string>;

/// Fixture: a folder with a model, its tokenizer and data, removed at the end.
class TinyRun : public testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  Result run(const std::vector<std::string> &arguments = {}, const Environment &environment = {},
             const Disturbance &disturbance = {});
  std::string path(const std::string &name) const { return folder + "/" + name; }
  std::string runPath(const std::string &name) const { return folder + "/run/" + name; }
  void writeModel(const std::array<float, vocabulary> &value);

  std::string folder;
};

std::string readText(const std::string &path);
void writeText(const std::string &path, const std::string &text);
/// metrics.jsonl without its times.
std::string withoutTimes(const std::string &metrics);

/// The rows of the data.
std::vector<std::array<int32_t, tokens>> dataRows();
/// The losses of training and the values after it, computed by hand.
struct Truth {
  std::vector<double> losses;
  std::array<double, vocabulary> values;
};
Truth trainByHand(int64_t steps);
/// The model's first values, and `scale` as the programs see it.
std::array<float, vocabulary> firstValues();
double scaleOf(int32_t id);

} // namespace tiny
