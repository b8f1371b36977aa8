// Any bytes are refused with an Input error or give tensors whose bytes lie in the file and cover its data.

#include "MemoryFile.h"

#include "ftc/Runtime/IO/Safetensors.h"

#include <numeric>

using namespace ftc::runtime;
using ftc::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const ftc::fuzz::MemoryFile memory;
  auto file = SafetensorsFile::open(memory.hold(bytes, size));
  if (!file) {
    require(file.error().status == ExitStatus::Input && !file.error().message.empty());
    return 0;
  }
  uint64_t end = 0;
  for (const StoredTensor &tensor : file->tensors()) {
    uint64_t sum = std::accumulate(tensor.bytes.begin(), tensor.bytes.end(), uint64_t(0),
                                   [](uint64_t sum, std::byte byte) { return sum + uint64_t(byte); });
    require(sum <= 255 * tensor.bytes.size());
    require(tensor.bytes.size() == uint64_t(tensor.elements()) * tensor.format.blockBytes);
    require(tensor.offset >= end);
    require(file->find(tensor.name) == &tensor);
    end = tensor.offset + tensor.bytes.size();
  }
  require(file->tensors().empty() || end == size);
  return 0;
}
