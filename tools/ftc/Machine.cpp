//===- Machine.cpp - ftc machine --------------------------------------------===//
//
// What this machine can do at the moment: the walls that speeds are compared with.
//
//===----------------------------------------------------------------------===//

#include "Command.h"

#include "ftc/Runtime/CPU/Ceiling.h"
#include "ftc/Runtime/CPU/Program.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Host.h"

using namespace ftc;
namespace cl = llvm::cl;

static int measure(const char *argv0);
static Command command("machine", "What this machine can do: multiply-adds and bytes a second", measure);
static cl::opt<bool> asJson("json", cl::desc("Print one JSON object"), cl::sub(command.sub()),
                            cl::cat(optionCategory()));
static cl::opt<int> threads("threads", cl::desc("Number of threads (default: one for each processor)"),
                            cl::value_desc("n"), cl::sub(command.sub()), cl::cat(optionCategory()));
static cl::opt<double> seconds("seconds", cl::desc("How long to measure"), cl::init(0.6), cl::sub(command.sub()),
                               cl::cat(optionCategory()));

static int measure(const char *) {
  constexpr int mostThreads = 4096;
  constexpr double mostSeconds = 3600;
  if (threads < 0 || threads > mostThreads || !(seconds > 0 && seconds <= mostSeconds)) {
    llvm::errs() << "ftc: error: --threads: 1 to " << mostThreads << "; --seconds: above 0, at most an hour\n";
    return WrongUsage;
  }
  if (ftc_set_threads(threads) != 0) {
    llvm::errs() << "ftc: error: no memory for so many threads\n";
    return DoesNotFit;
  }
  cpu::Ceiling ceiling = cpu::measureCeiling(seconds);
  llvm::outs() << llvm::formatv(
      asJson ? "{{\"processor\": \"{0}\", \"threads\": {1}, \"gflops\": {2:f1}, \"gigabytes\": {3:f2}}\n"
             : "{0}, {1} threads: {2:f1} GFLOP/s of f32, {3:f1} GB/s from memory\n",
      llvm::sys::getHostCPUName(), ftc_threads(), ceiling.flops * 1e-9, ceiling.bytes * 1e-9);
  return Success;
}
