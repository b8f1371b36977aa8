//===- SweepReport.h - what the points of a sweep have come to -*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_SWEEPREPORT_H
#define FTC_TOOLS_FTC_SWEEPREPORT_H

#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Run/Plot.h"

#include "llvm/ADT/StringRef.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ftc {

/// One combination of values of the inputs that are swept.
struct SweepPoint {
  std::vector<std::pair<std::string, std::string>> inputs; ///< names and values, as written
  std::string executable, folder;
  int64_t trained = 0; ///< parameters
  int status = 0;      ///< the executable's exit status

  /// `rank=4 lr=1e-3`
  std::string label(llvm::StringRef separator) const;
};

class SweepReport {
public:
  /// Reads the metrics of all points.
  SweepReport(std::string recipe, std::vector<SweepPoint> points);

  /// sweep.json, and sweep.svg where a point has trained; 0, or the exit status after a message.
  int write(const std::string &folder) const;
  std::string table() const;
  std::string json() const;

private:
  /// What a point's metrics say, by the steps' names: the last loss of a training, the loss of an evaluation.
  struct Result {
    std::vector<run::Panel> panels;
    std::map<std::string, double> losses, evaluations;
    double seconds = 0; ///< of all updates
  };
  static Result read(const SweepPoint &point);
  std::vector<std::string> names(std::map<std::string, double> Result::*of) const;

  std::string recipe;
  std::vector<SweepPoint> points;
  std::vector<Result> results;
};

} // namespace ftc

#endif // FTC_TOOLS_FTC_SWEEPREPORT_H
