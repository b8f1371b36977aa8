// Rows, targets and the order of steps.

#include "Fixture.h"

#include <numeric>

using namespace ftc::runtime;
using namespace ftc::runtime::data;
using Ids = std::vector<int32_t>;

namespace {

using BatchTest = DataTest;

BatchOptions inOrder(int64_t rows, int64_t tokens, bool packing) {
  BatchOptions options;
  options.rows = rows;
  options.tokens = tokens;
  options.packing = packing;
  options.shuffle = false;
  return options;
}

BatchOptions shuffled(int64_t rows, int64_t tokens, bool packing, uint64_t seed = 1) {
  BatchOptions options = inOrder(rows, tokens, packing);
  options.shuffle = true;
  options.seed = seed;
  return options;
}

/// The first tokens of the documents of a batch, in order: 100, 200, ...
Ids documentsOf(const Batch &batch) {
  Ids found;
  for (size_t i = 0; i < batch.inputIds.size(); ++i)
    if (batch.segments[i] >= 0 && batch.positions[i] == 0)
      found.push_back(batch.inputIds[i]);
  return found;
}

} // namespace

TEST_F(BatchTest, oneDocumentARow) {
  DocumentStore store = documents({3, 5});
  Batcher batcher(store, inOrder(2, 4, false));
  ASSERT_EQ(batcher.stepsPerEpoch(), 1);
  Batch batch = batcher.batch(0);
  EXPECT_EQ(batch.inputIds, (Ids{100, 101, 102, 0, 200, 201, 202, 203}));
  // The fifth token of the second document is lost, with the target it would have been.
  EXPECT_EQ(batch.targets, (Ids{101, 102, 0, 0, 201, 202, 203, 0}));
  EXPECT_EQ(batch.weights, (std::vector<float>{1, 1, 0, 0, 1, 1, 1, 0}));
  EXPECT_EQ(batch.positions, (Ids{0, 1, 2, 0, 0, 1, 2, 3}));
  EXPECT_EQ(batch.segments, (Ids{0, 0, 0, -1, 0, 0, 0, 0}));
  EXPECT_EQ(batch.filled, 7);
  EXPECT_EQ(batch.supervised, 5);
  EXPECT_EQ(batcher.counts().truncatedDocuments, 1);
  EXPECT_EQ(batcher.counts().truncatedTokens, 1);
}

