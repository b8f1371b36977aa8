// Where the time of programs goes.
#ifndef FTC_RUNTIME_CPU_PROFILE_H
#define FTC_RUNTIME_CPU_PROFILE_H

#include "ftc/Runtime/CPU/Ceiling.h"
#include "ftc/Runtime/CPU/Program.h"

#include <string>

extern "C" {
/// What the profile says about a call.
typedef struct ftc_note {
  const char *what; ///< equal for calls that are summed up in one line
  uint64_t flops;   ///< of its products
  uint64_t bytes;   ///< of its operands and results
} ftc_note;

/// For each program of the object, a note for each of its calls; ends with a null pointer. An
/// object made by hand need not have it.
extern const ftc_note *const ftc_program_notes[] __attribute__((weak));
}

namespace ftc::cpu {

/// From now on measures each call of these programs, one profile at a time.
void startProfile(const ftc_program *programs, const ftc_note *const *notes, const Ceiling &ceiling);
void stopProfile();

/// Of the profile that was started: time, share, calls and speed of each kernel, and its share of the wall, which is
/// the least time that the machine could do it in by the time it took.
std::string profileTable();
/// The first calls as a trace in Chrome's JSON format, an event each.
std::string profileTrace();

} // namespace ftc::cpu

#endif // FTC_RUNTIME_CPU_PROFILE_H
