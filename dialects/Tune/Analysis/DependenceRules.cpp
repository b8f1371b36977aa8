//===- DependenceRules.cpp - the origins of results, op by op -------------===//

#include "dialects/Tune/Analysis/Dependence.h"
#include "dialects/Tune/Analysis/KnownValues.h"
#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace ftc::tune {

using OriginsOf = llvm::function_ref<const Origins &(Value)>;
using Index = ArrayRef<int64_t>;

/// Tensors of more entries than this are not followed entry by entry.
static constexpr int64_t mostEntries = int64_t(1) << 24;

static ArrayRef<int64_t> resultShape(Operation *op, unsigned result = 0) {
  return cast<RankedTensorType>(op->getResult(result).getType()).getShape();
}

/// Sums of more terms than this, of values that depend on nothing, are not followed.
static constexpr int64_t mostTerms = int64_t(1) << 20;

static int64_t countOf(ArrayRef<int64_t> extents) {
  int64_t count = 1;
  for (int64_t extent : extents)
    count *= extent;
  return count;
}

static Origins compressed(Origins origins) {
  origins.compress();
  return origins;
}

//===----------------------------------------------------------------------===//
// Values without operands
//===----------------------------------------------------------------------===//

static double numberOf(Attribute attribute) {
  if (auto real = dyn_cast<FloatAttr>(attribute))
    return real.getValueAsDouble();
  auto integer = cast<IntegerAttr>(attribute);
  return integer.getType().isInteger(1) ? double(integer.getValue().getZExtValue())
                                        : double(integer.getValue().getSExtValue());
}

static Origins ofConstant(arith::ConstantOp op) {
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements)
    return Origins({}, isa<FloatAttr, IntegerAttr>(op.getValue()) ? Origin::of(numberOf(op.getValue())) : Origin());
  auto type = cast<RankedTensorType>(op.getType());
  if (elements.isSplat())
    return Origins(type.getShape(), Origin::of(numberOf(elements.getSplatValue<Attribute>())));
  if (type.getNumElements() > mostEntries)
    return Origins(type.getShape());
  Origins result(type.getShape(), type.getShape());
  for (auto [entry, value] : llvm::zip_equal(result.all(), elements.getValues<Attribute>()))
    entry = Origin::of(numberOf(value));
  return compressed(result);
}

static Origins ofIota(IotaOp op) {
  ArrayRef<int64_t> shape = resultShape(op);
  Sizes extents(shape.size(), 1);
  extents[op.getDim()] = shape[op.getDim()];
  Origins result(shape, extents);
  for (auto [number, entry] : llvm::enumerate(result.all()))
    entry = Origin::of(double(number));
  return result;
}

static Origins ofEye(EyeOp op) {
  ArrayRef<int64_t> shape = resultShape(op);
  if (countOf(shape) > mostEntries)
    return Origins(shape);
  Origins result(shape, shape);
  forEachIndex(shape, [&](Index index) { result.at(index) = Origin::of(index[0] == index[1]); });
  return result;
}

//===----------------------------------------------------------------------===//
// Entry by entry
//===----------------------------------------------------------------------===//

static Origins ofElementwise(Operation *op, OriginsOf originsOf) {
  ArrayRef<int64_t> shape = resultShape(op);
  Sizes extents(shape.size(), 1);
  SmallVector<const Origins *> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(&originsOf(operand));
    for (auto [extent, own] : llvm::zip(extents, operands.back()->extents()))
      extent = std::max(extent, own);
  }
  Origins result(shape, extents);
  SmallVector<Origin> entries(operands.size());
  bool aligned = llvm::all_of(operands, [&](const Origins *operand) {
    return operand->isUniform() || operand->extents() == ArrayRef<int64_t>(extents);
  });
  for (size_t place = 0; aligned && place < result.all().size(); ++place) {
    for (auto [entry, operand] : llvm::zip_equal(entries, operands))
      entry = operand->all()[operand->isUniform() ? 0 : place];
    result.all()[place] = elementwiseOrigin(op, entries);
  }
  if (aligned)
    return result;
  forEachIndex(extents, [&](Index index) {
    for (auto [entry, operand] : llvm::zip_equal(entries, operands))
      entry = operand->shape().empty() ? operand->all().front() : operand->at(index);
    result.at(index) = elementwiseOrigin(op, entries);
  });
  return result;
}

