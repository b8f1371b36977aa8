//===- Tensor.h - a tensor as a file stores it -------------------*- C++ -*-===//

#ifndef FTC_RUNTIME_IO_TENSOR_H
#define FTC_RUNTIME_IO_TENSOR_H

#include "ftc/Runtime/Core/ElementType.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::runtime {

/// How the bytes of a stored tensor are laid out: plain elements, or blocks that only a `format` definition of that
/// name can read.
struct StorageFormat {
  std::string_view name;              ///< as recipes spell it: "f32", "bf16", or a block format's name; static storage
  std::optional<ElementType> element; ///< set for plain elements
  uint32_t blockElements = 1;         ///< elements of the last dimension in one block
  uint32_t blockBytes = 0;            ///< bytes of one block

  static StorageFormat plain(ElementType type);
};

/// One tensor of a file. Row-major, outermost dimension first: a linear layer's weight is [out, in].
struct StoredTensor {
  std::string name;
  StorageFormat format;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes; ///< in the file's mapping: any alignment
  uint64_t offset = 0;              ///< of the first byte in the file

  int64_t elements() const;
};

/// Product of the dimensions, or nothing if it or one of them overflows int64_t or is negative.
std::optional<int64_t> elementCount(std::span<const int64_t> shape);

/// `[2, 3]`, for messages.
std::string shapeText(std::span<const int64_t> shape);

} // namespace ftc::runtime

#endif // FTC_RUNTIME_IO_TENSOR_H
