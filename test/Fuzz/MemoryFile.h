//===- MemoryFile.h - a fuzzer's bytes under a path ----------------------===//

#ifndef FTC_TEST_FUZZ_MEMORYFILE_H
#define FTC_TEST_FUZZ_MEMORYFILE_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace ftc::fuzz {

/// A file in memory whose content each input replaces.
class MemoryFile {
public:
  MemoryFile() : fd(::memfd_create("fuzz", 0)) {}

  std::string hold(const uint8_t *bytes, size_t size) const {
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, bytes, size, 0) != ssize_t(size))
      std::abort();
    return "/proc/self/fd/" + std::to_string(fd);
  }

private:
  int fd;
};

/// Fails the fuzz run.
inline void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace ftc::fuzz

#endif // FTC_TEST_FUZZ_MEMORYFILE_H
