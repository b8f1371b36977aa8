//===- Options.h - the command line of an executable -------------------------===//
#pragma once

#include "ftc/Runtime/Core/Status.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace ftc::run {

using namespace runtime; // its statuses, files and element types

struct Options {
  std::string out;     // the run's folder; empty: runs/<recipe>
  std::string outputs; // where relative paths of `save` lead; empty: the recipe's folder
  int threads = 0;     // 0: one for each processor
  std::optional<int64_t> seed;
  std::optional<int64_t> stopAfter; // training stops when this many updates are done
  bool fresh = false;
  bool profile = false;
  bool json = false;
  bool quiet = false;
  std::map<std::string, std::string> paths; // --set BINDING=PATH
};

/// Reads the command line. None: help was asked for and has been printed.
Expected<std::optional<Options>> parseOptions(int argc, const char *const *argv, const std::string &recipe);

} // namespace ftc::run
