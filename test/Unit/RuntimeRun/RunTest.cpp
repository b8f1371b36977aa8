//===- RunTest.cpp - whole runs of the tiny executable -----------------------===//

#include "TinyRun.h"

#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/IO/Safetensors.h"

#include <cmath>
#include <fcntl.h>
#include <sys/file.h>

using namespace ftc::runtime;
using namespace tiny;

namespace {

std::vector<double> valuesOf(const std::string &path, const std::string &tensor) {
  auto file = SafetensorsFile::open(path);
  EXPECT_TRUE(bool(file)) << path;
  const StoredTensor *stored = file ? file->find(tensor) : nullptr;
  EXPECT_NE(stored, nullptr) << tensor;
  if (!stored)
    return {};
  std::vector<double> values(size_t(stored->elements()));
  convertFloats(*stored->format.element, stored->bytes.data(), ElementType::F64, values.data(), values.size());
  return values;
}

std::vector<json::Value> linesOf(const std::string &text) {
  std::vector<json::Value> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    auto value = json::parse(text.substr(begin, end - begin), {});
    EXPECT_TRUE(bool(value)) << text.substr(begin, end - begin);
    if (value)
      lines.push_back(*value);
    begin = end + 1;
  }
  return lines;
}

double numberIn(const json::Value &object, const char *key) {
  const json::Value *value = object.find(key);
  return value ? value->asNumber().value_or(-1) : -1;
}

TEST_F(TinyRun, TrainsAsComputedByHand) {
  Result result = run();
  ASSERT_EQ(result.status, 0) << result.err;
  Truth truth = trainByHand(6);
  std::vector<json::Value> lines = linesOf(readText(runPath("metrics.jsonl")));
  ASSERT_EQ(lines.size(), 7u); // six steps and an evaluation
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(numberIn(lines[i], "step"), double(i + 1));
    EXPECT_NEAR(numberIn(lines[i], "loss"), truth.losses[i], 1e-14);
    EXPECT_NEAR(numberIn(lines[i], "lr"), rate * (1 - double(i) / 6), 1e-15);
    EXPECT_EQ(numberIn(lines[i], "tokens"), 16);
    EXPECT_EQ(numberIn(lines[i], "supervised_tokens"), 12);
  }
  std::vector<double> values = valuesOf(path("out/trainable.safetensors"), "model.value");
  ASSERT_EQ(values.size(), size_t(vocabulary));
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], truth.values[i], 1e-14);
}

TEST_F(TinyRun, EvaluatesOverAllRows) {
  ASSERT_EQ(run().status, 0);
  std::vector<double> values = valuesOf(path("out/trainable.safetensors"), "model.value");
  double loss = 0;
  for (const auto &row : dataRows())
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      double error = scaleOf(row[i]) * values[size_t(row[i])] - row[i + 1];
      loss += error * error / 2 / 36;
    }
  std::vector<json::Value> lines = linesOf(readText(runPath("metrics.jsonl")));
  EXPECT_NEAR(numberIn(lines.back(), "loss"), loss, 1e-14);
  EXPECT_NEAR(numberIn(lines.back(), "perplexity"), std::exp(loss), 1e-12);
}

