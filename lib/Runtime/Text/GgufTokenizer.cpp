#include "GgufTokenizer.h"

#include "Unicode.h"
#include "ftc/Runtime/Text/TextCodec.h"

namespace ftc::runtime::text {

namespace {

/// Values of `tokenizer.ggml.token_type` (llama.cpp, include/llama.h).
enum TokenType : int64_t { Control = 3, UserDefined = 4 };

/// A way of splitting a text, as parts of a tokenizer.json.
struct Split {
  std::string_view name;
  std::string_view normalizer;
  std::string_view preTokenizer;
  bool ignoreMerges;
};

constexpr Split splits[] = {
#define FTC_GGUF_SPLIT(Name, Normalizer, PreTokenizer, IgnoreMerges) {Name, Normalizer, PreTokenizer, IgnoreMerges},
#include "GgufSplits.def"
};

/// Reads the metadata of one file and keeps the first mistake.
class GgufReader {
public:
  explicit GgufReader(const GgufFile &file) : file(file) {}

  Expected<json::Value> read();
  std::optional<std::string> namedToken(const std::string &key);
  Status status() const { return mistake ? Status(*mistake) : Status::success(); }

private:
  const Split *readSplit();
  const std::vector<std::string_view> &strings(const std::string &key);
  json::Value vocabulary();
  json::Value merges();
  json::Value addedTokens();
  json::Value postProcessor();
  bool flag(const std::string &key) const;

  template <typename... Args> void fail(fmt::format_string<Args...> format, Args &&...args) {
    if (!mistake)
      mistake = makeError(ExitStatus::Input, "{}: {}", file.path(), fmt::format(format, std::forward<Args>(args)...));
  }

  const GgufFile &file;
  std::optional<Error> mistake;
};

const Split *GgufReader::readSplit() {
  auto text = [&](const std::string &key) {
    const GgufValue *value = file.metadata(key);
    return std::string(value ? value->asString().value_or("") : "");
  };
  std::string model = text("tokenizer.ggml.model"), name = text("tokenizer.ggml.pre");
  if (model != "gpt2")
    fail("tokenizer.ggml.model is {}; supported is 'gpt2' (byte-level byte-pair encoding)", quote(model));
  std::string known;
  for (const Split &split : splits) {
    if (split.name == name)
      return &split;
    known += fmt::format("{}'{}'", known.empty() ? "" : ", ", split.name);
  }
  fail("tokenizer.ggml.pre is {}; supported are {}", quote(name), known);
  return nullptr;
}

const std::vector<std::string_view> &GgufReader::strings(const std::string &key) {
  static const std::vector<std::string_view> none;
  const GgufValue *value = file.metadata(key);
  const std::vector<std::string_view> *list = value && value->asArray() ? value->asArray()->strings() : nullptr;
  if (!list)
    fail("the metadata lacks {}, an array of strings", key);
  return list ? *list : none;
}

json::Value GgufReader::vocabulary() {
  json::Object entries;
  const std::vector<std::string_view> &tokens = strings("tokenizer.ggml.tokens");
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!isValidUtf8(tokens[id]))
      fail("tokenizer.ggml.tokens[{}]: {} is not valid UTF-8", id, quote(tokens[id]));
    entries.push_back({std::string(tokens[id]), static_cast<int64_t>(id)});
  }
  return entries;
}

json::Value GgufReader::merges() {
  json::Array lines;
  for (std::string_view merge : strings("tokenizer.ggml.merges"))
    lines.emplace_back(merge);
  return lines;
}

json::Value GgufReader::addedTokens() {
  json::Array added;
  const std::vector<std::string_view> &tokens = strings("tokenizer.ggml.tokens");
  const GgufValue *value = file.metadata("tokenizer.ggml.token_type");
  const GgufArray *types = value ? value->asArray() : nullptr;
  if (types && types->size() != tokens.size())
    fail("tokenizer.ggml.token_type has {} elements for {} tokens", types->size(), tokens.size());
  for (size_t id = 0; types && !mistake && id < tokens.size(); ++id) {
    std::optional<int64_t> type = (*types)[id].asInteger();
    if (type != Control && type != UserDefined)
      continue;
    added.emplace_back(json::makeObject("id", static_cast<int64_t>(id), "content", tokens[id], "single_word", false,
                                        "lstrip", false, "rstrip", false, "normalized", false, "special",
                                        type == Control));
  }
  return added;
}

bool GgufReader::flag(const std::string &key) const {
  const GgufValue *value = file.metadata(key);
  return value && value->asBool().value_or(false);
}

std::optional<std::string> GgufReader::namedToken(const std::string &key) {
  const GgufValue *value = file.metadata(key);
  if (!value)
    return std::nullopt;
  const std::vector<std::string_view> &tokens = strings("tokenizer.ggml.tokens");
  std::optional<int64_t> id = value->asInteger();
  if (!id || *id < 0 || static_cast<size_t>(*id) >= tokens.size()) {
    fail("{} is no token's id", key);
    return std::nullopt;
  }
  return std::string(tokens[static_cast<size_t>(*id)]);
}

