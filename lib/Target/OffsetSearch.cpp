// A depth-first search with inference and restarts, after the canonical solutions of Moffitt, "MiniMalloc: A
// Lightweight Memory Allocator for Hardware-Accelerated Machine Learning" (ASPLOS 2023).
//
// If there is a solution, there is one in which no buffer can sink: each lies at 0 or directly on another. We look for
// such a one from below. Every unplaced buffer has a lower bound `low` of its offset. A decision is binary: a buffer
// lies at its low with all that it meets and that is still unplaced above it, or it lies on one of those, which raises
// its low. Only a buffer that nothing unplaced fits under is decided on, so that the two cases cover all solutions.
//
// Time is cut into sections. With `pending` the size of a section's unplaced buffers, the lowest of them must lie at or
// below capacity - pending. Those whose low allows that are the section's `choices`: if there are none, the search
// backtracks; if there are some, all others of the section lie above the choice that can end lowest.
//
// Attempts end after some failures and the next takes its decisions in another order: luck varies more than effort.
#include "ftc/Target/OffsetSearch.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace ftc::target {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

/// What one more entry of a trail counts, mostly for its memory.
constexpr int64_t kTrailEffort = 16;

enum class Outcome { found, none, limit };

/// A buffer that is alive in the sections [first, last).
struct Item {
  int64_t size;
  double length; ///< of its lifetime
  int first, last;
  int64_t low = 0;
};

/// What propagation knows of a section: its choices, the lowest two ends among them, and whose the lowest is.
struct Summary {
  int choices = 0, owner = -1;
  int64_t end = kNever, secondEnd = kNever;
};

/// A range of time. Buffers that meet do so in a section.
struct Section {
  std::vector<int> items; ///< the unplaced first
  size_t unplaced = 0;
  int64_t pending = 0; ///< the size of the unplaced
  Summary summary;
  bool queued = false;
};

/// How an attempt takes its decisions: in the section with the least room times choices, among equally low buffers
/// the one of the lowest rank.
struct Strategy {
  std::vector<int> ranks;
  int mostChoices; ///< more of them count as that many
  bool later;      ///< prefers the later of two sections
};

/// Offsets for buffers whose lifetimes are connected.
class Search {
public:
  Search(const std::vector<Interval> &buffers, int64_t capacity, int64_t &effort);

  bool run();
  int64_t getOffset(size_t index) const { return items[index].low; }

private:
  struct Decision {
    int item;
    size_t lows, summaries; ///< the lengths of the trails before it
  };

  bool reset();
  Outcome attempt(int64_t round);
  Strategy makeStrategy(int64_t round);
  /// A number in [0, 1), by xorshift.
  double draw() {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return double(random >> 33) / double(uint64_t(1) << 31);
  }

  const Section &chooseSection(const Strategy &strategy);
  int chooseItem(const Section &section, const Strategy &strategy);
  int findUnder(int item);
  bool backtrack();
  void undo();

  void place(int item);
  void raise(int item, int64_t low);
  int64_t getLowestRest(int item);
  void enqueue(int section) {
    if (!std::exchange(sections[section].queued, true))
      queue.push_back(section);
  }
  bool propagate();
  bool propagateSection(int index);

  std::vector<Item> items;
  std::vector<Section> sections;
  const int64_t capacity;
  int64_t &effort;
  uint64_t random = 0x9E3779B97F4A7C15;

  std::vector<Decision> decisions;                ///< those that placed an item
  std::vector<std::pair<int, int64_t>> lows;      ///< former lows of items
  std::vector<std::pair<int, Summary>> summaries; ///< former summaries of sections
  std::vector<int> queue;                         ///< the sections to propagate
};

/// The positions at which a buffer begins and one ends before the next begins: buffers that meet do so at one of them.
std::vector<int64_t> getPeaks(const std::vector<Interval> &buffers) {
  std::vector<std::pair<int64_t, bool>> changes; // an end sorts before a begin
  for (const Interval &buffer : buffers)
    changes.insert(changes.end(), {{buffer.lower, true}, {buffer.upper, false}});
  std::sort(changes.begin(), changes.end());
  std::vector<int64_t> peaks;
  for (size_t i = 0; i + 1 < changes.size(); ++i)
    if (changes[i].second && !changes[i + 1].second)
      peaks.push_back(changes[i].first);
  return peaks;
}

