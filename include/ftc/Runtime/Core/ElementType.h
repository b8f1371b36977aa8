//===- ElementType.h - scalar types of stored tensors ------------*- C++ -*-===//

#ifndef FTC_RUNTIME_CORE_ELEMENTTYPE_H
#define FTC_RUNTIME_CORE_ELEMENTTYPE_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ftc::runtime {

/// The type of one element of a tensor in a file.
enum class ElementType : uint8_t {
#define FTC_ELEMENT_TYPE(Case, File, Format, Bytes) Case,
#include "ftc/Runtime/Core/ElementTypes.def"
};

/// Bytes of one element.
size_t byteSize(ElementType type);

/// As safetensors spells it: `BF16`.
std::string_view safetensorsName(ElementType type);

/// As recipes spell it: `bf16`.
std::string_view formatName(ElementType type);

std::optional<ElementType> elementTypeFromSafetensors(std::string_view name);
std::optional<ElementType> elementTypeFromFormat(std::string_view name);

} // namespace ftc::runtime

#endif // FTC_RUNTIME_CORE_ELEMENTTYPE_H