static Origins ofBroadcast(linalg::BroadcastOp op, OriginsOf originsOf) {
  const Origins &input = originsOf(op.getInput());
  ArrayRef<int64_t> shape = resultShape(op);
  Sizes extents;
  for (int64_t dim = 0, own = 0; dim < int64_t(shape.size()); ++dim)
    extents.push_back(llvm::is_contained(op.getDimensions(), dim) ? 1 : input.extents()[own++]);
  return input.reshaped(shape, extents);
}

/// Each dimension of the result is the one of the input that `permutation` says.
static Origins permuted(const Origins &input, ArrayRef<int64_t> permutation, ArrayRef<int64_t> shape) {
  Sizes extents;
  for (int64_t from : permutation)
    extents.push_back(input.extents()[from]);
  Origins result(shape, extents);
  Sizes source(extents.size());
  forEachIndex(extents, [&](Index index) {
    for (auto [to, from] : llvm::enumerate(permutation))
      source[from] = index[to];
    result.at(index) = input.at(source);
  });
  return result;
}

static Origins ofTranspose(linalg::TransposeOp op, OriginsOf originsOf) {
  return permuted(originsOf(op.getInput()), op.getPermutation(), resultShape(op));
}

//===----------------------------------------------------------------------===//
// Sums and products
//===----------------------------------------------------------------------===//

static Origins ofReduce(linalg::ReduceOp op, OriginsOf originsOf) {
  const Origins &input = originsOf(op.getInputs().front());
  Operation &combiner = op.getCombiner().front().front();
  Sizes extents;
  double repeated = 1;
  for (auto [dim, extent] : llvm::enumerate(input.extents())) {
    bool reduced = llvm::is_contained(op.getDimensions(), int64_t(dim));
    if (!reduced)
      extents.push_back(extent);
    else if (extent == 1)
      repeated *= double(input.shape()[dim]);
  }
  Origins result(resultShape(op), extents);
  for (Origin &entry : result.all())
    entry = neutralOrigin(&combiner);
  Sizes target;
  forEachIndex(input.extents(), [&](Index index) {
    target.clear();
    for (auto [dim, at] : llvm::enumerate(index))
      if (!llvm::is_contained(op.getDimensions(), int64_t(dim)))
        target.push_back(at);
    Origin entry = input.at(index);
    if (isa<arith::AddFOp, arith::AddIOp>(combiner))
      entry = entry.within(entry.low * repeated, entry.high * repeated);
    Origin &sum = result.at(target);
    sum = elementwiseOrigin(&combiner, {sum, entry});
  });
  return compressed(result);
}

/// `x` with dimension `dim` kept once: an entry that may be any of those along it.
static Origins anyAlong(const Origins &x, size_t dim) {
  if (x.extents()[dim] == 1)
    return x;
  Sizes extents(x.extents());
  extents[dim] = 1;
  Origins result(x.shape(), extents);
  forEachIndex(x.extents(), [&](Index index) {
    if (index[dim] == 0)
      result.at(index) = x.at(index);
    else if (!result.at(index).sameAs(x.at(index)))
      result.at(index).join(x.at(index));
  });
  return result;
}

/// A factor that depends on nothing, kept once along each summed dimension in which the other factor is alike: there it
/// matters only whether all its entries are 0.
static Origins withoutAlikeTerms(const Origins &factor, AffineMap own, const Origins &other, AffineMap others,
                                 AffineMap out) {
  Origins result = factor;
  for (unsigned dim = 0; dim < own.getNumResults(); ++dim) {
    unsigned loop = own.getDimPosition(dim);
    if (out.isFunctionOfDim(loop))
      continue;
    bool alike = true;
    for (unsigned at = 0; at < others.getNumResults(); ++at)
      alike &= others.getDimPosition(at) != loop || other.extents()[at] == 1;
    if (alike)
      result = anyAlong(result, dim);
  }
  result.compress();
  return result;
}

/// How far apart the entries of `origins` lie that neighbours along each of `loops` read, or write, at `map`.
static Sizes stridesOf(const Origins &origins, AffineMap map, size_t loops) {
  Sizes strides(loops, 0);
  int64_t stride = 1;
  for (unsigned dim = map.getNumResults(); dim-- > 0; stride *= origins.extents()[dim])
    if (origins.extents()[dim] != 1)
      strides[map.getDimPosition(dim)] = stride;
  return strides;
}

