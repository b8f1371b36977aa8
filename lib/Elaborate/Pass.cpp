//===- Pass.cpp - runs of models --------------------------------*- C++ -*-===//

#include "PassTrace.h"
#include "ProgramState.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace ftc;
using namespace ftc::elaborate;

void ProgramBuilder::State::useBatch(const Batch &batch) {
  if (!batchDim) {
    batchDim = shared.dimensions().make("batch", batch.sequences, DimRole::Batch);
    tokensDim = shared.dimensions().make("tokens", batch.tokens, DimRole::Tokens);
  }
  evaluator.ambient["batch"] = batchDim;
  evaluator.ambient["tokens"] = tokensDim;
}

Tensor ProgramBuilder::State::batchTensor(const std::string &symbol, const Batch &batch, mlir::Type element) {
  useBatch(batch);
  // A batch without names stands for any: only what is made of it is looked at.
  mlir::Value value = symbol.empty() ? mlir::tensor::EmptyOp::create(builder, builder.getUnknownLoc(),
                                                                     {batch.sequences, batch.tokens}, element)
                                           .getResult()
                                     : readInput(symbol, {batch.sequences, batch.tokens}, element);
  return Tensor{value, {batchDim, tokensDim}};
}

Value ProgramBuilder::State::rowNumber(const Batch &batch, llvm::StringRef name, llvm::SMRange range) {
  const RecordForm &form = batch.form;
  if (!form.hasAnyNumber && !llvm::is_contained(form.numbers, name)) {
    shared.diagnostics()
        .report(Diag::NoMember, range, "a row", name)
        .nearest(name, llvm::SmallVector<llvm::StringRef>(form.numbers.begin(), form.numbers.end()))
        .help("a number that each row of the file has is named where the data set is: `numbers: [\"" + name.str() +
              "\"]`");
    return {};
  }
  mlir::Type real = builder.getF64Type();
  std::string symbol = batch.numbers.empty() ? "" : batch.numbers + name.str();
  if (form.texts.empty() && form.field.empty())
    return batchTensor(symbol, batch, real);
  useBatch(batch);
  mlir::Value value =
      symbol.empty()
          ? mlir::tensor::EmptyOp::create(builder, builder.getUnknownLoc(), {batch.sequences}, real).getResult()
          : readInput(symbol, {batch.sequences}, real);
  return Tensor{value, {batchDim}};
}

Tensor ProgramBuilder::State::stepOf(const Batch &batch) {
  mlir::Location loc = builder.getUnknownLoc();
  mlir::Value done = readInput(batch.step, {}, builder.getI64Type());
  done = tune::convert(builder, loc, done, builder.getF64Type());
  return Tensor{tune::add(builder, loc, done, tune::splatLike(builder, loc, done, 1)), {}};
}

Tensor ProgramBuilder::State::stepsOf(const Batch &batch) {
  return Tensor{readInput(batch.steps, {}, builder.getF64Type()), {}};
}

void ProgramBuilder::State::bindStep(const Batch &batch) {
  if (batch.step.empty())
    return;
  evaluator.ambient["t"] = stepOf(batch);
  evaluator.ambient["steps"] = stepsOf(batch);
}

void ProgramBuilder::State::unbindStep() {
  evaluator.ambient.erase("t");
  evaluator.ambient.erase("steps");
}

