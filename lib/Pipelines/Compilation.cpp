//===- Compilation.cpp - a recipe on its way down the rungs ---------------===//

#include "ftc/Pipelines/Compilation.h"

#include "ftc/Elaborate/Adapter.h"
#include "ftc/Elaborate/Elaborator.h"
#include "ftc/Pipelines/Specimen.h"
#include "ftc/Pipelines/Trials.h"

#include "ftc/Conversion/RecipeToTune.h"
#include "ftc/Frontend/Recipe.h"
#include "ftc/Target/Processor.h"

#include "dialects/Recipe/IR/Recipe.h"
#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <utility>

using namespace ftc;

Compilation::Compilation(CompileOptions options, const char *argv0)
    : options(std::move(options)), standard(standardLibraryPath(argv0)), diags(sources), definitions(diags) {
  prepareContext(context);
  context.enableMultithreading(); // programs are side by side in the passes that take most time
}

Compilation::~Compilation() { diags.flush(); }

bool Compilation::fail(int status) {
  exitStatus = status;
  diags.flush();
  return false;
}

bool Compilation::bug(llvm::StringRef where) {
  llvm::errs() << "ftc: a bug of the compiler in " << where << "; please report it with the recipe\n";
  return fail(70);
}

bool Compilation::makeRecipe() {
  if (!llvm::sys::fs::exists(options.recipe)) {
    diags.report(Diag::CannotReadFile, {}, options.recipe, "no such file");
    return fail(3);
  }
  recipe = buildRecipe(options.recipe, options.defines, definitions, context);
  if (!recipe)
    return fail(1);
  current = recipe->clone();
  return true;
}

/// A warning for an adapter that changes the model before the first step, unless it trains tensors in place only or has
/// values from a directory.
void Compilation::warnUnlessIdentity(elaborate::Elaborator &elaborator, const elaborate::AdapterGroup &group) {
  bool inPlace = llvm::all_of(group.tensors, [](const auto &tensor) { return bool(tensor->source); });
  if (inPlace || group.instances.empty() || !group.folder.empty())
    return;
  auto adapter = std::make_shared<elaborate::Applied>(*group.applied);
  adapter->arguments = elaborate::atSite(elaborator, adapter->arguments, group.instances.front()->site->path);
  std::string unread;
  llvm::raw_string_ostream stream(unread);
  Diagnostics quiet(sources, stream); // one that does not fit the specimen is not tried
  std::optional<double> change = changeAtStart(definitions, quiet, adapter);
  constexpr double rounding = 1e-6;
  if (change && !(*change < rounding))
    diags.report(Diag::ChangesTheModel, group.range, adapter->name, llvm::formatv("{0:e1}", *change).str());
}

/// `compute: f16` where the processor has no instructions for it.
void Compilation::warnOfSlowPrecision() {
  auto has = [&](llvm::StringRef feature) { return target::hasFeature(options.processor, feature); };
  if (options.target != target::TargetKind::CPU || has("avx512fp16") || has("amx-bf16"))
    return;
  auto warn = [&](auto step) {
    for (recipe::LineAttr line :
         step.getPrecision() ? step.getPrecision()->getLines() : llvm::ArrayRef<recipe::LineAttr>())
      if (auto type = llvm::dyn_cast<recipe::WordAttr>(line.getValue()); type && type.getName() == "f16")
        diags.report(Diag::SlowPrecision, rangeOf(line.getLoc(), sources), "compute: f16", step.getName())
            .help("leave it out, or compile for another processor with '--cpu'");
  };
  for (auto step : recipe->getOps<recipe::TrainOp>())
    warn(step);
  for (auto step : recipe->getOps<recipe::EvaluateOp>())
    warn(step);
}

bool Compilation::makeTune() {
  findMemoryLimit();
  bool isFirst = !std::exchange(hasMadeTune, true); // of several micro-batches that are tried
  if (isFirst)
    warnOfSlowPrecision();
  int status = 0;
  auto adapted = [&](elaborate::Elaborator &elaborator, const elaborate::AdapterGroup &group) {
    if (isFirst)
      warnUnlessIdentity(elaborator, group);
  };
  mlir::OwningOpRef<mlir::ModuleOp> made = convertRecipeToTune(*recipe, definitions, diags, status, adapted);
  if (!made)
    return fail(status);
  current = std::move(made);
  if (whole)
    tellMicroBatches();
  return true;
}

