//===- Sema.h - checks of a recipe, and its translation --------*- C++ -*-===//
//
// A recipe's expressions are evaluated when compiling: to an attribute (numbers,
// strings, lists, calls of definitions, maps), or to the SSA value of a step.
// Every check that needs the text of the recipe only is made here, with the
// place of the mistake; whatever gets into an op is sound.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_FRONTEND_MLIR_SEMA_H
#define FTC_LIB_FRONTEND_MLIR_SEMA_H

#include "ftc/Frontend/Library.h"

#include "dialects/Recipe/IR/Recipe.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace ftc {

class Sema;

/// Bounds of a number, and how they are called in a message.
struct Bounds {
  double least, most;
  const char *text;
};

/// The options of one step, from a call's arguments and a verb's map. Getters report what is wrong and return nothing.
class Options {
public:
  struct Entry {
    std::string key;
    const ast::Expr *value;
    llvm::SMRange range; ///< of the key, or of the value where it has none
  };

  /// `keys` are all that the step knows; of a call, values without a name are the first of them.
  Options(Sema &sema, llvm::StringRef step, llvm::SMRange stepRange, llvm::ArrayRef<llvm::StringRef> keys)
      : sema(sema), step(step), stepRange(stepRange), keys(keys) {}
  bool addArguments(llvm::ArrayRef<ast::Argument> arguments, size_t positional);
  bool addMap(const ast::MapExpr &map);

  const ast::Expr *find(llvm::StringRef key) const;
  bool has(llvm::StringRef key) const { return find(key) != nullptr; }
  llvm::SMRange rangeOf(llvm::StringRef key) const;
  /// Reports that the option is missing, which `example` shows; returns false.
  bool missing(llvm::StringRef what);
  /// Reports each of these that is not given; false if there was one.
  bool require(llvm::ArrayRef<llvm::StringRef> needed);

  std::optional<int64_t> integer(llvm::StringRef key, Bounds bounds, llvm::StringRef expected = "an integer");
  std::optional<double> real(llvm::StringRef key, Bounds bounds);
  /// A number of a quantity's unit, or a plain number where `plain` allows it.
  std::optional<double> quantity(llvm::StringRef key, recipe::Unit unit, bool plain, Bounds bounds);
  std::optional<std::string> string(llvm::StringRef key);
  std::optional<std::string> path(llvm::StringRef key);
  /// One of some words; nearest spelling otherwise.
  std::optional<std::string> word(llvm::StringRef key, llvm::ArrayRef<llvm::StringRef> words);
  std::optional<bool> boolean(llvm::StringRef key);
  std::optional<std::vector<std::string>> strings(llvm::StringRef key);
  recipe::ExtentAttr extent(llvm::StringRef key);

private:
  bool add(llvm::StringRef key, const ast::Expr *value, llvm::SMRange range);
  template <typename T> std::optional<T> refuse(llvm::StringRef key, llvm::StringRef expected, mlir::Attribute got);
  bool within(llvm::StringRef key, double number, Bounds bounds);

  Sema &sema;
  llvm::StringRef step;
  llvm::SMRange stepRange;
  llvm::ArrayRef<llvm::StringRef> keys;
  std::vector<Entry> entries;
};

class Sema {
public:
  Sema(DefinitionLibrary &library, const ast::File &file, mlir::MLIRContext &context);

  /// Checks everything and fills the module; false after errors.
  bool build(const std::map<std::string, std::string> &defines, mlir::ModuleOp module);

  //===--- Values (SemaValues.cpp) ---===//
  /// The compile-time value of an expression; null after an error.
  mlir::Attribute evaluate(const ast::Expr &expr);
  /// The expression that a name of a bound value stands for, through any number of names and choices.
  const ast::Expr &resolve(const ast::Expr &expr);
  /// What a message calls a value: "the number 3", "a map".
  static std::string describe(mlir::Attribute value);

  //===--- Definitions (SemaDefinitions.cpp) ---===//
  /// A definition with its arguments checked against its parameters; models among them are added to `others`.
  recipe::CallAttr definitionCall(ast::DefinitionKind kind, const ast::Expr &expr, llvm::StringRef what,
                                  llvm::SmallVectorImpl<mlir::Value> &others);

