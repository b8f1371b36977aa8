//===- Converter.h - the steps of a recipe as programs ---------*- C++ -*-===//
//
// One Converter makes one module. Each kind of step has a function that adds its programs and its `tune.step`; a step
// that gives a model returns it as a ModelValue, which later steps start from.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_CONVERSION_RECIPETOTUNE_CONVERTER_H
#define FTC_LIB_CONVERSION_RECIPETOTUNE_CONVERTER_H

#include "Fields.h"
#include "OpText.h"

#include "ftc/Elaborate/Adapter.h"
#include "ftc/Elaborate/Elaborator.h"
#include "ftc/Elaborate/Peft.h"
#include "ftc/Elaborate/Program.h"
#include "ftc/Runtime/Data/Record.h"
#include "ftc/Runtime/IO/Checkpoint.h"

#include <map>
#include <set>

namespace ftc::recipe_to_tune {

/// A call that is a step: `train tuned {...}`, `load("...")`; options are its named arguments and the lines of its map.
class StepCall {
public:
  StepCall(std::string name, const ast::CallExpr &call);
  /// A step of its own that a call of another kind needs.
  StepCall(std::string name, const StepCall &whole) : StepCall(std::move(name), whole.call) {}

  const std::string name; ///< of the binding, or one made for a step without
  llvm::StringRef kind() const;
  llvm::SMRange range() const { return call.range; }
  /// The value of option `key`, or null.
  const ast::Expr *option(llvm::StringRef key) const;
  /// Positional argument `index`, or null.
  const ast::Expr *operand(unsigned index) const;
  llvm::ArrayRef<ast::Argument> arguments() const { return call.arguments; }
  /// The map of a verb.
  const ast::MapExpr *map() const;

private:
  const ast::CallExpr &call;
  std::vector<const ast::Expr *> operands;
};

/// What a step is to the steps after it.
struct StepValue {
  std::string name, kind;
  std::vector<std::string> uses; ///< names of the steps whose results it needs
  std::string load;              ///< of models: the `load` step below
  std::string path;              ///< of `load` steps: as the recipe has it
  std::optional<elaborate::AdaptedModel> model;
  const runtime::data::RecordKind *rows = nullptr; ///< of data sets: what a row holds
  std::vector<std::string> numbers;                ///< of data sets: numbers of each row besides
  /// Tensors of its own that it makes, as names in files and symbols: what merging changed, gradients.
  std::vector<std::pair<std::string, std::string>> results;
  llvm::SMRange range;
};

/// The rows of a step's global batch, and how many of them a program sees at once.
struct RowShape {
  int64_t sequences, micro, tokens;
  bool packing;
  bool whole = false; ///< the loss mixes the rows
};

/// Whether a folder holds adapters and no model.
bool isAdapterDirectory(const std::string &path);

class Converter {
public:
  /// `identities` says what each step is, see identityOf.
  Converter(elaborate::Elaborator &elaborator, const ast::File &file, std::map<std::string, std::string> identities);

  /// All steps in an order in which they can be done. False after errors.
  bool convert();
  int status() const { return exitStatus; }
  /// Each line of each `adapt`, once.
  void visitAdapters(llvm::function_ref<void(const elaborate::AdapterGroup &)> visit) const;

private:
  // Models.cpp
  StepValue load(const StepCall &call);
  StepValue loadModel(const StepCall &call, llvm::StringRef path);
  StepValue adapt(const StepCall &call);
  void bindDatasets(const StepCall &call);
  std::vector<std::string> calibrations(const StepCall &call, const StepValue &base,
                                        const elaborate::AdapterGroup &group, int64_t &number);
  bool calibrate(const StepCall &own, const StepValue &base, const StepValue &rows,
                 llvm::ArrayRef<elaborate::AskedCalibration> asked);
  StepValue restore(const StepCall &call);
  StepValue restored(const StepCall &call, const StepValue &base, llvm::StringRef path,
                     llvm::ArrayRef<elaborate::PeftTensor> tensors);
  StepValue followed(const StepCall &call, const StepValue &base);
  static std::vector<elaborate::PeftTensor> namedTensors(const elaborate::AdaptedModel &model, size_t firstGroup = 0);
  StepValue merge(const StepCall &call);
  StepValue configure(const StepCall &call);
  void initialiseAdapters(const StepCall &call, StepValue &value, size_t firstGroup);
  void describeStorage();
  Fields decodeProgram(const elaborate::FileTensor &stored, llvm::SMRange at);

  // PeftDirectory.cpp
  StepValue loadAdapters(const StepCall &call, llvm::StringRef path, const std::string &resolved);
  std::optional<std::vector<elaborate::PeftTensor>> readDirectory(const StepCall &adapt, llvm::StringRef path,
                                                                  const runtime::AdapterDirectory &directory,
                                                                  elaborate::AdaptedModel &model);
  StepValue restoreAdapters(const StepCall &call, const StepValue &base, llvm::StringRef path);
  StepValue refuseFile(const StepCall &call, Diag code, llvm::StringRef file, llvm::StringRef problem);
  void takeFromFile(const StepCall &call, elaborate::AdaptedModel &model, const runtime::SafetensorsFile *file,
                    std::vector<elaborate::PeftTensor> &tensors);
  const StepValue *baseOf(const StepCall &call, const runtime::AdapterDirectory &directory);

  // Data.cpp
  StepValue dataset(const StepCall &call);
  /// The strings of a list.
  std::vector<std::string> texts(const ast::ListExpr &list);
  void addInfilling(const StepCall &call, Fields &fields);
  const StepValue *tokenizerFor(const StepCall &call, bool needed);
  elaborate::Batch batchOf(const StepCall &call, const StepValue &model, const StepValue &data, const RowShape &rows,
                           Fields &fields);
  elaborate::Batch makeBatch(const StepCall &call, const StepValue &model, const StepValue &data, bool whole,
                             Fields &fields);
  Fields inputsOf(const StepCall &call, const elaborate::Batch &batch);

