//===- TinyRun.cpp - a recipe's folder, and runs of the tiny executable in it ===//

#include "TinyRun.h"

#include "ftc/Runtime/IO/Safetensors.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <regex>
#include <sstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tiny {

using namespace ftc::runtime;

std::string readText(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void writeText(const std::string &path, const std::string &text) { std::ofstream(path, std::ios::binary) << text; }

std::string withoutTimes(const std::string &metrics) {
  return std::regex_replace(metrics, std::regex("\"seconds\":[^}]*"), "\"seconds\":0");
}

std::vector<std::array<int32_t, tokens>> dataRows() {
  std::vector<std::array<int32_t, tokens>> rows;
  for (int32_t i = 0; i < 12; ++i)
    rows.push_back({i % 8, (3 * i + 1) % 8, (5 * i + 2) % 8, (i + 4) % 8});
  return rows;
}

std::array<float, vocabulary> firstValues() { return {0.5f, -1, 2, 0.25f, 3, -2, 1, 0.125f}; }

/// The file's `scale` is [2, 4], entry k being 0.5 + k / 8; the programs see its transpose.
double scaleOf(int32_t id) { return 0.5 + double(id % 2 * 4 + id / 2) / 8; }

Truth trainByHand(int64_t steps) {
  Truth truth;
  std::array<double, vocabulary> velocity{};
  for (int32_t i = 0; i < vocabulary; ++i)
    truth.values[size_t(i)] = double(firstValues()[size_t(i)]);
  auto rows = dataRows();
  for (int64_t step = 0; step < steps; ++step) {
    std::array<double, vocabulary> gradient{};
    double loss = 0;
    for (int64_t row = 0; row < sequences; ++row)
      for (size_t i = 0; i + 1 < size_t(tokens); ++i) {
        const auto &ids = rows[size_t(step * sequences + row) % rows.size()];
        auto id = size_t(ids[i]);
        double error = scaleOf(ids[i]) * truth.values[id] - ids[i + 1], share = 1.0 / double(sequences * (tokens - 1));
        loss += share * error * error / 2;
        gradient[id] += share * error * scaleOf(ids[i]);
      }
    truth.losses.push_back(loss);
    for (size_t i = 0; i < size_t(vocabulary); ++i) {
      velocity[i] = momentum * velocity[i] + gradient[i];
      truth.values[i] -= rate * (1 - double(step) / double(steps)) * velocity[i];
    }
  }
  return truth;
}

void TinyRun::writeModel(const std::array<float, vocabulary> &value) {
  std::array<float, vocabulary> scale;
  for (size_t i = 0; i < scale.size(); ++i)
    scale[i] = 0.5f + float(i) / 8;
  auto writer =
      SafetensorsWriter::create(path("model/model.safetensors"), {{"model.value", ElementType::F32, {vocabulary}},
                                                                  {"model.scale", ElementType::F32, {2, 4}}});
  ASSERT_TRUE(bool(writer));
  ASSERT_TRUE(bool(writer->append("model.value", std::as_bytes(std::span(value)))));
  ASSERT_TRUE(bool(writer->append("model.scale", std::as_bytes(std::span(scale)))));
  ASSERT_TRUE(bool(writer->commit()));
}

void TinyRun::SetUp() {
  std::string pattern = (fs::temp_directory_path() / "ftc-tiny-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder = pattern;
  fs::create_directory(path("model"));
  writeModel(firstValues());
  writeText(path("model/config.json"), "{}");
  writeText(path("model/tokenizer_config.json"), "{}");
  writeText(
      path("model/tokenizer.json"),
      R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,)"
      R"("pre_tokenizer":null,"post_processor":null,"decoder":{"type":"Fuse"},"model":{"type":"BPE","dropout":null,)"
      R"("unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,)"
      R"("byte_fallback":false,"ignore_merges":false,)"
      R"("vocab":{"a":0,"b":1,"c":2,"d":3,"e":4,"f":5,"g":6,"h":7},"merges":[]}})");
  std::string data;
  for (const auto &row : dataRows())
    data += fmt::format("{{\"input_ids\": [{}]}}\n", fmt::join(row, ", "));
  writeText(path("data.jsonl"), data);
}

void TinyRun::TearDown() {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

Result TinyRun::run(const std::vector<std::string> &arguments, const Environment &environment,
                    const Disturbance &disturbance) {
  std::string out = path("stdout"), err = path("stderr");
  pid_t child = fork();
  if (child == 0) {
    int outFile = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int errFile = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(outFile, STDOUT_FILENO);
    dup2(errFile, STDERR_FILENO);
    setenv("FTC_TINY_FOLDER", folder.c_str(), 1);
    for (const auto &[name, value] : environment)
      setenv(name.c_str(), value.c_str(), 1);
    if (disturbance.fileSizeLimit) {
      rlimit limit{*disturbance.fileSizeLimit, *disturbance.fileSizeLimit};
      setrlimit(RLIMIT_FSIZE, &limit);
    }
    std::vector<std::string> words = {"tiny", "--out", path("run"), "--threads", "1"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char *> pointers;
    for (std::string &word : words)
      pointers.push_back(word.data());
    pointers.push_back(nullptr);
    execv("/proc/self/exe", pointers.data());
    _exit(127);
  }
  if (disturbance.signal) {
    usleep(static_cast<useconds_t>(disturbance.microseconds));
    auto updates = [&] {
      std::string metrics = readText(runPath("metrics.jsonl"));
      return std::count(metrics.begin(), metrics.end(), '\n');
    };
    for (int tries = 0; tries < 10000 && updates() < disturbance.updates; ++tries)
      usleep(1000);
    kill(child, disturbance.signal);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), readText(out), readText(err)};
}

} // namespace tiny
