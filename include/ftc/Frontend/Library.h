//===- Library.h - all definitions in sight of a recipe --------*- C++ -*-===//

#ifndef FTC_FRONTEND_LIBRARY_H
#define FTC_FRONTEND_LIBRARY_H

#include "ftc/Frontend/AST.h"
#include "ftc/Frontend/Diagnostics.h"

#include <map>
#include <set>

namespace ftc {

/// Folder of the standard library: `../share/ftc/Standard` beside the running program.
std::string standardLibraryPath(const char *argv0);

/// Definitions of the standard library and of a recipe with its imports. A recipe's own definition hides the standard
/// ones of its kind and name.
class DefinitionLibrary {
public:
  explicit DefinitionLibrary(Diagnostics &diags) : diags(diags) {}

  /// Parses every .ftr file below `folder`. False after errors.
  bool addStandard(const std::string &folder);
  /// Adds the definitions of a recipe and of what it imports, directly or not. `file` must outlive the library.
  bool addRecipe(const ast::File &file);

  /// The definitions of that name (an adapter may have one for each kind of site, an optimizer one `on [m, n]`).
  std::vector<const ast::Definition *> findAll(ast::DefinitionKind kind, llvm::StringRef name) const;
  /// The only one of that name, or the first; null if there is none.
  const ast::Definition *find(ast::DefinitionKind kind, llvm::StringRef name) const;
  /// All names of a kind, sorted: for messages.
  std::vector<llvm::StringRef> names(ast::DefinitionKind kind) const;
  /// The text of all files: what an identity of a compilation has to include.
  std::string fingerprint() const;

  Diagnostics &diagnostics() { return diags; }

private:
  using Key = std::pair<ast::DefinitionKind, std::string>;
  struct Entry {
    const ast::Definition *definition;
    bool standard;
  };

  bool addImports(const ast::File &file);
  void add(const ast::File &file, bool standard);

  Diagnostics &diags;
  std::vector<std::unique_ptr<ast::File>> files;
  std::set<std::string> paths; ///< of files that are in, real paths
  std::map<Key, std::vector<Entry>> definitions;
  std::string texts;
};

/// "adapter", "optimizer": for messages.
llvm::StringRef kindName(ast::DefinitionKind kind);

} // namespace ftc

#endif // FTC_FRONTEND_LIBRARY_H
