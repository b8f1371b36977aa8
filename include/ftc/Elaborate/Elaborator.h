//===- Elaborator.h - what one compilation shares --------------*- C++ -*-===//
//
// Definitions are evaluated, never interpreted at run time: the elaborator owns
// the scopes, dimensions and tensors of one compilation, and gives the entry
// points by which a recipe's expressions become values.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_ELABORATOR_H
#define FTC_ELABORATE_ELABORATOR_H

#include "ftc/Elaborate/Scope.h"
#include "ftc/Elaborate/TensorTable.h"
#include "ftc/Frontend/Diagnostics.h"
#include "ftc/Frontend/Library.h"

#include "mlir/IR/Location.h"

#include "llvm/ADT/DenseMap.h"

#include <set>

namespace ftc::elaborate {

class Elaborator {
public:
  Elaborator(DefinitionLibrary &library, Diagnostics &diags, mlir::ModuleOp module);

  /// Evaluates an expression of the recipe: numbers, lists, `lora(rank: 8)`, maps. Names are those bound with `bind`
  /// and the library's definitions. An error value after messages.
  Value evaluate(const ast::Expr &expr);
  /// The same with the names of a definition in sight.
  Value evaluateIn(const ast::Expr &expr, Scope &scope);
  /// Makes a name of the recipe (an `input`) known to `evaluate`.
  void bind(llvm::StringRef name, Value value);

  DefinitionLibrary &library() { return definitions; }
  Diagnostics &diagnostics() { return diags; }
  DimensionTable &dimensions() { return dims; }
  TensorTable &tensors() { return table; }
  mlir::ModuleOp module() { return moduleOp; }
  /// Constants: `pi`, `true`, `none` ...
  Scope &globals() { return *globalScope; }
  Scope &recipe() { return *recipeScope; }
  Scope &newScope(Scope *parent);
  /// A scope for the body of a definition, where the definitions of its file are in sight.
  Scope &definitionScope(const ast::Definition &definition);
  /// Makes the scopes of the sites that one line of an `adapt` selects known to each other.
  void setBeside(std::vector<Scope *> scopes);
  /// Those beside the one that a scope is in, itself included, in order of sites; empty where there are none.
  llvm::ArrayRef<Scope *> sitesBeside(const Scope &scope) const;
  /// All definitions of a name, of any kind, in sight from a scope: a function, or an Applied without arguments; an
  /// error value if there are none.
  Value definition(llvm::StringRef name, Scope &scope);
  /// A number that no other use of chance in this compilation has.
  int64_t nextSite() { return site++; }
  /// The number that the next use gets: `setNextSite` takes back those of a run that only looks.
  int64_t upcomingSite() const { return site; }
  void setNextSite(int64_t next) { site = next; }
  /// A place in a source file as ops carry it; what is computed does not depend on it.
  mlir::Location locationOf(llvm::SMRange range);
  /// True the first time that it is asked about a key: whether something is to be proven still.
  bool toProve(const std::string &key) { return proven.insert(key).second; }
  /// A number for each evaluation of a program or pass, see Evaluator; 0 is compile time.
  unsigned nextPass() { return ++pass; }

private:
  Value findDefinition(llvm::StringRef name, const ast::File *from) const;

  DefinitionLibrary &definitions;
  Diagnostics &diags;
  mlir::ModuleOp moduleOp;
  DimensionTable dims;
  TensorTable table;
  std::deque<Scope> scopes;
  Scope *globalScope, *recipeScope;
  int64_t site = 0;
  unsigned pass = 0;
  llvm::DenseMap<std::pair<const char *, const char *>, mlir::LocationAttr> locations;
  llvm::DenseMap<const ast::File *, llvm::StringMap<Value>> definitionsFrom; ///< a file, once they have been looked for
  std::set<std::string> proven;
  std::deque<std::vector<Scope *>> siteScopes;
  llvm::DenseMap<const Scope *, const std::vector<Scope *> *> beside;
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_ELABORATOR_H
