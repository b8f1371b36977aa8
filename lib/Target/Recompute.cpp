// A choice is a set of results. From it a schedule follows: the calls as they are, and before the first call after the
// peak that reads a chosen result, that result again; before it, what it reads and is chosen too. Results that nothing
// needs after the peak are chosen from the beginning: without effect, unless another one reads them when it is made
// again. Left out of the choice, such a result is kept for that.

#include "Recompute.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <span>
#include <utility>

namespace ftc::target {

namespace {

/// Steps of schedules that the search looks at, at most: hundredths of a second.
constexpr int64_t kEffort = 1'000'000;

using Choice = std::vector<uint8_t>;

/// Lists of numbers, one behind the other: the search goes over them thousands of times.
class Lists {
public:
  void add(const std::vector<int> &list) {
    numbers.insert(numbers.end(), list.begin(), list.end());
    ends.push_back(numbers.size());
  }
  std::span<const int> operator[](size_t list) const {
    size_t begin = list ? ends[list - 1] : 0;
    return {numbers.data() + begin, ends[list] - begin};
  }

private:
  std::vector<int> numbers;
  std::vector<size_t> ends;
};

class Chooser {
public:
  explicit Chooser(const RecomputeProblem &problem);

  RecomputeSchedule run(int64_t budget);
  RecomputeSchedule runCheaply(int64_t budget, double mostPrice, double mostCost);
  RecomputeSchedule make(const Choice &choice);

private:
  struct Peak {
    int64_t bytes;
    size_t step;
  };
  /// A schedule and whether it fits, comparable: what fits, then by cost or by bytes.
  struct Outcome {
    int64_t over;
    double cost;
    bool operator<(const Outcome &other) const { return over != other.over ? over < other.over : cost < other.cost; }
  };

  void follow(const Choice &choice);
  void again(int result, const Choice &choice);
  Peak findPeak();
  Outcome evaluate(const Choice &choice);
  int findCheapest(const Choice &choice);
  void grow(Choice &choice);
  double costToAdd(int result, const Choice &choice);
  std::vector<int> listCheap(double mostPrice, double mostCost);
  Choice tryAll();
  bool improveOnce(Choice &choice, Outcome &best);
  bool tryFlips(Choice &choice, Outcome &best, std::initializer_list<int> flips);

  const RecomputeProblem &problem;
  Lists readsOf, callReads, callMakes; ///< those of the problem's results and calls
  size_t peakCall = 0;                 ///< of the program as it is
  std::vector<bool> isCrossing;        ///< needed before and after that call, not by it
  std::vector<int> candidates;         ///< repeatable results made before it, those needed after it first
  Choice beginning;

  // The schedule that is being made.
  std::vector<RecomputeStep> steps;
  Choice remade;
  double cost = 0;
  std::vector<uint32_t> counted; ///< of each result the number of the last sum of costs that holds it
  uint32_t sum = 0;
  int64_t budget = 0, effort = 0;

