#ifndef FTC_LIB_TARGET_CPU_MATMUL_H
#define FTC_LIB_TARGET_CPU_MATMUL_H

#include "Registers.h"
#include "dialects/Dnnl/IR/Dnnl.h"
#include "ftc/Target/KernelBuilder.h"

namespace ftc::target::cpu {

/// Emits the kernel of a product in f32. False, and nothing, if the micro-kernel does not suit it or the
/// processor: few rows, narrow columns, no multiply-add. The library does it then.
bool emitMatmul(dnnl::MatmulOp op, const Registers &registers, KernelBuilder &builder);

/// Whether that kernel can add to what its result holds.
bool mayAccumulate(dnnl::MatmulOp op, const Registers &registers);

/// Whether the kernels of a product and of one that differs in how many rows there are, of its operands or in its
/// depth, add the products of each element in the same order; false if the library does one of them.
bool addsAlike(dnnl::MatmulOp op, dnnl::MatmulOp whole, const Registers &registers);

/// Columns of the panels in which that kernel can read an operand of a product; 0 if it cannot.
int64_t getPanelColumns(mlir::OpOperand &operand, const Registers &registers);

/// Bytes of each thread's memory that this kernel needs; 0 if the library does it.
int64_t getMatmulScratch(dnnl::MatmulOp op, const Registers &registers);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_MATMUL_H
