#include "RowEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace ftc::target::cpu {

/// Bytes from what is read to what is fetched into the second cache: a Xeon of 2026 reads a matrix of bf16 at all of
/// the memory's bandwidth with 6 KB (at 0.83 of it, if it is fetched into the first cache, which waits for fewer lines
/// at once). A Zen 5 reads at 0.95 with 6 KB into the first cache, at 0.82 without, and at less with 1 KB; a Zen 3 is
/// as fast with as without.
static constexpr int64_t kFetchedAhead = 6144, kCacheLine = 64, kSecondCache = 2;

SmallVector<Vectors> coverByVectors(int64_t extent, ArrayRef<int64_t> cuts) {
  SmallVector<Vectors> cover;
  SmallVector<int64_t> ends(cuts);
  ends.push_back(extent);
  int64_t from = 0;
  for (int64_t end : ends) {
    for (int64_t lanes : {64, 32, 16}) {
      int64_t trips = (end - from) / lanes;
      if (trips > 0)
        cover.push_back({from, trips, lanes, lanes});
      from += trips * lanes;
    }
    if (from < end)
      cover.push_back({from, 1, 16, end - from});
    from = end;
  }
  return cover;
}

RowEmitter::RowEmitter(KernelBuilder &builder) : b(builder), variables(builder.getContext()) {
  scopes.push_back({b.getInsertionBlock()});
}

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

void RowEmitter::insertInScope() {
  Scope &scope = scopes.back();
  if (scope.child)
    b.setInsertionPoint(scope.child);
  else if (!scope.block->empty() && scope.block->back().hasTrait<OpTrait::IsTerminator>())
    b.setInsertionPoint(&scope.block->back());
  else
    b.setInsertionPointToEnd(scope.block);
}

