#include "ftc/Runtime/Text/ChatTemplate.h"

#include "ftc/Runtime/IO/ObjectReader.h"

#include <algorithm>
#include <optional>

namespace ftc::runtime::text {

namespace {

constexpr size_t longestTemplate = 64 << 10;

constexpr std::string_view forms[] = {
#define FTC_CHAT_FORM(Text) Text,
#include "ChatForms.def"
};

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// A template with its accidents removed, so that equal templates are equal texts: no blanks around operators and at
/// the ends of tags, no marks that trim blanks around tags, `\n` in a string as the line break it is, `a.b` as
/// `a['b']`, no line break and indentation behind a block tag. Blanks in strings and between words stay.
class Canonical {
public:
  explicit Canonical(std::string_view source) : source(source) {}

  std::string text() {
    while (position < source.size())
      if (startsTag())
        copyTag();
      else
        out += source[position++];
    // Jinja drops one line break at the end.
    if (out.ends_with('\n'))
      out.pop_back();
    return out;
  }

private:
  bool startsTag() const {
    std::string_view rest = source.substr(position);
    return rest.starts_with("{%") || rest.starts_with("{{");
  }

  void copyTag() {
    bool block = source[position + 1] == '%';
    std::string_view open = source.substr(position, 2);
    position += 2;
    if (position < source.size() && source[position] == '-') {
      ++position;
      while (!out.empty() && isBlank(out.back()))
        out.pop_back();
    }
    out += open;
    std::string_view close = block ? "%}" : "}}";
    while (position < source.size() && !source.substr(position).starts_with(close))
      copyInside();
    bool trims = out.ends_with('-');
    while (out.ends_with(' ') || out.ends_with('-'))
      out.pop_back();
    out += source.substr(position, 2);
    position = std::min(position + 2, source.size());
    if (block)
      skipBehindBlock();
    while (trims && position < source.size() && isBlank(source[position]))
      ++position;
  }

  void copyInside() {
    char c = source[position];
    if (c == '\'' || c == '"')
      return copyString(c);
    ++position;
    if (isBlank(c)) {
      if (!out.ends_with(' ') && isWordChar(out.back()))
        out += ' ';
      return;
    }
    if (c == '.' && isWordChar(out.back()) && source.substr(position, 4) == "role") {
      out += "['role']";
      position += 4;
      return;
    }
    if (c == '.' && isWordChar(out.back()) && source.substr(position, 7) == "content") {
      out += "['content']";
      position += 7;
      return;
    }
    if (!isWordChar(c) && out.ends_with(' '))
      out.pop_back();
    out += c;
  }

  void copyString(char quote) {
    out += '\'';
    for (++position; position < source.size() && source[position] != quote; ++position) {
      if (source.substr(position, 2) == "\\n") {
        out += '\n';
        ++position;
      } else {
        out += source[position];
      }
    }
    position = std::min(position + 1, source.size());
    out += '\'';
  }

  void skipBehindBlock() {
    if (position < source.size() && source[position] == '\n')
      ++position;
    size_t next = position;
    while (next < source.size() && (source[next] == ' ' || source[next] == '\t'))
      ++next;
    if (source.substr(next).starts_with("{%"))
      position = next;
  }

  static bool isWordChar(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\'' ||
           c == ']';
  }

  std::string_view source;
  size_t position = 0;
  std::string out;
};

/// What `@` of `form` stands for in `text`, empty where the form has none; nothing if the text is not of that form.
std::optional<std::string> match(std::string_view form, std::string_view text) {
  size_t hole = form.find('@');
  if (hole == form.npos)
    return form == text ? std::optional<std::string>("") : std::nullopt;
  std::string_view before = form.substr(0, hole), after = form.substr(hole + 1);
  if (text.size() < before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after))
    return std::nullopt;
  std::string_view filling = text.substr(before.size(), text.size() - before.size() - after.size());
  if (filling.find_first_of("'\\") != filling.npos)
    return std::nullopt;
  return std::string(filling);
}

/// Appends text, to the last segment if that is of the same kind.
void append(std::vector<ChatSegment> &segments, std::string_view text, bool answer) {
  if (segments.empty() || segments.back().answer != answer)
    segments.push_back({"", answer});
  segments.back().text += text;
}

void appendTurn(std::vector<ChatSegment> &segments, const ChatMessage &message) {
  bool answer = message.role == "assistant";
  append(segments, "<|im_start|>" + message.role + "\n", false);
  append(segments, message.content + "<|im_end|>", answer);
  append(segments, "\n", false);
}

/// Names of roles in ShareGPT's files.
std::string roleOf(std::string name) { return name == "human" ? "user" : name == "gpt" ? "assistant" : name; }

/// A list with anything in it, or an object.
bool holdsSomething(const json::Value *value) { return value && !(value->asArray() && value->asArray()->empty()); }

} // namespace

Expected<ChatTemplate> ChatTemplate::parse(std::string_view source, const std::string &origin) {
  if (source.size() > longestTemplate)
    return makeError(ExitStatus::Input, "{}: the chat template has {} bytes, more than {}", origin, source.size(),
                     longestTemplate);
  std::string text = Canonical(source).text();
  for (std::string_view form : forms)
    if (std::optional<std::string> system = match(form, text)) {
      ChatTemplate result;
      result.defaultSystem = std::move(*system);
      return result;
    }
  return makeError(ExitStatus::Input,
                   "{}: this chat template is not supported: {} (only ChatML's own form is: every message as "
                   "<|im_start|>role, line break, content, <|im_end|>, line break)",
                   origin, quote(source));
}

std::vector<ChatSegment> ChatTemplate::render(std::span<const ChatMessage> messages, bool addGenerationPrompt) const {
  std::vector<ChatSegment> segments;
  if (!messages.empty() && messages.front().role != "system" && !defaultSystem.empty())
    appendTurn(segments, {"system", defaultSystem});
  for (const ChatMessage &message : messages)
    appendTurn(segments, message);
  if (addGenerationPrompt)
    append(segments, "<|im_start|>assistant\n", false);
  return segments;
}

Expected<std::vector<ChatMessage>> readChatMessages(const json::Value &list, const std::string &place) {
  const json::Array *entries = list.asArray();
  if (!entries)
    return makeError(ExitStatus::Input, "{}: expected an array of messages, got {}", place, list.kind());
  std::vector<ChatMessage> messages;
  for (size_t i = 0; i < entries->size(); ++i) {
    json::ObjectReader entry((*entries)[i], fmt::format("{}[{}]", place, i));
    ChatMessage message;
    if (entry.member("from"))
      message = {roleOf(entry.string("from")), entry.string("value")};
    else
      message = {entry.string("role"), entry.string("content")};
    if (holdsSomething(entry.member("tool_calls")))
      entry.fail("'tool_calls' are not written by the supported chat templates");
    if (Status status = entry.status(); !status)
      return status.error();
    messages.push_back(std::move(message));
  }
  return messages;
}

} // namespace ftc::runtime::text