  // Of each copy of a result in `steps`: the first step and the last that reads it.
  struct Life {
    uint32_t born, lastUse;
  };
  std::vector<Life> lives;
  std::vector<int64_t> change; ///< of the bytes alive, at each step
};
} // namespace

Chooser::Chooser(const RecomputeProblem &problem)
    : problem(problem), isCrossing(problem.results.size()), beginning(problem.results.size()) {
  counted.resize(problem.results.size());
  for (const RecomputeProblem::Result &result : problem.results)
    readsOf.add(result.reads);
  for (const RecomputeProblem::Call &call : problem.calls) {
    callReads.add(call.reads);
    callMakes.add(call.makes);
  }
  peakCall = problem.calls.size(); // nothing is made again
  follow(beginning);
  peakCall = size_t(steps[findPeak().step].index);
  std::vector<bool> isNeededAt(problem.results.size()), isNeededAfter(problem.results.size());
  for (size_t call = peakCall; call < problem.calls.size(); ++call)
    for (int result : problem.calls[call].reads)
      (call == peakCall ? isNeededAt : isNeededAfter)[result] = true;
  std::vector<bool> isMadeBefore(problem.results.size());
  for (size_t call = 0; call < peakCall; ++call)
    for (int result : problem.calls[call].makes)
      isMadeBefore[result] = true;
  for (bool after : {true, false})
    for (size_t i = 0; i < problem.results.size(); ++i) {
      if (!isMadeBefore[i] || !problem.results[i].repeatable || isNeededAfter[i] != after)
        continue;
      candidates.push_back(int(i));
      isCrossing[i] = after && !isNeededAt[i];
      beginning[i] = !after;
    }
}

/// Makes a chosen result again, after what it needs.
void Chooser::again(int result, const Choice &choice) {
  if (remade[result])
    return;
  remade[result] = true;
  for (int read : readsOf[result])
    if (choice[read])
      again(read, choice);
  cost += problem.results[result].cost;
  steps.push_back({true, result});
}

/// Writes the schedule of a choice into `steps`.
void Chooser::follow(const Choice &choice) {
  steps.clear();
  remade.assign(problem.results.size(), false);
  cost = 0;
  for (size_t call = 0; call < problem.calls.size(); ++call) {
    if (call > peakCall)
      for (int read : callReads[call])
        if (choice[read])
          again(read, choice);
    steps.push_back({false, int(call)});
  }
}

RecomputeSchedule Chooser::make(const Choice &choice) {
  follow(choice);
  return {steps, cost, findPeak().bytes};
}

/// Where the schedule needs most. A copy lives from where it is made to the last step that reads it.
Chooser::Peak Chooser::findPeak() {
  constexpr uint32_t unmade = std::numeric_limits<uint32_t>::max();
  effort += int64_t(steps.size());
  lives.assign(problem.results.size(), {unmade, 0});
  change.assign(steps.size() + 1, 0);
  auto close = [&](int result) {
    auto [born, lastUse] = lives[result];
    if (born == unmade)
      return;
    change[born] += problem.results[result].bytes;
    change[lastUse + 1] -= problem.results[result].bytes;
  };
  auto open = [&](int result, uint32_t step) {
    close(result);
    lives[result] = {step, step};
  };
  for (uint32_t i = 0; i < steps.size(); ++i) {
    auto [isAgain, index] = steps[i];
    for (int read : isAgain ? readsOf[index] : callReads[index])
      lives[read].lastUse = i;
    if (isAgain) {
      open(index, i);
      continue;
    }
    for (int result : callMakes[index])
      open(result, i);
    change[i] += problem.calls[index].workspace;
    change[i + 1] -= problem.calls[index].workspace;
  }
  for (size_t i = 0; i < lives.size(); ++i)
    close(int(i));
  Peak peak{0, 0};
  int64_t alive = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    alive += change[i];
    if (alive > peak.bytes)
      peak = {alive, i};
  }
  return peak;
}

Chooser::Outcome Chooser::evaluate(const Choice &choice) {
  follow(choice);
  return {std::max<int64_t>(0, findPeak().bytes - budget), cost};
}

/// What making `result` again costs beside what is made again already and what this sum has counted.
double Chooser::costToAdd(int result, const Choice &choice) {
  if (remade[result] || counted[result] == sum)
    return 0;
  counted[result] = sum;
  double price = problem.results[result].cost;
  for (int read : readsOf[result])
    if (choice[read])
      price += costToAdd(read, choice);
  return price;
}

/// The crossing result to choose next, which costs least for its bytes; -1 if all are chosen.
int Chooser::findCheapest(const Choice &choice) {
  int best = -1;
  double bestPrice = std::numeric_limits<double>::infinity();
  for (int result : candidates) {
    if (!isCrossing[result] || choice[result] || problem.results[result].bytes == 0)
      continue;
    ++sum;
    double price = costToAdd(result, choice) / double(problem.results[result].bytes);
    if (price < bestPrice) {
      bestPrice = price;
      best = result;
    }
  }
  return best;
}

/// Chooses, while the budget is not met, what costs least for its bytes. Where no choice on the way meets it, the one
/// that needs least is left: too much made again at once needs more than what is kept. The schedule is made each time
/// that an eighth of what is missing has been chosen, before which it cannot fit.
void Chooser::grow(Choice &choice) {
  constexpr int64_t parts = 8;
  Choice least = choice;
  Outcome outcome = evaluate(choice), fewest = outcome;
  int64_t chosen = 0; // bytes since the last schedule
  while (outcome.over > 0) {
    int next = findCheapest(choice);
    if (next >= 0) {
      choice[next] = true;
      again(next, choice);
      chosen += problem.results[next].bytes;
      if (chosen < outcome.over / parts)
        continue;
    }
    outcome = evaluate(choice);
    chosen = 0;
    if (outcome < fewest) {
      fewest = outcome;
      least = choice;
    }
    if (next < 0)
      break;
  }
  choice = least;
}

