//===- Run.cpp - ftc run RECIPE.ftr [-- OPTIONS OF THE EXECUTABLE] --------===//
//
// Compiles, and becomes the executable; with `--sweep` runs one executable after the other (Sweep.h).
//
//===----------------------------------------------------------------------===//

#include "Executable.h"
#include "Sweep.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace ftc;
using namespace llvm;

static int runRecipe(const char *argv0, ArrayRef<char *> words);
static Command command("run", "Compile a recipe (cached) and run it: ftc run RECIPE.ftr [-- OPTIONS]", runRecipe);
static RecipeOptions options(command);
static cl::list<std::string> swept("sweep",
                                   cl::desc("Run once for each value of an input; several: for each combination"),
                                   cl::value_desc("name=value,value,..."), cl::sub(command.sub()),
                                   cl::cat(optionCategory()));
static cl::opt<bool> asJson("json", cl::desc("Print the results of a sweep as one JSON object"), cl::sub(command.sub()),
                            cl::cat(optionCategory()));

static int runRecipe(const char *argv0, ArrayRef<char *> words) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  if (!swept.empty()) {
    auto inputs = readSweep(ArrayRef<std::string>(swept), *chosen);
    return inputs ? runSweep({*chosen, std::move(*inputs), asJson}, argv0, words) : WrongUsage;
  }
  if (asJson) {
    errs() << "ftc: error: '--json' is for the results of a sweep; what a run prints is as JSON with `-- --json`\n";
    return WrongUsage;
  }
  int status = Success;
  std::string file;
  {
    Compilation compilation(*chosen, argv0);
    file = makeExecutable(compilation, *chosen, argv0, status);
  }
  if (file.empty())
    return status;
  std::vector<char *> argv = {file.data()};
  argv.insert(argv.end(), words.begin(), words.end());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  errs() << "ftc: cannot run '" << file << "': " << std::string(strerror(errno)) << "\n";
  return InternalError;
}
