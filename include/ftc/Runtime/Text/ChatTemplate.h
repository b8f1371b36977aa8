//===- ChatTemplate.h - conversations as text -------------------*- C++ -*-===//
//
// A model says how it wants to see a conversation by a template in the language Jinja. Templates are recognised by
// their text, as one of a table of forms (ChatForms.def); none is executed. The interface is that of an evaluator,
// which may take the table's place.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_TEXT_CHATTEMPLATE_H
#define FTC_RUNTIME_TEXT_CHATTEMPLATE_H

#include "ftc/Runtime/Core/Status.h"
#include "ftc/Runtime/IO/Json.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::runtime::text {

struct ChatMessage {
  std::string role;
  std::string content;
};

/// A stretch of the rendered conversation.
struct ChatSegment {
  std::string text;
  /// It is what the model is to produce: the content of an assistant's turn and the token that ends it.
  bool answer = false;
};

class ChatTemplate {
public:
  /// Recognises the form of a template. `origin` names the model in messages.
  static Expected<ChatTemplate> parse(std::string_view source, const std::string &origin);

  /// Renders a conversation; with `addGenerationPrompt`, as far as where the assistant's answer begins. The segments
  /// joined are what `transformers` renders.
  std::vector<ChatSegment> render(std::span<const ChatMessage> messages, bool addGenerationPrompt) const;

private:
  std::string defaultSystem; // what is said when the first message is no system message; empty: nothing
};

/// The messages of a JSON array, each with `role` and `content` or, in ShareGPT's way, `from` and `value`. `place`
/// names the array in messages of errors.
Expected<std::vector<ChatMessage>> readChatMessages(const json::Value &list, const std::string &place);

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_CHATTEMPLATE_H
