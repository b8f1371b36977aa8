//===- Run.h - the program that an executable is -----------------------------===//
#pragma once

#include "ftc/Runtime/Run/Machine.h"

namespace ftc::run {

/// Performs the recipe: reads the command line, does the steps that are not done yet, returns the exit status.
int runExecutable(int argc, const char *const *argv, const Image &image);

} // namespace ftc::run
