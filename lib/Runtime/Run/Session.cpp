//===- Session.cpp - what the steps of a run share ---------------------------===//

#include "ftc/Runtime/Run/Session.h"

#include "ftc/Runtime/Data/Dataset.h"
#include "ftc/Runtime/Run/Curves.h"
#include "ftc/Runtime/Run/Interrupt.h"
#include "ftc/Runtime/Run/TensorTransfer.h"

#include <algorithm>
#include <cerrno>
#include <cfenv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <new>
#include <sys/file.h>

namespace ftc::run {

namespace fs = std::filesystem;

//===----------------------------------------------------------------------===//
// RunFolder
//===----------------------------------------------------------------------===//

/// Removes what runs keep in their folder, and nothing else.
static void forget(const std::string &folder) {
  std::error_code ignored;
  for (const char *name : {"ledger.json", "metrics.jsonl", "metrics.previous.jsonl", "loss.svg", "recipe.ftr"})
    fs::remove(folder + "/" + name, ignored);
  for (const char *name : {"checkpoints", "results"})
    fs::remove_all(folder + "/" + name, ignored);
}

/// Removes files that a killed process was writing.
static void removePartialFiles(const std::string &folder) {
  std::error_code ignored;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, ignored)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(".") && name.ends_with(".partial"))
      fs::remove_all(entry.path(), ignored);
  }
}

Expected<RunFolder> RunFolder::open(const std::string &path, bool fresh) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return makeError(ExitStatus::Output, "{}: the run's folder cannot be created: {}", path, error.message());
  FileDescriptor lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock)
    return makeError(ExitStatus::Output, "{}: the run's folder cannot be opened: {}", path, std::strerror(errno));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return makeError(ExitStatus::Output, "{}: another run is at work in this folder (--out chooses another)", path);
  if (fresh)
    forget(path);
  for (const char *name : {"checkpoints", "results"}) {
    fs::create_directories(path + "/" + name, error);
    if (error)
      return makeError(ExitStatus::Output, "{}/{}: cannot be created: {}", path, name, error.message());
    removePartialFiles(path + "/" + name);
  }
  removePartialFiles(path);
  return RunFolder(path, std::move(lock));
}

std::string RunFolder::result(const Step &step, const Hash128 &identity, std::string_view extension) const {
  return fmt::format("{}/results/{}.{}{}", folder, step.name, identity.hex().substr(0, 12), extension);
}

//===----------------------------------------------------------------------===//
// Paths, uses, identities
//===----------------------------------------------------------------------===//

std::string pathOf(const Manifest &manifest, const Options &options, const Step &step, const std::string &path) {
  if (auto replaced = options.paths.find(step.name); replaced != options.paths.end())
    return replaced->second; // typed by the user, so relative to where they are
  return fs::path(path).is_absolute() ? path : (fs::path(manifest.folder) / path).lexically_normal().string();
}

std::vector<const Step *> usedSteps(const Manifest &manifest, const Step &step) {
  // Steps refer to earlier steps only, so one pass backwards finds everything.
  std::set<std::string_view> wanted(step.uses.begin(), step.uses.end());
  std::vector<const Step *> used;
  for (size_t i = manifest.steps.size(); i-- > 0;) {
    const Step &candidate = manifest.steps[i];
    if (wanted.count(candidate.name) == 0)
      continue;
    wanted.insert(candidate.uses.begin(), candidate.uses.end());
    used.insert(used.begin(), &candidate);
  }
  return used;
}

/// Hash of what a path holds: a file, or the files of a folder that are read of a model or an adapter.
static Expected<Hash128> hashContents(const std::string &path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored))
    return hashFile(path);
  std::set<std::string> files;
  for (const fs::directory_entry &entry : fs::directory_iterator(path, ignored))
    if (std::string extension = entry.path().extension(); extension == ".json" || extension == ".safetensors")
      files.insert(entry.path().string());
  Hasher hasher;
  for (const std::string &file : files) {
    Expected<Hash128> hash = hashFile(file);
    if (!hash)
      return hash.error();
    hasher.add(fs::path(file).filename().string()).add(*hash);
  }
  return hasher.finish();
}

/// The file or folder that a step reads, or null.
static const std::string *inputOf(const Step &step) {
  if (const auto *dataset = std::get_if<DatasetStep>(&step.detail))
    return &dataset->path;
  if (const auto *load = std::get_if<LoadStep>(&step.detail))
    return &load->path;
  const auto *restore = std::get_if<RestoreStep>(&step.detail);
  return restore ? &restore->path : nullptr;
}

