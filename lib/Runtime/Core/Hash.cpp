#include "ftc/Runtime/Core/Hash.h"

#include "ftc/Runtime/Core/File.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace ftc::runtime;

static Hash128 toHash128(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Hash128 ftc::runtime::hashBytes(std::span<const std::byte> bytes) {
  return toHash128(XXH3_128bits(bytes.data(), bytes.size()));
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
  return toHash128(XXH3_128bits_digest(&state));
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

Hash128 Hasher::finish() const { return toHash128(XXH3_128bits_digest(&state->xxh)); }
