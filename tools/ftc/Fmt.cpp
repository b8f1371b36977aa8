//===- Fmt.cpp - ftc fmt --------------------------------------------------===//

#include "Command.h"

#include "ftc/Frontend/Format.h"
#include "ftc/Frontend/Parser.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

using namespace ftc;
namespace cl = llvm::cl;

static int format(const char *argv0);
static Command command("fmt", "Put files into the canonical layout", format);
static cl::list<std::string> files(cl::Positional, cl::desc("FILE..."), cl::sub(command.sub()),
                                   cl::cat(optionCategory()));
static cl::opt<bool> checkOnly("check", cl::desc("Write nothing; fail if a file is not in the canonical layout"),
                               cl::sub(command.sub()), cl::cat(optionCategory()));

/// Writes a file by way of a temporary one beside it.
static bool replace(const std::string &path, llvm::StringRef text) {
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
    out << text;
    return llvm::Error::success();
  });
  if (!error)
    return true;
  llvm::errs() << "ftc: error: cannot write '" << path << "': " << llvm::toString(std::move(error)) << "\n";
  return false;
}

static int formatOne(const std::string &path) {
  llvm::SourceMgr sources;
  Diagnostics diags(sources);
  std::unique_ptr<ast::File> file = parsePath(path, diags);
  if (!file)
    return InputFileIsWrong;
  if (diags.errorCount())
    return RecipeIsWrong;
  std::optional<std::string> text = formatSource(file->bufferId, diags);
  if (!text)
    return RecipeIsWrong;
  if (*text == sources.getMemoryBuffer(file->bufferId)->getBuffer())
    return Success;
  if (checkOnly) {
    llvm::errs() << path << ": not in the canonical layout; 'ftc fmt " << path << "' puts it there\n";
    return RecipeIsWrong;
  }
  return replace(path, *text) ? Success : CannotWrite;
}

static int format(const char *) {
  if (files.empty()) {
    llvm::errs() << "ftc: error: no file given; usage: ftc fmt [--check] FILE...\n";
    return WrongUsage;
  }
  int status = Success;
  for (const std::string &path : files)
    if (int result = formatOne(path))
      status = status ? status : result;
  return status;
}
