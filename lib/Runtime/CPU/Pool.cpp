// The one thread pool of the process. A call of 3,000 a step must cost about a microsecond, so workers spin for a
// while before they sleep, and blocks are claimed with one compare-and-swap.

#include "Pool.h"

#include <algorithm>
#include <cstddef>
#include <sched.h>
#include <xmmintrin.h>

namespace ftc::cpu {

namespace {
constexpr int kSpins = 20000;                // about 100 microseconds
constexpr unsigned kFlushDenormals = 0x8040; // FTZ and DAZ of MXCSR

/// Sets FTZ and DAZ for its lifetime.
class FlushDenormals {
public:
  FlushDenormals() : saved(_mm_getcsr()) { _mm_setcsr(saved | kFlushDenormals); }
  ~FlushDenormals() { _mm_setcsr(saved); }
  FlushDenormals(const FlushDenormals &) = delete;
  FlushDenormals &operator=(const FlushDenormals &) = delete;

private:
  unsigned saved;
};

/// 0 in the thread that runs programs.
thread_local int threadNumber = 0;

int countProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

constexpr uint64_t makeTicket(uint32_t epoch, uint32_t unclaimed) { return uint64_t(epoch) << 32 | unclaimed; }
constexpr uint32_t getEpoch(uint64_t ticket) { return uint32_t(ticket >> 32); }
constexpr uint32_t getUnclaimed(uint64_t ticket) { return uint32_t(ticket); }
} // namespace

Pool &Pool::get() {
  static Pool pool;
  return pool;
}

Pool::Pool() { start(countProcessors()); }

Pool::~Pool() {
  stop();
  release();
}

int Pool::setThreads(int threads) {
  if (threads <= 0)
    threads = countProcessors();
  if (threads == getThreads())
    return 0;
  stop();
  release();
  start(threads);
  return reserve(scratchEach);
}

void Pool::release() {
  ftc_arena_destroy(scratch, scratchMapped);
  scratch = nullptr;
  scratchMapped = 0;
}

int Pool::reserve(uint64_t bytes) {
  constexpr uint64_t kPage = 4096;
  bytes = (std::max(bytes, scratchEach) + kPage - 1) / kPage * kPage;
  if (bytes * uint64_t(getThreads()) <= scratchMapped)
    return 0;
  uint64_t mapped = bytes * uint64_t(getThreads());
  uint8_t *memory = ftc_arena_create(mapped);
  if (!memory) {
    ftc_fail(FTC_NO_MEMORY, "there is no memory for the threads");
    return ftc_take_failure();
  }
  release();
  scratch = memory;
  scratchEach = bytes;
  scratchMapped = mapped;
  return 0;
}

void *Pool::getScratch() const { return scratch + uint64_t(threadNumber) * scratchEach; }

void Pool::start(int threads) {
  stopping.store(false);
  for (int i = 1; i < threads; ++i)
    workers.emplace_back([this, i, seen = ticket.load()] { work(seen, i); });
}

void Pool::stop() {
  stopping.store(true);
  ticket.fetch_add(makeTicket(1, 0));
  ticket.notify_all();
  for (std::thread &worker : workers)
    worker.join();
  workers.clear();
}

uint64_t Pool::awaitTicket(uint64_t seen) {
  for (int spin = 0; spin < kSpins; ++spin) {
    uint64_t now = ticket.load(std::memory_order_acquire);
    if (getEpoch(now) != getEpoch(seen))
      return now;
    _mm_pause();
  }
  sleepers.fetch_add(1);
  uint64_t now = ticket.load();
  while (getEpoch(now) == getEpoch(seen)) {
    ticket.wait(now);
    now = ticket.load();
  }
  sleepers.fetch_sub(1);
  return now;
}

void Pool::work(uint64_t seen, int number) {
  threadNumber = number;
  FlushDenormals flush;
  while (true) {
    seen = awaitTicket(seen);
    if (stopping.load())
      return;
    claimBlocks(getEpoch(seen));
  }
}

/// Of items in any range a thread takes three quarters of its share of what is left, so that those that are slower are
/// helped out at the end.
uint32_t Pool::countClaim(uint32_t unclaimed) const {
  return anyRange.load(std::memory_order_relaxed)
             ? std::max<uint32_t>(1, uint32_t(uint64_t(unclaimed) * 3 / (4 * uint64_t(getThreads()))))
             : 1;
}

void Pool::claimBlocks(uint32_t epoch) {
  uint64_t now = ticket.load(std::memory_order_acquire);
  // A successful claim proves that the task of this epoch is unfinished, so `task` may be read only after it.
  while (getEpoch(now) == epoch && getUnclaimed(now) > 0) {
    uint32_t claim = countClaim(getUnclaimed(now));
    if (!ticket.compare_exchange_weak(now, now - claim, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    int64_t block = task.blocks - getUnclaimed(now);
    int64_t lo = block * task.grain;
    int64_t hi = std::min(lo + int64_t(claim) * task.grain, task.items);
    task.kernel(task.buffers, task.immediates, lo, hi);
    unfinished.fetch_sub(claim, std::memory_order_release);
    now = ticket.load(std::memory_order_acquire);
  }
}

void Pool::run(ftc_kernel kernel, void *const *buffers, const int64_t *immediates, int64_t items, int64_t grain) {
  if (items <= 0)
    return;
  FlushDenormals flush;
  bool isAnyRange = grain == FTC_ANY_RANGE;
  if (isAnyRange && workers.empty()) {
    kernel(buffers, immediates, 0, items);
    return;
  }
  if (grain < 1)
    grain = 1;
  int64_t blocks = (items + grain - 1) / grain;
  if (blocks == 1 || workers.empty()) {
    // The same split as with threads: a kernel sees the same calls whatever their number.
    for (int64_t lo = 0; lo < items; lo += grain)
      kernel(buffers, immediates, lo, lo + grain < items ? lo + grain : items);
    return;
  }
  // Block numbers are 32 bits wide; no kernel of ours has as many items.
  while (blocks > INT32_MAX) {
    grain *= 2;
    blocks = (items + grain - 1) / grain;
  }
  task = {kernel, buffers, immediates, items, grain, blocks};
  anyRange.store(isAnyRange, std::memory_order_relaxed);
  unfinished.store(blocks, std::memory_order_relaxed);
  uint32_t epoch = getEpoch(ticket.load(std::memory_order_relaxed)) + 1;
  ticket.store(makeTicket(epoch, uint32_t(blocks)));
  if (sleepers.load() > 0)
    ticket.notify_all();
  claimBlocks(epoch);
  for (int spin = 0; unfinished.load(std::memory_order_acquire) > 0; ++spin) {
    if (spin < kSpins)
      _mm_pause();
    else
      sched_yield(); // more threads than processors
  }
}

} // namespace ftc::cpu

using ftc::cpu::Pool;

extern "C" int ftc_set_threads(int threads) { return Pool::get().setThreads(threads); }

extern "C" void *ftc_scratch(void) { return Pool::get().getScratch(); }

extern "C" int ftc_threads(void) { return Pool::get().getThreads(); }

extern "C" void ftc_parallel(ftc_kernel kernel, void *const *buffers, const int64_t *immediates, int64_t items,
                             int64_t grain) {
  Pool::get().run(kernel, buffers, immediates, items, grain);
}