TEST_F(TinyRun, SavesEveryForm) {
  Result result = run();
  ASSERT_EQ(result.status, 0) << result.err;
  std::vector<double> values = valuesOf(path("out/trainable.safetensors"), "model.value");
  std::vector<double> adapter = valuesOf(path("out/adapter/adapter_model.safetensors"), "value");
  for (size_t row = 0; row < 4; ++row)
    for (size_t column = 0; column < 2; ++column)
      EXPECT_EQ(adapter[row * 2 + column], values[column * 4 + row]);
  std::vector<double> merged = valuesOf(path("out/model/model.safetensors"), "model.value");
  for (int32_t i = 0; i < vocabulary; ++i)
    EXPECT_EQ(merged[size_t(i)], double(bf16ToF32(f64ToBf16(scaleOf(i) * values[size_t(i)]))));
  std::vector<double> scale = valuesOf(path("out/model/model.safetensors"), "model.scale");
  for (int32_t i = 0; i < vocabulary; ++i)
    EXPECT_EQ(scale[size_t(i)], scaleOf(i)); // copied, transposed, as f16
  EXPECT_EQ(readText(path("out/model/tokenizer.json")), readText(path("model/tokenizer.json")));
  std::vector<double> logits = valuesOf(path("out/logits.safetensors"), "logits");
  ASSERT_EQ(logits.size(), 12u * tokens * vocabulary);
  auto rows = dataRows();
  EXPECT_NEAR(logits[(7 * tokens + 2) * vocabulary + 5], scaleOf(rows[7][2]) * values[size_t(rows[7][2])] + 5, 1e-6);
}

TEST_F(TinyRun, GeneratesThroughTheCache) {
  ASSERT_EQ(run().status, 0);
  // Each token is the sum of those before it, modulo 8. The held back `f` of the stop string "fz" is shown.
  EXPECT_EQ(readText(path("out/samples.txt")), "abcdgeaa\n\nffcea\n");
}

TEST_F(TinyRun, SecondRunDoesNothingAgain) {
  ASSERT_EQ(run().status, 0);
  std::string ledger = readText(runPath("ledger.json")), metrics = readText(runPath("metrics.jsonl"));
  Result again = run();
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("is done"), std::string::npos);
  EXPECT_EQ(again.out.find("step"), std::string::npos) << again.out;
  EXPECT_EQ(readText(runPath("ledger.json")), ledger);
  EXPECT_EQ(readText(runPath("metrics.jsonl")), metrics);
}

TEST_F(TinyRun, MissingOutputIsMadeAgainWithoutTraining) {
  ASSERT_EQ(run().status, 0);
  std::string adapter = readText(path("out/adapter/adapter_model.safetensors"));
  fs::remove_all(path("out/adapter"));
  Result again = run();
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out.find("step"), std::string::npos) << again.out;
  EXPECT_EQ(readText(path("out/adapter/adapter_model.safetensors")), adapter);
}

TEST_F(TinyRun, StopsAndGoesOn) {
  ASSERT_EQ(run().status, 0);
  std::string adapter = readText(path("out/adapter/adapter_model.safetensors"));
  std::string metrics = withoutTimes(readText(runPath("metrics.jsonl")));
  fs::remove_all(path("run"));
  fs::remove_all(path("out"));
  for (const char *steps : {"1", "2", "5"}) {
    Result part = run({"--stop-after", steps});
    EXPECT_EQ(part.status, 0) << part.err;
    EXPECT_FALSE(fs::exists(path("out")));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(runPath("checkpoints")), fs::directory_iterator()), 2);
  ASSERT_EQ(run().status, 0);
  EXPECT_EQ(readText(path("out/adapter/adapter_model.safetensors")), adapter);
  EXPECT_EQ(withoutTimes(readText(runPath("metrics.jsonl"))), metrics);
}

TEST_F(TinyRun, DamagedCheckpointFallsBackToTheOneBefore) {
  ASSERT_EQ(run().status, 0);
  std::string adapter = readText(path("out/adapter/adapter_model.safetensors"));
  std::string metrics = withoutTimes(readText(runPath("metrics.jsonl")));
  fs::remove_all(path("run"));
  run({"--stop-after", "2"});
  run({"--stop-after", "4"});
  for (const auto &entry : fs::directory_iterator(runPath("checkpoints")))
    if (entry.path().string().find("00000004") != std::string::npos) {
      std::string bytes = readText(entry.path().string());
      bytes[200] ^= 1;
      writeText(entry.path().string(), bytes);
    }
  Result resumed = run();
  ASSERT_EQ(resumed.status, 0);
  EXPECT_NE(resumed.err.find("damaged"), std::string::npos) << resumed.err;
  EXPECT_NE(resumed.out.find("going on after step 2"), std::string::npos) << resumed.out;
  EXPECT_EQ(readText(path("out/adapter/adapter_model.safetensors")), adapter);
  EXPECT_EQ(withoutTimes(readText(runPath("metrics.jsonl"))), metrics);
}

