//===- Compile.cpp - ftc RECIPE.ftr [-o FILE] [--emit=RUNG] ---------------===//
//
// Compiles a recipe to an executable, or to one of the rungs on the way.
//
//===----------------------------------------------------------------------===//

#include "Command.h"

#include "ftc/Frontend/Format.h"
#include "ftc/Frontend/Parser.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace ftc;
namespace cl = llvm::cl;

static int compile(const char *argv0);
static Command command(compile);
static RecipeOptions options(command);

static cl::opt<Rung>
    emitted("emit", cl::desc("Stop at a rung and write it"), cl::cat(optionCategory()), cl::init(Rung::Executable),
            cl::values(clEnumValN(Rung::AST, "ast", "the syntax tree, as source in the canonical layout"),
                       clEnumValN(Rung::Recipe, "recipe", "what was asked: steps over models and data"),
                       clEnumValN(Rung::Tune, "tune", "what is computed"),
                       clEnumValN(Rung::Backward, "backward", "with gradients"),
                       clEnumValN(Rung::Precision, "precision", "in the target's types"),
                       clEnumValN(Rung::Fused, "fused", "in kernels"),
                       clEnumValN(Rung::Placed, "placed", "with every buffer at its offset"),
                       clEnumValN(Rung::LLVM, "llvm", "kernels as LLVM IR"),
                       clEnumValN(Rung::Object, "object", "the object file"),
                       clEnumValN(Rung::Executable, "exe", "the executable")));
static cl::opt<std::string> output("o", cl::desc("Output file (default: the recipe's name; text goes to stdout)"),
                                   cl::value_desc("file"), cl::cat(optionCategory()));
static cl::opt<uint64_t>
    perturbation("perturb", cl::desc("Change every result by up to 2^-21 of it, at random (reference target)"),
                 cl::value_desc("seed"), cl::cat(optionCategory()));

static int write(llvm::StringRef text, llvm::StringRef fallback) {
  llvm::StringRef path = output.empty() ? fallback : llvm::StringRef(output);
  std::error_code failure;
  llvm::ToolOutputFile file(path, failure, llvm::sys::fs::OF_None);
  if (!failure) {
    file.os() << text;
    file.os().flush();
    failure = file.os().error();
    file.os().clear_error();
  }
  if (failure) {
    llvm::errs() << "ftc: error: cannot write '" << path << "': " << failure.message() << "\n";
    return CannotWrite;
  }
  file.keep();
  return Success;
}

/// What was parsed, whether or not it makes sense as a recipe.
static int emitTree(const std::string &path) {
  llvm::SourceMgr sources;
  Diagnostics diags(sources);
  std::unique_ptr<ast::File> file = parsePath(path, diags);
  if (!file)
    return InputFileIsWrong;
  std::optional<std::string> text = diags.errorCount() ? std::nullopt : formatSource(file->bufferId, diags);
  return text ? write(*text, "-") : RecipeIsWrong;
}

/// What was asked for, from the recipe that is to be compiled.
static int emit(Compilation &compilation, const std::string &name) {
  if (emitted == Rung::Executable)
    return compilation.link(output.empty() ? name : output.getValue()) ? Success : compilation.status();
  if (!compilation.lowerTo(std::min<Rung>(emitted, Rung::Placed)))
    return compilation.status();
  switch (emitted) {
  case Rung::LLVM: {
    auto text = target::emitLLVM(compilation.module(), compilation.targetOptions());
    return mlir::failed(text) ? InternalError : write(*text, "-");
  }
  case Rung::Object: {
    auto object = target::emitObject(compilation.module(), compilation.targetOptions());
    return mlir::failed(object) ? InternalError : write((*object)->getBuffer(), name + ".o");
  }
  default: {
    std::string text;
    llvm::raw_string_ostream stream(text);
    compilation.module()->print(stream);
    return write(text, "-");
  }
  }
}

static int compile(const char *argv0) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  if (perturbation.getNumOccurrences()) {
    if (chosen->target != target::TargetKind::Reference) {
      llvm::errs() << "ftc: error: --perturb is for --target=reference, whose results are f64\n";
      return WrongUsage;
    }
    chosen->perturbation = perturbation;
  }
  if (emitted == Rung::AST)
    return emitTree(chosen->recipe);
  auto compilation = std::make_unique<Compilation>(*chosen, argv0);
  int status = emit(*compilation, llvm::sys::path::stem(chosen->recipe).str());
  return finish(std::move(compilation), status);
}
