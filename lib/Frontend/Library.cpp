//===- Library.cpp - all definitions in sight of a recipe -----------------===//

#include "ftc/Frontend/Library.h"

#include "ftc/Frontend/Parser.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using namespace ftc;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

std::string ftc::standardLibraryPath(const char *argv0) {
  static const int anchor = 0;
  llvm::SmallString<256> folder(path::parent_path(fs::getMainExecutable(argv0, const_cast<int *>(&anchor))));
  path::append(folder, "..", "share", "ftc");
  path::append(folder, "Standard");
  path::remove_dots(folder, /*remove_dot_dot=*/true);
  return folder.str().str();
}

llvm::StringRef ftc::kindName(ast::DefinitionKind kind) {
  static constexpr llvm::StringLiteral names[] = {"adapter", "objective", "schedule", "optimizer", "format",
                                                  "merge",   "module",    "model",    "function"};
  return names[static_cast<unsigned>(kind)];
}

bool DefinitionLibrary::addStandard(const std::string &folder) {
  std::vector<std::string> found;
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(folder, failure), end; entry != end && !failure; entry.increment(failure))
    if (path::extension(entry->path()) == ".ftr")
      found.push_back(entry->path());
  if (failure || found.empty()) {
    diags.report(Diag::CannotReadFile, {}, folder, failure ? failure.message() : "it holds no .ftr file");
    return false;
  }
  std::sort(found.begin(), found.end());
  for (const std::string &name : found) {
    std::unique_ptr<ast::File> file = parsePath(name, diags);
    if (!file)
      return false;
    add(*file, /*standard=*/true);
    files.push_back(std::move(file));
  }
  return diags.errorCount() == 0;
}

bool DefinitionLibrary::addRecipe(const ast::File &file) {
  add(file, /*standard=*/false);
  return addImports(file) && diags.errorCount() == 0;
}

bool DefinitionLibrary::addImports(const ast::File &file) {
  for (const ast::Import &import : file.imports) {
    llvm::SmallString<256> name(path::parent_path(file.path));
    path::append(name, import.path);
    llvm::SmallString<256> real;
    if (!fs::real_path(name, real) && !paths.insert(real.str().str()).second)
      continue; // imported already, or a cycle: its names are in sight either way
    std::unique_ptr<ast::File> imported = parsePath(name.str().str(), diags, import.range);
    if (!imported)
      return false;
    add(*imported, /*standard=*/false);
    files.push_back(std::move(imported));
    if (!addImports(*files.back()))
      return false;
  }
  return true;
}

void DefinitionLibrary::add(const ast::File &file, bool standard) {
  for (const auto &definition : file.definitions)
    definitions[{definition->kind, definition->name.text}].push_back({definition.get(), standard});
  texts += diags.sourceManager().getMemoryBuffer(file.bufferId)->getBuffer();
}

std::vector<const ast::Definition *> DefinitionLibrary::findAll(ast::DefinitionKind kind, llvm::StringRef name) const {
  std::vector<const ast::Definition *> own, standard;
  if (auto found = definitions.find({kind, name.str()}); found != definitions.end())
    for (const Entry &entry : found->second)
      (entry.standard ? standard : own).push_back(entry.definition);
  return own.empty() ? standard : own;
}

const ast::Definition *DefinitionLibrary::find(ast::DefinitionKind kind, llvm::StringRef name) const {
  auto found = findAll(kind, name);
  return found.empty() ? nullptr : found.front();
}

std::vector<llvm::StringRef> DefinitionLibrary::names(ast::DefinitionKind kind) const {
  std::vector<llvm::StringRef> found;
  for (const auto &[key, entries] : definitions)
    if (key.first == kind)
      found.push_back(key.second);
  return found;
}

std::string DefinitionLibrary::fingerprint() const { return texts; }
