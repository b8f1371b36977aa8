//===- Adapter.h - adapters on the sites of a model ------------*- C++ -*-===//

#ifndef FTC_ELABORATE_ADAPTER_H
#define FTC_ELABORATE_ADAPTER_H

#include "ftc/Elaborate/Model.h"
#include "ftc/Runtime/IO/Json.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <set>

namespace ftc {
class Diagnostics;
}

namespace ftc::elaborate {

struct AdapterGroup;
struct AdapterInstance;
struct RecordForm;
/// Of the tensors of a file, by their names.
using StoredShapes = std::map<std::string, llvm::SmallVector<int64_t>>;

/// Trained and frozen tensors are the adapter: files hold them. Kept ones are found from them and the model when the
/// adapter is put on, or change from step to step.
enum class AdapterRole { Trained, Frozen, Kept };
/// A tensor that an adapter adds, or (`source`) a model's own tensor in whose place it stands.
struct AdapterTensor {
  std::string name;   ///< "<module path>.<adapter>.<param>"; a model's own tensor keeps the checkpoint's name
  std::string symbol; ///< its tune.tensor
  Dims dims;          ///< where shared, along each dimension the largest of all sites
  Dims ownDims = {};  ///< of the declaration, at `instance`
  AdapterRole role;
  bool integer = false;                ///< its entries are i32
  bool shared = false;                 ///< with other sites
  bool changes = false;                ///< kept, and changed by what follows an update: part of a checkpoint
  bool fromFile = false;               ///< has no first value but the file's
  const ModelTensor *source = nullptr; ///< stands in this one's place; begins as it unless it has an initial value
  AdapterInstance *instance;           ///< where it is declared; of a shared tensor the first site's
  llvm::StringRef parameter;           ///< as the definition calls it
  const ast::Expr *initial = nullptr;  ///< its first value; null: what `source` holds
  const ast::Expr *folded = nullptr;   ///< what it is made of; programs read that, files hold its value
  bool stays = false;                  ///< frozen, and nothing gives it a next value
  bool lost = false;                   ///< its directory lacks it, and nothing here can find it: not to be read
  llvm::SMRange range;                 ///< of its declaration
};

/// A `let` whose value later programs read: found at initialisation and kept.
struct KeptLet {
  std::string name;
  std::string symbol; ///< empty until it is known to be a tensor
  Dims dims;
  std::vector<std::string> reads = {};              ///< symbols of adapters' tensors whose first values it is made of
  std::function<Value(Evaluator &)> find = nullptr; ///< what it was before it was kept
};

/// A statistic of a site's input (`calibrate C on data = ...`): the sum over all tokens of the data, found by a step of
/// its own before the adapter is put on.
struct Calibration {
  const ast::CalibrateItem *item;
  Dims dims;
  std::string sum, count; ///< symbols: the sum, and the number of tokens
  bool gradient = false;  ///< `grad(W)`: of the loss of the labels, whose number is `count`
};

/// An adapter on one site, or what a definition puts on a site within its own (`on attention[...] { ... }`).
struct AdapterInstance {
  AdapterGroup *group;
  const ast::Definition *definition;
  const ast::Site *form;             ///< what the definition calls the site and its dimensions
  llvm::ArrayRef<ast::ItemPtr> body; ///< the items that hold at this site
  ModuleInstance *site;
  const ModelTensor *siteTensor = nullptr; ///< where the site is a single tensor
  AdapterInstance *outer = nullptr;        ///< the one within which this one is; it acts in `adapted(...)` only
  bool isPart = false;                     ///< called by name within its outer one, and in no other way
  int64_t number;                          ///< of the site within its group (or within its outer one), from 0
  std::string prefix;                      ///< its tensors' names begin with it
  Arguments arguments;                     ///< given at this site
  Scope *scope;
  std::vector<AdapterTensor *> tensors; ///< in order of declaration; of the whole group where shared
  std::vector<AdapterTensor *> rebased; ///< kept, each in the place of a tensor of the site
  std::vector<std::string> rebaseReads; ///< symbols of what those are made of, found with them
  std::vector<KeptLet> lets;
  std::vector<Calibration> calibrations;

