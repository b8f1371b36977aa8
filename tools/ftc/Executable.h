//===- Executable.h - executables of recipes, cached -----------*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_EXECUTABLE_H
#define FTC_TOOLS_FTC_EXECUTABLE_H

#include "Command.h"

namespace ftc {

/// Compiles a recipe to an executable in the cache, unless it is there; its path. Cached under the hash of the recipe's
/// tune module, the target and the compiler itself. Empty after errors; `status` is then the exit status.
std::string makeExecutable(Compilation &compilation, const CompileOptions &chosen, const char *argv0, int &status);

/// Runs a program as a child and waits: SIGINT and SIGTERM go to the child, which may finish in order. Its exit status;
/// 128 and the signal's number if one has ended it, 127 if it cannot be started.
int runChild(const std::string &path, llvm::ArrayRef<std::string> words);

} // namespace ftc

#endif // FTC_TOOLS_FTC_EXECUTABLE_H
