// Decompositions, sorting and transforms: the runtime's functions, on every target.

#include "Loops.h"

#include "dialects/Tune/IR/Tune.h"
#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace ftc::target {

namespace {
int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

/// The runtime's function for the op, by the type of its elements.
class LibraryKernel : public KernelGenerator {
public:
  explicit LibraryKernel(StringRef name) : name(name) {}

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    Type element = getElementType(op->getOperand(0));
    StringRef suffix = element.isF64() ? "_f64" : element.isF32() ? "_f32" : "_i32";
    builder.useRuntimeKernel(("ftc_" + name + suffix).str(), getSizes(op), scratchBytes(op));
    builder.setItems(countItems(op), getGrain(op));
    return success();
  }

  bool foldsSplat(OpOperand &) const override { return false; }

protected:
  virtual int64_t countItems(Operation *op) const = 0;
  /// How many items a thread takes at a time.
  virtual int64_t getGrain(Operation *) const { return 1; }
  /// The immediates.
  virtual SmallVector<int64_t> getSizes(Operation *op) const = 0;

private:
  StringRef name;
};

/// Items are matrices, with a workspace each.
class MatrixKernel : public LibraryKernel {
public:
  using LibraryKernel::LibraryKernel;
  int64_t workspaceBytes(Operation *op) const override {
    return countItems(op) * getWorkspace(getSizes(op)) * int64_t(sizeof(double));
  }

protected:
  int64_t countItems(Operation *op) const override { return product(getShape(op->getOperand(0)).drop_back(2)); }
  virtual int64_t getWorkspace(ArrayRef<int64_t> sizes) const = 0;
};

class SolveKernel : public MatrixKernel {
public:
  SolveKernel() : MatrixKernel("solve") {}
  SmallVector<int64_t> getSizes(Operation *op) const override {
    return SmallVector<int64_t>(getShape(op->getOperand(1)).take_back(2));
  }
  int64_t getWorkspace(ArrayRef<int64_t> sizes) const override { return ftc_solve_workspace(sizes[0], sizes[1]); }
};

class QRKernel : public MatrixKernel {
public:
  QRKernel() : MatrixKernel("qr") {}
  SmallVector<int64_t> getSizes(Operation *op) const override {
    return SmallVector<int64_t>(getShape(op->getOperand(0)).take_back(2));
  }
  int64_t getWorkspace(ArrayRef<int64_t> sizes) const override { return ftc_qr_workspace(sizes[0], sizes[1]); }
};

class SVDKernel : public MatrixKernel {
public:
  SVDKernel() : MatrixKernel("svd") {}
  SmallVector<int64_t> getSizes(Operation *op) const override {
    SmallVector<int64_t> sizes(getShape(op->getOperand(0)).take_back(2));
    sizes.push_back(getShape(cast<tune::SVDOp>(op).getS()).back());
    return sizes;
  }
  int64_t getWorkspace(ArrayRef<int64_t> sizes) const override { return ftc_svd_workspace(sizes[0], sizes[1]); }
};

class EigHKernel : public MatrixKernel {
public:
  EigHKernel() : MatrixKernel("eigh") {}
  SmallVector<int64_t> getSizes(Operation *op) const override {
    return {getShape(op->getOperand(0)).back(), getShape(cast<tune::EigHOp>(op).getW()).back()};
  }
  int64_t getWorkspace(ArrayRef<int64_t> sizes) const override { return ftc_eigh_workspace(sizes[0]); }
};

/// Items are rows, with the thread's memory.
class ArgSortKernel : public LibraryKernel {
public:
  ArgSortKernel() : LibraryKernel("argsort") {}
  int64_t scratchBytes(Operation *op) const override { return ftc_argsort_scratch(getSizes(op)[0]); }

protected:
  int64_t countItems(Operation *op) const override { return product(getShape(op->getOperand(0)).drop_back()); }
  SmallVector<int64_t> getSizes(Operation *op) const override {
    return {getShape(op->getOperand(0)).back(), getShape(op->getResult(0)).back()};
  }
};

/// So many items there are of so many lines.
int64_t countLineItems(int64_t lines, int64_t n) { return llvm::divideCeil(lines, ftc_fft_together(n)); }

/// Appends where the lines of a tensor along `order`'s first dimension are; `order` lists all, the last varies first.
void appendPlaces(SmallVectorImpl<int64_t> &sizes, ArrayRef<int64_t> shape, ArrayRef<int64_t> order) {
  auto strideOf = [&](int64_t dim) { return product(shape.drop_front(dim + 1)); };
  SmallVector<std::pair<int64_t, int64_t>> counted; // size and stride, those of neighbours joined
  for (int64_t dim : order.drop_front())
    if (int64_t size = shape[dim], stride = strideOf(dim);
        size != 1 && !counted.empty() && counted.back().second == size * stride)
      counted.back() = {counted.back().first * size, stride};
    else if (size != 1)
      counted.emplace_back(size, stride);
  sizes.append({strideOf(order[0]), int64_t(counted.size())});
  llvm::append_range(sizes, llvm::make_first_range(counted));
  llvm::append_range(sizes, llvm::make_second_range(counted));
}

/// Items are lines along a dimension, with the thread's memory.
class FourierKernel : public LibraryKernel {
public:
  FourierKernel() : LibraryKernel("fft") {}
  int64_t scratchBytes(Operation *op) const override { return ftc_fft_scratch(getLength(op)); }

protected:
  virtual int64_t getLength(Operation *op) const = 0;
  virtual int64_t countLines(Operation *op) const = 0;
  int64_t countItems(Operation *op) const override { return countLineItems(countLines(op), getLength(op)); }
  int64_t getGrain(Operation *) const override { return FTC_ANY_RANGE; }
};

