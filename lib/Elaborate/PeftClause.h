//===- PeftClause.h - what `peft` clauses say -------------------*- C++ -*-===//
//
// Keys and tensors of a definition's clause, with those that all definitions of its type share, and the forms that the
// value of a key may have. Reader and writer both work from these.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_ELABORATE_PEFTCLAUSE_H
#define FTC_LIB_ELABORATE_PEFTCLAUSE_H

#include "Evaluator.h"

#include "ftc/Runtime/IO/Json.h"

namespace ftc::elaborate {

/// Absent, or a value by which PEFT says that something is not used.
bool isBlank(const runtime::json::Value *value);
/// Equal, numbers by what they count; two blank values are the same.
bool isSame(const runtime::json::Value &a, const runtime::json::Value &b);

/// A key of adapter_config.json and what it means.
struct PeftKey {
  enum class Form {
    Nothing,    ///< `_`: neither read nor written
    Unread,     ///< `_(e)`: written as e, whatever is read
    Constant,   ///< `e`: what it must be
    OneOf,      ///< `one_of(e, ...)`: one of these; the first is written
    PerSite,    ///< `per_site(e)`: sites that differ, by patterns of their paths
    SitesWhere, ///< `sites_where(e)`: the list of sites where e holds
    Tensors,    ///< `tensors("T")`: whose tensors T are trained: "all", "<type>_only" of the adapted modules, or "none"
    Below,      ///< `below(e)`: an object that names the directories of the e lines below, which stay as they are
    Counts,     ///< `counts(e, "T")`: lists of booleans by paths of tensors T; e is how many are true. Written as null
    Formula     ///< any other: the value, the same at all sites
  };
  llvm::StringRef name;
  Form form;
  const ast::Expr *value;                ///< e; of OneOf the first
  std::vector<const ast::Expr *> others; ///< of a form: all of its arguments

  PeftKey(llvm::StringRef name, const ast::Expr &meaning);
  /// The name that the value is, empty if it is another expression.
  llvm::StringRef parameter() const;
};

/// A clause of a definition.
struct PeftClause {
  const ast::Definition *definition;
  llvm::StringRef type; ///< "_": it joins the directories of other methods
  std::vector<PeftKey> keys;
  std::vector<const ast::FilesItem::Tensor *> tensors; ///< the clause's own first
  size_t ownTensors = 0;

  /// Whether a line stands outside of the definition.
  bool isShared(const ast::FilesItem::Tensor &line) const {
    return !llvm::is_contained(llvm::ArrayRef(tensors).take_front(ownTensors), &line);
  }
  /// Whether the clause itself names tensors under the path of a site. A method that does not chooses no modules.
  bool isUnderSites() const;
  bool joins() const { return type == "_"; }
  /// Whether the directory leaves out the adapters below, which have directories of their own.
  bool standsOnOthers() const {
    return llvm::any_of(keys, [](const PeftKey &key) { return key.form == PeftKey::Form::Below; });
  }
  /// The T of a key `tensors("T")`, or empty: the clause is for such tensors alone.
  llvm::StringRef tensorName() const;
  const PeftKey *key(llvm::StringRef name) const;
};

/// The clauses of a definition. Those of a type have the keys and tensors that `peft TYPE` and `peft _` outside of
/// definitions add, unless they have a line of that name themselves.
std::vector<PeftClause> peftClauses(Elaborator &elaborator, const ast::Definition &definition);

/// Words by which PEFT chooses modules for every method. A clause that lists one says that the method has the key; what
/// it is follows from the sites.
bool choosesModules(llvm::StringRef key);

/// A number as PEFT writes it: without a fraction where it has none.
runtime::json::Value writtenNumber(runtime::json::Value value);

/// PEFT's own wrappers stand before a module's path.
inline constexpr llvm::StringLiteral peftWrapper = "base_model.model.";

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_PEFTCLAUSE_H
