// Which results of a program are computed again instead of being kept.
#ifndef FTC_LIB_TARGET_RECOMPUTE_H
#define FTC_LIB_TARGET_RECOMPUTE_H

#include <cstdint>
#include <vector>

namespace ftc::target {

/// A program as a sequence of calls, and what each of their results takes.
struct RecomputeProblem {
  /// A result, or all results of a call that come only together. Made by its call, or again by itself.
  struct Result {
    int64_t bytes;
    double cost;            ///< of making it again
    std::vector<int> reads; ///< results that making it again reads; what is always there is not listed
    bool repeatable;
  };
  struct Call {
    std::vector<int> reads, makes;
    int64_t workspace; ///< bytes while it runs, beside what it reads and makes
  };
  std::vector<Result> results;
  std::vector<Call> calls;
};

/// What is done in turn: a call of the program, or a result made again for the calls after it.
struct RecomputeStep {
  bool isAgain;
  int index; ///< of a call or of a result
};

struct RecomputeSchedule {
  std::vector<RecomputeStep> steps;
  double cost = 0;  ///< of what is made again
  int64_t peak = 0; ///< the most bytes alive at once
};

/// The program as it is.
RecomputeSchedule scheduleOnce(const RecomputeProblem &problem);

/// The schedule of least cost found that needs at most `budget` bytes at once, or, where none does, the one that needs
/// least. Of what is made before the program's peak each result is made again at most once: just before the first need
/// after it, and what that needs in turn. The choice is made by cost for the bytes it frees, then improved by changing
/// it in one, two or three places, in bounded time; of few results all choices are tried. Equal programs get equal
/// schedules.
RecomputeSchedule chooseRecomputed(const RecomputeProblem &problem, int64_t budget);

/// A schedule that needs at most `budget` bytes at once, or, where none is found, the one found that needs least, by
/// results that cost at most `mostPrice` for each byte they free, and at most `mostCost` in all. Those that cost least
/// for their bytes come first; in the time of a few schedules.
RecomputeSchedule chooseCheaplyRecomputed(const RecomputeProblem &problem, int64_t budget, double mostPrice,
                                          double mostCost);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_RECOMPUTE_H
