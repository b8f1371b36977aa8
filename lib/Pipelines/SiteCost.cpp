//===- SiteCost.cpp - what an adapter costs at a site ---------------------===//

#include "ftc/Pipelines/Compilation.h"
#include "ftc/Pipelines/Flops.h"
#include "ftc/Pipelines/Specimen.h"
#include "ftc/Pipelines/Trials.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Pass/PassManager.h"

using namespace ftc;
using namespace ftc::elaborate;

static constexpr int64_t sequences = 4, tokensOfRow = 512;

/// A program of a site alone; with `backward` also the gradients of its input and trained tensors.
static bool addProgram(Specimen &specimen, const AdaptedModel &model, ModuleInstance &site, llvm::StringRef name,
                       bool backward) {
  TensorTable &table = specimen.elaborator().tensors();
  Batch batch;
  batch.sequences = sequences;
  batch.tokens = tokensOfRow;
  Dim out = site.axes.front(), in = site.axes.back();
  table.declareReal("x", tune::Kind::input, {sequences, tokensOfRow, in->size});
  table.declareReal("given", tune::Kind::input, {sequences, tokensOfRow, out->size});
  ProgramBuilder program(specimen.elaborator(), name);
  mlir::OpBuilder &builder = program.builder();
  mlir::Value x = program.read("x"), result = program.site(model, site, x, batch);
  // An adapter that is meant for other sites may not fit here.
  if (result && tune::shapeOf(result) != llvm::ArrayRef<int64_t>({sequences, tokensOfRow, out->size}))
    return false;
  int kept = 0;
  auto keep = [&](mlir::Value value) {
    std::string symbol = (name + "." + llvm::Twine(kept++)).str();
    table.declareReal(symbol, tune::Kind::output, tune::shapeOf(value));
    program.write(value, symbol);
  };
  if (result && !backward)
    keep(result);
  if (result && backward) {
    mlir::Value loss =
        tune::sumAll(builder, program.loc(), tune::mul(builder, program.loc(), result, program.read("given")));
    llvm::SmallVector<mlir::Value> by = {x};
    for (AdapterTensor *tensor : model.tensors(AdapterRole::Trained))
      by.push_back(program.read(tensor->symbol));
    llvm::SmallVector<mlir::Type> types(mlir::ValueRange(by).getTypes());
    auto op = tune::GradientOp::create(builder, program.loc(), types, loss, by);
    for (mlir::Value gradient : op.getGradients())
      keep(gradient);
  }
  return bool(program.finish()) && result;
}

/// Bytes of the values that the forward pass makes of `x` and that ops of the backward pass read, as f32.
static int64_t savedBytes(mlir::func::FuncOp program) {
  llvm::DenseSet<mlir::Value> ofX, ofGiven, saved;
  int64_t bytes = 0;
  for (mlir::Operation &op : program.getBody().front()) {
    auto any = [&](const llvm::DenseSet<mlir::Value> &set) {
      return llvm::any_of(op.getOperands(), [&](mlir::Value operand) { return set.contains(operand); });
    };
    auto read = llvm::dyn_cast<tune::ReadOp>(op);
    bool isBackward = any(ofGiven) || (read && read.getTensor() == "given");
    if (isBackward)
      for (mlir::Value operand : op.getOperands())
        if (ofX.contains(operand) && !ofGiven.contains(operand))
          saved.insert(operand);
    for (mlir::Value result : op.getResults()) {
      if (isBackward)
        ofGiven.insert(result);
      else if (any(ofX) || (read && read.getTensor() == "x"))
        ofX.insert(result);
    }
  }
  for (mlir::Value value : saved)
    bytes += 4 * tune::typeOf(value).getNumElements();
  return bytes;
}

std::optional<SiteCost> ftc::costAtSite(DefinitionLibrary &library, Diagnostics &diags, const AppliedAdapter &adapter) {
  // The sizes of a model of 135 million parameters that is much used.
  Specimen specimen(library, diags,
                    {{"hidden_size", 576},
                     {"num_attention_heads", 9},
                     {"num_key_value_heads", 3},
                     {"head_dim", 64},
                     {"num_hidden_layers", 1}});
  if (!specimen.sound())
    return std::nullopt;
  auto found = llvm::find_if(specimen.baseModel().modules(),
                             [](const ModuleInstance *module) { return module->kind == "linear"; });
  if (found == specimen.baseModel().modules().end())
    return std::nullopt;
  ModuleInstance &site = **found;
  AdaptedModel base = specimen.base(), adapted = base;
  bool put =
      adapted.adapt(specimen.elaborator(), "tried", adapter, [&](llvm::StringRef path) { return path == site.path; });
  if (!put || adapted.on(&site).empty() || !addProgram(specimen, base, site, "base.forward", false) ||
      !addProgram(specimen, base, site, "base.both", true) ||
      !addProgram(specimen, adapted, site, "adapted.forward", false) ||
      !addProgram(specimen, adapted, site, "adapted.both", true))
    return std::nullopt;
  CompileOptions options;
  options.target = target::TargetKind::Reference;
  mlir::PassManager passes(specimen.module().getContext());
  buildPipeline(Rung::Backward, options, passes);
  if (mlir::failed(passes.run(specimen.module())))
    return std::nullopt;
  constexpr double tokens = sequences * tokensOfRow;
  auto program = [&](llvm::StringRef name) { return specimen.module().lookupSymbol<mlir::func::FuncOp>(name); };
  auto flops = [&](llvm::StringRef name) { return countFlops(program(name)) / tokens; };
  SiteCost cost;
  cost.site = llvm::formatv("{0} [{1}, {2}]", llvm::StringRef(site.path).rsplit('.').second, site.axes[0]->size,
                            site.axes[1]->size);
  for (AdapterTensor *tensor : adapted.tensors(AdapterRole::Trained)) {
    int64_t entries = 1;
    for (Dim dim : tensor->dims)
      entries *= dim->size;
    cost.trained += entries;
  }
  cost.ownForward = flops("base.forward");
  cost.ownBackward = flops("base.both") - cost.ownForward;
  cost.forward = flops("adapted.forward") - cost.ownForward;
  cost.backward = flops("adapted.both") - flops("adapted.forward") - cost.ownBackward;
  cost.ownSavedBytes = savedBytes(program("base.both")) / int64_t(tokens);
  cost.savedBytes = savedBytes(program("adapted.both")) / int64_t(tokens);
  return cost;
}
