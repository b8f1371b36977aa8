//===- KillTest.cpp - runs that are interrupted or killed --------------------===//

#include "TinyRun.h"

#include <chrono>
#include <csignal>
#include <random>

using namespace tiny;

namespace {

const Environment slow = {{"FTC_TINY_STEPS", "20"}, {"FTC_TINY_SLEEP", "2000"}, {"FTC_TINY_CHECKPOINT", "3"}};

class Killed : public TinyRun {
protected:
  void SetUp() override {
    TinyRun::SetUp();
    auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(run({}, slow).status, 0);
    duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
    adapter = readText(path("out/adapter/adapter_model.safetensors"));
    model = readText(path("out/model/model.safetensors"));
    metrics = withoutTimes(readText(runPath("metrics.jsonl")));
    samples = readText(path("out/samples.txt"));
    forget();
  }

  void forget() {
    fs::remove_all(path("run"));
    fs::remove_all(path("out"));
  }

  /// Everything is as it is after a run that nobody disturbed.
  void expectUndisturbed() {
    EXPECT_EQ(readText(path("out/adapter/adapter_model.safetensors")), adapter);
    EXPECT_EQ(readText(path("out/model/model.safetensors")), model);
    EXPECT_EQ(withoutTimes(readText(runPath("metrics.jsonl"))), metrics);
    EXPECT_EQ(readText(path("out/samples.txt")), samples);
    for (const auto &entry : fs::recursive_directory_iterator(folder))
      EXPECT_EQ(entry.path().string().find(".partial"), std::string::npos) << entry.path();
  }

  int64_t duration = 0; // of an undisturbed run, in microseconds
  std::string adapter, model, metrics, samples;
};

TEST_F(Killed, AtRandomMoments) {
  std::mt19937 random(20);
  std::uniform_int_distribution<int64_t> moment(1000, duration);
  for (int kills = 0; kills < 20;) {
    Result result = run({}, slow, {SIGKILL, moment(random), 0, {}});
    if (result.status == -SIGKILL && ++kills < 20)
      continue;
    result = run({}, slow);
    ASSERT_EQ(result.status, 0) << result.err;
    expectUndisturbed();
    forget();
  }
}

TEST_F(Killed, SignalsWriteACheckpoint) {
  for (int signal : {SIGINT, SIGTERM}) {
    forget();
    Result interrupted = run({}, slow, {signal, 0, 5, {}});
    EXPECT_EQ(interrupted.status, 130) << interrupted.err;
    EXPECT_NE(interrupted.err.find("interrupted"), std::string::npos);
    EXPECT_FALSE(fs::exists(path("out")));
    Result resumed = run({}, slow);
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_NE(resumed.out.find("going on after step"), std::string::npos) << resumed.out;
    expectUndisturbed();
  }
}

} // namespace