/// A model that puts no tokens before documents does not see the places that another one fills. False after an error.
bool ProgramBuilder::State::hideVirtual(const AdaptedModel &model, const Batch &batch, Tensor &positions,
                                        mlir::Value &segments) {
  int64_t own = model.virtualTokens(shared);
  if (own == batch.virtualTokens)
    return true;
  if (own != 0) {
    shared.diagnostics().report(Diag::UnlikeModels, model.groups().back()->range, "tokens before a document",
                                batch.virtualTokens, own);
    return false;
  }
  Value isVirtual = evaluator.arithmetic(ast::BinaryOp::Lt, positions, batch.virtualTokens, {});
  Value moved = evaluator.arithmetic(ast::BinaryOp::Sub, positions, batch.virtualTokens, {});
  auto type = tune::typeOf(segments);
  Tensor none{tune::splat(builder, builder.getUnknownLoc(), type, -1), positions.dims};
  Tensor start{tune::splat(builder, builder.getUnknownLoc(), type, 0), positions.dims};
  Value hidden = evaluator.select(isVirtual, none, Tensor{segments, positions.dims}, {});
  Value shifted = evaluator.select(isVirtual, start, moved, {});
  segments = hidden.as<Tensor>()->value;
  positions = *shifted.as<Tensor>();
  return true;
}

/// What identifies a proof: the adapters, the sizes of the batch, what rows hold, and whether it is training.
static std::string proofKey(const AdaptedModel &model, const Batch &batch, RowContent content, bool training) {
  std::string key = llvm::formatv("{0} x {1} {2} {3}", batch.sequences, batch.tokens, int(content), training);
  for (auto &group : model.groups())
    key += llvm::formatv(" {0}", group.get());
  return key;
}

ModelRun ProgramBuilder::State::run(const AdaptedModel &model, const Batch &batch, ModelPass &pass, bool training) {
  RowContent content = pass.caches ? RowContent::Tokens : batch.packed ? RowContent::Documents : RowContent::Document;
  PassTrace trace(model, content);
  // A single token has nothing to be mixed with; the program that reads prompts is looked at.
  bool nothingToSee = pass.caches && batch.tokens == 1;
  if (nothingToSee || !trace.hasAdapters() || !shared.toProve(proofKey(model, batch, content, training)))
    return runOnce(model, batch, pass, training);
  if (pass.caches) {
    proveOnly(model, batch, content);
    return runOnce(model, batch, pass, training);
  }
  evaluator.trace = &trace;
  ModelRun result = runOnce(model, batch, pass, training);
  evaluator.trace = nullptr;
  // The other side of each choice by `training`.
  if (training && trace.dependsOnTraining() && result.logits.value &&
      shared.toProve(proofKey(model, batch, content, false)))
    proveOnly(model, batch, content);
  return result;
}

/// A run outside of training and without caches that nothing reads but the proof.
void ProgramBuilder::State::proveOnly(const AdaptedModel &model, const Batch &batch, RowContent content) {
  Batch any;
  any.sequences = batch.sequences;
  any.tokens = batch.tokens;
  any.virtualTokens = batch.virtualTokens;
  any.form = batch.form;
  PassTrace trace(model, content);
  ModelPass pass;
  int64_t site = shared.upcomingSite();
  evaluator.trace = &trace;
  runOnce(model, any, pass, /*training=*/false);
  evaluator.trace = nullptr;
  shared.setNextSite(site);
}

