//===- RowRoles.cpp - Which ops act on each row alone ----------------------===//

#include "dialects/Tune/Transforms/RowRoles.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace ftc::tune {

bool hasRows(Value value, ArrayRef<int64_t> rows) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() >= int64_t(rows.size()) && type.getShape().take_front(rows.size()) == rows;
}

namespace {
using Roles = SmallVector<RowRole>;

/// Roles of one kind of op each; an empty list is a refusal. `depth` is the number of dimensions that index rows.
struct RoleFinder {
  int64_t depth;

  bool touchesRows(ArrayRef<int64_t> dims) const {
    return llvm::any_of(dims, [&](int64_t dim) { return dim < depth; });
  }

  Roles of(linalg::BroadcastOp op) const {
    int64_t added = llvm::count_if(op.getDimensions(), [&](int64_t dim) { return dim < depth; });
    if (added == 0)
      return {RowRole::row, RowRole::init};
    return added == depth ? Roles{RowRole::shared, RowRole::init} : Roles{};
  }

  Roles of(linalg::TransposeOp op) const {
    for (int64_t dim = 0; dim < depth; ++dim)
      if (op.getPermutation()[dim] != dim)
        return {};
    return {RowRole::row, RowRole::init};
  }

  Roles of(linalg::ReduceOp op) const {
    return op.getInputs().size() != 1 || touchesRows(op.getDimensions()) ? Roles{} : Roles{RowRole::row, RowRole::init};
  }

  /// An operand whose leading dimensions are the result's rows is a row operand; one with none of them is shared.
  Roles of(linalg::ContractOp op) const {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return {};
    Roles roles;
    for (AffineMap map : ArrayRef(maps).take_front(2)) {
      bool leads = map.getNumResults() >= depth, lacks = true;
      for (int64_t dim = 0; dim < depth; ++dim) {
        leads = leads && map.getResult(dim) == maps[2].getResult(dim);
        lacks = lacks && !llvm::is_contained(map.getResults(), maps[2].getResult(dim));
      }
      if (!leads && !lacks)
        return {};
      roles.push_back(leads ? RowRole::row : RowRole::shared);
    }
    roles.push_back(RowRole::init);
    return roles;
  }

  /// Both shapes keep the rows' dimensions for themselves.
  Roles ofReshape(ArrayRef<ReassociationIndices> groups) const {
    if (int64_t(groups.size()) < depth)
      return {};
    for (int64_t dim = 0; dim < depth; ++dim)
      if (groups[dim].size() != 1)
        return {};
    return {RowRole::row};
  }
  Roles of(tensor::CollapseShapeOp op) const { return ofReshape(op.getReassociationIndices()); }
  Roles of(tensor::ExpandShapeOp op) const { return ofReshape(op.getReassociationIndices()); }

  Roles of(tensor::ExtractSliceOp op) const {
    bool isWhole =
        op.getNumOperands() == 1 && op.hasUnitStride() && op.getSourceType().getRank() == op.getType().getRank();
    return isWhole ? Roles{RowRole::row} : Roles{};
  }

  Roles of(tensor::ConcatOp op) const {
    return int64_t(op.getDim()) < depth ? Roles{} : Roles(op.getNumOperands(), RowRole::row);
  }

  Roles of(PickOp op) const { return ofIndexed(op); }
  Roles of(PutOneOp op) const { return ofIndexed(op); }
  Roles ofIndexed(Operation *) const { return {RowRole::row, RowRole::row}; }
  Roles of(GatherOp) const { return {RowRole::shared, RowRole::row}; }
  Roles of(StopGradientOp) const { return {RowRole::row}; }
};
} // namespace

SmallVector<RowRole> getRowRoles(Operation *op, ArrayRef<int64_t> rows, std::string &reason) {
  RoleFinder finder{int64_t(rows.size())};
  Roles roles = llvm::TypeSwitch<Operation *, Roles>(op)
                    .Case<linalg::BroadcastOp, linalg::TransposeOp, linalg::ReduceOp, linalg::ContractOp,
                          tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp, tensor::ConcatOp,
                          PickOp, PutOneOp, GatherOp, StopGradientOp>([&](auto typed) { return finder.of(typed); })
                    .Default([&](Operation *other) {
                      return OpTrait::hasElementwiseMappableTraits(other) ? Roles(other->getNumOperands(), RowRole::row)
                                                                          : Roles{};
                    });
  bool fits = !roles.empty() && llvm::all_of(op->getResults(), [&](Value v) { return hasRows(v, rows); });
  for (auto [operand, role] : llvm::zip_first(fits ? roles : Roles{}, op->getOperands()))
    fits = fits && (operand != RowRole::row || hasRows(role, rows));
  if (fits)
    return roles;
  reason = ("'" + op->getName().getStringRef() + "' does not act on each row alone").str();
  return {};
}

} // namespace ftc::tune
