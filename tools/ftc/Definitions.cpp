//===- Definitions.cpp ----------------------------------------------------===//

#include "Definitions.h"

#include "Command.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

static constexpr DefinitionKind kinds[] = {
    DefinitionKind::Adapter,   DefinitionKind::Objective, DefinitionKind::Schedule,
    DefinitionKind::Optimizer, DefinitionKind::Format,    DefinitionKind::Merge,
    DefinitionKind::Module,    DefinitionKind::Model,     DefinitionKind::Function};

Definitions::Definitions(llvm::ArrayRef<std::string> subjects, const char *argv0) : diags(manager), known(diags) {
  if (!known.addStandard(standardLibraryPath(argv0)))
    exitStatus = InternalError;
  for (const std::string &subject : subjects) {
    if (exitStatus != Success)
      break;
    StringRef(subject).ends_with(".ftr") ? findInFile(subject) : findByName(subject);
  }
  diags.flush();
}

void Definitions::findInFile(const std::string &path) {
  const File *file = known.loadRecipe(path);
  if (!file || diags.errorCount()) {
    exitStatus = file ? RecipeIsWrong : InputFileIsWrong;
    return;
  }
  for (const auto &definition : file->definitions)
    definitions.push_back(definition.get());
}

void Definitions::findByName(const std::string &name) {
  std::vector<StringRef> names;
  size_t before = definitions.size();
  for (DefinitionKind kind : kinds) {
    llvm::append_range(definitions, known.findAll(kind, name));
    llvm::append_range(names, known.names(kind));
  }
  if (definitions.size() > before)
    return;
  llvm::errs() << "ftc: error: the library has no definition '" << name << "'";
  if (std::string near = nearestSpelling(name, names); !near.empty())
    llvm::errs() << "; did you mean '" << near << "'?";
  llvm::errs() << "\n";
  exitStatus = WrongUsage;
}

std::string Definitions::lineOf(llvm::SMRange range) const {
  return "line " + std::to_string(manager.getLineAndColumn(range.Start).first);
}

std::map<std::string, elaborate::Value> ftc::valuesOf(const std::map<std::string, std::string> &defines) {
  std::map<std::string, elaborate::Value> values;
  for (const auto &[name, text] : defines) {
    int64_t integer;
    double real;
    if (!StringRef(text).getAsInteger(10, integer))
      values[name] = integer;
    else if (!StringRef(text).getAsDouble(real))
      values[name] = real;
    else if (text == "true" || text == "false")
      values[name] = text == "true";
    else
      values[name] = text;
  }
  return values;
}
