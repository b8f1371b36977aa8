//===- Machine.cpp - the arena and the programs over it ----------------------===//

#include "ftc/Runtime/Run/Machine.h"

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/Core/Philox.h"
#include "ftc/Runtime/Run/Console.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace ftc::run {

int64_t mixKey(int64_t seed, int64_t step) {
  auto low = [](int64_t value) { return static_cast<uint32_t>(static_cast<uint64_t>(value)); };
  auto high = [](int64_t value) { return static_cast<uint32_t>(static_cast<uint64_t>(value) >> 32); };
  std::array<uint32_t, 4> words = philox({low(step), high(step), 0, 0}, {low(seed), high(seed)});
  return static_cast<int64_t>(uint64_t(words[1]) << 32 | words[0]);
}

/// The number after `key` in a file like /proc/meminfo, or in a file that holds nothing else if `key` is empty.
static std::optional<uint64_t> numberIn(const char *path, std::string_view key) {
  Expected<std::string> text = [&]() -> Expected<std::string> {
    FILE *file = std::fopen(path, "re"); // pseudo files have no size, so readFile cannot read them
    if (!file)
      return makeError(ExitStatus::Input, "{}: cannot be opened", path);
    char buffer[4096];
    size_t read = std::fread(buffer, 1, sizeof(buffer), file);
    std::fclose(file);
    return std::string(buffer, read);
  }();
  size_t place = text ? text->find(key) : std::string::npos;
  if (place == std::string::npos)
    return std::nullopt;
  place = text->find_first_of("0123456789", place + key.size());
  uint64_t number = 0;
  if (place == std::string::npos ||
      std::from_chars(text->data() + place, text->data() + text->size(), number).ec != std::errc())
    return std::nullopt;
  return number;
}

/// Memory that this process may still take, in bytes: the system's and its control group's.
static uint64_t availableMemory() {
  uint64_t available = std::numeric_limits<uint64_t>::max();
  if (std::optional<uint64_t> system = numberIn("/proc/meminfo", "MemAvailable:"))
    available = *system * 1024;
  std::optional<uint64_t> limit = numberIn("/sys/fs/cgroup/memory.max", ""),
                          used = numberIn("/sys/fs/cgroup/memory.current", "");
  if (limit && used) {
    uint64_t cache = numberIn("/sys/fs/cgroup/memory.stat", "\nfile ").value_or(0);
    uint64_t taken = *used - std::min(*used, cache);
    available = std::min(available, *limit - std::min(*limit, taken));
  }
  return available;
}

static Error doesNotFit(const Manifest &manifest, uint64_t available) {
  const Plan &plan = manifest.plan;
  return makeError(ExitStatus::Memory,
                   "the recipe needs {} of memory, this machine has {} to give\n"
                   "  weights {}, trained {}, gradients {}, optimizer states {}, activations {}, workspace {}\n"
                   "  a smaller batch or micro_batch, or fewer tokens, needs less",
                   byteText(manifest.arenaBytes), byteText(available), byteText(plan.weights), byteText(plan.trained),
                   byteText(plan.gradients), byteText(plan.states), byteText(plan.activations),
                   byteText(plan.workspace));
}

/// What ftc_prepare and ftc_run_program return.
static Status makeStatus(int status) {
  if (status == 0)
    return Status::success();
  return makeError(ExitStatus(status), "{}", ftc_failure());
}

Expected<Machine> Machine::create(const Manifest &manifest, const Image &image, int threads) {
  uint64_t available = availableMemory();
  if (ftc_set_threads(threads) != 0)
    return doesNotFit(manifest, available);
  uint64_t needed = manifest.arenaBytes + uint64_t(ftc_threads()) * image.setup->scratch;
  if (needed > available)
    return doesNotFit(manifest, available);
  if (manifest.arenaBytes > manifest.plan.peak)
    return makeError(ExitStatus::Bug, "the arena has {} bytes, the plan {}", manifest.arenaBytes, manifest.plan.peak);
  uint8_t *arena = ftc_arena_create(manifest.arenaBytes);
  if (!arena)
    return doesNotFit(manifest, available);
  Machine machine(manifest, image, arena);
  if (Status status = makeStatus(ftc_prepare(image.setup, arena)); !status)
    return status.error();
  return machine;
}

