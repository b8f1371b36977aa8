//===- TransferTest.cpp - tensors of files into the arena --------------------===//

#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/Run/TensorTransfer.h"

#include <gtest/gtest.h>

#include <limits>

using namespace ftc::run;

namespace {

/// values[i] = bytes[2 i] + 256 bytes[2 i + 1]: a "block format" of one element in two bytes. Immediates: number of
/// values.
void decode(void *const *buffers, const int64_t *immediates, int64_t, int64_t) {
  const auto *bytes = static_cast<const uint8_t *>(buffers[0]);
  for (int64_t i = 0; i < immediates[0]; ++i)
    static_cast<float *>(buffers[1])[i] = float(bytes[2 * i] + 256 * bytes[2 * i + 1]);
}

constexpr uint64_t decodeOffsets[] = {0, 64};
constexpr int64_t decodeImmediates[] = {6};
constexpr ftc_call decodeCall = {decode, 1, 1, decodeOffsets, nullptr, decodeImmediates, 2};
constexpr ftc_program program = {&decodeCall, 1, nullptr, 0, nullptr, 0};
constexpr ftc_setup setup = {nullptr, 0, nullptr, 0, 0};

class Transfer : public testing::Test {
protected:
  void SetUp() override {
    manifest.arenaBytes = manifest.plan.peak = 4096;
    manifest.programs = {"decode"};
    // Two rows of three elements are decoded at a time.
    manifest.tensors = {{"bytes", "value", ElementType::U8, {2, 6}, 0, 12, {}},
                        {"values", "value", ElementType::F32, {2, 3}, 64, 24, {}},
                        {"weight", "weight", ElementType::F32, {5, 3}, 128, 60, {}},
                        {"exact", "weight", ElementType::F64, {3, 5}, 256, 120, {}},
                        {"ids", "weight", ElementType::I32, {5, 3}, 512, 60, {}}};
    auto created = Machine::create(manifest, {"", &program, &setup}, 1);
    ASSERT_TRUE(bool(created)) << created.error().message;
    machine.emplace(std::move(*created));
    for (int i = 0; i < 15; ++i) {
      blocks.push_back(std::byte(i));
      blocks.push_back(std::byte(i % 2));
      plain.push_back(f32ToF16(float(decoded(i))));
    }
  }

  static double decoded(int i) { return i + 256 * (i % 2); }
  StoredTensor storedBlocks() { return {"w", {"pairs", std::nullopt, 3, 6}, {5, 3}, blocks, 0}; }
  StoredTensor storedPlain() {
    return {"w", StorageFormat::plain(ElementType::F16), {5, 3}, std::as_bytes(std::span(plain)), 0};
  }
  Source source(bool isBlocks, bool isTransposed) {
    Source result{"base", "w", {5, 3}, std::nullopt, std::nullopt};
    if (isBlocks)
      result.decode = Decode{0, 0, 1, 2};
    if (isTransposed)
      result.view = View{{5, 3}, {1, 0}};
    return result;
  }
  std::string failure(uint32_t tensor, const Source &source, const StoredTensor *stored) {
    Status status = loadTensor(*machine, manifest, tensor, source, stored, "model.gguf");
    return status ? "" : status.error().message;
  }

  Manifest manifest;
  std::optional<Machine> machine;
  std::vector<std::byte> blocks;
  std::vector<uint16_t> plain;
};

TEST_F(Transfer, BlocksAreDecodedByTheirProgram) {
  StoredTensor stored = storedBlocks();
  ASSERT_EQ(failure(2, source(true, false), &stored), "");
  for (int i = 0; i < 15; ++i)
    EXPECT_EQ(machine->elements<float>(2)[size_t(i)], decoded(i));
}

TEST_F(Transfer, BlocksAreConvertedAndTransposed) {
  StoredTensor stored = storedBlocks();
  ASSERT_EQ(failure(3, source(true, true), &stored), "");
  for (int row = 0; row < 5; ++row)
    for (int column = 0; column < 3; ++column)
      EXPECT_EQ(machine->elements<double>(3)[size_t(column * 5 + row)], decoded(row * 3 + column));
}

TEST_F(Transfer, PlainElementsAreConverted) {
  StoredTensor stored = storedPlain();
  ASSERT_EQ(failure(2, source(false, false), &stored), "");
  EXPECT_EQ(machine->elements<float>(2)[7], decoded(7));
  ASSERT_EQ(failure(3, source(false, true), &stored), "");
  EXPECT_EQ(machine->elements<double>(3)[5], decoded(1));
}

/// What writeElements gives, all of it.
static std::vector<std::byte> written(std::span<const std::byte> elements, ElementType from, ElementType to,
                                      const std::optional<View> &view) {
  std::vector<std::byte> bytes;
  Status status = writeElements(elements, from, to, view, [&](std::span<const std::byte> piece) {
    EXPECT_LE(piece.size(), size_t(4) << 20);
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Status::success();
  });
  EXPECT_TRUE(bool(status));
  return bytes;
}

// More than a piece, in rows that pieces do not end with.
TEST(WriteElements, LargeTensorsComeInPieces) {
  std::vector<float> from(size_t(1700) * 1001);
  for (size_t i = 0; i < from.size(); ++i)
    from[i] = float(i % 1999);
  std::span<const std::byte> elements = std::as_bytes(std::span(from));
  std::vector<std::byte> doubles = written(elements, ElementType::F32, ElementType::F64, std::nullopt);
  std::vector<std::byte> columns = written(elements, ElementType::F32, ElementType::F32, View{{1700, 1001}, {1, 0}});
  ASSERT_EQ(doubles.size(), from.size() * sizeof(double));
  ASSERT_EQ(columns.size(), from.size() * sizeof(float));
  for (size_t i = 0; i < from.size(); ++i) {
    ASSERT_EQ(reinterpret_cast<const double *>(doubles.data())[i], double(from[i]));
    ASSERT_EQ(reinterpret_cast<const float *>(columns.data())[i], from[i % 1700 * 1001 + i / 1700]);
  }
}

TEST_F(Transfer, SavedFormIsTheInverse) {
  StoredTensor stored = storedPlain();
  ASSERT_EQ(failure(3, source(false, true), &stored), "");
  std::vector<std::byte> bytes = written(machine->bytes(3), ElementType::F64, ElementType::F16, View{{3, 5}, {1, 0}});
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), stored.bytes.begin(), stored.bytes.end()));
}