static Origins ofContract(linalg::ContractOp op, OriginsOf originsOf) {
  auto structured = cast<linalg::LinalgOp>(op.getOperation());
  const Origins *sides[] = {&originsOf(op.getInputs()[0]), &originsOf(op.getInputs()[1])};
  SmallVector<AffineMap> maps = structured.getIndexingMapsArray();
  Origins narrowed;
  for (unsigned side : {0, 1})
    if (sides[side]->isFree() && !sides[1 - side]->isFree()) {
      narrowed = withoutAlikeTerms(*sides[side], maps[side], *sides[1 - side], maps[1 - side], maps[2]);
      sides[side] = &narrowed;
      break;
    }
  SmallVector<int64_t> ranges = structured.getStaticLoopRanges();
  Sizes loops(ranges.size(), 1), extents;
  for (auto [side, map] : llvm::zip(sides, maps))
    for (auto [dim, extent] : llvm::enumerate(side->extents())) {
      int64_t &loop = loops[map.getDimPosition(dim)];
      loop = std::max(loop, extent);
    }
  // Of large matrices that depend on nothing it is not followed which entries are known.
  if (sides[0]->isFree() && sides[1]->isFree() && countOf(loops) > mostTerms)
    return Origins(resultShape(op));
  double repeated = 1;
  for (unsigned loop = 0; loop < loops.size(); ++loop)
    if (loops[loop] == 1 && !maps[2].isFunctionOfDim(loop))
      repeated *= double(ranges[loop]);
  for (unsigned dim = 0; dim < maps[2].getNumResults(); ++dim)
    extents.push_back(loops[maps[2].getDimPosition(dim)]);
  Origins result(resultShape(op), extents);
  for (Origin &entry : result.all())
    entry = Origin::of(0);
  const Sizes strides[] = {stridesOf(*sides[0], maps[0], loops.size()), stridesOf(*sides[1], maps[1], loops.size()),
                           stridesOf(result, maps[2], loops.size())};
  ArrayRef<Origin> left = sides[0]->all(), right = sides[1]->all();
  MutableArrayRef<Origin> sums = result.all();
  forEachIndex(loops, [&](Index index) {
    int64_t places[3] = {};
    for (unsigned which = 0; which < 3; ++which)
      for (auto [at, stride] : llvm::zip_equal(index, strides[which]))
        places[which] += at * stride;
    Origin term = productOrigin(left[places[0]], right[places[1]]);
    term = term.within(term.low * repeated, term.high * repeated);
    sums[places[2]] = sumOrigin(sums[places[2]], term);
  });
  return compressed(result);
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

/// The entries in full along the dimensions of each group in which they are not alike.
static Origins groupwise(const Origins &input, ArrayRef<ReassociationIndices> groups) {
  SmallVector<bool> full(input.shape().size(), false);
  for (const ReassociationIndices &group : groups)
    if (llvm::any_of(group, [&](int64_t dim) { return input.extents()[dim] != 1; }))
      for (int64_t dim : group)
        full[dim] = true;
  return input.expanded(full);
}

static Origins ofCollapse(tensor::CollapseShapeOp op, OriginsOf originsOf) {
  Origins input = groupwise(originsOf(op.getSrc()), op.getReassociationIndices());
  Sizes extents;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    int64_t extent = 1;
    for (int64_t dim : group)
      extent *= input.extents()[dim];
    extents.push_back(extent);
  }
  return input.reshaped(resultShape(op), extents);
}

static Origins ofExpand(tensor::ExpandShapeOp op, OriginsOf originsOf) {
  const Origins &input = originsOf(op.getSrc());
  ArrayRef<int64_t> shape = resultShape(op);
  Sizes extents(shape.size(), 1);
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices()))
    if (input.extents()[dim] != 1)
      for (int64_t part : group)
        extents[part] = shape[part];
  return compressed(input.reshaped(shape, extents));
}

