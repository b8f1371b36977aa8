//===- Roofline.h - the least time of a step ------------------*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_ROOFLINE_H
#define FTC_TOOLS_FTC_ROOFLINE_H

#include "ftc/Runtime/CPU/Ceiling.h"
#include "ftc/Runtime/Run/Manifest.h"
#include "ftc/Target/Target.h"

namespace ftc {

/// The least that a step of a training can take where every kernel is as fast as the machine's arithmetic and memory
/// allow (Williams, Waterman, Patterson 2009), the programs of the step one after another.
class Roofline {
public:
  /// `placed` has the manifest's programs. A kernel reads its operands and writes its results once.
  Roofline(mlir::ModuleOp placed, const run::Manifest &manifest, const run::TrainStep &train,
           const cpu::Ceiling &ceiling);

  double seconds() const { return total.seconds; }
  /// A line for each kind of kernel, what takes longest first; what is left in one line.
  std::string table() const;

private:
  struct Line {
    std::string what;
    double calls = 0, flops = 0, bytes = 0, seconds = 0;
    void add(const Line &other);
  };

  cpu::Ceiling ceiling;
  std::vector<Line> lines;
  Line total;
};

} // namespace ftc

#endif // FTC_TOOLS_FTC_ROOFLINE_H