TEST_F(TinyRun, ChangedDataBeginAnew) {
  run({"--stop-after", "3"});
  std::string data = readText(path("data.jsonl"));
  data[data.find("[0") + 1] = '7';
  writeText(path("data.jsonl"), data);
  Result result = run();
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.err.find("begins anew"), std::string::npos) << result.err;
  EXPECT_EQ(linesOf(readText(runPath("metrics.jsonl"))).size(), 7u);
}

TEST_F(TinyRun, FreshForgets) {
  ASSERT_EQ(run().status, 0);
  writeText(path("run/notes.txt"), "mine");
  Result fresh = run({"--fresh"});
  EXPECT_EQ(fresh.status, 0);
  EXPECT_NE(fresh.out.find("6/6"), std::string::npos) << fresh.out;
  EXPECT_EQ(linesOf(readText(runPath("metrics.jsonl"))).size(), 7u);
  EXPECT_EQ(readText(path("run/notes.txt")), "mine");
}

TEST_F(TinyRun, JsonOutputIsJson) {
  Result result = run({"--json"});
  ASSERT_EQ(result.status, 0);
  std::vector<json::Value> lines = linesOf(result.out);
  EXPECT_EQ(numberIn(lines[0], "step"), 1);
  EXPECT_EQ(lines.size(), 6u + 1 + 2 + 5); // steps, evaluation, samples, outputs
  EXPECT_EQ(run({"--fresh", "--quiet"}).out, "");
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

TEST_F(TinyRun, InfinityInTheLossStopsTheRun) {
  auto values = firstValues();
  values[2] = std::numeric_limits<float>::infinity();
  writeModel(values);
  Result result = run();
  EXPECT_EQ(result.status, 5);
  EXPECT_NE(result.err.find("run: step 1: the loss is inf"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("'model.value'"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(path("out")));
  EXPECT_TRUE(fs::is_empty(runPath("results")));
}

TEST_F(TinyRun, NaNAfterTheUpdateIsNotSaved) {
  Result result = run({}, {{"FTC_TINY_BREAK", "1"}, {"FTC_TINY_CHECKPOINT", "1"}});
  EXPECT_EQ(result.status, 5);
  EXPECT_NE(result.err.find("step 1: 'model.value' is not finite"), std::string::npos) << result.err;
  EXPECT_TRUE(fs::is_empty(runPath("checkpoints")));
}

TEST_F(TinyRun, RefusesWhatIsMissingOrMalformed) {
  fs::remove(path("data.jsonl"));
  Result result = run();
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.err.find("data.jsonl"), std::string::npos) << result.err;
  writeText(path("data.jsonl"), "{\"input_ids\": [1, 2, 9]}\n");
  result = run();
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.err.find("data.jsonl:1"), std::string::npos) << result.err;
  writeText(path("model/model.safetensors"), "nonsense");
  result = run();
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.err.find("model.safetensors"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(path("out")));
}

TEST_F(TinyRun, RefusesATensorOfAnotherShape) {
  std::array<float, 4> few{};
  auto writer = SafetensorsWriter::create(path("model/model.safetensors"), {{"model.scale", ElementType::F32, {4}}});
  ASSERT_TRUE(writer && writer->append("model.scale", std::as_bytes(std::span(few))) && writer->commit());
  Result result = run();
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.err.find("'model.scale': has shape [4], expected [2, 4]"), std::string::npos) << result.err;
}

