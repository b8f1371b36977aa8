#include "TokenizerReader.h"

namespace ftc::runtime::text {

Expected<Tokenizer> TokenizerReader::read() {
  readParts();
  if (const json::Value *model = root.required("model"))
    readModel(*model);
  readAddedTokens();
  if (root.status())
    root.fail(pipeline->finish(file));
  if (Status status = root.status(); !status)
    return status.error();
  return Tokenizer(std::move(pipeline));
}

void TokenizerReader::readParts() {
  auto part = [&](std::string_view key, auto read, auto &into) {
    const json::Value *value = root.member(key);
    if (!value || !root.status())
      return;
    auto made = read(*value, root.placeOf(key));
    if (made)
      into = std::move(*made);
    else
      root.fail(Status(made.error()));
  };
  part("normalizer", readNormalizer, pipeline->normalizer);
  part("pre_tokenizer", readPreTokenizer, pipeline->preTokenizer);
  part("post_processor", readPostProcessor, pipeline->postProcessor);
  part("decoder", readDecoder, pipeline->decoder);
}

void TokenizerReader::readModel(const json::Value &value) {
  json::ObjectReader model(value, root.placeOf("model"));
  // Files of older versions do not name the type of a byte-pair model.
  std::string type = model.optionalString("type").value_or(model.member("merges") ? "BPE" : "");
  if (type != "BPE")
    model.fail(fmt::format("type {} is not supported; supported is BPE", quote(type)));
  if (const json::Value *dropout = model.member("dropout"); dropout && dropout->asNumber() != 0.0)
    model.fail("'dropout' is not supported: the same text would have other tokens each time");
  BytePairOptions options;
  options.continuingSubwordPrefix = model.optionalString("continuing_subword_prefix").value_or("");
  options.endOfWordSuffix = model.optionalString("end_of_word_suffix").value_or("");
  options.unkToken = model.optionalString("unk_token");
  options.fuseUnk = model.boolean("fuse_unk", false);
  options.byteFallback = model.boolean("byte_fallback", false);
  options.ignoreMerges = model.boolean("ignore_merges", false);

  const json::Value *vocabulary = model.status() ? model.required("vocab") : nullptr;
  const json::Object *entries = vocabulary ? vocabulary->asObject() : nullptr;
  if (!entries)
    model.fail("'vocab' is not an object");
  TokenMap tokens;
  tokens.reserve(entries ? entries->size() : 0);
  for (size_t i = 0; entries && i < entries->size() && model.status(); ++i) {
    const auto &[token, number] = (*entries)[i];
    std::optional<int64_t> id = number.asInteger();
    if (!id || *id < 0 || *id > largestId)
      model.fail(fmt::format("the id of token {} is not an integer from 0 to {}", quote(token), largestId));
    else if (!tokens.emplace(token, static_cast<int32_t>(*id)).second)
      model.fail(fmt::format("the token {} is listed twice", quote(token)));
  }
  if (options.unkToken && model.status() && !tokens.contains(*options.unkToken))
    model.fail(fmt::format("'unk_token' {} is not in the vocabulary", quote(*options.unkToken)));
  pipeline->model = BytePairModel(std::move(tokens), std::move(options));
  if (model.status())
    readMerges(model);
  root.fail(model.status());
}

void TokenizerReader::readMerges(json::ObjectReader &model) {
  const json::Array &merges = model.array("merges");
  for (size_t i = 0; i < merges.size() && root.status(); ++i)
    readMerge(merges[i], fmt::format("{}.merges[{}]", model.place(), i));
}

void TokenizerReader::readMerge(const json::Value &merge, const std::string &place) {
  std::string_view left, right;
  const json::Array *pair = merge.asArray();
  if (const std::string *line = merge.asString()) {
    if (line->starts_with("#version"))
      return;
    size_t blank = line->find(' ');
    left = std::string_view(*line).substr(0, blank);
    right = blank == line->npos ? "" : std::string_view(*line).substr(blank + 1);
  } else if (pair && pair->size() == 2 && (*pair)[0].asString() && (*pair)[1].asString()) {
    left = *(*pair)[0].asString();
    right = *(*pair)[1].asString();
  }
  if (left.empty() || right.empty() || (!pair && right.find(' ') != right.npos))
    return root.fail(Status(makeError(ExitStatus::Input, "{}: expected two tokens", place)));
  std::string missing;
  if (!pipeline->model.addMerge(left, right, missing))
    root.fail(Status(makeError(ExitStatus::Input, "{}: {} is not in the vocabulary", place, quote(missing))));
}

void TokenizerReader::readAddedTokens() {
  const json::Value *list = root.member("added_tokens");
  if (!list || !root.status())
    return;
  const json::Array &entries = root.array("added_tokens");
  for (size_t i = 0; i < entries.size() && root.status(); ++i) {
    json::ObjectReader entry(entries[i], fmt::format("{}[{}]", root.placeOf("added_tokens"), i));
    AddedToken token;
    token.id = static_cast<int32_t>(entry.integer("id", 0, largestId));
    token.content = entry.string("content");
    token.singleWord = entry.boolean("single_word", false);
    token.lstrip = entry.boolean("lstrip", false);
    token.rstrip = entry.boolean("rstrip", false);
    token.special = entry.boolean("special", false);
    token.normalized = entry.boolean("normalized", !token.special);
    if (token.content.empty())
      entry.fail("'content' is empty");
    root.fail(entry.status());
    pipeline->addedTokens.push_back(std::move(token));
  }
}

} // namespace ftc::runtime::text