Search::Search(const std::vector<Interval> &buffers, int64_t capacity, int64_t &effort)
    : capacity(capacity), effort(effort) {
  std::vector<int64_t> peaks = getPeaks(buffers);
  sections.resize(peaks.size());
  auto getSection = [&](int64_t position) {
    return int(std::lower_bound(peaks.begin(), peaks.end(), position) - peaks.begin());
  };
  for (const Interval &buffer : buffers) {
    items.push_back(
        {buffer.size, double(buffer.upper) - double(buffer.lower), getSection(buffer.lower), getSection(buffer.upper)});
    effort -= 16 * int64_t(items.back().last - items.back().first);
  }
  if (effort < 0)
    return;
  for (size_t i = 0; i < items.size(); ++i)
    for (int s = items[i].first; s < items[i].last; ++s)
      sections[s].items.push_back(int(i));
}

/// Unplaces all. Returns false if there is no solution.
bool Search::reset() {
  effort -= int64_t(items.size());
  decisions.clear();
  lows.clear();
  summaries.clear();
  for (Section &section : sections) {
    section.unplaced = section.items.size();
    section.pending = 0;
    for (int item : section.items) {
      if (items[item].size > capacity - section.pending)
        return false;
      section.pending += items[item].size;
    }
  }
  for (Item &item : items)
    item.low = 0;
  for (size_t s = 0; s < sections.size(); ++s)
    enqueue(int(s));
  return propagate();
}

/// Raises an unplaced item's low. That concerns the sections where its end was one of the lowest two or that it is no
/// longer a choice of.
void Search::raise(int index, int64_t low) {
  Item &item = items[index];
  lows.push_back({index, item.low});
  effort -= kTrailEffort + item.last - item.first;
  for (int s = item.first; s < item.last; ++s) {
    const int64_t highest = capacity - sections[s].pending;
    if (item.low <= highest && (low > highest || item.low + item.size <= sections[s].summary.secondEnd))
      enqueue(s);
  }
  item.low = low;
}

/// Infers until nothing changes. Returns false if there is no solution below the decisions, or no effort left.
bool Search::propagate() {
  while (!queue.empty()) {
    int section = queue.back();
    queue.pop_back();
    sections[section].queued = false;
    if (effort >= 0 && propagateSection(section))
      continue;
    for (int other : queue)
      sections[other].queued = false;
    queue.clear();
    return false;
  }
  return true;
}

bool Search::propagateSection(int index) {
  Section &section = sections[index];
  effort -= kTrailEffort + int64_t(section.unplaced);
  summaries.push_back({index, section.summary});
  Summary summary;
  const int64_t highest = capacity - section.pending;
  for (size_t i = 0; i < section.unplaced; ++i) {
    const Item &item = items[section.items[i]];
    if (item.low > highest)
      continue;
    ++summary.choices;
    int64_t end = item.low + item.size;
    summary.secondEnd = std::min(summary.secondEnd, std::max(summary.end, end));
    if (end < summary.end) {
      summary.end = end;
      summary.owner = section.items[i];
    }
  }
  section.summary = summary;
  if (summary.choices == 0)
    return section.unplaced == 0;
  for (size_t i = 0; i < section.unplaced; ++i) {
    int64_t low = items[section.items[i]].low;
    if (low > highest && low < summary.end)
      raise(section.items[i], summary.end);
  }
  return true;
}

/// Places an item at its low.
void Search::place(int index) {
  const Item &item = items[index];
  for (int s = item.first; s < item.last; ++s) {
    Section &section = sections[s];
    auto position = std::find(section.items.begin(), section.items.end(), index);
    std::swap(*position, section.items[--section.unplaced]);
    section.pending -= item.size;
    effort -= int64_t(section.unplaced);
    enqueue(s);
  }
  const int64_t end = item.low + item.size;
  for (int s = item.first; s < item.last; ++s)
    for (size_t i = 0; i < sections[s].unplaced; ++i)
      if (items[sections[s].items[i]].low < end)
        raise(sections[s].items[i], end);
}

/// The lowest offset of an item that lies on an unplaced one; kNever if some section has no such other choice.
int64_t Search::getLowestRest(int index) {
  const Item &item = items[index];
  effort -= item.last - item.first;
  int64_t rest = kNever;
  for (int s = item.first; s < item.last; ++s) {
    const Summary &summary = sections[s].summary;
    rest = std::min(rest, summary.owner == index ? summary.secondEnd : summary.end);
  }
  return rest;
}

/// The section to decide in.
const Section &Search::chooseSection(const Strategy &strategy) {
  effort -= int64_t(sections.size());
  const Section *best = nullptr;
  double least = 0;
  for (const Section &section : sections) {
    double key = (double(capacity - section.pending) + 1) * std::min(section.summary.choices, strategy.mostChoices);
    if (section.unplaced > 0 && (!best || key < least || (strategy.later && key == least))) {
      best = &section;
      least = key;
    }
  }
  return *best;
}

