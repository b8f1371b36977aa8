//===- Library.h - all definitions that a recipe can name ------*- C++ -*-===//
//
// The standard library (lib/Standard) and the files of the user: the recipe and
// what it imports. A name is looked up from the file that uses it: in the file
// itself, in its imports, in the recipe's files, in the standard library. So a
// user's definition hides a standard one, and never changes what another
// standard definition means.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_FRONTEND_LIBRARY_H
#define FTC_FRONTEND_LIBRARY_H

#include "ftc/Frontend/AST.h"
#include "ftc/Frontend/Diagnostics.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <optional>

namespace ftc {

class DefinitionLibrary {
public:
  explicit DefinitionLibrary(Diagnostics &diags) : diags(diags) {}

  /// Parses every .ftr file under the folder of the standard library; false after errors.
  bool addStandard(const std::string &folder);
  /// Parses the recipe and its imports, which are relative to the file that names them; null if it cannot be read.
  const ast::File *loadRecipe(const std::string &path);
  /// The same of a recipe that is parsed already and outlives the library; false after errors.
  bool addRecipe(const ast::File &file);

  /// The recipe, or null.
  const ast::File *recipe() const { return recipeFile; }
  /// The recipe and its imports, in order of reading.
  const std::vector<const ast::File *> &userFiles() const { return users; }

  /// All definitions of a name that are in sight from a file (the recipe if null): those of the nearest scope that
  /// has one. There are several where a name is defined for several kinds of site.
  std::vector<const ast::Definition *> findAll(ast::DefinitionKind kind, llvm::StringRef name,
                                               const ast::File *from = nullptr) const;
  /// The definition for a kind of site (`linear`); without one, the first. Null if there is none.
  const ast::Definition *find(ast::DefinitionKind kind, llvm::StringRef name, llvm::StringRef siteKind = "",
                              const ast::File *from = nullptr) const;
  /// The names of all definitions of a kind that are in sight from the recipe, sorted: candidates for spelling.
  std::vector<llvm::StringRef> names(ast::DefinitionKind kind) const;
  /// Parses the files of a folder that brings definitions of its own: they see each other and the standard library, and
  /// are seen by nothing else. Nothing after errors.
  std::optional<std::vector<const ast::File *>> addFolder(const std::string &folder, llvm::ArrayRef<std::string> names,
                                                          llvm::SMRange from);
  /// The files that a definition of a file may need, the file itself first: all of the user's, or the file.
  std::vector<const ast::File *> filesAround(const ast::File *file) const;
  /// The text of a file's definitions and clauses, without imports and what belongs to a recipe.
  std::string definitionText(const ast::File &file) const;
  /// The `peft TYPE { ... }` clauses outside of definitions, the user's first.
  std::vector<const ast::FilesItem *> clauses(llvm::StringRef type) const;
  /// The file that holds a definition.
  const ast::File *fileOf(const ast::Definition *definition) const { return owners.lookup(definition); }
  /// Whether a definition is the user's own.
  bool isUsers(const ast::Definition *definition) const;
  /// Whether one of the user's files defines something of that name.
  bool userDefines(llvm::StringRef name) const;
  /// The text of all definitions of a kind, the user's first.
  std::string textOf(ast::DefinitionKind kind) const;

  Diagnostics &diagnostics() { return diags; }

private:
  struct Loaded {
    const ast::File *file = nullptr;
    std::unique_ptr<ast::File> owned;
    std::vector<const ast::File *> imports;
    bool complete = false; ///< its imports have been read: meeting it again is no cycle
  };
  Loaded *load(const std::string &path, llvm::SMRange from, std::vector<const ast::File *> *order);
  void enter(Loaded &loaded, const ast::File &file, std::vector<const ast::File *> *order);
  void loadImports(Loaded &loaded, std::vector<const ast::File *> *order);
  void checkDuplicates(const ast::File &file);
  bool collect(const ast::File *file, ast::DefinitionKind kind, llvm::StringRef name,
               std::vector<const ast::Definition *> &found) const;
  bool collectImports(const ast::File *file, ast::DefinitionKind kind, llvm::StringRef name,
                      std::vector<const ast::Definition *> &found, std::vector<const ast::File *> &seen) const;

  Diagnostics &diags;
  std::map<std::string, Loaded> files; ///< by real path
  llvm::DenseMap<const ast::File *, const Loaded *> loadedOf;
  llvm::DenseMap<const ast::Definition *, const ast::File *> owners;
  std::vector<const ast::File *> standard, users;
  const ast::File *recipeFile = nullptr;
  std::vector<std::vector<const ast::File *>> folders; ///< files of each folder that was added
};

/// "adapter", "objective", ...
llvm::StringRef kindName(ast::DefinitionKind kind);

/// The folder of the standard library, found from the executable: ../share/ftc/Standard.
std::string standardLibraryPath(const char *argv0);

} // namespace ftc

#endif // FTC_FRONTEND_LIBRARY_H
