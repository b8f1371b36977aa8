//===- Layers.cpp - where a program does the same for each layer -----------===//
//
// Passes leave the order of ops as it is, so that what is alike for all layers repeats along a program: once forwards,
// once backwards with the layers in falling order, once in an update, and in the reads and writes. Ops that name a
// tensor of a layer, by themselves or by what they read, tell how far apart two layers are.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Layers.h"

#include "mlir/IR/OperationSupport.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace ftc::tune {

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::optional<LeftOutLayers> LeftOutLayers::of(func::FuncOp program) {
  auto layers = program->getAttrOfType<DenseI64ArrayAttr>(TuneDialect::kLeftOutAttrName);
  return layers ? std::optional(LeftOutLayers{layers[0], layers[1]}) : std::nullopt;
}

FlatSymbolRefAttr getNamedTensor(Operation *op) {
  if (auto read = dyn_cast<ReadOp>(op))
    return read.getTensorAttr();
  auto write = dyn_cast<WriteOp>(op);
  return write ? write.getTensorAttr() : FlatSymbolRefAttr();
}

void setNamedLayer(Operation *op, int64_t layer) {
  StringRef symbol = getNamedTensor(op).getValue();
  auto moved = FlatSymbolRefAttr::get(op->getContext(), moveLayer(symbol, layer - *getLayer(symbol)));
  if (auto read = dyn_cast<ReadOp>(op))
    read.setTensorAttr(moved);
  else
    cast<WriteOp>(op).setTensorAttr(moved);
}

void NamedTensors::addAll(func::FuncOp program, llvm::function_ref<bool(Operation *)> counts) {
  std::optional<LeftOutLayers> leftOut = LeftOutLayers::of(program);
  if (leftOut)
    folded.push_back({*leftOut, {}});
  program.walk([&](Operation *op) {
    FlatSymbolRefAttr tensor = getNamedTensor(op);
    if (!tensor || !counts(op))
      return;
    names.insert(tensor.getAttr());
    if (leftOut && getLayer(tensor.getValue()) == leftOut->after)
      folded.back().sample.insert(tensor.getValue());
  });
}

bool NamedTensors::contains(TensorOp tensor) const {
  if (names.contains(tensor.getSymNameAttr()))
    return true;
  StringRef name = tensor.getSymName();
  std::optional<int64_t> layer = getLayer(name);
  return layer && llvm::any_of(folded, [&](const Folded &program) {
           return program.leftOut.contains(*layer) &&
                  program.sample.contains(moveLayer(name, program.leftOut.after - *layer));
         });
}

std::optional<int64_t> LayerPeriods::getNamedLayer(Operation *op) const {
  FlatSymbolRefAttr tensor = getNamedTensor(op);
  return tensor ? names.lookup(tensor.getAttr()).layer : std::nullopt;
}

LayerPeriods::Name LayerPeriods::nameOf(FlatSymbolRefAttr symbol) {
  auto [known, isNew] = names.try_emplace(symbol.getAttr());
  if (!isNew)
    return known->second;
  StringRef name = symbol.getValue();
  std::optional<int64_t> layer = getLayer(name);
  size_t family = layer ? size_t(llvm::hash_value(moveLayer(name, -*layer))) : size_t(llvm::hash_value(name));
  if (layer && leftOut.contains(*layer))
    layer.reset();
  else if (layer && *layer > leftOut.after)
    *layer -= leftOut.count;
  return known->second = {family, layer};
}

//===----------------------------------------------------------------------===//
// Chance
//===----------------------------------------------------------------------===//

static std::optional<int64_t> getSite(Operation *op) {
  if (auto random = dyn_cast<RandomOp>(op))
    return random.getSite();
  auto drop = dyn_cast<DropOp>(op);
  return drop ? std::optional<int64_t>(drop.getSite()) : std::nullopt;
}

/// The attributes of an op that draws, but for its site.
static DictionaryAttr withoutSite(Operation *op) {
  NamedAttrList attributes(op->getAttrDictionary());
  attributes.erase("site");
  return attributes.getDictionary(op->getContext());
}

void moveSites(Operation *op, int64_t by) {
  op->walk([&](Operation *inner) {
    if (auto random = dyn_cast<RandomOp>(inner))
      random.setSite(random.getSite() + by);
    else if (auto drop = dyn_cast<DropOp>(inner))
      drop.setSite(drop.getSite() + by);
  });
}

