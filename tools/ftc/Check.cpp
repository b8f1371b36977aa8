//===- Check.cpp - ftc check ----------------------------------------------===//

#include "Command.h"

using namespace ftc;

static int check(const char *argv0);
static Command command("check", "Report every mistake in a recipe; write nothing", check);
static RecipeOptions options(command);

static int check(const char *argv0) {
  Session session(argv0);
  int status;
  if (auto recipe = session.read(options, status))
    session.convert(*recipe, status);
  return status;
}
