//===- AST.h - the syntax tree of a .ftr file ------------------*- C++ -*-===//
//
// One tree for both layers of the language: recipes (bindings, inputs, saves)
// and definitions (adapters, objectives, optimizers, ...). The tree says what
// was written; names are resolved by Sema (recipes) and Elaborate (definitions).
//
//===----------------------------------------------------------------------===//

#ifndef FTC_FRONTEND_AST_H
#define FTC_FRONTEND_AST_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/SMLoc.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ftc::ast {

struct Expr;
struct Definition;
using ExprPtr = std::unique_ptr<Expr>;

/// A word and where it stands; primes are part of the word (`rank'`).
struct Name {
  std::string text;
  llvm::SMRange range;
  explicit operator bool() const { return !text.empty(); }
};

//===----------------------------------------------------------------------===//
// Types and axes
//===----------------------------------------------------------------------===//

/// One axis of `[rank, (blocks, block), 1]`: a name, an integer, or a group of names that are joined.
struct Axis {
  std::vector<Name> names; ///< one name, or several for a group; empty for an integer
  std::optional<int64_t> integer;
  Name pieces; ///< `out by k`, in files alone: of out a piece for each index of k; empty if not written
  llvm::SMRange range;
};

/// `int`, `real`, `model`, `[model]`, `[rank, in]`, `u4[rows, n]`, `[] as f16`.
struct Type {
  Name element;                          ///< empty: real
  std::optional<std::vector<Axis>> axes; ///< absent: not a tensor; `[]` is a scalar tensor
  ExprPtr storedAs;                      ///< `as` expression or null
  llvm::SMRange range;
};

//===----------------------------------------------------------------------===//
// Selectors and maps
//===----------------------------------------------------------------------===//

/// One component of a selector: `**`, or alternatives of glob patterns with an optional index range.
struct SelectorPart {
  bool anyDepth = false;          ///< `**`
  std::vector<std::string> globs; ///< alternatives; `*` matches any part of one component
  ExprPtr from, to;               ///< `[from]` or `[from..to]`, both ends included; null if absent
  llvm::SMRange range;
};

/// `**.self_attn.{q_proj, v_proj}`, `model.layers[0..8].mlp.*`.
struct Selector {
  std::vector<SelectorPart> parts;
  llvm::SMRange range;
};

/// One line of a map: `selector: value`, or `name { nested map }` (`precision { ... }`).
struct MapEntry {
  Selector selector; ///< a plain key is a selector of one plain part
  ExprPtr value;     ///< a MapExpr for the nested form
  bool nested = false;
  llvm::SMRange range;

  /// The key, where the selector is one plain word; else empty.
  llvm::StringRef key() const;
};

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

enum class ExprKind {
  Integer,
  Number,
  Quantity,
  Extent,
  String,
  NameRef,
  Map,
  List,
  Tuple,
  If,
  Binary,
  Unary,
  Call,
  Index,
  Member,
  Arrow,
  Range,
  Fold,
};

enum class BinaryOp { Add, Sub, Mul, Div, Rem, Pow, Contract, Eq, Ne, Lt, Le, Gt, Ge, And, Or, Coalesce };
enum class UnaryOp { Minus, Not };

/// Units of quantities as written: percent, bytes, steps, epochs.
enum class Unit { Percent, KiB, MiB, GiB, TiB, KB, MB, GB, TB, Steps, Epochs };

struct Expr {
  const ExprKind kind;
  llvm::SMRange range;
  unsigned height = 1; ///< levels of the tree from here down; bounded by the parser, so that walks may recurse
  virtual ~Expr() = default;

protected:
  Expr(ExprKind kind, llvm::SMRange range) : kind(kind), range(range) {}
};

/// Gives each node its kind, its constructor from a range, and LLVM's casting.
template <ExprKind K> struct ExprOf : Expr {
  explicit ExprOf(llvm::SMRange range) : Expr(K, range) {}
  static bool classof(const Expr *e) { return e->kind == K; }
};

struct IntegerExpr : ExprOf<ExprKind::Integer> {
  using ExprOf::ExprOf;
  int64_t value = 0;
};
struct NumberExpr : ExprOf<ExprKind::Number> {
  using ExprOf::ExprOf;
  double value = 0;
};
struct QuantityExpr : ExprOf<ExprKind::Quantity> {
  using ExprOf::ExprOf;
  double value = 0;
  Unit unit = Unit::Percent;
};
/// `16 x 512`
struct ExtentExpr : ExprOf<ExprKind::Extent> {
  using ExprOf::ExprOf;
  int64_t first = 0, second = 0;
};
struct StringExpr : ExprOf<ExprKind::String> {
  using ExprOf::ExprOf;
  std::string value;
};
struct NameExpr : ExprOf<ExprKind::NameRef> {
  using ExprOf::ExprOf;
  std::string name;
};
struct MapExpr : ExprOf<ExprKind::Map> {
  using ExprOf::ExprOf;
  std::vector<MapEntry> entries;
};
struct ListExpr : ExprOf<ExprKind::List> {
  using ExprOf::ExprOf;
  std::vector<ExprPtr> values;
};

