// The choice of what is computed again, beside the best of all choices on small programs.

#include "lib/Target/Recompute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

using namespace ftc::target;

namespace {
/// A chain of calls that read some of the last results, and one backwards that reads them again.
RecomputeProblem makeProblem(std::mt19937 &random, int length) {
  RecomputeProblem problem;
  auto draw = [&](int least, int most) { return int(random() % unsigned(most - least + 1)) + least; };
  auto add = [&](std::vector<int> reads, RecomputeProblem::Result result) {
    problem.calls.push_back({std::move(reads), {int(problem.results.size())}, draw(0, 3)});
    problem.results.push_back(std::move(result));
  };
  for (int i = 0; i < length; ++i) {
    std::vector<int> reads;
    for (int k = 0; k < 2 && i > 0; ++k)
      if (int read = std::max(0, i - draw(1, 3)); !std::count(reads.begin(), reads.end(), read))
        reads.push_back(read);
    double cost = draw(0, 9) == 0 ? 0 : draw(1, 60);
    add(reads, {draw(1, 20), cost, reads, i > 0 && draw(0, 9) > 0});
  }
  for (int i = length - 1; i >= 0; --i) {
    std::vector<int> reads{int(problem.results.size()) - 1};
    if (draw(0, 3))
      reads.push_back(i);
    if (i > 0 && draw(0, 1))
      reads.push_back(i - 1);
    add(reads, {draw(1, 8), 1, {}, false});
  }
  return problem;
}

/// The most bytes alive in a schedule, by its definition: a copy is alive from its making to its last reader before the
/// next making.
int64_t measurePeak(const RecomputeProblem &problem, const std::vector<RecomputeStep> &steps) {
  std::vector<int64_t> alive(steps.size());
  auto readsOf = [&](RecomputeStep step) {
    return step.isAgain ? problem.results[step.index].reads : problem.calls[step.index].reads;
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    auto [isAgain, index] = steps[i];
    alive[i] += isAgain ? 0 : problem.calls[index].workspace;
    for (int made : isAgain ? std::vector<int>{index} : problem.calls[index].makes) {
      size_t last = i;
      for (size_t j = i + 1; j < steps.size(); ++j) {
        std::vector<int> reads = readsOf(steps[j]);
        if (std::count(reads.begin(), reads.end(), made))
          last = j;
        if (steps[j].isAgain && steps[j].index == made)
          break;
      }
      for (size_t j = i; j <= last; ++j)
        alive[j] += problem.results[made].bytes;
    }
  }
  return *std::max_element(alive.begin(), alive.end());
}

/// Whether each step reads what has been made, and each call is done once, in order.
void expectSound(const RecomputeProblem &problem, const RecomputeSchedule &schedule, int64_t budget) {
  std::vector<bool> made(problem.results.size());
  int next = 0;
  double cost = 0;
  for (auto [isAgain, index] : schedule.steps) {
    for (int read : isAgain ? problem.results[index].reads : problem.calls[index].reads)
      EXPECT_TRUE(made[read]);
    if (isAgain) {
      EXPECT_TRUE(made[index] && problem.results[index].repeatable);
      cost += problem.results[index].cost;
      continue;
    }
    EXPECT_EQ(index, next++);
    for (int result : problem.calls[index].makes)
      made[result] = true;
  }
  EXPECT_EQ(size_t(next), problem.calls.size());
  EXPECT_EQ(schedule.peak, measurePeak(problem, schedule.steps));
  EXPECT_DOUBLE_EQ(schedule.cost, cost);
  EXPECT_LE(schedule.peak, budget);
}

/// The judge: schedules of all sets of results that are made again, each before its first reader after the call where
/// the program needs most, by recursion over what they read.
struct Judge {
  explicit Judge(const RecomputeProblem &problem, int length) : problem(problem) {
    RecomputeSchedule once = scheduleOnce(problem);
    size_t peak = 0;
    for (size_t end = 1; end <= once.steps.size() && peak == 0; ++end)
      if (aliveAt(once.steps, end - 1) == once.peak)
        peak = end - 1;
    for (unsigned set = 0; set < 1u << length; ++set) {
      bool allowed = true;
      for (int i = 0; i < length; ++i)
        allowed &= !(set >> i & 1) || (problem.results[i].repeatable && size_t(i) < peak);
      if (!allowed)
        continue;
      steps.clear();
      remade = 0;
      cost = 0;
      for (size_t call = 0; call < problem.calls.size(); ++call) {
        if (call > peak)
          for (int read : problem.calls[call].reads)
            make(read, set);
        steps.push_back({false, int(call)});
      }
      outcomes.push_back({measurePeak(problem, steps), cost});
    }
  }

  double leastCost(int64_t budget) const {
    double least = std::numeric_limits<double>::infinity();
    for (auto [peak, cost] : outcomes)
      if (peak <= budget)
        least = std::min(least, cost);
    return least;
  }

