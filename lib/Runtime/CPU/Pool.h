// Threads that share the items of one call after another.
#ifndef FTC_LIB_RUNTIME_CPU_POOL_H
#define FTC_LIB_RUNTIME_CPU_POOL_H

#include "ftc/Runtime/CPU/Program.h"

#include <atomic>
#include <thread>
#include <vector>

namespace ftc::cpu {

/// A call is cut into blocks of `grain` items, which the caller and the workers claim one at a time; without a grain
/// they claim ranges of items, ever shorter ones. What an item computes does not depend on who claims it, so results
/// are the same for any number of threads.
class Pool {
public:
  static Pool &get();
  ~Pool();

  /// Workers and the caller; 0: one for each processor this process may use.
  /// Returns 0, or FTC_NO_MEMORY.
  int setThreads(int threads);
  int getThreads() const { return int(workers.size()) + 1; }

  /// Gives each thread at least so many bytes of its own. Returns 0, or FTC_NO_MEMORY.
  int reserve(uint64_t bytes);
  /// Those of the calling thread.
  void *getScratch() const;

  void run(ftc_kernel kernel, void *const *buffers, const int64_t *immediates, int64_t items, int64_t grain);

private:
  struct Task {
    ftc_kernel kernel;
    void *const *buffers;
    const int64_t *immediates;
    int64_t items, grain, blocks;
  };

  Pool();
  void release();
  void start(int threads);
  void stop();
  void work(uint64_t seen, int number);
  void claimBlocks(uint32_t epoch);
  uint32_t countClaim(uint32_t unclaimed) const;
  uint64_t awaitTicket(uint64_t seen);

  Task task = {};
  std::atomic<bool> anyRange{false}; ///< of the task; read before a claim, which fails if the task is another by then
  /// Number of the task (high half) and how many of its blocks nobody has claimed (low half).
  alignas(64) std::atomic<uint64_t> ticket{0};
  alignas(64) std::atomic<int64_t> unfinished{0};
  alignas(64) std::atomic<int> sleepers{0};
  std::atomic<bool> stopping{false};
  std::vector<std::thread> workers;

  uint8_t *scratch = nullptr;                  ///< of all threads, one after another
  uint64_t scratchEach = 0, scratchMapped = 0; ///< bytes of each, of the mapping
};

} // namespace ftc::cpu

#endif // FTC_LIB_RUNTIME_CPU_POOL_H
