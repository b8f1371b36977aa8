//===- Evaluator.h - evaluates definitions ---------------------*- C++ -*-===//
//
// The evaluator walks the syntax tree of a definition. Without a builder it
// knows compile-time values only; with one, tensor operations are appended to
// the program. Errors are reported where they are found and become an error
// value, which passes silently through everything else.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_ELABORATE_EVALUATOR_H
#define FTC_LIB_ELABORATE_EVALUATOR_H

#include "ftc/Elaborate/Adapter.h"
#include "ftc/Elaborate/Elaborator.h"
#include "ftc/Elaborate/Program.h"
#include "ftc/Frontend/Arithmetic.h"

#include "mlir/IR/Builders.h"

namespace ftc::elaborate {

class PassTrace;

/// An expression in the call of a site's adapter, whose value another site may ask for.
struct MetValue {
  const AdapterInstance *instance;
  Scope *scope, *calledIn;
  unsigned pass;
  std::optional<Tensor> value; ///< once it is found
};

/// One run of a model over one batch, while it is written.
struct ModelPass {
  bool training = false;
  mlir::Value positions, segments, row, key; ///< key and row are null where nothing asks for chance
  Caches *caches = nullptr;
  int64_t attentionSites = 0;   ///< met so far
  mlir::Value ids;              ///< the argument by which the trunk is recognised
  std::optional<Tensor> hidden; ///< what the part that got `ids` made
  mlir::Value last;             ///< i32 scalar: only this token goes on to the head
  /// What each module was called with last.
  llvm::DenseMap<const ModuleInstance *, Value> inputs;
  /// What each adapter's `forward` was called with last.
  llvm::DenseMap<const AdapterInstance *, Arguments> calls;
  /// What `earlier(e, n)` has met of e: by its call and the line (or the outer site) of the adapter, at each site by
  /// number.
  std::map<std::pair<const ast::CallExpr *, const void *>, std::map<int64_t, MetValue>> met;
  /// The masks that are a rule, so that attention need not read them: `causal(...)` by the mask made of it.
  llvm::DenseMap<mlir::Value, Value> rules;
};

/// A member of objects in which a name that they lack is an error, not `none` as in a configuration.
inline constexpr llvm::StringLiteral closedObject = "";

/// The name of the function that is a site of the same name.
inline constexpr llvm::StringLiteral attentionSite = "attention";

/// How a model's layer calls attention; an adapter at that site calls it on with other operands.
struct AttentionForm {
  double scale;
  Value softcap;            ///< a number, or `none`
  Dim batch, tokens;        ///< of the queries
  Dim kv, group, d;         ///< heads of keys, queries of a key head, size of a head
  Dim keys;                 ///< of the call as the layer makes it
  mlir::Value keyPositions; ///< i32 [batch, keys]
  llvm::SMRange range;
};

/// Chance in a step of a training outside of the model's runs: in next values, and in a loss.
struct StepChance {
  std::function<mlir::Value()> key, row; ///< i64 scalars; `row` is empty where nothing has a number for each row
  std::function<int64_t()> site;         ///< the number of the next use
};

/// Numbers of chance for initial values: the key, and the dimensions to fill.
struct InitialContext {
  mlir::Value key; ///< null where only a seed may give numbers
  Dims dims;
  const ast::Expr *whole = nullptr; ///< the expression whose value is the initial value
  bool isNext = false;              ///< chance is that of the step
};

/// A call of a site without adapters whose result is there already.
struct BareCall {
  const ModuleInstance *site;
  std::vector<Value> arguments;
  Value result;

  bool isSame(const ModuleInstance &other, llvm::ArrayRef<Value> given) const {
    auto isEqual = [](const Value &a, const Value &b) {
      auto *x = a.as<Tensor>(), *y = b.as<Tensor>();
      return x && y && x->value == y->value;
    };
    return &other == site && llvm::equal(given, arguments, isEqual);
  }
};

class Evaluator {
public:
  explicit Evaluator(Elaborator &shared, mlir::OpBuilder *builder = nullptr)
      : shared(shared), builder(builder), pass(builder ? shared.nextPass() : 0) {}