bool Chooser::tryFlips(Choice &choice, Outcome &best, std::initializer_list<int> flips) {
  for (int result : flips)
    choice[result] = !choice[result];
  if (Outcome outcome = evaluate(choice); outcome < best) {
    best = outcome;
    return true;
  }
  for (int result : flips)
    choice[result] = !choice[result];
  return false;
}

/// Changes single results, each that is better so, or else two, or three.
bool Chooser::improveOnce(Choice &choice, Outcome &best) {
  size_t count = candidates.size();
  bool isBetter = false;
  for (size_t i = 0; i < count; ++i)
    isBetter |= effort < kEffort && tryFlips(choice, best, {candidates[i]});
  if (isBetter)
    return true;
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < i && effort < kEffort; ++j)
      if (tryFlips(choice, best, {candidates[i], candidates[j]}))
        return true;
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < i; ++j)
      for (size_t k = 0; k < j && effort < kEffort; ++k)
        if (tryFlips(choice, best, {candidates[i], candidates[j], candidates[k]}))
          return true;
  return false;
}

/// The best of all choices, one change from each to the next (a Gray code).
Choice Chooser::tryAll() {
  Choice choice = beginning, found = choice;
  Outcome best = evaluate(choice);
  for (uint64_t number = 1; number < uint64_t(1) << candidates.size(); ++number) {
    int flipped = candidates[std::countr_zero(number)];
    choice[flipped] = !choice[flipped];
    if (Outcome outcome = evaluate(choice); outcome < best) {
      best = outcome;
      found = choice;
    }
  }
  return found;
}

RecomputeSchedule Chooser::run(int64_t bytes) {
  budget = bytes;
  if (candidates.size() < 24 && int64_t(problem.calls.size()) << candidates.size() <= kEffort)
    return make(tryAll());
  Choice choice = beginning;
  grow(choice);
  effort = 0;
  Outcome best = evaluate(choice);
  // From the dearest, so that what the last choices have made superfluous goes first.
  std::vector<int> order = candidates;
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return problem.results[a].cost > problem.results[b].cost; });
  for (int result : order)
    if (choice[result] && isCrossing[result] && best.over == 0)
      tryFlips(choice, best, {result});
  while (effort < kEffort && best.cost + double(best.over) > 0 && improveOnce(choice, best))
    ;
  return make(choice);
}

/// Crossing results that can be made again for `mostCost`, those first that cost least for their bytes.
std::vector<int> Chooser::listCheap(double mostPrice, double mostCost) {
  Choice choice = beginning;
  follow(choice);
  std::vector<std::pair<double, int>> prices;
  for (int result : candidates)
    if (int64_t bytes = problem.results[result].bytes; isCrossing[result] && bytes > 0) {
      ++sum;
      if (double price = costToAdd(result, choice) / double(bytes); price <= mostPrice)
        prices.emplace_back(price, result);
    }
  std::stable_sort(prices.begin(), prices.end(), [](auto a, auto b) { return a.first < b.first; });
  std::vector<int> list;
  for (auto [price, result] : prices) {
    ++sum;
    if (cost + costToAdd(result, choice) > mostCost)
      continue;
    choice[result] = true;
    again(result, choice);
    list.push_back(result);
  }
  return list;
}

RecomputeSchedule Chooser::runCheaply(int64_t bytes, double mostPrice, double mostCost) {
  constexpr size_t trials = 16;
  budget = bytes;
  std::vector<int> list = listCheap(mostPrice, mostCost);
  Choice choice = beginning, found = choice;
  Outcome best = evaluate(choice);
  size_t chosen = 0;
  for (size_t trial = 1; trial <= trials; ++trial) {
    for (; chosen < list.size() * trial / trials; ++chosen)
      choice[list[chosen]] = true;
    if (Outcome outcome = evaluate(choice); outcome < best) {
      best = outcome;
      found = choice;
    }
  }
  return make(found);
}

RecomputeSchedule scheduleOnce(const RecomputeProblem &problem) {
  return Chooser(problem).make(Choice(problem.results.size()));
}

RecomputeSchedule chooseRecomputed(const RecomputeProblem &problem, int64_t budget) {
  return Chooser(problem).run(budget);
}

RecomputeSchedule chooseCheaplyRecomputed(const RecomputeProblem &problem, int64_t budget, double mostPrice,
                                          double mostCost) {
  return Chooser(problem).runCheaply(budget, mostPrice, mostCost);
}

} // namespace ftc::target