SmallVector<Value> RowEmitter::emitLoop(Value from, Value to, Range range, ValueRange carried, LoopBody body) {
  Value step = arith::ConstantIndexOp::create(b, b.getLoc(), 1);
  auto loop = scf::ForOp::create(b, b.getLoc(), from, to, step, carried);
  Operation *outer = std::exchange(scopes.back().child, loop);
  scopes.push_back({loop.getBody()});
  insertInScope();
  AffineExpr variable =
      variables.add({loop.getInductionVar(), unsigned(scopes.size() - 1), range, /*lanes=*/false, /*lane=*/false});
  SmallVector<Value> next = body(variable, loop.getRegionIterArgs());
  insertInScope();
  if (!carried.empty())
    scf::YieldOp::create(b, b.getLoc(), next);
  scopes.pop_back();
  scopes.back().child = outer;
  insertInScope();
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> RowEmitter::emitLoop(int64_t trips, ValueRange carried, LoopBody body) {
  if (trips == 1)
    return body(variables.constant(0), carried);
  Value from = arith::ConstantIndexOp::create(b, b.getLoc(), 0);
  Value to = arith::ConstantIndexOp::create(b, b.getLoc(), trips);
  return emitLoop(from, to, {0, trips - 1}, carried, body);
}

SmallVector<Value> RowEmitter::emitLoop(const Vectors &vectors, ValueRange carried, LoopBody body) {
  Lanes saved = std::exchange(lanes, Lanes{vectors.lanes, vectors.active});
  AffineExpr lane = variables.add({Value(), 0, {0, vectors.lanes - 1}, /*lanes=*/true, /*lane=*/true});
  auto result = emitLoop(vectors.trips, carried, [&](AffineExpr trip, ValueRange values) {
    return body(trip * vectors.lanes + vectors.from + lane, values);
  });
  lanes = saved;
  return result;
}

Value RowEmitter::evaluateInScope(Value value, At at) {
  Key key{value.getAsOpaquePointer()};
  for (AffineExpr expr : at)
    key.push_back(expr.getAsOpaquePointer());
  Value &known = scopes.back().known[key];
  if (!known) {
    auto input = inputs.find(value);
    Value element = input != inputs.end() ? load(input->second, at) : emit(value.getDefiningOp(), at);
    scopes.back().known[key] = element;
    return element;
  }
  return known;
}

Value RowEmitter::evaluate(Value value, At at) {
  if (TypedAttr constant = constants.lookup(value))
    return arith::ConstantOp::create(b, b.getLoc(), constant);
  unsigned depth = variables.getDepth(at);
  std::vector<Scope> inner(std::make_move_iterator(scopes.begin() + depth + 1), std::make_move_iterator(scopes.end()));
  scopes.resize(depth + 1, Scope{nullptr});
  insertInScope();
  Value element = evaluateInScope(value, at);
  scopes.insert(scopes.end(), std::make_move_iterator(inner.begin()), std::make_move_iterator(inner.end()));
  insertInScope();
  return element;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

RowEmitter::Buffer RowEmitter::makeBuffer(Value operandOrResult) {
  OpBuilder::InsertionGuard guard(b);
  Block *entry = scopes.front().block;
  b.setInsertionPointToStart(entry);
  Value memory = b.buffer(operandOrResult);
  auto type = cast<MemRefType>(memory.getType());
  auto flat = MemRefType::get({type.getNumElements()}, type.getElementType());
  memory = memref::ReinterpretCastOp::create(b, b.getLoc(), flat, memory, /*offset=*/int64_t(0),
                                             ArrayRef<int64_t>{type.getNumElements()}, ArrayRef<int64_t>{1});
  return {memory, SmallVector<int64_t>(type.getShape())};
}

void RowEmitter::bindInput(Value value, Value operand) {
  if (b.isFolded(operand))
    constants[value] = getSplat(operand);
  else
    inputs[value] = makeBuffer(operand);
}

void RowEmitter::fetchAhead(Value value) {
  if (auto input = inputs.find(value); input != inputs.end())
    input->second.isFetchedAhead = true;
}

/// Fetches the lines of a vector that begins so much later than `from`. What lies beyond the buffer is fetched in vain.
void RowEmitter::emitFetch(const Buffer &buffer, Value from) {
  int64_t bytes = cast<MemRefType>(buffer.memory.getType()).getElementTypeBitWidth() / 8;
  for (int64_t at = 0; at < lanes.count * bytes; at += kCacheLine) {
    Value ahead = arith::ConstantIndexOp::create(b, b.getLoc(), (kFetchedAhead + at) / bytes);
    Value place = arith::AddIOp::create(b, b.getLoc(), from, ahead);
    memref::PrefetchOp::create(b, b.getLoc(), buffer.memory, place, /*isWrite=*/false, kSecondCache,
                               /*isDataCache=*/true);
  }
}

Value RowEmitter::getMask() {
  SmallVector<bool> active(lanes.count);
  std::fill_n(active.begin(), lanes.active, true);
  auto type = VectorType::get({lanes.count}, b.getI1Type());
  return arith::ConstantOp::create(b, b.getLoc(), DenseElementsAttr::get(type, active));
}

Value RowEmitter::load(const Buffer &buffer, At at) {
  Location loc = b.getLoc();
  Type element = cast<MemRefType>(buffer.memory.getType()).getElementType();
  AffineExpr index = variables.linearize(at, buffer.shape);
  if (!variables.hasLanes(index)) {
    Value scalar = memref::LoadOp::create(b, loc, buffer.memory, materialize(index));
    return variables.hasLanes(at) ? splat(scalar) : scalar;
  }
  auto type = VectorType::get({lanes.count}, element);
  auto consecutive = variables.splitLane(index);
  if (consecutive && !element.isInteger(1)) {
    Value from = materialize(consecutive->rest);
    if (buffer.isFetchedAhead)
      emitFetch(buffer, from);
    if (lanes.active == lanes.count)
      return vector::LoadOp::create(b, loc, type, buffer.memory, from);
    return vector::MaskedLoadOp::create(b, loc, type, buffer.memory, from, getMask(), zero(type));
  }
  if (!element.isInteger(1))
    if (std::optional<Variables::Offsets> offsets = variables.findOffsets(index, lanes.active))
      if (Value shuffled = loadShuffled(buffer, *offsets))
        return shuffled;
  Value indices = materializeLanes(index);
  if (element.isInteger(1)) { // a byte each in memory, a bit each in a vector
    Value all = zero(type);
    for (int64_t i = 0; i < lanes.active; ++i) {
      Value at = vector::ExtractOp::create(b, loc, indices, i);
      all = vector::InsertOp::create(b, loc, memref::LoadOp::create(b, loc, buffer.memory, at), all, i);
    }
    return all;
  }
  Value origin = arith::ConstantIndexOp::create(b, loc, 0);
  return vector::GatherOp::create(b, loc, type, buffer.memory, origin, indices, getMask(), zero(type));
}

/// Where vectors of so many elements begin that hold all of these places; nothing if it takes more than a few.
static SmallVector<int64_t> coverPlaces(ArrayRef<int64_t> places, int64_t elements) {
  constexpr size_t few = 4;
  SmallVector<int64_t> sorted(places), starts;
  llvm::sort(sorted);
  for (int64_t place : sorted)
    if (starts.empty() || place >= starts.back() + elements)
      starts.push_back(place);
  return starts.size() > few ? SmallVector<int64_t>() : starts;
}

/// Lanes of which each 16 lie in a few vectors of memory: these, in another order. Null where they do not.
Value RowEmitter::loadShuffled(const Buffer &buffer, const Variables::Offsets &offsets) {
  Location loc = b.getLoc();
  int64_t chunk = std::min<int64_t>(lanes.count, 16);
  ArrayRef<int64_t> places(offsets.lanes);
  for (size_t at = 0; at < places.size(); at += chunk)
    if (coverPlaces(places.slice(at, std::min<size_t>(chunk, places.size() - at)), chunk).empty())
      return Value();
  auto type = VectorType::get({chunk}, cast<MemRefType>(buffer.memory.getType()).getElementType());
  SmallVector<Value> chunks;
  for (int64_t at = 0; at < lanes.count; at += chunk) {
    Value all = zero(type);
    ArrayRef<int64_t> own = places.drop_front(std::min<size_t>(at, places.size())).take_front(chunk);
    for (int64_t start : coverPlaces(own, chunk)) {
      // Each lane has what was found so far, or an element of this part.
      auto order = llvm::to_vector(llvm::seq<int64_t>(0, chunk));
      SmallVector<bool> needed(chunk);
      for (auto [lane, place] : llvm::enumerate(own))
        if (int64_t element = place - start; element >= 0 && element < chunk) {
          order[lane] = chunk + element;
          needed[element] = true;
        }
      Value mask =
          arith::ConstantOp::create(b, loc, DenseElementsAttr::get(VectorType::get({chunk}, b.getI1Type()), needed));
      Value from = materialize(offsets.first + start);
      Value part = vector::MaskedLoadOp::create(b, loc, type, buffer.memory, from, mask, zero(type));
      all = vector::ShuffleOp::create(b, loc, all, part, order);
    }
    chunks.push_back(all);
  }
  while (chunks.size() > 1) { // a power of two
    for (size_t i = 0; i < chunks.size() / 2; ++i) {
      auto whole = llvm::to_vector(llvm::seq<int64_t>(0, 2 * chunk));
      chunks[i] = vector::ShuffleOp::create(b, loc, chunks[2 * i], chunks[2 * i + 1], whole);
    }
    chunks.resize(chunks.size() / 2);
    chunk *= 2;
  }
  return chunks.front();
}

void RowEmitter::store(Value value, Value result, At at) {
  Location loc = b.getLoc();
  auto [found, isNew] = outputs.try_emplace(result);
  if (isNew)
    found->second = makeBuffer(result);
  const Buffer &buffer = found->second;
  Value element = evaluate(value, at);
  if (failed)
    return;
  AffineExpr index = variables.linearize(at, buffer.shape);
  if (!variables.hasLanes(at)) {
    memref::StoreOp::create(b, loc, element, buffer.memory, materialize(index));
    return;
  }
  if (!isa<VectorType>(element.getType()))
    element = splat(element);
  auto consecutive = variables.splitLane(index);
  bool isBit = cast<VectorType>(element.getType()).getElementType().isInteger(1);
  if (consecutive && !isBit) {
    Value from = materialize(consecutive->rest);
    if (lanes.active == lanes.count)
      vector::StoreOp::create(b, loc, element, buffer.memory, from);
    else
      vector::MaskedStoreOp::create(b, loc, buffer.memory, from, getMask(), element);
    return;
  }
  Value indices = materializeLanes(index);
  for (int64_t i = 0; i < lanes.active; ++i) {
    Value place = vector::ExtractOp::create(b, loc, indices, i);
    memref::StoreOp::create(b, loc, vector::ExtractOp::create(b, loc, element, i), buffer.memory, place);
  }
}

//===----------------------------------------------------------------------===//
// Values of expressions
//===----------------------------------------------------------------------===//

Value RowEmitter::splat(Value scalar) {
  if (isa<VectorType>(scalar.getType()))
    return scalar;
  return vector::BroadcastOp::create(b, b.getLoc(), VectorType::get({lanes.count}, scalar.getType()), scalar);
}

Value RowEmitter::zero(Type type) { return arith::ConstantOp::create(b, b.getLoc(), b.getZeroAttr(type)); }

Value RowEmitter::materialize(AffineExpr expr) {
  Location loc = b.getLoc();
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return arith::ConstantIndexOp::create(b, loc, constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return variables[dim.getPosition()].value;
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value left = materialize(binary.getLHS()), right = materialize(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return arith::AddIOp::create(b, loc, left, right);
  case AffineExprKind::Mul:
    return arith::MulIOp::create(b, loc, left, right);
  case AffineExprKind::FloorDiv: // no index is negative
    return arith::DivUIOp::create(b, loc, left, right);
  default:
    return arith::RemUIOp::create(b, loc, left, right);
  }
}

Value RowEmitter::materializeLanes(AffineExpr expr) {
  Location loc = b.getLoc();
  if (!variables.hasLanes(expr))
    return splat(materialize(expr));
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    const Variables::Variable &variable = variables[dim.getPosition()];
    if (!variable.lane)
      return variable.value;
    return vector::StepOp::create(b, loc, VectorType::get({lanes.count}, b.getIndexType()));
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value left = materializeLanes(binary.getLHS()), right = materializeLanes(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return arith::AddIOp::create(b, loc, left, right);
  case AffineExprKind::Mul:
    return arith::MulIOp::create(b, loc, left, right);
  case AffineExprKind::FloorDiv:
    return arith::DivUIOp::create(b, loc, left, right);
  default:
    return arith::RemUIOp::create(b, loc, left, right);
  }
}

} // namespace ftc::target::cpu
