//===- MemorySchedule.h - memory over a step ------------------*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_MEMORYSCHEDULE_H
#define FTC_TOOLS_FTC_MEMORYSCHEDULE_H

#include "ftc/Runtime/Run/Manifest.h"
#include "ftc/Target/Target.h"

#include <array>

namespace ftc {

/// What the trainings of a recipe need, call by call.
class MemorySchedule {
public:
  MemorySchedule(const run::Manifest &manifest, llvm::ArrayRef<target::ProgramSchedule> programs);

  /// A step of a training in parts of equally many calls, a line each: the most that is alive in it, and the call that
  /// needs it.
  std::string table(llvm::StringRef training) const;
  /// Bytes by kind over the calls of a step as SVG, one panel for each training. A function of what it shows alone.
  std::string picture() const;

private:
  /// The kinds of memory, from the bottom of the picture up.
  struct Kind {
    const char *name, *colour;
  };
  static constexpr size_t kindCount = 6;
  static constexpr size_t gradients = 2, activations = 4, workspace = 5;
  static const Kind kinds[kindCount];

  struct Amounts : std::array<double, kindCount> {
    double total() const { return upTo(kindCount); }
    double upTo(size_t kind) const;
  };
  /// The programs of a training in the order of a step: a micro-batch, then the update.
  struct Training {
    std::string name;
    std::vector<const target::ProgramSchedule *> programs;
  };
  class Picture;

  Amounts at(const target::Moment &moment) const;

  run::Plan plan;
  int64_t gradientsAlways; ///< those that have bytes of their own all the time
  int64_t fixed; ///< of the workspace: constants, inputs, the threads' memory, what lies unused between values
  std::vector<Training> trainings;
};

} // namespace ftc

#endif // FTC_TOOLS_FTC_MEMORYSCHEDULE_H
