#include "ftc/Runtime/Text/TextCodec.h"

#include "GgufTokenizer.h"
#include "TokenizerReader.h"
#include "Unicode.h"
#include "ftc/Runtime/Core/File.h"

#include <algorithm>
#include <filesystem>

namespace ftc::runtime::text {

namespace {

constexpr uint64_t largestConfiguration = uint64_t{4} << 20;

/// The object in a JSON file of a model's folder; null if there is no such file.
Expected<json::Value> readOptional(const std::string &folder, std::string_view name) {
  std::string path = folder + "/" + std::string(name);
  std::error_code missing;
  if (!std::filesystem::exists(path, missing))
    return json::Value();
  Expected<json::Value> value = json::parseFile(path, largestConfiguration);
  if (value && !value->asObject())
    return makeError(ExitStatus::Input, "{}: expected an object, got {}", path, value->kind());
  return value;
}

/// A token written as a string or as an object with `content`.
const std::string *tokenText(const json::Value *value) {
  if (value && value->asObject())
    value = value->find("content");
  return value ? value->asString() : nullptr;
}

/// The template itself, or of a list of named ones that which is called `default`.
std::string templateText(const json::Value *value) {
  if (value && value->asString())
    return *value->asString();
  const json::Array *list = value ? value->asArray() : nullptr;
  for (size_t i = 0; list && i < list->size(); ++i) {
    const json::Value *name = (*list)[i].find("name"), *source = (*list)[i].find("template");
    if (name && name->asString() && *name->asString() == "default" && source && source->asString())
      return *source->asString();
  }
  return "";
}

/// An id, or the elements of an array of ids.
std::vector<int32_t> idsOf(const json::Value *value) {
  std::vector<int32_t> ids;
  auto add = [&](const json::Value &number) {
    std::optional<int64_t> id = number.asInteger();
    if (id && *id >= 0 && *id <= largestId)
      ids.push_back(static_cast<int32_t>(*id));
  };
  if (value && value->asArray())
    for (const json::Value &number : *value->asArray())
      add(number);
  else if (value)
    add(*value);
  return ids;
}

} // namespace

Expected<TextCodec> TextCodec::fromDirectory(const std::string &path) {
  Expected<Tokenizer> tokenizer = Tokenizer::fromFile(path + "/tokenizer.json");
  if (!tokenizer)
    return tokenizer.error();
  TextCodec codec(std::move(*tokenizer));
  codec.origin = path;
  if (Status status = codec.readConfigurations(path); !status)
    return status.error();
  return codec;
}

Status TextCodec::readConfigurations(const std::string &folder) {
  for (std::string_view name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    Expected<json::Value> config = readOptional(folder, name);
    if (!config)
      return config.error();
    for (auto [key, into] : {std::pair{"bos_token", &begin}, std::pair{"eos_token", &end}}) {
      const std::string *token = tokenText(config->find(key));
      if (!token || *into)
        continue;
      *into = pieces.idOf(*token);
      if (!*into)
        return makeError(ExitStatus::Input, "{}/{}: {}: {} is no token of tokenizer.json", folder, name, key,
                         quote(*token));
    }
    if (chatSource.empty())
      chatSource = templateText(config->find("chat_template"));
  }
  addStop(end);
  for (std::string_view name : {"generation_config.json", "config.json"}) {
    Expected<json::Value> config = readOptional(folder, name);
    if (!config)
      return config.error();
    for (int32_t id : idsOf(config->find("eos_token_id")))
      addStop(id);
    if (std::vector<int32_t> ids = idsOf(config->find("bos_token_id")); !begin && !ids.empty())
      begin = ids.front();
  }
  if (!end && !stops.empty())
    end = stops.front();
  std::string jinja = folder + "/chat_template.jinja";
  std::error_code missing;
  if (!std::filesystem::exists(jinja, missing))
    return Status::success();
  Expected<std::string> text = readFile(jinja, largestConfiguration);
  if (!text)
    return text.error();
  chatSource = std::move(*text);
  return Status::success();
}

Expected<TextCodec> TextCodec::fromGguf(const GgufFile &file) {
  Expected<json::Value> value = tokenizerJsonOfGguf(file);
  if (!value)
    return value.error();
  Expected<Tokenizer> tokenizer = TokenizerReader(*value, file.path()).read();
  if (!tokenizer)
    return tokenizer.error();
  TextCodec codec(std::move(*tokenizer));
  codec.origin = file.path();
  auto idOf = [&](const std::string &key) -> std::optional<int32_t> {
    const GgufValue *number = file.metadata(key);
    std::optional<int64_t> id = number ? number->asInteger() : std::nullopt;
    if (!id || *id < 0 || *id >= codec.pieces.vocabularySize())
      return std::nullopt;
    return static_cast<int32_t>(*id);
  };
  codec.begin = idOf("tokenizer.ggml.bos_token_id");
  codec.end = idOf("tokenizer.ggml.eos_token_id");
  codec.addStop(codec.end);
  codec.addStop(idOf("tokenizer.ggml.eot_token_id"));
  const GgufValue *chat = file.metadata("tokenizer.chat_template");
  codec.chatSource = std::string(chat ? chat->asString().value_or("") : "");
  return codec;
}

void TextCodec::addStop(std::optional<int32_t> token) {
  if (token && std::find(stops.begin(), stops.end(), *token) == stops.end())
    stops.push_back(*token);
}

Expected<ChatTemplate> TextCodec::chatTemplate() const {
  if (chatSource.empty())
    return makeError(ExitStatus::Input, "{}: the model has no chat template", origin);
  return ChatTemplate::parse(chatSource, origin);
}

} // namespace ftc::runtime::text