Expected<std::map<std::string, Hash128, std::less<>>> computeIdentities(const Manifest &manifest,
                                                                        const Options &options) {
  std::map<std::string, Hash128, std::less<>> identities;
  for (const Step &step : manifest.steps) {
    Hasher hasher;
    hasher.add(step.kind).add(step.hash);
    if (options.seed)
      hasher.add(static_cast<uint64_t>(*options.seed));
    if (const std::string *input = inputOf(step)) {
      // What is read is part of what is done: changed contents begin it anew, another path does not.
      Expected<Hash128> contents = hashContents(pathOf(manifest, options, step, *input));
      if (!contents)
        return contents.error();
      hasher.add(*contents);
    } else if (std::holds_alternative<SaveStep>(step.detail)) {
      hasher.add(options.outputs);
    }
    for (const std::string &name : step.uses)
      hasher.add(identities.find(name)->second);
    identities[step.name] = hasher.finish();
  }
  return identities;
}

//===----------------------------------------------------------------------===//
// Session
//===----------------------------------------------------------------------===//

Session::Session(const Manifest &manifest, const Options &options, Console &console, Machine machine, RunFolder folder,
                 Ledger ledger, LineFile metrics)
    : manifest(manifest), options(options), console(console), machine(std::move(machine)), folder(std::move(folder)),
      ledger(std::move(ledger)), metrics(std::move(metrics)),
      readsOften(std::ranges::any_of(manifest.steps, [](const Step &step) { return step.kind == "generate"; })) {}

Expected<Model *> Session::model(const std::string &name) {
  if (auto known = models.find(name); known != models.end())
    return &known->second;
  const Step *step = manifest.find(name);
  const auto *load = step ? std::get_if<LoadStep>(&step->detail) : nullptr;
  if (!load)
    return makeError(ExitStatus::Bug, "step {} loads no model", quote(name));
  std::string path = pathOf(manifest, options, *step, load->path);
  Expected<Checkpoint> checkpoint =
      load->format == "configuration" ? Expected<Checkpoint>(Checkpoint::empty()) : Checkpoint::open(path);
  if (!checkpoint)
    return checkpoint.error();
  auto [place, isNew] = models.emplace(name, Model{path, std::move(*checkpoint), std::nullopt, false});
  return &place->second;
}

Expected<const text::TextCodec *> Session::codec(const std::string &name) {
  Expected<Model *> found = model(name);
  if (!found)
    return found.error();
  Model &model = **found;
  if (!model.codec) {
    const GgufFile *gguf = model.checkpoint.gguf();
    fs::path folder = fs::is_directory(model.path) ? fs::path(model.path) : fs::path(model.path).parent_path();
    Expected<text::TextCodec> codec =
        gguf ? text::TextCodec::fromGguf(*gguf) : text::TextCodec::fromDirectory(folder.string());
    if (!codec)
      return codec.error();
    model.codec.emplace(std::move(*codec));
  }
  return &*model.codec;
}

Expected<const data::RecordStore *> Session::records(const std::string &name) {
  if (auto known = datasets.find(name); known != datasets.end())
    return &known->second;
  const Step *step = manifest.find(name);
  const auto *dataset = step ? std::get_if<DatasetStep>(&step->detail) : nullptr;
  if (!dataset || !data::parseFormat(dataset->format))
    return makeError(ExitStatus::Bug, "step {} reads no data of a known format", quote(name));
  const text::TextCodec *codec = nullptr;
  if (dataset->tokenizer) {
    Expected<const text::TextCodec *> found = this->codec(*dataset->tokenizer);
    if (!found)
      return found.error();
    codec = *found;
  }
  data::DatasetOptions choices = dataset->options(pathOf(manifest, options, *step, dataset->path));
  choices.watch = [&](const std::string &done) {
    console.showStatus(fmt::format("{}  reading  {}", name, done));
    return checkInterrupt();
  };
  Expected<data::RecordStore> store = data::readDataset(choices, codec);
  if (!store)
    return store.error();
  if (store->size() == 0)
    return makeError(ExitStatus::Input, "{}: holds no example", choices.path);
  return &datasets.emplace(name, std::move(*store)).first->second;
}

Status Session::loadFromSource(uint32_t tensor) {
  const Source &source = *manifest.tensors[tensor].source;
  Expected<Model *> found = model(source.step);
  if (!found)
    return found.error();
  const Checkpoint &checkpoint = (*found)->checkpoint;
  const StoredTensor *stored = checkpoint.find(source.tensor);
  if (!stored)
    return loadTensor(machine, manifest, tensor, source, nullptr, (*found)->path);
  const MappedFile &file = checkpoint.fileOf(*stored);
  bool isMapped = source.mapped && !readsOften;
  Status status = loadTensor(machine, manifest, tensor, source, stored, file.path(), isMapped ? &file : nullptr);
  releasePages(stored->bytes);
  return status;
}

