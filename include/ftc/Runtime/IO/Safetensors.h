//===- Safetensors.h - the safetensors file format ---------------*- C++ -*-===//
//
// u64 little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the tensors' bytes without gaps.
// https://huggingface.co/docs/safetensors. Everything the reference implementation refuses is refused, and duplicate
// keys too.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_IO_SAFETENSORS_H
#define FTC_RUNTIME_IO_SAFETENSORS_H

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/IO/Tensor.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ftc::runtime {

/// The header's limit, as in the reference implementation.
inline constexpr uint64_t maxSafetensorsHeader = 100'000'000;

/// A safetensors file opened for reading; its header is checked completely, its data is mapped and not read.
class SafetensorsFile {
public:
  static Expected<SafetensorsFile> open(const std::string &path);

  const std::string &path() const { return mapping.path(); }
  const MappedFile &mappedFile() const { return mapping; }
  /// In the order of their bytes.
  const std::vector<StoredTensor> &tensors() const { return entries; }
  /// Null if the file has none of that name. The tensor lives as long as this object's contents.
  const StoredTensor *find(std::string_view name) const;
  /// The strings of `__metadata__`, in the file's order.
  const std::vector<std::pair<std::string, std::string>> &metadata() const { return strings; }

private:
  explicit SafetensorsFile(MappedFile mapping) : mapping(std::move(mapping)) {}

  MappedFile mapping;
  std::vector<StoredTensor> entries;
  std::map<std::string, size_t, std::less<>> byName;
  std::vector<std::pair<std::string, std::string>> strings;
};

/// What a tensor to be written is.
struct TensorSpec {
  std::string name;
  ElementType type;
  std::vector<int64_t> shape;
};

/// Writes a safetensors file atomically and tensor by tensor, in memory that does not grow with it. The bytes are those
/// of the reference implementation: tensors sorted by type (widest first) and name, header padded to 8 bytes.
class SafetensorsWriter {
public:
  static Expected<SafetensorsWriter> create(const std::string &path, std::vector<TensorSpec> tensors,
                                            const std::vector<std::pair<std::string, std::string>> &metadata = {
                                                {"format", "pt"}});

  /// The tensors in file order; writing in that order is fastest, any order is allowed.
  const std::vector<TensorSpec> &tensors() const { return specs; }
  /// Appends to the tensor's bytes; a tensor may come in several pieces.
  Status append(std::string_view name, std::span<const std::byte> bytes);
  /// Fails, naming a tensor, if one is not complete.
  Status commit();

private:
  SafetensorsWriter(AtomicFile file, std::string path) : file(std::move(file)), path(std::move(path)) {}

  /// Where a tensor's next byte goes, and where its last one does.
  struct Cursor {
    uint64_t next, end;
  };

  AtomicFile file;
  std::string path;
  std::vector<TensorSpec> specs;
  std::map<std::string, Cursor, std::less<>> cursors;
};

} // namespace ftc::runtime

#endif // FTC_RUNTIME_IO_SAFETENSORS_H