  /// The tensor of its own of that name, or null.
  AdapterTensor *tensor(llvm::StringRef parameter) const;
  std::vector<std::unique_ptr<AdapterInstance>> inner; ///< on sites within this one's
};

/// When blocks of adapters happen: after each so many updates, or once, after that one.
struct BlockTime {
  int64_t updates = 1;
  bool once = false;

  auto operator<=>(const BlockTime &) const = default;
};
/// Of an `every` or `after` block; nothing after an error.
std::optional<BlockTime> timeOf(Elaborator &elaborator, const AdapterInstance &instance, const ast::EveryItem &item);
/// Of all blocks of a model's adapters, each once, in their order.
std::set<BlockTime> blockTimes(Elaborator &elaborator, const AdaptedModel &model);

/// Reports that a tensor is read that is lost; no value.
Value refuseLost(Diagnostics &diags, const AdapterTensor &tensor);

/// Whether a selector finds a dotted path; its index ranges must be known integers.
bool matches(Elaborator &elaborator, const ast::Selector &selector, llvm::StringRef path, Scope &scope);
/// The value of the last line of a map that matches a path, unevaluated; null if none does.
const ast::Expr *lastMatch(Elaborator &elaborator, const MapValue &map, llvm::StringRef path);

/// One line of an `adapt` block: one definition on all sites that its selector finds.
struct AdapterGroup {
  std::shared_ptr<const Applied> applied;
  llvm::SMRange range; ///< of the line
  std::vector<std::unique_ptr<AdapterInstance>> instances;
  std::vector<std::unique_ptr<AdapterTensor>> tensors;
  std::string folder; ///< the directory that it was read from, as the recipe calls it; empty if none
  std::shared_ptr<const StoredShapes> stored; ///< of a directory of PEFT that it was read from; null if none
  /// Instances by their sites, each before its inner ones, and the tensors that stand in place of a model's own; known
  /// once the group is part of a model.
  llvm::DenseMap<const ModuleInstance *, llvm::SmallVector<AdapterInstance *, 1>> bySite;
  llvm::DenseMap<const ModelTensor *, llvm::SmallVector<AdapterTensor *, 1>> bySource;
};

/// A model with adapters: what `adapt` gives. Cheap to copy; a model as loaded is one without groups.
class AdaptedModel {
public:
  AdaptedModel() = default;
  explicit AdaptedModel(Model &model) : baseModel(&model) {}

  /// Adds the lines of a map, in order; symbols of new tensors begin with `step.`. False after errors.
  bool adapt(Elaborator &elaborator, llvm::StringRef step, const MapValue &lines);

  /// Puts one adapter on all sites for which `finds` holds, by their paths.
  bool adapt(Elaborator &elaborator, llvm::StringRef step, std::shared_ptr<const Applied> adapter,
             llvm::function_ref<bool(llvm::StringRef)> finds);

  /// Adds the tensors that an objective declares (`param`, `frozen`), as one group without sites, for a training by it
  /// on rows of that form; symbols begin with `step.`. False after errors.
  bool addObjective(Elaborator &elaborator, llvm::StringRef step, std::shared_ptr<const Applied> objective,
                    const RecordForm &form);
  /// The instance that holds the tensors of an objective, or null.
  const AdapterInstance *ofObjective(const ast::Definition &objective) const;

  /// Adds a group, which is complete from now on.
  void add(std::shared_ptr<AdapterGroup> group);

