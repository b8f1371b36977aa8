//===- DnnlDialect.cpp - Registration and verifiers -----------------------------------===//

#include "dialects/Dnnl/IR/Dnnl.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ftc::dnnl;

#include "dialects/Dnnl/IR/DnnlDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Dnnl/IR/DnnlOps.cpp.inc"

void DnnlDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Dnnl/IR/DnnlOps.cpp.inc"
      >();
}

/// Sizes of a term's iteration space; nothing if operands and maps do not agree.
static std::optional<SmallVector<int64_t>> getSizes(ArrayRef<AffineMap> maps, ArrayRef<SmallVector<int64_t>> shapes) {
  SmallVector<int64_t> sizes(maps[0].getNumDims(), -1);
  for (auto [map, shape] : llvm::zip_equal(maps, shapes)) {
    if (map.getNumDims() != sizes.size() || map.getNumResults() != shape.size() || !map.isProjectedPermutation())
      return std::nullopt;
    for (auto [expr, size] : llvm::zip_equal(map.getResults(), shape)) {
      int64_t &known = sizes[cast<AffineDimExpr>(expr).getPosition()];
      if (known != -1 && known != size)
        return std::nullopt;
      known = size;
    }
  }
  if (llvm::is_contained(sizes, -1))
    return std::nullopt;
  return sizes;
}

/// The shape of the matrix that lies in panels; empty if they are no panels of so many columns.
static SmallVector<int64_t> getMatrixShape(ArrayRef<int64_t> panels, int64_t columns, AffineMap map, AffineMap result) {
  if (panels.size() != 3 || panels[2] != columns || map.getNumResults() != 2)
    return {};
  bool hasColumnsFirst = llvm::is_contained(result.getResults(), map.getResult(0));
  int64_t n = panels[0] * columns, k = panels[1];
  return hasColumnsFirst ? SmallVector<int64_t>{n, k} : SmallVector<int64_t>{k, n};
}

static std::optional<ProductShape> findTerm(MatmulOp op, size_t term) {
  SmallVector<AffineMap> maps;
  for (Attribute map : op.getIndexingMaps().getValue().slice(3 * term, 3))
    maps.push_back(cast<AffineMapAttr>(map).getValue());
  SmallVector<SmallVector<int64_t>> shapes;
  for (Value tensor : {op.getLhs()[term], op.getRhs()[term], Value(op.getResult())})
    shapes.emplace_back(cast<RankedTensorType>(tensor.getType()).getShape());
  int64_t panel = op.getPanel(term);
  if (panel)
    shapes[1] = getMatrixShape(shapes[1], panel, maps[1], maps[2]);
  auto sizes = getSizes(maps, shapes);
  std::optional<ProductShape> shape = sizes ? getProductShape(maps, *sizes) : std::nullopt;
  return shape && panel && shape->swapped ? std::nullopt : shape;
}

ProductShape MatmulOp::getTerm(size_t term) { return *findTerm(*this, term); }

LogicalResult MatmulOp::verify() {
  size_t terms = getNumTerms();
  if (terms == 0 || getRhs().size() != terms || getIndexingMaps().size() != 3 * terms)
    return emitOpError("needs a lhs, a rhs and three indexing maps for each term (C1)");
  if (getPanels() && getPanels()->size() != terms)
    return emitOpError("needs a number of columns of panels, or 0, for each term (C5)");
  std::optional<ProductShape> first;
  for (size_t term = 0; term < terms; ++term) {
    std::optional<ProductShape> shape = findTerm(*this, term);
    if (!shape)
      return emitOpError("has a term that is no matrix product: ") << term << " (C2)";
    if (term > 0 && !shape->writesLike(*first))
      return emitOpError("has terms that cut the result into different rows and columns (C3)");
    if (term == 0)
      first = shape;
  }
  if (getInit() && getInit().getType() != getType())
    return emitOpError("has an init of another type than its result (C4)");
  return success();
}
