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

TEST(Hash, partsKeepTheirBorders) {
  Hash128 first = Hasher().add("ab").add("c").finish();
  EXPECT_EQ(first, Hasher().add("ab").add("c").finish());
  EXPECT_NE(first, Hasher().add("a").add("bc").finish());
  EXPECT_NE(Hasher().add(uint64_t(1)).finish(), Hasher().add(uint64_t(2)).finish());
  EXPECT_NE(Hasher().add(hashBytes("a")).finish(), Hasher().add(hashBytes("b")).finish());
}
