#include "ftc/Runtime/CPU/Ceiling.h"

#include "ftc/Runtime/CPU/Program.h"

#include <chrono>
#include <cstddef>
#include <immintrin.h>
#include <memory>
#include <new>
#include <vector>

namespace ftc::cpu {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMemory = size_t(64) << 20; ///< of a thread: more than caches hold

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Work of one thread for `seconds`; what it has done, a second.
using Work = double (*)(const float *memory, double seconds);
struct Works {
  Work multiply, read;
};

// The same loops for each width of registers: as many chains of multiply-adds as there are registers, and sums of all
// of the memory.
#define FTC_CEILING(NAME, TARGET, VECTOR, CHAINS, REGISTER, SET, LOAD, ADD, FMA)                                       \
  TARGET double NAME##Multiply(const float *, double seconds) {                                                        \
    VECTOR sums[CHAINS], factor = SET(0.5f), term = SET(1.0f);                                                         \
    for (VECTOR &sum : sums)                                                                                           \
      sum = SET(0.0f);                                                                                                 \
    constexpr int kTimes = 20000;                                                                                      \
    double flops = 0;                                                                                                  \
    auto begin = Clock::now();                                                                                         \
    for (; since(begin) < seconds; flops += 2.0 * (sizeof(VECTOR) / sizeof(float)) * CHAINS * kTimes)                  \
      for (int i = 0; i < kTimes; ++i)                                                                                 \
        _Pragma("GCC unroll 32") for (VECTOR &sum : sums) {                                                            \
          sum = FMA;                                                                                                   \
          __asm__ volatile("" : "+" REGISTER(sum)); /* neither removed nor moved to memory */                          \
        }                                                                                                              \
    return flops / since(begin);                                                                                       \
  }                                                                                                                    \
  TARGET double NAME##Read(const float *memory, double seconds) {                                                      \
    VECTOR sums[8];                                                                                                    \
    for (VECTOR &sum : sums)                                                                                           \
      sum = SET(0.0f);                                                                                                 \
    constexpr size_t kStep = sizeof(VECTOR) / sizeof(float);                                                           \
    double bytes = 0;                                                                                                  \
    auto begin = Clock::now();                                                                                         \
    for (; since(begin) < seconds; bytes += double(kMemory))                                                           \
      for (size_t i = 0; i < kMemory / sizeof(float); i += 8 * kStep)                                                  \
        _Pragma("GCC unroll 8") for (int j = 0; j < 8; ++j) sums[j] = ADD(sums[j], LOAD(memory + i + j * kStep));      \
    for (VECTOR &sum : sums)                                                                                           \
      __asm__ volatile("" : : REGISTER(sum));                                                                          \
    return bytes / since(begin);                                                                                       \
  }

FTC_CEILING(wide, __attribute__((target("avx512f"))), __m512, 24, "v", _mm512_set1_ps, _mm512_load_ps, _mm512_add_ps,
            _mm512_fmadd_ps(sum, factor, term))
FTC_CEILING(half, __attribute__((target("avx2,fma"))), __m256, 12, "x", _mm256_set1_ps, _mm256_load_ps, _mm256_add_ps,
            _mm256_fmadd_ps(sum, factor, term))
FTC_CEILING(base, , __m128, 12, "x", _mm_set1_ps, _mm_load_ps, _mm_add_ps, _mm_add_ps(_mm_mul_ps(sum, factor), term))
#undef FTC_CEILING

Works chooseWorks() {
  if (__builtin_cpu_supports("avx512f"))
    return {wideMultiply, wideRead};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {halfMultiply, halfRead};
  return {baseMultiply, baseRead};
}

struct Share {
  Work work;
  const float *memory;
  double seconds, rate = 0;
};

/// Each item is the work of one thread.
void runShares(void *const *buffers, const int64_t *, int64_t lo, int64_t hi) {
  auto *shares = static_cast<Share *>(buffers[0]);
  for (int64_t i = lo; i < hi; ++i)
    shares[i].rate = shares[i].work(shares[i].memory, shares[i].seconds);
}

double runOnAll(std::vector<Share> shares) {
  void *buffers[] = {shares.data()};
  ftc_parallel(runShares, buffers, nullptr, int64_t(shares.size()), 1);
  double rate = 0;
  for (const Share &share : shares)
    rate += share.rate;
  return rate;
}

struct Unmap {
  size_t bytes;
  void operator()(uint8_t *memory) const { ftc_arena_destroy(memory, bytes); }
};

} // namespace

Ceiling measureCeiling(double seconds) {
  Works works = chooseWorks();
  size_t threads = size_t(ftc_threads());
  Ceiling ceiling{runOnAll(std::vector<Share>(threads, {works.multiply, nullptr, seconds / 2})), 0};
  std::unique_ptr<uint8_t, Unmap> memory(ftc_arena_create(threads * kMemory), Unmap{threads * kMemory});
  if (!memory)
    return ceiling;
  std::vector<Share> shares;
  for (size_t i = 0; i < threads; ++i) {
    auto *own = reinterpret_cast<float *>(memory.get() + i * kMemory);
    for (size_t j = 0; j < kMemory / sizeof(float); j += 1024) // a page that was never written is one page of zeros
      own[j] = 1.0f;
    shares.push_back({works.read, own, seconds / 2});
  }
  ceiling.bytes = runOnAll(std::move(shares));
  return ceiling;
}

} // namespace ftc::cpu
