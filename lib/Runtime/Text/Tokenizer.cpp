#include "ftc/Runtime/Text/Tokenizer.h"

#include "Pipeline.h"
#include "TokenizerReader.h"
#include "Unicode.h"

#include <algorithm>

namespace ftc::runtime::text {

namespace {
constexpr size_t longestInput = size_t{64} << 20;
/// A character has at most four bytes, so no more tokens than these wait for its end.
constexpr size_t mostHeldBack = 4;
} // namespace

Expected<Tokenizer> Tokenizer::fromJson(std::string_view text, const std::string &file) {
  json::ParseOptions options;
  options.file = file;
  Expected<json::Value> root = json::parse(text, options);
  if (!root)
    return root.error();
  return TokenizerReader(*root, file).read();
}

Expected<Tokenizer> Tokenizer::fromFile(const std::string &path) {
  Expected<json::Value> root = json::parseFile(path);
  if (!root)
    return root.error();
  return TokenizerReader(*root, path).read();
}

Tokenizer::Tokenizer(std::unique_ptr<Pipeline> parts) : pipeline(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer &&) noexcept = default;
Tokenizer &Tokenizer::operator=(Tokenizer &&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Status Tokenizer::Pipeline::finish(const std::string &file) {
  if (Status status = nameIds(file); !status)
    return status;
  for (const AddedToken &token : addedTokens) {
    if (!token.normalized) {
      rawTokens.add(token.content, token);
      continue;
    }
    Passage pattern{token.content};
    if (normalizer)
      if (Status status = normalizer->apply(pattern); !status)
        return status;
    normalizedTokens.add(pattern.text, token);
    normalizedTexts.emplace(token.id, std::move(pattern.text));
  }
  for (const std::vector<int32_t> &ids : {postProcessor.before, postProcessor.after})
    for (int32_t id : ids)
      if (static_cast<size_t>(id) >= tokens.size() || !tokens[static_cast<size_t>(id)].data())
        return makeError(ExitStatus::Input, "{}: post_processor: {} is no token's id", file, id);
  return Status::success();
}

/// Every id has one token and every added token one id, which is the vocabulary's if it is there too.
Status Tokenizer::Pipeline::nameIds(const std::string &file) {
  size_t count = 0;
  for (const auto &[token, id] : model.vocabulary())
    count = std::max(count, static_cast<size_t>(id) + 1);
  for (const AddedToken &token : addedTokens)
    count = std::max(count, static_cast<size_t>(token.id) + 1);
  tokens.resize(count);
  special.resize(count);
  for (const auto &[token, id] : model.vocabulary()) {
    std::string_view &name = tokens[static_cast<size_t>(id)];
    if (name.data())
      return makeError(ExitStatus::Input, "{}: model.vocab: the tokens {} and {} have the same id {}", file,
                       quote(std::min<std::string_view>(name, token)), quote(std::max<std::string_view>(name, token)),
                       id);
    name = token;
  }
  for (const AddedToken &token : addedTokens) {
    std::string_view &name = tokens[static_cast<size_t>(token.id)];
    std::optional<int32_t> known = model.idOf(token.content);
    if ((name.data() && name != token.content) || (known && *known != token.id))
      return makeError(ExitStatus::Input, "{}: added_tokens: {} has id {}, but the vocabulary gives {}", file,
                       quote(token.content), token.id,
                       known ? fmt::format("it {}", *known) : fmt::format("that id to {}", quote(name)));
    if (!addedIds.emplace(token.content, token.id).second && addedIds.find(token.content)->second != token.id)
      return makeError(ExitStatus::Input, "{}: added_tokens: {} is listed twice", file, quote(token.content));
    name = token.content;
    special[static_cast<size_t>(token.id)] = token.special;
  }
  return Status::success();
}

Status Tokenizer::Pipeline::encodePassage(Passage passage, std::vector<int32_t> &ids) const {
  if (normalizer)
    if (Status status = normalizer->apply(passage); !status)
      return status;
  for (const Section &section : normalizedTokens.divide(passage.text)) {
    if (section.id != Section::text) {
      ids.push_back(section.id);
      continue;
    }
    bool first = section.begin == 0;
    Pieces pieces({passage.text.substr(section.begin, section.end - section.begin), !first || passage.opens, true,
                   first && passage.atStart});
    if (preTokenizer)
      if (Status status = preTokenizer->apply(pieces); !status)
        return status;
    for (size_t i = 0; i < pieces.list.size(); ++i)
      model.encode(pieces[i], ids);
  }
  return Status::success();
}

Expected<Encoding> Tokenizer::encodeSegments(std::span<const std::string_view> segments,
                                             const EncodeOptions &options) const {
  std::string input;
  std::vector<size_t> ends; // of each segment
  for (std::string_view segment : segments) {
    if (segment.size() > longestInput - input.size())
      return makeError(ExitStatus::Input, "a text of more than {} bytes cannot be encoded", longestInput);
    if (!isValidUtf8(segment))
      return makeError(ExitStatus::Input, "the text is not valid UTF-8");
    input += segment;
    ends.push_back(input.size());
  }
  Encoding encoding;
  auto closeSegment = [&](size_t segment) {
    encoding.segments.resize(encoding.ids.size(), static_cast<int32_t>(segment));
  };
  if (options.addSpecialTokens)
    encoding.ids = pipeline->postProcessor.before;
  closeSegment(0);
  size_t segment = 0;
  for (const Section &section : pipeline->rawTokens.divide(input)) {
    while (section.begin >= ends[segment])
      ++segment;
    if (section.id != Section::text) {
      encoding.ids.push_back(section.id);
      closeSegment(segment);
      continue;
    }
    for (size_t begin = section.begin; begin < section.end;) {
      while (begin >= ends[segment])
        ++segment;
      size_t end = std::min(section.end, ends[segment]);
      bool opens = begin == section.begin && !(begin == 0 && options.continues);
      Passage passage{input.substr(begin, end - begin), opens, end == section.end, begin == 0 && !options.continues};
      if (Status status = pipeline->encodePassage(std::move(passage), encoding.ids); !status)
        return status.error();
      closeSegment(segment);
      begin = end;
    }
  }
  if (options.addSpecialTokens) {
    const std::vector<int32_t> &after = pipeline->postProcessor.after;
    encoding.ids.insert(encoding.ids.end(), after.begin(), after.end());
  }
  closeSegment(segments.empty() ? 0 : segments.size() - 1);
  return encoding;
}

Expected<std::vector<int32_t>> Tokenizer::encode(std::string_view text, const EncodeOptions &options) const {
  Expected<Encoding> encoding = encodeSegments(std::span(&text, 1), options);
  if (!encoding)
    return encoding.error();
  return std::move(encoding->ids);
}

Expected<std::string> Tokenizer::decode(std::span<const int32_t> ids, bool skipSpecialTokens) const {
  std::vector<std::string> tokens;
  for (int32_t id : ids) {
    std::optional<std::string_view> token = tokenOf(id);
    if (!token || (skipSpecialTokens && isSpecial(id)))
      continue;
    auto normalized = pipeline->normalizedTexts.find(id);
    tokens.emplace_back(normalized == pipeline->normalizedTexts.end() ? *token : normalized->second);
  }
  if (pipeline->decoder)
    if (Status status = pipeline->decoder->apply(tokens); !status)
      return status.error();
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && !pipeline->decoder)
      text += ' ';
    text += tokens[i];
  }
  return text;
}

