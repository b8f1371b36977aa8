#include "Coordinates.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace ftc::target::cpu {

AffineExpr Variables::add(Variable variable) {
  list.push_back(variable);
  return getAffineDimExpr(list.size() - 1, context);
}

/// All expressions are sums, products with a constant, quotients and remainders by a positive constant.
Range Variables::getRange(AffineExpr expr) const {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {constant.getValue(), constant.getValue()};
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return list[dim.getPosition()].range;
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Range left = getRange(binary.getLHS()), right = getRange(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return {left.min + right.min, left.max + right.max};
  case AffineExprKind::Mul:
    return {std::min(left.min * right.min, left.max * right.min), std::max(left.min * right.min, left.max * right.min)};
  case AffineExprKind::FloorDiv:
    return {llvm::divideFloorSigned(left.min, right.min), llvm::divideFloorSigned(left.max, right.min)};
  default:
    return {0, right.min - 1};
  }
}

unsigned Variables::getDepth(AffineExpr expr) const {
  unsigned depth = 0;
  expr.walk([&](AffineExpr part) {
    if (auto dim = dyn_cast<AffineDimExpr>(part))
      depth = std::max(depth, list[dim.getPosition()].depth);
  });
  return depth;
}

unsigned Variables::getDepth(ArrayRef<AffineExpr> coordinates) const {
  unsigned depth = 0;
  for (AffineExpr expr : coordinates)
    depth = std::max(depth, getDepth(expr));
  return depth;
}

bool Variables::hasLanes(AffineExpr expr) const {
  bool found = false;
  expr.walk([&](AffineExpr part) {
    if (auto dim = dyn_cast<AffineDimExpr>(part))
      found |= list[dim.getPosition()].lanes;
  });
  return found;
}

bool Variables::hasLanes(ArrayRef<AffineExpr> coordinates) const {
  return llvm::any_of(coordinates, [&](AffineExpr expr) { return hasLanes(expr); });
}

Coordinates Variables::mapLanes(ArrayRef<AffineExpr> coordinates,
                                llvm::function_ref<AffineExpr(unsigned)> ofLane) const {
  DenseMap<AffineExpr, AffineExpr> lanes;
  for (AffineExpr expr : coordinates)
    expr.walk([&](AffineExpr part) {
      auto dim = dyn_cast<AffineDimExpr>(part);
      if (dim && list[dim.getPosition()].lanes && !lanes.contains(part))
        lanes[part] = ofLane(dim.getPosition());
    });
  Coordinates mapped;
  for (AffineExpr expr : coordinates)
    mapped.push_back(simplify(expr.replace(lanes)));
  return mapped;
}

std::optional<Variables::Consecutive> Variables::splitLane(AffineExpr expr) const {
  if (auto dim = dyn_cast<AffineDimExpr>(expr); dim && list[dim.getPosition()].lane)
    return Consecutive{constant(0), expr};
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  AffineExpr left = sum.getLHS(), right = sum.getRHS();
  if (!hasLanes(left))
    std::swap(left, right);
  if (hasLanes(right))
    return std::nullopt;
  std::optional<Consecutive> split = splitLane(left);
  if (split)
    split->rest = split->rest + right;
  return split;
}

std::optional<Variables::Consecutive> Variables::splitWithinBlock(AffineExpr expr, int64_t by) const {
  std::optional<Consecutive> split = splitLane(expr);
  if (!split || getRange(split->lane).max >= std::gcd(split->rest.getLargestKnownDivisor(), by))
    return std::nullopt;
  return split;
}

AffineExpr Variables::simplify(AffineExpr expr) const {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr;
  AffineExpr left = simplify(binary.getLHS()), right = simplify(binary.getRHS());
  bool divides = expr.getKind() == AffineExprKind::FloorDiv || expr.getKind() == AffineExprKind::Mod;
  if (divides && getRange(left).min >= 0 && getRange(left).max < getRange(right).min)
    return expr.getKind() == AffineExprKind::Mod ? left : constant(0);
  return getAffineBinaryOpExpr(expr.getKind(), left, right);
}

namespace {
/// A sum of multiples of expressions, and a constant.
struct LinearForm {
  llvm::MapVector<AffineExpr, int64_t> terms;
  int64_t constant = 0;

  void add(const LinearForm &other, int64_t factor) {
    for (auto [term, count] : other.terms)
      terms[term] += count * factor;
    constant += other.constant * factor;
    terms.remove_if([](auto &entry) { return entry.second == 0; });
  }
  bool isMultiple(int64_t of) const {
    return llvm::all_of(terms, [&](auto &entry) { return entry.second % of == 0; });
  }
};
} // namespace