namespace {
/// Tensors that threads fill side by side.
struct Loading {
  Session &session;
  std::span<const uint32_t> tensors;
  std::mutex mutex = {};
  Status status = Status::success(); ///< the first failure
  bool lacksMemory = false;
};

/// Numbers of files keep their denormals, which kernels flush.
class DefaultArithmetic {
public:
  DefaultArithmetic() {
    std::fegetenv(&saved);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultArithmetic() { std::fesetenv(&saved); }
  DefaultArithmetic(const DefaultArithmetic &) = delete;
  DefaultArithmetic &operator=(const DefaultArithmetic &) = delete;

private:
  std::fenv_t saved;
};
} // namespace

/// An ftc_kernel: an item is a tensor.
static void loadItems(void *const *buffers, const int64_t *, int64_t lo, int64_t hi) {
  DefaultArithmetic arithmetic;
  Loading &loading = *static_cast<Loading *>(buffers[0]);
  for (int64_t item = lo; item < hi; ++item) {
    bool lacksMemory = false;
    Status status = Status::success();
    try {
      status = loading.session.loadFromSource(loading.tensors[size_t(item)]);
    } catch (const std::bad_alloc &) {
      lacksMemory = true;
    }
    std::lock_guard lock(loading.mutex);
    loading.lacksMemory |= lacksMemory;
    if (loading.status)
      loading.status = std::move(status);
  }
}

/// Blocks of a file are decoded by a program, which has the threads for itself.
Status Session::loadTensors(std::span<const uint32_t> tensors) {
  Loading loading{*this, tensors};
  void *buffer = &loading;
  bool decodes = std::ranges::any_of(
      tensors, [&](uint32_t tensor) { return manifest.tensors[tensor].source->decode.has_value(); });
  if (decodes)
    loadItems(&buffer, nullptr, 0, int64_t(tensors.size()));
  else
    ftc_parallel(loadItems, &buffer, nullptr, int64_t(tensors.size()), 1);
  if (loading.lacksMemory)
    throw std::bad_alloc();
  return loading.status;
}

Status Session::loadWeights(const Step &step) {
  for (const Step *used : usedSteps(manifest, step)) {
    if (used->kind != "load")
      continue;
    Expected<Model *> found = model(used->name);
    if (!found)
      return found.error();
    if ((*found)->isLoaded)
      continue;
    std::vector<uint32_t> tensors;
    for (uint32_t i = 0; i < manifest.tensors.size(); ++i)
      if (const Tensor &tensor = manifest.tensors[i];
          tensor.kind == "weight" && tensor.source && tensor.source->step == used->name)
        tensors.push_back(i);
    constexpr size_t together = 16;
    for (size_t done = 0; done < tensors.size(); done += together) {
      if (Status status = checkInterrupt(); !status)
        return status;
      auto some = std::span(tensors).subspan(done, std::min(together, tensors.size() - done));
      if (Status status = loadTensors(some); !status)
        return status;
      console.showStatus(fmt::format("{}  loading weights {}/{}", used->name, done + some.size(), tensors.size()));
    }
    (*found)->isLoaded = true;
    showsFiles = !readsOften;
    console.clearProgress();
  }
  return Status::success();
}

Status Session::leaveFiles(int64_t toCome) {
  constexpr int64_t least = 2;
  return toCome >= least && std::exchange(showsFiles, false) ? machine.leaveFiles() : Status::success();
}

Status Session::beginMetrics(std::optional<uint64_t> checkpointed) {
  uint64_t kept = checkpointed.value_or(0);
  for (const Step &step : manifest.steps)
    if (const LedgerEntry *entry = ledger.find(step.name, identity(step).hex()))
      kept = std::max(kept, entry->metricsBytes);
  return metrics.truncate(std::min(kept, metrics.size()));
}

/// The losses of all trainings so far beside the file that holds them.
Status Session::drawCurves() {
  Expected<std::string> lines = metrics.read();
  if (!lines)
    return lines.error();
  std::string picture = drawPanels(panelsOf(*lines));
  return picture.empty() ? Status::success() : writeFileAtomically(folder.file("loss.svg"), picture);
}

Status Session::finish(const Step &step, std::vector<std::string> outputs) {
  if (Status status = metrics.sync(); !status)
    return status;
  if (step.kind == "train" || step.kind == "evaluate")
    if (Status status = drawCurves(); !status)
      return status;
  // Absolute, so that the ledger is true wherever the executable is started from.
  for (std::string &output : outputs)
    output = fs::absolute(output).lexically_normal().string();
  return ledger.add({step.name, step.kind, identity(step).hex(), std::move(outputs), metrics.size()});
}

} // namespace ftc::run
