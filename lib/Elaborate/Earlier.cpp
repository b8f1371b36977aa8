//===- Earlier.cpp - what an adapter was at another site --------*- C++ -*-===//
//
// `earlier(e, n)`: the value of e at site n of the line, which the model runs before this one, or at this one itself.
// With a third argument that is the value where n is no site, so that a value can go from site to site: e at the site
// before may be made of e at the one before that. It is found when it is asked for.
//
//===----------------------------------------------------------------------===//

#include "AdapterBuilder.h"
#include "BuiltinCall.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

/// The value of the call's first argument in the call of an adapter that was met; finds it once.
static const Tensor *valueAt(Evaluator &evaluator, const ast::CallExpr &expr, MetValue &met) {
  if (met.value)
    return &*met.value;
  llvm::SaveAndRestore called(evaluator.calledIn, met.calledIn);
  llvm::SaveAndRestore pass(evaluator.pass, met.pass);
  llvm::SaveAndRestore<const AdapterInstance *> within(evaluator.within, met.instance);
  const ast::Expr &argument = *expr.arguments.front().value;
  Value value = evaluator.eval(argument, *met.scope);
  if (!value.isError())
    met.value = evaluator.asTensor(value, argument.range);
  return met.value ? &*met.value : nullptr;
}

/// A tensor of another site in this one's dimensions: those that a definition calls alike must have the same sizes.
static Value asHere(Evaluator &evaluator, Tensor tensor, const AdapterInstance &there, const AdapterInstance &here,
                    llvm::SMRange range) {
  Dims own;
  for (Dim dim : tensor.dims) {
    Scope::Entry *entry = here.scope->find(there.scope->nameOf(dim));
    Value value = entry ? evaluator.force(there.scope->nameOf(dim), *entry, range) : Value();
    own.push_back(value.is<Dim>() ? *value.as<Dim>() : dim);
  }
  if (sizesOf(own) != sizesOf(tensor.dims)) {
    evaluator.diags().report(Diag::UnlikeSites, range, printDims(own), printDims(tensor.dims));
    return {};
  }
  return Tensor{tensor.value, own};
}

Value elaborate::callEarlier(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  size_t given = expr.arguments.size();
  const AdapterInstance *self = evaluator.within;
  if (given < 2 || given > 3 || !self) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range,
                             "`earlier(e, n)` with the number of a site, known when compiling", "other arguments");
    return {};
  }
  std::optional<int64_t> number = evaluator.evalInteger(*expr.arguments[1].value, scope);
  if (!number)
    return {};
  ModelPass *run = evaluator.modelPass;
  MetValue own{self, &scope, evaluator.calledIn, evaluator.pass, std::nullopt};
  if (!run || evaluator.affineIn) { // is it a function of the site's input?
    const Tensor *value = valueAt(evaluator, expr, own);
    if (!value || evaluator.refuseNonlinear(*value, "`earlier`", expr.range))
      return {};
  }
  const void *line = self->outer ? static_cast<const void *>(self->outer) : self->group;
  auto *met = run ? &run->met[{&expr, line}] : nullptr;
  if (met)
    (*met)[self->number] = own;
  if (given == 3 && *number < 0)
    return evaluator.eval(*expr.arguments[2].value, scope);
  if (!met || !met->count(*number)) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a site that the model runs before this one",
                             run ? "site " + std::to_string(*number) + " at site " + std::to_string(self->number)
                                 : "no run of the model");
    return {};
  }
  MetValue &found = met->at(*number);
  const Tensor *value = valueAt(evaluator, expr, found);
  return value ? asHere(evaluator, *value, *found.instance, *self, expr.range) : Value();
}
