//===- Sweep.h - a recipe run for many values of its inputs ----*- C++ -*-===//
//
// `ftc run RECIPE --sweep rank=4,8,16 --sweep lr=1e-3,1e-4`: every combination is a point, compiled and run in a folder
// of its own, so that a sweep that was interrupted goes on where it was. At the end one table, one picture of all
// curves (sweep.svg) and the same as JSON (sweep.json).
//
//===----------------------------------------------------------------------===//

#ifndef FTC_TOOLS_FTC_SWEEP_H
#define FTC_TOOLS_FTC_SWEEP_H

#include "Command.h"

namespace ftc {

/// An input of the recipe and its values, as written.
struct SweptInput {
  std::string name;
  std::vector<std::string> values;
};

/// Reads `name=value,value,...`; nothing, after a message, if one is malformed or an input has two sources of values.
std::optional<std::vector<SweptInput>> readSweep(llvm::ArrayRef<std::string> written, const CompileOptions &chosen);

struct Sweep {
  CompileOptions chosen;
  std::vector<SweptInput> inputs;
  bool json = false; ///< print the results as JSON, and nothing else
};

/// All points are compiled before the first one runs, so that a mistake costs no time. `words` are options of the
/// executables;
/// `--out DIR` among them is the folder of the sweep. The exit status is that of the first point that failed.
int runSweep(const Sweep &sweep, const char *argv0, llvm::ArrayRef<char *> words);

} // namespace ftc

#endif // FTC_TOOLS_FTC_SWEEP_H
