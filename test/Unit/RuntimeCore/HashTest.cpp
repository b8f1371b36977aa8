#include "ftc/Runtime/Core/Hash.h"

#include "ftc/Runtime/Core/File.h"

#include <gtest/gtest.h>

#include <cstdio>

using namespace ftc::runtime;

TEST(Hash, isXxh3WithItsCanonicalSpelling) {
  // XXH3_128bits of nothing, from the specification's test vectors.
  EXPECT_EQ(hashBytes("").hex(), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, ofAFileIsThatOfItsBytes) {
  std::string path = testing::TempDir() + "ftc-hash";
  ASSERT_TRUE(bool(writeFileAtomically(path, "some bytes")));
  EXPECT_EQ(*hashFile(path), hashBytes("some bytes"));
  std::remove(path.c_str());
  EXPECT_EQ(hashFile(path).error().status, ExitStatus::Input);
}

// More than a piece, which threads hash side by side: each byte and the order of the pieces count.
TEST(Hash, ofALargeFileIsThatOfItsPieces) {
  std::string path = testing::TempDir() + "ftc-hash-large", content(size_t(40) << 20, 'a');
  auto hash = [&] {
    EXPECT_TRUE(bool(writeFileAtomically(path, content)));
    return *hashFile(path);
  };
  content[size_t(3) << 20] = 'b';
  Hash128 first = hash();
  EXPECT_EQ(first, hash());
  std::swap(content[size_t(3) << 20], content[size_t(19) << 20]);
  Hash128 second = hash();
  EXPECT_NE(first, second);
  content.back() = 'c';
  EXPECT_NE(second, hash());
  std::remove(path.c_str());
}

TEST(Hash, partsKeepTheirBorders) {
  Hash128 first = Hasher().add("ab").add("c").finish();
  EXPECT_EQ(first, Hasher().add("ab").add("c").finish());
  EXPECT_NE(first, Hasher().add("a").add("bc").finish());
  EXPECT_NE(Hasher().add(uint64_t(1)).finish(), Hasher().add(uint64_t(2)).finish());
  EXPECT_NE(Hasher().add(hashBytes("a")).finish(), Hasher().add(hashBytes("b")).finish());
}
