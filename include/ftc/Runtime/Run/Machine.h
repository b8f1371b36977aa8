//===- Machine.h - the arena and the programs over it ------------------------===//
#pragma once

#include "ftc/Runtime/CPU/Profile.h"
#include "ftc/Runtime/CPU/Program.h"
#include "ftc/Runtime/Run/Manifest.h"

#include <span>
#include <string_view>

namespace ftc::run {

/// What the compiler's object defines.
struct Image {
  std::string_view manifest;
  const ftc_program *programs = nullptr;
  const ftc_setup *setup = nullptr;
  const ftc_note *const *notes = nullptr; ///< for the profile; null where the object has none
};

/// The key of the counter-based generator for step `step` of a seed.
int64_t mixKey(int64_t seed, int64_t step);

/// Owns the arena: all memory for tensors, allocated once.
class Machine {
public:
  /// Fails with status Memory and the plan if the machine has less memory than the arena needs.
  static Expected<Machine> create(const Manifest &manifest, const Image &image, int threads);
  Machine(Machine &&other) noexcept;
  Machine &operator=(Machine &&) = delete;
  ~Machine();

  std::span<std::byte> bytes(uint32_t tensor);
  template <typename T> std::span<T> elements(uint32_t tensor) {
    std::span<std::byte> raw = bytes(tensor);
    return {reinterpret_cast<T *>(raw.data()), raw.size() / sizeof(T)};
  }

  /// Elements of a tensor.
  int64_t count(uint32_t tensor) const { return manifest->tensors[tensor].elements(); }
  void zero(TensorRef tensor);
  void copy(TensorRef from, TensorRef to);
  /// Fills a tensor with numbers, converted to its type (i32, i64, f32 or f64); a bug if their count is not its own.
  Status fill(TensorRef tensor, std::span<const int32_t> values);
  Status fill(TensorRef tensor, std::span<const float> values);
  Status fill(TensorRef tensor, std::span<const double> values);
  Status setInteger(TensorRef tensor, int64_t value);
  Status setReal(TensorRef tensor, double value);
  /// The first element of a tensor of reals; 0 where there is none.
  double real(TensorRef tensor);
  /// All elements of a tensor of reals.
  std::vector<double> reals(uint32_t tensor);
  /// The same, into as many places as it has.
  void readReals(uint32_t tensor, std::span<double> into);
  /// Whether all elements of a tensor of reals are finite; true for other tensors.
  bool isFinite(uint32_t tensor);

  Status run(uint32_t program);

  /// Gives weights that are pages of a file (MappedFile::mapInto) large pages of memory: the small ones of a file take
  /// a quarter of a short step to find.
  Status leaveFiles();

private:
  Machine(const Manifest &manifest, const Image &image, uint8_t *arena)
      : manifest(&manifest), image(image), arena(arena) {}
  template <typename T> Status fillFrom(TensorRef tensor, std::span<const T> values);

  const Manifest *manifest;
  Image image;
  uint8_t *arena;
};

} // namespace ftc::run
