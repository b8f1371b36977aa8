#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <cstdio>
#include <gtest/gtest.h>
#include <numeric>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace {

/// result = x + immediate, elements of i64.
void addImmediate(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  const int64_t *x = static_cast<const int64_t *>(buffers[0]);
  int64_t *result = static_cast<int64_t *>(buffers[1]);
  for (int64_t i = lo; i < hi; ++i)
    result[i] = x[i] + immediates[0];
}

int64_t plannedNumber = -1, plannedArgument = -1;
uint64_t plan(int64_t number, const int64_t *arguments) {
  plannedNumber = number;
  plannedArgument = arguments[0];
  return 5000;
}

/// Writes an item's number to all of the thread's memory and back to the result, whose elements are the sizes checked.
void useScratch(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t *memory = static_cast<int64_t *>(ftc_scratch());
  for (int64_t item = lo; item < hi; ++item) {
    std::fill(memory, memory + immediates[0], item);
    static_cast<int64_t *>(buffers[0])[item] = std::count(memory, memory + immediates[0], item);
  }
}

void failOnThird(void *const *, const int64_t *, int64_t lo, int64_t hi) {
  if (lo <= 3 && 3 < hi)
    ftc_fail(FTC_NO_MEMORY, "the third item needs more");
}

class ProgramTest : public testing::Test {
protected:
  void SetUp() override { arena = ftc_arena_create(bytes); }
  void TearDown() override { ftc_arena_destroy(arena, bytes); }
  int64_t *at(uint64_t offset) { return reinterpret_cast<int64_t *>(arena + offset); }

  uint64_t bytes = 4096;
  uint8_t *arena = nullptr;
};

TEST_F(ProgramTest, arenaIsAlignedAndZero) {
  ASSERT_NE(arena, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(arena) % (2 << 20), 0u);
  EXPECT_TRUE(std::all_of(arena, arena + bytes, [](uint8_t byte) { return byte == 0; }));
}

TEST(Arena, tooLargeIsRefused) { EXPECT_EQ(ftc_arena_create(uint64_t(1) << 62), nullptr); }

// Five large pages and a part of one, of which a file's pages are what lies from the first to the fourth.
TEST(Arena, leavesFilesWithTheirContents) {
  constexpr uint64_t large = uint64_t(2) << 20, bytes = 5 * large + 12345, begin = large / 2, end = 4 * large - 4096;
  FILE *file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  std::vector<uint8_t> contents(end - begin);
  for (uint64_t i = 0; i < contents.size(); ++i)
    contents[i] = uint8_t(i * 7 + i / 4096);
  ASSERT_EQ(std::fwrite(contents.data(), 1, contents.size(), file), contents.size());
  ASSERT_EQ(std::fflush(file), 0);
  uint8_t *arena = ftc_arena_create(bytes);
  std::fill_n(arena, begin, uint8_t(3));
  std::fill_n(arena + end, bytes - end, uint8_t(5));
  ASSERT_NE(mmap(arena + begin, contents.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fileno(file), 0),
            MAP_FAILED);
  ASSERT_EQ(ftc_arena_leave_files(arena, begin, end), 0);
  ASSERT_EQ(ftruncate(fileno(file), 0), 0); // pages of a file that ends before them cannot be read
  EXPECT_TRUE(std::equal(contents.begin(), contents.end(), arena + begin));
  EXPECT_TRUE(std::all_of(arena, arena + begin, [](uint8_t byte) { return byte == 3; }));
  EXPECT_TRUE(std::all_of(arena + end, arena + bytes, [](uint8_t byte) { return byte == 5; }));
  arena[begin] = 9;
  EXPECT_EQ(arena[begin], 9);
  ftc_arena_destroy(arena, bytes);
  std::fclose(file);
}

TEST_F(ProgramTest, runsCallsInOrder) {
  const uint64_t first[] = {0, 256}, second[] = {256, 512};
  const int64_t one[] = {1}, ten[] = {10};
  ftc_call calls[] = {{addImmediate, 4, 1, first, nullptr, one, 2}, {addImmediate, 4, 3, second, nullptr, ten, 2}};
  ftc_program program = {calls, 2, nullptr, 0, nullptr, 0};
  for (int i = 0; i < 4; ++i)
    at(0)[i] = i;
  ftc_run_program(&program, arena);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(at(512)[i], i + 11);
}

TEST_F(ProgramTest, loopsMoveTheirBuffers) {
  // Before, a loop of two calls over four rows of two elements, after; the last call runs once.
  const uint64_t inPlace[] = {0, 0}, rows[] = {0, 1024}, back[] = {1024, 512}, once[] = {512, 2048};
  const int64_t strides[] = {16, 0}, backStrides[] = {0, 16}, one[] = {1}, two[] = {2};
  ftc_call calls[] = {{addImmediate, 8, 8, inPlace, nullptr, one, 2},
                      {addImmediate, 2, 1, rows, strides, one, 2},
                      {addImmediate, 2, 1, back, backStrides, two, 2},
                      {addImmediate, 8, 8, once, nullptr, one, 2}};
  ftc_loop loop = {1, 2, 4};
  ftc_program program = {calls, 4, &loop, 1, nullptr, 0};
  std::iota(at(0), at(0) + 8, 0);
  ftc_run_program(&program, arena);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(at(2048)[i], i + 5);
}