void Compilation::foldLayers() {
  if (options.target == target::TargetKind::Reference || llvm::is_contained(options.disabledPasses, "tune-fold-layers"))
    return;
  if (mlir::OwningOpRef<mlir::ModuleOp> folded = tune::foldLayers(*current, wholePrograms))
    unfolded = std::exchange(current, std::move(folded));
}

bool Compilation::runPasses(Rung rung) {
  mlir::PassManager passes(&context);
  passes.enableVerifier(false); // once, in lowerTo
  buildPipeline(rung, options, passes);
  return mlir::succeeded(passes.run(*current)) || bug("the passes of a rung");
}

bool Compilation::lacksLayers() {
  bool lacks = false;
  for (auto program : current->getOps<mlir::func::FuncOp>())
    if (program->hasAttr(tune::TuneDialect::kLeftOutAttrName)) {
      wholePrograms.insert(program.getSymName());
      lacks = true;
    }
  return lacks;
}

bool Compilation::fuse() {
  if (mlir::failed(target::lowerToFused(*current, targetOptions())))
    return bug("fusion");
  if (lacksLayers()) {
    current = std::move(unfolded);
    reached = Rung::Tune; // once more from there
    return true;
  }
  return !whole || staysTheSame() || keepWhole();
}

bool Compilation::place() {
  if (!whole && choosesMicroBatches())
    uncut = current->clone();
  if (mlir::failed(target::placeFused(*current, targetOptions(), &report, links ? &kernels : nullptr)))
    return bug("placement");
  target::PlanSummary plan = target::getPlan(*current);
  if (chooseMicroBatch(plan)) {
    reached = Rung::Recipe; // once more from there
    return true;
  }
  return conclude(plan);
}

bool Compilation::lowerTo(Rung rung) {
  if (!prepared && !(prepared = definitions.addStandard(standard)))
    return fail(70);
  // By rung, from the one above to it.
  using Stage = bool (*)(Compilation &, Rung goal);
  static constexpr Stage stages[] = {
      nullptr,
      [](Compilation &self, Rung) { return self.makeRecipe(); },
      [](Compilation &self, Rung) { return self.makeTune(); },
      [](Compilation &self, Rung goal) {
        if (goal >= Rung::Fused) // who asks for the rungs before it sees all layers
          self.foldLayers();
        return self.runPasses(Rung::Backward);
      },
      [](Compilation &self, Rung) { return self.runPasses(Rung::Precision); },
      [](Compilation &self, Rung) { return self.fuse(); },
      [](Compilation &self, Rung) { return self.place(); },
  };
  while (reached < rung) {
    // Between these rungs programs are those of the micro-batches that were chosen.
    if (reached == Rung::Tune && rung < Rung::Placed && choosesMicroBatches()) {
      if (!lowerTo(Rung::Placed))
        return false;
      chosen = std::move(current);
      reached = Rung::Recipe;
    }
    if (reached >= Rung::Precision && rung >= Rung::Placed && chosen) {
      current = std::move(chosen);
      reached = Rung::Placed;
      continue;
    }
    Rung before = reached;
    reached = Rung(int(reached) + 1); // a stage may go back
    if (!stages[int(reached)](*this, rung)) {
      reached = before;
      return false;
    }
  }
  // Once, at the rung that was asked for: each time takes a twentieth of all passes. For an executable, placement and
  // each kernel have been verified where they were made.
  return rung < Rung::Tune || links || mlir::succeeded(mlir::verify(*current)) ||
         bug(rung == Rung::Tune ? "the conversion to tune" : "the passes of a rung");
}

target::TargetOptions Compilation::targetOptions() const {
  target::TargetOptions result;
  result.kind = options.target;
  result.processor = options.processor;
  result.recipe = llvm::sys::path::stem(options.recipe).str();
  // Absolute: the executable may be started from anywhere.
  llvm::SmallString<256> folder(options.recipe);
  llvm::sys::fs::make_absolute(folder);
  result.folder = llvm::sys::path::parent_path(folder).str();
  result.memory = limit ? std::max<int64_t>(1, limit->bytes - target::kProcessBytes) : 0;
  result.disabledPasses = options.disabledPasses;
  if (const ast::File *file = definitions.recipe())
    result.source = sources.getMemoryBuffer(file->bufferId)->getBuffer().str();
  return result;
}

bool Compilation::link(const std::string &path) {
  links = true;
  if (!lowerTo(Rung::Placed))
    return false;
  return mlir::succeeded(target::compileToExecutable(*current, targetOptions(), path, std::move(kernels))) || fail(6);
}
