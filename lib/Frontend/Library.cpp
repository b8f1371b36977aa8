//===- Library.cpp - reading files and finding definitions ----------------===//

#include "ftc/Frontend/Library.h"

#include "CheckEquations.h"

#include "ftc/Frontend/Parser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::SMRange;
using llvm::StringRef;

StringRef ftc::kindName(DefinitionKind kind) {
  switch (kind) {
  case DefinitionKind::Adapter:
    return "adapter";
  case DefinitionKind::Objective:
    return "objective";
  case DefinitionKind::Schedule:
    return "schedule";
  case DefinitionKind::Optimizer:
    return "optimizer";
  case DefinitionKind::Format:
    return "format";
  case DefinitionKind::Merge:
    return "merge";
  case DefinitionKind::Module:
    return "module";
  case DefinitionKind::Model:
    return "model";
  case DefinitionKind::Function:
    return "function";
  }
  llvm_unreachable("a kind of definition without a name");
}

std::string ftc::standardLibraryPath(const char *argv0) {
  // The address of any function of the executable tells where it lies if argv0 does not.
  std::string executable = llvm::sys::fs::getMainExecutable(argv0, reinterpret_cast<void *>(&standardLibraryPath));
  llvm::SmallString<256> path(llvm::sys::path::parent_path(executable));
  llvm::sys::path::append(path, "..", "share", "ftc", "Standard");
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return path.str().str();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

bool DefinitionLibrary::addStandard(const std::string &folder) {
  unsigned before = diags.errorCount();
  std::vector<std::string> paths;
  std::error_code error;
  for (llvm::sys::fs::recursive_directory_iterator entry(folder, error), end; entry != end && !error;
       entry.increment(error))
    if (StringRef(entry->path()).ends_with(".ftr"))
      paths.push_back(entry->path());
  if (paths.empty()) {
    diags.report(Diag::CannotReadFile, SMRange(), folder, "the standard library is not there");
    return false;
  }
  llvm::sort(paths);
  for (const std::string &path : paths)
    load(path, SMRange(), &standard);
  return diags.errorCount() == before;
}

const File *DefinitionLibrary::loadRecipe(const std::string &path) {
  if (Loaded *loaded = load(path, SMRange(), &users))
    recipeFile = loaded->file;
  return recipeFile;
}

static std::string realPath(const std::string &path) {
  llvm::SmallString<256> real;
  return llvm::sys::fs::real_path(path, real) ? path : real.str().str();
}

bool DefinitionLibrary::addRecipe(const File &file) {
  unsigned before = diags.errorCount();
  recipeFile = &file;
  enter(files[realPath(file.path)], file, &users);
  return diags.errorCount() == before;
}

/// Reads a file and what it imports; a file that was read before is not read again.
DefinitionLibrary::Loaded *DefinitionLibrary::load(const std::string &path, SMRange from,
                                                   std::vector<const File *> *order) {
  auto [place, isNew] = files.try_emplace(realPath(path));
  Loaded &loaded = place->second;
  if (!isNew) {
    if (!loaded.complete && loaded.file)
      diags.report(Diag::ImportCycle, from, path).help("move what both files need to a third one");
    return loaded.file ? &loaded : nullptr;
  }
  loaded.owned = parsePath(path, diags, from);
  if (!loaded.owned)
    return nullptr;
  enter(loaded, *loaded.owned, order);
  return &loaded;
}

void DefinitionLibrary::enter(Loaded &loaded, const File &file, std::vector<const File *> *order) {
  loaded.file = &file;
  order->push_back(&file);
  loadedOf[&file] = &loaded;
  for (const auto &definition : file.definitions)
    owners[definition.get()] = &file;
  checkDuplicates(file);
  for (const auto &definition : file.definitions)
    checkEquations(*definition, diags);
  loadImports(loaded, order);
  loaded.complete = true;
}

void DefinitionLibrary::loadImports(Loaded &loaded, std::vector<const File *> *order) {
  StringRef folder = llvm::sys::path::parent_path(loaded.file->path);
  for (const Import &import : loaded.file->imports) {
    llvm::SmallString<256> path(folder);
    if (llvm::sys::path::is_absolute(import.path)) {
      diags.report(Diag::AbsoluteImport, import.range, import.path);
      continue;
    }
    llvm::sys::path::append(path, import.path);
    llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
    Loaded *imported = load(path.str().str(), import.range, order);
    if (!imported)
      continue;
    loaded.imports.push_back(imported->file);
    bool isStandard = order == &standard;
    if (!isStandard &&
        !(imported->file->bindings.empty() && imported->file->saves.empty() && imported->file->inputs.empty()))
      diags.report(Diag::ImportOfRecipe, import.range, import.path)
          .help("only definitions are imported; bindings, inputs and saves belong to the recipe itself");
  }
}

std::optional<std::vector<const File *>> DefinitionLibrary::addFolder(const std::string &folder,
                                                                      llvm::ArrayRef<std::string> names, SMRange from) {
  unsigned before = diags.errorCount();
  std::vector<const File *> added;
  for (const std::string &name : names) {
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, name);
    Loaded &loaded = files[realPath(path.str().str())];
    if (!loaded.file) {
      loaded.owned = parsePath(path.str().str(), diags, from);
      if (!loaded.owned)
        return std::nullopt;
      for (const Import &import : loaded.owned->imports)
        diags.report(Diag::ImportInFolder, import.range, import.path);
      loaded.owned->imports.clear();
      std::vector<const File *> order;
      enter(loaded, *loaded.owned, &order);
    }
    added.push_back(loaded.file);
  }
  folders.push_back(added);
  return diags.errorCount() == before ? std::optional(std::move(added)) : std::nullopt;
}

