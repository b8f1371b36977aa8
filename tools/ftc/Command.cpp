//===- Command.cpp - what the commands share ------------------------------===//

#include "Command.h"

#include "ftc/Conversion/RecipeToTune.h"

#include "llvm/Support/FileSystem.h"

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

Command::Command(Run run) : subCommand(&cl::SubCommand::getTopLevel()), run(run) { registry().push_back(this); }

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
                  cl::sub(command.sub()), cl::cat(optionCategory())) {}

std::optional<std::map<std::string, std::string>> RecipeOptions::defines() const {
  std::map<std::string, std::string> values;
  for (llvm::StringRef definition : definitions) {
    auto [name, value] = definition.split('=');
    if (name.empty() || !definition.contains('=')) {
      llvm::errs() << "ftc: error: expected '-D name=value', got '-D " << definition << "'\n";
      return std::nullopt;
    }
    values[name.str()] = value.str();
  }
  return values;
}

mlir::OwningOpRef<mlir::ModuleOp> Session::read(const RecipeOptions &options, int &status) {
  auto defines = options.defines();
  if (options.path().empty())
    llvm::errs() << "ftc: error: no recipe given; usage: ftc [command] RECIPE.ftr, see ftc --help\n";
  if (options.path().empty() || !defines) {
    status = WrongUsage;
    return {};
  }
  if (!llvm::sys::fs::exists(options.path())) {
    diags.report(Diag::CannotReadFile, {}, options.path(), "no such file");
    status = InputFileIsWrong;
    return {};
  }
  status = InternalError;
  if (!library.addStandard(standardLibraryPath(argv0)))
    return {};
  auto module = buildRecipe(options.path(), *defines, library, context);
  status = module ? Success : diags.errorCount() ? RecipeIsWrong : InternalError;
  return module;
}

mlir::OwningOpRef<mlir::ModuleOp> Session::convert(mlir::ModuleOp recipe, int &status) {
  auto module = convertRecipeToTune(recipe, library, diags, status);
  if (!module && !diags.errorCount())
    status = InternalError;
  return module;
}