//===----------------------------------------------------------------------===//
// Stretches
//===----------------------------------------------------------------------===//

LayerPeriods::LayerPeriods(func::FuncOp program, Range range, LeftOutLayers leftOut) : range(range), leftOut(leftOut) {
  for (Operation &op : program.front().without_terminator()) {
    positions[&op] = int64_t(ops.size());
    ops.push_back(&op);
  }
  for (Operation *op : ops)
    fingerprints.push_back(fingerprint(op));
  stretchOf.assign(ops.size(), -1);
}

/// All of an op but its operands, the layer of what it names and sites; of operands only what of a tensor is read.
size_t LayerPeriods::fingerprint(Operation *op) {
  auto ofOne = [&](Operation *one) {
    FlatSymbolRefAttr tensor = getNamedTensor(one);
    size_t properties = tensor         ? nameOf(tensor).family
                        : getSite(one) ? size_t(hash_value(withoutSite(one)))
                                       : size_t(one->hashProperties());
    if (getSite(one))
      drawing.insert(op);
    llvm::hash_code hash = llvm::hash_combine(one->getName(), one->getRawDictionaryAttrs(), properties);
    for (Type type : one->getResultTypes())
      hash = llvm::hash_combine(hash, type);
    return hash;
  };
  llvm::hash_code hash = ofOne(op);
  for (Value operand : op->getOperands()) {
    auto read = operand.getDefiningOp<ReadOp>();
    hash = llvm::hash_combine(hash, read ? nameOf(read.getTensorAttr()).family : 0);
  }
  for (Region &region : op->getRegions())
    region.walk([&](Operation *inner) { hash = llvm::hash_combine(hash, ofOne(inner)); });
  return hash;
}

/// An op that names a tensor of a layer, reads one, or takes what is in a stretch.
std::optional<LayerPeriods::Anchor> LayerPeriods::findAnchor(int64_t position) {
  Operation *op = ops[size_t(position)];
  size_t hash = fingerprints[size_t(position)];
  if (FlatSymbolRefAttr tensor = getNamedTensor(op))
    if (std::optional<int64_t> layer = nameOf(tensor).layer)
      return Anchor{hash, *layer};
  std::optional<int64_t> layer;
  for (Value operand : op->getOperands()) {
    std::optional<int64_t> found;
    if (auto read = operand.getDefiningOp<ReadOp>()) {
      found = nameOf(read.getTensorAttr()).layer;
    } else if (Operation *from = operand.getDefiningOp()) {
      if (std::optional<LayerPlace> place = locate(from)) {
        hash = llvm::hash_combine(hash, place->stretch, place->index, cast<OpResult>(operand).getResultNumber());
        found = place->layer;
      }
    }
    layer = layer ? layer : found;
  }
  return layer ? std::optional(Anchor{hash, *layer}) : std::nullopt;
}

/// Pairs of ops that are in no stretch yet, of the sample layer and of the next one.
std::vector<std::pair<int64_t, int64_t>> LayerPeriods::findCounterparts() {
  struct Pair {
    SmallVector<int64_t, 2> sample, next;
  };
  llvm::MapVector<size_t, Pair> pairs;
  for (int64_t position = 0; position < int64_t(ops.size()); ++position) {
    std::optional<Anchor> anchor = stretchOf[size_t(position)] < 0 ? findAnchor(position) : std::nullopt;
    if (anchor && anchor->layer == range.sample)
      pairs[anchor->fingerprint].sample.push_back(position);
    else if (anchor && anchor->layer == range.sample + 1)
      pairs[anchor->fingerprint].next.push_back(position);
  }
  std::vector<std::pair<int64_t, int64_t>> counterparts;
  for (auto &[hash, pair] : pairs)
    if (pair.sample.size() == pair.next.size())
      for (auto [position, next] : llvm::zip_equal(pair.sample, pair.next))
        counterparts.emplace_back(position, next);
  llvm::sort(counterparts);
  return counterparts;
}

/// First around the ops that name tensors, then around what takes what these give, so many times at most.
void LayerPeriods::findStretches() {
  constexpr int mostRounds = 32;
  bool grows = true;
  for (int round = 0; grows && round < mostRounds; ++round) {
    grows = false;
    for (auto [position, next] : findCounterparts())
      grows |= addStretch(position, next);
  }
  sortStretches();
}

