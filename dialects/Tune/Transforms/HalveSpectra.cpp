//===- HalveSpectra.cpp - tune-halve-spectra -------------------------------===//
//
// The transform of real numbers is even in its real part and odd in its imaginary part, along k -> -k mod n. Sums keep
// that, products of entries too (even times odd is odd), and what is transformed back is real:
//
//   re(fft(z))_j = sum over k = 0 .. n/2 of c_k (re z_k cos(2 pi j k / n) + im z_k sin(2 pi j k / n))
//
// with c_k = 1 where k = -k mod n and 2 elsewhere. So between two transforms half of the entries are enough: each op
// there is done for n/2 + 1 of them, and the transforms become tune.real_fft and tune.fft_to_real. The dimension of the
// spectrum comes first, so that what contracts other dimensions is a product for each entry of it, and the longest of
// the others last, so that these products have long rows.
//
// The real part of a transform of real numbers along two dimensions is even along both at once, so that it is enough to
// make half of the first spectrum, and of that half of the lines of the second: tune.real_fft2.
//
// Before: tune-simplify. After: tune-order-contractions, tune-differentiate (so that the adjoint has half spectra too).
// Without this pass every transform is whole.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"
#include "dialects/Tune/Utils/Labels.h"
#include "dialects/Tune/Utils/Programs.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_HALVESPECTRA
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

/// Of a tensor along one of its dimensions.
struct Symmetry {
  int64_t dim;
  bool isOdd;

  bool operator==(const Symmetry &) const = default;
};

/// Whether a transform has no half, for the number of its dimensions.
bool hasManyDims(FFTOp op) { return typeOf(op.getRe()).getRank() > RealFFTOp::kMostDims; }

/// Whether all entries along `dim` are equal.
bool isInvariant(Value value, int64_t dim) {
  auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
  return splatValue(value) || (broadcast && llvm::is_contained(broadcast.getDimensions(), dim));
}

/// Where each dimension of the operand of a broadcast is in its result.
SmallVector<int64_t> positionsOf(linalg::BroadcastOp op) {
  SmallVector<int64_t> positions;
  for (int64_t dim = 0; dim < typeOf(op->getResult(0)).getRank(); ++dim)
    if (!llvm::is_contained(op.getDimensions(), dim))
      positions.push_back(dim);
  return positions;
}

//===----------------------------------------------------------------------===//
// What is even and what is odd
//===----------------------------------------------------------------------===//

/// The symmetries of a program's values, as far as they come from transforms of real numbers.
class Symmetries {
public:
  explicit Symmetries(func::FuncOp program) {
    for (Operation &op : program.front())
      find(&op);
  }

  std::optional<Symmetry> of(Value value) const {
    auto found = known.find(value);
    return found == known.end() ? std::nullopt : std::optional(found->second);
  }

private:
  void find(Operation *op) {
    if (auto fft = dyn_cast<FFTOp>(op)) {
      if (fft.getIm() || hasManyDims(fft))
        return;
      known[fft.getResultRe()] = {int64_t(fft.getDim()), false};
      if (fft.getResultIm())
        known[fft.getResultIm()] = {int64_t(fft.getDim()), true};
      return;
    }
    std::optional<Symmetry> symmetry;
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
      symmetry = moved(transpose.getInput(), [&](int64_t dim) {
        return llvm::find(transpose.getPermutation(), dim) - transpose.getPermutation().begin();
      });
    else if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op))
      symmetry = moved(broadcast.getInput(), [&](int64_t dim) { return positionsOf(broadcast)[dim]; });
    else if (auto contraction = dyn_cast<linalg::ContractOp>(op); contraction && isPlain(contraction))
      symmetry = ofProduct(contraction);
    else if (isa<arith::NegFOp>(op))
      symmetry = of(op->getOperand(0));
    else if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op))
      symmetry = ofElementwise(op, isa<arith::AddFOp, arith::SubFOp>(op));
    if (symmetry)
      known[op->getResult(0)] = *symmetry;
  }

  std::optional<Symmetry> moved(Value source, llvm::function_ref<int64_t(int64_t)> place) const {
    std::optional<Symmetry> symmetry = of(source);
    if (symmetry)
      symmetry->dim = place(symmetry->dim);
    return symmetry;
  }

  std::optional<Symmetry> ofElementwise(Operation *op, bool isSum) const {
    std::optional<Symmetry> sides[2] = {of(op->getOperand(0)), of(op->getOperand(1))};
    if (!sides[0] && !sides[1])
      return std::nullopt;
    int64_t dim = sides[0] ? sides[0]->dim : sides[1]->dim;
    for (unsigned side : {0, 1})
      if (!sides[side] && isInvariant(op->getOperand(side), dim))
        sides[side] = {dim, false};
    if (!sides[0] || !sides[1] || sides[0]->dim != sides[1]->dim)
      return std::nullopt;
    if (isSum)
      return *sides[0] == *sides[1] ? sides[0] : std::nullopt;
    return Symmetry{dim, sides[0]->isOdd != sides[1]->isOdd};
  }

  /// A product of entries along the dimension: it is one of the result's, and of both operands' or of one alone.
  std::optional<Symmetry> ofProduct(linalg::ContractOp op) const {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    Labels out = labelsOf(maps[2]);
    std::optional<int> label;
    bool isOdd = false;
    for (unsigned side : {0, 1})
      if (std::optional<Symmetry> symmetry = of(op.getInputs()[side])) {
        int own = labelsOf(maps[side])[symmetry->dim];
        if (label.value_or(own) != own)
          return std::nullopt;
        label = own;
        isOdd ^= symmetry->isOdd;
      }
    if (!label || !llvm::is_contained(out, *label))
      return std::nullopt;
    for (unsigned side : {0, 1})
      if (!of(op.getInputs()[side]) && llvm::is_contained(labelsOf(maps[side]), *label))
        return std::nullopt;
    return Symmetry{llvm::find(out, *label) - out.begin(), isOdd};
  }

  DenseMap<Value, Symmetry> known;
};

