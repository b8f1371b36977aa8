// Where an element of a tensor is: one affine expression for each dimension, in variables of the kernel under
// construction. All of them are kept simple by what is known of the variables' ranges.
#ifndef FTC_LIB_TARGET_CPU_COORDINATES_H
#define FTC_LIB_TARGET_CPU_COORDINATES_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace ftc::target::cpu {

using Coordinates = llvm::SmallVector<mlir::AffineExpr, 6>;

/// Values from `min` to `max`, both included.
struct Range {
  int64_t min = 0;
  int64_t max = 0;
};

/// The variables of a kernel (AffineDimExprs) and arithmetic on expressions of them.
class Variables {
public:
  explicit Variables(mlir::MLIRContext *context) : context(context) {}

  struct Variable {
    mlir::Value value; ///< index, or vector of index if the variable differs between lanes; null for the lane itself
    unsigned depth;    ///< of the scope that defines it
    Range range;
    bool lanes; ///< differs between lanes
    bool lane;  ///< is the number of the lane
  };

  mlir::AffineExpr add(Variable variable);
  const Variable &operator[](unsigned position) const { return list[position]; }

  mlir::AffineExpr constant(int64_t value) const { return mlir::getAffineConstantExpr(value, context); }
  Range getRange(mlir::AffineExpr expr) const;
  /// The deepest scope that a variable of the expression needs.
  unsigned getDepth(mlir::AffineExpr expr) const;
  unsigned getDepth(llvm::ArrayRef<mlir::AffineExpr> coordinates) const;
  bool hasLanes(mlir::AffineExpr expr) const;
  bool hasLanes(llvm::ArrayRef<mlir::AffineExpr> coordinates) const;
  /// An expression that is the number of the lane plus a rest without lanes: neighbouring lanes are neighbouring
  /// elements.
  struct Consecutive {
    mlir::AffineExpr rest, lane;
  };
  std::optional<Consecutive> splitLane(mlir::AffineExpr expr) const;

  /// Where each of so many lanes is, from where lane 0 is (`first`), if that is the same whatever the other variables
  /// are.
  struct Offsets {
    mlir::AffineExpr first;
    llvm::SmallVector<int64_t, 64> lanes;
  };
  std::optional<Offsets> findOffsets(mlir::AffineExpr expr, int64_t lanes) const;

  /// The coordinates in one lane: `ofLane` is given the number of each variable that differs between lanes, once.
  Coordinates mapLanes(llvm::ArrayRef<mlir::AffineExpr> coordinates,
                       llvm::function_ref<mlir::AffineExpr(unsigned)> ofLane) const;

  mlir::AffineExpr floorDiv(mlir::AffineExpr expr, int64_t by) const;
  mlir::AffineExpr mod(mlir::AffineExpr expr, int64_t by) const;
  /// Row-major linear index, and its inverse. `linearize` undoes `delinearize` of the same shape.
  mlir::AffineExpr linearize(llvm::ArrayRef<mlir::AffineExpr> coordinates, llvm::ArrayRef<int64_t> shape) const;
  Coordinates delinearize(mlir::AffineExpr index, llvm::ArrayRef<int64_t> shape) const;

private:
  /// Without quotients and remainders that the ranges decide.
  mlir::AffineExpr simplify(mlir::AffineExpr expr) const;
  /// Splits the lane off if dividing by `by` gives the same quotient in all lanes.
  std::optional<Consecutive> splitWithinBlock(mlir::AffineExpr expr, int64_t by) const;

  mlir::MLIRContext *context;
  llvm::SmallVector<Variable> list;
};

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_COORDINATES_H
