#include "ftc/Runtime/CPU/Tiles.h"

#include "ftc/Runtime/CPU/Program.h"

#include <sys/syscall.h>
#include <unistd.h>

uint64_t ftc_tiles_plan(int64_t, const int64_t *) {
#ifdef __x86_64__
  // Linux: Documentation/arch/x86/xstate.rst. Threads that exist already may use them too.
  constexpr long requestPermission = 0x1023, tileData = 18;
  if (syscall(SYS_arch_prctl, requestPermission, tileData) == 0)
    return 0;
#endif
  ftc_fail(FTC_MACHINE,
           "this is made for a processor with tiles (AMX), which this machine does not have or does not give: "
           "compile it here, or for this processor with '--cpu'");
  return 0;
}