TEST_F(BatchTest, severalDocumentsARow) {
  DocumentStore store = documents({2, 3, 4, 1});
  Batcher batcher(store, inOrder(2, 6, true));
  Batch batch = batcher.batch(0);
  EXPECT_EQ(batch.inputIds, (Ids{100, 101, 200, 201, 202, 0, 300, 301, 302, 303, 400, 0}));
  EXPECT_EQ(batch.targets, (Ids{101, 0, 201, 202, 0, 0, 301, 302, 303, 0, 0, 0}));
  EXPECT_EQ(batch.positions, (Ids{0, 1, 0, 1, 2, 0, 0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(batch.segments, (Ids{0, 0, 1, 1, 1, -1, 0, 0, 0, 0, 1, -1}));
  EXPECT_EQ(batcher.counts().rows, 2);
  EXPECT_DOUBLE_EQ(batcher.counts().efficiency, 10.0 / 12);
  EXPECT_EQ(batcher.counts().unsupervisedDocuments, 1);
}

TEST_F(BatchTest, firstFitFillsEarlierRows) {
  DocumentStore store = documents(std::vector<int32_t>(64, 3));
  std::vector<int32_t> lengths(64, 5);
  lengths.insert(lengths.end(), 64, 3);
  DocumentStore mixed = documents(lengths);
  EXPECT_EQ(Batcher(store, shuffled(1, 6, true)).counts().rows, 32);
  // In the file's order, short documents cannot join the long ones before them.
  EXPECT_EQ(Batcher(mixed, inOrder(1, 8, true)).counts().rows, 96);
  EXPECT_EQ(Batcher(mixed, shuffled(1, 8, true)).counts().rows, 64);
}

TEST_F(BatchTest, labelsAndWeights) {
  DocumentStore store;
  store.add({{1, 2, 3, 4, 5}, {-100, 7, -100, 8, 9}, {{2, 0.5f}, {4, 1}, {5, 0}}});
  Batch batch = Batcher(store, inOrder(1, 5, false)).batch(0);
  EXPECT_EQ(batch.targets, (Ids{7, 0, 8, 0, 0}));
  EXPECT_EQ(batch.weights, (std::vector<float>{0.5f, 0, 1, 0, 0}));
  EXPECT_EQ(batch.supervised, 2);
}

TEST_F(BatchTest, aTextIsCutWithoutLoss) {
  DocumentStore store = documents({10});
  store.cutsLongDocuments = true;
  for (bool packing : {false, true}) {
    Batcher batcher(store, inOrder(3, 4, packing));
    Batch batch = batcher.batch(0);
    EXPECT_EQ(batch.inputIds, (Ids{100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 0, 0}));
    EXPECT_EQ(batch.targets, (Ids{101, 102, 103, 104, 105, 106, 107, 108, 109, 0, 0, 0}));
    EXPECT_EQ(batch.positions, (Ids{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 0, 0}));
    EXPECT_EQ(batcher.counts().truncatedTokens, 0);
    EXPECT_EQ(batcher.counts().supervised, 9);
    EXPECT_EQ(batcher.counts().documents, 1);
  }
}

TEST_F(BatchTest, theLastBatchIsFilledWithPadding) {
  DocumentStore store = documents({2, 2, 2});
  Batcher batcher(store, inOrder(2, 2, false));
  ASSERT_EQ(batcher.stepsPerEpoch(), 2);
  Batch batch = batcher.batch(1);
  EXPECT_EQ(batch.inputIds, (Ids{300, 301, 0, 0}));
  EXPECT_EQ(batch.segments, (Ids{0, 0, -1, -1}));
  EXPECT_EQ(batch.weights, (std::vector<float>{1, 0, 0, 0}));
  EXPECT_EQ(batch.filled, 2);
}

TEST_F(BatchTest, everyEpochShowsEveryDocumentOnce) {
  std::vector<int32_t> lengths(97);
  for (size_t i = 0; i < lengths.size(); ++i)
    lengths[i] = 1 + static_cast<int32_t>(i * 7 % 13);
  DocumentStore store = documents(lengths);
  Ids all(97);
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = 100 * static_cast<int32_t>(i + 1);
  for (bool packing : {false, true}) {
    Batcher batcher(store, shuffled(4, 16, packing));
    std::vector<Ids> orders;
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      Ids seen;
      for (int64_t step = 0; step < batcher.stepsPerEpoch(); ++step)
        for (int32_t document : documentsOf(batcher.batch(epoch * batcher.stepsPerEpoch() + step)))
          seen.push_back(document);
      orders.push_back(seen);
      std::sort(seen.begin(), seen.end());
      EXPECT_EQ(seen, all);
    }
    EXPECT_NE(orders[0], orders[1]);
    EXPECT_NE(orders[1], orders[2]);
  }
}

TEST_F(BatchTest, aStepDoesNotDependOnTheStepsBefore) {
  DocumentStore store = documents(std::vector<int32_t>(50, 5));
  Batcher forward(store, shuffled(3, 16, true)), backward(store, shuffled(3, 16, true));
  int64_t steps = 3 * forward.stepsPerEpoch();
  std::vector<Ids> expected;
  for (int64_t step = 0; step < steps; ++step)
    expected.push_back(forward.batch(step).inputIds);
  for (int64_t step = steps; step-- > 0;)
    EXPECT_EQ(backward.batch(step).inputIds, expected[static_cast<size_t>(step)]);
  EXPECT_NE(Batcher(store, shuffled(3, 16, true, 2)).batch(0).inputIds, expected[0]);
}

TEST_F(BatchTest, theOrderOfASeedStays) {
  // Written down once: a resumed run must see the order that it began with, whatever version began it.
  DocumentStore store = documents(std::vector<int32_t>(8, 1));
  Batcher batcher(store, shuffled(8, 1, false, 42));
  EXPECT_EQ(documentsOf(batcher.batch(0)), (Ids{200, 100, 700, 600, 500, 300, 800, 400}));
  EXPECT_EQ(documentsOf(batcher.batch(1)), (Ids{800, 600, 200, 300, 700, 100, 400, 500}));
}

TEST_F(BatchTest, countsAreThoseOfTheBatches) {
  std::vector<int32_t> lengths(40);
  for (size_t i = 0; i < lengths.size(); ++i)
    lengths[i] = 1 + static_cast<int32_t>(i % 11);
  DocumentStore store = documents(lengths);
  for (bool packing : {false, true}) {
    Batcher batcher(store, shuffled(4, 8, packing));
    int64_t filled = 0, supervised = 0;
    for (int64_t step = 0; step < batcher.stepsPerEpoch(); ++step) {
      Batch batch = batcher.batch(step);
      filled += batch.filled;
      supervised += batch.supervised;
    }
    EXPECT_EQ(filled, batcher.counts().tokens);
    EXPECT_EQ(supervised, batcher.counts().supervised);
    EXPECT_EQ(filled + batcher.counts().truncatedTokens, store.tokens());
  }
}
