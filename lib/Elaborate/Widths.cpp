//===- Widths.cpp - what the modules of a model give ------------------------===//
//
// An adapter on any module works on the width of what the module gives. No declaration says it, so the model is run
// once for its dimensions alone: the ops of this run are thrown away, and no tensor of the model is declared for it.
//
//===----------------------------------------------------------------------===//

#include "AdapterBuilder.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace ftc;
using namespace ftc::elaborate;

std::map<const ModuleInstance *, Dims> ftc::elaborate::resultDims(Elaborator &shared, Model &model) {
  mlir::MLIRContext *context = shared.module().getContext();
  mlir::OwningOpRef<mlir::ModuleOp> scratch = mlir::ModuleOp::create(mlir::UnknownLoc::get(context));
  auto builder = mlir::OpBuilder::atBlockEnd(scratch->getBody());
  auto placeholder = [&](llvm::ArrayRef<int64_t> shape, mlir::Type element) -> mlir::Value {
    return mlir::tensor::EmptyOp::create(builder, builder.getUnknownLoc(), shape, element);
  };
  std::map<const ModuleInstance *, Dims> result;
  Evaluator evaluator(shared, &builder);
  evaluator.weightOf = [&](const ModelTensor &tensor) {
    return placeholder(sizesOf(tensor.dims), builder.getF64Type());
  };
  evaluator.watch = [&](const ModuleInstance &module, const Value &value) {
    if (const Tensor *tensor = value.as<Tensor>())
      result[&module] = tensor->dims;
  };
  Dim batch = shared.dimensions().make("batch", 1, DimRole::Batch),
      tokens = shared.dimensions().make("tokens", 2, DimRole::Tokens);
  Tensor ids{placeholder({1, 2}, builder.getI32Type()), {batch, tokens}};
  AdaptedModel plain(model);
  ModelPass pass;
  pass.ids = ids.value;
  pass.positions = placeholder({1, 2}, builder.getI32Type());
  pass.segments = placeholder({1, 2}, builder.getI32Type());
  evaluator.model = &plain;
  evaluator.modelPass = &pass;
  evaluator.ambient["batch"] = batch;
  evaluator.ambient["tokens"] = tokens;
  evaluator.ambient["positions"] = Tensor{pass.positions, ids.dims};
  evaluator.ambient["documents"] = Tensor{pass.segments, ids.dims};
  evaluator.ambient["training"] = false;
  Arguments arguments;
  arguments.positional.push_back(ids);
  arguments.range = model.root().definition->name.range;
  evaluator.callModule(model.root(), std::move(arguments));
  return result;
}

Dim AdapterBuilder::widthOf(const ModuleInstance &module, llvm::SMRange at) {
  if (widths.empty())
    widths = resultDims(shared, model.model());
  Dims dims;
  if (auto found = widths.find(&module); found != widths.end())
    dims = found->second;
  Dims all = dims;
  llvm::erase_if(dims, [](Dim dim) { return dim->role != DimRole::Ordinary; });
  if (dims.size() == 1)
    return dims.front();
  shared.diagnostics().report(Diag::ExpectedValue, at, "a module that gives [batch, tokens, width]",
                              "'" + module.path + "', which gives " + printDims(all));
  return nullptr;
}
