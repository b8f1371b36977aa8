//===- TestFiles.h - makes the files that the readers are tested with ------===//

#ifndef FTC_TEST_UNIT_RUNTIMEIO_TESTFILES_H
#define FTC_TEST_UNIT_RUNTIMEIO_TESTFILES_H

#include "ftc/Runtime/Core/File.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace ftc::runtime::test {

/// The little-endian bytes of a number.
template <typename T> std::string raw(T value) {
  std::string result(sizeof(T), '\0');
  std::memcpy(result.data(), &value, sizeof(T));
  return result;
}

/// A safetensors file of this header (padded) and that many bytes of data, 0, 1, 2 ...
inline std::string safetensors(std::string header, size_t dataBytes) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string result = raw(uint64_t(header.size())) + header;
  for (size_t i = 0; i < dataBytes; ++i)
    result += char(i);
  return result;
}

/// Each test has a folder of its own.
class FolderTest : public testing::Test {
protected:
  FolderTest() : root(testing::TempDir() + "ftc-io-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(root);
    std::filesystem::create_directories(root);
  }
  ~FolderTest() override { std::filesystem::remove_all(root); }

  /// Writes a file and gives its path.
  std::string put(const std::string &name, std::string_view content) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << content;
    return at(name);
  }
  std::string at(const std::string &name) const { return root + "/" + name; }
  /// A message without the folder of this test.
  std::string relative(std::string message) const {
    for (size_t where; (where = message.find(root + "/")) != std::string::npos;)
      message.erase(where, root.size() + 1);
    return message;
  }

  std::string root;
};

} // namespace ftc::runtime::test

#endif // FTC_TEST_UNIT_RUNTIMEIO_TESTFILES_H
