// Any bytes are refused with an Input error or give values and tensors whose bytes lie in the file.

#include "MemoryFile.h"

#include "ftc/Runtime/IO/Gguf.h"

using namespace ftc::runtime;
using ftc::fuzz::require;

/// Reads every byte of a value; gives something that depends on all of them.
static uint64_t visit(const GgufValue &value) {
  uint64_t sum =
      value.asBool().value_or(false) + uint64_t(value.asInteger().value_or(0)) + value.asNumber().has_value();
  for (char c : value.asString().value_or(""))
    sum += uint8_t(c);
  if (const GgufArray *array = value.asArray())
    for (size_t i = 0; i < array->size(); ++i)
      sum += visit((*array)[i]);
  return sum;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const ftc::fuzz::MemoryFile memory;
  static volatile uint64_t sink;
  auto file = GgufFile::open(memory.hold(bytes, size));
  if (!file) {
    require(file.error().status == ExitStatus::Input && !file.error().message.empty());
    return 0;
  }
  for (const auto &[key, value] : file->metadata()) {
    require(file->metadata(key) == &value);
    sink = sink + visit(value);
  }
  for (const StoredTensor &tensor : file->tensors()) {
    require(file->find(tensor.name) == &tensor);
    require(tensor.bytes.size() ==
            uint64_t(tensor.elements()) / tensor.format.blockElements * tensor.format.blockBytes);
    for (std::byte byte : tensor.bytes)
      sink = sink + uint64_t(byte);
  }
  return 0;
}
