//===- Safetensors.cpp - reading safetensors files ---------------*- C++ -*-===//

#include "ftc/Runtime/IO/Safetensors.h"

#include "ftc/Runtime/IO/Json.h"

#include <algorithm>
#include <cstring>
#include <tuple>

using namespace ftc::runtime;

namespace {
constexpr size_t lengthBytes = 8;
/// No model's tensor has more; bounds what a header can make us allocate.
constexpr size_t maxRank = 16;

/// Reads the header's entry of one tensor. Methods that fail set `failure`.
class EntryReader {
public:
  EntryReader(const std::string &path, std::string_view name, std::span<const std::byte> data, uint64_t dataStart)
      : path(path), data(data), dataStart(dataStart) {
    tensor.name = name;
  }

  Expected<StoredTensor> read(const json::Value &entry);

private:
  template <typename... Args> bool fail(fmt::format_string<Args...> format, Args &&...args) {
    failure = makeError(ExitStatus::Input, "{}: tensor {}: {}", path, quote(tensor.name),
                        fmt::format(format, std::forward<Args>(args)...));
    return false;
  }
  bool checkKeys(const json::Value &entry);
  bool readType(const json::Value &entry);
  bool readShape(const json::Value &entry);
  bool readBytes(const json::Value &entry);

  const std::string &path;
  std::span<const std::byte> data;
  uint64_t dataStart;
  StoredTensor tensor;
  std::optional<Error> failure;
};
} // namespace

bool EntryReader::checkKeys(const json::Value &entry) {
  const json::Object *members = entry.asObject();
  if (!members)
    return fail("expected an object with 'dtype', 'shape' and 'data_offsets', got {}", entry.kind());
  for (const json::Member &member : *members)
    if (member.key != "dtype" && member.key != "shape" && member.key != "data_offsets")
      return fail("unknown key {}", quote(member.key));
  for (const char *key : {"dtype", "shape", "data_offsets"})
    if (!entry.find(key))
      return fail("'{}' is missing", key);
  return true;
}

bool EntryReader::readType(const json::Value &entry) {
  const std::string *name = entry.find("dtype")->asString();
  if (!name)
    return fail("'dtype' is {}, expected a string", entry.find("dtype")->kind());
  std::optional<ElementType> type = elementTypeFromSafetensors(*name);
  if (!type)
    return fail("unknown dtype {}", quote(*name));
  tensor.format = StorageFormat::plain(*type);
  return true;
}

bool EntryReader::readShape(const json::Value &entry) {
  const json::Array *sizes = entry.find("shape")->asArray();
  if (!sizes)
    return fail("'shape' is {}, expected an array", entry.find("shape")->kind());
  if (sizes->size() > maxRank)
    return fail("has {} dimensions, at most {} are read", sizes->size(), maxRank);
  for (const json::Value &size : *sizes) {
    if (!size.asInteger() || *size.asInteger() < 0)
      return fail("'shape' holds {}, expected integers from 0", json::dump(size).substr(0, 40));
    tensor.shape.push_back(*size.asInteger());
  }
  return true;
}

bool EntryReader::readBytes(const json::Value &entry) {
  const json::Array *offsets = entry.find("data_offsets")->asArray();
  if (!offsets || offsets->size() != 2 || !(*offsets)[0].asInteger() || !(*offsets)[1].asInteger())
    return fail("'data_offsets' is not a pair of integers");
  int64_t begin = *(*offsets)[0].asInteger(), end = *(*offsets)[1].asInteger();
  if (begin < 0 || end < begin)
    return fail("'data_offsets' [{}, {}] are no range", begin, end);
  if (uint64_t(end) > data.size())
    return fail("'data_offsets' [{}, {}] reach beyond the file's {} bytes of data", begin, end, data.size());
  std::optional<int64_t> count = elementCount(tensor.shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, int64_t(tensor.format.blockBytes), &bytes))
    return fail("the shape {} is too large", shapeText(tensor.shape));
  if (bytes != end - begin)
    return fail("{} of shape {} takes {} bytes, 'data_offsets' give {}", *entry.find("dtype")->asString(),
                shapeText(tensor.shape), bytes, end - begin);
  tensor.bytes = data.subspan(size_t(begin), size_t(bytes));
  tensor.offset = dataStart + uint64_t(begin);
  return true;
}

Expected<StoredTensor> EntryReader::read(const json::Value &entry) {
  if (checkKeys(entry) && readType(entry) && readShape(entry) && readBytes(entry))
    return std::move(tensor);
  return *std::move(failure);
}

