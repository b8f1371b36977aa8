// What a machine can do at most, measured.
#ifndef FTC_RUNTIME_CPU_CEILING_H
#define FTC_RUNTIME_CPU_CEILING_H

namespace ftc::cpu {

/// On all threads of the runtime together.
struct Ceiling {
  double flops; ///< single-precision fused multiply-adds in registers, two flops each, a second
  double bytes; ///< read from memory, a second
};

/// Keeps all threads busy for `seconds`, half of it with each. A machine that does something else meanwhile reaches
/// less. Needs 512 MB, or 32 MB a thread if that is more; where there are none, `bytes` is 0.
Ceiling measureCeiling(double seconds = 0.2);

} // namespace ftc::cpu

#endif // FTC_RUNTIME_CPU_CEILING_H