std::optional<int32_t> Tokenizer::idOf(std::string_view token) const {
  auto added = pipeline->addedIds.find(token);
  if (added != pipeline->addedIds.end())
    return added->second;
  return pipeline->model.idOf(token);
}

std::optional<std::string_view> Tokenizer::tokenOf(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= pipeline->tokens.size() || !pipeline->tokens[static_cast<size_t>(id)].data())
    return std::nullopt;
  return pipeline->tokens[static_cast<size_t>(id)];
}

std::span<const int32_t> Tokenizer::tokensBefore() const { return pipeline->postProcessor.before; }
std::span<const int32_t> Tokenizer::tokensAfter() const { return pipeline->postProcessor.after; }

bool Tokenizer::isSpecial(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < pipeline->special.size() && pipeline->special[static_cast<size_t>(id)];
}

int64_t Tokenizer::vocabularySize() const { return static_cast<int64_t>(pipeline->tokens.size()); }

Expected<std::string> StreamDecoder::push(int32_t id) {
  if (skipSpecialTokens && tokenizer->isSpecial(id))
    return std::string();
  window.push_back(id);
  return take(false);
}

Expected<std::string> StreamDecoder::finish() { return take(true); }

Expected<std::string> StreamDecoder::take(bool all) {
  std::span<const int32_t> ids = window;
  Expected<std::string> whole = tokenizer->decode(ids, skipSpecialTokens);
  Expected<std::string> before = tokenizer->decode(ids.first(printed), skipSpecialTokens);
  Expected<std::string> fresh = tokenizer->decode(ids.subspan(printed), skipSpecialTokens);
  if (!whole || !before || !fresh)
    return !whole ? whole : !before ? before : fresh;
  if (!all && whole->ends_with(replacementCharacter) && ids.size() - printed < mostHeldBack)
    return std::string();
  std::string text = whole->starts_with(*before) ? whole->substr(before->size()) : *fresh;
  // What was printed stays as context, because a first token may be decoded otherwise than a later one.
  if (!fresh->empty())
    window.erase(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(printed));
  printed = window.size();
  return text;
}

} // namespace ftc::runtime::text
