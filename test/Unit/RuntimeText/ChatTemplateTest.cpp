// Conversations are rendered as `transformers` renders them with the model's template.

#include "ftc/Runtime/Text/ChatTemplate.h"
#include "ftc/Runtime/Core/File.h"

#include <gtest/gtest.h>

#include <sstream>

using namespace ftc::runtime;
using namespace ftc::runtime::text;

namespace {

std::string read(const std::string &name) {
  Expected<std::string> content = readFile(FTC_TEST_DATA "/chat/" + name, 1 << 20);
  EXPECT_TRUE(bool(content)) << content.error().message;
  return content ? *content : "";
}

ChatTemplate parse(const std::string &source) {
  Expected<ChatTemplate> chat = ChatTemplate::parse(source, "model");
  EXPECT_TRUE(bool(chat)) << chat.error().message;
  return chat ? *chat : ChatTemplate();
}

std::string join(const std::vector<ChatSegment> &segments) {
  std::string text;
  for (const ChatSegment &segment : segments)
    text += segment.text;
  return text;
}

/// Role and content alone, which is all that these templates use.
json::Value withoutToolCalls(const json::Value &messages) {
  json::Array plain;
  for (const json::Value &message : *messages.asArray())
    plain.push_back(json::makeObject("role", *message.find("role"), "content", *message.find("content")));
  return plain;
}

class GoldenChat : public testing::TestWithParam<const char *> {};

} // namespace

TEST_P(GoldenChat, rendersTheCases) {
  std::string folder = GetParam();
  ChatTemplate chat = parse(read(folder + "/template.jinja"));
  std::istringstream lines(read(folder + "/cases.jsonl"));
  int rendered = 0, refused = 0;
  for (std::string line; std::getline(lines, line);) {
    json::Value row = std::move(*json::parse(line, {}));
    Expected<std::vector<ChatMessage>> messages = readChatMessages(withoutToolCalls(*row.find("messages")), "messages");
    if (row.find("error")) {
      EXPECT_FALSE(bool(messages)) << line;
      ++refused;
      continue;
    }
    ASSERT_TRUE(bool(messages)) << messages.error().message;
    EXPECT_EQ(join(chat.render(*messages, *row.find("add_generation_prompt")->asBool())),
              *row.find("rendered")->asString());
    ++rendered;
  }
  EXPECT_EQ(rendered, 21);
  EXPECT_EQ(refused, 2);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenChat, testing::Values("smollm2", "chatml"),
                         [](const auto &info) { return std::string(info.param); });

TEST(ChatTemplate, accidentsOfWritingDoNotMatter) {
  std::vector<ChatMessage> messages = {{"user", "a"}};
  for (const char *source :
       {"{%- for message in messages -%}\n  {{- '<|im_start|>' + message.role + '\\n' + message.content + "
        "'<|im_end|>' + '\\n' -}}{%- endfor -%}\n{%- if add_generation_prompt -%}\n  {{- "
        "'<|im_start|>assistant\\n' -}}\n{%- endif -%}\n",
        "{% for message in messages %}{{\"<|im_start|>\" + message[\"role\"] + \"\\n\" + message[\"content\"] + "
        "\"<|im_end|>\" + \"\\n\"}}{% endfor %}{% if add_generation_prompt %}{{ \"<|im_start|>assistant\\n\" }}{% "
        "endif "
        "%}"})
    EXPECT_EQ(join(parse(source).render(messages, true)), "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatTemplate, answersAreMarked) {
  ChatTemplate chat = parse(read("chatml/template.jinja"));
  std::vector<ChatMessage> messages = {{"user", "q"}, {"assistant", "a"}, {"user", "r"}};
  std::vector<ChatSegment> segments = chat.render(messages, false);
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].text, "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_FALSE(segments[0].answer);
  EXPECT_EQ(segments[1].text, "a<|im_end|>");
  EXPECT_TRUE(segments[1].answer);
  EXPECT_EQ(segments[2].text, "\n<|im_start|>user\nr<|im_end|>\n");
  EXPECT_FALSE(segments[2].answer);
}

TEST(ChatTemplate, otherTemplatesAreRefused) {
  std::string chatml = read("chatml/template.jinja");
  for (std::string source : {std::string(), std::string("{{ messages }}"), std::string("{%"), std::string("{{ '"),
                             chatml + "{{ eos_token }}", "x" + chatml, std::string(70000, 'x')}) {
    Expected<ChatTemplate> chat = ChatTemplate::parse(source, "models/tiny");
    ASSERT_FALSE(bool(chat)) << source;
    EXPECT_EQ(chat.error().status, ExitStatus::Input);
    EXPECT_TRUE(chat.error().message.starts_with("models/tiny: ")) << chat.error().message;
  }
}

TEST(ChatMessages, readsShareGpt) {
  auto value =
      json::parse(R"([{"from":"human","value":"a"},{"from":"gpt","value":"b"},{"from":"system","value":"c"}])", {});
  Expected<std::vector<ChatMessage>> messages = readChatMessages(*value, "conversations");
  ASSERT_TRUE(bool(messages)) << messages.error().message;
  EXPECT_EQ((*messages)[0].role, "user");
  EXPECT_EQ((*messages)[1].role, "assistant");
  EXPECT_EQ((*messages)[2].role, "system");
  EXPECT_EQ((*messages)[1].content, "b");
}

TEST(ChatMessages, mistakesAreNamed) {
  auto messageOf = [](const char *text) {
    auto value = json::parse(text, {});
    return readChatMessages(*value, "x.jsonl:3: messages").error().message;
  };
  EXPECT_EQ(messageOf("{}"), "x.jsonl:3: messages: expected an array of messages, got an object");
  EXPECT_EQ(messageOf("[3]"), "x.jsonl:3: messages[0]: expected an object, got an integer");
  EXPECT_EQ(messageOf(R"([{"role":"user"}])"), "x.jsonl:3: messages[0]: 'content' is missing");
  EXPECT_EQ(messageOf(R"([{"role":"user","content":"a"},{"role":1,"content":"a"}])"),
            "x.jsonl:3: messages[1].role: expected a string, got 1");
  EXPECT_EQ(messageOf(R"([{"role":"assistant","content":"","tool_calls":[{}]}])"),
            "x.jsonl:3: messages[0]: 'tool_calls' are not written by the supported chat templates");
}