  Elaborator &shared;
  mlir::OpBuilder *builder;            ///< null: no tensors
  unsigned pass;                       ///< names whose value depends on the program or pass are found anew for each
  bool passDependent = false;          ///< set when such a value was used
  llvm::StringMap<Value> ambient;      ///< names of the program: `batch`, `tokens`, `positions`, `training` ...
  const AdaptedModel *model = nullptr; ///< whose tensors are read
  ModelPass *modelPass = nullptr;
  InitialContext *initial = nullptr;
  const StepChance *chance = nullptr;          ///< null where nothing is trained
  std::vector<ModuleInstance *> running;       ///< modules whose own `forward` is being evaluated
  std::vector<const AdapterInstance *> active; ///< adapters whose inner ones act
  /// Set: of all adapters only those of this line act; null: none.
  std::optional<const AdapterGroup *> onlyLine;
  const BareCall *bareCall = nullptr; ///< one that `base` need not make again
  Scope *calledIn = nullptr;          ///< of the function that is being evaluated
  struct ActiveCall {
    Scope *scope;
    unsigned pass;
  };
  std::vector<ActiveCall> activeCalls;              ///< of the `forward` of each of `active`
  const AttentionForm *attentionForm = nullptr;     ///< of the call that is being evaluated
  std::function<mlir::Value(llvm::StringRef)> read; ///< contents of a tune.tensor
  /// Stands in for the model's own tensors, where only dimensions matter; null elsewhere.
  std::function<mlir::Value(const ModelTensor &)> weightOf;
  /// Told what each module gives; may be null.
  std::function<void(const ModuleInstance &, const Value &)> watch;
  /// What each layer whose modules are numbered gave last while `run` ran.
  std::map<int64_t, Tensor> watchLayers(llvm::function_ref<void()> run);
  /// The scope of `sum(e, over: sites)`: for each site, what its names stand in; null where there are no sites.
  std::function<std::vector<Scope *>(Scope &)> sites;
  /// The tensors over which `sites` runs from a scope: which of several sets of them.
  std::function<const void *(Scope &)> siteGroup;
  /// Sums over sites found already, by expression and set.
  std::map<std::pair<const ast::Expr *, const void *>, Value> siteSums;
  /// The dimensions of the tensor of that name that is kept from step to step, declared in a scope; null but where next
  /// values are found.
  std::function<std::optional<Dims>(llvm::StringRef, Scope &)> keptDims;
  /// `grad(A)`: the gradient of a trained tensor; null but where next values are found.
  std::function<Value(const Tensor &, llvm::SMRange)> gradientOf;
  /// A number that a data set names, of the rows of a batch.
  std::function<Value(const Batch &, llvm::StringRef, llvm::SMRange)> rowNumber;
  /// A field of a row (`y.w`), in an objective.
  std::function<Value(const RowValue &, llvm::StringRef, llvm::SMRange)> rowMember;
  /// Sums over the rows of a batch, in an objective; null elsewhere.
  class RowSums *rowSums = nullptr;
  /// The named arguments that the built-in function which is being evaluated has asked for; null outside.
  llvm::SmallVectorImpl<llvm::StringRef> *asked = nullptr;
  /// The derivation of a merge: functions of `x` must be affine.
  const ast::Definition *affineIn = nullptr;
  /// The arguments and the name of the outermost function of the library that is being evaluated.
  const Arguments *libraryCall = nullptr;
  llvm::StringRef libraryName;
  PassTrace *trace = nullptr;               ///< what adapters do in a run is written down here
  const AdapterInstance *within = nullptr;  ///< the adapter that is being evaluated
  const ModelTensor *withoutBias = nullptr; ///< a tensor that counts as 0, so that only the linear part is left

