#include "ftc/Runtime/Core/Hash.h"

#include "ftc/Runtime/Core/File.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <system_error>
#include <thread>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace ftc::runtime;

static Hash128 toHash128(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Hash128 ftc::runtime::hashBytes(std::span<const std::byte> bytes) {
  return toHash128(XXH3_128bits(bytes.data(), bytes.size()));
}

Hash128 ftc::runtime::hashBytes(std::string_view text) { return hashBytes(std::as_bytes(std::span(text))); }

/// Of each piece of a file; threads take one after the other.
static std::vector<Hash128> hashPieces(std::span<const std::byte> bytes, size_t piece) {
  std::vector<Hash128> hashes((bytes.size() + piece - 1) / piece);
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i = next++; i < hashes.size(); i = next++) {
      std::span<const std::byte> own = bytes.subspan(i * piece, std::min(piece, bytes.size() - i * piece));
      hashes[i] = hashBytes(own);
      releasePages(own);
    }
  };
  constexpr size_t mostThreads = 4;
  size_t threads = std::min({hashes.size(), mostThreads, size_t(std::max(1U, std::thread::hardware_concurrency()))});
  std::vector<std::jthread> others;
  others.reserve(threads);
  try {
    while (others.size() + 1 < threads)
      others.emplace_back(work);
  } catch (const std::system_error &) { // no more threads: those that there are do all of it
  }
  work();
  others.clear();
  return hashes;
}

Expected<Hash128> ftc::runtime::hashFile(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.error();
  constexpr size_t piece = size_t(16) << 20;
  if (file->bytes().size() <= piece)
    return hashBytes(file->bytes());
  Hasher hasher;
  for (const Hash128 &hash : hashPieces(file->bytes(), piece))
    hasher.add(hash);
  return hasher.finish();
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