/// The longest stretch around the first op of the sample layer and its counterpart in which each op is like the one as
/// far from it as they are. False if there is none of all layers of the range.
bool LayerPeriods::addStretch(int64_t at, int64_t counterpart) {
  auto isFree = [&](int64_t position) { return stretchOf[size_t(position)] < 0; };
  int64_t begin = std::min(at, counterpart), period = std::max(at, counterpart) - begin, end = begin;
  auto matches = [&](int64_t position) {
    return isFree(position) && isFree(position + period) &&
           fingerprints[size_t(position)] == fingerprints[size_t(position + period)];
  };
  if (!llvm::all_of(llvm::seq(begin, begin + period + 1), isFree))
    return false;
  while (begin > 0 && matches(begin - 1))
    --begin;
  while (end + period < int64_t(ops.size()) && matches(end))
    ++end;
  Stretch stretch{begin, end + period, period, at, at < counterpart ? 1 : -1};
  if (!isWhole(stretch))
    return false;
  for (int64_t position = stretch.begin; position < stretch.end; ++position)
    stretchOf[size_t(position)] = int64_t(stretches.size());
  stretches.push_back(stretch);
  return true;
}

/// Numbers stretches in the order of their ops.
void LayerPeriods::sortStretches() {
  llvm::sort(stretches, [](const Stretch &a, const Stretch &b) { return a.begin < b.begin; });
  for (auto [number, stretch] : llvm::enumerate(stretches))
    for (int64_t position = stretch.begin; position < stretch.end; ++position)
      stretchOf[size_t(position)] = int64_t(number);
}

Operation *LayerPeriods::getOp(const LayerPlace &place) const {
  const Stretch &stretch = stretches[place.stretch];
  int64_t periods = (place.layer - range.sample) * stretch.direction;
  return ops[size_t(stretch.start + periods * stretch.period + int64_t(place.index))];
}

bool LayerPeriods::isWhole(const Stretch &stretch) const {
  auto contains = [&](int64_t layer) {
    int64_t begin = stretch.start + (layer - range.sample) * stretch.direction * stretch.period;
    return begin >= stretch.begin && begin + stretch.period <= stretch.end;
  };
  return contains(range.first) && contains(range.last);
}

/// Where an op stands, of whatever layer.
std::optional<LayerPlace> LayerPeriods::locate(Operation *op) const {
  auto position = positions.find(op);
  int64_t number = position == positions.end() ? -1 : stretchOf[size_t(position->second)];
  if (number < 0)
    return std::nullopt;
  const Stretch &stretch = stretches[size_t(number)];
  int64_t place = position->second - stretch.start;
  int64_t periods = llvm::divideFloorSigned(place, stretch.period);
  return LayerPlace{size_t(number), range.sample + stretch.direction * periods,
                    size_t(place - periods * stretch.period)};
}

std::optional<LayerPlace> LayerPeriods::getPlace(Operation *op) const {
  std::optional<LayerPlace> place = locate(op);
  return place && range.contains(place->layer) ? place : std::nullopt;
}

