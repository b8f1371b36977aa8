// Executes call tables.

#include "ftc/Runtime/CPU/Program.h"

namespace {
void runCall(const ftc_call &call, uint8_t *arena, uint64_t iteration) {
  void *buffers[FTC_MAX_BUFFERS];
  for (uint64_t i = 0; i < call.buffers; ++i)
    buffers[i] = arena + call.offsets[i] + (call.strides ? int64_t(iteration) * call.strides[i] : 0);
  ftc_parallel(call.kernel, buffers, call.immediates, call.items, call.grain);
}
} // namespace

extern "C" void ftc_run_program(const ftc_program *program, uint8_t *arena) {
  const ftc_loop *loop = program->loops, *lastLoop = loop + program->loop_count;
  for (uint64_t next = 0; next < program->count;) {
    if (loop == lastLoop || next < loop->first) {
      runCall(program->calls[next++], arena, 0);
      continue;
    }
    for (uint64_t iteration = 0; iteration < loop->times; ++iteration)
      for (uint64_t i = 0; i < loop->count; ++i)
        runCall(program->calls[loop->first + i], arena, iteration);
    next = loop->first + loop->count;
    ++loop;
  }
}