std::vector<const File *> DefinitionLibrary::filesAround(const File *file) const {
  for (const std::vector<const File *> &folder : folders)
    if (llvm::is_contained(folder, file))
      return folder;
  std::vector<const File *> around = {file};
  if (llvm::is_contained(users, file))
    llvm::copy_if(users, std::back_inserter(around), [&](const File *other) { return other != file; });
  return around;
}

std::string DefinitionLibrary::definitionText(const File &file) const {
  std::vector<SMRange> ranges;
  for (const auto &definition : file.definitions)
    ranges.push_back(definition->range);
  for (const auto &clause : file.clauses)
    ranges.push_back(clause->range);
  llvm::sort(ranges, [](SMRange a, SMRange b) { return a.Start.getPointer() < b.Start.getPointer(); });
  std::string text;
  for (SMRange range : ranges)
    text += std::string(range.Start.getPointer(), range.End.getPointer()) + "\n";
  return text;
}

/// What makes two definitions of one name different ones: the kind of site, or for optimizers the number of axes.
static std::string overloadOf(const Definition &definition) {
  if (!definition.site)
    return "";
  std::string key = definition.site->name.text;
  if (definition.kind == DefinitionKind::Optimizer && definition.site->axes)
    key += std::to_string(definition.site->axes->size());
  return key;
}

void DefinitionLibrary::checkDuplicates(const File &file) {
  std::map<std::tuple<DefinitionKind, std::string, std::string>, const Definition *> seen;
  for (const auto &definition : file.definitions) {
    auto key = std::make_tuple(definition->kind, definition->name.text, overloadOf(*definition));
    auto [place, isNew] = seen.try_emplace(key, definition.get());
    if (!isNew)
      diags.report(Diag::DuplicateDefinition, definition->name.range, kindName(definition->kind), definition->name.text)
          .note(place->second->name.range, "first defined here");
  }
}

//===----------------------------------------------------------------------===//
// Finding
//===----------------------------------------------------------------------===//

bool DefinitionLibrary::isUsers(const Definition *definition) const {
  return llvm::is_contained(users, fileOf(definition));
}

bool DefinitionLibrary::userDefines(StringRef name) const {
  return llvm::any_of(users, [&](const File *file) {
    return llvm::any_of(file->definitions, [&](const auto &definition) { return definition->name.text == name; });
  });
}

bool DefinitionLibrary::collect(const File *file, DefinitionKind kind, StringRef name,
                                std::vector<const Definition *> &found) const {
  for (const auto &definition : file->definitions)
    if (definition->kind == kind && definition->name.text == name)
      found.push_back(definition.get());
  return !found.empty();
}

bool DefinitionLibrary::collectImports(const File *file, DefinitionKind kind, StringRef name,
                                       std::vector<const Definition *> &found, std::vector<const File *> &seen) const {
  const Loaded *loaded = loadedOf.lookup(file);
  for (const File *imported : loaded->imports) {
    if (llvm::is_contained(seen, imported))
      continue;
    seen.push_back(imported);
    if (collect(imported, kind, name, found) || collectImports(imported, kind, name, found, seen))
      return true;
  }
  return false;
}

std::vector<const Definition *> DefinitionLibrary::findAll(DefinitionKind kind, StringRef name,
                                                           const File *from) const {
  std::vector<const Definition *> found;
  std::vector<const File *> seen;
  if (!from)
    from = recipeFile;
  if (from && (collect(from, kind, name, found) || collectImports(from, kind, name, found, seen)))
    return found;
  // What is the user's own is in sight from the user's files only.
  if (!from || llvm::is_contained(users, from)) {
    for (const File *file : users)
      if (collect(file, kind, name, found))
        return found;
  }
  for (const std::vector<const File *> &folder : folders)
    if (llvm::is_contained(folder, from))
      for (const File *file : folder)
        if (collect(file, kind, name, found))
          return found;
  for (const File *file : standard)
    if (collect(file, kind, name, found))
      return found;
  return found;
}

const Definition *DefinitionLibrary::find(DefinitionKind kind, StringRef name, StringRef siteKind,
                                          const File *from) const {
  for (const Definition *definition : findAll(kind, name, from))
    if (siteKind.empty() || (definition->site && definition->site->name.text == siteKind))
      return definition;
  return nullptr;
}

std::vector<StringRef> DefinitionLibrary::names(DefinitionKind kind) const {
  std::vector<StringRef> result;
  for (const auto *list : {&users, &standard})
    for (const File *file : *list)
      for (const auto &definition : file->definitions)
        if (definition->kind == kind)
          result.push_back(definition->name.text);
  llvm::sort(result);
  result.erase(llvm::unique(result), result.end());
  return result;
}

std::vector<const FilesItem *> DefinitionLibrary::clauses(StringRef type) const {
  std::vector<const FilesItem *> found;
  for (const auto *list : {&users, &standard})
    for (const File *file : *list)
      for (const auto &clause : file->clauses)
        if (clause->type.text == type)
          found.push_back(clause.get());
  return found;
}

std::string DefinitionLibrary::textOf(DefinitionKind kind) const {
  std::string texts;
  std::vector<const std::vector<const File *> *> lists = {&users, &standard};
  for (const std::vector<const File *> &folder : folders)
    lists.push_back(&folder);
  for (const auto *list : lists)
    for (const File *file : *list)
      for (const auto &definition : file->definitions)
        if (definition->kind == kind)
          texts.append(definition->range.Start.getPointer(), definition->range.End.getPointer());
  return texts;
}