  //===--- Expressions (Evaluate.cpp) ------------------------------------===//
  Value eval(const ast::Expr &expr, Scope &scope);
  /// An expression whose value must be known when compiling and integer; divisions in it must be exact.
  std::optional<int64_t> evalInteger(const ast::Expr &expr, Scope &scope);
  /// A condition known when compiling.
  std::optional<bool> evalCondition(const ast::Expr &expr, Scope &scope);
  Value lookup(llvm::StringRef name, Scope &scope, llvm::SMRange range);
  /// The value of an entry, found at the first use.
  Value force(llvm::StringRef name, Scope::Entry &entry, llvm::SMRange range);
  Value call(const Value &callee, Arguments arguments);
  Arguments evalArguments(const ast::CallExpr &call, Scope &scope);
  /// The value of an expression at every site, in the own site's names: `[sites, ...]`.
  Value atSites(const ast::Expr &expr, Scope &scope);
  /// `k_proj(P, hidden -> (kv, d))`: a linear module on what the dimensions on the left are together, its result split.
  Value callReshaped(ModuleInstance &module, const ast::CallExpr &call, const ast::ArrowExpr &arrow, Scope &scope);
  /// A call of a module with the adapters of the model.
  Value callModule(ModuleInstance &module, Arguments arguments);
  /// The adapters that act on a site, in order of application.
  std::vector<AdapterInstance *> adaptersOn(const ModuleInstance &site);
  /// The same with some of its adapters only.
  Value callAdapted(ModuleInstance &module, llvm::ArrayRef<AdapterInstance *> adapters, Arguments arguments);

  /// An initial value; a distribution may stand by its bare name: `= kaiming_uniform`.
  Value initialValue(const ast::Expr &expr, Scope &scope);
  /// A model's tensor in the program: read, with the dimensions of its declaration.
  Value modelTensor(const ModelTensor &tensor);
  Value lastToken(const Tensor &hidden);

  //===--- Names (Names.cpp) ----------------------------------------------===//
  /// Binds the names of `(a, b) = ...` in `scope`, or the only one, to the value of `whole`.
  void definePattern(llvm::ArrayRef<ast::Name> targets, Scope &scope, Scope::Thunk whole, llvm::SMRange range);
  /// Binds an equation in `scope`; its value is found in `scope`.
  void defineEquation(const ast::Equation &equation, Scope &scope);
  Scope &whereScope(llvm::ArrayRef<ast::Equation> where, Scope &parent);
  /// Binds a definition's parameters in `scope` from arguments; false after errors.
  bool bindParameters(const ast::Definition &definition, const Arguments &arguments, Scope &scope);
  /// `dim` items: each name a new dimension.
  void defineDims(const ast::DimsItem &item, Scope &scope);
  /// The value as a parameter or name of that type keeps it.
  Value coerce(Value value, const ast::Type &type, Scope &scope, llvm::SMRange range);
  /// A length of training as a number of steps.
  Value coerceSteps(const Value &value, llvm::SMRange range);
  /// The dimension a name stands for: of the scope, else (by its own name) of `operands`.
  Dim dimOf(llvm::StringRef name, Scope &scope, llvm::SMRange range, llvm::ArrayRef<Dim> operands = {});
  /// The dimension that a reshape makes: the same wherever a definition makes one of that name and size in a pass.
  Dim madeDim(llvm::StringRef name, int64_t size, Scope &scope, DimRole role = DimRole::Ordinary);
  /// The dimensions of `over: in` or `over: (out, in)`.
  std::optional<Dims> dimsOf(const ast::Expr &expr, Scope &scope, llvm::ArrayRef<Dim> operands = {});
  std::optional<Dims> dimsOf(llvm::ArrayRef<ast::Axis> axes, Scope &scope);