std::optional<LayerPlace> LayerPeriods::getPlace(Value value) const {
  Operation *op = value.getDefiningOp();
  return op ? getPlace(op) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Likeness
//===----------------------------------------------------------------------===//

/// Whether `next` is to the layer behind `layer` what `value` is to that. Of what is outside of the range only the
/// layers at its ends may take something that is not looked at.
bool LayerPeriods::areAlike(Value value, Value next, int64_t layer) const {
  std::optional<LayerPlace> place = getPlace(value), nextPlace = getPlace(next);
  if (value == next)
    return !place;
  auto result = dyn_cast<OpResult>(value), nextResult = dyn_cast<OpResult>(next);
  if (!result || !nextResult || result.getType() != nextResult.getType() ||
      result.getResultNumber() != nextResult.getResultNumber())
    return false;
  auto isNear = [](const LayerPlace &from, int64_t user) { return std::abs(from.layer - user) <= kReach; };
  if (place && nextPlace)
    return place->stretch == nextPlace->stretch && place->index == nextPlace->index &&
           place->layer + 1 == nextPlace->layer && isNear(*place, layer);
  if (place)
    return place->layer == range.last && isNear(*place, layer);
  if (nextPlace)
    return nextPlace->layer == range.first && isNear(*nextPlace, layer + 1);
  return layer == range.first || layer + 1 == range.last;
}

/// Whether `next` names the tensor that is to the next layer what that of `symbol` is to its own, or both name one.
bool LayerPeriods::haveAlikeNames(FlatSymbolRefAttr symbol, FlatSymbolRefAttr next) {
  Name name = nameOf(symbol), nextName = nameOf(next);
  if (!name.layer)
    return symbol == next;
  return name.family == nextName.family && nextName.layer == *name.layer + 1;
}

bool LayerPeriods::areAlike(Operation *op, Operation *next, int64_t layer) {
  if (FlatSymbolRefAttr tensor = getNamedTensor(op)) {
    bool isAlike = op->getName() == next->getName() && op->getResultTypes() == next->getResultTypes() &&
                   haveAlikeNames(tensor, getNamedTensor(next));
    return isAlike && (isa<ReadOp>(op) || areAlike(op->getOperand(0), next->getOperand(0), layer));
  }
  llvm::SmallDenseMap<Value, Value> inside;
  auto check = [&](Value value, Value nextValue) {
    auto known = inside.find(value);
    return success(known != inside.end() ? known->second == nextValue : areAlike(value, nextValue, layer));
  };
  auto mark = [&](Value value, Value nextValue) { inside[value] = nextValue; };
  auto ignored = OperationEquivalence::IgnoreLocations;
  if (!drawing.contains(op))
    return OperationEquivalence::isEquivalentTo(op, next, check, mark, ignored);
  return OperationEquivalence::isEquivalentTo(op, next, check, mark,
                                              ignored | OperationEquivalence::IgnoreProperties) &&
         haveAlikeSites(op, next, layer);
}

/// Whether ops that are equivalent but for properties, one of `layer` and one of the next, have the same properties but
/// for sites, which are as far apart as those of other layers.
bool LayerPeriods::haveAlikeSites(Operation *op, Operation *next, int64_t layer) {
  SmallVector<Operation *> ops, nextOps;
  op->walk([&](Operation *inner) { ops.push_back(inner); });
  next->walk([&](Operation *inner) { nextOps.push_back(inner); });
  int64_t apart = layer == leftOut.after ? 1 + leftOut.count : 1;
  return llvm::all_of(llvm::zip_equal(ops, nextOps), [&](auto pair) {
    auto [one, other] = pair;
    std::optional<int64_t> site = getSite(one), otherSite = getSite(other);
    if (!site || !otherSite)
      return one->getName().compareOpProperties(one->getPropertiesStorage(), other->getPropertiesStorage());
    if (!sitesPerLayer)
      sitesPerLayer = (*otherSite - *site) / apart;
    return withoutSite(one) == withoutSite(other) && *otherSite - *site == *sitesPerLayer * apart;
  });
}

/// Whether each op that names the sample layer is in a stretch.
bool LayerPeriods::holdsAllNamed() const {
  return llvm::all_of(ops, [&](Operation *op) { return getNamedLayer(op) != range.sample || locate(op); });
}

bool LayerPeriods::verify() {
  for (size_t stretch = 0; stretch < stretches.size(); ++stretch)
    for (int64_t layer = range.first; layer < range.last; ++layer)
      for (size_t index = 0; index < getPeriod(stretch); ++index)
        if (!areAlike(getOp({stretch, layer, index}), getOp({stretch, layer + 1, index}), layer))
          return false;
  return true;
}

/// Whether an op outside of the range may take what one inside gives.
bool LayerPeriods::mayNeed(Operation *user, Value value) const {
  std::optional<LayerPlace> from = getPlace(value);
  if (!from)
    return true;
  if (std::optional<LayerPlace> place = locate(user))
    return (place->layer > range.sample) == (from->layer > range.sample);
  return from->layer == range.first || from->layer == range.last;
}

bool LayerPeriods::isNeededElsewhere() const {
  return llvm::any_of(ops, [&](Operation *op) {
    bool isNeeded = false;
    if (!getPlace(op))
      op->walk([&](Operation *inner) {
        isNeeded |= llvm::any_of(inner->getOperands(), [&](Value value) { return !mayNeed(op, value); });
      });
    return isNeeded;
  });
}

std::optional<LayerPeriods> LayerPeriods::find(func::FuncOp program, Range range, LeftOutLayers leftOut) {
  LayerPeriods periods(program, range, leftOut);
  periods.findStretches();
  bool isSound =
      !periods.stretches.empty() && periods.holdsAllNamed() && periods.verify() && !periods.isNeededElsewhere();
  return isSound ? std::optional(std::move(periods)) : std::nullopt;
}

} // namespace ftc::tune
