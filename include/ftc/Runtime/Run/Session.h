//===- Session.h - what the steps of a run share -----------------------------===//
#pragma once

#include "ftc/Runtime/Core/Hash.h"
#include "ftc/Runtime/Data/Dataset.h"
#include "ftc/Runtime/IO/Checkpoint.h"
#include "ftc/Runtime/Run/Console.h"
#include "ftc/Runtime/Run/Ledger.h"
#include "ftc/Runtime/Run/LineFile.h"
#include "ftc/Runtime/Run/Machine.h"
#include "ftc/Runtime/Text/TextCodec.h"

#include <map>
#include <set>
#include <span>
#include <utility>

namespace ftc::run {

/// The folder of a run: which files it holds, and that no other process works in it.
class RunFolder {
public:
  /// Creates the folder; `fresh` forgets what it holds. Fails if another run is at work there.
  static Expected<RunFolder> open(const std::string &path, bool fresh);

  const std::string &path() const { return folder; }
  std::string file(std::string_view name) const { return folder + "/" + std::string(name); }
  std::string checkpoints() const { return file("checkpoints"); }
  /// Where a finished step keeps what later steps need.
  std::string result(const Step &step, const Hash128 &identity, std::string_view extension) const;

private:
  RunFolder(std::string path, FileDescriptor lock) : folder(std::move(path)), lock(std::move(lock)) {}

  std::string folder;
  FileDescriptor lock;
};

/// A model's files, opened.
struct Model {
  std::string path;
  Checkpoint checkpoint;
  std::optional<text::TextCodec> codec; // read when first asked for
  bool isLoaded = false;                // its weights are in the arena
};

/// How a step ended: a signal, or --stop-after in training, leaves it unfinished without a failure.
enum class Outcome { Done, Stopped, Interrupted };

class Session {
public:
  Session(const Manifest &manifest, const Options &options, Console &console, Machine machine, RunFolder folder,
          Ledger ledger, LineFile metrics);

  const Manifest &manifest;
  const Options &options;
  Console &console;
  Machine machine;
  RunFolder folder;
  Ledger ledger;
  LineFile metrics;
  /// Of every step: its hash with those of what it uses, replaced paths and seeds, and contents of data files.
  std::map<std::string, Hash128, std::less<>> identities;

  const Hash128 &identity(const Step &step) const { return identities.find(step.name)->second; }
  int64_t seed(int64_t recipes) const { return options.seed.value_or(recipes); }

  /// The model that a `load` step opens.
  Expected<Model *> model(const std::string &step);
  Expected<const text::TextCodec *> codec(const std::string &step);
  Expected<const data::RecordStore *> records(const std::string &step);
  /// Fills the weights of all models that the step uses, unless they are in the arena already.
  Status loadWeights(const Step &step);
  /// After the first step or batch, which is not to wait for that: takes weights out of the files whose pages they are
  /// (Machine::leaveFiles), if as many are to come as make it worth while.
  Status leaveFiles(int64_t toCome);
  /// Fills one tensor from the source in its manifest entry.
  Status loadFromSource(uint32_t tensor);

  /// Drops lines of metrics.jsonl that no finished step and no checkpoint vouches for: to be called before a step adds
  /// its own.
  Status beginMetrics(std::optional<uint64_t> checkpointed = std::nullopt);
  /// Adds a finished step to the ledger; where it has left metrics, the picture of them is drawn anew.
  Status finish(const Step &step, std::vector<std::string> outputs);

private:
  /// Fills tensors from their sources, on all threads.
  Status loadTensors(std::span<const uint32_t> tensors);
  Status drawCurves();

  /// Weights are read for each generated token, as fast as memory is: from the arena's large pages, not from a file's.
  const bool readsOften;
  bool showsFiles = false; ///< weights may be pages of their file
  std::map<std::string, Model> models;
  std::map<std::string, data::RecordStore> datasets;
};

/// Where a step reads (or writes) a path: --set, else the recipe's, relative to the recipe's folder.
std::string pathOf(const Manifest &manifest, const Options &options, const Step &step, const std::string &path);

/// All steps that `step` uses, directly or not, in the order of the manifest.
std::vector<const Step *> usedSteps(const Manifest &manifest, const Step &step);

/// The identities of all steps; reads the data files.
Expected<std::map<std::string, Hash128, std::less<>>> computeIdentities(const Manifest &manifest,
                                                                        const Options &options);

} // namespace ftc::run