/// Quotients and remainders are taken apart where all but the constant is a multiple of the divisor.
static LinearForm toLinear(AffineExpr expr) {
  LinearForm form;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    form.constant = constant.getValue();
    return form;
  }
  if (!binary) {
    form.terms[expr] = 1;
    return form;
  }
  LinearForm left = toLinear(binary.getLHS());
  if (binary.getKind() == AffineExprKind::Add) {
    left.add(toLinear(binary.getRHS()), 1);
    return left;
  }
  auto right = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (!right || (binary.getKind() != AffineExprKind::Mul && !left.isMultiple(right.getValue()))) {
    form.terms[expr] = 1;
    return form;
  }
  int64_t by = right.getValue();
  if (binary.getKind() == AffineExprKind::Mul) {
    form.add(left, by);
    return form;
  }
  bool isQuotient = binary.getKind() == AffineExprKind::FloorDiv;
  form.constant = isQuotient ? llvm::divideFloorSigned(left.constant, by) : llvm::mod(left.constant, by);
  for (auto [term, count] : left.terms)
    if (isQuotient)
      form.terms[term] = count / by;
  return form;
}

std::optional<Variables::Offsets> Variables::findOffsets(AffineExpr expr, int64_t lanes) const {
  Offsets offsets;
  LinearForm first;
  for (int64_t number = 0; number < lanes; ++number) {
    bool isOfLane = true;
    AffineExpr here = mapLanes(expr, [&](unsigned variable) {
      isOfLane &= list[variable].lane;
      return constant(number);
    })[0];
    if (!isOfLane)
      return std::nullopt;
    LinearForm form = toLinear(here);
    if (number == 0) {
      first = form;
      offsets.first = here;
    }
    LinearForm apart = form;
    apart.add(first, -1);
    if (!apart.terms.empty())
      return std::nullopt;
    offsets.lanes.push_back(apart.constant);
  }
  return offsets;
}

AffineExpr Variables::floorDiv(AffineExpr expr, int64_t by) const {
  if (std::optional<Consecutive> split = splitWithinBlock(expr, by))
    return simplify(split->rest.floorDiv(by));
  return simplify(expr.floorDiv(by));
}

AffineExpr Variables::mod(AffineExpr expr, int64_t by) const {
  if (std::optional<Consecutive> split = splitWithinBlock(expr, by))
    return simplify(split->rest % by) + split->lane;
  return simplify(expr % by);
}

/// `sum` without its summand `term`; nothing if it has none.
static AffineExpr removeTerm(AffineExpr sum, AffineExpr term) {
  if (sum == term)
    return getAffineConstantExpr(0, sum.getContext());
  auto add = dyn_cast<AffineBinaryOpExpr>(sum);
  if (!add || add.getKind() != AffineExprKind::Add)
    return {};
  if (AffineExpr left = removeTerm(add.getLHS(), term))
    return left + add.getRHS();
  if (AffineExpr right = removeTerm(add.getRHS(), term))
    return add.getLHS() + right;
  return {};
}

AffineExpr Variables::linearize(ArrayRef<AffineExpr> coordinates, ArrayRef<int64_t> shape) const {
  AffineExpr index = constant(0);
  for (auto [expr, size] : llvm::zip_equal(coordinates, shape)) {
    // (r + x floordiv size) * size + x mod size = r * size + x, and the same with a lane added
    Consecutive parts = splitLane(expr).value_or(Consecutive{expr, constant(0)});
    auto remainder = dyn_cast<AffineBinaryOpExpr>(parts.rest);
    AffineExpr rest;
    if (remainder && remainder.getKind() == AffineExprKind::Mod && remainder.getRHS() == constant(size))
      rest = removeTerm(index, floorDiv(remainder.getLHS(), size));
    index = rest ? rest * size + remainder.getLHS() + parts.lane : index * size + expr;
  }
  return index;
}

Coordinates Variables::delinearize(AffineExpr index, ArrayRef<int64_t> shape) const {
  Coordinates coordinates(shape.size());
  for (size_t i = shape.size(); i-- > 1;) {
    coordinates[i] = mod(index, shape[i]);
    index = floorDiv(index, shape[i]);
  }
  if (!shape.empty())
    coordinates[0] = index;
  return coordinates;
}

} // namespace ftc::target::cpu
