//===- Compilation.cpp - a recipe on its way down the rungs ---------------===//

#include "ftc/Pipelines/Compilation.h"

#include "ftc/Conversion/RecipeToTune.h"
#include "ftc/Frontend/Recipe.h"

#include "dialects/Recipe/IR/Recipe.h"
#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Transforms/Differentiation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ftc;

Compilation::Compilation(CompileOptions options, const char *argv0)
    : options(std::move(options)), standard(standardLibraryPath(argv0)), diags(sources), definitions(diags) {
  mlir::DialectRegistry registry;
  tune::registerAdjoints(registry);
  context.appendDialectRegistry(registry);
  context.loadDialect<recipe::RecipeDialect, tune::TuneDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                      mlir::linalg::LinalgDialect, mlir::math::MathDialect, mlir::tensor::TensorDialect>();
  // The flat programs are verified once at each rung; more threads than cores are of no use for one module.
  context.disableMultithreading();
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
  current = buildRecipe(options.recipe, options.defines, definitions, context);
  return current || fail(1);
}

bool Compilation::makeTune() {
  int status = 0;
  mlir::OwningOpRef<mlir::ModuleOp> made = convertRecipeToTune(*current, definitions, diags, status);
  if (!made)
    return fail(status);
  current = std::move(made);
  return mlir::succeeded(mlir::verify(*current)) || bug("the conversion to tune");
}

bool Compilation::runPasses(Rung rung) {
  mlir::PassManager passes(&context);
  passes.enableVerifier(false); // once, below
  buildPipeline(rung, options, passes);
  if (mlir::failed(passes.run(*current)) || mlir::failed(mlir::verify(*current)))
    return bug("the passes of a rung");
  return true;
}

bool Compilation::fuse() { return mlir::succeeded(target::lowerToFused(*current, targetOptions())) || bug("fusion"); }

bool Compilation::place() { return mlir::succeeded(target::placeFused(*current, targetOptions())) || bug("placement"); }

bool Compilation::lowerTo(Rung rung) {
  if (!prepared && !(prepared = definitions.addStandard(standard)))
    return fail(70);
  using Stage = bool (*)(Compilation &);
  static constexpr std::pair<Rung, Stage> stages[] = {
      {Rung::Recipe, [](Compilation &self) { return self.makeRecipe(); }},
      {Rung::Tune, [](Compilation &self) { return self.makeTune(); }},
      {Rung::Backward, [](Compilation &self) { return self.runPasses(Rung::Backward); }},
      {Rung::Precision, [](Compilation &self) { return self.runPasses(Rung::Precision); }},
      {Rung::Fused, [](Compilation &self) { return self.fuse(); }},
      {Rung::Placed, [](Compilation &self) { return self.place(); }},
  };
  for (auto [next, stage] : stages) {
    if (next > rung)
      break;
    if (next <= reached)
      continue;
    if (!stage(*this))
      return false;
    reached = next;
  }
  return true;
}

target::TargetOptions Compilation::targetOptions() const {
  target::TargetOptions result;
  result.kind = options.target;
  result.recipe = llvm::sys::path::stem(options.recipe).str();
  // Absolute: the executable may be started from anywhere.
  llvm::SmallString<256> folder(options.recipe);
  llvm::sys::fs::make_absolute(folder);
  result.folder = llvm::sys::path::parent_path(folder).str();
  if (const ast::File *file = definitions.recipe())
    result.source = sources.getMemoryBuffer(file->bufferId)->getBuffer().str();
  return result;
}

bool Compilation::link(const std::string &path) {
  return mlir::succeeded(target::compileToExecutable(*current, targetOptions(), path)) || fail(6);
}
