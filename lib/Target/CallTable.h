// The programs of a placed module as data.
#ifndef FTC_LIB_TARGET_CALLTABLE_H
#define FTC_LIB_TARGET_CALLTABLE_H

#include "Kernels.h"

namespace ftc::target {

struct Call {
  std::string symbol;
  int64_t items = 1, grain = 1;
  llvm::SmallVector<int64_t> offsets;
  llvm::SmallVector<int64_t> strides; ///< empty outside of loops
  llvm::SmallVector<int64_t> immediates;
  std::string what; ///< for the profile, as are flops and bytes
  int64_t flops = 0, bytes = 0;
};

struct Loop {
  int64_t first, count, times;
};

/// One of two runs of calls: `yes` calls from `first` on, or the `no` calls after them.
struct Choice {
  int64_t first, yes, no;
  int64_t condition; ///< offset of a truth value
};

struct CallTable {
  std::vector<Call> calls;
  std::vector<Loop> loops;
  std::vector<Choice> choices;
};

/// The calls of each program of a placed module, in order: snapshots of reads, the ops, copies of writes. Kernels that
/// are missing in `kernels` are generated.
llvm::FailureOr<std::vector<CallTable>> makeCallTables(mlir::ModuleOp placed, const KernelRegistry &registry,
                                                       KernelSet &kernels);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_CALLTABLE_H