  // Losses.cpp
  struct LossStep;
  bool beginLoss(const StepCall &call, LossStep &loss);
  void bindModels(const ast::Expr *expr, std::vector<std::string> &uses);
  bool isTrained(const StepValue &policy) const;
  bool addObjective(const StepCall &call, LossStep &loss);
  std::string nameBeside(const StepCall &call, llvm::StringRef suffix) const;
  void refer(const StepCall &call, LossStep &loss);
  void micro(const StepCall &call, LossStep &loss, llvm::ArrayRef<std::string> parameters,
             llvm::ArrayRef<std::string> gradients);
  void finishLoss(const StepCall &call, StepValue &result, LossStep &loss);
  Fields lossOutputs(const StepCall &call);

  // Training.cpp
  StepValue train(const StepCall &call);
  StepValue evaluate(const StepCall &call);
  StepValue gradients(const StepCall &call);
  StepValue measure(const StepCall &call, llvm::ArrayRef<elaborate::AdapterTensor *> by);
  StepValue logits(const StepCall &call);
  mlir::func::FuncOp update(const StepCall &call, LossStep &loss, elaborate::OptimizerPlan &plan, unsigned points);
  void addMoves(const StepCall &call, LossStep &loss, elaborate::OptimizerPlan &plan, mlir::func::FuncOp update,
                unsigned points);
  elaborate::UpdateInputs scheduledInputs(const StepCall &call, const elaborate::Batch &batch,
                                          elaborate::ProgramBuilder &program);
  void addBlocks(const StepCall &call, LossStep &loss, elaborate::OptimizerPlan &plan);
  elaborate::UpdateInputs updateInputs(const StepCall &call, const elaborate::Batch &batch,
                                       elaborate::ProgramBuilder &program);
  void initialiseStates(const StepCall &call, elaborate::OptimizerPlan &plan, const elaborate::Batch &batch,
                        Fields &programs);
  std::shared_ptr<const elaborate::Applied> stateFormat(const StepCall &call);
  elaborate::Value clipped(const StepCall &call, elaborate::Value optimizer);

  // Generation.cpp
  StepValue generate(const StepCall &call);
  Fields generatePass(const StepCall &call, const StepValue &model, llvm::StringRef part, int64_t tokens,
                      elaborate::Caches &caches, Fields &programs);
  bool readPrompts(const StepCall &call, StepValue &result, Fields &fields);

  // Saving.cpp
  void save(const ast::Save &save);
  std::string fold(const StepValue &value, const StepCall &form);
  bool isOfOneStage(const StepValue &value, const StepCall &form);
  bool isInDirectory(const elaborate::AdapterGroup &line) const;
  Fields saveAdapters(const StepValue &value, const StepCall &form, std::string &kind);
  Fields savePeft(const StepValue &value, const StepCall &form);
  Fields savedEntry(const elaborate::AdaptedModel &model, const elaborate::PeftTensor &tensor);
  Fields saveTensors(const StepValue &value);
  Fields saveModel(const StepValue &value, const StepCall &form);

  // Converter.cpp
  /// The step that an expression names; converted at its first use. An empty kind after errors.
  const StepValue &step(const ast::Expr &expr);
  const StepValue &step(const std::string &name, const ast::CallExpr &call);
  /// The same, or null after errors.
  const StepValue *stepOf(const ast::Expr *expr);
  /// The model that a step begins with.
  const StepValue *modelOf(const StepCall &call);
  /// Whether `value` is the step `name` or comes after it.
  bool dependsOn(const StepValue &value, llvm::StringRef name) const;
  /// Appends the `tune.step`, completed by kind, name, hash and uses.
  void finish(StepValue &value, const StepCall &call, Fields fields);
  void finishAs(llvm::StringRef kind, StepValue &value, const StepCall &call, Fields fields);
  std::string hashOf(const StepValue &value, const Fields &fields);
  /// A path of the recipe: relative to the recipe's folder.
  std::string resolve(llvm::StringRef path) const;
  void error(Diag code, llvm::SMRange range, const llvm::Twine &text);

  /// Options, evaluated; `fallback` where the option is absent. The front end has checked what each may be.
  elaborate::Value value(const ast::Expr *expr);
  std::optional<int64_t> integer(const StepCall &call, llvm::StringRef key);
  std::optional<double> real(const StepCall &call, llvm::StringRef key);
  static std::optional<std::string> text(const ast::Expr *expr);
  static std::optional<std::string> text(const StepCall &call, llvm::StringRef key) { return text(call.option(key)); }
  bool flag(const StepCall &call, llvm::StringRef key, bool fallback);
  bool isNone(const ast::Expr *expr) const;

  mlir::FlatSymbolRefAttr symbol(llvm::StringRef name) const;
  bool declared(llvm::StringRef symbol) const;

  elaborate::Elaborator &elaborator;
  const ast::File &file;
  std::map<std::string, std::string> identities;
  std::map<std::string, StepValue> steps;
  std::map<const elaborate::AdapterTensor *, std::string> trainedBy;
  std::vector<std::unique_ptr<elaborate::Model>> models;
  std::vector<std::unique_ptr<elaborate::AdaptedModel>> otherModels; ///< of objectives, besides the policy
  OpTexts programTexts;
  std::string folder;
  int exitStatus = 1, saves = 0;
};

} // namespace ftc::recipe_to_tune

#endif // FTC_LIB_CONVERSION_RECIPETOTUNE_CONVERTER_H
