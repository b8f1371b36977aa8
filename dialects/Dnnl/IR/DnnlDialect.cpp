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
static std::optional<SmallVector<int64_t>> getSizes(ArrayRef<AffineMap> maps, ArrayRef<Value> tensors) {
  SmallVector<int64_t> sizes(maps[0].getNumDims(), -1);
  for (auto [map, tensor] : llvm::zip_equal(maps, tensors)) {
    auto shape = cast<RankedTensorType>(tensor.getType()).getShape();
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

static std::optional<ProductShape> findTerm(MatmulOp op, size_t term) {
  SmallVector<AffineMap> maps;
  for (Attribute map : op.getIndexingMaps().getValue().slice(3 * term, 3))
    maps.push_back(cast<AffineMapAttr>(map).getValue());
  auto sizes = getSizes(maps, {op.getLhs()[term], op.getRhs()[term], op.getResult()});
  if (!sizes)
    return std::nullopt;
  return getProductShape(maps, *sizes);
}

ProductShape MatmulOp::getTerm(size_t term) { return *findTerm(*this, term); }

LogicalResult MatmulOp::verify() {
  size_t terms = getNumTerms();
  if (terms == 0 || getRhs().size() != terms || getIndexingMaps().size() != 3 * terms)
    return emitOpError("needs a lhs, a rhs and three indexing maps for each term (C1)");
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
