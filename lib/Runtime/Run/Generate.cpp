//===- Generate.cpp - continuations of prompts -------------------------------===//
//
// A prompt goes through the `prefill` program in chunks, then the `decode` program gives one token at a time; both keep
// keys and values of what they have seen in the cache.
//
//===----------------------------------------------------------------------===//

#include "Samples.h"
#include "Steps.h"

#include "ftc/Runtime/Run/Interrupt.h"
#include "ftc/Runtime/Run/Sampler.h"

#include <algorithm>

namespace ftc::run {
namespace {

/// Collects a text, ends it at a stop string, and gives out what can no longer become part of one.
class StopFilter {
public:
  explicit StopFilter(const std::vector<std::string> &stops) : stops(stops) {}

  /// Adds to the text; returns what can be shown.
  std::string_view push(std::string_view more) {
    content += more;
    for (const std::string &stop : stops)
      if (size_t place = content.find(stop); !stop.empty() && place != std::string::npos) {
        content.resize(place);
        stopped = true;
      }
    return show(stopped ? content.size() : content.size() - heldBack());
  }
  std::string_view finish() { return show(content.size()); }
  bool isStopped() const { return stopped; }
  const std::string &text() const { return content; }

private:
  /// Length of the longest end of the text that begins a stop string.
  size_t heldBack() const {
    size_t longest = 0;
    for (const std::string &stop : stops)
      for (size_t length = std::min(stop.size(), content.size()); length > longest; --length)
        if (content.ends_with(std::string_view(stop).substr(0, length)))
          longest = length;
    return longest;
  }
  std::string_view show(size_t end) {
    size_t begin = std::min(shown, end);
    shown = std::max(shown, end);
    return std::string_view(content).substr(begin, end - begin);
  }

  const std::vector<std::string> &stops;
  std::string content;
  size_t shown = 0;
  bool stopped = false;
};

class Generator {
public:
  Generator(Session &session, const Step &step, const GenerateStep &generate, const text::TextCodec &codec)
      : session(session), machine(session.machine), step(step), generate(generate), codec(codec),
        segments(static_cast<size_t>(generate.capacity)), positions(static_cast<size_t>(generate.capacity)) {}

  /// The continuation of a prompt; none if a signal has come.
  Expected<std::optional<std::string>> complete(const Prompt &prompt, int64_t number);

private:
  Status read(std::span<const int32_t> ids);
  Status runPass(const GeneratePass &pass, uint32_t program, std::span<const int32_t> ids);

  Session &session;
  Machine &machine;
  const Step &step;
  const GenerateStep &generate;
  const text::TextCodec &codec;
  std::vector<int32_t> segments, positions; // of the places of the cache
  int64_t filled = 0;                       // places that hold tokens
  uint32_t logits = 0;                      // the tensor with those of the last token
};

/// Shows `ids` (at most as many as the program takes) to the model; they follow what is in the cache.
Status Generator::runPass(const GeneratePass &pass, uint32_t program, std::span<const int32_t> ids) {
  auto size = static_cast<size_t>(pass.tokens);
  std::vector<int32_t> padded(size, 0), place(size, 0), segment(size, -1);
  for (size_t i = 0; i < ids.size(); ++i) {
    padded[i] = ids[i];
    place[i] = static_cast<int32_t>(filled) + static_cast<int32_t>(i);
    segment[i] = 0;
    segments[static_cast<size_t>(place[i])] = 0;
    positions[static_cast<size_t>(place[i])] = place[i];
  }
  if (Status status = machine.fill(pass.inputIds, std::span<const int32_t>(padded)); !status)
    return status;
  if (Status status = machine.fill(pass.positions, std::span<const int32_t>(place)); !status)
    return status;
  if (Status status = machine.fill(pass.segments, std::span<const int32_t>(segment)); !status)
    return status;
  if (Status status = machine.fill(generate.cacheSegments, std::span<const int32_t>(segments)); !status)
    return status;
  if (Status status = machine.fill(generate.cachePositions, std::span<const int32_t>(positions)); !status)
    return status;
  if (Status status = machine.setInteger(pass.start, filled); !status)
    return status;
  if (Status status = machine.setInteger(pass.last, static_cast<int64_t>(ids.size()) - 1); !status)
    return status;
  if (Status status = machine.run(program); !status)
    return status;
  filled += static_cast<int64_t>(ids.size());
  logits = pass.logits;
  return Status::success();
}

Status Generator::read(std::span<const int32_t> ids) {
  while (!ids.empty()) {
    // A chunk is written whole, so its padding needs places too.
    bool isChunk = ids.size() > 1 && filled + generate.prefill.tokens <= generate.capacity;
    const GeneratePass &pass = isChunk ? generate.prefill : generate.decode;
    uint32_t program = isChunk ? generate.prefillProgram : generate.decodeProgram;
    size_t count = std::min(ids.size(), static_cast<size_t>(pass.tokens));
    if (Status status = runPass(pass, program, ids.first(count)); !status)
      return status;
    ids = ids.subspan(count);
  }
  return Status::success();
}

Expected<std::optional<std::string>> Generator::complete(const Prompt &prompt, int64_t number) {
  std::vector<int32_t> ids(static_cast<size_t>(generate.virtualTokens), 0);
  ids.insert(ids.end(), prompt.ids.begin(), prompt.ids.end());
  auto length = static_cast<int64_t>(ids.size());
  if (length >= generate.capacity)
    return makeError(ExitStatus::Input,
                     "{}: prompt {} has {} tokens; the recipe has room for {} (option prompt_tokens)", step.name,
                     number + 1, prompt.ids.size(), generate.capacity - 1 - generate.virtualTokens);
  int64_t limit = std::min(generate.tokens, generate.capacity - length);
  std::fill(segments.begin(), segments.end(), -1);
  std::fill(positions.begin(), positions.end(), -1);
  filled = 0;
  for (uint32_t cache : generate.caches)
    machine.zero(cache); // what is masked must still be finite
  if (Status status = read(ids); !status)
    return status.error();
  text::StreamDecoder decoder(codec.tokenizer());
  StopFilter filter(generate.stop);
  Sampling sampling{generate.temperature, generate.topK, generate.topP};
  const std::vector<int32_t> &stops = codec.stopTokens();
  for (int64_t made = 0; made < limit && !filter.isStopped(); ++made) {
    if (interruptRequested())
      return std::optional<std::string>();
    int32_t token = chooseToken(machine.reals(logits), sampling,
                                samplingNumber(session.seed(generate.seed), number, length + made));
    if (token < 0)
      return makeError(ExitStatus::Numbers, "{}: prompt {}: no logit of token {} is finite", step.name, number + 1,
                       made + 1);
    if (std::find(stops.begin(), stops.end(), token) != stops.end())
      break;
    Expected<std::string> text = decoder.push(token);
    if (!text)
      return text.error();
    session.console.printPart(filter.push(*text));
    if (made + 1 < limit && !filter.isStopped())
      if (Status status = read(std::span(&token, 1)); !status)
        return status.error();
  }
  if (!filter.isStopped()) {
    Expected<std::string> rest = decoder.finish();
    if (!rest)
      return rest.error();
    session.console.printPart(filter.push(*rest));
  }
  session.console.printPart(filter.finish());
  return std::optional<std::string>(filter.text());
}

/// The keys of a JSON object in order of the alphabet, or nothing if the text is no JSON object.
std::optional<std::set<std::string>> keysOf(const std::string &text) {
  Expected<json::Value> value = json::parse(text, {});
  if (!value || !value->asObject())
    return std::nullopt;
  std::set<std::string> keys;
  for (const json::Member &member : *value->asObject())
    keys.insert(member.key);
  return keys;
}

/// How the answers compare with those of the data the prompts came from.
class AnswerReport {
public:
  void add(const std::string &expected, const std::string &answer) {
    ++count;
    equal += expected == answer;
    std::optional<std::set<std::string>> keys = keysOf(expected);
    allObjects &= keys.has_value();
    sameKeys += keys && keysOf(answer) == keys;
  }

