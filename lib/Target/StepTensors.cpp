#include "StepTensors.h"

#include "Structure.h"

using namespace mlir;

namespace ftc::target {

/// Steps whose tensors are of no use when they are done: results that later steps need are trained tensors, or files.
static bool leavesNothing(tune::StepOp step) {
  StringRef kind = step.getFields().getAs<StringAttr>("kind").getValue();
  return kind == "train" || kind == "evaluate" || kind == "generate" || kind == "logits";
}

/// Kinds whose tensors a step fills before it reads them.
static bool isFilled(tune::Kind kind) {
  return kind == tune::Kind::gradient || kind == tune::Kind::state || kind == tune::Kind::input ||
         kind == tune::Kind::output || kind == tune::Kind::cache;
}

void StepTensors::mention(StringAttr symbol, tune::StepOp step) {
  auto [known, isNew] = owners.try_emplace(symbol, step);
  if (known->second != step)
    known->second = nullptr;
}

StepTensors::StepTensors(ModuleOp module, const SymbolTable &symbols) {
  llvm::DenseMap<StringAttr, Accesses> accesses;
  llvm::DenseMap<Operation *, SmallVector<StringAttr>> tensorsOf; // of a program
  for (func::FuncOp program : getPrograms(module)) {
    SmallVector<StringAttr> &tensors = tensorsOf[program];
    program.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<tune::FusedOp>(op))
        return WalkResult::skip();
      if (auto read = dyn_cast<tune::ReadOp>(op))
        accesses[tensors.emplace_back(read.getTensorAttr().getAttr())].readers.push_back(program);
      else if (auto write = dyn_cast<tune::WriteOp>(op))
        accesses[tensors.emplace_back(write.getTensorAttr().getAttr())].writers.push_back(program);
      return WalkResult::advance();
    });
  }
  for (auto step : module.getOps<tune::StepOp>())
    step.getFields().walk([&](FlatSymbolRefAttr symbol) {
      mention(symbol.getAttr(), step);
      if (auto program = symbols.lookup<func::FuncOp>(symbol.getAttr()))
        for (StringAttr tensor : tensorsOf[program])
          mention(tensor, step);
    });
  for (auto tensor : module.getOps<tune::TensorOp>())
    if (tune::StepOp step = ownerOf(tensor); step && (!leavesNothing(step) || !isFilled(tensor.getKind())))
      owners[tensor.getSymNameAttr()] = nullptr;
  findHanded(module, symbols, accesses);
}

void StepTensors::findHanded(ModuleOp module, const SymbolTable &symbols,
                             const llvm::DenseMap<StringAttr, Accesses> &accesses) {
  for (auto tensor : module.getOps<tune::TensorOp>()) {
    tune::StepOp step = ownerOf(tensor);
    // Where the optimizer asks for the loss at other points too, other programs run in between.
    if (!step || tensor.getKind() != tune::Kind::gradient || step.getFields().contains("moves"))
      continue;
    auto programs = step.getFields().getAs<DictionaryAttr>("programs");
    auto lookup = [&](StringRef key) {
      auto symbol = programs ? programs.getAs<FlatSymbolRefAttr>(key) : FlatSymbolRefAttr();
      return symbol ? symbols.lookup<func::FuncOp>(symbol.getAttr()) : func::FuncOp();
    };
    Handed programsOf{lookup("micro"), lookup("update")};
    Accesses found = accesses.lookup(tensor.getSymNameAttr());
    if (programsOf.from && programsOf.to && found.writers.size() == 1 && found.writers.front() == programsOf.from &&
        !found.readers.empty() && llvm::all_of(found.readers, [&](auto reader) { return reader == programsOf.to; }))
      handedOver[tensor.getSymNameAttr()] = programsOf;
  }
}

} // namespace ftc::target
