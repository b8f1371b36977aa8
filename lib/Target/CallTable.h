// The programs of a placed module as data.
#ifndef FTC_LIB_TARGET_CALLTABLE_H
#define FTC_LIB_TARGET_CALLTABLE_H

#include "Kernels.h"

namespace ftc::target {

struct Call {
  std::string symbol;
  int64_t items, grain;
  llvm::SmallVector<int64_t> offsets;
  llvm::SmallVector<int64_t> strides; ///< empty outside of loops
  llvm::SmallVector<int64_t> immediates;
  std::string what; ///< for the profile, as are the flops
  int64_t flops = 0;
};

struct Loop {
  int64_t first, count, times;
};

struct CallTable {
  std::vector<Call> calls;
  std::vector<Loop> loops;
};

/// The calls of a program, in order: snapshots of reads, the ops, copies of writes. Kernels that are missing in
/// `kernels` are generated.
llvm::FailureOr<CallTable> makeCallTable(mlir::func::FuncOp program, const KernelRegistry &registry,
                                         KernelSet &kernels);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_CALLTABLE_H
