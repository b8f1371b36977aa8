//===- TextCodec.h - all that a model needs to read and write text -*- C++ -*-===//

#ifndef FTC_RUNTIME_TEXT_TEXTCODEC_H
#define FTC_RUNTIME_TEXT_TEXTCODEC_H

#include "ftc/Runtime/IO/Gguf.h"
#include "ftc/Runtime/Text/ChatTemplate.h"
#include "ftc/Runtime/Text/Tokenizer.h"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ftc::runtime::text {

/// A model's tokenizer, the tokens with a task of their own, and its chat template.
class TextCodec {
public:
  /// Reads tokenizer.json and, where they exist, tokenizer_config.json, special_tokens_map.json,
  /// generation_config.json, config.json and chat_template.jinja of a Hugging Face directory.
  static Expected<TextCodec> fromDirectory(const std::string &path);
  /// Reads the metadata `tokenizer.*` of a GGUF file.
  static Expected<TextCodec> fromGguf(const GgufFile &file);

  const Tokenizer &tokenizer() const { return pieces; }
  std::optional<int32_t> beginToken() const { return begin; }
  /// The token that ends a text.
  std::optional<int32_t> endToken() const { return end; }
  /// Tokens at which generation stops; the end token is one of them.
  const std::vector<int32_t> &stopTokens() const { return stops; }

  bool hasChatTemplate() const { return !chatSource.empty(); }
  /// Fails if the model has no template, or one of a form that is not supported.
  Expected<ChatTemplate> chatTemplate() const;

private:
  explicit TextCodec(Tokenizer tokenizer) : pieces(std::move(tokenizer)) {}

  Status readConfigurations(const std::string &folder);
  void addStop(std::optional<int32_t> token);

  std::string origin; // for messages
  Tokenizer pieces;
  std::optional<int32_t> begin, end;
  std::vector<int32_t> stops;
  std::string chatSource;
};

/// A file of a Hugging Face directory: its name and its content.
using NamedText = std::pair<std::string, std::string>;

/// tokenizer.json and tokenizer_config.json of a GGUF file's tokenizer.
Expected<std::vector<NamedText>> tokenizerFilesOfGguf(const GgufFile &file);

/// Names of the files of a Hugging Face directory that belong to its tokenizer: a saved model takes them along.
inline constexpr std::array<std::string_view, 9> tokenizerFileNames = {"tokenizer.json",
                                                                       "tokenizer_config.json",
                                                                       "special_tokens_map.json",
                                                                       "generation_config.json",
                                                                       "added_tokens.json",
                                                                       "chat_template.jinja",
                                                                       "vocab.json",
                                                                       "merges.txt",
                                                                       "tokenizer.model"};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_TEXTCODEC_H
