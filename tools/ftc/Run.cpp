//===- Run.cpp - ftc run RECIPE.ftr [-- OPTIONS OF THE EXECUTABLE] --------===//
//
// Executables are cached under the hash of the recipe's tune module, the target and the compiler itself, so that a
// second run starts at once.
//
//===----------------------------------------------------------------------===//

#include "Command.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace ftc;
using namespace llvm;

static int runRecipe(const char *argv0, ArrayRef<char *> words);
static Command command("run", "Compile a recipe (cached) and run it: ftc run RECIPE.ftr [-- OPTIONS]", runRecipe);
static RecipeOptions options(command);

/// ~/.cache/ftc, or where XDG_CACHE_HOME or FTC_CACHE say.
static std::string cacheFolder() {
  SmallString<128> folder;
  if (auto own = sys::Process::GetEnv("FTC_CACHE"))
    folder = *own;
  else if (sys::path::cache_directory(folder))
    sys::path::append(folder, "ftc");
  else
    folder = ".cache/ftc";
  sys::path::append(folder, "executables");
  return folder.str().str();
}

/// Size and time of the compiler's own file: another build makes other executables.
static std::string identityOfCompiler(const char *argv0) {
  static const int anchor = 0;
  sys::fs::file_status status;
  std::string self = sys::fs::getMainExecutable(argv0, const_cast<int *>(&anchor));
  if (sys::fs::status(self, status))
    return self;
  return self + utostr(status.getSize()) + utostr(status.getLastModificationTime().time_since_epoch().count());
}

static int runRecipe(const char *argv0, ArrayRef<char *> words) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  Compilation compilation(*chosen, argv0);
  if (!compilation.lowerTo(Rung::Tune))
    return compilation.status();
  std::string text = identityOfCompiler(argv0);
  raw_string_ostream(text) << int(chosen->target) << join(chosen->disabledPasses, ",") << chosen->recipe
                           << compilation.module();
  SmallString<256> path(cacheFolder());
  if (std::error_code failure = sys::fs::create_directories(path)) {
    errs() << "ftc: cannot make the folder '" << path << "': " << failure.message() << "\n";
    return CannotWrite;
  }
  std::string hash = toHex(SHA256::hash(arrayRefFromStringRef(text)), /*LowerCase=*/true);
  sys::path::append(path, (sys::path::stem(chosen->recipe) + "-" + StringRef(hash).take_front(16)).str());
  if (!sys::fs::can_execute(path) && (!compilation.lowerTo(Rung::Placed) || !compilation.link(path.str().str())))
    return compilation.status();
  compilation.diagnostics().flush();

  std::string file = path.str().str();
  std::vector<char *> argv = {file.data()};
  argv.insert(argv.end(), words.begin(), words.end());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  errs() << "ftc: cannot run '" << path << "': " << std::string(strerror(errno)) << "\n";
  return InternalError;
}
