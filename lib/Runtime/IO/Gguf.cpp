//===- Gguf.cpp - values and tables of GGUF files ----------------*- C++ -*-===//

#include "ftc/Runtime/IO/Gguf.h"

#include "GgufReader.h"

#include <cstring>

using namespace ftc::runtime;

std::optional<bool> GgufValue::asBool() const {
  if (const bool *value = std::get_if<bool>(&content))
    return *value;
  return std::nullopt;
}

std::optional<int64_t> GgufValue::asInteger() const {
  if (const int64_t *value = std::get_if<int64_t>(&content))
    return *value;
  if (const uint64_t *value = std::get_if<uint64_t>(&content); value && *value <= uint64_t(INT64_MAX))
    return int64_t(*value);
  return std::nullopt;
}

std::optional<double> GgufValue::asNumber() const {
  if (const double *value = std::get_if<double>(&content))
    return *value;
  if (const int64_t *value = std::get_if<int64_t>(&content))
    return double(*value);
  if (const uint64_t *value = std::get_if<uint64_t>(&content))
    return double(*value);
  return std::nullopt;
}

std::optional<std::string_view> GgufValue::asString() const {
  if (const std::string_view *value = std::get_if<std::string_view>(&content))
    return *value;
  return std::nullopt;
}

template <typename T> static T load(const std::byte *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

GgufValue GgufReader::scalar(GgufType type, const std::byte *from) {
  GgufValue value;
  value.valueType = type;
  switch (type) {
  case GgufType::U8:
    value.content = uint64_t(load<uint8_t>(from));
    break;
  case GgufType::I8:
    value.content = int64_t(load<int8_t>(from));
    break;
  case GgufType::U16:
    value.content = uint64_t(load<uint16_t>(from));
    break;
  case GgufType::I16:
    value.content = int64_t(load<int16_t>(from));
    break;
  case GgufType::U32:
    value.content = uint64_t(load<uint32_t>(from));
    break;
  case GgufType::I32:
    value.content = int64_t(load<int32_t>(from));
    break;
  case GgufType::U64:
    value.content = load<uint64_t>(from);
    break;
  case GgufType::I64:
    value.content = load<int64_t>(from);
    break;
  case GgufType::F32:
    value.content = double(load<float>(from));
    break;
  case GgufType::F64:
    value.content = load<double>(from);
    break;
  case GgufType::Bool:
    value.content = load<uint8_t>(from) != 0;
    break;
  case GgufType::String:
  case GgufType::Array:
    break;
  }
  return value;
}

GgufValue GgufArray::operator[](size_t index) const {
  GgufValue value;
  value.valueType = type;
  if (const auto *texts = std::get_if<std::vector<std::string_view>>(&content))
    value.content = (*texts)[index];
  else if (const auto *arrays = std::get_if<std::vector<GgufArray>>(&content))
    value.content = (*arrays)[index];
  else
    return GgufReader::scalar(type, std::get<0>(content).data() + index * *GgufReader::scalarBytes(type));
  return value;
}

std::optional<size_t> GgufReader::scalarBytes(GgufType type) {
  switch (type) {
#define FTC_GGUF_VALUE(Id, Case, Name, Bytes)                                                                          \
  case GgufType::Case:                                                                                                 \
    return Bytes == 0 ? std::nullopt : std::optional<size_t>(Bytes);
#include "ftc/Runtime/IO/GgufTypes.def"
  }
  return std::nullopt;
}

std::optional<GgufType> GgufReader::valueType(uint32_t id) {
  switch (id) {
#define FTC_GGUF_VALUE(Id, Case, Name, Bytes)                                                                          \
  case Id:                                                                                                             \
    return GgufType::Case;
#include "ftc/Runtime/IO/GgufTypes.def"
  default:
    return std::nullopt;
  }
}

std::optional<StorageFormat> GgufReader::tensorFormat(uint32_t id) {
  switch (id) {
#define FTC_GGML_PLAIN(Id, Type)                                                                                       \
  case Id:                                                                                                             \
    return StorageFormat::plain(ElementType::Type);
#define FTC_GGML_BLOCK(Id, Name, Elements, Bytes)                                                                      \
  case Id:                                                                                                             \
    return StorageFormat{Name, std::nullopt, Elements, Bytes};
#include "ftc/Runtime/IO/GgufTypes.def"
  default:
    return std::nullopt;
  }
}

const StoredTensor *GgufFile::find(std::string_view name) const {
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : &entries[found->second];
}

const GgufValue *GgufFile::metadata(std::string_view key) const {
  auto found = byKey.find(key);
  return found == byKey.end() ? nullptr : &values[found->second].second;
}