/// The unplaced item of a section with the least low, then rank; or if another one fits under it, such a one.
int Search::chooseItem(const Section &section, const Strategy &strategy) {
  effort -= int64_t(section.unplaced);
  auto getKey = [&](int index) { return std::pair(items[index].low, strategy.ranks[index]); };
  int best = section.items[0];
  for (size_t i = 1; i < section.unplaced; ++i)
    if (getKey(section.items[i]) < getKey(best))
      best = section.items[i];
  for (int under = best; under >= 0; under = findUnder(best))
    best = under;
  return best;
}

/// An unplaced item that fits under another, or -1 if there is none.
int Search::findUnder(int index) {
  const Item &item = items[index];
  effort -= item.last - item.first;
  for (int s = item.first; s < item.last; ++s)
    if (sections[s].summary.end <= item.low)
      return sections[s].summary.owner;
  return -1;
}

/// Takes back the last decision.
void Search::undo() {
  const Decision &decision = decisions.back();
  effort -= int64_t(lows.size() - decision.lows + summaries.size() - decision.summaries);
  for (; lows.size() > decision.lows; lows.pop_back())
    items[lows.back().first].low = lows.back().second;
  for (; summaries.size() > decision.summaries; summaries.pop_back())
    sections[summaries.back().first].summary = summaries.back().second;
  const Item &item = items[decision.item];
  effort -= item.last - item.first;
  for (int s = item.first; s < item.last; ++s) {
    ++sections[s].unplaced; // the item is the next one there, as those placed later are unplaced again
    sections[s].pending += item.size;
  }
  decisions.pop_back();
}

/// Takes back decisions up to one whose other case is possible. Returns false if there is no solution.
bool Search::backtrack() {
  while (!decisions.empty()) {
    int item = decisions.back().item;
    undo();
    if (int64_t rest = getLowestRest(item); rest != kNever) {
      raise(item, rest);
      if (propagate())
        return true;
    }
  }
  return false;
}

Outcome Search::attempt(int64_t round) {
  if (!reset())
    return Outcome::none;
  const Strategy strategy = makeStrategy(round);
  int64_t failures = 0;
  while (decisions.size() < items.size()) {
    if (effort < 0 || failures > 100 + round)
      return Outcome::limit;
    decisions.push_back({chooseItem(chooseSection(strategy), strategy), lows.size(), summaries.size()});
    place(decisions.back().item);
    if (propagate())
      continue;
    ++failures;
    if (!backtrack())
      return Outcome::none;
  }
  return Outcome::found;
}

/// One of eight strategies in turn, from the second turn on with noise.
Strategy Search::makeStrategy(int64_t round) {
  const double noise = round < 8 ? 0 : draw();
  std::vector<std::pair<double, double>> keys;
  for (const Item &item : items) {
    double size = double(item.size), measure = round % 2 == 0 ? item.length : size;
    keys.push_back({-measure * (1 + noise * draw()), -item.length * size});
  }
  std::vector<int> order(items.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return keys[a] < keys[b]; });
  const int mostChoices = round / 2 % 2 == 0 ? std::numeric_limits<int>::max() : 3;
  Strategy strategy{std::vector<int>(items.size()), mostChoices, /*later=*/round / 4 % 2 == 1};
  for (size_t i = 0; i < order.size(); ++i)
    strategy.ranks[order[i]] = int(i);
  return strategy;
}

bool Search::run() {
  for (int64_t round = 0; effort > 0; ++round)
    if (Outcome outcome = attempt(round); outcome != Outcome::limit)
      return outcome == Outcome::found;
  return false;
}

} // namespace

std::optional<std::vector<int64_t>> searchOffsets(const std::vector<Interval> &buffers, int64_t capacity,
                                                  int64_t effort) {
  std::vector<int64_t> offsets(buffers.size(), 0);
  std::vector<size_t> order; // of those that need a place
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].size > capacity)
      return std::nullopt;
    if (buffers[i].lower < buffers[i].upper && buffers[i].size > 0)
      order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return buffers[a].lower < buffers[b].lower; });
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    std::vector<Interval> connected;
    int64_t upper = buffers[order[begin]].upper;
    for (; end < order.size() && buffers[order[end]].lower < upper; ++end) {
      connected.push_back(buffers[order[end]]);
      upper = std::max(upper, connected.back().upper);
    }
    Search search(connected, capacity, effort);
    if (!search.run())
      return std::nullopt;
    for (size_t i = begin; i < end; ++i)
      offsets[order[i]] = search.getOffset(i - begin);
  }
  return offsets;
}

} // namespace ftc::target
