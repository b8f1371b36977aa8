//===- Differentiate.cpp - tune-differentiate ------------------------------===//
//
// Replaces each tune.gradient by the ops that compute it: reverse accumulation from the loss, through every op between
// it and the values asked for and no other, by each op's DifferentiableOpInterface. Gradients of gradients are made in
// the order in which they stand. Reads of one tensor are one value here, as they are in meaning. tune.stop_gradient
// goes when all is done.
//
// Before: tune-slice-rows, so that the adjoint of the sliced region is a sliced region.
// After: tune-simplify, which removes what the adjoint does not use.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Differentiation.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "dialects/Tune/Transforms/Passes.h.inc"

/// Makes every read of a tensor the first read of it, at the start of the program.
static void mergeReads(func::FuncOp program) {
  DenseMap<StringAttr, ReadOp> reads;
  Operation *last = nullptr;
  for (ReadOp read : llvm::make_early_inc_range(program.getOps<ReadOp>())) {
    auto [place, isNew] = reads.try_emplace(read.getTensorAttr().getAttr(), read);
    if (isNew) {
      last ? read->moveAfter(last) : read->moveBefore(&program.front(), program.front().begin());
      last = read;
      continue;
    }
    read.replaceAllUsesWith(place->second.getResult());
    read.erase();
  }
}

static LogicalResult replaceGradient(GradientOp op) {
  OpBuilder builder(op);
  Value one = splatLike(builder, op.getLoc(), op.getLoss(), 1);
  SmallVector<Value> cotangents;
  if (failed(differentiate(builder, Seed{op.getLoss(), one}, llvm::to_vector(op.getWrt()), cotangents)))
    return failure();
  for (auto [gradient, cotangent] : llvm::zip(op.getGradients(), cotangents))
    gradient.replaceAllUsesWith(cotangent ? cotangent : splatLike(builder, op.getLoc(), gradient, 0));
  op.erase();
  return success();
}

namespace {
struct DifferentiatePass : impl::DifferentiateBase<DifferentiatePass> {
  void runOnOperation() override {
    for (auto program : getOperation().getOps<func::FuncOp>()) {
      if (program.isExternal())
        continue;
      mergeReads(program);
      for (GradientOp op : llvm::make_early_inc_range(program.getOps<GradientOp>()))
        if (failed(replaceGradient(op)))
          return signalPassFailure();
    }
    // What they were for is done.
    getOperation().walk([](StopGradientOp op) {
      op.replaceAllUsesWith(op.getX());
      op.erase();
    });
  }
};
} // namespace
} // namespace ftc::tune
