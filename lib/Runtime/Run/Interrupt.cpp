//===- Interrupt.cpp - signals -----------------------------------------------===//

#include "ftc/Runtime/Run/Interrupt.h"

#include <csignal>
#include <string_view>
#include <unistd.h>

namespace ftc::run {

static volatile std::sig_atomic_t requested = 0;

static void handle(int) {
  if (requested)
    _exit(130);
  requested = 1;
  constexpr std::string_view message = "\ninterrupted: stopping as soon as nothing is lost (once more: at once)\n";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, message.data(), message.size());
}

/// A page of a file that is no longer there: what has been computed from the file is of no use.
static void handleLostPage(int) {
  constexpr std::string_view message = "\nerror: a file was made shorter while it was being read\n";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, message.data(), message.size());
  _exit(int(runtime::ExitStatus::Input));
}

void installInterruptHandlers() {
  requested = 0;
  struct sigaction action = {};
  action.sa_handler = handle;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = handleLostPage;
  sigaction(SIGBUS, &action, nullptr);
  // A reader of our output that goes away, or a file size limit, is an error of that write, not the end of the process.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

bool interruptRequested() { return requested != 0; }

runtime::Status checkInterrupt() {
  if (!interruptRequested())
    return runtime::Status::success();
  return runtime::makeError(runtime::ExitStatus::Interrupted, "interrupted");
}

} // namespace ftc::run