  Model &model() const { return *baseModel; }
  const std::vector<std::shared_ptr<AdapterGroup>> &groups() const { return adapterGroups; }
  /// How many of the groups, from the first, are merged: they are no adapters any more.
  size_t mergedCount() const { return mergedGroups; }
  /// All tensors of all groups but those that are kept, in order of lines, then sites, then declarations.
  std::vector<AdapterTensor *> tensors() const;
  /// Those of a role; trained ones of an earlier stage are left out.
  std::vector<AdapterTensor *> tensors(AdapterRole role) const;
  /// What is trained so far stays as it is: a later stage begins.
  void settle();
  /// Takes a tensor of the model's own up again: this stage trains it too.
  void unsettle(const AdapterTensor *tensor) { settled.erase(tensor); }
  bool isSettled(const AdapterTensor *tensor) const { return settled.count(tensor) != 0; }
  bool isSettled(const AdapterInstance *instance) const;
  /// The adapters on a site, in order of application; also those that act within another one only.
  std::vector<AdapterInstance *> on(const ModuleInstance *site) const;
  /// The lines before one whose adapters act on what modules give, beside those that have been merged.
  std::vector<const AdapterGroup *> linesBelow(const AdapterGroup &line) const;
  /// All adapters, the inner ones after those around them.
  std::vector<AdapterInstance *> instances() const;
  /// Those of them that this stage trains.
  std::vector<AdapterInstance *> learning() const;
  /// What updates change besides the trained tensors, in order of `instances`.
  std::vector<AdapterTensor *> changing() const;
  /// The trained tensor that stands in the place of a model's own one, or null.
  AdapterTensor *inPlaceOf(const ModelTensor *tensor) const;
  /// The symbol that programs read for a model's tensor: what merging put in its place, the trained one's, or
  /// "<load step>.<name>".
  std::string symbolOf(const ModelTensor *tensor) const { return symbolBefore(tensor, nullptr); }
  /// The same as the groups before one have it.
  std::string symbolBefore(const ModelTensor *tensor, const AdapterGroup *group) const;
  /// Declares the tensor of that symbol as a weight from the model's file, if no program has done so.
  void declare(Elaborator &elaborator, const ModelTensor *tensor, const AdapterGroup *before = nullptr) const;
  /// Whether programs read a model's tensor as the file has it.
  bool isAsLoaded(const ModelTensor *tensor) const;
  /// How many tokens its adapters put before each document.
  int64_t virtualTokens(Elaborator &elaborator) const;
  /// What merging gives: no adapters any more but for tensors trained in place, and `symbols` (by name in the
  /// checkpoint) in the place of the model's own tensors.
  AdaptedModel merged(llvm::ArrayRef<std::pair<std::string, std::string>> symbols) const;
  /// The same tensors in another instance of the model; there are no adapters but tensors trained in place.
  AdaptedModel in(Model &other) const;
  /// The tensor of an adapter that has that symbol, or null.
  const AdapterTensor *tensorOf(llvm::StringRef symbol) const;
  /// Whether there are adapters that are no tensors of the model's own.
  bool hasAdapters() const;
  /// Whether tensors of the model's own are others than the file's, beside those that are trained in place.
  bool isReplaced() const { return !replaced.empty() || mergedGroups > 0; }
  /// Puts a symbol in the place of a model's own tensor.
  void replace(const ModelTensor &tensor, std::string symbol) { replaced[tensor.name] = std::move(symbol); }
  /// Of a directory of PEFT that was read: an adapter's tensor has what that holds, or what became of it.
  void markRead(const std::string &symbol) { readSymbols.insert(symbol); }
  bool isRead(const std::string &symbol) const { return readSymbols.count(symbol) != 0; }
  /// The configuration that all groups there are were read from; null if there is none or others came since.
  const runtime::json::Value *origin() const {
    return originGroups == adapterGroups.size() && mergedGroups == 0 ? configuration.get() : nullptr;
  }
  void setOrigin(std::shared_ptr<const runtime::json::Value> config) {
    configuration = std::move(config);
    originGroups = adapterGroups.size();
  }

private:
  Model *baseModel = nullptr;
  std::vector<std::shared_ptr<AdapterGroup>> adapterGroups;
  size_t mergedGroups = 0;                     ///< of the first groups only tensors trained in place still count
  std::map<std::string, std::string> replaced; ///< symbols by name in the checkpoint, for those groups
  std::set<const AdapterTensor *> settled;     ///< trained by earlier stages
  std::set<std::string> readSymbols;
  std::shared_ptr<const runtime::json::Value> configuration;
  size_t originGroups = 0; ///< the groups that it made
};

/// Arguments in which each map is replaced by its value for a path.
Arguments atSite(Elaborator &shared, const Arguments &arguments, llvm::StringRef path);

/// Whether an adapter of this definition puts tokens of its own before each document.
bool putsTokensBefore(const ast::Definition &definition);

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_ADAPTER_H
