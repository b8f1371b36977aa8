//===- Check.cpp - ftc check ----------------------------------------------===//

#include "Command.h"

using namespace ftc;

static int check(const char *argv0);
static Command command("check", "Report every mistake in a recipe; write nothing", check);
static RecipeOptions options(command);

static int check(const char *argv0) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  Compilation compilation(*chosen, argv0);
  return compilation.lowerTo(Rung::Tune) ? Success : compilation.status();
}
