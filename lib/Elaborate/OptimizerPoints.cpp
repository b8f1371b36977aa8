//===- OptimizerPoints.cpp - the loss at other points than p ----*- C++ -*-===//
//
// `loss(q)` and `gradient(q)` in an optimizer: the loss of the step's batch, and
// its gradient, where every tensor is moved to its own q. Each point is found by
// a program that moves the tensors there; the optimizer is evaluated anew for
// each, with what is known by then.
//
//===----------------------------------------------------------------------===//

#include "OptimizerPoints.h"

#include "OptimizerPart.h"

#include "dialects/Tune/Utils/Builders.h"

#include "ftc/Frontend/Walk.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

static constexpr llvm::StringLiteral lossName = "loss", gradientName = "gradient";

std::string OptimizerPlan::Points::origin(const OptimizedTensor &of) const {
  return step + ".origin." + of.tensor->name;
}

std::string OptimizerPlan::Points::keptGradient(unsigned number, const OptimizedTensor &of) const {
  return step + ".gradient." + std::to_string(number) + "." + of.tensor->name;
}

std::string OptimizerPlan::Points::keptLoss(unsigned number) const { return step + ".loss." + std::to_string(number); }

std::string OptimizerPlan::Points::gradientAt(unsigned number, const OptimizedTensor &of) const {
  return number == reached ? of.gradient : keptGradient(number, of);
}

std::string OptimizerPlan::Points::lossAt(unsigned number) const {
  return number == reached ? step + ".loss" : keptLoss(number);
}

void OptimizerPlan::Points::begin(Elaborator &shared, unsigned number) {
  // The same numbers are drawn each time.
  if (!firstSite)
    firstSite = shared.upcomingSite();
  shared.setNextSite(*firstSite);
  reached = number;
  asked.clear();
  next.clear();
  values.clear();
}

/// `loss(q)` or `gradient(q)` of a tensor: what is known of it, or anything of that shape.
Value OptimizerPlan::Points::ask(Evaluator &evaluator, const Part &part, const Arguments &arguments, bool gradient) {
  evaluator.passDependent = true;
  if (arguments.positional.size() != 1 || !arguments.named.empty()) {
    evaluator.diags().report(Diag::WrongArgumentCount, arguments.range, gradient ? gradientName : lossName, 1,
                             arguments.positional.size() + arguments.named.size());
    return {};
  }
  std::optional<Tensor> q = evaluator.fit(arguments.positional.front(), part.dims, *part.scope, arguments.range);
  if (!q)
    return {};
  needsGradients |= gradient;
  unsigned number = ++asked[part.optimized.parameter];
  most = std::max(most, number);
  if (number == reached + 1)
    next[part.optimized.parameter] = evaluator.toReal(*q).value;
  if (number > reached)
    return gradient ? Value(*q)
                    : Tensor{tune::scalar(*evaluator.builder, evaluator.loc(), evaluator.builder->getF64Type(), 0), {}};
  std::string symbol = gradient ? gradientAt(number, part.optimized) : lossAt(number);
  Dims dims = gradient ? part.dims : Dims();
  evaluator.shared.tensors().declareReal(symbol, gradient ? tune::Kind::gradient : tune::Kind::output, sizesOf(dims));
  return Tensor{evaluator.read(symbol), dims};
}

void OptimizerPlan::Points::define(Part &part) {
  for (bool gradient : {false, true}) {
    auto native = [this, &part, gradient](Evaluator &evaluator, Arguments arguments) {
      return ask(evaluator, part, arguments, gradient);
    };
    part.scope->define(gradient ? gradientName : lossName,
                       Value(std::make_shared<const std::function<Value(Evaluator &, Arguments)>>(native)));
  }
}

/// Whether a definition, or one of an optimizer inside of it, asks for another point.
static bool asks(const OptimizerPlan::Part &part) {
  ast::NamesIn walk;
  walk.definition(*part.definition);
  return walk.names.contains(lossName) || walk.names.contains(gradientName) ||
         llvm::any_of(part.inner, [](const std::unique_ptr<OptimizerPlan::Part> &inner) { return asks(*inner); });
}

bool OptimizerPlan::readsGradients() const { return points->most == 0 || points->needsGradients; }

bool OptimizerPlan::asksElsewhere() const {
  return llvm::any_of(parts, [](const std::unique_ptr<Part> &part) { return asks(*part); });
}

std::set<std::string> ftc::elaborate::readsOf(mlir::func::FuncOp program) {
  std::set<std::string> symbols;
  program.walk([&](tune::ReadOp read) { symbols.insert(read.getTensor().str()); });
  return symbols;
}

unsigned ProgramBuilder::findPoints(OptimizerPlan &plan, const AdaptedModel &model, const UpdateInputs &inputs) {
  update(plan, model, inputs);
  mlir::func::FuncOp tried = finish();
  if (!tried)
    return 0;
  std::set<std::string> read = readsOf(tried);
  plan.points->needsGradients |=
      llvm::any_of(plan.gradients(), [&](const std::string &symbol) { return read.count(symbol) != 0; });
  tried.erase();
  return plan.points->most;
}

void ProgramBuilder::move(OptimizerPlan &plan, const UpdateInputs &inputs, unsigned number,
                          const std::set<std::string> &wanted) {
  OptimizerPlan::Points &points = *plan.points;
  bindUpdate(*state, inputs);
  StepChance chance = chanceOf(*state, inputs.key);
  llvm::SaveAndRestore chances(state->evaluator.chance, static_cast<const StepChance *>(&chance));
  step(plan, number - 1);
  auto keep = [&](const std::string &from, const std::string &to, tune::Kind kind, llvm::ArrayRef<int64_t> shape) {
    if (!wanted.count(to))
      return;
    state->shared.tensors().declareReal(from, kind, shape);
    state->shared.tensors().declareReal(to, kind, shape);
    write(read(from), to);
  };
  for (auto &part : plan.parts) {
    const OptimizedTensor &of = part->optimized;
    llvm::SmallVector<int64_t> shape = sizesOf(part->dims);
    mlir::Value p = read(number == 1 ? of.parameter : points.origin(of));
    if (number == 1)
      write(p, points.origin(of));
    mlir::Value q = points.next.lookup(of.parameter);
    write(q ? q : p, of.parameter);
    keep(of.gradient, points.keptGradient(number - 1, of), tune::Kind::gradient, shape);
  }
  keep(points.lossAt(number - 1), points.keptLoss(number - 1), tune::Kind::output, {});
}