/// `name = e`, `name(x, y) = e`, `name: type = e`, `(a, b) = e`; with its own `where`.
struct Equation {
  std::vector<Name> targets;                  ///< one name, or several for a tuple
  std::optional<std::vector<Name>> arguments; ///< present for a function
  std::optional<Type> type;
  ExprPtr value;
  std::vector<Equation> where;
  llvm::SMRange range;
};

/// `(a, b)`; a single value in parentheses is a Tuple only if it has a `where`.
struct TupleExpr : ExprOf<ExprKind::Tuple> {
  using ExprOf::ExprOf;
  std::vector<ExprPtr> values;
  std::vector<Equation> where;
};
struct IfExpr : ExprOf<ExprKind::If> {
  using ExprOf::ExprOf;
  ExprPtr condition, thenValue, elseValue;
};
struct BinaryExpr : ExprOf<ExprKind::Binary> {
  using ExprOf::ExprOf;
  BinaryOp op = BinaryOp::Add;
  std::vector<Name> over; ///< of `@[b]`
  ExprPtr lhs, rhs;
  llvm::SMRange opRange;
};
struct UnaryExpr : ExprOf<ExprKind::Unary> {
  using ExprOf::ExprOf;
  UnaryOp op = UnaryOp::Minus;
  ExprPtr operand;
};

/// `value` or `name: value`.
struct Argument {
  Name name;
  ExprPtr value;
  llvm::SMRange range;
};
/// Of a call in statement position, `train tuned {...}` is a Call of `train` with the map as last argument.
struct CallExpr : ExprOf<ExprKind::Call> {
  using ExprOf::ExprOf;
  ExprPtr callee;
  std::vector<Argument> arguments;
  bool verb = false;
};
/// `x[dim: i, ...]`, `layer_types[i]`.
struct IndexExpr : ExprOf<ExprKind::Index> {
  using ExprOf::ExprOf;
  ExprPtr base;
  std::vector<Argument> indices;
};
struct MemberExpr : ExprOf<ExprKind::Member> {
  using ExprOf::ExprOf;
  ExprPtr base;
  Name member;
};
/// `in -> (groups, g)`, `q + k + v`: both sides are expressions over names.
struct ArrowExpr : ExprOf<ExprKind::Arrow> {
  using ExprOf::ExprOf;
  ExprPtr from, to;
};
/// `a .. b`
struct RangeExpr : ExprOf<ExprKind::Range> {
  using ExprOf::ExprOf;
  ExprPtr from, to;
};
/// `fold(h = x, u = U, over: rank) { e where ... }`
struct FoldExpr : ExprOf<ExprKind::Fold> {
  using ExprOf::ExprOf;
  struct Binding {
    std::vector<Name> targets;
    ExprPtr value;
    llvm::SMRange range;
  };
  std::vector<Binding> bindings;
  Name over;
  ExprPtr body;
  std::vector<Equation> where;
};

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

struct Parameter {
  Name name;
  std::optional<Type> type;
  ExprPtr defaultValue;
  llvm::SMRange range;
};

/// `linear[out, in]`
struct Site {
  Name name;
  std::optional<std::vector<Axis>> axes;
  llvm::SMRange range;
};

enum class TensorRole { Param, Frozen, Folded, State, Store, Let };

/// `pattern : type = e when c`
struct Declaration {
  std::vector<Name> targets;
  std::optional<Type> type;
  ExprPtr value;     ///< initial value or null
  ExprPtr condition; ///< `when` or null
  llvm::SMRange range;
};

enum class ItemKind {
  Declarations,
  Dims,
  Calibrate,
  Rebase,
  Require,
  Every,
  Reset,
  Part,
  Tie,
  On,
  Config,
  Ignore,
  Peft,
  Equation,
};

struct Item {
  const ItemKind kind;
  llvm::SMRange range;
  virtual ~Item() = default;

protected:
  Item(ItemKind kind, llvm::SMRange range) : kind(kind), range(range) {}
};
using ItemPtr = std::unique_ptr<Item>;

template <ItemKind K> struct ItemOf : Item {
  explicit ItemOf(llvm::SMRange range) : Item(K, range) {}
  static bool classof(const Item *i) { return i->kind == K; }
};

