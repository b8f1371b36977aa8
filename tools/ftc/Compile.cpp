//===- Compile.cpp - ftc RECIPE.ftr ---------------------------------------===//
//
// Compiles a recipe to an executable, or to one of the rungs on the way.
//
//===----------------------------------------------------------------------===//

#include "Command.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace ftc;
namespace cl = llvm::cl;

static int compile(const char *argv0);
static Command command(compile);
static RecipeOptions recipe(command);

namespace {
enum class Rung { Recipe, Tune };
} // namespace

static cl::opt<Rung> emit("emit", cl::desc("Stop at a rung and write it"), cl::cat(optionCategory()),
                          cl::values(clEnumValN(Rung::Recipe, "recipe", "what was asked: steps over models and data"),
                                     clEnumValN(Rung::Tune, "tune", "what is computed: pure tensor programs")),
                          cl::init(Rung::Recipe));
static cl::opt<std::string> output("o", cl::desc("Output file"), cl::value_desc("file"), cl::init("-"),
                                   cl::cat(optionCategory()));

static int compile(const char *argv0) {
  Session session(argv0);
  int status;
  auto module = session.read(recipe, status);
  if (!module)
    return status;
  if (emit >= Rung::Tune && !(module = session.convert(*module, status)))
    return status;
  std::error_code error;
  llvm::ToolOutputFile file(output, error, llvm::sys::fs::OF_Text);
  if (error) {
    llvm::errs() << "ftc: error: cannot write '" << output << "': " << error.message() << "\n";
    return CannotWrite;
  }
  module->print(file.os());
  file.keep();
  return Success;
}
