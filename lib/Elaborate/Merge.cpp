//===- Merge.cpp - merged weights, derived from `forward` -------*- C++ -*-===//
//
// What a chain of adapters does to the identity is the merged weight, what it
// does to zero the merged bias, if it is affine in `x`. For an embedding the
// merged table is what it does to each row's number.
//
//===----------------------------------------------------------------------===//

#include "NextValues.h"

#include "dialects/Tune/Utils/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;

namespace {
class Merger {
public:
  Merger(ProgramBuilder::State &state, const AdaptedModel &model)
      : state(state), evaluator(state.evaluator), model(model) {}

  void site(ModuleInstance &site, std::vector<MergedTensor> &merged);
  /// The weight and what is left of 0, of a linear site with the first adapters of its chain.
  std::pair<Value, Value> weightOf(ModuleInstance &site, llvm::ArrayRef<AdapterInstance *> chain);

private:
  void linear(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged);
  void embedding(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged);
  Value apply(ModuleInstance &site, llvm::ArrayRef<AdapterInstance *> chain, Value x);
  void keep(const Value &value, const ModelTensor &tensor, std::vector<MergedTensor> &merged);

  ProgramBuilder::State &state;
  Evaluator &evaluator;
  const AdaptedModel &model;
};
} // namespace

Value Merger::apply(ModuleInstance &site, llvm::ArrayRef<AdapterInstance *> chain, Value x) {
  evaluator.pass = state.shared.nextPass();
  Arguments arguments;
  arguments.positional.push_back(std::move(x));
  arguments.range = chain.back()->group->range;
  return evaluator.callAdapted(site, chain, std::move(arguments));
}

void Merger::keep(const Value &value, const ModelTensor &tensor, std::vector<MergedTensor> &merged) {
  if (auto fitted = evaluator.fit(value, tensor.dims, *tensor.owner->scope, tensor.range))
    merged.push_back({tensor.name, evaluator.toReal(*fitted).value});
}

std::pair<Value, Value> Merger::weightOf(ModuleInstance &site, llvm::ArrayRef<AdapterInstance *> chain) {
  // A dimension of its own: definitions may have primes of the site's.
  Dim in = site.axes[1], column = state.shared.dimensions().make(in->name + "'", in->size);
  auto type = mlir::RankedTensorType::get({in->size, in->size}, evaluator.realType());
  Tensor identity{tune::EyeOp::create(*evaluator.builder, evaluator.loc(), type), {column, in}, Degree::Affine};
  identity.identity = true;
  evaluator.withoutBias = site.tensor("bias");
  evaluator.affineIn = chain.back()->definition;
  Value whole = apply(site, chain, identity);
  Value constant = whole.isError() ? Value() : apply(site, chain, 0.0);
  evaluator.withoutBias = nullptr;
  evaluator.affineIn = nullptr;
  if (constant.isError())
    return {};
  Value product = evaluator.arithmetic(ast::BinaryOp::Sub, whole, constant, chain.back()->group->range);
  if (auto *tensor = product.as<Tensor>(); tensor && indexOf(tensor->dims, column) >= 0)
    product = evaluator.rename(*tensor, column, in);
  return {product, constant};
}

void Merger::linear(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged) {
  std::vector<AdapterInstance *> chain = model.on(&site);
  auto [product, constant] = weightOf(site, chain);
  if (product.isError())
    return;
  keep(product, weight, merged);
  if (ModelTensor *bias = site.tensor("bias")) {
    Value shifted = apply(site, chain, 0.0);
    auto *tensor = shifted.as<Tensor>();
    if (!tensor || tensor->value != state.read(model.symbolOf(bias)))
      keep(shifted, *bias, merged);
  } else if (constant.number() != 0.0) {
    evaluator.diags().report(Diag::MergedBias, chain.back()->group->range, site.path);
  }
}

Value ftc::elaborate::mergedWeight(ProgramBuilder::State &state, const AdaptedModel &model,
                                   const AdapterInstance &instance) {
  std::vector<AdapterInstance *> chain = model.on(instance.site);
  chain.erase(std::next(llvm::find(chain, &instance)), chain.end());
  unsigned pass = state.evaluator.pass;
  Value weight = Merger(state, model).weightOf(*instance.site, chain).first;
  state.evaluator.pass = pass;
  return weight;
}

void Merger::embedding(ModuleInstance &site, ModelTensor &weight, std::vector<MergedTensor> &merged) {
  for (AdapterInstance *instance : model.on(&site))
    if (putsTokensBefore(*instance->definition)) {
      evaluator.diags().report(Diag::MergedTokens, instance->group->range, instance->definition->name.text);
      return;
    }
  Dim rows = site.axes[0], row = state.shared.dimensions().make(rows->name + "'", rows->size);
  auto type = mlir::RankedTensorType::get({rows->size}, evaluator.builder->getI32Type());
  Value table =
      apply(site, model.on(&site), Tensor{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), type, 0), {row}});
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
    evaluator.diags().report(Diag::NothingToMergeInto, range, adapters.back()->definition->name.text, site.path);
    return;
  }
  for (ModuleInstance *other : model.model().modules())
    for (auto &tensor : other->tensors)
      if ((tensor.get() == weight && tensor->tied) || tensor->tied == weight) {
        const ModelTensor *partner = tensor.get() == weight ? tensor->tied : tensor.get();
        evaluator.diags().report(Diag::MergedTied, range, weight->name, partner->name);
        return;
      }
  if (site.kind == "embedding")
    embedding(site, *weight, merged);
  else
    linear(site, *weight, merged);
}

std::vector<MergedTensor> ProgramBuilder::merge(const AdaptedModel &model) {
  std::vector<MergedTensor> merged;
  Evaluator &evaluator = state->evaluator;
  evaluator.model = &model;
  evaluator.ambient["training"] = false;
  Merger merger(*state, model);
  // What is wrong with an adapter is wrong on each of its sites: it is said of the first.
  for (ModuleInstance *module : model.model().modules())
    if (state->shared.diagnostics().errorCount() == state->errorsBefore)
      merger.site(*module, merged);
  evaluator.ambient.erase("training");
  return merged;
}
