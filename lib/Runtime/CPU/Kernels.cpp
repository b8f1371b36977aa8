// Kernels that every target uses for moving whole tensors.

#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <cstring>

namespace {
/// The bytes of items lo to hi, as a range of a tensor of `total` bytes.
struct ByteRange {
  ByteRange(int64_t lo, int64_t hi, int64_t total)
      : first(lo * FTC_COPY_BYTES), last(std::min<int64_t>(hi * FTC_COPY_BYTES, total)) {}
  int64_t first, last;
};

template <typename T> void accumulate(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  ByteRange range(lo, hi, immediates[0] * int64_t(sizeof(T)));
  T *to = static_cast<T *>(buffers[0]);
  const T *from = static_cast<const T *>(buffers[1]);
  for (int64_t i = range.first / int64_t(sizeof(T)), last = range.last / int64_t(sizeof(T)); i < last; ++i)
    to[i] += from[i];
}
} // namespace

extern "C" void ftc_copy(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  ByteRange range(lo, hi, immediates[0]);
  std::memcpy(static_cast<char *>(buffers[0]) + range.first, static_cast<const char *>(buffers[1]) + range.first,
              range.last - range.first);
}

extern "C" void ftc_zero(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  ByteRange range(lo, hi, immediates[0]);
  std::memset(static_cast<char *>(buffers[0]) + range.first, 0, range.last - range.first);
}

extern "C" void ftc_accumulate_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  accumulate<float>(buffers, immediates, lo, hi);
}

extern "C" void ftc_accumulate_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  accumulate<double>(buffers, immediates, lo, hi);
}

extern "C" void ftc_update_slice(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  const char *dest = static_cast<const char *>(buffers[0]), *src = static_cast<const char *>(buffers[1]);
  char *result = static_cast<char *>(buffers[3]);
  int64_t destSize = immediates[0], srcSize = immediates[1], entry = immediates[2];
  int64_t start = std::clamp<int64_t>(*static_cast<const int32_t *>(buffers[2]), 0, destSize - srcSize);
  for (int64_t item = lo; item < hi; ++item) {
    char *row = result + item * destSize * entry;
    if (dest != result)
      std::memcpy(row, dest + item * destSize * entry, destSize * entry);
    std::memcpy(row + start * entry, src + item * srcSize * entry, srcSize * entry);
  }
}
