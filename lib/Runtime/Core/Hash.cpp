#include "ftc/Runtime/Core/Hash.h"

#include "ftc/Runtime/Core/File.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace ftc::runtime;

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Hash128 ftc::runtime::hashBytes(std::span<const std::byte> bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

Hash128 ftc::runtime::hashBytes(std::string_view text) { return hashBytes(std::as_bytes(std::span(text))); }

Expected<Hash128> ftc::runtime::hashFile(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.error();
  constexpr size_t piece = size_t(16) << 20;
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (std::span<const std::byte> rest = file->bytes(); !rest.empty();) {
    std::span<const std::byte> next = rest.first(std::min(piece, rest.size()));
    XXH3_128bits_update(&state, next.data(), next.size());
    releasePages(next);
    rest = rest.subspan(next.size());
  }
  XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return Hash128{hash.high64, hash.low64};
}

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state(std::make_unique<State>()) { XXH3_128bits_reset(&state->xxh); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher &&) noexcept = default;
Hasher &Hasher::operator=(Hasher &&) noexcept = default;

Hasher &Hasher::add(std::string_view part) {
  add(uint64_t(part.size()));
  XXH3_128bits_update(&state->xxh, part.data(), part.size());
  return *this;
}

Hasher &Hasher::add(uint64_t number) {
  static_assert(std::endian::native == std::endian::little);
  XXH3_128bits_update(&state->xxh, &number, sizeof(number));
  return *this;
}

Hasher &Hasher::add(const Hash128 &hash) { return add(hash.high).add(hash.low); }

Hash128 Hasher::finish() const {
  XXH128_hash_t hash = XXH3_128bits_digest(&state->xxh);
  return {hash.high64, hash.low64};
}
