//===- AdjointsMatrices.cpp - Derivatives of decompositions ----------------===//
//
// Matrices are the last two dimensions. Equations are of one matrix; da is the cotangent of a, ' the transpose, o the
// elementwise product.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Transforms/Differentiation.h"
#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace ftc::tune {
namespace {

/// Arithmetic on matrices with a common batch.
struct Matrices {
  OpBuilder &builder;
  Location loc;
  int64_t batch; ///< number of batch dimensions

  Matrices(OpBuilder &builder, Operation *op)
      : builder(builder), loc(op->getLoc()), batch(typeOf(op->getOperand(0)).getRank() - 2) {}

  Value add(Value a, Value b) const { return a && b ? tune::add(builder, loc, a, b) : a ? a : b; }
  Value sub(Value a, Value b) const { return tune::sub(builder, loc, a, b); }
  Value mul(Value a, Value b) const { return tune::mul(builder, loc, a, b); }
  int64_t rows(Value a) const { return shapeOf(a)[batch]; }
  int64_t columns(Value a) const { return shapeOf(a).back(); }
  ArrayRef<int64_t> batchOf(Value a) const { return shapeOf(a).take_front(batch); }

  /// a b, where the summed dimension of each is the one given: 0 its rows, 1 its columns.
  Value product(Value a, int aSummed, Value b, int bSummed) const {
    SmallVector<int> left, right, out;
    for (int label = 0; label < batch; ++label)
      for (auto *labels : {&left, &right, &out})
        labels->push_back(label);
    int first = int(batch), second = first + 1, summed = first + 2;
    left.append({aSummed == 0 ? summed : first, aSummed == 1 ? summed : first});
    right.append({bSummed == 0 ? summed : second, bSummed == 1 ? summed : second});
    out.append({first, second});
    return contract(builder, loc, a, left, b, right, out);
  }
  /// a b
  Value times(Value a, Value b) const { return product(a, 1, b, 0); }
  /// a' b
  Value transposedTimes(Value a, Value b) const { return product(a, 0, b, 0); }
  /// a b'
  Value timesTransposed(Value a, Value b) const { return product(a, 1, b, 1); }

  Value transposed(Value a) const {
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, batch));
    order.append({batch + 1, batch});
    return transpose(builder, loc, a, order);
  }

  /// A vector [i..., n] as the rows (or columns) of a matrix like `like`.
  Value asRows(Value vector, Value like) const { return spread(vector, like, batch + 1); }
  Value asColumns(Value vector, Value like) const { return spread(vector, like, batch); }
  Value spread(Value vector, Value like, int64_t place) const {
    SmallVector<int64_t> positions = llvm::to_vector(llvm::seq<int64_t>(0, batch));
    positions.push_back(place);
    return broadcast(builder, loc, vector, shapeOf(like), positions);
  }

  /// i1, like a square matrix: where column - row is related to 0.
  Value compareIndices(arith::CmpIPredicate predicate, Value like) const {
    auto type = RankedTensorType::get(shapeOf(like).take_back(2), builder.getI32Type());
    Value row = IotaOp::create(builder, loc, type, 0), column = IotaOp::create(builder, loc, type, 1);
    Value holds = arith::CmpIOp::create(builder, loc, predicate, column, row);
    return broadcast(builder, loc, holds, shapeOf(like), {batch, batch + 1});
  }
  Value where(Value condition, Value yes) const {
    return select(builder, loc, condition, yes, splatLike(builder, loc, yes, 0));
  }
  /// The matrix with a vector on its diagonal.
  Value diagonal(Value vector) const {
    SmallVector<int64_t> shape(shapeOf(vector));
    shape.push_back(shape.back());
    Value like = splat(builder, loc, typeOf(vector).clone(shape), 0);
    return where(compareIndices(arith::CmpIPredicate::eq, like), asRows(vector, like));
  }
  /// Entry (i, j) is 1 / (x_j - x_i), 0 where both are equal.
  Value inverseDifferences(Value x) const {
    SmallVector<int64_t> shape(shapeOf(x));
    shape.push_back(shape.back());
    Value zero = splat(builder, loc, typeOf(x).clone(shape), 0), one = splatLike(builder, loc, zero, 1);
    Value difference = sub(asRows(x, zero), asColumns(x, zero));
    Value equal = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, difference, zero);
    return select(builder, loc, equal, zero, div(builder, loc, one, select(builder, loc, equal, one, difference)));
  }
  /// The matrix with zeros for the columns (dim 1) or rows (dim 0) that it lacks of `size`.
  Value padded(Value a, int64_t dim, int64_t size) const {
    int64_t have = shapeOf(a)[batch + dim];
    return padZeros(builder, loc, a, batch + dim, 0, size - have);
  }
};

template <typename Derived, typename Op> struct Model : DifferentiableOpInterface::ExternalModel<Derived, Op> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> resultCotangents,
                             const BitVector &needed, SmallVectorImpl<Value> &operandCotangents) const {
    Derived::adjoint(cast<Op>(op), Matrices(builder, op), resultCotangents, needed, operandCotangents);
    return success();
  }
};

