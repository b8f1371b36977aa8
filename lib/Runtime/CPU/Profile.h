#ifndef FTC_LIB_RUNTIME_CPU_PROFILE_H
#define FTC_LIB_RUNTIME_CPU_PROFILE_H

#include "ftc/Runtime/CPU/Profile.h"

#include <chrono>

namespace ftc::cpu {

/// The measurement of one call, from construction to destruction; nothing if no profile was started.
class CallTimer {
public:
  CallTimer(const ftc_program &program, uint64_t call);
  ~CallTimer();
  CallTimer(const CallTimer &) = delete;
  CallTimer &operator=(const CallTimer &) = delete;

private:
  const ftc_note *note;
  std::chrono::steady_clock::time_point begin;
};

} // namespace ftc::cpu

#endif // FTC_LIB_RUNTIME_CPU_PROFILE_H
