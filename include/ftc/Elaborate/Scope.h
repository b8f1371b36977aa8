//===- Scope.h - names and their lazily found values -----------*- C++ -*-===//
//
// The order of a definition's items means nothing, so a name is bound to a way
// to find its value, used at the first look-up. Values that do not depend on
// the program being built are kept for good; the others for one pass.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_SCOPE_H
#define FTC_ELABORATE_SCOPE_H

#include "ftc/Elaborate/Value.h"

#include "llvm/ADT/StringMap.h"

namespace ftc::elaborate {

/// A set of names around which another may stand; owned by the Elaborator.
class Scope {
public:
  using Thunk = std::function<Value(Evaluator &)>;

  struct Entry {
    Thunk thunk;
    Value value;
    unsigned pass = 0;   ///< the pass for which `value` holds; see Evaluator
    bool busy = false;   ///< being evaluated: a second look-up is a cycle
    Dim dim = nullptr;   ///< made when an integer's name is used as a dimension
    llvm::SMRange range; ///< where the name was bound
  };

  explicit Scope(Scope *parent = nullptr) : parentScope(parent) {}

  /// Binds a name; false if this scope has it already.
  bool define(llvm::StringRef name, Thunk thunk, llvm::SMRange range = {});
  bool define(llvm::StringRef name, Value value, llvm::SMRange range = {});
  /// Binds a name, replacing an earlier binding.
  void redefine(llvm::StringRef name, Value value);
  void redefine(llvm::StringRef name, Thunk thunk);
  /// The same for a value of the program being built: what is found from it is found anew in the next program.
  void redefineInPass(llvm::StringRef name, Value value);

  /// The entry of the nearest scope that has the name, or null.
  Entry *find(llvm::StringRef name);
  Entry *findHere(llvm::StringRef name);
  Scope *parent() const { return parentScope; }
  /// All names in sight, for spelling hints.
  std::vector<llvm::StringRef> names() const;
  /// The name that this scope or one around it gives to a dimension, or the dimension's own.
  std::string nameOf(Dim dim) const;

  /// The file whose definitions are in sight; of the nearest scope that says.
  const ast::File *file() const { return ownFile || !parentScope ? ownFile : parentScope->file(); }
  void setFile(const ast::File *file) { ownFile = file; }
  /// The scope of the whole definition that this one is in.
  const Scope *definition() const { return ownFile || !parentScope ? this : parentScope->definition(); }

  /// Equations of a `where`, so that the scope can be made again under another parent (`over: sites`).
  llvm::ArrayRef<ast::Equation> where;

private:
  Scope *parentScope;
  const ast::File *ownFile = nullptr;
  llvm::StringMap<Entry> entries;
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_SCOPE_H
