#include "ftc/Runtime/Core/ElementType.h"

using namespace ftc::runtime;

namespace {
struct Row {
  ElementType type;
  std::string_view file, format;
  size_t bytes;
};
} // namespace

static constexpr Row table[] = {
#define FTC_ELEMENT_TYPE(Case, File, Format, Bytes) {ElementType::Case, File, Format, Bytes},
#include "ftc/Runtime/Core/ElementTypes.def"
};

static const Row &row(ElementType type) { return table[size_t(type)]; }

size_t ftc::runtime::byteSize(ElementType type) { return row(type).bytes; }

std::string_view ftc::runtime::safetensorsName(ElementType type) { return row(type).file; }

std::string_view ftc::runtime::formatName(ElementType type) { return row(type).format; }

std::optional<ElementType> ftc::runtime::elementTypeFromSafetensors(std::string_view name) {
  for (const Row &row : table)
    if (row.file == name)
      return row.type;
  return std::nullopt;
}

std::optional<ElementType> ftc::runtime::elementTypeFromFormat(std::string_view name) {
  for (const Row &row : table)
    if (row.format == name)
      return row.type;
  return std::nullopt;
}