/// The text of the header, after checks of its length.
static Expected<std::string_view> headerText(const MappedFile &file) {
  size_t size = file.bytes().size();
  if (size < lengthBytes)
    return makeError(ExitStatus::Input, "{}: {} bytes are too few for a safetensors file", file.path(), size);
  uint64_t length = 0;
  std::memcpy(&length, file.bytes().data(), lengthBytes);
  if (length > maxSafetensorsHeader)
    return makeError(ExitStatus::Input,
                     "{}: byte 0: not a safetensors file, or a header of {} bytes where at most {} are allowed",
                     file.path(), length, maxSafetensorsHeader);
  if (length > size - lengthBytes)
    return makeError(ExitStatus::Input, "{}: byte 0: a header of {} bytes does not fit the file's {} bytes",
                     file.path(), length, size);
  std::string_view text = file.text().substr(lengthBytes, length);
  if (!text.starts_with('{'))
    return makeError(ExitStatus::Input, "{}: byte 8: the header does not start with '{{'", file.path());
  return text;
}

/// The data has no gap, no overlap and nothing after it. `entries` are sorted by offset.
static Status checkContiguous(const std::string &path, const std::vector<StoredTensor> &entries, uint64_t dataStart,
                              uint64_t fileSize) {
  uint64_t end = dataStart;
  std::string_view last;
  for (const StoredTensor &tensor : entries) {
    if (tensor.offset < end)
      return makeError(ExitStatus::Input, "{}: tensor {} overlaps tensor {} at byte {}", path, quote(tensor.name),
                       quote(last), tensor.offset);
    if (tensor.offset > end)
      return makeError(ExitStatus::Input, "{}: {} bytes that belong to no tensor at byte {}, before tensor {}", path,
                       tensor.offset - end, end, quote(tensor.name));
    end += tensor.bytes.size();
    last = tensor.name;
  }
  if (end < fileSize)
    return makeError(ExitStatus::Input, "{}: {} bytes that belong to no tensor at byte {}, the end of the last tensor",
                     path, fileSize - end, end);
  return Status::success();
}

static Status readMetadata(const std::string &path, const json::Value &value,
                           std::vector<std::pair<std::string, std::string>> &strings) {
  const json::Object *members = value.asObject();
  if (!members)
    return makeError(ExitStatus::Input, "{}: '__metadata__' is {}, expected an object of strings", path, value.kind());
  for (const json::Member &member : *members) {
    if (!member.value.asString())
      return makeError(ExitStatus::Input, "{}: '__metadata__': {} is {}, expected a string", path, quote(member.key),
                       member.value.kind());
    strings.emplace_back(member.key, *member.value.asString());
  }
  return Status::success();
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  Expected<MappedFile> mapping = MappedFile::open(path);
  if (!mapping)
    return mapping.error();
  SafetensorsFile file(*std::move(mapping));
  Expected<std::string_view> text = headerText(file.mapping);
  if (!text)
    return text.error();
  json::ParseOptions options;
  options.file = path;
  options.offset = lengthBytes;
  options.binary = true;
  options.maxDepth = 4;
  Expected<json::Value> header = json::parse(*text, options);
  if (!header)
    return header.error();

  uint64_t dataStart = lengthBytes + text->size();
  std::span<const std::byte> data = file.mapping.bytes().subspan(dataStart);
  for (const json::Member &member : *header->asObject()) {
    if (member.key == "__metadata__") {
      if (Status status = readMetadata(path, member.value, file.strings); !status)
        return status.error();
      continue;
    }
    Expected<StoredTensor> tensor = EntryReader(path, member.key, data, dataStart).read(member.value);
    if (!tensor)
      return tensor.error();
    file.entries.push_back(*std::move(tensor));
  }
  std::sort(file.entries.begin(), file.entries.end(), [](const StoredTensor &a, const StoredTensor &b) {
    return std::tuple(a.offset, a.bytes.size(), a.name) < std::tuple(b.offset, b.bytes.size(), b.name);
  });
  if (Status status = checkContiguous(path, file.entries, dataStart, file.mapping.bytes().size()); !status)
    return status.error();
  for (size_t i = 0; i < file.entries.size(); ++i)
    file.byName.emplace(file.entries[i].name, i);
  return file;
}

const StoredTensor *SafetensorsFile::find(std::string_view name) const {
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : &entries[found->second];
}
