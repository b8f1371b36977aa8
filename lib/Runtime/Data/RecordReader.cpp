#include "RecordReader.h"

#include <algorithm>

namespace ftc::runtime::data {

Passage RecordReader::passage(json::ObjectReader &row, const std::string &field) const {
  Passage passage;
  const json::Value *value = row.required(name(field));
  const json::Array *list = value ? value->asArray() : nullptr;
  if (!list) {
    passage.text = value ? row.string(name(field)) : "";
  } else if (!list->empty() && list->front().asInteger()) {
    passage.form = Passage::Form::Ids;
    passage.ids = reader.readIds(row, name(field), false);
  } else {
    passage.form = Passage::Form::Messages;
    Expected<std::vector<text::ChatMessage>> messages = text::readChatMessages(*value, row.placeOf(name(field)));
    if (messages)
      passage.messages = std::move(*messages);
    else
      row.fail(Status(messages.error()));
  }
  if (row.status() && passage.empty())
    row.fail(fmt::format("'{}' is empty", name(field)));
  return passage;
}

/// A prompt with its answer: the answer's tokens have weight 1, the prompt's 0.
Expected<Sequence> RecordReader::answer(const Passage &prompt, const Passage &completion) const {
  using Form = Passage::Form;
  if ((prompt.form == Form::Ids) != (completion.form == Form::Ids))
    return makeError(ExitStatus::Input, "a prompt of token ids needs answers of token ids, and the other way round");
  if (prompt.form == Form::Ids) {
    Sequence sequence{prompt.ids, {}, {}};
    sequence.ids.insert(sequence.ids.end(), completion.ids.begin(), completion.ids.end());
    sequence.weights = {{static_cast<int32_t>(prompt.ids.size()), 0}, {static_cast<int32_t>(sequence.ids.size()), 1}};
    return sequence;
  }
  bool areTexts = prompt.form == Form::Text && completion.form == Form::Text;
  if (areTexts && !reader.hasChat())
    return reader.encode(std::vector<text::ChatSegment>{{prompt.text, false}, {completion.text, true}}, true);
  if (!reader.hasChat())
    return makeError(ExitStatus::Input, "messages need a model with a chat template");
  std::vector<text::ChatMessage> messages = prompt.messages;
  if (prompt.form == Form::Text)
    messages = {{"user", prompt.text}};
  auto earlier = std::count_if(messages.begin(), messages.end(),
                               [](const text::ChatMessage &message) { return message.role == "assistant"; });
  if (completion.form == Form::Text)
    messages.push_back({"assistant", completion.text});
  else
    messages.insert(messages.end(), completion.messages.begin(), completion.messages.end());
  std::vector<text::ChatSegment> segments = reader.render(messages);
  for (text::ChatSegment &segment : segments) // answers within the prompt are part of the question
    if (segment.answer && earlier > 0) {
      segment.answer = false;
      --earlier;
    }
  return reader.encode(segments, false);
}

/// A text whose tokens are no targets.
Expected<Sequence> RecordReader::alone(const Passage &passage) const {
  if (passage.form == Passage::Form::Ids)
    return Sequence{passage.ids, {}, {{static_cast<int32_t>(passage.ids.size()), 1}}};
  if (passage.form == Passage::Form::Messages)
    return makeError(ExitStatus::Input, "expected a text or token ids, got messages");
  return reader.encodeText(passage.text);
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

std::vector<Expected<Sequence>> RecordReader::readPreference(json::ObjectReader &row) const {
  Passage prompt = passage(row, "prompt"), chosen = passage(row, "chosen"), rejected = passage(row, "rejected");
  if (!row.status())
    return {};
  std::vector<Expected<Sequence>> texts;
  texts.push_back(answer(prompt, chosen));
  texts.push_back(answer(prompt, rejected));
  return texts;
}

std::vector<Expected<Sequence>> RecordReader::readFeedback(json::ObjectReader &row) {
  Answered one{passage(row, "prompt"), passage(row, "completion"), row.place()};
  if (row.required(name("desirable")))
    field = row.boolean(name("desirable"), false) ? 1 : 0;
  if (!row.status())
    return {};
  std::vector<Expected<Sequence>> texts;
  texts.push_back(answer(one.prompt, one.completion));
  answered.push_back(std::move(one));
  return texts;
}

std::vector<Expected<Sequence>> RecordReader::readPairs(json::ObjectReader &row) const {
  Passage query = passage(row, "query"), positive = passage(row, "positive");
  if (!row.status())
    return {};
  std::vector<Expected<Sequence>> texts;
  texts.push_back(alone(query));
  texts.push_back(alone(positive));
  return texts;
}

std::vector<Expected<Sequence>> RecordReader::readLabelled(json::ObjectReader &row) const {
  Passage whole = passage(row, "text");
  if (!row.status())
    return {};
  std::vector<Expected<Sequence>> texts;
  texts.push_back(alone(whole));
  return texts;
}

Status RecordReader::add(const Row &row, RecordStore &store) {
  json::ObjectReader object(row.value, row.place);
  std::vector<Expected<Sequence>> texts;
  switch (options.format) {
  case Format::Preference:
    texts = readPreference(object);
    break;
  case Format::Feedback:
    texts = readFeedback(object);
    break;
  case Format::Pairs:
    texts = readPairs(object);
    break;
  default:
    field = static_cast<int32_t>(object.integer(name("label"), 0, INT32_MAX));
    texts = readLabelled(object);
  }
  if (Status status = object.status(); !status)
    return status;
  for (size_t i = 0; i < texts.size(); ++i)
    if (Status status = append(store, i, std::move(texts[i]), row.place); !status)
      return status;
  if (!store.kind->field.empty())
    store.fields.push_back(field);
  return Status::success();
}

/// The mismatched text of a row is its prompt with the completion of the row before; the first one takes the last's.
Status RecordReader::finish(RecordStore &store) {
  for (size_t i = 0; i < answered.size(); ++i) {
    const Passage &completion = answered[i == 0 ? answered.size() - 1 : i - 1].completion;
    if (Status status = append(store, 1, answer(answered[i].prompt, completion), answered[i].place); !status)
      return status;
  }
  answered.clear();
  return Status::success();
}

Status RecordReader::append(RecordStore &store, size_t text, Expected<Sequence> sequence,
                            const std::string &place) const {
  if (!sequence)
    return Error{sequence.error().status, place + sequence.error().message};
  if (sequence->ids.empty()) // the stores would not be in step any more
    return makeError(ExitStatus::Input, "{}a text has no token", place);
  return addDocument(store.texts[text], *sequence, options, place);
}

} // namespace ftc::runtime::data
