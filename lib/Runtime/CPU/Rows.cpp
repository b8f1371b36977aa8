// Kernels of whole rows: sorting.

#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <numeric>

namespace {
template <typename T> void argsortItems(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t n = immediates[0], k = immediates[1];
  auto *places = static_cast<int32_t *>(ftc_scratch());
  for (int64_t item = lo; item < hi; ++item) {
    const T *x = static_cast<const T *>(buffers[0]) + item * n;
    std::iota(places, places + n, 0);
    std::partial_sort(places, places + k, places + n, [x](int32_t a, int32_t b) {
      bool aIsNumber = x[a] == x[a], bIsNumber = x[b] == x[b];
      if (!aIsNumber || !bIsNumber || x[a] == x[b])
        return aIsNumber != bIsNumber ? aIsNumber : a < b;
      return x[a] > x[b];
    });
    std::copy(places, places + k, static_cast<int32_t *>(buffers[1]) + item * k);
  }
}
} // namespace

extern "C" void ftc_argsort_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  argsortItems<float>(buffers, immediates, lo, hi);
}
extern "C" void ftc_argsort_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  argsortItems<double>(buffers, immediates, lo, hi);
}
extern "C" void ftc_argsort_i32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  argsortItems<int32_t>(buffers, immediates, lo, hi);
}
