//===- Executable.cpp - executables of recipes, cached ---------------------===//

#include "Executable.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include "llvm/TargetParser/Host.h"

#include <cerrno>
#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ftc;
using namespace llvm;

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

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

std::string ftc::makeExecutable(Compilation &compilation, const CompileOptions &chosen, const char *argv0,
                                int &status) {
  auto failed = [&] {
    status = compilation.status();
    return std::string();
  };
  if (!compilation.lowerTo(Rung::Tune))
    return failed();
  std::string text = identityOfCompiler(argv0);
  raw_string_ostream(text) << int(chosen.target)
                           << (chosen.processor.empty() ? sys::getHostCPUName() : StringRef(chosen.processor)) << ","
                           << join(chosen.disabledPasses, ",") << chosen.recipe << compilation.module();
  SmallString<256> path(cacheFolder());
  if (std::error_code failure = sys::fs::create_directories(path)) {
    errs() << "ftc: cannot make the folder '" << path << "': " << failure.message() << "\n";
    status = CannotWrite;
    return "";
  }
  std::string hash = toHex(SHA256::hash(arrayRefFromStringRef(text)), /*LowerCase=*/true);
  sys::path::append(path, (sys::path::stem(chosen.recipe) + "-" + StringRef(hash).take_front(16)).str());
  std::string file = path.str().str();
  if (!sys::fs::can_execute(path) && !compilation.link(file))
    return failed();
  compilation.diagnostics().flush();
  return file;
}

//===----------------------------------------------------------------------===//
// Children
//===----------------------------------------------------------------------===//

static volatile std::sig_atomic_t child = 0;

static void forward(int signal) {
  if (child > 0)
    kill(child, signal);
}

/// What the child does: it becomes the program, in a process group of its own, so that a signal of the terminal reaches
/// it once and through its parent; it is asked to stop if that is gone.
[[noreturn]] static void become(std::vector<char *> &argv) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  execv(argv[0], argv.data());
  _exit(127);
}

int ftc::runChild(const std::string &path, ArrayRef<std::string> words) {
  std::vector<char *> argv = {const_cast<char *>(path.c_str())};
  for (const std::string &word : words)
    argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  struct sigaction action = {}, earlierInterrupt, earlierTerminate;
  action.sa_handler = forward;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &earlierInterrupt);
  sigaction(SIGTERM, &action, &earlierTerminate);
  int status = 127 << 8;
  pid_t pid = fork();
  if (pid == 0)
    become(argv);
  child = pid;
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  child = 0;
  sigaction(SIGINT, &earlierInterrupt, nullptr);
  sigaction(SIGTERM, &earlierTerminate, nullptr);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