  Diagnostics &diags;
  mlir::LocationAttr locationOf(llvm::SMRange range);

private:
  //===--- Recipe (BuildRecipe.cpp) ---===//
  struct Bound {
    const ast::Binding *binding = nullptr;
    enum { Fresh, Active, Done } state = Fresh;
    bool used = false;
    mlir::Value step;      ///< if it is a step
    mlir::Attribute value; ///< if it is none
  };
  void emitSources();
  void bindNames();
  void readInputs(const std::map<std::string, std::string> &defines);
  mlir::Attribute readDefine(const ast::Input &input, const std::string &text);
  bool checkInput(const ast::Input &input, mlir::Attribute &value, llvm::SMRange range);
  /// Builds a binding's step or value, once; false after errors.
  bool buildBinding(Bound &bound);
  /// Errors so far, with those uses of a name that failed because the name had failed before.
  unsigned problems() const { return diags.errorCount() + dependent; }
  void warnAboutUnused();

  //===--- Values ---===//
  mlir::Attribute evaluateName(const ast::NameExpr &name);
  mlir::Attribute evaluateBinary(const ast::BinaryExpr &binary);
  mlir::Attribute evaluateLogic(const ast::BinaryExpr &binary);
  mlir::Attribute evaluateUnary(const ast::UnaryExpr &unary);
  mlir::Attribute evaluateIf(const ast::IfExpr &choice);
  mlir::Attribute evaluateCall(const ast::CallExpr &call);
  mlir::Attribute evaluateFunction(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Attribute evaluateList(const ast::ListExpr &list);
  mlir::Attribute evaluateMap(const ast::MapExpr &map);
  mlir::Attribute evaluateQuantity(const ast::QuantityExpr &quantity);
  std::optional<bool> condition(const ast::Expr &expr);
  std::optional<std::string> selectorText(const ast::Selector &selector);

  //===--- Definitions ---===//
  mlir::Attribute argument(const ast::Parameter &parameter, const ast::Expr &expr,
                           llvm::SmallVectorImpl<mlir::Value> &others);
  mlir::Attribute argumentMap(const ast::Parameter &parameter, const ast::MapExpr &map,
                              llvm::SmallVectorImpl<mlir::Value> &others);
  const ast::Parameter *parameterFor(const ast::Definition &definition, const ast::CallExpr &call, size_t index);
  bool bindArguments(const ast::Definition &definition, const ast::CallExpr &call,
                     llvm::StringMap<llvm::SMRange> &given, mlir::NamedAttrList &arguments,
                     llvm::SmallVectorImpl<mlir::Value> &others);
  /// A value as one of a simple type (int, real, ...), null if it does not fit; unchanged for any other type.
  static mlir::Attribute convertTo(llvm::StringRef type, mlir::Attribute value);
  static llvm::StringRef expectedOf(llvm::StringRef type);
  mlir::Attribute formatOf(const ast::Expr &expr, llvm::StringRef what);
  void reportUnknownDefinition(ast::DefinitionKind kind, llvm::StringRef name, llvm::SMRange range);

  //===--- Steps (SemaSteps.cpp) ---===//
  static bool isStep(const ast::Expr &expr);
  /// The step of a call, named `name`; null after errors.
  mlir::Value buildStep(const ast::CallExpr &call, llvm::StringRef name);
  /// The operand of a step: a name of one, or a step written in its place.
  mlir::Value operand(const ast::Expr &expr, llvm::StringRef what);
  template <typename T> mlir::Value operandOf(const ast::Expr &expr, llvm::StringRef what);
  mlir::Value buildLoad(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildDataset(const ast::CallExpr &call, llvm::StringRef name);
  mlir::DictionaryAttr infillOf(Options &options, llvm::StringRef format);
  mlir::Value buildRestore(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildMerge(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildConfigure(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildLogits(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildGradients(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildAdapt(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildTrain(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildEvaluate(const ast::CallExpr &call, llvm::StringRef name);
  mlir::Value buildGenerate(const ast::CallExpr &call, llvm::StringRef name);
  bool trainLength(Options &options, recipe::TrainOp op);
  bool trainLimits(Options &options, recipe::TrainOp op);
  mlir::Attribute optimizerOf(const ast::Expr &expr, llvm::SmallVectorImpl<mlir::Value> &others);
  recipe::MapAttr precisionOf(const ast::Expr &expr);
  std::optional<bool> packingOf(Options &options);
  void buildSave(const ast::Save &save);
  std::string freshName(llvm::StringRef stem);

  DefinitionLibrary &library;
  const ast::File &file;
  mlir::OpBuilder builder;
  llvm::MapVector<llvm::StringRef, Bound> bindings;
  llvm::StringMap<mlir::Attribute> inputs;
  llvm::StringMap<llvm::SMRange> nameRanges;
  unsigned dependent = 0;
  friend class Options;
};

} // namespace ftc

#endif // FTC_LIB_FRONTEND_MLIR_SEMA_H