/// Of whole lines.
class FFTKernel : public FourierKernel {
protected:
  int64_t getLength(Operation *op) const override {
    auto fft = cast<tune::FFTOp>(op);
    return getShape(fft.getRe())[fft.getDim()];
  }
  int64_t countLines(Operation *op) const override { return product(getShape(op->getOperand(0))) / getLength(op); }
  SmallVector<int64_t> getSizes(Operation *op) const override {
    auto fft = cast<tune::FFTOp>(op);
    int64_t n = getLength(op);
    double factor = fft.getInverse() ? 1 / double(n) : 1;
    SmallVector<int64_t> sizes{n,
                               countLines(op),
                               n,
                               n,
                               fft.getInverse(),
                               !fft.getIm(),
                               !fft.getResultIm(),
                               /*weight=*/1,
                               llvm::bit_cast<int64_t>(factor)};
    ArrayRef<int64_t> shape = getShape(fft.getRe());
    auto order = llvm::to_vector(llvm::seq<int64_t>(0, int64_t(shape.size())));
    order.erase(order.begin() + fft.getDim());
    order.insert(order.begin(), fft.getDim());
    appendPlaces(sizes, shape, order);
    appendPlaces(sizes, shape, order);
    return sizes;
  }
};

/// Between lines and halves of their spectra.
template <typename Op> class HalfFFTKernel : public FourierKernel {
protected:
  static_assert(Op::kMostDims == FTC_FFT_MOST_DIMS + 1);
  static constexpr bool isToReal = std::is_same_v<Op, tune::FFTToRealOp>;

  int64_t getLength(Operation *op) const override {
    auto fft = cast<Op>(op);
    return getShape(fft.getX())[fft.getOrder().front()];
  }
  int64_t countLines(Operation *op) const override { return product(getShape(cast<Op>(op).getX())) / getLength(op); }
  SmallVector<int64_t> getSizes(Operation *op) const override {
    auto fft = cast<Op>(op);
    int64_t n = getLength(op), half = n / 2 + 1;
    SmallVector<int64_t> sizes{n,
                               countLines(op),
                               isToReal ? half : n,
                               isToReal ? n : half,
                               fft.getInverse(),
                               !isToReal,
                               isToReal,
                               fft.getMirrored() ? 2 : 1,
                               llvm::bit_cast<int64_t>(fft.getFactor().convertToDouble())};
    auto own = llvm::to_vector(llvm::seq<int64_t>(0, int64_t(fft.getOrder().size())));
    for (bool isHalf : {isToReal, !isToReal})
      if (isHalf)
        appendPlaces(sizes, getShape(fft.getRe()), own);
      else
        appendPlaces(sizes, getShape(fft.getX()), fft.getOrder());
    return sizes;
  }
};

/// Two phases: lines along the first of the two dimensions, and from half of their spectrum lines along the second.
class RealFFT2Kernel : public KernelGenerator {
public:
  int phases(Operation *) const override { return 2; }

  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    bool isSecond = builder.phase() == 1;
    int64_t m = getSize(op, 1), n = getSize(op, 0), half = m / 2 + 1;
    builder.useRuntimeKernel(getElementType(op->getOperand(0)).isF64() ? "ftc_real_fft2_f64" : "ftc_real_fft2_f32",
                             {isSecond, countMatrices(op), m, n}, scratchBytes(op));
    builder.setItems(countLineItems(countMatrices(op) * (isSecond ? half : n), isSecond ? n : m), FTC_ANY_RANGE);
    return success();
  }

  int64_t scratchBytes(Operation *op) const override {
    return std::max(ftc_fft_scratch(getSize(op, 1)), ftc_fft_scratch(getSize(op, 0)));
  }

  int64_t workspaceBytes(Operation *op) const override {
    int64_t half = getSize(op, 1) / 2 + 1, bytes = getElementType(op->getOperand(0)).isF64() ? 8 : 4;
    return 2 * countMatrices(op) * half * getSize(op, 0) * bytes;
  }

  bool foldsSplat(OpOperand &) const override { return false; }

private:
  static int64_t getSize(Operation *op, size_t fromLast) {
    return getShape(op->getOperand(0)).drop_back(fromLast).back();
  }
  static int64_t countMatrices(Operation *op) { return product(getShape(op->getOperand(0)).drop_back(2)); }
};
} // namespace

void addMatrixKernels(KernelRegistry &registry) {
  registry.add("tune.solve", std::make_shared<SolveKernel>());
  registry.add("tune.qr", std::make_shared<QRKernel>());
  registry.add("tune.svd", std::make_shared<SVDKernel>());
  registry.add("tune.eigh", std::make_shared<EigHKernel>());
  registry.add("tune.argsort", std::make_shared<ArgSortKernel>());
  registry.add("tune.fft", std::make_shared<FFTKernel>());
  registry.add("tune.real_fft", std::make_shared<HalfFFTKernel<tune::RealFFTOp>>());
  registry.add("tune.fft_to_real", std::make_shared<HalfFFTKernel<tune::FFTToRealOp>>());
  registry.add("tune.real_fft2", std::make_shared<RealFFT2Kernel>());
}

} // namespace ftc::target
