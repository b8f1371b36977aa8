#include "lib/Target/OffsetAssignment.h"

#include <gtest/gtest.h>
#include <random>

using namespace ftc::target;

namespace {

void expectApart(llvm::ArrayRef<Lifetime> buffers, int64_t size) {
  for (const Lifetime &a : buffers) {
    EXPECT_EQ(a.offset % kAlignment, 0);
    EXPECT_LE(a.offset + a.bytes, size);
    for (const Lifetime &b : buffers)
      if (&a != &b && a.first <= b.last && b.first <= a.last) {
        EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset);
      }
  }
}

TEST(OffsetAssignment, reusesWhatIsFree) {
  std::vector<Lifetime> buffers{{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}};
  int64_t size = assignOffsets(buffers);
  EXPECT_EQ(size, 2048);
  expectApart(buffers, size);
}

TEST(OffsetAssignment, takesTheSmallestGap) {
  std::vector<Lifetime> buffers{{640, 0, 0}, {256, 1, 9}, {128, 0, 9}, {64, 1, 9}};
  int64_t size = assignOffsets(buffers);
  EXPECT_EQ(size, 640 + 128);
  expectApart(buffers, size);
}

TEST(OffsetAssignment, nothing) { EXPECT_EQ(assignOffsets({}), 0); }

TEST(OffsetAssignment, distinct) {
  std::vector<Lifetime> buffers{{1, 0, 0}, {65, 1, 1}, {0, 2, 2}};
  EXPECT_EQ(assignDistinctOffsets(buffers), 192);
  EXPECT_EQ(buffers[1].offset, 64);
}

// The shape of training: values of the forward pass live until their layer's backward pass, others shortly.
TEST(OffsetAssignment, nearTheLowerBoundOnTrainingSteps) {
  std::mt19937 random(7);
  for (int layers : {3, 30}) {
    std::vector<Lifetime> buffers;
    int64_t steps = layers * 20;
    for (int64_t step = 0; step < steps; ++step) {
      int64_t bytes = 64 * (1 + random() % 200);
      bool isKept = random() % 3 == 0;
      buffers.push_back({bytes, step, isKept ? 2 * steps - step : step + 1 + int64_t(random() % 4)});
      buffers.push_back({bytes, 2 * steps - step, 2 * steps - step + 1 + int64_t(random() % 4)});
    }
    int64_t size = assignOffsets(buffers);
    expectApart(buffers, size);
    EXPECT_GE(size, getLiveBytes(buffers));
    EXPECT_LE(double(size), 1.05 * double(getLiveBytes(buffers)));
  }
}

} // namespace
