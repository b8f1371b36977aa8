//===- Program.h - programs from definitions -------------------*- C++ -*-===//
//
// A ProgramBuilder makes one program of docs/ir.md: what is asked of it is
// evaluated from the definitions and appended as `tune`, `linalg`, `arith`,
// `math` and `tensor` ops. Values given and returned are MLIR tensors whose
// layout the comment on each function states.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_PROGRAM_H
#define FTC_ELABORATE_PROGRAM_H

#include "ftc/Elaborate/Adapter.h"
#include "ftc/Elaborate/TensorTable.h"
#include "ftc/Runtime/Data/Record.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include <set>

namespace ftc::elaborate {

/// What a row of a data set holds (include/ftc/Runtime/Data/Record.h).
struct RecordForm {
  std::string name = "tokens";
  std::vector<std::string> texts;   ///< names; none where the row is the only text
  std::string field;                ///< an integer for each row; empty where there is none
  bool truth = false;               ///< the field is true or false
  std::vector<std::string> numbers; ///< names of further fields, each a number
  bool hasAnyNumber = false;        ///< rows that stand for any
  bool pooled = false;              ///< logits are those of the one token that has a weight
};

/// The form of rows of a kind as programs see it.
RecordForm recordFormOf(const runtime::data::RecordKind &kind);

/// The log-probabilities that a model other than the policy gives the labels of a text, found before the training:
/// real `[B,T]`.
struct KeptLogProbabilities {
  const AdaptedModel *model;
  std::string text; ///< its name; empty for the row itself
  std::string output, input;
};

/// The input tensors (symbols) of one micro-batch of `sequences x tokens`. They are declared when first read: ids,
/// targets, positions, segments i32 `[B,T]`, weights f64 `[B,T]`, row and key i64 scalars, field i32 `[B]`, numbers f64
/// `[B,T]` where the row is the only text, else `[B]`. Targets are labels already shifted; where there is none, the
/// weight is 0.
struct Batch {
  int64_t sequences = 0, tokens = 0;
  double share = 1;          ///< of the rows of the global batch
  int64_t virtualTokens = 0; ///< places before each document that adapters fill; counted in `tokens` and positions
  bool packed = false;       ///< a row may hold several documents
  std::string ids, targets, weights, positions, segments, row, key, field;
  std::string numbers; ///< what the symbol of each number begins with
  /// Of the training: updates done (i64 scalar), and those of the whole (f64 scalar); empty where nothing is trained.
  std::string step, steps;
  RecordForm form;
  std::vector<Batch> texts; ///< of each of the form's texts; `row` and `key` are those of the record
  std::vector<KeptLogProbabilities> kept;
};

/// The objective that a value applies, or null.
const ast::Definition *objectiveOf(const Value &value);
/// Whether an objective declares tensors: a training by it begins with `AdaptedModel::addObjective`.
bool declaresTensors(const ast::Definition &objective);
/// Whether some of them change from step to step by what the objective says.
bool keepsStates(const ast::Definition &objective);
/// Whether an objective may ask for log-probabilities of models other than the policy: `initial` and what its arguments
/// name.
bool mayAskOthers(const Value &objective);

/// The models of an objective besides those that its arguments name.
struct LossModels {
  const AdaptedModel *policy;
  const AdaptedModel *initial; ///< the policy before the first step; null where that is not known any more
  bool training = false;
  bool advances = false; ///< states of the objective go on
};

/// Keys and values kept between programs of a generation. Caches of attention site n are `<prefix>.keys.n` and
/// `<prefix>.values.n` of shape `[1, capacity, kv, d]`; positions and segments are i32 `[1, capacity]`, `start` and
/// `last` i32 scalars.
struct Caches {
  std::string prefix, positions, segments, start, last;
  int64_t capacity = 0;
  std::vector<std::string> symbols; ///< filled: caches in order of sites, keys before values
};

/// The states that an optimizer keeps for one parameter, and where its parts live.
struct OptimizedTensor {
  AdapterTensor *tensor;
  std::string parameter, gradient; ///< symbols
  std::vector<std::string> states; ///< symbols, in order of declaration
};

/// What an update reads besides tensors: f64 scalars, and where there is chance an i64 scalar.
struct UpdateInputs {
  mlir::Value step;  ///< updates done
  mlir::Value steps; ///< of the whole training
  mlir::Value stepsPerEpoch;
  mlir::Value rate; ///< the schedule's factor; null where no optimizer runs
  std::string key;  ///< symbol, declared when first read
};

/// A statistic, and the adapter that asks for it.
using AskedCalibration = std::pair<const AdapterInstance *, const Calibration *>;

/// An optimizer as it applies to the trained tensors: chosen, its parameters evaluated and its states declared.
class OptimizerPlan;

/// A loss as one micro-batch adds to it.
struct LossValue {
  mlir::Value share;                           ///< scalar; null after errors
  llvm::SmallVector<mlir::Value> denominators; ///< this micro-batch's part of each, scalars; they depend on no model
};

struct MergedTensor {
  std::string name;  ///< in the checkpoint
  mlir::Value value; ///< f64, in the model's own order of dimensions
};

class ProgramBuilder {
public:
  /// Appends an empty program to the module.
  ProgramBuilder(Elaborator &elaborator, llvm::StringRef symbol);
  ~ProgramBuilder();