/// a u = y: dy = a'^-1 du, da = -dy u'
struct SolveModel : Model<SolveModel, SolveOp> {
  static void adjoint(SolveOp op, const Matrices &m, ArrayRef<Value> du, const BitVector &needed,
                      SmallVectorImpl<Value> &cotangents) {
    Value dy = SolveOp::create(m.builder, m.loc, op.getType(), m.transposed(op.getA()), du[0]);
    if (needed[0])
      cotangents[0] = neg(m.builder, m.loc, m.timesTransposed(dy, op.getResult()));
    cotangents[1] = dy;
  }
};

/// x = q r: with M = r dr' - dq' q and sym(M) the symmetric matrix with M's lower triangle,
/// dx = (dq + q sym(M)) r'^-1
struct QRModel : Model<QRModel, QROp> {
  static void adjoint(QROp op, const Matrices &m, ArrayRef<Value> dy, const BitVector &,
                      SmallVectorImpl<Value> &cotangents) {
    Value q = op.getQ(), r = op.getR(), dq = dy[0], dr = dy[1];
    if (dr) // r is 0 below its diagonal whatever x is
      dr = m.where(m.compareIndices(arith::CmpIPredicate::sge, dr), dr);
    Value fromR = dr ? m.timesTransposed(r, dr) : Value();
    Value fromQ = dq ? neg(m.builder, m.loc, m.transposedTimes(dq, q)) : Value();
    Value both = m.add(fromR, fromQ);
    Value lower = m.where(m.compareIndices(arith::CmpIPredicate::sle, both), both);
    Value strict = m.where(m.compareIndices(arith::CmpIPredicate::slt, both), both);
    Value sum = m.add(dq, m.times(q, m.add(lower, m.transposed(strict))));
    // x r' = sum, so r x' = sum'
    Value right = m.transposed(sum);
    cotangents[0] = m.transposed(SolveOp::create(m.builder, m.loc, right.getType(), r, right));
  }
};

/// x = u diag(s) v with all of its values, k = min(m, n); cotangents of what the op leaves out are 0. Townsend 2016,
/// with f_ij = 1 / (s_j^2 - s_i^2): dx = (u (f o (u' du - du' u)) diag(s) + (du - u u' du) diag(s)^-1) v + u diag(ds) v
///      + u (diag(s) (f o (v dv' - dv v')) v + diag(s)^-1 (dv - dv v' v))
struct SVDModel : Model<SVDModel, SVDOp> {
  static void adjoint(SVDOp op, const Matrices &m, ArrayRef<Value> dy, const BitVector &,
                      SmallVectorImpl<Value> &cotangents) {
    int64_t k = std::min(m.rows(op.getX()), m.columns(op.getX())), kept = shapeOf(op.getS()).back();
    Value u = op.getU(), s = op.getS(), v = op.getV();
    if (kept < k) {
      auto shape = [&](std::initializer_list<int64_t> matrix) {
        SmallVector<int64_t> all(m.batchOf(op.getX()));
        all.append(matrix);
        return typeOf(op.getX()).clone(all);
      };
      auto whole = SVDOp::create(m.builder, m.loc, shape({m.rows(op.getX()), k}), shape({k}),
                                 shape({k, m.columns(op.getX())}), op.getX());
      u = whole.getU(), s = whole.getS(), v = whole.getV();
    }
    Value f = m.inverseDifferences(m.mul(s, s));
    Value inner; // between u and v
    Value total;
    if (Value du = dy[0]) {
      Value coupling = m.padded(m.transposedTimes(u, du), 1, k);
      Value turned = m.mul(f, m.sub(coupling, m.transposed(coupling)));
      inner = m.mul(turned, m.asRows(s, turned));
      Value outside = m.sub(du, m.times(u, m.transposedTimes(u, du)));
      Value scaled = div(m.builder, m.loc, outside, m.asRows(op.getS(), outside));
      total = m.times(scaled, op.getV());
    }
    if (Value ds = dy[1])
      inner = m.add(inner, m.diagonal(padZeros(m.builder, m.loc, ds, m.batch, 0, k - kept)));
    if (Value dv = dy[2]) {
      Value coupling = m.padded(m.timesTransposed(v, dv), 1, k);
      Value turned = m.mul(f, m.sub(coupling, m.transposed(coupling)));
      inner = m.add(inner, m.mul(turned, m.asColumns(s, turned)));
      Value outside = m.sub(dv, m.times(m.timesTransposed(dv, v), v));
      Value scaled = div(m.builder, m.loc, outside, m.asColumns(op.getS(), outside));
      total = m.add(total, m.times(op.getU(), scaled));
    }
    cotangents[0] = m.add(total, m.times(u, m.times(inner, v)));
  }
};

