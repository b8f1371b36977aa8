//===- TensorTransfer.cpp - tensors between files and the arena --------------===//

#include "ftc/Runtime/Run/TensorTransfer.h"

#include "ftc/Runtime/Core/Float.h"

#include <algorithm>
#include <cstring>

namespace ftc::run {

namespace {
/// Places along the dimension that comes first in the order.
struct Rows {
  int64_t first, count;
};
} // namespace

static int64_t countRows(const View &view) {
  return view.shape.empty() ? 1 : view.shape[static_cast<size_t>(view.order[0])];
}

/// `count` elements that lie `stride` bytes apart, side by side.
static void gather(const std::byte *from, size_t stride, size_t count, size_t bytes, std::byte *to) {
  auto copy = [&]<size_t size>(std::integral_constant<size_t, size>) {
    for (size_t i = 0; i < count; ++i)
      std::memcpy(to + i * size, from + i * stride, size);
  };
  if (bytes == 4)
    return copy(std::integral_constant<size_t, 4>());
  if (bytes == 2)
    return copy(std::integral_constant<size_t, 2>());
  for (size_t i = 0; i < count; ++i)
    std::memcpy(to + i * bytes, from + i * stride, bytes);
}

static void transposeRows(const View &view, Rows rows, size_t bytes, const std::byte *from, std::byte *to) {
  size_t rank = view.shape.size();
  if (rank == 0) {
    std::memcpy(to, from, bytes);
    return;
  }
  std::vector<size_t> strides(rank, bytes); // of the source, in bytes
  for (size_t i = rank; i-- > 1;)
    strides[i - 1] = strides[i] * static_cast<size_t>(view.shape[i]);
  std::vector<int64_t> sizes = view.shape;
  sizes[static_cast<size_t>(view.order[0])] = rows.count;
  from += strides[static_cast<size_t>(view.order[0])] * static_cast<size_t>(rows.first);
  // Along what comes last in the order; what stays last is one run.
  auto last = static_cast<size_t>(view.order[rank - 1]);
  size_t loops = rank - 1, count = static_cast<size_t>(sizes[last]), copies = 1;
  for (size_t i = 0; i < loops; ++i)
    copies *= static_cast<size_t>(sizes[static_cast<size_t>(view.order[i])]);
  std::vector<size_t> index(loops, 0);
  size_t source = 0;
  for (size_t copy = 0; copy < copies; ++copy) {
    std::byte *place = to + copy * count * bytes;
    if (last == rank - 1)
      std::memcpy(place, from + source, count * bytes);
    else
      gather(from + source, strides[last], count, bytes, place);
    for (size_t i = loops; i-- > 0;) {
      auto dim = static_cast<size_t>(view.order[i]);
      source += strides[dim];
      if (++index[i] < static_cast<size_t>(sizes[dim]))
        break;
      source -= strides[dim] * index[i];
      index[i] = 0;
    }
  }
}

void transpose(const View &view, size_t bytes, const std::byte *from, std::byte *to) {
  transposeRows(view, {0, countRows(view)}, bytes, from, to);
}

static Error malformed(const std::string &file, const Source &source, std::string_view what) {
  return makeError(ExitStatus::Input, "{}: tensor {}: {}", file, quote(source.tensor), what);
}

/// Decodes the blocks of `stored`, some rows at a time, into reals of the type of `decode.values`.
static Status decodeBlocks(Machine &machine, const Manifest &manifest, const Decode &decode, const StoredTensor &stored,
                           std::byte *to, uint64_t toBytes) {
  std::span<std::byte> raw = machine.bytes(decode.bytes), values = machine.bytes(decode.values);
  auto chunk = static_cast<uint64_t>(decode.rows);
  uint64_t rowBytes = raw.size() / chunk, rowValues = values.size() / chunk;
  if (rowBytes == 0 || stored.bytes.size() % rowBytes != 0 || stored.bytes.size() / rowBytes * rowValues != toBytes)
    return makeError(ExitStatus::Bug, "the decoder {} does not fit tensor {}", quote(manifest.programs[decode.program]),
                     quote(stored.name));
  uint64_t rows = stored.bytes.size() / rowBytes;
  for (uint64_t row = 0; row < rows; row += chunk) {
    uint64_t count = std::min(chunk, rows - row);
    std::memcpy(raw.data(), stored.bytes.data() + row * rowBytes, count * rowBytes);
    if (Status status = machine.run(decode.program); !status)
      return status;
    std::memcpy(to + row * rowValues, values.data(), count * rowValues);
  }
  return Status::success();
}

/// Integers of a file in 32 bits, if they have room there.
static Status narrow(const Source &source, const std::string &file, const StoredTensor &stored, std::byte *to) {
  auto count = static_cast<size_t>(stored.elements());
  for (size_t i = 0; i < count; ++i) {
    int64_t wide;
    std::memcpy(&wide, stored.bytes.data() + i * sizeof(wide), sizeof(wide));
    auto value = static_cast<int32_t>(wide);
    if (value != wide)
      return malformed(file, source, fmt::format("holds {}, which is no integer of 32 bits", wide));
    std::memcpy(to + i * sizeof(value), &value, sizeof(value));
  }
  return Status::success();
}

/// Converts elements of plain types; of integers only those of 64 bits, to 32.
static Status convertPlain(const Source &source, const std::string &file, const StoredTensor &stored, ElementType type,
                           std::byte *to) {
  ElementType from = *stored.format.element;
  // What is kept in the type of its file is so kept because nothing is lost.
  if (isFloat(from) && from != type && byteSize(type) < sizeof(float))
    return malformed(file, source,
                     fmt::format("has type {}, the recipe was compiled for {}", formatName(from), formatName(type)));
  if (isFloat(from) && isFloat(type)) {
    convertFloats(from, stored.bytes.data(), type, to, static_cast<size_t>(stored.elements()));
    return Status::success();
  }
  if (from == ElementType::I64 && type == ElementType::I32)
    return narrow(source, file, stored, to);
  if (from != type)
    return malformed(file, source, fmt::format("has type {}, expected {}", formatName(from), formatName(type)));
  std::memcpy(to, stored.bytes.data(), stored.bytes.size());
  return Status::success();
}

Status loadTensor(Machine &machine, const Manifest &manifest, uint32_t tensor, const Source &source,
                  const StoredTensor *stored, const std::string &file, const MappedFile *pages) {
  if (!stored)
    return makeError(ExitStatus::Input, "{}: tensor {} is missing", file, quote(source.tensor));
  if (stored->shape != source.shape)
    return malformed(file, source,
                     fmt::format("has shape {}, expected {}", shapeText(stored->shape), shapeText(source.shape)));
  const Tensor &info = manifest.tensors[tensor];
  if (stored->elements() != info.elements())
    return makeError(ExitStatus::Bug, "tensor {} and its source differ in size", quote(info.name));
  if (!stored->format.element && !source.decode)
    return malformed(file, source,
                     fmt::format("has type {}, which the recipe was not compiled for", stored->format.name));
  if (stored->format.element && source.decode)
    return malformed(file, source, fmt::format("has type {}, expected blocks", stored->format.name));
  ElementType decoded = source.decode ? manifest.tensors[source.decode->values].type : info.type;
  bool isDirect = !source.view && decoded == info.type;
  std::span<std::byte> target = machine.bytes(tensor);
  if (pages && isDirect && stored->format.element == info.type)
    if (Expected<bool> isMapped = pages->mapInto(target, stored->offset); !isMapped || *isMapped)
      return isMapped ? Status::success() : Status(isMapped.error());
  if (source.view && stored->format.element == info.type && isFloat(info.type)) {
    transpose(*source.view, byteSize(info.type), stored->bytes.data(), target.data());
    return Status::success();
  }
  std::vector<std::byte> buffer(isDirect ? 0 : static_cast<size_t>(info.elements()) * byteSize(decoded));
  std::byte *to = isDirect ? target.data() : buffer.data();
  uint64_t toBytes = static_cast<uint64_t>(info.elements()) * byteSize(decoded);
  Status status = source.decode ? decodeBlocks(machine, manifest, *source.decode, *stored, to, toBytes)
                                : convertPlain(source, file, *stored, info.type, to);
  if (!status || isDirect)
    return status;
  std::vector<std::byte> converted;
  if (decoded != info.type) {
    converted.resize(target.size());
    convertFloats(decoded, buffer.data(), info.type, converted.data(), static_cast<size_t>(info.elements()));
    buffer.swap(converted);
  }
  if (source.view)
    transpose(*source.view, byteSize(info.type), buffer.data(), target.data());
  else
    std::memcpy(target.data(), buffer.data(), target.size());
  return Status::success();
}

/// Copies the elements of `sizes` from one side to the other.
static void copyElements(const std::vector<int64_t> &sizes, size_t bytes,
                         std::pair<const Part::Side &, const std::byte *> from,
                         std::pair<const Part::Side &, std::byte *> to) {
  std::vector<int64_t> index(sizes.size(), 0);
  int64_t source = from.first.offset, target = to.first.offset;
  for (;;) {
    std::memcpy(to.second + static_cast<size_t>(target) * bytes, from.second + static_cast<size_t>(source) * bytes,
                bytes);
    size_t i = sizes.size();
    while (i-- > 0) {
      source += from.first.strides[i];
      target += to.first.strides[i];
      if (++index[i] < sizes[i])
        break;
      source -= from.first.strides[i] * sizes[i];
      target -= to.first.strides[i] * sizes[i];
      index[i] = 0;
    }
    if (i == static_cast<size_t>(-1))
      return;
  }
}

Status loadPart(Machine &machine, const Manifest &manifest, const FileTensor &entry, const StoredTensor *stored,
                const std::string &file) {
  Source source{"", entry.file, entry.shape, std::nullopt, std::nullopt};
  if (!entry.part)
    return loadTensor(machine, manifest, entry.tensor, source, stored, file);
  if (!stored)
    return malformed(file, source, "is missing");
  if (stored->shape != entry.shape)
    return malformed(file, source,
                     fmt::format("has shape {}, expected {}", shapeText(stored->shape), shapeText(entry.shape)));
  if (!stored->format.element)
    return malformed(file, source,
                     fmt::format("has type {}, which the recipe was not compiled for", stored->format.name));
  ElementType type = manifest.tensors[entry.tensor].type;
  std::vector<std::byte> converted(static_cast<size_t>(stored->elements()) * byteSize(type));
  if (Status status = convertPlain(source, file, *stored, type, converted.data()); !status)
    return status;
  copyElements(entry.part->sizes, byteSize(type), {entry.part->file, converted.data()},
               {entry.part->tensor, machine.bytes(entry.tensor).data()});
  return Status::success();
}

/// To another type that they can become.
static void convertElements(std::span<const std::byte> elements, ElementType from, ElementType to, std::byte *target) {
  size_t count = elements.size() / byteSize(from);
  if (isFloat(from))
    return convertFloats(from, elements.data(), to, target, count);
  for (size_t i = 0; i < count; ++i) {
    int32_t value;
    std::memcpy(&value, elements.data() + i * sizeof(value), sizeof(value));
    int64_t wide = value;
    std::memcpy(target + i * sizeof(wide), &wide, sizeof(wide));
  }
}

void storePart(Machine &machine, const Manifest &manifest, const FileTensor &entry, std::span<std::byte> file) {
  std::span<const std::byte> bytes = machine.bytes(entry.tensor);
  std::vector<std::byte> converted;
  if (ElementType own = manifest.tensors[entry.tensor].type; own != entry.type) {
    converted.resize(bytes.size() / byteSize(own) * byteSize(entry.type));
    convertElements(bytes, own, entry.type, converted.data());
    bytes = converted;
  }
  copyElements(entry.part->sizes, byteSize(entry.type), {entry.part->tensor, bytes.data()},
               {entry.part->file, file.data()});
}

bool canBecome(ElementType from, ElementType to) {
  return from == to || (isFloat(from) && isFloat(to)) || (from == ElementType::I32 && to == ElementType::I64);
}

Status writeElements(std::span<const std::byte> elements, ElementType from, ElementType to,
                     const std::optional<View> &view, const std::function<Status(std::span<const std::byte>)> &write) {
  if (from == to && !view)
    return write(elements);
  constexpr size_t pieceBytes = size_t(4) << 20;
  size_t count = elements.size() / byteSize(from);
  size_t rows = view ? static_cast<size_t>(countRows(*view)) : std::max<size_t>(count, 1);
  size_t rowElements = rows == 0 ? 0 : count / rows;
  size_t together = std::max<size_t>(1, pieceBytes / std::max<size_t>(1, rowElements * byteSize(to)));
  std::vector<std::byte> transposed, converted;
  for (size_t row = 0; row < rows; row += together) {
    size_t some = std::min(together, rows - row), bytes = some * rowElements * byteSize(from);
    std::span<const std::byte> piece;
    if (view) {
      transposed.resize(bytes);
      transposeRows(*view, {static_cast<int64_t>(row), static_cast<int64_t>(some)}, byteSize(from), elements.data(),
                    transposed.data());
      piece = transposed;
    } else {
      piece = elements.subspan(row * rowElements * byteSize(from), bytes);
    }
    if (from != to) {
      converted.resize(some * rowElements * byteSize(to));
      convertElements(piece, from, to, converted.data());
      piece = converted;
    }
    if (Status status = write(piece); !status)
      return status;
  }
  return Status::success();
}

} // namespace ftc::run
