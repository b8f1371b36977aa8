// Offsets by search, beside all offsets of small instances.

#include "ftc/Target/OffsetSearch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

using namespace ftc::target;

namespace {
bool isAlive(const Interval &a) { return a.lower < a.upper && a.size > 0; }
bool meet(const Interval &a, const Interval &b) {
  return isAlive(a) && isAlive(b) && a.lower < b.upper && b.lower < a.upper;
}
bool areApart(const Interval &a, int64_t at, const Interval &b, int64_t otherAt) {
  return !meet(a, b) || at + a.size <= otherAt || otherAt + b.size <= at;
}

void expectPlaced(const std::vector<Interval> &buffers, const std::vector<int64_t> &offsets, int64_t capacity) {
  ASSERT_EQ(buffers.size(), offsets.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_TRUE(offsets[i] >= 0 && offsets[i] <= capacity - buffers[i].size);
    for (size_t j = 0; j < i; ++j)
      EXPECT_TRUE(areApart(buffers[i], offsets[i], buffers[j], offsets[j]));
  }
}

/// The judge: whether some offsets do.
bool canBePlaced(const std::vector<Interval> &buffers, std::vector<int64_t> &offsets, int64_t capacity) {
  size_t i = offsets.size();
  if (i == buffers.size())
    return true;
  for (int64_t offset = 0; offset + buffers[i].size <= capacity; ++offset) {
    bool fits = true;
    for (size_t j = 0; j < i && fits; ++j)
      fits = areApart(buffers[i], offset, buffers[j], offsets[j]);
    if (!fits)
      continue;
    offsets.push_back(offset);
    if (canBePlaced(buffers, offsets, capacity))
      return true;
    offsets.pop_back();
  }
  return false;
}

int64_t getLive(const std::vector<Interval> &buffers) {
  int64_t most = 0;
  for (const Interval &at : buffers) {
    int64_t sum = 0;
    for (const Interval &buffer : buffers)
      sum += buffer.lower <= at.lower && at.lower < buffer.upper ? buffer.size : 0;
    most = std::max(most, sum);
  }
  return most;
}

constexpr int64_t kMost = std::numeric_limits<int64_t>::max(), kLeast = std::numeric_limits<int64_t>::min();
} // namespace

TEST(OffsetSearch, findsWhatThereIs) {
  std::mt19937 random(1);
  auto draw = [&](int64_t n) { return int64_t(random() % uint64_t(n)); };
  int feasible = 0;
  for (int instance = 0; instance < 3000; ++instance) {
    int64_t capacity = 3 + draw(8), count = 1 + draw(10), time = 2 + draw(9), most = 1 + draw(capacity);
    std::vector<Interval> buffers;
    for (int64_t i = 0; i < count; ++i) {
      int64_t lower = draw(time);
      buffers.push_back({lower, lower + draw(4) + (draw(20) != 0), draw(most + 1)});
    }
    if (instance % 2 == 0)
      capacity = std::max<int64_t>(1, getLive(buffers)); // full somewhere
    for (Interval &buffer : buffers)
      buffer.size = std::min(buffer.size, capacity);
    std::vector<int64_t> scratch;
    bool expected = canBePlaced(buffers, scratch, capacity);
    auto offsets = searchOffsets(buffers, capacity, 100'000'000);
    ASSERT_EQ(offsets.has_value(), expected) << "instance " << instance;
    if (offsets)
      expectPlaced(buffers, *offsets, capacity);
    feasible += expected;
  }
  EXPECT_GT(feasible, 1000);
  EXPECT_LT(feasible, 2900);
}

TEST(OffsetSearch, edges) {
  EXPECT_TRUE(searchOffsets({}, 0, 0));
  EXPECT_FALSE(searchOffsets({{0, 1, 11}}, 10, 1000));
  EXPECT_EQ(searchOffsets({{3, 3, 5}, {4, 1, 5}, {0, 9, 0}}, 10, 1000), (std::vector<int64_t>{0, 0, 0}));
  EXPECT_FALSE(searchOffsets({{0, 1, kMost}, {0, 1, kMost}}, kMost, 1000));
  EXPECT_TRUE(searchOffsets({{kLeast, kMost, kMost - 1}, {0, 1, 1}}, kMost, 1000));
  EXPECT_FALSE(searchOffsets({{0, 2, 5}, {1, 3, 5}}, 10, 0));
}

TEST(OffsetSearch, largeInBoundedTime) {
  std::mt19937 random(5);
  std::vector<Interval> buffers;
  for (int64_t i = 0; i < 20000; ++i)
    buffers.push_back({i, i + 1 + int64_t(random() % 20000), 1 + int64_t(random() % 1000)});
  searchOffsets(buffers, 1000, 20'000'000); // gives up
  auto again = searchOffsets(buffers, 12'000'000, 200'000'000);
  EXPECT_EQ(again, searchOffsets(buffers, 12'000'000, 200'000'000));
}
