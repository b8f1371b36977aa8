#include "Work.h"

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace ftc::target {

static int64_t product(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

/// Flops of one of attention's products; half of the scores are hidden when keys are the queries' own tokens.
template <typename Op> static int64_t countScoreFlops(Op op) {
  int64_t keys = cast<ShapedType>(op.getK().getType()).getDimSize(1);
  int64_t flops = 2 * keys * cast<ShapedType>(op.getQ().getType()).getNumElements();
  return op.getCausal() && op.keysAreQueries() ? flops / 2 : flops;
}

int64_t countProductFlops(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([](linalg::ContractOp op) { return 2 * product(op.getStaticLoopRanges()); })
      .Case([](tune::AttentionOp op) { return 2 * countScoreFlops(op); })
      .Case([](tune::AttentionBackwardOp op) { return 5 * countScoreFlops(op); })
      .Default([](Operation *) { return int64_t(0); });
}

static void printShape(llvm::raw_ostream &stream, Type type) {
  llvm::interleave(cast<ShapedType>(type).getShape(), stream, "x");
}

std::string describeWork(Operation *op) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << op->getName();
  for (Value result : op->getResults())
    printShape(stream << ' ', result.getType());
  if (auto contract = dyn_cast<linalg::ContractOp>(op)) {
    printShape(stream << " = ", contract.getInputs()[0].getType());
    printShape(stream << " * ", contract.getInputs()[1].getType());
  }
  return text;
}

} // namespace ftc::target
