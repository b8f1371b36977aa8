#include "ftc/Runtime/CPU/Ceiling.h"

#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <immintrin.h>
#include <memory>
#include <new>
#include <vector>

namespace ftc::cpu {
namespace {

using Clock = std::chrono::steady_clock;
/// What all threads read together, and one at least: far more than caches hold. Of 64 MB a core, a third cache of 32 MB
/// that several machines share has been seen to give half.
constexpr size_t kMemory = size_t(512) << 20, kLeastMemory = size_t(32) << 20;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Work of one thread for `seconds`; what it has done, a second.
using Work = double (*)(const float *memory, size_t bytes, double seconds);
struct Works {
  Work multiply, read;
};

// The same loops for each width of registers: as many chains of multiply-adds as there are registers.
#define FTC_NAME(what) wide##what
#define FTC_TARGET __attribute__((target("avx512f")))
#define FTC_INTRINSIC(name) _mm512_##name
#define FTC_MULTIPLY_ADD _mm512_fmadd_ps
#define FTC_VECTOR __m512
#define FTC_CHAINS 24
#include "CeilingLoops.inc"

#define FTC_NAME(what) half##what
#define FTC_TARGET __attribute__((target("avx2,fma")))
#define FTC_INTRINSIC(name) _mm256_##name
#define FTC_MULTIPLY_ADD _mm256_fmadd_ps
#define FTC_VECTOR __m256
#define FTC_CHAINS 12
#include "CeilingLoops.inc"

__m128 multiplyAdd(__m128 a, __m128 b, __m128 c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
#define FTC_NAME(what) base##what
#define FTC_TARGET
#define FTC_INTRINSIC(name) _mm_##name
#define FTC_MULTIPLY_ADD multiplyAdd
#define FTC_VECTOR __m128
#define FTC_CHAINS 12
#include "CeilingLoops.inc"

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
  size_t bytes;
  double seconds, rate = 0;
};

/// Each item is the work of one thread.
void runShares(void *const *buffers, const int64_t *, int64_t lo, int64_t hi) {
  auto *shares = static_cast<Share *>(buffers[0]);
  for (int64_t i = lo; i < hi; ++i)
    shares[i].rate = shares[i].work(shares[i].memory, shares[i].bytes, shares[i].seconds);
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
  Ceiling ceiling{runOnAll(std::vector<Share>(threads, {works.multiply, nullptr, 0, seconds / 2})), 0};
  size_t bytes = std::max(kLeastMemory, kMemory / threads / kLeastMemory * kLeastMemory);
  std::unique_ptr<uint8_t, Unmap> memory(ftc_arena_create(threads * bytes), Unmap{threads * bytes});
  if (!memory)
    return ceiling;
  std::vector<Share> shares;
  for (size_t i = 0; i < threads; ++i) {
    auto *own = reinterpret_cast<float *>(memory.get() + i * bytes);
    for (size_t j = 0; j < bytes / sizeof(float); j += 1024) // a page that was never written is one page of zeros
      own[j] = 1.0f;
    shares.push_back({works.read, own, bytes, seconds / 2});
  }
  ceiling.bytes = runOnAll(std::move(shares));
  return ceiling;
}

} // namespace ftc::cpu
