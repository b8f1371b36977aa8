//===- TrainingState.cpp - checkpoints of training ---------------------------===//

#include "ftc/Runtime/Run/TrainingState.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace ftc::run {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view extension = ".checkpoint";

/// The first bytes of a checkpoint. `check` is the hash of what precedes it.
struct Header {
  char magic[8];
  uint64_t version;
  Hash128 identity;
  int64_t step;
  uint64_t metricsBytes;
  uint64_t stateBytes;
  Hash128 state;
  Hash128 check;
};
static_assert(std::is_trivially_copyable_v<Header> && sizeof(Header) == 88);

constexpr char magic[8] = {'f', 't', 'c', 's', 't', 'a', 't', 'e'};

Hash128 checkOf(const Header &header) {
  return hashBytes(std::as_bytes(std::span(&header, 1)).first(offsetof(Header, check)));
}

using ConstParts = std::vector<std::span<const std::byte>>;

size_t sizeOf(const StateParts &state) {
  size_t size = 0;
  for (std::span<const std::byte> part : state)
    size += part.size();
  return size;
}

Hash128 hashOf(const ConstParts &parts) {
  Hasher hasher;
  for (std::span<const std::byte> part : parts)
    hasher.add(std::string_view(reinterpret_cast<const char *>(part.data()), part.size()));
  return hasher.finish();
}

/// The parts of a state in the file of a checkpoint, behind its header.
ConstParts partsIn(std::span<const std::byte> bytes, const StateParts &state) {
  ConstParts parts;
  bytes = bytes.subspan(sizeof(Header));
  for (std::span<const std::byte> part : state) {
    parts.push_back(bytes.first(part.size()));
    bytes = bytes.subspan(part.size());
  }
  return parts;
}

/// Why the bytes of a checkpoint cannot be used, or nothing.
std::optional<std::string> findDamage(std::span<const std::byte> bytes, const Hash128 &identity,
                                      const StateParts &state, Header &header) {
  if (bytes.size() < sizeof(Header))
    return "it is cut off";
  std::memcpy(&header, bytes.data(), sizeof(Header));
  if (std::memcmp(header.magic, magic, sizeof(magic)) != 0 || header.version != 2 || header.check != checkOf(header))
    return "its header is damaged";
  if (header.identity != identity || header.stateBytes != sizeOf(state))
    return "it belongs to another training";
  if (bytes.size() != sizeof(Header) + header.stateBytes || hashOf(partsIn(bytes, state)) != header.state)
    return "its contents are damaged";
  return std::nullopt;
}

} // namespace

TrainingCheckpoints::TrainingCheckpoints(std::string folder, std::string name, Hash128 identity)
    : folder(std::move(folder)), name(std::move(name)), identity(identity) {}

std::string TrainingCheckpoints::prefix() const { return name + "." + identity.hex().substr(0, 12) + "."; }

std::vector<TrainingCheckpoints::File> TrainingCheckpoints::list() const {
  std::vector<File> files;
  std::error_code ignored;
  std::string begin = prefix();
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, ignored)) {
    std::string file = entry.path().filename().string();
    if (!file.starts_with(begin) || !file.ends_with(extension))
      continue;
    std::string_view digits = std::string_view(file).substr(begin.size());
    digits.remove_suffix(extension.size());
    int64_t step = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
    if (error == std::errc() && end == digits.data() + digits.size())
      files.push_back({step, entry.path().string()});
  }
  std::sort(files.begin(), files.end(), [](const File &a, const File &b) { return a.step > b.step; });
  return files;
}

bool TrainingCheckpoints::hasOthers() const {
  std::error_code ignored;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, ignored)) {
    std::string file = entry.path().filename().string();
    if (file.starts_with(name + ".") && file.ends_with(extension) && !file.starts_with(prefix()))
      return true;
  }
  return false;
}

Status TrainingCheckpoints::save(const TrainingPoint &point, const StateParts &state) const {
  Header header{};
  std::memcpy(header.magic, magic, sizeof(magic));
  header.version = 2;
  header.identity = identity;
  header.step = point.step;
  header.metricsBytes = point.metricsBytes;
  header.stateBytes = sizeOf(state);
  header.state = hashOf({state.begin(), state.end()});
  header.check = checkOf(header);
  std::string path = fmt::format("{}/{}{:08}{}", folder, prefix(), point.step, extension);
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.error();
  if (Status status = file->write(std::as_bytes(std::span(&header, 1))); !status)
    return status;
  for (std::span<const std::byte> part : state)
    if (Status status = file->write(part); !status)
      return status;
  if (Status status = file->commit(); !status)
    return status;
  std::vector<File> files = list();
  std::error_code ignored;
  for (size_t i = kept; i < files.size(); ++i)
    fs::remove(files[i].path, ignored);
  return Status::success();
}

Expected<std::optional<TrainingPoint>>
TrainingCheckpoints::restore(const StateParts &state, const std::function<void(std::string)> &damaged) const {
  for (const File &file : list()) {
    Expected<MappedFile> mapping = MappedFile::open(file.path);
    if (!mapping) {
      damaged(mapping.error().message);
      continue;
    }
    Header header;
    if (std::optional<std::string> damage = findDamage(mapping->bytes(), identity, state, header)) {
      damaged(fmt::format("{}: {}", file.path, *damage));
      continue;
    }
    ConstParts parts = partsIn(mapping->bytes(), state);
    for (size_t i = 0; i < state.size(); ++i)
      std::copy(parts[i].begin(), parts[i].end(), state[i].begin());
    return std::optional<TrainingPoint>({header.step, header.metricsBytes});
  }
  return std::optional<TrainingPoint>();
}

void TrainingCheckpoints::remove() const {
  std::error_code ignored;
  for (const File &file : list())
    fs::remove(file.path, ignored);
}

} // namespace ftc::run
