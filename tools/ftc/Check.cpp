//===- Check.cpp - ftc check ----------------------------------------------===//

#include "Command.h"
#include "Definitions.h"
#include "Proofs.h"

using namespace ftc;
namespace cl = llvm::cl;

static int check(const char *argv0);
static Command command("check", "Report every mistake in a recipe; write nothing", check);
static RecipeOptions options(command);
static cl::opt<bool> gradients("gradients",
                               cl::desc("Instead try the definitions of NAME or FILE.ftr: gradients against central "
                                        "differences, merged against adapted models; -D gives parameters"),
                               cl::sub(command.sub()), cl::cat(optionCategory()));

/// Tries all definitions that the command line names.
static int checkGradients(const CompileOptions &chosen, const char *argv0) {
  Definitions definitions(chosen.recipe, argv0);
  if (definitions.status() != Success)
    return definitions.status();
  ParameterValues values = valuesOf(chosen.defines);
  bool good = true;
  for (const ast::Definition *definition : definitions.all())
    good &= checkByTrial(definitions, *definition, values);
  return good ? Success : RecipeIsWrong;
}

static int check(const char *argv0) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  if (gradients)
    return checkGradients(*chosen, argv0);
  auto compilation = std::make_unique<Compilation>(*chosen, argv0);
  // Whether it fits is known only when everything has its place.
  bool good =
      compilation->lowerTo(Rung::Tune) && (!compilation->hasMemoryLimit() || compilation->lowerTo(Rung::Placed));
  int status = good ? int(Success) : compilation->status();
  return finish(std::move(compilation), status);
}