/// x = q diag(w) q' with all of its values; with f_ij = 1 / (w_j - w_i):
/// dx = q (diag(dw) + f o (q' dq)) q', symmetric as x is taken
struct EigHModel : Model<EigHModel, EigHOp> {
  static void adjoint(EigHOp op, const Matrices &m, ArrayRef<Value> dy, const BitVector &,
                      SmallVectorImpl<Value> &cotangents) {
    int64_t n = m.rows(op.getX()), kept = shapeOf(op.getW()).back();
    Value w = op.getW(), q = op.getQ(), inner;
    if (kept < n) {
      SmallVector<int64_t> values(m.batchOf(op.getX()));
      values.push_back(n);
      auto whole = EigHOp::create(m.builder, m.loc, typeOf(op.getX()).clone(values), op.getX().getType(), op.getX());
      w = whole.getW(), q = whole.getQ();
    }
    if (Value dw = dy[0])
      inner = m.diagonal(padZeros(m.builder, m.loc, dw, m.batch, 0, n - kept));
    if (Value dq = dy[1])
      inner = m.add(inner, m.mul(m.inverseDifferences(w), m.padded(m.transposedTimes(q, dq), 1, n)));
    Value half = scale(m.builder, m.loc, m.timesTransposed(m.times(q, inner), q), 0.5);
    cotangents[0] = m.add(half, m.transposed(half));
  }
};

/// y = F x: the transposed conjugate of F is N times its inverse, and that of the inverse F / N.
struct FFTModel : DifferentiableOpInterface::ExternalModel<FFTModel, FFTOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    auto fft = cast<FFTOp>(op);
    Type type = fft.getRe().getType();
    Value re = dy[0] ? dy[0] : splatLike(builder, op->getLoc(), fft.getRe(), 0);
    Value im = fft.getResultIm() ? dy[1] : Value();
    bool needsIm = fft.getIm() && needed[1];
    auto adjoint =
        FFTOp::create(builder, op->getLoc(), type, needsIm ? type : Type(), re, im, fft.getDim(), !fft.getInverse());
    auto size = double(shapeOf(re)[fft.getDim()]);
    for (auto [part, result] : llvm::enumerate(adjoint.getResults()))
      if (needed[part])
        cotangents[part] = scale(builder, op->getLoc(), result, fft.getInverse() ? 1 / size : size);
    return success();
  }
};

struct RealFFTModel : DifferentiableOpInterface::ExternalModel<RealFFTModel, RealFFTOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &,
                             SmallVectorImpl<Value> &cotangents) const {
    auto fft = cast<RealFFTOp>(op);
    auto orZero = [&](Value part) { return part ? part : splatLike(builder, op->getLoc(), fft.getRe(), 0); };
    cotangents[0] = FFTToRealOp::create(builder, op->getLoc(), fft.getX().getType(), orZero(dy[0]), orZero(dy[1]),
                                        fft.getOrder(), fft.getFactor(), !fft.getInverse(), fft.getMirrored());
    return success();
  }
};

struct FFTToRealModel : DifferentiableOpInterface::ExternalModel<FFTToRealModel, FFTToRealOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &needed,
                             SmallVectorImpl<Value> &cotangents) const {
    auto fft = cast<FFTToRealOp>(op);
    Type type = fft.getRe().getType();
    auto adjoint = RealFFTOp::create(builder, op->getLoc(), type, type, dy[0], fft.getOrder(), fft.getFactor(),
                                     !fft.getInverse(), fft.getMirrored());
    for (auto [part, result] : llvm::enumerate(adjoint.getResults()))
      if (needed[part])
        cotangents[part] = result;
    return success();
  }
};

/// Cosines are the same both ways.
struct RealFFT2Model : DifferentiableOpInterface::ExternalModel<RealFFT2Model, RealFFT2Op> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &,
                             SmallVectorImpl<Value> &cotangents) const {
    cotangents[0] = RealFFT2Op::create(builder, op->getLoc(), dy[0].getType(), dy[0]);
    return success();
  }
};

struct ReverseModel : DifferentiableOpInterface::ExternalModel<ReverseModel, ReverseOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, ArrayRef<Value> dy, const BitVector &,
                             SmallVectorImpl<Value> &cotangents) const {
    cotangents[0] = ReverseOp::create(builder, op->getLoc(), dy[0].getType(), dy[0], cast<ReverseOp>(op).getDim());
    return success();
  }
};

void attachMatrices(MLIRContext *context, TuneDialect *) {
  SolveOp::attachInterface<SolveModel>(*context);
  QROp::attachInterface<QRModel>(*context);
  SVDOp::attachInterface<SVDModel>(*context);
  EigHOp::attachInterface<EigHModel>(*context);
  FFTOp::attachInterface<FFTModel>(*context);
  RealFFTOp::attachInterface<RealFFTModel>(*context);
  FFTToRealOp::attachInterface<FFTToRealModel>(*context);
  RealFFT2Op::attachInterface<RealFFT2Model>(*context);
  ReverseOp::attachInterface<ReverseModel>(*context);
}
} // namespace

void registerMatrixAdjoints(DialectRegistry &registry) { registry.addExtension(attachMatrices); }

} // namespace ftc::tune
