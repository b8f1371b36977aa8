//===- Prompts.cpp - what a model is to continue -----------------------------===//

#include "Prompts.h"

#include <algorithm>

namespace ftc::run {

std::string_view promptSeparator(const GenerateStep &generate) { return generate.chat || generate.data ? "\n" : ""; }

static Expected<Prompt> encodePrompt(const text::TextCodec &codec, const std::string &prompt, bool chat) {
  if (!chat) {
    Expected<std::vector<int32_t>> ids = codec.tokenizer().encode(prompt);
    if (!ids)
      return ids.error();
    return Prompt{prompt, prompt, std::move(*ids), std::nullopt};
  }
  Expected<text::ChatTemplate> form = codec.chatTemplate();
  if (!form)
    return form.error();
  text::ChatMessage message{"user", prompt};
  std::vector<text::ChatSegment> segments = form->render(std::span(&message, 1), true);
  std::vector<std::string_view> texts;
  for (const text::ChatSegment &segment : segments)
    texts.push_back(segment.text);
  Expected<text::Encoding> encoding = codec.tokenizer().encodeSegments(texts, {.addSpecialTokens = false});
  if (!encoding)
    return encoding.error();
  return Prompt{prompt, prompt, std::move(encoding->ids), std::nullopt};
}

/// Splits a row of data where its answer begins and ends: its first labels of weight 1.
static Expected<Prompt> splitDocument(const text::TextCodec &codec, const data::Document &document) {
  size_t count = document.ids.size(), begin = 0, run = 0;
  auto isAnswer = [&](size_t i) { // asked with i increasing
    while (run < document.weights.size() && i >= static_cast<size_t>(document.weights[run].end))
      ++run;
    return run < document.weights.size() && document.weights[run].weight >= 1 &&
           (document.labels.empty() || document.labels[i] != data::ignoredLabel);
  };
  while (begin < count && !isAnswer(begin))
    ++begin;
  size_t end = begin;
  while (end < count && isAnswer(end))
    ++end;
  auto text = [&](std::span<const int32_t> ids) { return codec.tokenizer().decode(ids, true); };
  std::span<const int32_t> ids = document.ids.first(begin);
  Expected<std::string> shown = text(ids);
  if (!shown)
    return shown.error();
  Expected<std::string> answer = text(document.ids.subspan(begin, end - begin));
  if (!answer)
    return answer.error();
  return Prompt{*shown, *shown, {ids.begin(), ids.end()}, std::move(*answer)};
}

static std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

/// Leaves out the lines of a chat template and of a fixed instruction that begin and end all prompts alike.
static void shorten(std::vector<Prompt> &prompts) {
  std::vector<std::vector<std::string_view>> lines;
  for (const Prompt &prompt : prompts)
    lines.push_back(linesOf(prompt.text));
  size_t shortest = lines.empty() ? 0 : lines[0].size();
  for (const std::vector<std::string_view> &text : lines)
    shortest = std::min(shortest, text.size());
  auto areEqual = [&](auto line) {
    return std::all_of(lines.begin(), lines.end(), [&](const auto &text) { return line(text) == line(lines[0]); });
  };
  size_t first = 0, last = 0;
  while (first < shortest && areEqual([&](const auto &text) { return text[first]; }))
    ++first;
  while (first + last < shortest && areEqual([&](const auto &text) { return text[text.size() - 1 - last]; }))
    ++last;
  for (size_t i = 0; i < prompts.size() && first < shortest; ++i) {
    prompts[i].shown.clear();
    for (size_t line = first; line + last < lines[i].size(); ++line)
      prompts[i].shown += lines[i][line];
    if (last > 0 && prompts[i].shown.ends_with('\n'))
      prompts[i].shown.pop_back();
  }
}

static Expected<std::vector<Prompt>> promptsOfData(Session &session, const text::TextCodec &codec,
                                                   const std::string &name) {
  Expected<const data::RecordStore *> records = session.records(name);
  if (!records)
    return records.error();
  const data::DocumentStore &documents = (*records)->texts.front();
  std::vector<Prompt> prompts;
  for (int64_t i = 0; i < documents.size(); ++i) {
    Expected<Prompt> prompt = splitDocument(codec, documents[i]);
    if (!prompt)
      return prompt.error();
    if (prompt->ids.empty())
      return makeError(ExitStatus::Input, "{}: example {} has no prompt that a model could answer", name, i + 1);
    prompts.push_back(std::move(*prompt));
  }
  shorten(prompts);
  return prompts;
}

Expected<std::vector<Prompt>> readPrompts(Session &session, const Step &step, const GenerateStep &generate) {
  Expected<const text::TextCodec *> codec = session.codec(generate.model);
  if (!codec)
    return codec.error();
  if (generate.data)
    return promptsOfData(session, **codec, *generate.data);
  std::vector<Prompt> prompts;
  for (const std::string &text : generate.prompts) {
    Expected<Prompt> prompt = encodePrompt(**codec, text, generate.chat);
    if (!prompt)
      return prompt.error();
    if (prompt->ids.empty())
      return makeError(ExitStatus::Input, "{}: prompt {} is empty, and the model has no token to begin with", step.name,
                       prompts.size() + 1);
    prompts.push_back(std::move(*prompt));
  }
  return prompts;
}

} // namespace ftc::run