/// `[shared[(keys)]] param A: [rank, in] = e, B: ...`; also `let`.
struct DeclarationsItem : ItemOf<ItemKind::Declarations> {
  using ItemOf::ItemOf;
  TensorRole role = TensorRole::Param;
  bool shared = false;
  std::vector<ExprPtr> sharedBy;
  std::vector<Declaration> declarations;
};
struct DimsItem : ItemOf<ItemKind::Dims> {
  using ItemOf::ItemOf;
  struct Dim {
    Name name;
    ExprPtr value;
  };
  std::vector<Dim> dims;
};
/// `calibrate NAME: type on e = e`
struct CalibrateItem : ItemOf<ItemKind::Calibrate> {
  using ItemOf::ItemOf;
  Name name;
  Type type;
  ExprPtr on, value;
};
struct RebaseItem : ItemOf<ItemKind::Rebase> {
  using ItemOf::ItemOf;
  Name name;
  ExprPtr value;
};
struct RequireItem : ItemOf<ItemKind::Require> {
  using ItemOf::ItemOf;
  ExprPtr condition;
  std::string message;
};
/// `every 500 steps { ... }`, or once: `after 500 steps { ... }`
struct EveryItem : ItemOf<ItemKind::Every> {
  using ItemOf::ItemOf;
  bool once = false;
  ExprPtr period;
  std::vector<ItemPtr> body;
};
struct ResetItem : ItemOf<ItemKind::Reset> {
  using ItemOf::ItemOf;
  std::vector<Name> names;
};
/// `part layers[i: n]: layer(i) when c`
struct PartItem : ItemOf<ItemKind::Part> {
  using ItemOf::ItemOf;
  Name name;
  Name index;
  ExprPtr count;
  ExprPtr value;
  ExprPtr condition;
};
struct TieItem : ItemOf<ItemKind::Tie> {
  using ItemOf::ItemOf;
  ExprPtr left, right, condition;
};
/// `on site at selector { ... }` inside a definition on a larger site.
struct OnItem : ItemOf<ItemKind::On> {
  using ItemOf::ItemOf;
  Site site;
  std::optional<Selector> at;
  std::vector<ItemPtr> body;
};
struct ConfigItem : ItemOf<ItemKind::Config> {
  using ItemOf::ItemOf;
  struct Key {
    Name name;
    ExprPtr defaultValue;
  };
  std::vector<Key> keys;
};
struct IgnoreItem : ItemOf<ItemKind::Ignore> {
  using ItemOf::ItemOf;
  std::vector<std::string> names;
};
/// A mapping to files: `peft TYPE { key: e   T = "name", "copy" as [axes] when e optional }`. `clause` is the leading
/// word ("peft", "gguf"). In a `gguf` clause a tensor is a dotted path (`q_proj.weight`), and its own dimensions may be
/// written as the file factors them: `q_proj.weight: [(kv, group, two, half), hidden] = "blk.{layer}.attn_q.weight" as
/// [(kv, group, half, two), hidden]`.
struct FilesItem : ItemOf<ItemKind::Peft> {
  using ItemOf::ItemOf;
  struct Key {
    Name name;
    ExprPtr value;
  };
  struct Tensor {
    Name name;                              ///< may be a dotted path
    std::optional<std::vector<Axis>> axes;  ///< the tensor's own dimensions, where written
    std::vector<std::string> fileNames;     ///< empty for `= none`: no file has it
    Name element;                           ///< `as i64`: the type of its entries in the file; empty if not written
    std::optional<std::vector<Axis>> shape; ///< `as [...]`: the shape in the file
    ExprPtr condition;                      ///< `when`, or null
    bool optional = false;                  ///< read if it is there, not written
    bool given = false;                     ///< written only where it was read
    llvm::SMRange range;
  };
  Name clause, type;
  std::vector<Key> keys;
  std::vector<Tensor> tensors;
};
struct EquationItem : ItemOf<ItemKind::Equation> {
  using ItemOf::ItemOf;
  Equation equation;
};

enum class DefinitionKind { Adapter, Objective, Schedule, Optimizer, Format, Merge, Module, Model, Function };

struct Definition {
  DefinitionKind kind;
  Name name;
  std::vector<Parameter> parameters;
  std::optional<Site> site; ///< `on linear[out, in]`, `on tokens`; optimizers `on [m, n]` have a nameless site
  Name mixing;              ///< objectives: `mixing batch`
  std::optional<Site> each; ///< merges: `each W[n]`
  std::optional<std::vector<Axis>> axes; ///< modules: `module linear[out, in]`
  Name is;                               ///< modules: `is linear`
  std::vector<ItemPtr> body;
  ExprPtr value;               ///< functions
  std::vector<Equation> where; ///< functions
  llvm::SMRange range;
};

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

struct Import {
  std::string path;
  llvm::SMRange range;
};
struct Input {
  Name name;
  Type type;
  ExprPtr defaultValue;
  llvm::SMRange range;
};
struct Binding {
  Name name;
  ExprPtr value;
  llvm::SMRange range;
};
struct Save {
  ExprPtr value, as;
  llvm::SMRange range;
};

/// One parsed file; items of each kind in source order.
struct File {
  std::string path;
  unsigned bufferId = 0;               ///< in the SourceMgr
  std::vector<llvm::SMRange> comments; ///< `// ...` in source order, without the line break
  std::vector<Import> imports;
  std::vector<Input> inputs;
  std::vector<Binding> bindings;
  std::vector<Save> saves;
  std::vector<std::unique_ptr<Definition>> definitions;
  std::vector<std::unique_ptr<FilesItem>> clauses; ///< `peft TYPE { ... }`: what all definitions of the type share
};

} // namespace ftc::ast

#endif // FTC_FRONTEND_AST_H