static SmallVector<Origins> ofSlice(tensor::ExtractSliceOp op, OriginsOf originsOf) {
  if (llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic) || !op.hasUnitStride())
    return {};
  const Origins &input = originsOf(op.getSource());
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Sizes taken, extents;
  for (auto [dim, extent] : llvm::enumerate(input.extents())) {
    taken.push_back(extent == 1 ? 1 : op.getStaticSizes()[dim]);
    if (!dropped[dim])
      extents.push_back(taken.back());
  }
  Origins result(resultShape(op), extents);
  Sizes source(taken.size()), target;
  forEachIndex(taken, [&](Index index) {
    target.clear();
    for (auto [dim, at] : llvm::enumerate(index)) {
      source[dim] = at + op.getStaticOffsets()[dim];
      if (!dropped[dim])
        target.push_back(at);
    }
    result.at(target) = input.at(source);
  });
  return {compressed(result)};
}

static Origins ofConcat(tensor::ConcatOp op, OriginsOf originsOf) {
  ArrayRef<int64_t> shape = resultShape(op);
  int64_t along = int64_t(op.getDim());
  Sizes extents(shape.size(), 1);
  for (Value part : op.getInputs())
    for (auto [extent, own] : llvm::zip(extents, originsOf(part).extents()))
      extent = std::max(extent, own);
  extents[along] = shape[along];
  Origins result(shape, extents);
  int64_t start = 0;
  for (Value part : op.getInputs()) {
    const Origins &input = originsOf(part);
    Sizes own(extents), target;
    own[along] = input.shape()[along];
    forEachIndex(own, [&](Index index) {
      target.assign(index.begin(), index.end());
      target[along] += start;
      result.at(target) = input.at(index);
    });
    start += own[along];
  }
  return compressed(result);
}

static SmallVector<Origins> ofPad(tensor::PadOp op, OriginsOf originsOf) {
  Value padding = op.getConstantPaddingValue();
  if (!padding || llvm::any_of(op.getStaticLow(), ShapedType::isDynamic))
    return {};
  const Origins &input = originsOf(op.getSource());
  ArrayRef<int64_t> shape = resultShape(op);
  Sizes extents;
  for (auto [dim, extent] : llvm::enumerate(input.extents()))
    extents.push_back(shape[dim] == input.shape()[dim] ? extent : shape[dim]);
  Origins result(shape, extents);
  Sizes source(shape.size());
  forEachIndex(extents, [&](Index index) {
    bool inside = true;
    for (auto [dim, at] : llvm::enumerate(index)) {
      source[dim] = at - op.getStaticLow()[dim];
      inside &= source[dim] >= 0 && source[dim] < input.shape()[dim];
    }
    result.at(index) = inside ? input.at(source) : Origin::of(0);
  });
  return {compressed(result)};
}

//===----------------------------------------------------------------------===//
// Indexed access
//===----------------------------------------------------------------------===//

/// A range of places that is followed place by place; of a larger one it is assumed that it may be any.
static constexpr int64_t mostPlaces = 1024;

/// The places below `size` that an index may mean: from the first to before the second.
static std::pair<int64_t, int64_t> placesOf(const Origin &index, int64_t size) {
  double from = std::max(0.0, index.low), to = std::min(double(size), index.high + 1);
  return to > from ? std::pair(int64_t(from), int64_t(to)) : std::pair<int64_t, int64_t>(0, 0);
}

/// An entry of `x` along `dim`: at `chosen`, as far as that is known.
static Origin pickOrigin(const Origins &x, const Origins &any, Sizes &index, size_t dim, const Origin &chosen) {
  auto [from, to] = placesOf(chosen, x.shape()[dim]);
  if (from == to)
    return Origin::of(0);
  index[dim] = from;
  if (chosen.isKnown())
    return x.at(index);
  bool followed = to - from <= mostPlaces && x.extents()[dim] != 1;
  Origin entry = followed ? x.at(index) : any.at(index);
  for (int64_t place = from + 1; followed && place < to; ++place) {
    index[dim] = place;
    entry.join(x.at(index));
  }
  entry.join(chosen);
  return entry;
}

static Origins ofGather(GatherOp op, OriginsOf originsOf) {
  const Origins &table = originsOf(op.getTable()), &index = originsOf(op.getIndex());
  Origins any = anyAlong(table, 0);
  size_t leading = index.shape().size();
  Sizes extents(index.extents());
  llvm::append_range(extents, table.extents().drop_front());
  Origins result(resultShape(op), extents);
  Sizes source(table.shape().size());
  forEachIndex(extents, [&](Index at) {
    llvm::copy(at.drop_front(leading), source.begin() + 1);
    result.at(at) = pickOrigin(table, any, source, 0, index.at(at.take_front(leading)));
  });
  return compressed(result);
}

