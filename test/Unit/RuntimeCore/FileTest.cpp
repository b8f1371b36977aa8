#include "ftc/Runtime/Core/File.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ftc::runtime;
namespace fs = std::filesystem;

namespace {
/// A fresh folder for each test.
class Files : public testing::Test {
protected:
  void SetUp() override {
    root = testing::TempDir() + "ftc-files-" + std::to_string(::getpid());
    fs::remove_all(root);
    fs::create_directories(root);
  }
  void TearDown() override { fs::remove_all(root); }

  std::string at(const std::string &name) const { return root + "/" + name; }
  void put(const std::string &name, const std::string &content) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name)) << content;
  }
  std::string get(const std::string &name) const {
    auto content = readFile(at(name), 1 << 20);
    return content ? *content : content.error().message;
  }
  /// Names in the test's folder, sorted.
  std::vector<std::string> names(const std::string &folder = "") const {
    std::vector<std::string> result;
    for (const auto &entry : fs::directory_iterator(at(folder)))
      result.push_back(entry.path().filename().string());
    std::sort(result.begin(), result.end());
    return result;
  }

  std::string root;
};

using Names = std::vector<std::string>;
} // namespace

TEST_F(Files, readsWithinItsBound) {
  put("a", "12345");
  EXPECT_EQ(*readFile(at("a"), 5), "12345");
  auto refused = readFile(at("a"), 4);
  EXPECT_EQ(refused.error().status, ExitStatus::Input);
  EXPECT_EQ(refused.error().message, at("a") + ": has 5 bytes, at most 4 are read");
}

TEST_F(Files, mapsAndMoves) {
  put("a", "mapped");
  put("empty", "");
  auto file = MappedFile::open(at("a"));
  ASSERT_TRUE(bool(file));
  const char *before = file->text().data();
  MappedFile moved = *std::move(file);
  EXPECT_EQ(moved.text(), "mapped");
  EXPECT_EQ(moved.text().data(), before);
  EXPECT_EQ(MappedFile::open(at("empty"))->bytes().size(), 0u);
}

TEST_F(Files, refusesWhatIsNoFile) {
  EXPECT_EQ(MappedFile::open(at("none")).error().message, at("none") + ": cannot open: No such file or directory");
  EXPECT_EQ(MappedFile::open(root).error().message, root + ": not a file but a folder");
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(readFile(at("pipe"), 10).error().message, at("pipe") + ": not a file but a device or pipe");
}

// Memory whose pages begin where the file's do shows them, its ends are copies; other memory is left as it is.
TEST_F(Files, MappedIntoMemoryThatIsThere) {
  std::string content(size_t(300) << 10, 'x');
  for (size_t i = 0; i < content.size(); ++i)
    content[i] = char('a' + i % 23);
  put("file", content);
  auto file = MappedFile::open(at("file"));
  ASSERT_TRUE(bool(file));
  auto page = size_t(::sysconf(_SC_PAGESIZE)), size = content.size() + 2 * page;
  void *memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto *start = static_cast<std::byte *>(memory);
  constexpr size_t offset = 1000, bytes = size_t(200) << 10;
  std::span<std::byte> target(start + page + offset, bytes);
  Expected<bool> done = file->mapInto(target, offset);
  ASSERT_TRUE(bool(done) && *done);
  EXPECT_EQ(std::string_view(reinterpret_cast<char *>(target.data()), bytes),
            std::string_view(content).substr(offset, bytes));
  EXPECT_EQ(start[page + offset - 1], std::byte(0));
  EXPECT_EQ(start[page + offset + bytes], std::byte(0));
  target[bytes / 2] = std::byte(0); // what is written stays here
  EXPECT_EQ(get("file"), content);

  std::span<std::byte> shifted(start + page + offset + 8, bytes), small(start + page + offset, size_t(60) << 10);
  for (std::span<std::byte> other : {shifted, small}) {
    std::memset(start, 1, size);
    done = file->mapInto(other, offset);
    ASSERT_TRUE(bool(done));
    EXPECT_FALSE(*done);
    EXPECT_EQ(other[bytes / 8], std::byte(1));
  }
  ::munmap(memory, size);
}

TEST_F(Files, atomicFileReplacesOnlyOnCommit) {
  put("a", "old");
  {
    auto file = AtomicFile::create(at("a"));
    ASSERT_TRUE(bool(file)) << file.error().message;
    EXPECT_TRUE(bool(file->write("new")));
    EXPECT_EQ(get("a"), "old");
    EXPECT_EQ(names(), (Names{".a.partial", "a"}));
    EXPECT_TRUE(bool(file->commit()));
  }
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(names(), (Names{"a"}));
}

TEST_F(Files, atomicFileLeavesNothingWithoutCommit) {
  {
    EXPECT_TRUE(bool(AtomicFile::create(at("deep/er/a"))->write("x")));
  }
  EXPECT_TRUE(names("deep/er").empty());
}

TEST_F(Files, atomicFileTakesLargeAndPlacedPieces) {
  auto file = AtomicFile::create(at("a"));
  std::string large(3 << 20, 'x');
  EXPECT_TRUE(bool(file->write("head")));
  EXPECT_TRUE(bool(file->write(large)));
  EXPECT_TRUE(bool(file->write("tail")));
  EXPECT_TRUE(bool(file->writeAt(large.size() + 10, std::as_bytes(std::span("!", 1)))));
  EXPECT_TRUE(bool(file->commit()));
  auto content = readFile(at("a"), 1 << 23);
  EXPECT_EQ(*content, "head" + large + "tail" + std::string(2, '\0') + "!");
}