json::Value GgufReader::postProcessor() {
  json::Array single, pair;
  json::Object special;
  auto add = [&](const std::string &name) {
    std::string key = "tokenizer.ggml." + name + "_token_id";
    std::optional<std::string> token = namedToken(key);
    if (!token)
      return fail("tokenizer.ggml.add_{}_token is true, but {} is missing", name, key);
    json::Value entry = json::makeObject("SpecialToken", json::makeObject("id", *token, "type_id", 0));
    single.push_back(entry);
    pair.push_back(entry);
    json::Array ids(1, *file.metadata(key)->asInteger()), tokens(1, *token);
    special.push_back({*token, json::makeObject("id", *token, "ids", std::move(ids), "tokens", std::move(tokens))});
  };
  auto addText = [](json::Array &list, const char *id) {
    list.emplace_back(json::makeObject("Sequence", json::makeObject("id", id, "type_id", 0)));
  };
  bool begins = flag("tokenizer.ggml.add_bos_token"), ends = flag("tokenizer.ggml.add_eos_token");
  if (!begins && !ends)
    return nullptr;
  if (begins)
    add("bos");
  addText(single, "A");
  addText(pair, "A");
  addText(pair, "B");
  if (ends)
    add("eos");
  return json::makeObject("type", "TemplateProcessing", "single", single, "pair", pair, "special_tokens", special);
}

Expected<json::Value> GgufReader::read() {
  const Split *split = readSplit();
  if (!split)
    return *mistake;
  auto part = [&](std::string_view text) -> json::Value {
    Expected<json::Value> value = json::parse(text, {});
    if (!value)
      fail("{}", value.error().message);
    return value ? std::move(*value) : json::Value();
  };
  // In this order: of several mistakes the first is told.
  auto tokens = vocabulary();
  auto pairs = merges();
  json::Object model =
      json::makeObject("type", "BPE", "dropout", nullptr, "unk_token", nullptr, "continuing_subword_prefix", nullptr,
                       "end_of_word_suffix", nullptr, "fuse_unk", false, "byte_fallback", false, "ignore_merges",
                       split->ignoreMerges, "vocab", std::move(tokens), "merges", std::move(pairs));
  json::Object decoder =
      json::makeObject("type", "ByteLevel", "add_prefix_space", true, "trim_offsets", true, "use_regex", true);
  json::Value added = addedTokens(), normalizer = part(split->normalizer), preTokenizer = part(split->preTokenizer);
  json::Value processor = postProcessor();
  json::Object root =
      json::makeObject("version", "1.0", "truncation", nullptr, "padding", nullptr, "added_tokens", std::move(added),
                       "normalizer", std::move(normalizer), "pre_tokenizer", std::move(preTokenizer), "post_processor",
                       std::move(processor), "decoder", std::move(decoder), "model", std::move(model));
  if (mistake)
    return *mistake;
  return json::Value(std::move(root));
}

} // namespace

Expected<json::Value> tokenizerJsonOfGguf(const GgufFile &file) { return GgufReader(file).read(); }

Expected<std::optional<std::string>> namedTokenOfGguf(const GgufFile &file, const std::string &key) {
  GgufReader reader(file);
  std::optional<std::string> token = reader.namedToken(key);
  if (Status status = reader.status(); !status)
    return status.error();
  return token;
}

Expected<std::vector<NamedText>> tokenizerFilesOfGguf(const GgufFile &file) {
  Expected<json::Value> tokenizer = tokenizerJsonOfGguf(file);
  if (!tokenizer)
    return tokenizer.error();
  json::Object config =
      json::makeObject("tokenizer_class", "PreTrainedTokenizerFast", "clean_up_tokenization_spaces", false);
  static constexpr std::pair<const char *, const char *> roles[] = {{"bos_token", "tokenizer.ggml.bos_token_id"},
                                                                    {"eos_token", "tokenizer.ggml.eos_token_id"},
                                                                    {"unk_token", "tokenizer.ggml.unknown_token_id"},
                                                                    {"pad_token", "tokenizer.ggml.padding_token_id"}};
  for (const auto &[role, key] : roles) {
    Expected<std::optional<std::string>> token = namedTokenOfGguf(file, key);
    if (!token)
      return token.error();
    if (*token)
      config.push_back({role, **token});
  }
  const GgufValue *chat = file.metadata("tokenizer.chat_template");
  if (chat && chat->asString())
    config.push_back({"chat_template", *chat->asString()});
  return std::vector<NamedText>{{"tokenizer.json", json::dump(*tokenizer, 2) + "\n"},
                                {"tokenizer_config.json", json::dump(config, 2) + "\n"}};
}

} // namespace ftc::runtime::text
