//===- KeepStoredTypes.cpp - tune-keep-stored-types ------------------------===//
//
// A weight that a file has in a type narrower than f32 is kept in that type, where no program writes it: half the
// memory, and half the bytes to read. Each use extends it anew, so that the wide contents never live long:
//
//   %w = tune.read @w : tensor<1000x64xbf16>
//   %e = arith.extf %w : ... to tensor<1000x64xf32>
//   %y = linalg.contract ins(%x, %e ...)
//
// Extension is exact, so results stay what they were. It is moved behind views and gathers, and into the bodies of
// loops and choices; products take the narrow operand itself later (convert-tune-to-dnnl), and what is elementwise
// fuses.
//
// Before: tune-set-precision. After: tune-fuse-rows. Common subexpressions must not be merged in between.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Layers.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "dialects/Tune/Utils/Builders.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace ftc::tune {
#define GEN_PASS_DEF_KEEPSTOREDTYPES
#include "dialects/Tune/Transforms/Passes.h.inc"

namespace {

RankedTensorType withElement(Type type, Type element) { return cast<RankedTensorType>(type).clone(element); }

/// The type that the file has, if it is narrower than what is kept now.
Type storedType(TensorOp tensor) {
  bool isWeight = tensor.getKind() == Kind::weight || tensor.getKind() == Kind::frozen;
  auto name = isWeight && tensor.getSource() ? tensor.getSource()->getAs<StringAttr>("type") : StringAttr();
  auto stored = name ? dyn_cast_or_null<FloatType>(parseType(name, tensor.getContext())) : FloatType();
  auto now = dyn_cast<FloatType>(getElementTypeOrSelf(tensor.getType()));
  return stored && now && now.isF32() && stored.getWidth() < now.getWidth() ? stored : Type();
}

/// Moves extensions towards the uses of what they extend.
class Sinker {
public:
  void sink(arith::ExtFOp extension) {
    pending.push_back(extension);
    while (!pending.empty()) {
      arith::ExtFOp next = pending.pop_back_val();
      for (OpOperand &use : llvm::make_early_inc_range(next->getUses()))
        sinkInto(next, use);
      repeat(next);
    }
  }

private:
  Value extend(OpBuilder &builder, Location loc, Value narrow, Type wide) {
    auto extension = arith::ExtFOp::create(builder, loc, wide, narrow);
    pending.push_back(extension);
    return extension;
  }

  void sinkInto(arith::ExtFOp extension, OpOperand &use) {
    Operation *user = use.getOwner();
    Type narrow = getElementTypeOrSelf(extension.getIn().getType());
    bool isGathered = isa<GatherOp>(user) && use.getOperandNumber() == 0;
    if (isGathered || isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp>(user)) {
      Value result = user->getResult(0);
      Type wide = result.getType();
      use.set(extension.getIn());
      result.setType(withElement(wide, narrow));
      OpBuilder builder(user->getContext());
      builder.setInsertionPointAfter(user);
      Value extended = extend(builder, user->getLoc(), result, wide);
      result.replaceAllUsesExcept(extended, extended.getDefiningOp());
      return;
    }
    // The condition of a choice is its first operand, and no real.
    unsigned argument = use.getOperandNumber() - (isa<IfOp>(user) ? 1 : 0);
    for (Block *body : getBodies(user)) {
      use.set(extension.getIn());
      BlockArgument inner = body->getArgument(argument);
      Type wide = inner.getType();
      inner.setType(withElement(wide, narrow));
      OpBuilder builder = OpBuilder::atBlockBegin(body);
      Value extended = extend(builder, user->getLoc(), inner, wide);
      inner.replaceAllUsesExcept(extended, extended.getDefiningOp());
    }
  }

  /// One for each user, beside it.
  void repeat(arith::ExtFOp extension) {
    llvm::SmallSetVector<Operation *, 4> users(extension->user_begin(), extension->user_end());
    for (Operation *user : users) {
      OpBuilder builder(user);
      Operation *own = builder.clone(*extension);
      user->replaceUsesOfWith(extension, own->getResult(0));
    }
    extension.erase();
  }

  SmallVector<arith::ExtFOp> pending;
};

class KeepStoredTypes : public impl::KeepStoredTypesBase<KeepStoredTypes> {
  void runOnOperation() override {
    llvm::StringMap<SmallVector<ReadOp>> reads;
    NamedTensors written;
    getOperation().walk([&](ReadOp read) { reads[read.getTensor()].push_back(read); });
    for (auto program : getOperation().getOps<func::FuncOp>())
      written.addAll(program, llvm::IsaPred<WriteOp>);
    for (auto tensor : getOperation().getOps<TensorOp>()) {
      Type stored = storedType(tensor);
      if (!stored || written.contains(tensor))
        continue;
      Type wide = tensor.getType();
      tensor.setType(withElement(wide, stored));
      for (ReadOp read : reads.lookup(tensor.getSymName())) {
        OpBuilder builder(read->getContext());
        builder.setInsertionPointAfter(read);
        read.getResult().setType(withElement(wide, stored));
        auto extension = arith::ExtFOp::create(builder, read.getLoc(), wide, read.getResult());
        read.getResult().replaceAllUsesExcept(extension, extension);
        Sinker().sink(extension);
      }
    }
  }
};

} // namespace
} // namespace ftc::tune