TEST_F(Files, atomicFileReusesWhatAKilledProcessLeft) {
  put(".a.partial", "a longer rest of a killed process");
  EXPECT_TRUE(bool(writeFileAtomically(at("a"), "new")));
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(names(), (Names{"a"}));
}

TEST_F(Files, twoWritersOfOneFileAreRefused) {
  auto first = AtomicFile::create(at("a"));
  auto second = AtomicFile::create(at("a"));
  EXPECT_EQ(second.error().status, ExitStatus::Output);
  EXPECT_EQ(second.error().message, at(".a.partial") + ": another process is writing it");
  EXPECT_TRUE(bool(first->commit()));
  EXPECT_TRUE(bool(AtomicFile::create(at("a"))));
}

TEST_F(Files, atomicFileFollowsALink) {
  put("real/a", "old");
  fs::create_symlink("real/a", at("link"));
  EXPECT_TRUE(bool(writeFileAtomically(at("link"), "new")));
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(get("real/a"), "new");
}

TEST_F(Files, refusesOutputsThatCannotBe) {
  put("file", "");
  fs::create_directory(at("folder"));
  EXPECT_EQ(writeFileAtomically(at("folder"), "").error().message,
            at("folder") + ": is a folder, a file is to be written there");
  EXPECT_EQ(writeFileAtomically(at("file/x"), "").error().status, ExitStatus::Output);
  EXPECT_EQ(writeFileAtomically("", "").error().message, "'': the output needs a name");
  EXPECT_EQ(writeFileAtomically(at(".."), "").error().message, at("..") + ": the output needs a name");
  EXPECT_EQ(AtomicDirectory::create(at("file"), {}).error().message,
            at("file") + ": is a file, a folder is to be written there");
}

TEST_F(Files, aFailedWriteKeepsTheOldContent) {
  put("a", "old");
  rlimit limit, small;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  auto before = std::signal(SIGXFSZ, SIG_IGN);
  small = {1000, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status = writeFileAtomically(at("a"), std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  EXPECT_EQ(status.error().status, ExitStatus::Output);
  EXPECT_EQ(status.error().message, at("a") + ": cannot write: File too large");
  EXPECT_EQ(get("a"), "old");
  EXPECT_EQ(names(), (Names{"a"}));
}

TEST_F(Files, atomicDirectoryReplacesAsOne) {
  for (const char *content : {"first", "second"}) {
    auto folder = AtomicDirectory::create(at("out/"), {"*.txt"});
    ASSERT_TRUE(bool(folder)) << folder.error().message;
    EXPECT_TRUE(bool(writeFileAtomically(folder->file(std::string(content) + ".txt"), content)));
    EXPECT_TRUE(bool(folder->commit()));
    EXPECT_EQ(names("out"), (Names{std::string(content) + ".txt"}));
    EXPECT_EQ(names(), (Names{"out"}));
  }
}

TEST_F(Files, atomicDirectoryChangesNothingWithoutCommit) {
  put("out/a.txt", "old");
  put(".out.partial/rest.txt", "of a killed process");
  {
    auto folder = AtomicDirectory::create(at("out"), {"*.txt"});
    EXPECT_FALSE(fs::exists(folder->file("rest.txt")));
    EXPECT_TRUE(bool(writeFileAtomically(folder->file("b.txt"), "new")));
  }
  EXPECT_EQ(names(), (Names{"out"}));
  EXPECT_EQ(names("out"), (Names{"a.txt"}));
}

TEST_F(Files, atomicDirectoryKeepsOtherPeoplesFiles) {
  put("out/a.txt", "");
  put("out/thesis.doc", "");
  EXPECT_EQ(AtomicDirectory::create(at("out"), {"*.txt"}).error().message,
            at("out") + ": holds 'thesis.doc', which is no part of this output and would be lost; move it or choose "
                        "another folder");
  fs::remove(at("out/thesis.doc"));
  auto folder = AtomicDirectory::create(at("out"), {"*.txt"});
  put("out/late/x", "");
  EXPECT_EQ(folder->commit().error().status, ExitStatus::Output);
  EXPECT_TRUE(fs::exists(at("out/late/x")));
}

TEST_F(Files, atomicDirectoryPutsBackWhatAKillBetweenRenamesMovedAside) {
  put(".out.old/a.txt", "old");
  auto folder = AtomicDirectory::create(at("out"), {"*.txt"});
  ASSERT_TRUE(bool(folder));
  EXPECT_EQ(get("out/a.txt"), "old");
  EXPECT_TRUE(bool(folder->commit()));
  EXPECT_EQ(names(), (Names{"out"}));
}

TEST_F(Files, copies) {
  put("a", "content");
  EXPECT_TRUE(bool(copyFile(at("a"), at("sub/b"))));
  EXPECT_EQ(get("sub/b"), "content");
  EXPECT_EQ(copyFile(at("none"), at("c")).error().status, ExitStatus::Input);
}
