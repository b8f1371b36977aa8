// What this machine can do at the moment: single-precision fused multiply-adds and bytes read from memory a second, on
// the given number of threads. Prints {"gflops": ..., "gigabytes": ...}.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

#if defined(__AVX512F__)
constexpr int kLanes = 16, kChains = 24;
#else
constexpr int kLanes = 8, kChains = 12; // as many chains as 16 registers hold
#endif
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

static double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Flops done in `seconds` by independent chains in registers.
static double multiply(double seconds) {
  Vector sums[kChains] = {}, factor = {}, term = {};
  for (int lane = 0; lane < kLanes; ++lane) {
    factor[lane] = 0.5f;
    term[lane] = 1.0f;
  }
  double flops = 0;
  for (auto begin = Clock::now(); since(begin) < seconds; flops += 2.0 * kLanes * kChains * 20000)
    for (int i = 0; i < 20000; ++i)
#pragma GCC unroll 32
      for (Vector &sum : sums) {
        sum = sum * factor + term;
        __asm__ volatile("" : "+v"(sum)); // neither removed nor moved to memory
      }
  return flops;
}

/// Bytes of `memory` read in `seconds`, each once a round.
static double read(const std::vector<Vector> &memory, double seconds) {
  Vector sums[8] = {};
  double bytes = 0;
  for (auto begin = Clock::now(); since(begin) < seconds; bytes += double(memory.size() * sizeof(Vector)))
    for (size_t i = 0; i < memory.size(); i += 8)
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j)
        sums[j] += memory[i + j];
  for (Vector &sum : sums)
    __asm__ volatile("" : : "v"(sum));
  return bytes;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? std::atoi(arguments[1]) : 1;
  constexpr double kSeconds = 0.3;
  constexpr size_t kBytes = size_t(256) << 20;
  std::vector<double> flops(threads), bytes(threads);
  auto onAll = [&](auto body) {
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i)
      workers.emplace_back([&, i] { body(i); });
    for (std::thread &worker : workers)
      worker.join();
  };
  onAll([&](int i) { flops[i] = multiply(kSeconds) / kSeconds; });
  onAll([&](int i) {
    std::vector<Vector> memory(kBytes / sizeof(Vector), Vector{});
    bytes[i] = read(memory, kSeconds) / kSeconds;
  });
  double totalFlops = 0, totalBytes = 0;
  for (int i = 0; i < threads; ++i) {
    totalFlops += flops[i];
    totalBytes += bytes[i];
  }
  std::printf("{\"gflops\": %.1f, \"gigabytes\": %.2f}\n", totalFlops * 1e-9, totalBytes * 1e-9);
}
