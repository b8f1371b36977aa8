//===- GgufReader.cpp - checks and decodes a GGUF header ---------*- C++ -*-===//

#include "GgufReader.h"

#include "ftc/Runtime/Core/Utf8.h"

#include <algorithm>
#include <tuple>

using namespace ftc::runtime;

namespace {
// Limits of the specification, of ggml and of reason; the file's own size bounds everything else.
constexpr size_t maxKeyBytes = 65535;
constexpr size_t maxTensorNameBytes = 64;
constexpr uint32_t maxRank = 4;
constexpr unsigned maxArrayDepth = 4;
// The least bytes that an entry of each kind takes: a count that cannot fit the file is refused before it is believed.
constexpr uint64_t leastValueBytes = 8 + 1 + 4 + 1;
constexpr uint64_t leastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;
constexpr uint64_t lengthBytes = 8;
} // namespace

bool GgufReader::takeString(std::string_view &text, const char *what) {
  uint64_t length = 0;
  if (!take(length, what))
    return false;
  if (length > bytes.size() - at)
    return fail("{} of {} bytes does not fit the file", what, length);
  text = file.mapping.text().substr(at, length);
  at += length;
  return true;
}

bool GgufReader::takeType(GgufType &type, const char *what) {
  uint32_t id = 0;
  if (!take(id, what))
    return false;
  std::optional<GgufType> known = valueType(id);
  if (!known)
    return fail("{} is {}, which GGUF does not define", what, id);
  type = *known;
  return true;
}

bool GgufReader::readHeader() {
  uint32_t magic = 0;
  if (!take(magic, "the header"))
    return false;
  if (magic != 0x46554747)
    return fail("not a GGUF file: it does not start with 'GGUF'");
  if (!take(file.fileVersion, "the header"))
    return false;
  if (file.fileVersion != 0 && (file.fileVersion & 0xFFFF) == 0)
    return fail("a big-endian GGUF file; convert it to little-endian");
  if (file.fileVersion != 2 && file.fileVersion != 3)
    return fail("GGUF version {}; versions 2 and 3 are read", file.fileVersion);
  if (!take(tensorCount, "the number of tensors"))
    return false;
  if (tensorCount > bytes.size() / leastTensorBytes)
    return fail("{} tensors do not fit the file", tensorCount);
  if (!take(valueCount, "the number of metadata values"))
    return false;
  if (valueCount > bytes.size() / leastValueBytes)
    return fail("{} metadata values do not fit the file", valueCount);
  return true;
}

bool GgufReader::readArray(GgufArray &array, unsigned depth) {
  size_t start = at;
  if (depth == maxArrayDepth)
    return fail("arrays nested deeper than {} levels", maxArrayDepth);
  if (!takeType(array.type, "the type of an array"))
    return false;
  uint64_t count = 0;
  if (!take(count, "the length of an array"))
    return false;
  std::optional<size_t> size = scalarBytes(array.type);
  // An element of variable length takes a length, an array a type too.
  uint64_t least = size ? *size : array.type == GgufType::String ? lengthBytes : lengthBytes + 4;
  if (count > (bytes.size() - at) / least)
    return fail("an array of {} elements does not fit the file", count);
  array.count = count;
  if (size) {
    array.content = bytes.subspan(at, count * *size);
    at += count * *size;
    return true;
  }
  if (array.type == GgufType::String) {
    auto &texts = array.content.emplace<std::vector<std::string_view>>(count);
    return std::all_of(texts.begin(), texts.end(),
                       [&](std::string_view &text) { return takeString(text, "a string of an array"); });
  }
  auto &arrays = array.content.emplace<std::vector<GgufArray>>();
  for (uint64_t i = 0; i < count; ++i) {
    place = start;
    if (!readArray(arrays.emplace_back(), depth + 1))
      return false;
  }
  return true;
}

bool GgufReader::readValue(GgufValue &value) {
  if (!takeType(value.valueType, "the type of a value"))
    return false;
  if (std::optional<size_t> size = scalarBytes(value.valueType)) {
    place = at;
    if (bytes.size() - at < *size)
      return fail("the file ends within a value");
    if (value.valueType == GgufType::Bool && uint8_t(bytes[at]) > 1)
      return fail("a truth value is {}, expected 0 or 1", uint8_t(bytes[at]));
    value = scalar(value.valueType, bytes.data() + at);
    at += *size;
    return true;
  }
  if (value.valueType == GgufType::String)
    return takeString(value.content.emplace<std::string_view>(), "a string");
  return readArray(value.content.emplace<GgufArray>(), 0);
}

/// Keys are printable ASCII.
static bool isKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool GgufReader::readMetadata() {
  for (uint64_t i = 0; i < valueCount; ++i) {
    size_t start = at;
    std::string_view key;
    if (!takeString(key, "the key of a metadata value"))
      return false;
    if (key.size() > maxKeyBytes || !isKey(key))
      return fail("a key is not 1 to {} characters of ASCII: {}", maxKeyBytes, quote(key));
    if (!file.byKey.emplace(key, file.values.size()).second)
      return fail("the key {} is there twice", quote(key));
    GgufValue value;
    if (!readValue(value)) {
      failure->message += fmt::format(", in the metadata value {} at byte {}", quote(key), start);
      return false;
    }
    file.values.emplace_back(key, std::move(value));
  }
  return true;
}

