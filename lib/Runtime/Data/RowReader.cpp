#include "RowReader.h"

#include <algorithm>

namespace ftc::runtime::data {

namespace {

/// The prompts of Taori et al., "Stanford Alpaca" (2023); the answer begins on the line after `### Response:`.
std::string alpacaPrompt(const std::string &instruction, const std::string &input) {
  if (input.empty())
    return "Below is an instruction that describes a task. Write a response that appropriately completes the "
           "request.\n\n### Instruction:\n" +
           instruction + "\n\n### Response:\n";
  return "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
         "response that appropriately completes the request.\n\n### Instruction:\n" +
         instruction + "\n\n### Input:\n" + input + "\n\n### Response:\n";
}

/// Lengthens the last run, or begins one.
void extendRun(std::vector<WeightRun> &runs, size_t end, float weight) {
  if (runs.empty() || runs.back().weight != weight)
    runs.push_back({0, weight});
  runs.back().end = static_cast<int32_t>(end);
}

} // namespace

Expected<RowReader> RowReader::create(const DatasetOptions &options, const text::TextCodec *codec) {
  RowReader reader(options, codec);
  if (options.format == Format::Tokens)
    return reader;
  bool answers = options.format == Format::Preference || options.format == Format::Feedback;
  bool canHoldIds = answers || options.format == Format::Pairs || options.format == Format::Classification;
  if (!codec && canHoldIds)
    return reader;
  if (!codec)
    return makeError(ExitStatus::Input, "{}: the format needs a model with a tokenizer", options.path);
  if (options.format == Format::Infill)
    if (Status status = reader.findSentinels(); !status)
      return status.error();
  bool turns =
      options.format == Format::Messages || ((options.format == Format::Alpaca || answers) && codec->hasChatTemplate());
  if (!turns)
    return reader;
  Expected<text::ChatTemplate> chat = codec->chatTemplate();
  if (!chat)
    return chat.error();
  reader.chat = std::move(*chat);
  return reader;
}

std::string RowReader::name(const std::string &field) const {
  auto renamed = options.fields.find(field);
  return renamed == options.fields.end() ? field : renamed->second;
}

Expected<std::vector<double>> RowReader::readNumbers(const Row &row) const {
  json::ObjectReader object(row.value, row.place);
  std::vector<double> numbers;
  for (const std::string &number : options.numbers)
    numbers.push_back(object.number(name(number)));
  if (Status status = object.status(); !status)
    return status.error();
  return numbers;
}

Expected<Sequence> RowReader::read(const Row &row, int64_t number) const {
  json::ObjectReader object(row.value, row.place);
  Expected<Sequence> sequence = [&]() -> Expected<Sequence> {
    switch (options.format) {
    case Format::Tokens:
      return readTokens(object);
    case Format::Completion: {
      std::string text = object.string(name("text"));
      std::string_view whole = text;
      return text.empty() ? Sequence() : readText(std::span(&whole, 1));
    }
    case Format::Infill: {
      std::string text = object.string(name("text"));
      return text.empty() ? Sequence() : readInfill(text, number);
    }
    case Format::Alpaca:
      return readAlpaca(object);
    case Format::Messages:
      return readMessages(object);
    default:
      return makeError(ExitStatus::Bug, "rows of this format are records");
    }
  }();
  // A field that is missing is the cause of whatever went wrong with the text.
  if (Status status = object.status(); !status)
    return status.error();
  if (!sequence)
    return Error{sequence.error().status, row.place + sequence.error().message};
  return sequence;
}

Sequence RowReader::readTokens(json::ObjectReader &row) const {
  Sequence sequence;
  sequence.ids = readIds(row, name("input_ids"), false);
  if (row.member(name("labels"))) {
    sequence.labels = readIds(row, name("labels"), true);
    if (sequence.labels.size() != sequence.ids.size())
      row.fail(fmt::format("'{}' has {} elements for {} tokens", name("labels"), sequence.labels.size(),
                           sequence.ids.size()));
  }
  if (row.member(name("completion_mask"))) {
    const json::Array &mask = row.array(name("completion_mask"));
    if (mask.size() != sequence.ids.size())
      row.fail(
          fmt::format("'{}' has {} elements for {} tokens", name("completion_mask"), mask.size(), sequence.ids.size()));
    for (size_t i = 0; i < mask.size(); ++i) {
      std::optional<int64_t> bit = mask[i].asInteger();
      if (!bit || *bit < 0 || *bit > 1)
        row.fail(fmt::format("'{}' [{}]: expected 0 or 1", name("completion_mask"), i));
      extendRun(sequence.weights, i + 1, bit == 1 ? 1 : options.promptLoss);
    }
  } else if (!sequence.ids.empty()) {
    extendRun(sequence.weights, sequence.ids.size(), 1);
  }
  return sequence;
}

std::vector<int32_t> RowReader::readIds(json::ObjectReader &row, const std::string &field, bool labels) const {
  int64_t size = options.vocabularySize;
  if (size == 0)
    size = codec ? codec->tokenizer().vocabularySize() : INT32_MAX;
  const json::Array &values = row.array(field);
  std::vector<int32_t> ids;
  ids.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    std::optional<int64_t> id = values[i].asInteger();
    bool known = id && ((*id >= 0 && *id < size) || (labels && *id == ignoredLabel));
    if (!known) {
      std::string got = id ? std::to_string(*id) : std::string(values[i].kind());
      row.fail(fmt::format("'{}' [{}] is {}; expected a token id from 0 to {}{}", field, i, got, size - 1,
                           labels ? fmt::format(", or {}", ignoredLabel) : ""));
      break;
    }
    ids.push_back(static_cast<int32_t>(*id));
  }
  return ids;
}

