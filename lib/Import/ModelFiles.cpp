//===- ModelFiles.cpp - a model's configuration and headers ---------------===//

#include "ftc/Import/ModelFiles.h"

#include "ftc/Elaborate/Json.h"
#include "ftc/Runtime/IO/Checkpoint.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using namespace ftc::elaborate;
using runtime::Expected;

using Members = std::map<std::string, Value, std::less<>>;

static Value object(Members members) { return Value::Object(std::make_shared<Members>(std::move(members))); }

/// Arrays of metadata longer than this are vocabularies: the tokenizer's business, no configuration.
static constexpr size_t longestConfigArray = 4096;

static Value toValue(const runtime::GgufValue &metadata) {
  if (auto flag = metadata.asBool())
    return *flag;
  if (auto integer = metadata.asInteger())
    return *integer;
  if (auto number = metadata.asNumber())
    return *number;
  if (auto text = metadata.asString())
    return std::string(*text);
  std::vector<Value> values;
  const runtime::GgufArray &array = *metadata.asArray();
  for (size_t i = 0; i < array.size() && array.size() <= longestConfigArray; ++i)
    values.push_back(toValue(array[i]));
  return Value::list(std::move(values));
}

namespace {
/// An object under construction; a key that is both a value and a prefix of others keeps only the others.
struct Tree {
  std::map<std::string, Tree, std::less<>> below;
  std::optional<Value> value;

  Value finish() const {
    if (below.empty())
      return value ? *value : object({});
    Members members;
    for (const auto &[key, tree] : below)
      members.insert_or_assign(key, tree.finish());
    return object(std::move(members));
  }
};
} // namespace

/// What follows is one part: nesting is bounded, whatever a file calls its keys.
static constexpr int mostKeyParts = 16;

static Value nestMetadata(const runtime::GgufFile &file) {
  Tree root;
  for (const auto &[key, value] : file.metadata()) {
    Tree *place = &root;
    llvm::SmallVector<llvm::StringRef> parts;
    llvm::StringRef(key).split(parts, '.', mostKeyParts - 1);
    for (llvm::StringRef part : parts)
      place = &place->below[part.str()];
    place->value = toValue(value);
  }
  return root.finish();
}

/// A folder with a configuration and no weights.
static bool isWeightless(const std::string &path) {
  std::error_code failure;
  bool configured = false;
  for (llvm::sys::fs::directory_iterator entry(path, failure), end; entry != end && !failure;
       entry.increment(failure)) {
    llvm::StringRef name = llvm::sys::path::filename(entry->path());
    if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") || name.ends_with(".gguf"))
      return false;
    configured |= name == "config.json";
  }
  return configured;
}

/// config.json of a folder, or beside a file.
static Expected<Value> readConfig(const std::string &path) {
  llvm::SmallString<256> name(path);
  if (!llvm::sys::fs::is_directory(path))
    llvm::sys::path::remove_filename(name);
  llvm::sys::path::append(name, "config.json");
  auto config = runtime::json::parseFile(name.str().str());
  if (!config)
    return config.error();
  if (!config->asObject())
    return runtime::makeError(runtime::ExitStatus::Input, "{}: expected an object, got {}", name.str().str(),
                              config->kind());
  return fromJson(*config);
}

Expected<ModelFiles> ftc::readModelFiles(const std::string &path) {
  ModelFiles files;
  files.path = path;
  if (isWeightless(path)) {
    auto config = readConfig(path);
    if (!config)
      return config.error();
    files.weightless = true;
    files.config = *config;
    return files;
  }
  auto checkpoint = runtime::Checkpoint::open(path);
  if (!checkpoint)
    return checkpoint.error();
  if (const runtime::GgufFile *gguf = checkpoint->gguf()) {
    files.gguf = true;
    files.config = nestMetadata(*gguf);
  } else {
    auto config = readConfig(path);
    if (!config)
      return config.error();
    files.config = *config;
  }
  for (const runtime::StoredTensor *tensor : checkpoint->tensors()) {
    FileTensor header;
    header.name = tensor->name;
    header.type = std::string(tensor->format.name);
    header.offset = int64_t(tensor->offset);
    header.shape.assign(tensor->shape.begin(), tensor->shape.end());
    if (!tensor->format.element && !header.shape.empty())
      header.rowBytes = header.shape.back() / tensor->format.blockElements * tensor->format.blockBytes;
    files.tensors.push_back(std::move(header));
  }
  return files;
}
