//===- Hash.h - identity of bytes and files ----------------------*- C++ -*-===//

#ifndef FTC_RUNTIME_CORE_HASH_H
#define FTC_RUNTIME_CORE_HASH_H

#include "ftc/Runtime/Core/Status.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ftc::runtime {

/// A 128-bit XXH3 hash: equal bytes have equal hashes on every machine. It identifies, it does not protect.
struct Hash128 {
  uint64_t high = 0, low = 0;

  auto operator<=>(const Hash128 &) const = default;
  /// 32 lower-case hexadecimal digits, the canonical (big-endian) form that `xxhsum -H2` prints.
  std::string hex() const;
};

Hash128 hashBytes(std::span<const std::byte> bytes);
Hash128 hashBytes(std::string_view text);

/// Hash of a file's content, read through a mapping.
Expected<Hash128> hashFile(const std::string &path);

/// Hashes a sequence of parts. Each part's length is hashed with it, so ("ab","c") differs from ("a","bc").
class Hasher {
public:
  Hasher();
  ~Hasher();
  Hasher(Hasher &&) noexcept;
  Hasher &operator=(Hasher &&) noexcept;

  Hasher &add(std::string_view part);
  Hasher &add(uint64_t number);
  Hasher &add(const Hash128 &hash);
  Hash128 finish() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace ftc::runtime

#endif // FTC_RUNTIME_CORE_HASH_H