static Origins ofPick(PickOp op, OriginsOf originsOf) {
  const Origins &x = originsOf(op.getX()), &index = originsOf(op.getIndex());
  size_t last = index.shape().size();
  Origins any = anyAlong(x, last);
  Sizes extents;
  for (auto [a, b] : llvm::zip(index.extents(), x.extents()))
    extents.push_back(std::max(a, b));
  Origins result(resultShape(op), extents);
  Sizes source(last + 1);
  forEachIndex(extents, [&](Index at) {
    llvm::copy(at, source.begin());
    result.at(at) = pickOrigin(x, any, source, last, index.at(at));
  });
  return compressed(result);
}

/// Zeros, plus each row where its index says: at every place that the index may mean.
static Origins ofScatterAdd(ScatterAddOp op, OriginsOf originsOf) {
  const Origins &rows = originsOf(op.getRows()), &index = originsOf(op.getIndex());
  ArrayRef<int64_t> shape = resultShape(op);
  size_t leading = index.shape().size();
  bool placed = llvm::all_of(index.all(), [&](const Origin &entry) {
    auto [from, to] = placesOf(entry, shape[0]);
    return to - from <= mostPlaces;
  });
  Sizes loops;
  for (auto [dim, extent] : llvm::enumerate(rows.extents()))
    loops.push_back(dim < leading && placed ? rows.shape()[dim]
                                            : std::max(extent, dim < leading ? index.extents()[dim] : 1));
  Sizes extents = {placed ? shape[0] : 1};
  llvm::append_range(extents, ArrayRef<int64_t>(loops).drop_front(leading));
  Origins result(shape, extents);
  for (Origin &entry : result.all())
    entry = placed ? Origin::of(0) : Origin();
  Sizes target(shape.size());
  forEachIndex(loops, [&](Index at) {
    const Origin &where = index.at(at.take_front(leading));
    auto [from, to] = placed ? placesOf(where, shape[0]) : std::pair<int64_t, int64_t>(0, 1);
    llvm::copy(at.drop_front(leading), target.begin() + 1);
    for (target[0] = from; target[0] < to; ++target[0]) {
      Origin &sum = result.at(target);
      sum = sumOrigin(sum, rows.at(at));
      if (!where.isKnown())
        sum.join(where);
    }
  });
  return compressed(result);
}

//===----------------------------------------------------------------------===//
// Functions of lines and matrices
//===----------------------------------------------------------------------===//

static Origins ofReverse(ReverseOp op, OriginsOf originsOf) {
  const Origins &input = originsOf(op.getX());
  auto dim = size_t(op.getDim());
  Origins result(resultShape(op), input.extents());
  Sizes source;
  forEachIndex(input.extents(), [&](Index index) {
    source.assign(index.begin(), index.end());
    source[dim] = input.extents()[dim] - 1 - index[dim];
    result.at(index) = input.at(source);
  });
  return result;
}

/// What all of these depend on, entry by entry; of one shape each.
static Origins joinedOf(ArrayRef<Origins> operands) {
  Sizes extents(operands.front().extents());
  for (const Origins &operand : operands)
    for (auto [extent, own] : llvm::zip(extents, operand.extents()))
      extent = std::max(extent, own);
  Origins joined(operands.front().shape(), extents);
  forEachIndex(extents, [&](Index index) {
    Origin &entry = joined.at(index);
    for (const Origins &operand : operands)
      entry.join(operand.at(index));
  });
  return joined;
}

/// Results of an op that computes each of the leading entries [i...] from the whole of its operands' entries there: of
/// their last dimension (an order) or of their last two (a matrix).
static SmallVector<Origins> ofTrailing(Operation *op, size_t trailing, OriginsOf originsOf) {
  auto leadingOf = [&](const Origins &x) {
    Origins joined = x;
    for (size_t dim = x.shape().size() - trailing; dim < x.shape().size(); ++dim)
      joined = anyAlong(joined, dim);
    size_t leading = x.shape().size() - trailing;
    Sizes kept(joined.extents().take_front(leading));
    return joined.reshaped(x.shape().take_front(leading), kept);
  };
  SmallVector<Origins> operands;
  for (Value operand : op->getOperands())
    operands.push_back(leadingOf(originsOf(operand)));
  Origins joined = joinedOf(operands);
  Sizes extents(joined.extents());
  SmallVector<Origins> results;
  for (unsigned number = 0; number < op->getNumResults(); ++number) {
    ArrayRef<int64_t> shape = resultShape(op, number);
    Sizes own(extents);
    own.resize(shape.size(), 1);
    results.push_back(joined.reshaped(shape, own));
  }
  return results;
}

