// The arena: all memory of a run in one mapping of the size that the plan promised.

#include "ftc/Runtime/CPU/Program.h"

#include "Pool.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>

namespace {
constexpr uint64_t kHugePage = uint64_t(2) << 20;

uint64_t roundUp(uint64_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }
} // namespace

extern "C" uint8_t *ftc_arena_create(uint64_t bytes) {
  if (bytes == 0)
    bytes = 1;
  // One huge page more than needed, so that an aligned range lies inside; the rest is given back.
  uint64_t size = roundUp(bytes), mapped = size + kHugePage;
  void *raw = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED)
    return nullptr;
  uint8_t *start = static_cast<uint8_t *>(raw);
  uint8_t *base = reinterpret_cast<uint8_t *>(roundUp(reinterpret_cast<uintptr_t>(start)));
  if (base > start)
    munmap(start, base - start);
  munmap(base + size, start + mapped - (base + size));
  madvise(base, size, MADV_HUGEPAGE);
  return base;
}

extern "C" void ftc_arena_destroy(uint8_t *arena, uint64_t bytes) {
  if (arena)
    munmap(arena, roundUp(bytes ? bytes : 1));
}

extern "C" int ftc_arena_leave_files(uint8_t *arena, uint64_t begin, uint64_t end) {
  constexpr uint64_t step = 2 * kHugePage; // of which the process holds one more than its arena for a moment
  for (uint64_t at = begin / kHugePage * kHugePage, last = roundUp(end); at < last; at += step) {
    uint64_t size = std::min(step, last - at);
    uint8_t *pages = ftc_arena_create(size);
    if (!pages)
      return 0;
    std::memcpy(pages, arena + at, size);
    if (mremap(pages, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, arena + at) == MAP_FAILED) {
      ftc_fail(FTC_NO_MEMORY, "the system has no pages for the weights"); // and may have taken away what was there
      return ftc_take_failure();
    }
  }
  return 0;
}

extern "C" int ftc_prepare(const ftc_setup *setup, uint8_t *arena) {
  for (uint64_t i = 0; i < setup->constant_count; ++i) {
    const ftc_constant &constant = setup->constants[i];
    for (uint64_t done = 0; done < constant.bytes; done += constant.data_bytes)
      std::memcpy(arena + constant.offset + done, constant.data, constant.data_bytes);
  }
  uint64_t scratch = setup->scratch;
  for (uint64_t i = 0; i < setup->plan_count; ++i)
    scratch = std::max(scratch, setup->plans[i].plan(int64_t(i), setup->plans[i].arguments));
  if (int status = ftc_take_failure())
    return status;
  return ftc::cpu::Pool::get().reserve(scratch);
}
