//===- TuneFolds.cpp - Folds of the tune dialect's ops ---------------------===//

#include "dialects/Tune/IR/Tune.h"

using namespace mlir;
using namespace ftc::tune;

/// drop(x, rate 0) = x
OpFoldResult DropOp::fold(FoldAdaptor) { return getRate().isZero() ? getX() : OpFoldResult(); }
