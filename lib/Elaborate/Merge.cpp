//===- Merge.cpp - merged weights, derived from `forward` -------*- C++ -*-===//
//
// What a chain of adapters does to the identity is the merged weight, what it
// does to zero the merged bias, if it is affine in `x`. For an embedding the
// merged table is what it does to each row's number.
//
//===----------------------------------------------------------------------===//

#include "ProgramState.h"

#include "dialects/Tune/Utils/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;

namespace {
class Merger {
public:
  Merger(ProgramBuilder::State &state, const AdaptedModel &model)
      : state(state), evaluator(state.evaluator), model(model) {}

  void site(ModuleInstance &site, std::vector<MergedTensor> &merged);

private:
  void linear(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged);
  void embedding(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged);
  Value apply(ModuleInstance &site, Value x);
  void keep(const Value &value, const ModelTensor &tensor, std::vector<MergedTensor> &merged);

  ProgramBuilder::State &state;
  Evaluator &evaluator;
  const AdaptedModel &model;
};
} // namespace

Value Merger::apply(ModuleInstance &site, Value x) {
  evaluator.pass = state.shared.nextPass();
  Arguments arguments;
  arguments.positional.push_back(std::move(x));
  arguments.range = model.on(&site).back()->group->range;
  return evaluator.callModule(site, std::move(arguments));
}

void Merger::keep(const Value &value, const ModelTensor &tensor, std::vector<MergedTensor> &merged) {
  if (auto fitted = evaluator.fit(value, tensor.dims, *tensor.owner->scope, tensor.range))
    merged.push_back({tensor.name, evaluator.toReal(*fitted).value});
}

void Merger::linear(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged) {
  Dim in = site.axes[1], column = state.shared.dimensions().primed(in);
  auto type = mlir::RankedTensorType::get({in->size, in->size}, evaluator.realType());
  Tensor identity{tune::EyeOp::create(*evaluator.builder, evaluator.loc(), type), {column, in}, Degree::Affine};
  identity.identity = true;
  ModelTensor *bias = site.tensor("bias");
  evaluator.withoutBias = bias;
  llvm::SMRange range = weight.range;
  Value whole = apply(site, identity);
  Value constant = whole.isError() ? Value() : apply(site, 0.0);
  evaluator.withoutBias = nullptr;
  if (constant.isError())
    return;
  Value product = evaluator.arithmetic(ast::BinaryOp::Sub, whole, constant, range);
  if (auto *tensor = product.as<Tensor>(); tensor && indexOf(tensor->dims, column) >= 0)
    product = evaluator.rename(*tensor, column, in);
  keep(product, weight, merged);
  if (bias) {
    Value shifted = apply(site, 0.0);
    auto *tensor = shifted.as<Tensor>();
    if (!tensor || tensor->value != state.read(model.symbolOf(bias)))
      keep(shifted, *bias, merged);
  } else if (constant.number() != 0.0) {
    evaluator.diags().report(Diag::MergedBias, model.on(&site).back()->group->range, site.path);
  }
}

void Merger::embedding(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged) {
  Dim rows = site.axes[0], row = state.shared.dimensions().primed(rows);
  auto type = mlir::RankedTensorType::get({rows->size}, evaluator.builder->getI32Type());
  Value table = apply(site, Tensor{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), type, 0), {row}});
  if (auto *tensor = table.as<Tensor>(); tensor && indexOf(tensor->dims, row) >= 0)
    table = evaluator.rename(*tensor, row, rows);
  if (!table.isError())
    keep(table, weight, merged);
}

void Merger::site(ModuleInstance &site, std::vector<MergedTensor> &merged) {
  std::vector<AdapterInstance *> adapters = model.on(&site);
  if (adapters.empty())
    return;
  ModelTensor *weight = site.tensor("weight");
  llvm::SMRange range = adapters.back()->group->range;
  if (!weight || site.axes.size() != 2) {
    evaluator.diags().report(Diag::NotAffine, range, "the place '" + site.path + "'",
                             adapters.back()->definition->name.text);
    return;
  }
  for (ModuleInstance *other : model.model().modules())
    for (auto &tensor : other->tensors)
      if ((tensor.get() == weight && tensor->tied) || tensor->tied == weight) {
        const ModelTensor *partner = tensor.get() == weight ? tensor->tied : tensor.get();
        evaluator.diags().report(Diag::MergedTied, range, weight->name, partner->name);
        return;
      }
  bool table = site.kind == "embedding";
  evaluator.affineIn = table ? nullptr : adapters.back()->definition;
  if (table)
    embedding(site, *weight, merged);
  else
    linear(site, *weight, merged);
  evaluator.affineIn = nullptr;
}

std::vector<MergedTensor> ProgramBuilder::merge(const AdaptedModel &model) {
  std::vector<MergedTensor> merged;
  Evaluator &evaluator = state->evaluator;
  evaluator.model = &model;
  evaluator.ambient["training"] = false;
  Merger merger(*state, model);
  for (ModuleInstance *module : model.model().modules())
    merger.site(*module, merged);
  evaluator.ambient.erase("training");
  return merged;
}