TEST_F(ProgramTest, preparesConstantsAndPlans) {
  const int64_t whole[] = {1, 2, 3}, element[] = {7}, argument[] = {42};
  ftc_constant constants[] = {{whole, 24, 64, 24}, {element, 8, 128, 40}};
  ftc_plan plans[] = {{plan, argument}};
  ftc_setup setup = {constants, 2, plans, 1, 100};
  EXPECT_EQ(ftc_prepare(&setup, arena), 0);
  EXPECT_EQ(std::vector<int64_t>(at(64), at(64) + 4), (std::vector<int64_t>{1, 2, 3, 0}));
  EXPECT_EQ(std::vector<int64_t>(at(128), at(128) + 6), (std::vector<int64_t>{7, 7, 7, 7, 7, 0}));
  EXPECT_EQ(plannedNumber, 0);
  EXPECT_EQ(plannedArgument, 42);
}

TEST_F(ProgramTest, threadsHaveTheMemoryThatIsAskedFor) {
  const uint64_t offsets[] = {0};
  const int64_t elements[] = {100000};
  ftc_setup setup = {nullptr, 0, nullptr, 0, 800000};
  for (int threads : {1, 3}) {
    EXPECT_EQ(ftc_set_threads(threads), 0);
    EXPECT_EQ(ftc_prepare(&setup, arena), 0);
    ftc_call calls[] = {{useScratch, 64, 1, offsets, nullptr, elements, 1}};
    ftc_program program = {calls, 1, nullptr, 0, nullptr, 0};
    EXPECT_EQ(ftc_run_program(&program, arena), 0);
    for (int i = 0; i < 64; ++i)
      ASSERT_EQ(at(0)[i], 100000);
  }
  ftc_set_threads(1);
}

TEST_F(ProgramTest, memoryOfThreadsThatCannotBeHadIsAFailure) {
  ftc_setup setup = {nullptr, 0, nullptr, 0, uint64_t(1) << 60};
  EXPECT_EQ(ftc_prepare(&setup, arena), FTC_NO_MEMORY);
  EXPECT_STREQ(ftc_failure(), "there is no memory for the threads");
}

TEST_F(ProgramTest, aFailedCallEndsTheProgram) {
  const uint64_t offsets[] = {0, 256};
  const int64_t one[] = {1};
  ftc_call calls[] = {{failOnThird, 8, 1, offsets, nullptr, one, 2}, {addImmediate, 4, 1, offsets, nullptr, one, 2}};
  ftc_program program = {calls, 2, nullptr, 0, nullptr, 0};
  EXPECT_EQ(ftc_run_program(&program, arena), FTC_NO_MEMORY);
  EXPECT_STREQ(ftc_failure(), "the third item needs more");
  EXPECT_EQ(at(256)[0], 0);
  ftc_program next = {calls + 1, 1, nullptr, 0, nullptr, 0};
  EXPECT_EQ(ftc_run_program(&next, arena), 0);
  EXPECT_EQ(at(256)[0], 1);
}

TEST(Kernels, copyZeroAndAccumulateCoverPiecesAndTheirRest) {
  int64_t elements = 3 * FTC_COPY_BYTES / 4 + 5;
  std::vector<float> from(elements), to(elements, 1.0f);
  std::iota(from.begin(), from.end(), 0.0f);
  void *buffers[] = {to.data(), from.data()};
  int64_t count[] = {elements}, size[] = {elements * 4}, items = 4;
  ftc_parallel(ftc_accumulate_f32, buffers, count, items, 1);
  for (int64_t i = 0; i < elements; ++i)
    ASSERT_EQ(to[i], from[i] + 1);
  ftc_parallel(ftc_copy, buffers, size, items, 1);
  EXPECT_EQ(to, from);
  ftc_parallel(ftc_zero, buffers, size, items, 1);
  EXPECT_EQ(to, std::vector<float>(elements));
}

TEST(Kernels, updateSliceInPlaceAndClamped) {
  std::vector<int32_t> dest{1, 2, 3, 4, 5, 6, 7, 8}, src{-1, -2}, result(8);
  int64_t immediates[] = {4, 1, 4}; // two rows of four, a column of one
  for (auto [start, column] : {std::pair(1, 1), std::pair(9, 3), std::pair(-3, 0)}) {
    int32_t place = start;
    void *apart[] = {dest.data(), src.data(), &place, result.data()};
    ftc_update_slice(apart, immediates, 0, 2);
    std::vector<int32_t> expected = dest;
    expected[column] = -1;
    expected[4 + column] = -2;
    EXPECT_EQ(result, expected);
    std::vector<int32_t> own = dest;
    void *inPlace[] = {own.data(), src.data(), &place, own.data()};
    ftc_update_slice(inPlace, immediates, 0, 2);
    EXPECT_EQ(own, expected);
  }
}

} // namespace
