//===- Command.cpp - what the commands share ------------------------------===//

#include "Command.h"

#include "ftc/Target/Processor.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BuryPointer.h"

using namespace ftc;
namespace cl = llvm::cl;

cl::OptionCategory &ftc::optionCategory() {
  static cl::OptionCategory category("Options of ftc");
  return category;
}

static std::vector<Command *> &registry() {
  static std::vector<Command *> commands;
  return commands;
}

Command::Command(llvm::StringRef name, llvm::StringRef description, Run run)
    : owned(std::make_unique<cl::SubCommand>(name, description)), subCommand(owned.get()), run(run) {
  registry().push_back(this);
}

Command::Command(llvm::StringRef name, llvm::StringRef description, Forward forward)
    : owned(std::make_unique<cl::SubCommand>(name, description)), subCommand(owned.get()), forward(forward) {
  registry().push_back(this);
}

Command::Command(Run run) : subCommand(&cl::SubCommand::getTopLevel()), run(run) { registry().push_back(this); }

int Command::operator()(const char *argv0, llvm::ArrayRef<char *> words) const {
  if (forward)
    return forward(argv0, words);
  if (words.empty())
    return run(argv0);
  llvm::errs() << "ftc: error: only `ftc run` takes options after `--`\n";
  return WrongUsage;
}

llvm::ArrayRef<Command *> Command::all() { return registry(); }

Command &Command::chosen() {
  for (Command *command : registry())
    if (*command->subCommand)
      return *command;
  llvm_unreachable("the top level is always a command");
}

RecipeOptions::RecipeOptions(Command &command)
    : recipe(cl::Positional, cl::desc("RECIPE.ftr"), cl::sub(command.sub()), cl::cat(optionCategory())),
      definitions("D", cl::Prefix, cl::desc("Give an input its value"), cl::value_desc("name=value"),
                  cl::sub(command.sub()), cl::cat(optionCategory())),
      target("target", cl::desc("What to compile for"), cl::init(target::TargetKind::CPU),
             cl::values(clEnumValN(target::TargetKind::CPU, "cpu", "this machine's processor"),
                        clEnumValN(target::TargetKind::Reference, "reference", "the naive judge: f64, one thread")),
             cl::sub(command.sub()), cl::cat(optionCategory())),
      processor("cpu", cl::desc("Processor to compile for, by LLVM's name (default: this machine's)"),
                cl::value_desc("name"), cl::sub(command.sub()), cl::cat(optionCategory())),
      disabled("disable-pass", cl::desc("Leave out a pass"), cl::value_desc("flag"), cl::sub(command.sub()),
               cl::cat(optionCategory())) {}

static bool canLeaveOut(llvm::StringRef flag) {
  if (llvm::is_contained(optionalPasses(), flag))
    return true;
  llvm::errs() << "ftc: error: the pass '" << flag << "' cannot be left out; --disable-pass takes "
               << llvm::join(optionalPasses(), ", ") << "\n";
  return false;
}

std::optional<CompileOptions> RecipeOptions::read() const {
  CompileOptions options;
  options.recipe = recipe;
  options.target = target;
  options.processor = processor;
  options.disabledPasses.assign(disabled.begin(), disabled.end());
  if (recipe.empty()) {
    llvm::errs() << "ftc: error: no recipe given; usage: ftc [command] RECIPE.ftr, see ftc --help\n";
    return std::nullopt;
  }
  if (!llvm::all_of(options.disabledPasses, canLeaveOut))
    return std::nullopt;
  if (!target::isProcessor(processor)) {
    llvm::errs() << "ftc: error: --cpu=" << processor
                 << ": no processor that LLVM knows; for example haswell, skylake-avx512, znver4, x86-64-v3\n";
    return std::nullopt;
  }
  for (llvm::StringRef definition : definitions) {
    auto [name, value] = definition.split('=');
    if (name.empty() || !definition.contains('=')) {
      llvm::errs() << "ftc: error: expected '-D name=value', got '-D " << definition << "'\n";
      return std::nullopt;
    }
    options.defines[name.str()] = value.str();
  }
  return options;
}

int ftc::finish(std::unique_ptr<Compilation> compilation, int status) {
  compilation->diagnostics().flush();
  llvm::BuryPointer(std::move(compilation));
  return status;
}