bool GgufReader::readAlignment() {
  place = at;
  if (const GgufValue *parts = file.metadata("split.count"); parts && parts->asInteger().value_or(1) > 1)
    return fail("one of {} parts of a split model; join them with llama-gguf-split --merge", *parts->asInteger());
  const GgufValue *value = file.metadata("general.alignment");
  if (!value)
    return true;
  int64_t asked = value->asInteger().value_or(0);
  if (asked < 8 || asked > (1 << 30) || (asked & (asked - 1)) != 0)
    return fail("'general.alignment' is no power of two from 8 to 2^30");
  alignment = uint64_t(asked);
  return true;
}

bool GgufReader::readShape(StoredTensor &tensor) {
  uint32_t rank = 0;
  if (!take(rank, "the rank of a tensor"))
    return false;
  if (rank > maxRank)
    return fail("tensor {} has {} dimensions, ggml has at most {}", quote(tensor.name), rank, maxRank);
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t size = 0;
    if (!take(size, "the dimensions of a tensor"))
      return false;
    if (size > uint64_t(INT64_MAX))
      return fail("tensor {}: a dimension of {} is too large", quote(tensor.name), size);
    tensor.shape.push_back(int64_t(size));
  }
  // ggml counts dimensions from the innermost one.
  std::reverse(tensor.shape.begin(), tensor.shape.end());
  return true;
}

/// Reads one tensor's entry; `offset` is relative to the data and `bytes` is not set yet.
bool GgufReader::readTensor(StoredTensor &tensor) {
  std::string_view name;
  if (!takeString(name, "the name of a tensor"))
    return false;
  if (name.empty() || name.size() > maxTensorNameBytes || validUtf8Prefix(name) != name.size())
    return fail("the name of a tensor is not 1 to {} bytes of UTF-8: {}", maxTensorNameBytes, quote(name));
  tensor.name = name;
  if (!file.byName.emplace(name, file.entries.size()).second)
    return fail("the tensor {} is there twice", quote(name));
  uint32_t type = 0;
  if (!readShape(tensor) || !take(type, "the type of a tensor"))
    return false;
  std::optional<StorageFormat> format = tensorFormat(type);
  if (!format)
    return fail("tensor {} has ggml type {}, which is not known", quote(tensor.name), type);
  tensor.format = *format;
  int64_t innermost = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (innermost % format->blockElements != 0)
    return fail("tensor {} of shape {}: rows of {} elements are not whole blocks of {} ({})", quote(tensor.name),
                shapeText(tensor.shape), innermost, format->blockElements, format->name);
  std::optional<int64_t> count = elementCount(tensor.shape);
  int64_t size = 0;
  if (!count || __builtin_mul_overflow(*count / format->blockElements, int64_t(format->blockBytes), &size))
    return fail("tensor {}: the shape {} is too large", quote(tensor.name), shapeText(tensor.shape));
  if (!take(tensor.offset, "the offset of a tensor"))
    return false;
  if (tensor.offset % alignment != 0)
    return fail("tensor {}: offset {} is not a multiple of {}", quote(tensor.name), tensor.offset, alignment);
  if (uint64_t(size) > bytes.size() || tensor.offset > bytes.size() - uint64_t(size))
    return fail("tensor {}: {} bytes at offset {} do not fit the file", quote(tensor.name), size, tensor.offset);
  tensor.bytes = bytes.first(size_t(size));
  return true;
}

bool GgufReader::readTensors() {
  for (uint64_t i = 0; i < tensorCount; ++i) {
    StoredTensor tensor;
    if (!readTensor(tensor))
      return false;
    file.entries.push_back(std::move(tensor));
  }
  return placeTensors();
}

/// Finds the tensors' bytes: in the order of their offsets, each begins at the first aligned byte after the one before.
bool GgufReader::placeTensors() {
  auto aligned = [&](uint64_t offset) { return (offset + alignment - 1) / alignment * alignment; };
  uint64_t dataStart = aligned(at), end = 0;
  std::vector<StoredTensor *> order;
  for (StoredTensor &tensor : file.entries)
    order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const StoredTensor *a, const StoredTensor *b) {
    return std::tuple(a->offset, a->bytes.size(), a->name) < std::tuple(b->offset, b->bytes.size(), b->name);
  });
  for (StoredTensor *tensor : order) {
    uint64_t size = tensor->bytes.size();
    place = size_t(dataStart + tensor->offset);
    if (tensor->offset < end)
      return fail("tensor {} overlaps the tensor before it", quote(tensor->name));
    if (tensor->offset > aligned(end))
      return fail("{} bytes before tensor {} belong to no tensor", tensor->offset - end, quote(tensor->name));
    if (place > bytes.size() || size > bytes.size() - place)
      return fail("tensor {} of {} bytes reaches beyond the file's {} bytes", quote(tensor->name), size, bytes.size());
    end = tensor->offset + size;
    tensor->offset = place;
    tensor->bytes = bytes.subspan(place, size);
  }
  place = size_t(dataStart + aligned(end));
  if (place < bytes.size())
    return fail("{} bytes after the last tensor", bytes.size() - place);
  return true;
}

Status GgufReader::read() {
  if (readHeader() && readMetadata() && readAlignment() && readTensors())
    return Status::success();
  return *failure;
}

Expected<GgufFile> GgufFile::open(const std::string &path) {
  Expected<MappedFile> mapping = MappedFile::open(path);
  if (!mapping)
    return mapping.error();
  GgufFile file(*std::move(mapping));
  if (Status status = GgufReader(file).read(); !status)
    return status.error();
  return file;
}
