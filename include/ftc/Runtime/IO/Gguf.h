//===- Gguf.h - the GGUF file format -----------------------------*- C++ -*-===//
//
// GGUF versions 2 and 3, little-endian: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Strings and arrays
// are views into the mapped file, so what a file makes us allocate is bounded by its size.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_IO_GGUF_H
#define FTC_RUNTIME_IO_GGUF_H

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/IO/Tensor.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ftc::runtime {

/// Type of a metadata value.
enum class GgufType : uint32_t {
#define FTC_GGUF_VALUE(Id, Case, Name, Bytes) Case = Id,
#include "ftc/Runtime/IO/GgufTypes.def"
};

class GgufValue;

/// An array of metadata. Numbers stay packed in the file; strings are views of it.
class GgufArray {
public:
  GgufType elementType() const { return type; }
  size_t size() const { return count; }
  /// The element as a value of its own; `index` < size().
  GgufValue operator[](size_t index) const;
  /// Null unless an array of strings.
  const std::vector<std::string_view> *strings() const { return std::get_if<std::vector<std::string_view>>(&content); }

private:
  friend class GgufReader;

  GgufType type = GgufType::U8;
  size_t count = 0;
  std::variant<std::span<const std::byte>, std::vector<std::string_view>, std::vector<GgufArray>> content;
};

/// One metadata value. Views stay valid as long as the file is open.
class GgufValue {
public:
  GgufType type() const { return valueType; }
  std::optional<bool> asBool() const;
  /// Any integer type whose value fits int64_t.
  std::optional<int64_t> asInteger() const;
  /// Any integer or floating-point type.
  std::optional<double> asNumber() const;
  std::optional<std::string_view> asString() const;
  const GgufArray *asArray() const { return std::get_if<GgufArray>(&content); }

private:
  friend class GgufReader;
  friend class GgufArray;

  GgufType valueType = GgufType::U8;
  std::variant<bool, int64_t, uint64_t, double, std::string_view, GgufArray> content;
};

/// A GGUF file opened for reading; its header is checked completely, its data is mapped and not read.
class GgufFile {
public:
  static Expected<GgufFile> open(const std::string &path);

  const std::string &path() const { return mapping.path(); }
  const MappedFile &mappedFile() const { return mapping; }
  uint32_t version() const { return fileVersion; }
  /// In the file's order, by the file's own names (`blk.0.attn_q.weight`).
  const std::vector<StoredTensor> &tensors() const { return entries; }
  const StoredTensor *find(std::string_view name) const;
  /// In the file's order.
  const std::vector<std::pair<std::string, GgufValue>> &metadata() const { return values; }
  /// The metadata value of that key, or null.
  const GgufValue *metadata(std::string_view key) const;

private:
  friend class GgufReader;
  explicit GgufFile(MappedFile mapping) : mapping(std::move(mapping)) {}

  MappedFile mapping;
  uint32_t fileVersion = 0;
  std::vector<StoredTensor> entries;
  std::map<std::string, size_t, std::less<>> byName;
  std::vector<std::pair<std::string, GgufValue>> values;
  std::map<std::string, size_t, std::less<>> byKey;
};

} // namespace ftc::runtime

#endif // FTC_RUNTIME_IO_GGUF_H
