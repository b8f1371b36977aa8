//===- TuneToDnnl.h - products that oneDNN does -----------------*- C++ -*-===//

#ifndef FTC_CONVERSION_TUNETODNNL_H
#define FTC_CONVERSION_TUNETODNNL_H

#include "mlir/Pass/Pass.h"

namespace ftc {

/// `convert-tune-to-dnnl`: contractions that are worth a library call become `dnnl.matmul`; sums of products become
/// one. Before tune-fuse-rows, which groups what is left.
std::unique_ptr<mlir::Pass> createConvertTuneToDnnl();
void registerConvertTuneToDnnl();

} // namespace ftc

#endif // FTC_CONVERSION_TUNETODNNL_H
