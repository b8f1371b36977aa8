//===- Checkpoint.cpp - single files, shards and folders ---------*- C++ -*-===//

#include "ftc/Runtime/IO/Checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

using namespace ftc::runtime;
namespace fs = std::filesystem;

static constexpr uint64_t maxIndexBytes = uint64_t(64) << 20;

/// True for a plain file name, which cannot leave its folder.
static bool isPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

/// tensor name -> shard name, checked.
static Expected<std::map<std::string, std::string>> readWeightMap(const std::string &path) {
  Expected<json::Value> index = json::parseFile(path, maxIndexBytes);
  if (!index)
    return index.error();
  const json::Value *map = index->find("weight_map");
  if (!map || !map->asObject())
    return makeError(ExitStatus::Input, "{}: 'weight_map' is {}, expected an object", path,
                     map ? map->kind() : "missing");
  std::map<std::string, std::string> result;
  for (const json::Member &member : *map->asObject()) {
    const std::string *shard = member.value.asString();
    if (!shard)
      return makeError(ExitStatus::Input, "{}: 'weight_map': the file of {} is {}, expected a string", path,
                       quote(member.key), member.value.kind());
    if (!isPlainName(*shard))
      return makeError(ExitStatus::Input, "{}: 'weight_map': the file of {} is {}, expected a file name in this folder",
                       path, quote(member.key), quote(*shard));
    result.emplace(member.key, *shard);
  }
  if (result.empty())
    return makeError(ExitStatus::Input, "{}: 'weight_map' is empty", path);
  return result;
}

/// Index and shard agree about the shard's tensors.
static Status checkShard(const std::string &index, const SafetensorsFile &shard, const std::string &shardName,
                         const std::map<std::string, std::string> &weightMap) {
  for (const auto &[name, file] : weightMap)
    if (file == shardName && !shard.find(name))
      return makeError(ExitStatus::Input, "{}: 'weight_map' places {} in {}, which has no such tensor", index,
                       quote(name), quote(shardName));
  for (const StoredTensor &tensor : shard.tensors()) {
    auto entry = weightMap.find(tensor.name);
    if (entry == weightMap.end())
      return makeError(ExitStatus::Input, "{}: tensor {} is not in the 'weight_map' of {}", shard.path(),
                       quote(tensor.name), index);
    if (entry->second != shardName)
      return makeError(ExitStatus::Input, "{}: 'weight_map' places {} in {}, but {} has it too", index,
                       quote(tensor.name), quote(entry->second), quote(shardName));
  }
  return Status::success();
}

Expected<Checkpoint> Checkpoint::openIndex(const std::string &path) {
  Expected<std::map<std::string, std::string>> weightMap = readWeightMap(path);
  if (!weightMap)
    return weightMap.error();
  std::vector<std::string> names;
  for (const auto &[tensor, file] : *weightMap)
    names.push_back(file);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  Checkpoint checkpoint;
  for (const std::string &name : names) {
    Expected<SafetensorsFile> shard = SafetensorsFile::open((fs::path(path).parent_path() / name).string());
    if (!shard)
      return makeError(shard.error().status, "{}, a shard of {}", shard.error().message, path);
    if (Status status = checkShard(path, *shard, name, *weightMap); !status)
      return status.error();
    checkpoint.shards.push_back(*std::move(shard));
  }
  checkpoint.collect();
  return checkpoint;
}

/// The file that a model's folder is opened by.
static Expected<std::string> findInFolder(const std::string &folder) {
  std::error_code failure;
  for (const char *name : {"model.safetensors", "model.safetensors.index.json"})
    if (fs::path file = fs::path(folder) / name; fs::exists(file, failure))
      return file.string();
  std::vector<std::string> ggufs;
  bool pickled = false;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
    fs::path extension = entry->path().extension();
    if (extension == ".gguf")
      ggufs.push_back(entry->path().string());
    pickled |= extension == ".bin" || extension == ".pt" || extension == ".pth";
  }
  if (failure)
    return makeError(ExitStatus::Input, "{}: cannot read the folder: {}", folder, failure.message());
  std::sort(ggufs.begin(), ggufs.end());
  if (ggufs.size() == 1)
    return ggufs.front();
  if (ggufs.size() > 1)
    return makeError(ExitStatus::Input, "{}: holds {} GGUF files; name one, for example {}", folder, ggufs.size(),
                     ggufs.front());
  return makeError(
      ExitStatus::Input, "{}: no model.safetensors, model.safetensors.index.json or .gguf file{}", folder,
      pickled ? "; pickled weights (.bin, .pt) can run code and are never read: convert them to safetensors" : "");
}

static Expected<bool> isGguf(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.error();
  return path.ends_with(".gguf") || file->text().starts_with("GGUF");
}

Expected<Checkpoint> Checkpoint::open(const std::string &path) {
  std::error_code failure;
  if (fs::is_directory(path, failure)) {
    Expected<std::string> file = findInFolder(path);
    if (!file)
      return file.error();
    return open(*file);
  }
  if (path.ends_with(".index.json"))
    return openIndex(path);
  Expected<bool> gguf = isGguf(path);
  if (!gguf)
    return gguf.error();
  Checkpoint checkpoint;
  if (*gguf) {
    Expected<GgufFile> file = GgufFile::open(path);
    if (!file)
      return file.error();
    checkpoint.ggufFile = *std::move(file);
  } else {
    Expected<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file)
      return file.error();
    checkpoint.shards.push_back(*std::move(file));
  }
  checkpoint.collect();
  return checkpoint;
}

/// Fills `sorted`. The files' own vectors keep the tensors in place when a checkpoint moves.
void Checkpoint::collect() {
  if (ggufFile)
    for (const StoredTensor &tensor : ggufFile->tensors())
      sorted.push_back(&tensor);
  for (const SafetensorsFile &shard : shards)
    for (const StoredTensor &tensor : shard.tensors())
      sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(),
            [](const StoredTensor *a, const StoredTensor *b) { return a->name < b->name; });
}

const StoredTensor *Checkpoint::find(std::string_view name) const {
  auto found = std::lower_bound(sorted.begin(), sorted.end(), name,
                                [](const StoredTensor *tensor, std::string_view name) { return tensor->name < name; });
  return found != sorted.end() && (*found)->name == name ? *found : nullptr;
}

const MappedFile &Checkpoint::fileOf(const StoredTensor &tensor) const {
  for (const SafetensorsFile &shard : shards)
    if (shard.find(tensor.name))
      return shard.mappedFile();
  return ggufFile->mappedFile();
}

std::vector<std::string> Checkpoint::files() const {
  std::vector<std::string> result;
  for (const SafetensorsFile &shard : shards)
    result.push_back(shard.path());
  if (ggufFile)
    result.push_back(ggufFile->path());
  return result;
}

Expected<AdapterDirectory> AdapterDirectory::open(const std::string &folder) {
  std::error_code failure;
  bool own = fs::exists(fs::path(folder) / selfDescription, failure);
  std::string configPath = (fs::path(folder) / (own ? selfDescription : peftDescription)).string();
  Expected<json::Value> config = json::parseFile(configPath, maxIndexBytes);
  if (!config)
    return config.error();
  if (!config->asObject())
    return makeError(ExitStatus::Input, "{}: is {}, expected an object", configPath, config->kind());
  Expected<SafetensorsFile> tensors =
      SafetensorsFile::open((fs::path(folder) / (own ? selfTensors : peftTensors)).string());
  if (!tensors)
    return tensors.error();
  return AdapterDirectory{own, configPath, *std::move(config), *std::move(tensors)};
}