  void print(Session &session, const Step &step) const {
    std::string text = fmt::format("{}: {} of {} answers are exactly those of the data", step.name, equal, count);
    std::string object =
        fmt::format("{{\"generate\":{},\"answers\":{},\"equal\":{}", json::dumpString(step.name), count, equal);
    if (allObjects) {
      text += fmt::format(", {} are JSON objects with the same keys", sameKeys);
      object += fmt::format(",\"same_keys\":{}", sameKeys);
    }
    session.console.print(text);
    session.console.printJson(object + "}");
  }

private:
  size_t count = 0, equal = 0, sameKeys = 0;
  bool allObjects = true; // the data's own answers
};

/// Answers the prompts that have no sample yet, and shows them.
Expected<Outcome> answer(Session &session, const Step &step, const GenerateStep &generate,
                         const std::vector<Prompt> &prompts, SampleFile &samples) {
  Expected<const text::TextCodec *> codec = session.codec(generate.model);
  if (!codec)
    return codec.error();
  Generator generator(session, step, generate, **codec);
  for (size_t i = samples.completions().size(); i < prompts.size(); ++i) {
    const Prompt &prompt = prompts[i];
    session.console.print(fmt::format("{} {}/{}", step.name, i + 1, prompts.size()));
    session.console.printPart(prompt.shown);
    session.console.printPart(promptSeparator(generate));
    Expected<std::optional<std::string>> completion = generator.complete(prompt, static_cast<int64_t>(i));
    session.console.endText();
    if (!completion)
      return completion.error();
    if (!*completion)
      return Outcome::Interrupted;
    if (Status status = samples.add(prompt, **completion); !status)
      return status.error();
    json::Object sample = sampleObject(prompt, **completion);
    sample.insert(sample.begin(), {"generate", step.name});
    session.console.printJson(json::dump(json::Value(std::move(sample))));
  }
  return Outcome::Done;
}

} // namespace

Expected<Outcome> runGenerate(Session &session, const Step &step, const GenerateStep &generate) {
  Expected<std::vector<Prompt>> prompts = readPrompts(session, step, generate);
  if (!prompts)
    return prompts.error();
  if (Status status = session.loadWeights(step); !status)
    return status.error();
  Expected<SampleFile> samples =
      SampleFile::open(session.folder.result(step, session.identity(step), ".samples.jsonl"), *prompts);
  if (!samples)
    return samples.error();
  if (size_t done = samples->completions().size())
    session.console.print(fmt::format("{}: going on after prompt {} of {}", step.name, done, prompts->size()));
  Expected<Outcome> outcome = answer(session, step, generate, *prompts, *samples);
  if (!outcome || *outcome != Outcome::Done)
    return outcome;
  AnswerReport report;
  for (size_t i = 0; i < prompts->size(); ++i)
    if ((*prompts)[i].expected)
      report.add(*(*prompts)[i].expected, samples->completions()[i]);
  if (generate.data)
    report.print(session, step);
  std::string path = session.folder.result(step, session.identity(step), ".json");
  std::string text = json::dump(json::Value(samples->samples(*prompts)), 2) + "\n";
  if (Status status = writeFileAtomically(path, text); !status)
    return status.error();
  if (Status status = session.finish(step, {path}); !status)
    return status.error();
  samples->remove();
  return Outcome::Done;
}

} // namespace ftc::run