// A tensor of [5, 3] as the second of two rows of a file's [3, 2, 5]: permuted, beside another one.
TEST_F(Transfer, APartOfAFilesTensor) {
  std::vector<float> content(30);
  for (size_t i = 0; i < content.size(); ++i)
    content[i] = float(i);
  StoredTensor stored = {"w", StorageFormat::plain(ElementType::F32), {3, 2, 5}, std::as_bytes(std::span(content)), 0};
  FileTensor entry{2, "w", Part{{5, 3}, {5, {1, 10}}, {0, {3, 1}}}, "", {3, 2, 5}, ElementType::F32};
  Status loaded = loadPart(*machine, manifest, entry, &stored, "adapter");
  ASSERT_TRUE(bool(loaded)) << loaded.error().message;
  for (int row = 0; row < 5; ++row)
    for (int column = 0; column < 3; ++column)
      EXPECT_EQ(machine->elements<float>(2)[size_t(row * 3 + column)], float(column * 10 + 5 + row));
  std::vector<float> written(30, -1);
  storePart(*machine, manifest, entry, std::as_writable_bytes(std::span(written)));
  for (size_t i = 0; i < written.size(); ++i)
    EXPECT_EQ(written[i], i / 5 % 2 == 1 ? float(i) : -1);
  stored.shape = {6, 5};
  EXPECT_EQ(loadPart(*machine, manifest, entry, &stored, "adapter").error().message,
            "adapter: tensor 'w': has shape [6, 5], expected [3, 2, 5]");
  EXPECT_EQ(loadPart(*machine, manifest, entry, nullptr, "adapter").error().message, "adapter: tensor 'w': is missing");
}

TEST_F(Transfer, IntegersOf64BitsHaveRoomIn32) {
  std::vector<int64_t> content(15);
  for (size_t i = 0; i < content.size(); ++i)
    content[i] = int64_t(i) - 7;
  content[3] = std::numeric_limits<int32_t>::min();
  StoredTensor stored = {"w", StorageFormat::plain(ElementType::I64), {5, 3}, std::as_bytes(std::span(content)), 0};
  FileTensor entry{4, "w", std::nullopt, "", {5, 3}, ElementType::I64};
  Status loaded = loadPart(*machine, manifest, entry, &stored, "adapter");
  ASSERT_TRUE(bool(loaded)) << loaded.error().message;
  for (size_t i = 0; i < content.size(); ++i)
    EXPECT_EQ(machine->elements<int32_t>(4)[i], content[i]);
  std::vector<std::byte> bytes = written(machine->bytes(4), ElementType::I32, ElementType::I64, std::nullopt);
  EXPECT_TRUE(std::ranges::equal(bytes, stored.bytes));
  content[14] = int64_t(1) << 31;
  EXPECT_EQ(loadPart(*machine, manifest, entry, &stored, "adapter").error().message,
            "adapter: tensor 'w': holds 2147483648, which is no integer of 32 bits");
}

// A part is converted before it is put among others.
TEST_F(Transfer, APartOfAnotherType) {
  for (size_t i = 0; i < 15; ++i)
    machine->elements<double>(3)[i] = double(i);
  FileTensor entry{3, "w", Part{{3, 5}, {1, {1, 6}}, {0, {5, 1}}}, "", {5, 6}, ElementType::F32};
  std::vector<float> written(30, -1);
  storePart(*machine, manifest, entry, std::as_writable_bytes(std::span(written)));
  for (int place = 0; place < 30; ++place)
    EXPECT_EQ(written[size_t(place)], place % 6 >= 1 && place % 6 <= 3 ? float((place % 6 - 1) * 5 + place / 6) : -1);
}

TEST_F(Transfer, TypesThatElementsCanBecome) {
  EXPECT_TRUE(canBecome(ElementType::F64, ElementType::BF16));
  EXPECT_TRUE(canBecome(ElementType::I32, ElementType::I64));
  EXPECT_FALSE(canBecome(ElementType::I64, ElementType::I32));
  EXPECT_FALSE(canBecome(ElementType::I32, ElementType::F32));
  EXPECT_FALSE(canBecome(ElementType::F32, ElementType::I32));
}

TEST_F(Transfer, Refusals) {
  StoredTensor stored = storedPlain(), packed = storedBlocks();
  EXPECT_EQ(failure(2, source(false, false), nullptr), "model.gguf: tensor 'w' is missing");
  EXPECT_EQ(failure(2, source(true, false), &stored), "model.gguf: tensor 'w': has type f16, expected blocks");
  EXPECT_EQ(failure(2, source(false, false), &packed),
            "model.gguf: tensor 'w': has type pairs, which the recipe was not compiled for");
  EXPECT_EQ(failure(4, source(false, false), &stored), "model.gguf: tensor 'w': has type f16, expected i32");
  stored.shape = {3, 5};
  EXPECT_EQ(failure(2, source(false, false), &stored), "model.gguf: tensor 'w': has shape [3, 5], expected [5, 3]");
}

} // namespace
