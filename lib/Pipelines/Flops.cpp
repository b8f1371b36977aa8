//===- Flops.cpp - arithmetic of a program --------------------------------===//

#include "ftc/Pipelines/Flops.h"

#include "ftc/Target/Target.h"

#include "dialects/Tune/IR/Tune.h"

using namespace ftc;

double ftc::countFlops(mlir::func::FuncOp program) {
  double flops = 0;
  program.walk([&](mlir::Operation *op) {
    auto found = double(target::countProductFlops(op));
    // The body of a loop over rows is done once for each chunk.
    if (auto rows = op->getParentOfType<tune::RowsOp>())
      found *= double(rows.getTrips());
    flops += found;
  });
  return flops;
}
