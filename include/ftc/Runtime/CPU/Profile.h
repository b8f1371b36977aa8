// Where the time of programs goes.
#ifndef FTC_RUNTIME_CPU_PROFILE_H
#define FTC_RUNTIME_CPU_PROFILE_H

#include "ftc/Runtime/CPU/Program.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What the profile says about a call.
typedef struct ftc_note {
  const char *what; ///< equal for calls that are summed up in one line
  uint64_t flops;   ///< of its products
} ftc_note;

/// For each program of the object, a note for each of its calls; ends with a null pointer. An
/// object made by hand need not have it.
extern const ftc_note *const ftc_program_notes[] __attribute__((weak));

/// From now on measures each call of these programs. A table of time, share and speed goes to stderr when the process
/// ends. An executable does so if the environment variable FTC_PROFILE is set.
void ftc_profile_start(const ftc_program *programs, const ftc_note *const *notes);

#ifdef __cplusplus
}
#endif

#endif // FTC_RUNTIME_CPU_PROFILE_H
