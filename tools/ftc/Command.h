//===- Command.h - the commands of ftc -------------------------*- C++ -*-===//
//
// A command is one file of this folder: it declares a Command, its options under
// the command's SubCommand, and a function that runs it.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_TOOLS_FTC_COMMAND_H
#define FTC_TOOLS_FTC_COMMAND_H

#include "ftc/Pipelines/Compilation.h"

#include "llvm/Support/CommandLine.h"

#include <memory>
#include <optional>

namespace ftc {

/// Exit statuses of `ftc`, as documented for users; those of the executables it makes are a superset.
enum ExitStatus : int {
  Success = 0,
  RecipeIsWrong = 1,
  WrongUsage = 2,
  InputFileIsWrong = 3,
  DoesNotFit = 4,
  CannotWrite = 6,
  InternalError = 70
};

/// Options that belong to ftc itself, as against those of the libraries it is linked with.
llvm::cl::OptionCategory &optionCategory();

/// A command: `ftc NAME ... [-- WORDS]`. The command without a name compiles.
class Command {
public:
  using Run = int (*)(const char *argv0);
  /// A command that passes on the words after `--`; the others refuse them.
  using Forward = int (*)(const char *argv0, llvm::ArrayRef<char *> words);
  Command(llvm::StringRef name, llvm::StringRef description, Run run);
  Command(llvm::StringRef name, llvm::StringRef description, Forward forward);
  explicit Command(Run run); ///< the one without a name

  llvm::cl::SubCommand &sub() { return *subCommand; }
  /// The command that the command line names.
  static Command &chosen();
  int operator()(const char *argv0, llvm::ArrayRef<char *> words) const;
  static llvm::ArrayRef<Command *> all();

private:
  std::unique_ptr<llvm::cl::SubCommand> owned;
  llvm::cl::SubCommand *subCommand;
  Run run = nullptr; ///< either this or `forward`
  Forward forward = nullptr;
};

/// `RECIPE.ftr [-D name=value]... [--target=T] [--cpu=NAME] [--disable-pass=FLAG]...`, for every command that reads a
/// recipe.
class RecipeOptions {
public:
  explicit RecipeOptions(Command &command);

  /// What to compile; nothing, after a message, if the command line is wrong (exit status WrongUsage).
  std::optional<CompileOptions> read() const;

private:
  llvm::cl::opt<std::string> recipe;
  llvm::cl::list<std::string> definitions;
  llvm::cl::opt<target::TargetKind> target;
  llvm::cl::opt<std::string> processor;
  llvm::cl::list<std::string> disabled;
};

/// The end of a command that has compiled: `status`. As the process ends, modules are not taken apart op by op.
int finish(std::unique_ptr<Compilation> compilation, int status);

} // namespace ftc

#endif // FTC_TOOLS_FTC_COMMAND_H