Expected<Sequence> RowReader::readAlpaca(json::ObjectReader &row) const {
  std::string instruction = row.string(name("instruction"));
  std::string input = row.optionalString(name("input")).value_or("");
  std::string output = row.string(name("output"));
  if (!row.status())
    return Sequence();
  if (!chat)
    return encode(std::vector<text::ChatSegment>{{alpacaPrompt(instruction, input), false}, {output, true}}, true);
  std::string question = input.empty() ? instruction : instruction + "\n\n" + input;
  std::vector<text::ChatMessage> messages = {{"user", question}, {"assistant", output}};
  return encode(chat->render(messages, false), false);
}

Expected<Sequence> RowReader::readMessages(json::ObjectReader &row) const {
  std::string field = name("messages");
  if (!row.member(field) && row.member("conversations"))
    field = "conversations";
  const json::Value *list = row.required(field);
  if (!list)
    return Sequence();
  Expected<std::vector<text::ChatMessage>> messages = text::readChatMessages(*list, row.placeOf(field));
  if (!messages) {
    row.fail(Status(messages.error()));
    return Sequence();
  }
  if (messages->empty())
    return Sequence();
  return encode(chat->render(*messages, false), false);
}

Expected<Sequence> RowReader::readText(std::span<const std::string_view> stretches) const {
  const text::Tokenizer &tokenizer = codec->tokenizer();
  Sequence sequence;
  auto append = [&](std::span<const int32_t> ids) { sequence.ids.insert(sequence.ids.end(), ids.begin(), ids.end()); };
  append(tokenizer.tokensBefore());
  for (size_t i = 0; i < stretches.size(); ++i) {
    Expected<std::vector<int32_t>> ids =
        tokenizer.encode(stretches[i], {.addSpecialTokens = false, .continues = i > 0});
    if (!ids)
      return ids.error();
    append(*ids);
    if (options.watch && i + 1 < stretches.size())
      if (Status status = options.watch(fmt::format("{} tokens", sequence.ids.size())); !status)
        return status.error();
  }
  append(tokenizer.tokensAfter());
  extendRun(sequence.weights, sequence.ids.size(), 1);
  addEndToken(sequence);
  return sequence;
}

void RowReader::addEndToken(Sequence &sequence) const {
  std::optional<int32_t> end = codec->endToken();
  if (!end || (!sequence.ids.empty() && sequence.ids.back() == *end))
    return;
  sequence.ids.push_back(*end);
  extendRun(sequence.weights, sequence.ids.size(), 1);
}

Expected<Sequence> RowReader::encodeText(std::string_view text) const {
  if (!codec)
    return makeError(ExitStatus::Input, "a text needs a model with a tokenizer (token ids do not)");
  Expected<std::vector<int32_t>> ids = codec->tokenizer().encode(text);
  if (!ids)
    return ids.error();
  Sequence sequence{std::move(*ids), {}, {}};
  if (!sequence.ids.empty())
    extendRun(sequence.weights, sequence.ids.size(), 1);
  return sequence;
}

Expected<Sequence> RowReader::encode(std::span<const text::ChatSegment> segments, bool whole) const {
  if (!codec)
    return makeError(ExitStatus::Input, "a text needs a model with a tokenizer (token ids do not)");
  std::vector<std::string_view> texts;
  for (const text::ChatSegment &segment : segments)
    texts.push_back(segment.text);
  text::EncodeOptions encodeOptions;
  encodeOptions.addSpecialTokens = whole;
  Expected<text::Encoding> encoding = codec->tokenizer().encodeSegments(texts, encodeOptions);
  if (!encoding)
    return encoding.error();
  Sequence sequence;
  for (size_t i = 0; i < encoding->ids.size(); ++i) {
    bool answer = segments[static_cast<size_t>(encoding->segments[i])].answer;
    extendRun(sequence.weights, i + 1, answer ? 1 : options.promptLoss);
  }
  sequence.ids = std::move(encoding->ids);
  if (whole)
    addEndToken(sequence);
  return sequence;
}

} // namespace ftc::runtime::data
