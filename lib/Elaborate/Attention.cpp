//===- Attention.cpp - attention of a model's layers ------------*- C++ -*-===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;

/// causal(window: w): what a token sees; an object that `attention` reads.
static Value causal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 0);
  Value window = call.namedValue("window", Value::none());
  if (window.isError() || !call.sound())
    return {};
  if (!window.isNone() && (!window.integer() || *window.integer() < 1)) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a window of at least 1, or none", window.describe());
    return {};
  }
  auto object = std::make_shared<std::map<std::string, Value, std::less<>>>();
  (*object)["causal"] = true;
  (*object)["window"] = window;
  return Value::Object(std::move(object));
}

namespace {
/// The dimensions of attention: kv (heads of keys), group (queries of a key head), d.
struct Heads {
  Dim batch, tokens, kv, group, d;
};
} // namespace

static std::optional<Heads> headsOf(Evaluator &evaluator, const Tensor &q, const Tensor &k, const Tensor &v,
                                    Scope &scope, llvm::SMRange range) {
  Heads heads{};
  for (Dim dim : q.dims) {
    if (dim->role == DimRole::Batch)
      heads.batch = dim;
    else if (dim->role == DimRole::Tokens)
      heads.tokens = dim;
    else if (indexOf(k.dims, dim) < 0)
      heads.group = heads.group ? nullptr : dim;
  }
  Dim kv = evaluator.dimOf("kv", scope, {});
  for (Dim dim : q.dims)
    if (dim->role == DimRole::Ordinary && indexOf(k.dims, dim) >= 0) {
      bool isKv = kv ? dim == kv : !heads.kv;
      (isKv ? heads.kv : heads.d) = dim;
    }
  bool sound = heads.batch && heads.tokens && heads.kv && heads.group && heads.d && q.dims.size() == 5 &&
               k.dims.size() == 4 && llvm::all_of(k.dims, [&](Dim dim) { return indexOf(v.dims, dim) >= 0; });
  if (sound)
    return heads;
  evaluator.diags().report(Diag::AttentionShape, range, printDims(q.dims), printDims(k.dims), printDims(v.dims));
  return std::nullopt;
}

/// Keys or values with what earlier programs kept: written into the cache from its place on.
static mlir::Value throughCache(Evaluator &evaluator, mlir::Value fresh, llvm::StringRef what) {
  ModelPass &pass = *evaluator.modelPass;
  Caches &caches = *pass.caches;
  mlir::OpBuilder &builder = *evaluator.builder;
  auto type = tune::typeOf(fresh);
  llvm::SmallVector<int64_t> shape(type.getShape());
  shape[1] = caches.capacity;
  std::string symbol = caches.prefix + "." + what.str() + "." + std::to_string(pass.attentionSites);
  evaluator.shared.tensors().declareReal(symbol, tune::Kind::cache, shape);
  caches.symbols.push_back(symbol);
  mlir::Value kept = evaluator.read(symbol), start = evaluator.read(caches.start);
  mlir::Value next = tune::UpdateSliceOp::create(builder, evaluator.loc(), kept, fresh, start, 1);
  tune::WriteOp::create(builder, evaluator.loc(), next, symbol);
  return next;
}

Value Evaluator::attention(const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(*this, expr, scope, 4);
  std::optional<Tensor> q = call.tensor(0), k = call.tensor(1), v = call.tensor(2);
  Value seen = call.value(3);
  if (!q || !k || !v || seen.isError() || !tensorBuilder(expr.range))
    return {};
  if (!modelPass) {
    diags().report(Diag::OutsidePass, expr.range, "attention");
    return {};
  }
  auto *rule = seen.as<Value::Object>();
  if (!rule) {
    diags().report(Diag::ExpectedValue, expr.range, "`causal(...)`", seen.describe());
    return {};
  }
  std::optional<Heads> heads = headsOf(*this, *q, *k, *v, scope, expr.range);
  if (!heads)
    return {};
  Value scale = call.namedValue("scale", 1 / std::sqrt(double(heads->d->size)));
  Value softcap = call.namedValue("softcap", Value::none());
  if (!scale.number() || !(softcap.isNone() || softcap.number())) {
    diags().report(Diag::ExpectedValue, expr.range, "numbers known when compiling for scale and softcap",
                   scale.describe());
    return {};
  }
  mlir::Value qv = align(toReal(*q), {heads->batch, heads->tokens, heads->kv, heads->group, heads->d}).value;
  mlir::Value kv = align(toReal(*k), {heads->batch, heads->tokens, heads->kv, heads->d}).value;
  mlir::Value vv = align(toReal(*v), {heads->batch, heads->tokens, heads->kv, heads->d}).value;
  mlir::Value keyPositions = modelPass->positions, keySegments = modelPass->segments;
  if (modelPass->caches) {
    kv = throughCache(*this, kv, "keys");
    vv = throughCache(*this, vv, "values");
    keyPositions = read(modelPass->caches->positions);
    keySegments = read(modelPass->caches->segments);
  }
  ++modelPass->attentionSites;
  auto window = member(seen, "window", expr.range).integer();
  mlir::IntegerAttr windowAttr = window ? builder->getI64IntegerAttr(*window) : mlir::IntegerAttr();
  mlir::FloatAttr capAttr = softcap.isNone() ? mlir::FloatAttr() : builder->getF64FloatAttr(*softcap.number());
  auto op = tune::AttentionOp::create(*builder, loc(), qv, kv, vv, modelPass->positions, modelPass->segments,
                                      keyPositions, keySegments, builder->getF64FloatAttr(*scale.number()),
                                      builder->getUnitAttr(), windowAttr, capAttr);
  return Tensor{op.getOut(), {heads->batch, heads->tokens, heads->kv, heads->group, heads->d}};
}

static Value callAttention(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return evaluator.attention(expr, scope);
}

llvm::ArrayRef<Builtin> ftc::elaborate::attentionBuiltins() {
  static const Builtin table[] = {{"causal", causal}, {"attention", callAttention}};
  return table;
}