TEST_F(TinyRun, DoesNotFitInMemory) {
  Result result = run({}, {{"FTC_TINY_ARENA", std::to_string(uint64_t(1) << 60)}});
  EXPECT_EQ(result.status, 4);
  EXPECT_NE(result.err.find("needs 1.15e+06 TB"), std::string::npos) << result.err;
}

TEST_F(TinyRun, TheArenaKeepsToThePlan) {
  Result result = run({}, {{"FTC_TINY_PLAN", "64"}});
  EXPECT_EQ(result.status, 70);
  EXPECT_NE(result.err.find("bytes, the plan 64"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(path("out")));
}

TEST_F(TinyRun, UsageErrors) {
  EXPECT_EQ(run({"--nonsense"}).status, 2);
  EXPECT_EQ(run({"--threads", "0"}).status, 2);
  EXPECT_EQ(run({"--set", "base"}).status, 2);
  EXPECT_EQ(run({"--set", "run=x"}).status, 2);
  Result help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.out.find("--stop-after"), std::string::npos);
}

TEST_F(TinyRun, SetReplacesAPath) {
  fs::rename(path("model"), path("moved"));
  EXPECT_EQ(run().status, 3);
  Result result = run({"--set", "base=" + path("moved")});
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST_F(TinyRun, RefusesOutputsThatCannotBeWritten) {
  writeText(path("out"), "a file where a folder should be");
  Result result = run();
  EXPECT_EQ(result.status, 6);
  EXPECT_NE(result.err.find("is no folder"), std::string::npos) << result.err;
  EXPECT_EQ(readText(runPath("metrics.jsonl")), ""); // found before training
}

TEST_F(TinyRun, KeepsAFolderWithOtherFiles) {
  fs::create_directories(path("out/adapter"));
  writeText(path("out/adapter/thesis.tex"), "years of work");
  Result result = run();
  EXPECT_EQ(result.status, 6);
  EXPECT_NE(result.err.find("thesis.tex"), std::string::npos) << result.err;
  EXPECT_EQ(readText(path("out/adapter/thesis.tex")), "years of work");
}

TEST_F(TinyRun, FullDiskLosesNothing) {
  // A step's metrics take some 160 bytes, a checkpoint 216, the curves more than all metrics.
  Disturbance disturbance;
  disturbance.fileSizeLimit = 210;
  Result checkpoint = run({}, {{"FTC_TINY_CHECKPOINT", "1"}}, disturbance);
  EXPECT_EQ(checkpoint.status, 6) << checkpoint.err;
  EXPECT_NE(checkpoint.err.find(".checkpoint: cannot write"), std::string::npos) << checkpoint.err;
  ASSERT_EQ(run({"--stop-after", "3"}).status, 0);
  disturbance.fileSizeLimit = 500;
  Result metrics = run({}, {{"FTC_TINY_CHECKPOINT", "4"}}, disturbance);
  EXPECT_EQ(metrics.status, 6) << metrics.err;
  EXPECT_NE(metrics.err.find("metrics.jsonl"), std::string::npos) << metrics.err;
  disturbance.fileSizeLimit = 1000;
  Result curves = run({}, {{"FTC_TINY_CHECKPOINT", "4"}}, disturbance);
  EXPECT_EQ(curves.status, 6) << curves.err;
  EXPECT_NE(curves.out.find("going on after step 3"), std::string::npos) << curves.out;
  EXPECT_NE(curves.err.find("loss.svg: cannot write"), std::string::npos) << curves.err;
  EXPECT_FALSE(fs::exists(path("out")));
  Result resumed = run();
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("going on after step 4"), std::string::npos) << resumed.out;
}

TEST_F(TinyRun, TwoRunsInOneFolderAreRefused) {
  fs::create_directories(path("run"));
  FileDescriptor other(open(path("run").c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
  Result second = run();
  EXPECT_EQ(second.status, 6);
  EXPECT_NE(second.err.find("another run is at work"), std::string::npos) << second.err;
}

} // namespace
