//===- GradientCheck.cpp --------------------------------------------------===//

#include "GradientCheck.h"

#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Utils/Builders.h"

#include <cmath>
#include <limits>

using namespace ftc;
using namespace ftc::elaborate;

static std::string gradientSymbol(const std::string &tensor) { return "gradient." + tensor; }

/// What the loss takes as constant keeps its value while the loss is moved: the program of gradients writes it, the
/// program of values reads it.
static void holdStopped(TensorTable &table, ProgramBuilder &program, bool writes) {
  auto stops = llvm::to_vector(program.builder().getInsertionBlock()->getOps<tune::StopGradientOp>());
  for (auto [index, stop] : llvm::enumerate(stops)) {
    std::string name = "stopped." + std::to_string(index);
    if (writes) {
      program.write(stop.getResult(), name);
      continue;
    }
    table.declareReal(name, tune::Kind::value, tune::shapeOf(stop.getResult()));
    mlir::Value held = program.read(name);
    held.getDefiningOp()->moveBefore(stop);
    stop.replaceAllUsesWith(held); // the operation itself stays, as it may be the loss
  }
}

bool GradientCheck::build(llvm::function_ref<mlir::Value(ProgramBuilder &)> loss) {
  TensorTable &table = specimen.elaborator().tensors();
  table.declareReal("loss", tune::Kind::output, {});
  for (bool withGradients : {false, true}) {
    // Both draw the same numbers by chance.
    int64_t site = specimen.elaborator().upcomingSite();
    ProgramBuilder program(specimen.elaborator(), withGradients ? "gradients" : "value");
    mlir::Value value = loss(program);
    if (!withGradients)
      specimen.elaborator().setNextSite(site);
    if (value)
      holdStopped(table, program, /*writes=*/withGradients);
    if (value && !withGradients)
      program.write(value, "loss");
    if (value && withGradients) {
      llvm::SmallVector<mlir::Value> reads;
      llvm::SmallVector<mlir::Type> types;
      for (const std::string &tensor : tensors) {
        reads.push_back(program.read(tensor));
        types.push_back(reads.back().getType());
      }
      auto op = tune::GradientOp::create(program.builder(), program.loc(), types, value, reads);
      for (auto [gradient, tensor] : llvm::zip_equal(op.getGradients(), tensors)) {
        auto shape = mlir::cast<mlir::RankedTensorType>(gradient.getType()).getShape();
        table.declareReal(gradientSymbol(tensor), tune::Kind::output, shape);
        program.write(gradient, gradientSymbol(tensor));
      }
    }
    if (!program.finish() || !value)
      return false;
  }
  return true;
}

double GradientCheck::lossAt(Image &image, const std::string &tensor, std::vector<double> values) {
  image.set(tensor, values);
  image.run(specimen.number("value"));
  return image.get("loss").front();
}

std::vector<GradientError> GradientCheck::compare(Image &image) {
  image.run(specimen.number("gradients"));
  std::vector<GradientError> errors;
  constexpr size_t mostEntries = 8;
  image.run(specimen.number("value"));
  // What rounding of losses makes of their difference is no error, where a gradient is 0 by its mathematics.
  double rounding = 64 * std::numeric_limits<double>::epsilon() * std::fabs(image.get("loss").front());
  for (const std::string &tensor : tensors) {
    if (!image.has(tensor))
      continue; // no program reads it
    std::vector<double> gradient = image.get(gradientSymbol(tensor)), values = image.get(tensor);
    double largest = 1e-12, error = 0;
    bool isZero = llvm::all_of(gradient, [](double entry) { return entry == 0; });
    for (double entry : gradient)
      largest = std::max(largest, std::fabs(entry));
    size_t step = std::max<size_t>(1, values.size() / mostEntries);
    for (size_t i = 0; i < values.size(); i += step) {
      auto at = [&](double by) {
        std::vector<double> moved = values;
        moved[i] += by;
        return lossAt(image, tensor, moved);
      };
      // The formula of sixth order. A kink nearby (relu, max) is left out by a shorter step, the noise around a small
      // derivative by a longer one, a wrong derivative by none.
      double closest = std::numeric_limits<double>::infinity();
      for (double factor : {1.0, 8.0, 0.125, 0.015625}) {
        if (closest <= GradientError::tolerance)
          break;
        double h = factor * 1e-3 * std::max(0.1, std::fabs(values[i]));
        double difference =
            (45 * (at(h) - at(-h)) - 9 * (at(2 * h) - at(-2 * h)) + (at(3 * h) - at(-3 * h))) / (60 * h);
        double apart = std::fabs(difference - gradient[i]);
        closest = std::min(closest, apart <= rounding / h ? 0 : apart / largest);
      }
      error = std::max(error, closest);
    }
    image.set(tensor, values);
    errors.push_back({tensor, error, isZero});
  }
  return errors;
}