  mlir::OpBuilder &builder();
  mlir::Location loc();
  /// Contents of a declared tensor; one op for each symbol.
  mlir::Value read(llvm::StringRef symbol);
  void write(mlir::Value value, llvm::StringRef symbol);
  /// The tensor plus a value, written back.
  void accumulate(mlir::Value value, llvm::StringRef symbol);
  /// Removes what no write needs and returns the program; null if there were errors (the program is then erased).
  mlir::func::FuncOp finish();

  /// `[B, T, vocab]`; with caches `[1, 1, vocab]` of the token `last`. `training` turns on dropout.
  mlir::Value logits(const AdaptedModel &model, const Batch &batch, bool training, Caches *caches = nullptr);

  /// What a linear site or module makes of `x` (real `[B, T, n]`) with its adapters: `[B, T, m]`; null after errors.
  mlir::Value site(const AdaptedModel &model, ModuleInstance &site, mlir::Value x, const Batch &batch);

  /// Writes the log-probabilities that an objective takes of models other than the policy to tensors whose symbols
  /// begin with `prefix`, and says which.
  std::vector<KeptLogProbabilities> references(const Value &objective, const LossModels &models, const Batch &batch,
                                               llvm::StringRef prefix);
  /// The share of this micro-batch in the loss: numerators over the whole batch's denominators, which are read from the
  /// tensor of that symbol, declared here (f64 `[n]`); without a symbol, over this micro-batch's own.
  LossValue loss(const Value &objective, const LossModels &models, const Batch &batch, llvm::StringRef denominators);

  /// Adds the denominators that `loss` has found in another program to the tensor of that symbol, declared here (f64
  /// `[n]`); finds them anew, by its ops on what it reads.
  void weigh(llvm::ArrayRef<mlir::Value> denominators, llvm::StringRef symbol);

  /// What the integer of a row must be below, found by `loss`; 0 where rows have none that counts classes.
  int64_t classes() const;

  /// The factor of the learning rate, a scalar; the operands are f64 scalars.
  mlir::Value rate(const Value &schedule, mlir::Value step, mlir::Value steps, mlir::Value stepsPerEpoch);
  /// Next values of parameters, states and what adapters keep from step to step, written. Returns the learning rate of
  /// the first parameter, an f64 scalar, for the log. `points`: how many besides p the loss was found at.
  mlir::Value update(OptimizerPlan &plan, const AdaptedModel &model, const UpdateInputs &inputs, unsigned points = 0);
  /// At how many points besides p the optimizers ask for the loss or its gradient. The program is used up.
  unsigned findPoints(OptimizerPlan &plan, const AdaptedModel &model, const UpdateInputs &inputs);
  /// Moves the tensors to the n-th of these points (from 1), and keeps what was found at the one before where later
  /// programs want it, by symbol.
  void move(OptimizerPlan &plan, const UpdateInputs &inputs, unsigned number, const std::set<std::string> &wanted);
  /// What the blocks of that time in a model's adapters change, written.
  void every(OptimizerPlan &plan, const AdaptedModel &model, BlockTime time, const UpdateInputs &inputs);
  /// First values of the states that do not begin at 0, written; `key` is an i64 scalar.
  void initialise(OptimizerPlan &plan, mlir::Value key);
  /// sqrt of the sum of squares of all gradients, a scalar; 0 where none are found.
  mlir::Value gradientNorm(const OptimizerPlan &plan);

  /// Adds what calibrations ask of the inputs that `model` gives their sites, and the number of tokens to `count` (f64
  /// scalar).
  void calibrate(const AdaptedModel &model, llvm::ArrayRef<AskedCalibration> asked, const Batch &batch,
                 llvm::StringRef count);
  /// First values of all adapter tensors that have no source, of the groups from `firstGroup` on, written; `key` is an
  /// i64 scalar.
  void initialise(const AdaptedModel &model, size_t firstGroup, mlir::Value key);
  /// What `let`s have made of frozen tensors, written anew: those have other contents than they began with.
  void followFrozen(const AdaptedModel &model);
  /// The folded tensors of a model's adapters, with their values.
  std::vector<std::pair<const AdapterTensor *, mlir::Value>> fold(const AdaptedModel &model);
  /// The model's own tensors that merging changes, with new values, in model order; tensors trained in place are not
  /// among them.
  std::vector<MergedTensor> merge(const AdaptedModel &model);
  /// What a `format` would change of a matrix: the sums of squares of what it would take off or add, and of the matrix
  /// itself, f64 scalars; nothing if values cannot be put into it.
  std::optional<std::pair<mlir::Value, mlir::Value>> storageError(const ast::Definition &format, mlir::Value x);
  /// Values `[rows, n]` of `rows` rows of blocks (i8 `[rows, bytes]`), by a `format` definition.
  mlir::Value decode(const ast::Definition &format, mlir::Value bytes, int64_t n);

  struct State; ///< of the implementation

private:
  void step(OptimizerPlan &plan, unsigned points);
  /// The same values as those of another program, by its ops on what it reads.
  llvm::SmallVector<mlir::Value> copy(llvm::ArrayRef<mlir::Value> values);

  std::unique_ptr<State> state;
};

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_PROGRAM_H
