// Memory of a thread for the time of one kernel.

#include "ftc/Runtime/CPU/Program.h"

#include <cstdio>
#include <cstdlib>

namespace {
/// Grown in whole pages; freed with the thread.
struct Scratch {
  void *memory = nullptr;
  uint64_t bytes = 0;
  ~Scratch() { std::free(memory); }
};
} // namespace

void *ftc_scratch(uint64_t bytes) {
  static thread_local Scratch scratch;
  if (bytes > scratch.bytes) {
    constexpr uint64_t kPage = 4096;
    uint64_t rounded = (bytes + kPage - 1) / kPage * kPage;
    std::free(scratch.memory);
    scratch.memory = std::aligned_alloc(kPage, rounded);
    scratch.bytes = rounded;
    if (!scratch.memory) {
      std::fprintf(stderr, "error: out of memory: a kernel needs %llu bytes\n", (unsigned long long)bytes);
      std::_Exit(4);
    }
  }
  return scratch.memory;
}
