//===- Flops.cpp - arithmetic of a program --------------------------------===//

#include "ftc/Pipelines/Flops.h"

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace ftc;
using namespace mlir;

static double product(llvm::ArrayRef<int64_t> sizes) {
  double result = 1;
  for (int64_t size : sizes)
    result *= double(size);
  return result;
}

/// q [B,T,H,G,D] against k [B,S,H,D]: one product of B T H G S D pairs, of which causal queries see half when the keys
/// are their own tokens, but for those of the prefix.
template <typename Op> static double countPairs(Op op) {
  double queries = product(cast<RankedTensorType>(op.getQ().getType()).getShape());
  auto keys = double(cast<RankedTensorType>(op.getK().getType()).getDimSize(1)), prefix = double(op.countPrefix());
  return queries * (op.getCausal() && op.keysAreQueries() ? prefix + (keys - prefix) / 2 : keys);
}

double ftc::countFlops(func::FuncOp program) {
  double flops = 0;
  program.walk([&](Operation *op) {
    double found = 0;
    if (auto contract = dyn_cast<linalg::ContractOp>(op))
      found = 2 * product(cast<linalg::LinalgOp>(op).getStaticLoopRanges());
    else if (auto attention = dyn_cast<tune::AttentionOp>(op))
      found = 2 * 2 * countPairs(attention);
    else if (auto backward = dyn_cast<tune::AttentionBackwardOp>(op))
      found = 2 * 5 * countPairs(backward);
    // The body of a loop over rows is done once for each chunk.
    if (auto rows = op->getParentOfType<tune::RowsOp>())
      found *= double(rows.getTrips());
    flops += found;
  });
  return flops;
}
