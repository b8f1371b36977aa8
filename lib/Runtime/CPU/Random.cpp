// The generator as generated kernels call it.

#include "ftc/Runtime/CPU/Program.h"
#include "ftc/Runtime/Core/Philox.h"

extern "C" double ftc_random_uniform(int64_t key, int64_t site, int64_t index) {
  return ftc::randomUniform(uint64_t(key), uint64_t(site), uint64_t(index));
}

extern "C" double ftc_random_normal(int64_t key, int64_t site, int64_t index) {
  return ftc::randomNormal(uint64_t(key), uint64_t(site), uint64_t(index));
}