ModelRun ProgramBuilder::State::runOnce(const AdaptedModel &model, const Batch &batch, ModelPass &pass, bool training) {
  mlir::Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  Tensor ids = batchTensor(batch.ids, batch, i32);
  pass.training = training;
  pass.ids = ids.value;
  Tensor positions = batchTensor(batch.positions, batch, i32);
  pass.segments = batchTensor(batch.segments, batch, i32).value;
  mlir::Value rowPositions = positions.value, rowSegments = pass.segments;
  if (!hideVirtual(model, batch, positions, pass.segments))
    return {};
  pass.positions = positions.value;
  if (training) {
    pass.key = readInput(batch.key, {}, i64);
    pass.row = readInput(batch.row, {}, i64);
    bindStep(batch);
  }
  if (Caches *caches = pass.caches) {
    pass.last = readInput(caches->last, {}, i32);
    readInput(caches->start, {}, i32);
    readInput(caches->positions, {1, caches->capacity}, i32);
    readInput(caches->segments, {1, caches->capacity}, i32);
  }
  unsigned outerPass = std::exchange(evaluator.pass, shared.nextPass());
  const AdaptedModel *outerModel = std::exchange(evaluator.model, &model);
  ModelPass *outer = std::exchange(evaluator.modelPass, &pass);
  evaluator.ambient["positions"] = positions;
  evaluator.ambient["documents"] = Tensor{pass.segments, positions.dims};
  evaluator.ambient["training"] = training;
  if (!pass.caches)
    evaluator.ambient["row"] = RowValue{&batch, /*onlyNumbers=*/true};
  Arguments arguments;
  arguments.positional.push_back(ids);
  ModuleInstance &root = model.model().root();
  arguments.range = root.definition->name.range;
  ModelRun result;
  Value logits;
  result.layers = evaluator.watchLayers([&] { logits = evaluator.callModule(root, std::move(arguments)); });
  evaluator.ambient.erase("positions");
  evaluator.ambient.erase("documents");
  evaluator.ambient.erase("training");
  evaluator.ambient.erase("row");
  unbindStep();
  evaluator.pass = outerPass;
  evaluator.model = outerModel;
  evaluator.modelPass = outer;
  if (!logits.is<Tensor>() || !pass.hidden)
    return {};
  result.hidden = *pass.hidden;
  result.logits = *logits.as<Tensor>();
  if (evaluator.trace)
    evaluator.trace->prove(shared, ids, rowPositions, rowSegments, {result.hidden, result.logits});
  return result;
}

Value ProgramBuilder::State::logProbability(const Tensor &logits, const Batch &batch, llvm::SMRange range) {
  Tensor targets = batchTensor(batch.targets, batch, builder.getI32Type());
  Dim vocab = nullptr;
  for (Dim dim : logits.dims)
    if (indexOf(targets.dims, dim) < 0)
      vocab = dim;
  if (!vocab) {
    shared.diagnostics().report(Diag::ExpectedValue, range, "a model that gives logits [batch, tokens, vocab]",
                                "one that gives " + printDims(logits.dims));
    return {};
  }
  Value picked = evaluator.pick(logits, vocab, targets, range);
  Value total = evaluator.logSumExp(logits, {vocab}, range);
  Tensor weights = batchTensor(batch.weights, batch, builder.getF64Type());
  Value known = evaluator.binaryTensor(ast::BinaryOp::Gt, weights, 0, range);
  return evaluator.select(known, evaluator.arithmetic(ast::BinaryOp::Sub, picked, total, range), 0.0, range);
}

mlir::Value ProgramBuilder::site(const AdaptedModel &model, ModuleInstance &site, mlir::Value x, const Batch &batch) {
  state->useBatch(batch);
  Evaluator &evaluator = state->evaluator;
  ModelPass pass;
  evaluator.pass = state->shared.nextPass();
  evaluator.model = &model;
  evaluator.modelPass = &pass;
  evaluator.ambient["training"] = false;
  Arguments arguments;
  arguments.positional.push_back(Tensor{x, {state->batchDim, state->tokensDim, site.axes.back()}});
  arguments.range = site.definition->name.range;
  Value result = evaluator.callModule(site, std::move(arguments));
  evaluator.ambient.erase("training");
  evaluator.modelPass = nullptr;
  auto *tensor = result.as<Tensor>();
  if (!tensor || !tensor->value)
    return {};
  Dims order = {state->batchDim, state->tokensDim};
  for (Dim dim : tensor->dims)
    if (indexOf(order, dim) < 0)
      order.push_back(dim);
  return evaluator.align(*tensor, order).value;
}

mlir::Value ProgramBuilder::logits(const AdaptedModel &model, const Batch &batch, bool training, Caches *caches) {
  ModelPass pass;
  pass.caches = caches;
  ModelRun run = state->run(model, batch, pass, training);
  if (!run.logits.value)
    return {};
  Dims order = run.logits.dims;
  orderBy(order, [](Dim dim) { return int(dim->role); });
  return state->evaluator.align(run.logits, order).value;
}
