//===- TensorTransfer.h - tensors between files and the arena ----------------===//
#pragma once

#include "ftc/Runtime/IO/Checkpoint.h"
#include "ftc/Runtime/Run/Machine.h"

#include <functional>
#include <string>

namespace ftc::run {

/// Copies row-major data seen with `view.shape` so that its dimensions come in `view.order`; `bytes` is the size of one
/// element.
void transpose(const View &view, size_t bytes, const std::byte *from, std::byte *to);

/// Puts a tensor of a file into the arena: checked against the source's shape, converted to the tensor's type, blocks
/// decoded by their program, transposed. `file` names the file in messages. What needs none of that takes its pages
/// from `pages`, if that is given (MappedFile::mapInto).
Status loadTensor(Machine &machine, const Manifest &manifest, uint32_t tensor, const Source &source,
                  const StoredTensor *stored, const std::string &file, const MappedFile *pages = nullptr);

/// Puts a tensor of a file, or the part that an entry says, into the arena: checked, converted.
Status loadPart(Machine &machine, const Manifest &manifest, const FileTensor &entry, const StoredTensor *stored,
                const std::string &file);

/// Puts elements of the arena, in the type of the entry, where its part says into those of the file's tensor.
void storePart(Machine &machine, const Manifest &manifest, const FileTensor &entry, std::span<std::byte> file);

/// Whether elements of one type can be written as another: reals as reals, integers as no shorter ones.
bool canBecome(ElementType from, ElementType to);

/// Gives `write` elements in the form of a file, transposed by `view` and converted to a type that they can become: in
/// order and a few megabytes at a time, so that no tensor is in memory twice.
Status writeElements(std::span<const std::byte> elements, ElementType from, ElementType to,
                     const std::optional<View> &view, const std::function<Status(std::span<const std::byte>)> &write);

} // namespace ftc::run
