// oneDNN as kernels of the runtime: pairs of a plan, made once, and a run (docs/ir.md, "Calls and kernels").
#ifndef FTC_RUNTIME_CPU_DNNL_H
#define FTC_RUNTIME_CPU_DNNL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Types of operands.
enum { FTC_DNNL_F32, FTC_DNNL_F16, FTC_DNNL_BF16 };
enum { FTC_DNNL_DEPTH = 2048 };

/// c[m, n] = init[m, n] + the sum over terms of a[m, k] b[k, n], in f32, for each entry of the batch dimensions.
/// Arguments, strides in elements: m, n; c's stride of m (that of n is 1); rows and columns of a block; whether there
/// is an init; the number of batch dimensions, and of each its size and its stride in c; the number of terms, and of
/// each: k, a's strides of m and k, b's of k and n, whether b is the left buffer, the types of the left and the right
/// one, and a's and b's strides of each batch dimension. What is narrower than f32 is extended block by block, at most
/// FTC_DNNL_DEPTH of k at a time, in the thread's memory; one of its two strides is 1.
uint64_t ftc_dnnl_matmul_plan(int64_t number, const int64_t *arguments);

/// Buffers: the left ones of all terms, the right ones, init if the plan has one (laid out as c, and it may be c), c.
/// Immediates: the plan's number. An item is a block of one entry of the batch; those of one entry are neighbours,
/// columns first.
void ftc_dnnl_matmul_run(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);

#ifdef __cplusplus
}
#endif

#endif // FTC_RUNTIME_CPU_DNNL_H
