// Executes call tables.

#include "ftc/Runtime/CPU/Program.h"

#include "Profile.h"

namespace {
/// Status of the call.
int runCall(const ftc_program &program, uint64_t number, uint8_t *arena, uint64_t iteration) {
  ftc::cpu::CallTimer timer(program, number);
  const ftc_call &call = program.calls[number];
  void *buffers[FTC_MAX_BUFFERS];
  for (uint64_t i = 0; i < call.buffers; ++i)
    buffers[i] = arena + call.offsets[i] + (call.strides ? int64_t(iteration) * call.strides[i] : 0);
  ftc_parallel(call.kernel, buffers, call.immediates, call.items, call.grain);
  return ftc_take_failure();
}
/// The calls `first` to `last` (exclusive), with their loops.
int runCalls(const ftc_program &program, uint64_t first, uint64_t last, uint8_t *arena) {
  const ftc_loop *loop = program.loops, *lastLoop = loop + program.loop_count;
  while (loop != lastLoop && loop->first < first)
    ++loop;
  for (uint64_t next = first; next < last;) {
    if (loop == lastLoop || next < loop->first) {
      if (int status = runCall(program, next++, arena, 0))
        return status;
      continue;
    }
    for (uint64_t iteration = 0; iteration < loop->times; ++iteration)
      for (uint64_t i = 0; i < loop->count; ++i)
        if (int status = runCall(program, loop->first + i, arena, iteration))
          return status;
    next = loop->first + loop->count;
    ++loop;
  }
  return 0;
}
} // namespace

extern "C" int ftc_run_program(const ftc_program *program, uint8_t *arena) {
  const ftc_choice *choice = program->choices, *lastChoice = choice + program->choice_count;
  for (uint64_t next = 0; next < program->count;) {
    uint64_t end = choice == lastChoice ? program->count : choice->first;
    if (int status = runCalls(*program, next, end, arena))
      return status;
    next = end;
    if (choice == lastChoice)
      break;
    uint64_t middle = choice->first + choice->yes;
    next = middle + choice->no;
    bool yes = arena[choice->condition] != 0;
    if (int status = runCalls(*program, yes ? choice->first : middle, yes ? middle : next, arena))
      return status;
    ++choice;
  }
  return 0;
}
