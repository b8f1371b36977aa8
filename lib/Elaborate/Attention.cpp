//===- Attention.cpp - attention of a model's layers ------------*- C++ -*-===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

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

/// The dimensions of a call of attention; nothing after an error.
static std::optional<AttentionForm> formOf(Evaluator &evaluator, const Tensor &q, const Tensor &k, const Tensor &v,
                                           Scope &scope, llvm::SMRange range) {
  AttentionForm heads{};
  heads.range = range;
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

/// Which keys each token sees by a rule: `[batch, tokens, keys]`.
static Value seenByRule(Evaluator &evaluator, const Value &rule, const AttentionForm &form, Dim keys,
                        mlir::Value positions, mlir::Value segments) {
  ModelPass &pass = *evaluator.modelPass;
  llvm::SMRange range = form.range;
  Tensor here{pass.positions, {form.batch, form.tokens}}, there{positions, {form.batch, keys}};
  Tensor own{pass.segments, {form.batch, form.tokens}}, other{segments, {form.batch, keys}};
  auto both = [&](const Value &a, const Value &b) { return evaluator.binaryTensor(BinaryOp::And, a, b, range); };
  auto compare = [&](BinaryOp op, const Value &a, const Value &b) { return evaluator.arithmetic(op, a, b, range); };
  Value seen = both(compare(BinaryOp::Eq, own, other), compare(BinaryOp::Ge, other, 0));
  seen = both(seen, compare(BinaryOp::Le, there, here));
  if (auto window = evaluator.member(rule, "window", range).integer())
    seen = both(seen, compare(BinaryOp::Lt, evaluator.arithmetic(BinaryOp::Sub, here, there, range), *window));
  if (auto *mask = seen.as<Tensor>())
    pass.rules[mask->value] = rule;
  return seen;
}

Value Evaluator::attention(const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(*this, expr, scope, 4);
  std::optional<Tensor> q = call.tensor(0), k = call.tensor(1), v = call.tensor(2);
  Value rule = call.value(3);
  if (!q || !k || !v || rule.isError() || !tensorBuilder(expr.range))
    return {};
  if (!modelPass) {
    diags().report(Diag::OutsidePass, expr.range, "attention");
    return {};
  }
  if (!rule.is<Value::Object>()) {
    diags().report(Diag::ExpectedValue, expr.range, "`causal(...)`", rule.describe());
    return {};
  }
  std::optional<AttentionForm> form = formOf(*this, *q, *k, *v, scope, expr.range);
  if (!form)
    return {};
  Value scale = call.namedValue("scale", 1 / std::sqrt(double(form->d->size)));
  form->softcap = call.namedValue("softcap", Value::none());
  if (!scale.number() || !(form->softcap.isNone() || form->softcap.number())) {
    diags().report(Diag::ExpectedValue, expr.range, "numbers known when compiling for scale and softcap",
                   scale.describe());
    return {};
  }
  form->scale = *scale.number();
  Dims kept = {form->batch, form->tokens, form->kv, form->d};
  mlir::Value keys = align(toReal(*k), kept).value, values = align(toReal(*v), kept).value;
  mlir::Value keyPositions = modelPass->positions, keySegments = modelPass->segments;
  if (modelPass->caches) {
    keys = throughCache(*this, keys, "keys");
    values = throughCache(*this, values, "values");
    keyPositions = read(modelPass->caches->positions);
    keySegments = read(modelPass->caches->segments);
  }
  ++modelPass->attentionSites;
  kept[1] = form->keys = shared.dimensions().make("keys", tune::typeOf(keys).getDimSize(1));
  form->keyPositions = keyPositions;
  Arguments arguments;
  arguments.range = expr.range;
  arguments.positional = {*q, Tensor{keys, kept}, Tensor{values, kept},
                          seenByRule(*this, rule, *form, kept[1], keyPositions, keySegments)};
  const AttentionForm *outer = std::exchange(attentionForm, &*form);
  ambient["keys"] = form->keys;
  ModuleInstance *site = running.empty() ? nullptr : running.back()->child(attentionSite);
  Value result = site ? callAdapted(*site, adaptersOn(*site), std::move(arguments)) : attend(arguments);
  ambient.erase("keys");
  attentionForm = outer;
  return result;
}

static bool isTrue(mlir::Value value) {
  if (auto broadcast = value.getDefiningOp<mlir::linalg::BroadcastOp>())
    value = broadcast.getInput();
  return mlir::matchPattern(value, mlir::m_One());
}

/// What tokens see is a rule, and before the keys of the rule some that all of them see.
struct KnownMask {
  Value rule;
  int64_t prefix = 0;
};

/// The rule of a mask of tokens by keys that has them in dimension `keys`; nothing if it is another one.
static std::optional<KnownMask> findRule(const ModelPass &pass, mlir::Value mask, int64_t keys) {
  KnownMask known;
  while (mask) {
    if (auto rule = pass.rules.find(mask); rule != pass.rules.end()) {
      known.rule = rule->second;
      return known;
    }
    auto joined = mask.getDefiningOp<mlir::tensor::ConcatOp>();
    if (!joined || joined.getInputs().size() != 2 || int64_t(joined.getDim()) != keys ||
        !isTrue(joined.getInputs().front()) || pass.caches)
      return std::nullopt;
    known.prefix += tune::typeOf(joined.getInputs().front()).getDimSize(keys);
    mask = joined.getInputs().back();
  }
  return std::nullopt;
}

/// The soft cap as the op has it; null if there is none.
static mlir::FloatAttr softcapOf(mlir::OpBuilder &builder, const AttentionForm &form) {
  return form.softcap.isNone() ? mlir::FloatAttr() : builder.getF64FloatAttr(*form.softcap.number());
}

/// Attention by its rule, without a mask of tokens by keys.
static Value attendByRule(Evaluator &evaluator, const KnownMask &mask, const Tensor &q, const Tensor &k,
                          const Tensor &v, Dim keys) {
  ModelPass &pass = *evaluator.modelPass;
  mlir::OpBuilder &builder = *evaluator.builder;
  const AttentionForm &form = *evaluator.attentionForm;
  mlir::Value positions = pass.positions, segments = pass.segments;
  if (pass.caches) {
    positions = evaluator.read(pass.caches->positions);
    segments = evaluator.read(pass.caches->segments);
  }
  auto window = evaluator.member(mask.rule, "window", form.range).integer();
  mlir::IntegerAttr windowAttr = window ? builder.getI64IntegerAttr(*window) : mlir::IntegerAttr();
  Dims order = {form.batch, form.tokens, form.kv, form.group, form.d};
  Dims kept = {form.batch, keys, form.kv, form.d};
  auto operand = [&](const Tensor &x, llvm::ArrayRef<Dim> dims) {
    return evaluator.align(evaluator.toReal(x), dims).value;
  };
  auto op = tune::AttentionOp::create(
      builder, evaluator.loc(), operand(q, order), operand(k, kept), operand(v, kept), pass.positions, pass.segments,
      positions, segments, builder.getF64FloatAttr(form.scale), builder.getUnitAttr(), windowAttr,
      softcapOf(builder, form), mask.prefix ? builder.getI64IntegerAttr(mask.prefix) : mlir::IntegerAttr(),
      /*unordered=*/mlir::UnitAttr());
  return Tensor{op.getOut(), order};
}

/// `x` without the dimensions along which it is repeated.
static Tensor withoutRepeats(const Tensor &x) {
  Tensor own{x.value, x.dims};
  while (true) {
    Dims dims;
    if (auto broadcast = own.value.getDefiningOp<mlir::linalg::BroadcastOp>()) {
      for (auto [number, dim] : llvm::enumerate(own.dims))
        if (!llvm::is_contained(broadcast.getDimensions(), int64_t(number)))
          dims.push_back(dim);
      own = {broadcast.getInput(), dims};
    } else if (auto transpose = own.value.getDefiningOp<mlir::linalg::TransposeOp>()) {
      dims = own.dims;
      for (auto [number, source] : llvm::enumerate(transpose.getPermutation()))
        dims[source] = own.dims[number];
      own = {transpose.getInput(), dims};
    } else {
      return own;
    }
  }
}

/// Positions by which a mask is made.
struct Places {
  Tensor queries, keys;
};

/// The positions of a mask that is `positions of keys <= positions of queries`; nothing if it is another one.
static std::optional<Places> findPlaces(const Tensor &mask, Dim query, Dim key) {
  using Predicate = mlir::arith::CmpIPredicate;
  auto compare = mask.value ? mask.value.getDefiningOp<mlir::arith::CmpIOp>() : nullptr;
  if (!compare || !llvm::is_contained({Predicate::sle, Predicate::sge}, compare.getPredicate()))
    return std::nullopt;
  bool isLess = compare.getPredicate() == Predicate::sle;
  Tensor left = withoutRepeats({compare.getLhs(), mask.dims}), right = withoutRepeats({compare.getRhs(), mask.dims});
  Places places{isLess ? right : left, isLess ? left : right};
  bool isI32 = tune::typeOf(compare.getLhs()).getElementType().isInteger(32);
  if (!isI32 || indexOf(places.queries.dims, key) >= 0 || indexOf(places.keys.dims, query) >= 0)
    return std::nullopt;
  return places;
}

/// Attention within each entry of some dimensions, of heads too if positions are theirs, by a mask that compares
/// positions: without scores of queries by keys. Nothing if the operands or the mask are of another form.
static std::optional<Value> attendByPlaces(Evaluator &evaluator, const Tensor &q, const Tensor &k, const Tensor &v,
                                           const Tensor &mask, Dim key) {
  const AttentionForm &form = *evaluator.attentionForm;
  bool ofHeads = indexOf(mask.dims, form.kv) >= 0;
  Dims outer, queries, keys;
  for (Dim dim : q.dims)
    if (dim != form.group && dim != form.d && (dim != form.kv || ofHeads))
      (indexOf(k.dims, dim) >= 0 ? outer : queries).push_back(dim);
  if (queries.size() != 1)
    return std::nullopt;
  Dim query = queries.front();
  std::optional<Places> places = findPlaces(mask, query, key);
  auto isOfRows = [&](Dim dim) { return dim == query || dim == key || llvm::is_contained(outer, dim); };
  if (!places || !llvm::all_of(mask.dims, isOfRows))
    return std::nullopt;
  // The op's operands are [rows, queries or keys, heads, ...].
  keys.push_back(key);
  if (!ofHeads)
    for (Dims *dims : {&queries, &keys})
      dims->push_back(form.kv);
  queries.append({form.group, form.d});
  keys.push_back(form.d);
  auto all = [&](const Dims &own) {
    Dims dims(outer);
    dims.append(own);
    return dims;
  };
  auto has = [&](const Tensor &x, const Dims &own) {
    Dims dims = all(own);
    return x.value && x.dims.size() == dims.size() &&
           llvm::all_of(dims, [&](Dim dim) { return dim && indexOf(x.dims, dim) >= 0; });
  };
  if (!has(q, queries) || !has(k, keys) || !has(v, keys))
    return std::nullopt;
  mlir::OpBuilder &builder = *evaluator.builder;
  int64_t rows = 1;
  for (Dim dim : outer)
    rows *= dim->size;
  auto operand = [&](const Tensor &x, const Dims &own) {
    mlir::Value value = evaluator.align(x, all(own)).value;
    llvm::SmallVector<int64_t> shape{rows};
    llvm::append_range(shape, tune::shapeOf(value).drop_front(outer.size()));
    if (ofHeads && own.size() > 1)
      shape.insert(shape.begin() + 2, 1);
    return tune::reshape(builder, evaluator.loc(), value, shape);
  };
  mlir::Value here = operand(places->queries, {query}), there = operand(places->keys, {key});
  auto segments = [&](mlir::Value like) { return tune::splatLike(builder, evaluator.loc(), like, 0); };
  auto op = tune::AttentionOp::create(builder, evaluator.loc(), operand(evaluator.toReal(q), queries),
                                      operand(evaluator.toReal(k), keys), operand(evaluator.toReal(v), keys), here,
                                      segments(here), there, segments(there), builder.getF64FloatAttr(form.scale),
                                      builder.getUnitAttr(), /*window=*/mlir::IntegerAttr(), softcapOf(builder, form),
                                      /*prefix=*/mlir::IntegerAttr(), builder.getUnitAttr());
  return Tensor{tune::reshape(builder, evaluator.loc(), op.getOut(), sizesOf(all(queries))), all(queries)};
}

/// softmax(mask(z, seen), over: keys) @[keys] v with z = scale * (q @ k), capped; a token that sees nothing gets 0.
static Value attendByMask(Evaluator &evaluator, const Tensor &q, const Tensor &k, const Tensor &v, const Value &seen,
                          Dim key) {
  const AttentionForm &form = *evaluator.attentionForm;
  llvm::SMRange range = form.range;
  auto compute = [&](BinaryOp op, const Value &a, const Value &b) { return evaluator.arithmetic(op, a, b, range); };
  Dims summed;
  for (Dim dim : q.dims)
    if (dim->role == DimRole::Ordinary && dim != form.kv && indexOf(k.dims, dim) >= 0)
      summed.push_back(dim);
  Value z = compute(BinaryOp::Mul, evaluator.contractOver(q, k, summed), form.scale);
  if (form.softcap.number())
    z = compute(BinaryOp::Mul, form.softcap,
                evaluator.elementwise("tanh", compute(BinaryOp::Div, z, form.softcap), range));
  Dims keys = {key};
  Value p = evaluator.softmax(evaluator.select(seen, z, -std::numeric_limits<double>::infinity(), range), keys, range);
  auto *weights = p.as<Tensor>();
  return weights ? evaluator.contractOver(*weights, v, keys) : Value();
}

Value Evaluator::attend(const Arguments &arguments) {
  if (arguments.positional.size() != 4) {
    diags().report(Diag::WrongArgumentCount, arguments.range, "base", 4, arguments.positional.size());
    return {};
  }
  if (!attentionForm) {
    diags().report(Diag::OutsidePass, arguments.range, attentionSite.str());
    return {};
  }
  auto *q = arguments.positional[0].as<Tensor>(), *k = arguments.positional[1].as<Tensor>(),
       *v = arguments.positional[2].as<Tensor>();
  const Value &seen = arguments.positional[3];
  auto *mask = seen.as<Tensor>();
  if (!q || !k || !v || !(mask || seen.is<bool>())) {
    diags().report(Diag::ExpectedValue, arguments.range, "`base(q, k, v, seen)`", "other operands");
    return {};
  }
  Dim keys = nullptr;
  for (Dim dim : k->dims)
    if (indexOf(q->dims, dim) < 0)
      keys = dim;
  const AttentionForm &form = *attentionForm;
  auto has = [](const Tensor &x, llvm::ArrayRef<Dim> dims) {
    return llvm::all_of(dims, [&](Dim dim) { return indexOf(x.dims, dim) >= 0; });
  };
  if (!keys || !has(*q, {form.kv, form.d}) || !has(*k, {form.kv, form.d}) || !has(*v, {keys, form.kv})) {
    diags().report(Diag::AttentionShape, arguments.range, printDims(q->dims), printDims(k->dims), printDims(v->dims));
    return {};
  }
  bool isWhole = has(*q, {form.batch, form.tokens, form.group}) && q->dims.size() == 5 && k->dims.size() == 4 &&
                 indexOf(mask ? mask->dims : Dims(), keys) >= 0;
  if (mask && isWhole)
    if (std::optional<KnownMask> known = findRule(*modelPass, mask->value, indexOf(mask->dims, keys)))
      return attendByRule(*this, *known, *q, *k, *v, keys);
  if (mask)
    if (std::optional<Value> value = attendByPlaces(*this, *q, *k, *v, *mask, keys))
      return *value;
  return attendByMask(*this, *q, *k, *v, seen, keys);
}

static Value callAttention(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  return evaluator.attention(expr, scope);
}

llvm::ArrayRef<Builtin> ftc::elaborate::attentionBuiltins() {
  static const Builtin table[] = {{"causal", causal}, {"attention", callAttention}};
  return table;
}
