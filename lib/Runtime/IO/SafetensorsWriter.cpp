//===- SafetensorsWriter.cpp - writing safetensors files ---------*- C++ -*-===//

#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/IO/Safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

using namespace ftc::runtime;

/// Bytes of a tensor; fails for a shape that is none.
static Expected<uint64_t> byteCount(const std::string &path, const TensorSpec &spec) {
  std::optional<int64_t> count = elementCount(spec.shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, int64_t(byteSize(spec.type)), &bytes))
    return makeError(ExitStatus::Output, "{}: tensor {}: the shape {} is too large", path, quote(spec.name),
                     shapeText(spec.shape));
  return uint64_t(bytes);
}

static std::string metadataText(const std::vector<std::pair<std::string, std::string>> &metadata) {
  json::Object members;
  for (const auto &[key, value] : metadata)
    members.push_back({key, json::Value(value)});
  return json::dump(json::Value(std::move(members)));
}

Expected<SafetensorsWriter>
SafetensorsWriter::create(const std::string &path, std::vector<TensorSpec> tensors,
                          const std::vector<std::pair<std::string, std::string>> &metadata) {
  static_assert(std::endian::native == std::endian::little);
  std::sort(tensors.begin(), tensors.end(), [](const TensorSpec &a, const TensorSpec &b) {
    return a.type != b.type ? a.type > b.type : a.name < b.name;
  });
  std::string header = "{";
  if (!metadata.empty())
    header += "\"__metadata__\":" + metadataText(metadata);
  std::vector<Cursor> ranges;
  uint64_t offset = 0;
  for (const TensorSpec &spec : tensors) {
    Expected<uint64_t> bytes = byteCount(path, spec);
    if (!bytes)
      return bytes.error();
    header += header.size() > 1 ? "," : "";
    header +=
        fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", json::dumpString(spec.name),
                    safetensorsName(spec.type), fmt::join(spec.shape, ","), offset, offset + *bytes);
    ranges.push_back({offset, offset + *bytes});
    offset += *bytes;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');

  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.error();
  SafetensorsWriter writer(*std::move(file), path);
  uint64_t length = header.size();
  if (Status status = writer.file.write(std::as_bytes(std::span(&length, 1))); !status)
    return status.error();
  if (Status status = writer.file.write(header); !status)
    return status.error();
  uint64_t dataStart = sizeof(length) + header.size();
  for (size_t i = 0; i < tensors.size(); ++i) {
    Cursor range{dataStart + ranges[i].next, dataStart + ranges[i].end};
    if (tensors[i].name == "__metadata__" || !writer.cursors.emplace(tensors[i].name, range).second)
      return makeError(ExitStatus::Output, "{}: two tensors would be named {}", path, quote(tensors[i].name));
  }
  writer.specs = std::move(tensors);
  return writer;
}

Status SafetensorsWriter::append(std::string_view name, std::span<const std::byte> bytes) {
  auto found = cursors.find(name);
  if (found == cursors.end())
    return makeError(ExitStatus::Bug, "{}: tensor {} was not announced", path, quote(name));
  Cursor &cursor = found->second;
  if (bytes.size() > cursor.end - cursor.next)
    return makeError(ExitStatus::Bug, "{}: tensor {} got more bytes than its shape has", path, quote(name));
  Status status = file.writeAt(cursor.next, bytes);
  cursor.next += bytes.size();
  return status;
}

Status SafetensorsWriter::commit() {
  for (const auto &[name, cursor] : cursors)
    if (cursor.next != cursor.end)
      return makeError(ExitStatus::Bug, "{}: tensor {} lacks {} bytes", path, quote(name), cursor.end - cursor.next);
  return file.commit();
}
