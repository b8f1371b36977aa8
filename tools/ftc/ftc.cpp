//===- ftc.cpp - the compiler's command line ------------------------------===//

#include "Command.h"

#include "llvm/Support/InitLLVM.h"

#include <algorithm>

using namespace ftc;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::setBugReportMsg("ftc: this is a bug of the compiler, please report it with the recipe and this text\n");
  for (Command *command : Command::all())
    llvm::cl::HideUnrelatedOptions(optionCategory(), command->sub());
  char **end = std::find(argv + 1, argv + argc, llvm::StringRef("--"));
  if (!llvm::cl::ParseCommandLineOptions(end - argv, argv, "ftc: compiles a fine-tuning recipe to an executable\n",
                                         &llvm::errs()))
    return WrongUsage;
  return Command::chosen()(argv[0], llvm::ArrayRef<char *>(end, argv + argc).drop_front(end != argv + argc));
}