//===----------------------------------------------------------------------===//
// Half of each
//===----------------------------------------------------------------------===//

/// Half of a tensor: entries 0 .. n/2 of dimension `along`, which comes first; of the others the longest comes last.
class HalfLayout {
public:
  HalfLayout(Value whole, int64_t along) {
    for (auto [dim, size] : llvm::enumerate(shapeOf(whole)))
      if (int64_t(dim) != along)
        order.push_back(int64_t(dim));
    auto longest =
        llvm::max_element(order, [&](int64_t a, int64_t b) { return shapeOf(whole)[a] < shapeOf(whole)[b]; });
    if (longest != order.end())
      std::rotate(order.begin(), longest + 1, order.end());
    order.insert(order.begin(), along);
    shape = arrange(shapeOf(whole));
    shape.front() = shape.front() / 2 + 1;
  }

  /// What is said of each dimension of the whole, in the order of the half.
  template <typename T> SmallVector<T> arrange(ArrayRef<T> ofDims) const {
    return llvm::map_to_vector(order, [&](int64_t dim) { return ofDims[dim]; });
  }

  int64_t placeOf(int64_t dim) const { return llvm::find(order, dim) - order.begin(); }

  /// Dimensions of the whole in the order of the half.
  SmallVector<int64_t> order;
  SmallVector<int64_t> shape;
};

/// Builds the halves of values with a symmetry, each once.
class Halves {
public:
  Halves(const Symmetries &symmetries) : symmetries(symmetries) {}

  /// Real values from their spectrum, whose halves are built. Lines are made as rows, wherever their dimension is
  /// wanted: moving it is left to what reads.
  Value transformBack(OpBuilder &builder, FFTOp op) {
    Value re = half(builder, op.getRe()), im = half(builder, op.getIm());
    auto rows = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(op.getRe()).getRank()));
    std::rotate(rows.begin() + op.getDim(), rows.begin() + op.getDim() + 1, rows.end());
    SmallVector<int64_t> places = invertPermutationVector(rows);
    Type type = typeOf(op.getRe()).clone(applyPermutation(shapeOf(op.getRe()), rows));
    Value lines =
        FFTToRealOp::create(builder, op.getLoc(), type, re, im, layoutOf(op.getRe()).arrange(ArrayRef(places)),
                            factorOf(op), op.getInverse(), /*mirrored=*/true);
    return tune::transpose(builder, op.getLoc(), lines, places);
  }

