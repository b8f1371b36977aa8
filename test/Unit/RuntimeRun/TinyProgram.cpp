//===- TinyProgram.cpp - an executable made by hand --------------------------===//

#include "TinyProgram.h"

#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Run/Run.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <unistd.h>
#include <vector>

namespace tiny {
namespace {

using namespace ftc::runtime;

Settings settings;

//===----------------------------------------------------------------------===//
// The arena
//===----------------------------------------------------------------------===//

struct TensorInfo {
  const char *name, *kind, *type;
  std::vector<int64_t> shape;
  std::string extra;
};

/// Numbers of the tensors.
constexpr uint32_t Value = 0, Velocity = 1, Gradient = 2, Scale = 3, InputIds = 4, Targets = 5, Weights = 6,
                   Positions = 7, Segments = 8, StepNumber = 9, StepCount = 10, DenominatorOut = 11, DenominatorIn = 12,
                   Loss = 13, Rate = 14, Norm = 15, Merged = 16, Logits = 17, ChunkIds = 18, ChunkPositions = 19,
                   ChunkSegments = 20, ChunkStart = 21, ChunkLast = 22, OneId = 23, OnePosition = 24, OneSegment = 25,
                   OneStart = 26, OneLast = 27, Next = 28, Cache = 29, CacheSegments = 30, CachePositions = 31,
                   Key = 32, Row = 33;

const std::vector<TensorInfo> &tensorInfos() {
  static const std::vector<TensorInfo> infos = {
      {"model.value", "trained", "f64", {vocabulary}, R"(,"source":{"step":"base","tensor":"model.value"})"},
      {"model.value.velocity", "state", "f64", {vocabulary}, ""},
      {"model.value.gradient", "gradient", "f64", {vocabulary}, ""},
      {"model.scale",
       "weight",
       "f32",
       {vocabulary},
       R"(,"source":{"step":"base","tensor":"model.scale","shape":[2,4],"view":{"shape":[2,4],"order":[1,0]}})"},
      {"input_ids", "input", "i32", {micro, tokens}, ""},
      {"targets", "input", "i32", {micro, tokens}, ""},
      {"weights", "input", "f32", {micro, tokens}, ""},
      {"positions", "input", "i32", {micro, tokens}, ""},
      {"segments", "input", "i32", {micro, tokens}, ""},
      {"step", "input", "i64", {}, ""},
      {"steps", "input", "f64", {}, ""},
      {"denominator.out", "output", "f64", {1}, ""},
      {"denominator.in", "input", "f64", {1}, ""},
      {"loss", "output", "f64", {}, ""},
      {"lr", "output", "f64", {}, ""},
      {"grad_norm", "output", "f64", {}, ""},
      {"merged", "value", "f64", {vocabulary}, ""},
      {"logits", "output", "f32", {micro, tokens, vocabulary}, ""},
      {"chunk.ids", "input", "i32", {1, chunk}, ""},
      {"chunk.positions", "input", "i32", {1, chunk}, ""},
      {"chunk.segments", "input", "i32", {1, chunk}, ""},
      {"chunk.start", "input", "i32", {}, ""},
      {"chunk.last", "input", "i32", {}, ""},
      {"one.id", "input", "i32", {1, 1}, ""},
      {"one.position", "input", "i32", {1, 1}, ""},
      {"one.segment", "input", "i32", {1, 1}, ""},
      {"one.start", "input", "i32", {}, ""},
      {"one.last", "input", "i32", {}, ""},
      {"next", "output", "f32", {1, vocabulary}, ""},
      {"cache", "cache", "i32", {1, capacity}, ""},
      {"cache.segments", "input", "i32", {1, capacity}, ""},
      {"cache.positions", "input", "i32", {1, capacity}, ""},
      {"key", "input", "i64", {}, ""},
      {"row", "input", "i64", {}, ""},
  };
  return infos;
}

/// Every tensor has 512 bytes of its own.
constexpr uint64_t slot = 512;
uint64_t arenaBytes() { return slot * tensorInfos().size(); }

int64_t elements(const TensorInfo &info) {
  int64_t count = 1;
  for (int64_t size : info.shape)
    count *= size;
  return count;
}

//===----------------------------------------------------------------------===//
// The programs: each is one call, whose only buffer is the arena
//===----------------------------------------------------------------------===//

template <typename T> T *at(void *const *buffers, uint32_t tensor) {
  return reinterpret_cast<T *>(static_cast<uint8_t *>(buffers[0]) + slot * tensor);
}

void weigh(void *const *buffers, const int64_t *, int64_t, int64_t) {
  for (int64_t i = 0; i < micro * tokens; ++i)
    *at<double>(buffers, DenominatorOut) += double(at<float>(buffers, Weights)[i]);
}

double predict(void *const *buffers, int32_t id) {
  return double(at<float>(buffers, Scale)[id]) * at<double>(buffers, Value)[id];
}

void microBatch(void *const *buffers, const int64_t *, int64_t, int64_t) {
  if (settings.microseconds > 0)
    usleep(static_cast<useconds_t>(settings.microseconds));
  for (int64_t i = 0; i < micro * tokens; ++i) {
    int32_t id = at<int32_t>(buffers, InputIds)[i];
    double share = double(at<float>(buffers, Weights)[i]) / *at<double>(buffers, DenominatorIn);
    double error = predict(buffers, id) - at<int32_t>(buffers, Targets)[i];
    *at<double>(buffers, Loss) += share * error * error / 2;
    at<double>(buffers, Gradient)[id] += share * error * double(at<float>(buffers, Scale)[id]);
  }
}

void update(void *const *buffers, const int64_t *, int64_t, int64_t) {
  double left = 1 - double(*at<int64_t>(buffers, StepNumber)) / *at<double>(buffers, StepCount), sum = 0;
  double lr = *at<double>(buffers, Rate) = rate * left;
  for (int64_t i = 0; i < vocabulary; ++i) {
    double g = at<double>(buffers, Gradient)[i];
    sum += g * g;
    double &velocity = at<double>(buffers, Velocity)[i];
    velocity = momentum * velocity + g;
    at<double>(buffers, Value)[i] -= lr * velocity;
  }
  *at<double>(buffers, Norm) = std::sqrt(sum);
  if (settings.brokenUpdate)
    at<double>(buffers, Value)[3] = std::numeric_limits<double>::quiet_NaN();
}

void merge(void *const *buffers, const int64_t *, int64_t, int64_t) {
  for (int32_t i = 0; i < vocabulary; ++i)
    at<double>(buffers, Merged)[i] = predict(buffers, i);
}

void forward(void *const *buffers, const int64_t *, int64_t, int64_t) {
  for (int64_t i = 0; i < micro * tokens; ++i)
    for (int32_t v = 0; v < vocabulary; ++v)
      at<float>(buffers, Logits)[i * vocabulary + v] =
          static_cast<float>(predict(buffers, at<int32_t>(buffers, InputIds)[i]) + v);
}

/// Logits that prefer the sum of all visible tokens up to the last one.
void continueText(void *const *buffers, const int32_t *ids, int64_t count, int32_t start, int32_t last) {
  int32_t *cache = at<int32_t>(buffers, Cache);
  for (int64_t i = 0; i < count; ++i)
    cache[start + i] = ids[i];
  int32_t sum = 0;
  for (int64_t i = 0; i < capacity; ++i)
    if (at<int32_t>(buffers, CacheSegments)[i] == 0 && at<int32_t>(buffers, CachePositions)[i] <= start + last)
      sum += cache[i];
  for (int32_t v = 0; v < vocabulary; ++v)
    at<float>(buffers, Next)[v] = v == sum % vocabulary ? 2.0f : 0.0f;
}

void prefill(void *const *buffers, const int64_t *, int64_t, int64_t) {
  continueText(buffers, at<int32_t>(buffers, ChunkIds), chunk, *at<int32_t>(buffers, ChunkStart),
               *at<int32_t>(buffers, ChunkLast));
}

void decode(void *const *buffers, const int64_t *, int64_t, int64_t) {
  continueText(buffers, at<int32_t>(buffers, OneId), 1, *at<int32_t>(buffers, OneStart),
               *at<int32_t>(buffers, OneLast));
}

constexpr uint64_t offsets[] = {0};
constexpr ftc_call calls[] = {
    {weigh, 1, 1, offsets, nullptr, nullptr, 1},   {microBatch, 1, 1, offsets, nullptr, nullptr, 1},
    {update, 1, 1, offsets, nullptr, nullptr, 1},  {merge, 1, 1, offsets, nullptr, nullptr, 1},
    {forward, 1, 1, offsets, nullptr, nullptr, 1}, {prefill, 1, 1, offsets, nullptr, nullptr, 1},
    {decode, 1, 1, offsets, nullptr, nullptr, 1},
};
constexpr const char *programNames = R"(["weigh","micro","update","merge","forward","prefill","decode"])";

int64_t environmentNumber(const char *name, int64_t absent) {
  const char *text = std::getenv(name);
  return text ? std::atoll(text) : absent;
}

//===----------------------------------------------------------------------===//
// The manifest
//===----------------------------------------------------------------------===//

std::string tensorsText() {
  std::string text;
  for (size_t i = 0; i < tensorInfos().size(); ++i) {
    const TensorInfo &info = tensorInfos()[i];
    int64_t size = std::string_view(info.type).ends_with("64") ? 8 : 4;
    text += fmt::format(R"({}{{"name":"{}","kind":"{}","type":"{}","shape":[{}],"offset":{},"bytes":{}{}}})",
                        i ? "," : "", info.name, info.kind, info.type, fmt::join(info.shape, ","), slot * i,
                        size * elements(info), info.extra);
  }
  return text;
}

std::string inputsText() {
  return fmt::format(R"({{"input_ids":{},"targets":{},"weights":{},"positions":{},"segments":{},"step":{},"steps":{},)"
                     R"("denominators":{},"key":{},"row":{}}})",
                     InputIds, Targets, Weights, Positions, Segments, StepNumber, StepCount, DenominatorIn, Key, Row);
}

std::string stepsText(const Settings &settings) {
  std::string batch =
      fmt::format(R"({{"sequences":{},"tokens":{},"micro":{},"packing":false}})", sequences, tokens, micro);
  std::string outputs =
      fmt::format(R"({{"loss":{},"denominators":{},"lr":{},"grad_norm":{}}})", Loss, DenominatorOut, Rate, Norm);
  std::string every =
      settings.checkpointEvery ? fmt::format(R"("checkpoint_every":{},)", settings.checkpointEvery) : "";
  auto pass = [](int64_t size, uint32_t ids, uint32_t places, uint32_t segments, uint32_t start, uint32_t last) {
    return fmt::format(R"({{"tokens":{},"inputs":{{"input_ids":{},"positions":{},"segments":{},"start":{},"last":{}}},)"
                       R"("logits":{}}})",
                       size, ids, places, segments, start, last, Next);
  };
  std::string text = R"({"kind":"load","name":"base","hash":"b","path":"model","format":"huggingface"},)"
                     R"({"kind":"dataset","name":"data","hash":"d","path":"data.jsonl","format":"tokens",)"
                     R"("shuffle":false,"vocabulary":8},)";
  text += fmt::format(R"({{"kind":"adapt","name":"tuned","hash":"t","uses":["base"],"trained":[{}],"key":{}}},)", Value,
                      Key);
  text += fmt::format(R"({{"kind":"train","name":"run","hash":"r","uses":["tuned","data","base"],"data":"data",)"
                      R"("programs":{{"weigh":0,"micro":1,"update":2}},"inputs":{},"outputs":{},"trained":[{}],)"
                      R"("gradients":[{}],"states":[{}],"batch":{},"steps":{},{}"seed":1}},)",
                      inputsText(), outputs, Value, Gradient, Velocity, batch, settings.steps, every);
  text += fmt::format(R"({{"kind":"evaluate","name":"eval","hash":"e","uses":["run","data"],"data":"data",)"
                      R"("programs":{{"weigh":0,"micro":1}},"inputs":{},"outputs":{},"batch":{}}},)",
                      inputsText(), outputs, batch);
  text += fmt::format(R"({{"kind":"generate","name":"text","hash":"g","uses":["run","base"],"model":"base",)"
                      R"("prompts":["abcd","f"],"tokens":4,"programs":{{"prefill":5,"decode":6}},"prefill":{},)"
                      R"("decode":{},"caches":[{}],"cache_segments":{},"cache_positions":{},"capacity":{},)"
                      R"("stop":["fz"]}},)",
                      pass(chunk, ChunkIds, ChunkPositions, ChunkSegments, ChunkStart, ChunkLast),
                      pass(1, OneId, OnePosition, OneSegment, OneStart, OneLast), Cache, CacheSegments, CachePositions,
                      capacity);
  text += fmt::format(R"({{"kind":"logits","name":"scores","hash":"l","uses":["run","data"],"data":"data",)"
                      R"("programs":{{"forward":4}},"inputs":{},"batch":{},"logits":{}}},)",
                      inputsText(), batch, Logits);
  text += fmt::format(R"({{"kind":"merge","name":"whole","hash":"m","uses":["run"],"program":3,)"
                      R"("tensors":[{{"name":"model.value","tensor":{}}}]}},)",
                      Merged);
  text += fmt::format(R"({{"kind":"save","name":"save.0","hash":"s0","uses":["run"],"path":"out/adapter","as":"peft",)"
                      R"("config":"{{}}","tensors":[{{"tensor":{},"file":"value","shape":[4,2],)"
                      R"("part":{{"sizes":[2,4],"file":{{"offset":0,"strides":[1,2]}},)"
                      R"("tensor":{{"offset":0,"strides":[4,1]}}}}}}]}},)",
                      Value);
  text +=
      fmt::format(R"({{"kind":"save","name":"save.1","hash":"s1","uses":["run"],"path":"out/trainable.safetensors",)"
                  R"("as":"safetensors","tensors":[{{"tensor":{},"file":"model.value"}}]}},)",
                  Value);
  text += fmt::format(R"({{"kind":"save","name":"save.2","hash":"s2","uses":["whole","base"],"path":"out/model",)"
                      R"("as":"huggingface","config":"{{}}","tokenizer":"base","tensors":[{{"file":"model.value",)"
                      R"("type":"bf16","tensor":{}}},{{"file":"model.scale",)"
                      R"("type":"f16","step":"base","from":"model.scale","shape":[4,2],)"
                      R"("view":{{"shape":[2,4],"order":[1,0]}}}}]}},)",
                      Merged);
  text += R"({"kind":"save","name":"save.3","hash":"s3","uses":["text"],"path":"out/samples.txt","as":"text",)"
          R"("from":"text"},)";
  text += R"({"kind":"save","name":"save.4","hash":"s4","uses":["scores"],"path":"out/logits.safetensors",)"
          R"("as":"logits","from":"scores"})";
  return text;
}

} // namespace

Settings settingsFromEnvironment() {
  Settings result;
  const char *folder = std::getenv("FTC_TINY_FOLDER");
  result.folder = folder ? folder : ".";
  result.steps = environmentNumber("FTC_TINY_STEPS", 6);
  result.arenaBytes = static_cast<uint64_t>(environmentNumber("FTC_TINY_ARENA", 0));
  result.plannedBytes = static_cast<uint64_t>(environmentNumber("FTC_TINY_PLAN", 0));
  result.microseconds = environmentNumber("FTC_TINY_SLEEP", 0);
  result.checkpointEvery = environmentNumber("FTC_TINY_CHECKPOINT", 0);
  result.brokenUpdate = environmentNumber("FTC_TINY_BREAK", 0) != 0;
  return result;
}

std::string manifest(const Settings &settings) {
  uint64_t bytes = settings.arenaBytes ? settings.arenaBytes : arenaBytes();
  return fmt::format(
      R"({{"version":1,"recipe":"tiny","source":"// tiny\n","folder":{},"target":"reference",)"
      R"("arena":{{"bytes":{}}},)"
      R"("plan":{{"weights":512,"trained":512,"gradients":512,"states":512,"activations":0,"workspace":0,"peak":{}}},)"
      R"("programs":{},"tensors":[{}],"steps":[{}]}})",
      json::dumpString(settings.folder), bytes, settings.plannedBytes ? settings.plannedBytes : bytes, programNames,
      tensorsText(), stepsText(settings));
}

int main(int argc, const char *const *argv) {
  settings = settingsFromEnvironment();
  std::string text = manifest(settings);
  std::vector<ftc_program> programs;
  for (const ftc_call &call : calls)
    programs.push_back({&call, 1, nullptr, 0, nullptr, 0});
  constexpr ftc_setup setup = {nullptr, 0, nullptr, 0, 0};
  return ftc::run::runExecutable(argc, argv, {text, programs.data(), &setup});
}

} // namespace tiny
