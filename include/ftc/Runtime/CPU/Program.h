// A program is data: a table of calls to kernels, emitted by the compiler (lib/Target) as constants of the object and
// executed here. The header is plain C, since it is the binary interface between the two.
#ifndef FTC_RUNTIME_CPU_PROGRAM_H
#define FTC_RUNTIME_CPU_PROGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Does items `lo` to `hi` (exclusive) of its work. Items are independent, and their results do not depend on how they
/// are split between threads.
typedef void (*ftc_kernel)(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);

/// The largest number of buffers of one call; the compiler keeps to it.
enum { FTC_MAX_BUFFERS = 128 };

/// A grain of its own: items are handed out in ranges of any length, long ones first.
enum { FTC_ANY_RANGE = 0 };

/// One call. Its items are handed out in blocks of `grain`.
typedef struct ftc_call {
  ftc_kernel kernel;
  int64_t items;
  int64_t grain;
  const uint64_t *offsets;   ///< of each buffer, in bytes from the arena's base
  const int64_t *strides;    ///< bytes added to each offset for each iteration of the loop around the call; may be null
  const int64_t *immediates; ///< may be null
  uint64_t buffers;          ///< number of offsets (and strides)
} ftc_call;

/// The calls `first` to `first + count` (exclusive) are done `times` times. Loops do not nest.
typedef struct ftc_loop {
  uint64_t first;
  uint64_t count;
  uint64_t times;
} ftc_loop;

/// If the byte at `condition` of the arena is not 0, the `yes` calls from `first` on are done, else the `no` calls
/// after them. Choices do not nest and are not part of a loop; loops may be part of a choice.
typedef struct ftc_choice {
  uint64_t first;
  uint64_t yes;
  uint64_t no;
  uint64_t condition;
} ftc_choice;

typedef struct ftc_program {
  const ftc_call *calls;
  uint64_t count;
  const ftc_loop *loops; ///< by increasing `first`; may be null
  uint64_t loop_count;
  const ftc_choice *choices; ///< by increasing `first`; may be null
  uint64_t choice_count;
} ftc_program;

/// A constant tensor: `bytes` bytes at `offset` of the arena, filled with repetitions of `data` (`data_bytes` long).
typedef struct ftc_constant {
  const void *data;
  uint64_t data_bytes;
  uint64_t offset;
  uint64_t bytes;
} ftc_constant;

/// Prepares a library kernel once, before the first call: `plan(number, arguments)`. Calls name the plan by its number.
/// Returns how many bytes of a thread's memory (ftc_scratch) its calls need; after ftc_fail, anything.
typedef struct ftc_plan {
  uint64_t (*plan)(int64_t number, const int64_t *arguments);
  const int64_t *arguments;
} ftc_plan;

/// What must be done before the first program is run.
typedef struct ftc_setup {
  const ftc_constant *constants;
  uint64_t constant_count;
  const ftc_plan *plans;
  uint64_t plan_count;
  uint64_t scratch; ///< bytes of each thread's memory that the object's kernels need
} ftc_setup;

// Every object made by the compiler defines these (docs/manifest.md).
extern const ftc_program ftc_programs[];
extern const ftc_setup ftc_program_setup;
extern const char ftc_manifest[];
extern const uint64_t ftc_manifest_size;

/// Maps `bytes` bytes of zeros, aligned to 2 MB and in pages of that size where the system has them. Null (and errno)
/// if there is not enough memory.
uint8_t *ftc_arena_create(uint64_t bytes);
void ftc_arena_destroy(uint8_t *arena, uint64_t bytes);
/// Puts large pages of memory in the place of what shows a file in bytes [begin, end) of an arena, with the same
/// contents. Nothing else may use the arena meanwhile. 0, or FTC_NO_MEMORY and ftc_failure() says why; a lack of memory
/// for another page is no failure: the rest goes on to show the file.
int ftc_arena_leave_files(uint8_t *arena, uint64_t begin, uint64_t end);

/// Copies the constants into the arena, makes the plans, and reserves the threads' memory. Returns 0, or FTC_NO_MEMORY,
/// FTC_MACHINE or FTC_BUG and ftc_failure() says why.
int ftc_prepare(const ftc_setup *setup, uint8_t *arena);

/// Runs all calls of a program in order, each spread over the threads. Returns 0, or as ftc_prepare; the program is
/// left after the call that failed.
int ftc_run_program(const ftc_program *program, uint8_t *arena);

/// Sets the number of threads, the caller's included; 0: one for each processor this process may use. Must not be
/// called while a program runs. Returns 0, or FTC_NO_MEMORY if there is none for the threads' memory.
int ftc_set_threads(int threads);
int ftc_threads(void);

/// Runs `kernel` over `items` items in blocks of `grain` (or FTC_ANY_RANGE) on all threads; returns when all are done.
/// Denormals count as zero (FTZ and DAZ) inside. Kernels must not call it.
void ftc_parallel(ftc_kernel kernel, void *const *buffers, const int64_t *immediates, int64_t items, int64_t grain);

/// The calling thread's own memory inside of a kernel, of the size that was reserved, aligned to 4096.
void *ftc_scratch(void);

/// What is wrong; the values are exit statuses of executables. FTC_MACHINE: this one is made for another machine.
enum { FTC_MACHINE = 2, FTC_NO_MEMORY = 4, FTC_BUG = 70 };

/// Called by a kernel or a plan that cannot do its work: the first failure ends the program that is run.
void ftc_fail(int status, const char *text);
/// The status of the first failure since the last call; 0 if there is none.
int ftc_take_failure(void);
/// The text of the last failure.
const char *ftc_failure(void);

// Kernels of the runtime, with the interface of ftc_kernel.

/// buffers: to, from; immediates: bytes in all. One item is FTC_COPY_BYTES bytes.
void ftc_copy(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
/// buffers: to; immediates: bytes in all. Items as in ftc_copy.
void ftc_zero(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
/// to += from. buffers: to, from; immediates: number of elements. One item is FTC_COPY_BYTES bytes of elements.
void ftc_accumulate_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_accumulate_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
enum { FTC_COPY_BYTES = 1 << 18 };
/// result = dest with src written from index `start` (i32, clamped) along one dimension. buffers: dest, src, start,
/// result, which may be dest; immediates: sizes of the dimension in dest and in src, bytes of one entry of it. One item
/// is one entry of the dimensions before it.
void ftc_update_slice(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);

// Number `index` of a site of the generator (ftc/Runtime/Core/Philox.h): uniform on [0, 1), standard normal.
double ftc_random_uniform(int64_t key, int64_t site, int64_t index);
double ftc_random_normal(int64_t key, int64_t site, int64_t index);

#ifdef __cplusplus
}
#endif

#endif // FTC_RUNTIME_CPU_PROGRAM_H