Machine::Machine(Machine &&other) noexcept
    : manifest(other.manifest), image(other.image), arena(std::exchange(other.arena, nullptr)) {}

Machine::~Machine() {
  if (arena)
    ftc_arena_destroy(arena, manifest->arenaBytes);
}

std::span<std::byte> Machine::bytes(uint32_t tensor) {
  const Tensor &info = manifest->tensors[tensor];
  return {reinterpret_cast<std::byte *>(arena) + info.offset, info.bytes};
}

void Machine::zero(TensorRef tensor) {
  if (tensor)
    std::memset(bytes(*tensor).data(), 0, bytes(*tensor).size());
}

void Machine::copy(TensorRef from, TensorRef to) {
  if (from && to)
    std::memcpy(bytes(*to).data(), bytes(*from).data(), std::min(bytes(*from).size(), bytes(*to).size()));
}

template <typename T> Status Machine::fillFrom(TensorRef tensor, std::span<const T> values) {
  if (!tensor)
    return Status::success();
  const Tensor &info = manifest->tensors[*tensor];
  if (info.elements() != static_cast<int64_t>(values.size()))
    return makeError(ExitStatus::Bug, "{} values for tensor {} of {}", values.size(), quote(info.name),
                     info.elements());
  auto convert = [&]<typename To>(std::span<To> to) {
    std::transform(values.begin(), values.end(), to.begin(), [](T value) { return static_cast<To>(value); });
    return Status::success();
  };
  switch (info.type) {
  case ElementType::I32:
    return convert(elements<int32_t>(*tensor));
  case ElementType::I64:
    return convert(elements<int64_t>(*tensor));
  case ElementType::F32:
    return convert(elements<float>(*tensor));
  case ElementType::F64:
    return convert(elements<double>(*tensor));
  default:
    return makeError(ExitStatus::Bug, "tensor {} of type {} is no input", quote(info.name), formatName(info.type));
  }
}

Status Machine::fill(TensorRef tensor, std::span<const int32_t> values) { return fillFrom(tensor, values); }
Status Machine::fill(TensorRef tensor, std::span<const float> values) { return fillFrom(tensor, values); }
Status Machine::fill(TensorRef tensor, std::span<const double> values) { return fillFrom(tensor, values); }
Status Machine::setInteger(TensorRef tensor, int64_t value) {
  return fillFrom(tensor, std::span<const int64_t>(&value, 1));
}
Status Machine::setReal(TensorRef tensor, double value) { return fillFrom(tensor, std::span<const double>(&value, 1)); }

std::vector<double> Machine::reals(uint32_t tensor) {
  const Tensor &info = manifest->tensors[tensor];
  if (!isFloat(info.type))
    return {};
  std::vector<double> values(static_cast<size_t>(info.elements()));
  readReals(tensor, values);
  return values;
}

void Machine::readReals(uint32_t tensor, std::span<double> into) {
  convertFloats(manifest->tensors[tensor].type, bytes(tensor).data(), ElementType::F64, into.data(), into.size());
}

double Machine::real(TensorRef tensor) {
  if (!tensor)
    return 0;
  const Tensor &info = manifest->tensors[*tensor];
  double value = 0;
  if (isFloat(info.type) && info.elements() > 0)
    convertFloats(info.type, bytes(*tensor).data(), ElementType::F64, &value, 1);
  return value;
}

template <typename T> static bool allFinite(std::span<const T> values) {
  return std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
}

bool Machine::isFinite(uint32_t tensor) {
  switch (manifest->tensors[tensor].type) {
  case ElementType::F32:
    return allFinite<float>(elements<float>(tensor));
  case ElementType::F64:
    return allFinite<double>(elements<double>(tensor));
  default:
    return allFinite<double>(reals(tensor));
  }
}

Status Machine::run(uint32_t program) { return makeStatus(ftc_run_program(&image.programs[program], arena)); }

Status Machine::leaveFiles() {
  uint64_t begin = manifest->arenaBytes, end = 0;
  for (const Tensor &tensor : manifest->tensors)
    if (tensor.source && tensor.source->mapped) {
      begin = std::min(begin, tensor.offset);
      end = std::max(end, tensor.offset + tensor.bytes);
    }
  return begin < end ? makeStatus(ftc_arena_leave_files(arena, begin, end)) : Status::success();
}

} // namespace ftc::run
