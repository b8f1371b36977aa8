// A processor's tiles for matrix products (AMX), which the system hands out on demand.
#ifndef FTC_RUNTIME_CPU_TILES_H
#define FTC_RUNTIME_CPU_TILES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Asks the system to let this process use tiles: a plan (docs/ir.md, "Calls and kernels") without arguments. Fails
/// with FTC_MACHINE where the processor has none or the system keeps them.
uint64_t ftc_tiles_plan(int64_t number, const int64_t *arguments);

#ifdef __cplusplus
}
#endif

#endif // FTC_RUNTIME_CPU_TILES_H
