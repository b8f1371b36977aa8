#include "ftc/Runtime/CPU/Program.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

namespace {

/// Counts visits of each item and records the sizes of the blocks.
struct Record {
  std::vector<std::atomic<int>> visits;
  std::atomic<int64_t> largest{0}, calls{0};
  explicit Record(int64_t items) : visits(items) {}
};

void visit(void *const *buffers, const int64_t *, int64_t lo, int64_t hi) {
  Record &record = *static_cast<Record *>(buffers[0]);
  for (int64_t i = lo; i < hi; ++i)
    ++record.visits[i];
  ++record.calls;
  int64_t largest = record.largest;
  while (hi - lo > largest && !record.largest.compare_exchange_weak(largest, hi - lo))
    continue;
}

void run(Record &record, int64_t grain) {
  void *buffer = &record;
  ftc_parallel(visit, &buffer, nullptr, int64_t(record.visits.size()), grain);
}

class PoolTest : public testing::TestWithParam<int> {
protected:
  void SetUp() override { ftc_set_threads(GetParam()); }
  void TearDown() override { ftc_set_threads(1); }
};

TEST_P(PoolTest, visitsEveryItemOnceInBlocksOfTheGrain) {
  for (int64_t items : {0, 1, 2, 63, 64, 1000})
    for (int64_t grain : {1, 7, 64, 5000}) {
      Record record(items);
      run(record, grain);
      for (const auto &count : record.visits)
        ASSERT_EQ(count, 1) << items << " items, grain " << grain;
      EXPECT_EQ(record.calls, (items + grain - 1) / grain);
      EXPECT_LE(record.largest, grain);
    }
}

TEST_P(PoolTest, handsOutRangesOfAnyLength) {
  for (int64_t items : {0, 1, 2, 63, 1000}) {
    Record record(items);
    run(record, FTC_ANY_RANGE);
    for (const auto &count : record.visits)
      ASSERT_EQ(count, 1) << items << " items";
    if (GetParam() == 1) {
      EXPECT_EQ(record.calls, items > 0);
      EXPECT_EQ(record.largest, items);
    } else if (items > 0) {
      EXPECT_EQ(record.largest, std::max<int64_t>(1, items * 3 / (4 * ftc_threads())));
    }
  }
}

TEST_P(PoolTest, survivesManyShortCalls) {
  Record record(8);
  for (int i = 0; i < 20000; ++i)
    run(record, i % 2 ? FTC_ANY_RANGE : 1);
  for (const auto &count : record.visits)
    EXPECT_EQ(count, 20000);
}

TEST_P(PoolTest, wakesSleepingWorkers) {
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    Record record(100);
    run(record, 1);
    EXPECT_EQ(record.calls, 100);
  }
}

void halve(void *const *buffers, const int64_t *, int64_t lo, int64_t hi) {
  float *values = static_cast<float *>(buffers[0]);
  for (int64_t i = lo; i < hi; ++i)
    values[i] *= 0.5f;
}

TEST_P(PoolTest, flushesDenormalsInsideAndNotOutside) {
  std::vector<float> values(64, std::numeric_limits<float>::min());
  void *buffer = values.data();
  ftc_parallel(halve, &buffer, nullptr, 64, 1);
  for (float value : values)
    EXPECT_EQ(value, 0.0f);
  volatile float outside = std::numeric_limits<float>::min();
  outside = outside * 0.5f;
  EXPECT_GT(outside, 0.0f);
}

INSTANTIATE_TEST_SUITE_P(threads, PoolTest, testing::Values(1, 2, 5));

TEST(Pool, zeroThreadsMeansTheProcessors) {
  ftc_set_threads(0);
  EXPECT_GE(ftc_threads(), 1);
  EXPECT_LE(ftc_threads(), int(std::max(1u, std::thread::hardware_concurrency())));
  ftc_set_threads(3);
  EXPECT_EQ(ftc_threads(), 3);
  ftc_set_threads(1);
}

} // namespace
