//===- ftc.cpp - the compiler's command line ------------------------------===//

#include "Command.h"

#include "llvm/Support/InitLLVM.h"

using namespace ftc;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::setBugReportMsg("ftc: this is a bug of the compiler, please report it with the recipe and this text\n");
  for (Command *command : Command::all())
    llvm::cl::HideUnrelatedOptions(optionCategory(), command->sub());
  if (!llvm::cl::ParseCommandLineOptions(argc, argv, "ftc: compiles a fine-tuning recipe to an executable\n",
                                         &llvm::errs()))
    return WrongUsage;
  return Command::chosen()(argv[0]);
}