  //===--- Compile-time values (Compile.cpp) ------------------------------===//
  Value binaryKnown(const ast::BinaryExpr &expr, const Value &lhs, const Value &rhs);
  Value member(const Value &base, llvm::StringRef name, llvm::SMRange range);

  //===--- Tensors (Tensors.cpp) ------------------------------------------===//
  /// The builder, or null after an error saying that a tensor is not known when compiling.
  mlir::OpBuilder *tensorBuilder(llvm::SMRange range);
  /// Where the expression that is being evaluated stands.
  mlir::Location loc() { return shared.locationOf(place); }
  mlir::Type realType() { return builder->getF64Type(); }
  /// A constant with `number` in every entry, and the result of an op on scalars alone or of repeating one: made where
  /// the program has none like it yet, as many tensors ask for the same ones.
  mlir::Value constant(mlir::RankedTensorType type, double number);
  mlir::Value ofScalars(llvm::StringRef op, mlir::Value a, mlir::Value b, mlir::RankedTensorType type,
                        llvm::function_ref<mlir::Value()> make);
  /// A value that goes on together with another one: of an integer known when compiling, beside a tensor of integers,
  /// such a tensor, so that indices stay indices.
  Value beside(const Value &value, const Value &other);
  /// A number, truth value, (nested) list or tensor as a tensor; lists fill `dims` in order. Null value after errors.
  std::optional<Tensor> asTensor(const Value &value, llvm::SMRange range, llvm::ArrayRef<Dim> dims = {});
  Tensor toReal(Tensor tensor);
  /// Repeated along the dimensions it lacks and transposed to `dims`, which contain its own.
  Tensor align(const Tensor &tensor, llvm::ArrayRef<Dim> dims);
  /// The same, reporting dimensions that `dims` lacks.
  std::optional<Tensor> fit(const Value &value, llvm::ArrayRef<Dim> dims, Scope &scope, llvm::SMRange range);
  /// Whether both have a dimension of one name that is not the same one: an operation entry by entry would make all
  /// pairs, which nobody means. A message then.
  bool refuseNamesakes(const Value &a, const Value &b, Scope &scope, llvm::SMRange range);
  Value binaryTensor(ast::BinaryOp op, const Value &lhs, const Value &rhs, llvm::SMRange range);
  Value arithmetic(ast::BinaryOp op, const Value &lhs, const Value &rhs, llvm::SMRange range);
  Value negate(const Value &value, llvm::SMRange range);
  Value logicalNot(const Value &value, llvm::SMRange range);
  Value select(const Value &condition, const Value &yes, const Value &no, llvm::SMRange range);
  Value contract(const Value &lhs, const Value &rhs, const ast::BinaryExpr &expr, Scope &scope);
  /// The same and `+ - * /`, where a side is complex.
  Value binaryComplex(const Value &lhs, const Value &rhs, const ast::BinaryExpr &expr, Scope &scope);
  /// The sum of products over dimensions that both have.
  Tensor contractOver(const Tensor &a, const Tensor &b, llvm::ArrayRef<Dim> over);
  Value reduce(llvm::StringRef kind, const Value &value, std::optional<Dims> over, llvm::SMRange range);
  /// exp(x) over its sum; 0 where all of x is -inf, as everything that a place of padding sees.
  Value softmax(const Value &x, const Dims &over, llvm::SMRange range);
  /// log(sum(exp(x), over)), without overflow.
  Value logSumExp(const Tensor &x, const Dims &over, llvm::SMRange range);
  /// An elementwise function by name on a number or tensor; see Functions.cpp.
  Value elementwise(llvm::StringRef name, const Value &value, llvm::SMRange range);
  /// The value of an index; a list of integers is a tensor whose dimension has the list's name.
  Value indexOperand(const ast::Expr &expr, Scope &scope, Dim along);
  /// A tensor of whole numbers as indices; null if it is none.
  mlir::Value indicesOf(const Tensor &tensor);
  /// Entry `index` (a number or a tensor of whole numbers) of `dim`.
  Value pick(const Tensor &tensor, Dim dim, const Value &index, llvm::SMRange range);
  Value slice(const Tensor &tensor, Dim dim, int64_t start, Dim part);
  Value rename(const Tensor &tensor, Dim from, Dim to);
  /// Tensors side by side along a further dimension, which comes last.
  /// Reports that a model's pass takes the size of `batch` or `tokens`, which counts padding, for a number.
  bool refuseFilling(Dim dim, llvm::SMRange range);
  Value stackTensors(llvm::ArrayRef<Tensor> operands, Dim along);
  Value attention(const ast::CallExpr &call, Scope &scope);
  /// Attention with the form of the call being evaluated, on q `[tokens, kv, group, d]`, k and v `[keys, kv, d]`, seen
  /// `[tokens, keys]`.
  Value attend(const Arguments &arguments);
  /// `join` of new tokens and those of every sequence.
  Value prepend(const Tensor &fresh, Dim places, const Tensor &tokens, llvm::SMRange range);
  /// Reports a function that is not affine in `x`, where that matters; true if it did.
  bool refuseNonlinear(const Tensor &tensor, const llvm::Twine &what, llvm::SMRange range);

