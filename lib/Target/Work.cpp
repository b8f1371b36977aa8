#include "Work.h"

#include "Structure.h"

#include "dialects/Dnnl/IR/Dnnl.h"
#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/StringSaver.h"
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
  int64_t flops = 2 * cast<ShapedType>(op.getQ().getType()).getNumElements(), placed = keys - op.countPrefix();
  return op.getCausal() && op.keysAreQueries() ? flops * placed / 2 + flops * op.countPrefix() : flops * keys;
}

int64_t countProductFlops(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([](linalg::ContractOp op) { return 2 * product(op.getStaticLoopRanges()); })
      .Case([](dnnl::MatmulOp op) {
        int64_t flops = 0;
        for (size_t i = 0; i < op.getNumTerms(); ++i) {
          dnnl::ProductShape term = op.getTerm(i);
          flops += 2 * term.k.size * cast<ShapedType>(op.getType()).getNumElements();
        }
        return flops;
      })
      .Case([](tune::AttentionOp op) { return 2 * countScoreFlops(op); })
      .Case([](tune::AttentionBackwardOp op) { return 5 * countScoreFlops(op); })
      .Default([](Operation *) { return int64_t(0); });
}

int64_t countBytes(Operation *op) {
  int64_t bytes = 0;
  for (Value value : op->getOperands())
    bytes += getBytes(value.getType());
  for (Value value : op->getResults())
    bytes += getBytes(value.getType());
  return bytes;
}

std::vector<Work> listWork(func::FuncOp program) {
  llvm::MapVector<StringRef, Work> kinds;
  llvm::BumpPtrAllocator memory;
  llvm::StringSaver texts(memory);
  forEachCall(program, [&](Operation *op) {
    auto rows = op->getParentOfType<tune::RowsOp>();
    int64_t times = rows ? rows.getTrips() : 1;
    std::string what = describeWork(op);
    Work &work = kinds[texts.save(what)];
    work.what = std::move(what);
    work.calls += times;
    work.flops += double(times * countProductFlops(op));
    work.bytes += double(times * countBytes(op));
  });
  std::vector<Work> sorted;
  for (auto &[what, work] : kinds)
    sorted.push_back(std::move(work));
  // A machine does some ten flops while it reads a byte.
  auto weight = [](const Work &work) { return std::max(work.flops, 10 * work.bytes); };
  llvm::stable_sort(sorted, [&](const Work &a, const Work &b) { return weight(a) > weight(b); });
  return sorted;
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
  auto printProduct = [&](Value left, Value right) {
    printShape(stream << " + ", left.getType());
    printShape(stream << " * ", right.getType());
  };
  if (auto contract = dyn_cast<linalg::ContractOp>(op))
    printProduct(contract.getInputs()[0], contract.getInputs()[1]);
  if (auto product = dyn_cast<dnnl::MatmulOp>(op))
    for (auto [left, right] : llvm::zip_equal(product.getLhs(), product.getRhs()))
      printProduct(left, right);
  return text;
}

} // namespace ftc::target