/// Of all operands, entries of a line along `dim` depend on all of that line.
static Origins ofLines(Operation *op, size_t dim, OriginsOf originsOf) {
  SmallVector<Origins> operands;
  for (Value operand : op->getOperands())
    operands.push_back(anyAlong(originsOf(operand), dim));
  return joinedOf(operands);
}

static SmallVector<Origins> ofFFT(FFTOp op, OriginsOf originsOf) {
  return SmallVector<Origins>(op->getNumResults(), ofLines(op, op.getDim(), originsOf));
}

/// Between a tensor and half of its spectrum: dimensions of the results are `permutation` of the operands'.
static SmallVector<Origins> ofHalfFFT(Operation *op, size_t dim, ArrayRef<int64_t> permutation, OriginsOf originsOf) {
  return SmallVector<Origins>(op->getNumResults(), permuted(ofLines(op, dim, originsOf), permutation, resultShape(op)));
}

/// a u = y: a column of u depends on the same column of y, and on all of a.
static Origins ofSolve(SolveOp op, OriginsOf originsOf) {
  const Origins &a = originsOf(op.getA());
  size_t last = a.shape().size() - 1;
  Origins y = anyAlong(originsOf(op.getY()), last - 1);
  Origins matrix = anyAlong(anyAlong(a, last), last - 1);
  Sizes extents(y.extents());
  for (size_t dim = 0; dim + 1 < last; ++dim)
    extents[dim] = std::max(extents[dim], matrix.extents()[dim]);
  Origins result(resultShape(op), extents);
  forEachIndex(extents, [&](Index index) {
    Sizes source(index);
    source[last] = 0;
    Origin entry = y.at(index);
    entry.join(matrix.at(source));
    result.at(index) = entry;
  });
  return compressed(result);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// What all entries of a row (sequence, token) depend on, `[B, T]`.
static Origins rowsOf(const Origins &x) {
  Origins result = x;
  for (size_t dim = 2; dim < x.shape().size(); ++dim)
    result = anyAlong(result, dim);
  Sizes two(result.extents().take_front(2));
  return result.reshaped(result.shape().take_front(2), two);
}

/// Whether two places are known to be of different documents.
static bool apart(const Origin &segment, const Origin &other) {
  return segment.isKnown() && other.isKnown() && !segment.is(other.low);
}

/// Whether query (b, t) may see key s: what is not known of positions and segments counts as seen.
static bool maySee(AttentionOp op, const Origin *query, const Origin *key) {
  const Origin &qpos = query[0], &qseg = query[1], &kpos = key[0], &kseg = key[1];
  if (apart(qseg, kseg) || kseg.high < 0)
    return false;
  bool later = op.getCausal() && kpos.low > qpos.high;
  bool before = op.getWindow() && qpos.low - kpos.high >= double(*op.getWindow());
  return !later && !before;
}

static SmallVector<Origins> ofAttention(AttentionOp op, OriginsOf originsOf) {
  ArrayRef<int64_t> q = resultShape(op), lse = resultShape(op, 1);
  int64_t prefix = op.countPrefix(), placed = cast<RankedTensorType>(op.getK().getType()).getDimSize(1) - prefix;
  Origins own = rowsOf(originsOf(op.getQ())), k = rowsOf(originsOf(op.getK())), v = rowsOf(originsOf(op.getV()));
  const Origins *places[] = {&originsOf(op.getQpos()), &originsOf(op.getQseg()), &originsOf(op.getKpos()),
                             &originsOf(op.getKseg())};
  Origins seen(q.take_front(2), q.take_front(2));
  bool ordered = op.keysAreQueries() && op.getCausal();
  for (int64_t b = 0; b < q[0]; ++b) {
    Origin always; // of the keys that every query sees
    for (int64_t s = 0; s < prefix; ++s)
      for (const Origin &one : {k.at({b, s}), v.at({b, s})})
        always.join(one);
    Origin before; // of the other keys so far that are in the query's document
    for (int64_t t = 0; t < q[1]; ++t) {
      if (ordered && t > 0 && apart(places[1]->at({b, t - 1}), places[1]->at({b, t})))
        before = Origin();
      Origin entry = own.at({b, t});
      Origin query[] = {places[0]->at({b, t}), places[1]->at({b, t})};
      for (int64_t s = ordered ? t : 0; s < (ordered ? t + 1 : placed); ++s) {
        Origin key[] = {places[2]->at({b, s}), places[3]->at({b, s})};
        if (!ordered && !maySee(op, query, key))
          continue;
        for (const Origin &one : {k.at({b, prefix + s}), v.at({b, prefix + s}), key[0], key[1]})
          before.join(one);
      }
      for (const Origin &one : {always, before, query[0], query[1]})
        entry.join(one);
      if (!ordered)
        before = Origin();
      seen.at({b, t}) = entry;
    }
  }
  seen.compress();
  auto widened = [&](ArrayRef<int64_t> shape) {
    Sizes extents(seen.extents());
    extents.resize(shape.size(), 1);
    return seen.reshaped(shape, extents);
  };
  return {widened(q), widened(lse)};
}

//===----------------------------------------------------------------------===//
// All rules
//===----------------------------------------------------------------------===//

SmallVector<Origins> applyRule(Operation *op, OriginsOf originsOf) {
  using List = SmallVector<Origins>;
  if (isElementwiseForOrigins(op))
    return {ofElementwise(op, originsOf)};
  return llvm::TypeSwitch<Operation *, List>(op)
      .Case([&](arith::ConstantOp c) { return List{ofConstant(c)}; })
      .Case([&](IotaOp c) { return List{ofIota(c)}; })
      .Case([&](EyeOp c) { return List{ofEye(c)}; })
      .Case<ReadOp, RandomOp, tensor::EmptyOp>([&](auto c) { return List{Origins(resultShape(c))}; })
      .Case([&](linalg::FillOp c) {
        return List{Origins(resultShape(c), originsOf(c.getInputs().front()).all().front())};
      })
      .Case([&](linalg::BroadcastOp c) { return List{ofBroadcast(c, originsOf)}; })
      .Case([&](linalg::TransposeOp c) { return List{ofTranspose(c, originsOf)}; })
      .Case([&](linalg::ReduceOp c) { return c.getInputs().size() == 1 ? List{ofReduce(c, originsOf)} : List(); })
      .Case([&](linalg::ContractOp c) { return List{ofContract(c, originsOf)}; })
      .Case([&](tensor::CollapseShapeOp c) { return List{ofCollapse(c, originsOf)}; })
      .Case([&](tensor::ExpandShapeOp c) { return List{ofExpand(c, originsOf)}; })
      .Case([&](tensor::ExtractSliceOp c) { return ofSlice(c, originsOf); })
      .Case([&](tensor::ConcatOp c) { return List{ofConcat(c, originsOf)}; })
      .Case([&](tensor::PadOp c) { return ofPad(c, originsOf); })
      .Case([&](GatherOp c) { return List{ofGather(c, originsOf)}; })
      .Case([&](PickOp c) { return List{ofPick(c, originsOf)}; })
      .Case([&](ScatterAddOp c) { return c.getInit() ? List() : List{ofScatterAdd(c, originsOf)}; })
      .Case([&](ReverseOp c) { return List{ofReverse(c, originsOf)}; })
      .Case([&](ArgSortOp c) {
        List places = ofTrailing(c, 1, originsOf);
        for (Origin &entry : places.front().all())
          entry = entry.within(0, double(cast<RankedTensorType>(c.getX().getType()).getShape().back() - 1));
        return places;
      })
      .Case([&](FFTOp c) { return ofFFT(c, originsOf); })
      .Case([&](RealFFTOp c) { return ofHalfFFT(c, c.getOrder().front(), c.getOrder(), originsOf); })
      .Case([&](FFTToRealOp c) { return ofHalfFFT(c, 0, invertPermutationVector(c.getOrder()), originsOf); })
      .Case([&](SolveOp c) { return List{ofSolve(c, originsOf)}; })
      .Case<QROp, SVDOp, EigHOp, RealFFT2Op>([&](Operation *c) { return ofTrailing(c, 2, originsOf); })
      .Case([&](AttentionOp c) { return ofAttention(c, originsOf); })
      .Default([](Operation *) { return List(); });
}

} // namespace ftc::tune