  int64_t leastPeak(double cost) const {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (auto [peak, own] : outcomes)
      if (own <= cost)
        least = std::min(least, peak);
    return least;
  }

private:
  int64_t aliveAt(const std::vector<RecomputeStep> &all, size_t position) const {
    int64_t bytes = problem.calls[all[position].index].workspace;
    for (size_t made = 0; made < problem.results.size(); ++made) {
      size_t first = all.size(), last = 0;
      for (size_t i = 0; i < all.size(); ++i) {
        const RecomputeProblem::Call &call = problem.calls[all[i].index];
        if (std::count(call.makes.begin(), call.makes.end(), int(made)))
          first = last = i;
        if (std::count(call.reads.begin(), call.reads.end(), int(made)))
          last = i;
      }
      if (first <= position && position <= last)
        bytes += problem.results[made].bytes;
    }
    return bytes;
  }

  void make(int result, unsigned set) {
    if (result >= 32 || !(set >> result & 1) || (remade >> result & 1))
      return;
    remade |= 1u << result;
    for (int read : problem.results[result].reads)
      make(read, set);
    cost += problem.results[result].cost;
    steps.push_back({true, result});
  }

  const RecomputeProblem &problem;
  std::vector<RecomputeStep> steps;
  unsigned remade = 0;
  double cost = 0;
  std::vector<std::pair<int64_t, double>> outcomes;
};
} // namespace

TEST(Recompute, IsTheBestOfAllChoicesOnSmallPrograms) {
  std::mt19937 random(1);
  for (int program = 0; program < 12; ++program) {
    constexpr int length = 10;
    RecomputeProblem problem = makeProblem(random, length);
    Judge judge(problem, length);
    for (int64_t budget = scheduleOnce(problem).peak; budget > 0; --budget) {
      double best = judge.leastCost(budget);
      if (best == std::numeric_limits<double>::infinity())
        break;
      RecomputeSchedule schedule = chooseRecomputed(problem, budget);
      expectSound(problem, schedule, budget);
      EXPECT_LE(schedule.cost, 1.02 * best) << "program " << program << ", budget " << budget;
    }
  }
}

TEST(Recompute, FitsLongPrograms) {
  std::mt19937 random(2);
  RecomputeProblem problem = makeProblem(random, 32 * 20);
  RecomputeSchedule once = scheduleOnce(problem);
  EXPECT_EQ(once.cost, 0);
  double last = 0;
  for (double share : {0.9, 0.7, 0.5, 0.3}) {
    auto budget = int64_t(share * double(once.peak));
    RecomputeSchedule schedule = chooseRecomputed(problem, budget);
    expectSound(problem, schedule, budget);
    EXPECT_GE(schedule.cost, last);
    last = schedule.cost;
  }
  // What nothing meets gets as little as there is, not all that can be made again.
  EXPECT_LE(chooseRecomputed(problem, 1).peak, int64_t(0.3 * double(once.peak)));
}

TEST(Recompute, GivesTheLeastThereIsWhereNothingFits) {
  std::mt19937 random(3);
  RecomputeProblem problem = makeProblem(random, 8);
  RecomputeSchedule schedule = chooseRecomputed(problem, 1);
  EXPECT_GT(schedule.peak, 1);
  EXPECT_EQ(schedule.peak, chooseRecomputed(problem, schedule.peak).peak);
  EXPECT_EQ(Judge(problem, 8).leastCost(schedule.peak - 1), std::numeric_limits<double>::infinity());
}

TEST(Recompute, FreesMuchOfWhatABoundedCostCanFree) {
  std::mt19937 random(4);
  int64_t freed = 0, best = 0;
  for (int program = 0; program < 12; ++program) {
    constexpr int length = 10;
    RecomputeProblem problem = makeProblem(random, length);
    int64_t once = scheduleOnce(problem).peak;
    Judge judge(problem, length);
    for (double most : {0.0, 5.0, 20.0, 60.0, 200.0}) {
      RecomputeSchedule schedule = chooseCheaplyRecomputed(problem, 0, std::numeric_limits<double>::infinity(), most);
      expectSound(problem, schedule, once);
      EXPECT_LE(schedule.cost, most);
      freed += once - schedule.peak;
      best += once - judge.leastPeak(most);
    }
  }
  EXPECT_GE(double(freed), 0.8 * double(best)) << freed << " of " << best;
}

TEST(Recompute, PaysNoMoreForAByteThanItsPrice) {
  std::mt19937 random(5);
  RecomputeProblem problem = makeProblem(random, 32 * 20);
  int64_t once = scheduleOnce(problem).peak;
  constexpr double all = std::numeric_limits<double>::infinity();
  int64_t last = once;
  for (double price : {0.0, 0.5, 2.0, 50.0}) {
    RecomputeSchedule schedule = chooseCheaplyRecomputed(problem, 0, price, all);
    expectSound(problem, schedule, last);
    EXPECT_LE(schedule.cost, price * double(once));
    last = schedule.peak;
  }
  EXPECT_LT(last, once);
  // No more is made again than the budget asks for.
  auto budget = int64_t(0.9 * double(once));
  RecomputeSchedule some = chooseCheaplyRecomputed(problem, budget, 50, all);
  EXPECT_LE(some.peak, budget);
  EXPECT_LT(some.cost, chooseCheaplyRecomputed(problem, 0, 50, all).cost);
}
