// What goes wrong inside of a kernel, which has no result to say so.

#include "ftc/Runtime/CPU/Program.h"

#include <atomic>
#include <mutex>
#include <string>

namespace {
std::atomic<int> status{0};
std::mutex mutex;
std::string text;
} // namespace

void ftc_fail(int failedStatus, const char *why) {
  std::lock_guard lock(mutex);
  if (status.load() != 0)
    return;
  text = why;
  status.store(failedStatus, std::memory_order_release);
}

int ftc_take_failure(void) { return status.exchange(0, std::memory_order_acq_rel); }

const char *ftc_failure(void) { return text.c_str(); }
