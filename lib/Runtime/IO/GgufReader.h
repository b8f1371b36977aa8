//===- GgufReader.h - checks and decodes a GGUF header -----------*- C++ -*-===//

#ifndef FTC_LIB_RUNTIME_IO_GGUFREADER_H
#define FTC_LIB_RUNTIME_IO_GGUFREADER_H

#include "ftc/Runtime/IO/Gguf.h"

#include <cstring>

namespace ftc::runtime {

/// Walks through the header once. Methods return false after they have set `failure`.
class GgufReader {
public:
  explicit GgufReader(GgufFile &file) : file(file), bytes(file.mapping.bytes()) {}

  Status read();

  /// The number or truth value at `from`.
  static GgufValue scalar(GgufType type, const std::byte *from);
  /// Bytes of a value of fixed length.
  static std::optional<size_t> scalarBytes(GgufType type);
  static std::optional<GgufType> valueType(uint32_t id);
  static std::optional<StorageFormat> tensorFormat(uint32_t id);

private:
  template <typename... Args> bool fail(fmt::format_string<Args...> format, Args &&...args) {
    failure = makeError(ExitStatus::Input, "{}: byte {}: {}", file.path(), place,
                        fmt::format(format, std::forward<Args>(args)...));
    return false;
  }
  template <typename T> bool take(T &value, const char *what) {
    place = at;
    if (bytes.size() - at < sizeof(T))
      return fail("the file ends within {}", what);
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    at += sizeof(T);
    return true;
  }
  bool takeString(std::string_view &text, const char *what);
  bool takeType(GgufType &type, const char *what);
  bool readHeader();
  bool readMetadata();
  bool readValue(GgufValue &value);
  bool readArray(GgufArray &array, unsigned depth);
  bool readAlignment();
  bool readTensor(StoredTensor &tensor);
  bool readShape(StoredTensor &tensor);
  bool readTensors();
  bool placeTensors();

  GgufFile &file;
  std::span<const std::byte> bytes;
  size_t at = 0;    ///< the next byte
  size_t place = 0; ///< the value being read, for messages
  uint64_t tensorCount = 0, valueCount = 0;
  uint64_t alignment = 32;
  std::optional<Error> failure;
};

} // namespace ftc::runtime

#endif // FTC_LIB_RUNTIME_IO_GGUFREADER_H