private:
  /// Of a value with a symmetry.
  HalfLayout layoutOf(Value value) const { return {value, symmetries.of(value)->dim}; }

  Value half(OpBuilder &builder, Value value) {
    if (Value made = halves.lookup(value))
      return made;
    Operation *op = value.getDefiningOp();
    if (auto fft = dyn_cast<FFTOp>(op)) {
      transform(builder, fft);
      return halves.lookup(value);
    }
    Value made = rebuild(builder, op);
    return halves[value] = made;
  }

  /// Both parts.
  void transform(OpBuilder &builder, FFTOp op) {
    HalfLayout layout = layoutOf(op.getResultRe());
    Type type = typeOf(op.getRe()).clone(layout.shape);
    auto fft = RealFFTOp::create(builder, op.getLoc(), type, type, op.getRe(), layout.order, factorOf(op),
                                 op.getInverse(), /*mirrored=*/false);
    halves[op.getResultRe()] = fft.getRe();
    if (op.getResultIm())
      halves[op.getResultIm()] = fft.getIm();
  }

  static APFloat factorOf(FFTOp op) {
    return APFloat(op.getInverse() ? 1.0 / double(shapeOf(op.getRe())[op.getDim()]) : 1.0);
  }

  /// The half of an operand of an elementwise op, which may be invariant along the dimension.
  Value halfOperand(OpBuilder &builder, Value value, const HalfLayout &layout) {
    if (symmetries.of(value))
      return half(builder, value);
    if (std::optional<double> constant = splatValue(value))
      return splat(builder, value.getLoc(), typeOf(value).clone(layout.shape), *constant);
    auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
    auto positions = llvm::map_to_vector(positionsOf(broadcast), [&](int64_t dim) { return layout.placeOf(dim); });
    return tune::broadcast(builder, value.getLoc(), broadcast.getInput(), layout.shape, positions);
  }

  Value rebuild(OpBuilder &builder, Operation *op) {
    Location loc = op->getLoc();
    HalfLayout layout = layoutOf(op->getResult(0));
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      HalfLayout source = layoutOf(transpose.getInput());
      auto order = llvm::map_to_vector(layout.arrange(transpose.getPermutation()),
                                       [&](int64_t dim) { return source.placeOf(dim); });
      return tune::transpose(builder, loc, half(builder, transpose.getInput()), order);
    }
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op)) {
      auto positions = llvm::map_to_vector(layoutOf(broadcast.getInput()).arrange(ArrayRef(positionsOf(broadcast))),
                                           [&](int64_t dim) { return layout.placeOf(dim); });
      return tune::broadcast(builder, loc, half(builder, broadcast.getInput()), layout.shape, positions);
    }
    if (auto contraction = dyn_cast<linalg::ContractOp>(op)) {
      SmallVector<AffineMap> maps = contraction.getIndexingMapsArray();
      Value inputs[2];
      Labels labels[2];
      for (unsigned side : {0, 1}) {
        inputs[side] = contraction.getInputs()[side];
        labels[side] = labelsOf(maps[side]);
        if (symmetries.of(inputs[side])) {
          labels[side] = layoutOf(inputs[side]).arrange(ArrayRef(labels[side]));
          inputs[side] = half(builder, inputs[side]);
        }
      }
      Labels out = layout.arrange(ArrayRef(labelsOf(maps[2])));
      return contract(builder, loc, inputs[0], labels[0], inputs[1], labels[1], out);
    }
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(halfOperand(builder, operand, layout));
    return builder.create(loc, op->getName().getIdentifier(), operands, operands.front().getType(), op->getAttrs())
        ->getResult(0);
  }

  const Symmetries &symmetries;
  DenseMap<Value, Value> halves;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// The real part of the transform of real numbers along the last two dimensions, whose second transform is `second`.
LogicalResult makeRealFFT2(FFTOp second) {
  auto first = second.getRe().getDefiningOp<FFTOp>();
  if (!first || first.getIm() || second.getResultIm() || first.getInverse() != second.getInverse() ||
      second.getRe() != first.getResultRe() || second.getIm() != first.getResultIm())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(second.getRe());
  uint64_t dims[] = {first.getDim(), second.getDim()};
  if (std::min(dims[0], dims[1]) + 2 != shape.size() || std::max(dims[0], dims[1]) + 1 != shape.size())
    return failure();
  OpBuilder builder(second);
  Location loc = second.getLoc();
  Value sums = RealFFT2Op::create(builder, loc, first.getRe().getType(), first.getRe());
  double factor = second.getInverse() ? 1 / (double(shape[dims[0]]) * double(shape[dims[1]])) : 1;
  second.getResultRe().replaceAllUsesWith(scale(builder, loc, sums, factor));
  return success();
}

struct HalveSpectraPass : impl::HalveSpectraBase<HalveSpectraPass> {
  using HalveSpectraBase::HalveSpectraBase;

  void runOnOperation() override {
    forEachProgram(getOperation(), [&](func::FuncOp program) {
      if (!program.getOps<FFTOp>().empty())
        runOnProgram(program);
    });
  }

  void runOnProgram(func::FuncOp program) {
    Symmetries symmetries(program);
    Halves halves(symmetries);
    for (FFTOp op : llvm::make_early_inc_range(program.getOps<FFTOp>())) {
      if (succeeded(makeRealFFT2(op)))
        continue;
      int64_t dim = op.getDim();
      if (shapeOf(op.getRe())[dim] < 2 || hasManyDims(op) || !op.getIm() ||
          symmetries.of(op.getRe()) != Symmetry{dim, false} || symmetries.of(op.getIm()) != Symmetry{dim, true})
        continue;
      OpBuilder builder(op);
      op.getResultRe().replaceAllUsesWith(halves.transformBack(builder, op));
      if (op.getResultIm())
        op.getResultIm().replaceAllUsesWith(splatLike(builder, op.getLoc(), op.getIm(), 0));
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(program.front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};
} // namespace
} // namespace ftc::tune
