#include "ftc/Runtime/IO/Tensor.h"

#include <fmt/ranges.h>

using namespace ftc::runtime;

StorageFormat StorageFormat::plain(ElementType type) { return {formatName(type), type, 1, uint32_t(byteSize(type))}; }

std::optional<int64_t> ftc::runtime::elementCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count))
      return std::nullopt;
  return count;
}

int64_t StoredTensor::elements() const { return *elementCount(shape); }

std::string ftc::runtime::shapeText(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}