  Diagnostics &diags() { return shared.diagnostics(); }

private:
  /// What an adapter on a linear site or module gives, if it has the dimensions that the site gives; else an error.
  Value fitSite(const AdapterInstance &adapter, const Tensor &given, Value result);
  Value evalKind(const ast::Expr &expr, Scope &scope);
  Value evalIf(const ast::IfExpr &expr, Scope &scope);
  Value evalOperand(const ast::Expr &expr, Scope &scope);
  Value evalBinary(const ast::BinaryExpr &expr, Scope &scope);
  Value evalUnary(const ast::UnaryExpr &expr, Scope &scope);
  std::optional<Value> findInCalls(llvm::StringRef name, Scope &scope, llvm::SMRange range);
  Value evalCall(const ast::CallExpr &expr, Scope &scope);
  Value callBuiltin(const Builtin &builtin, const ast::CallExpr &expr, Scope &scope);
  Value evalIndex(const ast::IndexExpr &expr, Scope &scope);
  Value entriesOf(const Tensor &tensor, Dim dim, const ast::Expr &index, Scope &scope);
  std::optional<std::pair<int64_t, int64_t>> evalRange(const ast::RangeExpr &expr, Scope &scope, int64_t size);
  Value evalFold(const ast::FoldExpr &expr, Scope &scope);
  Value entryOf(const Value &list, int64_t trip, const Dimension &over, llvm::SMRange range);
  Value callClosure(const Closure &closure, Arguments arguments);

  llvm::SMRange place; ///< of the expression that is being evaluated
  unsigned depth = 0;
  bool exactDivision = false;
  std::map<std::tuple<unsigned, const Scope *, std::string, int64_t, DimRole>, Dim> madeDims;
  std::map<std::pair<const void *, uint64_t>, mlir::Value> constants; ///< by type and the bits of the number
  /// By op, operands and type.
  std::map<std::tuple<llvm::StringRef, const void *, const void *, const void *>, mlir::Value> fromScalars;

  friend class ModelBuilder;
};

/// The dimensions of two operands together: those of the one with more of them, then the others'; batch and tokens
/// lead.
Dims unite(llvm::ArrayRef<Dim> a, llvm::ArrayRef<Dim> b);

/// Dimensions by the names that a scope gives them: `[out, in]`.
std::string printDims(llvm::ArrayRef<Dim> dims, const Scope &scope);

/// Built-in functions by name, or null; all tables together (Builtins.cpp).
const Builtin *findBuiltin(llvm::StringRef name);
std::vector<llvm::StringRef> builtinNames();

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_EVALUATOR_H
