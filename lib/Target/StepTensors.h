// Which tensors are of use to one step of the run only. Steps are done one after the other, so that such tensors of
// several steps may lie in the same bytes: a chain of trainings needs the gradients and optimizer states of its largest
// one. And which are of use between two programs of a step only: gradients of a batch that is not cut into
// micro-batches need bytes from where they are found to the end of the update.
#ifndef FTC_LIB_TARGET_STEPTENSORS_H
#define FTC_LIB_TARGET_STEPTENSORS_H

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace ftc::target {

/// A tensor that a program leaves for the one that runs next.
struct Handed {
  mlir::func::FuncOp from, to;
};

class StepTensors {
public:
  /// `symbols` are the module's.
  StepTensors(mlir::ModuleOp module, const mlir::SymbolTable &symbols);

  /// The programs between which the tensor is handed over; null where it must keep its contents otherwise.
  const Handed *handed(tune::TensorOp tensor) const {
    auto found = handedOver.find(tensor.getSymNameAttr());
    return found == handedOver.end() ? nullptr : &found->second;
  }

  /// The only step that uses the tensor, if it fills it before it reads it; else null.
  tune::StepOp ownerOf(tune::TensorOp tensor) const { return owners.lookup(tensor.getSymNameAttr()); }
  /// The only step that runs the program; else null.
  tune::StepOp ownerOf(mlir::func::FuncOp program) const { return owners.lookup(program.getSymNameAttr()); }

private:
  void mention(mlir::StringAttr symbol, tune::StepOp step);
  /// The programs that write a tensor, and those that read it.
  struct Accesses {
    llvm::SmallVector<mlir::func::FuncOp, 1> writers, readers;
  };
  void findHanded(mlir::ModuleOp module, const mlir::SymbolTable &symbols,
                  const llvm::DenseMap<mlir::StringAttr, Accesses> &accesses);

  llvm::DenseMap<mlir::StringAttr, tune::StepOp> owners; ///< by symbol; null where there are several
  llvm::DenseMap<mlir::StringAttr, Handed> handedOver;
};

} // namespace ftc::target

#endif // FTC_LIB_TARGET_STEPTENSORS_H
